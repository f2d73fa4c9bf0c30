"""A warp that is learnt: which limb's motion each place follows, and how it strays from it.

The limbs' affine transforms are blended by how deep a place lies in each rectangle; a small net
shifts the blend (it sees which arm is in front) and adds a displacement. Untrained it is the
limb-wise warp, continued beyond the rectangles to hair, skirts and bags.
"""

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainer.layers.limb_warps import (
    PARTS,
    LimbWarps,
    base_grid,
    half_widths,
    rectangle_depths,
    sample,
)

_SOFTNESS: Final = 0.05  # of a limb's half width: over which its motion passes into another's
_NEAR: Final = (0.04, 0.03)  # of the map's height: how far a limb brings pixels, how it fades there
_STAY: Final = -1e3  # logit of staying in place, for people without a single limb
_REACH: Final = 0.1  # displacement of an output of 1, of half the picture


class LimbFlow(nn.Module):
    """Places of the source to look at, for every place of the target.

    Args:
        maps: channels of the maps of the target's pose.
        width: channels of the net at its finest.
    """

    def __init__(self, maps: int, width: int) -> None:
        super().__init__()
        wide = 2 * width
        self.first = nn.Conv2d(maps + 4, width, 3, padding=1)
        self.down1 = nn.Conv2d(width, wide, 4, stride=2, padding=1)
        self.down2 = nn.Conv2d(wide, wide, 4, stride=2, padding=1)
        self.middle = nn.Conv2d(wide, wide, 3, padding=1)
        self.up1 = nn.ConvTranspose2d(wide, wide, 4, stride=2, padding=1)
        self.up2 = nn.ConvTranspose2d(2 * wide, width, 4, stride=2, padding=1)
        self.last = nn.Conv2d(2 * width, len(PARTS) + 2, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        assert self.last.bias is not None
        nn.init.zeros_(self.last.bias)

    def forward(self, warps: LimbWarps, maps: Tensor, picture: Tensor) -> tuple[Tensor, Tensor]:
        """Find the places.

        Args:
            maps: (B,maps,h,w), the target's pose.
            picture: (B,4,h,w), the source's colours and mask.
        Returns:
            (B,h,w,2) float32 in [-1,1] of the source, and (B,1,h,w) in [0,1]: how near a limb is.
            Far from all of them a place finds what lies beside a limb in the source, which is
            right for hair and skirts only close by.
        """
        height, width = maps.shape[-2:]
        missing = ~warps.present[..., None, None]
        depths = rectangle_depths(warps.target, height, width).masked_fill(missing, -1e4)
        margin, fade = (share * height for share in _NEAR)
        near = ((depths.amax(1, keepdim=True) + margin) / fade).clamp(0.0, 1.0)
        # Within a limb by its own width: an arm is as deep as the torso that it crosses.
        wide = half_widths(warps.target, height, width).clamp_min(0.5)[..., None, None]
        depths = torch.where(depths > 0, depths / wide, depths / (0.06 * height)) / _SOFTNESS
        still = torch.full_like(depths[:, :1], _STAY)
        grid = base_grid(height, width, maps.device)  # (h,w,2)
        brought = sample(picture, _blend(warps, torch.cat([depths, still], 1), grid))
        a = _soft(self.first(torch.cat([maps.to(brought.dtype), brought], 1)))
        b = _soft(self.down1(a))
        c = _soft(self.middle(_soft(self.down2(b))))
        d = torch.cat([_soft(self.up1(c)), b], 1)
        out = self.last(torch.cat([_soft(self.up2(d)), a], 1)).float()
        logits = torch.cat([depths + out[:, :-2], still], 1)
        return _blend(warps, logits, grid) + _REACH * out[:, -2:].permute(0, 2, 3, 1), near


def resized_places(places: Tensor, height: int, width: int) -> Tensor:
    """(B,h,w,2) places for another resolution, (B,height,width,2)."""
    if places.shape[1:3] == (height, width):
        return places
    maps = places.permute(0, 3, 1, 2)
    if places.shape[1] > height:
        maps = functional.adaptive_avg_pool2d(maps, (height, width))
    else:
        # Between the centres of the outermost pixels and the rim the slope must go on.
        maps = functional.pad(maps, (1, 1, 1, 1), mode="replicate")
        maps[:, :, :, 0] = 2 * maps[:, :, :, 1] - maps[:, :, :, 2]
        maps[:, :, :, -1] = 2 * maps[:, :, :, -2] - maps[:, :, :, -3]
        maps[:, :, 0] = 2 * maps[:, :, 1] - maps[:, :, 2]
        maps[:, :, -1] = 2 * maps[:, :, -2] - maps[:, :, -3]
        by = height // places.shape[1]
        maps = functional.interpolate(maps, scale_factor=float(by), mode="bilinear")
        maps = maps[:, :, by:-by, by:-by]
    return maps.permute(0, 2, 3, 1)


def _blend(warps: LimbWarps, logits: Tensor, grid: Tensor) -> Tensor:
    """(B,h,w,2): the transforms of all parts, and staying, weighted by a softmax."""
    weights = logits.softmax(1)  # (B,11,h,w)
    stay = grid.new_tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    matrices = torch.cat([warps.matrices, stay.expand(len(weights), 1, 2, 3)], 1).flatten(2)
    coefficients = torch.einsum("bphw,bpc->bhwc", weights, matrices).unflatten(-1, (2, 3))
    return (coefficients[..., :2] * grid[..., None, :]).sum(-1) + coefficients[..., 2]


def _soft(x: Tensor) -> Tensor:
    return functional.leaky_relu(x, 0.2)
