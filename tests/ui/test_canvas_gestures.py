"""Every gesture of the canvas, done with real mouse events on its viewport."""

# ruff: noqa: RUF005 - an array plus a pair moves it
from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QByteArray, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from poseapp.core import kinematics
from poseapp.core.document import Person
from poseapp.core.pose import Pose2D, Visibility
from poseapp.core.skeleton import COCO_17
from poseapp.state.commands import AddPeople, EditPerson
from poseapp.state.session import Session
from poseapp.state.settings import Settings
from poseapp.ui.canvas.view import POSE_MIME, CanvasView
from tests.ui.conftest import LEFT, RIGHT, Hand

WRIST, ELBOW, KNEE, ANKLE = 9, 7, 13, 15
SHIFT = Qt.KeyboardModifier.ShiftModifier
ALT = Qt.KeyboardModifier.AltModifier


def now(session: Session) -> Pose2D:
    return session.document.people[0].pose


def test_dragging_a_joint_moves_it_and_is_one_step(
    hand: Hand, session: Session, pose: Pose2D
) -> None:
    start = pose.keypoints[WRIST]
    hand.drag(start, start + (60, -40), steps=8)
    assert np.allclose(now(session).keypoints[WRIST], start + (60, -40), atol=0.6)
    others = [j for j in range(17) if j != WRIST]
    assert np.array_equal(now(session).keypoints[others], pose.keypoints[others])
    assert session.undo_stack.count() == 1
    session.undo_stack.undo()
    assert now(session) == pose


def test_two_drags_are_two_steps(hand: Hand, session: Session, pose: Pose2D) -> None:
    start = pose.keypoints[WRIST]
    hand.drag(start, start + (30, 0))
    hand.drag(start + (30, 0), start + (60, 0))
    assert session.undo_stack.count() == 2


def test_a_click_without_a_move_changes_nothing(hand: Hand, session: Session, pose: Pose2D) -> None:
    hand.click(pose.keypoints[WRIST])
    hand.click(pose.keypoints[WRIST] + (1.5, 1.5))
    hand.click((20, 20))
    hand.click(pose.keypoints[[5, 6, 11, 12]].mean(0))
    assert session.undo_stack.count() == 0
    assert now(session) is pose


def test_a_grip_beside_the_joint_does_not_make_it_jump(
    hand: Hand, session: Session, pose: Pose2D
) -> None:
    start = pose.keypoints[WRIST]
    hand.drag(start + (5, 5), start + (45, 5))
    assert np.allclose(now(session).keypoints[WRIST], start + (40, 0), atol=0.6)


@pytest.mark.parametrize("by_key", [True, False])
def test_limb_lock_keeps_bone_lengths(
    hand: Hand, session: Session, settings: Settings, pose: Pose2D, by_key: bool
) -> None:
    settings.limb_lock = not by_key
    start = pose.keypoints[ELBOW]
    hand.drag(start, start + (90, -150), modifiers=ALT if by_key else Qt.KeyboardModifier(0))
    assert np.allclose(
        kinematics.bone_lengths(now(session)), kinematics.bone_lengths(pose), equal_nan=True
    )
    assert np.linalg.norm(now(session).keypoints[WRIST] - pose.keypoints[WRIST]) > 40


def test_shift_keeps_a_drag_to_one_direction(hand: Hand, session: Session, pose: Pose2D) -> None:
    hand.press(pose.keypoints[WRIST])
    hand.move(pose.keypoints[WRIST] + (50, 8), modifiers=SHIFT)
    hand.release(pose.keypoints[WRIST] + (50, 8))
    moved = now(session).keypoints[WRIST] - pose.keypoints[WRIST]
    assert np.allclose(moved, (50, 0), atol=0.6)


def test_escape_breaks_a_drag_off_and_leaves_no_step(
    hand: Hand, canvas: CanvasView, session: Session, pose: Pose2D, qtbot: QtBot
) -> None:
    hand.press(pose.keypoints[WRIST])
    hand.move(pose.keypoints[WRIST] + (50, 8))
    qtbot.keyClick(canvas, Qt.Key.Key_Escape)
    hand.release(pose.keypoints[WRIST] + (80, 8))
    assert now(session) == pose
    assert session.undo_stack.count() == 0
    assert not session.undo_stack.canRedo()


