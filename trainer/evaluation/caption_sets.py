"""What caption-to-pose models are measured against: real sets, baselines and the evaluators."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from trainer import artifact, paths
from trainer import config as configs
from trainer.data import coco
from trainer.data.captions import Pairs, load_pairs
from trainer.data.coco import Poses
from trainer.data.pose_batches import encode_captions
from trainer.errors import ArtifactError, DataError
from trainer.metrics.pose_distance import fill_missing
from trainer.metrics.relevance import relevance
from trainer.models.pose_caption_encoder import PoseCaptionEncoder, PoseCaptionEncoderConfig
from trainer.recipes.pose_caption_encoder import half_of
from trainer.text.vectors import WordVectors

ENCODER = "pose_caption_encoder.safetensors"
HALF_ENCODER = "pose_caption_encoder_half.safetensors"


@dataclass(frozen=True)
class Sampled:
    """N poses from anywhere: keypoints (N, 17, 2) heatmap px, confidence (N, 17), 0 = absent."""

    keypoints: np.ndarray
    confidence: np.ndarray

    @classmethod
    def of(cls, poses: Poses) -> Sampled:
        return cls(poses.keypoints, poses.present.astype(np.float32))

    def take(self, rows: np.ndarray) -> Sampled:
        return Sampled(self.keypoints[rows], self.confidence[rows])

    def filled(self) -> np.ndarray:
        """(N, 17, 2) with missing keypoints in the centre, as the distances want them."""
        return fill_missing(self.keypoints, self.confidence)


@dataclass(frozen=True)
class TestCaptions:
    """Every caption of every test pair: vectors (M, 300), image ids (M,), pose rows (M,)."""

    __test__ = False  # not a pytest class

    vectors: np.ndarray
    image_id: np.ndarray
    pose_row: np.ndarray

    @classmethod
    def of(cls, pairs: Pairs, words: WordVectors, most_per_image: int) -> TestCaptions:
        kept = [own[:most_per_image] for own in pairs.captions]
        rows = np.repeat(np.arange(len(pairs)), [len(own) for own in kept])
        texts = [text for own in kept for text in own]
        return cls(encode_captions(words, texts), pairs.poses.image_id[rows], rows)


def load_real(data: Path, split: str = "test") -> tuple[Pairs, Pairs, Poses, list[str]]:
    """Training pairs, pairs of `split`, all training poses, and remarks for the table.

    A folder that holds test images only takes the real training poses from the default data folder.
    """
    test = load_pairs(data, split)
    try:
        return load_pairs(data, "train"), test, coco.load_poses(data, "train"), []
    except DataError:
        default = paths.data_root(None)
        remark = "The folder holds no training pairs; those of the default data folder were used."
        return (
            load_pairs(default, "train"),
            test,
            coco.load_poses(default, "train"),
            [remark],
        )


def unpaired(poses: Poses, pairs: Pairs, count: int, rng: np.random.Generator) -> Sampled:
    """Random real poses of images that are in no pair; with repetition only where too few."""
    rows = np.flatnonzero(~np.isin(poses.image_id, pairs.poses.image_id))
    if not len(rows):
        raise DataError(
            "Every image of the folder is a caption pair: no other real poses are left."
        )
    return Sampled.of(poses.take(rng.choice(rows, count, replace=len(rows) < count)))


class CaptionBank:
    """The nearest-caption baseline: the pose of the training caption nearest in fastText space."""

    def __init__(self, pairs: Pairs, words: WordVectors, rows: np.ndarray | None = None) -> None:
        rows = np.arange(len(pairs)) if rows is None else rows
        self.poses = Sampled.of(pairs.poses)
        self.owner = np.repeat(rows, [len(pairs.captions[i]) for i in rows])
        self.vectors = encode_captions(words, [t for i in rows for t in pairs.captions[i]])
        self._squares = np.square(self.vectors).sum(1)

    def nearest(self, vectors: np.ndarray, own_row: np.ndarray | None = None) -> np.ndarray:
        """Rows of the pairs whose caption is nearest.

        Args:
            vectors: (N, 300) sentence vectors.
            own_row: (N,) pair of each query; its own captions do not count.
        Returns:
            (N,) int.
        """
        found = np.empty(len(vectors), np.int64)
        for start in range(0, len(vectors), 512):
            part = slice(start, start + 512)
            distance = self._squares - 2.0 * vectors[part] @ self.vectors.T  # (n, bank)
            if own_row is not None:
                distance[self.owner[None] == own_row[part, None]] = np.inf
            found[part] = self.owner[distance.argmin(1)]
        return found

    def nearest_images(self, vector: np.ndarray, count: int) -> np.ndarray:
        """(count,) rows of the pairs, all different, in the order of their nearest caption."""
        order = np.argsort(self._squares - 2.0 * self.vectors @ vector, kind="stable")
        rows = self.owner[order]
        _, first = np.unique(rows, return_index=True)
        return rows[np.sort(first)[:count]]


class Evaluator:
    """A trained pose-caption encoder that measures relevance on fixed test captions."""

    def __init__(self, path: Path, captions: TestCaptions) -> None:
        header = artifact.read_header(path)
        if header["model"] != "pose_caption_encoder":
            raise ArtifactError(f"{path.name} holds a {header['model']} model, not an evaluator.")
        self.half = int(header["extra"].get("half", -1))
        self.encoder = PoseCaptionEncoder(
            configs.from_dict(PoseCaptionEncoderConfig, header["config"])
        )
        self.encoder.load_state_dict(artifact.load_tensors(path), strict=True)
        self.encoder.eval().requires_grad_(False)
        self._image_id = captions.image_id
        self._captions = self.encoder.encode_text(torch.as_tensor(captions.vectors)).numpy()

    def relevance(self, poses: Sampled) -> float:
        """0-1: share of the poses, one a test caption, that find their caption among 32."""
        encoded = self.encoder.encode_pose(
            torch.as_tensor(np.asarray(poses.keypoints, np.float32)),
            torch.as_tensor(poses.confidence > 0),
        ).numpy()
        return relevance(encoded, self._captions, self._image_id)


def other_half(pairs: Pairs, half: int) -> np.ndarray:
    """Rows of the pairs that an evaluator trained on `half` has not seen."""
    return np.flatnonzero(half_of(pairs.poses.image_id) != half)
