"""Strips of key poses from files: motions, folders of pose files, files of several poses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from poseapp.core import kinematics, motion
from poseapp.core.errors import DocumentError, FormatError
from poseapp.core.pose import Pose2D
from poseapp.core.sequence import (
    FRAME_RATES,
    LONGEST_S,
    MOST_KEYS,
    SHORTEST_S,
    STEP_S,
    KeyPose,
    PoseSequence,
    thinned,
)
from poseapp.formats import coco, controlnet, motions, registry
from poseapp.formats.files import parse_json, read_bytes

CANVAS = (768, 768)
FOLDER_FPS = 30.0
_MOST_FPS = 30.0
_FEW_KEYS, _ROUGH = 96, 0.05  # an arc of an arm bends more than a line, and angles follow it
_FINE = 0.003
_MARGIN = 0.06  # of a motion's longer side, for head, hands and feet


@dataclass(frozen=True)
class Loaded:
    """What a file gives.

    Attributes:
        sequence: the key poses.
        size: canvas (width, height) px that they are on.
        frames: how many poses the file holds.
        moves: it is a motion, thinned to key poses, not a list of them.
        named: the file names that canvas; else one is laid around the poses.
    """

    sequence: PoseSequence
    size: tuple[int, int]
    frames: int
    moves: bool
    named: bool = True


def is_motion(path: Path) -> bool:
    """A BVH file, or a folder that holds pose files and no photos."""
    if path.is_dir():
        try:
            names = [p.suffix.lower() for p in path.iterdir()]
        except OSError:
            return False
        return ".json" in names and not set(names) & set(registry.FORMATS["photo"].extensions)
    return path.suffix.lower() == ".bvh"


def load(
    path: Path,
    *,
    canvas: tuple[int, int] | None = None,
    person: Pose2D | None = None,
    step_s: float | None = None,
    fps: float | None = None,
    fine: bool = False,
) -> Loaded:
    """Key poses of a file or folder.

    Args:
        canvas: (width, height) px to show the poses on; None: that of the file.
        person: who does the motion: their size, their proportions, from where they stand. Without
            one the poses are brought into the canvas.
        step_s: each pose of the file is a key pose, and so long after the one before.
        fps: frames a second of a motion whose files do not tell.
        fine: keep a motion as it is, with many key poses, not just its turning points.
    Raises:
        DocumentError: it cannot be read, or shows nobody.
        PoseError: the person has no joints.
    """
    loaded = _read(path, canvas, person, step_s, fps, fine)
    return loaded if canvas is None or person is not None else _into(loaded, canvas)


def _read(
    path: Path,
    canvas: tuple[int, int] | None,
    person: Pose2D | None,
    step_s: float | None,
    fps: float | None,
    fine: bool,
) -> Loaded:
    solid: np.ndarray | None = None
    poses: Sequence[Pose2D] = ()
    size: tuple[int, int] | None = None
    rate: float | None = None
    if path.is_dir():
        poses = motions.load_folder(path)
    elif path.suffix.lower() == ".bvh":
        found = motions.load_bvh(path)
        solid, rate, size = found.joints, found.fps, canvas or CANVAS
    else:
        kept = _project(path)
        if kept is not None:
            return kept
        poses, size, rate = _of_file(path)
        if rate == 0.0:  # a list of poses, which has no time of its own
            step_s, rate = step_s or STEP_S, None
    rate = rate or fps or FOLDER_FPS
    count = len(poses) if solid is None else len(solid)
    # What a screen does not show is not worked on.
    stride = max(1, round(rate / _MOST_FPS)) if step_s is None else 1
    if solid is None:
        poses = poses[::stride]
    else:
        poses = motion.seen_from(solid[::stride], motions.view(found), size or CANVAS)
    room = _room(poses)
    # Formats that name no canvas have laid this very one around the poses.
    size, named = size or room, size not in (None, room)
    if person is not None:
        poses = motion.fitted(poses, person)
    if step_s is not None:
        return Loaded(_stepped(poses, step_s), size, count, False, named)
    most, tolerance = (MOST_KEYS, _FINE) if fine else (_FEW_KEYS, _ROUGH)
    keys = thinned(poses, rate / stride, most, tolerance)
    nearest = min(FRAME_RATES, key=lambda known: abs(known - rate / stride))
    return Loaded(PoseSequence(keys, nearest, loop=False), size, count, True, named)


def joined(parts: Sequence[Loaded]) -> Loaded:
    """The key poses of several files one after the other, on one canvas.

    Poses of a smaller canvas are brought to the largest one; those that have none stay as they are.
    """
    if len(parts) == 1:
        return parts[0]
    named = [part.size for part in parts if part.named]
    canvas = _around(named)
    keys: list[KeyPose] = []
    for part in parts:
        own = part.sequence.keys
        if part.named:
            poses = _brought([key.pose for key in own], part.size, canvas)
            own = tuple(replace(key, pose=pose) for key, pose in zip(own, poses, strict=True))
        if part.moves:  # from its end to the next file is no frame of the motion
            own = (*own[:-1], replace(own[-1], easing="smooth"))
        keys += own
    size = _around([canvas, *(part.size for part in parts)])
    return Loaded(PoseSequence(tuple(keys)), size, len(keys), False, bool(named))


def _into(loaded: Loaded, canvas: tuple[int, int]) -> Loaded:
    """The same with all of its poses within a canvas; as they are, where that holds them."""
    keys = loaded.sequence.keys
    poses = [key.pose for key in keys]
    if loaded.named:
        poses = _brought(poses, loaded.size, canvas)
    points = np.concatenate([pose.keypoints[pose.present] for pose in poses])
    # A strip that was emptied of joints is everywhere and nowhere.
    low, high = (points.min(0), points.max(0)) if len(points) else np.zeros((2, 2))
    if (low < 0.0).any() or (high > np.array(canvas) - 1.0).any():
        margin = _MARGIN * float((high - low).max()) + 1.0
        low, high = low - margin, high + margin
        around = [pose.with_keypoints(pose.keypoints - low) for pose in poses]
        poses = _brought(around, (high - low).tolist(), canvas)
    keys = tuple(replace(key, pose=pose) for key, pose in zip(keys, poses, strict=True))
    return replace(loaded, sequence=replace(loaded.sequence, keys=keys), size=canvas)


def _around(sizes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    return max((w for w, _ in sizes), default=0), max((h for _, h in sizes), default=0)


def _brought(
    poses: Sequence[Pose2D], size: tuple[float, float], canvas: tuple[int, int]
) -> list[Pose2D]:
    """Poses of one canvas in the middle of another, as large as it holds that canvas."""
    factor = min(canvas[0] / size[0], canvas[1] / size[1])
    shift = (np.array(canvas) - factor * np.array(size)) / 2.0
    if factor == 1.0 and not shift.any():
        return list(poses)
    return [
        pose.with_keypoints(
            np.where(pose.present[:, None], (pose.keypoints + 0.5) * factor - 0.5 + shift, 0.0)
        )
        for pose in poses
    ]


def _stepped(poses: Sequence[Pose2D], step_s: float) -> PoseSequence:
    if len(poses) > MOST_KEYS:
        raise DocumentError(f"These are {len(poses):,} poses: a strip holds up to {MOST_KEYS}.")
    step = float(np.clip(step_s, SHORTEST_S, LONGEST_S))
    return PoseSequence(tuple(KeyPose(pose, step) for pose in poses))


def _project(path: Path) -> Loaded | None:
    """The strip of a project that has one."""
    if path.suffix.lower() != ".pose":
        return None
    document = registry.load(path)
    sequence = document.sequence
    return Loaded(sequence, document.size, len(sequence.keys), False) if sequence.keys else None


def _of_file(path: Path) -> tuple[list[Pose2D], tuple[int, int] | None, float | None]:
    """Poses, canvas and frame rate of a file; 0 frames a second = a list of poses."""
    data = read_bytes(path)
    start = data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    value: Any = parse_json(data, path.name) if start in (b"{", b"[") else None
    if coco.recognises(value) and len(value.get("images") or []) > 1:
        frames = _coco_frames(value, path.name)
        rate = (value.get("info") or {}).get("fps") if isinstance(value.get("info"), dict) else None
        known = isinstance(rate, int | float) and not isinstance(rate, bool) and 0 < rate <= 1000
        return frames, None, float(rate) if known and rate is not None else 0.0
    if isinstance(value, list) and len(value) > 1 and controlnet.recognises(value):
        frames = _largest(controlnet.load(value, path.name, n) for n in range(len(value)))
        return frames, None, None
    document = registry.loads(data, path.name)
    people = [p.pose for p in document.people if p.visible and p.pose.bounds is not None]
    if not people:
        raise DocumentError(f"There is no person in {path.name}.")
    if len(people) == 1:
        return people, document.size, 0.0
    return _in_one_place(people), None, 0.0


def _coco_frames(value: dict[str, Any], name: str) -> list[Pose2D]:
    images = [image.get("id") for image in value["images"] if isinstance(image, dict)]
    if len(images) > 5_000:
        raise FormatError(f"{name} has {len(images):,} images: that is a data set, not a motion.")
    by_image: dict[Any, list[dict[str, Any]]] = {}
    for entry in value["annotations"]:
        if isinstance(entry, dict) and isinstance(entry.get("image_id"), int | str):
            by_image.setdefault(entry["image_id"], []).append(entry)
    parts = (
        {**value, "images": [{"id": number}], "annotations": by_image[number]}
        for number in images
        if isinstance(number, int | str) and number in by_image
    )
    return _largest(coco.load(part, name) for part in parts)


def _largest(documents: Any) -> list[Pose2D]:
    """The largest person of each frame; frames of nobody are left out."""
    poses = []
    for document in documents:
        boxed = [(p.pose, p.pose.bounds) for p in document.people]
        there = [(pose, box[2] * box[3]) for pose, box in boxed if box is not None]
        if there:
            poses.append(max(there, key=lambda one: one[1])[0])
    if not poses:
        raise DocumentError("The frames of the file show nobody.")
    return poses


def _in_one_place(poses: list[Pose2D]) -> list[Pose2D]:
    """People beside each other as one person's poses: on one ground, about one middle."""
    goal = _foothold(poses[0])
    return [kinematics.translate(pose, goal - _foothold(pose)) for pose in poses]


def _foothold(pose: Pose2D) -> np.ndarray:
    """(2,) px: under the middle of the hips, or of all joints, as low as the lowest one."""
    hips = [joint for joint in (11, 12) if pose.present[joint]] or np.flatnonzero(pose.present)
    return np.array([pose.keypoints[hips, 0].mean(), pose.keypoints[pose.present, 1].max()])


def _room(poses: Sequence[Pose2D]) -> tuple[int, int]:
    """A canvas that holds all of the poses where they are."""
    from poseapp.formats.values import canvas_around

    return canvas_around([pose.keypoints[pose.present] for pose in poses])
