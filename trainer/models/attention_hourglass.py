"""Stacked hourglass with self-attention, and the hourglass that judges its heatmaps.

Paper 4, "Human pose estimation with self-attention generative adversarial networks": the generator
is a stack of hourglasses, the first plain and the others closed by a self-attention residual module
(SARM, figure 4); the discriminator is one hourglass whose skips are SARMs and which reconstructs
the heatmaps it is shown beside the photograph.

Beyond the paper: maps may gain channels where they shrink, as in Newell et al.'s hourglasses for
associative embedding, and the stem may be light, which trains nearly twice as fast on a CPU;
heatmaps are logits under a softmax over the pixels, which learns faster than regression to
Gaussians; neck and top of the head are two auxiliary maps; a head tells for each joint whether it
is in the picture and whether it is hidden.

Costs of a crop, forward: the `small` preset .25 billion multiplications and 2.4 million weights,
`full` 18.6 billion and 13.3 million. One processor thread trains `small` on some 70 crops a second.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

KEYPOINTS = 17
AUXILIARY = 2  # neck, top of the head
MAPS = KEYPOINTS + AUXILIARY
STRIDE = 4
_SHARPNESS = 10.0
"""Of attention: a place like oneself counts e^10 times as much as one with nothing in common."""


@dataclass(frozen=True)
class AttentionHourglassConfig:
    """What fixes the weights' shapes.

    Attributes:
        input_px: side of the square crop.
        box_to_crop: that side over the longer one of the person's box.
        stacks: hourglasses in a row; all but the first have attention.
        features: channels of the finest maps (256 throughout in the paper).
        growth: channels added each time an hourglass halves its maps (0 in the paper).
        depth: how often an hourglass halves its maps.
        light_stem: two strided convolutions instead of the paper's 7x7, residuals and pooling.
        attention: "" none, "A" or "B" of figure 4.
        attended_px: side of the largest map that attention looks over; larger ones are pooled.
    """

    input_px: int = 128
    box_to_crop: float = 1.2
    stacks: int = 2
    features: int = 128
    growth: int = 0
    depth: int = 4
    light_stem: bool = False
    attention: str = "B"
    attended_px: int = 16


@dataclass(frozen=True)
class JudgeConfig:
    """The discriminator; `attention` as for the generator."""

    features: int = 48
    depth: int = 3
    attention: str = "A"


class Residual(nn.Module):
    """Pre-activated bottleneck, (B, C, h, w) -> (B, out, h, w)."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        half = out // 2
        self.body = nn.Sequential(
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, half, 1, bias=False),
            nn.BatchNorm2d(half),
            nn.ReLU(inplace=True),
            nn.Conv2d(half, half, 3, padding=1, bias=False),
            nn.BatchNorm2d(half),
            nn.ReLU(inplace=True),
            nn.Conv2d(half, out, 1),
        )
        self.skip = nn.Conv2d(channels, out, 1) if channels != out else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.skip(x) + self.body(x)


