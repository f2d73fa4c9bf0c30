"""Motion-capture data: splits, weights, bodies, views, masks, and the way from COCO-17."""

from pathlib import Path

import numpy as np
import pytest
import torch

from trainer.data import coco_to_mocap, mocap
from trainer.data.views import ViewSampler, random_masks
from trainer.errors import DataError


def test_splits_share_no_subject(mocap_folder: Path) -> None:
    subjects = {
        split: set(mocap.load(mocap_folder, split).subject)
        for split in ("train", "validation", "test")
    }
    assert subjects["train"] == {"cmu_01", "cmu_02"}
    assert subjects["validation"] == {"cmu_49"}
    assert subjects["test"] == {"cmu_03", "hdm05_bd", "x_99"}  # strangers are test


def test_the_mocap_folder_itself_may_be_given(mocap_folder: Path) -> None:
    assert len(mocap.load(mocap_folder / "mocap", "all")) == 600


def test_missing_data_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--data"):
        mocap.load(tmp_path, "train")


def test_weights_balance_clips_by_root_of_length() -> None:
    clip = np.repeat([0, 1], [400, 100])
    poses = mocap.MocapPoses(
        np.zeros((500, 17, 3), np.float32), clip, np.array(["a", "b"]), np.array(["s"] * 500)
    )
    weights = poses.weights()
    assert weights.sum() == pytest.approx(1.0, abs=1e-5)
    assert weights[:400].sum() / weights[400:].sum() == pytest.approx(2.0, rel=1e-4)


def test_actions_come_from_the_clips(mocap_folder: Path) -> None:
    assert mocap.actions(mocap_folder, np.array(["clip_0", "clip_5"])) == ["walk", "other"]


def test_random_bodies_are_symmetric_and_as_long_as_asked(mocap_folder: Path) -> None:
    poses = mocap.load(mocap_folder, "train")
    torch.manual_seed(0)
    sampler = ViewSampler(poses.poses, poses.weights(), 0.06, 0.1, 0.0)
    bodies = sampler.figures(512)
    bones = (bodies - bodies[:, torch.tensor(mocap.PARENTS).clamp_min(0)]).norm(dim=-1)
    assert torch.allclose(bones[:, 2], bones[:, 5], atol=2e-3)  # thighs
    assert torch.allclose(bones[:, 13], bones[:, 16], atol=2e-3)  # forearms
    ratio = bones[:, 2] / (420 / mocap.UNIT_MM)
    assert ratio.std().item() == pytest.approx(0.06, abs=0.015)
    # Mirroring swaps names and sides, so that facing stays what it was: left x up is the front.
    left, up = bodies[:, 4] - bodies[:, 1], bodies[:, 8]
    front = torch.linalg.cross(left, up)
    assert (((bodies[:, 9] - bodies[:, 8]) * front).sum(-1) > 0).float().mean() > 0.99


def test_views_are_projections_of_their_figures(mocap_folder: Path) -> None:
    poses = mocap.load(mocap_folder, "train")
    sampler = ViewSampler(poses.poses, poses.weights(), 0.0, 0.0, 0.0)
    image, points = sampler.views(32)
    assert torch.allclose(image, points[..., :2] * 10 / (10 + points[..., 2:]), atol=1e-5)
    # The body stays upright within the camera's elevation.
    lean = points[:, 8] / points[:, 8].norm(dim=-1, keepdim=True)
    assert (lean[:, 1] < -np.cos(np.pi / 9 + 0.05)).all()


def test_masks_keep_four_joints_and_no_pelvis_without_hips() -> None:
    torch.manual_seed(0)
    mask = random_masks(4000, "cpu")
    assert (mask.sum(-1) >= 4).all()
    assert (mask[:, 0] <= mask[:, 1] * mask[:, 4]).all()
    assert 0.02 < (mask[:, [1, 2, 3, 4, 5, 6]].sum(-1) == 0).float().mean() < 0.3  # upper bodies
    assert 0.01 < (mask[:, 11:].sum(-1) == 0).float().mean() < 0.2  # lower bodies


def test_coco_and_back(mocap_folder: Path) -> None:
    poses = mocap.load(mocap_folder, "test").poses
    coco = coco_to_mocap.from_mocap(poses)
    points, mask = coco_to_mocap.to_mocap(coco[..., :2], np.ones(coco.shape[:2]))
    assert np.allclose(points[:, coco_to_mocap.GIVEN], poses[:, coco_to_mocap.GIVEN, :2], atol=1e-3)
    assert np.allclose(points[:, 0], poses[:, 0, :2], atol=1.0)
    assert np.linalg.norm(points[:, 10] - poses[:, 10, :2], axis=-1).mean() < 40
    assert not mask[:, [7, 8]].any() and mask[:, [0, 10]].all()


def test_left_stays_left() -> None:
    coco = np.zeros((1, 17, 2))
    coco[0, 5], coco[0, 6] = (10, 0), (-10, 0)
    points, _ = coco_to_mocap.to_mocap(coco, np.ones((1, 17)))
    assert points[0, mocap.JOINTS.index("L_Shoulder"), 0] == 10
    assert points[0, mocap.JOINTS.index("R_Shoulder"), 0] == -10


def test_absent_and_broken_keypoints_are_masked() -> None:
    coco = np.random.default_rng(0).normal(size=(1, 17, 2))
    confidence = np.ones((1, 17))
    confidence[0, 11] = 0  # a hip: no pelvis then
    coco[0, 9] = np.nan
    points, mask = coco_to_mocap.to_mocap(coco, confidence)
    names = {mocap.JOINTS[i] for i in np.flatnonzero(~mask[0])}
    assert names == {"L_Hip", "Pelvis", "L_Wrist", "Torso", "Neck"}
    assert np.isfinite(points).all()


def test_a_file_with_raw_poses_only_is_read(mocap_folder: Path, tmp_path: Path) -> None:
    with np.load(mocap_folder / "mocap" / "poses3d.npz") as file:
        raw = {key: file[key] for key in file if key != mocap.CORRECTED}
    np.savez(tmp_path / "poses3d.npz", **raw)
    wanted = mocap.load(mocap_folder, "test", mocap.RAW).poses
    assert np.array_equal(mocap.load(tmp_path, "test").poses, wanted)
