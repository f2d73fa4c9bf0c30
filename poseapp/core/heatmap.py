"""Keypoints to Gaussian heatmaps and back, and from heatmap to canvas (paper 1, section 3.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from poseapp.core.pose import Pose2D

HEATMAP_PX = 64
BOX_PX = 52.0
SIGMA_PX = 2.0
THRESHOLD = 0.2
_TINY = 1e-6


@dataclass(frozen=True)
class Affine2:
    """Uniform scale, then a shift: what leads from one picture to another without distortion."""

    scale: float
    shift: tuple[float, float]

    def apply(self, points: np.ndarray) -> np.ndarray:
        """Map (..., 2) points of the source picture to the target picture."""
        return np.asarray(points, float) * self.scale + np.asarray(self.shift)

    def inverse(self) -> Affine2:
        """The way back."""
        x, y = self.shift
        return Affine2(1.0 / self.scale, (-x / self.scale, -y / self.scale))


def encode(
    keypoints: np.ndarray,
    present: np.ndarray,
    size: int = HEATMAP_PX,
    sigma: float = SIGMA_PX,
) -> np.ndarray:
    """One Gaussian of height 1 for each present joint.

    Args:
        keypoints: (..., 2) float, heatmap px, pixel centres at integers.
        present: (...) bool or confidence; a joint at 0 gives an empty map.
        size: height and width of a map, px.
        sigma: width of the bell, px.
    Returns:
        (..., size, size) float32 in 0-1.
    """
    points = np.asarray(keypoints, float)
    grid = np.arange(size, dtype=float)
    # The bell is separable: two rows of exponentials instead of size * size of them.
    with np.errstate(under="ignore"):
        columns = np.exp(-((grid - points[..., :1]) ** 2) / (2.0 * sigma**2))
        rows = np.exp(-((grid - points[..., 1:]) ** 2) / (2.0 * sigma**2))
    rows = rows * (np.asarray(present) > 0)[..., None]
    return rows.astype(np.float32)[..., :, None] * columns.astype(np.float32)[..., None, :]


def decode(heatmaps: np.ndarray, threshold: float = THRESHOLD) -> tuple[np.ndarray, np.ndarray]:
    """The place of each map's peak, to a fraction of a pixel.

    The logarithm of a bell is a parabola, so the three values around the peak give its top exactly.

    Args:
        heatmaps: (..., H, W) float.
        threshold: a joint whose peak is lower is absent.
    Returns:
        (..., 2) float keypoints in heatmap px, (0, 0) where absent, and (...) float confidence: the
        height of the peak in 0-1, 0 where absent.
    """
    maps = np.asarray(heatmaps, float)
    height, width = maps.shape[-2:]
    flat = maps.reshape(-1, height, width)
    best = flat.reshape(len(flat), -1).argmax(-1)
    y, x = best // width, best % width
    index = np.arange(len(flat))
    peak = flat[index, y, x]
    points = np.stack(
        [
            x + _parabola_top(flat, index, y, x, axis=1),
            y + _parabola_top(flat, index, y, x, axis=0),
        ],
        axis=-1,
    )
    confidence = np.where(peak >= threshold, np.clip(peak, 0.0, 1.0), 0.0)
    points = np.where(confidence[:, None] > 0, points, 0.0)
    return points.reshape(*maps.shape[:-2], 2), confidence.reshape(maps.shape[:-2])


def _parabola_top(
    maps: np.ndarray, index: np.ndarray, y: np.ndarray, x: np.ndarray, axis: int
) -> np.ndarray:
    """Offset of the top from the highest pixel along one axis, -0.5 to 0.5; 0 at the border."""
    step = np.array([1, 0]) if axis == 0 else np.array([0, 1])
    place = np.stack([y, x], axis=-1)
    limit = np.array(maps.shape[1:]) - 1
    before, after = place - step, place + step
    inside = (before >= 0).all(-1) & (after <= limit).all(-1)
    before, after = before.clip(0, limit), after.clip(0, limit)
    left, middle, right = (
        np.log(np.maximum(maps[index, p[:, 0], p[:, 1]], _TINY)) for p in (before, place, after)
    )
    curve = left - 2.0 * middle + right
    bent = inside & (curve < -_TINY)
    top = 0.5 * (left - right) / np.where(bent, curve, -1.0)
    return np.where(bent, np.clip(top, -0.5, 0.5), 0.0)


def to_heatmap_space(
    keypoints: np.ndarray, present: np.ndarray, size: int = HEATMAP_PX
) -> tuple[np.ndarray, Affine2]:
    """Fit a pose into the middle of a heatmap: the longer side of its box takes 52 of 64 px.

    Args:
        keypoints: (17, 2) float, image px.
        present: (17,) bool or confidence.
    Returns:
        (17, 2) float heatmap px, (0, 0) where absent, and the map from image to heatmap px. An
        empty pose and a single joint keep their scale.
    """
    points = np.asarray(keypoints, float)
    present = np.asarray(present) > 0
    centre = (size - 1) / 2.0
    if not present.any():
        return np.zeros_like(points), Affine2(1.0, (0.0, 0.0))
    low, high = points[present].min(0), points[present].max(0)
    side = float((high - low).max())
    scale = BOX_PX * size / HEATMAP_PX / side if side > _TINY else 1.0
    shift = centre - (low + high) / 2.0 * scale
    affine = Affine2(scale, (float(shift[0]), float(shift[1])))
    return np.where(present[:, None], affine.apply(points), 0.0), affine


def place(
    keypoints64: np.ndarray, confidence: np.ndarray, box: tuple[float, float, float, float]
) -> Pose2D:
    """Put a sampled pose into a box of the canvas, as large as it fits, aspect kept, centred.

    Args:
        keypoints64: (17, 2) float, heatmap px.
        confidence: (17,) float, 0 = absent.
        box: (x, y, width, height) px, image space.
    """
    points = np.asarray(keypoints64, float)
    confidence = np.asarray(confidence, float)
    present = confidence > 0
    if not present.any():
        return Pose2D(np.zeros_like(points), confidence=confidence)
    low, high = points[present].min(0), points[present].max(0)
    room, extent = np.array(box[2:], float), high - low
    fits = [r / e for r, e in zip(room, extent, strict=True) if e > _TINY]
    scale = min(fits) if fits else 1.0
    centre = np.array(box[:2], float) + room / 2.0
    placed = (points - (low + high) / 2.0) * scale + centre
    return Pose2D(np.where(present[:, None], placed, 0.0), confidence=confidence)
