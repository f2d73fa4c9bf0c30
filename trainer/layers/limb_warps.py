"""Limb-wise affine warps between two poses (paper 2, section 3.1; deformable skip connections).

A limb is a rectangle around its bone. The affine transform of a limb is the least-squares fit of
its source rectangle's corners to its target rectangle's; it is computed once a pair, in coordinates
of [-1,1] over the picture, in which it holds at every resolution. Warped features are cut out with
the target rectangle and fused by their maximum, together with the background, which stays where it
is and is zero where the person stood.

Transforms lead from target to source, as sampling needs them. Nothing here has gradients except
the features that are warped.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional

from trainer.layers.limb_rectangles import OTHER_SIDE, PARTS, rectangles

__all__ = ["PARTS", "LimbWarps", "WarpPlan", "limb_warps", "rectangles"]

_EPSILON: Final = 1e-4


@dataclass(frozen=True)
class LimbWarps:
    """The transforms of a batch of pairs.

    Attributes:
        matrices: (B,10,2,3) float32, from the target to the source, both in [-1,1] (x, y; -1 and 1
            are the outer edges of the picture); zeros where a part is missing.
        present: (B,10) bool: the part can be brought from the source to the target.
        source_there, target_there: (B,10) bool: the pose has the part, or its other side.
        source, target: (B,10,4,2) float32, corners in [-1,1]; rectangles in px of the picture.
        size: (height, width) of the picture, px.
    """

    matrices: Tensor
    present: Tensor
    source_there: Tensor
    target_there: Tensor
    source: Tensor
    target: Tensor
    size: tuple[int, int]

    def masks(self, height: int, width: int, softness: float = 1.0) -> Tensor:
        """(B,10,height,width) float32 in [0,1]: where each part goes in the target."""
        drawn = rectangle_masks(self.target, height, width, softness)
        return drawn * self.present[..., None, None]

    def source_masks(self, height: int, width: int, softness: float = 1.0) -> Tensor:
        """(B,10,height,width) float32 in [0,1]: where each part is in the source."""
        drawn = rectangle_masks(self.source, height, width, softness)
        return drawn * self.source_there[..., None, None]

    def matrices_px(self) -> Tensor:
        """(B,10,2,3) float32: the transforms between px of the picture, centres at integers."""
        h, w = self.size
        scale = self.matrices.new_tensor([w / 2, h / 2])
        middle = self.matrices.new_tensor([(w - 1) / 2, (h - 1) / 2])
        linear = self.matrices[..., :2] * scale[:, None] / scale
        offset = self.matrices[..., 2] * scale + middle - linear @ middle
        return torch.cat([linear, offset[..., None]], -1) * self.present[..., None, None]

    def plan(self, height: int, width: int, overlaps: int = 2, softness: float = 1.0) -> "WarpPlan":
        """What warping features of (height, width) needs.

        Args:
            overlaps: how many parts a pixel can show; of more, those win whose rectangles it lies
                deepest in. 10 is the papers' form; beyond 2 hardly a pixel changes, and each costs
                as much as the first.
            softness: px of the features over which a rectangle's edge fades.
        """
        depths = rectangle_depths(self.target, height, width) / softness + 0.5
        depths = depths.masked_fill(~self.present[..., None, None], 0.0)
        coefficients = self.matrices.flatten(2)  # (B,10,6)
        y, x = _centres(height, width, depths.device)
        places, weights = [], []
        for _ in range(overlaps):
            deepest, which = depths.max(1)  # (B,h,w)
            chosen = which.flatten(1)[..., None].expand(-1, -1, 6)
            a, b, c, d, e, f = (
                coefficients.gather(1, chosen).unflatten(1, (height, width)).unbind(-1)
            )
            places.append(torch.stack([a * x + b * y + c, d * x + e * y + f], -1))
            weights.append(deepest.clamp(0.0, 1.0))
            if overlaps > 1:
                depths = depths.scatter(1, which[:, None], 0.0)
        behind = 1.0 - self.source_masks(height, width, softness).amax(1, keepdim=True)
        return WarpPlan(torch.stack(places, 1), torch.stack(weights, 1), behind)


@dataclass(frozen=True)
class WarpPlan:
    """How features of one resolution are warped.

    Attributes:
        places: (B,K,h,w,2) float32, where in the source [-1,1] each pixel of the target looks.
        weights: (B,K,h,w) float32 in [0,1]: the masks of the parts that are looked for there.
        background: (B,1,h,w) float32 in [0,1]: where nobody stands in the source.
    """

    places: Tensor
    weights: Tensor
    background: Tensor

    @cached_property
    def _taps(self) -> tuple[Tensor, Tensor]:
        index, share = bilinear_taps(self.places)
        return index, share * self.weights[..., None]

    def warp(self, features: Tensor) -> Tensor:
        """Warp and fuse by the maximum.

        Args:
            features: (B,C,h,w), any float type, the source's.
        Returns:
            (B,C,h,w) as the target has them. At least 0: a part that is not there gives zeros.
        """
        fused: Tensor = _WarpAndFuse.apply(
            features, self.places, self.weights, self.background, *self._taps
        )
        return fused


class _WarpAndFuse(torch.autograd.Function):
    """`WarpPlan.warp` by the quicker kernel in each direction: half of autograd's time.

    Forward reads rows of channels-last maps; backward is that of `grid_sample`.
    """

    @staticmethod
    def forward(
        ctx: Any,
        features: Tensor,
        places: Tensor,
        weights: Tensor,
        background: Tensor,
        index: Tensor,
        share: Tensor,
    ) -> Tensor:
        batch, channels, height, width = features.shape
        rows = features.permute(0, 2, 3, 1).reshape(-1, channels)  # no copy if channels-last
        largest = functional.relu(rows * background.reshape(-1, 1).to(rows.dtype))
        wins = [largest > 0]
        for k in range(index.shape[1]):
            part = functional.embedding_bag(
                index[:, k].reshape(-1, 4),
                rows,
                per_sample_weights=share[:, k].reshape(-1, 4).to(rows.dtype),
                mode="sum",
            )
            wins.append(part > largest)
            largest = torch.maximum(largest, part)
        ctx.save_for_backward(places, weights, background, *wins)
        return largest.view(batch, height, width, channels).permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        places, weights, background, *wins = ctx.saved_tensors
        batch, channels, height, width = gradients[0].shape
        left = gradients[0].permute(0, 2, 3, 1).reshape(-1, channels)
        empty = left.new_zeros((1,), dtype=torch.float32).expand(gradients[0].shape)
        found: Tensor | None = None
        for k in range(places.shape[1] - 1, -1, -1):  # the last that grew the result is largest
            win = wins[k + 1]
            of_part = (left * win).float() * weights[:, k].reshape(-1, 1)
            left = left.masked_fill(win, 0.0)
            maps = of_part.view(batch, height, width, channels).permute(0, 3, 1, 2)
            (of_part, _) = torch.ops.aten.grid_sampler_2d_backward(
                maps.contiguous(), empty, places[:, k], 0, 0, False, [True, False]
            )
            found = of_part if found is None else found.add_(of_part)
        behind = (left * wins[0]).float() * background.reshape(-1, 1)
        total = behind.view(batch, height, width, channels).permute(0, 3, 1, 2)
        total = total if found is None else total + found
        return total.to(gradients[0].dtype), None, None, None, None, None


def bilinear_taps(places: Tensor) -> tuple[Tensor, Tensor]:
    """Which pixels a bilinear look-up reads, as rows of maps laid out (B*h*w, C).

    Args:
        places: (B,K,h,w,2) float32 in [-1,1].
    Returns:
        (B,K,h,w,4) int64 rows and their shares, float32; pixels outside have a share of 0.
    """
    batch, _, height, width, _ = places.shape
    x = places[..., 0] * (width / 2) + (width - 1) / 2
    y = places[..., 1] * (height / 2) + (height - 1) / 2
    left, top = x.floor(), y.floor()
    x, y = x - left, y - top
    # Far outside is as good as just outside; int64 of a huge float would not be.
    left, top = left.clamp(-2, width).long(), top.clamp(-2, height).long()
    first = torch.arange(batch, device=places.device).view(-1, 1, 1, 1) * (height * width)
    columns, rows = [], []
    for step in (0, 1):
        column, row = left + step, top + step
        inside = (column >= 0) & (column < width), (row >= 0) & (row < height)
        columns.append((column.clamp(0, width - 1), (x if step else 1 - x) * inside[0]))
        rows.append((row.clamp(0, height - 1) * width + first, (y if step else 1 - y) * inside[1]))
    index = [row + column for row, _ in rows for column, _ in columns]
    share = [down * across for _, down in rows for _, across in columns]
    return torch.stack(index, -1), torch.stack(share, -1)


def sample(features: Tensor, places: Tensor) -> Tensor:
    """Look features up between pixels, zero outside.

    Args:
        features: (B,C,h,w), any float type.
        places: (B,H,W,2) float32 in [-1,1].
    Returns:
        (B,C,H,W) of the features' type.
    """
    # The kernel knows no 16 bits on a CPU, and places in 16 bits would be pixels off.
    with torch.autocast(features.device.type, enabled=False):
        found = functional.grid_sample(
            features.float(), places.float(), mode="bilinear", align_corners=False
        )
    return found.to(features.dtype)


def limb_warps(source: Tensor, target: Tensor, size: tuple[int, int]) -> LimbWarps:
    """Fit the transforms of a batch of pairs.

    A part that the source lacks is taken from the other side of the body, if that is there.

    Args:
        source, target: (B,17,3) keypoints, px of a picture of this size, and visibility.
        size: (height, width) px.
    """
    of_source, has_source = rectangles(source)
    of_target, has_target = rectangles(target)
    other = list(OTHER_SIDE)
    lent = ~has_source & has_source[:, other]
    of_source = torch.where(lent[..., None, None], of_source[:, other], of_source)
    present = (has_source | lent) & has_target
    matrices = fit_affines(normalised(of_target, size), normalised(of_source, size))
    return LimbWarps(
        matrices * present[..., None, None],
        present,
        has_source | lent,
        has_target,
        normalised(of_source, size),
        normalised(of_target, size),
        size,
    )


def fit_affines(start: Tensor, end: Tensor) -> Tensor:
    """Least-squares affine transforms of corners.

    Args:
        start, end: (...,4,2).
    Returns:
        (...,2,3) float32 that leads from `start` to `end`; of corners that lie on a line, the
        smallest transform that fits.
    """
    middle, aim = start.mean(-2, keepdim=True), end.mean(-2, keepdim=True)
    centred, wanted = start - middle, end - aim  # (...,4,2)
    square = centred.transpose(-1, -2) @ centred  # (...,2,2)
    # Far below what a rectangle of a pixel has; keeps the inverse finite.
    ridge = _EPSILON * _EPSILON * torch.eye(2, device=start.device)
    a, b, d = square[..., 0, 0] + ridge[0, 0], square[..., 0, 1], square[..., 1, 1] + ridge[1, 1]
    inverse = torch.stack([torch.stack([d, -b], -1), torch.stack([-b, a], -1)], -2)
    inverse = inverse / (a * d - b * b).clamp_min(1e-16)[..., None, None]
    linear = (inverse @ (centred.transpose(-1, -2) @ wanted)).transpose(-1, -2)
    offset = aim.transpose(-1, -2) - linear @ middle.transpose(-1, -2)
    return torch.cat([linear, offset], -1)


def rectangle_masks(corners: Tensor, height: int, width: int, softness: float = 1.0) -> Tensor:
    """Draw rectangles with soft edges.

    Args:
        corners: (B,P,4,2) in [-1,1], going round in either direction.
        softness: px of the mask over which an edge fades, half of them on either side.
    Returns:
        (B,P,height,width) float32 in [0,1]; an edge runs through one half.
    """
    return (rectangle_depths(corners, height, width) / softness + 0.5).clamp(0.0, 1.0)


def rectangle_depths(corners: Tensor, height: int, width: int) -> Tensor:
    """(B,P,height,width) float32 px: how far inside the nearest edge; negative outside."""
    scale = corners.new_tensor([width / 2, height / 2])
    at = corners * scale  # px from the middle
    middle = at.mean(-2)  # (B,P,2)
    y, x = _centres(height, width, corners.device)
    depth = torch.full((1, 1, 1, 1), torch.inf, device=corners.device)
    for edge, other in ((1, 3), (3, 1)):
        along = at[..., edge, :] - at[..., 0, :]
        across = torch.stack([-along[..., 1], along[..., 0]], -1)
        across = across / across.norm(dim=-1, keepdim=True).clamp_min(1e-6)
        half = ((at[..., other, :] - at[..., 0, :]) * across).sum(-1).abs() / 2
        # A linear form is the sum of a row and a column: one pass over the pixels.
        row = across[..., :1] * (x[0] * scale[0]) - (across * middle).sum(-1, keepdim=True)
        column = across[..., 1:] * (y[:, 0] * scale[1])
        far = (row[..., None, :] + column[..., None]).abs_()
        depth = torch.minimum(depth, half[..., None, None] - far)
    return depth


def half_widths(corners: Tensor, height: int, width: int) -> Tensor:
    """(B,P) px of a map of (height, width): half of each rectangle's shorter side."""
    at = corners * corners.new_tensor([width / 2, height / 2])
    sides = (at[..., 1:, :] - at[..., :1, :]).norm(dim=-1)  # to each other corner
    return torch.minimum(sides[..., 0], sides[..., 2]) / 2


def _centres(height: int, width: int, device: torch.device | str) -> tuple[Tensor, Tensor]:
    """(height,1) y and (1,width) x of the pixels' centres in [-1,1]."""
    y = (torch.arange(height, device=device) * 2 + 1) / height - 1
    x = (torch.arange(width, device=device) * 2 + 1) / width - 1
    return y[:, None], x[None]


def base_grid(height: int, width: int, device: torch.device | str = "cpu") -> Tensor:
    """(height,width,2) float32: x, y in [-1,1] of the pixels' centres."""
    y, x = torch.broadcast_tensors(*_centres(height, width, device))
    return torch.stack([x, y], -1)


def normalised(points: Tensor, size: tuple[int, int]) -> Tensor:
    """(...,2) px, pixel centres at integers, to [-1,1] over the picture's outer edges."""
    height, width = size
    return (points * 2 + 1) / points.new_tensor([width, height]) - 1
