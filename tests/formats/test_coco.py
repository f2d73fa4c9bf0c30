"""COCO keypoint JSON: what pycocotools and CVAT expect, and nothing of an opened file lost."""

from __future__ import annotations

import contextlib
import copy
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from poseapp.core.document import Document, Person, Photo
from poseapp.core.errors import FormatError
from poseapp.core.kinematics import translate
from poseapp.core.pose import Pose2D, Visibility
from poseapp.core.skeleton import COCO_17
from poseapp.formats import coco, coco_results, registry

PLACES = st.floats(-200.0, 2000.0, width=32)


@st.composite
def people(draw: st.DrawFn) -> Person:
    """Someone with at least one joint; places have 4 digits, as the file has."""
    points = np.round(draw(arrays(float, (17, 2), elements=PLACES)), 4)
    visibility = draw(arrays(np.uint8, 17, elements=st.sampled_from([0, 1, 2, 2])))
    visibility[draw(st.integers(0, 16))] = 2
    confidence = draw(arrays(float, 17, elements=st.sampled_from([0.0, 0.25, 0.123456, 1.0])))
    if draw(st.booleans()):
        confidence = np.ones(17)
    return Person(Pose2D(points, visibility, confidence))


DOCUMENTS = st.builds(
    Document,
    size=st.tuples(st.integers(1, 16384), st.integers(1, 16384)),
    people=st.lists(people(), max_size=4).map(tuple),
)


def document() -> Document:
    rng = np.random.default_rng(5)
    poses = [Pose2D(rng.uniform(20, 400, (17, 2)), rng.integers(0, 3, 17)) for _ in range(2)]
    photo = Photo(b"x", "beach.jpg", (640, 480))
    return Document((640, 480), tuple(Person(p) for p in poses), photo)


def foreign() -> dict[str, Any]:
    """An annotation file of someone else: two images, other categories, keys that we know not."""
    keypoints = [10, 20, 2] + [0, 0, 0] * 4 + [30, 40, 1, 50, 40, 2] + [60, 70, 2] * 10
    moved = [v + 5 if i % 3 < 2 and v else v for i, v in enumerate(keypoints)]
    person = {
        "id": 1, "name": "person", "supercategory": "person", "colour": "red",
        "keypoints": list(COCO_17.joints), "skeleton": [[16, 14]],
    }  # fmt: skip
    return {
        "info": {"year": 2024, "mood": "good"},
        "licenses": [{"id": 3, "name": "CC"}],
        "custom_top": {"a": [1, 2]},
        "images": [
            {"id": 7, "file_name": "empty.jpg", "width": 10, "height": 10},
            {"id": 9, "file_name": "b.jpg", "width": 320, "height": 200, "camera": "left"},
        ],
        "annotations": [
            {"id": 4, "image_id": 9, "category_id": 2, "bbox": [0, 0, 5, 5], "label": "dog"},
            {
                "id": 5, "image_id": 9, "category_id": 1, "keypoints": keypoints,
                "num_keypoints": 13, "bbox": [1, 2, 99, 98], "area": 1234.5, "iscrowd": 0,
                "segmentation": [[1, 2, 3, 4, 5, 6]], "attributes": {"occluded": True},
            },
            {"id": 6, "image_id": 7, "category_id": 1, "keypoints": [0] * 51, "num_keypoints": 0},
            {"id": 8, "image_id": 9, "category_id": 1, "keypoints": moved, "num_keypoints": 13,
             "score": 0.9},
        ],
        "categories": [person, {"id": 2, "name": "dog"}],
    }  # fmt: skip


def reread(data: bytes) -> Document:
    return registry.loads(data, "test.json")


@given(DOCUMENTS)
def test_annotations_round_trip(source: Document) -> None:
    result = reread(registry.dumps(source, "coco"))
    assert result.size == source.size
    assert [p.pose for p in result.people] == [p.pose for p in source.people]
    again = registry.dumps(result, "coco")
    assert again == registry.dumps(source, "coco")


@given(DOCUMENTS)
def test_results_round_trip(source: Document) -> None:
    if not source.people:
        return
    certain = [np.maximum(p.pose.confidence, 0.25) for p in source.people]
    source = replace(
        source,
        people=tuple(
            replace(p, pose=Pose2D(p.pose.keypoints, p.pose.visibility, c))
            for p, c in zip(source.people, certain, strict=True)
        ),
    )
    data = registry.dumps(source, "coco_results")
    assert registry.sniff(data).name == "coco_results"
    result = reread(data)
    assert [p.pose for p in result.people] == [p.pose for p in source.people]


