"""The distance between two poses that every caption-to-pose metric uses (paper 1, section 4.4.2).

It is the sum of the 17 keypoint distances in pixels of the 64-pixel heatmap, a missing keypoint
standing in the middle of the map.
"""

from __future__ import annotations

import numpy as np

CENTRE_PX = 32.0
_BLOCK_ELEMENTS = 1 << 17  # one block of float32 distances stays in the second-level cache


def fill_missing(
    keypoints: np.ndarray, confidence: np.ndarray, threshold: float = 0.0
) -> np.ndarray:
    """Put missing keypoints at the centre of the heatmap.

    Args:
        keypoints: (N, 17, 2) float, heatmap px.
        confidence: (N, 17) float; a keypoint is there when its confidence exceeds `threshold`.
        threshold: largest confidence of a missing keypoint.
    Returns:
        (N, 17, 2) float32, heatmap px.
    """
    present = np.asarray(confidence) > threshold
    return np.where(present[..., None], keypoints, CENTRE_PX).astype(np.float32)


def distance_matrix(a: np.ndarray, b: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Distances of every pose of `a` to every pose of `b`.

    Args:
        a: (N, J, 2) float, px, no missing values.
        b: (M, J, 2) float, px.
        out: optional (N, M) float32 to write into.
    Returns:
        (N, M) float32, px: sum over the joints of the Euclidean distances.
    """
    a = np.asarray(a, np.float32)
    b = np.asarray(b, np.float32)
    total = np.empty((len(a), len(b)), np.float32) if out is None else out
    total[:] = 0.0
    dx, dy = np.empty_like(total), np.empty_like(total)
    for joint in range(a.shape[1]):
        np.subtract(a[:, joint, 0, None], b[None, :, joint, 0], out=dx)
        np.subtract(a[:, joint, 1, None], b[None, :, joint, 1], out=dy)
        np.multiply(dx, dx, out=dx)
        np.multiply(dy, dy, out=dy)
        np.add(dx, dy, out=dx)
        np.sqrt(dx, out=dx)
        np.add(total, dx, out=total)
    return total


def nearest_distance(a: np.ndarray, b: np.ndarray, *, same_set: bool = False) -> np.ndarray:
    """Distance of every pose of `a` to its nearest pose of `b`.

    Args:
        a: (N, J, 2) float, px.
        b: (M, J, 2) float, px.
        same_set: `a` and `b` are the same array; a pose is not its own neighbour.
    Returns:
        (N,) float32, px.
    """
    rows = max(1, _BLOCK_ELEMENTS // max(1, len(b)))
    nearest = np.empty(len(a), np.float32)
    for start in range(0, len(a), rows):
        block = distance_matrix(a[start : start + rows], b)
        if same_set:
            index = np.arange(len(block))
            block[index, index + start] = np.inf
        nearest[start : start + rows] = block.min(axis=1)
    return nearest
