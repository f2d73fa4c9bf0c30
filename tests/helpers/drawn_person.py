"""A person drawn as coloured limbs on a striped wall: its mask and keypoints are known exactly."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from poseapp.core.body_parts import LIMBS, draw_head, draw_limb, draw_trunk, figure
from poseapp.core.standing import STANDING

COLOURS = {
    "trunk": (200, 60, 60),
    "head": (230, 190, 160),
    "left_arm": (60, 180, 70),
    "right_arm": (70, 90, 220),
    "left_leg": (220, 200, 50),
    "right_leg": (160, 60, 200),
}


@dataclass(frozen=True)
class DrawnPerson:
    """(h, w, 3) uint8 photo, (h, w) uint8 mask, (17, 3) keypoints, (h, w, 3) uint8 background."""

    photo: np.ndarray
    mask: np.ndarray
    keypoints: np.ndarray
    background: np.ndarray


def keypoints(unit: float = 60.0, centre: tuple[float, float] = (120.0, 70.0)) -> np.ndarray:
    """(17, 3) of a standing person, arms away from the trunk."""
    points = np.column_stack([STANDING * unit + centre, np.full(17, 2.0)])
    for elbow, wrist, side in ((7, 9, 1.0), (8, 10, -1.0)):
        shoulder = points[elbow - 2, :2]
        points[elbow, :2] = shoulder + unit * np.array([0.42 * side, 0.42])
        points[wrist, :2] = shoulder + unit * np.array([0.75 * side, 0.8])
    return points


def wall(size: tuple[int, int]) -> np.ndarray:
    """(h, w, 3) uint8: stripes and a floor."""
    rows, columns = np.indices(size)
    shade = 120 + 40 * ((columns // 6) % 2) - 30 * (rows > 0.75 * size[0])
    return np.repeat(shade[..., None], 3, axis=2).astype(np.uint8)


def draw(points: np.ndarray | None = None, size: tuple[int, int] = (280, 240)) -> DrawnPerson:
    """The picture; limbs lie as `Warper` lays them."""
    points = keypoints() if points is None else points
    person = figure(points)
    background = wall(size)
    photo, mask = background.copy(), np.zeros(size, np.uint8)
    for name in ("left_leg", "right_leg", "trunk", "head", "left_arm", "right_arm"):
        part = np.zeros(size, np.uint8)
        if name == "trunk":
            draw_trunk(part, person)
        elif name == "head":
            draw_head(part, person)
        else:
            draw_limb(part, person, LIMBS[name], 0.8)
        photo[part > 0] = COLOURS[name]
        mask = np.maximum(mask, part)
    return DrawnPerson(photo, np.asarray(cv2.GaussianBlur(mask, (0, 0), 0.5)), points, background)
