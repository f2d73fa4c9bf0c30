"""From key poses to moving pictures: what lies between two poses, and motions made to fit a person.

A pose is taken as angles between bones and their lengths. Angles go the shorter way round, so that
an arm swings on an arc; straight lines between keypoints would shrink it on its way. Shoulders,
hips and face move within the trunk's frame, as a body that turns about itself is seen to do. In 3D
each bone turns as the slerp of its quaternions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from poseapp.core import rig
from poseapp.core.camera import FRONT, Camera, view_to_pose2d
from poseapp.core.errors import PoseError
from poseapp.core.kinematics import NECK, PELVIS, joint_position
from poseapp.core.newcomers import body_unit
from poseapp.core.pose import Pose2D, Pose3D
from poseapp.core.skeleton import COCO_17, MOCAP_17

_ROOT = -1
_PARENTS = (NECK, 0, 0, 1, 2, NECK, NECK, 5, 6, 7, 8, PELVIS, PELVIS, 11, 12, 13, 14)
_LIMBS = (7, 8, 9, 10, 13, 14, 15, 16)
_ORDER = (0, 1, 2, 3, 4, 5, 6, 11, 12, 7, 8, 13, 14, 9, 10, 15, 16)  # parents first
_FEET = (15, 16)
_NO_LENGTH = 1e-6
_MOST_FRAMES = 20_000
_PROPORTIONS = 0.8, 1.25  # how far a bone of a motion is made shorter or longer to fit a person

Easing = Callable[[float], float]

EASINGS: dict[str, Easing] = {
    "linear": lambda t: t,
    "smooth": lambda t: t * t * (3.0 - 2.0 * t),
    "in": lambda t: t * t,
    "out": lambda t: t * (2.0 - t),
    "hold": lambda t: 0.0 if t < 1.0 else 1.0,
}
"""How the time between two key poses passes, 0-1 to 0-1; by name."""


@dataclass(frozen=True)
class Key:
    """A pose at a time.

    Attributes:
        at_s: seconds from the start.
        easing: of `EASINGS`, for the way to the next key.
        pose3d: the lifted pose, where there is one.
    """

    pose: Pose2D
    at_s: float
    easing: str = "smooth"
    pose3d: Pose3D | None = None


@dataclass(frozen=True)
class _Angles:
    """A pose as angles.

    Attributes:
        root: (2,) px, the pelvis; what comes nearest to it where that is absent.
        trunk: rad, direction from pelvis to neck; upright where one is absent.
        length: px from pelvis to neck; NaN where one is absent.
        hangs: (17,) what each joint's values are measured from, `_ROOT` where that is absent.
        values: (17, 2): limbs: angle to the parent's bone (rad) and length (px); others: px in
            the trunk's frame, along it and to its right.
        there: (17,) bool.
    """

    root: np.ndarray
    trunk: float
    length: float
    hangs: np.ndarray
    values: np.ndarray
    there: np.ndarray


def _place(pose: Pose2D, joint: int) -> np.ndarray | None:
    found = joint_position(pose, joint)
    return None if found is None else np.asarray(found)


def _angles(pose: Pose2D) -> _Angles:
    neck, pelvis = _place(pose, NECK), _place(pose, PELVIS)
    root = pelvis if pelvis is not None else neck
    if root is None:
        root = pose.keypoints[pose.present].mean(0) if pose.present.any() else np.zeros(2)
    trunk, length = -math.pi / 2.0, math.nan
    if neck is not None and pelvis is not None:
        length = math.hypot(*(neck - pelvis))
        if length > _NO_LENGTH:
            trunk = _direction(neck - pelvis)
    hangs, values = np.full(17, _ROOT), np.zeros((17, 2))
    for joint in _ORDER:
        if not pose.present[joint]:
            continue
        parent = _PARENTS[joint]
        start = _place(pose, parent)
        if start is not None:
            hangs[joint] = parent
        step = pose.keypoints[joint] - (root if start is None else start)
        if joint in _LIMBS and start is not None:
            before = _bone_angle(pose, parent, trunk)
            length_px = math.hypot(*step)
            turn = _wrap(_direction(step) - before) if length_px > _NO_LENGTH else math.nan
            values[joint] = turn, length_px
        else:
            values[joint] = _rotated(step, -trunk)
    return _Angles(root, trunk, length, hangs, values, pose.present.copy())


def _bone_angle(pose: Pose2D, joint: int, trunk: float) -> float:
    """Direction of the bone that ends in a joint; the trunk's where it has none."""
    if joint not in _LIMBS or not pose.present[_PARENTS[joint]]:
        return trunk
    bone = pose.keypoints[joint] - pose.keypoints[_PARENTS[joint]]
    return _direction(bone) if math.hypot(*bone) > _NO_LENGTH else trunk


