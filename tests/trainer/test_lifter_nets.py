"""The lifter's networks: appendix A's numbers, the depth head's promises, gradients, files."""

from pathlib import Path

import pytest
import torch

from trainer import artifact
from trainer import config as configs
from trainer.layers import lift_geometry as geometry
from trainer.layers import norm_statistics
from trainer.models.vae_gan_lifter import (
    PAPER,
    Decoder,
    Discriminator,
    Encoder,
    Lifter,
    LifterConfig,
)

TINY = LifterConfig(hidden=16, latent=5)
TINY_PAPER = LifterConfig(
    head="points", hidden=16, latent=5, dropout=0.2, discriminator_dropout=0.5
)


def _parameters(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_appendix_a_parameter_counts() -> None:
    up, residual, norm = 33_792, 1_048_576, 2_048
    assert _parameters(Encoder(PAPER)) == up + norm + 2 * (residual + norm) + 2 * 52_275
    assert _parameters(Decoder(PAPER)) == 53_248 + norm + 2 * (residual + norm) + 49_200
    assert _parameters(Discriminator(PAPER)) == up + 4 * 1_049_600 + 1_025


@pytest.mark.parametrize("config", [TINY, TINY_PAPER])
def test_shapes(config: LifterConfig) -> None:
    lifted = Lifter(config)(torch.randn(4, 17, 2), None, torch.randn(4, 5))
    assert lifted.points.shape == (4, 17, 3)
    assert lifted.image.shape == (4, 17, 2)
    assert lifted.elevation.shape == (4,)
    assert lifted.mean.shape == lifted.log_variance.shape == (4, 5)
    assert torch.equal(lifted.points[:, 0], torch.zeros(4, 3))
    assert Discriminator(config)(torch.randn(4, 17, 2)).shape == (4,)


def test_depth_head_reprojects_given_joints_exactly() -> None:
    points, mask = torch.randn(6, 17, 2), (torch.rand(6, 17) < 0.6).float()
    mask[:, 0] = 1
    points = points - points[:, :1]
    lifted = Lifter(TINY)(points, mask, torch.randn(6, 5))
    shown = mask > 0
    assert torch.allclose(geometry.project(lifted.points)[shown], points[shown], atol=1e-5)


def test_absent_joints_have_no_influence() -> None:
    net, mask = Lifter(TINY).eval(), torch.ones(3, 17)
    mask[:, [3, 6, 9]] = 0
    points = torch.randn(3, 17, 2)
    other = points.clone()
    other[:, [3, 6, 9]] = 123.0
    assert torch.equal(net(points, mask).points, net(other, mask).points)


@pytest.mark.parametrize("config", [TINY, TINY_PAPER])
def test_every_parameter_gets_a_gradient(config: LifterConfig) -> None:
    net, discriminator = Lifter(config), Discriminator(config)
    mask = torch.ones(8, 17)
    mask[:4, 11:] = 0
    mask[:2, 0] = 0
    lifted = net(torch.randn(8, 17, 2), mask, torch.randn(8, 5))
    (lifted.points.square().sum() + lifted.image.square().sum() + lifted.elevation.sum()).backward()
    discriminator(torch.randn(8, 17, 2)).square().sum().backward()
    for name, parameter in [*net.named_parameters(), *discriminator.named_parameters()]:
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("config", [TINY, TINY_PAPER])
def test_file_round_trip(config: LifterConfig, tmp_path: Path) -> None:
    net = Lifter(config).eval()
    net.spread.fill_(2.0)
    path = tmp_path / "net.safetensors"
    artifact.save(path, net.state_dict(), "vae_gan_lifter", configs.to_dict(config), half=False)
    again = Lifter(configs.from_dict(LifterConfig, artifact.read_header(path)["config"])).eval()
    again.load_state_dict(artifact.load_tensors(path), strict=True)
    points = torch.randn(2, 17, 2)
    assert torch.equal(net(points).points, again(points).points)


def test_measured_statistics_are_those_of_the_inputs() -> None:
    net = torch.nn.Sequential(torch.nn.BatchNorm1d(3), torch.nn.Linear(3, 1))
    batches = [torch.randn(64, 3) * 5 + 2 for _ in range(4)]
    waiting = iter(batches)
    found = norm_statistics.measure(net, lambda probe: probe(next(waiting)), 4)
    assert torch.allclose(found["0.running_mean"], torch.cat(batches).mean(0), atol=1e-4)
    assert torch.equal(net[0].running_mean, torch.zeros(3))  # the net itself is untouched
