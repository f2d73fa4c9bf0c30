"""What a generator of people did, as pictures: its scales, where parts were brought, attention."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from poseapp.core.palette import JOINT_COLOURS

_GAP_PX = 6
_DARK = np.array([16.0, 18.0, 24.0], np.float32)
_HEIGHT_PX = 512
_SHADE = 0.3  # of the picture under a map


def scales_picture(scales: Sequence[np.ndarray]) -> np.ndarray:
    """The pictures of all scales side by side, coarse to fine, each pixel as a square.

    Args:
        scales: (h, w, 3) uint8 RGB each.
    """
    parts: list[np.ndarray] = []
    for picture in scales:
        height, width = picture.shape[:2]
        size = (round(width * _HEIGHT_PX / height), _HEIGHT_PX)
        parts.append(cv2.resize(picture, size, interpolation=cv2.INTER_NEAREST))
        parts.append(np.broadcast_to(_DARK.astype(np.uint8), (_HEIGHT_PX, _GAP_PX, 3)))
    return np.hstack(parts[:-1])


def parts_picture(parts: np.ndarray, under: np.ndarray) -> np.ndarray:
    """Where each part of the body was brought, each in its own colour over the dimmed picture.

    Args:
        parts: (L, h, w) uint8 masks.
        under: (h, w, 3) uint8 RGB.
    """
    picture = _dimmed(under)
    for row, mask in enumerate(parts):
        colour = JOINT_COLOURS[(row * 5) % len(JOINT_COLOURS)].astype(np.float32)
        share = mask.astype(np.float32)[..., None] * (0.6 / 255.0)
        picture = picture + (colour - picture) * share
    return _large(picture)


def attention_picture(attention: np.ndarray, under: np.ndarray) -> np.ndarray:
    """How much each place was looked at, from dark to bright over the dimmed picture.

    Args:
        attention: (h, w) float in 0-1.
        under: (H, W, 3) uint8 RGB.
    """
    values = np.nan_to_num(np.asarray(attention, np.float32))
    low, high = np.percentile(values, [5, 99.5])
    values = np.clip((values - low) / max(float(high - low), 1e-6), 0.0, 1.0)
    size = (under.shape[1], under.shape[0])
    heat = cv2.resize(values, size, interpolation=cv2.INTER_CUBIC).clip(0.0, 1.0)
    coloured = cv2.applyColorMap((heat * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)
    glow = cv2.cvtColor(coloured, cv2.COLOR_BGR2RGB).astype(np.float32)
    return _large(np.minimum(_dimmed(under) + glow * 0.75, 255.0))


def _dimmed(picture: np.ndarray) -> np.ndarray:
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)[..., None]
    return np.asarray(_DARK + (grey - _DARK) * _SHADE * np.ones(3, np.float32))


def _large(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    size = (round(width * _HEIGHT_PX / height), _HEIGHT_PX)
    return cv2.resize(picture.astype(np.uint8), size, interpolation=cv2.INTER_CUBIC)
