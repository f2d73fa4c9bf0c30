"""The command line as a user calls it: exit codes, one sentence on stderr, several files."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from poseapp import cli
from poseapp.core.document import Document, Person
from poseapp.core.pose import Pose2D
from poseapp.formats import registry
from poseapp.services import tour
from tests.helpers import tiny_models


@pytest.fixture
def poses(tmp_path: Path) -> Path:
    """A COCO file with two people."""
    random = np.random.default_rng(0)
    people = tuple(
        Person(Pose2D(random.uniform(20, 480, (17, 2))), name=f"Person {i}") for i in range(2)
    )
    path = tmp_path / "in.json"
    registry.save(Document((500, 500), people), path, "coco")
    return path


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("weights")
    return {
        "flow": str(tiny_models.write_flow(folder / "keypoint_flow.safetensors")),
        "lifter": str(tiny_models.write_lifter(folder / "vae_gan_lifter.safetensors")),
    }


def run(*arguments: object) -> int:
    return cli.main([str(a) for a in arguments])


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def test_convert(poses: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    assert run("convert", poses, out, "--to", "openpose") == 0
    assert len(json.loads(out.read_text())["people"]) == 2
    assert registry.sniff(out).name == "openpose"


def test_render(poses: Path, tmp_path: Path) -> None:
    out = tmp_path / "pose.png"
    assert run("render", poses, "-o", out, "--style", "controlnet") == 0
    assert cv2.imread(str(out)).shape == (500, 500, 3)
    svg = tmp_path / "pose.svg"
    assert run("render", poses, "-o", svg, "--style", "controlnet") == 0
    assert registry.sniff(svg).name == "svg"


def test_several_files_go_on_after_a_bad_one(poses: Path, tmp_path: Path, capsys) -> None:
    (tmp_path / "many").mkdir()
    for name in ("a.json", "c.json"):
        (tmp_path / "many" / name).write_bytes(poses.read_bytes())
    (tmp_path / "many" / "b.json").write_text('{"broken"')
    (tmp_path / "many" / "notes.txt").write_text("not ours")
    out = tmp_path / "out"
    assert run("render", tmp_path / "many", "-o", f"{out}/") == 1
    assert sorted(p.name for p in out.iterdir()) == ["a.png", "c.png"]
    said = capsys.readouterr().err.strip().splitlines()
    assert "b.json" in said[0]
    assert said[-1] == "2 of 3 files done."
    assert len(said) == 2


def test_patterns(poses: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run("convert", str(tmp_path / "i*.json"), f"{out}/", "--to", "controlnet") == 0
    assert registry.sniff(out / "in.json").name == "controlnet"


def test_results_never_replace_their_sources(poses: Path) -> None:
    before = poses.read_bytes()
    assert run("convert", poses, f"{poses.parent}/", "--to", "openpose") == 0
    assert poses.read_bytes() == before
    assert registry.sniff(poses.with_name("in-2.json")).name == "openpose"


@pytest.mark.parametrize(
    "arguments",
    [
        ["render", "gone.json", "-o", "x.png"],
        ["render", "gone/*.json", "-o", "x.png"],
        ["convert", "a.json", "b.json", "one.json"],
        ["caption", "a man", "-o", "x.unknown"],
        ["caption", "a man"],
        ["caption", "a man", "--model", "no_such", "-o", "x.json"],
        ["caption", "", "-o", "x.json"],
        ["caption", "😀", "-o", "x.json"],
        ["caption", "a man", "-n", "0", "-o", "x.json"],
        ["caption", "a man", "-o", "x.json", "--weights", "gone.safetensors"],
        ["lift", "a.json", "-o", "x.txt"],
    ],
)
def test_faults_are_one_sentence(arguments: list[str], tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == 1
    assert "Traceback" not in one_line(capsys)
    assert list(tmp_path.glob("x.*")) == []


@pytest.mark.parametrize("arguments", [[], ["captoin"], ["render"], ["convert", "a", "--to", "x"]])
def test_misunderstood_commands(arguments: list[str], capsys) -> None:
    with pytest.raises(SystemExit) as caught:
        run(*arguments)
    assert caught.value.code == 2


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_help_teaches_by_example(command: str, capsys) -> None:
    with pytest.raises(SystemExit) as caught:
        run(command, "--help")
    assert caught.value.code == 0
    said = capsys.readouterr().out
    assert "examples:" in said
    assert f"poseapp {command}" in said.split("examples:")[1]


def test_debug_shows_where(poses: Path, tmp_path: Path, capsys) -> None:
    assert run("render", tmp_path / "gone.json", "-o", tmp_path / "x.png", "--debug") == 1
    assert "Traceback" in capsys.readouterr().err


def test_caption(tmp_path: Path, models) -> None:
    out, sheet, maps = tmp_path / "poses.json", tmp_path / "sheet.png", tmp_path / "maps.npz"
    command = ["caption", "a man is playing tennis", "-n", 5, "--seed", 7, "-o", out]
    assert run(*command, "--png", sheet, "--heatmaps", maps, "--weights", models["flow"]) == 0
    document = registry.load(out)
    assert len(document.people) == 5
    assert cv2.imread(str(sheet)) is not None
    assert np.load(maps)["sampled"].shape == (5, 17, 64, 64)
    again = tmp_path / "again.json"
    assert run(*command[:-1], again, "--weights", models["flow"]) == 0
    poses, repeated = (registry.load(path).people for path in (out, again))
    assert all(a.pose == b.pose for a, b in zip(poses, repeated, strict=True))


def test_captions_poses_lie_inside_their_canvas(tmp_path: Path, models) -> None:
    out = tmp_path / "poses.pose"
    assert run("caption", "a man sits", "-n", 9, "-o", out, "--weights", models["flow"]) == 0
    document = registry.load(out)
    for person in document.people:
        x, y, width, height = person.pose.bounds
        assert x >= 0 and y >= 0
        assert x + width <= document.size[0] and y + height <= document.size[1]


def test_caption_into_a_folder(tmp_path: Path, models) -> None:
    folder = tmp_path / "poses"
    command = ["caption", "a man sits", "-n", 3, "-o", f"{folder}/", "--to", "openpose"]
    assert run(*command, "--weights", models["flow"]) == 0
    assert sorted(p.name for p in folder.iterdir()) == [f"pose_0{i}.json" for i in (1, 2, 3)]
    assert registry.sniff(folder / "pose_01.json").name == "openpose"


def test_strip(tmp_path: Path, models) -> None:
    sheet = tmp_path / "strip.png"
    command = ["caption", "a man stands", "--towards", "a man sits", "-n", 4, "--png", sheet]
    assert run(*command, "--weights", models["flow"]) == 0
    height, width, _ = cv2.imread(str(sheet)).shape
    assert width > 3 * height  # one row


def test_unknown_words_are_named(tmp_path: Path, models, capsys) -> None:
    command = ["caption", "a zqxwv man", "-n", 1, "-o", tmp_path / "x.json"]
    assert run(*command, "--weights", models["flow"]) == 0
    assert "zqxwv" in capsys.readouterr().err


@pytest.mark.parametrize("ending", [".bvh", ".json", ".gif"])
def test_lift(poses: Path, tmp_path: Path, models, ending: str) -> None:
    out = tmp_path / f"lifted{ending}"
    assert run("lift", poses, "-o", out, "--weights", models["lifter"]) == 0
    if ending == ".json":
        assert len(json.loads(out.read_text())["poses"]) == 2
    else:
        start = {".bvh": b"HIERARCHY", ".gif": b"GIF8"}[ending]
        assert out.read_bytes().startswith(start)
        assert out.with_stem("lifted-2").exists()  # the second person


def test_lift_of_a_motion(poses: Path, tmp_path: Path, models) -> None:
    for i in range(3):
        (tmp_path / f"frame{i}.json").write_bytes(poses.read_bytes())
    out = tmp_path / "walk.bvh"
    frames = str(tmp_path / "frame*.json")
    command = ["lift", frames, "--motion", "-o", out, "--fps", 25]
    assert run(*command, "--weights", models["lifter"]) == 0
    assert "Frames: 3" in out.read_text()


def test_empty_document_cannot_be_lifted(tmp_path: Path, models, capsys) -> None:
    empty = tmp_path / "empty.pose"
    registry.save(Document(), empty)
    assert run("lift", empty, "-o", tmp_path / "x.bvh", "--weights", models["lifter"]) == 1
    assert "no person in empty.pose" in one_line(capsys)


def test_tour(tmp_path: Path, models, monkeypatch, capsys) -> None:
    folder = tmp_path / "weights"
    monkeypatch.setattr("trainer.paths.weights_dir", lambda: Path(models["flow"]).parent)
    monkeypatch.setattr(tour, "_FRAMES", 4)
    folder = tmp_path / "tour"
    assert run("tour", folder) == 0
    written = {p.name for p in folder.iterdir()}
    wanted = {"gallery.png", "heatmaps.png", "pose.json", "controlnet.png", "turntable.gif"}
    assert wanted <= written
    said = capsys.readouterr().out
    assert all(str(folder / name) in said for name in wanted)
    assert str(folder.resolve()) in said.splitlines()[-1]
    keypoints = registry.load(folder / "pose.json")
    assert len(keypoints.people) == 1


def test_tour_lifts_an_arm_and_keeps_its_length() -> None:
    random = np.random.default_rng(1)
    pose = Pose2D(random.uniform(100, 400, (17, 2)))
    raised = tour.raise_arm(pose)
    for a, b in ((6, 8), (8, 10)):
        before, after = (np.linalg.norm(p.keypoints[a] - p.keypoints[b]) for p in (pose, raised))
        assert after == pytest.approx(before)
    assert raised.keypoints[10, 1] < raised.keypoints[8, 1] < raised.keypoints[6, 1]
