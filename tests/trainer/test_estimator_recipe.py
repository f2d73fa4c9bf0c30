"""Training the estimator, measuring and using it, on a few made-up pictures."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from trainer import artifact
from trainer.data import photos
from trainer.data.person_crops import STILL
from trainer.data.photos import JOINTS, VISIBLE, PersonPhotos
from trainer.engine.loop import fit
from trainer.errors import ArtifactError, TrainerError
from trainer.evaluation.estimate import Found, average_precision, figures_of, with_found_boxes
from trainer.metrics import pck as measures
from trainer.models.attention_hourglass import AttentionHourglassConfig, JudgeConfig
from trainer.predictors.attention_hourglass import Predictor
from trainer.recipes.attention_hourglass import AttentionHourglassRecipe, AttentionHourglassSettings

TINY = AttentionHourglassSettings(
    net=AttentionHourglassConfig(input_px=64, stacks=2, features=16, depth=2),
    judge=JudgeConfig(features=16, depth=2),
    steps=12,
    batch=8,
    warm_up=5,
    learning_rate=3e-3,
    augmentation=replace(STILL, zoom=0.1),
)


def spots(people: int = 6, noisy: bool = False) -> PersonPhotos:
    """People who are coloured squares: the joint's colour is all there is to learn."""
    rng = np.random.default_rng(3)
    keypoints = np.zeros((people, len(JOINTS), 3), np.float32)
    pictures = []
    for row in range(people):
        cells = rng.permutation(25)[: len(JOINTS)]
        keypoints[row, :, 0] = 12 + 18 * (cells % 5)
        keypoints[row, :, 1] = 12 + 18 * (cells // 5)
        keypoints[row, :, 2] = VISIBLE
        picture = np.zeros((100, 100, 3), np.uint8)
        for joint, (x, y, _) in enumerate(keypoints[row].astype(int)):
            colour = ((joint % 3) * 127, (joint // 3 % 3) * 127, 40 + (joint // 9) * 100)
            picture[y - 6 : y + 7, x - 6 : x + 7] = colour
        pictures.append(picture)
    return PersonPhotos(
        "spots",
        pictures.__getitem__,
        keypoints,
        photos.boxes_of(keypoints),
        np.arange(people),
        tuple(str(i) for i in range(people)),
        noisy=noisy,
    )


@pytest.fixture
def small_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The recipe trains on spots, labelled without doubt, in place of photographs."""
    initial = AttentionHourglassRecipe.__init__

    def with_spots(self: AttentionHourglassRecipe, *args: object) -> None:
        initial(self, *args)  # type: ignore[arg-type]
        self.training = {"lspet": spots(noisy=True), "coco": spots()}
        self.held_out = spots(2)

    monkeypatch.setattr(AttentionHourglassRecipe, "__init__", with_spots)


@pytest.fixture
def trained(small_sets: None, tmp_path: Path) -> Path:
    """Weights of a short run."""
    fit(
        "attention_hourglass",
        TINY,
        tmp_path,
        tmp_path / "run",
        preset="small",
        device="cpu",
        seed=1,
    )
    return tmp_path / "run" / "last.safetensors"


def test_a_short_run_finds_joints_better(small_sets: None, tmp_path: Path) -> None:
    torch.manual_seed(0)
    early = fit(
        "attention_hourglass",
        replace(TINY, steps=2),
        tmp_path,
        tmp_path / "a",
        preset="small",
        device="cpu",
    )
    late = fit(
        "attention_hourglass",
        replace(TINY, steps=40),
        tmp_path,
        tmp_path / "b",
        preset="small",
        device="cpu",
        log_every=5,
    )
    assert late.losses["place"] < 0.93 * early.losses["place"]


def test_a_stopped_run_goes_on_exactly(small_sets: None, tmp_path: Path) -> None:
    settings = replace(TINY, steps=6, adversarial=0.05)
    whole = tmp_path / "whole"
    fit("attention_hourglass", settings, tmp_path, whole, preset="small", device="cpu", seed=4)
    count = iter(range(100))
    halves = tmp_path / "halves"
    fit(
        "attention_hourglass",
        settings,
        tmp_path,
        halves,
        preset="small",
        device="cpu",
        seed=4,
        abort_fn=lambda: next(count) >= 3,
    )
    fit(
        "attention_hourglass",
        settings,
        tmp_path,
        halves,
        preset="small",
        device="cpu",
        seed=4,
        resume=True,
    )
    one, two = (artifact.load_tensors(f / "last.safetensors") for f in (whole, halves))
    assert all(torch.equal(one[k], two[k]) for k in one)


def test_the_judge_learns_to_reconstruct_heatmaps(small_sets: None, tmp_path: Path) -> None:
    errors = []
    for steps in (2, 24):
        report = fit(
            "attention_hourglass",
            replace(TINY, steps=steps, adversarial=0.05),
            tmp_path,
            tmp_path / f"run{steps}",
            preset="small",
            device="cpu",
            log_every=2,
        )
        errors.append(report.losses["judge/real"])
    assert errors[1] < 0.8 * errors[0]
    assert 0.0 <= report.losses["judge/share"] <= 1.0


def test_a_run_starts_from_earlier_weights(trained: Path, tmp_path: Path) -> None:
    settings = replace(TINY, steps=1, learning_rate=0.0, start_from=str(trained))
    fit("attention_hourglass", settings, tmp_path, tmp_path / "next", preset="small", device="cpu")
    before = artifact.load_tensors(trained)
    after = artifact.load_tensors(tmp_path / "next" / "last.safetensors")
    key = "heads.1.weight"
    assert torch.allclose(before[key], after[key], atol=1e-3)
    wide = replace(settings, net=replace(TINY.net, features=48))
    with pytest.raises(ArtifactError, match="another net"):
        fit("attention_hourglass", wide, tmp_path, tmp_path / "wide", preset="small", device="cpu")


def test_estimates_are_in_photo_pixels_and_do_not_depend_on_company(trained: Path) -> None:
    people = spots()
    predictor = Predictor(trained)
    photo = np.concatenate([people.picture(0), people.picture(1)], axis=1)
    boxes = np.stack([people.boxes[0], people.boxes[1] + [100, 0, 0, 0]])
    both = predictor.estimate(photo, boxes)
    alone = predictor.estimate(photo, boxes[1:])
    assert both.keypoints.shape == (2, 17, 2)
    assert np.allclose(both.keypoints[1], alone.keypoints[0], atol=0.5)
    assert ((both.confidence >= 0) & (both.confidence <= 1)).all()
    peak = both.heatmaps[0, 5].reshape(-1).argmax()
    size = both.heatmaps.shape[-1]
    at = both.to_photo[0] @ np.array([peak % size, peak // size, 1.0])
    assert np.linalg.norm(at - both.keypoints[0, 5]) < 12  # within a pixel or two of the map
    assert predictor.estimate(photo, np.zeros((0, 4))).keypoints.shape == (0, 17, 2)


def test_estimates_refuse_what_is_no_photo_or_box(trained: Path) -> None:
    predictor = Predictor(trained)
    with pytest.raises(TrainerError, match="RGB picture"):
        predictor.estimate(np.zeros((9, 9)), np.ones((1, 4)))
    with pytest.raises(TrainerError, match="width and a height"):
        predictor.estimate(np.zeros((9, 9, 3), np.uint8), np.array([[0, 0, 0, 5]]))


def test_pck_counts_by_the_torso() -> None:
    truth = np.zeros((1, 19, 2))
    truth[0, [5, 6, 11, 12]] = [[10, 0], [0, 0], [10, 40], [0, 40]]
    placed = np.zeros((1, 19), bool)
    placed[0, [5, 6, 11, 12, 0]] = True
    found = truth.copy()
    found[0, 0] = [8, 0]  # within a fifth of 41
    found[0, 5] = [20, 0]  # not
    result = measures.pck(found, truth, placed, 0.2)
    assert result.mean == pytest.approx(4 / 5)
    assert (result.joints[0], result.joints[5], result.people) == (1.0, 0.0, 1)
    placed[0, [5, 6]] = False
    assert measures.pck(found, truth, placed, 0.2).people == 0


def test_average_precision_is_one_for_the_truth_and_falls_with_error() -> None:
    people = replace(spots(4), keypoints=spots(4).keypoints)
    exact = Found(people.keypoints[..., :2], np.ones((4, 17), np.float32))
    assert average_precision(exact, people)["ap"] == pytest.approx(1.0)
    off = Found(people.keypoints[..., :2] + 9, np.ones((4, 17), np.float32))
    assert average_precision(off, people)["ap"] < 0.5
    assert figures_of(exact, people)["ap50"] == pytest.approx(1.0)
    noisy = replace(people, noisy=True)
    assert figures_of(exact, noisy)["pck"] == pytest.approx(100.0)


def test_found_boxes_take_the_place_of_true_ones() -> None:
    people = spots(2)

    class Finder:
        score = 0.5

        def find(self, photo: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            if (photo == people.picture(1)).all():
                return np.array([[0, 0, 4, 4]], np.float32), np.array([0.9])
            x, y, width, height = people.boxes[0]
            near = [x + 2, y, width, height]
            return np.array([[0, 0, 9, 9], near, people.boxes[0]]), np.array([0.9, 0.8, 0.1])

    found = with_found_boxes(Finder(), people)
    assert np.allclose(
        found.boxes[0], people.boxes[0] + [2, 0, 0, 0]
    )  # the exact one scores too low
    assert found.boxes[1].tolist() == [0, 0, 100, 100]  # nobody found there: the whole picture
    assert (found.keypoints == people.keypoints).all()
