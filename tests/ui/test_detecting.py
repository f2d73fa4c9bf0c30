"""A photo in, its people out, in the window: proposals, the bar, the box, and what gets stale."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QRectF, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QImage

from poseapp.core.errors import TaskError
from poseapp.formats import project
from poseapp.state.commands import MoveJoint
from poseapp.ui.main_window import MainWindow
from tests.helpers.photos import detected, install, list_models, photo_file
from tests.ui.conftest import Hand

BOXES = [(10.0, 20.0, 60.0, 150.0), (80.0, 60.0, 60.0, 160.0)]


@pytest.fixture
def ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_window: Callable[..., MainWindow]
) -> MainWindow:
    """A window with models, and a photo whose people are being looked for."""
    install(monkeypatch, tmp_path / "w")
    window = make_window()
    assert window.files.set_photo(photo_file(tmp_path / "team.png"))
    return window


def answer(window: MainWindow, boxes: list = BOXES, **kwargs) -> None:
    number, task, _ = window.engine.last
    assert task == "detect_people"
    window.engine.task_succeeded.emit(number, detected(boxes, **kwargs))


def test_a_photo_starts_the_search_by_itself(ready: MainWindow) -> None:
    _, task, asked = ready.engine.last
    assert task == "detect_people" and asked["boxes"] is None and asked["name"] == "team.png"
    assert bytes(asked["photo"]) == ready.session.document.photo.data
    bar = ready.detection_bar
    assert bar.isVisible() and bar.cancel_button.isVisible() and not bar.accept_button.isVisible()
    ready.engine.task_progress.emit(ready.engine.last[0], 0.5, "Person 1 of 2")
    assert bar.progress.value() == 500 and "Person 1 of 2" in bar.text.text()


def test_people_are_proposed_and_accepted_as_one_step(ready: MainWindow) -> None:
    steps = ready.session.undo_stack.index()
    answer(ready)
    bar, document = ready.detection_bar, ready.session.document
    assert "2 people found" in bar.text.text() and "2 joints to check" in bar.text.text()
    figures = ready.canvas.proposals.figures
    assert len(figures) == 2 and all(0.4 < f.opacity() < 1 for f in figures)
    assert document.people == () and ready.session.undo_stack.index() == steps
    bar.accept_button.click()
    people = ready.session.document.people
    assert ready.session.undo_stack.index() == steps + 1 and len(people) == 2
    assert people[0].colour != people[1].colour and people[0].name != people[1].name
    expected = detected(BOXES)["keypoints"]
    np.testing.assert_allclose(people[0].pose.keypoints, expected[0], atol=1e-4)
    assert people[0].pose.confidence[0] == pytest.approx(0.9)
    assert people[0].extra["detection"]["model"] == "Tiny"
    assert not bar.isVisible() and not ready.canvas.proposals.figures
    ready.session.undo_stack.undo()
    assert ready.session.document.people == ()


def test_discarding_leaves_no_trace(ready: MainWindow) -> None:
    steps, document = ready.session.undo_stack.count(), ready.session.document
    answer(ready)
    ready.detection_bar.discard_button.click()
    assert ready.session.document is document and ready.session.undo_stack.count() == steps
    assert not ready.canvas.proposals.figures and not ready.detection_bar.isVisible()
    assert not ready.actions_by_id["detect_accept"].isEnabled()


def test_a_search_can_be_cancelled(ready: MainWindow) -> None:
    number = ready.engine.last[0]
    ready.detection_bar.cancel_button.click()
    assert ready.detecting.state == "idle" and not ready.detection_bar.isVisible()
    ready.engine.task_succeeded.emit(number, detected(BOXES))
    assert ready.detecting.proposals == ()


def test_what_an_older_photo_was_asked_for_is_dropped(ready: MainWindow, tmp_path: Path) -> None:
    old = ready.engine.last[0]
    ready.files.set_photo(photo_file(tmp_path / "other.png", 100, 90))
    assert ready.engine.last[0] != old
    ready.engine.task_succeeded.emit(old, detected(BOXES))
    assert ready.detecting.proposals == () and ready.detecting.state == "working"
    answer(ready, [(10, 10, 50, 70)], size=(100, 90))
    assert len(ready.detecting.proposals) == 1
    ready.session.undo_stack.undo()  # back to the first photo: its proposals were others
    assert ready.detecting.proposals == () and not ready.canvas.proposals.figures


def test_a_box_by_hand_joins_or_replaces(ready: MainWindow) -> None:
    answer(ready)
    ready.detection_bar.box_button.click()
    assert ready.canvas.tool == "detect" and ready.actions_by_id["tool_detect"].isChecked()
    Hand(ready.canvas).drag((82, 62), (138, 215))
    asked = ready.engine.last[2]
    np.testing.assert_allclose(asked["boxes"], [[82.5, 62.5, 56, 153]], atol=1.5)
    assert len(ready.detecting.proposals) == 2  # kept while the second look goes on
    answer(ready, [(82, 62, 56, 153)])
    assert len(ready.detecting.proposals) == 2
    Hand(ready.canvas).drag((20, 200), (35, 235))  # somebody small
    answer(ready, [(20, 200, 15, 35)])
    assert len(ready.detecting.proposals) == 3
    Hand(ready.canvas).drag((100, 100), (140, 101))
    assert len(ready.detecting.proposals) == 3 and "whole person" in ready.infobar.text


def test_a_stretched_canvas_takes_its_people_along(ready: MainWindow) -> None:
    answer(ready)
    ready.detecting.accept()
    before = ready.session.document.people[0].pose.keypoints
    ready.session.undo_stack.undo()
    ready.detecting.find()
    answer(ready)
    from poseapp.state.commands import ScaleCanvas

    ready.session.undo_stack.push(ScaleCanvas(ready.session, (320, 480)))
    (pose, _) = ready.detecting.poses()
    np.testing.assert_allclose(pose.keypoints, (before + 0.5) * 2 - 0.5, atol=1e-3)
    ready.detecting.find_in(QRectF(20, 40, 100, 200))
    np.testing.assert_allclose(ready.engine.last[2]["boxes"], [[10.25, 20.25, 50, 100]])


def test_nobody_and_faults_are_said(ready: MainWindow) -> None:
    answer(ready, [])
    assert ready.detecting.state == "nobody" and ready.detection_bar.text.text() == (
        "Nobody was found."
    )
    assert ready.detection_bar.box_button.isVisible()
    ready.detection_bar.discard_button.click()
    ready.actions_by_id["detect"].trigger()
    ready.engine.task_failed.emit(ready.engine.last[0], TaskError("That did not work: try again."))
    assert ready.infobar.level == "error" and ready.detecting.state == "idle"


def test_the_setting_turns_it_off(ready: MainWindow, tmp_path: Path) -> None:
    ready.settings.detect_photos = False
    count = len(ready.engine.submitted)
    ready.files.drop([photo_file(tmp_path / "b.png")])
    assert len(ready.engine.submitted) == count and not ready.detection_bar.isVisible()
    ready.settings.detect_photos = True
    QGuiApplication.clipboard().setImage(QImage(30, 40, QImage.Format.Format_RGB32))
    ready.editing.paste()
    assert ready.engine.last[2]["name"] == "Pasted picture.png"


def test_without_a_model_a_photo_is_just_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_window: Callable[..., MainWindow]
) -> None:
    list_models(monkeypatch, tmp_path / "none")
    window = make_window()
    assert not window.actions_by_id["detect"].isEnabled()
    assert window.files.set_photo(photo_file(tmp_path / "a.png"))
    assert not [task for _, task, _ in window.engine.submitted if task == "detect_people"]
    assert window.infobar.text == ""
    window.actions_by_id["detect"].trigger()
    assert "ONNX pose model in the Models panel" in window.infobar.text
    window.detecting.find_in(QRectF(5, 5, 50, 90))
    assert not window.detection_bar.isVisible()


def test_projects_and_undo_start_no_search(ready: MainWindow, tmp_path: Path) -> None:
    answer(ready)
    ready.detecting.accept()
    assert ready.files.save_to(tmp_path / "a.pose")
    kept = project.loads((tmp_path / "a.pose").read_bytes(), "a").people[0]
    assert kept.extra["detection"]["model"] == "Tiny"
    assert kept.pose.confidence[9] == pytest.approx(0.2)
    count = len(ready.engine.submitted)
    ready.session.undo_stack.undo()
    ready.session.undo_stack.undo()
    ready.session.undo_stack.redo()
    ready.session.undo_stack.setClean()
    assert ready.files.open_path(tmp_path / "a.pose")
    detects = [t for _, t, _ in ready.engine.submitted[count:] if t == "detect_people"]
    assert detects == []


def test_doubtful_joints_are_marked_until_they_are_checked(ready: MainWindow) -> None:
    answer(ready, BOXES[:1])
    ready.detecting.accept()
    session = ready.session
    (person,) = session.document.people
    assert session.selection.person == person.id
    marked = {d.joint for d in ready.canvas.person_item(person.id).figure.dots if d.doubtful}
    assert marked == {9}
    ready.show_panel("inspector")
    ready.inspector_panel.refresh()
    model = ready.inspector_panel.model
    assert model.data(model.index(9, 0)) == "left wrist ?"
    assert "check it" in model.data(model.index(9, 0), Qt.ItemDataRole.ToolTipRole)
    ready.canvas.set_hover((person.id, 9))
    assert "20 % sure: check" in ready.canvas.people.label.text
    session.undo_stack.push(MoveJoint(session, person.id, 9, (50, 60)))
    assert not session.document.people[0].pose.doubtful.any()
    session.undo_stack.undo()
    assert ready.actions_by_id["confirm"].isEnabled()
    ready.actions_by_id["confirm"].trigger()
    assert session.document.people[0].pose.confidence[9] == 1.0
    assert not ready.actions_by_id["confirm"].isEnabled()


def test_who_was_found_becomes_the_reference_in_one_click(ready: MainWindow) -> None:
    answer(ready)
    ready.detection_bar.reference_button.click()
    reference = ready.session.document.reference
    assert reference.name == "team" and reference.photo is ready.session.document.photo
    expected = detected(BOXES)["keypoints"]
    assert any(np.allclose(reference.pose.keypoints, row, atol=1e-4) for row in expected)
    assert ready.detecting.state == "found"


def test_the_heatmaps_of_the_estimator_lie_over_the_photo(ready: MainWindow) -> None:
    ready.show_panel("heatmaps")
    panel = ready.heatmaps_panel
    answer(ready, BOXES[:1])
    panel._on_frame()  # what was found is shown before it is accepted
    assert panel._sampled_title.text() == "Estimated" and panel.sampled_view.reaching == 17
    ready.detecting.accept()
    panel._on_frame()
    assert panel.sampled_view.maps.shape == (17, 16, 16)
    assert not panel.sampled_view._under.isNull()
    panel._channel.setCurrentIndex(panel._channel.findData(9))
    assert panel.grab().width() > 0
    # both views have the same frame: a joint lies in the same place of both
    edited = panel.edited_view.maps
    assert edited.shape == (17, 64, 64)
    person = ready.session.active_person
    box, nose = np.array(BOXES[0]), person.pose.keypoints[0]
    _, x = np.unravel_index(edited[0].argmax(), (64, 64))
    assert x + 0.5 == pytest.approx((nose[0] - box[0]) / box[2] * 64, abs=4)
    ready.session.undo_stack.undo()
    panel._on_frame()
    assert panel._sampled_title.text() == "Sampled" and panel.sampled_view.maps is None


def test_one_of_them_alone_by_the_menu(ready: MainWindow) -> None:
    answer(ready)
    canvas = ready.canvas
    hip = ready.detecting.poses()[0].keypoints[11]

    def texts() -> dict:
        at = canvas.viewport().mapToGlobal(canvas.to_screen(hip))
        menu = ready.canvas_menu(at)
        menu.setParent(ready)
        return {a.text(): a for a in menu.actions()}

    texts()["Accept this person"].trigger()
    assert len(ready.session.document.people) == 1 and len(ready.detecting.proposals) == 1
    hip = ready.detecting.poses()[0].keypoints[11]
    texts()["Leave this person out"].trigger()
    assert ready.detecting.state == "idle" and len(ready.session.document.people) == 1
    assert "Accept this person" not in texts()


def test_a_large_photo_is_decoded_while_the_window_paints(
    ready: MainWindow, tmp_path: Path
) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (1500, 1500, 3), np.uint8)
    path = tmp_path / "large.png"
    cv2.imwrite(str(path), noise)
    assert path.stat().st_size > 2 * 2**20
    ticks: list[int] = []
    timer = QTimer()
    timer.timeout.connect(lambda: ticks.append(1))
    timer.start(1)
    assert ready.files.set_photo(path)
    timer.stop()
    assert ticks and ready.session.document.photo.size == (1500, 1500)
    path.write_bytes(path.read_bytes()[:3_000_000])
    assert not ready.files.set_photo(path) and "cut short" in ready.infobar.text
