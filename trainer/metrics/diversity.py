"""Diversity: how much the poses drawn for one caption differ from each other."""

from __future__ import annotations

import numpy as np

from trainer.metrics.pose_distance import distance_matrix


def diversity(groups: np.ndarray) -> float:
    """Mean distance between two different poses of a group.

    Args:
        groups: (G, K, J, 2) float32, heatmap px, missing keypoints filled in; K >= 2 poses for
            each of G captions.
    Returns:
        px, the mean over all pairs of a group and over the groups.
    """
    count = groups.shape[1]
    if count < 2:
        raise ValueError("diversity needs at least two poses a group")
    totals = [float(distance_matrix(group, group).sum(dtype=np.float64)) for group in groups]
    return float(np.mean(totals)) / (count * (count - 1))
