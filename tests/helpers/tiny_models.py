"""Untrained models of the real classes, written as real weights files."""

from __future__ import annotations

from pathlib import Path

from trainer import artifact
from trainer import config as configs


def write_flow(path: Path, width: int = 32, blocks: int = 1) -> Path:
    """Weights of a small keypoint flow."""
    import torch

    from trainer.models.keypoint_flow import KeypointFlow, KeypointFlowConfig

    torch.manual_seed(0)
    config = KeypointFlowConfig(width=width, hidden=2 * width, blocks=blocks)
    net = KeypointFlow(config)
    extra = {"guidance": 1.5, "steps": 4}
    artifact.save(path, net.state_dict(), "keypoint_flow", configs.to_dict(config), extra)
    return path


def write_lifter(path: Path) -> Path:
    """Weights of a small lifter."""
    import torch

    from trainer.models.vae_gan_lifter import Lifter, LifterConfig

    torch.manual_seed(0)
    config = LifterConfig(hidden=32, latent=8)
    net = Lifter(config)
    artifact.save(path, net.state_dict(), "vae_gan_lifter", configs.to_dict(config), {})
    return path
