"""The photo without the person: untouched outside, plausible inside, the same each time."""

from __future__ import annotations

import numpy as np
import pytest

from poseapp.core.clean_plate import clean_plate, grown
from poseapp.core.errors import PoseError


def stripes(size: tuple[int, int], period: int = 16) -> np.ndarray:
    rows, columns = np.indices(size)
    shade = 90 + 80 * ((columns // (period // 2)) % 2)
    out = np.repeat(shade[..., None], 3, axis=2).astype(np.uint8)
    out[rows > 0.8 * size[0]] = (70, 110, 60)
    return out


def hole(size: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(size, np.uint8)
    h, w = size
    mask[int(0.3 * h) : int(0.7 * h), int(0.4 * w) : int(0.6 * w)] = 255
    return mask


def test_outside_of_the_hole_not_a_byte_changes() -> None:
    photo = stripes((120, 160))
    photo += np.random.default_rng(0).integers(0, 20, photo.shape, np.uint8)
    mask = hole((120, 160))
    damaged = photo.copy()
    damaged[mask > 0] = (255, 0, 255)
    out = clean_plate(damaged, mask)
    rim = grown(mask)
    assert np.array_equal(out[~rim], damaged[~rim])
    assert rim[mask > 0].all()
    pink = (out.astype(int)[..., 0] - out[..., 1]) > 100
    assert not pink.any()
    assert np.array_equal(out, clean_plate(damaged, mask))


def test_stripes_go_on_behind_the_person() -> None:
    photo = stripes((120, 160))
    mask = hole((120, 160))
    damaged = photo.copy()
    damaged[mask > 0] = 255
    out = clean_plate(damaged, mask)
    error = np.abs(out.astype(int) - photo)[mask > 0].mean()
    flat = np.abs(photo[mask > 0].astype(float) - photo[mask == 0].mean(0)).mean()
    assert error < 0.35 * flat


def test_a_large_photo_keeps_its_grain() -> None:
    size = (900, 1200)
    rng = np.random.default_rng(1)
    photo = np.clip(stripes(size, 200) + rng.normal(0, 12, (*size, 1)), 0, 255).astype(np.uint8)
    mask = hole(size)
    damaged = photo.copy()
    damaged[mask > 0] = 255
    out = clean_plate(damaged, mask)
    inner = out[400:500, 540:640].astype(float)
    grain = (inner[:, 1:] - inner[:, :-1]).std()
    true = photo[400:500, 100:200].astype(float)
    assert grain == pytest.approx((true[:, 1:] - true[:, :-1]).std(), rel=0.35)


def test_nobody_and_nothing_else() -> None:
    photo = stripes((60, 80))
    assert np.array_equal(clean_plate(photo, np.zeros((60, 80), np.uint8)), photo)
    assert np.array_equal(clean_plate(photo, np.full((60, 80), 255, np.uint8)), photo)
    with pytest.raises(PoseError):
        clean_plate(photo, np.zeros((60, 81), np.uint8))


@pytest.mark.parametrize("where", [np.s_[:, :40], np.s_[:50, :], np.s_[10:59, 1:79]])
def test_holes_at_the_border(where: tuple[slice, slice]) -> None:
    photo = stripes((60, 80))
    mask = np.zeros((60, 80), np.uint8)
    mask[where] = 255
    photo[mask > 0] = (255, 0, 255)
    out = clean_plate(photo, mask)
    pink = (out.astype(int)[..., 0] - out[..., 1]) > 100
    assert pink.mean() < 0.02
