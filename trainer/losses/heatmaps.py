"""Losses on heatmaps of joints: where a joint is, whether it is there, what a judge makes of it."""

import torch
from torch import Tensor
from torch.nn import functional


def gaussian_targets(points: Tensor, size: int, sigma: float) -> Tensor:
    """Distributions over the pixels around joints.

    Args:
        points: (B,J,2) heatmap px, pixel centres at integers.
        size: side of the maps.
    Returns:
        (B,J,size,size) that sum to 1, also for joints that lie partly or wholly outside.
    """
    grid = torch.arange(size, device=points.device, dtype=points.dtype)
    rows = -((points[..., 1:2] - grid).square()) / (2 * sigma**2)  # (B, J, size)
    columns = -((points[..., 0:1] - grid).square()) / (2 * sigma**2)
    return rows.softmax(-1)[..., :, None] * columns.softmax(-1)[..., None, :]


def place_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross entropy over the pixels, (B,J), less the entropy of the targets: 0 is perfect."""
    log_probability = logits.float().flatten(2).log_softmax(-1)
    flat = targets.flatten(2)
    entropy = torch.special.entr(flat).sum(-1)
    return -(flat * log_probability).sum(-1) - entropy


def robust_mean(
    loss: Tensor, weight: Tensor, noisy: Tensor, exchanged: Tensor | None, limit: float
) -> Tensor:
    """Mean over the labelled joints that does not believe every label.

    Of a crowd's labels some are far off and some name left what is right. A joint whose loss is
    extreme counts less, as in a Huber loss; and where the person with left and right exchanged
    fits far better, that reading counts.

    Args:
        loss, weight: (B,J). exchanged: (B,J), the loss with exchanged names, None to believe them.
        noisy: (B,) bool, whose labels are of that kind.
        limit: loss above which a noisy joint counts less.
    """
    if exchanged is not None:
        total = (loss * weight).sum(1)
        other = (exchanged * weight).sum(1)
        prefer = (noisy & (other < 0.6 * total))[:, None]
        loss = torch.where(prefer, exchanged, loss)
    scale = torch.where(noisy[:, None], (limit / loss.detach().clamp_min(1e-6)).clamp_max(1.0), 1.0)
    return (loss * weight * scale).sum() / weight.sum().clamp_min(1.0)


def presence_loss(logits: Tensor, states: Tensor) -> Tensor:
    """Binary cross entropies of "in the picture" and "seen", over what the labels tell.

    Args:
        logits: (B,17,2); states: (B,17) of `trainer.data.photos`.
    """
    from trainer.data.photos import ABSENT, HIDDEN, UNSEEN, VISIBLE

    present = ((states == HIDDEN) | (states == VISIBLE)).float()
    present_known = ((states == ABSENT) | (states == HIDDEN) | (states == VISIBLE)).float()
    seen = (states == VISIBLE).float()
    seen_known = ((states >= ABSENT) & (states != ABSENT) | (states == UNSEEN)).float()
    first = functional.binary_cross_entropy_with_logits(logits[..., 0], present, reduction="none")
    second = functional.binary_cross_entropy_with_logits(logits[..., 1], seen, reduction="none")
    total = (first * present_known).sum() / present_known.sum().clamp_min(1.0)
    return total + (second * seen_known).sum() / seen_known.sum().clamp_min(1.0)
