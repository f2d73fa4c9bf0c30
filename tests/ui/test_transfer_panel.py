"""The Transfer panel: what is missing, the warp under the hand, the generator at rest, saving."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from poseapp.core import kinematics, transfer
from poseapp.core.document import Document, Person, ReferencePerson
from poseapp.core.errors import PoseError, TaskError, WeightsError
from poseapp.core.pose import Pose2D, Visibility
from poseapp.services import options
from poseapp.services.transfer_tasks import CUT_OFF, NO_GENERATOR
from poseapp.state.commands import AddPeople, PutOnCanvas, SetPose, SetReference
from poseapp.ui.main_window import MainWindow
from poseapp.ui.panels.transfer import LOOKS
from tests.helpers.transfer import NAME, answer, list_generator, raised, reference
from tests.ui.conftest import settle

REST_MS = 5_000


@pytest.fixture
def ann() -> ReferencePerson:
    return reference()


@pytest.fixture
def shown(
    make_window, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ann: ReferencePerson
) -> MainWindow:
    """A window with the panel in front, a reference person, and somebody on the canvas."""
    list_generator(monkeypatch, tmp_path / "w", there=True)
    pose = kinematics.scale(ann.pose, 2.0)
    window = make_window(Document((768, 768), (Person(pose, "Ben", id="ben"),), reference=ann))
    look(window)
    return window


def look(window: MainWindow) -> None:
    """Bring the panel to the front, and give it the moment that it takes to begin."""
    window.show_panel("transfer")
    settle()
    QTest.qWait(60)
    settle()


def tasks(window: MainWindow, name: str) -> list[tuple[int, dict]]:
    return [(n, kwargs) for n, task, kwargs in window.engine.submitted if task == name]  # type: ignore[attr-defined]


def reply(window: MainWindow, name: str) -> dict:
    """Answer the last task of that name."""
    number, kwargs = tasks(window, name)[-1]
    window.engine.task_succeeded.emit(number, answer(name, kwargs))
    settle()
    return kwargs


def drag(window: MainWindow, turn_rad: float) -> Pose2D:
    pose = kinematics.rotate_limb(window.session.document.person("ben").pose, 7, -turn_rad)
    window.session.undo_stack.push(SetPose(window.session, "ben", pose, "Move joint", 1))
    settle()
    return pose


def ready(window: MainWindow) -> None:
    settle()
    reply(window, "prepare_person")


# -- what is missing -------------------------------------------------------------------------
def test_each_thing_that_is_missing_is_said_with_a_way_out(
    make_window, ann: ReferencePerson
) -> None:
    window = make_window()
    look(window)
    panel, session = window.transfer_panel, window.session
    assert panel.head.text() == "No reference person"
    assert panel._buttons["create_person"].isVisible() and not panel._buttons["add"].isVisible()
    assert not window.actions_by_id["transfer_save"].isEnabled()
    bare = replace(ann, pose=Pose2D(np.zeros((17, 2)), np.zeros(17, np.uint8)))
    session.undo_stack.push(SetReference(session, bare))
    look(window)
    assert panel.text.text() == transfer.NO_REFERENCE_POSE
    assert panel._buttons["reference_put"].isVisible()
    session.undo_stack.push(SetReference(session, ann))
    look(window)
    assert panel.text.text() == transfer.NOBODY and panel._buttons["add"].isVisible()
    three = Pose2D(ann.pose.keypoints, np.where(np.arange(17) < 3, 2, 0).astype(np.uint8))
    session.undo_stack.push(AddPeople(session, [Person(three)]))
    settle()
    assert panel.text.text() == transfer.TOO_FEW_JOINTS
    assert panel._buttons["restore"].isVisible()
    assert not tasks(window, "render_person")
    panel._buttons["restore"].click()
    settle()
    assert panel._stack.currentIndex() == 1


def test_one_repaint_of_the_window_shows_both_the_joint_and_the_person(
    shown: MainWindow, qtbot: QtBot
) -> None:
    """Two for each move would cost more than warp and painting together."""

    class Repaints(QObject):
        def __init__(self) -> None:
            super().__init__()
            self.order: list[str] = []

        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.UpdateRequest:
                self.order.append("window")
            return False

    ready(shown)
    shown.status.hide()
    settle()
    repaints = Repaints()
    shown.installEventFilter(repaints)
    shown.transferring.warped.connect(lambda _: repaints.order.append("warp"))
    pose = kinematics.rotate_limb(shown.session.document.person("ben").pose, 7, -0.4)
    shown.session.undo_stack.push(SetPose(shown.session, "ben", pose, "Move joint", 1))
    QApplication.sendPostedEvents()
    shown.removeEventFilter(repaints)
    assert repaints.order == ["warp", "window"]


def test_nothing_is_done_while_nobody_looks(make_window, ann: ReferencePerson) -> None:
    window = make_window(Document((768, 768), (Person(ann.pose),), reference=ann))
    window.show_panel("viewport")
    settle()
    assert not tasks(window, "prepare_person")
    look(window)
    assert len(tasks(window, "prepare_person")) == 1
    window.show_panel("viewport")
    settle()
    assert not window.transferring._rest.isActive()
    ready(window)  # the photo is made ready all the same, and nothing more
    QTest.qWait(250)
    assert not tasks(window, "render_person") and window.transferring.stage is not None


# -- live ------------------------------------------------------------------------------------
def test_the_warp_follows_and_the_generator_comes_when_the_hand_rests(
    shown: MainWindow, qtbot: QtBot
) -> None:
    panel, controller = shown.transfer_panel, shown.transferring
    ready(shown)
    frames: list[np.ndarray] = []
    controller.warped.connect(frames.append)
    for _ in range(5):
        drag(shown, 0.2)
    assert len(frames) == 5 and not tasks(shown, "render_person")
    assert panel.view.opacity == 0.0 and not panel.view.empty
    qtbot.waitUntil(lambda: len(tasks(shown, "render_person")) == 1, timeout=REST_MS)
    asked = reply(shown, "render_person")
    assert asked["generator"] and asked["target"].shape == (17, 3)
    qtbot.waitUntil(lambda: panel.view.opacity == 1.0, timeout=REST_MS)
    assert panel.foot.text().startswith("Rendered by the generator")
    drag(shown, 0.2)
    assert panel.view.opacity == 0.0  # what was rendered for another pose goes at once


def test_what_an_older_pose_was_asked_for_never_arrives(shown: MainWindow, qtbot: QtBot) -> None:
    ready(shown)
    drag(shown, 0.5)
    qtbot.waitUntil(lambda: len(tasks(shown, "render_person")) == 1, timeout=REST_MS)
    old, kwargs = tasks(shown, "render_person")[0]
    rendered: list[object] = []
    shown.transferring.rendered.connect(rendered.append)
    drag(shown, 0.3)
    shown.engine.task_succeeded.emit(old, answer("render_person", kwargs))
    assert not rendered and shown.transfer_panel.view.opacity == 0.0
    qtbot.waitUntil(lambda: len(tasks(shown, "render_person")) == 2, timeout=REST_MS)
    reply(shown, "render_person")
    assert len(rendered) == 1


def test_a_frame_of_the_warp_is_quick(shown: MainWindow) -> None:
    ready(shown)
    drag(shown, 0.1)
    controller = shown.transferring
    took = []
    for step in range(12):
        target = transfer.as_array(raised(reference().pose, 0.1 * step))
        began = time.thread_time()  # of this thread alone: other programs do not count
        controller._warp(target)
        took.append(time.thread_time() - began)
    assert sorted(took)[6] < 0.033


def test_the_document_is_not_touched(shown: MainWindow, qtbot: QtBot) -> None:
    steps, before = shown.session.undo_stack.count(), shown.session.document
    ready(shown)
    qtbot.waitUntil(lambda: bool(tasks(shown, "render_person")), timeout=REST_MS)
    reply(shown, "render_person")
    assert shown.session.document is before and shown.session.undo_stack.count() == steps


def test_over_the_very_photo_the_person_moves_where_the_pose_is(
    shown: MainWindow, ann: ReferencePerson, qtbot: QtBot
) -> None:
    session = shown.session
    ready(shown)
    session.undo_stack.push(PutOnCanvas(session, ann.photo, Person(ann.pose, "Ann", id="ann")))
    session.select("ann")
    settle()
    moved = kinematics.translate(ann.pose, (31.0, 0.0))
    session.undo_stack.push(SetPose(session, "ann", moved))
    settle()
    qtbot.waitUntil(lambda: bool(tasks(shown, "render_person")), timeout=REST_MS)
    target = tasks(shown, "render_person")[-1][1]["target"]
    np.testing.assert_allclose(target[:, :2], moved.keypoints, atol=1e-6)


def test_a_moment_of_a_sequence_is_followed(shown: MainWindow) -> None:
    ready(shown)
    frames: list[np.ndarray] = []
    shown.transferring.warped.connect(frames.append)
    settle()
    frames.clear()
    pose = shown.session.document.person("ben").pose
    for turn in (0.3, 0.6):
        shown.transferring.show_moment(raised(pose, turn))
        settle()
    assert len(frames) == 2
    shown.transferring.show_moment(None)
    settle()
    assert len(frames) == 3


def test_after_a_sequence_the_pose_on_the_canvas_is_rendered(
    shown: MainWindow, qtbot: QtBot
) -> None:
    ready(shown)
    settle()
    pose = shown.session.document.person("ben").pose
    shown.transferring.show_moment(pose)  # the last key pose is the one on the canvas
    settle()
    before = len(tasks(shown, "render_person"))
    shown.transferring.show_moment(None)
    qtbot.waitUntil(lambda: len(tasks(shown, "render_person")) > before, timeout=REST_MS)


# -- the gallery -----------------------------------------------------------------------------
def test_a_pose_of_the_gallery_shows_the_person_in_it(shown: MainWindow, qtbot: QtBot) -> None:
    shown.show_panel("viewport")
    settle()
    panel = shown.caption_panel
    panel.generate("a man is playing tennis")
    shown.engine.answer()  # type: ignore[attr-defined]
    settle()
    panel.gallery._on_activated(panel.gallery.model().index(3, 0))
    settle()
    assert shown.transfer_panel.isVisible()
    QTest.qWait(60)
    ready(shown)
    qtbot.waitUntil(lambda: bool(tasks(shown, "render_person")), timeout=REST_MS)


# -- looks, comparing ------------------------------------------------------------------------
def test_everything_there_is_to_see_can_be_looked_at(shown: MainWindow, qtbot: QtBot) -> None:
    panel = shown.transfer_panel
    ready(shown)
    qtbot.waitUntil(lambda: bool(tasks(shown, "render_person")), timeout=REST_MS)
    reply(shown, "render_person")
    seen = set()
    for row in range(len(LOOKS)):
        panel.look_box.setCurrentIndex(row)
        image = panel.view._under.toImage()
        seen.add((image.width(), image.height(), image.pixel(image.width() // 2, 40)))
        assert not panel.view.empty
    assert len(seen) == len(LOOKS)
    panel.look_box.setCurrentIndex(1)
    drag(shown, 0.4)  # another look waits for the next picture
    qtbot.waitUntil(lambda: len(tasks(shown, "render_person")) == 2, timeout=REST_MS)
    reply(shown, "render_person")
    assert not panel.view.empty


def test_the_line_shows_what_was_there_before(shown: MainWindow) -> None:
    panel = shown.transfer_panel
    ready(shown)
    drag(shown, 1.2)
    without = panel.view.grab().toImage()
    panel.compare_button.setChecked(True)
    half = panel.view.grab().toImage()
    assert half != without
    panel.view.set_split(0.9)
    assert panel.view.grab().toImage() != half
    rect = panel.view.picture_rect()
    at = QPoint(round(rect.left() + 0.25 * rect.width()), round(rect.center().y()))
    QTest.mouseClick(panel.view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
    assert panel.view.split == pytest.approx(0.25, abs=0.02)
    QTest.keyClick(panel.view, Qt.Key.Key_Right)
    assert panel.view.split == pytest.approx(0.30, abs=0.02)


# -- without weights, and with faults --------------------------------------------------------
def test_without_weights_it_says_how_to_get_them_and_moves_the_photo(
    make_window,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    ann: ReferencePerson,
    qtbot: QtBot,
) -> None:
    list_generator(monkeypatch, tmp_path / "w", there=False)
    window = make_window(Document((768, 768), (Person(ann.pose),), reference=ann))
    look(window)
    ready(window)
    panel = window.transfer_panel
    assert panel.foot.text() == NO_GENERATOR and panel.models_button.isVisible()
    qtbot.waitUntil(lambda: bool(tasks(window, "render_person")), timeout=REST_MS)
    assert not reply(window, "render_person")["generator"]
    panel.models_button.click()
    settle()
    assert window.models_panel.isVisible()
    options.choose(window.settings, options.WEIGHTS_KEY, NAME, str(tmp_path / "own.safetensors"))
    settle()
    assert not panel.models_button.isVisible()
    qtbot.waitUntil(lambda: len(tasks(window, "render_person")) == 2, timeout=REST_MS)
    assert tasks(window, "render_person")[-1][1]["generator"]


def test_the_models_panel_lists_the_generator(shown: MainWindow) -> None:
    card = shown.models_panel.cards[NAME]
    assert card.card.task == "transfer" and card.card.status == "ready"


def test_damaged_weights_are_said_once_and_the_warp_goes_on(
    shown: MainWindow, qtbot: QtBot
) -> None:
    ready(shown)
    qtbot.waitUntil(lambda: bool(tasks(shown, "render_person")), timeout=REST_MS)
    number, _ = tasks(shown, "render_person")[-1]
    shown.engine.task_failed.emit(number, WeightsError("a.safetensors is damaged: choose another."))
    assert not tasks(shown, "render_person")[-1][1]["generator"]
    reply(shown, "render_person")
    assert "a.safetensors is damaged" in shown.transfer_panel.foot.text()
    drag(shown, 0.3)
    qtbot.waitUntil(lambda: len(tasks(shown, "render_person")) == 3, timeout=REST_MS)
    assert not tasks(shown, "render_person")[-1][1]["generator"]


def test_out_of_memory_is_said_and_the_next_pose_is_tried(shown: MainWindow, qtbot: QtBot) -> None:
    ready(shown)
    before = shown.session.document
    qtbot.waitUntil(lambda: bool(tasks(shown, "render_person")), timeout=REST_MS)
    number, _ = tasks(shown, "render_person")[-1]
    shown.engine.task_failed.emit(number, TaskError("There is not enough memory: close others."))
    assert "not enough memory" in shown.infobar.text and shown.session.document is before
    drag(shown, 0.3)
    qtbot.waitUntil(lambda: len(tasks(shown, "render_person")) == 2, timeout=REST_MS)
    assert tasks(shown, "render_person")[-1][1]["generator"]


def test_a_photo_that_cannot_be_used_can_be_tried_again(shown: MainWindow) -> None:
    settle()
    number, _ = tasks(shown, "prepare_person")[-1]
    shown.engine.task_failed.emit(number, PoseError("The pose lies outside of the photo."))
    panel = shown.transfer_panel
    assert panel.text.text() == "The pose lies outside of the photo."
    drag(shown, 0.2)
    assert len(tasks(shown, "prepare_person")) == 1  # the same photo fails the same way
    panel.again_button.click()
    settle()
    assert len(tasks(shown, "prepare_person")) == 2
    ready(shown)
    assert panel._stack.currentIndex() == 1


def test_somebody_cut_by_the_frame_is_noted(shown: MainWindow, ann: ReferencePerson) -> None:
    settle()
    number, kwargs = tasks(shown, "prepare_person")[-1]
    found = {**answer("prepare_person", kwargs), "note": CUT_OFF}
    shown.engine.task_succeeded.emit(number, found)
    settle()
    assert CUT_OFF in shown.transfer_panel.foot.text()


def test_another_document_forgets_all_of_it(shown: MainWindow, qtbot: QtBot) -> None:
    ready(shown)
    qtbot.waitUntil(lambda: bool(tasks(shown, "render_person")), timeout=REST_MS)
    number, kwargs = tasks(shown, "render_person")[-1]
    shown.session.open(Document(), None)
    settle()
    shown.engine.task_succeeded.emit(number, answer("render_person", kwargs))
    assert shown.transferring.stage is None and shown.transfer_panel._stack.currentIndex() == 0


# -- saving ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "written"),
    [("c", "c.png"), ("c.JPG", "c.JPG"), ("c.jpeg", "c.jpeg"), ("c.bmp", ""), ("c.xyz", "")],
)
def test_a_name_that_promises_another_format_is_refused(
    shown: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, written: str
) -> None:
    ready(shown)
    chosen = (str(tmp_path / name), "")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: chosen)
    shown.transferring.save()
    asked = [kwargs["path"] for _, kwargs in tasks(shown, "save_person")]
    assert asked == ([str(tmp_path / written)] if written else [])
    assert written or f"{name} is no name of a picture" in shown.infobar.text
    shown.transferring.stop_saving()  # a window that saves asks before it closes


def test_saving_says_how_far_it_is_and_can_be_stopped(
    shown: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(shown)
    panel, path = shown.transfer_panel, tmp_path / "out.png"
    assert shown.transferring.save_to(path)
    number, kwargs = tasks(shown, "save_person")[-1]
    assert kwargs["path"] == str(path) and "longest" not in kwargs
    shown.engine.task_progress.emit(number, 0.4, "Completing the background")
    assert panel.progress.isVisible() and panel.bar.value() == 40
    panel.stop_button.click()
    assert not shown.transferring.saving and not panel.progress.isVisible()
    assert shown.transferring.save_to(path)
    assert not shown.transferring.save_to(tmp_path / "another.png")
    assert "being saved" in shown.infobar.text
    monkeypatch.setattr(shown.transferring, "ask_leaving", lambda: False)
    shown.close()
    assert shown.isVisible()  # it would have been lost
    number, _ = tasks(shown, "save_person")[-1]
    done = {"path": str(path), "size": (4000, 3000), "note": ""}
    shown.engine.task_succeeded.emit(number, done)
    assert "Saved out.png, 4,000 × 3,000 px" in shown.infobar.text


def test_hidden_joints_travel_as_hidden(shown: MainWindow, qtbot: QtBot) -> None:
    ready(shown)
    pose = shown.session.document.person("ben").pose.with_visibility(9, Visibility.HIDDEN)
    shown.session.undo_stack.push(SetPose(shown.session, "ben", pose))
    settle()
    qtbot.waitUntil(lambda: bool(tasks(shown, "render_person")), timeout=REST_MS)
    assert tasks(shown, "render_person")[-1][1]["target"][9, 2] == 1
