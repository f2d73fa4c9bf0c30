"""Losses of person transfer (papers 2 and 5)."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional


def discriminator_loss(real: Tensor, fake: Tensor, relativistic: bool) -> Tensor:
    """What a discriminator minimises.

    Args:
        real, fake: logits of any shape, for patches of true and of generated pictures.
        relativistic: the relativistic average hinge (paper 5, expression 8); else the cross
            entropy (paper 2, expression 6).
    """
    real, fake = real.float(), fake.float()
    if relativistic:
        beyond, below = real - fake.mean(), fake - real.mean()
        return functional.relu(1.0 - beyond).mean() + functional.relu(1.0 + below).mean()
    return functional.softplus(-real).mean() + functional.softplus(fake).mean()


def generator_loss(real: Tensor, fake: Tensor, relativistic: bool) -> Tensor:
    """What the generator minimises; the cross entropy in its form that does not saturate.

    Args:
        real: logits of true pictures, which only the relativistic form looks at.
        fake: logits of generated ones.
    """
    real, fake = real.float(), fake.float()
    if relativistic:
        beyond, below = real - fake.mean(), fake - real.mean()
        return functional.relu(1.0 + beyond).mean() + functional.relu(1.0 - below).mean()
    return functional.softplus(-fake).mean()


def nearest_neighbour(
    found: Tensor, truth: Tensor, side: int = 5, stride: int = 1, offset: tuple[int, int] = (0, 0)
) -> Tensor:
    """Distance of each place to the most similar one around it (paper 5, expression 1).

    Each place of the generated picture looks for its neighbour in the true one, as in the work
    that the paper builds on: the other way round, places that nobody resembles would get no
    gradient. Beyond the rim nothing is looked for.

    Args:
        found, truth: (B,C,h,w) features.
        side: of the square of places that are looked at.
        stride, offset: only every so many-th place of `found` is compared, from this (y, x) on:
            an estimate at 1/stride^2 of the price.
    Returns:
        Mean over places and channels of the absolute difference.
    """
    height, width = found.shape[-2:]
    picked = found[:, :, offset[0] :: stride, offset[1] :: stride]
    with torch.no_grad():
        reach = side // 2
        around = functional.pad(truth, (reach,) * 4, value=torch.inf)
        best = torch.full_like(picked[:, :1], torch.inf)
        nearest = torch.zeros_like(picked)
        for dy in range(side):
            for dx in range(side):
                rows = slice(offset[0] + dy, dy + height, stride)
                columns = slice(offset[1] + dx, dx + width, stride)
                candidate = around[:, :, rows, columns]
                distance = (picked - candidate).abs_().sum(1, keepdim=True)
                closer = distance < best
                best = torch.where(closer, distance, best)
                nearest = torch.where(closer, candidate, nearest)
    return (picked.float() - nearest.float()).abs().mean()


def weighted_l1(found: Tensor, truth: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean absolute difference; of pixels that count differently, divided by their whole weight.

    Args:
        found, truth: (B,C,h,w).
        weight: (B,1,h,w) at least 0, or None.
    """
    difference = (found.float() - truth.float()).abs()
    if weight is None:
        return difference.mean()
    total = weight.sum().clamp_min(1e-6) * found.shape[1]
    return (difference * weight).sum() / total


def perceptual(found: Sequence[Tensor], truth: Sequence[Tensor]) -> Tensor:
    """Mean over layers of the mean absolute difference of their features, in their precision."""
    # In 32 bits the differences of 64 channels took a seventh of a whole training step.
    parts = [functional.l1_loss(a, b).float() for a, b in zip(found, truth, strict=True)]
    return torch.stack(parts).mean()


def mask_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Cross entropy and overlap (Dice) of a soft mask.

    Args:
        logits, truth: (B,1,h,w); `truth` in [0,1].
    """
    logits = logits.float()
    entropy = functional.binary_cross_entropy_with_logits(logits, truth)
    found = logits.sigmoid()
    common = (found * truth).sum((1, 2, 3))
    whole = (found.square() + truth.square()).sum((1, 2, 3))
    return entropy + (1.0 - (2 * common + 1.0) / (whole + 1.0)).mean()
