"""Losses of the lifter that are its own (paper 3, section 2.2)."""

import torch
from torch import Tensor
from torch.nn import functional

_R_HIP, _R_KNEE, _R_ANKLE, _L_HIP, _L_KNEE, _L_ANKLE = 1, 2, 3, 4, 5, 6
_NECK, _NOSE, _L_SHOULDER, _R_SHOULDER = 8, 9, 11, 14


def latent_prior(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Equation 2.7, averaged over latent dimensions and batch."""
    return -0.5 * (1.0 + log_variance - mean.square() - log_variance.exp()).mean()


def real_labels(logits: Tensor, low: float, high: float) -> Tensor:
    """One-sided smoothing (section 3.3): random labels between `low` and `high`."""
    return low + (high - low) * torch.rand_like(logits)


def discriminator_loss(real: Tensor, fake: Tensor, low: float, high: float) -> Tensor:
    """Equation 2.8 on separate batches of real and fake logits."""
    return functional.binary_cross_entropy_with_logits(
        real, real_labels(real, low, high)
    ) + functional.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))


def generator_loss(fake: Tensor, low: float, high: float) -> Tensor:
    """The -log D trick (section 3.3): fakes with real labels."""
    return functional.binary_cross_entropy_with_logits(fake, real_labels(fake, low, high))


def beta_at(step: int, cycle_steps: int, hold_steps: int, weight: float) -> float:
    """Cyclic beta: from 0 up to `weight` over the first part of each cycle, then held."""
    if cycle_steps <= 0:
        return weight
    rise = max(cycle_steps - hold_steps, 1)
    return weight * min((step % cycle_steps) / rise, 1.0)


def facing_prior(points: Tensor, margin: float = 0.02) -> Tensor:
    """Noses point and knees bend to the front, which tells a lift from its depth-flipped twin.

    The front is (left - right) x up. It is a statement about bodies, not about any 3D pose.

    Args:
        points: (B,17,3) in a right-handed space (camera space is one).
    """
    up = points[:, _NECK] - points[:, 0]
    front_chest = _unit(torch.linalg.cross(points[:, _L_SHOULDER] - points[:, _R_SHOULDER], up))
    front_hips = _unit(torch.linalg.cross(points[:, _L_HIP] - points[:, _R_HIP], up))
    nose = ((points[:, _NOSE] - points[:, _NECK]) * front_chest).sum(-1)
    loss = functional.relu(margin - nose)
    for hip, knee, ankle in ((_R_HIP, _R_KNEE, _R_ANKLE), (_L_HIP, _L_KNEE, _L_ANKLE)):
        bend = points[:, knee] - (points[:, hip] + points[:, ankle]) / 2
        loss = loss + functional.relu(margin - (bend * front_hips).sum(-1))
    return loss.mean()


def _unit(vector: Tensor) -> Tensor:
    return vector / vector.norm(dim=-1, keepdim=True).clamp_min(1e-4)
