"""One person of a COCO keypoint file: read, and written back without losing anything."""

from __future__ import annotations

from typing import Any

import numpy as np

from poseapp.core.document import PERSON_COLOURS, Document, Person
from poseapp.core.errors import FormatError
from poseapp.core.pose import Pose2D
from poseapp.core.skeleton import COCO_17
from poseapp.formats import values

KEY = "coco"
_SCORES = "keypoint_scores"
_JOINTS = len(COCO_17)
_SAME_BOX = 0.1  # share of its size by which a pose may outgrow the box it came with

OWN_ORDER = tuple(range(_JOINTS))


def has_keypoints(entry: Any) -> bool:
    """The value is an object with a list of keypoints."""
    return isinstance(entry, dict) and isinstance(entry.get("keypoints"), list)


def hashable(value: Any) -> Any:
    """An id as a key; a file may hold anything in its place."""
    return repr(value) if isinstance(value, list | dict) else value


def whole(value: Any) -> int:
    """A whole number above 0, else 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def joint_orders(categories: list[dict[str, Any]]) -> dict[Any, tuple[int, ...] | None]:
    """For each category where its COCO joints lie in `keypoints`; None: it is no COCO person."""
    orders: dict[Any, tuple[int, ...] | None] = {}
    for category in categories:
        names = category.get("keypoints")
        order: tuple[int, ...] | None = OWN_ORDER
        if isinstance(names, list) and names:
            known = {
                str(n).strip().lower().replace(" ", "_").replace("-", "_"): i
                for i, n in enumerate(names)
            }
            if all(joint in known for joint in COCO_17.joints):
                order = tuple(known[joint] for joint in COCO_17.joints)
            elif len(names) != _JOINTS or not all(str(n).strip().isdigit() for n in names):
                order = None
        orders[hashable(category.get("id"))] = order
    return orders


def order_of(
    annotation: dict[str, Any], orders: dict[Any, tuple[int, ...] | None]
) -> tuple[int, ...] | None:
    """Where COCO's 17 joints lie in an annotation's keypoints; None where they do not."""
    keypoints = annotation.get("keypoints")
    if not isinstance(keypoints, list) or not keypoints:
        return None
    order = orders.get(hashable(annotation.get("category_id")), OWN_ORDER)
    if order is None or len(keypoints) % 3 or len(keypoints) // 3 <= max(order):
        return None
    return order


def is_person(annotation: dict[str, Any], orders: dict[Any, tuple[int, ...] | None]) -> bool:
    """The annotation has at least one labelled joint of COCO's 17."""
    order = order_of(annotation, orders)
    return order is not None and any(annotation["keypoints"][3 * i + 2] for i in order)


def read_pose(annotation: dict[str, Any], order: tuple[int, ...], name: str) -> Pose2D:
    """The pose of an annotation; FormatError, which starts with `name`, for anything else."""
    triples = values.numbers(annotation["keypoints"], "keypoints", name).reshape(-1, 3)
    rows = triples[list(order)]
    flags = rows[:, 2]
    if np.isin(flags, (0, 1, 2)).all():
        confidence = read_scores(annotation, order, len(triples), name)
        return Pose2D(rows[:, :2], flags.astype(np.uint8), confidence)
    if flags.min() < 0 or flags.max() > 1:
        raise FormatError(f"{name}: the visibility of a keypoint must be 0, 1 or 2.")
    return Pose2D(rows[:, :2], confidence=flags)  # a detector's file: scores in its place


def read_scores(
    annotation: dict[str, Any], order: tuple[int, ...], count: int, name: str
) -> np.ndarray | None:
    """(17,) confidences of an annotation of `count` joints; None where it has none."""
    scores = annotation.get(_SCORES)
    if not isinstance(scores, list) or len(scores) != count:
        return None
    return np.clip(values.numbers(scores, _SCORES, name)[list(order)], 0.0, 1.0)


def make_document(
    people: list[tuple[Pose2D, dict[str, Any]]],
    size: tuple[int, int] | None,
    kept: dict[str, Any],
) -> Document:
    """A document of poses with the entries that they came from.

    Args:
        size: canvas (width, height) px; laid around the people if None.
        kept: the rest of the file; goes to the document's `extra`.
    """
    if size is None:
        size = values.canvas_around([pose.keypoints[pose.present] for pose, _ in people])
    kept["size"] = list(size)
    persons = tuple(
        Person(
            pose,
            name=f"Person {number + 1}",
            colour=PERSON_COLOURS[number % len(PERSON_COLOURS)],
            extra={KEY: raw},
        )
        for number, (pose, raw) in enumerate(people)
    )
    return Document(size, persons, extra={KEY: kept})


def written(
    pose: Pose2D,
    raw: dict[str, Any] | None,
    orders: dict[Any, tuple[int, ...] | None],
    category: dict[str, Any],
) -> dict[str, Any]:
    """The annotation of a pose.

    Args:
        raw: the annotation that the person came with; returned as it is for the same pose.
        orders: what `joint_orders` gives for the file's categories.
        category: that of new people.
    """
    order = order_of(raw, orders) if raw else None
    old: Pose2D | None = None
    if raw is not None and order is not None:
        try:
            old = read_pose(raw, order, "")
        except FormatError:
            old = None
        if old == pose:
            return dict(raw)
    entry: dict[str, Any] = dict(raw or {"id": None, "image_id": None})
    if order is None:
        entry["category_id"] = category["id"]
        order = joint_orders([category])[hashable(category["id"])] or OWN_ORDER
        entry.pop("keypoints", None)
    count = max(len(category["keypoints"]), max(order) + 1)
    flat = list(entry.get("keypoints") or [0] * (3 * count))
    own = flat_triples(pose, pose.visibility)
    scores = [1.0] * (len(flat) // 3)
    for joint, place in enumerate(order):
        flat[3 * place : 3 * place + 3] = own[3 * joint : 3 * joint + 3]
        scores[place] = float(pose.confidence[joint])
    entry["keypoints"] = flat
    entry["num_keypoints"] = sum(1 for v in flat[2::3] if v)
    put_scores(entry, np.array(scores), pose)
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


def flat_triples(pose: Pose2D, flags: np.ndarray) -> list[float | int]:
    """x, y and a (17,) flag of each joint, one after the other."""
    flat: list[float | int] = []
    for (x, y), flag in zip(pose.keypoints, flags, strict=True):
        flat += [values.tidy(x), values.tidy(y), int(flag)]
    return flat


def put_scores(entry: dict[str, Any], scores: np.ndarray, pose: Pose2D) -> None:
    """Write `scores` into an entry when any joint of the pose is not certain; drop old ones."""
    entry.pop(_SCORES, None)
    if (pose.confidence[pose.present] != 1.0).any():
        entry[_SCORES] = [values.tidy(s, 6) for s in scores]