def test_every_field_is_there() -> None:
    value = json.loads(registry.dumps(document(), "coco"))
    assert list(value) == ["info", "licenses", "images", "annotations", "categories"]
    image = value["images"][0]
    assert image["id"] == 1 and (image["width"], image["height"]) == (640, 480)
    assert image["file_name"] == "beach.jpg"
    for number, entry in enumerate(value["annotations"], 1):
        assert entry["id"] == number and entry["image_id"] == 1 and entry["category_id"] == 1
        flags = entry["keypoints"][2::3]
        assert len(entry["keypoints"]) == 51 and entry["num_keypoints"] == sum(f > 0 for f in flags)
        x, y, width, height = entry["bbox"]
        assert entry["area"] == pytest.approx(width * height, rel=1e-4)
        seen = np.reshape(entry["keypoints"], (17, 3))
        assert seen[seen[:, 2] > 0][:, 0].min() == x and seen[:, 1].max() == pytest.approx(
            y + height
        )
        assert entry["iscrowd"] == 0 and entry["segmentation"] == []
    category = value["categories"][0]
    assert category["id"] == 1 and category["keypoints"] == list(COCO_17.joints)
    assert category["skeleton"][0] == [16, 14] and category["skeleton"][-1] == [5, 7]
    assert len(category["skeleton"]) == 19 and min(min(b) for b in category["skeleton"]) == 1


def test_pycocotools_reads_and_evaluates(tmp_path: Path) -> None:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth, results = tmp_path / "truth.json", tmp_path / "results.json"
    registry.save(document(), truth, "coco")
    registry.save(document(), results, "coco_results")
    with contextlib.redirect_stdout(io.StringIO()):
        ground = COCO(str(truth))
        found = ground.loadRes(str(results))
        evaluation = COCOeval(ground, found, "keypoints")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    assert ground.getCatIds(catNms=["person"]) == [1] and len(ground.getAnnIds(imgIds=[1])) == 2
    assert evaluation.stats[0] == pytest.approx(1.0)  # AP of the truth against itself


def test_open_and_save_keeps_everything() -> None:
    source = foreign()
    opened = coco.load(copy.deepcopy(source), "b.json")
    assert opened.size == (320, 200) and len(opened.people) == 2
    assert opened.people[0].pose.visibility[[0, 5, 6]].tolist() == [2, 1, 2]
    assert json.loads(registry.dumps(opened, "coco")) == source


def test_an_edit_changes_its_own_annotation_only() -> None:
    source = foreign()
    opened = coco.load(copy.deepcopy(source), "b.json")
    person = opened.people[0]
    nudged = opened.with_person(replace(person, pose=person.pose.with_joint(0, (12.0, 21.0))))
    value = json.loads(registry.dumps(nudged, "coco"))
    entry = value["annotations"][1]
    assert entry["keypoints"][:3] == [12, 21, 2] and entry["attributes"] == {"occluded": True}
    # A nudge within the box keeps the box and outline that someone drew.
    assert entry["bbox"] == [1, 2, 99, 98] and entry["segmentation"] == [[1, 2, 3, 4, 5, 6]]
    value["annotations"][1] = source["annotations"][1]
    assert value == source

    moved = opened.with_person(replace(person, pose=translate(person.pose, (100.0, 0.0))))
    entry = json.loads(registry.dumps(moved, "coco"))["annotations"][1]
    assert entry["bbox"] == [110, 20, 50, 50] and entry["area"] == 2500
    assert entry["segmentation"] == [] and entry["id"] == 5


def test_people_come_and_go_with_ids_of_their_own() -> None:
    opened = coco.load(foreign(), "b.json")
    first = opened.people[0]
    twice = replace(opened, people=(first, replace(first, id="copy"), Person(first.pose)))
    entries = json.loads(registry.dumps(twice, "coco"))["annotations"]
    ids = [e["id"] for e in entries]
    assert len(set(ids)) == len(ids) == 5 and ids[:3] == [4, 5, 6] and 8 not in ids[3:]
    assert {e["image_id"] for e in entries[3:]} == {9}
    none = json.loads(registry.dumps(replace(opened, people=()), "coco"))
    assert [e["id"] for e in none["annotations"]] == [4, 6]


