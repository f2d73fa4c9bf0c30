"""Our own skeleton picture: soft rounded limbs in the colours of their side, smooth edges."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from poseapp.core import kinematics
from poseapp.core.palette import SIDE_COLOURS, side_colour
from poseapp.core.pose import Pose2D, Visibility

_SHIFT = 4  # cv2 takes coordinates in sixteenths of a pixel
_ONE = 1 << _SHIFT
_FAR_PX = 30_000.0
_WHITE = (255, 255, 255)

# (parent, child, radius at parent, radius at child); radii in torso lengths, far limbs first.
_LIMBS = (
    (11, 13, 0.108, 0.078), (13, 15, 0.078, 0.052), (12, 14, 0.108, 0.078), (14, 16, 0.078, 0.052),
    (5, 7, 0.082, 0.062), (7, 9, 0.062, 0.046), (6, 8, 0.082, 0.062), (8, 10, 0.062, 0.046),
)  # fmt: skip
_TORSO_RADIUS = 0.088
_JOINT_RADIUS = 0.036
_HEAD_RADIUS = 0.225


def _mix(a: Sequence[float], b: Sequence[float], share: float) -> tuple[int, int, int]:
    """`share` of b in a."""
    return tuple(round(x + (y - x) * share) for x, y in zip(a, b, strict=True))  # type: ignore[return-value]


class _Pen:
    """Draws shapes on a colour picture and, at the same places, on a coverage mask."""

    def __init__(self, size: tuple[int, int], oversample: int) -> None:
        width, height = size[0] * oversample, size[1] * oversample
        self.colour = np.zeros((height, width, 3), np.uint8)
        self.mask = np.zeros((height, width), np.uint8)
        self._oversample = oversample

    def _fixed(self, points: np.ndarray) -> np.ndarray:
        # Pixel centres lie at integers in both pictures.
        fine = (np.clip(points, -_FAR_PX, _FAR_PX) + 0.5) * self._oversample - 0.5
        return np.round(fine * _ONE).astype(np.int32)

    def disc(self, centre: np.ndarray, radius: float, colour: Sequence[int]) -> None:
        x, y = (int(v) for v in self._fixed(np.asarray(centre)))
        fine = max(1, round(radius * self._oversample * _ONE))
        cv2.circle(self.colour, (x, y), fine, colour, -1, cv2.LINE_AA, _SHIFT)
        cv2.circle(self.mask, (x, y), fine, 255, -1, cv2.LINE_AA, _SHIFT)

    def polygon(self, points: np.ndarray, colour: Sequence[int]) -> None:
        fixed = self._fixed(points)
        cv2.fillConvexPoly(self.colour, fixed, colour, cv2.LINE_AA, _SHIFT)
        cv2.fillConvexPoly(self.mask, fixed, 255, cv2.LINE_AA, _SHIFT)

    def capsule(
        self,
        start: np.ndarray,
        end: np.ndarray,
        radius_start: float,
        radius_end: float,
        colour: Sequence[int],
    ) -> None:
        """The outline of two discs and all between them."""
        along = end - start
        length = math.hypot(*along)
        if length > abs(radius_start - radius_end) + 1e-6:
            turn = math.acos((radius_start - radius_end) / length)
            base = math.atan2(along[1], along[0])
            sides = []
            for angle in (base + turn, base - turn):
                ray = np.array([math.cos(angle), math.sin(angle)])
                sides.append((start + ray * radius_start, end + ray * radius_end))
            (a, b), (c, d) = sides
            self.polygon(np.stack([a, b, d, c]), colour)
        self.disc(start, radius_start, colour)
        self.disc(end, radius_end, colour)

    def result(self) -> tuple[np.ndarray, np.ndarray]:
        """(H, W, 3) float colour times coverage, and (H, W, 1) float coverage in 0-1."""
        mask = self.mask.astype(np.float32)[..., None] / 255.0
        colour = self.colour.astype(np.float32) * mask
        if self._oversample > 1:
            size = tuple(v // self._oversample for v in self.mask.shape[::-1])
            colour = cv2.resize(colour, size, interpolation=cv2.INTER_AREA)
            mask = cv2.resize(mask, size, interpolation=cv2.INTER_AREA)[..., None]
        return colour, mask


def draw_poseapp(
    size: tuple[int, int],
    poses: Sequence[Pose2D],
    colours: Sequence[tuple[int, int, int] | None] = (),
    outline: tuple[int, int, int] = (24, 27, 34),
) -> tuple[np.ndarray, np.ndarray]:
    """Draw people with soft limbs: left blue, right orange, torso and head in the person's colour.

    Hidden joints and their limbs are paler.

    Args:
        size: (width, height) px.
        poses: back to front, px of that picture.
        colours: RGB of each person; None and missing ones are green.
        outline: RGB around each limb, near the background's brightness.
    Returns:
        (H, W, 3) float32 RGB 0-255 multiplied by the coverage, (H, W, 1) float32 coverage 0-1.
    """
    side = max(size)
    pen = _Pen(size, 4 if side <= 640 else 2 if side <= 2600 else 1)
    for place, pose in enumerate(poses):
        colour = colours[place] if place < len(colours) else None
        if pose.present.any():
            _draw_person(pen, pose, colour or SIDE_COLOURS["middle"], outline)
    return pen.result()


def _draw_person(
    pen: _Pen, pose: Pose2D, body: tuple[int, int, int], outline: tuple[int, int, int]
) -> None:
    unit = max(_body_unit(pose), 4.0)
    edge = max(0.7, unit * 0.016)
    points, present = pose.keypoints, pose.present

    def shade(colour: tuple[int, int, int], *joints: int) -> tuple[int, int, int]:
        hidden = any(pose.visibility[j] == Visibility.HIDDEN for j in joints)
        return _mix(colour, outline, 0.55) if hidden else colour

    def limb(a: int, b: int, radius_a: float, radius_b: float) -> None:
        if not (present[a] and present[b]):
            return
        colour = shade(_mix(side_colour(b), body, 0.08), a, b)
        pen.capsule(points[a], points[b], radius_a * unit + edge, radius_b * unit + edge, outline)
        pen.capsule(points[a], points[b], radius_a * unit, radius_b * unit, colour)

    for row in _LIMBS[:4]:
        limb(*row)
    _draw_torso(pen, pose, _mix(body, outline, 0.34), outline, unit, edge)
    _draw_head(pen, pose, body, outline, unit, edge)
    for row in _LIMBS[4:]:
        limb(*row)
    for joint in range(5, len(points)):
        if present[joint]:
            light = shade(_mix(side_colour(joint), _WHITE, 0.62), joint)
            pen.disc(points[joint], _JOINT_RADIUS * unit, light)


def _body_unit(pose: Pose2D) -> float:
    """Torso length for line widths: a foreshortened torso must not give thin limbs."""
    lengths = kinematics.bone_lengths(pose)
    guesses = [kinematics.torso_size(pose)]
    for joint, part in ((7, 0.6), (8, 0.6), (13, 0.84), (14, 0.84), (15, 0.85), (16, 0.85)):
        if np.isfinite(lengths[joint]):
            guesses.append(0.8 * lengths[joint] / part)
    return float(np.percentile(guesses, 75))


def _draw_torso(
    pen: _Pen,
    pose: Pose2D,
    colour: tuple[int, int, int],
    outline: tuple[int, int, int],
    unit: float,
    edge: float,
) -> None:
    corners = [j for j in (5, 6, 12, 11) if pose.present[j]]
    radius = _TORSO_RADIUS * unit
    if len(corners) < 2:
        return
    points = pose.keypoints[corners]
    hull = cv2.convexHull(points.astype(np.float32))[:, 0]
    for grow, ink in ((edge, outline), (0.0, colour)):
        if len(hull) > 2:
            pen.polygon(hull, ink)
        for a, b in zip(hull, np.roll(hull, -1, axis=0), strict=True):
            pen.capsule(a, b, radius + grow, radius + grow, ink)


def _draw_head(
    pen: _Pen,
    pose: Pose2D,
    colour: tuple[int, int, int],
    outline: tuple[int, int, int],
    unit: float,
    edge: float,
) -> None:
    seen = [j for j in range(5) if pose.present[j]]
    if not seen:
        return
    points = pose.keypoints
    face = points[seen]
    centre = (face.min(0) + face.max(0)) / 2.0
    reach = float(np.hypot(*(face - centre).T).max()) + 0.05 * unit
    radius = float(np.clip(reach, _HEAD_RADIUS * unit, 1.3 * _HEAD_RADIUS * unit))
    neck = kinematics.joint_position(pose, kinematics.NECK)
    if neck is not None:
        towards = centre - neck
        pen.capsule(neck, centre, 0.075 * unit + edge, 0.075 * unit + edge, outline)
        pen.capsule(neck, centre, 0.075 * unit, 0.075 * unit, _mix(colour, outline, 0.34))
        length = math.hypot(*towards)
        if length > 1e-6:
            centre = centre + towards / length * 0.05 * unit
    hidden = all(pose.visibility[j] == Visibility.HIDDEN for j in seen)
    ink = _mix(colour, outline, 0.55) if hidden else colour
    pen.disc(centre, radius + edge, outline)
    pen.disc(centre, radius, ink)
    for joint in (3, 4, 1, 2, 0):
        if pose.present[joint]:
            size = 0.034 if joint in (1, 2) else 0.03
            pen.disc(points[joint], size * unit, _mix(side_colour(joint), _WHITE, 0.7))