def test_rotate_tool_turns_a_limb_about_its_parent(
    hand: Hand, canvas: CanvasView, session: Session, pose: Pose2D
) -> None:
    canvas.set_tool("rotate")
    pivot, knee = pose.keypoints[11], pose.keypoints[KNEE]
    reach = np.linalg.norm(knee - pivot)
    hand.drag(knee, pivot + (reach, 0.0), steps=12)
    after = now(session)
    assert np.allclose(after.keypoints[KNEE], pivot + (reach, 0), atol=1.5)
    shin = np.linalg.norm(after.keypoints[ANKLE] - after.keypoints[KNEE])
    assert shin == pytest.approx(np.linalg.norm(pose.keypoints[ANKLE] - knee))
    assert session.undo_stack.count() == 1


def test_rotation_snaps_with_shift(
    hand: Hand, canvas: CanvasView, session: Session, pose: Pose2D
) -> None:
    canvas.set_tool("rotate")
    pivot, elbow = pose.keypoints[5], pose.keypoints[ELBOW]
    hand.press(elbow)
    hand.move(elbow + (-40, 10), modifiers=SHIFT)
    hand.release(elbow + (-40, 10))

    def angle(keypoints: np.ndarray) -> float:
        gap = keypoints[ELBOW] - pivot
        return math.degrees(math.atan2(gap[1], gap[0]))

    turned = angle(now(session).keypoints) - angle(pose.keypoints)
    assert turned != 0
    assert turned / 15 == pytest.approx(round(turned / 15), abs=1e-6)


@pytest.mark.parametrize("tool", ["select", "move"])
def test_dragging_the_torso_moves_the_person(
    hand: Hand, canvas: CanvasView, session: Session, pose: Pose2D, tool: str
) -> None:
    canvas.set_tool(tool)
    middle = pose.keypoints[[5, 6, 11, 12]].mean(0)
    hand.drag(middle, middle + (40, 25))
    assert np.allclose(now(session).keypoints, pose.keypoints + (40, 25), atol=0.6)
    assert session.undo_stack.count() == 1


def test_scale_tool_keeps_the_middle(
    hand: Hand, canvas: CanvasView, session: Session, pose: Pose2D
) -> None:
    canvas.set_tool("scale")
    x, y, width, height = pose.bounds
    middle = np.array([x + width / 2, y + height / 2])
    grip = pose.keypoints[ANKLE]
    hand.drag(grip, middle + (grip - middle) * 0.5)
    bounds = now(session).bounds
    assert bounds[3] == pytest.approx(height / 2, rel=0.01)
    assert bounds[1] + bounds[3] / 2 == pytest.approx(middle[1], abs=0.5)


def test_a_corner_of_the_box_scales_about_the_opposite_one(
    hand: Hand, canvas: CanvasView, session: Session, pose: Pose2D
) -> None:
    hand.click(pose.keypoints[[5, 6, 11, 12]].mean(0))
    assert canvas.gizmo.isVisible()
    handles = canvas.gizmo.handles()
    fixed = np.array(handles["nw"].toTuple())
    grip = np.array(handles["se"].toTuple())
    hand.drag(grip, fixed + (grip - fixed) * 0.5)
    assert np.allclose(now(session).keypoints - fixed, (pose.keypoints - fixed) * 0.5, atol=1.0)


def test_the_knob_rotates_the_person(
    hand: Hand, canvas: CanvasView, session: Session, pose: Pose2D
) -> None:
    hand.click(pose.keypoints[[5, 6, 11, 12]].mean(0))
    box = canvas.gizmo.box
    middle = np.array(box.center().toTuple())
    knob = np.array(canvas.gizmo.handles()["turn"].toTuple())
    reach = np.linalg.norm(knob - middle)
    hand.drag(knob, middle + (reach, 0.0), steps=10)
    quarter = np.array([[0.0, -1.0], [1.0, 0.0]])
    expected = (pose.keypoints - middle) @ quarter.T + middle
    assert np.allclose(now(session).keypoints, expected, atol=2.5)


