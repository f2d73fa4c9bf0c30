"""The lifter's table on made-up people and made-up weights."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from trainer import artifact
from trainer import config as configs
from trainer.data import mocap
from trainer.errors import TrainerError
from trainer.evaluation import lift, lift_report, lift_sheet, lift_views
from trainer.evaluation.table import Table
from trainer.metrics import mpjpe
from trainer.models.vae_gan_lifter import Lifter, LifterConfig
from trainer.predictors.vae_gan_lifter import Predictor


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    config = LifterConfig(hidden=32, latent=8)
    path = tmp_path_factory.mktemp("weights") / "net.safetensors"
    artifact.save(path, Lifter(config).state_dict(), "vae_gan_lifter", configs.to_dict(config))
    return path


def test_table_has_its_rows_and_metrics(weights: Path, mocap_folder: Path) -> None:
    table = lift.evaluate("vae_gan_lifter", mocap_folder, weights=weights, fast=True)
    rows = {row["method"]: row for row in table.rows}
    assert {"mean pose", "flat pose", "nearest 2D neighbour", "ours", "paper"} <= set(rows)
    assert rows["flat pose"]["depth spread"] == 0
    assert rows["flat pose"]["BH mm"] is None
    assert rows["ours"]["BH mm"] < rows["ours"]["ZV mm"]
    assert table.metrics["zv_mm"] == rows["ours"]["ZV mm"]
    assert "cmu_03, hdm05_bd, x_99" in table.notes[0]


def test_views_are_the_same_each_time(mocap_folder: Path) -> None:
    poses = mocap.load(mocap_folder, "test")
    first, second = lift_views.views(poses), lift_views.views(poses)
    assert np.array_equal(first.image, second.image)
    assert len(lift_views.views(poses, every=7).image) == len(range(0, 300, 7))


def test_views_without_noise_are_projections(mocap_folder: Path) -> None:
    views = lift_views.views(mocap.load(mocap_folder, "test"), noise=0.0)
    points = views.points / mocap.UNIT_MM
    wanted = points[..., :2] * 10 / (10 + points[..., 2:])
    assert np.allclose(views.image, wanted, atol=1e-4)
    assert np.allclose(views.coco[:, 5], views.image[:, 11], atol=1e-6)  # left shoulder


def test_neighbour_of_poses_it_knows_is_near(mocap_folder: Path) -> None:
    train = mocap.load(mocap_folder, "train")
    views = lift_views.views(train, noise=0.0, every=10)
    near = mpjpe.measure(lift_views.nearest_neighbour(train, views.image), views.points)
    flat = mpjpe.measure(lift_views.flat(views.image), views.points)
    assert near.zv < 0.5 * flat.zv


def test_mean_pose_stands_upright_in_camera_space(mocap_folder: Path) -> None:
    mean = lift_views.mean_pose(mocap.load(mocap_folder, "train"), 2)
    assert mean.shape == (2, 1, 17, 3)
    assert mean[0, 0, 10, 1] < -600  # y down
    assert mean[0, 0, 4, 0] > 50 and mean[0, 0, 9, 2] < mean[0, 0, 8, 2]  # faces the camera


def test_tables_of_parts(weights: Path, mocap_folder: Path) -> None:
    predictor = Predictor(weights)
    views = lift_views.views(mocap.load(mocap_folder, "test"), every=5)
    errors = lift.measure(predictor, views)
    actions = lift.per_action(errors, views, mocap_folder)
    assert {row["action"]: row["poses"] for row in actions.rows} == {"walk": 20, "other": 40}
    joints = lift.per_joint(errors)
    assert [row["joint"] for row in joints.rows] == list(mocap.JOINTS)
    assert sum(row["paper mm"] or 0 for row in joints.rows) / 17 == pytest.approx(52.74, abs=0.01)
    assert len(lift.half_bodies(predictor, views).rows) == 1 + len(lift.HALF_BODIES)


def test_sheet_is_a_picture(weights: Path, mocap_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    lift_sheet.draw_sheet(Predictor(weights), mocap_folder, path)
    image = cv2.imread(str(path))
    assert image.shape[1] > 1000 and image.std() > 10


def test_report_fills_the_page() -> None:
    table = Table("T", ["a"], [{"a": 1.5}])
    page = lift_report.filled("x\n<!-- main -->\nold\n<!-- /main -->\ny\n", {"main": table})
    assert page.startswith("x\n<!-- main -->\n### T") and page.endswith("<!-- /main -->\ny\n")
    assert "old" not in page and "1.5" in page
    with pytest.raises(TrainerError, match="no place"):
        lift_report.filled("x", {"main": table})
