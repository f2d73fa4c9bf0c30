"""`poseapp transfer`: one picture and many, going on where it stopped, and bad input."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from poseapp import cli
from poseapp.core import kinematics
from poseapp.core.document import Document, Person
from poseapp.core.pose import Pose2D
from poseapp.formats import registry
from poseapp.services import photo_engines, transfer_batch, transfer_tasks
from poseapp.services.models import ModelOptions
from tests.helpers import tiny_models
from tests.helpers.photos import detected
from tests.helpers.transfer import list_generator, raised, reference


def save(path: Path, pose: Pose2D, size: tuple[int, int] = (240, 280)) -> Path:
    registry.save(Document(size, (Person(pose),)), path)
    return path


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a photo, its pose beside it, poses, and a generator that is installed."""
    transfer_tasks.forget()
    list_generator(monkeypatch, tmp_path / "w")
    ann = reference()
    (tmp_path / "people").mkdir()
    (tmp_path / "people" / "ann.png").write_bytes(ann.photo.data)
    save(tmp_path / "people" / "ann.json", ann.pose)
    (tmp_path / "poses").mkdir()
    for name, turn in (("one", 0.5), ("two", 1.0)):
        save(tmp_path / "poses" / f"{name}.json", raised(ann.pose, turn))
    return tmp_path


def run(*args: object) -> int:
    return cli.main(["transfer", *(str(a) for a in args)])


def picture(path: Path) -> np.ndarray:
    found = cv2.imread(str(path))
    assert found is not None, path
    return found


def test_one_picture_as_large_as_the_photo(work: Path) -> None:
    ann, pose = work / "people" / "ann.png", work / "poses" / "one.json"
    assert run("--person", ann, "--pose", pose, "-o", work / "out.png") == 0
    assert picture(work / "out.png").shape == (280, 240, 3)
    assert run("--person", ann, "--pose", pose, "-o", work / "warp.jpg", "--warp") == 0
    assert (picture(work / "warp.jpg") != picture(work / "out.png")).any()
    assert run("--person", ann, "--pose", pose, "-o", work / "s.png", "--size", "140") == 0
    assert picture(work / "s.png").shape == (140, 120, 3)
    assert not list(work.glob(".poseapp*"))


def test_a_pose_drawn_over_the_photo_stays_where_it_is(work: Path) -> None:
    ann = work / "people" / "ann.png"
    same = save(work / "same.json", kinematics.translate(reference().pose, (20.0, 0.0)))
    for name, option in (("fitted", ()), ("there", ("--in-place",))):
        out = work / f"{name}.png"
        assert run("--person", ann, "--pose", same, "-o", out, "--warp", *option) == 0
    np.testing.assert_array_equal(picture(work / "fitted.png"), picture(ann))
    assert (picture(work / "there.png") != picture(ann)).any()


def test_keypoints_that_state_no_size_are_px_of_the_photo(work: Path) -> None:
    ann, pose = work / "people" / "ann.png", work / "poses" / "one.json"
    plain = work / "op.json"
    registry.save(registry.load(ann.with_suffix(".json")), plain, "openpose")
    for name, option in (("beside", ()), ("given", ("--person-pose", plain))):
        out = work / f"{name}.png"
        assert run("--person", ann, "--pose", pose, "-o", out, "--warp", *option) == 0
    np.testing.assert_array_equal(picture(work / "given.png"), picture(work / "beside.png"))
    out = work / "same.png"
    assert run("--person", ann, "--pose", plain, "-o", out, "--warp", "--in-place") == 0
    np.testing.assert_array_equal(picture(out), picture(ann))