def test_a_box_chooses_joints_and_shift_adds_to_them(
    hand: Hand, session: Session, pose: Pose2D
) -> None:
    knees = pose.keypoints[[13, 14, 15, 16]]
    hand.drag(knees.min(0) - 15, knees.max(0) + 15)
    assert session.selection.joints == {13, 14, 15, 16}
    assert session.undo_stack.count() == 0
    hand.click(pose.keypoints[WRIST], modifiers=SHIFT)
    assert session.selection.joints == {9, 13, 14, 15, 16}
    hand.click(pose.keypoints[13], modifiers=SHIFT)
    assert session.selection.joints == {9, 14, 15, 16}


def test_chosen_joints_move_together(hand: Hand, session: Session, pose: Pose2D) -> None:
    session.select("anna", {13, 15})
    hand.drag(pose.keypoints[13], pose.keypoints[13] + (30, 10))
    moved = now(session).keypoints - pose.keypoints
    assert np.allclose(moved[[13, 15]], (30, 10), atol=0.6)
    assert np.allclose(np.delete(moved, [13, 15], axis=0), 0)
    assert session.selection.joints == {13, 15}


def test_right_click_goes_round_visible_hidden_absent(
    hand: Hand, session: Session, pose: Pose2D
) -> None:
    place = pose.keypoints[WRIST]
    seen = []
    for _ in range(3):
        hand.click(place, RIGHT)
        seen.append(Visibility(int(now(session).visibility[WRIST])))
    assert seen == [Visibility.HIDDEN, Visibility.ABSENT, Visibility.VISIBLE]
    assert np.allclose(now(session).keypoints[WRIST], place)
    assert session.undo_stack.count() == 3


