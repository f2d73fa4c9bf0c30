"""Edits of 2D poses that know the body: pure functions, a pose in, a pose out.

COCO-17 has neither neck nor pelvis, so the tree adds them: the neck is the middle of the shoulders,
the pelvis the middle of the hips (of those that are present). An absent joint stays absent.

What turns when a joint is rotated, or dragged under limb lock:

- elbow, wrist, knee, ankle, eye, ear: the joint and what hangs on it, about its parent;
- nose: the head about the neck;
- shoulder: shoulders, arms and head, rigidly, about the pelvis: the person bends;
- hip: hips and legs about the pelvis when rotated; a dragged hip carries the whole person.

So under lock no bone of the tree changes its length (hip to shoulder is not a bone of the tree).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection

import numpy as np

from poseapp.core.kinematics3d import (
    bone_lengths_3d,
    forward_kinematics,
    procrustes,
    set_bone_lengths,
)
from poseapp.core.pose import Pose2D
from poseapp.core.skeleton import COCO_17, LEFT_RIGHT

__all__ = [
    "NECK",
    "PELVIS",
    "bone_lengths",
    "bone_lengths_3d",
    "drag_joint",
    "forward_kinematics",
    "limb_pivot",
    "mirror",
    "procrustes",
    "reset_limb",
    "rotate_limb",
    "rotate_person",
    "scale",
    "set_bone_lengths",
    "symmetrise",
    "torso_size",
    "translate",
    "turn_around",
]

NECK, PELVIS = 17, 18
"""Indices of the virtual joints, after COCO's."""

_NOSE, _SHOULDERS, _HIPS = 0, (5, 6), (11, 12)
_HEAD = (0, 1, 2, 3, 4)
_UPPER = tuple(range(11))
_LOWER = tuple(range(11, 17))
_PARENTS = tuple(
    NECK if joint == _NOSE or joint in _SHOULDERS else PELVIS if joint in _HIPS else parent
    for joint, parent in enumerate(COCO_17.parents)
)
_NO_LENGTH = 1e-9

# Medians of 4,272 people of COCO who stand upright and face the camera; the unit is the distance
# from neck to pelvis, and limbs are set a little longer because their medians are foreshortened.
_STANDARD = {
    _NOSE: 0.43, 5: 0.36, 6: 0.36, 7: 0.60, 8: 0.60, 9: 0.50, 10: 0.50, 11: 0.23, 12: 0.23,
    13: 0.84, 14: 0.84, 15: 0.85, 16: 0.85,
}  # fmt: skip
# Eyes and ears from the nose: (towards the person's left, upwards), of an upright head.
_FACE = {1: (0.073, 0.07), 2: (-0.073, 0.07), 3: (0.18, 0.036), 4: (-0.18, 0.036)}


def _middle(pose: Pose2D, joints: tuple[int, ...]) -> np.ndarray | None:
    present = pose.present
    found = [pose.keypoints[j] for j in joints if present[j]]
    return sum(found[1:], start=found[0]) / len(found) if found else None


def joint_position(pose: Pose2D, joint: int) -> np.ndarray | None:
    """(2,) px of a COCO-17 joint, `NECK` or `PELVIS`; None where absent."""
    if joint == NECK:
        return _middle(pose, _SHOULDERS)
    if joint == PELVIS:
        return _middle(pose, _HIPS)
    return pose.keypoints[joint] if pose.present[joint] else None


def bone_lengths(pose: Pose2D) -> np.ndarray:
    """(17,) px from each joint to its parent in the tree, NaN where either is absent.

    Shoulders and nose count from the neck, hips from the pelvis.
    """
    points = np.full((PELVIS + 1, 2), np.nan)
    points[: len(COCO_17)][pose.present] = pose.keypoints[pose.present]
    for middle in (NECK, PELVIS):
        found = joint_position(pose, middle)
        if found is not None:
            points[middle] = found
    bones = points[: len(COCO_17)] - points[list(_PARENTS)]
    return np.asarray(np.hypot(bones[:, 0], bones[:, 1]))


def torso_size(pose: Pose2D) -> float:
    """Distance from neck to pelvis in px, guessed from other bones where it cannot be measured."""
    neck, pelvis = joint_position(pose, NECK), joint_position(pose, PELVIS)
    if neck is not None and pelvis is not None and math.hypot(*(neck - pelvis)) > 1.0:
        return math.hypot(*(neck - pelvis))
    lengths = bone_lengths(pose)
    guesses = [lengths[j] / part for j, part in _STANDARD.items() if lengths[j] > _NO_LENGTH]
    if guesses:
        return float(np.median(guesses))
    return max(1.0, pose.bounds[3] / 3.2) if pose.bounds else 1.0


