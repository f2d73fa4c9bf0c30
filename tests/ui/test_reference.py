"""The reference person: chosen, shown, put on the canvas, kept in the project."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from poseapp.cli_person import keypoint_json
from poseapp.core.document import Photo, ReferencePerson
from poseapp.core.pose import Pose2D
from poseapp.core.standing import standing
from poseapp.formats import project
from poseapp.formats.png import encode_png
from poseapp.ui.main_window import MainWindow
from tests.helpers import people


@pytest.fixture
def made() -> dict:
    return people.answer({"person": None, "seed": 4, "locked": (), "size": (60, 120)})


@pytest.fixture
def reference(made: dict) -> ReferencePerson:
    photo = Photo(encode_png(made["image"]), "Woman, 24.png", (60, 120))
    pose = Pose2D(made["keypoints"], made["visibility"])
    return ReferencePerson(photo, pose, "Woman, 24", made["person"], created=True)


def test_the_panel_shows_who_it_is_and_undo_takes_them_back(
    window: MainWindow, reference: ReferencePerson
) -> None:
    panel = window.reference_panel
    assert panel._stack.currentIndex() == 0
    assert not window.actions_by_id["reference_put"].isEnabled()
    window.reference.take(reference)
    assert panel._stack.currentIndex() == 1 and panel.isVisible()
    assert "Woman, 24" in panel.name.text() and "60 × 120" in panel.name.text()
    assert panel.picture.pose == reference.pose
    assert window.actions_by_id["reference_put"].isEnabled()
    assert window.actions_by_id["reference_change"].isEnabled()
    window.session.undo_stack.undo()
    assert panel._stack.currentIndex() == 0
    window.session.undo_stack.redo()
    window.actions_by_id["reference_remove"].trigger()
    assert window.session.document.reference is None


def test_putting_it_on_the_canvas_is_one_step(
    window: MainWindow, reference: ReferencePerson
) -> None:
    window.editing.add_person()
    window.reference.take(reference)
    steps = window.session.undo_stack.index()
    window.reference_panel.put_button.click()
    document = window.session.document
    assert window.session.undo_stack.index() == steps + 1
    assert document.photo is reference.photo and document.size == (60, 120)
    assert document.people[-1].pose == reference.pose
    assert document.people[0].pose.keypoints.max() < 120  # the others came along
    assert window.session.selection.person == document.people[-1].id
    window.reference.put_on_canvas()
    assert len({p.name for p in window.session.document.people}) == 3
    window.session.undo_stack.undo()
    window.session.undo_stack.undo()
    assert window.session.document.photo is None and len(window.session.document.people) == 1


def test_a_project_keeps_it(window: MainWindow, reference: ReferencePerson, tmp_path: Path) -> None:
    window.reference.take(reference)
    assert window.files.save_to(tmp_path / "a.pose")
    window.session.undo_stack.setClean()
    window.files.new()
    assert window.session.document.reference is None
    assert window.files.open_path(tmp_path / "a.pose")
    assert window.session.document.reference == reference


def test_a_crash_does_not_lose_it(window: MainWindow, reference: ReferencePerson) -> None:
    window.reference.take(reference)
    window.autosave.write(wait=True)
    assert project.load(window.autosave.file).reference == reference


def test_a_picture_brings_the_pose_beside_it(
    window: MainWindow, made: dict, tmp_path: Path
) -> None:
    (tmp_path / "ann.png").write_bytes(encode_png(made["image"]))
    assert window.reference.take_file(tmp_path / "ann.png")
    bare = window.session.document.reference
    assert bare is not None and not bare.pose.present.any() and not bare.created
    assert "no pose yet" in window.reference_panel.name.text()
    (tmp_path / "ann.json").write_bytes(keypoint_json(made, "ann.png"))
    assert window.reference.take_file(tmp_path / "ann.png")
    found = window.session.document.reference
    assert found is not None and found.person == made["person"] and found.created
    np.testing.assert_allclose(found.pose.keypoints, made["keypoints"], atol=0.01)


def test_the_pose_beside_a_smaller_picture_lies_in_it(
    window: MainWindow, made: dict, tmp_path: Path
) -> None:
    (tmp_path / "ann.png").write_bytes(encode_png(np.ascontiguousarray(made["image"][::2, ::2])))
    (tmp_path / "ann.json").write_bytes(keypoint_json(made, "ann.png"))
    assert window.reference.take_file(tmp_path / "ann.png")
    found = window.session.document.reference
    assert found is not None
    np.testing.assert_allclose(found.pose.keypoints, made["keypoints"] / 2, atol=0.5)


def test_a_traced_photo_becomes_the_reference(window: MainWindow, made: dict) -> None:
    window.reference.take_canvas()
    assert "no photo" in window.infobar.text
    photo = Photo(encode_png(made["image"]), "p.png", (60, 120))
    from poseapp.state.commands import AddPeople, SetPhoto

    window.session.undo_stack.push(SetPhoto(window.session, photo))
    window.reference.take_canvas()
    assert "Nobody is on the canvas" in window.infobar.text
    pose = standing((384, 384), 500)
    person = window.editing.new_person(pose, "Ann")
    window.session.undo_stack.push(AddPeople(window.session, [person]))
    window.reference.take_canvas()
    found = window.session.document.reference
    assert found is not None and found.photo is photo and found.name == "Ann"
    factor = np.array([60 / 768, 120 / 768])
    np.testing.assert_allclose(found.pose.keypoints, pose.keypoints * factor)


def test_the_picture_is_saved_as_it_is_or_in_another_format(
    window: MainWindow, reference: ReferencePerson, tmp_path: Path
) -> None:
    window.reference.take(reference)
    assert window.reference.save_to(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == reference.photo.data
    assert window.reference.save_to(tmp_path / "a.jpg")
    assert (tmp_path / "a.jpg").read_bytes()[:2] == b"\xff\xd8"
    assert not window.reference.save_to(tmp_path / "no" / "a.png")
    assert window.infobar.level == "error"


def test_the_skeleton_is_shown_when_wanted(window: MainWindow, reference: ReferencePerson) -> None:
    window.reference.take(reference)
    panel = window.reference_panel
    panel.skeleton.setChecked(False)
    without = panel.picture.grab().toImage()
    panel.skeleton.setChecked(True)
    assert panel.picture.grab().toImage() != without


def test_the_dialog_opens_from_the_menu_and_gives_the_reference(window: MainWindow) -> None:
    window.actions_by_id["create_person"].trigger()
    dialog = window.reference.dialog
    assert dialog.isVisible()
    engine = window.engine
    people.reply(engine)  # type: ignore[arg-type]
    people.reply(engine)  # type: ignore[arg-type]
    dialog.use_button.click()
    people.reply(engine)  # type: ignore[arg-type]
    found = window.session.document.reference
    assert found is not None and found.person == people.drawn(7)
    window.actions_by_id["reference_change"].trigger()
    assert dialog.isVisible() and dialog.form.person == people.drawn(7)
