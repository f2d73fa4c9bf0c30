"""The caption-to-pose table on a made-up COCO with known answers, and the relevance encoder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric, seed_everything

from tests.trainer import small_coco
from trainer import api, artifact
from trainer.data.captions import load_pairs
from trainer.evaluation import caption_sets, caption_to_pose
from trainer.evaluation import relevance as relevance_table
from trainer.evaluation.caption_sets import (
    CaptionBank,
    Evaluator,
    Sampled,
    TestCaptions,
    other_half,
)
from trainer.models.pose_caption_encoder import PoseCaptionEncoder, PoseCaptionEncoderConfig
from trainer.predictors.caption_common import CaptionSamples, draw_heatmaps
from trainer.recipes.pose_caption_encoder import (
    EncodedPairs,
    EncoderConfig,
    PoseCaptionEncoderRecipe,
    half_of,
)
from trainer.text import vectors as word_vectors

TINY = EncoderConfig(
    net=PoseCaptionEncoderConfig(width=32, depth=1, dim=8, pose_dropout=0.0, text_dropout=0.0),
    steps=60,
    batch_size=32,
    ema_decay=0.9,
    learning_rate=5e-3,
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_coco.write(tmp_path_factory.mktemp("data"), train=80, test=48, unpaired=60)


def trained(data: Path, config: EncoderConfig) -> PoseCaptionEncoderRecipe:
    seed_everything(0, verbose=False)
    recipe = PoseCaptionEncoderRecipe(config, data)
    recipe.build(Fabric(accelerator="cpu"))
    for step in range(config.steps):
        recipe.step(step)
    return recipe


class FakePredictor:
    """Draws noisy training poses: of the kind the caption names, or standing people always."""

    noise_dim = 4
    default_guidance = 1.0

    def __init__(self, data: Path, listens: bool) -> None:
        pairs = load_pairs(data, "train")
        words = word_vectors.load()
        self.poses = pairs.poses
        self.sits = np.array(["sit" in own[0] for own in pairs.captions])
        self.sitting = np.mean([words.encode(t) for t in small_coco.TEXTS[1]], axis=0)
        self.standing = np.mean([words.encode(t) for t in small_coco.TEXTS[0]], axis=0)
        self.listens = listens
        self.calls: list[int] = []

    def sample(self, text: np.ndarray, noise: np.ndarray, *, guidance: float) -> CaptionSamples:
        self.calls.append(len(text))
        to_sitting = np.linalg.norm(text - self.sitting, axis=1)
        wants = to_sitting < np.linalg.norm(text - self.standing, axis=1)
        if not self.listens:
            wants[:] = False
        rng = np.random.default_rng(int(abs(noise[0, 0]) * 1e6))
        rows = np.array([rng.choice(np.flatnonzero(self.sits == want)) for want in wants])
        keypoints = self.poses.keypoints[rows] + rng.normal(0, 1.5, (len(rows), 17, 2)) / guidance
        present = self.poses.present[rows]
        return CaptionSamples(
            keypoints.astype(np.float32),
            present.astype(np.float32),
            draw_heatmaps(keypoints[:1], present[:1]),
        )


@pytest.fixture(scope="module")
def weights(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights folder with both evaluators, trained on the made-up pairs."""
    folder = tmp_path_factory.mktemp("weights")
    for name, half in ((caption_sets.ENCODER, -1), (caption_sets.HALF_ENCODER, 0)):
        model, tensors, config, extra = trained(data, replace(TINY, half=half)).export()
        artifact.save(folder / name, tensors, model, config, extra)
    return folder


def table_of(
    data: Path, weights: Path, monkeypatch: pytest.MonkeyPatch, listens: bool
) -> dict[str, Any]:
    monkeypatch.setattr(api, "load", lambda *_: FakePredictor(data, listens))
    monkeypatch.setattr(caption_sets.paths, "weights_dir", lambda: weights)
    small = replace(caption_to_pose._FAST, diverse_captions=4, guidance=(2.0,))
    monkeypatch.setattr(caption_to_pose, "_FAST", small)
    table = caption_to_pose.evaluate("keypoint_flow", data, fast=True)
    assert [row["poses"] for row in table.rows] == [
        "real, of the caption's image",
        "real, at random",
        "nearest caption (copies)",
        "keypoint_flow, guidance 1 (ships)",
        "keypoint_flow, guidance 2",
        "paper",
    ]
    assert table.metrics["one_nn"] == pytest.approx(table.rows[3]["1-NN %"] / 100)
    assert table.metrics["diversity"] == table.rows[3]["diversity px"]
    assert set(table.columns) >= {key for row in table.rows for key in row}
    assert "| paper | 60.3 |" in table.markdown()
    return {row["poses"].split(",")[0] + str(i): row for i, row in enumerate(table.rows)}


