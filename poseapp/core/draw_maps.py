"""Heatmaps as pictures: every joint in its own colour, or one joint from dark to bright."""

from __future__ import annotations

import cv2
import numpy as np

from poseapp.core.palette import JOINT_COLOURS

_DARK = np.array([16.0, 18.0, 24.0], np.float32) / 255.0
_GAMMA = 0.75  # lifts the faint skirts of the bells


def _resized(picture: np.ndarray, size: tuple[int, int] | None) -> np.ndarray:
    """(H, W, 3) float in 0-1 as uint8 of another size."""
    small = np.clip(picture * 255.0 + 0.5, 0.0, 255.0).astype(np.uint8)
    if size is not None and small.shape[1::-1] != size:
        return cv2.resize(small, size, interpolation=cv2.INTER_CUBIC)
    return small


def _lifted(values: np.ndarray, gamma: float) -> np.ndarray:
    """Values in 0-1 to the power of gamma; the usual one by square roots, which are faster."""
    if gamma == _GAMMA:
        root = np.sqrt(values)
        return root * np.sqrt(root)
    return np.power(values, gamma)


def heatmap_composite(
    heatmaps: np.ndarray,
    size: tuple[int, int] | None = None,
    threshold: float = 0.0,
    gamma: float = _GAMMA,
) -> np.ndarray:
    """All channels together, each in its joint's colour, on a dark background.

    Args:
        heatmaps: (17, H, W) float in 0-1.
        size: (width, height) px of the picture; that of the maps if None.
        threshold: channels whose peak is lower are left out.
    Returns:
        (height, width, 3) uint8 RGB.
    """
    maps = np.clip(np.nan_to_num(np.asarray(heatmaps, np.float32)), 0.0, 1.0)
    maps = maps * (maps.max((1, 2)) >= threshold)[:, None, None]
    light = _lifted(maps.reshape(len(maps), -1), gamma)
    colours = JOINT_COLOURS.astype(np.float32) / 255.0
    # Overlapping bells add up and fade to their common hue, not to white: scale by the strongest.
    summed = light.T @ colours
    strongest = light.max(0)[:, None]
    hue = summed / np.maximum(summed.max(1, keepdims=True), 1e-6)
    picture = _DARK + (hue - _DARK) * strongest
    return _resized(picture.reshape(*maps.shape[1:], 3), size)


def heatmap_single(
    heatmap: np.ndarray,
    joint: int,
    size: tuple[int, int] | None = None,
    gamma: float = _GAMMA,
) -> np.ndarray:
    """One channel in its joint's colour, white at the peak.

    Args:
        heatmap: (H, W) float in 0-1.
    Returns:
        (height, width, 3) uint8 RGB.
    """
    clean = np.clip(np.nan_to_num(np.asarray(heatmap, np.float32)), 0.0, 1.0)
    value = _lifted(clean, gamma)
    colour = JOINT_COLOURS[joint].astype(np.float32) / 255.0
    value = value[..., None]
    picture = _DARK + (colour - _DARK) * np.minimum(1.0, value * 1.4)
    picture = picture + (1.0 - picture) * np.clip((value - 0.75) / 0.25, 0.0, 1.0) ** 2 * 0.6
    return _resized(picture, size)
