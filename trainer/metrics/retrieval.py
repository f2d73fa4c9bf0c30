"""Image retrieval performance: how well a set of poses covers poses never seen.

Paper 1, section 4.4.2: mean distance of test poses to their nearest pose of the real training set
and of the generated set; a perfect generator has a ratio of 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainer.metrics.pose_distance import nearest_distance


@dataclass(frozen=True)
class Retrieval:
    """Mean nearest distances in heatmap px and their ratio."""

    to_real_px: float
    to_generated_px: float

    @property
    def ratio(self) -> float:
        return self.to_generated_px / self.to_real_px


def retrieval(test: np.ndarray, real: np.ndarray, generated: np.ndarray) -> Retrieval:
    """Compare how near two sets come to the test poses.

    Args:
        test: (T, J, 2) float32, heatmap px, missing keypoints filled in.
        real: (N, J, 2) float32, likewise.
        generated: (N, J, 2) float32, likewise; as many as `real`, since a larger set is nearer.
    """
    return Retrieval(
        to_real_px=float(nearest_distance(test, real).mean()),
        to_generated_px=float(nearest_distance(test, generated).mean()),
    )
