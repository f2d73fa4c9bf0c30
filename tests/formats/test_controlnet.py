"""ControlNet's pose JSON in every form that editors and preprocessors write."""

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
from poseapp.formats import controlnet, registry


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """A canvas and people inside it."""
    size = draw(st.tuples(st.integers(64, 4096), st.integers(64, 4096)))
    count, persons = draw(st.integers(0, 3)), []
    for _ in range(count):
        shares = draw(arrays(float, (17, 2), elements=st.floats(0.0625, 1.0, width=32)))
        sure = draw(arrays(float, 17, elements=st.sampled_from([0.0, 0.5, 1.0])))
        persons.append(Person(Pose2D(np.round(shares * size, 4), confidence=sure)))
    return Document(size, tuple(persons))


def frame(normalised: bool = False) -> dict[str, Any]:
    rows = np.random.default_rng(1).uniform(20, 400, (18, 2))
    rows = np.round(rows / (512, 640) if normalised else rows, 6)
    flat = np.concatenate([rows, np.ones((18, 1))], axis=1)
    flat[3] = 0.0
    return {
        "people": [
            {
                "pose_keypoints_2d": flat.ravel().tolist(),
                "face_keypoints_2d": None,
                "hand_left_keypoints_2d": [30.0, 40.0, 1.0] * 20,  # one of 21 is missing
                "hand_right_keypoints_2d": None,
                "note": "x",
            }
        ],
        "animals": [[[1, 2, 1]]],
        "version": "ap10k",
        "canvas_width": 512,
        "canvas_height": 640,
    }


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


@given(documents(), st.booleans())
def test_round_trip(source: Document, normalised: bool) -> None:
    data = registry.dumps(source, "controlnet", normalised=normalised, confidences=True)
    assert registry.sniff(data).name == "controlnet"
    result = registry.loads(data)
    assert result.size == source.size
    for one, other in zip(result.people, source.people, strict=True):
        assert np.array_equal(one.pose.visibility, other.pose.visibility)
        assert np.array_equal(one.pose.confidence, other.pose.confidence)
        assert np.abs(one.pose.keypoints - other.pose.keypoints).max() < 1e-4
    assert len(result.people) == len(source.people)


def test_points_are_certain_or_absent_unless_asked() -> None:
    pose = Pose2D(np.full((17, 2), 50.0), confidence=np.linspace(0, 0.9, 17))
    pose = pose.with_visibility(5, Visibility.HIDDEN)
    document = Document((100, 200), (Person(pose),))
    value = json.loads(registry.dumps(document, "controlnet"))
    assert (value["canvas_width"], value["canvas_height"]) == (100, 200)
    person = value["people"][0]
    assert set(person["pose_keypoints_2d"][2::3]) == {0, 1}
    assert person["pose_keypoints_2d"][:3] == [0, 0, 0]
    assert person["face_keypoints_2d"] is None and person["hand_left_keypoints_2d"] is None
    real = json.loads(registry.dumps(document, "controlnet", confidences=True))
    assert real["people"][0]["pose_keypoints_2d"][-1] == pytest.approx(0.9 * 3 / 16)


@pytest.mark.parametrize("normalised", [False, True])
def test_open_and_save_keeps_everything(normalised: bool) -> None:
    source = frame(normalised)
    opened = registry.loads(encoded(source), "c.json")
    assert opened.size == (512, 640) and opened.people[0].pose.present.sum() == 16
    assert json.loads(registry.dumps(opened, "controlnet")) == source
    points = opened.people[0].pose.keypoints
    assert points.max() > 100


def test_an_edit_moves_the_hand_and_keeps_the_rest() -> None:
    source = frame()
    opened = controlnet.load(copy.deepcopy(source), "c.json")
    person = opened.people[0]
    moved = opened.with_person(replace(person, pose=translate(person.pose, (10.0, 0.0))))
    value = json.loads(registry.dumps(moved, "controlnet"))
    assert value["people"][0]["hand_left_keypoints_2d"][:3] == [40, 40, 1]
    assert value["people"][0]["note"] == "x" and value["animals"] == source["animals"]
    other = json.loads(registry.dumps(moved, "controlnet", normalised=True))["people"][0]
    assert other["hand_left_keypoints_2d"][0] == pytest.approx(40 / 512, abs=1e-6)
    assert max(other["pose_keypoints_2d"]) == 1.0


def test_a_list_of_frames_keeps_the_other_frames() -> None:
    frames = [frame(), {**frame(True), "canvas_width": 99}, {"people": [], "canvas_width": 5}]
    opened = registry.loads(encoded(frames), "c.json")
    assert registry.sniff(encoded(frames)).name == "controlnet"
    assert json.loads(registry.dumps(opened, "controlnet")) == frames
    second = registry.loads(encoded(frames), "c.json", frame=1)
    assert second.size == (99, 640)
    assert json.loads(registry.dumps(second, "controlnet")) == frames
    with pytest.raises(FormatError, match="3 frames"):
        registry.loads(encoded(frames), "c.json", frame=3)


def test_the_older_form_is_read_and_saved_in_the_present_one() -> None:
    points: list[Any] = [[float(i + 10), float(i + 20)] for i in range(18)]
    points[4], points[7] = None, [-1, -1]
    older = {"width": 300, "height": 400, "keypoints": [points], "title": "mine"}
    opened = registry.loads(encoded(older), "old.json")
    assert opened.size == (300, 400)
    pose = opened.people[0].pose
    assert not pose.present[10] and not pose.present[9] and pose.present.sum() == 15
    assert pose.keypoints[0].tolist() == [10.0, 20.0]
    value = json.loads(registry.dumps(opened, "controlnet"))
    assert value["canvas_height"] == 400 and value["title"] == "mine"
    assert value["people"][0]["pose_keypoints_2d"][:3] == [10, 20, 1]


def test_lenient_reading() -> None:
    lenient = {
        "people": [
            {"pose_keypoints_2d": None},
            {"pose_keypoints_2d": [10, 20, 0.9, None, None, 0] + [30, 40, 1] * 16},
            {},
        ],
        "canvas_width": 0,
        "canvas_height": None,
    }
    opened = registry.loads(encoded(lenient), "c.json")
    assert len(opened.people) == 3 and opened.size == (512, 512)
    assert opened.people[1].pose.confidence[0] == 0.9
    saved = json.loads(registry.dumps(opened, "controlnet"))
    assert saved["people"][1]["pose_keypoints_2d"][2] == 0.9  # as the file had it
    certain = json.loads(registry.dumps(opened, "controlnet", confidences=False))
    assert certain["people"][1]["pose_keypoints_2d"][2] == 1


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"people": [{"pose_keypoints_2d": [1] * 10}], "canvas_width": 9}, "10 numbers"),
        ({"people": [4], "canvas_width": 9, "canvas_height": 9}, "people"),
        ({"people": [], "canvas_width": 1e9, "canvas_height": 9}, "1000000000 x 9"),
        ({"people": [], "canvas_width": "x", "canvas_height": 9}, "width"),
        ({"width": 9, "height": 9, "keypoints": [[1, 2]]}, "18 points"),
    ],
)
def test_broken_files_give_one_sentence(value: Any, says: str) -> None:
    with pytest.raises(FormatError, match=says) as caught:
        registry.loads(encoded(value), "c.json")
    assert str(caught.value).startswith("c.json") and str(caught.value).endswith(".")
