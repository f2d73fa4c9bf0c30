"""Masks of people in new poses: what goes from a photo, what a generator left in the air."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from poseapp.core.body_parts import capsule, draw_head, figure, unit_vector
from poseapp.core.transfer import Box

_ISLAND, _LARGE_ISLAND = 0.15, 0.12  # of opacity; of the whole person
_CLOSED_SHARE, _CLOSED_PX = 0.03, 12  # of the person; px of the copy that this is done on
_HAIR = 1.5  # times as wide as heads are drawn
_SHOE = 0.12, 0.22  # trunk lengths beyond an ankle, and around
_EDGE_SHARE = 0.04  # of an edge of the photo: where the mask reaches so far the person goes on


def box_of(mask: np.ndarray) -> Box | None:
    """(2,) lowest and (2,) highest px of a (h, w) uint8 mask; None for an empty one."""
    rows, columns = np.flatnonzero(mask.max(1) > 127), np.flatnonzero(mask.max(0) > 127)
    if not len(rows):
        return None
    return np.array([columns[0], rows[0]], float), np.array([columns[-1], rows[-1]], float)


def gone(mask: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(h, w) uint8: the mask with what it may have missed, so that no hair stays in the air."""
    box = box_of(mask)
    if box is None:
        return mask
    side = float((box[1] - box[0]).max()) + 1.0
    radius = max(1, round(_CLOSED_SHARE * side))
    # The same on a small copy where the photo is large: a wide kernel takes long.
    shrink = min(1.0, _CLOSED_PX / radius)
    size = tuple(max(1, round(v * shrink)) for v in mask.shape[1::-1])
    small = cv2.resize(mask, size, interpolation=cv2.INTER_AREA)
    reach = 2 * max(1, round(radius * shrink)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    closed = cv2.resize(cv2.morphologyEx(small, cv2.MORPH_CLOSE, kernel), mask.shape[1::-1])
    person = figure(points)
    draw_head(closed, person, _HAIR)
    for knee, ankle in ((13, 15), (14, 16)):
        if person.there[ankle]:
            down = np.array([0.0, 1.0])
            if person.there[knee]:
                down = unit_vector(person.points[ankle] - person.points[knee], (0.0, 1.0))
            toe = person.points[ankle] + _SHOE[0] * person.unit * down
            capsule(closed, person.points[ankle], toe, _SHOE[1] * person.unit)
    return np.maximum(mask, closed)


def in_one_piece(mask: np.ndarray, points: np.ndarray) -> np.ndarray:
    """A generator's mask without what hangs in the air: parts that hold no joint, unless large.

    Args:
        mask: (h, w) float32 in 0-1.
        points: (17, 3) px of it and visibility.
    """
    there = (mask > _ISLAND).astype(np.uint8)
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(there, connectivity=8)
    keep = stats[:, cv2.CC_STAT_AREA] >= _LARGE_ISLAND * max(int(there.sum()), 1)
    for x, y, visibility in points:
        column, row = round(float(x)), round(float(y))
        if visibility > 0 and 0 <= row < mask.shape[0] and 0 <= column < mask.shape[1]:
            keep[pieces[row, column]] = True
    keep[0] = True  # what is hardly the person stays as faint as it is
    if count < 2 or keep.all():
        return mask
    gone = cv2.dilate((~keep[pieces]).astype(np.uint8), np.ones((5, 5), np.uint8))
    near = cv2.dilate((keep[pieces] & (pieces > 0)).astype(np.uint8), np.ones((3, 3), np.uint8))
    return np.where((gone > 0) & (near == 0), np.float32(0.0), mask)


def is_cut_off(mask: np.ndarray) -> bool:
    """The person goes on beyond an edge of the photo; shoes on the lower edge do not count."""
    wide, high = mask.shape[1], mask.shape[0]
    sides: Sequence[tuple[np.ndarray, int]] = (
        (mask[0], wide), (mask[:, 0], high), (mask[:, -1], high), (mask[-1], wide),
    )  # fmt: skip
    return any(int((edge > 127).sum()) > _EDGE_SHARE * length for edge, length in sides)
