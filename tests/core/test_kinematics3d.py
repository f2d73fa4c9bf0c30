"""Bones and alignment of 3D figures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poseapp.core.kinematics3d import (
    bone_lengths_3d,
    forward_kinematics,
    procrustes,
    set_bone_lengths,
)
from poseapp.core.skeleton import MOCAP_17

SEEDS = st.integers(0, 2**31)


def rotations(rng: np.random.Generator, count: int) -> np.ndarray:
    """(count, 3, 3) proper rotations."""
    q, _ = np.linalg.qr(rng.normal(size=(count, 3, 3)))
    q[:, :, 0] *= np.sign(np.linalg.det(q))[:, None]
    return q


@given(SEEDS)
def test_forward_kinematics_keeps_bone_lengths(seed: int) -> None:
    rng = np.random.default_rng(seed)
    offsets = rng.normal(size=(17, 3))
    joints = forward_kinematics(offsets, rotations(rng, 17), root=np.array([1.0, 2.0, 3.0]))
    assert np.allclose(bone_lengths_3d(joints)[1:], np.linalg.norm(offsets[1:], axis=1))
    assert joints[0].tolist() == [1.0, 2.0, 3.0]


def test_forward_kinematics_turns_what_hangs_on_a_joint() -> None:
    offsets = np.zeros((17, 3))
    for joint, parent in enumerate(MOCAP_17.parents):
        offsets[joint] = (0.0, -1.0, 0.0) if parent >= 0 else 0.0
    turns = np.repeat(np.eye(3)[None], 17, axis=0)
    knee = MOCAP_17.index("R_Knee")
    turns[knee] = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]  # a quarter turn about z
    joints = forward_kinematics(offsets, turns)
    ankle = joints[MOCAP_17.index("R_Ankle")] - joints[knee]
    assert np.allclose(ankle, (1.0, 0.0, 0.0))
    assert np.allclose(joints[MOCAP_17.index("L_Ankle")], (0.0, -3.0, 0.0))


@given(SEEDS)
def test_set_bone_lengths(seed: int) -> None:
    rng = np.random.default_rng(seed)
    joints, lengths = rng.normal(size=(4, 17, 3)), rng.uniform(0.5, 2.0, 17)
    done = set_bone_lengths(joints, lengths)
    assert np.allclose(bone_lengths_3d(done)[:, 1:], lengths[1:])
    assert np.array_equal(done[:, 0], joints[:, 0])
    assert np.allclose(set_bone_lengths(joints, bone_lengths_3d(joints)), joints)


@given(SEEDS, st.floats(0.1, 10.0))
def test_procrustes_undoes_turn_shift_and_scale(seed: int, factor: float) -> None:
    rng = np.random.default_rng(seed)
    joints = rng.normal(size=(3, 17, 3))
    moved = factor * joints @ rotations(rng, 3) + rng.normal(size=(3, 1, 3))
    assert np.allclose(procrustes(moved, joints), joints, atol=1e-6)
    rigid = procrustes(moved / factor, joints, scaled=False)
    assert np.allclose(rigid, joints, atol=1e-6)


def test_procrustes_never_mirrors() -> None:
    joints = np.random.default_rng(0).normal(size=(17, 3))
    mirrored = joints * (-1.0, 1.0, 1.0)
    assert np.abs(procrustes(mirrored, joints) - joints).max() > 0.1
    assert procrustes(np.zeros((17, 3)), joints) == pytest.approx(
        np.repeat(joints.mean(0)[None], 17, axis=0)
    )
