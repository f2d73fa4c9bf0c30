"""A picture of one person: how large it is, and where a pose of the canvas lies in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from poseapp.core import newcomers
from poseapp.core.pose import Pose2D

SHAPES: tuple[tuple[int, int], ...] = ((1, 2), (2, 3), (1, 1), (3, 2), (2, 1))
"""Width to height of the pictures."""
STANDING_SHAPE = SHAPES[0]

# How far flesh and clothes reach beyond a joint, in trunk lengths: head, hands, feet, the rest.
_REACH = np.array([0.48, *[0.44] * 4, *[0.28] * 4, *[0.42] * 2, *[0.3] * 4, *[0.28] * 2])
_MARGIN = 0.05
_FEWEST_JOINTS = 8
_SHOULDERS, _HIPS = (5, 6), (11, 12)


@dataclass(frozen=True)
class Framed:
    """A picture around a pose.

    Attributes:
        size: (width, height) px.
        pose: in px of the picture.
        scale: px of the picture for each px of the canvas.
        origin: (x, y) canvas px of the picture's corner.
    """

    size: tuple[int, int]
    pose: Pose2D
    scale: float
    origin: tuple[float, float]


def can_stand_in(pose: Pose2D) -> bool:
    """The pose says enough of a body to be lifted: a shoulder, a hip and eight joints in all."""
    present = pose.present
    return bool(
        present.sum() >= _FEWEST_JOINTS
        and present[list(_SHOULDERS)].any()
        and present[list(_HIPS)].any()
    )


def sized(shape: tuple[int, int], longest_px: int) -> tuple[int, int]:
    """(width, height) px of a picture of a shape; even numbers."""
    unit = longest_px / max(shape)
    return round(shape[0] * unit / 2) * 2, round(shape[1] * unit / 2) * 2


def framed(pose: Pose2D, longest_px: int) -> Framed:
    """The smallest picture of a usual shape that holds the whole person.

    Args:
        pose: px, with at least one joint.
        longest_px: of the longer side of the picture.
    """
    room = _room(pose)[1]
    return framed_in(pose, sized(min(SHAPES, key=lambda s: _area(s, room)), longest_px))


def framed_in(pose: Pose2D, size: tuple[int, int]) -> Framed:
    """The whole person, as large as a picture of (width, height) px holds it."""
    middle, room = _room(pose)
    scale = float(min(size[0] / room[0], size[1] / room[1]))
    origin = middle - np.array(size) / (2.0 * scale)
    moved = np.where(pose.present[:, None], (pose.keypoints - origin) * scale, 0.0)
    return Framed(size, pose.with_keypoints(moved), scale, (float(origin[0]), float(origin[1])))


def _room(pose: Pose2D) -> tuple[np.ndarray, np.ndarray]:
    """(2,) middle and (2,) width and height of what the person fills, with a margin, px."""
    present = pose.present
    points = pose.keypoints[present]
    reach = (_REACH * newcomers.body_unit(pose))[present, None]
    low, high = (points - reach).min(0), (points + reach).max(0)
    return (low + high) / 2.0, np.maximum((high - low) * (1.0 + 2.0 * _MARGIN), 1e-3)


def _area(shape: tuple[int, int], room: np.ndarray) -> float:
    unit = float(max(room[0] / shape[0], room[1] / shape[1]))
    return unit * unit * shape[0] * shape[1]
