"""Where each pixel of a moved limb comes from: maps from the new pose back to the photo.

A point is described by how far along and beside a bone it lies. Along a bone lengths follow the
joints (foreshortening); beside it, and beyond the last joint (hands, feet), they keep their size.
At a joint the *angle* is blended, not the position, so that an elbow stays as thick as it was
however far it bends, and nothing tears.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import cv2
import numpy as np

from poseapp.core.body_parts import FACE, HIPS, SHOULDERS, Figure, unit_vector

_SHOULDER_WIDTH, _HIP_WIDTH = 0.72, 0.45  # trunk lengths, of a person who faces the camera
_DEPTH = 0.6  # of the width: how thick a trunk is that is seen from the side
_FLIP_ABOVE = 0.12  # trunk lengths of width that say which way a trunk faces
_MOST_TILT = math.radians(35.0)
_NECK_FROM, _NECK_TO = 0.04, 0.26  # where the neck bends, in trunk lengths above the shoulders
_SKIRT_BEGINS = 0.45  # trunk lengths below the hips that a skirt follows the legs alone
_SOFT_JOINT = 0.9  # of a limb's radius: half the length over which a joint bends
_SAME_SIZE = 0.15  # a pose this much (ln) larger or smaller is taken for the same person's


@dataclass(frozen=True)
class Patch:
    """A rectangle of the output, with nodes at which maps are computed.

    Attributes:
        box: x, y, width, height px, inside the output.
        step: px between nodes.
        x: (1, n) px of the nodes; y: (m, 1).
    """

    box: tuple[int, int, int, int]
    step: int
    x: np.ndarray
    y: np.ndarray

    def full(self, nodes: np.ndarray) -> np.ndarray:
        """(m, n, C) values at the nodes -> (height, width, C) float32 at the pixels."""
        rows, columns = nodes.shape[:2]
        size = (columns * self.step, rows * self.step)
        out = cv2.resize(nodes.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
        _, _, width, height = self.box
        return np.asarray(out[self.step : self.step + height, self.step : self.step + width])


def patch(low: np.ndarray, high: np.ndarray, size: tuple[int, int], step: int) -> Patch | None:
    """The part of a (height, width) output between two (x, y) corners; None outside of it."""
    x0, y0 = (max(math.floor(v), 0) for v in low)
    x1 = min(math.ceil(high[0]) + 1, size[1])
    y1 = min(math.ceil(high[1]) + 1, size[0])
    if x1 <= x0 or y1 <= y0:
        return None
    # One node more on each side; a node is the middle of `step` pixels, as cv2.resize has it.
    middle = (step - 1) / 2.0
    x = x0 + step * np.arange(-1, -(-(x1 - x0) // step) + 1) + middle
    y = y0 + step * np.arange(-1, -(-(y1 - y0) // step) + 1) + middle
    return Patch((x0, y0, x1 - x0, y1 - y0), step, x[None], y[:, None])


def growth(source: Figure, target: Figure, scale: float) -> float:
    """By how much the person's limbs are thicker in the output than in the photo.

    Args:
        scale: output px a photo px; a pose of nearly that size is taken for exactly that size, so
            that a dragged joint does not blow up the rest of the body.
    """
    ratio = math.log(max(target.unit, 1e-6) / max(source.unit * scale, 1e-6))
    beyond = math.copysign(max(abs(ratio) - _SAME_SIZE, 0.0), ratio)
    return scale * math.exp(float(np.clip(beyond, -2.5, 2.5)))


def smooth(value: np.ndarray) -> np.ndarray:
    """0 below 0, 1 above 1, an S between."""
    v = np.clip(value, 0.0, 1.0)
    return np.asarray(v * v * (3.0 - 2.0 * v))


def _frame(direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A unit direction and what lies to its right on the screen's side (turned by 90 degrees)."""
    return direction, np.array([-direction[1], direction[0]])


def _angle(vector: np.ndarray) -> float:
    return math.atan2(vector[1], vector[0])


def _wrap(angle: float) -> float:
    return math.remainder(angle, math.tau)


def _along(
    distance: np.ndarray, length: float, length_source: float, gain: float, joint_at_end: bool
) -> np.ndarray:
    """Distances along a bone, from the joint that it shares: as the photo has them.

    Between its joints a bone is as long as they say; outside it keeps its size.
    """
    inside = -distance if joint_at_end else distance
    ratio = length_source / max(length, 1e-6)
    moved = np.where(
        inside < 0.0,
        inside / gain,
        np.where(inside < length, inside * ratio, length_source + (inside - length) / gain),
    )
    return -moved if joint_at_end else moved


