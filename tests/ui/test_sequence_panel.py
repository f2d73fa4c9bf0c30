"""The strip in the window: key poses, playing, motions from files, and rendering."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from poseapp.core import kinematics
from poseapp.core.document import Document, Person
from poseapp.core.errors import DocumentError, WeightsError
from poseapp.core.pose import Pose2D, Pose3D
from poseapp.core.sequence import KeyPose, PoseSequence, Way
from poseapp.core.standing import standing
from poseapp.formats import registry
from poseapp.state.commands import SetPose, SetReference
from poseapp.ui import sequencing
from poseapp.ui.dialogs.render_sequence import RenderSequenceDialog
from poseapp.ui.main_window import MainWindow
from poseapp.ui.panels.gallery import POSE_MIME
from tests.helpers import transfer

PERSON = standing((300.0, 380.0), 520.0)
SIZE = (768, 768)


def raised(angle: float) -> Pose2D:
    return kinematics.rotate_limb(PERSON, 7, angle)


def strip_of(window: MainWindow) -> PoseSequence:
    return window.session.document.sequence


@pytest.fixture
def desk(make_window: Callable[..., MainWindow]) -> MainWindow:
    """Anna stands on the canvas."""
    return make_window(Document(SIZE, (Person(PERSON, "Anna", id="anna"),)))


@pytest.fixture
def three(make_window: Callable[..., MainWindow]) -> Iterator[MainWindow]:
    """Anna, and a strip of three key poses, half a second apart."""
    keys = tuple(
        KeyPose(raised(-angle), 0.5, "linear", name)
        for angle, name in ((0.0, "a"), (1.0, "b"), (2.0, "c"))
    )
    sequence = PoseSequence(keys, 24, loop=False)
    window = make_window(Document(SIZE, (Person(PERSON, "Anna", id="anna"),), sequence=sequence))
    window.docks["viewport"].hide()
    yield window
    window.sequencing.player.stop()


def test_an_empty_strip_says_what_it_is_for(make_window: Callable[..., MainWindow]) -> None:
    window = make_window()
    panel = window.sequence_panel
    assert panel.isVisible() and not panel.strip.isVisible()
    assert panel.first_button.isVisible() and not panel.first_button.isEnabled()
    window.editing.add_person()
    assert panel.first_button.isEnabled()
    window.sequencing.toggle()
    assert "two key poses" in window.infobar.text
    window.sequencing.render()
    assert "no sequence yet" in window.infobar.text


def test_poses_of_the_canvas_become_key_poses_and_undo_takes_them_back(desk: MainWindow) -> None:
    session, act = desk.session, desk.sequencing
    desk.actions_by_id["seq_add"].trigger()
    session.undo_stack.push(SetPose(session, "anna", raised(-1.0)))
    desk.sequence_panel.add_button.click()
    assert [key.pose for key in strip_of(desk).keys] == [PERSON, raised(-1.0)]
    assert desk.sequence_panel.strip.isVisible()
    act.current = strip_of(desk).keys[0].id  # after the current one
    act.add()
    assert [key.pose for key in strip_of(desk).keys] == [PERSON, raised(-1.0), raised(-1.0)]
    assert desk.sequence_panel.strip.current_id() == strip_of(desk).keys[1].id
    for _ in range(3):
        session.undo_stack.undo()
    assert len(strip_of(desk).keys) == 1
    assert session.document.person("anna").pose == PERSON


def test_a_double_click_takes_a_key_to_the_canvas(three: MainWindow, qtbot: QtBot) -> None:
    strip = three.sequence_panel.strip
    at = strip.visualRect(strip.keys.index(2)).center()
    qtbot.mouseClick(strip.viewport(), Qt.MouseButton.LeftButton, pos=at)
    qtbot.mouseDClick(strip.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert three.session.document.person("anna").pose == raised(-2.0)
    assert three.session.undo_stack.undoText() == "Take key pose"
    three.session.undo_stack.undo()
    assert three.session.document.person("anna").pose == PERSON


def test_a_key_adds_somebody_where_nobody_is_and_leaves_the_locked_alone(
    three: MainWindow,
) -> None:
    three.editing.edit_person("anna", "Lock person", locked=True)
    three.session.select("anna")
    three.sequencing.take("c")
    assert three.session.document.person("anna").pose == PERSON
    assert "locked" in three.infobar.text
    three.editing.edit_person("anna", "Unlock person", locked=False)
    three.editing.delete_person()
    three.sequencing.take("c")
    assert [p.pose for p in three.session.document.people] == [raised(-2.0)]


def test_a_card_is_dragged_to_another_place(three: MainWindow) -> None:
    keys = three.sequence_panel.strip.keys
    for row, place, order in ((0, 3, "bca"), (2, 0, "abc"), (0, 2, "bac"), (1, 1, "bac")):
        mime = keys.mimeData([keys.index(row)])
        keys.dropMimeData(mime, Qt.DropAction.MoveAction, place, 0, keys.index(-1))
        assert "".join(key.id for key in strip_of(three).keys) == order


def test_poses_of_the_library_are_dropped_between_cards_and_on_an_empty_strip(
    three: MainWindow, make_window: Callable[..., MainWindow]
) -> None:
    keys = three.sequence_panel.strip.keys
    mime = QMimeData()
    mime.setData(POSE_MIME, b"squatting")
    keys.dropMimeData(mime, Qt.DropAction.CopyAction, 1, 0, keys.index(-1))
    order = [key.id for key in strip_of(three).keys]
    assert (order[0], *order[2:]) == ("a", "b", "c")
    dropped = strip_of(three).keys[1].pose
    assert dropped.bounds is not None and PERSON.bounds is not None
    feet = [pose.bounds[1] + pose.bounds[3] for pose in (dropped, PERSON)]
    assert feet[0] == pytest.approx(feet[1])  # where Anna stands
    three.sequence_panel.pose_dropped.emit("nothing known", 0)
    assert len(strip_of(three).keys) == 4
    empty = make_window()
    at, none = QPointF(50.0, 50.0), Qt.KeyboardModifier.NoModifier
    drop = QDropEvent(at, Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, none)
    empty.sequence_panel.dropEvent(drop)
    assert len(strip_of(empty).keys) == 1


def test_keys_of_the_strip_move_delete_and_take(three: MainWindow, qtbot: QtBot) -> None:
    strip = three.sequence_panel.strip
    strip.choose("b")
    strip.setFocus()
    qtbot.keyClick(strip, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
    assert [key.id for key in strip_of(three).keys] == ["a", "c", "b"]
    assert strip.current_id() == "b"
    qtbot.keyClick(strip, Qt.Key.Key_Return)
    assert three.session.document.person("anna").pose == raised(-1.0)
    qtbot.keyClick(strip, Qt.Key.Key_Delete)
    assert [key.id for key in strip_of(three).keys] == ["a", "c"]
    three.session.undo_stack.undo()
    assert len(strip_of(three).keys) == 3
    qtbot.keyClick(strip, Qt.Key.Key_K)
    assert len(strip_of(three).keys) == 4
    qtbot.keyClick(strip, Qt.Key.Key_Space)
    assert three.sequencing.player.playing
    qtbot.keyClick(strip, Qt.Key.Key_P)
    assert not three.sequencing.player.playing


def test_the_menu_of_a_key(three: MainWindow) -> None:
    panel = three.sequence_panel
    panel.strip.choose("a")
    menu = {action.text(): action for action in panel.key_menu().actions()}
    assert not menu["Move to the left"].isEnabled()
    menu["Duplicate"].trigger()
    assert [key.pose for key in strip_of(three).keys][:2] == [PERSON, PERSON]
    session = three.session
    session.undo_stack.push(SetPose(session, "anna", raised(0.7)))
    three.sequencing.update("b")
    assert strip_of(three).keys[2].pose == raised(0.7)
    menu["Delete"].trigger()
    assert len(strip_of(three).keys) == 3
    three.sequencing.clear()
    assert strip_of(three).keys == () and not panel.strip.isVisible()


def test_a_full_strip_takes_no_copy(three: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequencing, "MOST_KEYS", 4)
    three.sequencing.duplicate("b")
    three.sequencing.duplicate("b")
    assert len(strip_of(three).keys) == 4
    assert "up to 4 key poses" in three.infobar.text
    assert three.session.undo_stack.count() == 1


def test_duration_and_pace_of_the_chosen_steps(three: MainWindow) -> None:
    panel, stack = three.sequence_panel, three.session.undo_stack
    panel.strip.choose("b")
    assert panel.duration.value() == 0.5 and panel.easing.currentData() == "linear"
    for seconds in (0.6, 0.7, 0.9):
        panel.duration.setValue(seconds)
    assert stack.count() == 1  # one slide, one step
    panel.easing.setCurrentIndex(panel.easing.findData("hold"))
    panel.easing.activated.emit(panel.easing.currentIndex())
    key = strip_of(three).keys[1]
    assert (key.duration_s, key.easing) == (0.9, "hold")
    panel.strip.choose("a", ["c"])
    panel.duration.setValue(2.0)
    assert [k.duration_s for k in strip_of(three).keys] == [2.0, 0.9, 2.0]
    panel.strip.choose("b")
    panel.duration.setValue(1.0)
    assert stack.count() == 4  # another key, another step


def test_how_it_is_played_is_part_of_the_document(three: MainWindow) -> None:
    panel = three.sequence_panel
    panel.loop_button.setChecked(True)
    panel.rate.setCurrentIndex(0)
    panel.rate.activated.emit(0)
    assert strip_of(three).loop and strip_of(three).fps == 12
    three.session.undo_stack.undo()
    three.session.undo_stack.undo()
    assert not panel.loop_button.isChecked() and panel.rate.currentData() == 24


# -- playing -------------------------------------------------------------------------------------
def test_scrubbing_shows_a_moment_and_leaves_no_step(three: MainWindow) -> None:
    panel, canvas = three.sequence_panel, three.canvas
    panel.scrub.setValue(75)
    assert canvas.moment.pose is not None
    assert np.allclose(canvas.moment.pose.keypoints, raised(-1.5).keypoints, atol=1e-6)
    assert canvas.people.items["anna"].opacity() < 0.5
    assert panel.time.text() == "0.8 / 1.0 s" and panel.stop_button.isVisible()
    assert three.session.undo_stack.count() == 0
    three.sequencing.take_moment()
    assert canvas.moment.pose is None and canvas.people.items["anna"].opacity() == 1.0
    taken = three.session.document.person("anna").pose
    assert np.allclose(taken.keypoints, raised(-1.5).keypoints, atol=1e-6)
    assert three.session.undo_stack.count() == 1


def test_playing_runs_to_the_end_and_rests_there(three: MainWindow, qtbot: QtBot) -> None:
    panel, player = three.sequence_panel, three.sequencing.player
    seen: list[float] = []
    player.moment_changed.connect(lambda: seen.append(player.time_s))
    panel.play_button.click()
    assert player.playing and panel.play_button.accessibleName() == "Pause"
    qtbot.waitUntil(lambda: not player.playing, timeout=5000)
    assert player.time_s == 1.0 and seen == sorted(seen) and len(seen) > 3
    assert three.canvas.moment.pose == raised(-2.0)
    three.sequencing.toggle()
    assert player.playing and player.time_s < 0.5  # from the start again
    three.sequencing.toggle()
    assert not player.playing and three.canvas.moment.pose is not None


def test_a_loop_goes_on_and_an_edit_ends_it(three: MainWindow, qtbot: QtBot) -> None:
    player, session = three.sequencing.player, three.session
    three.sequence_panel.loop_button.setChecked(True)
    player.seek(1.45)
    player.play()
    qtbot.waitUntil(lambda: player.time_s < 1.0, timeout=5000)
    session.undo_stack.push(SetPose(session, "anna", raised(0.3)))
    assert not player.playing and three.canvas.moment.pose is None
    player.seek(0.2)
    session.open(Document(), None)
    assert player.moment is None


def test_the_lifters_ways_are_taken_when_they_come(three: MainWindow) -> None:
    engine, player, panel = three.engine, three.sequencing.player, three.sequence_panel
    player.seek(0.25)
    assert not [t for _, t, _ in engine.submitted if t == "sequence_ways"]  # nobody needs it
    panel.between.setCurrentIndex(1)
    panel.between.activated.emit(1)
    number, task, kwargs = engine.last
    assert task == "sequence_ways" and kwargs["sequence"].between == "latent"
    figures = tuple(Pose3D(np.full((17, 3), float(n))) for n in range(3))
    bent = kinematics.translate(raised(-0.5), (9.0, 0.0))
    way = Way((raised(0.0), bent, raised(-1.0)), figures)
    engine.task_succeeded.emit(number, (way, way))
    assert np.allclose(three.canvas.moment.pose.keypoints, bent.keypoints, atol=1e-6)
    player.set_solid(True)
    assert player.moment is not None and player.moment.figure is not None
    assert np.allclose(player.moment.figure.joints, 1.0)


def test_without_the_lifter_it_says_so_once_and_plays_on(three: MainWindow) -> None:
    engine, player, panel = three.engine, three.sequencing.player, three.sequence_panel
    panel.between.setCurrentIndex(1)
    panel.between.activated.emit(1)
    player.seek(0.25)
    count = len(engine.submitted)
    engine.task_failed.emit(engine.last[0], WeightsError("The lifter is missing."))
    assert "lifter is missing" in three.infobar.text
    player.seek(0.5)
    assert len(engine.submitted) == count
    assert np.allclose(three.canvas.moment.pose.keypoints, raised(-1.0).keypoints, atol=1e-6)


# -- files ---------------------------------------------------------------------------------------
@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "walk"
    made.mkdir()
    for number in range(40):
        pose = kinematics.translate(raised(-0.05 * number), (400.0, 10.0))
        registry.save(Document(SIZE, (Person(pose),)), made / f"f{number:03d}.json", "openpose")
    return made


def test_a_dropped_motion_becomes_key_poses_done_by_the_person(
    desk: MainWindow, folder: Path
) -> None:
    desk.files.drop([folder])
    sequence = strip_of(desk)
    assert 2 <= len(sequence.keys) < 20 and not sequence.loop
    assert sequence.length_s == pytest.approx(39 / 30)
    first = sequence.keys[0].pose
    assert np.allclose(first.keypoints, PERSON.keypoints, atol=3.0)  # where Anna stands
    assert "40 frames became" in desk.infobar.text
    assert desk.sequencing.player.playing
    desk.session.undo_stack.undo()
    assert strip_of(desk).keys == ()


@pytest.mark.parametrize("name", ["walk", "large.pose", "far.pose"])
def test_without_a_person_a_motion_is_brought_into_the_canvas(
    make_window: Callable[..., MainWindow], folder: Path, tmp_path: Path, name: str
) -> None:
    large = Document((3000, 1500))
    for file, away in (("large.pose", (900.0, 500.0)), ("far.pose", (-500.0, 1400.0))):
        poses = [kinematics.translate(raised(angle), away) for angle in (0.0, -1.0)]
        keys = tuple(KeyPose(pose) for pose in poses)
        registry.save(replace(large, sequence=PoseSequence(keys)), tmp_path / file)
    window = make_window(Document((600, 400)))
    assert window.sequencing.take_motion(tmp_path / name)
    window.sequencing.player.stop()
    points = np.concatenate([k.pose.keypoints[k.pose.present] for k in strip_of(window).keys])
    assert points.min() >= 0.0 and (points.max(0) <= (599.0, 399.0)).all()
    height = np.ptp(strip_of(window).keys[0].pose.keypoints[:, 1])
    wanted = np.ptp(PERSON.keypoints[:, 1])
    if name == "large.pose":  # of a canvas that is named
        assert height == pytest.approx(wanted * 600 / 3000, rel=0.01)
    else:
        assert 0.5 < height / 400 < 0.95


def test_files_that_are_no_motion_are_one_sentence(desk: MainWindow, tmp_path: Path) -> None:
    bad = tmp_path / "bad.bvh"
    bad.write_text("nothing", "utf-8")
    desk.files.drop([bad])
    assert "is no BVH motion" in desk.infobar.text
    assert not desk.files.open_path(bad)
    assert strip_of(desk).keys == () and desk.session.undo_stack.count() == 0


# -- rendering -----------------------------------------------------------------------------------
@pytest.fixture
def dialog(three: MainWindow) -> Iterator[RenderSequenceDialog]:
    made = RenderSequenceDialog(three.session, three.engine, three.settings, three)
    made.show()
    yield made
    made.close()
    made.deleteLater()


def test_the_dialog_asks_for_what_was_chosen(
    dialog: RenderSequenceDialog, three: MainWindow, tmp_path: Path
) -> None:
    assert dialog.about.text() == "25 frames, 1.0 s"
    assert not dialog.preview.pixmap().isNull()
    dialog.format.setCurrentIndex(dialog.format.findData("mp4"))
    dialog.rate.setCurrentIndex(dialog.rate.findData(12))
    dialog.style_box.setCurrentIndex(1)
    dialog.height_box.setValue(256)
    dialog.around.setChecked(False)
    assert dialog.about.text() == "13 frames, 1.0 s"
    dialog.start(tmp_path / "a.mp4")
    number, task, kwargs = three.engine.last
    assert task == "render_sequence" and kwargs["sequence"].fps == 12
    asked = {key: kwargs[key] for key in ("path", "kind", "size", "height", "style", "around")}
    assert asked == {
        "path": str(tmp_path / "a.mp4"), "kind": "mp4", "size": SIZE, "height": 256,
        "style": "controlnet", "around": False,
    }  # fmt: skip
    three.engine.task_progress.emit(number, 0.4, "Frame 6 of 13")
    assert dialog.progress.isVisible() and dialog.progress.format() == "Frame 6 of 13"
    three.engine.task_succeeded.emit(number, {"frames": 13, "path": ""})
    assert dialog.sentence == "Rendered a.mp4: 13 frames." and not dialog.isVisible()
    assert strip_of(three).fps == 24  # the document is not touched


def test_cancelling_stops_first_and_closes_then(
    dialog: RenderSequenceDialog, three: MainWindow, tmp_path: Path
) -> None:
    dialog.start(tmp_path / "a.gif")
    assert not dialog.render_button.isEnabled()
    dialog.reject()
    assert dialog.isVisible() and "nothing was written" in dialog.notice.text
    assert dialog.render_button.isEnabled()
    dialog.start(tmp_path / "a.gif")
    three.engine.task_failed.emit(three.engine.last[0], DocumentError("The disk is full."))
    assert dialog.notice.text == "The disk is full."
    dialog.reject()
    assert not dialog.isVisible()


def test_a_person_who_cannot_be_shown_is_explained(dialog: RenderSequenceDialog) -> None:
    dialog.who.setCurrentIndex(1)
    assert "Choose whom to show" in dialog.about.text()
    assert not dialog.render_button.isEnabled()
    dialog.format.setCurrentIndex(dialog.format.findData("bvh"))
    assert dialog.render_button.isEnabled() and not dialog.preview.isVisible()


def test_a_key_pose_of_few_joints_is_named_before_it_is_rendered(three: MainWindow) -> None:
    few = Pose2D(PERSON.keypoints, np.where(np.isin(np.arange(17), (5, 7, 9)), 2, 0))
    session = three.session
    session.undo_stack.push(SetReference(session, transfer.reference()))
    three.sequencing.insert(few, 1)
    dialog = RenderSequenceDialog(three.session, three.engine, three.settings, three)
    dialog.who.setCurrentIndex(1)
    assert dialog.about.text().startswith("Key pose 2 has fewer than 6 joints")
    assert not dialog.render_button.isEnabled()
    dialog.who.setCurrentIndex(0)
    assert dialog.render_button.isEnabled()
    dialog.deleteLater()


def test_a_film_of_another_name_replaces_nothing_unasked(
    dialog: RenderSequenceDialog,
    three: MainWindow,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = tmp_path / "a.v2.gif"
    real.write_bytes(b"mine")
    chosen = [str(tmp_path / "a.v2"), str(real)]
    monkeypatch.setattr(
        QFileDialog, "getSaveFileName", staticmethod(lambda *_: (chosen.pop(0), ""))
    )
    dialog.render_button.click()
    assert "a.v2.gif is there already" in dialog.notice.text and dialog.render_button.isEnabled()
    dialog.render_button.click()  # asked about by the file dialog itself
    assert three.engine.last[2]["path"] == str(real)
    dialog.reject()
    dialog.start(tmp_path / "b.v2")
    three.engine.task_succeeded.emit(three.engine.last[0], {"frames": 9, "path": ""})
    assert dialog.sentence == "Rendered b.v2.gif: 9 frames."


def test_a_narrow_panel_leaves_out_what_it_has_no_room_for(three: MainWindow) -> None:
    panel = three.sequence_panel
    panel.resize(300, 140)
    assert not panel.step.isVisible() and panel.play_button.isVisible()
    panel.resize(700, 140)
    assert panel.step.isVisible() and panel.rate.isVisible()


def test_the_strip_marks_the_moment(three: MainWindow) -> None:
    strip, player = three.sequence_panel.strip, three.sequencing.player
    player.seek(0.0)
    first = strip.grab().toImage()
    player.seek(0.5)
    second = strip.grab().toImage()
    accent = three.theme.colours.accent
    one = strip.card_rect(strip.visualRect(strip.keys.index(0))).center()
    two = strip.card_rect(strip.visualRect(strip.keys.index(1))).center()
    for picture, here, elsewhere in ((first, one, two), (second, two, one)):
        mark = QPoint(here.x(), 3)
        assert picture.pixelColor(mark).name() == accent
        assert picture.pixelColor(QPoint(elsewhere.x(), 3)).name() != accent
