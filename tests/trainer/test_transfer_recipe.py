"""Training the deformable GAN and using it, on people who are coloured sticks."""

from dataclasses import replace
from itertools import count
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from trainer import artifact
from trainer.data.person_pairs import PersonPairs
from trainer.engine.loop import fit
from trainer.errors import ArtifactError, DataError, TrainerError
from trainer.layers.vgg import FILE
from trainer.models.deformable_gan import DeformableGanConfig, DiscriminatorConfig
from trainer.predictors.deformable_gan import Predictor
from trainer.recipes.deformable_gan import DeformableGanRecipe
from trainer.recipes.deformable_gan_rows import ROWS, DeformableGanSettings, LossWeights, of_row

SIZE = (64, 32)
TINY = DeformableGanSettings(
    net=DeformableGanConfig(size=SIZE, widths=(4, 8, 12, 16), sigma=3.0),
    judge=DiscriminatorConfig(widths=(4, 8, 8, 8)),
    steps=4,
    batch=4,
    warm_up=2,
    window=(32, 24),
    penalty_every=2,
)
STANDING = np.array(
    [
        [16, 10], [17, 9], [15, 9], [18, 9], [14, 9], [21, 17], [11, 17], [23, 25], [9, 25],
        [23, 32], [8, 32], [19, 33], [13, 33], [19, 45], [13, 45], [19, 56], [13, 56],
    ],
    np.float32,
)  # fmt: skip
BONES = ((5, 7), (7, 9), (6, 8), (8, 10), (11, 13), (13, 15), (12, 14), (14, 16), (5, 6), (11, 12))


