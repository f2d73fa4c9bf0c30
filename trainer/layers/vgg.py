"""First layers of VGG-19: features to compare pictures in (paper 5, section 3.1)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from trainer.errors import DataError

FILE: Final = "vgg/vgg19_normalised_to_conv3_1.safetensors"
LAYERS: Final = ("conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1")
_POOLED_BEFORE: Final = ("conv2_1", "conv3_1")
_MEANS: Final = (103.939, 116.779, 123.68)  # blue, green, red


class VggFeatures(nn.Module):
    """VGG-19 to conv3_1, whose filters are scaled so that a feature is 1 in the mean over photos.

    The file's net takes blue, green, red of 0 to 255 less their means; that is folded into the
    first layer here, which its padding by reflection allows.

    Args:
        path: the safetensors file, `vgg/vgg19_normalised_to_conv3_1.safetensors` of the data
            folder.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        try:
            tensors = load_file(path)
            weights = [(tensors[f"{k}.weight"], tensors[f"{k}.bias"]) for k in LAYERS]
        except (OSError, SafetensorError, KeyError) as exc:
            raise DataError(
                f"Cannot read VGG's layers from {path}: put {FILE} into the data folder, or point "
                "to where it lies."
            ) from exc
        first, bias = weights[0]
        means = torch.tensor(_MEANS)
        bias = bias + (first.sum((2, 3)) * (127.5 - means)).sum(1)
        weights[0] = (first.flip(1) * 127.5, bias)  # red, green, blue of -1 to 1
        for name, (weight, bias) in zip(LAYERS, weights, strict=True):
            self.register_buffer(f"{name}_weight", weight)
            self.register_buffer(f"{name}_bias", bias)

    def forward(self, images: Tensor, layers: Sequence[str] = LAYERS) -> list[Tensor]:
        """Features after the ReLU of some layers.

        Args:
            images: (B,3,h,w) float in [-1,1], RGB; h and w at least 8.
            layers: names, in the order of `LAYERS`; nothing beyond the last is computed.
        Returns:
            (B,64,h,w) of conv1, (B,128,h/2,w/2) of conv2, (B,256,h/4,w/4) of conv3.
        """
        x, found = images, []
        for name in LAYERS[: LAYERS.index(layers[-1]) + 1]:
            if name in _POOLED_BEFORE:
                x = functional.max_pool2d(x, 2, ceil_mode=True)
            x = functional.pad(x, (1, 1, 1, 1), mode="reflect")
            weight, bias = getattr(self, f"{name}_weight"), getattr(self, f"{name}_bias")
            x = functional.relu(functional.conv2d(x, weight, bias))
            if name in layers:
                found.append(x)
        return found
