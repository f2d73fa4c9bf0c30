"""From heatmap logits to joints between the pixels."""

import torch
from torch import Tensor


def decode(logits: Tensor, radius: int = 2) -> tuple[Tensor, Tensor]:
    """The peak of each map, refined by the mean of the probability around it.

    A whole pixel of a map is four pixels of the crop; the mean over a window around the peak has
    no such step, and unlike the mean over the whole map it ignores a second, weaker peak. The
    window's edges are smooth, so that the result does not jump.

    Args:
        logits: (B,J,h,w) float32, softmax over the pixels.
        radius: of the window, px.
    Returns:
        (B,J,2) x, y in heatmap px, and (B,J) the probability within the window.
    """
    height, width = logits.shape[-2:]
    probability = logits.flatten(2).softmax(-1).unflatten(2, (height, width))
    peak = probability.flatten(2).argmax(-1)
    x = torch.arange(width, device=logits.device, dtype=logits.dtype)
    y = torch.arange(height, device=logits.device, dtype=logits.dtype)
    centre_x = (peak % width).to(logits.dtype)
    centre_y = (peak // width).to(logits.dtype)
    for _ in range(3):  # the window follows the mean, or a peak between two pixels is pulled back
        window_x = (1.0 + radius - (x - centre_x[..., None]).abs()).clamp(0.0, 1.0)
        window_y = (1.0 + radius - (y - centre_y[..., None]).abs()).clamp(0.0, 1.0)
        near = probability * window_y[..., :, None] * window_x[..., None, :]
        total = near.sum((2, 3))
        safe = total.clamp_min(1e-9)
        centre_x = (near.sum(2) * x).sum(-1) / safe
        centre_y = (near.sum(3) * y).sum(-1) / safe
    return torch.stack([centre_x, centre_y], dim=-1), total
