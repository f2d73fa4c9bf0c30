"""The lifter as the application calls it, with made-up weights and with the shipped ones."""

from pathlib import Path

import numpy as np
import pytest
import torch

from trainer import artifact, paths
from trainer import config as configs
from trainer.data import coco_to_mocap, mocap
from trainer.errors import ArtifactError, TrainerError
from trainer.models.vae_gan_lifter import WHOLE, Lifter, LifterConfig
from trainer.predictors.vae_gan_lifter import LiftResult, Predictor

_STANDING_PX = np.array(  # a person who looks at the camera, COCO-17
    [
        [200, 60],
        [206, 54],
        [194, 54],
        [213, 58],
        [187, 58],
        [228, 100],
        [172, 100],
        [240, 150],
        [160, 150],
        [246, 198],
        [154, 198],
        [217, 200],
        [183, 200],
        [219, 270],
        [181, 270],
        [220, 340],
        [180, 340],
    ],
    np.float32,
)


def _made_up(folder: Path, head: str) -> Predictor:
    torch.manual_seed(0)
    config = LifterConfig(head=head, hidden=32, latent=8)
    path = folder / "net.safetensors"
    artifact.save(path, Lifter(config).state_dict(), "vae_gan_lifter", configs.to_dict(config))
    return Predictor(path)


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return _made_up(tmp_path_factory.mktemp("weights"), "depth")


@pytest.fixture(scope="module")
def shipped() -> Predictor:
    return Predictor(paths.weights_dir() / "vae_gan_lifter.safetensors")


@pytest.fixture
def people() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    keypoints = _STANDING_PX + rng.normal(size=(5, 17, 2)).astype(np.float32) * 8
    confidence = np.ones((5, 17), np.float32)
    confidence[1, 13:] = 0  # no legs
    confidence[2, 5:11] = 0  # no arms, no shoulders
    confidence[3, 11:] = 0  # no hips either
    return keypoints, confidence


def _project(result: LiftResult) -> np.ndarray:
    distance = result.camera_distance_mm[:, None, None, None]
    x = result.points[..., :2] * distance / (distance + result.points[..., 2:])
    return result.root_px[:, None, None] + x / result.mm_per_px[:, None, None, None]


def test_shape_root_and_type(predictor: Predictor, people: tuple[np.ndarray, np.ndarray]) -> None:
    points, elevation = predictor.lift(*people, hypotheses=10, return_elevation=True)
    assert points.shape == (5, 10, 17, 3) and points.dtype == np.float32
    assert elevation.shape == (5,) and np.abs(elevation).max() <= 0.6
    assert np.isfinite(points).all()
    assert np.abs(points[:, :, 0]).max() == 0


def test_hypotheses_depend_on_the_seed_alone(
    predictor: Predictor, people: tuple[np.ndarray, np.ndarray]
) -> None:
    first = predictor.lift(*people, hypotheses=5, seed=7)
    assert np.array_equal(first, predictor.lift(*people, hypotheses=5, seed=7))
    other = predictor.lift(*people, hypotheses=5, seed=8)
    assert np.array_equal(first[:, 0], other[:, 0])  # no variance, no seed
    assert np.allclose(first[:, 0], predictor.lift(*people)[:, 0], atol=1e-3)
    assert np.abs(first[:, 1:] - other[:, 1:]).max() > 1e-2
    assert np.allclose(first[:, :3], predictor.lift(*people, hypotheses=3, seed=7), atol=1e-2)


def test_a_person_does_not_depend_on_the_others(
    predictor: Predictor, people: tuple[np.ndarray, np.ndarray]
) -> None:
    keypoints, confidence = people
    together = predictor.lift(keypoints, confidence, hypotheses=3)
    alone = predictor.lift(keypoints[2:3], confidence[2:3], hypotheses=3)
    assert np.allclose(together[2], alone[0], atol=0.1)


def test_place_and_scale_do_not_matter(
    predictor: Predictor, people: tuple[np.ndarray, np.ndarray]
) -> None:
    keypoints, confidence = people
    assert np.allclose(
        predictor.lift(keypoints, confidence),
        predictor.lift(keypoints * 7 - 3000, confidence),
        atol=2.0,
    )


def test_given_joints_project_onto_the_picture(
    predictor: Predictor, people: tuple[np.ndarray, np.ndarray]
) -> None:
    keypoints, confidence = people
    result = predictor.lift_full(keypoints, confidence, hypotheses=3)
    image = _project(result)
    for joint, coco in zip(coco_to_mocap.MOCAP_FROM, coco_to_mocap.COCO_FROM, strict=True):
        rows = confidence[:, coco] > 0
        wanted = np.repeat(keypoints[rows, None, coco], 3, axis=1)
        assert np.abs(image[rows, :, joint] - wanted).max() < 0.05, mocap.JOINTS[joint]


def test_few_or_no_joints_give_something_finite(predictor: Predictor) -> None:
    confidence = np.zeros((3, 17), np.float32)
    confidence[1, 5] = 1
    confidence[2, [5, 6]] = 1
    keypoints = np.repeat(_STANDING_PX[None], 3, 0)
    keypoints[0] = np.nan
    assert np.isfinite(predictor.lift(keypoints, confidence, hypotheses=2)).all()


def test_the_papers_form_lifts_whole_bodies(tmp_path: Path) -> None:
    predictor = _made_up(tmp_path, "points")
    points = np.random.default_rng(0).normal(size=(3, 17, 2))
    lifts = predictor.lift_points(points, hypotheses=2).points
    assert lifts.shape == (3, 2, 17, 3) and np.isfinite(lifts).all()
    with pytest.raises(TrainerError, match="all 17"):
        predictor.lift(_STANDING_PX[None], np.ones((1, 17)))


