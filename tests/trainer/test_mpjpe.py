"""Procrustes alignment and the lifter's figures against known answers."""

import numpy as np
import pytest

from trainer.metrics import mpjpe


def _rotation(rng: np.random.Generator) -> np.ndarray:
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    q *= np.sign(np.diag(r))
    return q * np.array([1, 1, np.linalg.det(q)])


@pytest.fixture
def poses() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(6, 17, 3)) * 300


def test_recovers_a_similarity(poses: np.ndarray) -> None:
    rotation = _rotation(np.random.default_rng(1))
    moved = 0.37 * poses @ rotation + np.array([10.0, -20.0, 30.0])
    assert np.allclose(mpjpe.align(moved, poses), poses, atol=1e-6)
    assert np.all(mpjpe.p_mpjpe(moved, poses) < 1e-6)


def test_refuses_a_reflection(poses: np.ndarray) -> None:
    assert np.all(mpjpe.p_mpjpe(poses * np.array([1, 1, -1]), poses) > 50)


def test_a_flat_pose_aligned_with_itself(poses: np.ndarray) -> None:
    flat = poses * np.array([1, 1, 0])
    assert np.allclose(mpjpe.align(flat, flat), flat, atol=1e-6)


def test_joint_errors_of_one_moved_joint() -> None:
    target = np.random.default_rng(2).normal(size=(1, 500, 3)) * 300
    moved = target.copy()
    moved[0, 3] += [0, 0, 40]
    errors = mpjpe.joint_errors(moved, target)[0]
    assert errors[3] == pytest.approx(40, rel=0.02)
    assert np.delete(errors, 3).max() < 0.5


def test_flips_are_counted(poses: np.ndarray) -> None:
    inside_out = poses.copy()
    inside_out[:2, :, 2] *= -1
    assert mpjpe.measure(inside_out[:, None], poses).flips == pytest.approx(2 / 6)


def test_best_hypothesis_and_spread(poses: np.ndarray) -> None:
    rng = np.random.default_rng(3)
    hypotheses = poses[:, None] + rng.normal(size=(6, 4, 17, 3)) * 50
    hypotheses[:, 2] = poses
    errors = mpjpe.measure(hypotheses, poses)
    assert errors.bh < 1e-6 < errors.zv
    assert errors.zv == pytest.approx(errors.per_joint.mean())
    assert errors.zv == pytest.approx(errors.per_pose.mean())


@pytest.mark.parametrize("factor", [0.0, 0.5, 1.0])
def test_depth_spread_ratio(poses: np.ndarray, factor: float) -> None:
    squashed = poses * np.array([1, 1, factor]) * 0.01  # its scale must not matter
    assert mpjpe.depth_spread_ratio(squashed, poses) == pytest.approx(factor)
