"""The dialog for the size of the canvas."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from poseapp.core.document import MAX_CANVAS_PX, Document

_USUAL = (
    ("Square", 768, 768),
    ("Square, small", 512, 512),
    ("Square, large", 1024, 1024),
    ("Portrait", 768, 1024),
    ("Landscape", 1024, 768),
    ("Full HD", 1920, 1080),
)


class CanvasSizeDialog(QDialog):
    """Asks for width and height."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self.setWindowTitle("Canvas size")
        width, height = document.size
        self.width_spin = self._spin("Width of the canvas, px", width)
        self.height_spin = self._spin("Height of the canvas, px", height)
        self._usual = QComboBox()
        self._usual.setAccessibleName("Usual sizes")
        self._usual.addItem("Custom", None)
        for name, wide, high in _USUAL:
            self._usual.addItem(f"{name} ({wide} × {high})", (wide, high))
        if document.photo is not None:
            self._usual.addItem("Size of the photo", document.photo.size)
        self._usual.activated.connect(self._on_usual)
        self._keep = QCheckBox("Keep proportions")
        self._keep.setChecked(document.photo is not None)
        self._scale = QCheckBox("Scale people along")
        self._scale.setChecked(bool(document.people))
        self._scale.setEnabled(bool(document.people))
        self.width_spin.valueChanged.connect(self._on_width)
        self.height_spin.valueChanged.connect(self._on_height)

        size = QHBoxLayout()
        size.addWidget(self.width_spin)
        size.addWidget(QLabel("×"))
        size.addWidget(self.height_spin)
        size.addWidget(QLabel("px"))
        form = QFormLayout()
        form.addRow("&Usual sizes:", self._usual)
        label = QLabel("&Size:")
        label.setBuddy(self.width_spin)
        form.addRow(label, size)
        form.addRow("", self._keep)
        form.addRow("", self._scale)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addLayout(form)
        column.addWidget(buttons)

    def _spin(self, name: str, value: int) -> QSpinBox:
        spin = QSpinBox()
        spin.setRange(16, MAX_CANVAS_PX)
        spin.setValue(value)
        spin.setAccessibleName(name)
        return spin

    @property
    def size_px(self) -> tuple[int, int]:
        """(width, height) px."""
        return self.width_spin.value(), self.height_spin.value()

    @property
    def scales_people(self) -> bool:
        """People grow or shrink along."""
        return self._scale.isChecked() and self._scale.isEnabled()

    def _put(self, spin: QSpinBox, value: float) -> None:
        spin.blockSignals(True)
        spin.setValue(round(value))
        spin.blockSignals(False)

    @Slot(int)
    def _on_width(self, width: int) -> None:
        self._usual.setCurrentIndex(0)
        if self._keep.isChecked():
            self._put(self.height_spin, width * self._document.size[1] / self._document.size[0])

    @Slot(int)
    def _on_height(self, height: int) -> None:
        self._usual.setCurrentIndex(0)
        if self._keep.isChecked():
            self._put(self.width_spin, height * self._document.size[0] / self._document.size[1])

    @Slot(int)
    def _on_usual(self, place: int) -> None:
        size = self._usual.itemData(place)
        if size is not None:
            self._put(self.width_spin, size[0])
            self._put(self.height_spin, size[1])
