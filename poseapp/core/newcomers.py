"""Where a new person goes: as large as the others, beside them, on the same ground."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from poseapp.core import kinematics
from poseapp.core.pose import Pose2D
from poseapp.core.standing import STANDING

if TYPE_CHECKING:  # a document holds a strip of key poses, which asks here how large they are
    from poseapp.core.document import Document

_STANDING_HEIGHT = float(np.ptp(STANDING[:, 1]))
_STANDING_BONES = kinematics.bone_lengths(Pose2D(STANDING))
_SHARE_OF_CANVAS = 0.76
_LARGEST_SHARE = 0.94
_EDGE_SHARE = 0.35


def body_unit(pose: Pose2D) -> float:
    """Trunk length in px that the bones speak for; a bone seen from its end says too little.

    So the long bones count, not the mean: a sitting person is as large as a standing one.
    """
    ratios = kinematics.bone_lengths(pose) / _STANDING_BONES
    ratios = ratios[np.isfinite(ratios)]
    if not len(ratios):
        return kinematics.torso_size(pose)
    return float(max(np.percentile(ratios, 75), 1e-3))


def resized(pose: Pose2D, unit: float) -> Pose2D:
    """The pose about its own middle, as large as a person whose `body_unit` is `unit` px."""
    return kinematics.scale(pose, unit / body_unit(pose))


def welcome(document: Document, pose: Pose2D, at: tuple[float, float] | None = None) -> Pose2D:
    """A pose as it joins the people of a document.

    Args:
        at: (x, y) px of its middle; None = in the widest gap, feet on the others' ground.
    """
    if pose.bounds is None:
        return pose
    width, height = document.size
    others = [p.pose for p in document.people if p.pose.bounds is not None]
    unit = _SHARE_OF_CANVAS * min(height, 1.6 * width) / _STANDING_HEIGHT
    if others:
        unit = float(np.median([body_unit(other) for other in others]))
    pose = resized(pose, unit)
    _, _, wide, tall = pose.bounds or (0.0, 0.0, 1.0, 1.0)
    shrink = min(1.0, _LARGEST_SHARE * width / wide, _LARGEST_SHARE * height / tall)
    pose = kinematics.scale(pose, shrink)
    x, y, wide, tall = pose.bounds or (0.0, 0.0, 1.0, 1.0)
    if at is not None:
        goal = (at[0] - wide / 2, at[1] - tall / 2)
    else:
        boxes = [other.bounds or (0.0, 0.0, 0.0, 0.0) for other in others]
        top = (height - tall) / 2
        if boxes:
            top = float(np.median([b[1] + b[3] for b in boxes])) - tall
        left = _gap(boxes, wide, width) - wide / 2
        goal = (_inside(left, wide, width), _inside(top, tall, height))
    return kinematics.translate(pose, (goal[0] - x, goal[1] - y))


def _gap(boxes: list[tuple[float, float, float, float]], wide: float, width: float) -> float:
    """The middle of the widest gap between people; an edge counts as somewhat nearer."""
    middles = sorted(min(max(b[0] + b[2] / 2, 0.0), width) for b in boxes)
    if not middles:
        return width / 2
    edges = [-_EDGE_SHARE * wide, *middles, width + _EDGE_SHARE * wide]
    return max((after - before, (after + before) / 2) for before, after in pairwise(edges))[1]


def _inside(start: float, length: float, room: float) -> float:
    return min(max(start, 0.0), max(room - length, 0.0))
