"""`poseapp detect`: outputs, bad photos, going on where it stopped, other engines."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from poseapp import cli
from poseapp.core.errors import PhotoError
from poseapp.formats import registry
from poseapp.services import photo_engines, photo_tasks
from poseapp.services.models import ModelOptions
from poseapp.services.photo_batch import Outputs, PhotoBatch
from tests.helpers import tiny_models
from tests.helpers.photos import detected, install, list_models, photo_file


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "photos"
    folder.mkdir()
    return [photo_file(folder / f"{name}.png") for name in "abc"]


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Names of the photos that were looked at, by a model that sees two people everywhere."""
    install(monkeypatch, tmp_path / "w")
    names: list[str] = []

    def detect(ctx: Any, photo: bytes, name: str, boxes: Any, whole: bool, flip: bool) -> Any:
        size, _ = photo_tasks._opened(photo, name)
        names.append(name)
        rows = [(10, 20, 60, 150), (80, 60, 60, 160)] if boxes is None else boxes.tolist()
        return detected(rows, size)

    monkeypatch.setattr(photo_tasks, "detect_people", detect)
    return names


def run(*args: object) -> int:
    return cli.main(["detect", *(str(a) for a in args)])


def test_all_outputs_of_several_photos(
    photos: list[Path], looked: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, op, over = tmp_path / "coco.json", tmp_path / "op", tmp_path / "over"
    assert run(photos[0].parent, "-o", out, "--openpose-dir", op, "--overlay-dir", over) == 0
    value = json.loads(out.read_text("utf-8"))
    assert [i["file_name"] for i in value["images"]] == ["a.png", "b.png", "c.png"]
    assert len(value["annotations"]) == 6
    assert [a["id"] for a in value["annotations"]] == [1, 2, 3, 4, 5, 6]
    first = value["annotations"][0]
    assert first["bbox"] == [10, 20, 60, 150] and first["keypoint_scores"][9] == 0.2
    assert 0.4 < first["score"] < 0.9 and first["detection"] == "Tiny"
    document = registry.load(out, image="b.png")
    assert document.size == (160, 240) and len(document.people) == 2
    assert len(registry.load(op / "c_keypoints.json").people) == 2
    assert cv2.imread(str(over / "b_pose.jpg")).shape == (240, 160, 3)
    assert not list(tmp_path.glob("*.part")) and "6 people" in capsys.readouterr().err


def test_the_coco_file_is_what_pycocotools_reads(
    photos: list[Path], looked: list[str], tmp_path: Path
) -> None:
    from pycocotools.coco import COCO

    assert run(*photos, "-o", tmp_path / "coco.json") == 0
    read = COCO(str(tmp_path / "coco.json"))
    assert len(read.getAnnIds(imgIds=[2])) == 2
    assert len(read.loadCats(1)[0]["keypoints"]) == 17


def test_one_bad_photo_does_not_stop_the_rest_and_is_tried_again(
    photos: list[Path],
    looked: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole = photos[1].read_bytes()
    photos[1].write_bytes(whole[:200])
    out = tmp_path / "coco.json"
    assert run(*photos, tmp_path / "gone.jpg", "-o", out) == 1
    said = capsys.readouterr().err
    assert "b.png is cut short" in said and "no picture gone.jpg" in said
    assert len(json.loads(out.read_text("utf-8"))["images"]) == 2
    photos[1].write_bytes(whole)
    looked.clear()
    assert run(*photos, "-o", out, "--resume") == 0
    assert looked == ["b.png"]
    names = [i["file_name"] for i in json.loads(out.read_text("utf-8"))["images"]]
    assert names == ["a.png", "b.png", "c.png"]


def test_it_goes_on_where_it_was_stopped(
    photos: list[Path], looked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, over = tmp_path / "coco.json", tmp_path / "over"
    inner = photo_tasks.detect_people

    def stops(ctx: Any, photo: bytes, name: str, *rest: Any) -> Any:
        if name == "c.png":
            raise KeyboardInterrupt
        return inner(ctx, photo, name, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(photo_tasks, "detect_people", stops)
        assert run(*photos, "-o", out, "--overlay-dir", over) == 130
    assert len(json.loads(out.read_text("utf-8"))["images"]) == 2
    journal = tmp_path / "coco.json.part"
    journal.write_bytes(journal.read_bytes() + b'{"photo": "cut o')
    (over / "a_pose.jpg").unlink()  # what is not there any more is made again
    looked.clear()
    assert run(*photos, "-o", out, "--overlay-dir", over, "--resume") == 0
    assert looked == ["a.png", "c.png"] and not journal.exists()
    photo_file(photos[0], 90, 80)  # another photo of the same name
    assert run(photos[0], "-o", out, "--resume") == 0
    assert json.loads(out.read_text("utf-8"))["images"][0]["width"] == 90


def test_results_of_other_models_are_not_gone_on_with(photos: list[Path], tmp_path: Path) -> None:
    outputs = Outputs(tmp_path / "c.json")
    first = PhotoBatch(photos, outputs, "one model")
    first.add(photos[0], {**detected([(1, 2, 30, 60)]), "overlay": b""})
    assert PhotoBatch(photos, outputs, "one model", resume=True).resumed == 1
    assert PhotoBatch(photos, outputs, "another", resume=True).resumed == 0


def test_photos_of_one_name_in_several_folders_keep_apart(
    photos: list[Path], looked: list[str], tmp_path: Path
) -> None:
    other = tmp_path / "more"
    other.mkdir()
    shutil.copy(photos[0], other / "a.png")
    op = tmp_path / "op"
    assert run(photos[0], other / "a.png", "--openpose-dir", op, "-o", tmp_path / "c.json") == 0
    assert sorted(p.name for p in op.glob("*.json")) == ["a-2_keypoints.json", "a_keypoints.json"]
    names = [i["file_name"] for i in json.loads((tmp_path / "c.json").read_bytes())["images"]]
    assert names == ["photos/a.png", "more/a.png"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "where the poses go"),
        (("-o", "c.json", "--box", "1,2,3"), "x,y,width,height"),
        (("-o", "c.json", "--box", "1,2,3,4", "--whole"), "one photo"),
        (("-o", "c.json", "--model", "gone.onnx"), r"no model gone\.onnx"),
    ],
)
def test_what_was_not_understood_is_said(
    photos: list[Path],
    looked: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple,
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(photos[0], *arguments) == 1
    said = capsys.readouterr().err.strip()
    assert says.replace("\\", "") in said and "\n" not in said


def test_without_a_model_it_says_how_to_get_one(
    photos: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    list_models(monkeypatch, tmp_path / "w")
    assert run(*photos, "-o", tmp_path / "c.json") == 1
    assert "--model" in capsys.readouterr().err and not list(tmp_path.glob("c.json*"))


def test_other_processes_find_the_same(photos: list[Path], tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    model = tiny_models.write_onnx_pose(tmp_path / "vitpose-tiny.onnx")
    options = ModelOptions(device="cpu", pose_onnx=str(model))
    request = {"whole": True, "flip": False, "overlay": True}
    outcomes = dict(photo_engines.run(photos, request, options, "processes", 2))
    here = dict(photo_engines.run(photos, request, options))
    assert set(outcomes) == set(photos)
    for path, found in outcomes.items():
        assert isinstance(found, dict) and isinstance(here[path], dict)
        np.testing.assert_array_equal(found["keypoints"], here[path]["keypoints"])
        assert found["overlay"][:2] == b"\xff\xd8"


def test_a_worker_hands_back_sentences(photos: list[Path], tmp_path: Path) -> None:
    """What a worker process runs, and with a real process that finds no model."""
    photos[0].write_bytes(b"")
    options = ModelOptions(pose_onnx=str(tmp_path / "gone.onnx"))
    outcomes = dict(photo_engines.run(photos[:2], {"whole": True}, options, "processes", 1))
    assert outcomes[photos[0]] == "a.png is empty: choose another picture."
    assert "gone.onnx is missing" in str(outcomes[photos[1]])


def test_a_box_in_a_very_wide_photo_is_in_px_of_the_file(tmp_path: Path, looked: list[str]) -> None:
    path = tmp_path / "wide.jpg"
    cv2.imwrite(str(path), np.full((400, 40_000, 3), 80, np.uint8))
    out = tmp_path / "c.json"
    assert run(path, "--box", "20000,40,200,320", "-o", out) == 0
    value = json.loads(out.read_text("utf-8"))
    assert value["images"][0]["width"] == 40_000
    np.testing.assert_allclose(value["annotations"][0]["bbox"], [20_000, 40, 200, 320])
    nose = value["annotations"][0]["keypoints"][:2]
    assert 20_000 < nose[0] < 20_200 and 40 < nose[1] < 200


def test_without_ray_the_way_to_it_is_said(
    photos: list[Path],
    looked: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "ray", None)
    assert run(*photos, "-o", tmp_path / "c.json", "--engine", "ray") == 1
    assert 'pip install "poseapp[cluster]"' in capsys.readouterr().err


def test_read_errors_are_photo_errors(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match="gone"):
        photo_tasks.detect_file(None, str(tmp_path / "gone.png"))  # type: ignore[arg-type]


RAY_RUN = """
import json, sys
from pathlib import Path
from poseapp.services import photo_engines
from poseapp.services.options import ModelOptions

model, *photos = sys.argv[1:]
found = photo_engines.run(
    [Path(p) for p in photos], {"whole": True}, ModelOptions(pose_onnx=model), "ray", 1
)
print(json.dumps({path.name: str(outcome) for path, outcome in found}))
"""


def test_ray_hands_back_the_same(photos: list[Path], tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="Ray has no wheel here")
    photos[0].write_bytes(b"")
    # in a process of its own: a second local cluster does not always start where one was before
    done = subprocess.run(
        [sys.executable, "-c", RAY_RUN, str(tmp_path / "gone.onnx"), *map(str, photos[:2])],
        capture_output=True,
        text=True,
        cwd=Path(photo_engines.__file__).parents[2],
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    outcomes = json.loads(done.stdout.splitlines()[-1])
    assert outcomes[photos[0].name] == "a.png is empty: choose another picture."
    assert "gone.onnx is missing" in outcomes[photos[1].name]
