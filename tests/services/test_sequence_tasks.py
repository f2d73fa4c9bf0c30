"""Sequences: what lies between key poses, moving pictures of them, and what goes wrong."""

from __future__ import annotations

import errno
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from poseapp.core import kinematics
from poseapp.core.errors import DocumentError, PoseError, TaskCancelled, TaskError, WeightsError
from poseapp.core.pose import Pose2D
from poseapp.core.sequence import KeyPose, PoseSequence
from poseapp.core.standing import standing
from poseapp.formats import motions, registry
from poseapp.services import transfer_tasks
from poseapp.services.context import TaskContext
from poseapp.services.local import LocalEngine
from poseapp.services.models import ModelCache, ModelOptions
from poseapp.services.sequence_tasks import (
    WAY_STEPS,
    person_frames,
    render_sequence,
    sequence_ways,
)
from tests.helpers import transfer as transfer_helper
from tests.helpers.tiny_models import write_lifter

SIZE = (400, 600)
PERSON = standing((200.0, 300.0), 500.0)
RAISED = kinematics.rotate_limb(PERSON, 7, -2.0)
THREE = Pose2D(PERSON.keypoints, np.where(np.isin(np.arange(17), (5, 7, 9)), 2, 0))


def strip(*poses: Pose2D, **changes: Any) -> PoseSequence:
    keys = tuple(KeyPose(pose, 0.25) for pose in poses)
    return replace(PoseSequence(keys, fps=12, loop=False), **changes)


@pytest.fixture
def engine(tmp_path: Path) -> LocalEngine:
    weights = write_lifter(tmp_path / "lifter.safetensors")
    return LocalEngine(ModelOptions(device="cpu", weights={"vae_gan_lifter": str(weights)}))


def left_in(folder: Path) -> list[str]:
    """Names in a test's folder, but for what every test has there."""
    known = ("home", "lifter.safetensors")
    return sorted(p.name for p in folder.iterdir() if p.name not in known)


class Stopping(TaskContext):
    """Cancels when the work has come so far."""

    def __init__(self, after: float, models: ModelCache | None = None) -> None:
        super().__init__(models or ModelCache())
        self.after = after
        self.seen: list[str] = []

    def progress(self, done: float, total: float, text: str = "") -> None:
        self.seen.append(text)
        if done / total >= self.after:
            raise TaskCancelled("Stopped.")


@pytest.mark.parametrize("between", ["slerp", "latent"])
def test_ways_end_at_the_key_poses_and_have_figures(engine: LocalEngine, between: str) -> None:
    ways = engine.run("sequence_ways", sequence=strip(PERSON, RAISED, between=between, loop=True))
    assert len(ways) == 2
    way = ways[0]
    assert way.poses[0] == PERSON and way.poses[-1] == RAISED
    assert len(way.figures) == len(way.poses) == (2 if between == "slerp" else WAY_STEPS + 1)
    for number in range(len(way.poses)):
        assert np.isfinite(way.poses[number].keypoints).all()


def test_the_latent_way_leaves_the_ends_without_a_jump(engine: LocalEngine) -> None:
    way = engine.run("sequence_ways", sequence=strip(PERSON, RAISED, between="latent"))[0]
    soon = way.at(0.001).pose.keypoints
    assert np.abs(soon - PERSON.keypoints).max() < 2.0
    flat = engine.run("sequence_ways", sequence=strip(PERSON, RAISED))[0]
    assert np.abs(way.at(0.5).pose.keypoints - flat.at(0.5).pose.keypoints).max() > 0.1


def test_a_pose_of_three_joints_is_passed_in_the_picture_alone(engine: LocalEngine) -> None:
    ways = engine.run("sequence_ways", sequence=strip(PERSON, RAISED, THREE, between="latent"))
    assert ways[0].figures and not ways[1].figures
    assert ways[1].poses == (RAISED, THREE)


def test_no_lifter_says_so_only_where_it_is_needed(tmp_path: Path) -> None:
    missing = {"vae_gan_lifter": str(tmp_path / "nothing.safetensors")}
    engine = LocalEngine(ModelOptions(device="cpu", weights=missing))
    with pytest.raises(WeightsError, match="nothing"):
        engine.run("sequence_ways", sequence=strip(PERSON, RAISED, between="latent"))
    done = engine.run(
        "render_sequence", sequence=strip(PERSON, RAISED), path=str(tmp_path / "a.gif"),
        kind="gif", size=SIZE, height=60,
    )  # fmt: skip
    assert done["frames"] == 4


