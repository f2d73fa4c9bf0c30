"""Batch norm statistics measured anew, with weights that no longer change."""

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn


@torch.no_grad()
def measure(net: nn.Module, run: Callable[[nn.Module], object], batches: int) -> dict[str, Tensor]:
    """Means and variances of a network's batch norms.

    Averaged weights never met the statistics that were collected on the way to them, and inputs of
    several kinds need the ones of their own kind.

    Args:
        net: left as it is.
        run: passes one batch through the network it is given.
        batches: how often `run` is called.
    Returns:
        The buffers, named as in the network's state_dict; empty without batch norms.
    """
    probe = copy.deepcopy(net).eval()
    norms = {k: m for k, m in probe.named_modules() if isinstance(m, nn.BatchNorm1d)}
    for norm in norms.values():
        norm.reset_running_stats()
        norm.momentum = None  # a plain average over the batches
        norm.train()
    if norms:
        for _ in range(batches):
            run(probe)
    return {
        f"{name}.{key}": buffer
        for name, norm in norms.items()
        for key, buffer in norm.named_buffers()
    }
