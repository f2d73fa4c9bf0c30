"""Joint names, bones and left/right pairs of each skeleton, and exact maps between them.

COCO-17 is the native skeleton of every 2D pose. `MOCAP_17` is the native skeleton of every 3D pose:
Human3.6M's 17 joints in Human3.6M's order, under the names of the motion-capture data.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Skeleton:
    """A named set of joints.

    Attributes:
        joints: joint names in array order.
        bones: (parent, child) index pairs, drawn as limbs.
        parents: parent index of each joint in the kinematic tree, -1 for the root(s).
    """

    name: str
    title: str
    joints: tuple[str, ...]
    bones: tuple[tuple[int, int], ...]
    parents: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.joints)

    def index(self, joint: str) -> int:
        """Index of a joint name; raises ValueError when the skeleton has no such joint."""
        return self.joints.index(joint)

    @cached_property
    def mirror(self) -> tuple[int, ...]:
        """For each joint the index of its left/right counterpart (itself on the midline)."""
        names = {name.lower(): i for i, name in enumerate(self.joints)}
        return tuple(names.get(_swap_side(name.lower()), i) for i, name in enumerate(self.joints))

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """Direct children of each joint in the kinematic tree."""
        count = range(len(self.joints))
        return tuple(tuple(c for c in count if self.parents[c] == joint) for joint in count)

    def subtree(self, joint: int) -> tuple[int, ...]:
        """The joint and all its descendants, parents first."""
        found = [joint]
        for node in found:
            found.extend(self.children[node])
        return tuple(found)

    def side(self, joint: int) -> str:
        """Which side of the body: left, right or middle."""
        name = self.joints[joint].lower()
        if name.startswith(("left", "l_")):
            return "left"
        return "right" if name.startswith(("right", "r_")) else "middle"


def _swap_side(name: str) -> str:
    for one, other in (("left_", "right_"), ("right_", "left_"), ("l_", "r_"), ("r_", "l_")):
        if name.startswith(one):
            return other + name[len(one) :]
    return name


_COCO = (
    "nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow right_elbow"
    " left_wrist right_wrist left_hip right_hip left_knee right_knee left_ankle right_ankle"
)

COCO_17 = Skeleton(
    name="coco17",
    title="COCO (17)",
    joints=tuple(_COCO.split()),
    bones=(
        (15, 13), (13, 11), (16, 14), (14, 12), (11, 12), (5, 11), (6, 12), (5, 6), (5, 7), (6, 8),
        (7, 9), (8, 10), (1, 2), (0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 6),
    ),
    # Shoulders and hips are roots: COCO has neither neck nor pelvis. See `kinematics`.
    parents=(-1, 0, 0, 1, 2, -1, -1, 5, 6, 7, 8, -1, -1, 11, 12, 13, 14),
)  # fmt: skip

_OPENPOSE_HEAD = (
    "nose neck right_shoulder right_elbow right_wrist left_shoulder left_elbow left_wrist"
)

OPENPOSE_18 = Skeleton(
    name="openpose18",
    title="OpenPose (18)",
    joints=tuple(
        (
            _OPENPOSE_HEAD + " right_hip right_knee right_ankle left_hip left_knee left_ankle"
            " right_eye left_eye right_ear left_ear"
        ).split()
    ),
    bones=(
        (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12),
        (12, 13), (1, 0), (0, 14), (14, 16), (0, 15), (15, 17),
    ),
    parents=(1, -1, 1, 2, 3, 1, 5, 6, 1, 8, 9, 1, 11, 12, 0, 0, 14, 15),
)  # fmt: skip

BODY_25 = Skeleton(
    name="body25",
    title="OpenPose BODY_25",
    joints=tuple(
        (
            _OPENPOSE_HEAD + " mid_hip right_hip right_knee right_ankle left_hip left_knee"
            " left_ankle right_eye left_eye right_ear left_ear left_big_toe left_small_toe"
            " left_heel right_big_toe right_small_toe right_heel"
        ).split()
    ),
    bones=(
        (1, 8), (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (8, 9), (9, 10), (10, 11), (8, 12),
        (12, 13), (13, 14), (1, 0), (0, 15), (15, 17), (0, 16), (16, 18), (14, 19), (19, 20),
        (14, 21), (11, 22), (22, 23), (11, 24),
    ),
    parents=(1, 8, 1, 2, 3, 1, 5, 6, -1, 8, 9, 10, 8, 12, 13, 0, 0, 15, 16, 14, 19, 14, 11, 22, 11),
)  # fmt: skip

_MOCAP_PARENTS = (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15)
_MOCAP_BONES = tuple((p, c) for c, p in enumerate(_MOCAP_PARENTS) if p >= 0)

H36M_17 = Skeleton(
    name="h36m17",
    title="Human3.6M (17)",
    joints=(
        "root",
        "r_hip",
        "r_knee",
        "r_foot",
        "l_hip",
        "l_knee",
        "l_foot",
        "spine",
        "thorax",
        "neck_base",
        "head",
        "l_shoulder",
        "l_elbow",
        "l_wrist",
        "r_shoulder",
        "r_elbow",
        "r_wrist",
    ),
    bones=_MOCAP_BONES,
    parents=_MOCAP_PARENTS,
)

MOCAP_17 = Skeleton(
    name="mocap17",
    title="3D (17)",
    joints=(
        "Pelvis",
        "R_Hip",
        "R_Knee",
        "R_Ankle",
        "L_Hip",
        "L_Knee",
        "L_Ankle",
        "Torso",
        "Neck",
        "Nose",
        "Head",
        "L_Shoulder",
        "L_Elbow",
        "L_Wrist",
        "R_Shoulder",
        "R_Elbow",
        "R_Wrist",
    ),
    bones=_MOCAP_BONES,
    parents=_MOCAP_PARENTS,
)

SKELETONS: dict[str, Skeleton] = {
    s.name: s for s in (COCO_17, OPENPOSE_18, BODY_25, H36M_17, MOCAP_17)
}

LEFT_RIGHT: tuple[tuple[int, int], ...] = tuple(
    (i, m) for i, m in enumerate(COCO_17.mirror) if i < m
)
"""COCO-17 (left, right) joint index pairs."""

_Rows = tuple[tuple[tuple[int, float], ...], ...]


def _one(*sources: int) -> tuple[tuple[int, float], ...]:
    return tuple((s, 1.0 / len(sources)) for s in sources)


# Each target joint is the mean of the listed source joints; () = the source has no such joint.
_FROM_COCO: dict[str, _Rows] = {
    "coco17": tuple(_one(i) for i in range(17)),
    "openpose18": tuple(
        _one(*(i if isinstance(i, tuple) else (i,)))
        for i in (0, (5, 6), 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)
    ),
    "body25": tuple(
        _one(*(i if isinstance(i, tuple) else (i,)))
        for i in (0, (5, 6), 6, 8, 10, 5, 7, 9, (11, 12), 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)
    )
    + ((),) * 6,
    # MotionBERT's halpe2h36m: root = mid-hip, spine = (neck + hip) / 2, neck base = nose. COCO has
    # no head top; the mean of the ears is the nearest point that is always there.
    "h36m17": tuple(
        _one(*(i if isinstance(i, tuple) else (i,)))
        for i in (
            (11, 12), 12, 14, 16, 11, 13, 15, (5, 6, 11, 12), (5, 6), 0, (3, 4), 5, 7, 9, 6, 8, 10,
        )
    ),
}  # fmt: skip

_TO_COCO: dict[str, _Rows] = {
    "coco17": _FROM_COCO["coco17"],
    "openpose18": tuple(
        _one(i) for i in (0, 15, 14, 17, 16, 5, 2, 6, 3, 7, 4, 11, 8, 12, 9, 13, 10)
    ),
    "body25": tuple(
        _one(i) for i in (0, 16, 15, 18, 17, 5, 2, 6, 3, 7, 4, 12, 9, 13, 10, 14, 11)
    ),
    "h36m17": (
        _one(9), (), (), (), (), _one(11), _one(14), _one(12), _one(15), _one(13), _one(16),
        _one(4), _one(1), _one(5), _one(2), _one(6), _one(3),
    ),
}  # fmt: skip


def convert(
    keypoints: np.ndarray, confidence: np.ndarray, source: Skeleton, target: Skeleton
) -> tuple[np.ndarray, np.ndarray]:
    """Map keypoints between COCO-17 and another 2D skeleton.

    Args:
        keypoints: (len(source), D) float.
        confidence: (len(source),) float, 0 = absent.
    Returns:
        (len(target), D) float keypoints, 0 where absent, and (len(target),) float confidence. A
        joint made of several sources takes their mean and the least of their confidences; it is
        absent as soon as one of them is.
    Raises:
        ValueError: neither skeleton is COCO-17, or there is no map.
    """
    if source.name == target.name:
        return np.array(keypoints, float), np.array(confidence, float)
    if source is COCO_17:
        rows = _FROM_COCO[target.name]
    elif target is COCO_17:
        rows = _TO_COCO[source.name]
    else:
        raise ValueError(f"No map from {source.name} to {target.name}")
    keypoints = np.asarray(keypoints, float)
    out = np.zeros((len(target), keypoints.shape[1]))
    conf = np.zeros(len(target))
    for joint, row in enumerate(rows):
        if row and all(confidence[s] > 0 for s, _ in row):
            out[joint] = sum(w * keypoints[s] for s, w in row)
            conf[joint] = min(float(confidence[s]) for s, _ in row)
    return out, conf
