"""COCO keypoint JSON: annotation files.

A file may hold many images. One of them is opened; the others, and annotations that are no COCO
persons or have no labelled joint, are kept as they are and written back by a save in the same
format. So are unknown keys at every level, and the boxes, areas and segmentations of people whose
pose was not changed, or only within its box.
"""

from __future__ import annotations

from typing import Any

from poseapp.core.document import Document
from poseapp.core.errors import FormatError
from poseapp.core.skeleton import COCO_17
from poseapp.formats import coco_people, values
from poseapp.formats.files import dump_json

# The order in which COCO's own files list the bones, counted from 1.
_SKELETON = [[a + 1, b + 1] for a, b in COCO_17.bones]


def recognises(value: Any) -> bool:
    """The JSON value is an annotation file with images or keypoints."""
    if not isinstance(value, dict) or not isinstance(value.get("annotations"), list):
        return False
    return "images" in value or any(
        coco_people.has_keypoints(entry) for entry in value["annotations"][:50]
    )


def load(value: Any, name: str, image: int | str | None = None) -> Document:
    """Open one image of a file.

    Args:
        value: the parsed JSON.
        name: what to call the file in messages.
        image: id or file_name of the image to open; the first that has people if None.
    """
    value = values.mapping(value, "a COCO file", name)
    images = values.mappings(value.get("images"), "images", name)
    annotations = values.mappings(value.get("annotations"), "annotations", name)
    categories = values.mappings(value.get("categories"), "categories", name)
    orders = coco_people.joint_orders(categories)
    people_of = [a for a in annotations if coco_people.is_person(a, orders)]
    if annotations and not people_of:
        raise FormatError(f"{name} holds annotations, but no person with COCO's 17 keypoints.")
    chosen = _choose(images, people_of, image, name)
    chosen_id = _first_image_id(people_of) if chosen is None else chosen.get("id")
    people, others, places = [], [], []
    for place, annotation in enumerate(annotations):
        order = coco_people.order_of(annotation, orders)
        if (
            order is None
            or annotation.get("image_id") != chosen_id
            or not coco_people.is_person(annotation, orders)
        ):
            others.append(annotation)
        else:
            people.append((coco_people.read_pose(annotation, order, name), annotation))
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
        "last_id": max((coco_people.whole(a.get("id")) for a in annotations), default=0),
    }
    return coco_people.make_document(people, size, kept)


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
        peopled = {coco_people.hashable(a.get("image_id")) for a in people}
        for entry in images:
            if coco_people.hashable(entry.get("id")) in peopled:
                return entry
        return None  # the file does not list the image that they are on
    return images[0] if images else None


def _first_image_id(people: list[dict[str, Any]]) -> Any:
    return people[0].get("image_id") if people else None


def dump(document: Document, **_: Any) -> bytes:
    """An annotation file; ids start at 1, joints of the document are counted in COCO's order.

    Confidences go to the extra key `keypoint_scores` when any joint is not certain.
    """
    kept = values.kept(document.extra, coco_people.KEY)
    kept = kept if kept.get("kind") == "annotations" else {}
    top = dict(kept.get("top", {}))
    top.setdefault("info", _info())
    top.setdefault("licenses", [{"id": 1, "name": "", "url": ""}])
    images = list(kept.get("images", []))
    image = _image(document, kept, images)
    images.insert(min(kept.get("place", 0), len(images)), image)
    categories, category = _categories(top.get("categories"))
    top["categories"] = categories
    orders = coco_people.joint_orders(categories)
    annotations = list(kept.get("annotations", []))
    raws = [
        (values.kept(person.extra, coco_people.KEY) or None) if kept else None
        for person in document.people
    ]
    used = {a.get("id") for a in annotations if coco_people.whole(a.get("id"))}
    ids = [
        *used,
        *(coco_people.whole((raw or {}).get("id")) for raw in raws),
        kept.get("last_id", 0),
    ]
    free = max(ids) + 1
    old, new = [], []
    for person, raw in zip(document.people, raws, strict=True):
        entry = coco_people.written(person.pose, raw, orders, category)
        number = entry.get("id")
        if not coco_people.whole(number) or number in used:  # a new person, or a duplicate
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
    # A size that was only guessed for a file without one is not coco_people.written into its image.
    if not kept.get("image") or list(document.size) != kept.get("size"):
        image["width"], image["height"] = document.size
    image.setdefault("id", 1)
    return image


def _categories(stored: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """All categories, and the one that new people get: the first COCO person, else a new one."""
    categories = list(stored) if isinstance(stored, list) else []
    orders = coco_people.joint_orders(categories)
    for category in categories:
        if orders[coco_people.hashable(category.get("id"))] is not None and "id" in category:
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