@pytest.mark.parametrize("kind", ["gif", "mp4"])
def test_films_have_the_frames_and_the_size_asked_for(
    engine: LocalEngine, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / f"move.{kind}"
    done = engine.run(
        "render_sequence", sequence=strip(PERSON, RAISED, PERSON), path=str(path), kind=kind,
        size=SIZE, height=120,
    )  # fmt: skip
    assert done["frames"] == 7
    film = cv2.VideoCapture(str(path))
    frames = []
    while (read := film.read())[0]:
        frames.append(read[1])
    assert len(frames) == 7 and frames[0].shape == (120, 80, 3)
    assert np.abs(frames[0].astype(int) - frames[3]).max() > 100
    assert frames[0][2, 2].min() > 240  # a white page
    assert left_in(tmp_path) == [path.name]


def test_png_frames_take_the_place_of_earlier_ones(engine: LocalEngine, tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    request = {"path": str(folder), "kind": "png", "size": SIZE, "height": 60}
    engine.run("render_sequence", sequence=strip(PERSON, RAISED, PERSON), **request)
    assert len(list(folder.iterdir())) == 7
    (folder / "mine.png").write_bytes(b"mine")
    engine.run("render_sequence", sequence=strip(PERSON, RAISED), **request, style="controlnet")
    names = sorted(p.name for p in folder.iterdir())
    assert names == [*(f"frame_000{n}.png" for n in (1, 2, 3, 4)), "mine.png"]
    assert cv2.imread(str(folder / "frame_0001.png"))[0, 0].max() == 0


def test_keypoints_of_the_frames_come_back(engine: LocalEngine, tmp_path: Path) -> None:
    sequence = strip(PERSON, RAISED)
    for kind, path in (("json", tmp_path / "a.json"), ("openpose", tmp_path / "op")):
        engine.run("render_sequence", sequence=sequence, path=str(path), kind=kind, size=SIZE)
    content = json.loads((tmp_path / "a.json").read_text("utf-8"))
    assert content["info"]["fps"] == 12 and len(content["images"]) == 4
    last = registry.load(tmp_path / "a.json", image=4)
    assert last.size == SIZE
    assert np.allclose(last.people[0].pose.keypoints, RAISED.keypoints, atol=0.01)
    poses = motions.load_folder(tmp_path / "op")
    assert len(poses) == 4 and np.allclose(poses[-1].keypoints, RAISED.keypoints, atol=0.01)


@pytest.mark.parametrize("poses", [(PERSON,), (PERSON, RAISED)])
def test_bvh_has_a_frame_for_each_moment(
    engine: LocalEngine, tmp_path: Path, poses: tuple[Pose2D, ...]
) -> None:
    path = tmp_path / "a.bvh"
    engine.run("render_sequence", sequence=strip(*poses), path=str(path), kind="bvh", size=SIZE)
    motion = motions.load_bvh(path)
    assert len(motion.joints) == (1 if len(poses) == 1 else 4)
    assert motion.fps == pytest.approx(12, rel=1e-3)


def test_a_motion_is_shown_where_it_goes(engine: LocalEngine, tmp_path: Path) -> None:
    away = kinematics.translate(PERSON, (1000.0, 0.0))
    request = {"kind": "png", "size": SIZE, "height": 100}
    engine.run(
        "render_sequence", sequence=strip(PERSON, away), path=str(tmp_path / "a"), around=True,
        **request,
    )  # fmt: skip
    first, last = (cv2.imread(str(tmp_path / "a" / f"frame_000{n}.png")) for n in (1, 4))
    for picture, left in ((first, True), (last, False)):
        column = np.flatnonzero((picture < 200).any((0, 2)))
        assert len(column) and (column.mean() < picture.shape[1] / 2) == left


@pytest.mark.parametrize("kind", ["gif", "mp4", "png", "openpose"])
def test_cancelling_leaves_nothing(tmp_path: Path, kind: str) -> None:
    target = tmp_path / ("frames" if kind in ("png", "openpose") else f"a.{kind}")
    ctx = Stopping(0.5)
    with pytest.raises(TaskCancelled):
        render_sequence(ctx, strip(PERSON, RAISED, PERSON), str(target), kind, SIZE, 60)
    assert left_in(tmp_path) == [] and "Frame 4 of 7" in ctx.seen


@pytest.mark.parametrize("kind", ["gif", "mp4", "png", "json", "openpose"])
def test_a_full_disk_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    target = tmp_path / ("frames" if kind in ("png", "openpose") else f"a.{kind}")
    with pytest.raises(DocumentError, match="the disk is full"):
        render_sequence(Stopping(2.0), strip(PERSON, RAISED), str(target), kind, SIZE, 60)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_a_full_disk_ends_a_film_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise av.error.FFmpegError(28, "No space left on device")

    monkeypatch.setattr(av, "open", full)
    with pytest.raises(DocumentError, match=r"No space left .*GIF or PNG"):
        render_sequence(Stopping(2.0), strip(PERSON, RAISED), str(tmp_path / "a.mp4"), "mp4", SIZE)
    assert left_in(tmp_path) == []


def test_bad_requests_are_sentences(engine: LocalEngine, tmp_path: Path) -> None:
    good = {"path": str(tmp_path / "a.gif"), "kind": "gif", "size": SIZE}
    cases: list[tuple[PoseSequence, dict[str, Any], type, str]] = [
        (PoseSequence(), {}, PoseError, "no pose on the strip"),
        (strip(PERSON), {"kind": "avi"}, TaskError, "not as avi"),
        (strip(PERSON), {"height": 5}, TaskError, "not 5"),
        (strip(PERSON), {"style": "oil"}, TaskError, "not as oil"),
        (strip(PERSON, THREE), {"kind": "bvh"}, TaskError, "too few for 3D"),
        (strip(THREE), {"kind": "bvh"}, TaskError, "too few for 3D"),
    ]
    for sequence, change, kind, sentence in cases:
        with pytest.raises(kind, match=sentence):
            engine.run("render_sequence", sequence=sequence, **{**good, **change})
    assert not (tmp_path / "a.gif").exists()


def test_one_pose_is_one_frame(engine: LocalEngine, tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    done = engine.run(
        "render_sequence", sequence=strip(THREE), path=str(path), kind="gif", size=SIZE, height=60
    )
    assert done["frames"] == 1 and path.stat().st_size > 100


def test_progress_of_the_ways_is_told() -> None:
    ctx = Stopping(0.0)
    with pytest.raises(TaskCancelled):
        sequence_ways(ctx, strip(PERSON, RAISED))
    assert ctx.seen == ["Loading the lifter"]


# -- the reference person ------------------------------------------------------------------------
@pytest.mark.parametrize("generator", [False, True])
def test_a_person_does_the_motion_in_their_photo(
    tmp_path: Path, generator: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    transfer_helper.list_generator(monkeypatch, tmp_path / "weights")
    ctx = Stopping(2.0, ModelCache(ModelOptions(device="cpu")))
    ann = transfer_helper.reference()
    arm = kinematics.rotate_limb(PERSON, 7, -1.2)
    render_sequence(
        ctx, strip(PERSON, arm), str(tmp_path / "frames"), "png", SIZE, height=140,
        reference=ann, generator=generator,
    )  # fmt: skip
    frames = [cv2.imread(str(p)).astype(int) for p in sorted((tmp_path / "frames").iterdir())]
    assert len(frames) == 4 and frames[0].shape == (140, 120, 3)
    assert np.abs(frames[-1] - frames[0]).mean() > 1.0  # the arm is elsewhere
    corner = [frame[:12, :12].mean() for frame in frames]
    assert max(corner) - min(corner) < 3.0  # and the wall is not
    assert "Frame 3 of 4" in ctx.seen


def test_poses_over_the_very_photo_stay_where_they_are(tmp_path: Path) -> None:
    ann = transfer_helper.reference()
    aside = kinematics.translate(ann.pose, (40.0, 0.0))
    made = person_frames(
        Stopping(2.0), [ann.pose, aside], ann, 280, generator=False, canvas=ann.photo.size
    )
    first, second = made
    photo = cv2.imdecode(np.frombuffer(ann.photo.data, np.uint8), 1)[..., ::-1]
    assert np.array_equal(first, photo)
    assert np.abs(second.astype(int) - first).mean() > 2.0


def test_a_person_without_a_pose_and_a_pose_of_three_joints_are_explained(tmp_path: Path) -> None:
    ann = transfer_helper.reference()
    request = {"kind": "gif", "size": SIZE, "height": 60, "generator": False}
    nobody = replace(ann, pose=Pose2D(np.zeros((17, 2)), np.zeros(17)))
    path = str(tmp_path / "a.gif")
    with pytest.raises(TaskError, match="has no pose yet"):
        render_sequence(Stopping(2.0), strip(PERSON, RAISED), path, reference=nobody, **request)
    ears = Pose2D(PERSON.keypoints, np.where(np.isin(np.arange(17), (0, 1, 2, 3, 4, 7)), 2, 0))
    for pose, lacks in ((THREE, "fewer than 6 joints"), (ears, "no shoulder and no hip")):
        ctx = Stopping(2.0)
        with pytest.raises(TaskError, match=f"^Key pose 2 has {lacks}"):
            render_sequence(ctx, strip(PERSON, pose), path, reference=ann, **request)
        assert ctx.seen == []  # before the photo was made ready
    assert not (tmp_path / "a.gif").exists()


def test_a_person_is_broken_off_at_any_moment(tmp_path: Path) -> None:
    ann = transfer_helper.reference()
    for text in ("Cutting the person out", "Frame 3 of 4"):
        transfer_tasks.forget()
        ctx = Stopping(2.0)

        def stop(done: float, total: float, said: str = "", at: str = text) -> None:
            if said == at:
                raise TaskCancelled("Stopped.")

        ctx.progress = stop  # type: ignore[method-assign]
        with pytest.raises(TaskCancelled):
            render_sequence(
                ctx, strip(PERSON, RAISED), str(tmp_path / "a.mp4"), "mp4", SIZE, height=60,
                reference=ann, generator=False,
            )  # fmt: skip
        assert left_in(tmp_path) == []
