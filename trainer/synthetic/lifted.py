"""People of COCO lifted to three dimensions once, and kept in a file for every later run.

Reading the file needs no torch; making it does, for the lifter. Another machine may lift a little
differently, so a set keeps a file of its own, which all that draw it use.
"""

import hashlib
import importlib.util
import io
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from trainer import paths
from trainer.data import coco, mocap
from trainer.errors import DataError

COUNT = 4000
SPLITS = ("train", "validation", "test")
FILE = "poses.npz"
"""The people of a set, beside its `set.json`."""

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


def absent(data: Path) -> str:
    """What keeps people from being lifted, as the end of a sentence; "" where nothing does."""
    try:
        coco.folder(data)
    except DataError:
        return "there is no coco/person_keypoints.npz"
    if not _weights().is_file():
        return f"the lifter's weights are missing ({_weights().name})"
    if importlib.util.find_spec("torch") is None:
        return "torch, which the lifter needs, is not installed"
    return ""


def _weights() -> Path:
    return paths.weights_dir() / f"{_MODEL}.safetensors"


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
    made_of = hashlib.sha256()
    for source in (coco.folder(data) / "person_keypoints.npz", _weights()):
        with source.open("rb") as file:
            made_of.update(hashlib.file_digest(file, "sha256").digest())
    path = folder / f"lifted_coco_{split}_{count}_{made_of.hexdigest()[:16]}.npz"
    try:
        with np.load(path) as stored:
            return _mm(stored["poses"])
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        pass  # not there yet, or cut short: made again
    poses = _stored(_lift(data, split, count))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f"{path.stem}.{os.getpid()}.part.npz"
        np.savez_compressed(part, poses=poses)
        part.replace(path)
    except OSError:
        pass  # a disk that cannot be written costs lifting again, nothing more
    return _mm(poses)


def everyone(data: Path, cache: Path | None = None, count: int = COUNT) -> dict[str, np.ndarray]:
    """The people of all splits, as `load` has those of one."""
    return {split: load(data, split, cache, count) for split in SPLITS}


def packed(people: Mapping[str, np.ndarray]) -> bytes:
    """The file of a set; the same people give the same bytes."""
    buffer = io.BytesIO()
    train, validation, test = (_stored(people[split]) for split in SPLITS)
    np.savez(buffer, train=train, validation=validation, test=test)
    return buffer.getvalue()


def unpacked(source: Path | bytes) -> dict[str, np.ndarray]:
    """The people of such a file, or of its bytes: by split (N,17,3) float32 mm, as of `load`."""
    try:
        with np.load(io.BytesIO(source) if isinstance(source, bytes) else source) as file:
            people = {split: file[split] for split in SPLITS}
    except (OSError, ValueError, KeyError, EOFError, TypeError, BadZipFile) as exc:
        name = FILE if isinstance(source, bytes) else source
        raise DataError(f"{name} holds no lifted people ({exc}): choose another file.") from exc
    if any(p.dtype.kind != "i" or p.shape[1:] != (17, 3) for p in people.values()):
        raise DataError(f"{FILE} holds no lifted people: choose another file.")
    return {split: _mm(poses) for split, poses in people.items()}


def digest(people: Mapping[str, np.ndarray]) -> str:
    """What tells people apart, whatever wrote their file."""
    found = hashlib.sha256()
    for split in SPLITS:
        poses = _stored(people[split])
        found.update(f"{split} {len(poses)}\n".encode() + poses.astype("<i2").tobytes())
    return found.hexdigest()[:16]


def _stored(poses: np.ndarray) -> np.ndarray:
    return np.round(poses * 10.0).astype(np.int16)


def _mm(stored: np.ndarray) -> np.ndarray:
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