def test_a_model_that_listens_beats_one_that_does_not(
    data: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = list(table_of(data, weights, monkeypatch, listens=True).values())
    deaf = list(table_of(data, weights, monkeypatch, listens=False).values())
    assert good[3]["1-NN %"] < deaf[3]["1-NN %"]  # half of the real people sit
    assert good[3]["ratio"] < deaf[3]["ratio"]
    assert good[3]["relevance"] > deaf[3]["relevance"]
    assert good[4]["diversity px"] < good[3]["diversity px"]
    # Rows that do not depend on the model are the same in both tables.
    assert good[:3] == deaf[:3]
    real, random, copies = good[:3]
    assert real["relevance"] > 1.5 * random["relevance"]
    assert 25 < real["1-NN %"] < 75
    assert copies["to S_g px"] >= copies["to S_r px"]  # copies are a part of S_r
    assert "relevance" not in copies and copies["relevance, half"] > random["relevance, half"]
    assert real["validity"] > 0.5


def test_nearest_caption_never_copies_from_its_own_image(data: Path) -> None:
    words = word_vectors.load()
    pairs = load_pairs(data, "train")
    bank = CaptionBank(pairs, words)
    rows = np.arange(len(pairs))
    query = np.stack([words.encode(own[0]) for own in pairs.captions])
    found = bank.nearest(query, rows)
    assert (found != rows).all()
    sits = np.array(["sit" in own[0] for own in pairs.captions])
    np.testing.assert_array_equal(sits[found], sits)
    images = bank.nearest_images(query[0], 10)
    assert len(set(images.tolist())) == 10 and (sits[images] == sits[0]).all()


def test_halves_share_no_image(data: Path) -> None:
    pairs = load_pairs(data, "train")
    unseen = other_half(pairs, 0)
    assert 0.2 < len(unseen) / len(pairs) < 0.8
    assert set(half_of(pairs.poses.image_id[unseen]).tolist()) == {1}


def test_random_people_are_of_no_pair(data: Path) -> None:
    train, _, everyone, remarks = caption_sets.load_real(data)
    drawn = caption_sets.unpaired(everyone, train, 25, np.random.default_rng(0))
    assert len(drawn.keypoints) == 25 and not remarks
    paired = {pose.tobytes() for pose in train.poses.keypoints}
    assert not any(pose.tobytes() in paired for pose in drawn.keypoints)


def test_encoder_learns_which_caption_is_whose(data: Path) -> None:
    words = word_vectors.load()
    test = EncodedPairs.of(load_pairs(data, "test"), words)
    seed_everything(0, verbose=False)
    fresh = PoseCaptionEncoder(TINY.net).eval()
    after = test.relevance(trained(data, TINY).ema.module)
    assert after > 1.5 * test.relevance(fresh)
    # Among 32 captions about 16 are of the same kind, with only three texts a kind: ties count
    # half, so that a perfect judge finds its caption in one case of a few.
    assert after > 0.15


def test_encoder_gradients_and_round_trip(data: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    encoder = PoseCaptionEncoder(PoseCaptionEncoderConfig())
    keypoints, present = torch.rand(6, 17, 2) * 63, torch.rand(6, 17) < 0.8
    poses = encoder.encode_pose(keypoints, present)
    texts = encoder.encode_text(torch.randn(6, 300))
    assert poses.shape == texts.shape == (6, 96)
    torch.testing.assert_close(poses.norm(dim=1), torch.ones(6))
    (encoder.scale() * poses @ texts.T).softmax(1).diagonal().sum().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name

    model, tensors, config, extra = trained(data, replace(TINY, steps=2, half=1)).export()
    path = tmp_path / "encoder.safetensors"
    artifact.save(path, tensors, model, config, extra)
    captions = TestCaptions.of(load_pairs(data, "test"), word_vectors.load(), 2)
    evaluator = Evaluator(path, captions)
    assert evaluator.half == 1
    own = Sampled.of(load_pairs(data, "test").poses).take(captions.pose_row)
    assert 0.0 <= evaluator.relevance(own) <= 1.0


def test_absent_keypoints_do_not_reach_the_encoder() -> None:
    encoder = PoseCaptionEncoder(PoseCaptionEncoderConfig()).eval()
    keypoints, present = torch.rand(2, 17, 2) * 63, torch.ones(2, 17)
    present[:, 4] = 0
    moved = keypoints.clone()
    moved[:, 4] += 20.0
    torch.testing.assert_close(
        encoder.encode_pose(keypoints, present), encoder.encode_pose(moved, present)
    )


def test_encoder_table_shows_why_the_baseline_needs_the_other_half(
    data: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relevance_table.paths, "weights_dir", lambda: weights)
    table = relevance_table.evaluate("pose_caption_encoder", data, fast=True)
    everything, half = table.rows
    assert everything["encoder"] == "all pairs" and half["encoder"] == "half 0 of the pairs"
    assert everything["real"] > everything["random"]
    assert "nearest caption, unseen" not in everything and "nearest caption, unseen" in half
    assert table.metrics["relevance"] == everything["real"]


def test_the_validation_images_can_be_measured(tmp_path: Path) -> None:
    data = small_coco.write(tmp_path, train=400, test=8, unpaired=8)
    _, measured, _, _ = caption_sets.load_real(data, "val")
    trained_on, tested, _, _ = caption_sets.load_real(data)
    assert 0 < len(measured) < 60
    for others in (trained_on, tested):
        assert not np.isin(measured.poses.image_id, others.poses.image_id).any()
