"""Skeleton pictures that other programs read: ControlNet's colours and CMU OpenPose's."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from poseapp.core.palette import CONTROLNET_JOINTS, CONTROLNET_LIMBS, LIMBS, OPENPOSE_JOINTS
from poseapp.core.pose import Pose2D
from poseapp.core.skeleton import COCO_17, OPENPOSE_18, convert

_STICK_PX = 4
_RADIUS_PX = 4
_OPENPOSE_ALPHA = 0.6
_FAR_PX = 1e6  # beyond any canvas; cv2 takes 32-bit integers


def _openpose18(pose: Pose2D) -> tuple[np.ndarray, np.ndarray]:
    """(18, 2) float px and (18,) bool."""
    points, confidence = convert(
        pose.keypoints, np.where(pose.present, 1.0, 0.0), COCO_17, OPENPOSE_18
    )
    return np.clip(points, -_FAR_PX, _FAR_PX), confidence > 0


def xinsir_stick_scale(size: tuple[int, int]) -> int:
    """How much wider xinsir's ControlNet wants the limbs on a (width, height) px canvas."""
    side = max(size)
    return 1 if side < 500 else min(2 + side // 1000, 7)


def draw_controlnet(canvas: np.ndarray, poses: Sequence[Pose2D], xinsir: bool = False) -> None:
    """Draw onto a black canvas what a ControlNet pose model was trained on.

    Filled ellipses at 60 % of the palette for limbs, then discs of radius 4 px for joints. Places
    are cut to whole pixels and degrees as that renderer does. A hidden joint is drawn as a visible
    one.

    Args:
        canvas: (H, W, 3) uint8 RGB, changed in place.
        poses: back to front, in canvas px.
    """
    height, width = canvas.shape[:2]
    half_width = _STICK_PX * (xinsir_stick_scale((width, height)) if xinsir else 1)
    for pose in poses:
        points, present = _openpose18(pose)
        for (a, b), colour in zip(LIMBS, CONTROLNET_LIMBS, strict=True):
            if present[a] and present[b]:
                _fill_limb(canvas, points[a], points[b], half_width, colour.tolist())
        for joint in np.flatnonzero(present):
            x, y = points[joint]
            colour = CONTROLNET_JOINTS[joint].tolist()
            cv2.circle(canvas, (int(x), int(y)), _RADIUS_PX, colour, thickness=-1)


def _fill_limb(
    canvas: np.ndarray, start: np.ndarray, end: np.ndarray, half_width: int, colour: list[int]
) -> None:
    middle = (start + end) / 2.0
    dx, dy = start - end
    outline = cv2.ellipse2Poly(
        (int(middle[0]), int(middle[1])),
        (int(math.hypot(dx, dy) / 2.0), half_width),
        int(math.degrees(math.atan2(dy, dx))),
        0,
        360,
        1,
    )
    cv2.fillConvexPoly(canvas, outline, colour)


def draw_openpose(canvas: np.ndarray, poses: Sequence[Pose2D]) -> None:
    """Draw poses as CMU OpenPose's renderer does: lines, then discs, over the picture at 60 %.

    The width follows the size of each person. A limb has the colour of its second joint.

    Args:
        canvas: (H, W, 3) uint8 RGB, changed in place.
        poses: back to front, in canvas px.
    """
    if not poses:
        return
    over = canvas.copy()
    height, width = canvas.shape[:2]
    for pose in poses:
        points, present = _openpose18(pose)
        if not present.any():
            continue
        extent = points[present].max(0) - points[present].min(0)
        share = min(1.0, max(extent[0] / width, extent[1] / height))
        radius = max(2.0, math.sqrt(width * height) / 75.0 * share)
        line = max(1, round(radius * 0.75))
        for a, b in LIMBS:
            if present[a] and present[b]:
                start, end = ([round(v) for v in points[j]] for j in (a, b))
                cv2.line(over, start, end, OPENPOSE_JOINTS[b].tolist(), line)
        for joint in np.flatnonzero(present):
            centre = tuple(round(v) for v in points[joint])
            cv2.circle(over, centre, max(1, round(radius / 2)), OPENPOSE_JOINTS[joint].tolist(), -1)
    alpha = _OPENPOSE_ALPHA
    canvas[:] = cv2.addWeighted(over, alpha, canvas, 1.0 - alpha, 0.0)
