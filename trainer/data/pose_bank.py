"""All poses and text vectors in memory, and batches with augmentation computed at once."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from trainer.data import captions as captions_module
from trainer.data import coco
from trainer.data.captions import Domain, Pairs
from trainer.data.coco import Poses
from trainer.text.vectors import WordVectors

ROTATION_DEG = 10.0  # paper 1, section 3.2
LOG_SCALE = 0.1
SHIFT_PX = 2.0


@dataclass(frozen=True)
class Batch:
    """One batch of augmented poses and their texts.

    Attributes:
        keypoints: (B, 17, 2) float32 heatmap px.
        present: (B, 17) bool.
        text: (B, 300) float32 raw sentence vectors; zeros without text.
        has_text: (B,) bool.
        domain: (B,) int64.
        augment: (B, 4) rotation, log scale and shift, each -1 to 1 of its range.
    """

    keypoints: Tensor
    present: Tensor
    text: Tensor
    has_text: Tensor
    domain: Tensor
    augment: Tensor


class PoseBank:
    """Poses of every source with the vectors of their texts, as tensors on one device."""

    def __init__(self, sources: list[Pairs], vectors: WordVectors, device: torch.device) -> None:
        encode = _Encoder(vectors)
        keypoints, present, domain, first, count = [], [], [], [], []
        texts: list[int] = []
        self.rows: dict[int, Tensor] = {}
        total = 0
        for source in sources:
            poses = source.poses
            keypoints.append(poses.keypoints)
            present.append(poses.present)
            domain.append(poses.domain)
            for own in source.captions:
                ids = [i for i in (encode(t) for t in own) if i is not None]
                first.append(len(texts))
                count.append(len(ids))
                texts.extend(ids)
            if len(poses):
                kind = int(poses.domain[0])
                self.rows[kind] = torch.arange(total, total + len(poses), device=device)
            total += len(poses)
        self.device = device
        self.keypoints = torch.from_numpy(np.concatenate(keypoints)).to(device)
        self.present = torch.from_numpy(np.concatenate(present)).to(device)
        self.domain = torch.from_numpy(np.concatenate(domain)).to(device)
        self._first = torch.tensor(first, device=device)
        self._count = torch.tensor(count, device=device)
        self._texts = torch.tensor(texts or [0], device=device)
        self.vectors = torch.from_numpy(encode.table()).to(device)
        self._mirror = torch.tensor(encode.mirrors(), device=device)
        self._order = torch.from_numpy(coco.FLIP_ORDER).to(device)

    def text_statistics(self, domain: int) -> tuple[Tensor, Tensor]:
        """Mean and deviation (300,) of the text vectors of one source's poses."""
        rows = self.rows[domain]
        first = int(self._first[rows[0]])
        last = int(self._first[rows[-1]] + self._count[rows[-1]])
        vectors = self.vectors[self._texts[first:last]]
        return vectors.mean(0), vectors.std(0).clamp_min(1e-3)

    def texts_of(self, row: int) -> Tensor:
        """(K, 300) the text vectors of one pose."""
        first, count = int(self._first[row]), int(self._count[row])
        return self.vectors[self._texts[first : first + count]]

    def batch(
        self,
        rows: Tensor,
        generator: torch.Generator,
        augment_share: float = 0.75,
        blend_share: float = 0.3,
    ) -> Batch:
        """Augmented poses at `rows`: half mirrored, `augment_share` turned, scaled and shifted.

        Args:
            rows: (B,) indices.
            generator: CPU stream of all random choices.
            blend_share: share of texts that are a random blend of two captions of the same pose.
        """
        size = len(rows)
        draw = torch.rand(12, size, generator=generator).to(self.device)
        count, first = self._count[rows], self._first[rows]
        has_text = count > 0

        def pick(u: Tensor) -> Tensor:
            place = first + (u * count).long().clamp(max=(count - 1).clamp_min(0))
            return self._texts[place.clamp(max=len(self._texts) - 1)]

        mirror = draw[0] < 0.5
        one, two = pick(draw[1]), pick(draw[2])
        one = torch.where(mirror, self._mirror[one], one)
        two = torch.where(mirror, self._mirror[two], two)
        weight = torch.where(draw[3] < blend_share, draw[4], torch.zeros_like(draw[4]))[:, None]
        text = torch.lerp(self.vectors[one], self.vectors[two], weight) * has_text[:, None]

        keypoints, present = self.keypoints[rows], self.present[rows]
        flipped = keypoints[:, self._order] * keypoints.new_tensor([-1.0, 1.0])
        flipped[..., 0] += 2 * coco.CENTRE_PX
        keypoints = torch.where(mirror[:, None, None], flipped, keypoints)
        present = torch.where(mirror[:, None], present[:, self._order], present)

        augment = (draw[5:9].T * 2 - 1) * (draw[9] < augment_share)[:, None]  # (B, 4)
        angle = augment[:, 0] * np.deg2rad(ROTATION_DEG)
        scale = (augment[:, 1] * LOG_SCALE).exp()
        cos, sin = scale * angle.cos(), scale * angle.sin()
        x, y = (keypoints - coco.CENTRE_PX).unbind(-1)
        turned = torch.stack(
            [x * cos[:, None] - y * sin[:, None], x * sin[:, None] + y * cos[:, None]], -1
        )
        keypoints = turned + coco.CENTRE_PX + SHIFT_PX * augment[:, None, 2:]
        return Batch(keypoints, present, text, has_text, self.domain[rows], augment)


def load_sources(root: Path, split: str) -> list[Pairs]:
    """Every source of training poses: each pose once a source, texts where it has any."""
    poses = coco.load_poses(root, split)
    sources = [
        Pairs(poses, [[] for _ in range(len(poses))]),
        captions_module.load_pairs(root, split),
        captions_module.load_weak_pairs(root, split),
    ]
    if split == "train":
        actions = captions_module.load_action_pairs(root, split)
        if len(actions):
            sources.append(actions)
        if (coco.folder(root) / "mpii_activity_poses.npz").exists():
            sources.append(captions_module.load_mpii(root))
    return sources


def bank_of(poses: Poses, captions: list[list[str]], vectors: WordVectors) -> PoseBank:
    """A bank of one source on the CPU."""
    return PoseBank([Pairs(poses, captions)], vectors, torch.device("cpu"))


class _Encoder:
    """Text to row number, each distinct text encoded once; with the row of its mirrored text."""

    def __init__(self, vectors: WordVectors) -> None:
        self._vectors = vectors
        self._rows: dict[str, int | None] = {}
        self._table: list[np.ndarray] = []
        self._mirror: list[int] = []

    def __call__(self, text: str) -> int | None:
        if text in self._rows:
            return self._rows[text]
        row = self._add(text)
        self._rows[text] = row
        if row is not None:
            mirrored = captions_module.mirrored_caption(text)
            if mirrored != text:
                other = self._rows.get(mirrored) or self._add(mirrored)
                if other is not None:
                    self._rows[mirrored] = other
                    self._mirror[row], self._mirror[other] = other, row
        return row

    def _add(self, text: str) -> int | None:
        known = self._vectors.words_known(text)
        if not known:
            return None
        self._table.append(self._vectors.encode(text))
        self._mirror.append(len(self._mirror))
        return len(self._table) - 1

    def table(self) -> np.ndarray:
        if not self._table:
            return np.zeros((1, self._vectors.dim), np.float32)
        return np.stack(self._table)

    def mirrors(self) -> list[int]:
        return self._mirror or [0]


__all__ = ["Batch", "Domain", "PoseBank", "bank_of", "load_sources"]
