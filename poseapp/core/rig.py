"""From joint positions to bone rotations: the rig that animation programs ask for.

Positions fix where a bone points, not how it is twisted about itself. The torso's frame comes from
spine and hips, the chest's from spine and shoulders; every other bone turns from its parent's
frame the shortest way, with no twist of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from poseapp.core.kinematics3d import bone_lengths_3d
from poseapp.core.skeleton import MOCAP_17


@dataclass(frozen=True)
class RigJoint:
    """A joint of the rig.

    Attributes:
        parent: index in `RIG`, -1 for the root.
        at: the MOCAP-17 joint it lies on.
        towards: the MOCAP-17 joint its bone ends at; None = a hand or foot, whose end is unknown.
    """

    name: str
    parent: int
    at: int
    towards: int | None


def _rig() -> tuple[RigJoint, ...]:
    joints: list[RigJoint] = []

    def add(name: str, parent: int, at: str, towards: str | None) -> int:
        end = None if towards is None else MOCAP_17.index(towards)
        joints.append(RigJoint(name, parent, MOCAP_17.index(at), end))
        return len(joints) - 1

    hips = add("Hips", -1, "Pelvis", "Torso")
    spine = add("Spine", hips, "Torso", "Neck")
    neck = add("Neck", spine, "Neck", "Nose")
    add("Head", neck, "Nose", "Head")
    # A joint may not rotate several bones by different amounts, so shoulders and hips have each
    # one more joint where they branch off.
    for long, short in (("Left", "L"), ("Right", "R")):
        last = add(f"{long}Shoulder", spine, "Neck", f"{short}_Shoulder")
        last = add(f"{long}Arm", last, f"{short}_Shoulder", f"{short}_Elbow")
        last = add(f"{long}ForeArm", last, f"{short}_Elbow", f"{short}_Wrist")
        add(f"{long}Hand", last, f"{short}_Wrist", None)
    for long, short in (("Left", "L"), ("Right", "R")):
        last = add(f"{long}Hip", hips, "Pelvis", f"{short}_Hip")
        last = add(f"{long}UpLeg", last, f"{short}_Hip", f"{short}_Knee")
        last = add(f"{long}Leg", last, f"{short}_Knee", f"{short}_Ankle")
        add(f"{long}Foot", last, f"{short}_Ankle", None)
    return tuple(joints)


RIG = _rig()
"""The rig's joints, parents first, each with its whole subtree before the next branch."""

_HAND_OF_FOREARM, _FOOT_OF_SHIN = 0.35, 0.35


@cache
def rest_directions() -> np.ndarray:
    """(17, 3) unit vectors: each MOCAP-17 joint from its parent in the rest pose, a T facing +z."""
    directions = np.zeros((len(MOCAP_17), 3))
    for joint, name in enumerate(MOCAP_17.joints):
        kind = name.split("_")[-1]
        side = {"left": 1.0, "right": -1.0, "middle": 0.0}[MOCAP_17.side(joint)]
        if kind in ("Hip", "Shoulder", "Elbow", "Wrist"):
            directions[joint] = side, 0.0, 0.0
        elif kind in ("Knee", "Ankle"):
            directions[joint] = 0.0, -1.0, 0.0
        elif kind != "Pelvis":
            directions[joint] = 0.0, 1.0, 0.0
    nose = MOCAP_17.index("Nose")  # it lies before the line from neck to head
    directions[nose] = 0.0, np.cos(0.4), np.sin(0.4)
    directions.setflags(write=False)
    return directions


def mean_lengths(joints: np.ndarray) -> np.ndarray:
    """Bone lengths of one figure over its frames, left and right alike.

    Args:
        joints: (F, 17, 3) float.
    Returns:
        (17,) float, 0 for the pelvis.
    """
    lengths = bone_lengths_3d(joints).reshape(-1, len(MOCAP_17)).mean(0)
    return (lengths + lengths[list(MOCAP_17.mirror)]) / 2.0


def rest_offsets(lengths: np.ndarray) -> np.ndarray:
    """(R, 3) offset of each rig joint from its parent in the rest pose; the root's is 0."""
    offsets = np.zeros((len(RIG), 3))
    for index, joint in enumerate(RIG):
        if joint.parent >= 0 and joint.at != RIG[joint.parent].at:
            offsets[index] = rest_directions()[joint.at] * lengths[joint.at]
    return offsets


