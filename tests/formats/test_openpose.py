"""OpenPose JSON: 18 and 25 points, several people, and the parts that we do not edit."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from poseapp.core.document import Document, Person
from poseapp.core.errors import FormatError
from poseapp.core.kinematics import translate
from poseapp.core.pose import Pose2D, Visibility
from poseapp.formats import openpose, registry

PLACES = st.floats(4.0, 2000.0, width=32)


@st.composite
def people(draw: st.DrawFn) -> Person:
    """Someone with visible and absent joints only: OpenPose knows no hidden ones."""
    points = np.round(draw(arrays(float, (17, 2), elements=PLACES)), 4)
    sure = draw(arrays(float, 17, elements=st.sampled_from([0.0, 0.25, 0.654321, 1.0])))
    return Person(Pose2D(points, confidence=sure))


DOCUMENTS = st.builds(Document, people=st.lists(people(), max_size=4).map(tuple))


def frame(points: int = 25) -> dict[str, Any]:
    """A frame as OpenPose writes it, with hands, face and feet."""
    rng = np.random.default_rng(2)
    rows = np.concatenate([rng.uniform(10, 300, (points, 2)), rng.uniform(0.3, 1, (points, 1))], 1)
    rows[4] = 0.0
    person = {
        "person_id": [-1],
        "pose_keypoints_2d": np.round(rows, 3).ravel().tolist(),
        "face_keypoints_2d": [10.5, 11.5, 0.5] * 70,
        "hand_left_keypoints_2d": [20.0, 21.0, 0.25] * 21,
        "hand_right_keypoints_2d": [],
        "pose_keypoints_3d": [],
        "tracker": {"age": 3},
    }
    return {"version": 1.3, "people": [person], "part_candidates": [{"0": [1, 2, 0.5]}]}


@given(DOCUMENTS, st.booleans())
def test_round_trip(source: Document, body25: bool) -> None:
    data = registry.dumps(source, "openpose", body25=body25)
    result = registry.loads(data)
    assert [p.pose for p in result.people] == [p.pose for p in source.people]
    assert registry.dumps(result, "openpose", body25=body25) == data
    assert registry.sniff(data).name == "openpose"


def test_order_neck_and_absent_points() -> None:
    pose = Pose2D(np.stack([np.arange(17.0) + 10, np.arange(17.0) + 30], axis=1))
    pose = pose.with_visibility(16, Visibility.ABSENT).with_visibility(15, Visibility.HIDDEN)
    document = Document(people=(Person(pose),))
    flat = json.loads(registry.dumps(document, "openpose"))["people"][0]["pose_keypoints_2d"]
    assert len(flat) == 54 and flat[:6] == [10, 30, 1, 15.5, 35.5, 1]  # nose, neck
    assert flat[30:33] == [0, 0, 0]  # the right ankle is absent
    assert flat[39:42] == [25, 45, 1]  # the left ankle is hidden, and written
    flat = json.loads(registry.dumps(document, "openpose25"))["people"][0]["pose_keypoints_2d"]
    assert len(flat) == 75 and flat[24:27] == [21.5, 41.5, 1] and flat[57:] == [0] * 18


@pytest.mark.parametrize("points", [18, 25])
def test_open_and_save_keeps_everything(points: int) -> None:
    source = frame(points)
    opened = registry.loads(json.dumps(source).encode(), "f.json")
    assert registry.sniff(json.dumps(source).encode()).name == "openpose"
    assert opened.people[0].pose.present.sum() == 16
    assert json.loads(registry.dumps(opened, "openpose")) == source


def test_hands_face_and_feet_follow_the_body() -> None:
    source = frame(25)
    opened = openpose.load(copy.deepcopy(source), "f.json")
    person = opened.people[0]
    moved = opened.with_person(replace(person, pose=translate(person.pose, (100.0, -5.0))))
    entry = json.loads(registry.dumps(moved, "openpose"))["people"][0]
    before = np.reshape(source["people"][0]["pose_keypoints_2d"], (25, 3))
    after = np.reshape(entry["pose_keypoints_2d"], (25, 3))
    for toe in (19, 20, 21, 22, 23, 24):
        assert np.allclose(after[toe] - before[toe], (100, -5, 0), atol=1e-3)
    assert entry["face_keypoints_2d"][:3] == [110.5, 6.5, 0.5]
    assert entry["hand_left_keypoints_2d"][:3] == [120, 16, 0.25]
    assert entry["tracker"] == {"age": 3} and entry["hand_right_keypoints_2d"] == []
    gone = person.pose.with_visibility(15, Visibility.ABSENT)
    entry = json.loads(registry.dumps(opened.with_person(replace(person, pose=gone)), "openpose"))[
        "people"
    ][0]
    assert entry["pose_keypoints_2d"][57:66] == [0] * 9  # no ankle, no toes and heel


def test_a_neck_that_cannot_be_derived_is_kept() -> None:
    source = frame(18)
    flat = source["people"][0]["pose_keypoints_2d"]
    flat[6:9] = [0, 0, 0]  # no right shoulder
    opened = openpose.load(copy.deepcopy(source), "f.json")
    person = opened.people[0]
    moved = opened.with_person(replace(person, pose=person.pose.with_joint(0, (1.0, 2.0))))
    entry = json.loads(registry.dumps(moved, "openpose"))["people"][0]["pose_keypoints_2d"]
    assert entry[5] == flat[5] and np.allclose(entry[3:5], flat[3:5], atol=30)


def test_shares_of_the_picture_are_scaled_and_written_back() -> None:
    source = {"version": 1.3, "people": [{"pose_keypoints_2d": [0.5, 0.25, 0.75] * 18}]}
    opened = openpose.load(copy.deepcopy(source), "f.json")
    assert opened.people[0].pose.keypoints[0].tolist() == [384.0, 192.0]
    assert json.loads(registry.dumps(opened, "openpose")) == source


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ([1.0] * 51, "51 numbers"),
        ([1.0] * 53 + ["x"], "number"),
        ("none", "list"),
        ([1e9, 2.0, 1.0] * 18, "million"),
    ],
)
def test_broken_bodies_give_one_sentence(body: Any, says: str) -> None:
    with pytest.raises(FormatError, match=says) as caught:
        openpose.load({"version": 1.3, "people": [{"pose_keypoints_2d": body}]}, "f.json")
    assert str(caught.value).startswith("f.json") and str(caught.value).endswith(".")
