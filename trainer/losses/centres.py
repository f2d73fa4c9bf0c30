"""Losses of a finder whose maps say where people's middles are."""

import torch
from torch import Tensor
from torch.nn import functional


def centre_loss(logits: Tensor, heat: Tensor, weight: Tensor) -> Tensor:
    """CenterNet's focal loss, a person: cells near a middle are hardly wrong, the rest is.

    Args:
        logits: (B,h,w); heat: (B,h,w), 1 in the cell of a middle, falling to 0 around it.
        weight: (B,h,w) of the cells that are not middles; 0 where nobody knows what is there.
    """
    probability = logits.sigmoid()
    middle = (heat >= 1.0).float()
    hit = functional.logsigmoid(logits) * (1 - probability).square() * middle
    miss = functional.logsigmoid(-logits) * probability.square() * (1 - heat).pow(4)
    return -(hit + miss * (1 - middle) * weight).sum() / middle.sum().clamp_min(1.0)


def box_loss(found: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """1 - GIoU of boxes (Rezatofighi et al. 2019), the weighted mean.

    Args:
        found, truth: (B,4,h,w) x, y, width, height in one unit; weight: (B,h,w).
    """
    low_found, low_truth = found[:, :2], truth[:, :2]
    high_found, high_truth = low_found + found[:, 2:], low_truth + truth[:, 2:]
    shared = (
        torch.minimum(high_found, high_truth) - torch.maximum(low_found, low_truth)
    ).clamp_min(0)
    around = torch.maximum(high_found, high_truth) - torch.minimum(low_found, low_truth)
    intersection, hull = shared.prod(1), around.prod(1).clamp_min(1e-6)
    union = (found[:, 2:].prod(1) + truth[:, 2:].prod(1) - intersection).clamp_min(1e-6)
    gain = intersection / union - (hull - union) / hull
    return ((1 - gain) * weight).sum() / weight.sum().clamp_min(1.0)
