"""A reference person in a new pose: NumPy in, NumPy out, no Qt.

These functions run in the models' process, and directly in the command line. What depends on the
photo alone is kept: its mask, its clean plate, its parts, and what the generator saw in it.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from poseapp.core import transfer
from poseapp.core.detection import scaled
from poseapp.core.document import ReferencePerson
from poseapp.core.errors import DocumentError, PoseError, TaskError
from poseapp.core.pose import Pose2D
from poseapp.core.transfer import Box
from poseapp.services import weights
from poseapp.services.context import Task, TaskContext
from poseapp.services.models import ModelOptions, trainer_errors
from trainer import catalog

if TYPE_CHECKING:  # OpenCV: not needed for the first window
    from poseapp.core.limb_warp import Warper

GENERATOR = "deformable_gan"
PREVIEW_PX = 640
"""Longer side of what is shown while a joint is dragged."""
ENDINGS = (".png", ".jpg", ".jpeg")
"""Of the pictures that are written."""

NO_GENERATOR = (
    "The generator's weights are not installed, so the photo's own parts are moved: put"
    f" {GENERATOR}.safetensors into PoseApp's weights folder, or choose a file in the Models panel."
)
NO_GENERATOR_HERE = (
    f"The generator's weights are not installed: put {GENERATOR}.safetensors into PoseApp's weights"
    " folder, give a file with --weights, or add --warp to move the photo's own parts instead."
)
CUT_OFF = "The photo cuts this person off: what it does not show is missing or made up."
NO_MEMORY = (
    "There is not enough memory to show the person at this size: take a smaller photo, or close"
    " other programs."
)

_KEPT = 3  # photos, as small or as large ones
_GLANCE_PX = 128  # of the copy that says how far clothes reach


def check_ending(path: Path) -> None:
    """Raise DocumentError for a name that would promise another format than is written."""
    if path.suffix.lower() not in ENDINGS:
        raise DocumentError(
            f"{path.name} is no name of a picture that PoseApp writes: let it end in .png or .jpg."
        )


@dataclass(eq=False)
class Stage:
    """A photo made ready for new poses.

    Attributes:
        photo: (h, w, 3) uint8 RGB.
        mask: (h, w) uint8, the person.
        plate: (h, w, 3) uint8, the photo without the person.
        keypoints: (17, 3) px of it and visibility.
        size: (width, height) px that poses are given in.
        warper: moves the person limb by limb.
        note: a sentence about the photo, or "".
    """

    photo: np.ndarray
    mask: np.ndarray
    plate: np.ndarray
    keypoints: np.ndarray
    size: tuple[int, int]
    warper: Warper
    note: str
    _seen: tuple[Any, Any] | None = field(default=None, repr=False)

    def points(self, pose: np.ndarray) -> np.ndarray:
        """(17, 3) keypoints in px of the photo, in px of this picture."""
        return _scaled(pose, self.size, (self.photo.shape[1], self.photo.shape[0]))

    def reach(self, points: np.ndarray) -> Box | None:
        """Lowest and highest px of what the person with all clothes fills in a pose."""
        from poseapp.core import transfer_masks as masks

        height, width = self.mask.shape
        scale = min(1.0, _GLANCE_PX / max(height, width))
        size = (max(1, round(height * scale)), max(1, round(width * scale)))
        offset = (scale - 1.0) / 2.0
        matrix = np.array([[scale, 0.0, offset], [0.0, scale, offset]])
        box = masks.box_of(self.warper.warp(points, size, matrix)[1])
        return None if box is None else (box[0] / scale, box[1] / scale)

    def source(self, predictor: Any) -> Any:
        """What a generator saw in the photo; looked at once."""
        if self._seen is None or self._seen[0] is not predictor:
            from poseapp.core import transfer_masks as masks

            view = transfer.view_of(self.keypoints, predictor.size, masks.box_of(self.mask))
            with trainer_errors():
                source = predictor.encode(
                    transfer.cut(self.photo, view, predictor.size),
                    transfer.moved(self.keypoints, view),
                    transfer.cut(self.mask, view, predictor.size),
                )
            self._seen = predictor, source
        return self._seen[1]


_stages: OrderedDict[tuple[str, int], Stage] = OrderedDict()


def can_generate(options: ModelOptions) -> bool:
    """The generator's weights, the shipped ones or those chosen, are there.

    A chosen file that is gone counts: whoever asks for it is told.
    """
    if options.weights.get(GENERATOR):
        return True
    return GENERATOR in catalog.CATALOG and weights.path_of(GENERATOR).is_file()


def prepare(
    ctx: TaskContext, photo: bytes, name: str, keypoints: np.ndarray, longest: int = 0
) -> Stage:
    """Make a photo ready; the same photo and pose are ready at once.

    Args:
        photo: the bytes of the file.
        name: what to call it in messages.
        keypoints: (17, 3) x, y px of the photo and visibility.
        longest: px of the longer side; 0 = the photo's own.
    Raises:
        PhotoError: the photo cannot be read.
        PoseError: the pose has too few joints, or lies outside of the photo.
        TaskError: memory ran out.
    """
    import cv2

    from poseapp.core import transfer_masks as masks
    from poseapp.core.clean_plate import clean_plate
    from poseapp.core.cut_out import cut_out
    from poseapp.core.limb_warp import Warper
    from poseapp.core.photo import full_picture

    pose = _checked(keypoints, "reference person")
    code = hashlib.blake2b(photo, digest_size=16)
    code.update(pose.tobytes())
    key = code.hexdigest(), int(longest)
    if key in _stages:
        _stages.move_to_end(key)
        return _stages[key]
    with _memory():
        ctx.progress(0.0, 1, "Opening the photo")
        size, picture = full_picture(photo, name)
        side = max(picture.shape[:2])
        if longest and side > longest:
            small = tuple(max(8, round(v * longest / side)) for v in picture.shape[1::-1])
            picture = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
        points = _scaled(pose, size, (picture.shape[1], picture.shape[0]))
        ctx.progress(0.1, 1, "Cutting the person out")
        mask = cut_out(picture, points)
        ctx.progress(0.3, 1, "Completing the background")
        plate = clean_plate(picture, masks.gone(mask, points))
        ctx.progress(0.8, 1, "Taking the person apart")
        warper = Warper(picture, mask, points)
    note = CUT_OFF if masks.is_cut_off(mask) else ""
    stage = Stage(picture, mask, plate, points, size, warper, note)
    _stages[key] = stage
    while len(_stages) > _KEPT:
        _stages.popitem(last=False)
    ctx.progress(0.9, 1)
    return stage


def forget() -> None:
    """Let go of all photos that are ready."""
    _stages.clear()


@dataclass(frozen=True)
class Shown:
    """A person in a new pose.

    Attributes:
        picture: (h, w, 3) uint8 RGB, the person in the photo.
        rendering: what the generator gave; None where it was not asked.
    """

    picture: np.ndarray
    rendering: Any = None


def show(ctx: TaskContext, stage: Stage, target: np.ndarray, generator: bool = True) -> Shown:
    """The person of a stage in a pose.

    Args:
        target: (17, 3) x, y px of the photo and visibility.
        generator: False moves the photo's own parts alone.
    Raises:
        PoseError: the pose has too few joints.
        WeightsError: the generator's weights are missing or damaged.
        TaskError: memory ran out.
    """
    import cv2

    from poseapp.core import transfer_masks as masks
    from poseapp.core.compose import Generated, compose

    points = stage.points(_checked(target, "pose"))
    with _memory():
        if not generator:
            ctx.progress(0.9, 1, "Moving the person")
            return Shown(compose(stage.photo, stage.plate, stage.warper, points, None))
        ctx.progress(0.9, 1, "Rendering the person")
        predictor = ctx.models.get(GENERATOR)
        source = stage.source(predictor)
        ctx.progress(0.93, 1, "Rendering the person")
        view = transfer.view_of(points, predictor.size, stage.reach(points))
        with trainer_errors():
            made = predictor.render(source, transfer.moved(points, view))
        ctx.progress(0.97, 1, "Putting the person into the photo")
        mask = masks.in_one_piece(made.mask, transfer.moved(points, view))
        given = Generated(made.image, mask, cv2.invertAffineTransform(view))
        return Shown(compose(stage.photo, stage.plate, stage.warper, points, given), made)


def render(
    ctx: TaskContext,
    reference: ReferencePerson,
    pose: Pose2D,
    longest: int = 0,
    generator: bool = True,
) -> np.ndarray:
    """The reference person in a pose, for whoever renders many: only the first one takes long.

    Args:
        pose: in px of the reference's photo, as `core.transfer.placed` gives it.
        longest: px of the longer side of the picture; 0 = the photo's own size.
        generator: False moves the photo's own parts alone, without weights.
    Returns:
        (h, w, 3) uint8 RGB, as the photo is shaped.
    Raises:
        PhotoError, PoseError, WeightsError, TaskError: one sentence each.
    """
    problem = transfer.problem(reference, pose)
    if problem:
        raise TaskError(problem)
    photo = reference.photo
    stage = prepare(ctx, photo.data, photo.name, transfer.as_array(reference.pose), longest)
    return show(ctx, stage, transfer.as_array(pose), generator).picture


# -- tasks -----------------------------------------------------------------------------------
def prepare_person(
    ctx: TaskContext,
    photo: bytes | np.ndarray,
    name: str,
    keypoints: np.ndarray,
    longest: int = PREVIEW_PX,
) -> dict[str, Any]:
    """Make a photo ready, here and for whoever moves the person live; arguments as for `prepare`.

    Returns:
        photo, plate (h, w, 3) and mask (h, w) uint8; keypoints (17, 3) px of them; size (width,
        height) px that poses are given in; warper: a `Warper` of them; note: a sentence or "".
    """
    stage = prepare(ctx, bytes(photo), name, keypoints, longest)
    ctx.progress(1, 1)
    return {
        "photo": stage.photo,
        "plate": stage.plate,
        "mask": stage.mask,
        "keypoints": stage.keypoints,
        "size": stage.size,
        "warper": stage.warper,
        "note": stage.note,
    }


def render_person(
    ctx: TaskContext,
    photo: bytes | np.ndarray,
    name: str,
    keypoints: np.ndarray,
    target: np.ndarray,
    longest: int = PREVIEW_PX,
    generator: bool = True,
) -> dict[str, Any]:
    """A person in a new pose, with all there is to see of how it came about.

    Args:
        photo, name, keypoints, longest: as for `prepare`.
        target: (17, 3) x, y px of the photo and visibility.
        generator: False moves the photo's own parts alone.
    Returns:
        picture (h, w, 3) uint8; generated: the generator was asked. With it: scales, its pictures
        from coarse to fine; parts (L, h, w) uint8, where each part was brought, and part_names;
        attention (h, w) float32 or None; cover (h, w) uint8, what it takes as the person.
    """
    stage = prepare(ctx, bytes(photo), name, keypoints, longest)
    shown = show(ctx, stage, target, generator)
    ctx.progress(1, 1)
    result: dict[str, Any] = {"picture": shown.picture, "generated": generator}
    if shown.rendering is not None:
        made = shown.rendering
        result |= {
            "scales": made.scales,
            "parts": np.rint(np.clip(made.warp_masks, 0.0, 1.0) * 255.0).astype(np.uint8),
            "part_names": tuple(made.parts),
            "attention": made.attention,
            "cover": np.rint(np.clip(made.mask, 0.0, 1.0) * 255.0).astype(np.uint8),
        }
    return result


def save_person(
    ctx: TaskContext,
    photo: bytes | np.ndarray,
    name: str,
    keypoints: np.ndarray,
    target: np.ndarray,
    path: str,
    generator: bool = True,
    longest: int = 0,
) -> dict[str, Any]:
    """Write a person in a new pose, as large as the photo is; arguments as for `render_person`.

    Args:
        path: a .png or .jpg; written beside and replaced, so that no half file is ever there.
    Returns:
        path, size (width, height) px, note: a sentence or "".
    Raises:
        DocumentError: the file cannot be written.
    """
    from poseapp.formats.png import save_picture

    stage = prepare(ctx, bytes(photo), name, keypoints, longest)
    picture = show(ctx, stage, target, generator).picture
    ctx.progress(0.98, 1, "Writing the file")
    with _memory():
        save_picture(picture, Path(path))
    if not longest:
        _stages.popitem()  # the newest one: large, and not asked for again soon
    return {"path": path, "size": (picture.shape[1], picture.shape[0]), "note": stage.note}


def transfer_file(
    ctx: TaskContext,
    photo: bytes,
    name: str,
    keypoints: np.ndarray,
    target: np.ndarray,
    longest: int = 0,
    generator: bool = True,
    suffix: str = ".png",
) -> dict[str, Any]:
    """One of many pictures, as the bytes of a file; arguments as for `render_person`.

    Args:
        suffix: ".png" or ".jpg".
    Returns:
        data: (n,) uint8; size (width, height) px; name of the photo; note: a sentence or "".
    """
    from poseapp.formats.png import encode_jpeg, encode_png

    stage = prepare(ctx, photo, name, keypoints, longest)
    picture = show(ctx, stage, target, generator).picture
    with _memory():
        jpeg = suffix.lower() in (".jpg", ".jpeg")
        data = encode_jpeg(picture) if jpeg else encode_png(picture)
    size = (picture.shape[1], picture.shape[0])
    found = np.frombuffer(data, np.uint8)
    return {"data": found, "size": size, "name": name, "note": stage.note}


# -- what all of them need -------------------------------------------------------------------
def _checked(keypoints: np.ndarray, whose: str) -> np.ndarray:
    values = np.array(keypoints, float)
    if values.shape != (17, 3) or not np.isfinite(values).all():
        raise TaskError(f"The {whose} is given by 17 keypoints of x, y and visibility.")
    if (values[:, 2] > 0).sum() < transfer.FEWEST_JOINTS:
        reference = whose != "pose"
        raise PoseError(transfer.NO_REFERENCE_POSE if reference else transfer.TOO_FEW_JOINTS)
    return values


def _scaled(keypoints: np.ndarray, before: tuple[int, int], after: tuple[int, int]) -> np.ndarray:
    return transfer.as_array(scaled(transfer.as_pose(keypoints), before, after))


@contextmanager
def _memory() -> Iterator[None]:
    """Say in a sentence that memory ran out, whichever library noticed."""
    import cv2

    try:
        yield
    except MemoryError as exc:
        raise TaskError(NO_MEMORY) from exc
    except (RuntimeError, cv2.error) as exc:
        text = str(exc).lower()
        if any(words in text for words in ("out of memory", "not enough memory", "allocate")):
            raise TaskError(NO_MEMORY) from exc
        raise


TRANSFER_TASKS: dict[str, Task] = {
    "prepare_person": Task(prepare_person, repeatable=True),
    "render_person": Task(render_person, repeatable=True),
    "save_person": Task(save_person),
    "transfer_file": Task(transfer_file, repeatable=True),
}
