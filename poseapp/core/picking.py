"""What lies under the mouse: pure functions on poses, in image px."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from poseapp.core.pose import Pose2D
from poseapp.core.skeleton import COCO_17

_BONES = np.array(COCO_17.bones)


@dataclass(frozen=True)
class Hit:
    """A joint of a person: its place in the list that was searched, and the COCO-17 index."""

    person: int
    joint: int


@dataclass(frozen=True)
class BoneHit:
    """A bone of a person.

    Attributes:
        person: place in the list that was searched.
        bone: the two COCO-17 joints.
        at: how far along the bone, 0-1.
    """

    person: int
    bone: tuple[int, int]
    at: float


def nearest_joint(
    poses: Sequence[Pose2D | None], xy: tuple[float, float] | np.ndarray, radius: float
) -> Hit | None:
    """The present joint nearest to a point; of equally near ones that of the person in front.

    Args:
        poses: back to front; None is passed over (a hidden or locked person).
        xy: (2,) px.
        radius: px; farther joints do not count. Divide a screen radius by the zoom.
    """
    best, found = float(radius) ** 2, None
    for person, pose in enumerate(poses):
        if pose is None or not pose.present.any():
            continue
        distance = ((pose.keypoints - np.asarray(xy, float)) ** 2).sum(1)
        distance[~pose.present] = np.inf
        joint = int(distance.argmin())
        if distance[joint] <= best:
            best, found = float(distance[joint]), Hit(person, joint)
    return found


def nearest_bone(
    poses: Sequence[Pose2D | None], xy: tuple[float, float] | np.ndarray, radius: float
) -> BoneHit | None:
    """The bone nearest to a point, both of whose joints are present; arguments as above."""
    point = np.asarray(xy, float)
    best, found = float(radius) ** 2, None
    for person, pose in enumerate(poses):
        if pose is None:
            continue
        start, end = pose.keypoints[_BONES[:, 0]], pose.keypoints[_BONES[:, 1]]
        along = end - start
        length = (along**2).sum(1)
        at = ((point - start) * along).sum(1) / np.where(length > 0, length, 1.0)
        at = np.clip(at, 0.0, 1.0)
        distance = ((point - start - at[:, None] * along) ** 2).sum(1)
        distance[~pose.present[_BONES].all(1)] = np.inf
        nearest = int(distance.argmin())
        if distance[nearest] <= best:
            best = float(distance[nearest])
            found = BoneHit(person, COCO_17.bones[nearest], float(at[nearest]))
    return found


def joints_in_box(pose: Pose2D, box: tuple[float, float, float, float]) -> frozenset[int]:
    """The present joints inside (x, y, width, height) px; a negative width or height is allowed."""
    x, y, width, height = box
    low = np.array([min(x, x + width), min(y, y + height)])
    high = np.array([max(x, x + width), max(y, y + height)])
    inside = ((pose.keypoints >= low) & (pose.keypoints <= high)).all(1) & pose.present
    return frozenset(int(j) for j in np.flatnonzero(inside))
