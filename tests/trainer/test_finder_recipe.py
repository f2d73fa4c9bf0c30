"""Training the person finder, measuring and using it, on a few made-up pictures."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from trainer import artifact
from trainer.data.finder_sources import Pictures
from trainer.engine.loop import fit
from trainer.errors import ArtifactError, DataError, TrainerError
from trainer.evaluation import find
from trainer.models.person_finder import PersonFinderConfig
from trainer.predictors.person_finder import Predictor
from trainer.recipes import registry
from trainer.recipes.person_finder import PersonFinderRecipe, PersonFinderSettings

TINY = PersonFinderSettings(
    net=PersonFinderConfig(input_px=64, widths=(8, 16, 16, 16, 16, 16), neck=16),
    steps=20,
    batch=8,
    warm_up=5,
    learning_rate=5e-3,
    colour=0.0,
    ema=0.9,
)
_NOBODY = np.zeros((0, 4), np.float32)


def person(picture: np.ndarray, x: int, y: int, height: int) -> np.ndarray:
    """Draw a red figure; returns its box."""
    width = height // 2
    picture[y : y + height, x : x + width] = (240, 30, 30)
    return np.array([x, y, width, height], np.float32)


def red_people(count: int) -> Pictures:
    rng = np.random.default_rng(2)
    pictures, boxes = [], []
    for _ in range(count):
        picture = np.full((96, 96, 3), (30, 60, 120), np.uint8)
        x, y = (int(v) for v in rng.integers(4, 30, 2))
        boxes.append(person(picture, x, y, int(rng.integers(30, 60)))[None])
        pictures.append(picture)
    return Pictures("red", pictures.__getitem__, tuple(boxes), (_NOBODY,) * count)


@pytest.fixture(scope="module")
def small_sets() -> Iterator[None]:
    """The recipe is known and trains on red figures in place of photographs."""
    initial = PersonFinderRecipe.__init__

    def with_red(self: PersonFinderRecipe, *args: object) -> None:
        initial(self, *args)  # type: ignore[arg-type]
        self.training = {"lspet": red_people(12), "coco": red_people(3)}
        self.held_out = red_people(4)
        self.nobody = [np.full((70, 80, 3), c, np.uint8) for c in ((30, 60, 120), (90, 120, 60))]

    row = registry.Row("trainer.recipes.person_finder:PersonFinderRecipe", "people as boxes")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PersonFinderRecipe, "__init__", with_red)
        patch.setitem(registry.RECIPES, "person_finder", row)
        yield


@pytest.fixture(scope="module")
def trained(small_sets: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a short run."""
    folder = tmp_path_factory.mktemp("finder")
    report = fit(
        "person_finder",
        replace(TINY, steps=160),
        folder,
        folder / "run",
        preset="small",
        device="cpu",
        seed=1,
        log_every=5,
    )
    assert report.figures["recall"] > 0.5  # of the people of unseen scenes
    return folder / "run" / "last.safetensors"


def test_a_stopped_run_goes_on_exactly(small_sets: None, tmp_path: Path) -> None:
    settings = replace(TINY, steps=6)

    def run(folder: Path, stop_after: int = 99, resume: bool = False, workers: int = 1) -> None:
        count = iter(range(100))
        fit(
            "person_finder",
            replace(settings, workers=workers),
            tmp_path,
            folder,
            preset="small",
            device="cpu",
            seed=4,
            resume=resume,
            abort_fn=lambda: next(count) >= stop_after,
        )

    whole, halves = tmp_path / "whole", tmp_path / "halves"
    run(whole)
    run(halves, stop_after=3)
    run(halves, resume=True, workers=3)  # how many make the batches changes nothing
    one, two = (artifact.load_tensors(f / "last.safetensors") for f in (whole, halves))
    assert all(torch.equal(one[k], two[k]) for k in one)


def test_people_are_found_in_px_of_the_photo(trained: Path) -> None:
    predictor = Predictor(trained)
    photo = np.full((150, 200, 3), (30, 60, 120), np.uint8)
    truth = np.stack([person(photo, 20, 30, 90), person(photo, 130, 40, 80)])
    boxes, scores = predictor.find(photo)
    assert boxes.dtype == scores.dtype == np.float32
    assert (np.diff(scores) <= 0).all()
    assert (find.box_tools.overlap(truth, boxes).max(1) > 0.5).all()
    empty = np.full((150, 200, 3), (30, 60, 120), np.uint8)
    assert len(predictor.find(empty)[0]) == 0


