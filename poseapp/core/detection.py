"""People that a model found in a photo: proposals, before the user takes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from poseapp.core.pose import Pose2D, Visibility

DETECTION_KEY = "detection"
"""Of a person's `extra`: the model that found it, and how surely."""

ABSENT_BELOW = 0.1
"""A joint that is found less surely is taken as not there."""

HIDDEN_BELOW = 0.5
"""A joint that is seen less surely is taken as hidden behind something."""

NOBODY_BELOW = 0.3
"""A found person who is trusted less is left out; one in a box by hand never is. Of what the finder
sees in pictures without people this drops six in ten, and half a percent of the real people."""

_SAME_PERSON = 0.5

Size = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Proposal:
    """One person of a photo, as found.

    Attributes:
        box: (4,) x, y, width, height px of the photo.
        score: 0-1, that somebody is there; 1 for a box by hand.
        pose: px of the photo, with the confidence of each joint.
        heatmaps: (17, h, w) float16 in 0-1.
        to_photo: (2, 3) float, heatmap px to photo px.
        model: what estimated the pose.
    """

    box: np.ndarray
    score: float
    pose: Pose2D
    heatmaps: np.ndarray = field(repr=False)
    to_photo: np.ndarray = field(repr=False)
    model: str = ""

    @property
    def confidence(self) -> float:
        """How much to trust it, 0-1: the geometric mean of the score and of the joints' mean."""
        sure = self.pose.confidence[self.pose.present]
        return float(np.sqrt(self.score * sure.mean())) if len(sure) else 0.0

    @property
    def extra(self) -> dict[str, Any]:
        """What a person keeps of it."""
        return {DETECTION_KEY: {"model": self.model, "score": round(self.score, 4)}}


def proposals(found: dict[str, Any]) -> list[Proposal]:
    """The people of what the task `detect_people` gave, but for those without joints or trust."""
    least = NOBODY_BELOW if found.get("finder") else 0.0
    people = []
    for row in range(len(found["boxes"])):
        pose = pose_of(found["keypoints"][row], found["confidence"][row], found["seen"][row])
        if pose.present.any():
            person = Proposal(
                np.asarray(found["boxes"][row], float),
                float(np.clip(found["scores"][row], 0.0, 1.0)),
                pose,
                found["heatmaps"][row],
                np.asarray(found["to_photo"][row], float),
                str(found["estimator"]),
            )
            if person.confidence >= least:
                people.append(person)
    return people


def pose_of(keypoints: np.ndarray, confidence: np.ndarray, seen: np.ndarray) -> Pose2D:
    """A pose from what an estimator says.

    Args:
        keypoints: (17, 2) px.
        confidence: (17,) 0-1, that the joint is there.
        seen: (17,) 0-1, that nothing hides it.
    """
    sure = np.nan_to_num(np.asarray(confidence, float))
    points = np.asarray(keypoints, float)
    there = (sure >= ABSENT_BELOW) & np.isfinite(points).all(1)
    hidden = np.asarray(seen, float) < HIDDEN_BELOW
    visibility = np.where(hidden, Visibility.HIDDEN, Visibility.VISIBLE)
    visibility = np.where(there, visibility, Visibility.ABSENT)
    return Pose2D(np.nan_to_num(points), visibility, sure)


def scaled(pose: Pose2D, before: Size, after: Size) -> Pose2D:
    """A pose in another size of its picture; pixel centres lie at whole numbers in both."""
    if before == after:
        return pose
    factor = np.array(after, float) / np.array(before, float)
    return pose.with_keypoints((pose.keypoints + 0.5) * factor - 0.5)


def scaled_affine(to_picture: np.ndarray, before: Size, after: Size) -> np.ndarray:
    """A (2, 3) map into a picture, for another size of that picture."""
    factor = np.array(after, float) / np.array(before, float)
    out = np.asarray(to_picture, float) * factor[:, None]
    out[:, 2] += (factor - 1.0) / 2.0
    return out


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union of two boxes of x, y, width, height."""
    low = np.maximum(one[:2], other[:2])
    high = np.minimum(one[:2] + one[2:], other[:2] + other[2:])
    shared = float(np.prod(np.maximum(high - low, 0.0)))
    union = float(one[2] * one[3] + other[2] * other[3]) - shared
    return shared / union if union > 0 else 0.0


def merged(kept: list[Proposal], new: list[Proposal]) -> list[Proposal]:
    """Proposals with those of a second look, which take the place of what they overlap."""
    left = [p for p in kept if all(overlap(p.box, n.box) < _SAME_PERSON for n in new)]
    return [*left, *new]


def square(maps: np.ndarray, to_photo: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Heatmaps padded to a square, as the Heatmaps panel shows them, and their (2, 3) map."""
    height, width = maps.shape[-2:]
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    if side == height == width:
        return maps, to_photo
    padded = np.zeros((len(maps), side, side), maps.dtype)
    padded[:, top : top + height, left : left + width] = maps
    moved = np.array(to_photo, float)
    moved[:, 2] -= moved[:, :2] @ np.array([left, top], float)
    return padded, moved
