"""From the outputs of others' pose models to joints: heatmaps and SimCC. Torch-free."""

import cv2
import numpy as np

_BLUR = 11  # px, DARK's kernel for maps of a quarter of the crop
_NEAR = 6  # bins around a peak of a SimCC distribution that count as its own


def heatmap_peaks(maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Peaks between the pixels, by DARK (Zhang et al. 2020).

    A Gaussian's logarithm is a parabola, so a Newton step on the logarithm of the smoothed map
    leads from the highest pixel to the peak.

    Args:
        maps: (N,K,h,w) float32, peaks near 1; logits are recognised.
    Returns:
        (N,K,2) float32 x, y in map px, and (N,K) confidence, 0-1.
    """
    maps = probabilities(maps)
    n, k, h, w = maps.shape
    flat = maps.reshape(n * k, h, w)
    points = np.zeros((n * k, 2), np.float32)
    peaks = np.zeros(n * k, np.float32)
    for row, one in enumerate(flat):
        place = int(one.argmax())
        y, x = divmod(place, w)
        peaks[row] = one[y, x]
        points[row] = (x, y)
        if one[y, x] <= 0 or not (1 < x < w - 2 and 1 < y < h - 2):
            continue
        smooth = cv2.GaussianBlur(one, (_BLUR, _BLUR), 0, borderType=cv2.BORDER_CONSTANT)
        d = np.log(np.maximum(smooth[y - 2 : y + 3, x - 2 : x + 3], 1e-10))
        slope = np.array([d[2, 3] - d[2, 1], d[3, 2] - d[1, 2]]) / 2
        xx = (d[2, 4] - 2 * d[2, 2] + d[2, 0]) / 4
        yy = (d[4, 2] - 2 * d[2, 2] + d[0, 2]) / 4
        xy = (d[3, 3] - d[1, 3] - d[3, 1] + d[1, 1]) / 4
        determinant = xx * yy - xy * xy
        if xx < 0 and determinant > 1e-9:  # a peak, not a saddle
            step = -np.array([yy * slope[0] - xy * slope[1], xx * slope[1] - xy * slope[0]])
            points[row] += np.clip(step / determinant, -1.0, 1.0)
    return points.reshape(n, k, 2), np.clip(peaks, 0.0, 1.0).reshape(n, k)


def probabilities(maps: np.ndarray) -> np.ndarray:
    """Maps with peaks near 1; a map that is well below 0 and above 1 holds logits."""
    if maps.size and maps.min() < -1.0 and maps.max() > 1.5:
        return (1.0 / (1.0 + np.exp(-np.clip(maps, -30, 30)))).astype(np.float32)
    return maps


def simcc_peaks(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Peaks of distributions along the sides.

    Args:
        x: (N,K,Wx), y: (N,K,Hy) float32, as they come from the model or as probabilities.
    Returns:
        (N,K,2) float32 x, y in bins, and (N,K) confidence, 0-1.
    """
    points = np.stack([x.argmax(-1), y.argmax(-1)], axis=-1).astype(np.float32)
    sure = np.minimum(_height(x), _height(y))
    return points, np.clip(sure, 0.0, 1.0)


def simcc_maps(x: np.ndarray, y: np.ndarray, width: int, height: int) -> np.ndarray:
    """Heatmaps that SimCC distributions speak of, to be looked at: (N,K,height,width), to 1."""
    columns, rows = _pooled(x, width), _pooled(y, height)
    return (rows[..., :, None] * columns[..., None, :]).astype(np.float32)


def _pooled(values: np.ndarray, count: int) -> np.ndarray:
    starts = np.arange(count) * values.shape[-1] // count
    highest = np.maximum.reduceat(np.maximum(values, 0), starts, axis=-1)
    return highest / np.maximum(highest.max(-1, keepdims=True), 1e-9)


def _height(values: np.ndarray) -> np.ndarray:
    """How sure a distribution is: its peak, or what lies around it if it sums to 1."""
    if values.min() >= 0 and np.allclose(values.sum(-1), 1.0, atol=1e-2):
        bins = np.arange(values.shape[-1])
        near = np.abs(bins - values.argmax(-1)[..., None]) <= _NEAR
        return (values * near).sum(-1)
    return values.max(-1)