def _points(angles: _Angles) -> np.ndarray:
    """(17, 2) px; 0 where a joint is not there."""
    out = np.zeros((17, 2))
    along = _rotated(np.array([angles.length, 0.0]), angles.trunk)
    pelvis = angles.root
    # Without a pelvis the root is the neck itself.
    neck = angles.root if math.isnan(angles.length) else pelvis + along
    nodes = {_ROOT: angles.root, NECK: neck, PELVIS: pelvis}
    directions: dict[int, float] = {}
    for joint in _ORDER:
        if not angles.there[joint]:
            continue
        parent = int(angles.hangs[joint])
        start = nodes[parent] if parent in nodes else out[parent]
        if joint in _LIMBS and parent != _ROOT:
            turn, length = angles.values[joint]
            direction = directions.get(parent, angles.trunk) + (0.0 if math.isnan(turn) else turn)
            if length > _NO_LENGTH:
                directions[joint] = direction
            out[joint] = start + _rotated(np.array([length, 0.0]), direction)
        else:
            out[joint] = start + _rotated(angles.values[joint], angles.trunk)
    return out


def _direction(vector: np.ndarray) -> float:
    return math.atan2(vector[1], vector[0])


def _wrap(angle: float) -> float:
    return math.remainder(angle, math.tau)


def _rotated(vector: np.ndarray, angle: float) -> np.ndarray:
    c, s = math.cos(angle), math.sin(angle)
    return np.array([c * vector[0] - s * vector[1], s * vector[0] + c * vector[1]])


def _mixed_angle(one: float, other: float, share: float) -> float:
    if math.isnan(one) or math.isnan(other):
        return other if math.isnan(one) else one
    return one + _wrap(other - one) * share


def between(one: Pose2D, other: Pose2D, share: float) -> Pose2D:
    """The pose on the way from one to the other.

    A joint that only one of them has moves along with what it hangs on, and is there as long as
    that pose is the nearer.

    Args:
        share: 0 gives `one`, 1 gives `other`, exactly.
    """
    if share <= 0.0:
        return one
    if share >= 1.0:
        return other
    near = one if share < 0.5 else other
    a, b = _angles(one), _angles(other)
    mine = a if share < 0.5 else b
    values, hangs = mine.values.copy(), mine.hangs.copy()
    for joint in range(17):
        if not (a.there[joint] and b.there[joint]) or a.hangs[joint] != b.hangs[joint]:
            continue
        start, end = a.values[joint], b.values[joint]
        values[joint] = (1.0 - share) * start + share * end
        if joint in _LIMBS and hangs[joint] != _ROOT:
            values[joint, 0] = _mixed_angle(float(start[0]), float(end[0]), share)
    both = not (math.isnan(a.length) or math.isnan(b.length))
    mixed = _Angles(
        (1.0 - share) * a.root + share * b.root,
        _mixed_angle(a.trunk, b.trunk, share),
        (1.0 - share) * a.length + share * b.length if both else mine.length,
        hangs,
        values,
        mine.there,
    )
    sure = (1.0 - share) * one.confidence + share * other.confidence
    sure = np.where(one.present & other.present, sure, near.confidence)
    return Pose2D(_points(mixed), near.visibility, sure)