def limb_map(
    nodes: Patch,
    source: np.ndarray,
    target: np.ndarray,
    gain: float,
    radius_px: float,
    flip: float = 1.0,
) -> np.ndarray:
    """Where an arm's or leg's pixels come from.

    Args:
        source, target: (3, 2) or (2, 2) px: root, middle and perhaps end.
        gain: output px a photo px, across the bones.
        radius_px: half the limb's thickness in the output.
        flip: -1 takes the limb's left for its right.
    Returns:
        (m, n, 2) float, px of the photo at the nodes.
    """
    (s0, s1), (t0, t1) = source[:2], target[:2]
    upper_s, upper_t = unit_vector(s1 - s0, (0.0, 1.0)), unit_vector(t1 - t0, (0.0, 1.0))
    x, y = nodes.x - t1[0], nodes.y - t1[1]  # from elbow or knee
    d, n = _frame(upper_t)
    ds, ns = _frame(upper_s)
    lengths = math.hypot(*(t1 - t0)), math.hypot(*(s1 - s0))
    a = _along(x * d[0] + y * d[1], *lengths, gain, joint_at_end=True)
    b = (x * n[0] + y * n[1]) / gain  # the flip comes last
    if len(source) == 3 and len(target) == 3:
        a, b = _bent(x, y, a, b, source, target, gain, radius_px, flip, (upper_s, upper_t))
    b = flip * b
    return np.stack([s1[0] + a * ds[0] + b * ns[0], s1[1] + a * ds[1] + b * ns[1]], -1)


