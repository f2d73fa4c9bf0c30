"""Keypoint files of a photo that is at hand, whatever size they were written for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from poseapp.core.detection import scaled
from poseapp.core.document import Document
from poseapp.formats import registry, values
from poseapp.formats.files import read_bytes


def load_over(file: Path, size: tuple[int, int]) -> Document:
    """A file with its poses in px of the photo that it belongs to.

    A file that states the size of its picture is scaled from that. One that states none is in px
    of the photo already, or in shares of it.

    Args:
        size: (width, height) px of the photo; the document gets it as its canvas.
    Raises:
        DocumentError: the file cannot be read.
    """
    data = read_bytes(file)
    kind = registry.sniff(data, file.name).name
    document = registry.loads(data, file.name)
    people = document.people
    if _is_shares(kind, document):
        factor = np.array(size, float) / np.array(document.size, float)
        people = tuple(
            replace(p, pose=p.pose.with_keypoints(p.pose.keypoints * factor)) for p in people
        )
    elif _states_size(kind, document):
        people = tuple(replace(p, pose=scaled(p.pose, document.size, size)) for p in people)
    return replace(document, size=size, people=people)


def _is_shares(kind: str, document: Document) -> bool:
    kept = values.kept(document.extra, kind)
    if kind == "openpose":
        return bool(kept.get("unit", 1) != 1)
    return kind == "controlnet" and bool(kept.get("normalised"))


def _states_size(kind: str, document: Document) -> bool:
    if kind == "coco":
        image = values.kept(document.extra, "coco").get("image") or {}
        return bool(image.get("width") and image.get("height"))
    if kind == "controlnet":
        return bool(values.kept(document.extra, kind).get("states_size"))
    return kind not in ("coco_results", "openpose")
