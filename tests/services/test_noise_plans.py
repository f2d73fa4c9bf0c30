"""Noise by seed, around a pose, along a strip."""

from __future__ import annotations

import numpy as np
import pytest

from poseapp.core.errors import TaskError
from poseapp.services import noise

DIM = 51


def test_a_pose_of_a_seed_does_not_depend_on_the_count() -> None:
    few = noise.plan(DIM, 4, 7, None, None, None)
    many = noise.plan(DIM, 24, 7, None, None, None)
    np.testing.assert_array_equal(few, many[:4])
    assert not np.allclose(few, noise.plan(DIM, 4, 8, None, None, None))


@pytest.mark.parametrize("amount", [0.0, 0.3, 1.0])
def test_variations_stay_standard_normal_and_as_near_as_asked(amount: float) -> None:
    base = noise.plan(4000, 1, 1, None, None, None)[0]
    varied = noise.plan(4000, 5, 2, (base, amount), None, None)
    assert abs(float(varied.std()) - 1.0) < 0.03
    for row in varied:
        likeness = float(np.corrcoef(base, row)[0, 1])
        assert likeness == pytest.approx(np.sqrt(1 - amount**2), abs=0.06)


def test_slerp_keeps_ends_and_length() -> None:
    start, end = np.random.default_rng(0).standard_normal((2, DIM)).astype(np.float32)
    end *= np.linalg.norm(start) / np.linalg.norm(end)
    path = noise.slerp(start, end, 9)
    np.testing.assert_allclose(path[0], start, atol=1e-5)
    np.testing.assert_allclose(path[-1], end, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(path, axis=1), np.linalg.norm(start), rtol=1e-4)
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    np.testing.assert_allclose(steps, steps[0], rtol=1e-3)


def test_slerp_of_equal_ends_stays() -> None:
    start = np.ones(DIM, np.float32)
    np.testing.assert_allclose(noise.slerp(start, start, 3), [start] * 3, atol=1e-6)


def test_strip_of_captions_keeps_one_noise() -> None:
    rows = noise.plan(DIM, 5, 3, None, "captions", None)
    assert (rows == rows[0]).all()


def test_noise_of_another_model_is_refused() -> None:
    with pytest.raises(TaskError, match="another model"):
        noise.plan(DIM, 5, 3, None, "noises", np.zeros((2, DIM + 1)))
