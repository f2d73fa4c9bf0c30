"""Heatmaps and the way between heatmap and canvas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from poseapp.core.heatmap import Affine2, decode, encode, place, to_heatmap_space

INSIDE = arrays(float, (17, 2), elements=st.floats(1.0, 62.0))
ANYWHERE = arrays(float, (17, 2), elements=st.floats(-2000.0, 2000.0, width=32))
PRESENT = arrays(bool, 17)


@given(INSIDE, PRESENT)
def test_a_peak_is_found_to_a_fraction_of_a_pixel(points: np.ndarray, present: np.ndarray) -> None:
    maps = encode(points, present)
    assert maps.shape == (17, 64, 64) and maps.dtype == np.float32
    found, confidence = decode(maps)
    assert np.array_equal(confidence > 0, present)
    assert np.abs(found - points)[present].max(initial=0.0) < 1e-3
    assert (found[~present] == 0).all()


def test_the_bell_is_that_of_the_paper() -> None:
    maps = encode(np.full((17, 2), (20.0, 30.0)), np.ones(17))
    assert maps[0, 30, 20] == 1.0
    assert maps[3, 30, 24] == pytest.approx(np.exp(-16 / 8))  # x counts along a row
    assert maps[3, 33, 20] == pytest.approx(np.exp(-9 / 8))


def test_peaks_under_the_threshold_are_absent() -> None:
    maps = encode(np.full((17, 2), 31.0), np.ones(17)) * np.linspace(0.04, 0.72, 17)[:, None, None]
    _, confidence = decode(maps, threshold=0.2)
    expected = np.linspace(0.04, 0.72, 17)
    assert np.allclose(confidence, np.where(expected >= 0.2, expected, 0.0), atol=1e-6)
    assert (decode(maps, threshold=0.5)[1] > 0).sum() < (confidence > 0).sum()


def test_batches_and_peaks_at_the_border() -> None:
    points = np.zeros((2, 17, 2))
    points[1] = 63.0
    found, confidence = decode(encode(points, np.ones((2, 17))))
    assert found.shape == (2, 17, 2) and (confidence == 1.0).all()
    assert np.array_equal(found, points)
    flat, none = decode(np.zeros((17, 8, 8)))
    assert (flat == 0).all() and (none == 0).all()


@given(ANYWHERE, PRESENT)
def test_a_pose_fits_the_heatmap_and_comes_back(points: np.ndarray, present: np.ndarray) -> None:
    fitted, affine = to_heatmap_space(points, present)
    assert (fitted[~present] == 0).all()
    if not present.any():
        return
    low, high = fitted[present].min(0), fitted[present].max(0)
    assert np.allclose((low + high) / 2.0, 31.5)
    if np.ptp(points[present], axis=0).max() > 1.0:
        assert (high - low).max() == pytest.approx(52.0)
        back = affine.inverse().apply(fitted[present])
        assert np.allclose(back, points[present], atol=1e-6)


@given(INSIDE, arrays(float, 17, elements=st.sampled_from([0.0, 0.4, 1.0])))
def test_a_sample_is_placed_inside_the_box(points: np.ndarray, confidence: np.ndarray) -> None:
    box = (100.0, 50.0, 300.0, 200.0)
    pose = place(points, confidence, box)
    assert np.array_equal(pose.confidence, confidence)
    if pose.bounds is None:
        return
    x, y, width, height = pose.bounds
    assert x >= 100 - 1e-6 and y >= 50 - 1e-6
    assert x + width <= 400 + 1e-6 and y + height <= 250 + 1e-6
    extent = np.ptp(points[confidence > 0], axis=0)
    if extent.min() > 1e-3:
        assert width / height == pytest.approx(extent[0] / extent[1])
        assert width == pytest.approx(300.0) or height == pytest.approx(200.0)


def test_affine_inverse() -> None:
    affine = Affine2(2.5, (3.0, -4.0))
    points = np.array([[1.0, 2.0], [0.0, 0.0]])
    assert np.allclose(affine.inverse().apply(affine.apply(points)), points)
