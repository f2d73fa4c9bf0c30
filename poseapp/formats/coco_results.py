"""COCO keypoint results: the list that detectors write and `pycocotools` evaluates."""

from __future__ import annotations

from typing import Any

import numpy as np

from poseapp.core.document import Document
from poseapp.core.errors import FormatError
from poseapp.core.pose import Pose2D, Visibility
from poseapp.core.skeleton import COCO_17
from poseapp.formats import coco_people, values
from poseapp.formats.files import dump_json

_VISIBILITY = "keypoint_visibility"


def recognises(value: Any) -> bool:
    """The JSON value is a list of results with keypoints."""
    return isinstance(value, list) and any(
        coco_people.has_keypoints(entry) and "image_id" in entry for entry in value[:50]
    )


def load(value: Any, name: str, image: int | str | None = None) -> Document:
    """Open the results of one image; those of others are kept and written back.

    Args:
        value: the parsed JSON.
        name: what to call the file in messages.
        image: `image_id` of the image to open; that of the first result if None.
    """
    entries = values.mappings(value, "the results", name)
    usable = [
        e
        for e in entries
        if coco_people.has_keypoints(e) and len(e["keypoints"]) == 3 * len(COCO_17)
    ]
    if not usable:
        raise FormatError(f"{name} holds no results with 17 keypoints.")
    chosen = usable[0].get("image_id") if image is None else image
    if image is not None and all(e.get("image_id") != image for e in usable):
        raise FormatError(f"{name} has no image {image}.")
    taken = {id(e) for e in usable if e.get("image_id") == chosen}
    found = [(_read_result(entry, name), entry) for entry in entries if id(entry) in taken]
    kept = {
        "kind": "results",
        "image_id": chosen,
        "annotations": [e for e in entries if id(e) not in taken],
        "places": [place for place, e in enumerate(entries) if id(e) in taken],
    }
    return coco_people.make_document(found, None, kept)


def _read_result(entry: dict[str, Any], name: str) -> Pose2D:
    """A result's third value is a confidence, or 1 or 2, or 0 throughout: evaluation ignores it."""
    triples = values.numbers(entry["keypoints"], "keypoints", name).reshape(-1, 3)
    points, sure = triples[:, :2], np.clip(triples[:, 2], 0.0, 1.0)
    if not sure.any():
        sure = points.any(1).astype(float)
    absent = sure <= 0
    visibility = np.where(absent, Visibility.ABSENT, Visibility.VISIBLE).astype(np.uint8)
    stored = entry.get(_VISIBILITY)
    if isinstance(stored, list) and len(stored) == len(COCO_17):
        hidden = values.numbers(stored, _VISIBILITY, name) == Visibility.HIDDEN
        visibility[hidden & ~absent] = Visibility.HIDDEN
    scores = coco_people.read_scores(entry, coco_people.OWN_ORDER, len(COCO_17), name)
    return Pose2D(points, visibility, sure if scores is None else scores)


def dump(document: Document, **_: Any) -> bytes:
    """A list of results, one for each person; `score` is the mean confidence of its joints."""
    kept = values.kept(document.extra, coco_people.KEY)
    kept = kept if kept.get("kind") == "results" else {}
    image_id = kept.get("image_id", _kept_image_id(document))
    entries = list(kept.get("annotations", []))
    places = [
        *kept.get("places", []),
        *[len(entries) + len(document.people)] * len(document.people),
    ]
    for person, place in zip(document.people, places, strict=False):
        raw = (values.kept(person.extra, coco_people.KEY) or None) if kept else None
        pose = person.pose
        if raw is not None and _same(raw, pose):
            entries.insert(place, raw)
            continue
        entry: dict[str, Any] = dict(raw or {})
        entry["image_id"] = image_id
        entry.setdefault("category_id", 1)
        entry["keypoints"] = coco_people.flat_triples(pose, np.minimum(pose.visibility, 1))
        sure = pose.confidence[pose.present]
        entry.setdefault("score", values.tidy(sure.mean() if len(sure) else 0.0, 6))
        coco_people.put_scores(entry, pose.confidence, pose)
        entry.pop(_VISIBILITY, None)
        if (pose.visibility == Visibility.HIDDEN).any():
            entry[_VISIBILITY] = pose.visibility.tolist()
        entries.insert(place, entry)
    return dump_json(entries)


def _same(raw: dict[str, Any], pose: Pose2D) -> bool:
    """The pose is still the one that a result came with."""
    try:
        return _read_result(raw, "") == pose
    except (FormatError, KeyError, ValueError):
        return False


def _kept_image_id(document: Document) -> Any:
    image_id = values.kept(document.extra, coco_people.KEY).get("image_id")
    return 1 if image_id is None else image_id
