"""3D poses as JSON: every joint in millimetres, in camera and in world space."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from poseapp.core.camera import pose3d_to_world
from poseapp.core.errors import FormatError, PoseAppError
from poseapp.core.pose import Pose3D
from poseapp.core.skeleton import MOCAP_17
from poseapp.formats.files import dump_json, parse_json, read_bytes, write_bytes

FORMAT = "poseapp-3d"
VERSION = 1
_SPACES = {
    "camera": "mm; x right, y down, z away from the camera; the pelvis is the origin",
    "world": "mm; x right, y up, z towards the viewer; the ground is y = 0",
}


def to_dict(
    poses: Sequence[Pose3D],
    names: Sequence[str] = (),
    worlds: Sequence[np.ndarray] = (),
    fps: float | None = None,
) -> dict[str, Any]:
    """The file's content.

    Args:
        names: what each pose is called; left out when empty.
        worlds: (17, 3) mm of each pose where it stands; from the pose itself when empty.
        fps: frames a second, when the poses follow each other in time.
    """
    if not poses:
        raise FormatError("There is no 3D pose to write: lift a pose first.")
    rows = []
    for index, pose in enumerate(poses):
        world = worlds[index] if len(worlds) else pose3d_to_world(pose)
        row: dict[str, Any] = {"name": names[index]} if len(names) else {}
        row["elevation_rad"] = round(float(pose.elevation), 6)
        row["camera"] = np.round(pose.joints, 3).tolist()
        row["world"] = np.round(world, 3).tolist()
        rows.append(row)
    return {
        "format": FORMAT,
        "version": VERSION,
        "unit": "mm",
        "skeleton": {
            "name": MOCAP_17.name,
            "joints": list(MOCAP_17.joints),
            "bones": [list(bone) for bone in MOCAP_17.bones],
        },
        "spaces": _SPACES,
        **({} if fps is None else {"fps": fps}),
        "poses": rows,
    }


def save(
    poses: Sequence[Pose3D],
    path: Path,
    names: Sequence[str] = (),
    worlds: Sequence[np.ndarray] = (),
    fps: float | None = None,
) -> None:
    """Write poses; arguments as for `to_dict`.

    Raises:
        DocumentError: there is nothing to write, or the file cannot be written.
    """
    write_bytes(path, dump_json(to_dict(poses, names, worlds, fps)))


def load(path: Path) -> list[Pose3D]:
    """Read poses back.

    Raises:
        DocumentError: the file cannot be read or is not such a JSON; the sentence names it.
    """
    content = parse_json(read_bytes(path), path.name)
    try:
        return from_dict(content)
    except FormatError as exc:
        raise FormatError(f"{path.name}: {exc}") from exc


def from_dict(content: object) -> list[Pose3D]:
    """The poses of a file's content."""
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise FormatError("this is not a 3D pose file of PoseApp.")
    version = content.get("version")
    if not isinstance(version, int) or not 1 <= version <= VERSION:
        raise FormatError(f"version {version} of 3D poses needs a newer PoseApp.")
    skeleton = content.get("skeleton")
    names = skeleton.get("joints") if isinstance(skeleton, dict) else None
    if names != list(MOCAP_17.joints):
        raise FormatError("the joints of its skeleton are not those of PoseApp.")
    rows = content.get("poses")
    if not isinstance(rows, list):
        raise FormatError("it holds no list of poses.")
    poses = []
    for number, row in enumerate(rows, 1):
        try:
            poses.append(Pose3D(row["camera"], float(row.get("elevation_rad", 0.0))))
        except (PoseAppError, TypeError, KeyError, ValueError, AttributeError) as exc:
            raise FormatError(f"pose {number} is not 17 joints of 3 numbers.") from exc
    return poses
