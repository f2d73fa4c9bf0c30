"""A person as parts that move: trunk, head, two arms, two legs, each with its usual thickness.

COCO-17 has neither neck nor pelvis and may lack joints; this is where they are made good, once for
the mask of a person, for its limbs and for what moves them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from poseapp.core.errors import PoseError
from poseapp.core.newcomers import body_unit
from poseapp.core.pose import Pose2D

FACE = (0, 1, 2, 3, 4)
SHOULDERS, HIPS = (5, 6), (11, 12)
_NECK_TO_FACE = 0.45  # trunk lengths
_SHIFT = 4  # OpenCV's fixed-point bits: a sixteenth of a pixel
_FAR_PX = 60_000.0


@dataclass(frozen=True)
class Limb:
    """An arm or a leg.

    Attributes:
        joints: root, middle and end in COCO-17.
        radii: half the thickness of the upper and of the lower bone, in trunk lengths.
        tip: how far hand or foot reaches beyond the last joint, in trunk lengths.
        twin: name of the same limb of the other side.
    """

    name: str
    joints: tuple[int, int, int]
    radii: tuple[float, float]
    tip: float
    twin: str


LIMBS: dict[str, Limb] = {
    limb.name: limb
    for limb in (
        Limb("left_leg", (11, 13, 15), (0.18, 0.135), 0.26, "right_leg"),
        Limb("right_leg", (12, 14, 16), (0.18, 0.135), 0.26, "left_leg"),
        Limb("left_arm", (5, 7, 9), (0.125, 0.1), 0.34, "right_arm"),
        Limb("right_arm", (6, 8, 10), (0.125, 0.1), 0.34, "left_arm"),
    )
}
HEAD_RADIUS = 0.2
TRUNK_MARGIN = 0.12


@dataclass(frozen=True)
class Figure:
    """A pose with what COCO-17 leaves out; all in px of the pose's picture.

    Attributes:
        points: (17, 2) float64.
        there: (17,) bool.
        seen: (17,) bool: there, and nothing hides it.
        unit: trunk length that the bones speak for.
        neck, pelvis: (2,), the middles of shoulders and hips, guessed where both are absent.
        head: (2,) middle of the head; None without any point of it.
    """

    points: np.ndarray
    there: np.ndarray
    seen: np.ndarray
    unit: float
    neck: np.ndarray
    pelvis: np.ndarray
    head: np.ndarray | None

    def corners(self) -> np.ndarray:
        """(4, 2) px: left shoulder, right shoulder, right hip, left hip; absent ones guessed."""
        out = np.empty((4, 2))
        axis = unit_vector(self.neck - self.pelvis, (0.0, -1.0))
        side = np.array([-axis[1], axis[0]])
        for row, (joint, other, middle, half) in enumerate(
            (
                (5, 6, self.neck, 0.36),
                (6, 5, self.neck, 0.36),
                (12, 11, self.pelvis, 0.22),
                (11, 12, self.pelvis, 0.22),
            )
        ):
            if self.there[joint]:
                out[row] = self.points[joint]
            elif self.there[other]:
                out[row] = 2.0 * middle - self.points[other]
            else:
                sign = 1.0 if joint in (5, 11) else -1.0
                out[row] = middle + sign * half * self.unit * side
        return out


def figure(keypoints: np.ndarray) -> Figure:
    """A figure from keypoints.

    Args:
        keypoints: (17, 3) x, y px and visibility 0-2.
    Raises:
        PoseError: no array of keypoints, or fewer than three joints, or none of the body's.
    """
    values = np.asarray(keypoints, float)
    if values.shape != (17, 3):
        raise PoseError(f"A pose is 17 keypoints of x, y and visibility, not {values.shape}.")
    pose = Pose2D(values[:, :2], np.clip(np.rint(values[:, 2]), 0, 2).astype(np.uint8))
    there = pose.present
    if there.sum() < 3 or not there[5:].any():
        raise PoseError("This pose has too few joints: mark shoulders and hips at least.")
    points = pose.keypoints
    unit = body_unit(pose)

    def middle(pair: tuple[int, ...]) -> np.ndarray | None:
        rows = [j for j in pair if there[j]]
        return np.asarray(points[rows].mean(0)) if rows else None

    neck, pelvis, head = middle(SHOULDERS), middle(HIPS), _head(points, there)
    if neck is None and head is not None:
        down = np.array([0.0, 1.0]) if pelvis is None else unit_vector(pelvis - head, (0.0, 1.0))
        neck = head + _NECK_TO_FACE * unit * down
    if neck is None and pelvis is not None:
        neck = pelvis + np.array([0.0, -unit])
    if neck is None:  # a leg alone
        neck = points[there].mean(0) + np.array([0.0, -2.0 * unit])
    if pelvis is None:
        down = np.array([0.0, 1.0]) if head is None else unit_vector(neck - head, (0.0, 1.0))
        pelvis = neck + unit * down
    seen = np.asarray(pose.visibility == 2)
    return Figure(points, there, seen, unit, neck, pelvis, head)


def _head(points: np.ndarray, there: np.ndarray) -> np.ndarray | None:
    """The middle of a head: between the ears; seen from the side, near the one ear."""
    ears = [j for j in (3, 4) if there[j]]
    front = [j for j in (0, 1, 2) if there[j]]
    if len(ears) == 2 or not front:
        return np.asarray(points[ears].mean(0)) if ears else None
    face = points[front].mean(0)
    return np.asarray(0.65 * points[ears[0]] + 0.35 * face if ears else face)


def unit_vector(vector: np.ndarray, otherwise: tuple[float, float]) -> np.ndarray:
    """(2,) of length 1; `otherwise` where there is no direction."""
    length = math.hypot(*vector)
    return vector / length if length > 1e-6 else np.array(otherwise)


def capsule(mask: np.ndarray, start: np.ndarray, end: np.ndarray, radius_px: float) -> None:
    """Draw a thick line with round ends into a (h, w) uint8 mask."""
    a, b = fixed(np.stack([start, end])).tolist()
    cv2.line(mask, a, b, 255, max(1, round(2.0 * radius_px)), cv2.LINE_8, _SHIFT)


def polygon(mask: np.ndarray, corners: np.ndarray) -> None:
    """Fill the convex hull of (N, 2) px in a (h, w) uint8 mask."""
    cv2.fillConvexPoly(mask, cv2.convexHull(fixed(corners)), 255, cv2.LINE_8, _SHIFT)


def fixed(points: np.ndarray) -> np.ndarray:
    """Points as OpenCV draws them with `shift`; what lies far outside is drawn nearer."""
    bounded = np.clip(points, -_FAR_PX, _FAR_PX)
    return np.asarray(np.rint(bounded * (1 << _SHIFT)), np.int32)


def draw_trunk(mask: np.ndarray, person: Figure, grow: float = 1.0) -> None:
    """Draw trunk, neck and head, all `grow` times as thick as usual."""
    margin = TRUNK_MARGIN * person.unit * grow
    hull = person.corners()
    middle = hull.mean(0)
    polygon(mask, middle + (hull - middle) * min(grow, 1.0))
    for a, b in ((0, 1), (1, 2), (2, 3), (3, 0)):
        capsule(mask, middle + (hull[a] - middle) * min(grow, 1.0), hull[b], margin)
    draw_head(mask, person, grow)


def draw_head(mask: np.ndarray, person: Figure, grow: float = 1.0) -> None:
    """Draw neck and head; nothing where no point of the face is there."""
    if person.head is None:
        return
    up = unit_vector(person.head - person.neck, (0.0, -1.0))
    radius = HEAD_RADIUS * person.unit * grow
    capsule(mask, person.neck, person.head, 0.6 * radius)
    capsule(
        mask, person.head - 0.02 * person.unit * up, person.head + 0.16 * person.unit * up, radius
    )


def draw_limb(
    mask: np.ndarray, person: Figure, limb: Limb, grow: float = 1.0, tip: float = 1.0
) -> None:
    """Draw an arm or leg as far as its joints are there, hand or foot `tip` times as long."""
    for bone in (0, 1):
        a, b = limb.joints[bone : bone + 2]
        if person.there[a] and person.there[b]:
            capsule(mask, person.points[a], person.points[b], limb.radii[bone] * person.unit * grow)
    end, before = limb.joints[2], limb.joints[1]
    if person.there[end] and person.there[before]:
        along = unit_vector(person.points[end] - person.points[before], (0.0, 1.0))
        thick = 0.95 * limb.radii[1] * person.unit * grow
        reach = max(tip * limb.tip * person.unit - 0.7 * thick, 0.0)
        capsule(mask, person.points[end], person.points[end] + along * reach, thick)
