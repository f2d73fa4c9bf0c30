"""The tools: each decides which gesture a press starts and what lies under the mouse."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, Qt

from poseapp.core import kinematics
from poseapp.core.pose import Visibility
from poseapp.state.commands import SetPose, SetVisibility
from poseapp.ui.canvas.gestures import (
    BoxSelect,
    DragJoints,
    Gesture,
    MovePerson,
    PlacePerson,
    Pointer,
    RotateLimb,
    RotatePerson,
    ScalePerson,
    SpanBox,
)

if TYPE_CHECKING:
    from poseapp.ui.canvas.view import CanvasView

__all__ = ["TOOLS", "Pointer", "Tool"]

DRAG_START_PX = 3.0
HANDLE_RADIUS_PX = 9.0
_OPPOSITE = {"nw": "se", "ne": "sw", "se": "nw", "sw": "ne"}
_HANDLE_CURSORS = {
    "nw": Qt.CursorShape.SizeFDiagCursor,
    "se": Qt.CursorShape.SizeFDiagCursor,
    "ne": Qt.CursorShape.SizeBDiagCursor,
    "sw": Qt.CursorShape.SizeBDiagCursor,
    "turn": Qt.CursorShape.PointingHandCursor,
}
_NEXT = {
    Visibility.VISIBLE: Visibility.HIDDEN,
    Visibility.HIDDEN: Visibility.ABSENT,
    Visibility.ABSENT: Visibility.VISIBLE,
}


class Tool:
    """Base of all tools: starts a gesture and calls it a drag once the mouse has moved enough."""

    name = ""
    hint = ""
    cursor = Qt.CursorShape.ArrowCursor
    wants_gizmo = True

    def __init__(self, canvas: CanvasView) -> None:
        self.canvas = canvas
        self._gesture: Gesture | None = None
        self._moved = False

    @property
    def dragging(self) -> bool:
        """A gesture is under way."""
        return self._gesture is not None

    def begin(self, pointer: Pointer) -> Gesture | None:
        """The gesture that a press starts here."""
        raise NotImplementedError

    def press(self, pointer: Pointer) -> None:
        """Left button down."""
        self._moved = False
        self._gesture = self.begin(pointer)

    def right_click(self, pointer: Pointer) -> bool:
        """Right button down; whether that did something here."""
        return False

    def move(self, pointer: Pointer) -> None:
        """Mouse moved with the left button held."""
        gesture = self._gesture
        if gesture is None:
            return
        if not self._moved:
            gap = pointer.screen - gesture.start.screen
            if max(abs(gap.x()), abs(gap.y())) < DRAG_START_PX:
                return
            self._moved = True
        gesture.update(pointer)

    def release(self, pointer: Pointer) -> None:
        """Left button up."""
        gesture, self._gesture = self._gesture, None
        if gesture is not None:
            if self._moved:
                gesture.finish(pointer)
            else:
                gesture.click(pointer)

    def cancel(self) -> None:
        """Break off the gesture and undo what it did."""
        gesture, self._gesture = self._gesture, None
        if gesture is not None and self._moved:
            gesture.cancel()

    def hover(self, pointer: Pointer) -> Qt.CursorShape | None:
        """Mouse moved without a button; returns the cursor, None for the tool's own."""
        hit = self.canvas.joint_at(pointer.at)
        self.canvas.set_hover(hit)
        if hit is not None or self.canvas.body_at(pointer.at) is not None:
            return self.over_cursor
        return None

    over_cursor: Qt.CursorShape | None = None

    def person_at(self, pointer: Pointer) -> str | None:
        """The person under the mouse: by joint, bone or torso, else the chosen one's box."""
        hit = self.canvas.joint_at(pointer.at)
        if hit is not None:
            return hit[0]
        found = self.canvas.body_at(pointer.at)
        if found is not None:
            return found
        gizmo = self.canvas.gizmo
        if gizmo.isVisible() and gizmo.box.contains(QPointF(*pointer.at)):
            return self.canvas.session.selection.person
        return None

    def handle_at(self, pointer: Pointer) -> str | None:
        """The gizmo's handle under the mouse."""
        radius = HANDLE_RADIUS_PX / self.canvas.scale_factor
        return self.canvas.gizmo.handle_at(QPointF(*pointer.at), radius)

    def handle_gesture(self, pointer: Pointer) -> Gesture | None:
        """The gesture of the gizmo's handle under the mouse."""
        handle = self.handle_at(pointer)
        person = self.canvas.session.selection.person
        if handle is None or person is None:
            return None
        if handle == "turn":
            box = self.canvas.gizmo.box
            middle = np.array([box.center().x(), box.center().y()])
            return RotatePerson(self.canvas, pointer, person, middle)
        fixed = self.canvas.gizmo.handles()[_OPPOSITE[handle]]
        return ScalePerson(self.canvas, pointer, person, np.array([fixed.x(), fixed.y()]))