def test_everybody_in_every_pose(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(work / "people" / "ann.png", work / "people" / "bea.png")
    shutil.copy(work / "people" / "ann.json", work / "people" / "bea.json")
    out = work / "out"
    assert run("--person", work / "people", "--pose", work / "poses", "-o", out) == 0
    names = ["ann-one.png", "ann-two.png", "bea-one.png", "bea-two.png"]
    assert sorted(p.name for p in out.iterdir()) == names
    assert "4 of 4 pictures done" in capsys.readouterr().err


def test_photos_and_poses_are_never_replaced(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    people, pose = work / "people", work / "poses" / "one.json"
    shutil.copy(people / "ann.png", people / "bea.png")
    shutil.copy(people / "ann.json", people / "bea.json")
    before = {path: path.read_bytes() for path in (*people.iterdir(), pose)}
    assert run("--person", people, "--pose", pose, "-o", people, "--warp") == 0
    assert sorted(p.name for p in people.glob("*-2.png")) == ["ann-2.png", "bea-2.png"]
    (work / "link.png").symlink_to(people / "ann.png")
    for out in (people / "ann.png", work / "link.png", pose):
        assert run("--person", people / "ann.png", "--pose", pose, "-o", out, "--warp") == 1
        assert f"{out.name} is what the picture is made from" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("name", ["c.xyz", "c.bmp", "c.json"])
def test_only_names_of_pictures_are_written(
    work: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    ann, pose = work / "people" / "ann.png", work / "poses" / "one.json"
    assert run("--person", ann, "--pose", pose, "-o", work / name, "--warp") == 1
    assert f"{name} is no name of a picture" in capsys.readouterr().err
    assert not (work / name).exists()


def test_one_bad_file_does_not_stop_the_rest_and_is_tried_again(
    work: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    three = Pose2D(reference().pose.keypoints, np.where(np.arange(17) < 3, 2, 0).astype(np.uint8))
    save(work / "poses" / "three.json", three)
    (work / "poses" / "broken.json").write_text("{", "utf-8")
    arguments = ("--person", work / "people", "--pose", work / "poses", "-o", work / "out")
    assert run(*arguments) == 1
    said = capsys.readouterr().err
    assert "three.json has fewer than 6 joints" in said and "broken.json" in said
    assert "2 of 4 pictures done" in said
    made: list[dict] = []
    inner = photo_engines._outcome

    def watched(engine, task, path, found):
        made.append(found)
        return inner(engine, task, path, found)

    monkeypatch.setattr(photo_engines, "_outcome", watched)
    save(work / "poses" / "three.json", raised(reference().pose, 0.7))
    (work / "poses" / "broken.json").unlink()
    assert run(*arguments, "--resume") == 0
    assert len(made) == 1 and "2 of 3 pictures are done" in capsys.readouterr().err
    assert not (work / "out" / transfer_batch.JOURNAL).exists()


def test_it_goes_on_where_it_was_stopped(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ("--person", work / "people", "--pose", work / "poses", "-o", work / "out")
    inner, made = photo_engines._outcome, []

    def stops(engine, task, path, found):
        if path.stem == "two":
            raise KeyboardInterrupt
        return inner(engine, task, path, found)

    with monkeypatch.context() as patch:
        patch.setattr(photo_engines, "_outcome", stops)
        assert run(*arguments) == 130
    journal = work / "out" / transfer_batch.JOURNAL
    assert journal.is_file() and (work / "out" / "one.png").is_file()
    journal.write_bytes(journal.read_bytes() + b'["cut o')

    def counted(engine, task, path, found):
        made.append(path.stem)
        return inner(engine, task, path, found)

    monkeypatch.setattr(photo_engines, "_outcome", counted)
    assert run(*arguments, "--resume") == 0
    assert made == ["two"] and not journal.exists()
    assert run(*arguments, "--resume", "--warp") == 0  # other pictures: made anew
    assert made == ["two", "one", "two"]


def test_a_picture_that_cannot_be_written_does_not_stop_the_rest(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (work / "out" / "one.png").mkdir(parents=True)
    arguments = ("--person", work / "people", "--pose", work / "poses", "-o", work / "out")
    assert run(*arguments, "--warp") == 1
    said = capsys.readouterr().err
    assert "Cannot save one.png: there is a folder" in said and "1 of 2 pictures done" in said
    assert (work / "out" / "two.png").is_file()


def test_other_keypoints_of_the_person_make_other_pictures(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (work / "poses" / "three.json").write_text("{", "utf-8")  # keeps the journal
    ann = work / "people" / "ann.png"
    arguments = ("--person", ann, "--pose", work / "poses", "-o", work / "out", "--warp")
    other = save(work / "other.json", kinematics.translate(reference().pose, (5.0, 0.0)))
    assert run(*arguments) == 1
    capsys.readouterr()
    assert run(*arguments, "--resume") == 1
    assert "2 of 3 pictures are done already" in capsys.readouterr().err
    assert run(*arguments, "--resume", "--person-pose", other) == 1
    assert "are done already" not in capsys.readouterr().err
    save(other, reference().pose)
    assert run(*arguments, "--resume", "--person-pose", other) == 1
    assert "are done already" not in capsys.readouterr().err


def test_an_earlier_run_can_be_gone_on_with_until_something_takes_its_place(
    work: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (work / "poses" / "three.json").write_text("{", "utf-8")  # keeps the journal
    arguments = ("--person", work / "people", "--pose", work / "poses", "-o", work / "out")
    assert run(*arguments, "--warp") == 1
    journal = (work / "out" / transfer_batch.JOURNAL).read_bytes()

    def stops(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(photo_engines, "_outcome", stops)
        assert run(*arguments, "--warp") == 130
        assert "--resume would have gone on" in capsys.readouterr().err
        assert run(*arguments) == 130  # other pictures: nothing to go on with
        assert "--resume would" not in capsys.readouterr().err
    assert (work / "out" / transfer_batch.JOURNAL).read_bytes() == journal


def test_of_several_people_the_first_is_taken_and_that_is_said_once(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind in ("png", "json"):
        shutil.copy(work / "people" / f"ann.{kind}", work / "people" / f"bea.{kind}")
    one = registry.load(work / "poses" / "one.json")
    two = registry.load(work / "poses" / "two.json")
    registry.save(Document(one.size, one.people + two.people), work / "both.json")
    arguments = ("--person", work / "people", "--warp", "--pose")
    assert run(*arguments, work / "poses" / "one.json", "-o", work / "alone") == 0
    assert "people" not in capsys.readouterr().err
    assert run(*arguments, work / "both.json", "-o", work / "first") == 0
    said = capsys.readouterr().err
    assert said.count("both.json holds 2 people; the first is taken.") == 1
    for name in ("ann.png", "bea.png"):
        np.testing.assert_array_equal(
            picture(work / "first" / name), picture(work / "alone" / name)
        )


# -- what cannot be used ---------------------------------------------------------------------
def test_without_weights_it_says_what_to_do(
    work: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "w" / "deformable_gan.safetensors").unlink()
    ann, pose = work / "people" / "ann.png", work / "poses" / "one.json"
    assert run("--person", ann, "--pose", pose, "-o", work / "o.png") == 1
    said = capsys.readouterr().err
    assert "--warp" in said and "--weights" in said and not (work / "o.png").exists()
    assert run("--person", ann, "--pose", pose, "-o", work / "o.png", "--warp") == 0
    own = tiny_models.write_transfer(tmp_path / "own.safetensors")
    assert run("--person", ann, "--pose", pose, "-o", work / "g.png", "--weights", own) == 0
    other = tiny_models.write_lifter(tmp_path / "lifter.safetensors")
    assert run("--person", ann, "--pose", pose, "-o", work / "l.png", "--weights", other) == 1
    assert "lifter.safetensors holds weights of vae_gan_lifter" in capsys.readouterr().err


def test_a_photo_without_a_pose_is_looked_at(
    work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (work / "people" / "ann.json").unlink()
    ann, pose = work / "people" / "ann.png", work / "poses" / "one.json"
    boxes: list[tuple] = [(30, 10, 180, 260)]

    def detect(ctx, photo, name, **_):
        return detected(boxes, (240, 280))

    monkeypatch.setitem(cli_tasks(), "detect_people", type(cli_tasks()["detect_people"])(detect))
    assert run("--person", ann, "--pose", pose, "-o", work / "o.png", "--warp") == 0
    assert picture(work / "o.png").shape == (280, 240, 3)
    boxes.clear()
    assert run("--person", ann, "--pose", pose, "-o", work / "n.png", "--warp") == 1
    assert "Nobody was found in ann.png" in capsys.readouterr().err


def cli_tasks() -> dict:
    from poseapp.services import local

    return local.TASKS


@pytest.mark.parametrize(
    ("extra", "says"),
    [
        (("--size", "3"), "16 px or more"),
        (("--weights", "gone.safetensors"), r"gone\.safetensors is missing"),
    ],
)
def test_what_was_not_understood_is_said(
    work: Path, capsys: pytest.CaptureFixture[str], extra: tuple, says: str
) -> None:
    ann, pose = work / "people" / "ann.png", work / "poses" / "one.json"
    assert run("--person", ann, "--pose", pose, "-o", work / "o.png", *extra) == 1
    said = capsys.readouterr().err.strip()
    assert says.replace("\\", "") in said and "\n" not in said
    assert run("--person", ann, "--pose", work / "poses", "-o", work / "o.png") == 1
    assert "name a folder" in capsys.readouterr().err


def test_other_processes_make_the_same(work: Path) -> None:
    arguments = ("--person", work / "people", "--pose", work / "poses", "--warp", "--size", "140")
    assert run(*arguments, "-o", work / "here") == 0
    far = ("--engine", "processes", "--workers", "1")
    assert run(*arguments, "-o", work / "there", *far) == 0
    for name in ("one.png", "two.png"):
        one, other = picture(work / "here" / name), picture(work / "there" / name)
        np.testing.assert_array_equal(one, other)


def test_without_ray_the_way_to_it_is_said(
    work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    ann, pose = work / "people" / "ann.png", work / "poses" / "one.json"
    assert run("--person", ann, "--pose", pose, "-o", work / "o.png", "--engine", "ray") == 1
    assert 'pip install "poseapp[cluster]"' in capsys.readouterr().err


def test_arguments_that_cannot_be_had_are_outcomes(tmp_path: Path) -> None:
    def each(path: Path) -> dict:
        raise transfer_batch.DocumentError("No such pose.")

    for engine in ("here", "processes"):
        found = photo_engines.run(
            [tmp_path / "a.png"], {}, ModelOptions(), engine, 1, task="transfer_file", each=each
        )
        assert list(found) == [(tmp_path / "a.png", "a.png: No such pose.")]


def test_ray_makes_the_same(work: Path) -> None:
    pytest.importorskip("ray", reason="Ray has no wheel here")
    arguments = ["transfer", "--person", str(work / "people"), "--pose", str(work / "poses")]
    arguments += ["--warp", "--size", "140", "-o"]
    assert cli.main([*arguments, str(work / "here")]) == 0
    # in a process of its own: a second local cluster does not always start where one was before
    command = [sys.executable, "-m", "poseapp", *arguments, str(work / "there"), "--engine", "ray"]
    root = Path(photo_engines.__file__).parents[2]
    done = subprocess.run(
        [*command, "--workers", "1"], capture_output=True, text=True, cwd=root, timeout=240
    )
    assert done.returncode == 0, done.stderr
    one, other = picture(work / "here" / "two.png"), picture(work / "there" / "two.png")
    np.testing.assert_array_equal(one, other)
