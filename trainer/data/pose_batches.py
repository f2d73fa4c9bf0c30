"""Random training batches of poses and captions that live on the training device.

All poses of COCO are 20 MB of keypoints, so drawing a batch is indexing: no loader, no waiting.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from trainer.data.captions import Pairs, mirrored_caption
from trainer.data.coco import CENTRE_PX, FLIP_ORDER, Poses
from trainer.errors import CaptionError
from trainer.text.vectors import DIM, WordVectors

MAX_TURN_DEG = 10.0  # paper 1, section 3.2


def augment(
    keypoints: Tensor, present: Tensor, mirrored: Tensor, turn_rad: Tensor
) -> tuple[Tensor, Tensor]:
    """Mirror some poses and turn all about the centre of the map.

    Args:
        keypoints: (B, 17, 2) float, heatmap px.
        present: (B, 17) bool.
        mirrored: (B,) bool; left and right joints of these swap names.
        turn_rad: (B,) float.
    Returns:
        (B, 17, 2) and (B, 17); absent keypoints stay absent, wherever they are taken to be.
    """
    order = torch.as_tensor(FLIP_ORDER, device=keypoints.device)
    centred = keypoints - CENTRE_PX
    swapped = centred[:, order] * centred.new_tensor([-1.0, 1.0])
    centred = torch.where(mirrored[:, None, None], swapped, centred)
    present = torch.where(mirrored[:, None], present[:, order], present)
    cos, sin = turn_rad.cos()[:, None], turn_rad.sin()[:, None]
    x, y = centred.unbind(-1)
    turned = torch.stack([cos * x - sin * y, sin * x + cos * y], dim=-1)
    return turned + CENTRE_PX, present


def encode_captions(words: WordVectors, texts: list[str]) -> np.ndarray:
    """Sentence vectors times 30 of many texts, each distinct one encoded once.

    Returns:
        (N, 300) float32; zeros for a text without a known word.
    """
    known: dict[str, np.ndarray] = {}
    for text in texts:
        if text not in known:
            try:
                known[text] = words.encode(text)
            except CaptionError:
                known[text] = np.zeros(DIM, np.float32)
    return np.stack([known[text] for text in texts])


class PoseBatches:
    """Draws augmented poses at random."""

    def __init__(self, poses: Poses, device: torch.device | str = "cpu") -> None:
        self.keypoints = torch.as_tensor(poses.keypoints, device=device)
        self.present = torch.as_tensor(poses.present, device=device)

    def __len__(self) -> int:
        return len(self.keypoints)

    def draw(self, count: int) -> tuple[Tensor, Tensor]:
        """(count, 17, 2) heatmap px and (count, 17) bool."""
        device = self.keypoints.device
        rows = torch.randint(len(self), (count,), device=device)
        return self.at(rows, torch.rand(count, device=device) < 0.5)

    def at(self, rows: Tensor, mirrored: Tensor, turn_them: bool = True) -> tuple[Tensor, Tensor]:
        """The poses at `rows` (B,), turned at random."""
        limit = math.radians(MAX_TURN_DEG) if turn_them else 0.0
        turn = (torch.rand(len(rows), device=rows.device) * 2.0 - 1.0) * limit
        return augment(self.keypoints[rows], self.present[rows], mirrored, turn)


@dataclass(frozen=True)
class PairBatch:
    """B poses, captions of theirs and captions of other images (normalised sentence vectors).

    With n captions a pose, caption i goes with pose i % B.
    """

    keypoints: Tensor  # (B, 17, 2) heatmap px
    present: Tensor  # (B, 17) bool
    matching: Tensor  # (n * B, 300)
    mismatching: Tensor  # (n * B, 300)


class PairBatches:
    """Draws pose-caption pairs; a mirrored pose has left and right swapped in its caption."""

    def __init__(
        self,
        pairs: Pairs,
        words: WordVectors,
        device: torch.device | str = "cpu",
    ) -> None:
        """Encode every caption once.

        Args:
            pairs: poses with their captions.
            words: gives the sentence vectors.
        """
        self.poses = PoseBatches(pairs.poses, device)
        texts = [text for own in pairs.captions for text in own]
        counts = np.array([len(own) for own in pairs.captions])
        swapped = [mirrored_caption(text) for text in texts]
        changed = [i for i, (a, b) in enumerate(zip(texts, swapped, strict=True)) if a != b]
        vectors = encode_captions(words, texts)
        mirrored = vectors.copy()
        if changed:
            mirrored[changed] = encode_captions(words, [swapped[i] for i in changed])
        self.mean, self.scale = vectors.mean(0), vectors.std(0) + 1e-3
        normalised = np.stack([vectors, mirrored])
        normalised = ((normalised - self.mean) / self.scale).astype(np.float32)
        self.vectors = torch.as_tensor(normalised, device=device)  # (2, captions, 300)
        self.first = torch.as_tensor(np.cumsum(counts) - counts, device=device)
        self.counts = torch.as_tensor(counts, device=device)

    def __len__(self) -> int:
        return len(self.counts)

    def draw(
        self, count: int, distinct: bool = False, captions: int = 1, turn: bool = True
    ) -> PairBatch:
        """A random batch.

        Args:
            count: poses.
            distinct: take no image twice (then `count` <= len(self)).
            captions: matching, and as many mismatching, captions drawn for each pose.
            turn: turn the poses at random; they are mirrored in any case.
        """
        device = self.counts.device
        if distinct:
            rows = torch.randperm(len(self), device=device)[:count]
        else:
            rows = torch.randint(len(self), (count,), device=device)
        mirrored = torch.rand(count, device=device) < 0.5
        keypoints, present = self.poses.at(rows, mirrored, turn)
        rows, mirrored = rows.repeat(captions), mirrored.repeat(captions)
        others = (rows + torch.randint(1, len(self), rows.shape, device=device)) % len(self)
        return PairBatch(
            keypoints,
            present,
            self._captions(rows, mirrored),
            self._captions(others, mirrored),
        )

    def captions(self, count: int) -> Tensor:
        """(count, 300) random captions."""
        device = self.counts.device
        rows = torch.randint(len(self), (count,), device=device)
        return self._captions(rows, torch.rand(count, device=device) < 0.5)

    def _captions(self, rows: Tensor, mirrored: Tensor) -> Tensor:
        pick = torch.rand(len(rows), device=rows.device) * self.counts[rows]
        return self.vectors[mirrored.long(), self.first[rows] + pick.long()]

    def pose_directions(self, count: int, ridge: float = 0.05) -> Tensor:
        """Directions of sentence vectors that predict poses, strongest first.

        Args:
            count: how many.
            ridge: weight decay of the regression, in units of a vector's variance.
        Returns:
            (300, count) float32 on the CPU; captions have deviation 1 along each.
        """
        both = torch.tensor([False, True]).repeat_interleave(len(self)).to(self.counts.device)
        rows = torch.arange(len(self), device=self.counts.device).repeat(2)
        still = torch.zeros(len(rows), device=rows.device)
        keypoints, present = augment(
            self.poses.keypoints[rows], self.poses.present[rows], both, still
        )
        there = present.float()[..., None]
        target = torch.cat([(keypoints - CENTRE_PX) * there, there], dim=-1).flatten(1).cpu()
        target = (target - target.mean(0)) / (target.std(0) + 1e-3)
        counts = self.counts.tolist()
        means = [
            torch.stack([own.mean(0) for own in vectors.split(counts)]) for vectors in self.vectors
        ]
        source = torch.cat(means).cpu()  # (2 N, 300), as they are and mirrored
        gram = source.T @ source / len(source) + ridge * torch.eye(source.shape[1])
        weights = torch.linalg.solve(gram, source.T @ target / len(source))  # (300, 51)
        _, _, main = torch.linalg.svd(source @ weights, full_matrices=False)
        directions = weights @ main[:count].T
        return directions / (self.vectors[0].cpu() @ directions).std(0)
