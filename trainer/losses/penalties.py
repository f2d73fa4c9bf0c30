"""Penalties that keep a critic 1-Lipschitz (paper 1, expressions 4 and 9), and weight clamping.

Compute them in fp32, outside autocast and on the unwrapped module: a gradient of a gradient in 16
bits is noise, and Lightning Fabric's wrapper refuses `autograd.grad`.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn


def interpolate(real: Tensor, fake: Tensor, mix: Tensor) -> Tensor:
    """Points on the lines between real and generated samples.

    Args:
        real: (B, ...) real samples.
        fake: (B, ...) generated samples.
        mix: (B,) in [0, 1]; 1 is the real sample.
    """
    mix = mix.view(-1, *([1] * (real.dim() - 1)))
    return mix * real + (1.0 - mix) * fake


def input_gradients(score: Callable[..., Tensor], *inputs: Tensor) -> tuple[Tensor, ...]:
    """Gradients of any differentiable score with respect to its inputs, by autograd.

    Args:
        score: (B, ...) inputs -> (B,) scores, sample by sample.
        inputs: (B, ...) each.
    Returns:
        One (B, ...) gradient an input, which can be differentiated again.
    """
    leaves = tuple(value.detach().requires_grad_() for value in inputs)
    return torch.autograd.grad(score(*leaves).sum(), leaves, create_graph=True)


def gradient_norms(gradient: Tensor) -> Tensor:
    """(B, ...) -> (B,) Euclidean norm of each sample's gradient."""
    # Not flatten().norm(): that would copy a channels-last gradient on the way there and back.
    squares = gradient.square().sum(dim=tuple(range(1, gradient.dim())))
    return (squares + 1e-12).sqrt()  # a zero gradient has no direction


def two_sided_penalty(gradient: Tensor) -> Tensor:
    """WGAN-GP: mean of (|gradient| - 1)^2."""
    return (gradient_norms(gradient) - 1.0).square().mean()


def one_sided_penalty(gradient: Tensor) -> Tensor:
    """WGAN-LP: mean of max(0, |gradient| - 1)^2."""
    return (gradient_norms(gradient) - 1.0).clamp_min(0.0).square().mean()


def clamp_weights(module: nn.Module, limit: float) -> None:
    """WGAN, algorithm 2: keep every parameter within [-limit, limit]."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.clamp_(-limit, limit)
