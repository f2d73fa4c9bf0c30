"""People of COCO lifted to three dimensions once, and kept in a file for every later run.

Reading the file needs no torch; making it does, for the lifter.
"""

import os
import sys
from pathlib import Path

import numpy as np

from trainer import paths
from trainer.data import coco, mocap
from trainer.errors import DataError

COUNT = 4000
_MODEL = "vae_gan_lifter"
_LIMBS = (5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)
_NOSE = 0
_SMALLEST_PX = 64.0  # labels of people smaller than that are too rough
_BONE_RANGE = (0.55, 1.6)  # of the median length of the bone over all lifts


def cache_dir() -> Path:
    """Where an application keeps what it can make again, by the platform's custom."""
    if sys.platform == "win32":
        root = os.environ.get("LOCALAPPDATA")
        return (Path(root) if root else Path.home() / "AppData" / "Local") / "PoseApp" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "PoseApp"
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "poseapp"


def possible(data: Path) -> bool:
    """Whether the people and the lifter are there."""
    try:
        coco.folder(data)
    except DataError:
        return False
    return (paths.weights_dir() / f"{_MODEL}.safetensors").is_file()


def load(data: Path, split: str, cache: Path | None = None, count: int = COUNT) -> np.ndarray:
    """Whole people of COCO, upright and of an adult's size.

    Args:
        data: the folder that holds `coco/`.
        split: "train", "validation" or "test".
        cache: a folder for the file; None takes the user's.
        count: at most so many.

    Returns:
        (N,17,3) float32 mm, y up, in mocap order, pelvis at the origin; facing +z is facing the
        camera.
    """
    folder = cache_dir() if cache is None else Path(cache)
    size = (coco.folder(data) / "person_keypoints.npz").stat().st_size
    weights = (paths.weights_dir() / f"{_MODEL}.safetensors").stat().st_size
    path = folder / f"lifted_coco_{split}_{count}_{size}_{weights}.npz"
    try:
        with np.load(path) as file:
            return file["poses"].astype(np.float32) / 10.0
    except (OSError, ValueError, KeyError, EOFError):
        pass  # not there yet, or cut short: made again
    poses = _lift(data, split, count)
    stored = np.round(poses * 10.0).astype(np.int16)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f"{path.stem}.{os.getpid()}.part.npz"
        np.savez_compressed(part, poses=stored)
        part.replace(path)
    except OSError:
        pass  # a disk that cannot be written costs lifting again, nothing more
    return stored.astype(np.float32) / 10.0


def _lift(data: Path, split: str, count: int) -> np.ndarray:
    from trainer import api  # needs torch

    persons = coco.load_persons(data)
    there = persons.keypoints[..., 2] > 0
    whole = there[:, _LIMBS].all(1) & there[:, _NOSE]
    whole &= persons.box[:, 2:].max(1) >= _SMALLEST_PX
    whole &= coco.usable(persons) & coco.in_split(persons.image_id, persons.is_test, split)
    rows = np.flatnonzero(whole)
    if len(rows) == 0:
        raise DataError(f"COCO's {split} split has no whole person: use the full keypoint data.")
    order = np.random.Generator(np.random.PCG64(17)).permutation(len(rows))
    rows = np.sort(rows[order[: int(count * 1.15)]])
    lifter = api.load(_MODEL, "cpu")
    result = lifter.lift_full(persons.keypoints[rows, :, :2], there[rows].astype(np.float32))
    points, up = result.points[:, 0].astype(np.float64), result.elevation.astype(np.float64)
    # Camera space (y down, z away) to the world, undoing how far the camera looked down.
    sine, cosine = np.sin(up)[:, None], np.cos(up)[:, None]
    x, y, z = points[..., 0], points[..., 1], points[..., 2]
    world = np.stack([x, -cosine * y - sine * z, sine * y - cosine * z], axis=-1)
    parents = np.array(mocap.PARENTS[1:])
    bones = np.linalg.norm(world[:, 1:] - world[:, parents], axis=-1)
    share = bones / np.median(bones, axis=0)
    sane = ((share > _BONE_RANGE[0]) & (share < _BONE_RANGE[1])).all(1)
    return world[sane & np.isfinite(world).all((1, 2))][:count].astype(np.float32)
