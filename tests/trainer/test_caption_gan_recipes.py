"""The GAN recipes on a small made-up COCO: each algorithm steps, learns, exports and resumes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric, seed_everything

from tests.trainer import small_coco
from trainer import artifact
from trainer.data import heatmaps
from trainer.engine.loop import fit
from trainer.errors import ArtifactError, TrainerError
from trainer.metrics.pose_distance import nearest_distance
from trainer.models.caption_wgan import JUDGE_PREFIX, CaptionWganConfig, Generator, to_heatmap
from trainer.predictors.caption_wgan import Predictor
from trainer.recipes import registry
from trainer.recipes.caption_gan import GanConfig, PoseGan, PoseWgan, PoseWganGp
from trainer.recipes.caption_gan_conditional import CaptionWgan

NET = CaptionWganConfig(map_size=16, width_divisor=16, conditional=False)
QUICK = GanConfig(net=NET, steps=4, batch_size=8, critic_steps=2, learning_rate=1e-3)
CONFIGS = {
    "pose_gan": replace(
        QUICK, net=replace(NET, critic_batch_norm=True, critic_sigmoid=True), critic_steps=1
    ),
    "pose_wgan": replace(QUICK, net=replace(NET, critic_batch_norm=True), clamp=0.01),
    "pose_wgan_gp": QUICK,
    "caption_wgan": replace(
        QUICK,
        net=replace(NET, conditional=True, judge_width=16),
        penalty_weight=150.0,
        judge_steps=2,
        judge_pool=256,
    ),
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_coco.write(tmp_path_factory.mktemp("data"))


def built(
    name: str, data: Path, config: GanConfig | None = None, precision: str = "32-true"
) -> Any:
    seed_everything(0, verbose=False)
    recipe = registry.get(name)(config or CONFIGS[name], data)
    recipe.build(Fabric(accelerator="cpu", precision=precision))
    return recipe


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_a_step_moves_both_nets(name: str, precision: str, data: Path) -> None:
    recipe = built(name, data, precision=precision)
    before = [p.detach().clone() for n in (recipe.generator, recipe.critic) for p in n.parameters()]
    figures = recipe.step(0)
    after = [p for n in (recipe.generator, recipe.critic) for p in n.parameters()]
    unmoved = sum(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    # The last bias of a Wasserstein critic shifts real and generated scores alike.
    assert unmoved <= 1
    assert all(np.isfinite(float(v)) for v in figures.values())
    assert all(p.requires_grad for p in recipe.critic.parameters())
    assert set(recipe.validate()) == {"one_nn", "one_nn_generated", "keypoints"}


def test_presets_are_the_papers() -> None:
    gan, wgan, gp, conditional = (
        recipe.presets["full"] for recipe in (PoseGan, PoseWgan, PoseWganGp, CaptionWgan)
    )
    assert gan.net.critic_sigmoid and gan.net.critic_batch_norm
    assert not wgan.net.critic_sigmoid and wgan.net.critic_batch_norm
    assert not gp.net.critic_sigmoid and not gp.net.critic_batch_norm
    assert (gan.critic_steps, wgan.critic_steps, gp.critic_steps) == (1, 5, 5)
    assert (gan.learning_rate, wgan.learning_rate, gp.learning_rate) == (5e-4, 1e-4, 1e-4)
    assert gan.betas == (0.5, 0.999) and gp.betas == conditional.betas == (0.0, 0.9)
    assert (wgan.clamp, gp.penalty_weight) == (0.01, 10.0)
    assert (conditional.learning_rate, conditional.penalty_weight) == (4e-4, 150.0)
    assert (conditional.mismatch_weight, conditional.interpolation) == (1.0, 0.5)
    assert conditional.net == CaptionWganConfig()
    assert all(preset.batch_size == 128 for preset in (gan, wgan, gp, conditional))


def test_optimisers_are_the_papers(data: Path) -> None:
    wgan, gp = built("pose_wgan", data), built("pose_wgan_gp", data)
    assert isinstance(wgan.critic_optimiser.optimizer, torch.optim.RMSprop)
    assert isinstance(gp.critic_optimiser.optimizer, torch.optim.Adam)
    wgan.step(0)
    assert max(p.abs().max().item() for p in wgan.critic.parameters()) <= 0.01


def test_learning_rate_falls_only_where_it_should(data: Path) -> None:
    recipe = built("pose_wgan_gp", data, replace(QUICK, steps=10, decay_from=0.5))
    rates = []
    for step in (0, 5, 9):
        recipe._set_learning_rate(step)
        rates.append(recipe.generator_optimiser.param_groups[0]["lr"])
    assert rates == pytest.approx([1e-3, 1e-3, 2e-4])


def test_training_brings_samples_nearer_to_the_data(data: Path) -> None:
    config = replace(QUICK, steps=150, batch_size=16, learning_rate=3e-3, ema_decay=0.9)
    recipe = built("pose_wgan_gp", data, config)
    before = distance_to_data(recipe)
    for step in range(config.steps):
        recipe.step(step)
    assert distance_to_data(recipe) < 0.5 * before


def distance_to_data(recipe: Any) -> float:
    recipe._settle_batch_norm()
    torch.manual_seed(1)
    with torch.no_grad():
        maps = to_heatmap(recipe.ema.module(torch.randn(64, 128)))
    return float(nearest_distance(heatmaps.decode(maps)[0].numpy(), recipe.reference).mean())


def test_conditional_run_starts_from_the_unconditional_one(data: Path, tmp_path: Path) -> None:
    run = tmp_path / "plain"
    fit("pose_wgan_gp", QUICK, data, run, preset="small", device="cpu", precision="32-true")
    recipe = built("caption_wgan", data, replace(CONFIGS["caption_wgan"], init=str(run)))
    source = torch.load(run / "checkpoint.pt", weights_only=True)
    generator, critic = recipe.generator.state_dict(), recipe.critic.state_dict()
    for ours, theirs in ((generator, "recipe.generator"), (critic, "recipe.critic")):
        shared = [k for k, v in source[theirs].items() if ours[k].shape == v.shape]
        assert len(shared) > 5
        for key in shared:
            torch.testing.assert_close(ours[key], source[theirs][key])
    first = source["recipe.generator"]["layers.0.weight"]
    torch.testing.assert_close(generator["layers.0.weight"][:128], first)
    assert np.isfinite(float(recipe.step(0)["critic/penalty"]))


def test_conditional_run_may_be_wider(data: Path, tmp_path: Path) -> None:
    run = tmp_path / "plain"
    fit("pose_wgan_gp", QUICK, data, run, preset="small", device="cpu", precision="32-true")
    wide = replace(CONFIGS["caption_wgan"].net, width_divisor=NET.width_divisor // 2)
    recipe = built("caption_wgan", data, replace(QUICK, net=wide, init=str(run)))
    narrow = torch.load(run / "checkpoint.pt", weights_only=True)["recipe.generator"]
    last = recipe.generator.state_dict()["layers.6.weight"]  # (in, 17, 4, 4)
    half = narrow["layers.6.weight"] / 2
    np.testing.assert_allclose(last.chunk(2)[0], half, atol=0.5 * float(half.std()))
    with pytest.raises(TrainerError, match="same preset"):
        built("caption_wgan", data, replace(QUICK, net=replace(wide, map_size=32), init=str(run)))


def test_warm_up_trains_the_critic_alone(data: Path) -> None:
    config = replace(CONFIGS["caption_wgan"], warm_up=1, captions_per_pose=3)
    recipe = built("caption_wgan", data, config)
    nets = (recipe.generator, recipe.critic)
    before = [[p.detach().clone() for p in net.parameters()] for net in nets]

    def moved() -> list[bool]:
        return [
            any(not torch.equal(a, b) for a, b in zip(old, net.parameters(), strict=True))
            for old, net in zip(before, nets, strict=True)
        ]

    recipe.step(0)
    assert moved() == [False, True]
    recipe.step(1)
    assert moved() == [True, True]


def test_captions_start_along_pose_directions(data: Path) -> None:
    recipe = built("caption_wgan", data, replace(CONFIGS["caption_wgan"], pose_directions=2))
    for net in (recipe.generator, recipe.critic, recipe.ema.module):
        weight = net.text[0].weight
        torch.testing.assert_close(weight[:2], -weight[2:4])
        feature = recipe.pairs.vectors[0] @ weight[0].detach()
        assert feature.std().item() == pytest.approx(1.5, rel=0.01)


def test_init_must_be_a_run(data: Path, tmp_path: Path) -> None:
    for name in ("caption_wgan", "pose_wgan_gp"):
        with pytest.raises(TrainerError, match="init"):
            built(name, data, replace(CONFIGS[name], init=str(tmp_path)))


def test_resume_repeats_an_unbroken_run(data: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"preset": "small", "device": "cpu", "precision": "32-true"}
    config = CONFIGS["caption_wgan"]
    fit("caption_wgan", config, data, tmp_path / "whole", **options)
    calls = iter(range(100))
    fit(
        "caption_wgan",
        config,
        data,
        tmp_path / "parts",
        **options,
        abort_fn=lambda: next(calls) > 1,
    )
    fit("caption_wgan", config, data, tmp_path / "parts", **options, resume=True)
    whole, parts = (
        artifact.load_tensors(tmp_path / run / "last.safetensors") for run in ("whole", "parts")
    )
    for key, tensor in whole.items():
        torch.testing.assert_close(parts[key], tensor, rtol=0, atol=0)


@pytest.fixture(scope="module")
def weights(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    recipe = built("caption_wgan", data)
    for step in range(2):
        recipe.step(step)
    model, tensors, config, extra = recipe.export()
    # Half of the maps as bright as can be, so that poses have joints without much training.
    tensors["layers.6.bias"][:] = torch.linspace(-4.0, 4.0, 17)
    path = tmp_path_factory.mktemp("weights") / "caption_wgan.safetensors"
    artifact.save(path, tensors, model, config, extra)
    return path


def test_predictor_keeps_the_interface(weights: Path) -> None:
    predictor = Predictor(weights)
    rng = np.random.default_rng(0)
    text = np.stack([predictor.encode("a man is standing")] * 11)
    noise = rng.standard_normal((11, predictor.noise_dim)).astype(np.float32)
    samples = predictor.sample(text, noise)
    assert samples.keypoints.shape == (11, 17, 2) and samples.keypoints.dtype == np.float32
    assert samples.confidence.shape == (11, 17)
    assert samples.heatmaps.shape == (11, 17, 64, 64)
    assert samples.heatmaps.min() >= 0 and samples.heatmaps.max() <= 1
    there = samples.confidence > 0
    assert there.any() and (samples.confidence[there] >= heatmaps.THRESHOLD).all()
    assert (samples.keypoints[there] >= 0).all() and (samples.keypoints[there] <= 63).all()
    assert len(predictor.sample(text[:0], noise[:0]).keypoints) == 0


def test_a_sample_depends_on_its_own_row_only(weights: Path) -> None:
    predictor = Predictor(weights)
    rng = np.random.default_rng(0)
    text = rng.standard_normal((11, 300)).astype(np.float32)
    noise = rng.standard_normal((11, predictor.noise_dim)).astype(np.float32)
    together = predictor.sample(text, noise, guidance=1.3)
    alone = predictor.sample(text[6:7], noise[6:7], guidance=1.3)
    np.testing.assert_array_equal(together.heatmaps[6], alone.heatmaps[0])
    np.testing.assert_array_equal(together.keypoints[6], alone.keypoints[0])
    assert not np.array_equal(together.heatmaps[6], together.heatmaps[7])


def judged_by(monkeypatch: pytest.MonkeyPatch, predictor: Predictor, rule: Any) -> list[Any]:
    """Put `rule` (keypoints, present, text) -> logits in the place of the judge; logs the calls."""
    calls: list[Any] = []

    def judge(keypoints: torch.Tensor, present: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        calls.append((keypoints.clone(), present.clone()))
        return rule(keypoints, present, text)

    monkeypatch.setattr(predictor, "_judge", judge)
    return calls


def test_guidance_weighs_the_judge(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = Predictor(weights)
    rng = np.random.default_rng(0)
    text = rng.standard_normal((8, 300)).astype(np.float32)
    noise = rng.standard_normal((8, predictor.noise_dim)).astype(np.float32)
    joint = int(np.argmax((predictor.sample(text, noise).confidence > 0).mean(0)))
    judged_by(monkeypatch, predictor, lambda k, p, t: k[:, joint, 0])
    means = [
        predictor.sample(text, noise, guidance=g).keypoints[:, joint, 0].mean() for g in (0, 1, 100)
    ]
    assert means[0] < means[1] <= means[2]
    bare = predictor.sample(text, noise, guidance=0.0)
    judged_by(monkeypatch, predictor, lambda k, p, t: -k[:, joint, 0])
    other = predictor.sample(text, noise, guidance=0.0)
    np.testing.assert_array_equal(bare.keypoints, other.keypoints)


def test_candidates_are_the_noise_turned(weights: Path) -> None:
    predictor = Predictor(weights)
    noise = np.random.default_rng(0).standard_normal((1, predictor.noise_dim)).astype(np.float32)
    candidates = (noise[:, predictor._places] * predictor._signs)[0]
    np.testing.assert_array_equal(candidates[0], noise[0])
    np.testing.assert_allclose(np.linalg.norm(candidates, axis=1), np.linalg.norm(noise), rtol=1e-5)
    assert len(np.unique(candidates[:, 0])) > len(candidates) // 2


def test_a_pose_with_few_joints_is_the_last_choice(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor = Predictor(weights)
    noise = np.random.default_rng(0).standard_normal((3, 128)).astype(np.float32)
    text = np.zeros((3, 300), np.float32)
    real_decode = heatmaps.decode
    fuller: list[int] = []

    def decode(maps: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        keypoints, peak = real_decode(maps)
        peak = torch.full_like(peak, 0.9)
        peak[:, 7:] = 0.0  # seven joints everywhere ...
        for row in range(0, len(peak), len(peak) // 8):
            peak[row + 3, 7:] = 0.9  # ... but for one candidate of each row
            fuller.append(row + 3)
        return keypoints, peak

    monkeypatch.setattr(heatmaps, "decode", decode)
    # The judge would take any other one.
    judged_by(monkeypatch, predictor, lambda k, p, t: -10.0 * (p.sum(1) > 7))
    samples = predictor.sample(text, noise)
    assert len(fuller) == 8
    assert (samples.confidence > 0).all()


def test_judge_learns_while_the_nets_rest(data: Path) -> None:
    config = replace(CONFIGS["caption_wgan"], steps=62, judge_steps=60)
    recipe = built("caption_wgan", data, config)
    for step in range(2):
        recipe.step(step)
    nets = [p.detach().clone() for n in (recipe.generator, recipe.critic) for p in n.parameters()]
    figures = [recipe.step(step) for step in range(2, 62)]
    after = [p for n in (recipe.generator, recipe.critic) for p in n.parameters()]
    assert all(torch.equal(a, b) for a, b in zip(nets, after, strict=True))
    assert float(figures[-1]["judge/loss"]) < 0.3 * float(figures[0]["judge/loss"])
    assert float(figures[-1]["judge/accuracy"]) > 0.95
    for name, parameter in recipe.judge.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_predictor_refuses_other_weights(weights: Path, data: Path, tmp_path: Path) -> None:
    plain = built("pose_wgan_gp", data)
    model, tensors, config, extra = plain.export()
    path = tmp_path / "plain.safetensors"
    artifact.save(path, tensors, model, config, extra)
    with pytest.raises(ArtifactError, match="reads no captions"):
        Predictor(path)
    artifact.save(path, tensors, "keypoint_flow", config, extra)
    with pytest.raises(ArtifactError, match="keypoint_flow"):
        Predictor(path)
    good = artifact.read_header(weights)
    artifact.save(path, tensors, "caption_wgan", good["config"], good["extra"])
    with pytest.raises(ArtifactError, match="does not fit"):
        Predictor(path)


def test_export_restores_the_averaged_net(data: Path, tmp_path: Path) -> None:
    recipe = built("caption_wgan", data)
    recipe.step(0)
    random_state = torch.get_rng_state()
    model, tensors, config, extra = recipe.export()
    assert torch.equal(torch.get_rng_state(), random_state)  # a save leaves the run alone
    artifact.save(tmp_path / "w.safetensors", tensors, model, config, extra, half=False)
    net = Generator(CaptionWganConfig(**artifact.read_header(tmp_path / "w.safetensors")["config"]))
    tensors = artifact.load_tensors(tmp_path / "w.safetensors")
    judge = {k.removeprefix(JUDGE_PREFIX) for k in tensors if k.startswith(JUDGE_PREFIX)}
    assert judge == set(recipe.judge.state_dict())
    net.load_state_dict({k: v for k, v in tensors.items() if not k.startswith(JUDGE_PREFIX)})
    noise, text = torch.randn(2, 128), torch.randn(2, 300)
    with torch.no_grad():
        torch.testing.assert_close(net.eval()(noise, text), recipe.ema.module(noise, text))