def _bent(
    x: np.ndarray,
    y: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    source: np.ndarray,
    target: np.ndarray,
    gain: float,
    radius_px: float,
    flip: float,
    upper: tuple[np.ndarray, np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """The upper bone's coordinates (a, b) blended with the lower one's about their joint."""
    lower_s = unit_vector(source[2] - source[1], (upper[0][0], upper[0][1]))
    lower_t = unit_vector(target[2] - target[1], (upper[1][0], upper[1][1]))
    bend_s = flip * _wrap(_angle(lower_s) - _angle(upper[0]))
    bend_t = _wrap(_angle(lower_t) - _angle(upper[1]))
    d, n = _frame(lower_t)
    lengths = math.hypot(*(target[2] - target[1])), math.hypot(*(source[2] - source[1]))
    al = _along(x * d[0] + y * d[1], *lengths, gain, joint_at_end=False)
    bl = (x * n[0] + y * n[1]) / gain
    c, s = math.cos(bend_s), math.sin(bend_s)
    al, bl = c * al - s * bl, s * al + c * bl  # into the upper bone's frame
    half = _angle(upper[1]) + bend_t / 2.0
    across = x * math.cos(half) + y * math.sin(half)  # the joint's bisector parts the two bones
    soft = max(_SOFT_JOINT * radius_px, 1.0)
    w = smooth(0.5 + across / (2.0 * soft))
    turn = bend_s - bend_t
    a1, b1 = _rotated(a, b, w * turn)
    a2, b2 = _rotated(al, bl, (w - 1.0) * turn)
    return (1.0 - w) * a1 + w * a2, (1.0 - w) * b1 + w * b2


def _rotated(a: np.ndarray, b: np.ndarray, angle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    c, s = np.cos(angle), np.sin(angle)
    return c * a - s * b, s * a + c * b


@dataclass(frozen=True)
class _Girdle:
    """Shoulders or hips: where they are, how they tilt, how wide they are seen."""

    middle: np.ndarray
    axis: np.ndarray
    width: float


def _girdle(
    person: Figure, pair: tuple[int, int], middle: np.ndarray, usual: float, turned: float
) -> _Girdle:
    """`turned` is the sign of left minus right across the trunk."""
    axis = unit_vector(person.neck - person.pelvis, (0.0, -1.0))
    if not person.there[list(pair)].all():
        return _Girdle(middle, axis, 1.0)
    line = (person.points[pair[0]] - person.points[pair[1]]) * turned
    side = np.array([-axis[1], axis[0]])
    width = math.hypot(*line) / (usual * max(person.unit, 1e-6))
    sure = float(np.clip((width - 0.25) / 0.4, 0.0, 1.0))
    tilt = _wrap(_angle(line) - _angle(side)) if width > 1e-3 else 0.0
    tilt = float(np.clip(tilt, -_MOST_TILT, _MOST_TILT)) * sure
    c, s = math.cos(tilt), math.sin(tilt)
    axis = np.array([c * axis[0] - s * axis[1], s * axis[0] + c * axis[1]])
    share = min(width, 1.0)
    return _Girdle(middle, axis, math.sqrt(share**2 + _DEPTH**2 * (1.0 - share**2)))


def facing(person: Figure) -> float:
    """Left minus right across the trunk, in trunk lengths: its sign says which side is seen."""
    axis = unit_vector(person.neck - person.pelvis, (0.0, -1.0))
    side = np.array([-axis[1], axis[0]])
    widths = [
        float((person.points[a] - person.points[b]) @ side)
        for a, b in (SHOULDERS, HIPS)
        if person.there[a] and person.there[b]
    ]
    return sum(widths) / max(person.unit, 1e-6)


def turned_over(source: Figure, target: Figure) -> bool:
    """One shows the front of the trunk, the other its back."""
    one, other = facing(source), facing(target)
    return one * other < 0 and min(abs(one), abs(other)) > 2 * _FLIP_ABOVE


def profile(person: Figure) -> float:
    """How far the nose points aside, in trunk lengths, positive to the right of the trunk's up."""
    if person.head is None or not person.there[0]:
        return 0.0
    ears = [j for j in (3, 4) if person.there[j]]
    behind = person.points[ears].mean(0) if ears else person.neck
    axis = unit_vector(person.neck - person.pelvis, (0.0, -1.0))
    side = np.array([-axis[1], axis[0]])
    return float((person.points[0] - behind) @ side) / max(person.unit, 1e-6)


def trunk_map(nodes: Patch, source: Figure, target: Figure, gain: float) -> np.ndarray:
    """Where trunk and head come from: hips, shoulders and head each turn, what lies between bends.

    Returns:
        (m, n, 2) float, px of the photo at the nodes.
    """
    flip = -1.0 if turned_over(source, target) else 1.0
    length_s = math.hypot(*(source.neck - source.pelvis))
    length_t = math.hypot(*(target.neck - target.pelvis))
    side_s = 1.0 if facing(source) >= 0 else -1.0
    maps = []
    for pair, name, usual in ((HIPS, "pelvis", _HIP_WIDTH), (SHOULDERS, "neck", _SHOULDER_WIDTH)):
        one = _girdle(source, pair, getattr(source, name), usual, side_s)
        other = _girdle(target, pair, getattr(target, name), usual, side_s * flip)
        x, y = nodes.x - other.middle[0], nodes.y - other.middle[1]
        d, n = _frame(other.axis)
        ds, ns = _frame(one.axis)
        a = _along(x * d[0] + y * d[1], length_t, length_s, gain, joint_at_end=name == "neck")
        b = flip * (x * n[0] + y * n[1]) * (one.width / other.width) / gain
        maps.append((one.middle[0] + a * ds[0] + b * ns[0], one.middle[1] + a * ds[1] + b * ns[1]))
    axis = unit_vector(target.neck - target.pelvis, (0.0, -1.0))
    height = (nodes.x - target.pelvis[0]) * axis[0] + (nodes.y - target.pelvis[1]) * axis[1]
    w = smooth(height / max(length_t, 1.0))
    out = np.stack([(1.0 - w) * low + w * high for low, high in zip(*maps, strict=True)], -1)
    head = _head_map(nodes, source, target, gain)
    if head is None or target.head is None:
        return out
    up = unit_vector(target.head - target.neck, (axis[0], axis[1]))
    above = (nodes.x - target.neck[0]) * up[0] + (nodes.y - target.neck[1]) * up[1]
    reach = min(_NECK_TO * target.unit, 0.6 * max(math.hypot(*(target.head - target.neck)), 1.0))
    start = _NECK_FROM / _NECK_TO * reach
    w = smooth((above - start) / max(reach - start, 1e-6))[..., None]
    return np.asarray((1.0 - w) * out + w * head)


def skirt_map(
    nodes: Patch,
    trunk: np.ndarray,
    legs: tuple[np.ndarray, np.ndarray],
    lines: tuple[np.ndarray, np.ndarray],
    target: Figure,
) -> np.ndarray:
    """Where a skirt comes from: it hangs on the hips, and each leg takes its side along.

    Args:
        trunk: (m, n, 2) of `trunk_map`.
        legs: (m, n, 2) of `limb_map`, left and right.
        lines: (2 or 3, 2) px, the joints of left and right leg in the target.
    Returns:
        (m, n, 2) float, px of the photo at the nodes.
    """
    far = [_to_line(nodes, line) for line in lines]
    w = smooth(far[0] / np.maximum(far[0] + far[1], 1e-6))[..., None]
    moved = (1.0 - w) * legs[0] + w * legs[1]
    down = unit_vector(
        np.concatenate([lines[0][1:], lines[1][1:]]).mean(0) - target.pelvis, (0.0, 1.0)
    )
    below = (nodes.x - target.pelvis[0]) * down[0] + (nodes.y - target.pelvis[1]) * down[1]
    w = smooth(below / (_SKIRT_BEGINS * target.unit))[..., None]
    return np.asarray((1.0 - w) * trunk + w * moved)


def _to_line(nodes: Patch, line: np.ndarray) -> np.ndarray:
    """(m, n) px from the nodes to a line of two or three points."""
    found = np.full((nodes.y.shape[0], nodes.x.shape[1]), np.inf)
    for a, b in itertools.pairwise(line):
        d = b - a
        x, y = nodes.x - a[0], nodes.y - a[1]
        share = np.clip((x * d[0] + y * d[1]) / max(float(d @ d), 1e-9), 0.0, 1.0)
        found = np.minimum(found, np.hypot(x - share * d[0], y - share * d[1]))
    return found


def _head_map(nodes: Patch, source: Figure, target: Figure, gain: float) -> np.ndarray | None:
    """The head moves as a whole: turned and shifted, mirrored where the face looks elsewhere."""
    both = [j for j in FACE if source.there[j] and target.there[j]]
    if source.head is None or target.head is None:
        return None
    if both:
        middle_s, middle_t = source.points[both].mean(0), target.points[both].mean(0)
    else:
        middle_s, middle_t = source.head, target.head
    up_s = unit_vector(middle_s - source.neck, (0.0, -1.0))
    up_t = unit_vector(middle_t - target.neck, (0.0, -1.0))
    flip = -1.0 if _looks_elsewhere(source, target, both, up_s, up_t) else 1.0
    turn = _head_turn(source, target, both, flip, _angle(up_s), _angle(up_t))
    x, y = (nodes.x - middle_t[0]) / gain, (nodes.y - middle_t[1]) / gain
    # From the target's frame (its up is the first axis) to the source's.
    d, n = _frame(up_t)
    ds, ns = _frame(np.array([math.cos(turn), math.sin(turn)]))
    a, b = x * d[0] + y * d[1], flip * (x * n[0] + y * n[1])
    return np.stack([middle_s[0] + a * ds[0] + b * ns[0], middle_s[1] + a * ds[1] + b * ns[1]], -1)


def _looks_elsewhere(
    source: Figure, target: Figure, both: list[int], up_s: np.ndarray, up_t: np.ndarray
) -> bool:
    """The face's points lie the other way round than in the photo."""
    if len(both) < 2:
        return turned_over(source, target)
    one = (source.points[both] - source.points[both].mean(0)) @ _frame(up_s)[1]
    other = (target.points[both] - target.points[both].mean(0)) @ _frame(up_t)[1]
    size = math.sqrt(float(one @ one) * float(other @ other))
    return bool(float(one @ other) < -0.5 * max(size, 1e-9))


def _head_turn(
    source: Figure, target: Figure, both: list[int], flip: float, angle_s: float, angle_t: float
) -> float:
    """Direction in the photo of what is up, along neck to face, in the target, rad.

    The face's points say how it tilts; the neck keeps them from saying nonsense where the head
    turns to the side, which moves the nose and not the head.
    """
    if len(both) < 3:
        return angle_s
    local_s = _local(source.points[both], angle_s)
    local_t = _local(target.points[both], angle_t) * np.array([1.0, flip])
    # The neck lies at the same place in both frames, so it asks for no turn.
    arm = 0.45 * source.unit * max(target.unit, 1e-6) * 0.45
    cosine = float((local_s * local_t).sum()) + arm
    sine = float((local_t[:, 0] * local_s[:, 1] - local_t[:, 1] * local_s[:, 0]).sum())
    return angle_s + math.atan2(sine, cosine)


def _local(points: np.ndarray, angle: float) -> np.ndarray:
    """(N, 2) points about their middle in a frame turned by `angle`."""
    d, n = _frame(np.array([math.cos(angle), math.sin(angle)]))
    centred = points - points.mean(0)
    return np.stack([centred @ d, centred @ n], 1)
