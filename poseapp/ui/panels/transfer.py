"""The Transfer panel: the reference person, and beside it the same person in the pose on the
canvas.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from poseapp.core import transfer
from poseapp.services.transfer_tasks import NO_GENERATOR
from poseapp.state.session import Session
from poseapp.ui.actions import ActionSet
from poseapp.ui.panels.caption_form import tool_button
from poseapp.ui.panels.compare_view import CompareView
from poseapp.ui.panels.emblem import Emblem
from poseapp.ui.panels.picture_view import PictureView
from poseapp.ui.photos import pixmap_of
from poseapp.ui.transferring import TransferController

LOOKS = (
    ("result", "Result", "The person in the photo"),
    ("scales", "Three scales", "What the generator made, from coarse to fine"),
    ("parts", "Warp masks", "Where each part of the body was brought to"),
    ("attention", "Attention", "Where the generator looked"),
    ("plate", "Background", "The photo without the person"),
)
_HEADS = {
    transfer.NO_REFERENCE: ("No reference person", ("create_person", "reference_ready",
                                                    "reference_file")),
    transfer.NO_REFERENCE_POSE: ("The photo has no pose", ("reference_put",)),
    transfer.NOBODY: ("Nobody on the canvas", ("add",)),
    transfer.TOO_FEW_JOINTS: ("Too few joints", ("restore",)),
}  # fmt: skip
_OTHER = "This person cannot be shown"
_REFERENCE_SHARE, _RESULT_SHARE = 2, 7


class TransferPanel(QWidget):
    """Shows what the controller has."""

    models_wanted = Signal()
    """The user wants to choose weights."""

    def __init__(
        self,
        session: Session,
        controller: TransferController,
        actions: ActionSet,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._controller = controller
        self._actions = actions
        self._shown_photo: object = None
        self._shown_stage: object = None
        self._live: np.ndarray | None = None
        self.setAccessibleName("Transfer")
        self.setMinimumWidth(240)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self._make_empty())
        self._stack.addWidget(self._make_pictures())
        controller.changed.connect(self.refresh)
        controller.warped.connect(self._on_warped)
        controller.rendered.connect(self._on_rendered)
        controller.progressed.connect(self._on_progressed)
        session.reference_changed.connect(self.refresh)
        self.refresh()

    # -- construction ------------------------------------------------------------------------
    def _make_empty(self) -> QWidget:
        page = QWidget()
        picture = Emblem("transfer", 44)
        self.head, self.text = QLabel(), QLabel()
        self.head.setObjectName("section")
        self.text.setObjectName("hint")
        self.text.setWordWrap(True)
        for label in (self.head, self.text):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._buttons: dict[str, QPushButton] = {}
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addStretch(1)
        for name, title in (
            ("create_person", "Create…"),
            ("reference_ready", "Ready-made…"),
            ("reference_file", "Picture…"),
            ("reference_put", "Put on canvas"),
            ("add", "Add a person"),
            ("restore", "Bring joints back"),
        ):
            button = QPushButton(title)
            if any(names[:1] == (name,) for _, names in _HEADS.values()):
                button.setObjectName("primary")
            button.setToolTip(self._actions[name].toolTip())
            button.clicked.connect(self._actions[name].trigger)
            row.addWidget(button)
            self._buttons[name] = button
        self.again_button = QPushButton("Try again")
        self.again_button.clicked.connect(self._controller.again)
        row.addWidget(self.again_button)
        row.addStretch(1)
        column = QVBoxLayout(page)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(8)
        column.addStretch(2)
        column.addWidget(picture)
        column.addWidget(self.head)
        column.addWidget(self.text)
        column.addSpacing(6)
        column.addLayout(row)
        column.addStretch(3)
        return page

    def _make_pictures(self) -> QWidget:
        page = QWidget()
        self.reference = PictureView("Reference person")
        self.reference.set_skeleton(True)
        self.view = CompareView("Reference person in the pose on the canvas")
        pictures = QHBoxLayout()
        pictures.setSpacing(8)
        pictures.addWidget(self.reference, _REFERENCE_SHARE)
        pictures.addWidget(self.view, _RESULT_SHARE)
        self.look_box = QComboBox()
        self.look_box.setAccessibleName("What to look at")
        self.look_box.setToolTip("What to look at")
        for name, title, tip in LOOKS:
            self.look_box.addItem(title, name)
            self.look_box.setItemData(self.look_box.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.look_box.currentIndexChanged.connect(self._on_look_chosen)
        self.compare_button = tool_button(
            "compare", "Before and after: drag the line over the picture", True
        )
        self.compare_button.setIconSize(QSize(18, 18))
        self.compare_button.toggled.connect(self.view.set_comparing)
        self.save_button = QPushButton("Save picture…")
        self.save_button.setToolTip(self._actions["transfer_save"].toolTip())
        self.save_button.clicked.connect(self._actions["transfer_save"].trigger)
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.look_box, 1)
        row.addWidget(self.compare_button)
        row.addWidget(self.save_button)
        column = QVBoxLayout(page)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(6)
        column.addLayout(pictures, 1)
        column.addLayout(row)
        column.addWidget(self._make_progress())
        column.addLayout(self._make_foot())
        return page

    def _make_progress(self) -> QWidget:
        self.progress = QWidget()
        self.bar = QProgressBar()
        self.bar.setRange(0, 100)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(6)
        self.bar.setAccessibleName("Saving")
        self.stop_button = tool_button("close", "Do not save after all")
        self.stop_button.clicked.connect(self._controller.stop_saving)
        row = QHBoxLayout(self.progress)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.bar, 1)
        row.addWidget(self.stop_button)
        self.progress.hide()
        return self.progress

    def _make_foot(self) -> QHBoxLayout:
        self.foot = QLabel()
        self.foot.setObjectName("hint")
        self.foot.setWordWrap(True)
        self.foot.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.models_button = QPushButton("Models…")
        self.models_button.setToolTip("Choose the generator's weights in the Models panel")
        self.models_button.clicked.connect(self.models_wanted)
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.foot, 1)
        row.addWidget(self.models_button, 0, Qt.AlignmentFlag.AlignTop)
        return row

    # -- following the controller ------------------------------------------------------------
    @property
    def look(self) -> str:
        """What is looked at, by its name in `LOOKS`."""
        return str(self.look_box.currentData())

    @Slot()
    def refresh(self) -> None:
        """Show the state, and the reference person."""
        controller = self._controller
        problem = controller.failure or controller.problem
        if self._session.document.reference is None:
            problem = transfer.NO_REFERENCE
        self._show_empty(problem)
        self._show_reference()
        stage = controller.stage
        if stage is not self._shown_stage:
            self._shown_stage, self._live = stage, None
            self.view.show_before(None if stage is None else stage["photo"])
        if stage is None:  # until the person can be moved, they are seen as they are
            self.view.show_still(self.reference.pixmap)
        self.view.set_work(controller.working)
        self.progress.setVisible(controller.saving)
        self.save_button.setEnabled(not controller.saving)
        note = controller.note
        self.models_button.setVisible(bool(note) and NO_GENERATOR in note)
        self.foot.setText(note or self._about())

    def _about(self) -> str:
        controller = self._controller
        if controller.stage is None:
            return "Looking at the reference person …"
        result = controller.result
        if result is None:
            return "The photo's parts, moved"
        kind = "Rendered by the generator" if result["generated"] else "The photo's parts, moved"
        return f"{kind} in {controller.render_ms:.0f} ms"

    def _show_empty(self, problem: str) -> None:
        self._stack.setCurrentIndex(0 if problem else 1)
        if not problem:
            return
        head, names = _HEADS.get(problem, (_OTHER, ()))
        self.head.setText(head)
        self.text.setText(problem)
        for name, button in self._buttons.items():
            button.setVisible(name in names)
        self.again_button.setVisible(problem == self._controller.failure)

    def _show_reference(self) -> None:
        reference = self._session.document.reference
        shown = None if reference is None else (reference.photo, reference.pose)
        if shown is self._shown_photo or (
            isinstance(self._shown_photo, tuple)
            and shown is not None
            and all(a is b for a, b in zip(shown, self._shown_photo, strict=True))
        ):
            return
        self._shown_photo = shown
        if reference is None:
            self.reference.show_picture(QPixmap(), None)
            return
        pixmap = pixmap_of(reference.photo)
        pose = reference.pose if reference.pose.present.any() else None
        if pose is not None and not pixmap.isNull():
            pose = pose.with_keypoints(pose.keypoints * pixmap.width() / reference.photo.size[0])
        self.reference.show_picture(pixmap, pose)
        self.reference.setToolTip(reference.name)

    @Slot(object)
    def _on_warped(self, picture: np.ndarray) -> None:
        self._live = picture
        if self.look == "result":
            self.view.show_quick(picture)
        self.foot.setText(self._controller.note or self._about())

    @Slot(object)
    def _on_rendered(self, result: dict[str, object]) -> None:
        if self.look == "result":
            picture = result["picture"]
            assert isinstance(picture, np.ndarray)
            self.view.show_good(picture)
        else:
            self._on_look_chosen()

    @Slot(float, str)
    def _on_progressed(self, share: float, text: str) -> None:
        self.bar.setValue(round(100 * share))
        if self._controller.stage is None:
            self.view.set_work(True, share)
            self.foot.setText(f"{text or 'Looking at the reference person'} …")

    # -- what to look at ---------------------------------------------------------------------
    @Slot()
    def _on_look_chosen(self) -> None:
        """Show something else of what there is; what is missing comes with the next picture."""
        from poseapp.core import draw_transfer as draw

        look, result, stage = self.look, self._controller.result, self._controller.stage
        self.compare_button.setEnabled(look in ("result", "plate"))
        self.view.set_comparing(self.compare_button.isChecked() and self.compare_button.isEnabled())
        if look == "result":
            if self._live is not None:
                self.view.show_quick(self._live)
            if result is not None:
                self.view.show_good(result["picture"])
        elif look == "plate":
            if stage is not None:
                self.view.show_quick(stage["plate"])
        elif result is not None and result["generated"]:
            last = result["scales"][-1]
            if look == "scales":
                self.view.show_quick(draw.scales_picture(result["scales"]))
            elif look == "parts":
                self.view.show_quick(draw.parts_picture(result["parts"], last))
            elif result["attention"] is not None:
                self.view.show_quick(draw.attention_picture(result["attention"], last))
            else:
                self.view.clear()
                self.foot.setText("This generator has no attention: choose another look.")
        elif result is not None:
            self.view.clear()