def test_whole_bodies_take_their_own_statistics(tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = LifterConfig(hidden=32, latent=8)
    net = Lifter(config)
    norm = "encoder.lift_in.1.running_mean"
    tensors = net.state_dict() | {f"{WHOLE}.{norm}": torch.ones(32)}
    path = tmp_path / "net.safetensors"
    artifact.save(path, tensors, "vae_gan_lifter", configs.to_dict(config))
    predictor, plain = Predictor(path), _made_up(tmp_path / "plain", "depth")
    points = np.random.default_rng(0).normal(size=(4, 17, 2))
    mask = np.ones((4, 17), bool)
    mask[[0, 2], 8] = False
    lifts, others = (p.lift_points(points, mask, hypotheses=2).points for p in (predictor, plain))
    assert np.allclose(lifts[[0, 2]], others[[0, 2]], atol=0.1)  # some joints are missing
    assert np.abs(lifts[[1, 3]] - others[[1, 3]]).max() > 1.0
    alone = predictor.lift_points(points[3:], mask[3:], hypotheses=2).points
    assert np.allclose(lifts[3], alone[0], atol=0.1)  # rows keep their order


def test_nobody(predictor: Predictor) -> None:
    assert predictor.lift(np.zeros((0, 17, 2)), np.zeros((0, 17))).shape == (0, 1, 17, 3)


def test_latent_means(predictor: Predictor, people: tuple[np.ndarray, np.ndarray]) -> None:
    means = predictor.encode(*people)
    assert means.shape == (5, predictor.latent_dim)
    assert np.abs(means[0] - means[1]).max() > 0


@pytest.mark.parametrize("hypotheses", [0, 11])
def test_too_many_hypotheses(predictor: Predictor, hypotheses: int) -> None:
    with pytest.raises(TrainerError, match="1 to 10"):
        predictor.lift(_STANDING_PX[None], np.ones((1, 17)), hypotheses=hypotheses)


def test_wrong_shapes(predictor: Predictor) -> None:
    with pytest.raises(TrainerError, match="COCO keypoints"):
        predictor.lift(np.zeros((1, 18, 2)), np.ones((1, 18)))
    with pytest.raises(TrainerError, match="confidences"):
        predictor.lift(np.zeros((1, 17, 2)), np.ones((2, 17)))


def test_weights_of_another_model(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    artifact.save(path, {"a": torch.zeros(2)}, "keypoint_flow", {})
    with pytest.raises(ArtifactError, match="keypoint_flow"):
        Predictor(path)


def test_shipped_weights_lift_a_standing_person(shipped: Predictor) -> None:
    points, elevation = shipped.lift(_STANDING_PX[None], np.ones((1, 17)), return_elevation=True)
    pose = dict(zip(mocap.JOINTS, points[0, 0], strict=True))
    assert abs(elevation[0]) < 0.35
    assert pose["Nose"][2] < pose["Neck"][2]  # looks at the camera, which is at negative z
    assert pose["Head"][1] < pose["Neck"][1] < 0 < pose["R_Knee"][1] < pose["R_Ankle"][1]
    thigh = np.linalg.norm(pose["R_Knee"] - pose["R_Hip"])
    assert 300 < thigh < 520
    assert np.abs(points[0, 0, :, 2]).max() < 450


@pytest.mark.parametrize("hidden", [[13, 14, 15, 16], [11, 12, 13, 14, 15, 16], [7, 8, 9, 10]])
def test_shipped_weights_lift_half_bodies(shipped: Predictor, hidden: list[int]) -> None:
    confidence = np.ones((1, 17))
    confidence[0, hidden] = 0
    whole = shipped.lift(_STANDING_PX[None], np.ones((1, 17)))[0, 0]
    half = shipped.lift(_STANDING_PX[None], confidence)[0, 0]
    bones = np.linalg.norm(half[1:] - half[list(mocap.PARENTS)[1:]], axis=-1)
    usual = np.linalg.norm(whole[1:] - whole[list(mocap.PARENTS)[1:]], axis=-1)
    assert np.all(bones > 0.4 * usual) and np.all(bones < 2.0 * usual)
    assert half[3, 1] > half[2, 1] > 0  # legs hang down, seen or not
    assert np.linalg.norm(half - whole, axis=-1).mean() < 150


def test_the_way_between_two_poses_ends_in_their_own_lifts(
    predictor: Predictor, people: tuple[np.ndarray, np.ndarray]
) -> None:
    """And its depths are the latent way's, not those of the poses passed."""
    keypoints, confidence = people[0][[0, 4]], people[1][[0, 4]]
    shares = np.linspace(0.0, 1.0, 5, dtype=np.float32)
    way = (1 - shares)[:, None, None] * keypoints[0] + shares[:, None, None] * keypoints[1]
    sure = np.ones((5, 17), np.float32)
    found = predictor.lift_between(way, sure, shares, keypoints, confidence)
    own = predictor.lift_full(way, sure)
    for end in (0, -1):
        np.testing.assert_allclose(found.points[end], own.points[end], atol=0.05)
    assert np.abs(found.points[2] - own.points[2]).max() > 0.1
    image, shown = coco_to_mocap.to_mocap(way, sure)  # given joints stay where they are seen
    gap = np.abs(_project(found)[:, 0] - image)[shown]
    assert gap.max() < 0.01
    with pytest.raises(TrainerError, match="two ends"):
        predictor.lift_between(way, sure, shares[:3], keypoints, confidence)
