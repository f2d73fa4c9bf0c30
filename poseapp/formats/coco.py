"""COCO keypoint JSON: annotation files and result lists.

A file may hold many images. One of them is opened; the others, and annotations that are no COCO
persons or have no labelled joint, are kept as they are and written back by a save in the same
format. So are unknown keys at every level, and the boxes, areas and segmentations of people whose
pose was not changed, or only within its box.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from poseapp.core.document import PERSON_COLOURS, Document, Person
from poseapp.core.errors import FormatError
from poseapp.core.pose import Pose2D, Visibility
from poseapp.core.skeleton import COCO_17
from poseapp.formats import values
from poseapp.formats.files import dump_json

_KEY = "coco"
_SCORES = "keypoint_scores"
_VISIBILITY = "keypoint_visibility"
_JOINTS = len(COCO_17)
_OWN_ORDER = tuple(range(_JOINTS))
_SAME_BOX = 0.1  # share of its size by which a pose may outgrow the box it came with

# The order in which COCO's own files list the bones, counted from 1.
_SKELETON = [[a + 1, b + 1] for a, b in COCO_17.bones]


def recognises(value: Any) -> bool:
    """The JSON value is an annotation file or a list of results with keypoints."""
    if isinstance(value, dict):
        annotations = value.get("annotations")
        if not isinstance(annotations, list):
            return False
        return "images" in value or any(_has_keypoints(a) for a in annotations[:50])
    return isinstance(value, list) and any(
        _has_keypoints(entry) and "image_id" in entry for entry in value[:50]
    )


def _has_keypoints(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("keypoints"), list)


def load(value: Any, name: str, image: int | str | None = None) -> Document:
    """Open one image of a file.

    Args:
        value: the parsed JSON.
        name: what to call the file in messages.
        image: id or file_name of the image to open; the first that has people if None.
    """
    if isinstance(value, list):
        return _load_results(values.mappings(value, "the results", name), name, image)
    value = values.mapping(value, "a COCO file", name)
    images = values.mappings(value.get("images"), "images", name)
    annotations = values.mappings(value.get("annotations"), "annotations", name)
    categories = values.mappings(value.get("categories"), "categories", name)
    orders = _orders(categories)
    people_of = [a for a in annotations if _is_person(a, orders)]
    if annotations and not people_of:
        raise FormatError(f"{name} holds annotations, but no person with COCO's 17 keypoints.")
    chosen = _choose(images, people_of, image, name)
    chosen_id = _first_image_id(people_of) if chosen is None else chosen.get("id")
    people, others, places = [], [], []
    for place, annotation in enumerate(annotations):
        order = _order_of(annotation, orders)
        if (
            order is None
            or annotation.get("image_id") != chosen_id
            or not _is_person(annotation, orders)
        ):
            others.append(annotation)
        else:
            people.append((_read_pose(annotation, order, name), annotation))
            places.append(place)
    size = None
    if chosen is not None:
        size = values.canvas_size(chosen.get("width"), chosen.get("height"), name)
    kept = {
        "kind": "annotations",
        "top": {k: v for k, v in value.items() if k not in ("images", "annotations")},
        "image": chosen,
        "image_id": chosen_id,
        "place": images.index(chosen) if chosen is not None else 0,
        "images": [i for i in images if i is not chosen],
        "annotations": others,
        "places": places,
        "last_id": max((_whole(a.get("id")) for a in annotations), default=0),
    }
    return _document(people, size, kept)


def _choose(
    images: list[dict[str, Any]],
    people: list[dict[str, Any]],
    image: int | str | None,
    name: str,
) -> dict[str, Any] | None:
    if image is not None:
        for entry in images:
            if image in (entry.get("id"), entry.get("file_name")):
                return entry
        raise FormatError(f"{name} has no image {image}.")
    if people:
        peopled = {_hashable(a.get("image_id")) for a in people}
        for entry in images:
            if _hashable(entry.get("id")) in peopled:
                return entry
        return None  # the file does not list the image that they are on
    return images[0] if images else None


def _first_image_id(people: list[dict[str, Any]]) -> Any:
    return people[0].get("image_id") if people else None


def _whole(value: Any) -> int:
    """A whole number above 0, else 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _hashable(value: Any) -> Any:
    return repr(value) if isinstance(value, list | dict) else value


