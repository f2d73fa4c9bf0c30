"""What masks are made with more than once: colours told apart, and pieces that hang together."""

from __future__ import annotations

import cv2
import numpy as np


def grab_cut(picture: np.ndarray, labels: np.ndarray, rounds: int) -> np.ndarray:
    """Tell foreground from background by their colours (GrabCut, Rother et al. 2004).

    Args:
        picture: (h, w, 3) uint8.
        labels: (h, w) uint8 of `cv2.GC_BGD`, `GC_FGD`, `GC_PR_BGD`, `GC_PR_FGD`; some foreground
            and some background, sure or likely.
    Returns:
        (h, w) bool, the foreground.
    """
    found = labels.copy()
    cv2.setRNGSeed(0)  # the clusters of colours begin at random: the same photo, the same mask
    cv2.grabCut(
        np.ascontiguousarray(picture), found, None, np.zeros((1, 65)), np.zeros((1, 65)), rounds,
        cv2.GC_INIT_WITH_MASK,
    )  # fmt: skip
    return np.asarray((found == cv2.GC_FGD) | (found == cv2.GC_PR_FGD))


def touching(mask: np.ndarray, marks: np.ndarray, connectivity: int = 8) -> np.ndarray:
    """(h, w) bool: the pieces of a mask that have a marked pixel; both (h, w) bool."""
    _, pieces = cv2.connectedComponents(mask.astype(np.uint8), connectivity=connectivity)
    held = np.unique(pieces[marks])
    return np.isin(pieces, held[held > 0])