class SelfAttentionResidual(nn.Module):
    """SARM of figure 4: a residual module joined by an attention map over all positions.

    Form A applies the map to the residual module's output, form B to the module's input, whose
    result is added to the output. gamma starts at 0 as in SAGAN, so the module starts as a plain
    residual one. Maps larger than `attended_px` are pooled first: attention over 32x32 positions
    took 40 % of a training step, over 16x16 it takes 3 %.

    Args:
        form: "A" or "B".
        attended_px: side of the largest map that is attended over.
    """

    def __init__(self, channels: int, form: str, attended_px: int) -> None:
        super().__init__()
        if form not in ("A", "B"):
            raise ValueError(f"A SARM has form A or B, not {form}.")
        self.form = form
        self.attended_px = attended_px
        inner = max(8, channels // 8)
        self.residual = Residual(channels, channels)
        self.query = nn.Conv2d(channels, inner, 1)
        self.key = nn.Conv2d(channels, inner, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        out = self.residual(x)
        attended = self._attend(x, out if self.form == "A" else x)
        return out + self.gamma.to(attended.dtype) * attended  # or float32 would spread

    def _attend(self, x: Tensor, values: Tensor) -> Tensor:
        by = max(1, x.shape[-1] // self.attended_px)
        if by > 1:
            x, values = functional.avg_pool2d(x, by), functional.avg_pool2d(values, by)
        size, precision = x.shape[-2:], values.dtype
        query, key = self.query(x).flatten(2), self.key(x).flatten(2)  # (B, inner, n)
        value = self.value(values).flatten(2)  # (B, C, n)
        # In 32 bits and of vectors of length 1: with products of what a residual stream holds the
        # softmax knew one place only, and in bf16 the rounding of its gradient, which should all
        # but cancel, came to several times the gradient of the whole net.
        with torch.autocast(x.device.type, enabled=False):
            query = functional.normalize(query.float(), dim=1)
            key = functional.normalize(key.float(), dim=1)
            weights = (_SHARPNESS * query.transpose(1, 2) @ key).softmax(-1)  # (B, n, n)
            result = (value.float() @ weights.transpose(1, 2)).unflatten(2, size)
        result = result.to(precision)
        if by > 1:
            result = functional.interpolate(result, scale_factor=float(by), mode="bilinear")
        return result  # (B, C, h, w)


class Hourglass(nn.Module):
    """Down and up again with skips, (B, C, h, w) to the same; h and w divide by 2**depth.

    Args:
        growth: channels added at each halving.
        skip_attention: form of the SARMs that replace the residual modules of the skips.
    """

    def __init__(
        self,
        channels: int,
        depth: int,
        growth: int = 0,
        skip_attention: str = "",
        attended_px: int = 16,
    ) -> None:
        super().__init__()
        widths = [channels + growth * level for level in range(depth + 1)]
        self.skips = nn.ModuleList(
            SelfAttentionResidual(width, skip_attention, attended_px)
            if skip_attention
            else Residual(width, width)
            for width in widths[:-1]
        )
        steps = list(pairwise(widths))
        self.down = nn.ModuleList(Residual(fine, coarse) for fine, coarse in steps)
        self.middle = Residual(widths[-1], widths[-1])
        self.up = nn.ModuleList(Residual(coarse, fine) for fine, coarse in reversed(steps))

    def forward(self, x: Tensor) -> Tensor:
        kept = []
        for skip, down in zip(self.skips, self.down, strict=True):
            kept.append(skip(x))
            x = down(functional.max_pool2d(x, 2))
        x = self.middle(x)
        for up in self.up:
            x = functional.interpolate(up(x), scale_factor=2.0, mode="nearest") + kept.pop()
        return x


def _stem(channels: int) -> nn.Sequential:
    """(B,3,s,s) to (B,channels,s/4,s/4), as in the paper."""
    half = channels // 2
    return nn.Sequential(
        nn.Conv2d(3, half, 7, stride=2, padding=3, bias=False),
        nn.BatchNorm2d(half),
        nn.ReLU(inplace=True),
        Residual(half, channels),
        nn.MaxPool2d(2),
        Residual(channels, channels),
    )


def _light_stem(channels: int) -> nn.Sequential:
    """The same shapes; residuals at half of the picture's size took half of a training step."""
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.Conv2d(32, channels, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
        Residual(channels, channels),
    )


class AttentionHourglass(nn.Module):
    """The generator: from photographs to the heatmaps of their person."""

    def __init__(self, config: AttentionHourglassConfig) -> None:
        super().__init__()
        self.config = config
        c = config.features
        self.stem = _light_stem(c) if config.light_stem else _stem(c)
        self.hourglasses = nn.ModuleList(
            Hourglass(c, config.depth, config.growth) for _ in range(config.stacks)
        )
        self.closing = nn.ModuleList(
            SelfAttentionResidual(c, config.attention, config.attended_px)
            if config.attention and stack > 0
            else Residual(c, c)
            for stack in range(config.stacks)
        )
        self.lines = nn.ModuleList(
            nn.Sequential(nn.Conv2d(c, c, 1, bias=False), nn.BatchNorm2d(c), nn.ReLU(inplace=True))
            for _ in range(config.stacks)
        )
        self.heads = nn.ModuleList(nn.Conv2d(c, MAPS, 1) for _ in range(config.stacks))
        self.features_back = nn.ModuleList(nn.Conv2d(c, c, 1) for _ in range(config.stacks - 1))
        self.maps_back = nn.ModuleList(nn.Conv2d(MAPS, c, 1) for _ in range(config.stacks - 1))
        self.presence = nn.Sequential(
            nn.Linear(2 * c + 1, c), nn.ReLU(inplace=True), nn.Linear(c, 2)
        )

    def forward(self, image: Tensor) -> tuple[list[Tensor], Tensor]:
        """Find the joints.

        Args:
            image: (B,3,s,s) float in [-1,1], RGB.
        Returns:
            For each stack (B,19,s/4,s/4) logits, whose softmax over the pixels is where the joint
            is; and (B,17,2) logits: the joint is in the picture, and it is seen.
        """
        x = self.stem(image)  # (B, C, s/4, s/4)
        outputs = []
        last = len(self.hourglasses) - 1
        for stack in range(last + 1):
            features = self.lines[stack](self.closing[stack](self.hourglasses[stack](x)))
            maps = self.heads[stack](features)
            outputs.append(maps)
            if stack < last:
                x = x + self.features_back[stack](features) + self.maps_back[stack](maps)
        return outputs, self._presence(features, outputs[-1])

    def _presence(self, features: Tensor, maps: Tensor) -> Tensor:
        # What a joint looks like at its place, what the picture looks like, how sharp the map is.
        logits = maps[:, :KEYPOINTS].flatten(2).float().detach()  # (B, 17, h*w)
        where = logits.softmax(-1).to(features.dtype)
        local = where @ features.flatten(2).transpose(1, 2)  # (B, 17, C)
        whole = features.mean((2, 3))[:, None].expand_as(local)
        peak = where.amax(-1, keepdim=True)
        return self.presence(torch.cat([local, whole, peak], dim=-1)).float()


class HeatmapJudge(nn.Module):
    """The discriminator: an hourglass that reconstructs heatmaps, seeing the photograph."""

    def __init__(self, config: JudgeConfig) -> None:
        super().__init__()
        c = config.features
        self.start = nn.Sequential(nn.Conv2d(3 + KEYPOINTS, c, 3, padding=1), Residual(c, c))
        self.hourglass = Hourglass(c, config.depth, skip_attention=config.attention)
        self.end = nn.Conv2d(c, KEYPOINTS, 1)

    def forward(self, image: Tensor, heatmaps: Tensor) -> Tensor:
        """Reconstruct heatmaps.

        Args:
            image: (B,3,s,s) in [-1,1].
            heatmaps: (B,17,s/4,s/4), peaks near 1.
        Returns:
            (B,17,s/4,s/4).
        """
        small = functional.avg_pool2d(image, STRIDE)
        return self.end(self.hourglass(self.start(torch.cat([small, heatmaps], dim=1))))
