"""The context menu of the canvas: of a person, or of the page."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Slot
from PySide6.QtWidgets import QMenu, QWidget

from poseapp.core.skeleton import COCO_17
from poseapp.core.standing import restored
from poseapp.state.commands import SetPose
from poseapp.state.session import Session
from poseapp.ui.actions import ActionSet
from poseapp.ui.canvas.layer import joint_title
from poseapp.ui.canvas.view import CanvasView

_PERSON = (
    "mirror", "turn", "symmetrise_left", "symmetrise_right", "", "cut", "copy", "paste",
    "duplicate", "save_pose", "", "raise", "lower", "hide", "lock", "rename", "colour", "centre",
    "confirm", "reference_canvas", "", "delete_person",
)  # fmt: skip
_PAGE = (
    "add", "add_preset", "paste", "", "photo", "detect", "photo_remove", "canvas_size", "", "fit",
)  # fmt: skip


class CanvasMenu(QMenu):
    """Made anew for each right click; a click on a person chooses it."""

    def __init__(
        self,
        session: Session,
        canvas: CanvasView,
        actions: ActionSet,
        at: QPoint,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self.place = canvas.to_canvas(canvas.viewport().mapFromGlobal(at).toPointF())
        person_id = canvas.body_at(self.place)
        ids: Sequence[str] = _PAGE
        if person_id is not None:
            session.select(person_id)
            ids = _PERSON
            self._add_absent_joints(person_id)
        for action_id in ids:
            if action_id:
                self.addAction(actions[action_id])
            else:
                self.addSeparator()

    def _add_absent_joints(self, person_id: str) -> None:
        pose = self._session.document.person(person_id).pose
        absent = [j for j in range(len(COCO_17)) if not pose.present[j]]
        if not absent:
            return
        back = self.addMenu("Bring back joint")
        for joint in absent:
            action = back.addAction(joint_title(joint))
            action.setData((person_id, joint))
            action.triggered.connect(self._on_bring_back)
        self.addSeparator()

    @Slot()
    def _on_bring_back(self) -> None:
        person_id, joint = self.sender().data()  # type: ignore[attr-defined]
        pose = self._session.document.person(person_id).pose
        text = f"Bring back {joint_title(joint)}"
        step = SetPose(self._session, person_id, restored(pose, joint), text)
        self._session.undo_stack.push(step)
