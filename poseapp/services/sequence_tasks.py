"""A strip of key poses in: what lies between them, and the moving picture. No Qt.

These functions run in the models' process, and directly in the command line.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from poseapp.core.document import Document, Person, ReferencePerson
from poseapp.core.errors import PoseAppError, TaskCancelled, TaskError
from poseapp.core.lifted_path import Lifts, flat_path, solid_path
from poseapp.core.pose import Pose2D, Pose3D
from poseapp.core.sequence import LATENT, Frame, PoseSequence, Way, flat_ways, frame_at
from poseapp.core.skeleton import COCO_17
from poseapp.services.context import Task, TaskContext
from poseapp.services.models import trainer_errors

LIFTER = "vae_gan_lifter"
WAY_STEPS = 12
KINDS = ("gif", "mp4", "png", "bvh", "json", "openpose")
FILMS = ("gif", "mp4")
PICTURES = (*FILMS, "png")
STYLES = ("poseapp", "controlnet", "openpose")
MIN_HEIGHT_PX, MAX_HEIGHT_PX = 16, 4096
_LEAST_BODY = 4
_BODY = np.array([not name.endswith(("nose", "eye", "ear")) for name in COCO_17.joints])
_PAGE = (255, 255, 255)
_FRAMES_SHARE = 0.98  # of the time; the rest goes to the file
_MARGIN = 0.12  # around a motion, as a share of its longer side


def can_be_lifted(pose: Pose2D) -> bool:
    """The pose has joints enough for a figure in 3D."""
    return int((pose.present & _BODY).sum()) >= _LEAST_BODY


def sequence_ways(ctx: TaskContext, sequence: PoseSequence, model: str = LIFTER) -> tuple[Way, ...]:
    """What lies between the key poses, with figures in 3D where the poses can be lifted.

    Returns:
        A way for each step of the sequence.
    Raises:
        WeightsError: the lifter's weights are missing or damaged.
    """
    steps = sequence.steps
    if not steps or not any(can_be_lifted(key.pose) for key in sequence.keys):
        return flat_ways(sequence)
    ctx.progress(0, len(steps), "Loading the lifter")
    predictor = ctx.models.get(model)
    if sequence.between != LATENT:
        return _even_ways(predictor, sequence)
    shares = np.linspace(0.0, 1.0, WAY_STEPS + 1)
    ways: list[Way] = []
    for done, (one, other) in enumerate(steps):
        ctx.progress(done, len(steps), "Lifting the key poses")
        if can_be_lifted(one.pose) and can_be_lifted(other.pose):
            ways.append(_latent_way(predictor, one.pose, other.pose, shares))
        else:
            ways.append(Way((one.pose, other.pose)))
    return tuple(ways)


def _even_ways(predictor: Any, sequence: PoseSequence) -> tuple[Way, ...]:
    keys = [key for key in sequence.keys if can_be_lifted(key.pose)]
    lifted = _lifted(predictor, [key.pose for key in keys])
    figures = {key.id: figure for key, figure in zip(keys, lifted, strict=True)}
    ways = []
    for one, other in sequence.steps:
        both = [figures[key.id] for key in (one, other) if key.id in figures]
        ways.append(Way((one.pose, other.pose), tuple(both) if len(both) == 2 else ()))
    return tuple(ways)


def _lifted(predictor: Any, poses: list[Pose2D]) -> list[Pose3D]:
    with trainer_errors():
        joints, elevation = predictor.lift(
            np.stack([pose.keypoints for pose in poses]).astype(np.float32),
            np.stack([pose.confidence for pose in poses]).astype(np.float32),
            return_elevation=True,
        )
    pairs = zip(joints[:, 0], elevation, strict=True)
    return [Pose3D(figure, float(angle)) for figure, angle in pairs]


def _latent_way(predictor: Any, one: Pose2D, other: Pose2D, shares: np.ndarray) -> Way:
    flat = flat_path(one, other, shares)
    points = np.stack([pose.keypoints for pose in flat]).astype(np.float32)
    sure = np.stack([pose.confidence for pose in flat]).astype(np.float32)
    with trainer_errors():
        found = predictor.lift_between(points, sure, shares, points[[0, -1]], sure[[0, -1]])
    lifts = Lifts(
        np.asarray(found.points[:, 0], float),
        found.root_px,
        found.mm_per_px,
        found.camera_distance_mm,
    )
    poses, lifts = solid_path(flat, shares, lifts)
    angles = (1.0 - shares) * found.elevation[0] + shares * found.elevation[-1]
    pairs = zip(lifts.joints, angles, strict=True)
    return Way(tuple(poses), tuple(Pose3D(figure, float(angle)) for figure, angle in pairs))


def frames_of(ctx: TaskContext, sequence: PoseSequence, solid: bool = False) -> list[Frame]:
    """All frames of a sequence, at its frame rate.

    Args:
        solid: with figures, which needs the lifter.
    """
    times = sequence.times()
    lifts = solid or sequence.between == LATENT
    single = solid and not sequence.steps
    ways = sequence_ways(ctx, sequence) if lifts else flat_ways(sequence)
    if single:  # one pose alone has no way to another
        pose = sequence.keys[0].pose
        if can_be_lifted(pose):
            return [Frame(pose, _lifted(ctx.models.get(LIFTER), [pose])[0])]
    return [frame_at(sequence, ways, float(time_s), solid) for time_s in times]


def render_sequence(
    ctx: TaskContext,
    sequence: PoseSequence,
    path: str,
    kind: str,
    size: tuple[int, int],
    height: int = 512,
    style: str = "poseapp",
    background: tuple[int, int, int] | None = None,
    around: bool = False,
    reference: ReferencePerson | None = None,
    generator: bool = True,
    over_photo: bool = False,
) -> dict[str, Any]:
    """Write the frames of a sequence; when this is cancelled or fails, no half file is left.

    Args:
        path: file or folder; a film gets its ending as `film_path` says.
        kind: "gif" or "mp4"; "png": a folder of pictures; "bvh"; "json": COCO, an image a frame;
            "openpose": a folder of files.
        size: canvas (width, height) px that the poses are on.
        height: px of the pictures of skeletons.
        style: of `STYLES`, for skeletons.
        background: RGB; None is white for "poseapp" and black for the others.
        around: show where the motion goes, not the whole canvas.
        reference: show this person, in their photo, instead of skeletons.
        generator: False moves the parts of the photo alone, which needs no weights.
        over_photo: the canvas shows this very photo: the person moves to where the poses are.
    Returns:
        frames: how many; path.
    Raises:
        TaskError: a value is out of range, a pose cannot be lifted, or the person not shown.
        WeightsError: weights that are needed are missing.
        DocumentError: the file cannot be written.
    """
    if kind not in KINDS:
        raise TaskError(f"A sequence is written as {', '.join(KINDS)}, not as {kind}.")
    if style not in STYLES:
        raise TaskError(f"A skeleton is drawn as {', '.join(STYLES)}, not as {style}.")
    if not MIN_HEIGHT_PX <= height <= MAX_HEIGHT_PX:
        raise TaskError(f"A picture is {MIN_HEIGHT_PX} to {MAX_HEIGHT_PX} px high, not {height}.")
    if reference is not None and kind in PICTURES:
        hidden = person_problem(reference, sequence)
        if hidden:
            raise TaskError(hidden)
    frames = frames_of(ctx, sequence, solid=kind == "bvh")
    target = film_path(Path(path), kind)
    poses = [frame.pose for frame in frames]
    if kind == "bvh":
        _write_bvh(frames, target, sequence.fps)
    elif kind == "json":
        from poseapp.formats.files import write_bytes

        write_bytes(target, coco_frames(poses, size, sequence.fps))
    elif kind == "openpose":
        _write_openpose(ctx, poses, size, target)
    else:
        if reference is not None:
            canvas = size if over_photo else None
            pictures = person_frames(ctx, poses, reference, height, generator, canvas)
        else:
            pictures = skeleton_frames(poses, size, height, style, background, around)
        _write_pictures(ctx, _watched(ctx, pictures, len(poses)), target, kind, sequence.fps)
    return {"frames": len(frames), "path": str(target)}


def film_path(path: Path, kind: str) -> Path:
    """Where a film is really written: films are told by their endings. Other kinds: as named."""
    if kind not in FILMS or path.suffix.lower() == f".{kind}":
        return path
    return path.with_name(f"{path.name}.{kind}")


def skeleton_frames(
    poses: list[Pose2D],
    size: tuple[int, int],
    height: int,
    style: str = "poseapp",
    background: tuple[int, int, int] | None = None,
    around: bool = False,
) -> Iterator[np.ndarray]:
    """(height, W, 3) uint8 pictures of the poses; arguments as for `render_sequence`."""
    from poseapp.core import draw

    origin, size = _window(poses, size) if around else (np.zeros(2), size)
    scale = height / size[1]
    shape = max(2, round(size[0] * scale / 2) * 2), max(2, round(height / 2) * 2)
    ground = background or (_PAGE if style == "poseapp" else (0, 0, 0))
    for pose in poses:
        points = np.where(pose.present[:, None], (pose.keypoints - origin) * scale, 0.0)
        yield draw.draw_people([pose.with_keypoints(points)], shape, style, ground)


def person_problem(reference: ReferencePerson | None, sequence: PoseSequence) -> str:
    """Why a person cannot be shown in a sequence, as one sentence; "" where nothing is wrong.

    What lies between two key poses has the joints of one of them.
    """
    from poseapp.core import transfer

    if reference is None or transfer.problem(reference, reference.pose):
        return transfer.problem(reference, None if reference is None else reference.pose)
    for number, key in enumerate(sequence.keys, 1):
        if not transfer.problem(reference, key.pose):
            continue
        few = key.pose.present.sum() < transfer.FEWEST_JOINTS
        lacks = f"fewer than {transfer.FEWEST_JOINTS} joints" if few else "no shoulder and no hip"
        return (
            f"Key pose {number} has {lacks}, too little to show a person in it: add joints to it,"
            " or leave it out."
        )
    return ""


def person_frames(
    ctx: TaskContext,
    poses: list[Pose2D],
    reference: ReferencePerson,
    height: int,
    generator: bool = True,
    canvas: tuple[int, int] | None = None,
) -> Iterator[np.ndarray]:
    """(h, w, 3) uint8 pictures of a person in the poses, in their photo.

    Args:
        height: px, at most; a photo is not made larger.
        canvas: (width, height) px of a canvas that shows this very photo; None: the person does
            the motion where they stand, with their own proportions.
    Raises:
        TaskError: the person has no pose yet.
    """
    from poseapp.core import transfer
    from poseapp.services import transfer_tasks

    unposed = transfer.problem(reference, reference.pose)
    if unposed:
        raise TaskError(unposed)
    wide, high = reference.photo.size
    longest = max(round(max(wide, high) * min(1.0, height / high)), 8)
    for number, pose in enumerate(transfer.placed(poses, reference, canvas)):
        inside = _Inside(ctx, number, len(poses))
        yield transfer_tasks.render(inside, reference, pose, longest, generator)


class _Inside(TaskContext):
    """For a task within this one: it can be cancelled, and is one frame of many.

    The first frame takes long, as the photo is made ready: there the texts are passed on.
    """

    def __init__(self, ctx: TaskContext, number: int, count: int) -> None:
        super().__init__(ctx.models)
        self._ctx = ctx
        self._share = _FRAMES_SHARE * number / max(count, 1)
        self._text = f"Frame {number + 1} of {count}" if number else ""

    def progress(self, done: float, total: float, text: str = "") -> None:
        self._ctx.progress(self._share, 1, self._text or text)


def _window(poses: list[Pose2D], size: tuple[int, int]) -> tuple[np.ndarray, tuple[int, int]]:
    """Corner (2,) and (width, height) px of what the poses fill, with a margin."""
    boxes = [pose.bounds for pose in poses if pose.bounds is not None]
    if not boxes:
        return np.zeros(2), size
    low = np.min([box[:2] for box in boxes], axis=0)
    high = np.max([(box[0] + box[2], box[1] + box[3]) for box in boxes], axis=0)
    margin = _MARGIN * max(*(high - low), 8.0)
    wide, high_px = (int(v) for v in np.ceil(high - low + 2.0 * margin))
    return low - margin, (max(wide, 1), max(high_px, 1))


def coco_frames(poses: list[Pose2D], size: tuple[int, int], fps: int) -> bytes:
    """A COCO file with an image for each frame, and the frame rate in its info."""
    from poseapp.formats import coco
    from poseapp.formats.files import dump_json

    whole: dict[str, Any] = {}
    for number, pose in enumerate(poses, 1):
        made = json.loads(coco.dump(Document(size, (Person(pose),))))
        image = {**made["images"][0], "id": number, "file_name": f"frame_{number:04d}.png"}
        found = [{**a, "id": number, "image_id": number} for a in made["annotations"]]
        if not whole:
            whole = {**made, "info": {**made["info"], "fps": fps}, "images": [], "annotations": []}
        whole["images"].append(image)
        whole["annotations"] += found
    return dump_json(whole)


def _write_openpose(
    ctx: TaskContext, poses: list[Pose2D], size: tuple[int, int], folder: Path
) -> None:
    from poseapp.formats import openpose
    from poseapp.formats.animation_writer import save_files

    contents = (openpose.dump(Document(size, (Person(pose),))) for pose in poses)
    save_files(_watched(ctx, contents, len(poses)), folder, ".json")


def _write_bvh(frames: list[Frame], path: Path, fps: int) -> None:
    from poseapp.formats import registry

    figures = [frame.figure for frame in frames]
    if any(figure is None for figure in figures):
        raise TaskError(
            f"A pose of the sequence has fewer than {_LEAST_BODY} joints of the body, too few for"
            " 3D: add joints to it, or take it off the strip."
        )
    registry.save_3d([figure for figure in figures if figure is not None], path, "bvh", fps=fps)


def _write_pictures(
    ctx: TaskContext, pictures: Iterator[np.ndarray], path: Path, kind: str, fps: float
) -> None:
    from poseapp.formats import animation_writer

    if kind == "png":
        animation_writer.save_frames(pictures, path)
        return

    def packing(_: int) -> None:
        ctx.progress(0.99, 1, "Writing the file")

    animation_writer.save_film(pictures, path, fps, packing if kind == "gif" else None)


def _watched(ctx: TaskContext, parts: Iterable[Any], count: int) -> Iterator[Any]:
    """The parts, with progress; a fault in one of them says which."""
    inside = iter(parts)
    for number in range(count):
        ctx.progress(_FRAMES_SHARE * number / max(count, 1), 1, f"Frame {number + 1} of {count}")
        try:
            part = next(inside)
        except StopIteration:
            return
        except TaskCancelled:
            raise
        except PoseAppError as exc:
            raise type(exc)(f"Frame {number + 1} of {count}: {exc}") from exc
        yield part


def with_rate(sequence: PoseSequence, fps: int) -> PoseSequence:
    """The same strip at another frame rate."""
    if not 1 <= fps <= 100:
        raise TaskError(f"Ask for 1 to 100 frames a second, not {fps}.")
    return replace(sequence, fps=fps)


SEQUENCE_TASKS: dict[str, Task] = {
    "sequence_ways": Task(sequence_ways, urgent=True, repeatable=True),
    "render_sequence": Task(render_sequence),
}
