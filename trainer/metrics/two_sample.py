"""Classifier two-sample test: leave-one-out accuracy of a 1-nearest-neighbour classifier.

Paper 1, section 4.4.2. 50 % means that generated poses cannot be told from real ones, 100 % that
they always can, 0 % that the generator copies the real set.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainer.metrics.pose_distance import nearest_distance


@dataclass(frozen=True)
class TwoSample:
    """Shares (0-1) of poses whose nearest neighbour comes from their own set."""

    accuracy: float
    real_accuracy: float
    generated_accuracy: float


def two_sample(
    real: np.ndarray, generated: np.ndarray, nearest_real_to_real: np.ndarray | None = None
) -> TwoSample:
    """Run the test on two sets of poses.

    A pose that lies exactly as far from its own set as from the other counts half.

    Args:
        real: (N, J, 2) float32, heatmap px, missing keypoints filled in.
        generated: (M, J, 2) float32, likewise; take M = N, else chance is not 50 %.
        nearest_real_to_real: (N,) float32, px, when the caller knows it already.
    """
    if nearest_real_to_real is None:
        nearest_real_to_real = nearest_distance(real, real, same_set=True)
    real_share = _share(nearest_real_to_real, nearest_distance(real, generated))
    generated_share = _share(
        nearest_distance(generated, generated, same_set=True), nearest_distance(generated, real)
    )
    n, m = len(real), len(generated)
    return TwoSample(
        accuracy=(n * real_share + m * generated_share) / (n + m),
        real_accuracy=real_share,
        generated_accuracy=generated_share,
    )


def _share(own: np.ndarray, other: np.ndarray) -> float:
    """Share of poses nearer to their own set; ties count half."""
    return float(np.mean((own < other) + 0.5 * (own == other)))
