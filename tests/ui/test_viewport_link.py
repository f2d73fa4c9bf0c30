"""The lift link: one request at a time, the newest pose next, hypotheses once the hand rests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QObject, Signal
from pytestqt.qtbot import QtBot

from poseapp.core.document import Document, Person
from poseapp.core.errors import TaskError
from poseapp.core.pose import Pose2D, Pose3D, Visibility
from poseapp.core.standing import standing
from poseapp.state.commands import AddPeople, EditPerson, MoveJoint, RemovePerson, SetPose
from poseapp.state.session import Session
from poseapp.ui.viewport.link import LiftLink


class HandEngine(QObject):
    """An engine whose answers come when the test says so."""

    task_succeeded = Signal(int, object)
    task_failed = Signal(int, object)
    task_cancelled = Signal(int)
    state_changed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[dict[str, Any]] = []

    def submit(self, task: str, *, lane: str | None = None, **kwargs: Any) -> int:
        assert (task, lane) == ("lift_to_3d", "lift")
        self.requests.append(kwargs)
        return len(self.requests)

    def answer(self) -> None:
        """Succeed with figures whose head says which request and row they come from."""
        request = self.requests[-1]
        shape = (len(request["keypoints"]), request["hypotheses"], 17, 3)
        joints = np.random.default_rng(0).normal(0, 300, shape)
        joints[:, :, 10, 0] = len(self.requests)
        joints[:, :, 10, 1] = np.arange(shape[0])[:, None]
        result = {"joints": joints, "elevation": np.full(shape[0], 0.1, np.float32)}
        self.task_succeeded.emit(len(self.requests), result)


class Heard:
    """What a link has said."""

    def __init__(self, link: LiftLink) -> None:
        self.lifted: list[tuple[str, list[Pose3D]]] = []
        self.refused: list[tuple[str, str]] = []
        self.forgotten: list[str] = []
        self.failed: list[str] = []
        link.lifted.connect(lambda i, figures: self.lifted.append((i, figures)))
        link.refused.connect(lambda i, text: self.refused.append((i, text)))
        link.forgotten.connect(self.forgotten.append)
        link.failed.connect(lambda error: self.failed.append(str(error)))


@pytest.fixture
def session(qapp: object) -> Iterator[Session]:
    session = Session()
    yield session
    session.shutdown()


@pytest.fixture
def engine(qapp: object) -> HandEngine:
    return HandEngine()


@pytest.fixture
def link(session: Session, engine: HandEngine) -> LiftLink:
    return LiftLink(session, engine)  # type: ignore[arg-type]


def _add(session: Session, *names: str) -> list[Person]:
    people = [Person(standing((300 + 100 * n, 400), 500), name) for n, name in enumerate(names)]
    session.undo_stack.push(AddPeople(session, people))
    return people


def _drag(session: Session, person: Person, x: float) -> Pose2D:
    session.undo_stack.push(MoveJoint(session, person.id, 9, (x, 200.0), drag=1))
    return session.document.person(person.id).pose


def test_everybody_is_lifted_in_one_request(
    session: Session, engine: HandEngine, link: LiftLink
) -> None:
    heard = Heard(link)
    ann, bob = _add(session, "Ann", "Bob")
    assert len(engine.requests) == 1
    assert engine.requests[0]["keypoints"].shape == (2, 17, 2)
    engine.answer()
    assert [person for person, _ in heard.lifted] == [ann.id, bob.id]
    assert heard.lifted[1][1][0].joints[10, 1] == 1.0
    assert heard.lifted[0][1][0].elevation == pytest.approx(0.1)
    assert link.is_current(ann.id)


def test_a_drag_keeps_one_request_under_way_and_the_newest_pose_follows(
    session: Session, engine: HandEngine, link: LiftLink
) -> None:
    (ann,) = _add(session, "Ann")
    engine.answer()
    count = len(engine.requests)
    for x in range(10):
        last = _drag(session, ann, float(x))
    assert len(engine.requests) == count + 1  # the first of the ten; nine wait
    engine.answer()
    assert len(engine.requests) == count + 2
    assert np.array_equal(engine.requests[-1]["keypoints"][0], last.keypoints)
    engine.answer()
    assert link.lifted_pose(ann.id) is last
    assert len(engine.requests) == count + 2  # nothing is left to ask


def test_hypotheses_come_when_the_hand_rests(
    session: Session, engine: HandEngine, link: LiftLink, qtbot: QtBot
) -> None:
    link.set_hypotheses(6)
    (ann,) = _add(session, "Ann")
    engine.answer()
    assert len(link.figures(ann.id)) == 6  # who comes new is no drag
    _drag(session, ann, 5.0)
    assert engine.requests[-1]["hypotheses"] == 1
    engine.answer()
    assert len(link.figures(ann.id)) == 1
    qtbot.waitUntil(lambda: engine.requests[-1]["hypotheses"] == 6, timeout=2000)
    engine.answer()
    assert len(link.figures(ann.id)) == 6


def test_other_edits_ask_for_nothing(session: Session, engine: HandEngine, link: LiftLink) -> None:
    ann, bob = _add(session, "Ann", "Bob")
    engine.answer()
    count = len(engine.requests)
    session.undo_stack.push(EditPerson(session, ann.id, "Rename", name="Eve"))
    _drag(session, bob, 3.0)
    assert engine.requests[-1]["keypoints"].shape[0] == 1  # Bob alone
    assert len(engine.requests) == count + 1


def test_hidden_and_removed_people_are_forgotten(
    session: Session, engine: HandEngine, link: LiftLink
) -> None:
    heard = Heard(link)
    ann, bob = _add(session, "Ann", "Bob")
    engine.answer()
    session.undo_stack.push(EditPerson(session, ann.id, "Hide", visible=False))
    assert heard.forgotten == [ann.id]
    session.undo_stack.push(RemovePerson(session, bob.id))
    assert heard.forgotten == [ann.id, bob.id]
    assert not link.figures(bob.id)
    session.undo_stack.undo()
    assert engine.requests[-1]["keypoints"].shape[0] == 1
    engine.answer()
    assert link.is_current(bob.id)


def test_an_answer_for_a_person_who_left_is_dropped(
    session: Session, engine: HandEngine, link: LiftLink
) -> None:
    heard = Heard(link)
    _add(session, "Ann")
    session.undo_stack.undo()
    engine.answer()
    assert heard.lifted == []


def test_too_few_joints_are_a_sentence_once(
    session: Session, engine: HandEngine, link: LiftLink
) -> None:
    heard = Heard(link)
    pose = standing((300, 400), 500)
    for joint in range(17):
        if joint not in (0, 1, 2, 5, 6, 7):
            pose = pose.with_visibility(joint, Visibility.ABSENT)
    session.undo_stack.push(AddPeople(session, [person := Person(pose, "Ann")]))
    session.undo_stack.push(EditPerson(session, person.id, "Rename", name="Eve"))
    assert engine.requests == []
    ((who, sentence),) = heard.refused
    assert who == person.id
    assert "has 3" in sentence
    more = pose.with_joint(8, (350, 300))
    session.undo_stack.push(SetPose(session, person.id, more))
    assert len(engine.requests) == 1


def test_a_failure_is_told_once_and_the_next_pose_tries_again(
    session: Session, engine: HandEngine, link: LiftLink
) -> None:
    heard = Heard(link)
    (ann,) = _add(session, "Ann")
    engine.task_failed.emit(1, TaskError("The weights are missing: get them."))
    assert heard.failed == ["The weights are missing: get them."]
    assert len(engine.requests) == 1
    _drag(session, ann, 1.0)
    assert len(engine.requests) == 2
    engine.answer()
    assert link.is_current(ann.id)


def test_a_restarted_engine_is_asked_again(
    session: Session, engine: HandEngine, link: LiftLink
) -> None:
    _add(session, "Ann")
    engine.task_failed.emit(1, TaskError("It died."))
    engine.state_changed.emit("restarting")
    engine.state_changed.emit("ready")
    assert len(engine.requests) == 2


def test_figures_that_are_known_are_not_asked_for(
    session: Session, engine: HandEngine, link: LiftLink
) -> None:
    (ann,) = _add(session, "Ann")
    engine.answer()
    count = len(engine.requests)
    pose = ann.pose.with_keypoints(ann.pose.keypoints * 0.5)
    figures = (Pose3D(np.ones((17, 3))),)
    link.prime(ann.id, pose, figures)
    session.undo_stack.push(SetPose(session, ann.id, pose))
    assert len(engine.requests) == count
    assert link.figures(ann.id) == figures
    session.undo_stack.undo()
    assert len(engine.requests) == count + 1


def test_a_late_answer_does_not_replace_known_figures(
    session: Session, engine: HandEngine, link: LiftLink
) -> None:
    (ann,) = _add(session, "Ann")  # under way
    pose = ann.pose.with_keypoints(ann.pose.keypoints * 0.5)
    figures = (Pose3D(np.ones((17, 3))),)
    link.prime(ann.id, pose, figures)
    session.undo_stack.push(SetPose(session, ann.id, pose))
    engine.answer()
    assert link.figures(ann.id) == figures


def test_an_unseen_view_asks_for_nothing_until_it_is_shown(
    session: Session, engine: HandEngine, link: LiftLink
) -> None:
    link.set_active(False)
    _add(session, "Ann")
    assert engine.requests == []
    link.set_active(True)
    assert len(engine.requests) == 1


def test_behind_another_tab_it_waits_until_the_hand_rests(
    session: Session, engine: HandEngine, link: LiftLink, qtbot: QtBot
) -> None:
    session.undo_stack.push(AddPeople(session, [Person(standing((300, 300), 400), id="a")]))
    engine.answer()
    link.set_hasty(False)
    asked = len(engine.requests)
    for x in (100.0, 110.0, 120.0):
        session.undo_stack.push(MoveJoint(session, "a", 9, (x, 100.0), drag=1))
    assert len(engine.requests) == asked
    qtbot.waitUntil(lambda: len(engine.requests) == asked + 1, timeout=5000)
    assert engine.requests[-1]["keypoints"][0, 9, 0] == 120.0
    engine.answer()
    session.undo_stack.push(MoveJoint(session, "a", 9, (130.0, 100.0), drag=2))
    link.set_hasty(True)
    assert engine.requests[-1]["keypoints"][0, 9, 0] == 130.0


def test_another_document_starts_anew(session: Session, engine: HandEngine, link: LiftLink) -> None:
    heard = Heard(link)
    (ann,) = _add(session, "Ann")
    engine.answer()
    other = Person(standing((100, 100), 90), "Bob")
    session.open(replace(Document(), people=(other,)), None)
    assert heard.forgotten == [ann.id]
    engine.answer()
    assert link.is_current(other.id)


def test_a_refresh_asks_again_also_for_what_is_under_way(
    session: Session, engine: HandEngine, link: LiftLink
) -> None:
    _add(session, "Ann")
    link.refresh()
    engine.answer()  # of the old weights
    assert len(engine.requests) == 2
    engine.answer()
    link.refresh()
    assert len(engine.requests) == 3
    engine.answer()
    assert len(engine.requests) == 3
