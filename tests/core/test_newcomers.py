"""Newcomers are as large as the others, stand beside them, on the same ground, on the canvas."""

from __future__ import annotations

import json

import numpy as np
import pytest

from poseapp.core.document import Document, Person
from poseapp.core.newcomers import body_unit, resized, welcome
from poseapp.core.paths import resources_dir
from poseapp.core.pose import Pose2D
from poseapp.core.standing import STANDING, standing

_VALUE = json.loads((resources_dir() / "poses" / "presets.json").read_text("utf-8"))
PRESETS = {p["id"]: Pose2D(p["keypoints"], p["visibility"]) for p in _VALUE["poses"]}


def test_a_sitting_person_is_as_large_as_a_standing_one() -> None:
    document = Document((768, 768), (Person(standing((250, 380), 500)),))
    seated = welcome(document, PRESETS["sitting-floor"])
    assert body_unit(seated) == pytest.approx(body_unit(document.people[0].pose), rel=0.01)
    assert seated.bounds[3] < 0.6 * document.people[0].pose.bounds[3]
    floor = document.people[0].pose.bounds[1] + document.people[0].pose.bounds[3]
    assert seated.bounds[1] + seated.bounds[3] == pytest.approx(floor)


@pytest.mark.parametrize("size", [(768, 768), (300, 1200), (1600, 400), (64, 64)])
def test_all_presets_fit_on_any_canvas(size: tuple[int, int]) -> None:
    for name, pose in PRESETS.items():
        people: tuple[Person, ...] = ()
        for _ in range(3):
            placed = welcome(Document(size, people), pose)
            x, y, width, height = placed.bounds
            assert x >= -0.01 and x + width <= size[0] + 0.01, name
            assert y >= -0.01 and y + height <= size[1] + 0.01, name
            people = (*people, Person(placed))


def test_neighbours_leave_room_for_each_other() -> None:
    document = Document((768, 768))
    for _ in range(3):
        pose = welcome(document, Pose2D(STANDING))
        document = Document((768, 768), (*document.people, Person(pose)))
    middles = sorted(p.pose.bounds[0] + p.pose.bounds[2] / 2 for p in document.people)
    assert np.diff(middles).min() > 120


def test_a_drop_lands_where_it_was_dropped() -> None:
    placed = welcome(Document((768, 768)), PRESETS["leaping"], (30.0, 700.0))
    x, y, width, height = placed.bounds
    assert (x + width / 2, y + height / 2) == pytest.approx((30, 700))


def test_resizing_reaches_the_unit_and_an_empty_pose_stays() -> None:
    assert body_unit(resized(PRESETS["climbing-stairs"], 123.0)) == pytest.approx(123.0)
    empty = Pose2D(np.zeros((17, 2)), np.zeros(17, np.uint8))
    assert welcome(Document(), empty) is empty
