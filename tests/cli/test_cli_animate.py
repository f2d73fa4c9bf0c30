"""`poseapp animate`: what it reads, what it writes, and one sentence for each fault."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from poseapp import cli
from poseapp.core import kinematics
from poseapp.core.document import Document, Person
from poseapp.core.pose import Pose2D
from poseapp.core.sequence import KeyPose, PoseSequence
from poseapp.core.standing import standing
from poseapp.formats import motions, registry
from poseapp.services import sequence_input
from tests.helpers import transfer
from tests.helpers.tiny_models import write_lifter

SIZE = (900, 600)
PERSON = standing((200.0, 300.0), 500.0)
RAISED = kinematics.rotate_limb(PERSON, 7, -2.0)
LOWER = ["--height", "80"]


def saved(path: Path, *poses: Pose2D, name: str | None = None) -> Path:
    people = tuple(Person(pose, f"P{n}", id=f"p{n}") for n, pose in enumerate(poses))
    registry.save(Document(SIZE, people), path, name)
    return path


def run(*args: object) -> int:
    return cli.main(["animate", *(str(a) for a in args)])


def film(path: Path) -> list[np.ndarray]:
    reader, frames = cv2.VideoCapture(str(path)), []
    while (read := reader.read())[0]:
        frames.append(read[1])
    return frames


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """Two people side by side, as sampled poses are laid out."""
    aside = kinematics.translate(RAISED, (400.0, -30.0))
    return saved(tmp_path / "two.json", PERSON, aside)


def test_people_of_a_file_are_key_poses_in_one_place(
    tmp_path: Path, two: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a.json"
    assert run(two, "-o", out, "--once", "--step", 1, "--fps", 12) == 0
    assert "13 frames at 12 a second" in capsys.readouterr().err
    last = registry.load(out, image=13).people[0].pose
    assert np.allclose(last.keypoints, RAISED.keypoints, atol=0.05)
    assert registry.load(out, image=7).people[0].pose.bounds is not None


@pytest.mark.parametrize(("name", "count"), [("a.gif", 12), ("a.mp4", 12), ("frames", 12)])
def test_a_loop_of_two_poses_at_every_ending(
    tmp_path: Path, two: Path, name: str, count: int
) -> None:
    out = tmp_path / name
    assert run(two, "-o", out, "--fps", 12, *LOWER) == 0
    found = sorted(out.iterdir()) if out.is_dir() else film(out)
    assert len(found) == count


def test_a_motion_is_kept_frame_by_frame(tmp_path: Path) -> None:
    folder = tmp_path / "openpose"
    folder.mkdir()
    poses = [kinematics.rotate_limb(PERSON, 7, -0.1 * n) for n in range(25)]
    for number, pose in enumerate(poses):
        saved(folder / f"f{number:03d}.json", pose, name="openpose")
    out = tmp_path / "out"
    assert run(folder, "-o", out, "--to", "openpose", "--source-fps", 24) == 0
    back = motions.load_folder(out)
    assert len(back) == 25
    for pose, found in zip(poses, back, strict=True):
        assert np.abs(pose.keypoints - found.keypoints).max() < 0.01 * 500
    assert run(folder, "-o", tmp_path / "steps", "--step", 0.5, "--fps", 2, *LOWER) == 0
    assert len(list((tmp_path / "steps").iterdir())) == 25


def test_a_written_motion_drives_the_next(tmp_path: Path, two: Path) -> None:
    weights = write_lifter(tmp_path / "lifter.safetensors")
    bvh, frames = tmp_path / "a.bvh", tmp_path / "frames.json"
    options = ("--weights", weights, "--device", "cpu", "--once")
    assert run(two, "-o", bvh, "--between", "latent", *options) == 0
    assert run(bvh, "-o", tmp_path / "a.gif", *LOWER) == 0
    assert len(film(tmp_path / "a.gif")) == 13
    assert run(two, "-o", frames, "--once") == 0
    assert run(frames, "-o", tmp_path / "b.gif", *LOWER) == 0
    assert len(film(tmp_path / "b.gif")) == 13


def test_a_project_brings_its_own_sequence(tmp_path: Path) -> None:
    keys = (KeyPose(PERSON, 0.25), KeyPose(RAISED, 0.5))
    project = tmp_path / "a.pose"
    registry.save(Document(SIZE, sequence=PoseSequence(keys, 12, loop=False)), project)
    assert run(project, "-o", tmp_path / "a.gif", "--canvas", *LOWER) == 0
    frames = film(tmp_path / "a.gif")
    assert len(frames) == 4 and frames[0].shape[:2] == (80, 120)


def test_several_files_are_a_key_pose_each(tmp_path: Path) -> None:
    files = [saved(tmp_path / f"{n}.json", pose) for n, pose in enumerate((PERSON, RAISED))]
    assert run(*files, "-o", tmp_path / "a.json", "--fps", 12, "--once") == 0
    assert len(json.loads((tmp_path / "a.json").read_text("utf-8"))["images"]) == 7


def test_several_files_bring_all_their_key_poses_to_one_canvas(tmp_path: Path, two: Path) -> None:
    keys = (KeyPose(PERSON), KeyPose(RAISED))
    registry.save(Document(SIZE, sequence=PoseSequence(keys)), tmp_path / "p1.pose")
    half = Document((450, 300), (Person(kinematics.scale(RAISED, 0.5, np.zeros(2))),))
    registry.save(half, tmp_path / "p2.json")
    out = tmp_path / "a.json"
    for inputs in ([tmp_path / "p1.pose", tmp_path / "p2.json"], [tmp_path / "p*"], [two, two]):
        assert run(*inputs, "-o", out, "--step", 1, "--fps", 1, "--once") == 0
        count = 4 if inputs[0] == two else 3
        assert len(json.loads(out.read_text("utf-8"))["images"]) == count
        for number, pose in ((1, PERSON), (2, RAISED), (count, RAISED)):
            found = registry.load(out, image=number)
            assert found.size == SIZE or inputs[0] == two
            assert np.allclose(found.people[0].pose.keypoints, pose.keypoints, atol=0.6)


def test_a_film_is_checked_and_reported_under_its_real_name(
    tmp_path: Path, two: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real = tmp_path / "s3.gif.mp4"
    assert run(two, "-o", tmp_path / "s3.gif", "--to", "mp4", "--fps", 4, *LOWER) == 0
    assert f"{real}: 4 frames" in capsys.readouterr().err and len(film(real)) == 4
    real.write_bytes(b"mine")
    assert run(two, "-o", tmp_path / "s3.gif", "--to", "mp4", "--fps", 4, *LOWER) == 1
    assert "s3.gif.mp4 is there already" in capsys.readouterr().err
    assert real.read_bytes() == b"mine"
    assert run(two, "-o", real, "--fps", 4, *LOWER) == 0 and len(film(real)) == 4


def test_a_folder_may_have_a_dot(tmp_path: Path, two: Path) -> None:
    folder = tmp_path / "frames-0.6"
    for out in (f"{folder}/", folder):  # to be made, and there
        assert run(two, "-o", out, "--fps", 4, *LOWER) == 0
        assert len(list(folder.iterdir())) == 4


def test_a_list_of_controlnet_frames_is_a_motion(tmp_path: Path) -> None:
    frames = []
    for angle in (0.0, -0.5, -1.0):
        one = saved(
            tmp_path / "one.json", kinematics.rotate_limb(PERSON, 7, angle), name="controlnet"
        )
        frames.append(json.loads(one.read_text("utf-8")))
        one.unlink()
    path = tmp_path / "frames.json"
    path.write_text(json.dumps(frames), "utf-8")
    loaded = sequence_input.load(path)
    assert loaded.moves and loaded.frames == 3
    assert loaded.sequence.length_s == pytest.approx(2 / 30)


def test_a_fast_motion_is_brought_down_and_done_by_a_person(tmp_path: Path) -> None:
    folder = tmp_path / "fast"
    folder.mkdir()
    for number in range(60):
        pose = kinematics.rotate_limb(PERSON, 7, -0.03 * number)
        saved(folder / f"{number:03d}.json", pose, name="openpose")
    large = kinematics.scale(PERSON, 2.0, np.array([0.0, 0.0]))
    loaded = sequence_input.load(folder, fps=120.0, person=large)
    assert loaded.frames == 60 and loaded.sequence.fps == 30
    assert loaded.sequence.length_s == pytest.approx(56 / 120, abs=0.01)
    first = loaded.sequence.keys[0].pose
    assert np.allclose(first.keypoints, large.keypoints, atol=1.0)
    assert len(loaded.sequence.keys) < 15


def test_a_person_does_it(tmp_path: Path, two: Path) -> None:
    ann = transfer.reference()
    photo = tmp_path / "ann.png"
    photo.write_bytes(ann.photo.data)
    marked = Document(ann.photo.size, (Person(ann.pose, "Ann"),))
    registry.save(marked, tmp_path / "ann.json", "coco")  # beside the photo
    out = tmp_path / "ann.gif"
    assert run(two, "-o", out, "--person", photo, "--warp", "--fps", 4, "--height", 140) == 0
    frames = film(out)
    assert len(frames) == 4 and frames[0].shape == (140, 120, 3)
    assert np.abs(frames[2].astype(int) - frames[0]).mean() > 1.0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["none.json", "-o", "a.gif"], "no file none.json"),
        (["no*.json", "-o", "a.gif"], "No file matches no*.json"),
        (["{two}", "-o", "a.avi"], "Let -o end in"),
        (["{two}", "-o", "nowhere/a.gif"], "no folder"),
        (["{two}", "-o", "{two}", "--to", "png"], "is a file"),
        (["{two}", "-o", ".", "--to", "gif"], "is a folder"),
        (["{two}", "-o", "a.gif/", "--to", "gif"], "is a folder"),
        (["{two}", "-o", "a.gif", "--fps", "0"], "1 to 100 frames"),
        (["{two}", "-o", "a.gif", "--step", "0"], "0.02 to 60 s, not 0."),
        (["{two}", "-o", "a.gif", "--step", "1e6"], "0.02 to 60 s, not 1e+06."),
        (["{two}", "-o", "a.gif", "--step", "nan"], "0.02 to 60 s, not nan."),
        (["{two}", "-o", "a.gif", "--height", "9"], "px high, not 9"),
        (["{empty}", "-o", "a.gif"], "no person in"),
        (["{one}", "-o", "a.gif", "--between", "latent"], "two or more"),
        (["{three}", "-o", "a.bvh"], "too few for 3D"),
        (["{bad}", "-o", "a.gif"], "is no BVH motion"),
        (["{two}", "-o", "a.gif", "--warp"], "need a picture of somebody"),
        (["{two}", "-o", "a.bvh", "--person", "x.jpg"], "is for pictures"),
        (["{two}", "-o", "a.gif", "--person", "x.jpg", "--warp"], "x.jpg"),
    ],
)
def test_faults_are_one_sentence(
    tmp_path: Path,
    two: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    three = Pose2D(PERSON.keypoints, np.where(np.isin(np.arange(17), (5, 7, 9)), 2, 0))
    (tmp_path / "bad.bvh").write_text("not a motion", "utf-8")
    files = {
        "two": two,
        "one": saved(tmp_path / "one.json", PERSON),
        "three": saved(tmp_path / "three.json", three),
        "empty": saved(tmp_path / "empty.json"),
        "bad": tmp_path / "bad.bvh",
    }
    assert run(*(text.format(**files) for text in arguments)) == 1
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert sentence in said and said.endswith(".")
    assert not (tmp_path / "a.gif").exists()
