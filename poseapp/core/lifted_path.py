"""Between two poses through space: bones keep their length in 3D, the picture follows.

Where angles turn in the picture alone, an arm that swings towards the viewer and back would keep
its length there. A lifter says how deep each joint lies on the way; then each bone gets the length
that it has at the two ends, and what is seen of it gets longer or shorter as it turns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from poseapp.core import motion
from poseapp.core.kinematics3d import bone_lengths_3d, set_bone_lengths
from poseapp.core.pose import Pose2D
from poseapp.core.skeleton import COCO_17, MOCAP_17

_SIDES = {"L": "left", "R": "right"}
_NOSE, _FACE = 0, (1, 2, 3, 4)
_LIFTED_FROM: tuple[tuple[int, int], ...] = (
    (_NOSE, MOCAP_17.index("Nose")),
    *(
        (COCO_17.index(f"{long}_{joint.lower()}"), MOCAP_17.index(f"{short}_{joint}"))
        for joint in ("Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle")
        for short, long in _SIDES.items()
    ),
)
"""COCO-17 joints that a lift has, with their place in it."""


@dataclass(frozen=True)
class Lifts:
    """Lifts of the poses of a way, with the camera that projects them back.

    Attributes:
        joints: (F, 17, 3) mm, MOCAP-17, camera space, pelvis at 0.
        root_px: (F, 2) px, where the pelvis is seen.
        mm_per_px: (F,) at the pelvis's depth.
        distance_mm: (F,) from the camera to the pelvis.
    """

    joints: np.ndarray
    root_px: np.ndarray
    mm_per_px: np.ndarray
    distance_mm: np.ndarray


def flat_path(one: Pose2D, other: Pose2D, shares: np.ndarray) -> list[Pose2D]:
    """The way in the picture: angles that turn evenly."""
    return [motion.between(one, other, float(share)) for share in shares]


def solid_path(flat: list[Pose2D], shares: np.ndarray, lifts: Lifts) -> tuple[list[Pose2D], Lifts]:
    """The way with bones that keep their length in space.

    Args:
        flat: of `flat_path`; the first and the last are the two ends.
        shares: (F,) 0 to 1.
        lifts: of each of `flat`.
    Returns:
        Poses, the ends as they were, and their lifts.
    """
    lengths = bone_lengths_3d(lifts.joints[[0, -1]])
    share = np.asarray(shares, float)[:, None]
    wanted = (1.0 - share) * lengths[0] + share * lengths[1]
    joints = set_bone_lengths(lifts.joints, wanted)
    # Size and place go evenly: those of single lifts tremble.
    scale = (1.0 - share) * lifts.mm_per_px[0] + share * lifts.mm_per_px[-1]  # (F, 1)
    root = (1.0 - share) * lifts.root_px[0] + share * lifts.root_px[-1]
    far = (1.0 - share) * lifts.distance_mm[0] + share * lifts.distance_mm[-1]
    nearness = far / np.maximum(far + joints[..., 2], 1.0)  # (F, 17)
    seen = root[:, None] + joints[..., :2] * nearness[..., None] / scale[..., None]
    poses = [
        flat[0],
        *(_seen(pose, points) for pose, points in zip(flat[1:-1], seen[1:-1], strict=True)),
        flat[-1],
    ]
    return poses, Lifts(joints, root, scale[:, 0], far[:, 0])


def _seen(pose: Pose2D, points: np.ndarray) -> Pose2D:
    """A pose with its body where the lift is seen; the face goes along with the nose."""
    out = pose.keypoints.copy()
    for joint, lifted in _LIFTED_FROM:
        out[joint] = points[lifted]
    if pose.present[_NOSE]:
        for joint in _FACE:
            out[joint] = pose.keypoints[joint] + out[_NOSE] - pose.keypoints[_NOSE]
    return pose.with_keypoints(np.where(pose.present[:, None], out, 0.0))
