"""How good the pose-caption encoder is as a measure: real pairs against random ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from trainer import catalog, paths
from trainer.evaluation.caption_sets import (
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
from trainer.text import vectors as word_vectors

_SEED = 0
CHANCE = 1 / 32


def evaluate(
    name: str,
    data: Path,
    weights: Path | None = None,
    fast: bool = False,
    device: str = "cpu",
) -> Table:
    """Measure the shipped encoders (or one in `weights`) on the test pairs.

    Args:
        name: catalogue name of the encoder.
        data: data folder.
        weights: measure this file only.
        fast: two captions an image instead of five.
        device: unused, the encoder is small.
    """
    train, test, everyone, remarks = load_real(data)
    words = word_vectors.load()
    captions = TestCaptions.of(test, words, 2 if fast else 5)
    folder = paths.weights_dir()
    files = [weights] if weights else [folder / catalog.entry(name).weights, folder / HALF_ENCODER]
    table = Table(
        "Relevance: share of poses that find their caption among 32 (COCO val2017)",
        ["encoder", "real", "random", "nearest caption, seen", "nearest caption, unseen", "chance"],
        notes=[
            f"{len(test)} poses with {len(captions.image_id)} captions. 'Seen': the baseline "
            "copies poses the encoder was trained on, and scores too well; 'unseen': from the half "
            "of the pairs that this encoder has not seen.",
            *remarks,
        ],
    )
    own = Sampled.of(test.poses).take(captions.pose_row)
    random = unpaired(everyone, train, len(captions.image_id), np.random.default_rng(_SEED))
    for path in files:
        encoder = Evaluator(path, captions)
        row = {
            "encoder": "all pairs" if encoder.half < 0 else f"half {encoder.half} of the pairs",
            "real": encoder.relevance(own),
            "random": encoder.relevance(random),
            "chance": CHANCE,
        }
        unseen = other_half(train, encoder.half)
        seen = np.setdiff1d(np.arange(len(train)), unseen) if encoder.half >= 0 else unseen
        row["nearest caption, seen"] = _copies(encoder, CaptionBank(train, words, seen), captions)
        if encoder.half >= 0:
            bank = CaptionBank(train, words, unseen)
            row["nearest caption, unseen"] = _copies(encoder, bank, captions)
        table.rows.append(row)
    table.metrics = {"relevance": table.rows[0]["real"]}
    return table


def _copies(encoder: Evaluator, bank: CaptionBank, captions: TestCaptions) -> float:
    return encoder.relevance(bank.poses.take(bank.nearest(captions.vectors)))
