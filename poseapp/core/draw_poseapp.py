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

    def __init__(
        self, size: tuple[int, int], oversample: int, ground: tuple[int, int, int]
    ) -> None:
        width, height = size[0] * oversample, size[1] * oversample
        # Smooth edges mix with what was there before: the colour of outlines, never black.
        self.colour = np.full((height, width, 3), ground, np.uint8)
        self.mask = np.zeros((height, width), np.uint8)
        self._oversample = oversample

    def _fixed(self, x: float, y: float) -> tuple[int, int]:
        # Pixel centres lie at integers in both pictures. Plain floats: NumPy is slow on two.
        fine = self._oversample
        x, y = (min(max(v, -_FAR_PX), _FAR_PX) for v in (x, y))
        return round(((x + 0.5) * fine - 0.5) * _ONE), round(((y + 0.5) * fine - 0.5) * _ONE)

    def disc(
        self, centre: Sequence[float], radius: float, colour: Sequence[int], cover: bool = True
    ) -> None:
        """A disc; `cover` is False for one that lies upon what is drawn already."""
        place = self._fixed(centre[0], centre[1])
        fine = max(1, round(radius * self._oversample * _ONE))
        cv2.circle(self.colour, place, fine, colour, -1, cv2.LINE_AA, _SHIFT)
        if cover:
            cv2.circle(self.mask, place, fine, 255, -1, cv2.LINE_AA, _SHIFT)

    def polygon(
        self, points: Sequence[Sequence[float]], colour: Sequence[int], cover: bool = True
    ) -> None:
        """A convex polygon."""
        fixed = np.array([self._fixed(x, y) for x, y in points], np.int32)
        cv2.fillConvexPoly(self.colour, fixed, colour, cv2.LINE_AA, _SHIFT)
        if cover:
            cv2.fillConvexPoly(self.mask, fixed, 255, cv2.LINE_AA, _SHIFT)

    def capsule(
        self,
        start: Sequence[float],
        end: Sequence[float],
        radius_start: float,
        radius_end: float,
        colour: Sequence[int],
        cover: bool = True,
    ) -> None:
        """The outline of two discs and all between them."""
        (ax, ay), (bx, by) = start, end
        length = math.hypot(bx - ax, by - ay)
        if length > abs(radius_start - radius_end) + 1e-6:
            turn = math.acos((radius_start - radius_end) / length)
            base = math.atan2(by - ay, bx - ax)
            (c, s), (d, t) = (
                (math.cos(base + sign * turn), math.sin(base + sign * turn)) for sign in (1, -1)
            )
            corners = (
                (ax + c * radius_start, ay + s * radius_start),
                (bx + c * radius_end, by + s * radius_end),
                (bx + d * radius_end, by + t * radius_end),
                (ax + d * radius_start, ay + t * radius_start),
            )
            self.polygon(corners, colour, cover)
        self.disc(start, radius_start, colour, cover)
        self.disc(end, radius_end, colour, cover)

    def result(self) -> tuple[np.ndarray, np.ndarray]:
        """(H, W, 3) float colour times coverage, and (H, W, 1) float coverage in 0-1."""
        colour, mask = self.colour, self.mask
        if self._oversample > 1:
            size = tuple(v // self._oversample for v in mask.shape[::-1])
            colour = cv2.resize(colour, size, interpolation=cv2.INTER_AREA)
            mask = cv2.resize(mask, size, interpolation=cv2.INTER_AREA)
        cover = mask.astype(np.float32)[..., None] / 255.0
        return colour.astype(np.float32) * cover, cover


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
    pen = _Pen(size, 2 if side <= 1400 else 1, outline)
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
    points, present = pose.keypoints.tolist(), pose.present.tolist()

    def shade(colour: tuple[int, int, int], *joints: int) -> tuple[int, int, int]:
        hidden = any(pose.visibility[j] == Visibility.HIDDEN for j in joints)
        return _mix(colour, outline, 0.55) if hidden else colour

    def limb(a: int, b: int, radius_a: float, radius_b: float) -> None:
        if not (present[a] and present[b]):
            return
        colour = shade(_mix(side_colour(b), body, 0.08), a, b)
        pen.capsule(points[a], points[b], radius_a * unit + edge, radius_b * unit + edge, outline)
        pen.capsule(points[a], points[b], radius_a * unit, radius_b * unit, colour, False)

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
    hull = cv2.convexHull(points.astype(np.float32))[:, 0].tolist()
    for grow, ink in ((edge, outline), (0.0, colour)):
        if len(hull) > 2:
            pen.polygon(hull, ink, grow > 0)
        for a, b in zip(hull, [*hull[1:], hull[0]], strict=True):
            pen.capsule(a, b, radius + grow, radius + grow, ink, grow > 0)


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
        pen.capsule(
            neck.tolist(), centre.tolist(), 0.075 * unit + edge, 0.075 * unit + edge, outline
        )
        pen.capsule(
            neck.tolist(),
            centre.tolist(),
            0.075 * unit,
            0.075 * unit,
            _mix(colour, outline, 0.34),
            False,
        )
        length = math.hypot(*towards)
        if length > 1e-6:
            centre = centre + towards / length * 0.05 * unit
    hidden = all(pose.visibility[j] == Visibility.HIDDEN for j in seen)
    ink = _mix(colour, outline, 0.55) if hidden else colour
    pen.disc(centre, radius + edge, outline)
    pen.disc(centre, radius, ink, False)
    for joint in (3, 4, 1, 2, 0):
        if pose.present[joint]:
            size = 0.034 if joint in (1, 2) else 0.03
            pen.disc(points[joint], size * unit, _mix(side_colour(joint), _WHITE, 0.7))
