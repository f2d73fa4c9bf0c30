"""Poses as heatmaps and back (paper 1, section 3.2), vectorised in torch.

Keypoints are always in pixels of the 64-pixel heatmap, pixel centres at integers. A smaller map
covers the same square: pixel i of a 32-pixel map is centred on 2i + 0.5.
"""

from __future__ import annotations

import torch
from torch import Tensor

SIZE_PX = 64
SIGMA_PX = 2.0
THRESHOLD = 0.2


def draw(keypoints: Tensor, present: Tensor, size: int = SIZE_PX) -> Tensor:
    """One Gaussian a keypoint, peak 1, standard deviation 2 px of the 64-pixel map.

    Args:
        keypoints: (B, J, 2) float, px of the 64-pixel heatmap.
        present: (B, J) bool; an absent keypoint's map is zero.
        size: height and width of the maps.
    Returns:
        (B, J, size, size) in [0, 1].
    """
    factor = SIZE_PX / size
    grid = (torch.arange(size, device=keypoints.device, dtype=keypoints.dtype) + 0.5) * factor - 0.5
    offsets = grid - keypoints[..., None]  # (B, J, 2, size)
    profiles = torch.exp(offsets.square() / (-2.0 * SIGMA_PX**2))
    profiles = profiles * present[..., None, None]
    # exp(-(dx^2 + dy^2)) is a product: two profiles cost size values, not size^2.
    return profiles[:, :, 1, :, None] * profiles[:, :, 0, None, :]


def decode(heatmaps: Tensor) -> tuple[Tensor, Tensor]:
    """The maximum of every map, refined below a pixel.

    Args:
        heatmaps: (B, J, S, S) in [0, 1].
    Returns:
        (B, J, 2) float32 px of the 64-pixel heatmap, and (B, J) float32 the value at the maximum
        (apply the threshold to it).
    """
    size = heatmaps.shape[-1]
    flat = heatmaps.float().flatten(2)  # (B, J, S*S)
    peak, index = flat.max(dim=2)
    row, column = index // size, index % size
    x = column + _refine(flat, index, column, 1, size)
    y = row + _refine(flat, index, row, size, size)
    factor = SIZE_PX / size
    refined = (torch.stack([x, y], dim=-1) + 0.5) * factor - 0.5
    return refined.clamp(0.0, SIZE_PX - 1.0), peak.clamp(0.0, 1.0)


def _refine(flat: Tensor, index: Tensor, position: Tensor, stride: int, size: int) -> Tensor:
    """Offset of a Gaussian's centre from the three values around its maximum, px of the map."""
    inside = (position > 0) & (position < size - 1)
    at = torch.where(inside, index, index.new_tensor(size + 1)).unsqueeze(2)
    low, middle, high = (
        flat.gather(2, at + step).squeeze(2).clamp_min(1e-4).log() for step in (-stride, 0, stride)
    )
    # The logarithm of a Gaussian is a parabola, whose vertex three points give exactly.
    curvature = (2.0 * middle - low - high).clamp_min(1e-6)
    return torch.where(inside, ((high - low) / (2.0 * curvature)).clamp(-0.5, 0.5), 0.0)
