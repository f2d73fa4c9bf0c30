"""Inception score of generated pictures (Salimans et al. 2016, section 4). Torch-free."""

import numpy as np

SPLITS = 10
_LEAST = 1e-12


def inception_score(probabilities: np.ndarray, splits: int = SPLITS) -> float:
    """How sure a classifier is of each picture, and how many classes it sees in all.

    exp of the mean KL divergence of p(class | picture) from p(class), the mean over parts of the
    set as in the authors' code.

    Args:
        probabilities: (N,C), rows sum to 1; at least one picture a part.
    """
    count = len(probabilities)
    if count < splits:
        raise ValueError(f"{count} pictures cannot be split into {splits} parts")
    scores = []
    for k in range(splits):
        part = probabilities[k * count // splits : (k + 1) * count // splits].astype(np.float64)
        part = np.maximum(part, _LEAST)
        divergence = (part * (np.log(part) - np.log(part.mean(0, keepdims=True)))).sum(1)
        scores.append(float(np.exp(divergence.mean())))
    return float(np.mean(scores))
