"""`poseapp person`: files it writes, what it refuses, and one real mannequin."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from poseapp import cli
from poseapp.core.document import Document, Person
from poseapp.core.paths import resources_dir
from poseapp.core.pose import Pose2D
from poseapp.core.standing import standing
from poseapp.formats import registry
from poseapp.services.local import LocalEngine
from poseapp.state.library import PoseLibrary
from tests.helpers import people


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Requests to a studio that draws plain pictures."""
    requests: list[dict[str, Any]] = []

    def run(self: LocalEngine, task: str, **kwargs: Any) -> Any:
        if task == "person_options":
            return people.OPTIONS
        requests.append(kwargs)
        return people.answer({"locked": (), **kwargs})

    monkeypatch.setattr(LocalEngine, "run", run)
    return requests


@pytest.fixture
def pose(tmp_path: Path) -> Path:
    path = tmp_path / "pose.json"
    figure = Person(standing((300, 380), 520), "Ann")
    registry.save(Document((768, 512), (figure,)), path, "coco")
    return path


PRESETS = resources_dir() / "poses" / "presets.json"


def run(*args: object) -> int:
    return cli.main(["person", *(str(a) for a in args)])


def test_a_picture_its_keypoints_and_its_values(tmp_path: Path, asked: list, pose: Path) -> None:
    out = tmp_path / "p.png"
    spec = tmp_path / "spec.json"
    assert run("--seed", 7, "--pose", pose, "-o", out, "--json", "--save-spec", spec) == 0
    assert cv2.imread(str(out)).shape == (1024, 512, 3)
    found = registry.load(tmp_path / "p.json")
    assert found.size == (512, 1024) and found.people[0].name
    np.testing.assert_allclose(found.people[0].pose.keypoints, asked[0]["keypoints"], atol=0.01)
    assert json.loads(spec.read_text("utf-8")) == people.drawn(7)
    for source in (spec, tmp_path / "p.json"):
        assert run("--spec", source, "-o", tmp_path / "again.jpg") == 0
        assert asked[-1]["person"] == people.drawn(7) and asked[-1]["seed"] is None
    assert (tmp_path / "again.jpg").read_bytes()[:2] == b"\xff\xd8"


def test_several_people_go_to_a_folder(tmp_path: Path, asked: list) -> None:
    out = tmp_path / "people"
    assert run("--seed", 5, "--count", 3, "-o", out, "--json", "--size", "64x128") == 0
    assert [r["seed"] for r in asked] == [5, 6, 7]
    names = sorted(p.name for p in out.iterdir())
    assert names == [f"person_000{n}.{s}" for n in (5, 6, 7) for s in ("json", "png")]


def test_the_whole_canvas_or_the_person_alone(tmp_path: Path, asked: list, pose: Path) -> None:
    assert run("--pose", pose, "--canvas", "-o", tmp_path / "a.png") == 0
    assert asked[-1]["size"] == (768, 512)
    original = registry.load(pose).people[0].pose.keypoints
    np.testing.assert_allclose(asked[-1]["keypoints"], original)
    assert run("--pose", pose, "--size", "200x400", "-o", tmp_path / "a.png") == 0
    assert asked[-1]["size"] == (200, 400)
    assert asked[-1]["keypoints"].max() < 400


def test_poses_of_the_library_by_file_and_by_name(tmp_path: Path, asked: list) -> None:
    out = tmp_path / "a.png"
    library = PoseLibrary(tmp_path / "own")

    def drawn_like(pose: Pose2D) -> bool:
        """The keypoints asked for are the pose's, moved and scaled as a whole."""
        wanted, got = pose.keypoints[pose.present], asked[-1]["keypoints"][pose.present]
        scale = np.ptp(got[:, 1]) / np.ptp(wanted[:, 1])
        return bool(np.allclose((got - got[0]) / scale, wanted - wanted[0], atol=0.05))

    assert run("--pose", PRESETS, "-o", out) == 0
    assert drawn_like(library.poses[0].pose)
    t_pose = library.get("t-pose")
    assert t_pose is not None and not drawn_like(t_pose.pose)
    for words in (["--pose", PRESETS, "--pose-name", "T-Pose"], ["--pose-name", "t pose"]):
        assert run(*words, "-o", out) == 0
        assert drawn_like(t_pose.pose)
    own = library.add("Kung-fu", standing((300, 380), 520)).path
    assert run("--pose", own, "-o", out) == 0
    assert drawn_like(standing((300, 380), 520))