def sticks(people: int = 4, each: int = 3) -> PersonPairs:
    """People with clothes of two colours, before a grey wall."""
    rng = np.random.default_rng(5)
    keypoints, pictures, masks = [], [], []
    for _ in range(people):
        top, legs = (tuple(int(v) for v in rng.integers(0, 256, 3)) for _ in range(2))
        for _ in range(each):
            moved = STANDING + rng.normal(0, 1.5, STANDING.shape).astype(np.float32)
            picture = np.full((*SIZE, 3), 128, np.uint8)
            mask = np.zeros(SIZE, np.uint8)
            for target, value in ((picture, top), (mask, 255)):
                body = moved[[5, 6, 12, 11]].round().astype(np.int32)
                cv2.fillPoly(target, [body], value)
                for a, b in BONES:
                    ends = [tuple(int(v) for v in moved[k].round()) for k in (a, b)]
                    colour = legs if target is picture and a > 10 else value
                    cv2.line(target, ends[0], ends[1], colour, 4)
            keypoints.append(np.concatenate([moved, np.full((17, 1), 2, np.float32)], 1))
            pictures.append(picture)
            masks.append(mask)
    return PersonPairs(
        "sticks",
        SIZE,
        np.stack(keypoints),
        np.repeat(np.arange(people), each),
        lambda row: (pictures[row], masks[row]),
        masks_exact=True,
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with a made-up VGG."""
    torch.manual_seed(0)
    tensors = {}
    for name, (inner, outer) in {
        "conv1_1": (3, 64),
        "conv1_2": (64, 64),
        "conv2_1": (64, 128),
        "conv2_2": (128, 128),
        "conv3_1": (128, 256),
    }.items():
        tensors[f"{name}.weight"] = torch.randn(outer, inner, 3, 3) * (2 / inner / 9) ** 0.5
        tensors[f"{name}.bias"] = torch.zeros(outer)
    tensors["conv1_1.weight"] /= 60
    (tmp_path / "vgg").mkdir()
    save_file(tensors, tmp_path / FILE)
    return tmp_path


@pytest.fixture
def small_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    people = sticks()
    monkeypatch.setattr(DeformableGanRecipe, "_read", lambda self, split: people)


@pytest.mark.usefixtures("small_sets")
@pytest.mark.parametrize("row", ["unet", "stacked", "sa_sn_rh", "ours"])
def test_each_kind_of_row_trains_and_renders(row: str, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    settings = replace(TINY, row=row, steps=3)
    report = fit("deformable_gan", settings, data, out, preset="small", device="cpu")
    assert report.status == "done" and all(np.isfinite(v) for v in report.losses.values())
    assert {"ssim", "mask_ssim", "l1"} <= set(report.figures)
    predictor = Predictor(out / "last.safetensors")
    assert predictor.row == row and predictor.size == SIZE
    people = sticks()
    batch = people.of([(0, 1)])
    source = predictor.encode(batch.source[0], batch.source_keypoints[0])
    rendering = predictor.render(source, batch.target_keypoints[0])
    assert rendering.image.shape == (*SIZE, 3) and rendering.image.dtype == np.uint8
    assert rendering.mask.shape == SIZE and 0 <= rendering.mask.min() <= rendering.mask.max() <= 1
    assert rendering.warp_masks.shape == (10, *SIZE)
    assert len(rendering.scales) == (3 if row in ("stacked", "ours") else 1)
    assert (rendering.attention is not None) == (row in ("sa_sn_rh", "ours"))
    assert (rendering.copied is not None) == (row == "ours")
    again = predictor.render(source, batch.target_keypoints[0])
    assert np.array_equal(rendering.image, again.image)


@pytest.mark.usefixtures("small_sets")
def test_a_resumed_run_goes_on_exactly(data: Path, tmp_path: Path) -> None:
    settings = replace(TINY, row="ours")
    finals = []
    for name, turns in (("whole", [100]), ("halves", [2, 100])):
        out = tmp_path / name
        for turn, most in enumerate(turns):
            asked = count()
            fit(
                "deformable_gan",
                settings,
                data,
                out,
                preset="small",
                device="cpu",
                resume=turn > 0,
                abort_fn=lambda asked=asked, most=most: next(asked) >= most,  # type: ignore[misc]
            )
        finals.append(artifact.load_tensors(out / "last.safetensors"))
    assert all(torch.equal(finals[0][k], finals[1][k]) for k in finals[0])


@pytest.mark.usefixtures("small_sets")
def test_training_draws_the_person_in_the_new_pose(data: Path, tmp_path: Path) -> None:
    settings = replace(
        TINY,
        row="deformable",
        steps=40,
        learning_rate=3e-3,
        ema=0.9,
        weights=LossWeights(adversarial=0.1),
    )
    first = fit(
        "deformable_gan",
        replace(settings, steps=1),
        data,
        tmp_path / "a",
        preset="small",
        device="cpu",
    )
    last = fit("deformable_gan", settings, data, tmp_path / "b", preset="small", device="cpu")
    assert last.figures["mask_l1"] < 0.6 * first.figures["mask_l1"]
    assert last.figures["ssim"] > first.figures["ssim"] + 0.1


def test_rows_differ_by_what_their_names_say() -> None:
    rows = {name: of_row(replace(TINY, row=name)) for name in ROWS}
    assert rows["unet"].net.streams == 1 and not rows["unet"].net.deformable
    assert rows["deformable"].weights.l1 and not rows["deformable"].weights.nearest
    assert rows["stacked"].net.scales == rows["stacked"].judge.scales == 3
    for name in ("sn", "rh", "sa", "sn_rh", "sa_sn_rh"):
        parts = name.split("_")
        row = rows[name]
        assert row.net.spectral_norm == row.judge.spectral_norm == ("sn" in parts)
        assert row.relativistic == ("rh" in parts)
        assert (row.net.attention == row.judge.attention == "self") == ("sa" in parts)
        assert row.weights.nearest == 50 and not row.weights.l1
    with pytest.raises(TrainerError, match="no row nothing"):
        of_row(replace(TINY, row="nothing"))


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    recipe = DeformableGanRecipe(TINY, tmp_path)
    with pytest.raises(DataError, match="data synth pairs128"):
        recipe._read("train")
    weights = tmp_path / "other.safetensors"
    artifact.save(weights, {"a": torch.zeros(1)}, "person_finder", {})
    with pytest.raises(ArtifactError, match="person_finder"):
        Predictor(weights)


@pytest.mark.usefixtures("small_sets")
def test_pictures_and_poses_of_the_wrong_shape_are_refused(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    fit("deformable_gan", replace(TINY, steps=1), data, out, preset="small", device="cpu")
    predictor = Predictor(out / "last.safetensors")
    batch = sticks().of([(0, 1)])
    with pytest.raises(TrainerError, match="32x64"):
        predictor.encode(batch.source[0, :32], batch.source_keypoints[0])
    with pytest.raises(TrainerError, match="mask"):
        predictor.encode(batch.source[0], batch.source_keypoints[0], np.zeros((3, 3), np.uint8))
    source = predictor.encode(batch.source[0], batch.source_keypoints[0])
    with pytest.raises(TrainerError, match="17 joints"):
        predictor.render(source, np.zeros((5, 3)))
    odd = batch.target_keypoints[0].copy()
    odd[3:] = 0
    odd[0, 0] = np.nan
    assert predictor.render(source, odd).image.shape == (*SIZE, 3)
