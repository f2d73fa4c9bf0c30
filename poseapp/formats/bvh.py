"""BVH (Biovision hierarchy): 3D poses and motions for Blender and other animation programs.

The file is y up, and its rest pose is a T that faces +z. Blender's importer, left at its own choice
of axes (forward -Z, up Y), makes of it a figure that stands and faces the front view. Lengths are
metres, as Blender writes them itself, unless another unit is asked for. The bones have the
figure's mean lengths over all frames; rotations carry everything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from poseapp.core import rig
from poseapp.core.camera import pose3d_to_world
from poseapp.core.errors import FormatError
from poseapp.core.kinematics3d import set_bone_lengths
from poseapp.core.pose import Pose3D
from poseapp.formats.files import write_bytes

UNITS_MM = {"m": 1000.0, "cm": 10.0, "mm": 1.0}
_ROTATIONS = "Zrotation Xrotation Yrotation"
_POSITIONS = "Xposition Yposition Zposition"
_GIMBAL = 1e-6


def save(
    poses: Sequence[Pose3D],
    path: Path,
    fps: float = 30.0,
    unit: str = "m",
    ground: bool = True,
) -> None:
    """Write poses of one figure as the frames of a motion.

    Raises:
        DocumentError: there is nothing to write, or the file cannot be written.
    """
    write_bytes(path, to_text(poses, fps, unit, ground).encode("ascii"))


def to_text(
    poses: Sequence[Pose3D], fps: float = 30.0, unit: str = "m", ground: bool = True
) -> str:
    """The file as text.

    Args:
        ground: each frame's lowest joint touches the ground; otherwise the pelvis stays at 0.
    """
    if not poses:
        raise FormatError("There is no 3D pose to write: lift a pose first.")
    if unit not in UNITS_MM:
        raise FormatError(f"BVH lengths can be in m, cm or mm, not in {unit}.")
    if not fps > 0:
        raise FormatError(f"A motion needs more than 0 frames a second, not {fps}.")
    joints = np.stack([pose3d_to_world(pose) for pose in poses])
    lengths = rig.mean_lengths(joints)
    if not (lengths[1:] > 0).any():
        raise FormatError("This 3D pose has no size: lift it again.")
    joints = set_bone_lengths(joints, lengths)
    root = joints[:, 0].copy()
    root[:, 1] = (root[:, 1] - joints[..., 1].min(1)) if ground else 0.0
    scale = UNITS_MM[unit]
    angles = unrolled_angles(rig.solve(joints))  # (F, R, 3) degrees, Z X Y
    lines = ["HIERARCHY", *_hierarchy(lengths / scale), "MOTION"]
    lines += [f"Frames: {len(poses)}", f"Frame Time: {1.0 / fps:.6f}"]
    values = np.concatenate([root / scale, angles.reshape(len(poses), -1)], 1)
    values = np.round(values, 6) + 0.0  # no minus before a zero
    lines += [" ".join(f"{value:.6f}" for value in row) for row in values]
    return "\n".join(lines) + "\n"


def _hierarchy(lengths: np.ndarray) -> list[str]:
    offsets, ends = rig.rest_offsets(lengths), rig.end_offsets(lengths)
    lines: list[str] = []

    def offset(values: np.ndarray) -> str:
        return "OFFSET " + " ".join(f"{value:.6f}" for value in np.round(values, 6) + 0.0)

    def write(index: int, depth: int) -> None:
        tab = "\t" * depth
        joint = rig.RIG[index]
        lines.append(f"{tab}{'ROOT' if joint.parent < 0 else 'JOINT'} {joint.name}")
        lines.append(f"{tab}{{")
        lines.append(f"{tab}\t{offset(offsets[index])}")
        if joint.parent < 0:
            lines.append(f"{tab}\tCHANNELS 6 {_POSITIONS} {_ROTATIONS}")
        else:
            lines.append(f"{tab}\tCHANNELS 3 {_ROTATIONS}")
        for child, other in enumerate(rig.RIG):
            if other.parent == index:
                write(child, depth + 1)
        if index in ends:
            lines.extend([f"{tab}\tEnd Site", f"{tab}\t{{"])
            lines.extend([f"{tab}\t\t{offset(ends[index])}", f"{tab}\t}}"])
        lines.append(f"{tab}}}")

    write(0, 0)
    return lines


def unrolled_angles(rotations: np.ndarray) -> np.ndarray:
    """Euler angles that go on from frame to frame without jumps.

    Args:
        rotations: (F, R, 3, 3).
    Returns:
        (F, R, 3) degrees about z, x, y: the rotation is Rz @ Rx @ Ry.
    """
    frames = np.zeros(rotations.shape[:-1])
    before = np.zeros((rotations.shape[1], 3))
    for index, matrices in enumerate(rotations):
        before = frames[index] = _angles_near(matrices, before)
    return frames


def _angles_near(matrices: np.ndarray, near: np.ndarray) -> np.ndarray:
    """(R, 3) degrees z, x, y of (R, 3, 3) matrices, the solution nearest to `near` (R, 3)."""
    sine = np.clip(matrices[:, 2, 1], -1.0, 1.0)
    x = np.arcsin(sine)
    z = np.arctan2(-matrices[:, 0, 1], matrices[:, 1, 1])
    y = np.arctan2(-matrices[:, 2, 0], matrices[:, 2, 2])
    locked = np.hypot(matrices[:, 0, 1], matrices[:, 1, 1]) < _GIMBAL
    if locked.any():  # z and y turn about one line: keep y as it was, z does the rest
        y = np.where(locked, np.radians(near[:, 2]), y)
        both = np.arctan2(matrices[:, 1, 0], matrices[:, 0, 0])
        z = np.where(locked, both - np.sign(sine) * y, z)
    first = np.degrees(np.stack([z, x, y], 1))
    second = np.degrees(np.stack([z + np.pi, np.pi - x, y + np.pi], 1))
    choices = np.stack([first, second])
    choices += 360.0 * np.round((near - choices) / 360.0)
    best = np.abs(choices - near).sum(-1).argmin(0)
    return choices[best, np.arange(len(matrices))]
