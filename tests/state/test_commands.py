"""Undo steps: before and after, what merges and what does not, canvas and photo."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from poseapp.core.document import Document, Person, Photo
from poseapp.core.pose import Visibility
from poseapp.core.sequence import KeyPose
from poseapp.core.standing import restored, standing
from poseapp.state.commands import (
    AddPeople,
    Edit,
    EditPerson,
    MoveJoint,
    RemovePerson,
    ReorderPerson,
    ResizeCanvas,
    ScaleCanvas,
    SetSequence,
    UsePhoto,
)
from poseapp.state.session import Session


@pytest.fixture
def session(qapp: object) -> Iterator[Session]:
    people = tuple(
        Person(standing((200.0 + 60 * n, 380), 500), f"P{n}", id=f"p{n}") for n in range(3)
    )
    made = Session(Document(people=people))
    yield made
    made.shutdown()


def test_one_drag_is_one_step_and_two_are_two(session: Session) -> None:
    before = session.document
    for drag in ("one", "two"):
        for x in range(5):
            session.undo_stack.push(MoveJoint(session, "p0", 3, (x, x), drag=drag))
    assert session.undo_stack.count() == 2
    session.undo_stack.undo()
    session.undo_stack.undo()
    assert session.document is before


def test_a_drag_does_not_merge_over_a_save(session: Session) -> None:
    session.undo_stack.push(MoveJoint(session, "p0", 3, (1, 1), drag="d"))
    session.undo_stack.setClean()
    session.undo_stack.push(MoveJoint(session, "p0", 3, (2, 2), drag="d"))
    assert session.is_modified
    session.undo_stack.undo()
    assert not session.is_modified


def test_undo_has_no_end(session: Session) -> None:
    before = session.document
    for x in range(1000):
        session.undo_stack.push(MoveJoint(session, "p0", 3, (x + 1, x)))
    assert session.undo_stack.count() == 1000
    while session.undo_stack.canUndo():
        session.undo_stack.undo()
    assert session.document is before


def test_a_forgotten_step_leaves_nothing_to_redo(session: Session) -> None:
    step = MoveJoint(session, "p0", 3, (1, 1))
    session.undo_stack.push(step)
    step.forget()
    session.undo_stack.undo()
    assert session.undo_stack.count() == 0


@pytest.mark.parametrize(
    "make",
    [
        lambda s: AddPeople(s, [Person(standing((9, 9), 9))]),
        lambda s: RemovePerson(s, "p1"),
        lambda s: ReorderPerson(s, "p1", 0),
        lambda s: EditPerson(s, "p1", "Rename", name="Zoë"),
        lambda s: ResizeCanvas(s, (1000, 500)),
        lambda s: ScaleCanvas(s, (1000, 500)),
        lambda s: UsePhoto(s, Photo(b"x", "x.jpg", (900, 700))),
    ],
)
def test_undo_and_redo_lead_to_the_very_same_documents(session: Session, make: object) -> None:
    before = session.document
    step: Edit = make(session)  # type: ignore[operator]
    session.undo_stack.push(step)
    after = session.document
    assert after != before
    session.undo_stack.undo()
    assert session.document is before
    session.undo_stack.redo()
    assert session.document is after


def test_scaling_the_canvas_keeps_people_in_the_middle(session: Session) -> None:
    session.undo_stack.push(ScaleCanvas(session, (1536, 768 * 3)))
    old, new = standing((200, 380), 500).keypoints, session.document.people[0].pose.keypoints
    assert np.allclose(new - (768, 1152), (old - 384) * 2)


def test_a_person_removed_while_chosen_is_chosen_no_more(session: Session) -> None:
    session.select("p1", {3})
    session.undo_stack.push(RemovePerson(session, "p1"))
    assert session.selection.person is None
    assert session.active_person is not None


@pytest.mark.parametrize("joint", range(17))
def test_a_restored_joint_of_a_standing_person_is_where_it_was(joint: int) -> None:
    whole = standing((300, 300), 400)
    lost = whole.with_visibility(joint, Visibility.ABSENT)
    again = restored(lost, joint)
    assert again.visibility[joint] == Visibility.VISIBLE
    assert np.linalg.norm(again.keypoints[joint] - whole.keypoints[joint]) < 15
    assert restored(whole, joint) is whole


def test_a_whole_person_can_be_restored_from_one_joint() -> None:
    pose = standing((300, 300), 400)
    for joint in range(1, 17):
        pose = pose.with_visibility(joint, Visibility.ABSENT)
    for joint in (5, 6, 11, 12, *range(17)):
        pose = restored(pose, joint)
    assert pose.present.all()
    assert np.isfinite(pose.keypoints).all()


def test_key_poses_are_undone_and_grow_with_the_canvas(session: Session) -> None:
    seen: list[int] = []
    session.sequence_changed.connect(lambda: seen.append(len(session.document.sequence.keys)))
    pose = session.document.people[0].pose
    one = session.document.sequence.inserted(KeyPose(pose, id="k"))
    session.undo_stack.push(SetSequence(session, one, "Add key pose"))
    for duration in (0.6, 0.7, 0.8):
        key = replace(session.document.sequence.keys[0], duration_s=duration)
        longer = session.document.sequence.with_key(key)
        session.undo_stack.push(SetSequence(session, longer, "Key pose duration", slide=1))
    assert session.undo_stack.count() == 2
    width, height = session.document.size
    session.undo_stack.push(ScaleCanvas(session, (width * 2, height * 2)))
    scaled = session.document.sequence.keys[0].pose
    assert np.allclose(scaled.keypoints, np.where(pose.present[:, None], pose.keypoints * 2, 0))
    for _ in range(3):
        session.undo_stack.undo()
    assert session.document.sequence.keys == () and seen[-1] == 0
