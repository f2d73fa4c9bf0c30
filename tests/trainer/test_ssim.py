"""Structural similarity, against its formula written out window by window."""

import numpy as np
import pytest

from trainer.metrics import ssim as measures


def _pictures(shape: tuple[int, int] = (19, 16)) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    one = rng.integers(0, 256, (*shape, 3), np.uint8)
    two = np.clip(one.astype(int) + rng.integers(-60, 60, one.shape), 0, 255).astype(np.uint8)
    return one, two


def _by_formula(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Wang et al. 2004, equation 13 with 14-16, one window after the other."""
    at = np.arange(-5, 6)
    window = np.exp(-(at[:, None] ** 2 + at[None] ** 2) / (2 * 1.5**2))
    window /= window.sum()
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    h, w, channels = one.shape
    out = np.zeros((h - 10, w - 10, channels))
    for y, x, c in np.ndindex(out.shape):
        a = one[y : y + 11, x : x + 11, c].astype(float)
        b = two[y : y + 11, x : x + 11, c].astype(float)
        ma, mb = (window * a).sum(), (window * b).sum()
        va, vb = (window * (a - ma) ** 2).sum(), (window * (b - mb) ** 2).sum()
        ab = (window * (a - ma) * (b - mb)).sum()
        out[y, x, c] = ((2 * ma * mb + c1) * (2 * ab + c2)) / (
            (ma**2 + mb**2 + c1) * (va + vb + c2)
        )
    return out


def test_it_is_the_published_formula() -> None:
    one, two = _pictures()
    assert measures.ssim(one, two) == pytest.approx(_by_formula(one, two).mean(), abs=1e-9)
    assert 0.2 < measures.ssim(one, two) < 0.99


def test_equal_pictures_have_one_and_the_order_does_not_matter() -> None:
    one, two = _pictures()
    assert measures.ssim(one, one) == pytest.approx(1.0)
    assert measures.ssim(one, two) == pytest.approx(measures.ssim(two, one))
    assert measures.ssim(one, 255 - one) < 0


def test_a_mask_hides_what_is_around_the_person() -> None:
    one, two = _pictures((40, 40))
    mask = np.zeros((40, 40), np.uint8)
    mask[10:30, 12:28] = 255
    two[mask > 0] = one[mask > 0]
    assert measures.ssim(one, two) < 0.95
    assert measures.mask_ssim(one, two, mask) == pytest.approx(1.0)
    assert measures.l1(one, two) > 0.01
    assert measures.l1(one, two, mask) == 0.0
    assert np.isnan(measures.l1(one, two, np.zeros_like(mask)))
    soft = np.full((40, 40), 51, np.uint8)
    assert measures.masked(one, soft).max() == round(one.max() / 5)


def test_l1_is_a_share_of_the_whole_range() -> None:
    black, white = np.zeros((12, 12, 3), np.uint8), np.full((12, 12, 3), 255, np.uint8)
    assert measures.l1(black, white) == 1.0
    assert measures.l1(white, black) == 1.0  # unsigned bytes would wrap around
    grey = np.full((12, 12, 3), 51, np.uint8)
    assert measures.l1(black, grey) == pytest.approx(0.2)


def test_pictures_that_do_not_fit_are_refused() -> None:
    one, _ = _pictures()
    with pytest.raises(ValueError, match="one size"):
        measures.ssim(one, one[:-1])
    with pytest.raises(ValueError, match="too small"):
        measures.ssim(one[:10], one[:10])
