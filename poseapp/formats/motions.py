"""Motions from files: a BVH, or a folder of pose files, one a frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from poseapp.core.camera import FIGURE_HEIGHT_MM, Camera
from poseapp.core.document import Person
from poseapp.core.errors import FormatError
from poseapp.core.pose import Pose2D
from poseapp.formats import bvh_reader, registry
from poseapp.formats.bvh_reader import Motion3D
from poseapp.formats.files import read_bytes

_MOST_FILES = 20_000

__all__ = ["Motion3D", "load_bvh", "load_folder", "view"]


def load_bvh(path: Path) -> Motion3D:
    """Read a BVH motion.

    Raises:
        DocumentError: unreadable, damaged, or a rig of unknown names.
    """
    return bvh_reader.loads(read_bytes(path).decode("utf-8", "replace"), path.name)


def view(motion: Motion3D, camera: Camera | None = None) -> Camera:
    """The camera, moved so that the whole motion is in the picture."""
    joints = motion.joints.reshape(-1, 3)
    above = np.array([0.0, 0.1 * FIGURE_HEIGHT_MM, 0.0])  # the top of a head has no joint
    reach = np.concatenate([joints, joints + above])
    return (camera or Camera(elevation=0.0)).fitted(reach)


def load_folder(folder: Path) -> list[Pose2D]:
    """The poses of a folder of files, one a frame, in the order of their names.

    Of several people the largest of the first frame is followed. A frame that shows nobody keeps
    the pose before it, so that the motion keeps its time.

    Raises:
        DocumentError: no file of poses, or one that cannot be read.
    """
    if not folder.is_dir():
        raise FormatError(f"{folder.name} is no folder: choose one that holds a file a frame.")
    files = sorted(p for p in folder.iterdir() if p.suffix.lower() == ".json" and p.is_file())
    if not files:
        raise FormatError(f"{folder.name} holds no JSON file of poses.")
    if len(files) > _MOST_FILES:
        raise FormatError(
            f"{folder.name} holds {len(files):,} files: take at most {_MOST_FILES:,}."
        )
    poses: list[Pose2D] = []
    last: Pose2D | None = None
    waiting = 0
    for file in files:
        people = [p for p in registry.load(file).people if p.pose.bounds is not None]
        chosen = _followed(people, last)
        if chosen is not None:
            last = chosen
        if last is None:
            waiting += 1  # nobody has come yet
            continue
        poses.append(last)
    if not poses:
        raise FormatError(f"The files of {folder.name} show nobody.")
    return [poses[0]] * waiting + poses


def _followed(people: list[Person], last: Pose2D | None) -> Pose2D | None:
    """The largest person at first, then whoever is nearest to where the last one was."""
    if not people:
        return None
    if last is None:
        return max(people, key=lambda person: _size(person.pose)).pose
    here = _middle(last)
    return min(people, key=lambda p: float(np.hypot(*(_middle(p.pose) - here)))).pose


def _size(pose: Pose2D) -> float:
    box = pose.bounds or (0.0, 0.0, 0.0, 0.0)
    return box[2] * box[3]


def _middle(pose: Pose2D) -> np.ndarray:
    return np.asarray(pose.keypoints[pose.present].mean(0))
