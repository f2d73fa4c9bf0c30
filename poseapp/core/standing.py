"""A standing person: the figure that a new one starts from, and where a lost joint goes back to."""

from __future__ import annotations

import numpy as np

from poseapp.core import kinematics
from poseapp.core.pose import Pose2D, Visibility
from poseapp.core.skeleton import COCO_17

# Units of the distance from neck to pelvis; the neck lies at (0, 0), y down, facing the viewer.
STANDING = np.array(
    [
        (0.0, -0.44), (0.075, -0.51), (-0.075, -0.51), (0.165, -0.47), (-0.165, -0.47),
        (0.36, 0.02), (-0.36, 0.02), (0.50, 0.56), (-0.50, 0.56), (0.57, 1.04), (-0.57, 1.04),
        (0.22, 1.0), (-0.22, 1.0), (0.27, 1.80), (-0.27, 1.80), (0.30, 2.60), (-0.30, 2.60),
    ]
)  # fmt: skip
STANDING.setflags(write=False)
_GIRDLES = (5, 6, 11, 12)


def standing(centre: tuple[float, float], height: float) -> Pose2D:
    """A standing person around (x, y) px, `height` px from the eyes to the ankles."""
    low, high = STANDING.min(0), STANDING.max(0)
    points = (STANDING - (low + high) / 2.0) * (height / (high[1] - low[1]))
    return Pose2D(points + np.asarray(centre, float))


def restored(pose: Pose2D, joint: int) -> Pose2D:
    """Bring an absent joint back, visible, where it hangs on a standing person of that size.

    It is placed from what it turns about; where that is absent too, from the nearest joints that
    are there. A joint that is present stays as it is.
    """
    if pose.present[joint]:
        return pose
    if not pose.present.any():
        return pose.with_joint(joint, STANDING[joint] * 100.0 + 200.0)
    unit = kinematics.torso_size(pose)
    facing = _facing(pose)
    mirrored = COCO_17.mirror[joint]
    if joint in _GIRDLES and pose.present[mirrored]:
        across = (STANDING[joint] - STANDING[mirrored]) * facing * unit
        return pose.with_joint(joint, pose.keypoints[mirrored] + across)
    pivot, _ = kinematics.limb_pivot(pose, joint)
    if pivot is not None:
        usual = _offset(joint) * facing * unit
        other, _ = kinematics.limb_pivot(pose, mirrored)
        if mirrored != joint and pose.present[mirrored] and other is not None:
            offset = (pose.keypoints[mirrored] - other) * np.array([-1.0, 1.0])
            if np.linalg.norm(offset - usual) < unit:  # a plain stance: like the other side
                usual = offset
        return pose.with_joint(joint, pivot + usual)
    near = np.linalg.norm(STANDING - STANDING[joint], axis=1)
    near[~pose.present] = np.inf
    anchor = int(near.argmin())
    step = (STANDING[joint] - STANDING[anchor]) * facing * unit
    return pose.with_joint(joint, pose.keypoints[anchor] + step)


def _facing(pose: Pose2D) -> np.ndarray:
    """(2,) factors that turn offsets of the standing person into those of one seen from behind."""
    for left, right in ((5, 6), (11, 12)):
        if pose.present[left] and pose.present[right]:
            towards = pose.keypoints[left, 0] - pose.keypoints[right, 0]
            return np.array([-1.0 if towards < 0 else 1.0, 1.0])
    return np.ones(2)


def _offset(joint: int) -> np.ndarray:
    """(2,) from a joint's pivot to it, on the standing person."""
    whole = Pose2D(STANDING, np.full(len(COCO_17), Visibility.VISIBLE))
    pivot, _ = kinematics.limb_pivot(whole, joint)
    return STANDING[joint] - (np.zeros(2) if pivot is None else pivot)
