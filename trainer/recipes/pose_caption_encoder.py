"""Trains the encoder that measures relevance: symmetric contrastive loss on COCO pairs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn import functional

from trainer import config as configs
from trainer.data.captions import Pairs, load_pairs
from trainer.data.pose_batches import PairBatches, encode_captions
from trainer.engine.ema import Ema
from trainer.metrics.relevance import relevance
from trainer.models.pose_caption_encoder import PoseCaptionEncoder, PoseCaptionEncoderConfig
from trainer.text import vectors as word_vectors

_WARM_UP_STEPS = 100


@dataclass(frozen=True)
class EncoderConfig:
    """Net and schedule.

    Attributes:
        half: 0 or 1 trains on that half of the images only, so that a baseline copying from the
            other half can be measured fairly; -1 trains on all.
        jitter_px: standard deviation of the noise on keypoints.
        hide: probability that a present keypoint is taken away.
    """

    net: PoseCaptionEncoderConfig = PoseCaptionEncoderConfig()
    steps: int = 4000
    batch_size: int = 256
    learning_rate: float = 1e-3
    weight_decay: float = 0.1
    ema_decay: float = 0.998
    half: int = -1
    jitter_px: float = 0.7
    hide: float = 0.05


def half_of(image_id: np.ndarray) -> np.ndarray:
    """(N,) image ids -> (N,) 0 or 1, the half each image belongs to."""
    return (np.asarray(image_id, np.uint64) * np.uint64(2654435761) >> np.uint64(16)) % np.uint64(2)


class PoseCaptionEncoderRecipe:
    """Contrastive training with distinct images in a batch."""

    name = "pose_caption_encoder"
    presets: ClassVar[dict[str, EncoderConfig]] = {
        "small": EncoderConfig(),
        "full": replace(EncoderConfig(), steps=8000),
    }
    score: ClassVar[tuple[str, Literal["min", "max"]]] = ("relevance", "max")
    licence: ClassVar[str] = "CC BY 4.0"
    data_sources: ClassVar[str] = "COCO 2017 person keypoints and captions (CC BY 4.0)"
    data_wait_s = 0.0

    def __init__(self, config: EncoderConfig, data: Path) -> None:
        self.config = config
        self.data = data
        self.total_steps = config.steps
        self.samples_per_step = config.batch_size

    def build(self, fabric: Fabric) -> None:
        self.fabric = fabric
        pairs = load_pairs(self.data, "train")
        if self.config.half >= 0:
            pairs = pairs.take(np.flatnonzero(half_of(pairs.poses.image_id) == self.config.half))
        words = word_vectors.load()
        self.pairs = PairBatches(pairs, words, fabric.device)
        self.validation = EncodedPairs.of(load_pairs(self.data, "validation"), words)
        encoder = PoseCaptionEncoder(self.config.net)
        encoder.text_mean.copy_(torch.as_tensor(self.pairs.mean))
        encoder.text_scale.copy_(torch.as_tensor(self.pairs.scale))
        self.ema = Ema(encoder.to(fabric.device), self.config.ema_decay)
        optimiser = torch.optim.AdamW(
            encoder.parameters(),
            lr=self.config.learning_rate,
            weight_decay=self.config.weight_decay,
        )
        self.encoder, self.optimiser = fabric.setup(encoder, optimiser)
        for method in ("encode_pose", "encode_normalised_text", "scale"):
            self.encoder.mark_forward_method(method)

    def step(self, step: int) -> dict[str, Tensor | float]:
        warm_up = min(1.0, (step + 1) / _WARM_UP_STEPS)
        cosine = 0.5 * (1.0 + float(np.cos(np.pi * step / self.total_steps)))
        for group in self.optimiser.param_groups:
            group["lr"] = self.config.learning_rate * warm_up * cosine
        count = min(self.config.batch_size, len(self.pairs))
        batch = self.pairs.draw(count, distinct=True)
        keypoints = batch.keypoints + self.config.jitter_px * torch.randn_like(batch.keypoints)
        hidden = torch.rand(batch.present.shape, device=batch.present.device) < self.config.hide
        poses = self.encoder.encode_pose(keypoints, batch.present & ~hidden)
        captions = self.encoder.encode_normalised_text(batch.matching)
        logits = self.encoder.scale() * poses @ captions.T  # (B, B)
        target = torch.arange(count, device=logits.device)
        loss = 0.5 * (
            functional.cross_entropy(logits, target) + functional.cross_entropy(logits.T, target)
        )
        self.optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        self.optimiser.step()
        self.ema.update(self.encoder)
        return {"loss": loss.detach()}

    def state(self) -> dict[str, Any]:
        return {"encoder": self.encoder, "optimiser": self.optimiser, "ema": self.ema}

    def export(self) -> tuple[str, dict[str, Tensor], dict[str, Any], dict[str, Any]]:
        extra = {"recipe": self.name, "half": self.config.half}
        return "pose_caption_encoder", self.ema.tensors(), configs.to_dict(self.config.net), extra

    def validate(self) -> dict[str, float]:
        return {"relevance": self.validation.relevance(self.ema.module)}


class HalfEncoderRecipe(PoseCaptionEncoderRecipe):
    """The same on one half of the images, for measuring a baseline that copies from the other."""

    name = "pose_caption_encoder_half"
    presets: ClassVar[dict[str, EncoderConfig]] = {
        key: replace(preset, half=0) for key, preset in PoseCaptionEncoderRecipe.presets.items()
    }


@dataclass(frozen=True)
class EncodedPairs:
    """Real poses, each repeated for every caption of its image.

    Attributes:
        keypoints: (M, 17, 2) float32, heatmap px.
        present: (M, 17) bool.
        vectors: (M, 300) float32, sentence vectors times 30.
        image_id: (M,) int64.
        pose_row: (M,) int, the pose each row repeats.
    """

    keypoints: np.ndarray
    present: np.ndarray
    vectors: np.ndarray
    image_id: np.ndarray
    pose_row: np.ndarray

    @classmethod
    def of(cls, pairs: Pairs, words: word_vectors.WordVectors) -> EncodedPairs:
        rows = np.repeat(np.arange(len(pairs)), [len(own) for own in pairs.captions])
        texts = [text for own in pairs.captions for text in own]
        poses = pairs.poses
        return cls(
            poses.keypoints[rows],
            poses.present[rows],
            encode_captions(words, texts),
            poses.image_id[rows],
            rows,
        )

    def relevance(
        self,
        encoder: PoseCaptionEncoder,
        keypoints: np.ndarray | None = None,
        present: np.ndarray | None = None,
    ) -> float:
        """Share of the poses (the real ones, or given ones row by row) that find their caption."""
        device = encoder.text_mean.device
        keypoints = self.keypoints if keypoints is None else keypoints
        present = self.present if present is None else present
        with torch.no_grad():
            poses = encoder.encode_pose(
                torch.as_tensor(keypoints, device=device), torch.as_tensor(present, device=device)
            )
            captions = encoder.encode_text(torch.as_tensor(self.vectors, device=device))
        return relevance(poses.cpu().numpy(), captions.cpu().numpy(), self.image_id)