def _rotation(angle_rad: float) -> np.ndarray:
    cosine, sine = math.cos(angle_rad), math.sin(angle_rad)
    return np.array([[cosine, -sine], [sine, cosine]])


def _turned(
    pose: Pose2D, joints: Collection[int], pivot: np.ndarray, rotation: np.ndarray
) -> Pose2D:
    points = pose.keypoints.copy()
    rows = [j for j in joints if pose.present[j]]
    points[rows] = (points[rows] - pivot) @ rotation.T + pivot
    return pose.with_keypoints(points)


def limb_pivot(pose: Pose2D, joint: int) -> tuple[np.ndarray | None, tuple[int, ...]]:
    """What a joint turns about ((2,) px, None where absent) and the joints that turn with it."""
    if joint in _SHOULDERS:
        return joint_position(pose, PELVIS), _UPPER
    if joint in _HIPS:
        return joint_position(pose, PELVIS), _LOWER
    return joint_position(pose, _PARENTS[joint]), COCO_17.subtree(joint)


def drag_joint(
    pose: Pose2D, joint: int, xy: tuple[float, float] | np.ndarray, lock_limbs: bool
) -> Pose2D:
    """Pull a joint towards (x, y) px.

    Without lock it lands there and nothing else moves. Under lock the bone to its pivot keeps its
    length: the joint lands on the circle in the mouse's direction, and what hangs on it turns along
    rigidly (see the top of this file). Without a pivot what hangs on it moves along unturned. A
    bone without any length has no direction to keep: then the joint is moved as if unlocked.
    """
    target = np.asarray(xy, float)
    if not lock_limbs or not pose.present[joint]:
        return pose.with_joint(joint, target)
    certain = pose.with_joint(joint, pose.keypoints[joint])  # a joint set by hand has confidence 1
    if joint in _HIPS:
        return translate(certain, target - pose.keypoints[joint])
    pivot, moving = limb_pivot(pose, joint)
    if pivot is None:
        return translate(certain, target - pose.keypoints[joint], moving)
    old, new = pose.keypoints[joint] - pivot, target - pivot
    if math.hypot(*old) < _NO_LENGTH:
        return pose.with_joint(joint, target)
    if math.hypot(*new) < _NO_LENGTH:
        return certain
    angle = math.atan2(new[1], new[0]) - math.atan2(old[1], old[0])
    return _turned(certain, moving, pivot, _rotation(angle))


def rotate_limb(pose: Pose2D, joint: int, angle_rad: float) -> Pose2D:
    """Turn a limb about its pivot, clockwise on the screen (y is down); unchanged without one."""
    pivot, moving = limb_pivot(pose, joint)
    if pivot is None or not pose.present[joint]:
        return pose
    return _turned(pose, moving, pivot, _rotation(angle_rad))


def translate(
    pose: Pose2D, delta: tuple[float, float] | np.ndarray, joints: Collection[int] | None = None
) -> Pose2D:
    """Move the person, or some of its joints, by (dx, dy) px."""
    moved = pose.present.copy()
    if joints is not None:
        moved &= np.isin(np.arange(len(moved)), list(joints))
    return pose.with_keypoints(pose.keypoints + moved[:, None] * np.asarray(delta, float))


def _centre(pose: Pose2D) -> np.ndarray:
    if pose.bounds is None:
        return np.zeros(2)
    x, y, width, height = pose.bounds
    return np.array([x + width / 2.0, y + height / 2.0])


def scale(
    pose: Pose2D,
    factor: float | tuple[float, float],
    centre: tuple[float, float] | np.ndarray | None = None,
) -> Pose2D:
    """Make a person larger or smaller about (x, y) px, its own middle if None."""
    middle = _centre(pose) if centre is None else np.asarray(centre, float)
    return pose.with_keypoints((pose.keypoints - middle) * np.asarray(factor, float) + middle)


def rotate_person(
    pose: Pose2D, angle_rad: float, centre: tuple[float, float] | np.ndarray | None = None
) -> Pose2D:
    """Turn a person clockwise on the screen about (x, y) px, its own middle if None."""
    middle = _centre(pose) if centre is None else np.asarray(centre, float)
    return _turned(pose, range(len(COCO_17)), middle, _rotation(angle_rad))


