"""The dialog that creates a person, with an engine that answers when the test says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from poseapp.core.document import Document, Person, ReferencePerson
from poseapp.core.errors import TaskError
from poseapp.core.person_values import value, worn
from poseapp.core.pose import Pose2D
from poseapp.core.standing import standing
from poseapp.formats.files import dump_json
from poseapp.formats.png import encode_png
from poseapp.state.commands import AddPeople, RemovePerson, SetPose
from poseapp.state.ready_people import ReadyPeople
from poseapp.state.session import Session
from poseapp.state.settings import Settings
from poseapp.ui.dialogs.create_person import CreatePersonDialog
from tests.helpers import people
from tests.helpers.people import OPTIONS, PERSON, reply
from tests.ui.conftest import WindowEngine, settle


@pytest.fixture
def engine(qapp: QApplication) -> WindowEngine:
    return WindowEngine()


@pytest.fixture
def ready(tmp_path: Path) -> ReadyPeople:
    folder = tmp_path / "people"
    folder.mkdir()
    for number in (1, 2):
        write_ready(folder, number)
    return ReadyPeople(folder)


def write_ready(folder: Path, number: int) -> None:
    from poseapp.cli_person import keypoint_json

    made = people.answer({"person": None, "seed": number, "locked": (), "size": (64, 128)})
    (folder / f"{number:02d}.png").write_bytes(encode_png(made["image"]))
    (folder / f"{number:02d}.json").write_bytes(keypoint_json(made, f"{number:02d}.png"))


@pytest.fixture
def empty(qapp: QApplication) -> Iterator[Session]:
    session = Session(Document())
    yield session
    session.shutdown()


@pytest.fixture
def dialog(
    qtbot: QtBot, empty: Session, engine: WindowEngine, settings: Settings, ready: ReadyPeople
) -> Iterator[CreatePersonDialog]:
    made = CreatePersonDialog(empty, engine, settings, None, ready)  # type: ignore[arg-type]
    made.present()
    qtbot.waitExposed(made)
    yield made
    made.close()
    made.deleteLater()
    settle()


def opened(dialog: CreatePersonDialog, engine: WindowEngine) -> None:
    """Options, the first small picture."""
    reply(engine)
    reply(engine)


def good(dialog: CreatePersonDialog, engine: WindowEngine, qtbot: QtBot) -> None:
    """Let the values rest and answer until the good picture is there."""

    def step() -> bool:
        if dialog.preview.good is None and dialog.preview._under_way is not None:
            reply(engine)
        return dialog.preview.good is not None

    qtbot.waitUntil(step, timeout=4000)


def test_a_person_is_drawn_at_once_and_well_when_nothing_moves(
    dialog: CreatePersonDialog, engine: WindowEngine, qtbot: QtBot
) -> None:
    assert engine.last[1] == "person_options"
    reply(engine)
    first = reply(engine)
    assert first["seed"] == 7 and first["size"] == (256, 512)
    assert not dialog.picture.pixmap.isNull() and dialog.preview.good is None
    qtbot.waitUntil(lambda: engine.last[2]["size"] == (512, 1024), timeout=3000)
    last = reply(engine)
    assert last["seed"] is None  # the person that was drawn, whatever the seed would draw now
    assert last["person"] == people.drawn(7)
    assert dialog.preview.good is not None and not dialog.picture.busy
    assert dialog.form.person == people.drawn(7)


def test_a_slider_in_motion_keeps_one_picture_under_way(
    dialog: CreatePersonDialog, engine: WindowEngine
) -> None:
    opened(dialog, engine)
    before = len(engine.submitted)
    for age in range(40, 60):
        dialog.form.sliders["body.age_years"].slider.setValue(age)
    assert len(engine.submitted) == before + 1  # the others wait for it
    reply(engine)
    assert len(engine.submitted) == before + 2
    assert value(engine.last[2]["person"], "body.age_years") == 59.0


def test_a_change_breaks_off_the_good_picture(
    dialog: CreatePersonDialog, engine: WindowEngine, qtbot: QtBot
) -> None:
    opened(dialog, engine)
    qtbot.waitUntil(lambda: engine.last[2]["size"] == (512, 1024), timeout=3000)
    cancelled: list[int] = []
    engine.task_cancelled.connect(cancelled.append)
    number = engine.last[0]
    dialog.form.sliders["skin.tone"].slider.setValue(90)
    assert cancelled == [number]
    assert engine.last[2]["size"] == (256, 512)


def test_the_dice_leaves_alone_what_is_locked(
    dialog: CreatePersonDialog, engine: WindowEngine
) -> None:
    opened(dialog, engine)
    lock = dialog.form.sections["hair"].lock
    assert lock is not None
    lock.setChecked(True)
    dialog.form.wear["shoes"].lock.setChecked(True)
    dialog.bar.roll.click()
    asked = engine.last[2]
    assert set(asked["locked"]) == {"hair", "outfit.shoes"}
    assert asked["person"] == dialog.form.person and asked["seed"] is not None
    reply(engine)
    dialog.form.rolled.emit("outfit")
    assert set(engine.last[2]["locked"]) == {"body", "face", "skin", "hair", "outfit.shoes"}


def test_history_goes_back_with_changes_and_reset_takes_them_back(
    dialog: CreatePersonDialog, engine: WindowEngine
) -> None:
    opened(dialog, engine)
    dialog.form.sliders["body.weight"].slider.setValue(80)
    changed = dialog.form.person
    reply(engine)
    dialog.bar.seed.setValue(33)
    reply(engine)
    assert dialog.form.person == people.drawn(33)
    dialog.bar.back.click()
    assert dialog.form.person == changed and dialog.bar.seed.value() == 7
    assert dialog.bar.forward.isEnabled()
    dialog.bar.reset.click()
    assert dialog.form.person == people.drawn(7)
    dialog.bar.forward.click()
    assert dialog.form.person == people.drawn(33) and dialog.bar.seed.value() == 33


def test_clothes_follow_from_each_other(dialog: CreatePersonDialog, engine: WindowEngine) -> None:
    opened(dialog, engine)
    row = dialog.form.wear["suit"]
    row.item.setCurrentIndex(row.item.findData("Worksuit"))
    row.item.activated.emit(row.item.currentIndex())
    assert worn(dialog.form.person, "top") is None
    assert dialog.form.wear["top"].item.name == ""
    top = dialog.form.wear["top"]
    top.item.setCurrentIndex(top.item.findData("Blazer"))
    top.item.activated.emit(top.item.currentIndex())
    assert worn(dialog.form.person, "suit") is None
    top.colour.pick("#123456")
    assert (worn(dialog.form.person, "top") or {})["colour"] == "#123456"
    assert not top.length.isVisibleTo(top)  # a blazer cannot be cut
    assert dialog.form.wear["bottom"].item.name == ""


def test_the_pose_of_the_canvas_is_taken_and_followed(
    dialog: CreatePersonDialog, engine: WindowEngine, empty: Session, qtbot: QtBot
) -> None:
    opened(dialog, engine)
    assert "keypoints" not in engine.last[2]
    person = Person(standing((300, 300), 400), "Anna", id="a")
    empty.undo_stack.push(AddPeople(empty, [person]))
    qtbot.waitUntil(lambda: "keypoints" in engine.last[2])
    assert not dialog.form.turn.isEnabled()
    reply(engine)
    raised = person.pose.with_joint(9, (350.0, 60.0))
    empty.undo_stack.push(SetPose(empty, "a", raised))
    qtbot.waitUntil(lambda: len(engine.submitted) > 3 and dialog.preview._under_way is not None)
    made = reply(engine)
    assert made["keypoints"][9, 1] < made["keypoints"][0, 1]
    dialog.form.pose.setCurrentIndex(1)
    assert "keypoints" not in engine.last[2]
    assert dialog.form.turn.isEnabled()


def test_a_pose_of_too_few_joints_says_so_and_stands(
    dialog: CreatePersonDialog, engine: WindowEngine, empty: Session, qtbot: QtBot
) -> None:
    opened(dialog, engine)
    face = Pose2D(np.full((17, 2), 50.0), np.array([2] * 5 + [0] * 12))
    empty.undo_stack.push(AddPeople(empty, [Person(face, "Face", id="f")]))
    qtbot.waitUntil(lambda: "too few joints" in dialog.notice.text)
    assert "keypoints" not in engine.last[2]
    empty.undo_stack.push(RemovePerson(empty, "f"))
    qtbot.waitUntil(lambda: dialog.notice.text == "")


def test_using_waits_for_the_good_picture(
    dialog: CreatePersonDialog, engine: WindowEngine, qtbot: QtBot
) -> None:
    opened(dialog, engine)
    taken: list[ReferencePerson] = []
    dialog.accepted_person.connect(taken.append)
    dialog.use_button.click()
    assert not taken
    assert engine.last[2]["size"] == (512, 1024)  # not after a rest, but now
    reply(engine)
    (person,) = taken
    assert person.created and person.person == people.drawn(7) and person.name == "Woman, 27"
    assert person.photo.size == (512, 1024) and person.pose.present.all()
    assert not dialog.isVisible()


def test_an_error_is_said_and_the_dialog_goes_on(
    dialog: CreatePersonDialog, engine: WindowEngine
) -> None:
    opened(dialog, engine)
    dialog.form.sliders["body.weight"].slider.setValue(90)
    engine.task_failed.emit(engine.last[0], TaskError("The coat does not fit."))
    assert dialog.notice.text == "The coat does not fit."
    assert not dialog.picture.busy
    dialog.form.sliders["body.weight"].slider.setValue(20)
    assert value(engine.last[2]["person"], "body.weight") == pytest.approx(0.2)


def test_closing_stops_the_work(dialog: CreatePersonDialog, engine: WindowEngine) -> None:
    opened(dialog, engine)
    dialog.form.sliders["body.weight"].slider.setValue(90)
    cancelled: list[int] = []
    engine.task_cancelled.connect(cancelled.append)
    number = engine.last[0]
    dialog.reject()
    assert cancelled == [number] and not dialog.preview.busy
    before = len(engine.submitted)
    dialog.present()
    assert len(engine.submitted) == before + 1  # opened again, it shows the same person


def test_without_a_pack_the_ready_made_people_come_first(
    dialog: CreatePersonDialog, engine: WindowEngine
) -> None:
    reply(engine, {**OPTIONS, "source": "mannequin"})
    assert dialog.tabs.currentWidget() is dialog.ready
    assert dialog.create_page.currentWidget() is dialog.pack
    assert not dialog.use_button.isEnabled()
    taken: list[ReferencePerson] = []
    dialog.accepted_person.connect(taken.append)
    dialog.ready.view.setCurrentRow(1)
    assert not dialog.picture.pixmap.isNull()
    dialog.use_button.click()
    (person,) = taken
    assert person.person == people.drawn(2) and person.photo.size == (64, 128)
    assert person.pose.present.all()


def test_the_mannequin_can_be_tried_until_there_is_a_pack(
    dialog: CreatePersonDialog, engine: WindowEngine, tmp_path: Path
) -> None:
    reply(engine, {**OPTIONS, "source": "mannequin"})
    dialog.tabs.setCurrentWidget(dialog.create_page)
    dialog.pack.mannequin_button.click()
    assert engine.last[2]["mannequin"] is True
    reply(engine, {**OPTIONS, "source": "mannequin"})
    assert dialog.creating
    assert engine.last[1] == "create_person" and engine.last[2]["mannequin"] is True
    reply(engine)
    assert dialog.pack_button.isVisible()
    dialog.pack_button.click()
    assert dialog.create_page.currentWidget() is dialog.pack
    dialog.pack.build(tmp_path)
    reply(engine, {"folder": "pack", "built": True})
    assert engine.last[1] == "person_options" and engine.last[2]["mannequin"] is False
    reply(engine)
    assert engine.last[2]["person"] is None  # nothing of the mannequin's clothes
    reply(engine)
    assert not dialog.pack_button.isVisible() and dialog.form.person == people.drawn(7)


def test_a_pack_is_built_with_progress_and_then_used(
    dialog: CreatePersonDialog, engine: WindowEngine, settings: Settings, tmp_path: Path
) -> None:
    reply(engine, {**OPTIONS, "source": "mannequin"})
    dialog.pack.build(tmp_path)
    number, task, asked = engine.last
    assert task == "build_people_pack" and asked["source"] == str(tmp_path)
    assert Path(asked["out"]).is_relative_to(settings.data_dir)
    engine.task_progress.emit(number, 0.5, "Reading the targets")
    assert dialog.pack.bar.value() == 500 and dialog.pack.said == "Reading the targets"
    engine.task_succeeded.emit(number, {"folder": asked["out"], "built": True})
    assert settings.people_pack == asked["out"]
    assert engine.options.people_pack == asked["out"]
    assert engine.last[1] == "person_options"


def test_building_can_fail_and_be_cancelled(
    dialog: CreatePersonDialog, engine: WindowEngine, settings: Settings, tmp_path: Path
) -> None:
    reply(engine, {**OPTIONS, "source": "mannequin"})
    dialog.pack.build(tmp_path)
    engine.task_failed.emit(engine.last[0], TaskError("There is no base.obj."))
    assert dialog.pack.said == "There is no base.obj." and not dialog.pack.busy
    dialog.pack.build(tmp_path)
    dialog.pack.cancel_button.click()
    assert not dialog.pack.busy and dialog.pack.build_button.isEnabled()
    assert settings.people_pack == ""


def test_a_ready_made_person_can_be_changed(
    dialog: CreatePersonDialog, engine: WindowEngine
) -> None:
    opened(dialog, engine)
    dialog.show_ready()
    dialog.ready.view.setCurrentRow(0)
    dialog.ready.change_button.click()
    assert dialog.creating
    assert dialog.form.person == people.drawn(1)
    assert engine.last[2]["person"] == people.drawn(1) and engine.last[2]["seed"] is None


def test_what_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    write_ready(tmp_path, 1)
    (tmp_path / "02.json").write_text("{", "utf-8")
    (tmp_path / "03.json").write_bytes(dump_json({"images": [], "poseapp_person": PERSON}))
    found = ReadyPeople(tmp_path).people
    assert [p.name for p in found] == ["Woman, 21"]
    assert ReadyPeople(tmp_path / "nowhere").people == ()
