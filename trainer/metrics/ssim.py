"""Structural similarity and absolute difference of pictures, as person transfer is measured.

SSIM is that of Wang et al. (2004) with the settings of the published tables: Gaussian window of
11 x 11 px with sigma 1.5, population covariances, K1 = 0.01, K2 = 0.03, each of R, G and B by
itself, the mean over all places where the window lies within the picture. That is scikit-image's
`structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
data_range=255, channel_axis=-1)`. Torch-free.
"""

import cv2
import numpy as np

_SIGMA, _RADIUS = 1.5, 5
_K1, _K2 = 0.01, 0.03
_RANGE = 255.0


def ssim(one: np.ndarray, two: np.ndarray) -> float:
    """Structural similarity of two pictures; 1 for equal ones.

    Args:
        one, two: (h,w,3) uint8, both sides at least 11 px.
    """
    return float(_map(one, two).mean())


def mask_ssim(one: np.ndarray, two: np.ndarray, mask: np.ndarray) -> float:
    """SSIM of two pictures that are black outside of the person (Ma et al. 2017, section 4.2).

    The black surroundings count as equal, so it is nearer to 1 where the person is smaller.

    Args:
        one, two: (h,w,3) uint8.
        mask: (h,w) uint8, how much of each pixel shows the person: of the true picture.
    """
    return ssim(masked(one, mask), masked(two, mask))


def masked(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """(h,w,3) uint8, the picture times (h,w) uint8 mask / 255."""
    part = picture.astype(np.float32) * (mask.astype(np.float32) / 255.0)[..., None]
    return np.asarray(np.rint(part), np.uint8)


def l1(one: np.ndarray, two: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Mean absolute difference in [0, 1] of (h,w,3) uint8 pictures: 1 is black against white.

    Args:
        mask: (h,w) uint8 that weighs the pixels; None for all alike.
    Returns:
        NaN where the mask is empty.
    """
    # Of floats: the difference of unsigned bytes would wrap around.
    difference = np.abs(one.astype(np.float64) - two.astype(np.float64)).mean(-1) / _RANGE
    if mask is None:
        return float(difference.mean())
    weight = mask.astype(np.float64)
    return float((difference * weight).sum() / weight.sum()) if weight.any() else float("nan")


def _map(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """SSIM at each place and channel: (h-10,w-10,3) float64."""
    if one.shape != two.shape:
        raise ValueError(f"pictures of one size are compared, not {one.shape} and {two.shape}")
    if min(one.shape[:2]) <= 2 * _RADIUS:
        raise ValueError(f"a picture of {one.shape[1]}x{one.shape[0]} px is too small for SSIM")
    x, y = one.astype(np.float64), two.astype(np.float64)
    mean_x, mean_y = _blurred(x), _blurred(y)
    var_x = _blurred(x * x) - mean_x**2
    var_y = _blurred(y * y) - mean_y**2
    both = _blurred(x * y) - mean_x * mean_y
    c1, c2 = (_K1 * _RANGE) ** 2, (_K2 * _RANGE) ** 2
    above = (2 * mean_x * mean_y + c1) * (2 * both + c2)
    below = (mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)
    return np.asarray(above / below)


def _blurred(picture: np.ndarray) -> np.ndarray:
    side = 2 * _RADIUS + 1
    wide = cv2.GaussianBlur(picture, (side, side), _SIGMA)
    return np.asarray(wide[_RADIUS:-_RADIUS, _RADIUS:-_RADIUS])
