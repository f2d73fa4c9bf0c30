"""Exponential moving average of a network's weights."""

import copy

import torch
from torch import Tensor, nn


class Ema:
    """Keeps `module`, a smoothed copy of a network, for sampling and export.

    The decay warms up as (1 + n) / (10 + n), so that early copies are not dominated by the
    initial weights.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.module = copy.deepcopy(module).eval().requires_grad_(False)
        self.decay = decay
        self.updates = 0

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Move the copy towards `module` (the trained network, wrapped by Fabric or not)."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        ours, theirs = self.module.state_dict(), _unwrap(module).state_dict()
        averaged = [k for k, v in ours.items() if v.is_floating_point()]
        torch._foreach_lerp_(
            [ours[k] for k in averaged], [theirs[k] for k in averaged], 1.0 - decay
        )
        for key in ours.keys() - set(averaged):  # counters of batch norms and the like
            ours[key].copy_(theirs[key])

    def state_dict(self) -> dict[str, object]:
        return {"module": self.module.state_dict(), "updates": self.updates}

    def load_state_dict(self, state: dict[str, object]) -> None:
        self.module.load_state_dict(state["module"])  # type: ignore[arg-type]
        self.updates = int(state["updates"])  # type: ignore[call-overload]

    def tensors(self) -> dict[str, Tensor]:
        """The smoothed weights, detached."""
        return {k: v.detach() for k, v in self.module.state_dict().items()}


def _unwrap(module: nn.Module) -> nn.Module:
    # Fabric's wrapper and torch.compile's each hold the plain network one level down.
    while True:
        inner = getattr(module, "_orig_mod", None)
        if inner is None and hasattr(module, "_forward_module"):
            inner = module.module
        if not isinstance(inner, nn.Module):
            return module
        module = inner