def _orders(categories: list[dict[str, Any]]) -> dict[Any, tuple[int, ...] | None]:
    """For each category where its COCO joints lie in `keypoints`; None: it is no COCO person."""
    orders: dict[Any, tuple[int, ...] | None] = {}
    for category in categories:
        names = category.get("keypoints")
        order: tuple[int, ...] | None = _OWN_ORDER
        if isinstance(names, list) and names:
            known = {
                str(n).strip().lower().replace(" ", "_").replace("-", "_"): i
                for i, n in enumerate(names)
            }
            if all(joint in known for joint in COCO_17.joints):
                order = tuple(known[joint] for joint in COCO_17.joints)
            elif len(names) != _JOINTS or not all(str(n).strip().isdigit() for n in names):
                order = None
        orders[_hashable(category.get("id"))] = order
    return orders


def _order_of(
    annotation: dict[str, Any], orders: dict[Any, tuple[int, ...] | None]
) -> tuple[int, ...] | None:
    keypoints = annotation.get("keypoints")
    if not isinstance(keypoints, list) or not keypoints:
        return None
    order = orders.get(_hashable(annotation.get("category_id")), _OWN_ORDER)
    if order is None or len(keypoints) % 3 or len(keypoints) // 3 <= max(order):
        return None
    return order


def _is_person(annotation: dict[str, Any], orders: dict[Any, tuple[int, ...] | None]) -> bool:
    """The annotation has at least one labelled joint of COCO's 17."""
    order = _order_of(annotation, orders)
    return order is not None and any(annotation["keypoints"][3 * i + 2] for i in order)


def _read_pose(annotation: dict[str, Any], order: tuple[int, ...], name: str) -> Pose2D:
    triples = values.numbers(annotation["keypoints"], "keypoints", name).reshape(-1, 3)
    rows = triples[list(order)]
    flags = rows[:, 2]
    if np.isin(flags, (0, 1, 2)).all():
        confidence = _read_scores(annotation, order, len(triples), name)
        return Pose2D(rows[:, :2], flags.astype(np.uint8), confidence)
    if flags.min() < 0 or flags.max() > 1:
        raise FormatError(f"{name}: the visibility of a keypoint must be 0, 1 or 2.")
    return Pose2D(rows[:, :2], confidence=flags)  # a detector's file: scores in its place


def _read_scores(
    annotation: dict[str, Any], order: tuple[int, ...], count: int, name: str
) -> np.ndarray | None:
    scores = annotation.get(_SCORES)
    if not isinstance(scores, list) or len(scores) != count:
        return None
    return np.clip(values.numbers(scores, _SCORES, name)[list(order)], 0.0, 1.0)


def _document(
    people: list[tuple[Pose2D, dict[str, Any]]],
    size: tuple[int, int] | None,
    kept: dict[str, Any],
) -> Document:
    if size is None:
        size = values.canvas_around([pose.keypoints[pose.present] for pose, _ in people])
    kept["size"] = list(size)
    persons = tuple(
        Person(
            pose,
            name=f"Person {number + 1}",
            colour=PERSON_COLOURS[number % len(PERSON_COLOURS)],
            extra={_KEY: raw},
        )
        for number, (pose, raw) in enumerate(people)
    )
    return Document(size, persons, extra={_KEY: kept})


# --- results -------------------------------------------------------------------------------------


def _load_results(entries: list[dict[str, Any]], name: str, image: int | str | None) -> Document:
    usable = [e for e in entries if _has_keypoints(e) and len(e["keypoints"]) == 3 * _JOINTS]
    if not usable:
        raise FormatError(f"{name} holds no results with 17 keypoints.")
    chosen = usable[0].get("image_id") if image is None else image
    if image is not None and all(e.get("image_id") != image for e in usable):
        raise FormatError(f"{name} has no image {image}.")
    taken = [e for e in usable if e.get("image_id") == chosen]
    people = [(_read_result(entry, name), entry) for entry in taken]
    kept = {
        "kind": "results",
        "image_id": chosen,
        "annotations": [e for e in entries if not any(e is t for t in taken)],
    }
    return _document(people, None, kept)