def test_small_people_of_large_photos_are_found_from_closer_by(trained: Path) -> None:
    predictor = Predictor(trained)
    photo = np.full((900, 1200, 3), (30, 60, 120), np.uint8)
    truth = person(photo, 777, 401, 60)[None]
    steps: list[tuple[int, int]] = []
    boxes, _ = predictor.find(photo, progress=lambda done, of: steps.append((done, of)))
    best = find.box_tools.overlap(truth, boxes)
    assert best.max(initial=0) > 0.5
    assert (best > 0.3).sum() == 1  # neighbouring squares see them too, but they are one
    assert steps[-1][0] == steps[-1][1] > 1
    at_once, _ = predictor.find(photo, closer=False)
    assert find.box_tools.overlap(truth, at_once).max(initial=0) < best.max()


@pytest.mark.parametrize("shape", [(40, 40_000), (1, 1), (5000, 12), (3, 700)])
def test_pictures_of_any_shape_are_looked_at(trained: Path, shape: tuple[int, int]) -> None:
    photo = np.full((*shape, 3), 90, np.uint8)
    boxes, scores = Predictor(trained).find(photo)
    assert len(boxes) == len(scores)
    assert (boxes[:, :2] + boxes[:, 2:] <= [shape[1] + 0.01, shape[0] + 0.01]).all()


def test_a_panorama_is_looked_at_in_pieces(trained: Path) -> None:
    photo = np.full((60, 3000, 3), (30, 60, 120), np.uint8)
    truth = person(photo, 2001, 4, 50)[None]
    boxes, _ = Predictor(trained).find(photo)
    assert find.box_tools.overlap(truth, boxes).max(initial=0) > 0.5


def test_what_is_no_photo_or_no_finder_is_refused(trained: Path, tmp_path: Path) -> None:
    predictor = Predictor(trained)
    for wrong in (
        np.zeros((9, 9)),
        np.zeros((9, 9, 3)),
        np.zeros((0, 9, 3), np.uint8),
        np.zeros((9, 9, 4), np.uint8),
    ):
        with pytest.raises(TrainerError, match="RGB picture"):
            predictor.find(wrong)
    artifact.save(tmp_path / "other.safetensors", {"w": torch.zeros(1)}, "lifter", {})
    with pytest.raises(ArtifactError, match="choose a person finder"):
        Predictor(tmp_path / "other.safetensors")
    header = artifact.read_header(trained)
    artifact.save(
        tmp_path / "cut.safetensors", {"w": torch.zeros(1)}, "person_finder", header["config"]
    )
    with pytest.raises(ArtifactError, match="does not fit"):
        Predictor(tmp_path / "cut.safetensors")


def test_figures_of_the_truth_are_perfect_and_of_the_whole_picture_poor() -> None:
    people = red_people(5)

    def knowing(photo: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        red = (photo[..., 0] > 200).astype(np.uint8)
        found = cv2.boundingRect(red)
        count = int(red.any())
        return np.array([found] * count, np.float32).reshape(-1, 4), np.ones(count, np.float32)

    exact = find.average_precision(knowing, people)
    assert exact["ap50"] == pytest.approx(1.0)
    assert exact["ar"] > 0.99
    assert find.single_recall(knowing, people, 0.5) == 1.0
    blue = [np.full((30, 30, 3), (30, 60, 120), np.uint8)]
    assert find.false_alarms(knowing, blue, 0.5) == 0.0
    assert find.average_precision(find.whole_picture, people)["ap50"] < 0.2
    assert find.false_alarms(find.whole_picture, blue, 0.5) == 1.0
    assert find.average_precision(lambda p: (_NOBODY, np.zeros(0)), people)["ap50"] == 0.0


def test_the_table_has_baseline_and_metrics(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    material = find.Material(red_people(4), red_people(4), [np.full((64, 64, 3), 90, np.uint8)])
    monkeypatch.setattr(find, "read", lambda data, fast=False: material)
    table = find.evaluate("person_finder", tmp_path, weights=trained)
    assert table.rows[0]["method"] == "the whole picture as the box"
    assert table.metrics["ap50"] > table.rows[0]["AP50"]
    assert set(table.metrics) == {"ap50", "ap", "ar", "recall", "false_alarms"}
    monkeypatch.undo()
    with pytest.raises(DataError, match="point --data"):
        find.evaluate("person_finder", tmp_path, weights=trained)
