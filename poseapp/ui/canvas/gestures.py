"""What a drag does: each gesture turns mouse positions into poses and pushes one undo step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt

from poseapp.core import kinematics, picking
from poseapp.core.pose import Pose2D
from poseapp.state.commands import Edit, SetPose

if TYPE_CHECKING:
    from poseapp.ui.canvas.view import CanvasView

_SNAP_RAD = math.radians(15.0)


@dataclass(frozen=True)
class Pointer:
    """Where the mouse is and what is held.

    Attributes:
        at: (2,) canvas px.
        screen: viewport px.
    """

    at: np.ndarray
    screen: QPointF
    modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
    button: Qt.MouseButton = Qt.MouseButton.LeftButton

    @property
    def shift(self) -> bool:
        """Shift is held."""
        return bool(self.modifiers & Qt.KeyboardModifier.ShiftModifier)

    @property
    def alt(self) -> bool:
        """Alt is held."""
        return bool(self.modifiers & Qt.KeyboardModifier.AltModifier)

    @property
    def toggles(self) -> bool:
        """Shift or Ctrl is held: a click adds to the selection."""
        both = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier
        return bool(self.modifiers & both)


class Gesture:
    """One press-drag-release. `update` is called only once the mouse has really moved."""

    def __init__(self, canvas: CanvasView, start: Pointer) -> None:
        self.canvas = canvas
        self.start = start

    def update(self, pointer: Pointer) -> None:
        """The mouse moved."""

    def finish(self, pointer: Pointer) -> None:
        """The mouse was released after a move."""

    def click(self, pointer: Pointer) -> None:
        """The mouse was released where it was pressed."""

    def cancel(self) -> None:
        """Leave everything as it was before."""


class PoseGesture(Gesture):
    """A gesture that changes the pose of one person, as one undo step."""

    text = "Change pose"

    def __init__(self, canvas: CanvasView, start: Pointer, person_id: str) -> None:
        super().__init__(canvas, start)
        self.person_id = person_id
        self.before: Pose2D = canvas.session.document.person(person_id).pose
        self._pushed = False

    def pose_at(self, pointer: Pointer) -> Pose2D:
        """The pose for a mouse position; always from the pose before, so that nothing adds up."""
        raise NotImplementedError

    def update(self, pointer: Pointer) -> None:
        session = self.canvas.session
        pose = self.pose_at(pointer)
        if pose == session.document.person(self.person_id).pose:
            return
        session.undo_stack.push(SetPose(session, self.person_id, pose, self.text, drag=self))
        self._pushed = True

    def cancel(self) -> None:
        if self._pushed:
            stack = self.canvas.session.undo_stack
            step = stack.command(stack.index() - 1)
            assert isinstance(step, Edit)
            step.forget()
            stack.undo()
            self._pushed = False


def _straight(delta: np.ndarray) -> np.ndarray:
    """Only the larger of the two directions."""
    keep = np.abs(delta) == np.abs(delta).max()
    return delta * keep


class DragJoints(PoseGesture):
    """Drag one joint, alone or with its limb, or several chosen joints together."""

    def __init__(
        self, canvas: CanvasView, start: Pointer, person_id: str, joint: int, joints: frozenset[int]
    ) -> None:
        super().__init__(canvas, start, person_id)
        self._joint = joint
        self._joints = joints
        self.text = "Move joint" if len(joints) == 1 else "Move joints"
        # The joint keeps its distance from the mouse, so that it does not jump on the first move.
        self._grip = self.before.keypoints[joint] - start.at

    def pose_at(self, pointer: Pointer) -> Pose2D:
        delta = pointer.at - self.start.at
        if pointer.shift:
            delta = _straight(delta)
        if len(self._joints) > 1:
            return kinematics.translate(self.before, delta, self._joints)
        locked = self.canvas.settings.limb_lock != pointer.alt
        target = self.start.at + delta + self._grip
        return kinematics.drag_joint(self.before, self._joint, target, locked)

    def click(self, pointer: Pointer) -> None:
        if not pointer.toggles:  # a click on one of several chosen joints chooses it alone
            self.canvas.session.select(self.person_id, {self._joint})


class MovePerson(PoseGesture):
    """Move a whole person."""

    text = "Move person"

    def pose_at(self, pointer: Pointer) -> Pose2D:
        delta = pointer.at - self.start.at
        return kinematics.translate(self.before, _straight(delta) if pointer.shift else delta)


class ScalePerson(PoseGesture):
    """Make a person larger or smaller: away from the fixed point is larger."""

    text = "Scale person"

    def __init__(
        self,
        canvas: CanvasView,
        start: Pointer,
        person_id: str,
        fixed: np.ndarray | None = None,
    ) -> None:
        super().__init__(canvas, start, person_id)
        x, y, width, height = self.before.bounds or (0.0, 0.0, 0.0, 0.0)
        self._middle = np.array([x + width / 2, y + height / 2])
        self._fixed = self._middle if fixed is None else fixed

    def pose_at(self, pointer: Pointer) -> Pose2D:
        fixed = self._middle if pointer.shift else self._fixed
        reach = float(np.linalg.norm(self.start.at - fixed))
        if reach * self.canvas.scale_factor < 12.0:  # pressed on the fixed point: up is larger
            rise = self.start.screen.y() - pointer.screen.y()
            factor = math.exp(rise / 180.0)
        else:
            along = (self.start.at - fixed) / reach
            factor = float((pointer.at - fixed) @ along) / reach
        return kinematics.scale(self.before, max(0.02, factor), fixed)


class _Turn(PoseGesture):
    def __init__(
        self, canvas: CanvasView, start: Pointer, person_id: str, pivot: np.ndarray
    ) -> None:
        super().__init__(canvas, start, person_id)
        self.pivot = pivot
        self._last = self._angle(start)
        self._turned = 0.0

    def _angle(self, pointer: Pointer) -> float:
        gap = pointer.at - self.pivot
        return math.atan2(gap[1], gap[0])

    def angle_at(self, pointer: Pointer) -> float:
        """Rad turned since the press, clockwise on the screen, past a full turn too."""
        now = self._angle(pointer)
        step = (now - self._last + math.pi) % (2 * math.pi) - math.pi
        self._last = now
        self._turned += step
        return round(self._turned / _SNAP_RAD) * _SNAP_RAD if pointer.shift else self._turned

    def cancel(self) -> None:
        super().cancel()
        self.canvas.pivot.setVisible(False)

    def finish(self, pointer: Pointer) -> None:
        self.canvas.pivot.setVisible(False)


class RotateLimb(_Turn):
    """Turn a joint and what hangs on it about its parent."""

    text = "Rotate limb"

    def __init__(
        self, canvas: CanvasView, start: Pointer, person_id: str, joint: int, pivot: np.ndarray
    ) -> None:
        super().__init__(canvas, start, person_id, pivot)
        self._joint = joint

    def pose_at(self, pointer: Pointer) -> Pose2D:
        return kinematics.rotate_limb(self.before, self._joint, self.angle_at(pointer))

    def update(self, pointer: Pointer) -> None:
        super().update(pointer)
        canvas = self.canvas
        pose = canvas.session.document.person(self.person_id).pose
        accent = canvas.theme.colours.accent
        canvas.pivot.show_arm(self.pivot, pose.keypoints[self._joint], canvas.scale_factor, accent)
        degrees = math.degrees(self._turned)
        canvas.set_hover((self.person_id, self._joint), f"{degrees:+.0f}°")


class RotatePerson(_Turn):
    """Turn a whole person about its middle."""

    text = "Rotate person"

    def pose_at(self, pointer: Pointer) -> Pose2D:
        return kinematics.rotate_person(self.before, self.angle_at(pointer), self.pivot)


class BoxSelect(Gesture):
    """Choose the joints inside a box, of the person who has most of them there."""

    def _box(self, pointer: Pointer) -> QRectF:
        return QRectF(QPointF(*self.start.at), QPointF(*pointer.at)).normalized()

    def update(self, pointer: Pointer) -> None:
        self.canvas.band.show_box(self._box(pointer), self.canvas.theme.colours.accent)

    def finish(self, pointer: Pointer) -> None:
        self.canvas.band.setVisible(False)
        session = self.canvas.session
        rect = self._box(pointer)
        box = (rect.x(), rect.y(), rect.width(), rect.height())
        chosen = session.selection
        best: tuple[int, str, frozenset[int]] | None = None
        for person in session.document.people:
            if not person.visible or person.locked:
                continue
            found = picking.joints_in_box(person.pose, box)
            if not found:
                continue
            # Of equally many the person already chosen wins, then the one in front.
            count = 2 * len(found) + (person.id == chosen.person)
            if pointer.toggles and person.id == chosen.person:
                count += 1000
            if best is None or count >= best[0]:
                best = count, person.id, found
        if best is None:
            if not pointer.toggles:
                session.select(None)
            return
        _, person_id, joints = best
        if pointer.toggles and person_id == chosen.person:
            joints = joints | chosen.joints
        session.select(person_id, joints)

    def click(self, pointer: Pointer) -> None:
        if not pointer.toggles:
            self.canvas.session.select(None)

    def cancel(self) -> None:
        self.canvas.band.setVisible(False)


class SpanBox(Gesture):
    """Span a box around a person in the photo."""

    def update(self, pointer: Pointer) -> None:
        self.canvas.band.show_box(self._box(pointer), self.canvas.theme.colours.success)

    def _box(self, pointer: Pointer) -> QRectF:
        return QRectF(QPointF(*self.start.at), QPointF(*pointer.at)).normalized()

    def finish(self, pointer: Pointer) -> None:
        self.canvas.band.setVisible(False)
        self.canvas.box_spanned.emit(self._box(pointer))

    def click(self, pointer: Pointer) -> None:
        self.canvas.hint_requested.emit("Drag a box around one whole person in the photo.")

    def cancel(self) -> None:
        self.canvas.band.setVisible(False)


class PlacePerson(SpanBox):
    """Span the box that a new person fills; a click takes a usual size."""

    def finish(self, pointer: Pointer) -> None:
        self.canvas.band.setVisible(False)
        self.canvas.person_placed.emit(self._box(pointer))

    def click(self, pointer: Pointer) -> None:
        width, height = self.canvas.session.document.size
        tall = 0.6 * height
        wide = min(0.6 * tall, width)
        x, y = map(float, self.start.at)
        self.canvas.person_placed.emit(QRectF(x - wide / 2, y - tall / 2, wide, tall))
