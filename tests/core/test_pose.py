"""Poses, skeletons and documents are immutable, checked, and map onto each other exactly."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from poseapp.core.document import PERSON_COLOURS, Document, Person
from poseapp.core.errors import DocumentError, PoseError
from poseapp.core.pose import Pose2D, Pose3D, Visibility
from poseapp.core.skeleton import (
    BODY_25,
    COCO_17,
    H36M_17,
    LEFT_RIGHT,
    MOCAP_17,
    OPENPOSE_18,
    SKELETONS,
    Skeleton,
    convert,
)

POINTS = arrays(float, (17, 2), elements=st.floats(-1e4, 1e4))


@given(POINTS, arrays(np.uint8, 17, elements=st.integers(0, 2)))
def test_absent_joints_have_no_place_and_no_confidence(
    points: np.ndarray, visibility: np.ndarray
) -> None:
    pose = Pose2D(points, visibility)
    absent = visibility == 0
    assert (pose.keypoints[absent] == 0).all() and (pose.confidence[absent] == 0).all()
    assert np.array_equal(pose.keypoints[~absent], points[~absent])
    assert pose == Pose2D(points.copy(), visibility.copy())
    if not absent.all():
        x, y, width, height = pose.bounds
        inside = pose.keypoints[~absent]
        assert (inside[:, 0] >= x).all() and (inside[:, 0] <= x + width + 1e-9).all()
        assert (inside[:, 1] >= y).all() and (inside[:, 1] <= y + height + 1e-9).all()
    else:
        assert pose.bounds is None


def test_poses_cannot_be_changed() -> None:
    source = np.ones((17, 2))
    pose = Pose2D(source)
    source[0] = 9.0
    assert pose.keypoints[0].tolist() == [1.0, 1.0]
    for array in (
        pose.keypoints,
        pose.visibility,
        pose.confidence,
        Pose3D(np.zeros((17, 3))).joints,
    ):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    with pytest.raises(FrozenInstanceError):
        pose.keypoints = source  # type: ignore[misc]


@pytest.mark.parametrize(
    "arguments",
    [
        (np.zeros((16, 2)),),
        (np.full((17, 2), np.nan),),
        (np.full((17, 2), np.inf),),
        ([["a", "b"]] * 17,),
        (np.zeros((17, 2)), np.full(17, 3)),
        (np.zeros((17, 2)), np.zeros(5)),
        (np.zeros((17, 2)), None, np.full(17, np.nan)),
    ],
)
def test_what_is_no_pose_is_refused(arguments: tuple) -> None:
    with pytest.raises(PoseError):
        Pose2D(*arguments)


def test_joints_come_and_go() -> None:
    pose = Pose2D(np.ones((17, 2)), confidence=np.full(17, 0.3))
    gone = pose.with_visibility(4, Visibility.ABSENT)
    assert not gone.present[4] and gone.confidence[4] == 0 and gone.keypoints[4].tolist() == [0, 0]
    back = gone.with_joint(4, (5.0, 6.0))
    assert back.visibility[4] == Visibility.VISIBLE and back.confidence[4] == 1.0
    hidden = pose.with_visibility(4, Visibility.HIDDEN)
    assert hidden.confidence[4] == 0.3 and hidden.with_joint(4, (2, 2)).visibility[4] == 1


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=lambda s: s.name)
def test_skeletons_are_whole(skeleton: Skeleton) -> None:
    count = len(skeleton)
    assert len(set(skeleton.joints)) == count == len(skeleton.parents)
    assert all(0 <= a < count and 0 <= b < count and a != b for a, b in skeleton.bones)
    assert sorted(skeleton.mirror) == list(range(count))
    assert all(skeleton.mirror[skeleton.mirror[j]] == j for j in range(count))
    roots = [j for j in range(count) if skeleton.parents[j] < 0]
    assert sorted(j for root in roots for j in skeleton.subtree(root)) == list(range(count))
    for joint in range(count):
        swapped = {"left": "right", "right": "left", "middle": "middle"}[skeleton.side(joint)]
        assert skeleton.side(skeleton.mirror[joint]) == swapped


def test_left_and_right_pairs() -> None:
    assert len(LEFT_RIGHT) == 8
    for left, right in LEFT_RIGHT:
        assert COCO_17.joints[left].replace("left", "right") == COCO_17.joints[right]
    assert MOCAP_17.index("Pelvis") == 0


@pytest.mark.parametrize("other", [OPENPOSE_18, BODY_25], ids=lambda s: s.name)
@given(POINTS, arrays(float, 17, elements=st.sampled_from([0.0, 0.5, 1.0])))
def test_openpose_maps_are_exact(other: Skeleton, points: np.ndarray, sure: np.ndarray) -> None:
    there, there_sure = convert(points, sure, COCO_17, other)
    back, back_sure = convert(there, there_sure, other, COCO_17)
    assert np.array_equal(back[sure > 0], points[sure > 0]) and np.array_equal(back_sure, sure)
    for joint, name in enumerate(COCO_17.joints):
        if sure[joint] > 0:
            assert np.array_equal(there[other.index(name)], points[joint]), name
    neck = other.index("neck")
    if sure[5] > 0 and sure[6] > 0:
        assert np.allclose(there[neck], (points[5] + points[6]) / 2)
        assert there_sure[neck] == min(sure[5], sure[6])
    else:
        assert there_sure[neck] == 0 and not there[neck].any()


def test_openpose_order_is_that_of_the_published_map() -> None:
    numbers = np.stack([np.arange(17.0), np.arange(17.0)], axis=1)
    there, _ = convert(numbers, np.ones(17), COCO_17, OPENPOSE_18)
    assert there[:, 0].tolist() == [0, 5.5, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3]
    body, sure = convert(numbers, np.ones(17), COCO_17, BODY_25)
    assert body[[*range(8), *range(9, 19)], 0].tolist() == there[:, 0].tolist()
    assert body[8, 0] == 11.5 and (sure[19:] == 0).all()


def test_human36m_takes_the_middles() -> None:
    points = np.random.default_rng(0).normal(size=(17, 2))
    there, sure = convert(points, np.ones(17), COCO_17, H36M_17)
    assert np.allclose(there[0], points[[11, 12]].mean(0)) and (sure == 1).all()
    assert np.allclose(there[8], points[[5, 6]].mean(0))
    back, back_sure = convert(there, sure, H36M_17, COCO_17)
    assert (back_sure[1:5] == 0).all()  # eyes and ears are not in it
    assert np.allclose(back[5:], points[5:]) and np.allclose(back[0], points[0])
    with pytest.raises(ValueError, match="No map"):
        convert(there, sure, H36M_17, OPENPOSE_18)


def test_documents() -> None:
    people = tuple(Person(Pose2D(np.zeros((17, 2))), colour=c) for c in PERSON_COLOURS[:2])
    document = Document((100, 50), people)
    assert document.next_colour() == PERSON_COLOURS[2]
    changed = document.with_person(Person(people[1].pose, name="Ann", id=people[1].id))
    assert changed.person(people[1].id).name == "Ann" and document.people[1].name == "Person"
    assert people[0].id != people[1].id
    with pytest.raises(KeyError):
        document.index("nobody")
    for size in ((0, 10), (10, 20_000)):
        with pytest.raises(DocumentError, match="canvas"):
            Document(size)
