"""OpenPose JSON: one frame, several people, COCO-18 or BODY_25 by the number of points.

The format knows confidences but no hidden joints: these are written as present. Neck and mid hip
are derived; hands, face, feet and unknown keys of an opened file survive a save.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from poseapp.core.document import Document
from poseapp.core.skeleton import BODY_25, OPENPOSE_18
from poseapp.formats import openpose_parts as parts
from poseapp.formats import values
from poseapp.formats.files import dump_json

_KEY = "openpose"
_UNIT_PX = 768  # canvas of a file whose coordinates are shares of an unknown picture


def recognises(value: Any) -> bool:
    """The JSON value is a frame of OpenPose, and not of ControlNet (which names its canvas)."""
    if not isinstance(value, dict) or not isinstance(value.get("people"), list):
        return False
    people = value["people"]
    if people:
        return any(isinstance(p, dict) and parts.BODY in p for p in people[:50])
    return "version" in value


def load(value: Any, name: str) -> Document:
    """Read a frame. The file names no canvas, so one is laid around the people."""
    value = values.mapping(value, "an OpenPose file", name)
    people = values.mappings(value.get("people"), "people", name)
    unit = _UNIT_PX if parts.normalised(people, name) else 1
    scale = np.full(2, float(unit))
    poses = [parts.read_pose(person, name, scale) for person in people]
    if unit == 1:
        size = values.canvas_around([p.keypoints[p.present] for p in poses])
    else:
        size = (_UNIT_PX, _UNIT_PX)
    kept = {"top": {k: v for k, v in value.items() if k != "people"}, "unit": unit}
    return Document(size, parts.persons(poses, people, _KEY), extra={_KEY: kept})


def dump(document: Document, *, body25: bool | None = None, **_: Any) -> bytes:
    """A frame of all people.

    Args:
        body25: 25 points instead of 18; as the opened file has them if None.
    """
    kept = values.kept(document.extra, _KEY)
    scale = np.full(2, float(kept.get("unit", 1)))
    people = []
    for person in document.people:
        raw = values.kept(person.extra, _KEY) or None
        skeleton = BODY_25 if (_has_25(raw) and body25 is None) or body25 else OPENPOSE_18
        entry = {} if raw else {"person_id": [-1]}
        written = parts.write_person(person.pose, raw, scale, skeleton=skeleton, empty=[])
        people.append({**entry, **written})
    top = {"version": 1.3, **kept.get("top", {})}
    return dump_json({**top, "people": people})


def _has_25(raw: dict[str, Any] | None) -> bool:
    return raw is not None and len(raw.get(parts.BODY) or []) == 3 * len(BODY_25)