class SelectTool(Tool):
    """Choose and drag joints; a drag on a bone moves the person, one on nothing spans a box."""

    name = "select"
    hint = "Drag a joint; hold Alt to take the limb along. Drag a bone to move the person."
    over_cursor = Qt.CursorShape.PointingHandCursor

    def __init__(self, canvas: CanvasView) -> None:
        super().__init__(canvas)
        self._lost: tuple[str, int, np.ndarray] | None = None

    def begin(self, pointer: Pointer) -> Gesture | None:
        session = self.canvas.session
        gesture = self.handle_gesture(pointer)
        if gesture is not None:
            return gesture
        hit = self.canvas.joint_at(pointer.at)
        if hit is not None:
            person_id, joint = hit
            chosen = session.selection
            joints = chosen.joints if chosen.person == person_id else frozenset()
            if pointer.toggles:
                joints = joints ^ {joint}
                session.select(person_id, joints)
                if joint not in joints:
                    return None
            elif joint not in joints:
                joints = frozenset({joint})
                session.select(person_id, joints)
            return DragJoints(self.canvas, pointer, person_id, joint, joints)
        body = self.canvas.body_at(pointer.at)
        if body is not None:
            session.select(body)
            return MovePerson(self.canvas, pointer, body)
        locked = self.canvas.locked_at(pointer.at)
        if locked is not None:
            self.canvas.hint_requested.emit(
                f"{locked} is locked: unlock it in the People panel to change it."
            )
        return BoxSelect(self.canvas, pointer)

    def hover(self, pointer: Pointer) -> Qt.CursorShape | None:
        handle = self.handle_at(pointer)
        self.canvas.gizmo.set_hot(handle)
        if handle is not None:
            self.canvas.set_hover(None)
            return _HANDLE_CURSORS[handle]
        hit = self.canvas.joint_at(pointer.at)
        self.canvas.set_hover(hit)
        if hit is not None:
            return self.over_cursor
        if self.canvas.body_at(pointer.at) is not None:
            return Qt.CursorShape.SizeAllCursor
        return None

    def right_click(self, pointer: Pointer) -> bool:
        """Cycle the joint under the mouse; False when there is none.

        A joint made absent leaves nothing to hit, so its place is remembered: the next right click
        there brings it back and closes the cycle.
        """
        session = self.canvas.session
        hit = self.canvas.joint_at(pointer.at)
        if hit is None:
            return self._bring_back(pointer)
        person_id, joint = hit
        pose = session.document.person(person_id).pose
        after = _NEXT[Visibility(int(pose.visibility[joint]))]
        if after == Visibility.ABSENT:
            self._lost = person_id, joint, pose.keypoints[joint].copy()
        session.undo_stack.push(SetVisibility(session, person_id, joint, after))
        self.canvas.set_hover(None if after == Visibility.ABSENT else hit)
        return True

    def _bring_back(self, pointer: Pointer) -> bool:
        if self._lost is None:
            return False
        person_id, joint, place = self._lost
        session = self.canvas.session
        gap = float(np.linalg.norm(pointer.at - place)) * self.canvas.scale_factor
        ids = {person.id for person in session.document.people}
        if gap > 14.0 or person_id not in ids:
            return False
        pose = session.document.person(person_id).pose
        self._lost = None
        if pose.present[joint]:
            return False
        after = pose.with_joint(joint, place)
        session.undo_stack.push(SetPose(session, person_id, after, "Make joint visible"))
        self.canvas.set_hover((person_id, joint))
        return True


