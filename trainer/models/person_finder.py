"""A small finder of people: a heatmap of box middles, with sizes and offsets beside it.

Paper 4 takes the boxes as given; somebody has to find them. This is "Objects as points" (CenterNet,
Zhou et al. 2019) on a residual net of our own, with TTFNet's many cells a person (Liu et al. 2020),
which learns in minutes what CenterNet's single cell takes hours for.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

STRIDE = 8
_LARGEST = 4.5  # log of a box's side in cells; e**4.5 cells are 720 px


@dataclass(frozen=True)
class PersonFinderConfig:
    """What fixes the weights' shapes.

    Attributes:
        input_px: side of the letterboxed picture, a multiple of 64.
        widths: channels at 1/2, 1/4, 1/8, 1/16, 1/32 and 1/64 of it.
        blocks: residual blocks at each of these, the first excepted.
        neck: channels of the map that all scales are added into.
    """

    input_px: int = 256
    widths: tuple[int, ...] = (16, 32, 64, 96, 112, 112)
    blocks: tuple[int, ...] = (1, 2, 2, 1, 1)
    neck: int = 64


class _Convolution(nn.Sequential):
    """3x3 or 1x1 convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class _Block(nn.Module):
    """Two convolutions and a skip, (B, C, h, w) to the same."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _Convolution(channels, channels)
        self.second = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.second(self.first(x)))


class PersonFinder(nn.Module):
    """From pictures to maps of people."""

    def __init__(self, config: PersonFinderConfig) -> None:
        super().__init__()
        self.config = config
        widths, neck = config.widths, config.neck
        if len(config.blocks) != len(widths) - 1:
            raise ValueError("A finder has blocks at every scale but the first.")
        self.stem = _Convolution(3, widths[0], stride=2)
        self.stages = nn.ModuleList(
            nn.Sequential(
                _Convolution(inputs, outputs, stride=2), *(_Block(outputs) for _ in range(count))
            )
            for inputs, outputs, count in zip(widths, widths[1:], config.blocks, strict=False)
        )
        self.laterals = nn.ModuleList(_Convolution(w, neck, kernel=1) for w in widths[2:])
        self.joined = _Block(neck)
        self.head = _Convolution(neck, neck)
        self.centre = nn.Conv2d(neck, 1, 1)
        self.box = nn.Conv2d(neck, 4, 1)
        nn.init.constant_(self.centre.bias, -4.0)  # type: ignore[arg-type]  # people are rare
        nn.init.constant_(self.box.bias, 0.0)  # type: ignore[arg-type]
        with torch.no_grad():
            self.box.bias[2:] = 2.0  # type: ignore[index]  # a typical person is 7 cells high

    def forward(self, image: Tensor) -> Tensor:
        """Find people.

        Args:
            image: (B,3,s,s) float in [-1,1], RGB; s divides by 64.
        Returns:
            (B,5,s/8,s/8): logit that a person's middle is in the cell; the middle's x and y from
            the cell's own, in cells; logarithms of the box's width and height in cells.
        """
        x = self.stem(image)
        scales = []
        for stage in self.stages:
            x = stage(x)
            scales.append(x)
        kept = scales[1:]  # from 1/8 on
        merged = self.laterals[-1](kept[-1])
        for lateral, scale in zip(reversed(self.laterals[:-1]), reversed(kept[:-1]), strict=True):
            merged = functional.interpolate(merged, scale_factor=2.0, mode="nearest")
            merged = merged + lateral(scale)  # (B, neck, ...)
        features = self.head(self.joined(merged))  # (B, neck, s/8, s/8)
        return torch.cat([self.centre(features), self.box(features)], dim=1).float()


def boxes_of(maps: Tensor) -> Tensor:
    """The box that each cell speaks of.

    Args:
        maps: (B,5,h,w) of `PersonFinder`.
    Returns:
        (B,4,h,w): x, y, width, height in input px.
    """
    height, width = maps.shape[-2:]
    columns = torch.arange(width, device=maps.device, dtype=maps.dtype) + 0.5
    rows = torch.arange(height, device=maps.device, dtype=maps.dtype) + 0.5
    size = maps[:, 3:5].clamp(-3.0, _LARGEST).exp()
    x = columns + maps[:, 1] - size[:, 0] / 2
    y = rows[:, None] + maps[:, 2] - size[:, 1] / 2
    return torch.stack([x, y, size[:, 0], size[:, 1]], dim=1) * STRIDE


def decode(maps: Tensor, most: int = 64) -> tuple[Tensor, Tensor]:
    """The most likely people of each picture, best first; several may still be one person.

    Args:
        maps: (B,5,h,w) of `PersonFinder`.
        most: how many a picture.
    Returns:
        (B,N,4) x, y, width, height in input px, and (B,N) scores, 0-1.
    """
    score = maps[:, :1].sigmoid()
    peak = score * (functional.max_pool2d(score, 3, 1, 1) == score)
    scores, places = peak.flatten(1).topk(min(most, peak[0].numel()), dim=1)
    boxes = boxes_of(maps).flatten(2).transpose(1, 2)  # (B, h*w, 4)
    chosen = boxes.gather(1, places[..., None].expand(-1, -1, 4))
    return chosen, scores