def test_a_person_of_a_drawing_by_name(tmp_path: Path, asked: list) -> None:
    two = [Person(standing((200, 380), 520), "Ann"), Person(standing((500, 300), 400), "Bob")]
    path = tmp_path / "two.pose"
    registry.save(Document((768, 512), tuple(two)), path)
    assert run("--pose", path, "--pose-name", "bob", "--canvas", "-o", tmp_path / "a.png") == 0
    np.testing.assert_allclose(asked[-1]["keypoints"], two[1].pose.keypoints, atol=0.01)


def test_a_damaged_library_file_is_named(
    tmp_path: Path, asked: list, capsys: pytest.CaptureFixture
) -> None:
    path = tmp_path / "mine.json"
    for value in ({"schema": 1, "poses": [{"id": "a"}]}, {"schema": 1, "keypoints": [[0, 0]]}):
        path.write_text(json.dumps(value), "utf-8")
        assert run("--pose", path, "-o", tmp_path / "a.png") == 1
        assert "mine.json is damaged" in capsys.readouterr().err
    assert not asked


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("-o", "a.gif"), ".png or .jpg"),
        (("-o", "a.png", "--count", 3), "folder"),
        (("-o", "d", "--count", 3, "--spec", "x.json"), "one person alone"),
        (("-o", "a.png", "--size", "large"), "512x1024"),
        (("-o", "a.png", "--canvas"), "--pose"),
        (("-o", "a.png", "--background", "moon"), "room"),
        (("-o", "a.png", "--pose", "none.json"), "none.json"),
        (("-o", "a.png", "--count", 0), "1 to"),
        (("-o", "a.png", "--seed", -3), "0 or more"),
        (("-o", "a.png", "--scene", -1), "0 or more"),
        (("-o", "a.png", "--size", "5x5"), "16 to 2048 px"),
        (("-o", "none/a.png"), "no folder"),
        (("-o", "a.png", "--json", "none/a.json"), "no folder"),
        (("-o", "a.png", "--save-spec", "none/a.json"), "no folder"),
        (("-o", "a.png", "--pose-name", "t poze"), "try T-pose"),
        (("-o", "a.png", "--pose-name", "T-pose", "--canvas"), "add --pose"),
        (("-o", "a.png", "--pose", PRESETS, "--canvas"), "has no canvas"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    args: tuple, words: str, asked: list, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert run(*args) == 1
    said = capsys.readouterr().err.strip()
    assert words in said and "\n" not in said
    assert not asked
    assert not list(tmp_path.glob("a*")) and not (tmp_path / "d").exists()


def test_without_a_pack_it_says_where_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.delenv("POSEAPP_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    assert run("-o", tmp_path / "a.png") == 1
    said = capsys.readouterr().err
    assert "makehumancommunity.org" in said and "--mannequin" in said
    assert not (tmp_path / "a.png").exists()


def test_the_mannequin_needs_no_pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POSEAPP_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "a.png"
    assert run("--seed", 3, "--mannequin", "--size", "96x192", "-o", out, "--json") == 0
    picture = cv2.imread(str(out))
    assert picture.shape == (192, 96, 3) and picture.std() > 10
    found = registry.load(tmp_path / "a.json").people[0].pose
    assert found.present.sum() >= 15
    nose, ankle = found.keypoints[0], found.keypoints[15]
    assert ankle[1] - nose[1] > 96  # it stands, and fills the picture