def mirror(pose: Pose2D, axis_x: float | None = None) -> Pose2D:
    """The mirror image: x flipped about a vertical axis (its own middle if None), sides renamed."""
    axis = float(_centre(pose)[0]) if axis_x is None else axis_x
    points = pose.keypoints * np.array([-1.0, 1.0]) + np.array([2.0 * axis, 0.0])
    return turn_around(pose.with_keypoints(points))


def turn_around(pose: Pose2D) -> Pose2D:
    """Swap the names of left and right, no joint moves: seen from behind becomes from the front."""
    swap = list(COCO_17.mirror)
    return Pose2D(pose.keypoints[swap], pose.visibility[swap], pose.confidence[swap])


def _midline(pose: Pose2D) -> tuple[np.ndarray, np.ndarray]:
    """A point on the body's midline and its unit direction."""
    both = [j for j in (*_SHOULDERS, *_HIPS) if pose.present[j]]
    if len(both) == 4:
        pelvis = pose.keypoints[list(_HIPS)].mean(0)
        along = pose.keypoints[list(_SHOULDERS)].mean(0) - pelvis
        if math.hypot(*along) > 1.0:
            return pelvis, along / math.hypot(*along)
    for pair in (_SHOULDERS, _HIPS):
        if pose.present[list(pair)].all():
            return pose.keypoints[list(pair)].mean(0), np.array([0.0, 1.0])
    point = joint_position(pose, _NOSE)
    return (_centre(pose) if point is None else point), np.array([0.0, 1.0])


def symmetrise(pose: Pose2D, source: str = "left") -> Pose2D:
    """Give one side the lengths and angles of the other, mirrored about the body's midline.

    The midline runs from the middle of the hips to that of the shoulders; it is vertical where one
    of them is absent. Joints that are absent on either side are left as they are.

    Args:
        source: "left" or "right", the side that stays.
    """
    if source not in ("left", "right"):
        raise ValueError(f"No side of a body is called {source!r}")
    origin, along = _midline(pose)
    points = pose.keypoints.copy()
    for left, right in LEFT_RIGHT:
        kept, changed = (left, right) if source == "left" else (right, left)
        if pose.present[kept] and pose.present[changed]:
            offset = pose.keypoints[kept] - origin
            points[changed] = origin + 2.0 * (offset @ along) * along - offset
    return pose.with_keypoints(points)


def _unit(vector: np.ndarray, otherwise: tuple[float, float]) -> np.ndarray:
    length = math.hypot(*vector)
    return vector / length if length > _NO_LENGTH else np.array(otherwise)


def reset_limb(pose: Pose2D, joint: int) -> Pose2D:
    """Give the arm, leg or head that holds a joint standard proportions, relative to the torso.

    Every bone keeps its direction. The shoulder or hip that an arm or leg hangs on stays where it
    is. Eyes and ears are put where they are on a head that faces the camera (or looks away from it
    when the left shoulder lies left of the right one).
    """
    unit = torso_size(pose)
    if joint in _HEAD:
        return _reset_head(pose, unit)
    chain = next(c for c in ((5, 7, 9), (6, 8, 10), (11, 13, 15), (12, 14, 16)) if joint in c)
    points = pose.keypoints.copy()
    for parent, child in itertools.pairwise(chain):
        if not (pose.present[parent] and pose.present[child]):
            continue
        direction = _unit(pose.keypoints[child] - pose.keypoints[parent], (0.0, 1.0))
        moved = points[parent] + direction * _STANDARD[child] * unit - points[child]
        for below in COCO_17.subtree(child):
            points[below] += moved
    return pose.with_keypoints(np.where(pose.present[:, None], points, 0.0))


def _reset_head(pose: Pose2D, unit: float) -> Pose2D:
    points = pose.keypoints.copy()
    neck, nose = joint_position(pose, NECK), joint_position(pose, _NOSE)
    up = np.array([0.0, -1.0])
    if neck is not None and nose is not None:
        up = _unit(nose - neck, (0.0, -1.0))
        nose = neck + up * _STANDARD[_NOSE] * unit
        points[_NOSE] = nose
    if nose is None:
        return pose
    towards_left = np.array([-up[1], up[0]])  # of a person who faces the camera: to the right
    if pose.present[list(_SHOULDERS)].all() and (points[5] - points[6]) @ towards_left < 0:
        towards_left = -towards_left
    for joint, (aside, above) in _FACE.items():
        if pose.present[joint]:
            points[joint] = nose + (towards_left * aside + up * above) * unit
    return pose.with_keypoints(points)
