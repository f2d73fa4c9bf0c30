"""The heatmaps panel: what the model sampled beside what the skeleton under edit looks like."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEvent, Qt, QTimer, Slot
from PySide6.QtGui import QColor, QPainter, QPixmap, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from poseapp.core import detection
from poseapp.core.detection import Proposal
from poseapp.core.document import Person
from poseapp.core.errors import PoseAppError
from poseapp.core.heatmap import THRESHOLD, Affine2
from poseapp.core.skeleton import COCO_17
from poseapp.services import heatmap_export
from poseapp.state.session import Session
from poseapp.state.settings import Settings
from poseapp.ui.detecting import DetectionController
from poseapp.ui.panels.caption_form import tool_button
from poseapp.ui.panels.heatmap_view import ALL_CHANNELS, COMPOSITE, HeatmapView, joint_title
from poseapp.ui.panels.notice import Notice

_FRAME_MS = 16
_SIDE_BY_SIDE_PX = 230
_UNDER_PX = 512

_NO_SAMPLE = (
    "Click a pose of the caption panel's gallery, or find people in a photo, to see the heatmaps"
    " they came from."
)
_NO_PERSON = "Put a pose on the canvas to see its heatmaps follow your edits."


class HeatmapsPanel(QWidget):
    """Two views that share a threshold and a channel; the right one follows the canvas."""

    def __init__(self, session: Session, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self._sampled: np.ndarray | None = None
        self._edited: np.ndarray | None = None
        self._estimated: np.ndarray | None = None
        self._frame_of: tuple[str, Affine2] | None = None
        self._estimator: DetectionController | None = None
        self._estimate: Proposal | None = None
        self._picked = False
        self._stale = True
        self._seen = True
        self.setObjectName("heatmapsPanel")
        # A drag changes the pose with each mouse move: draw once a frame.
        self._frame = QTimer(self)
        self._frame.setSingleShot(True)
        self._frame.setInterval(_FRAME_MS)
        self._frame.timeout.connect(self._on_frame)
        self.sampled_view = HeatmapView("Heatmaps of the sampled pose", _NO_SAMPLE)
        self.edited_view = HeatmapView("Heatmaps of the pose under edit", _NO_PERSON)
        self._build()
        session.pose_changed.connect(self._on_pose_changed)
        session.selection_changed.connect(self._on_changed)
        session.people_changed.connect(self._on_changed)
        session.document_replaced.connect(self._on_changed)
        self._refresh()

    @property
    def threshold(self) -> float:
        """Peaks below it do not count as joints."""
        return self._slider.value() / 100.0

    @property
    def mode(self) -> int:
        """A joint, `COMPOSITE` or `ALL_CHANNELS`."""
        return int(self._channel.currentData())

    @Slot(object)
    def show_sampled(self, sample: object) -> None:
        """Show the heatmaps of a sample (anything with `.heatmaps`), or none."""
        maps = getattr(sample, "heatmaps", None)
        self._picked = maps is not None
        self._sampled = None if maps is None else np.asarray(maps, np.float32)
        self._frame_of = None
        self._on_changed()
        self._sampled_title.setToolTip(getattr(sample, "title", ""))
        self._refresh()

    def follow(self, detecting: DetectionController) -> None:
        """Show what the estimator saw of people who were found in a photo."""
        self._estimator = detecting
        detecting.changed.connect(self._on_detected)

    @Slot()
    def _on_detected(self) -> None:
        self._picked = False  # what was just found is of more interest than an older pick
        self._on_changed()

    def export(self, path: Path) -> None:
        """Write what is shown: `.png` as pictures, `.npz` as values.

        Raises:
            PoseAppError: there is nothing to write, or it cannot be written.
        """
        estimated = self._estimate is not None
        named = {"estimated" if estimated else "sampled": self._left(), "edited": self._edited}
        shown = {name: maps for name, maps in named.items() if maps is not None}
        if not shown:
            raise PoseAppError("There are no heatmaps yet: sample a pose or add a person first.")
        if path.suffix.lower() == ".npz":
            heatmap_export.save_npz(path, shown, self.threshold)
        else:
            heatmap_export.save_png(path, list(shown.values()), self.threshold)

    # -- what changed ------------------------------------------------------------------------
    @Slot(str)
    def _on_pose_changed(self, person: str) -> None:
        active = self._session.active_person
        if active is not None and active.id == person:
            self._on_changed()

    @Slot()
    def _on_changed(self) -> None:
        self._stale = True
        if self._seen and self.isVisible() and not self._frame.isActive():
            self._frame.start()

    @Slot(bool)
    def set_seen(self, seen: bool) -> None:
        """The panel is in front, or behind another tab, where Qt still calls it visible."""
        self._seen = seen
        if seen and self._stale and self.isVisible():
            self._on_frame()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale and self._seen:
            self._on_frame()

    @Slot()
    def _on_frame(self) -> None:
        self._stale = False
        person = self._session.active_person
        present = person is not None and bool(person.pose.present.any())
        self._edited = None
        self._take_estimate(person)
        if person is not None and present:
            self._edited = heatmap_export.of_pose(person.pose, self._frame_for(person))
        self._edited_title.setToolTip(person.name if person else "")
        self._show(self.edited_view, self._edited, self._edited_count)

    def _take_estimate(self, person: Person | None) -> None:
        """The estimator's maps of that person, or of who was found, over the photo."""
        before, self._estimate = self._estimate, None
        if self._estimator is not None and not self._picked:
            found = self._estimator.estimate_of(None if person is None else person.id)
            if found is None and person is not None and self._session.selection.person is None:
                found = self._estimator.estimate_of(None)
            self._estimate = found
        if self._estimate is before:
            return
        under = QPixmap()
        self._estimated = None
        if self._estimate is not None:
            maps, to_photo = detection.square(self._estimate.heatmaps, self._estimate.to_photo)
            self._estimated = np.asarray(maps, np.float32)
            under = self._under(to_photo, maps.shape[-1])
        self.sampled_view.show_under(under)
        told = "Estimated" if self._estimate is not None else "Sampled"
        self._sampled_title.setText(told)
        model = self._estimate.model if self._estimate is not None else ""
        self._sampled_title.setToolTip(f"What {model} saw in the photo" if model else "")
        self._show(self.sampled_view, self._left(), self._sampled_count)

    def _left(self) -> np.ndarray | None:
        return self._sampled if self._estimate is None else self._estimated

    def _under(self, to_photo: np.ndarray, side: int) -> QPixmap:
        """The part of the photo that square maps lie on."""
        photo = self._session.document.photo
        if photo is None:
            return QPixmap()
        from poseapp.ui.photos import pixmap_of  # OpenCV: not needed for the first window

        whole = pixmap_of(photo)
        if whole.isNull():
            return whole
        shrink = np.array([whole.width() / photo.size[0], whole.height() / photo.size[1]])
        low = (to_photo @ np.array([-0.5, -0.5, 1.0]) + 0.5) * shrink
        high = (to_photo @ np.array([side - 0.5, side - 0.5, 1.0]) + 0.5) * shrink
        part = QPixmap(_UNDER_PX, _UNDER_PX)
        part.fill(QColor(0, 0, 0))
        painter = QPainter(part)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.scale(*(_UNDER_PX / np.maximum(high - low, 1e-6)).tolist())
        painter.translate(*(-low).tolist())
        painter.drawPixmap(0, 0, whole)
        painter.end()
        return part

    def _frame_for(self, person: Person) -> Affine2 | None:
        """The sample's own framing for the person that took its pose, so that both compare."""
        if self._estimate is not None and self._estimator is not None:
            maps, to_photo = detection.square(self._estimate.heatmaps, self._estimate.to_photo)
            square = replace(self._estimate, heatmaps=maps, to_photo=to_photo)
            return heatmap_export.frame_of_map(self._estimator.to_canvas(square), maps.shape[-1])
        if self._sampled is not None:
            found = heatmap_export.frame_of(person.pose, self._sampled, self.threshold)
            if found is not None:
                self._frame_of = (person.id, found)
        if self._frame_of is not None and self._frame_of[0] == person.id:
            return self._frame_of[1]
        return None

    @Slot()
    def _on_threshold(self) -> None:
        self._settings.put("heatmaps/threshold", self.threshold)
        self._refresh()

    @Slot()
    def _on_channel(self) -> None:
        self._refresh()

    @Slot(int)
    def _on_channel_clicked(self, mode: int) -> None:
        if mode == COMPOSITE:
            mode = ALL_CHANNELS
        self._channel.setCurrentIndex(self._channel.findData(mode))

    def _refresh(self) -> None:
        self._value.setText(f"{self.threshold:.2f}")
        self._show(self.sampled_view, self._left(), self._sampled_count)
        self._show(self.edited_view, self._edited, self._edited_count)

    def _show(self, view: HeatmapView, maps: np.ndarray | None, count: QLabel) -> None:
        view.show_maps(maps, self.mode, self.threshold)
        count.setText("" if maps is None else f"{view.reaching} of 17")
        self.export_button.setEnabled(self._left() is not None or self._edited is not None)

    @Slot()
    def _on_export(self) -> None:
        start = str(self._settings.last_folder / "heatmaps.png")
        kinds = "Pictures (*.png);;NumPy arrays (*.npz)"
        name, kind = QFileDialog.getSaveFileName(self, "Export heatmaps", start, kinds)
        if not name:
            return
        path = Path(name)
        if path.suffix.lower() not in (".png", ".npz"):
            path = path.with_name(path.name + (".npz" if "npz" in kind else ".png"))
        try:
            self.export(path)
        except PoseAppError as exc:
            self.notice.say(str(exc), "error")
            return
        self._settings.last_folder = path.parent
        self.notice.say(f"Wrote {path.name}.", "success")

    # -- construction ------------------------------------------------------------------------
    def resizeEvent(self, event: QResizeEvent) -> None:
        wide = self.width() >= _SIDE_BY_SIDE_PX and self.width() >= 0.7 * self.height()
        self._pair.setDirection(
            QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom
        )
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()

    def _build(self) -> None:
        self.notice = Notice()
        self._channel = QComboBox()
        self._channel.addItem("Composite", COMPOSITE)
        self._channel.addItem("All channels", ALL_CHANNELS)
        self._channel.insertSeparator(2)
        for joint in range(len(COCO_17)):
            self._channel.addItem(joint_title(joint).capitalize(), joint)
        self._channel.setAccessibleName("Channels shown")
        self._channel.setToolTip("Which of the 17 channels to show")
        self._channel.setMinimumContentsLength(8)
        self._channel.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self._channel.currentIndexChanged.connect(self._on_channel)
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, 95)
        self._slider.setPageStep(5)
        kept = self._settings.get("heatmaps/threshold", THRESHOLD)
        self._slider.setValue(round(100 * min(max(kept, 0.0), 0.95)))
        self._slider.setAccessibleName("Threshold")
        self._slider.setToolTip(
            "Threshold: a joint whose peak is lower counts as absent, here and in poses that are "
            "put on the canvas"
        )
        self._slider.setMinimumWidth(50)
        self._slider.valueChanged.connect(self._on_threshold)
        self._value = QLabel()
        self._value.setMinimumWidth(self.fontMetrics().horizontalAdvance("0.00"))
        self.export_button = tool_button("export", "Export heatmaps (PNG or NPZ)")
        self.export_button.clicked.connect(self._on_export)
        controls = QHBoxLayout()
        controls.setSpacing(6)
        controls.addWidget(self._channel, 1)
        controls.addWidget(QLabel("Threshold"))
        controls.addWidget(self._slider, 1)
        controls.addWidget(self._value)
        controls.addWidget(self.export_button)
        self._sampled_title, self._sampled_count = QLabel("Sampled"), QLabel()
        self._edited_title, self._edited_count = QLabel("Under edit"), QLabel()
        self._pair = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._pair.setSpacing(8)
        for view, title, count in (
            (self.sampled_view, self._sampled_title, self._sampled_count),
            (self.edited_view, self._edited_title, self._edited_count),
        ):
            self._pair.addLayout(_framed(view, title, count), 1)
            view.channel_clicked.connect(self._on_channel_clicked)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(6)
        column.addLayout(controls)
        column.addWidget(self.notice)
        column.addLayout(self._pair, 1)


def _framed(view: HeatmapView, title: QLabel, count: QLabel) -> QVBoxLayout:
    title.setObjectName("section")
    title.setMinimumWidth(30)
    count.setObjectName("hint")
    count.setToolTip("Joints whose peak reaches the threshold")
    head = QHBoxLayout()
    head.addWidget(title, 1)
    head.addWidget(count)
    column = QVBoxLayout()
    column.setSpacing(3)
    column.addLayout(head)
    column.addWidget(view, 1)
    return column
