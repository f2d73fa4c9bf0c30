"""Levels of encoders and decoders of pictures (paper 2, section 3.3)."""

from itertools import pairwise
from typing import Final

from torch import Tensor, nn
from torch.nn import functional

from trainer.layers.adversarial_blocks import InstanceNorm, spectral

SLOPE: Final = 0.2  # of the leaky ReLUs


class Encoder(nn.Module):
    """A stream: (B,C,H,W) to features at full size and after each halving."""

    def __init__(self, channels: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, widths[0], 3, padding=1)
        self.down = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, 4, stride=2, padding=1), InstanceNorm(b))
            for a, b in pairwise(widths)
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        found = [functional.leaky_relu(self.first(x), SLOPE)]
        for down in self.down:
            found.append(functional.leaky_relu(down(found[-1]), SLOPE))
        return found


class Up(nn.Module):
    """A level of the decoder, (B,C,h,w) -> (B,out,2h,2w)."""

    def __init__(
        self, channels: int, out: int, *, blocks: int, dropout: float, spectral_norm: bool
    ) -> None:
        super().__init__()
        conv = nn.ConvTranspose2d(channels, out, 4, stride=2, padding=1)
        self.conv = spectral(conv, spectral_norm)
        self.norm = InstanceNorm(out)
        self.blocks = nn.ModuleList(Residual(out, spectral_norm) for _ in range(blocks))
        self.dropout = dropout

    def forward(self, x: Tensor) -> Tensor:
        x = functional.leaky_relu(self.norm(self.conv(x)), SLOPE)
        for block in self.blocks:
            x = block(x)
        return functional.dropout(x, self.dropout, self.training) if self.dropout else x


class Residual(nn.Module):
    def __init__(self, channels: int, spectral_norm: bool) -> None:
        super().__init__()
        self.first = spectral(nn.Conv2d(channels, channels, 3, padding=1), spectral_norm)
        self.norm = InstanceNorm(channels)
        self.second = spectral(nn.Conv2d(channels, channels, 3, padding=1), spectral_norm)

    def forward(self, x: Tensor) -> Tensor:
        inner = functional.leaky_relu(self.norm(self.first(x)), SLOPE)
        return functional.leaky_relu(x + self.second(inner), SLOPE)


class Head(nn.Module):
    """Features to a picture and what else a level gives, before tanh and sigmoid."""

    def __init__(
        self, channels: int, width: int, out: int, *, hidden: bool, spectral_norm: bool
    ) -> None:
        super().__init__()
        self.first = (
            spectral(nn.Conv2d(channels, width, 3, padding=1), spectral_norm) if hidden else None
        )
        self.last = nn.Conv2d(width if hidden else channels, out, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        if self.first is not None:
            x = functional.leaky_relu(self.first(x), SLOPE)
        found: Tensor = self.last(x)
        return found
