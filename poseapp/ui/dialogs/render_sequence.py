"""Sequence > Render: what is shown, as which file, how large; with progress and a way out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import Qt, Slot
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
    QProgressBar,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from poseapp.core import transfer
from poseapp.core.errors import PoseAppError
from poseapp.core.palette import parse_colour
from poseapp.core.sequence import FRAME_RATES, flat_ways, frame_at
from poseapp.services.engine import Engine
from poseapp.services.sequence_tasks import PICTURES, film_path, person_problem, skeleton_frames
from poseapp.services.transfer_tasks import can_generate
from poseapp.state.session import Session
from poseapp.state.settings import Settings
from poseapp.ui.panels.notice import Notice
from poseapp.ui.photos import pixmap_of, pixmap_of_array

_FORMATS = (
    ("gif", "Animated GIF", ".gif", "GIF (*.gif)", "For web pages and messages"),
    ("mp4", "MP4 film", ".mp4", "MP4 film (*.mp4)", "Small, for players and editors"),
    ("png", "PNG frames in a folder", "", "", "A picture of each frame, without loss"),
    ("bvh", "BVH motion", ".bvh", "BVH motion (*.bvh)", "For Blender and others; lifted to 3D"),
    ("json", "Keypoints, one COCO file", ".json", "COCO (*.json)", "An image for each frame"),
    ("openpose", "Keypoints, OpenPose folder", "", "", "A file for each frame"),
)
_STYLES = (
    ("poseapp", "PoseApp"),
    ("controlnet", "ControlNet"),
    ("openpose", "OpenPose"),
)
_GROUNDS = (("", "Usual"), ("#ffffff", "White"), ("#17191f", "Dark"), ("#000000", "Black"))
_FORMAT_KEY, _HEIGHT_KEY = "sequence/format", "sequence/height"
_PREVIEW_PX = 240


class RenderSequenceDialog(QDialog):
    """Asks, renders in the models' process, and stays until that is done or broken off."""

    def __init__(
        self,
        session: Session,
        engine: Engine,
        settings: Settings,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = session.document
        self._engine = engine
        self._settings = settings
        self._title = session.path.stem if session.path is not None else "sequence"
        self._task: int | None = None
        self._path = Path()
        self.sentence = ""
        """What was done, once it is."""
        self.setWindowTitle("Render sequence")
        self._build()
        engine.task_progress.connect(self._on_progress)
        engine.task_succeeded.connect(self._on_succeeded)
        engine.task_failed.connect(self._on_failed)
        engine.task_cancelled.connect(self._on_cancelled)
        self._choose(settings.get(_FORMAT_KEY, "gif"))
        self._update()

    # -- construction ------------------------------------------------------------------------
    def _build(self) -> None:
        self.format = QComboBox()
        for name, title, *_, tip in _FORMATS:
            self.format.addItem(title, name)
            self.format.setItemData(self.format.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.who = QComboBox()
        self.who.addItem("Skeleton", False)
        reference = self._document.reference
        self.who.addItem("Reference person" if reference is None else reference.name, True)
        self.how = QComboBox()
        if can_generate(self._engine.options):
            self.how.addItem("Generated, with the photo's details", True)
        self.how.addItem("The photo's own parts, moved", False)
        self.style_box = QComboBox()
        for name, title in _STYLES:
            self.style_box.addItem(title, name)
        self.ground = QComboBox()
        for colour, title in _GROUNDS:
            self.ground.addItem(title, colour)
        self.height_box = QSpinBox()
        self.height_box.setRange(64, 2160)
        self.height_box.setSingleStep(64)
        self.height_box.setSuffix(" px high")
        self.height_box.setValue(self._settings.get(_HEIGHT_KEY, 512))
        self.rate = QComboBox()
        for fps in FRAME_RATES:
            self.rate.addItem(f"{fps} a second", fps)
        self.rate.setCurrentIndex(self.rate.findData(self._document.sequence.fps))
        self.around = QCheckBox("Only where the poses move, not the whole canvas")
        self.around.setChecked(True)
        self.fields = QFormLayout()
        self.fields.setVerticalSpacing(6)
        for title, field in (
            ("Format", self.format),
            ("Show", self.who),
            ("Picture", self.how),
            ("Skeleton", self.style_box),
            ("Background", self.ground),
            ("Size", self.height_box),
            ("Frames", self.rate),
        ):
            field.setAccessibleName(title)
            self.fields.addRow(title, field)
        self.fields.addRow("", self.around)
        self.about = QLabel()
        self.about.setObjectName("hint")
        self.about.setWordWrap(True)
        self.fields.addRow("", self.about)
        self.preview = QLabel()
        self.preview.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.preview.setMinimumSize(_PREVIEW_PX, _PREVIEW_PX)
        self.preview.setAccessibleName("A frame of the sequence")
        row = QHBoxLayout()
        row.setSpacing(16)
        row.addLayout(self.fields, 1)
        row.addWidget(self.preview)
        self.notice = Notice()
        self.progress = QProgressBar()
        self.progress.setRange(0, 1000)
        self.progress.setAccessibleName("Progress")
        self.progress.hide()
        buttons = QDialogButtonBox()
        self.cancel_button = buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        self.render_button = buttons.addButton("Render…", QDialogButtonBox.ButtonRole.ActionRole)
        self.render_button.setObjectName("primary")
        self.render_button.setDefault(True)
        self.render_button.clicked.connect(self._on_render)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setSpacing(10)
        column.addLayout(row, 1)
        column.addWidget(self.notice)
        column.addWidget(self.progress)
        column.addWidget(buttons)
        for box in (self.format, self.who, self.how, self.style_box, self.ground, self.rate):
            box.currentIndexChanged.connect(self._update)
        self.around.toggled.connect(self._update)
        self.height_box.valueChanged.connect(self._update)
        self._inputs: tuple[QWidget, ...] = (
            self.format, self.who, self.how, self.style_box, self.ground, self.height_box,
            self.rate, self.around, self.render_button,
        )  # fmt: skip

    def _choose(self, kind: object) -> None:
        self.format.setCurrentIndex(max(self.format.findData(kind), 0))

    # -- what is asked for -------------------------------------------------------------------
    @property
    def kind(self) -> str:
        """The chosen format."""
        return str(self.format.currentData())

    @property
    def shows_person(self) -> bool:
        """The reference person is wanted, not a skeleton."""
        return self.kind in PICTURES and bool(self.who.currentData())

    def request(self) -> dict[str, Any]:
        """Arguments of the task, but for the path."""
        sequence = replace(self._document.sequence, fps=int(self.rate.currentData()))
        colour = str(self.ground.currentData())
        person: dict[str, Any] = {}
        if self.shows_person and self._document.reference is not None:
            reference = self._document.reference
            person = {
                "reference": reference,
                "generator": bool(self.how.currentData()),
                "over_photo": transfer.same_picture(self._document.photo, reference.photo),
            }
        return {
            **person,
            "sequence": sequence,
            "kind": self.kind,
            "size": self._document.size,
            "height": self.height_box.value(),
            "style": str(self.style_box.currentData()),
            "background": parse_colour(colour) if colour else None,
            "around": self.around.isChecked(),
        }

    @Slot()
    def _update(self) -> None:
        pictures = self.kind in PICTURES
        person = self.shows_person
        for field, wanted in (
            (self.who, pictures),
            (self.how, person),
            (self.style_box, pictures and not person),
            (self.ground, pictures and not person),
            (self.height_box, pictures),
            (self.around, pictures and not person),
        ):
            self.fields.setRowVisible(field, wanted)
        self.preview.setVisible(pictures)
        asked = self.request()
        try:
            count = len(asked["sequence"].times())
        except PoseAppError as exc:
            self.about.setText(str(exc))
            self.render_button.setEnabled(False)
            return
        missing = self._missing() if person else ""
        self.render_button.setEnabled(self._task is None and not missing)
        if missing:
            self.about.setText(missing)
            self.preview.setPixmap(QPixmap())
            return
        length = asked["sequence"].length_s
        noun = "1 frame" if count == 1 else f"{count:,} frames"
        self.about.setText(f"{noun}, {length:.1f} s")
        if person and self._document.reference is not None:
            self.preview.setPixmap(self._fitting(pixmap_of(self._document.reference.photo)))
        elif pictures:
            self.preview.setPixmap(self._picture(asked))

    def _missing(self) -> str:
        """Why the reference person cannot be shown, as a sentence."""
        return person_problem(self._document.reference, self._document.sequence)

    def _picture(self, asked: dict[str, Any]) -> QPixmap:
        sequence = asked["sequence"]
        ways = flat_ways(sequence)
        poses = [
            frame_at(sequence, ways, float(at), False).pose
            for at in np.linspace(0.0, sequence.length_s, 9)
        ]
        # All of them say where the motion goes; the one in the middle is shown.
        frames = skeleton_frames(
            [*poses[4:], *poses[:4]],
            asked["size"],
            min(asked["height"], 2 * _PREVIEW_PX),
            asked["style"],
            asked["background"],
            asked["around"],
        )
        return self._fitting(pixmap_of_array(next(frames)))

    def _fitting(self, pixmap: QPixmap) -> QPixmap:
        if pixmap.isNull():
            return pixmap
        ratio = self.devicePixelRatioF()
        side = round(_PREVIEW_PX * ratio)
        keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode
        pixmap = pixmap.scaled(side, side, keep, smooth.SmoothTransformation)
        pixmap.setDevicePixelRatio(ratio)
        return pixmap

    # -- rendering ---------------------------------------------------------------------------
    @Slot()
    def _on_render(self) -> None:
        row = next(row for row in _FORMATS if row[0] == self.kind)
        _, title, suffix, pattern, _ = row
        folder = self._settings.last_folder
        if suffix:
            start = str(folder / f"{self._title}{suffix}")
            name, _ = QFileDialog.getSaveFileName(self, f"Render {title}", start, pattern)
        else:
            name = QFileDialog.getExistingDirectory(self, "Folder for the frames", str(folder))
        if name:
            path = film_path(Path(name), self.kind)
            path = path if path.suffix or not suffix else path.with_suffix(suffix)
            if path != Path(name) and path.exists():  # nobody was asked about that one
                self.notice.say(
                    f"{path.name} is there already: choose that very name to replace it.", "warning"
                )
                return
            self.start(path)

    def start(self, path: Path) -> None:
        """Write to a file or folder."""
        self._path = path = film_path(path, self.kind)
        self._settings.last_folder = path.absolute().parent
        self._settings.put(_FORMAT_KEY, self.kind)
        self._settings.put(_HEIGHT_KEY, self.height_box.value())
        self.notice.clear()
        self.progress.setValue(0)
        self.progress.setFormat("Starting …")
        self.progress.show()
        self._task = self._engine.submit("render_sequence", path=str(path), **self.request())
        for part in self._inputs:
            part.setEnabled(False)

    def _end(self) -> None:
        self._task = None
        self.progress.hide()
        for part in self._inputs:
            part.setEnabled(True)

    @Slot(int, float, str)
    def _on_progress(self, task: int, share: float, text: str) -> None:
        if task == self._task:
            self.progress.setValue(round(1000 * share))
            self.progress.setFormat(text or "%p %")

    @Slot(int, object)
    def _on_succeeded(self, task: int, done: object) -> None:
        if task != self._task or not isinstance(done, dict):
            return
        self._end()
        count = done["frames"]
        noun = "1 frame" if count == 1 else f"{count:,} frames"
        self.sentence = f"Rendered {self._path.name}: {noun}."
        self.accept()

    @Slot(int, object)
    def _on_failed(self, task: int, error: object) -> None:
        if task == self._task:
            self._end()
            self.notice.say(str(error), "error")

    @Slot(int)
    def _on_cancelled(self, task: int) -> None:
        if task == self._task:
            self._end()
            self.notice.say("Stopped: nothing was written.", "info")

    def reject(self) -> None:
        """Cancel breaks the rendering off first, then closes."""
        if self._task is not None:
            self._engine.cancel(self._task)
            return
        super().reject()
