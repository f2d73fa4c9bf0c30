"""The Pose menu and the nudge keys: each slot changes the active person's pose by one undo step."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal, Slot

from poseapp.core import kinematics, standing
from poseapp.core.pose import Pose2D, Visibility
from poseapp.state.commands import SetPose
from poseapp.state.session import Session
from poseapp.state.settings import Settings

_NUDGE_RUN_S = 0.8


class PoseController(QObject):
    """What can be done to the joints of the active person."""

    said = Signal(str, str)
    """(level, sentence) for the message bar."""

    def __init__(self, session: Session, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self._nudged_at = 0.0
        self._nudge_run: object = None

    def _set_pose(self, pose: Pose2D, text: str, key: object | None = None) -> None:
        person = self._session.active_person
        if person is not None and pose != person.pose:
            self._session.undo_stack.push(SetPose(self._session, person.id, pose, text, key))

    def change(self, change: Callable[[Pose2D], Pose2D], text: str) -> None:
        """Give the active person another pose; a locked one says why it does not."""
        person = self._session.active_person
        if person is None:
            return
        if person.locked:
            self.said.emit("info", f"{person.name} is locked: unlock it to change its pose.")
            return
        self._set_pose(change(person.pose), text)

    def _nudge(self, x: float, y: float) -> None:
        person = self._session.active_person
        if person is None or person.locked:
            return
        joints = self._session.selection.joints
        now = time.monotonic()
        run = (person.id, joints)
        if now - self._nudged_at > _NUDGE_RUN_S or self._nudge_run is None:
            self._nudge_run = object()
        self._nudged_at = now
        if len(joints) == 1 and self._settings.limb_lock:
            joint = next(iter(joints))
            goal = person.pose.keypoints[joint] + (x, y)
            pose = kinematics.drag_joint(person.pose, joint, goal, True)
        else:
            pose = kinematics.translate(person.pose, (x, y), joints or None)
        self._set_pose(pose, "Nudge", (self._nudge_run, run))

    @Slot()
    def nudge_left(self) -> None:
        """1 px to the left."""
        self._nudge(-1, 0)

    @Slot()
    def nudge_right(self) -> None:
        """1 px to the right."""
        self._nudge(1, 0)

    @Slot()
    def nudge_up(self) -> None:
        """1 px up."""
        self._nudge(0, -1)

    @Slot()
    def nudge_down(self) -> None:
        """1 px down."""
        self._nudge(0, 1)

    @Slot()
    def nudge_left_far(self) -> None:
        """10 px to the left."""
        self._nudge(-10, 0)

    @Slot()
    def nudge_right_far(self) -> None:
        """10 px to the right."""
        self._nudge(10, 0)

    @Slot()
    def nudge_up_far(self) -> None:
        """10 px up."""
        self._nudge(0, -10)

    @Slot()
    def nudge_down_far(self) -> None:
        """10 px down."""
        self._nudge(0, 10)

    def set_visibility(self, joints: frozenset[int], visibility: Visibility) -> None:
        """Make joints of the active person visible, hidden or absent, as one step."""

        def change(pose: Pose2D) -> Pose2D:
            for joint in sorted(joints):
                if visibility != Visibility.ABSENT:
                    pose = standing.restored(pose, joint)
                pose = pose.with_visibility(joint, visibility)
            return pose

        noun = "joint" if len(joints) == 1 else "joints"
        self.change(change, f"Make {noun} {visibility.name.lower()}")

    @Slot()
    def make_visible(self) -> None:
        """The chosen joints are seen."""
        self.set_visibility(self._session.selection.joints, Visibility.VISIBLE)

    @Slot()
    def make_hidden(self) -> None:
        """The chosen joints are covered."""
        self.set_visibility(self._session.selection.joints, Visibility.HIDDEN)

    @Slot()
    def make_absent(self) -> None:
        """The chosen joints are not there."""
        self.set_visibility(self._session.selection.joints, Visibility.ABSENT)

    @Slot()
    def confirm(self) -> None:
        """The chosen joints, or all, are where they should be: certain from now on."""
        chosen = self._session.selection.joints

        def change(pose: Pose2D) -> Pose2D:
            sure = pose.confidence.copy()
            for joint in range(len(sure)):
                if pose.doubtful[joint] and (not chosen or joint in chosen):
                    sure[joint] = 1.0
            return Pose2D(pose.keypoints, pose.visibility, sure)

        self.change(change, "Confirm joints")

    @Slot()
    def restore_absent(self) -> None:
        """Bring every absent joint back."""

        def change(pose: Pose2D) -> Pose2D:
            for joint in (5, 6, 11, 12, *range(17)):  # the torso first: the others hang on it
                pose = standing.restored(pose, joint)
            return pose

        self.change(change, "Bring back joints")

    @Slot()
    def mirror(self) -> None:
        """Mirror image in place, names swapped."""
        self.change(kinematics.mirror, "Mirror")

    @Slot()
    def turn_around(self) -> None:
        """Swap left and right names."""
        self.change(kinematics.turn_around, "Turn around")

    @Slot()
    def symmetrise_left(self) -> None:
        """The right side follows the left."""
        self.change(lambda pose: kinematics.symmetrise(pose, "left"), "Symmetrise")

    @Slot()
    def symmetrise_right(self) -> None:
        """The left side follows the right."""
        self.change(lambda pose: kinematics.symmetrise(pose, "right"), "Symmetrise")

    @Slot()
    def reset_limb(self) -> None:
        """Standard proportions for the limbs of the chosen joints."""
        joints = self._session.selection.joints

        def change(pose: Pose2D) -> Pose2D:
            for joint in sorted(joints):
                pose = kinematics.reset_limb(pose, joint)
            return pose

        self.change(change, "Reset limb")
