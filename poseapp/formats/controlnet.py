"""ControlNet's pose JSON, as editors and ComfyUI's preprocessors write it.

Read leniently: pixels or shares of the canvas, null or missing parts, faces and hands of any
number of points, a list of frames (one is opened, the others survive), and the older form
`{"width", "height", "keypoints"}`. The older form is saved in the present one.

Decoders of this format drop every point whose confidence is below 1, so present points are written
with 1.0 unless the opened file had other confidences or they are asked for.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from poseapp.core.document import Document, Person
from poseapp.core.errors import FormatError
from poseapp.core.skeleton import BODY_25, OPENPOSE_18
from poseapp.formats import openpose_parts as parts
from poseapp.formats import values
from poseapp.formats.files import dump_json

_KEY = "controlnet"
_CANVAS_PX = 512  # what editors assume for a file without a canvas
_OWN = ("people", "canvas_width", "canvas_height")


def recognises(value: Any) -> bool:
    """The JSON value is a frame with a canvas, a list of frames, or the older form."""
    if isinstance(value, list):
        return bool(value) and all(isinstance(v, dict) for v in value) and _is_frame(value[0])
    return _is_frame(value) or _is_older(value)


def _is_frame(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("people"), list | None):
        return False
    return "people" in value and ("canvas_width" in value or "animals" in value)


def _is_older(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and "width" in value
        and "height" in value
        and isinstance(value.get("keypoints"), list)
    )


def load(value: Any, name: str, frame: int = 0) -> Document:
    """Read one frame of a file."""
    kept: dict[str, Any] = {}
    if isinstance(value, list):
        frames = values.mappings(value, "the frames", name)
        if not 0 <= frame < len(frames):
            raise FormatError(f"{name} has {len(frames)} frames, so there is no frame {frame}.")
        kept["frames"] = [f for place, f in enumerate(frames) if place != frame]
        kept["frame"] = frame
        value = frames[frame]
    if _is_older(value) and "people" not in value:
        value = _from_older(value, name)
    value = values.mapping(value, "a ControlNet pose", name)
    people = values.mappings(value.get("people"), "people", name)
    size = values.canvas_size(value.get("canvas_width"), value.get("canvas_height"), name)
    kept["normalised"] = parts.normalised(people, name)
    kept["states_size"] = size is not None
    if size is None:
        size = (_CANVAS_PX, _CANVAS_PX)
        if not kept["normalised"]:
            triples = [parts.body_triples(person, name)[0] for person in people]
            around = values.canvas_around([t[t[:, 2] > 0, :2] for t in triples])
            size = (max(size[0], around[0]), max(size[1], around[1]))
    kept["size"] = list(size)
    scale = np.array(size, float) if kept["normalised"] else np.ones(2)
    poses = [parts.read_pose(person, name, scale) for person in people]
    kept["confidences"] = any(
        not np.isin(parts.body_triples(person, name)[0][:, 2], (0.0, 1.0)).all()
        for person in people
    )
    kept["top"] = {k: v for k, v in value.items() if k not in _OWN}
    return Document(size, parts.persons(poses, people, _KEY), extra={_KEY: kept})


def _from_older(value: dict[str, Any], name: str) -> dict[str, Any]:
    """`{"width", "height", "keypoints": [[[x, y] * 18] ...]}` in the present form."""
    people = []
    for points in value["keypoints"]:
        if not isinstance(points, list) or len(points) != len(OPENPOSE_18):
            raise FormatError(f"{name}: each person must be a list of 18 points.")
        flat: list[Any] = []
        for point in points:
            xy = point[:2] if isinstance(point, list) and len(point) >= 2 else [None, None]
            present = None not in xy and xy != [-1, -1]
            flat += [*xy, 1.0] if present else [0, 0, 0]
        people.append({parts.BODY: flat})
    others = {k: v for k, v in value.items() if k not in ("width", "height", "keypoints")}
    return {
        "people": people,
        **others,
        "canvas_width": value["width"],
        "canvas_height": value["height"],
    }


def dump(
    document: Document,
    *,
    normalised: bool | None = None,
    confidences: bool | None = None,
    **_: Any,
) -> bytes:
    """A frame of all people; within its list of frames if the file was opened from one.

    Args:
        normalised: coordinates as shares of the canvas instead of px; as opened if None.
        confidences: the real ones instead of 1.0; as opened if None.
    """
    kept = values.kept(document.extra, _KEY)
    normalised = bool(kept.get("normalised")) if normalised is None else normalised
    confidences = bool(kept.get("confidences")) if confidences is None else confidences
    size = np.array(document.size, float)
    scale = size if normalised else np.ones(2)
    # What a person came with counts in the units of the opened file and canvas.
    same_units = normalised == bool(kept.get("normalised")) and (
        not normalised or list(document.size) == kept.get("size")
    )
    people = []
    for person in document.people:
        raw = (
            (values.kept(person.extra, _KEY) or None)
            if same_units
            else _other_units(person, kept, scale)
        )
        skeleton = BODY_25 if len((raw or {}).get(parts.BODY) or []) == 75 else OPENPOSE_18
        people.append(
            parts.write_person(
                person.pose, raw, scale, skeleton=skeleton, confidences=confidences, empty=None
            )
        )
    frame = {
        "people": people,
        **kept.get("top", {"animals": []}),
        "canvas_width": document.size[0],
        "canvas_height": document.size[1],
    }
    if "frames" not in kept:
        return dump_json(frame)
    frames = list(kept["frames"])
    frames.insert(min(kept.get("frame", 0), len(frames)), frame)
    return dump_json(frames)


def _other_units(person: Person, kept: dict[str, Any], scale: np.ndarray) -> dict[str, Any] | None:
    """What a person came with, its points in units of `scale` px."""
    raw = values.kept(person.extra, _KEY) or None
    if raw is None:
        return None
    old = np.array(kept.get("size") or scale, float) if kept.get("normalised") else np.ones(2)
    factor = old / scale
    return {key: parts.rescaled(value, factor) for key, value in raw.items()}
