"""The keypoint flow: shapes, gradients, a short run that learns, exact resume, the predictor."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from trainer import artifact, noise
from trainer import config as configs
from trainer.data.captions import Domain, Pairs
from trainer.data.coco import Poses
from trainer.data.pose_bank import PoseBank
from trainer.engine import checkpoint, loop
from trainer.errors import ArtifactError, CaptionError, TrainerError
from trainer.models.keypoint_flow import KeypointFlow, KeypointFlowConfig
from trainer.predictors.caption_common import draw_heatmaps
from trainer.predictors.keypoint_flow import Predictor
from trainer.recipes.keypoint_flow import KeypointFlowRecipe, KeypointFlowSettings
from trainer.text import vectors

TINY = KeypointFlowSettings(
    net=KeypointFlowConfig(width=48, hidden=64, blocks=2, time_dim=16),
    steps=12,
    batch=32,
    learning_rate=3e-3,
    warm_up=5,
    ema=0.9,
)


def _sources() -> list[Pairs]:
    """Two kinds of poses: tall ones with one caption, wide ones with another."""
    rng = np.random.default_rng(0)
    tall = np.stack([np.full(17, 32.0), np.linspace(8, 56, 17)], -1)
    wide = tall[:, ::-1]
    shapes = np.stack([tall, wide] * 20) + rng.normal(0, 0.7, (40, 17, 2))
    present = np.ones((40, 17), bool)
    present[1::2, 15:] = False
    texts = [["a man standing"], ["a person lying in bed"]] * 20
    return [
        Pairs(
            Poses(
                shapes.astype(np.float32),
                present,
                np.arange(40),
                np.full(40, int(domain), np.int64),
            ),
            [[] for _ in texts] if domain == Domain.POSE_ONLY else texts,
        )
        for domain in (Domain.POSE_ONLY, Domain.PAIR)
    ]


@pytest.fixture(autouse=True)
def _small_data(monkeypatch: pytest.MonkeyPatch) -> None:
    def init(self: KeypointFlowRecipe, config: KeypointFlowSettings, data: Path) -> None:
        original(self, config, data)
        self.sources, self.validation_sources = _sources(), _sources()[1:]

    original = KeypointFlowRecipe.__init__
    monkeypatch.setattr(KeypointFlowRecipe, "__init__", init)


def _fit(out: Path, settings: KeypointFlowSettings = TINY, **options):
    return loop.fit("keypoint_flow", settings, out, out, preset="small", device="cpu", **options)


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("flow") / "tiny.safetensors"
    torch.manual_seed(0)
    model = KeypointFlow(TINY.net)
    extra = {"guidance": 1.5, "steps": 4}
    artifact.save(path, model.state_dict(), "keypoint_flow", configs.to_dict(TINY.net), extra)
    return path


def test_shapes_and_a_gradient_for_every_parameter() -> None:
    model = KeypointFlow(TINY.net)
    text, augment = torch.randn(6, 300), torch.randn(6, 4)
    has_text = torch.tensor([True, False] * 3)
    condition = model.condition(text, has_text, torch.arange(6) % 5, augment)
    velocity = model(torch.randn(6, 51), torch.rand(6), condition)
    assert velocity.shape == (6, 51)
    velocity.square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_pose_vectors_round_trip() -> None:
    model = KeypointFlow(TINY.net)
    poses = _sources()[1].poses
    keypoints, present = torch.from_numpy(poses.keypoints), torch.from_numpy(poses.present)
    back, confidence = model.from_vector(model.to_vector(keypoints, present))
    assert torch.equal(confidence > 0.5, present)
    torch.testing.assert_close(back[present], keypoints[present])


def test_a_short_run_learns_what_its_captions_mean(tmp_path: Path) -> None:
    settings = replace(TINY, steps=600, caption_dropout=0.1)
    report = _fit(tmp_path, settings)
    assert report.figures["loss"] < 0.87 * report.figures["loss_without_text"]
    predictor = Predictor(tmp_path / loop.WEIGHTS_FILE)
    noises = noise.draw_many(1, 16, predictor.noise_dim)
    spread = []
    for caption in ("a man standing", "a person lying in bed"):
        text = np.repeat(predictor.encode(caption)[None], 16, 0)
        drawn = predictor.sample(text, noises, guidance=1.0)
        deviation = np.median(drawn.keypoints.std(1), 0)
        spread.append(deviation[1] / deviation[0])
    assert spread[0] > 3 * spread[1]  # the taller shape goes with its caption


def test_resume_is_exact(tmp_path: Path) -> None:
    _fit(tmp_path / "one", seed=3)
    calls = iter(range(100))
    _fit(tmp_path / "two", seed=3, abort_fn=lambda: next(calls) == 6)
    _fit(tmp_path / "two", resume=True)
    one, two = (
        torch.load(tmp_path / n / checkpoint.FILE_NAME, weights_only=True) for n in ("one", "two")
    )
    for key in ("recipe.model", "recipe.ema"):
        a, b = (c[key].get("module", c[key]) for c in (one, two))
        assert all(torch.equal(a[k], b[k]) for k in a)


def test_batches_mirror_names_and_texts_together() -> None:
    words = vectors.load()
    poses = _sources()[1].poses.take(np.arange(2))
    texts = [["a man raises his left arm"]] * 2
    bank = PoseBank([Pairs(poses, texts)], words, torch.device("cpu"))
    rows = torch.zeros(64, dtype=torch.long)
    batch = bank.batch(rows, torch.Generator().manual_seed(0), augment_share=0.0)
    mirrored = words.encode("a man raises his right arm")
    original = words.encode("a man raises his left arm")
    flipped = (batch.keypoints[:, 5, 0] - poses.keypoints[0, 5, 0]).abs() > 1e-4
    assert 10 < int(flipped.sum()) < 54
    for i in range(64):
        expected = mirrored if flipped[i] else original
        np.testing.assert_allclose(batch.text[i], expected, rtol=1e-5)
        if flipped[i]:
            np.testing.assert_allclose(
                batch.keypoints[i, 5, 0], 64 - poses.keypoints[0, 6, 0], rtol=1e-5
            )
    assert (batch.augment == 0).all()
    turned = bank.batch(rows, torch.Generator().manual_seed(0), augment_share=1.0)
    assert turned.augment.abs().min() > 0
    assert float((turned.keypoints - batch.keypoints).norm(dim=-1).max()) < 12


def test_a_row_of_a_batch_is_the_pose_drawn_alone(untrained: Path) -> None:
    predictor = Predictor(untrained)
    texts = ["a man surfing", "a woman sitting", "a boy jumping", "a dog"] * 6
    encoded = np.stack([predictor.encode(t) for t in texts])
    noises = noise.draw_many(5, 24, predictor.noise_dim)
    together = predictor.sample(encoded, noises)
    assert together.keypoints.shape == (24, 17, 2)
    assert together.heatmaps.shape == (24, 17, 64, 64)
    assert together.confidence.dtype == together.heatmaps.dtype == np.float32
    for rows in ([0], [23], [3, 9, 11]):
        alone = predictor.sample(encoded[rows], noises[rows])
        np.testing.assert_allclose(alone.keypoints, together.keypoints[rows], atol=1e-3)
        np.testing.assert_allclose(alone.confidence, together.confidence[rows], atol=1e-4)
    assert len(predictor.sample(encoded[:0], noises[:0])) == 0


def test_guidance_changes_samples_and_defaults_to_what_ships(untrained: Path) -> None:
    predictor = Predictor(untrained)
    text = np.repeat(predictor.encode("a man surfing")[None], 4, 0)
    noises = noise.draw_many(5, 4, predictor.noise_dim)
    default = predictor.sample(text, noises).keypoints
    assert predictor.default_guidance == 1.5
    np.testing.assert_array_equal(default, predictor.sample(text, noises, guidance=1.5).keypoints)
    assert np.abs(default - predictor.sample(text, noises, guidance=3.0).keypoints).max() > 0.01


def test_bad_inputs_and_weights_are_refused(untrained: Path, tmp_path: Path) -> None:
    predictor = Predictor(untrained)
    with pytest.raises(CaptionError):
        predictor.encode("滑雪 🎿")
    text, noises = np.zeros((2, 300)), np.zeros((2, predictor.noise_dim))
    for bad in ((text[:, :5], noises), (text, noises[:1]), (text + np.nan, noises)):
        with pytest.raises(TrainerError):
            predictor.sample(*bad)
    foreign = tmp_path / "other.safetensors"
    artifact.save(foreign, {"a": torch.zeros(1)}, "vae_gan_lifter", {})
    with pytest.raises(ArtifactError, match="vae_gan_lifter"):
        Predictor(foreign)
    artifact.save(foreign, {"a": torch.zeros(1)}, "keypoint_flow", configs.to_dict(TINY.net))
    with pytest.raises(ArtifactError, match="does not fit"):
        Predictor(foreign)


def test_heatmaps_peak_at_the_joint() -> None:
    keypoints = np.array([[[10.0, 20.0]] * 17], np.float32)
    present = np.ones((1, 17), bool)
    present[0, 3] = False
    maps = draw_heatmaps(keypoints, present)
    assert np.unravel_index(maps[0, 0].argmax(), (64, 64)) == (20, 10)
    assert maps[0, 0, 20, 10] == 1
    assert maps[0, 0, 20, 12] == pytest.approx(np.exp(-0.5), rel=1e-5)
    assert maps[0, 3].max() == 0
