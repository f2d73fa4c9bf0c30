"""A person in a new pose: what is kept, what comes back, and every kind of bad input."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from poseapp.core import compose as compositions
from poseapp.core import kinematics, transfer, transfer_masks
from poseapp.core.document import Photo, ReferencePerson
from poseapp.core.errors import PhotoError, PoseAppError, PoseError, TaskError, WeightsError
from poseapp.core.pose import Pose2D, Visibility
from poseapp.formats.png import encode_png
from poseapp.services import transfer_tasks
from poseapp.services.context import TaskContext
from poseapp.services.models import ModelCache, ModelOptions
from tests.helpers import drawn_person, tiny_models
from tests.helpers.transfer import list_generator, raised, reference

TASKS = "poseapp.services.tasks:TASKS"
WAIT_MS = 180_000


@pytest.fixture(autouse=True)
def _fresh() -> None:
    transfer_tasks.forget()


@pytest.fixture
def ann() -> ReferencePerson:
    return reference()


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.write_transfer(tmp_path_factory.mktemp("w") / "own.safetensors")


@pytest.fixture
def ctx(weights: Path) -> TaskContext:
    chosen = {"deformable_gan": str(weights)}
    return TaskContext(ModelCache(ModelOptions(device="cpu", weights=chosen)))


def request(who: ReferencePerson, pose: Pose2D | None = None) -> dict:
    found = {
        "photo": np.frombuffer(who.photo.data, np.uint8),
        "name": who.photo.name,
        "keypoints": transfer.as_array(who.pose),
    }
    return found if pose is None else {**found, "target": transfer.as_array(pose)}


def test_the_photo_is_looked_at_once(ctx: TaskContext, ann: ReferencePerson) -> None:
    one = transfer_tasks.prepare_person(ctx, **request(ann), longest=140)
    assert one["photo"].shape == (140, 120, 3) and one["size"] == (240, 280) and not one["note"]
    assert one["mask"].max() == 255 and one["plate"].shape == one["photo"].shape
    again = transfer_tasks.prepare_person(ctx, **request(ann), longest=140)
    assert again["warper"] is one["warper"]
    assert transfer_tasks.prepare_person(ctx, **request(ann))["warper"] is not one["warper"]
    moved = replace(ann, pose=ann.pose.with_joint(9, (200.0, 120.0)))
    other = transfer_tasks.prepare_person(ctx, **request(moved), longest=140)
    assert other["warper"] is not one["warper"]


def test_a_new_pose_costs_the_generator_alone(
    ctx: TaskContext, ann: ReferencePerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor = ctx.models.get("deformable_gan")
    looked: list[tuple] = []
    inner = predictor.encode
    monkeypatch.setattr(predictor, "encode", lambda *a: looked.append(a) or inner(*a))
    pictures = [
        transfer_tasks.render_person(ctx, **request(ann, raised(ann.pose, turn)), longest=0)
        for turn in (0.4, 0.8, 1.2)
    ]
    assert len(looked) == 1
    image, points, mask = looked[0]
    assert image.shape == (64, 32, 3) and mask.max() > 200
    assert (points[:, 0] > 0).all() and (points[:, 1] < 64).all()  # the whole person is in it
    for found in pictures:
        assert found["picture"].shape == (280, 240, 3) and found["generated"]
        assert [s.shape for s in found["scales"]] == [(16, 8, 3), (32, 16, 3), (64, 32, 3)]
        assert found["parts"].shape[1:] == (64, 32) and found["attention"].max() <= 1.0
        assert len(found["part_names"]) == len(found["parts"])
    assert (pictures[0]["picture"] != pictures[2]["picture"]).any()
    # away from the person the photo stays byte for byte
    photo = cv2.cvtColor(cv2.imdecode(np.frombuffer(ann.photo.data, np.uint8), 1), 4)
    np.testing.assert_array_equal(pictures[0]["picture"][:, :20], photo[:, :20])


def test_the_warp_alone_needs_no_weights(ann: ReferencePerson) -> None:
    bare = TaskContext(ModelCache(ModelOptions(weights={"deformable_gan": "gone.safetensors"})))
    made = transfer_tasks.render(bare, ann, raised(ann.pose), generator=False)
    assert made.shape == (280, 240, 3)
    for pose, there in ((raised(ann.pose), True), (ann.pose, False)):
        x, y = pose.keypoints[[7, 9]].mean(0).round().astype(int)
        off = np.abs(made[y, x].astype(int) - drawn_person.COLOURS["left_arm"]).max()
        assert (off < 30) == there  # the arm is where it was brought, and gone where it was
    with pytest.raises(WeightsError, match=r"gone\.safetensors is missing"):
        transfer_tasks.render(bare, ann, raised(ann.pose))


def test_without_weights_it_is_known_before(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    list_generator(monkeypatch, tmp_path / "w", there=False)
    assert not transfer_tasks.can_generate(ModelOptions())
    assert transfer_tasks.can_generate(ModelOptions(weights={"deformable_gan": "a.safetensors"}))
    tiny_models.write_transfer(tmp_path / "w" / "deformable_gan.safetensors")
    assert transfer_tasks.can_generate(ModelOptions())
    ours = TaskContext(ModelCache(ModelOptions(device="cpu")))
    who = reference()
    assert transfer_tasks.render(ours, who, raised(who.pose), 100).shape == (100, 86, 3)


def test_the_picture_is_saved_as_large_as_the_photo(
    ctx: TaskContext, ann: ReferencePerson, tmp_path: Path
) -> None:
    path = tmp_path / "out.png"
    done = transfer_tasks.save_person(ctx, **request(ann, raised(ann.pose)), path=str(path))
    assert done["size"] == (240, 280) and cv2.imread(str(path)).shape == (280, 240, 3)
    with pytest.raises(PoseAppError, match=r"out\.png"):
        gone = str(tmp_path / "no" / "out.png")
        transfer_tasks.save_person(ctx, **request(ann, raised(ann.pose)), path=gone)


def test_specks_that_a_generator_leaves_in_the_air_go(ann: ReferencePerson) -> None:
    mask = np.zeros((64, 32), np.float32)
    mask[20:60, 10:22] = 0.9
    mask[4:7, 25:28] = 0.8  # holds no joint
    mask[40:43, 26:29] = 0.8  # a hand
    points = np.zeros((17, 3), np.float32)
    points[5], points[9] = (14, 25, 2), (27, 41, 2)
    found = transfer_masks.in_one_piece(mask, points)
    assert not found[:12].any() and (found[12:] == mask[12:]).all()


def test_shoes_and_hair_that_the_mask_missed_go_with_the_person(ann: ReferencePerson) -> None:
    points = transfer.as_array(ann.pose)
    mask = np.zeros((280, 240), np.uint8)
    top, low = ann.pose.keypoints[0], ann.pose.keypoints[15]
    mask[int(top[1]) : int(low[1]) - 10, 80:160] = 255
    mask[100:104, 100:104] = 0  # a hole that is none
    found = transfer_masks.gone(mask, points)
    assert found[102, 102] == 255 and (found >= mask).all()
    assert found[int(low[1]) + 3, int(low[0])] == 255
    assert found[int(top[1]) - 20, int(top[0])] == 255
    assert not found[:, :40].any()


def test_the_view_holds_the_clothes_too(ann: ReferencePerson) -> None:
    points = transfer.as_array(ann.pose)
    wide = np.array([10.0, 20.0]), np.array([230.0, 260.0])
    for body in (None, wide):
        view = transfer.view_of(points, (64, 32), body)
        placed = transfer.moved(points, view)
        assert placed[:, 0].min() > 0 and placed[:, 0].max() < 32 and placed[:, 1].max() < 64
    corners = np.array(wide) @ view[:, :2].T + view[:, 2]
    assert corners[0, 0] >= 0 and corners[1, 0] <= 32


# -- bad input -------------------------------------------------------------------------------
def without(pose: Pose2D, keep: int) -> Pose2D:
    visibility = pose.visibility.copy()
    visibility[keep:] = Visibility.ABSENT
    return Pose2D(pose.keypoints, visibility)


def test_too_few_joints_and_no_pose_are_said(ctx: TaskContext, ann: ReferencePerson) -> None:
    three = without(ann.pose, 3)
    with pytest.raises(TaskError, match="fewer than 6 joints"):
        transfer_tasks.render(ctx, ann, three)
    with pytest.raises(PoseError, match="fewer than 6 joints"):
        transfer_tasks.render_person(ctx, **request(ann, three))
    bare = replace(ann, pose=without(ann.pose, 0))
    with pytest.raises(TaskError, match="has no pose yet"):
        transfer_tasks.render(ctx, bare, ann.pose)
    with pytest.raises(PoseError, match="has no pose yet"):
        transfer_tasks.prepare_person(ctx, **request(bare))
    with pytest.raises(TaskError, match="17 keypoints"):
        transfer_tasks.render_person(ctx, **request(ann), target=np.zeros((3, 3)))
    assert transfer.problem(None, None) == transfer.NO_REFERENCE
    assert transfer.problem(ann, None) == transfer.NOBODY and not transfer.problem(ann, ann.pose)
    face = without(ann.pose, 5)
    assert transfer.problem(ann, face) == transfer.TOO_FEW_JOINTS


def test_a_damaged_photo_is_said(ctx: TaskContext, ann: ReferencePerson) -> None:
    cut = replace(ann, photo=Photo(ann.photo.data[:60], "cut.png", (240, 280)))
    with pytest.raises(PhotoError, match=r"cut\.png"):
        transfer_tasks.prepare_person(ctx, **request(cut))


def test_somebody_cut_by_the_frame_is_shown_and_it_is_said(
    ctx: TaskContext, ann: ReferencePerson
) -> None:
    picture = cv2.cvtColor(cv2.imdecode(np.frombuffer(ann.photo.data, np.uint8), 1), 4)
    waist = int(ann.pose.keypoints[11, 1])
    half = Photo(encode_png(np.ascontiguousarray(picture[:waist])), "half.png", (240, waist))
    portrait = replace(ann, photo=half, pose=without(ann.pose, 11))
    found = transfer_tasks.prepare_person(ctx, **request(portrait))
    assert found["note"] == transfer_tasks.CUT_OFF
    shown = transfer_tasks.render_person(ctx, **request(portrait, raised(portrait.pose)))
    assert shown["picture"].shape == (waist, 240, 3)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate"),
        cv2.error("Insufficient memory (Failed to allocate 144 bytes)"),
    ],
)
def test_running_out_of_memory_is_a_sentence(
    ctx: TaskContext, ann: ReferencePerson, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def full(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(compositions, "compose", full)
        with pytest.raises(TaskError, match="not enough memory to show the person"):
            transfer_tasks.render(ctx, ann, raised(ann.pose))
    assert transfer_tasks.render(ctx, ann, raised(ann.pose)).shape == (280, 240, 3)


# -- where poses lie -------------------------------------------------------------------------
def test_over_the_very_photo_poses_stay_where_they_are(ann: ReferencePerson) -> None:
    large = kinematics.scale(ann.pose, 2.0, np.array([-0.5, -0.5]))
    (found,) = transfer.placed([large], ann, (480, 560))
    np.testing.assert_allclose(found.keypoints, ann.pose.keypoints, atol=1e-9)
    assert transfer.same_picture(replace(ann.photo, name="b"), ann.photo)
    assert not transfer.same_picture(None, ann.photo)


def test_elsewhere_the_person_takes_them_on_their_own_ground(ann: ReferencePerson) -> None:
    far = kinematics.translate(kinematics.scale(ann.pose, 3.0), (900.0, -400.0))
    (found,) = transfer.placed([far], ann)
    np.testing.assert_allclose(found.keypoints, ann.pose.keypoints, atol=2.0)


def test_a_wide_pose_is_made_small_enough_for_the_picture(ann: ReferencePerson) -> None:
    lying = kinematics.rotate_person(ann.pose, np.pi / 2)
    (found,) = transfer.placed([lying], ann)
    x, y, wide, high = found.bounds or (0.0, 0.0, 0.0, 0.0)
    assert x >= 0 and x + wide <= 239 and y >= 0 and y + high <= 279
    alone = transfer.placed([lying, ann.pose], ann)
    assert np.ptp(alone[1].keypoints[:, 1]) < np.ptp(ann.pose.keypoints[:, 1])  # all one size


# -- in the models' process ------------------------------------------------------------------
def test_the_newest_pose_wins_in_the_process(
    qtbot, make_engine, record_of, ann: ReferencePerson, weights: Path
) -> None:
    chosen = {"deformable_gan": str(weights)}
    engine = make_engine(TASKS, options=ModelOptions(device="cpu", weights=chosen))
    record = record_of(engine)
    asked = [
        engine.submit("render_person", lane="transfer", **request(ann, raised(ann.pose, turn)))
        for turn in (0.3, 0.6, 0.9)
    ]
    qtbot.waitUntil(lambda: record.ended(asked[-1]), timeout=WAIT_MS)
    assert [record.of(n)[-1][0] for n in asked] == ["cancelled", "cancelled", "succeeded"]
    result = record.of(asked[-1])[-1][2]
    assert result["picture"].shape == (280, 240, 3)
    bad = engine.submit("render_person", **request(ann, without(ann.pose, 3)))
    again = engine.submit("prepare_person", **request(ann))
    qtbot.waitUntil(lambda: record.ended(again), timeout=WAIT_MS)
    assert "fewer than 6 joints" in str(record.of(bad)[-1][2])
    prepared = record.of(again)[-1][2]  # its warper travels, ready for the window
    assert prepared["warper"].warp(prepared["keypoints"], (280, 240))[0].shape == (280, 240, 3)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_stopped_or_killed_while_saving_no_half_file_is_left(
    qtbot, make_engine, record_of, ann: ReferencePerson, tmp_path: Path
) -> None:
    engine = make_engine(TASKS, options=ModelOptions(device="cpu"))
    record = record_of(engine)
    path = tmp_path / "out.png"
    wanted = {**request(ann, raised(ann.pose)), "path": str(path), "generator": False}

    def begun() -> int:
        number = engine.submit("save_person", lane="save", **wanted)
        qtbot.waitUntil(lambda: bool(record.of(number, "progress")), timeout=WAIT_MS)
        return number

    stopped = begun()
    engine.cancel(stopped)
    qtbot.waitUntil(lambda: record.ended(stopped), timeout=WAIT_MS)
    assert record.of(stopped)[-1][0] == "cancelled"
    killed = begun()  # as a system does that has no memory left
    os.kill(engine.pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: record.ended(killed), timeout=WAIT_MS)
    kind, _, error = record.of(killed)[-1]
    assert kind == "failed" and "ended unexpectedly" in str(error)
    assert not list(tmp_path.glob("*.*"))
    done = engine.submit("save_person", lane="save", **wanted)
    qtbot.waitUntil(lambda: record.ended(done), timeout=WAIT_MS)
    assert record.of(done)[-1][0] == "succeeded" and cv2.imread(str(path)) is not None