def between_3d(one: Pose3D, other: Pose3D, share: float) -> Pose3D:
    """The 3D pose on the way: each bone turns about one axis, and changes its length evenly."""
    if share <= 0.0:
        return one
    if share >= 1.0:
        return other
    upright = np.array([1.0, -1.0, -1.0])  # camera space has y down; half a turn about x
    joints = np.stack([one.joints, other.joints]) * upright
    local = rig.solve(joints)
    bones = np.zeros((2, len(rig.RIG), 3))
    turned = np.zeros_like(local)
    for index, joint in enumerate(rig.RIG):
        turned[:, index] = local[:, index]
        if joint.parent >= 0:
            turned[:, index] = turned[:, joint.parent] @ local[:, index]
        if joint.towards is not None:
            bone = joints[:, joint.towards] - joints[:, joint.at]
            bones[:, index] = (np.swapaxes(turned[:, index], -1, -2) @ bone[..., None])[..., 0]
    out = np.zeros((len(MOCAP_17), 3))
    out[0] = (1.0 - share) * joints[0, 0] + share * joints[1, 0]
    frames = np.zeros((len(rig.RIG), 3, 3))
    for index, joint in enumerate(rig.RIG):
        here = slerp(local[0, index], local[1, index], share)
        frames[index] = here if joint.parent < 0 else frames[joint.parent] @ here
        if joint.towards is not None:
            bone = (1.0 - share) * bones[0, index] + share * bones[1, index]
            out[joint.towards] = out[joint.at] + frames[index] @ bone
    elevation = (1.0 - share) * one.elevation + share * other.elevation
    return Pose3D(out * upright, elevation)


def slerp(one: np.ndarray, other: np.ndarray, share: float) -> np.ndarray:
    """(3, 3) rotation on the shortest way between two: what slerp is for quaternions."""
    import cv2  # not needed for the first window

    axis, _ = cv2.Rodrigues(one.T @ other)
    step, _ = cv2.Rodrigues(axis * share)
    return np.asarray(one @ step)


def times(keys: Sequence[Key], fps: float, loop: bool = False) -> np.ndarray:
    """(F,) seconds of the frames of a strip of keys.

    A loop goes back to the first key after the last one, in the mean time between two keys.

    Raises:
        PoseError: no keys, keys out of order, or too many frames.
    """
    if not keys:
        raise PoseError("There is no pose on the strip: add one first.")
    if not fps > 0:
        raise PoseError(f"A motion needs more than 0 frames a second, not {fps:g}.")
    starts = [key.at_s for key in keys]
    if any(after <= before for before, after in pairwise(starts)):
        raise PoseError("The poses of a strip must come one after another: move them apart.")
    if any(key.easing not in EASINGS for key in keys):
        raise PoseError(f"The way between two poses can be {', '.join(EASINGS)}.")
    length = starts[-1] - starts[0]
    if loop and len(keys) > 1:
        length += length / (len(keys) - 1)
    count = math.floor(length * fps + 1e-6)
    if count >= _MOST_FRAMES:
        raise PoseError(f"That would be {count:,} frames: take fewer a second, or less time.")
    if not loop or len(keys) == 1:
        count += 1
    return np.asarray(starts[0] + np.arange(max(count, 1)) / fps)


def at(keys: Sequence[Key], time_s: float, loop: bool = False) -> Key:
    """The pose of a strip at a time; before the first and after the last key it rests."""
    strip = list(keys)
    if loop and len(strip) > 1:
        pause = (strip[-1].at_s - strip[0].at_s) / (len(strip) - 1)
        strip.append(replace(strip[0], at_s=strip[-1].at_s + pause))
        span = strip[-1].at_s - strip[0].at_s
        time_s = strip[0].at_s + (time_s - strip[0].at_s) % span
    if time_s <= strip[0].at_s:
        return replace(strip[0], at_s=time_s)
    for before, after in pairwise(strip):
        if time_s <= after.at_s:
            share = EASINGS[before.easing](
                (time_s - before.at_s) / max(after.at_s - before.at_s, 1e-9)
            )
            solid = None
            if before.pose3d is not None and after.pose3d is not None:
                solid = between_3d(before.pose3d, after.pose3d, share)
            pose = between(before.pose, after.pose, share)
            return Key(pose, time_s, before.easing, solid)
    return replace(strip[-1], at_s=time_s)


