"""In-between poses and motions: exact at the keys, bones keep their length, people keep theirs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from poseapp.core import kinematics, motion
from poseapp.core.errors import PoseError
from poseapp.core.kinematics import bone_lengths
from poseapp.core.kinematics3d import bone_lengths_3d
from poseapp.core.motion import Key, between, between_3d, fitted, frames
from poseapp.core.newcomers import body_unit
from poseapp.core.pose import Pose2D, Pose3D
from poseapp.core.standing import STANDING

PERSON = Pose2D(STANDING * 100.0 + 300.0)
LIMBS = [7, 8, 9, 10, 13, 14, 15, 16]


@st.composite
def poses(draw: st.DrawFn) -> Pose2D:
    points = draw(arrays(float, (17, 2), elements=st.floats(0.0, 500.0, width=32)))
    visibility = draw(arrays(np.uint8, 17, elements=st.sampled_from([0, 1, 2, 2])))
    return Pose2D(points, visibility)


def raised(angle: float) -> Pose2D:
    return kinematics.rotate_limb(PERSON, 7, angle)


@settings(max_examples=40)
@given(poses(), poses())
def test_poses_near_a_key_lie_near_it(one: Pose2D, other: Pose2D) -> None:
    assert between(one, other, 0.0) == one
    assert between(one, other, 1.0) == other
    soon = between(one, other, 1e-9)
    assert np.array_equal(soon.present, one.present)
    assert np.allclose(soon.keypoints, one.keypoints, atol=1e-3)
    late = between(one, other, 1.0 - 1e-9)
    assert np.allclose(late.keypoints, other.keypoints, atol=1e-3)


def test_an_arm_swings_on_an_arc() -> None:
    middle = between(PERSON, raised(-2.0), 0.5)
    assert np.allclose(bone_lengths(middle), bone_lengths(PERSON), atol=1e-9)
    assert np.allclose(middle.keypoints, raised(-1.0).keypoints, atol=1e-9)


def test_angles_take_the_shorter_way() -> None:
    one, other = raised(math.pi - 0.2), raised(-math.pi + 0.2)
    middle = between(one, other, 0.5)
    assert np.allclose(middle.keypoints, raised(math.pi).keypoints, atol=1e-9)


def test_lengths_change_evenly() -> None:
    short = PERSON.with_joint(9, PERSON.keypoints[7] + [0.0, 20.0])
    long = PERSON.with_joint(9, PERSON.keypoints[7] + [0.0, 60.0])
    assert bone_lengths(between(short, long, 0.25))[9] == pytest.approx(30.0)


def test_a_joint_of_one_pose_alone_hangs_on_its_limb() -> None:
    other = kinematics.translate(PERSON, (100.0, 0.0))
    points = other.visibility.copy()
    points[9] = 0
    other = Pose2D(other.keypoints, points)
    early = between(PERSON, other, 0.25)
    assert np.allclose(early.keypoints[9], PERSON.keypoints[9] + [25.0, 0.0])
    assert not between(PERSON, other, 0.75).present[9]


def test_frames_of_a_strip_and_of_a_loop() -> None:
    keys = [Key(PERSON, 0.0, "linear"), Key(raised(-1.0), 1.0, "linear")]
    strip = frames(keys, 10.0)
    assert len(strip) == 11
    assert strip[0].pose == PERSON
    assert strip[-1].pose == raised(-1.0)
    assert np.allclose(strip[5].pose.keypoints, raised(-0.5).keypoints)
    ring = frames(keys, 10.0, loop=True)
    assert len(ring) == 20
    assert np.allclose(ring[15].pose.keypoints, raised(-0.5).keypoints)
    assert motion.at(keys, 5.0).pose == raised(-1.0)


def test_easings_begin_at_0_and_end_at_1() -> None:
    for ease in motion.EASINGS.values():
        assert ease(0.0) == 0.0
        assert ease(1.0) == 1.0
        steps = [ease(t) for t in np.linspace(0.0, 1.0, 11)]
        assert steps == sorted(steps)


@pytest.mark.parametrize(
    ("keys", "fps"),
    [
        ([], 10.0),
        ([Key(PERSON, 0.0)], 0.0),
        ([Key(PERSON, 1.0), Key(PERSON, 1.0)], 10.0),
        ([Key(PERSON, 0.0, "jump"), Key(PERSON, 1.0)], 10.0),
        ([Key(PERSON, 0.0), Key(PERSON, 1e6)], 30.0),
    ],
)
def test_strips_that_cannot_be_played_say_why(keys: list[Key], fps: float) -> None:
    with pytest.raises(PoseError):
        motion.times(keys, fps)


def figure_3d(elbow: float) -> Pose3D:
    """A standing figure (mm, y down) whose left forearm is turned about the z axis."""
    joints = np.zeros((17, 3))
    up = {7: 250.0, 8: 500.0, 9: 600.0, 10: 700.0}
    for joint, height in up.items():
        joints[joint] = 0.0, -height, 0.0
    joints[9, 2] = -60.0
    for hip, side in ((1, -1.0), (4, 1.0)):
        joints[hip] = 120.0 * side, 0.0, 0.0
        joints[hip + 1] = 120.0 * side, 420.0, 0.0
        joints[hip + 2] = 120.0 * side, 840.0, 0.0
    for shoulder, side in ((14, -1.0), (11, 1.0)):
        joints[shoulder] = 180.0 * side, -500.0, 0.0
        joints[shoulder + 1] = 460.0 * side, -500.0, 0.0
        joints[shoulder + 2] = 710.0 * side, -500.0, 0.0
    joints[13] = joints[12] + 250.0 * np.array([math.cos(elbow), -math.sin(elbow), 0.0])
    return Pose3D(joints)


def test_bones_in_3d_turn_and_keep_their_length() -> None:
    one, other = figure_3d(0.0), figure_3d(1.6)
    middle = between_3d(one, other, 0.5)
    assert np.allclose(middle.joints, figure_3d(0.8).joints, atol=1e-6)
    assert np.allclose(bone_lengths_3d(middle.joints), bone_lengths_3d(one.joints), atol=1e-6)
    assert np.allclose(between_3d(one, other, 1e-7).joints, one.joints, atol=1e-2)


def test_a_motion_takes_the_size_and_the_ground_of_a_person() -> None:
    small = [kinematics.scale(p, 0.4, (0.0, 0.0)) for p in (PERSON, raised(-1.0), raised(-2.0))]
    moved = fitted(small, PERSON)
    assert np.allclose(moved[0].keypoints, PERSON.keypoints, atol=1e-6)
    assert np.allclose(moved[2].keypoints, raised(-2.0).keypoints, atol=1e-6)


def test_a_motion_takes_a_persons_proportions() -> None:
    points = PERSON.keypoints.copy()
    points[[15, 16]] = points[[13, 14]] + (points[[15, 16]] - points[[13, 14]]) * 1.15
    long_legs = Pose2D(points)
    moved = fitted([PERSON, raised(-1.0)], long_legs)
    scale = body_unit(long_legs) / body_unit(PERSON)
    assert bone_lengths(moved[1])[15] == pytest.approx(bone_lengths(long_legs)[15])
    assert bone_lengths(moved[1])[9] == pytest.approx(bone_lengths(PERSON)[9] * scale, rel=0.1)
    assert moved[0].keypoints[15, 1] == pytest.approx(points[15, 1])


def test_a_motion_of_nobody_is_refused() -> None:
    nobody = Pose2D(np.zeros((17, 2)), np.zeros(17, np.uint8))
    with pytest.raises(PoseError):
        fitted([nobody], PERSON)
    with pytest.raises(PoseError):
        fitted([PERSON], nobody)
