"""A photo in, its people out: NumPy in, NumPy out, no Qt.

These functions run in the models' process, and directly in the command line.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from poseapp.core.detection import scaled_affine
from poseapp.core.errors import TaskError
from poseapp.services import estimators
from poseapp.services.context import Task, TaskContext
from poseapp.services.models import onnx_module, trainer_errors
from poseapp.services.second_look import with_feet

MAX_PEOPLE = 64
_LEAST_BOX_PX = 2.0
_FINDING = 0.3  # of the time that a photo takes


def detect_people(
    ctx: TaskContext,
    photo: bytes | np.ndarray,
    name: str = "The photo",
    boxes: np.ndarray | None = None,
    whole: bool = False,
    flip: bool = True,
) -> dict[str, Any]:
    """Find the people of a photo and their joints.

    A photo of any size is looked at as its preview of at most 4096 px a side; all that comes back
    is in px of the photo.

    Args:
        photo: the bytes of the file, or (n,) uint8 of them.
        name: what to call it in messages.
        boxes: (N, 4) x, y, width, height px of the photo around each person; None finds them.
        whole: the whole photo is one person.
        flip: also look at the mirrored people: better joints in twice the time.
    Returns:
        size (width, height) px of the photo, boxes (N, 4) float32 and scores (N,) float32,
        keypoints (N, 17, 2) float32 px, confidence and seen (N, 17) float32,
        heatmaps (N, 17, h, w) float16, to_photo (N, 2, 3) float32 from heatmap to photo px,
        estimator and finder: names of the models ("" = not used), note: a sentence or "".
    Raises:
        PhotoError: the photo cannot be read.
        TaskError: no estimator is installed, or a box is none.
        WeightsError: a model's file is missing or damaged.
    """
    ctx.progress(0, 1, "Opening the photo")
    given = None if boxes is None else _checked(boxes)
    size, picture = _opened(bytes(photo), name)
    estimator = estimators.chosen(ctx.models.options, "pose")
    if estimator is None:
        raise TaskError(estimators.NO_ESTIMATOR)
    factor = np.array(size, np.float32) / np.array(picture.shape[1::-1], np.float32)
    both = np.tile(factor, 2)
    note, finder = "", None
    if given is not None:
        small, scores = given / both, np.ones(len(given), np.float32)
    elif whole:
        small, scores = _all_of(picture), np.ones(1, np.float32)
    else:
        finder = estimators.chosen(ctx.models.options, "detector")
        if finder is None:
            note = estimators.NO_FINDER
            small, scores = _all_of(picture), np.ones(1, np.float32)
        else:
            small, scores = _found(ctx, picture)
    began = _FINDING if finder is not None else 0.0
    ctx.progress(began, 1, "Loading the model")
    predictor = ctx.models.photo_model("pose")

    def on_progress(done: int, count: int) -> None:
        share = began + (1.0 - began) * done / max(count, 1)
        ctx.progress(min(share, 0.99), 1, f"Person {min(done + 1, count)} of {count}")

    with trainer_errors():
        found = predictor.estimate(picture, small, flip=flip, progress=on_progress)
        if finder is not None:
            small, scores, found = with_feet(
                lambda grown: predictor.estimate(
                    picture, grown, flip=flip, progress=lambda *_: ctx.progress(0.99, 1)
                ),
                *(small, scores, found, picture.shape[0]),
            )
    ctx.progress(1, 1)
    before, after = (picture.shape[1], picture.shape[0]), size
    to_photo = [scaled_affine(matrix, before, after) for matrix in found.to_photo]
    return {
        "size": size,
        "boxes": (small * both).astype(np.float32),
        "scores": np.asarray(scores, np.float32),
        "keypoints": ((found.keypoints + 0.5) * factor - 0.5).astype(np.float32),
        "confidence": np.asarray(found.confidence, np.float32),
        "seen": np.asarray(found.seen, np.float32),
        "heatmaps": np.asarray(found.heatmaps, np.float16),
        "to_photo": np.asarray(to_photo, np.float32).reshape(-1, 2, 3),
        "estimator": estimator.title,
        "finder": finder.title if finder is not None else "",
        "note": note,
    }


def _found(ctx: TaskContext, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    ctx.progress(0.05, 1, "Finding people")
    predictor = ctx.models.photo_model("detector")

    def on_progress(done: int, count: int) -> None:
        ctx.progress(0.05 + (_FINDING - 0.05) * done / max(count, 1), 1, "Finding people")

    with trainer_errors():
        boxes, scores = predictor.find(picture, progress=on_progress)
    boxes, scores = np.asarray(boxes, np.float32).reshape(-1, 4), np.asarray(scores, np.float32)
    best = np.argsort(-scores, kind="stable")[:MAX_PEOPLE]
    return boxes[best], scores[best]


def _checked(boxes: np.ndarray) -> np.ndarray:
    given = np.asarray(boxes, np.float32)
    if given.ndim != 2 or given.shape[1] != 4 or not np.isfinite(given).all():
        raise TaskError("A box is x, y, width and height in px.")
    if len(given) > MAX_PEOPLE:
        raise TaskError(f"Give at most {MAX_PEOPLE} boxes, not {len(given)}.")
    if (given[:, 2:] < _LEAST_BOX_PX).any():
        raise TaskError("The box is too small: drag it around the whole person.")
    return given


def _all_of(picture: np.ndarray) -> np.ndarray:
    return np.array([[0, 0, picture.shape[1], picture.shape[0]]], np.float32)


@lru_cache(maxsize=1)
def _opened(data: bytes, name: str) -> tuple[tuple[int, int], np.ndarray]:
    """Size and preview: a second box in the same photo need not decode it again."""
    from poseapp.core.photo import load_photo

    photo, preview = load_photo(data, name)
    preview.setflags(write=False)
    return photo.size, preview


def detect_file(
    ctx: TaskContext,
    path: str,
    data: bytes | None = None,
    boxes: np.ndarray | None = None,
    whole: bool = False,
    flip: bool = True,
    overlay: bool = False,
) -> dict[str, Any]:
    """The people of one of many photos, without the heatmaps.

    Args:
        path: of the photo.
        data: its bytes, for whoever does not see that path; None reads it.
        boxes: (N, 4) px of the file itself.
        overlay: also draw the poses over the photo.
    Returns:
        What `detect_people` gives but for heatmaps and to_photo, in px of the file itself, whose
        (width, height) is size; overlay: a JPEG of at most 4096 px a side, or b"".
    """
    from poseapp.core.photo import fraction, read_photo

    name = Path(path).name
    content = read_photo(path) if data is None else data
    shrink = fraction(content, name) if content else 1.0
    given = None if boxes is None else np.asarray(boxes, np.float32) * shrink
    found = detect_people(ctx, content, name, given, whole, flip)
    result = {k: v for k, v in found.items() if k not in ("heatmaps", "to_photo")}
    result["overlay"] = _drawn(content, name, found) if overlay else b""
    if shrink != 1.0:
        from poseapp.core.document import Photo
        from poseapp.core.photo import full_size

        size = full_size(Photo(content, name, found["size"]))
        factor = np.array(size, np.float32) / np.array(found["size"], np.float32)
        result["size"] = size
        result["boxes"] = found["boxes"] * np.tile(factor, 2)
        result["keypoints"] = (found["keypoints"] + 0.5) * factor - 0.5
    return result


def _drawn(content: bytes, name: str, found: dict[str, Any]) -> bytes:
    from poseapp.core import draw
    from poseapp.core.detection import proposals, scaled
    from poseapp.core.document import PERSON_COLOURS
    from poseapp.formats.png import encode_jpeg

    _, picture = _opened(content, name)
    size = (picture.shape[1], picture.shape[0])
    poses = [scaled(p.pose, found["size"], size) for p in proposals(found)]
    colours = [
        draw.parse_colour(PERSON_COLOURS[number % len(PERSON_COLOURS)])
        for number in range(len(poses))
    ]
    return encode_jpeg(draw.draw_people(poses, size, "poseapp", picture, colours), 90)


def check_onnx(
    ctx: TaskContext, kind: str, path: str, answers: dict[str, str] | None = None
) -> dict[str, Any]:
    """Try an ONNX model.

    Args:
        kind: "pose" or "detector".
        answers: to its questions, as far as they are known; None takes those kept beside it.
    Returns:
        questions: (key, text, choices) of what has to be asked first; without any, it works.
    Raises:
        TaskError: the file is no such model.
    """
    ctx.progress(0, 1, "Trying the model")
    with trainer_errors():
        asked = onnx_module(kind).questions(Path(path), answers)
    return {"questions": [(q.key, q.text, tuple(q.choices)) for q in asked]}


PHOTO_TASKS: dict[str, Task] = {
    "detect_people": Task(detect_people, repeatable=True),
    "detect_file": Task(detect_file, repeatable=True),
    "check_onnx": Task(check_onnx),
}
