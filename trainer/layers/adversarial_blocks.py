"""Parts of generators and discriminators: spectral norm, norms and attention for pictures."""

from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize

ConvT = TypeVar("ConvT", nn.Conv2d, nn.ConvTranspose2d)


class InstanceNorm(nn.Module):
    """Instance normalisation with gain and bias that hands back channels-last maps."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type == "cpu":
            # Each sample by itself through the batch norm, which knows channels-last: torch's own
            # instance norm reorders there and back, which takes twice the time.
            parts = [
                functional.batch_norm(one, None, None, self.weight, self.bias, training=True)
                for one in x.split(1)
            ]
            return torch.cat(parts).contiguous(memory_format=torch.channels_last)
        weight, bias = self.weight.to(x.dtype), self.bias.to(x.dtype)
        found = functional.instance_norm(x, weight=weight, bias=bias)
        return found.contiguous(memory_format=torch.channels_last)


class Spectral(nn.Module):
    """Divides a weight by its spectral norm, by power iteration (paper 5, section 3.2).

    One step of the iteration is made from the kept vector at each use, in training and in use, so
    that an average of weights has the norm of its own.

    Args:
        weight: (out, in, k, k), or (in, out, k, k) of a transposed convolution.
    """

    def __init__(self, weight: Tensor, transposed: bool) -> None:
        super().__init__()
        self.transposed = transposed
        u = torch.randn(weight.shape[1 if transposed else 0])
        self.register_buffer("u", u / u.norm())
        self.u: Tensor

    def forward(self, weight: Tensor) -> Tensor:
        with torch.autocast(weight.device.type, enabled=False):
            flat = (weight.transpose(0, 1) if self.transposed else weight).flatten(1).float()
            with torch.no_grad():
                v = functional.normalize(flat.T @ self.u, dim=0)
                u = functional.normalize(flat @ v, dim=0)
                if self.training:
                    self.u.copy_(u)
            return weight / torch.dot(u, flat @ v)


def spectral(module: ConvT, wanted: bool = True) -> ConvT:
    """The convolution with a weight of spectral norm 1, where wanted."""
    if wanted:
        norm = Spectral(module.weight.detach(), isinstance(module, nn.ConvTranspose2d))
        parametrize.register_parametrization(module, "weight", norm)
    return module


def fold_spectral(net: nn.Module) -> None:
    """Write the divided weights down: the same net without the iteration."""
    for module in net.modules():
        if parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)


class Attention(nn.Module):
    """Attention of all places of one map to all of another, gamma from 0 (paper 5, section 3.3).

    Larger maps are pooled: 128x64 places would have 67 million pairs.

    Args:
        channels: of the map that looks.
        of: channels of the map that is looked at; the same for self-attention.
        most: places of a map beyond which it is pooled.
    """

    def __init__(self, channels: int, of: int, most: int, spectral_norm: bool = False) -> None:
        super().__init__()
        inner = max(8, channels // 8)
        self.most = most
        self.query = spectral(nn.Conv2d(channels, inner, 1), spectral_norm)
        self.key = spectral(nn.Conv2d(of, inner, 1), spectral_norm)
        self.value = spectral(nn.Conv2d(of, channels, 1), spectral_norm)
        self.gamma = nn.Parameter(torch.zeros(1))
        self.received: Tensor | None = None
        """(B,h,w) float32 of the last use outside training: how much each place was looked at."""

    def forward(self, x: Tensor, other: Tensor | None = None) -> Tensor:
        small = self._pooled(x)
        looked_at = small if other is None else self._pooled(other)
        query, key = self.query(small).flatten(2), self.key(looked_at).flatten(2)
        value = self.value(looked_at).flatten(2)  # (B, C, m)
        # In 32 bits: of a sharp softmax the gradient all but cancels, in bf16 its rounding stays.
        with torch.autocast(x.device.type, enabled=False):
            weights = (query.float().transpose(1, 2) @ key.float()).softmax(-1)  # (B, n, m)
            found = value.float() @ weights.transpose(1, 2)
        if not self.training:
            self.received = weights.mean(1).unflatten(1, looked_at.shape[-2:])
        found = found.to(x.dtype).unflatten(2, small.shape[-2:])
        if found.shape[-2:] != x.shape[-2:]:
            found = functional.interpolate(found, x.shape[-2:], mode="bilinear")
        result = x + self.gamma.to(x.dtype) * found
        return result.contiguous(memory_format=torch.channels_last)

    def _pooled(self, x: Tensor) -> Tensor:
        by = 1
        while x.shape[-2] * x.shape[-1] > self.most * by * by:
            by *= 2
        return functional.avg_pool2d(x, by) if by > 1 else x


class Gate(nn.Module):
    """Attention of paper 2: the pose's code decides which features pass at each place.

    Args:
        channels: of the features.
        code: channels of the pose's code, which may be of a coarser map.
    """

    def __init__(self, channels: int, code: int) -> None:
        super().__init__()
        self.gate = nn.Conv2d(code, channels, 1)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        gate = 2.0 * self.gate(code).sigmoid()  # 1 for a code of zeros
        return x * functional.interpolate(gate, x.shape[-2:], mode="nearest")