class RotateTool(Tool):
    """Turn a limb about its parent, or the person where no joint is hit."""

    name = "rotate"
    hint = "Drag a joint around its parent; Shift snaps to 15°. Drag a bone to turn the person."
    cursor = Qt.CursorShape.CrossCursor
    over_cursor = Qt.CursorShape.PointingHandCursor

    def begin(self, pointer: Pointer) -> Gesture | None:
        session = self.canvas.session
        gesture = self.handle_gesture(pointer)
        if gesture is not None:
            return gesture
        hit = self.canvas.joint_at(pointer.at)
        if hit is not None:
            person_id, joint = hit
            session.select(person_id, {joint})
            pivot, _ = kinematics.limb_pivot(session.document.person(person_id).pose, joint)
            if pivot is None:
                self.canvas.hint_requested.emit(
                    "This joint has nothing to turn about: its parent is absent."
                )
                return None
            return RotateLimb(self.canvas, pointer, person_id, joint, np.array(pivot))
        person = self.person_at(pointer)
        session.select(person)
        if person is None:
            return None
        bounds = session.document.person(person).pose.bounds
        assert bounds is not None  # it was hit
        x, y, width, height = bounds
        middle = np.array([x + width / 2, y + height / 2])
        return RotatePerson(self.canvas, pointer, person, middle)


class MoveTool(Tool):
    """Move a whole person."""

    name = "move"
    hint = "Drag anywhere on a person to move it; Shift keeps to one direction."
    cursor = Qt.CursorShape.ArrowCursor
    over_cursor = Qt.CursorShape.SizeAllCursor

    def begin(self, pointer: Pointer) -> Gesture | None:
        person = self.person_at(pointer)
        self.canvas.session.select(person)
        return None if person is None else MovePerson(self.canvas, pointer, person)


class ScaleTool(Tool):
    """Make a person larger or smaller about its middle, or about a corner of its box."""

    name = "scale"
    hint = "Drag away from the middle of a person to make it larger."
    cursor = Qt.CursorShape.ArrowCursor
    over_cursor = Qt.CursorShape.SizeFDiagCursor

    def begin(self, pointer: Pointer) -> Gesture | None:
        gesture = self.handle_gesture(pointer)
        if gesture is not None:
            return gesture
        person = self.person_at(pointer)
        self.canvas.session.select(person)
        return None if person is None else ScalePerson(self.canvas, pointer, person)


class AddTool(Tool):
    """Put a new person on the canvas."""

    name = "add"
    hint = "Click to add a person, or drag the box that it should fill."
    cursor = Qt.CursorShape.CrossCursor
    wants_gizmo = False

    def begin(self, pointer: Pointer) -> Gesture | None:
        return PlacePerson(self.canvas, pointer)

    def hover(self, pointer: Pointer) -> Qt.CursorShape | None:
        return None


class DetectTool(Tool):
    """Find the pose of one person in the photo, in a box by hand."""

    name = "detect"
    hint = "Drag a box around one whole person in the photo to find their pose."
    cursor = Qt.CursorShape.CrossCursor
    wants_gizmo = False

    def begin(self, pointer: Pointer) -> Gesture | None:
        return SpanBox(self.canvas, pointer)

    def hover(self, pointer: Pointer) -> Qt.CursorShape | None:
        return None


TOOLS: dict[str, Callable[[CanvasView], Tool]] = {
    tool.name: tool for tool in (SelectTool, RotateTool, MoveTool, ScaleTool, AddTool, DetectTool)
}
