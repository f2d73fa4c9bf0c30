"""Edits of 2D poses: what each keeps, on any pose."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from poseapp.core import kinematics
from poseapp.core.kinematics import (
    bone_lengths,
    drag_joint,
    mirror,
    reset_limb,
    rotate_limb,
    rotate_person,
    scale,
    symmetrise,
    torso_size,
    translate,
    turn_around,
)
from poseapp.core.pose import Pose2D, Visibility
from poseapp.core.skeleton import COCO_17, LEFT_RIGHT

PLACES = st.floats(-500.0, 1500.0, allow_nan=False, width=32)
JOINTS = st.integers(0, 16)
ANGLES = st.floats(-7.0, 7.0)


@st.composite
def poses(draw: st.DrawFn) -> Pose2D:
    """Any pose; some joints hidden, some absent."""
    points = draw(arrays(float, (17, 2), elements=PLACES))
    visibility = draw(arrays(np.uint8, 17, elements=st.sampled_from([0, 1, 2, 2, 2])))
    return Pose2D(points, visibility)


def standing() -> Pose2D:
    """A person who faces the camera, arms hanging: left is at the right of the picture."""
    x = [0, 7, -7, 18, -18, 36, -36, 45, -45, 48, -48, 23, -23, 24, -24, 25, -25]
    y = [-143, -150, -150, -146, -146, -100, -100, -42, -42, 6, 6, 0, 0, 84, 84, 168, 168]
    return Pose2D(np.stack([x, y], axis=1) + np.array([300.0, 300.0]))


def same(a: np.ndarray, b: np.ndarray) -> bool:
    return np.allclose(a, b, rtol=0, atol=1e-6, equal_nan=True)


@given(poses(), JOINTS, PLACES, PLACES)
def test_lock_keeps_every_bone(pose: Pose2D, joint: int, x: float, y: float) -> None:
    assume(pose.present[joint])
    length = bone_lengths(pose)[joint]
    assume(not length < 1e-3)  # a bone without length has no direction
    pivot, _ = kinematics.limb_pivot(pose, joint)
    assume(pivot is None or math.hypot(*(pose.keypoints[joint] - pivot)) > 1e-3)
    moved = drag_joint(pose, joint, (x, y), lock_limbs=True)
    assert same(bone_lengths(moved), bone_lengths(pose))
    assert np.array_equal(moved.visibility, pose.visibility)


@given(poses(), st.sampled_from([7, 8, 9, 10, 13, 14, 15, 16]), PLACES, PLACES)
def test_lock_puts_the_joint_in_the_mouse_direction(
    pose: Pose2D, joint: int, x: float, y: float
) -> None:
    parent = COCO_17.parents[joint]
    assume(pose.present[[joint, parent]].all())
    target = np.array([x, y])
    arm, reach = pose.keypoints[joint] - pose.keypoints[parent], target - pose.keypoints[parent]
    assume(math.hypot(*arm) > 1e-3 and math.hypot(*reach) > 1e-3)
    moved = drag_joint(pose, joint, target, lock_limbs=True)
    found = moved.keypoints[joint] - moved.keypoints[parent]
    assert same(found, reach / math.hypot(*reach) * math.hypot(*arm))
    outside = [j for j in range(17) if j not in COCO_17.subtree(joint)]
    assert np.array_equal(moved.keypoints[outside], pose.keypoints[outside])


def test_the_forearm_turns_with_the_upper_arm() -> None:
    pose = standing()
    moved = drag_joint(pose, 7, pose.keypoints[5] + (500.0, 0.0), lock_limbs=True)
    before = pose.keypoints[9] - pose.keypoints[7]
    after = moved.keypoints[9] - moved.keypoints[7]
    assert abs(math.hypot(*before) - math.hypot(*after)) < 1e-9
    assert after[0] > 40 and abs(after[1]) < 30  # it points to the right now, as the upper arm


def test_a_locked_hip_carries_the_person_and_a_shoulder_bends_the_body() -> None:
    pose = standing()
    moved = drag_joint(pose, 11, pose.keypoints[11] + (30.0, -10.0), lock_limbs=True)
    assert same(moved.keypoints - pose.keypoints, np.array([[30.0, -10.0]] * 17))
    bent = drag_joint(pose, 5, pose.keypoints[5] + (60.0, 0.0), lock_limbs=True)
    assert np.array_equal(bent.keypoints[11:], pose.keypoints[11:])
    assert (bent.keypoints[:7, 0] > pose.keypoints[:7, 0]).all()
    nod = drag_joint(pose, 0, pose.keypoints[0] + (20.0, 0.0), lock_limbs=True)
    assert np.array_equal(nod.keypoints[5:], pose.keypoints[5:])
    assert (nod.keypoints[:5, 0] > pose.keypoints[:5, 0]).all()


@given(poses(), JOINTS, PLACES, PLACES)
def test_without_lock_only_the_joint_moves(pose: Pose2D, joint: int, x: float, y: float) -> None:
    moved = drag_joint(pose, joint, (x, y), lock_limbs=False)
    rest = [j for j in range(17) if j != joint]
    assert moved.keypoints[joint].tolist() == [x, y] and moved.confidence[joint] == 1.0
    assert np.array_equal(moved.keypoints[rest], pose.keypoints[rest])


def test_a_drag_makes_an_uncertain_joint_certain_and_leaves_the_others() -> None:
    pose = Pose2D(standing().keypoints, confidence=np.full(17, 0.5))
    moved = drag_joint(pose, 7, (400.0, 250.0), lock_limbs=True)
    assert moved.confidence[7] == 1.0 and (np.delete(moved.confidence, 7) == 0.5).all()


@given(poses(), JOINTS, ANGLES)
def test_rotating_a_limb_keeps_every_bone_and_comes_back(
    pose: Pose2D, joint: int, angle: float
) -> None:
    turned = rotate_limb(pose, joint, angle)
    assert same(bone_lengths(turned), bone_lengths(pose))
    assert same(rotate_limb(turned, joint, -angle).keypoints, pose.keypoints)


def test_positive_angles_turn_clockwise_on_the_screen() -> None:
    pose = standing()
    turned = rotate_limb(pose, 9, math.pi / 2)  # a hanging forearm swings to the left of the screen
    offset = turned.keypoints[9] - turned.keypoints[7]
    assert offset[0] < -40 and abs(offset[1]) < 10


@given(poses(), ANGLES)
def test_rotating_a_person_keeps_every_bone(pose: Pose2D, angle: float) -> None:
    assert same(bone_lengths(rotate_person(pose, angle)), bone_lengths(pose))


@given(poses(), st.floats(0.1, 10.0), PLACES, PLACES)
def test_scaling_multiplies_every_bone(pose: Pose2D, factor: float, x: float, y: float) -> None:
    larger = scale(pose, factor, (x, y))
    assert np.allclose(bone_lengths(larger), factor * bone_lengths(pose), equal_nan=True)
    assert np.allclose(scale(larger, 1 / factor, (x, y)).keypoints, pose.keypoints, atol=1e-6)


@given(poses())
def test_mirror_twice_and_turn_around_twice_change_nothing(pose: Pose2D) -> None:
    assert same(mirror(mirror(pose)).keypoints, pose.keypoints)
    assert np.array_equal(mirror(mirror(pose)).visibility, pose.visibility)
    assert turn_around(turn_around(pose)) == pose


def test_mirror_swaps_sides_and_keeps_its_place() -> None:
    pose = drag_joint(standing(), 9, (420.0, 200.0), lock_limbs=False)
    flipped = mirror(pose)
    assert np.allclose(flipped.bounds, pose.bounds)
    assert flipped.keypoints[10].tolist() == [
        2 * pose.bounds[0] + pose.bounds[2] - 420.0,
        200.0,
    ]
    around = turn_around(pose)
    assert np.array_equal(around.keypoints[10], pose.keypoints[9])
    assert around.bounds == pose.bounds


@given(poses(), st.sampled_from(["left", "right"]))
def test_symmetrise_copies_lengths_and_is_done_after_once(pose: Pose2D, source: str) -> None:
    done = symmetrise(pose, source)
    for left, right in LEFT_RIGHT:
        kept = left if source == "left" else right
        assert np.array_equal(done.keypoints[kept], pose.keypoints[kept])
    sides = [[5, 7, 9, 11, 13, 15], [6, 8, 10, 12, 14, 16]]
    if pose.present[5:].all():
        assume(math.hypot(*(pose.keypoints[[5, 6]].mean(0) - pose.keypoints[[11, 12]].mean(0))) > 2)
        lengths = bone_lengths(done)
        limbs = [7, 9, 13, 15]
        assert np.allclose(lengths[limbs], lengths[[j + 1 for j in limbs]], atol=1e-5)
        again = symmetrise(done, source)
        moved = np.abs(again.keypoints - done.keypoints)[sides[0] + sides[1]].max()
        middle = done.keypoints[[5, 6]].mean(0) - done.keypoints[[11, 12]].mean(0)
        assume(math.hypot(*middle) > 2)
        assert moved < 1e-4


def test_symmetrise_of_a_symmetric_person_changes_nothing() -> None:
    assert same(symmetrise(standing(), "left").keypoints, standing().keypoints)
    raised = drag_joint(standing(), 9, (330.0, 120.0), lock_limbs=False)
    both = symmetrise(raised, "left")
    assert same(both.keypoints[10], np.array([270.0, 120.0]))
    with pytest.raises(ValueError, match="middle"):
        symmetrise(raised, "middle")


@given(poses(), JOINTS)
def test_reset_moves_only_its_limb(pose: Pose2D, joint: int) -> None:
    done = reset_limb(pose, joint)
    limbs = [[0, 1, 2, 3, 4], [7, 9], [8, 10], [13, 15], [14, 16]]
    chains = [[0, 1, 2, 3, 4], [5, 7, 9], [6, 8, 10], [11, 13, 15], [12, 14, 16]]
    moving = next(m for m, c in zip(limbs, chains, strict=True) if joint in c)
    rest = [j for j in range(17) if j not in moving]
    assert np.array_equal(done.keypoints[rest], pose.keypoints[rest])
    assert np.array_equal(done.visibility, pose.visibility)


@given(st.sampled_from([7, 8, 9, 10, 13, 14, 15, 16]), st.floats(0.2, 5.0))
def test_reset_restores_a_stretched_limb(joint: int, factor: float) -> None:
    normal = reset_limb(standing(), joint)
    parent = COCO_17.parents[joint]
    stretched = normal.keypoints.copy()
    arm = normal.keypoints[joint] - normal.keypoints[parent]
    stretched[joint] = normal.keypoints[parent] + factor * arm
    fixed = reset_limb(normal.with_keypoints(stretched), joint)
    lengths = bone_lengths(fixed)
    assert lengths[joint] == pytest.approx(bone_lengths(normal)[joint])
    assert lengths[joint] / torso_size(fixed) == pytest.approx(
        {7: 0.6, 8: 0.6, 9: 0.5, 10: 0.5, 13: 0.84, 14: 0.84, 15: 0.85, 16: 0.85}[joint]
    )


def test_reset_head_puts_the_face_upright_over_the_neck() -> None:
    pose = drag_joint(standing(), 3, (500.0, 400.0), lock_limbs=False)
    head = reset_limb(pose, 0)
    nose, left_eye, right_eye, left_ear, right_ear = head.keypoints[:5]
    assert nose[0] == pytest.approx(300.0) and nose[1] < 200.0
    assert left_ear[0] > left_eye[0] > nose[0] > right_eye[0] > right_ear[0]
    assert left_eye[1] < nose[1]


@given(poses(), PLACES, PLACES)
def test_translate_moves_the_present_joints(pose: Pose2D, x: float, y: float) -> None:
    moved = translate(pose, (x, y))
    assert same(moved.keypoints[pose.present], pose.keypoints[pose.present] + (x, y))
    some = translate(pose, (x, y), {3, 4})
    rest = [j for j in range(17) if j not in (3, 4)]
    assert np.array_equal(some.keypoints[rest], pose.keypoints[rest])


@given(poses(), JOINTS, ANGLES)
def test_absent_joints_stay_absent(pose: Pose2D, joint: int, angle: float) -> None:
    absent = pose.visibility == Visibility.ABSENT
    for done in (
        rotate_limb(pose, joint, angle),
        rotate_person(pose, angle),
        scale(pose, 2.0),
        symmetrise(pose),
        reset_limb(pose, joint),
        translate(pose, (3.0, 4.0)),
    ):
        assert np.array_equal(done.visibility == Visibility.ABSENT, absent)
        assert (done.keypoints[absent] == 0).all()


def test_edits_of_an_empty_pose() -> None:
    empty = Pose2D(np.zeros((17, 2)), np.zeros(17))
    for done in (mirror(empty), scale(empty, 2.0), rotate_person(empty, 1.0), symmetrise(empty)):
        assert done == empty
    assert torso_size(empty) == 1.0 and np.isnan(bone_lengths(empty)).all()
    first = drag_joint(empty, 9, (10.0, 20.0), lock_limbs=True)
    assert first.visibility[9] == Visibility.VISIBLE and first.present.sum() == 1
