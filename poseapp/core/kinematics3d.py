"""Bones of 3D poses: lengths, forward kinematics, alignment. Any unit, any right-handed space."""

from __future__ import annotations

import numpy as np

from poseapp.core.skeleton import MOCAP_17

_PARENTS = MOCAP_17.parents


def bone_lengths_3d(joints: np.ndarray) -> np.ndarray:
    """Distance of each MOCAP-17 joint to its parent.

    Args:
        joints: (..., 17, 3) float.
    Returns:
        (..., 17) float, 0 for the pelvis.
    """
    joints = np.asarray(joints, float)
    parents = [max(p, 0) for p in _PARENTS]
    return np.linalg.norm(joints - joints[..., parents, :], axis=-1)


def set_bone_lengths(joints: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The same bone directions with other lengths; the pelvis stays.

    Args:
        joints: (..., 17, 3) float.
        lengths: (17,) or (..., 17) float; the pelvis' entry is not used.
    """
    joints = np.asarray(joints, float)
    out = joints.copy()
    lengths = np.broadcast_to(lengths, joints.shape[:-1])
    for joint, parent in enumerate(_PARENTS):
        if parent < 0:
            continue
        bone = joints[..., joint, :] - joints[..., parent, :]
        size = np.linalg.norm(bone, axis=-1, keepdims=True)
        unit = np.divide(bone, size, out=np.zeros_like(bone), where=size > 1e-12)
        out[..., joint, :] = out[..., parent, :] + unit * lengths[..., joint, None]
    return out


def forward_kinematics(
    offsets: np.ndarray, rotations: np.ndarray, root: np.ndarray | None = None
) -> np.ndarray:
    """Joint positions of a posed skeleton.

    Args:
        offsets: (17, 3) float, each joint from its parent in the rest pose.
        rotations: (..., 17, 3, 3) float, rotation of each joint relative to its parent's.
        root: (..., 3) float, place of the pelvis; the origin if None.
    Returns:
        (..., 17, 3) float.
    """
    rotations = np.asarray(rotations, float)
    offsets = np.asarray(offsets, float)
    out = np.zeros((*rotations.shape[:-2], 3))
    turned = np.empty_like(rotations)
    for joint, parent in enumerate(_PARENTS):
        if parent < 0:
            turned[..., joint, :, :] = rotations[..., joint, :, :]
            out[..., joint, :] = 0.0 if root is None else root
            continue
        turned[..., joint, :, :] = turned[..., parent, :, :] @ rotations[..., joint, :, :]
        out[..., joint, :] = out[..., parent, :] + turned[..., parent, :, :] @ offsets[joint]
    return out


def procrustes(a: np.ndarray, b: np.ndarray, scaled: bool = True) -> np.ndarray:
    """Turn, shift and (if `scaled`) scale `a` so that it lies best on `b`. Never mirrors.

    Args:
        a: (..., N, D) float points.
        b: (..., N, D) float points in the same order.
    Returns:
        (..., N, D) float: `a` in the place of `b`.
    """
    a, b = np.asarray(a, float), np.asarray(b, float)
    middle_a, middle_b = a.mean(-2, keepdims=True), b.mean(-2, keepdims=True)
    centred_a, centred_b = a - middle_a, b - middle_b
    u, stretch, vt = np.linalg.svd(np.swapaxes(centred_a, -1, -2) @ centred_b)
    sign = np.ones_like(stretch)
    sign[..., -1] = np.sign(np.linalg.det(u @ vt))
    sign[sign == 0] = 1.0
    rotation = (u * sign[..., None, :]) @ vt
    size = (centred_a**2).sum((-1, -2), keepdims=True)
    factor = np.ones_like(size)
    if scaled:
        gain = (stretch * sign).sum(-1)[..., None, None]
        factor = np.divide(gain, size, out=factor, where=size > 1e-12)
    return centred_a @ rotation * factor + middle_b
