"""Pose-caption encoder: which caption goes with which pose?

A measuring instrument, not a generator: two small nets bring poses and sentence vectors to one unit
sphere, trained contrastively on real pairs only. Relevance (`trainer.metrics.relevance`) asks it
whether a generated pose is nearer to its own caption than to those of other images.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

JOINTS = 17
_CENTRE_PX = 32.0


@dataclass(frozen=True)
class PoseCaptionEncoderConfig:
    """The numbers that fix the weights' shapes.

    Attributes:
        width: hidden units of both nets.
        depth: hidden layers of the pose net; the caption net has one.
        dim: length of the common vectors.
    """

    text_dim: int = 300
    width: int = 256
    depth: int = 3
    dim: int = 96
    pose_dropout: float = 0.1
    text_dropout: float = 0.3


class PoseCaptionEncoder(nn.Module):
    """Both nets, the caption normalisation and the temperature."""

    text_mean: Tensor
    text_scale: Tensor

    def __init__(self, config: PoseCaptionEncoderConfig) -> None:
        super().__init__()
        self.config = config
        before = JOINTS * 3
        layers: list[nn.Module] = []
        for _ in range(config.depth):
            layers += [
                nn.Linear(before, config.width),
                nn.LayerNorm(config.width),
                nn.GELU(),
                nn.Dropout(config.pose_dropout),
            ]
            before = config.width
        self.pose = nn.Sequential(*layers, nn.Linear(before, config.dim))
        self.text = nn.Sequential(
            nn.Dropout(config.text_dropout),
            nn.Linear(config.text_dim, config.width),
            nn.LayerNorm(config.width),
            nn.GELU(),
            nn.Dropout(config.text_dropout),
            nn.Linear(config.width, config.dim),
        )
        self.log_scale = nn.Parameter(torch.tensor(2.0))  # of the similarities
        self.register_buffer("text_mean", torch.zeros(config.text_dim))
        self.register_buffer("text_scale", torch.ones(config.text_dim))

    def encode_pose(self, keypoints: Tensor, present: Tensor) -> Tensor:
        """Poses to unit vectors.

        Args:
            keypoints: (B, 17, 2) float, px of the 64-pixel heatmap.
            present: (B, 17) bool or 0/1.
        Returns:
            (B, dim) unit vectors.
        """
        there = present.to(keypoints.dtype)[..., None]  # (B, 17, 1)
        placed = (keypoints - _CENTRE_PX) / 16.0 * there
        features = torch.cat([placed, there * 2.0 - 1.0], dim=-1).flatten(1)  # (B, 51)
        return functional.normalize(self.pose(features), dim=-1)

    def encode_text(self, vectors: Tensor) -> Tensor:
        """(B, text_dim) raw sentence vectors (times 30) -> (B, dim) unit vectors."""
        return self.encode_normalised_text((vectors - self.text_mean) / self.text_scale)

    def encode_normalised_text(self, vectors: Tensor) -> Tensor:
        """(B, text_dim) sentence vectors of mean 0 and deviation 1 -> (B, dim) unit vectors."""
        return functional.normalize(self.text(vectors), dim=-1)

    def scale(self) -> Tensor:
        """Factor of the similarities in the contrastive loss, at most 50."""
        return self.log_scale.clamp(max=3.9).exp()
