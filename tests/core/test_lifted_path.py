"""Between two poses through space: bones keep their length, the ends are met exactly."""

from __future__ import annotations

import numpy as np

from poseapp.core import kinematics
from poseapp.core.kinematics3d import bone_lengths_3d
from poseapp.core.lifted_path import Lifts, flat_path, solid_path
from poseapp.core.pose import Pose2D
from poseapp.core.standing import STANDING

PERSON = Pose2D(STANDING * 100.0 + 300.0)
OTHER = kinematics.rotate_limb(PERSON, 7, -2.0)
SHARES = np.linspace(0.0, 1.0, 7)
_MOCAP_OF_COCO = {0: 9, 5: 11, 7: 12, 9: 13, 6: 14, 8: 15, 10: 16, 11: 4, 13: 5, 15: 6}
_MOCAP_OF_COCO |= {12: 1, 14: 2, 16: 3}


def lifts_of(poses: list[Pose2D], depth_mm: np.ndarray) -> Lifts:
    """Figures that are seen exactly as the poses, each joint at a depth of its own."""
    far, mm_per_px = 4000.0, 3.0
    joints = np.zeros((len(poses), 17, 3))
    roots = np.zeros((len(poses), 2))
    for number, pose in enumerate(poses):
        roots[number] = pose.keypoints[[11, 12]].mean(0)
        joints[number, :, 2] = depth_mm[number]
        joints[number, 0, 2] = 0.0
        for coco, mocap in _MOCAP_OF_COCO.items():
            near = far / (far + joints[number, mocap, 2])
            joints[number, mocap, :2] = (pose.keypoints[coco] - roots[number]) * mm_per_px / near
    joints[:, 7] = (0.0, -250.0, 0.0)
    joints[:, 8] = (0.0, -500.0, 0.0)
    joints[:, 10] = joints[:, 9] + (0.0, -110.0, 0.0)
    count = len(poses)
    return Lifts(joints, roots, np.full(count, mm_per_px), np.full(count, far))


def test_bones_keep_their_length_in_space_and_the_ends_stay() -> None:
    flat = flat_path(PERSON, OTHER, SHARES)
    depth = np.zeros((len(SHARES), 17))
    depth[:, 13] = 200.0 * np.sin(np.pi * SHARES)  # the hand comes forward on its way
    lifts = lifts_of(flat, depth)
    poses, made = solid_path(flat, SHARES, lifts)
    assert poses[0] is PERSON and poses[-1] is OTHER
    lengths = bone_lengths_3d(made.joints)
    assert np.allclose(lengths, lengths[0], atol=1e-6)
    before = bone_lengths_3d(lifts.joints)[3, 13]
    assert before > lengths[3, 13] + 10.0  # without that the forearm would be too long
    hand = np.linalg.norm(poses[3].keypoints[9] - poses[3].keypoints[7])
    in_the_picture = np.linalg.norm(flat[3].keypoints[9] - flat[3].keypoints[7])
    assert hand < 0.95 * in_the_picture


def test_what_is_flat_stays_flat_and_absent_joints_absent() -> None:
    half = Pose2D(PERSON.keypoints, np.where(np.isin(np.arange(17), (1, 2, 16)), 0, 2))
    other = Pose2D(OTHER.keypoints, half.visibility)
    flat = flat_path(half, other, SHARES)
    poses, _ = solid_path(flat, SHARES, lifts_of(flat, np.zeros((len(SHARES), 17))))
    for found, wanted in zip(poses, flat, strict=True):
        assert np.array_equal(found.present, wanted.present)
        seen = list(range(5, 16))
        assert np.abs(found.keypoints[seen] - wanted.keypoints[seen]).max() < 2.0