def frames(keys: Sequence[Key], fps: float, loop: bool = False) -> list[Key]:
    """All frames of a strip; arguments and errors as for `times`."""
    return [at(keys, float(time_s), loop) for time_s in times(keys, fps, loop)]


def seen_from(
    joints: np.ndarray, camera: Camera = FRONT, size: tuple[int, int] = (768, 768)
) -> list[Pose2D]:
    """A motion in 3D as a camera sees it.

    Args:
        joints: (F, 17, 3) float mm, MOCAP-17, world space.
        size: (width, height) px of the picture.
    """
    return [view_to_pose2d(frame, camera, size) for frame in np.asarray(joints, float)]


def fitted(motion: Sequence[Pose2D], person: Pose2D) -> list[Pose2D]:
    """A motion done by a person: their size, their proportions, from where they stand.

    The first frame's lowest foot (or the pelvis, where feet are absent) comes where the person's
    is.

    Raises:
        PoseError: the motion has no pose, or the person no joints.
    """
    if not motion or not any(pose.present.any() for pose in motion):
        raise PoseError("The motion shows nobody.")
    if not person.present.any():
        raise PoseError("The person has no joints yet: mark them first.")
    taken = [_angles(pose) for pose in motion]
    mine = _angles(person)
    unit = float(np.median([body_unit(pose) for pose in motion if pose.present.any()]))
    scale = body_unit(person) / max(unit, 1e-6)
    factors = _bone_factors(taken, mine, scale)
    first = next(i for i, pose in enumerate(motion) if pose.present.any())
    out = []
    for angles in taken:
        values = angles.values * scale
        values[list(_LIMBS), 0] = np.where(
            angles.hangs[list(_LIMBS)] == _ROOT,
            values[list(_LIMBS), 0],
            angles.values[list(_LIMBS), 0],
        )
        values[list(_LIMBS), 1] *= factors[list(_LIMBS)]
        root = (angles.root - taken[first].root) * scale
        out.append(replace(angles, root=root, length=angles.length * scale, values=values))
    placed = [_points(angles) for angles in out]
    shift = _anchor(person.keypoints, person.present, mine.root) - _anchor(
        placed[first], motion[first].present, out[first].root
    )
    return [
        Pose2D(
            np.where(pose.present[:, None], points + shift, 0.0), pose.visibility, pose.confidence
        )
        for pose, points in zip(motion, placed, strict=True)
    ]


def _bone_factors(motion: list[_Angles], person: _Angles, scale: float) -> np.ndarray:
    """(17,) by how much longer the person's limbs are than the motion's, left and right alike.

    A bone seen from its end is short: the long ones of a motion, and the longer side of the
    person, say how long it is.
    """
    out = np.ones(17)
    for pair in ((joint, COCO_17.mirror[joint]) for joint in _LIMBS[::2]):
        mine = [person.values[j, 1] for j in pair if person.there[j] and person.hangs[j] != _ROOT]
        theirs = [
            angles.values[j, 1] * scale
            for angles in motion
            for j in pair
            if angles.there[j] and angles.hangs[j] != _ROOT
        ]
        length = float(np.percentile(theirs, 90)) if theirs else 0.0
        if mine and length > _NO_LENGTH:
            out[list(pair)] = np.clip(max(mine) / length, *_PROPORTIONS)
    return out


def _anchor(points: np.ndarray, present: np.ndarray, root: np.ndarray) -> np.ndarray:
    """(2,) px: under the root, as low as the lowest foot."""
    feet = [points[j, 1] for j in _FEET if present[j]]
    return np.array([root[0], max(feet) if feet else root[1]])
