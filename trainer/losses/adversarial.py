"""Losses of paper 1: the original GAN (algorithm 1) and the Wasserstein forms (2, 3 and 5)."""

from __future__ import annotations

import torch
from torch import Tensor

_EPSILON = 1e-6  # keeps a logarithm finite where a sigmoid has saturated


def gan_discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Algorithm 1: -[log D(x) + log(1 - D(G(z)))].

    Args:
        real: (B,) probabilities that real samples are real.
        fake: (B,) the same of generated samples.
    """
    return -(_log(real) + _log(1.0 - fake)).mean()


def gan_generator_loss(fake: Tensor) -> Tensor:
    """Algorithm 1: -log D(G(z)), which does not saturate early."""
    return -_log(fake).mean()


def wasserstein_critic_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Algorithms 2 and 3 without the penalty: D(G(z)) - D(x), scores of shape (B,)."""
    return fake.mean() - real.mean()


def matching_critic_loss(
    real: Tensor, fake: Tensor, mismatched: Tensor, alpha: float = 1.0
) -> Tensor:
    """Algorithm 5 without the penalty: D(G, h) + alpha D(x, h') - (1 + alpha) D(x, h).

    Args:
        real: (B,) scores of real poses with their captions.
        fake: (B,) scores of generated poses with the captions they were drawn for.
        mismatched: (B,) scores of real poses with captions of other images.
        alpha: how much matching counts beside looking real.
    """
    return fake.mean() + alpha * mismatched.mean() - (1.0 + alpha) * real.mean()


def wasserstein_generator_loss(*fakes: Tensor) -> Tensor:
    """-D(G(z)); algorithm 5 sums it over real and interpolated captions."""
    return -torch.stack([fake.mean() for fake in fakes]).sum()


def _log(probability: Tensor) -> Tensor:
    return probability.clamp_min(_EPSILON).log()