def test_right_click_elsewhere_asks_for_a_menu(
    hand: Hand, canvas: CanvasView, session: Session, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(canvas.menu_requested):
        hand.click((30, 30), RIGHT)
    assert session.undo_stack.count() == 0


@pytest.mark.parametrize("zoom", [0.4, 1.0, 3.0])
def test_the_pick_radius_is_the_same_on_screen_at_every_zoom(
    canvas: CanvasView, pose: Pose2D, zoom: float
) -> None:
    canvas.set_zoom(zoom)
    wrist = pose.keypoints[WRIST]
    assert canvas.joint_at(wrist + (11.0 / zoom, 0)) == ("anna", WRIST)
    assert canvas.joint_at(wrist + (0, 13.0 / zoom)) is None


def test_the_nearest_joint_wins(hand: Hand, session: Session, pose: Pose2D) -> None:
    session.undo_stack.push(
        AddPeople(session, [Person(kinematics.translate(pose, (8, 0)), "Ben", id="ben")])
    )
    hand.click(pose.keypoints[WRIST] + (2, 0))
    assert session.selection.person == "anna"
    hand.click(pose.keypoints[WRIST] + (6, 0))
    assert session.selection.person == "ben"


@pytest.mark.parametrize("change", [{"locked": True}, {"visible": False}])
def test_locked_and_hidden_people_cannot_be_dragged(
    hand: Hand, session: Session, pose: Pose2D, change: dict[str, bool]
) -> None:
    session.undo_stack.push(EditPerson(session, "anna", "x", **change))
    hand.drag(pose.keypoints[WRIST], pose.keypoints[WRIST] + (50, 0))
    assert now(session) is pose
    assert session.undo_stack.count() == 1


def test_pressing_a_locked_person_says_why_nothing_happens(
    hand: Hand, canvas: CanvasView, session: Session, pose: Pose2D, qtbot: QtBot
) -> None:
    session.undo_stack.push(EditPerson(session, "anna", "x", locked=True))
    with qtbot.waitSignal(canvas.hint_requested) as hint:
        hand.press(pose.keypoints[WRIST])
    assert "Anna is locked" in hint.args[0]
    hand.release(pose.keypoints[WRIST])


def test_hover_names_the_joint(hand: Hand, canvas: CanvasView, pose: Pose2D) -> None:
    hand.hover(pose.keypoints[16])
    assert canvas.hovered == ("anna", 16)
    assert canvas.people.label.isVisible() and canvas.people.label.text == "right ankle"
    hand.hover((20, 20))
    assert canvas.hovered is None and not canvas.people.label.isVisible()


def test_add_tool_places_a_person_in_the_box(hand: Hand, canvas: CanvasView, qtbot: QtBot) -> None:
    canvas.set_tool("add")
    with qtbot.waitSignal(canvas.person_placed) as placed:
        hand.drag((400, 200), (600, 600))
    assert placed.args[0].getRect() == pytest.approx((400, 200, 200, 400), abs=1.5)


def test_the_wheel_zooms_at_the_mouse(canvas: CanvasView) -> None:
    at = QPointF(250, 300)
    before, scale = canvas.to_canvas(at), canvas.scale_factor
    wheel = QWheelEvent(
        at, canvas.mapToGlobal(at), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(canvas.viewport(), wheel)
    assert canvas.scale_factor > scale * 1.1
    assert np.allclose(canvas.to_canvas(at), before, atol=0.05)


@pytest.mark.parametrize("by_space", [True, False])
def test_middle_button_and_space_pan(
    hand: Hand, canvas: CanvasView, session: Session, qtbot: QtBot, by_space: bool
) -> None:
    before = canvas.to_canvas(QPointF(400, 400))
    button = LEFT if by_space else Qt.MouseButton.MiddleButton
    if by_space:
        qtbot.keyPress(canvas, Qt.Key.Key_Space)
    start, shift = np.array([380.0, 380.0]), np.array([70.0, 30.0])
    hand.press(start, button)
    hand.move(start + shift, button)
    hand.release(start, button)
    assert np.allclose(canvas.to_canvas(QPointF(400, 400)), before - shift, atol=1.0)
    assert session.undo_stack.count() == 0


def test_the_page_stays_fitted_until_the_user_zooms(canvas: CanvasView, qtbot: QtBot) -> None:
    canvas.resize(500, 500)
    qtbot.waitUntil(lambda: canvas.scale_factor < 0.7)
    assert canvas.scale_factor == pytest.approx(500 / (768 * 1.08), rel=0.02)
    canvas.zoom(2.0)
    scale = canvas.scale_factor
    canvas.resize(520, 520)
    QApplication.processEvents()
    assert canvas.scale_factor == pytest.approx(scale, rel=0.1)


def _drop(canvas: CanvasView, mime: QMimeData) -> None:
    event = QDropEvent(
        QPointF(200, 220), Qt.DropAction.CopyAction, mime, LEFT, Qt.KeyboardModifier.NoModifier
    )
    canvas.dropEvent(event)


def test_drops_of_files_and_library_poses(canvas: CanvasView, qtbot: QtBot, tmp_path: Path) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(tmp_path / "a.json"))])
    with qtbot.waitSignal(canvas.files_dropped) as files:
        _drop(canvas, mime)
    assert files.args == [[tmp_path / "a.json"]]
    mime = QMimeData()
    mime.setData(POSE_MIME, QByteArray(b"walking"))
    with qtbot.waitSignal(canvas.pose_dropped) as dropped:
        _drop(canvas, mime)
    assert dropped.args[0] == "walking"
    assert np.allclose(dropped.args[1:], canvas.to_canvas(QPointF(200, 220)))


def test_absent_joints_are_not_drawn(canvas: CanvasView, session: Session, pose: Pose2D) -> None:
    item = canvas.person_item("anna")
    assert len(item.figure.dots) == len(COCO_17)
    from poseapp.state.commands import SetVisibility

    session.undo_stack.push(SetVisibility(session, "anna", WRIST, Visibility.ABSENT))
    assert [dot.joint for dot in item.figure.dots].count(WRIST) == 0
    session.undo_stack.push(SetVisibility(session, "anna", ELBOW, Visibility.HIDDEN))
    assert next(d for d in item.figure.dots if d.joint == ELBOW).hollow


def test_a_joint_shows_its_colour_where_it_is(canvas: CanvasView, pose: Pose2D) -> None:
    at = canvas.to_screen(pose.keypoints[WRIST])
    seen = canvas.grab().toImage().pixelColor(at)
    from poseapp.core.palette import JOINT_COLOURS

    wanted = JOINT_COLOURS[WRIST]
    assert np.allclose((seen.red(), seen.green(), seen.blue()), wanted, atol=12)
