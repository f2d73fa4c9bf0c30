"""Keypoint files of a photo: scaled where they state a size, as they are where they do not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from poseapp.core.detection import scaled
from poseapp.core.document import Document, Person
from poseapp.formats import registry
from poseapp.formats.photo_poses import load_over
from tests.helpers.transfer import reference

SIZE = (240, 280)  # of the photo
POSE = reference().pose
LARGE = scaled(POSE, SIZE, (480, 560))


def points(file: Path) -> np.ndarray:
    """(17, 2) px of the first person; joints that the format cannot hold are the same in all."""
    document = load_over(file, SIZE)
    assert document.size == SIZE
    return document.people[0].pose.keypoints


@pytest.mark.parametrize("format", ["coco", "controlnet", "pose"])
def test_a_size_that_is_stated_counts(tmp_path: Path, format: str) -> None:
    file = tmp_path / f"p.{'pose' if format == 'pose' else 'json'}"
    registry.save(Document((480, 560), (Person(LARGE),)), file, format)
    np.testing.assert_allclose(points(file), POSE.keypoints, atol=0.01)


@pytest.mark.parametrize("format", ["coco", "coco_results", "controlnet", "openpose"])
def test_without_a_size_it_is_px_of_the_photo(tmp_path: Path, format: str) -> None:
    file = tmp_path / "p.json"
    registry.save(Document(SIZE, (Person(POSE),)), file, format)
    value = json.loads(file.read_text("utf-8"))
    if format == "coco":
        del value["images"][0]["width"]
    if format == "controlnet":
        value["canvas_width"] = value["canvas_height"] = 0
    file.write_text(json.dumps(value), "utf-8")
    assert registry.load(file).size != SIZE  # the canvas that is laid around the people
    np.testing.assert_allclose(points(file), POSE.keypoints, atol=0.01)


@pytest.mark.parametrize("format", ["controlnet", "openpose"])
def test_shares_are_of_the_photo(tmp_path: Path, format: str) -> None:
    file = tmp_path / "p.json"
    registry.save(Document(SIZE, (Person(POSE),)), file, format)
    value = json.loads(file.read_text("utf-8"))
    row = value["people"][0]["pose_keypoints_2d"]
    row[0::3] = [x / SIZE[0] for x in row[0::3]]
    row[1::3] = [y / SIZE[1] for y in row[1::3]]
    file.write_text(json.dumps(value), "utf-8")
    np.testing.assert_allclose(points(file), POSE.keypoints, atol=0.05)
