"""People of a photo: tiny models of the real classes, and every kind of bad photo."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from poseapp.core import detection
from poseapp.core.errors import PhotoError, TaskCancelled, TaskError, WeightsError
from poseapp.core.pose import Visibility
from poseapp.services import estimators, photo_tasks, weights
from poseapp.services.context import TaskContext
from poseapp.services.local import LocalEngine
from poseapp.services.models import ModelCache, ModelOptions
from tests.helpers.photos import detected, install, list_models, photo_file
from tests.helpers.tiny_models import write_onnx_pose


@pytest.fixture
def data(tmp_path: Path) -> bytes:
    return photo_file(tmp_path / "a.png").read_bytes()


def detect(data: bytes, **kwargs):
    return LocalEngine().run("detect_people", photo=data, name="a.png", **kwargs)


def test_boxes_by_hand_come_back_with_joints_in_px_of_the_photo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    install(monkeypatch, tmp_path / "w", finder=False)
    box = np.array([[20.0, 30.0, 100.0, 180.0], [5.0, 5.0, 8.0, 9.0]])
    found = detect(data, boxes=box)
    assert found["size"] == (160, 240)
    np.testing.assert_allclose(found["boxes"], box)
    assert found["scores"].tolist() == [1, 1]
    assert found["keypoints"].shape == (2, 17, 2) and found["confidence"].shape == (2, 17)
    assert found["heatmaps"].shape == (2, 17, 16, 16) and found["heatmaps"].dtype == np.float16
    # each map lies on its box: its middle is the box's
    middle = found["to_photo"] @ np.array([7.5, 7.5, 1.0])
    np.testing.assert_allclose(middle, box[:, :2] + box[:, 2:] / 2, atol=0.6)
    assert found["estimator"] == "Attention hourglass" and not found["finder"]


def test_the_finder_says_where_and_at_most_so_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    install(monkeypatch, tmp_path / "w")
    monkeypatch.setattr(photo_tasks, "MAX_PEOPLE", 3)
    found = detect(data, flip=False)
    assert found["finder"] == "Person finder" and len(found["boxes"]) == 3 and not found["note"]
    install(monkeypatch, tmp_path / "w", score=1.1)
    nobody = detect(data)
    assert len(nobody["boxes"]) == 0 and nobody["heatmaps"].shape[:2] == (0, 17)
    assert detection.proposals(nobody) == []


def test_without_a_finder_the_whole_photo_is_taken_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    install(monkeypatch, tmp_path / "w", finder=False)
    found = detect(data)
    assert found["boxes"].tolist() == [[0, 0, 160, 240]] and "drag a box" in found["note"]
    assert not detect(data, whole=True)["note"]


def test_without_an_estimator_one_sentence_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    list_models(monkeypatch, tmp_path / "w")
    assert not estimators.can_detect(ModelOptions()) and weights.photo_models() == []
    with pytest.raises(TaskError, match="ONNX pose model in the Models panel"):
        detect(data)
    gone = ModelOptions(pose_onnx=str(tmp_path / "gone.onnx"))
    assert estimators.can_detect(gone)
    with pytest.raises(WeightsError, match=r"gone\.onnx is missing"):
        LocalEngine(gone).run("detect_people", photo=data, whole=True)


@pytest.mark.parametrize("box", [[[0, 0, 1, 50]], [[0, 0, np.nan, 5]], [0, 0, 5, 5]])
def test_a_box_that_is_none_is_refused(data: bytes, box: list) -> None:
    with pytest.raises(TaskError, match="box"):
        detect(data, boxes=np.array(box, float))


def test_a_huge_photo_is_looked_at_reduced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, tmp_path / "w", finder=False)
    done, wide = cv2.imencode(".jpg", np.full((80, 40_000, 3), 99, np.uint8))
    assert done
    found = detect(wide.tobytes(), boxes=np.array([[5000.0, 2.0, 30.0, 16.0]]))
    assert found["size"] == (10_000, 20)
    middle = found["to_photo"][0] @ np.array([7.5, 7.5, 1.0])
    np.testing.assert_allclose(middle, [5015, 10], atol=2)


@pytest.mark.parametrize("bad", ["empty", "cut", "text"])
def test_bad_photos_are_refused_before_a_model_is_loaded(bad: str, data: bytes) -> None:
    broken = {"empty": b"", "cut": data[: len(data) // 2], "text": b"hello"}[bad]
    with pytest.raises(PhotoError, match=r"a\.png"):
        detect(broken)


@pytest.mark.parametrize("kind", ["16-bit", "cmyk", "animated", "cartoon"])
def test_odd_photos_are_understood(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, tmp_path / "w", finder=False)
    image = pytest.importorskip("PIL.Image")
    path = tmp_path / {"animated": "a.gif", "cmyk": "a.jpg"}.get(kind, "a.png")
    if kind == "16-bit":
        cv2.imwrite(str(path), np.full((50, 40), 30_000, np.uint16))
    elif kind == "cmyk":
        image.new("CMYK", (40, 50), (0, 90, 90, 0)).save(path)
    elif kind == "animated":
        frames = [image.new("RGB", (40, 50), colour) for colour in ("red", "blue")]
        frames[0].save(path, save_all=True, append_images=frames[1:])
    else:
        image.new("P", (40, 50), 3).save(path)
    found = LocalEngine().run("detect_people", photo=path.read_bytes(), name=path.name)
    assert found["size"] == (40, 50) and found["keypoints"].shape == (1, 17, 2)
    assert np.isfinite(found["keypoints"]).all()


def test_progress_is_told_and_cancels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    install(monkeypatch, tmp_path / "w")

    class Stops(TaskContext):
        told: list[str] = []

        def progress(self, done: float, total: float, text: str = "") -> None:
            self.told.append(text)
            if text.startswith("Person"):
                raise TaskCancelled("Cancelled.")

    with pytest.raises(TaskCancelled):
        photo_tasks.detect_people(Stops(ModelCache()), data)
    assert "Finding people" in Stops.told and Stops.told[-1].startswith("Person 1 of")


def test_an_onnx_model_is_used_in_place_of_ours(tmp_path: Path, data: bytes) -> None:
    pytest.importorskip("onnxruntime")
    path = write_onnx_pose(tmp_path / "vitpose-tiny.onnx")
    asked = LocalEngine().run("check_onnx", kind="pose", path=str(path), answers={})
    assert asked["questions"] == []
    options = ModelOptions(pose_onnx=str(path))
    found = LocalEngine(options).run("detect_people", photo=data, whole=True)
    assert found["estimator"] == "vitpose-tiny.onnx" and found["keypoints"].shape == (1, 17, 2)
    other = write_onnx_pose(tmp_path / "mystery.onnx")
    asked = LocalEngine().run("check_onnx", kind="pose", path=str(other), answers={})
    keys = {key for key, _, _ in asked["questions"]}
    assert keys and all(choices for _, _, choices in asked["questions"])
    with pytest.raises(TaskError, match=r"mystery"):
        LocalEngine(ModelOptions(pose_onnx=str(other), onnx_answers={str(other): {}})).run(
            "detect_people", photo=data, whole=True
        )
    (tmp_path / "no.onnx").write_bytes(b"nothing")
    with pytest.raises(TaskError, match=r"no\.onnx"):
        LocalEngine().run("check_onnx", kind="pose", path=str(tmp_path / "no.onnx"))


def test_poses_of_proposals_tell_absent_from_hidden() -> None:
    found = detected([(10, 20, 60, 120)])
    found["confidence"][0, 3] = 0.02
    found["seen"][0, 4] = 0.1
    (person,) = detection.proposals(found)
    assert person.pose.visibility[3] == Visibility.ABSENT
    assert person.pose.visibility[4] == Visibility.HIDDEN
    assert np.flatnonzero(person.pose.doubtful).tolist() == [9]
    assert person.extra == {"detection": {"model": "Tiny", "score": 0.8}}
    mean = person.pose.confidence[person.pose.present].mean()
    assert person.confidence == pytest.approx((0.8 * mean) ** 0.5)


def test_people_the_finder_doubts_are_left_out_and_boxes_by_hand_never() -> None:
    found = {**detected([(10, 20, 60, 120)]), "finder": "Finder"}
    found["confidence"] = np.full_like(found["confidence"], 0.15)
    found["scores"] = np.full_like(found["scores"], 0.36)
    assert detection.proposals(found) == []
    assert len(detection.proposals({**found, "finder": ""})) == 1


def test_a_second_look_takes_the_place_of_the_first() -> None:
    first = detection.proposals(detected([(0, 0, 50, 100), (90, 0, 50, 100)]))
    again = detection.proposals(detected([(2, 3, 50, 100)]))
    assert detection.merged(first, again) == [first[1], again[0]]
    small = detection.proposals(detected([(100, 20, 10, 20)]))
    assert len(detection.merged(first, small)) == 3


def test_maps_that_are_no_squares_are_padded() -> None:
    maps = np.random.default_rng(0).random((17, 16, 12))
    to_photo = np.array([[2.0, 0, 5], [0, 2.0, 7]])
    padded, moved = detection.square(maps, to_photo)
    assert padded.shape == (17, 16, 16)
    np.testing.assert_array_equal(padded[:, :, 2:14], maps)
    np.testing.assert_allclose(moved @ [2, 0, 1], to_photo @ [0, 0, 1])


def test_another_size_of_the_picture_keeps_pixel_centres() -> None:
    (person,) = detection.proposals(detected([(0, 0, 50, 100)]))
    half = detection.scaled(person.pose, (160, 240), (80, 120))
    np.testing.assert_allclose(half.keypoints[0] * 2 + 0.5, person.pose.keypoints[0])
    matrix = detection.scaled_affine(person.to_photo, (160, 240), (80, 120))
    place = person.to_photo @ [3, 4, 1]
    np.testing.assert_allclose((matrix @ [3, 4, 1]) * 2 + 0.5, place)
