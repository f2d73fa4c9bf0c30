"""Percentage of correct keypoints: PCK by the torso's diagonal, PCKh by the head's length."""

from dataclasses import dataclass

import numpy as np

_LEFT_SHOULDER, _RIGHT_SHOULDER, _LEFT_HIP, _RIGHT_HIP = 5, 6, 11, 12
_NECK, _HEAD_TOP = 17, 18
HEAD_OF_TORSO = 0.44
"""Neck to top of the head over the torso's diagonal: the median of the 5,472 people of LSP Extended
who have both."""


@dataclass(frozen=True)
class Correct:
    """Shares of joints found.

    Attributes:
        mean: over all labelled joints of all people that have a scale.
        joints: (J,), NaN for a joint without labels.
        people: how many people counted; the others have no scale.
    """

    mean: float
    joints: np.ndarray
    people: int


def torso_px(points: np.ndarray, placed: np.ndarray) -> np.ndarray:
    """Torso diagonal: a shoulder to the opposite hip, the mean of both where both are labelled.

    Args:
        points: (N,J,2) px; placed: (N,J) bool.
    Returns:
        (N,) px, NaN where neither diagonal is labelled.
    """
    lengths = np.full((2, len(points)), np.nan)
    for row, (a, b) in enumerate(((_LEFT_SHOULDER, _RIGHT_HIP), (_RIGHT_SHOULDER, _LEFT_HIP))):
        known = placed[:, a] & placed[:, b]
        lengths[row, known] = np.linalg.norm(points[known, a] - points[known, b], axis=-1)
    count = np.isfinite(lengths).sum(0)
    total = np.nansum(lengths, axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def head_px(points: np.ndarray, placed: np.ndarray) -> np.ndarray:
    """Neck to top of the head, (N,) px; NaN where either is not labelled. Needs 19 joints."""
    known = placed[:, _NECK] & placed[:, _HEAD_TOP]
    length = np.linalg.norm(points[:, _NECK] - points[:, _HEAD_TOP], axis=-1)
    return np.where(known, length, np.nan)


def head_of_torso_px(points: np.ndarray, placed: np.ndarray) -> np.ndarray:
    """The head's length where its top is not labelled: a share of the torso's diagonal.

    Args:
        points: (N,17,2) px; placed: (N,17) bool.
    Returns:
        (N,) px, NaN where no torso is labelled.
    """
    return HEAD_OF_TORSO * torso_px(points, placed)


def pck(
    found: np.ndarray,
    truth: np.ndarray,
    placed: np.ndarray,
    share: float,
    scale_px: np.ndarray | None = None,
) -> Correct:
    """Share of labelled joints found within `share` of the scale.

    Args:
        found, truth: (N,J,2) px; placed: (N,J) bool.
        scale_px: (N,); None for the torso diagonal.
    """
    scale = torso_px(truth, placed) if scale_px is None else scale_px
    # A torso seen from the end is a few pixels long, which no estimate could meet.
    known = np.isfinite(scale) & (scale > 1.0)
    distance = np.linalg.norm(found[known] - truth[known], axis=-1)
    right = distance <= share * scale[known, None]
    counted = placed[known]
    per_joint = np.full(truth.shape[1], np.nan)
    totals = counted.sum(0)
    there = totals > 0
    per_joint[there] = (right & counted).sum(0)[there] / totals[there]
    mean = float((right & counted).sum() / max(counted.sum(), 1))
    return Correct(mean, per_joint, int(known.sum()))