def test_another_image_can_be_chosen() -> None:
    source = foreign()
    source["annotations"][2] = {**source["annotations"][1], "id": 6, "image_id": 7}
    first = coco.load(copy.deepcopy(source), "b.json")
    assert first.size == (10, 10) and len(first.people) == 1
    by_name = coco.load(copy.deepcopy(source), "b.json", image="b.jpg")
    assert by_name.size == (320, 200) and len(by_name.people) == 2
    assert json.loads(registry.dumps(by_name, "coco")) == source
    with pytest.raises(FormatError, match="no image 55"):
        coco.load(source, "b.json", image=55)


def test_people_of_an_image_that_is_not_listed() -> None:
    source = foreign()
    for annotation in source["annotations"]:
        annotation["image_id"] = 77
    opened = coco.load(copy.deepcopy(source), "b.json")
    assert len(opened.people) == 2
    saved = json.loads(registry.dumps(opened, "coco"))
    assert [i["id"] for i in saved["images"]] == [77, 7, 9]
    assert saved["annotations"] == source["annotations"]


def test_joints_are_found_by_name_and_extra_joints_survive() -> None:
    source = foreign()
    names = ["left_big_toe", *reversed(COCO_17.joints)]
    source["categories"][0]["keypoints"] = names
    triples = [[i, i + 1, 2] for i in range(18)]
    source["annotations"] = [
        {"id": 1, "image_id": 9, "category_id": 1, "keypoints": np.ravel(triples).tolist()}
    ]
    opened = coco.load(copy.deepcopy(source), "b.json")
    pose = opened.people[0].pose
    assert pose.keypoints[0].tolist() == [17, 18] and pose.keypoints[16].tolist() == [1, 2]
    moved = opened.with_person(replace(opened.people[0], pose=pose.with_joint(0, (99.0, 98.0))))
    entry = json.loads(registry.dumps(moved, "coco"))["annotations"][0]
    assert entry["keypoints"][:3] == [0, 1, 2] and entry["keypoints"][-3:] == [99, 98, 2]
    assert entry["num_keypoints"] == 18


def test_results_of_detectors() -> None:
    detector = [
        {"image_id": "a.jpg", "category_id": 1, "keypoints": [5.5, 6.5, 0.75] * 17, "score": 2.5,
         "box": [1]},
        {"image_id": "b.jpg", "category_id": 1, "keypoints": [1, 2, 0] * 17, "score": 0.1},
    ]  # fmt: skip
    opened = coco_results.load(copy.deepcopy(detector), "alpha.json")
    assert opened.people[0].pose.confidence.tolist() == [0.75] * 17
    assert json.loads(registry.dumps(opened, "coco_results")) == detector
    second = coco_results.load(detector, "alpha.json", image="b.jpg")
    assert second.people[0].pose.present.all()  # zeros throughout: the value is not used
    as_annotations = json.loads(registry.dumps(opened, "coco"))
    assert as_annotations["annotations"][0]["keypoint_scores"] == [0.75] * 17


def test_hidden_joints_survive_results() -> None:
    pose = Pose2D(np.ones((17, 2))).with_visibility(3, Visibility.HIDDEN)
    data = registry.dumps(Document(people=(Person(pose),)), "coco_results")
    assert json.loads(data)[0]["keypoints"][2::3] == [1] * 17
    assert reread(data).people[0].pose == pose


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda v: v["annotations"][1]["keypoints"].__setitem__(0, "ten"), "number"),
        (lambda v: v["annotations"][1]["keypoints"].__setitem__(0, True), "number"),
        (lambda v: v["annotations"][1]["keypoints"].__setitem__(0, 1e300), "million"),
        (lambda v: v["annotations"][1]["keypoints"].__setitem__(2, 7), "0, 1 or 2"),
        (lambda v: v["images"][1].update(width=99_999), "99999 x 200"),
        (lambda v: v["images"][1].update(width="wide"), "width"),
        (lambda v: v.update(images=5), "images"),
        (lambda v: v["annotations"].append(3), "annotations"),
        (lambda v: [a.pop("keypoints", 0) for a in v["annotations"]], "17 keypoints"),
    ],
)
def test_broken_files_give_one_sentence(change: Any, says: str) -> None:
    value = foreign()
    change(value)
    with pytest.raises(FormatError, match=says) as caught:
        coco.load(value, "b.json")
    message = str(caught.value)
    assert message.startswith("b.json") and message.endswith(".") and message.count("\n") == 0
