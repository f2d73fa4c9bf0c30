"""The export dialog: choose a format, see what it looks like, choose the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPlainTextEdit,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from poseapp.core.errors import PoseAppError
from poseapp.formats import registry
from poseapp.state.session import Session
from poseapp.state.settings import Settings
from poseapp.ui.icons import icon

_PREVIEW_PX = 300
_PREVIEW_CHARS = 3000
_WHAT = {
    "coco": "Annotation file for pycocotools, CVAT and training. Visibility is kept.",
    "coco_results": "List of results with a score for each person.",
    "openpose": "18 body keypoints for each person, confidences kept.",
    "openpose25": "25 body keypoints for each person; feet are absent.",
    "controlnet": "For the ControlNet pose editors of Stable Diffusion.",
    "png": "The skeletons as PoseApp draws them.",
    "controlnet_png": "Black picture in ControlNet's exact colours.",
    "openpose_png": "Picture in OpenPose's colours.",
    "svg": "Vector drawing that any drawing program opens.",
}


class ExportDialog(QDialog):
    """Asks how and where to export."""

    def __init__(self, session: Session, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self._path: Path | None = None
        self.setWindowTitle("Export")
        self.resize(720, 480)

        self.formats = QListWidget()
        self.formats.setAccessibleName("Formats")
        self.formats.setIconSize(QSize(18, 18))
        self.formats.setMaximumWidth(240)
        for entry in registry.FORMATS.values():
            if entry.can_save and entry.kind in ("keypoints", "picture"):
                kind = "photo" if entry.kind == "picture" else "bone"
                item = QListWidgetItem(icon(kind), entry.title)
                item.setData(Qt.ItemDataRole.UserRole, entry.name)
                item.setSizeHint(QSize(0, 30))
                self.formats.addItem(item)
        self.formats.currentRowChanged.connect(self._on_format)

        self._what = QLabel()
        self._what.setObjectName("hint")
        self._what.setWordWrap(True)
        self._background = QComboBox()
        self._background.setAccessibleName("Background")
        for name, value in (
            ("Transparent", None),
            ("White", "#FFFFFF"),
            ("Black", "#000000"),
        ):
            self._background.addItem(name, value)
        if session.document.photo is not None:
            self._background.addItem("Photo", "photo")
        self._background.currentIndexChanged.connect(self._show_preview)
        self._normalised = QCheckBox("Coordinates as shares of the canvas (0 to 1)")
        self._normalised.toggled.connect(self._show_preview)
        self._real = QCheckBox("Real confidences (some editors drop points below 1)")
        self._real.toggled.connect(self._show_preview)
        self._wide = QCheckBox("Wider limbs on large canvases (xinsir)")
        self._wide.toggled.connect(self._show_preview)
        self._background_label = QLabel("&Background:")
        self._background_label.setBuddy(self._background)
        form = QFormLayout()
        form.addRow(self._background_label, self._background)
        for box in (self._normalised, self._real, self._wide):
            form.addRow(box)

        self._picture = QLabel()
        self._picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._picture.setMinimumSize(_PREVIEW_PX, _PREVIEW_PX)
        self._picture.setAccessibleName("Preview")
        self._text = QPlainTextEdit()
        self._text.setReadOnly(True)
        self._text.setAccessibleName("Preview")
        self._text.setLineWrapMode(QPlainTextEdit.LineWrapMode.WidgetWidth)
        self._preview = QStackedWidget()
        self._preview.addWidget(self._picture)
        self._preview.addWidget(self._text)

        right = QVBoxLayout()
        right.setSpacing(8)
        right.addWidget(self._what)
        right.addLayout(form)
        right.addWidget(self._preview, 1)
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(self.formats)
        row.addLayout(right, 1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self._export = buttons.addButton("Export…", QDialogButtonBox.ButtonRole.AcceptRole)
        self._export.setObjectName("primary")
        self._export.setDefault(True)
        buttons.accepted.connect(self._on_export)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setSpacing(12)
        column.addLayout(row, 1)
        column.addWidget(buttons)
        self.choose(settings.get("export/format", "coco"))

    def choose(self, format_name: str) -> None:
        """Go to a format."""
        for place in range(self.formats.count()):
            if self.formats.item(place).data(Qt.ItemDataRole.UserRole) == format_name:
                self.formats.setCurrentRow(place)
                return
        self.formats.setCurrentRow(0)

    @property
    def format_name(self) -> str:
        """The chosen format."""
        return str(self.formats.currentItem().data(Qt.ItemDataRole.UserRole))

    def options(self) -> dict[str, Any]:
        """Options of the chosen format."""
        name = self.format_name
        options: dict[str, Any] = {}
        if name == "controlnet":
            options = {
                "normalised": self._normalised.isChecked(),
                "confidences": self._real.isChecked(),
            }
        elif name.endswith("png"):
            options["background"] = self._background.currentData()
            if name == "controlnet_png":
                options["xinsir"] = self._wide.isChecked()
        elif name == "svg":
            chosen = self._background.currentData()
            photo = chosen == "photo"
            options = {"background": None if photo else chosen, "photo": photo}
        return options

    def choice(self) -> tuple[Path, str, dict[str, Any]]:
        """(file, format, options); only after the dialog was accepted."""
        assert self._path is not None
        return self._path, self.format_name, self.options()

    @Slot(int)
    def _on_format(self, row: int) -> None:
        if row < 0:
            return
        name = self.format_name
        self._what.setText(_WHAT.get(name, ""))
        picture = registry.FORMATS[name].kind == "picture"
        self._background.setVisible(picture)
        self._background_label.setVisible(picture)
        self._background.setItemText(
            0, "Black" if name in ("controlnet_png", "openpose_png") else "Transparent"
        )
        self._normalised.setVisible(name == "controlnet")
        self._real.setVisible(name == "controlnet")
        self._wide.setVisible(name == "controlnet_png")
        self._show_preview()

    @Slot()
    def _show_preview(self) -> None:
        name = self.format_name
        try:
            data = registry.dumps(self._session.document, name, **self.options())
        except PoseAppError as exc:
            self._export.setEnabled(False)
            self._text.setPlainText(str(exc))
            self._preview.setCurrentWidget(self._text)
            return
        self._export.setEnabled(True)
        if name.endswith("png"):
            ratio = self.devicePixelRatioF()
            pixmap = QPixmap()
            pixmap.loadFromData(data)
            side = round(_PREVIEW_PX * ratio)
            pixmap = pixmap.scaled(
                side,
                side,
                Qt.AspectRatioMode.KeepAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
            pixmap.setDevicePixelRatio(ratio)
            self._picture.setPixmap(pixmap)
            self._preview.setCurrentWidget(self._picture)
            return
        text = data[:_PREVIEW_CHARS].decode("utf-8", "replace")
        self._text.setPlainText(text + (" …" if len(data) > _PREVIEW_CHARS else ""))
        self._preview.setCurrentWidget(self._text)

    @Slot()
    def _on_export(self) -> None:
        entry = registry.FORMATS[self.format_name]
        path = self._session.path
        stem = path.stem if path is not None else "poses"
        start = self._settings.last_folder / f"{stem}{entry.extensions[0]}"
        name, _ = QFileDialog.getSaveFileName(
            self, f"Export {entry.title}", str(start), entry.filter
        )
        if not name:
            return
        chosen = Path(name)
        self._path = chosen if chosen.suffix else chosen.with_suffix(entry.extensions[0])
        self._settings.put("export/format", entry.name)
        self.accept()