def _read_result(entry: dict[str, Any], name: str) -> Pose2D:
    """A result's third value is a confidence, or 1 or 2, or 0 throughout: evaluation ignores it."""
    triples = values.numbers(entry["keypoints"], "keypoints", name).reshape(-1, 3)
    points, sure = triples[:, :2], np.clip(triples[:, 2], 0.0, 1.0)
    if not sure.any():
        sure = points.any(1).astype(float)
    absent = sure <= 0
    visibility = np.where(absent, Visibility.ABSENT, Visibility.VISIBLE).astype(np.uint8)
    stored = entry.get(_VISIBILITY)
    if isinstance(stored, list) and len(stored) == _JOINTS:
        hidden = values.numbers(stored, _VISIBILITY, name) == Visibility.HIDDEN
        visibility[hidden & ~absent] = Visibility.HIDDEN
    scores = _read_scores(entry, _OWN_ORDER, _JOINTS, name)
    return Pose2D(points, visibility, sure if scores is None else scores)


def dump_results(document: Document, **_: Any) -> bytes:
    """A list of results, one for each person; `score` is the mean confidence of its joints."""
    kept = values.kept(document.extra, _KEY)
    kept = kept if kept.get("kind") == "results" else {}
    image_id = kept.get("image_id", _kept_image_id(document))
    entries = list(kept.get("annotations", []))
    for person in document.people:
        raw = (values.kept(person.extra, _KEY) or None) if kept else None
        pose = person.pose
        if raw is not None and _same(raw, pose):
            entries.append(raw)
            continue
        entry: dict[str, Any] = dict(raw or {})
        entry["image_id"] = image_id
        entry.setdefault("category_id", 1)
        entry["keypoints"] = _triples(pose, np.minimum(pose.visibility, 1))
        sure = pose.confidence[pose.present]
        entry.setdefault("score", values.tidy(sure.mean() if len(sure) else 0.0, 6))
        _put_scores(entry, pose.confidence, pose)
        entry.pop(_VISIBILITY, None)
        if (pose.visibility == Visibility.HIDDEN).any():
            entry[_VISIBILITY] = pose.visibility.tolist()
        entries.append(entry)
    return dump_json(entries)


def _same(raw: dict[str, Any], pose: Pose2D) -> bool:
    """The pose is still the one that a result came with."""
    try:
        return _read_result(raw, "") == pose
    except (FormatError, KeyError, ValueError):
        return False


def _kept_image_id(document: Document) -> Any:
    image_id = values.kept(document.extra, _KEY).get("image_id")
    return 1 if image_id is None else image_id


# --- annotations ---------------------------------------------------------------------------------


def dump(document: Document, **_: Any) -> bytes:
    """An annotation file; ids start at 1, joints of the document are counted in COCO's order.

    Confidences go to the extra key `keypoint_scores` when any joint is not certain.
    """
    kept = values.kept(document.extra, _KEY)
    kept = kept if kept.get("kind") == "annotations" else {}
    top = dict(kept.get("top", {}))
    top.setdefault("info", _info())
    top.setdefault("licenses", [{"id": 1, "name": "", "url": ""}])
    images = list(kept.get("images", []))
    image = _image(document, kept, images)
    images.insert(min(kept.get("place", 0), len(images)), image)
    categories, category = _categories(top.get("categories"))
    top["categories"] = categories
    orders = _orders(categories)
    annotations = list(kept.get("annotations", []))
    raws = [
        (values.kept(person.extra, _KEY) or None) if kept else None for person in document.people
    ]
    used = {a.get("id") for a in annotations if _whole(a.get("id"))}
    ids = [*used, *(_whole((raw or {}).get("id")) for raw in raws), kept.get("last_id", 0)]
    free = max(ids) + 1
    old, new = [], []
    for person, raw in zip(document.people, raws, strict=True):
        entry = _annotation(person.pose, raw, orders, category)
        number = entry.get("id")
        if not _whole(number) or number in used:  # a new person, or a duplicate
            number, free = free, free + 1
            new.append(entry)
        else:
            old.append(entry)
        used.add(number)
        entry.update(id=number, image_id=image["id"])
    for place, entry in zip(kept.get("places", []), old, strict=False):
        annotations.insert(min(place, len(annotations)), entry)
    annotations += [*old[len(kept.get("places", [])) :], *new]
    body = {"info": top.pop("info"), "licenses": top.pop("licenses"), "images": images}
    return dump_json({**body, "annotations": annotations, **top})


def _info() -> dict[str, Any]:
    return {
        "description": "Keypoints made with PoseApp",
        "url": "",
        "version": "1.0",
        "year": 0,
        "contributor": "",
        "date_created": "",
    }


