"""The settings dialog; every change takes effect at once."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from poseapp.core.document import MAX_CANVAS_PX
from poseapp.state.settings import BACKDROPS, THEMES, Settings

_THEME_TITLES = {"system": "As the system", "light": "Light", "dark": "Dark"}


def _form(page: QWidget) -> QFormLayout:
    form = QFormLayout(page)
    form.setContentsMargins(16, 16, 16, 16)
    form.setHorizontalSpacing(16)
    form.setVerticalSpacing(10)
    return form


def _hint(text: str) -> QLabel:
    label = QLabel(text)
    label.setObjectName("hint")
    label.setWordWrap(True)
    return label


class SettingsDialog(QDialog):
    """Theme, canvas, autosave and word vectors."""

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self.setWindowTitle("Settings")
        self.setMinimumWidth(480)
        tabs = QTabWidget()
        tabs.addTab(self._general(), "General")
        tabs.addTab(self._canvas(), "Canvas")
        tabs.addTab(self._models(), "Models")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.accept)
        column = QVBoxLayout(self)
        column.addWidget(tabs, 1)
        column.addWidget(buttons)

    # -- pages -------------------------------------------------------------------------------
    def _general(self) -> QWidget:
        page = QWidget()
        form = _form(page)
        self.theme = QComboBox()
        for name in THEMES:
            self.theme.addItem(_THEME_TITLES[name], name)
        self.theme.setCurrentIndex(THEMES.index(self._settings.theme))
        self.theme.activated.connect(self._on_theme)
        self.autosave = QSpinBox()
        self.autosave.setRange(0, 600)
        self.autosave.setSuffix(" s")
        self.autosave.setSpecialValueText("off")
        self.autosave.setValue(self._settings.autosave_s)
        self.autosave.valueChanged.connect(self._on_autosave)
        form.addRow("&Theme:", self.theme)
        form.addRow("&Autosave after:", self.autosave)
        form.addRow(
            "", _hint("Unsaved work is copied to a recovery file and offered back after a crash.")
        )
        return page

    def _canvas(self) -> QWidget:
        page = QWidget()
        form = _form(page)
        self.backdrop = QComboBox()
        for name in BACKDROPS:
            self.backdrop.addItem(name.capitalize(), name)
        self.backdrop.setCurrentIndex(BACKDROPS.index(self._settings.backdrop))
        self.backdrop.activated.connect(self._on_backdrop)
        self.joint = self._size(self._settings.joint_radius_px, 2.0, 12.0, "Radius of a joint")
        self.joint.valueChanged.connect(self._on_joint)
        self.bone = self._size(self._settings.bone_width_px, 2.0, 24.0, "Width of a bone")
        self.bone.valueChanged.connect(self._on_bone)
        self.names = QCheckBox("Names of people, as soon as there are two")
        self.names.setChecked(self._settings.show_names)
        self.names.toggled.connect(self._on_names)
        self.wide, self.high = QSpinBox(), QSpinBox()
        for spin, value, name in zip(
            (self.wide, self.high), self._settings.canvas_size, ("Width", "Height"), strict=True
        ):
            spin.setRange(16, MAX_CANVAS_PX)
            spin.setValue(value)
            spin.setAccessibleName(f"{name} of a new canvas, px")
            spin.valueChanged.connect(self._on_size)
        size = QHBoxLayout()
        size.addWidget(self.wide)
        size.addWidget(QLabel("×"))
        size.addWidget(self.high)
        size.addWidget(QLabel("px"))
        size.addStretch()
        form.addRow("&Backdrop:", self.backdrop)
        form.addRow("&Joint radius:", self.joint)
        form.addRow("Bone &width:", self.bone)
        form.addRow("New canvas:", size)
        form.addRow("", self.names)
        return page

    def _models(self) -> QWidget:
        page = QWidget()
        form = _form(page)
        self.detect = QCheckBox("Find the people of a photo as soon as it is opened")
        self.detect.setChecked(self._settings.detect_photos)
        self.detect.toggled.connect(self._on_detect)
        form.addRow("Photos:", self.detect)
        self.vectors = QLineEdit(self._settings.word_vectors)
        self.vectors.setPlaceholderText("Bundled table")
        self.vectors.setReadOnly(True)
        self.vectors.setAccessibleName("File of word vectors")
        choose = QPushButton("Choose…")
        choose.clicked.connect(self._on_choose_vectors)
        reset = QPushButton("Bundled")
        reset.setToolTip("Use the bundled table again")
        reset.clicked.connect(self._on_reset_vectors)
        row = QHBoxLayout()
        row.addWidget(self.vectors, 1)
        row.addWidget(choose)
        row.addWidget(reset)
        label = QLabel("&Word vectors:")
        label.setBuddy(choose)
        form.addRow(label, row)
        form.addRow(
            "",
            _hint(
                "An official fastText .bin or .vec file of 300 dimensions knows more words than"
                " the bundled table. Devices and weights are chosen in the Models panel."
            ),
        )
        return page

    def _size(self, value: float, low: float, high: float, name: str) -> QDoubleSpinBox:
        spin = QDoubleSpinBox()
        spin.setRange(low, high)
        spin.setSingleStep(0.5)
        spin.setDecimals(1)
        spin.setSuffix(" px")
        spin.setValue(value)
        spin.setAccessibleName(name)
        return spin

    # -- edits -------------------------------------------------------------------------------
    @Slot()
    def _on_theme(self) -> None:
        self._settings.theme = self.theme.currentData()

    @Slot(int)
    def _on_autosave(self, seconds: int) -> None:
        self._settings.autosave_s = seconds

    @Slot()
    def _on_backdrop(self) -> None:
        self._settings.backdrop = self.backdrop.currentData()

    @Slot(float)
    def _on_joint(self, radius: float) -> None:
        self._settings.joint_radius_px = radius

    @Slot(float)
    def _on_bone(self, width: float) -> None:
        self._settings.bone_width_px = width

    @Slot(bool)
    def _on_names(self, on: bool) -> None:
        self._settings.show_names = on

    @Slot()
    def _on_size(self) -> None:
        self._settings.canvas_size = (self.wide.value(), self.high.value())

    @Slot(bool)
    def _on_detect(self, on: bool) -> None:
        self._settings.detect_photos = on

    @Slot()
    def _on_choose_vectors(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self, "Word vectors", str(self._settings.last_folder), "fastText vectors (*.bin *.vec)"
        )
        if name:
            self._settings.last_folder = Path(name).parent
            self._settings.word_vectors = name
            self.vectors.setText(name)

    @Slot()
    def _on_reset_vectors(self) -> None:
        self._settings.word_vectors = ""
        self.vectors.clear()
