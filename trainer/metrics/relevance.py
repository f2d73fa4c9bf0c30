"""Relevance: does a pose find its own caption among others?

A pose-caption encoder (`trainer.models.pose_caption_encoder`) maps poses and captions to unit
vectors; a pose is right when no caption in a small set of other images' captions is nearer than its
own. Chance is 1 / `ways`.
"""

from __future__ import annotations

import numpy as np


def relevance(
    poses: np.ndarray,
    captions: np.ndarray,
    images: np.ndarray,
    *,
    ways: int = 32,
    draws: int = 16,
    seed: int = 0,
) -> float:
    """Share of poses that find their own caption.

    Row i of `poses` was drawn for (or photographed with) caption i.

    Args:
        poses: (N, D) float32, unit vectors.
        captions: (N, D) float32, unit vectors.
        images: (N,) int, image id of each caption. The other captions of a set come from
            other images, one an image.
        ways: captions in a set, the own one included.
        draws: sets tried for every pose, for a figure with less noise.
        seed: fixes the sets, so that rows of one table answer the same questions.
    Returns:
        0-1.
    """
    names, image_index = np.unique(images, return_inverse=True)
    if len(names) < ways:
        raise ValueError(f"relevance among {ways} captions needs as many images, not {len(names)}")
    members = [np.flatnonzero(image_index == i) for i in range(len(names))]
    rng = np.random.default_rng(seed)
    scores = poses @ captions.T  # (N, N)
    right = 0.0
    for _ in range(draws):
        one_per_image = np.array([rng.choice(rows) for rows in members])
        for row in range(len(poses)):
            others = rng.choice(len(names) - 1, ways - 1, replace=False)
            others += others >= image_index[row]  # skips the own image
            best_other = scores[row, one_per_image[others]].max()
            own = scores[row, row]
            right += float(own > best_other) + 0.5 * float(own == best_other)
    return right / (draws * len(poses))