def _image(
    document: Document, kept: dict[str, Any], others: list[dict[str, Any]]
) -> dict[str, Any]:
    image = dict(kept.get("image") or {})
    if not image:
        ids = [i["id"] for i in others if isinstance(i.get("id"), int)]
        image_id = kept.get("image_id")
        image = {
            "id": max(ids, default=0) + 1 if image_id is None else image_id,
            "width": 0,
            "height": 0,
            "file_name": document.photo.name if document.photo else "pose.png",
            "license": 1,
            "flickr_url": "",
            "coco_url": "",
            "date_captured": "",
        }
    # A size that was only guessed for a file without one is not written into its image.
    if not kept.get("image") or list(document.size) != kept.get("size"):
        image["width"], image["height"] = document.size
    image.setdefault("id", 1)
    return image


def _categories(stored: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """All categories, and the one that new people get: the first COCO person, else a new one."""
    categories = list(stored) if isinstance(stored, list) else []
    orders = _orders(categories)
    for category in categories:
        if orders[_hashable(category.get("id"))] is not None and "id" in category:
            if not category.get("keypoints"):
                filled = {**category, "keypoints": list(COCO_17.joints), "skeleton": _SKELETON}
                categories[categories.index(category)] = filled
                return categories, filled
            return categories, category
    ids = [c["id"] for c in categories if isinstance(c.get("id"), int)]
    category = {
        "id": max(ids, default=0) + 1,
        "name": "person",
        "supercategory": "person",
        "keypoints": list(COCO_17.joints),
        "skeleton": _SKELETON,
    }
    return [*categories, category], category


def _annotation(
    pose: Pose2D,
    raw: dict[str, Any] | None,
    orders: dict[Any, tuple[int, ...] | None],
    category: dict[str, Any],
) -> dict[str, Any]:
    order = _order_of(raw, orders) if raw else None
    old: Pose2D | None = None
    if raw is not None and order is not None:
        try:
            old = _read_pose(raw, order, "")
        except FormatError:
            old = None
        if old == pose:
            return dict(raw)
    entry: dict[str, Any] = dict(raw or {"id": None, "image_id": None})
    if order is None:
        entry["category_id"] = category["id"]
        order = _orders([category])[_hashable(category["id"])] or _OWN_ORDER
        entry.pop("keypoints", None)
    count = max(len(category["keypoints"]), max(order) + 1)
    flat = list(entry.get("keypoints") or [0] * (3 * count))
    triples = _triples(pose, pose.visibility)
    scores = [1.0] * (len(flat) // 3)
    for joint, place in enumerate(order):
        flat[3 * place : 3 * place + 3] = triples[3 * joint : 3 * joint + 3]
        scores[place] = float(pose.confidence[joint])
    entry["keypoints"] = flat
    entry["num_keypoints"] = sum(1 for v in flat[2::3] if v)
    _put_scores(entry, np.array(scores), pose)
    if old is None or not _same_bounds(old, pose) or "bbox" not in entry:
        box = [values.tidy(v) for v in pose.bounds or (0, 0, 0, 0)]
        entry["bbox"] = box
        entry["area"] = values.tidy(box[2] * box[3])
        entry["segmentation"] = []
    entry.setdefault("segmentation", [])
    entry.setdefault("area", 0)
    entry.setdefault("iscrowd", 0)
    return entry


def _same_bounds(old: Pose2D, new: Pose2D) -> bool:
    """The pose still fits the box, area and outline that were annotated for it."""
    if old.bounds is None or new.bounds is None:
        return False
    before, after = np.array(old.bounds), np.array(new.bounds)
    limit = _SAME_BOX * max(before[2], before[3])
    return bool(
        np.abs(before[:2] - after[:2]).max() <= limit
        and np.abs(before[:2] + before[2:] - after[:2] - after[2:]).max() <= limit
    )


def _triples(pose: Pose2D, flags: np.ndarray) -> list[float | int]:
    flat: list[float | int] = []
    for (x, y), flag in zip(pose.keypoints, flags, strict=True):
        flat += [values.tidy(x), values.tidy(y), int(flag)]
    return flat


def _put_scores(entry: dict[str, Any], scores: np.ndarray, pose: Pose2D) -> None:
    entry.pop(_SCORES, None)
    if (pose.confidence[pose.present] != 1.0).any():
        entry[_SCORES] = [values.tidy(s, 6) for s in scores]