def end_offsets(lengths: np.ndarray) -> dict[int, np.ndarray]:
    """(3,) offset of the end of each bone that no other joint continues, by rig joint."""
    parents = {joint.parent for joint in RIG}
    ends: dict[int, np.ndarray] = {}
    for index, joint in enumerate(RIG):
        if index in parents:
            continue
        if joint.towards is not None:
            ends[index] = rest_directions()[joint.towards] * lengths[joint.towards]
        elif joint.name.endswith("Hand"):
            ends[index] = rest_directions()[joint.at] * lengths[joint.at] * _HAND_OF_FOREARM
        else:  # toes point forwards
            ends[index] = np.array([0.0, 0.0, lengths[joint.at] * _FOOT_OF_SHIN])
    return ends


def solve(joints: np.ndarray) -> np.ndarray:
    """Rotations that bring the rest pose into these positions.

    Args:
        joints: (F, 17, 3) float, a right-handed space with y up in which the T of the rest pose
            faces +z.
    Returns:
        (F, R, 3, 3) float: each rig joint's rotation relative to its parent's.
    """
    joints = np.asarray(joints, float)
    count = len(joints)
    turned = np.zeros((count, len(RIG), 3, 3))
    local = np.zeros_like(turned)
    identity = np.broadcast_to(np.eye(3), (count, 3, 3))

    def across(left: str, right: str) -> np.ndarray:
        return joints[:, MOCAP_17.index(left)] - joints[:, MOCAP_17.index(right)]

    lines = {"Hips": across("L_Hip", "R_Hip"), "Spine": across("L_Shoulder", "R_Shoulder")}
    for index, joint in enumerate(RIG):
        parent = turned[:, joint.parent] if joint.parent >= 0 else identity
        if joint.towards is None:
            turned[:, index], local[:, index] = parent, identity
            continue
        bone = joints[:, joint.towards] - joints[:, joint.at]
        rest = rest_directions()[joint.towards]
        here = (np.swapaxes(parent, -1, -2) @ bone[..., None])[..., 0]
        local[:, index] = shortest_turn(rest, here)
        turned[:, index] = parent @ local[:, index]
        if joint.name in lines:
            framed, sure = _frame(bone, lines[joint.name])
            turned[sure, index] = framed[sure]
            local[:, index] = np.swapaxes(parent, -1, -2) @ turned[:, index]
    return local


def forward(
    rotations: np.ndarray, offsets: np.ndarray, root: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Pose the rig.

    Args:
        rotations: (F, R, 3, 3) relative to the parent.
        offsets: (R, 3) of `rest_offsets`.
        root: (F, 3) place of the root.
    Returns:
        (F, R, 3) places and (F, R, 3, 3) rotations of the rig's joints, both in the outer space.
    """
    places = np.zeros((*rotations.shape[:2], 3))
    turned = np.zeros_like(rotations)
    for index, joint in enumerate(RIG):
        if joint.parent < 0:
            places[:, index], turned[:, index] = root, rotations[:, index]
            continue
        outer = turned[:, joint.parent]
        places[:, index] = places[:, joint.parent] + outer @ offsets[index]
        turned[:, index] = outer @ rotations[:, index]
    return places, turned


def shortest_turn(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Rotations that take one direction to others the shortest way.

    Args:
        start: (3,) unit vector.
        end: (F, 3) vectors of any length; a zero one asks for no turn.
    Returns:
        (F, 3, 3).
    """
    length = np.linalg.norm(end, axis=-1, keepdims=True)
    end = np.where(length > 1e-9, end / np.maximum(length, 1e-9), start)
    axis = np.cross(start, end)
    cosine = end @ start
    cross = np.zeros((len(end), 3, 3))
    cross[:, 0, 1], cross[:, 0, 2], cross[:, 1, 2] = -axis[:, 2], axis[:, 1], -axis[:, 0]
    cross -= np.swapaxes(cross, -1, -2)
    factor = 1.0 / np.maximum(1.0 + cosine, 1e-9)
    turn = np.eye(3) + cross + cross @ cross * factor[:, None, None]
    opposite = cosine < -1.0 + 1e-7
    if opposite.any():  # every axis across is as short as any other
        across = np.cross(start, np.eye(3)[int(np.abs(start).argmin())])
        across /= np.linalg.norm(across)
        turn[opposite] = 2.0 * np.outer(across, across) - np.eye(3)
    return turn


def _frame(up: np.ndarray, left: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(F, 3, 3) rotations whose y is `up` and whose x is as near to `left` as can be, (F,) sure."""
    height = np.linalg.norm(up, axis=-1, keepdims=True)
    y = up / np.maximum(height, 1e-9)
    x = left - (left * y).sum(-1, keepdims=True) * y
    width = np.linalg.norm(x, axis=-1, keepdims=True)
    sure = (height[:, 0] > 1e-6) & (width[:, 0] > 1e-3 * np.linalg.norm(left, axis=-1) + 1e-9)
    x = x / np.maximum(width, 1e-9)
    return np.stack([x, y, np.cross(x, y)], -1), sure
