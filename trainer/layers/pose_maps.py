"""A pose as maps that a network sees: Gaussians around the joints."""

import torch
from torch import Tensor


def gaussian_maps(
    keypoints: Tensor, size: tuple[int, int], height: int, width: int, sigma: float
) -> Tensor:
    """Draw one map a joint: 1 at the joint, 0 everywhere if it is missing.

    Args:
        keypoints: (B,17,3) px of a picture of `size`, centres at integers, and visibility.
        size: (height, width) px of the picture.
        height, width: of the maps.
        sigma: px of the picture.
    Returns:
        (B,17,height,width) float32.
    """
    there = (keypoints[..., 2] > 0).float()
    factors = []
    for axis, (count, full) in enumerate(((width, size[1]), (height, size[0]))):
        step = full / count
        centres = (torch.arange(count, device=keypoints.device) + 0.5) * step - 0.5
        far = (keypoints[..., axis, None] - centres) / sigma
        factors.append(torch.exp(-0.5 * far * far))  # (B,17,count)
    across, down = factors
    return (down * there[..., None])[..., None] * across[..., None, :]
