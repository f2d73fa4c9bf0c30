"""Measures of caption-to-pose models on COCO (paper 1, section 4.4.2, and three more).

Distances are in pixels of the 64-pixel heatmap with the longer side of a person's box at 52 px; the
paper's retrieval distances fit boxes stretched to the whole map, so compare the ratio.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trainer import api, noise, paths
from trainer.data.captions import Pairs
from trainer.data.pose_batches import encode_captions
from trainer.evaluation.caption_sets import (
    ENCODER,
    HALF_ENCODER,
    CaptionBank,
    Evaluator,
    Sampled,
    TestCaptions,
    load_real,
    other_half,
    unpaired,
)
from trainer.evaluation.table import Table
from trainer.metrics.diversity import diversity
from trainer.metrics.pose_distance import nearest_distance
from trainer.metrics.retrieval import retrieval
from trainer.metrics.two_sample import two_sample
from trainer.metrics.validity import RealRange
from trainer.text import vectors as word_vectors

_log = logging.getLogger(__name__)

_GUIDANCE = (1.0, 1.5, 2.0)
_POSES_PER_CAPTION = 24
_CALL_ROWS = 192  # heatmaps of a call take 0.3 MB a row
_SEED = 0
COLUMNS = [
    "poses",
    "1-NN %",
    "to S_r px",
    "to S_g px",
    "ratio",
    "relevance",
    "relevance, half",
    "validity",
    "diversity px",
]
PAPER = {"poses": "paper", "1-NN %": 60.3, "to S_r px": 100.9, "to S_g px": 107.8, "ratio": 1.07}


@dataclass(frozen=True)
class _Size:
    real: int | None  # poses of S_r and S_g; None = all training pairs
    captions_per_image: int
    diverse_captions: int
    guidance: tuple[float, ...]


_SPLITS = {"test": "val2017", "val": "validation images"}
_FULL = _Size(None, 5, 64, _GUIDANCE)
_FAST = _Size(2000, 2, 16, ())


def evaluate(
    name: str,
    data: Path,
    weights: Path | None = None,
    fast: bool = False,
    device: str = "cpu",
    guidance: tuple[float, ...] | None = None,
    split: str = "test",
) -> Table:
    """Measure a caption-to-pose model beside real poses and baselines.

    Args:
        name: catalogue name of the model.
        data: data folder (`coco/` or a folder laid out like it).
        weights: a weights file other than the shipped one.
        fast: fewer samples, only the guidance that ships; below a minute, for tuning. 1-NN and
            retrieval figures depend on the size of the sets, so compare fast ones with fast ones.
        device: where the model runs.
        guidance: measure these strengths instead (the one that ships is always measured).
        split: "test", or "val" for the training images that choose settings.
    """
    size = _FAST if fast else _FULL
    predictor = api.load(name, device, weights)
    bench = _Bench(data, size, split)
    table = Table(
        f"Caption to pose: {name}, COCO {_SPLITS[split]}" + (" (fast)" if fast else ""),
        list(COLUMNS),
    )
    table.rows += [bench.real(), bench.random(), bench.nearest_caption()]
    if guidance is None:  # a model may say which strengths are worth a row
        guidance = size.guidance and getattr(predictor, "guidance_range", size.guidance)
    strengths = set(guidance)
    for strength in sorted(strengths | {float(predictor.default_guidance)}):
        ships = strength == predictor.default_guidance
        label = f"{name}, guidance {strength:g}" + (" (ships)" if ships else "")
        row = bench.model(predictor, strength, label)
        table.rows.append(row)
        if ships:
            table.metrics = _metrics(row)
    table.add(**PAPER)
    table.notes = bench.notes()
    return table


def _metrics(row: dict[str, Any]) -> dict[str, float]:
    return {
        "one_nn": row["1-NN %"] / 100.0,
        "retrieval_ratio": row["ratio"],
        "relevance": row["relevance"],
        "validity": row["validity"],
        "diversity": row["diversity px"],
    }


class _Bench:
    """The real sets of one run, and how each kind of row is measured on them."""

    def __init__(self, data: Path, size: _Size, split: str) -> None:
        self.size = size
        self.split = split
        self.rng = np.random.default_rng(_SEED)
        train, self.test, self.all_poses, self.remarks = load_real(data, split)
        self.words = word_vectors.load()
        self.train = train
        # One caption of each real pose, the condition of S_g.
        count = len(train) if size.real is None else min(size.real, len(train))
        self.rows = np.sort(self.rng.choice(len(train), count, replace=False))
        self.train_vectors = self._one_caption(train, self.rows)
        self.real_filled = Sampled.of(train.poses.take(self.rows)).filled()
        self.test_filled = Sampled.of(self.test.poses).filled()
        self.own_distance = nearest_distance(self.real_filled, self.real_filled, same_set=True)
        self.test_to_real = float(nearest_distance(self.test_filled, self.real_filled).mean())
        self.captions = TestCaptions.of(self.test, self.words, size.captions_per_image)
        folder = paths.weights_dir()
        self.evaluator = Evaluator(folder / ENCODER, self.captions)
        self.half_evaluator = Evaluator(folder / HALF_ENCODER, self.captions)
        self.range = RealRange.fit(train.poses.keypoints, train.poses.present)
        rows = self.rng.choice(len(self.test), size.diverse_captions, replace=True)
        self.diverse_vectors = self._one_caption(self.test, rows)

    def _one_caption(self, pairs: Pairs, rows: np.ndarray) -> np.ndarray:
        texts = [pairs.captions[i][self.rng.integers(len(pairs.captions[i]))] for i in rows]
        return encode_captions(self.words, texts)

    def real(self) -> dict[str, Any]:
        """The pose of the caption's own image; one half of S_r stands for S_g."""
        poses = Sampled.of(self.test.poses)
        own = poses.take(self.captions.pose_row)
        order = self.rng.permutation(len(self.real_filled))
        half = len(order) // 2
        first, second = self.real_filled[order[:half]], self.real_filled[order[half : 2 * half]]
        halves = retrieval(self.test_filled, first, second)
        return {
            "poses": "real, of the caption's image",
            "1-NN %": 100.0 * two_sample(first, second).accuracy,
            "to S_r px": halves.to_real_px,
            "to S_g px": halves.to_generated_px,
            "ratio": halves.ratio,
            "relevance": self.evaluator.relevance(own),
            "relevance, half": self.half_evaluator.relevance(own),
            "validity": self._validity(poses),
        }

    def random(self) -> dict[str, Any]:
        """Real people of other images: what a perfect model that ignores captions reaches."""
        drawn = unpaired(self.all_poses, self.train, len(self.rows), self.rng)
        of_test = unpaired(self.all_poses, self.train, len(self.captions.image_id), self.rng)
        count = self.size.diverse_captions * _POSES_PER_CAPTION
        return {
            "poses": "real, at random",
            **self._sets(drawn),
            **self._relevance(of_test),
            "validity": self._validity(drawn),
            "diversity px": self._diversity(
                unpaired(self.all_poses, self.train, count, self.rng).filled()
            ),
        }

    def nearest_caption(self) -> dict[str, Any]:
        """Copies of real poses; fair only where the evaluator has not seen the bank."""
        bank = CaptionBank(self.train, self.words)
        drawn = bank.poses.take(bank.nearest(self.train_vectors, self.rows))
        unseen = CaptionBank(
            self.train, self.words, other_half(self.train, self.half_evaluator.half)
        )
        of_test = unseen.poses.take(unseen.nearest(self.captions.vectors))
        groups = [bank.nearest_images(v, _POSES_PER_CAPTION) for v in self.diverse_vectors]
        return {
            "poses": "nearest caption (copies)",
            **self._sets(drawn),
            "relevance, half": self.half_evaluator.relevance(of_test),
            "validity": self._validity(of_test),
            "diversity px": self._diversity(bank.poses.take(np.concatenate(groups)).filled()),
        }

    def model(self, predictor: Any, guidance: float, label: str) -> dict[str, Any]:
        """One strength of the model under test."""
        _log.info("%s: drawing %d poses", label, len(self.rows))
        drawn = draw(predictor, self.train_vectors, guidance, _SEED + 1)
        of_test = draw(predictor, self.captions.vectors, guidance, _SEED + 2)
        repeated = np.repeat(self.diverse_vectors, _POSES_PER_CAPTION, axis=0)
        diverse = draw(predictor, repeated, guidance, _SEED + 3)
        return {
            "poses": label,
            **self._sets(drawn),
            **self._relevance(of_test),
            "validity": self._validity(of_test),
            "diversity px": self._diversity(diverse.filled()),
        }

    def _sets(self, drawn: Sampled) -> dict[str, float]:
        generated = drawn.filled()
        result = two_sample(self.real_filled, generated, self.own_distance)
        to_generated = float(nearest_distance(self.test_filled, generated).mean())
        return {
            "1-NN %": 100.0 * result.accuracy,
            "to S_r px": self.test_to_real,
            "to S_g px": to_generated,
            "ratio": to_generated / self.test_to_real,
        }

    def _relevance(self, poses: Sampled) -> dict[str, float]:
        return {
            "relevance": self.evaluator.relevance(poses),
            "relevance, half": self.half_evaluator.relevance(poses),
        }

    def _validity(self, poses: Sampled) -> float:
        return float(self.range.valid(poses.keypoints, poses.confidence).mean())

    def _diversity(self, filled: np.ndarray) -> float:
        return diversity(filled.reshape(-1, _POSES_PER_CAPTION, *filled.shape[1:]))

    def notes(self) -> list[str]:
        return [
            f"S_r: {len(self.rows)} training poses with captions; S_g: as many, one for a caption "
            f"of each. Test: {len(self.test)} poses of {_SPLITS[self.split]} with "
            f"{len(self.captions.image_id)} "
            "captions; relevance and validity are measured on poses drawn for those. The first row "
            "sets one half of S_r against the other.",
            "Distances: pixels of the 64-pixel heatmap, longer box side 52 px, summed over the 17 "
            "keypoints, missing ones at (32, 32). The paper's absolute distances fit another "
            "normalisation; the ratio compares.",
            "1-NN: 50 % is perfect, copies score below. Relevance: share of poses that find their "
            "caption among 32 (chance 0.031). 'Half': by an encoder trained on one half of the "
            "pairs, the nearest-caption baseline copying from the other half; an encoder that has "
            "seen the bank would score copies as high as real poses.",
            "Validity: share of poses with all bone ratios and layout steps within the 1-99 % "
            "range of the training pairs.",
            f"Diversity: mean distance between {_POSES_PER_CAPTION} poses of a caption, over "
            f"{self.size.diverse_captions} captions; for the baseline, between the poses of the "
            f"{_POSES_PER_CAPTION} nearest captions, an estimate of the real diversity.",
            *self.remarks,
        ]


def draw(predictor: Any, vectors: np.ndarray, guidance: float, seed: int) -> Sampled:
    """One pose a row from a caption predictor, in portions that bound the memory.

    Args:
        predictor: `trainer.api.load` of a caption-to-pose model.
        vectors: (N, 300) sentence vectors times 30.
        guidance: its strength.
        seed: row i takes noise (seed, i).
    """
    keypoints, confidence = [], []
    for start in range(0, len(vectors), _CALL_ROWS):
        part = vectors[start : start + _CALL_ROWS]
        drawn_noise = noise.draw_many(seed, len(part), predictor.noise_dim, start)
        samples = predictor.sample(part, drawn_noise, guidance=guidance)
        keypoints.append(samples.keypoints)
        confidence.append(samples.confidence)
    return Sampled(np.concatenate(keypoints), np.concatenate(confidence))
