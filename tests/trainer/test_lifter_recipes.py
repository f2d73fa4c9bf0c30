"""The lifter's recipes on made-up people: every part trains, errors fall, 3D is never looked at."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric, seed_everything

from trainer import config as configs
from trainer.losses import lifter as losses
from trainer.models.vae_gan_lifter import WHOLE, Lifter, LifterConfig
from trainer.recipes import registry
from trainer.recipes.lifter_common import LifterRecipe, LifterSettings

NAMES = ("vae_gan_lifter", "lifter_paper", "lifter_supervised")


def _build(name: str, data: Path, **changes: object) -> LifterRecipe:
    preset: LifterSettings = registry.preset(name, "small")
    net = replace(preset.net, hidden=32, latent=8)
    config = replace(preset, net=net, batch=64, steps=200, ema=0.9, **changes)
    recipe = registry.get(name)(config, data)
    seed_everything(0, verbose=False)
    recipe.build(Fabric(accelerator="cpu"))
    return recipe


@pytest.mark.parametrize("name", NAMES)
def test_a_step_moves_every_parameter(name: str, mocap_folder: Path) -> None:
    recipe = _build(name, mocap_folder)
    recipe.total_steps = 4
    modules = [m for m in recipe.state().values() if isinstance(m, torch.nn.Module)]
    before = [{k: p.clone() for k, p in m.named_parameters()} for m in modules]
    for step in range(3):  # past the warm-up of the paper's beta
        figures = recipe.step(step)
    assert all(torch.isfinite(torch.as_tensor(v)) for v in figures.values())
    still = [
        k
        for module, old in zip(modules, before, strict=True)
        for k, p in module.named_parameters()
        if torch.equal(p, old[k])
    ]
    assert still == []


@pytest.mark.parametrize("name", ["vae_gan_lifter", "lifter_paper"])
def test_unsupervised_recipes_never_look_at_3d(
    name: str, mocap_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = _build(name, mocap_folder)
    draw = recipe.draw
    monkeypatch.setattr(recipe, "draw", lambda: (draw()[0], torch.full((64, 17, 3), torch.nan)))
    for step in range(2):
        figures = recipe.step(step)
    assert all(torch.isfinite(torch.as_tensor(v)) for v in figures.values())
    assert all(torch.isfinite(p).all() for p in recipe.lifter.parameters())


def test_a_short_run_improves(mocap_folder: Path) -> None:
    recipe = _build("vae_gan_lifter", mocap_folder, lr=3e-3)
    before = recipe.validate()["zv_mm"]
    for step in range(120):
        recipe.step(step)
    after = recipe.validate()
    assert after["zv_mm"] < 0.6 * before
    assert after["bh_mm"] <= after["zv_mm"]
    assert after["flips"] < 0.2


def test_the_same_seed_trains_the_same(mocap_folder: Path) -> None:
    figures = []
    for _ in range(2):
        recipe = _build("vae_gan_lifter", mocap_folder)
        figures.append([float(v) for v in recipe.step(0).values()])
    assert figures[0] == figures[1]


def test_saving_does_not_change_what_training_draws(mocap_folder: Path) -> None:
    recipe = _build("vae_gan_lifter", mocap_folder)
    before = torch.get_rng_state()
    first, second = recipe.export()[1], recipe.export()[1]
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[k], second[k]) for k in first)
    key = "encoder.lift_in.1.running_mean"
    assert not torch.allclose(first[key], first[f"{WHOLE}.{key}"])


def test_export_is_what_the_net_loads(mocap_folder: Path) -> None:
    model, tensors, config, extra = _build("lifter_paper", mocap_folder).export()
    assert model == "vae_gan_lifter" and extra["recipe"] == "lifter_paper"
    Lifter(configs.from_dict(LifterConfig, config)).load_state_dict(tensors, strict=True)


def test_rate_is_constant_then_falls_to_zero(mocap_folder: Path) -> None:
    recipe = registry.get("vae_gan_lifter")(LifterSettings(steps=100, lr=1.0), mocap_folder)
    assert [recipe.learning_rate(s) for s in (0, 50, 75, 100)] == [1.0, 1.0, 0.5, 0.0]


def test_beta_cycles() -> None:
    betas = [losses.beta_at(step, 40, 10, 0.3) for step in (0, 15, 30, 39, 40)]
    assert betas == pytest.approx([0.0, 0.15, 0.3, 0.3, 0.0])
    assert losses.beta_at(7, 0, 0, 0.3) == 0.3


def test_latent_prior_of_the_prior_is_zero() -> None:
    zero = torch.zeros(3, 5)
    assert losses.latent_prior(zero, zero).item() == 0.0
    assert losses.latent_prior(zero + 2.0, zero).item() == pytest.approx(2.0)


def test_facing_prior_tells_a_pose_from_its_flip() -> None:
    pose = torch.zeros(1, 17, 3)
    pose[0, 1], pose[0, 4] = torch.tensor([-0.1, 0, 0]), torch.tensor([0.1, 0, 0])
    pose[0, 14], pose[0, 11] = torch.tensor([-0.2, -0.7, 0]), torch.tensor([0.2, -0.7, 0])
    pose[0, 8], pose[0, 9] = torch.tensor([0, -0.7, 0.0]), torch.tensor([0, -0.9, -0.1])
    for hip, knee, ankle in ((1, 2, 3), (4, 5, 6)):
        pose[0, knee] = pose[0, hip] + torch.tensor([0, 0.5, -0.1])
        pose[0, ankle] = pose[0, hip] + torch.tensor([0, 1.0, 0])
    away = pose * torch.tensor([1.0, 1.0, -1.0])
    # Left is at +x in the picture and up at -y, so this person looks at the camera.
    assert losses.facing_prior(pose).item() == 0.0
    assert losses.facing_prior(away).item() > 0.2


def test_labels_are_smoothed_on_the_real_side_only() -> None:
    sure = torch.full((1000,), 20.0)
    right = losses.discriminator_loss(sure, -sure, 1.0, 1.0)
    smooth = losses.discriminator_loss(sure, -sure, 0.8, 1.0)
    assert right.item() < 1e-3
    assert smooth.item() == pytest.approx(0.1 * 20, rel=0.1)
