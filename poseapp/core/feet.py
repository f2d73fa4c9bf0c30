"""Shoes in the mask of a person: a second look at what surrounds each ankle.

In the whole picture a white shoe is the colour of the floor and a dark one that of its own shadow.
Around one ankle there is little else than leg, shoe and ground, and a shadow has the ground's hue:
so colours are told apart there anew (GrabCut), with brightness counting less than hue.
"""

from __future__ import annotations

import cv2
import numpy as np

from poseapp.core.body_parts import Figure, capsule, unit_vector
from poseapp.core.regions import grab_cut, touching

_LEGS = ((13, 15), (14, 16))
_WINDOW = 0.62  # trunk lengths around a foot that are looked at
# Trunk lengths beyond the ankle, and around, that may be, are likely and surely are the foot.
_SHOE, _LIKELY, _SURE = (0.16, 0.42), (0.14, 0.11), (0.05, 0.05)
_SHIN = 0.35, 0.04  # of the bone above the ankle, and trunk lengths around, that are the leg
_OTHER_FOOT, _OTHER_SHANK = 0.2, 0.1  # trunk lengths that belong to the other leg
_SIDE_PX = 112  # of the window as it is looked at
_LIGHT, _HUE = 0.35, 3.2  # weights of brightness and hue
_ROUNDS = 3
_LEAST, _MOST = 0.02, 0.38  # square trunk lengths that shoe and shank take there


def with_shoes(picture: np.ndarray, mask: np.ndarray, person: Figure) -> np.ndarray:
    """A mask with its feet decided again.

    Args:
        picture: (h, w, 3) uint8 RGB.
        mask: (h, w) uint8, 255 where the person is.
        person: px of the picture.
    Returns:
        (h, w) uint8.
    """
    out = mask.copy()
    for knee, ankle in _LEGS:
        if person.there[ankle] and (person.seen[ankle] or person.seen[knee]):
            _decide(picture, out, person, knee, ankle)
    return out


def _decide(picture: np.ndarray, mask: np.ndarray, person: Figure, knee: int, ankle: int) -> None:
    unit, at = person.unit, person.points[ankle]
    down = np.array([0.0, 1.0])
    if person.there[knee]:
        down = unit_vector(at - person.points[knee], (0.0, 1.0))
    centre = at + 0.12 * unit * down
    low = np.floor(centre - _WINDOW * unit).astype(int)
    high = np.ceil(centre + _WINDOW * unit).astype(int) + 1
    x0, y0 = np.maximum(low, 0).tolist()
    x1, y1 = int(min(high[0], mask.shape[1])), int(min(high[1], mask.shape[0]))
    if min(x1 - x0, y1 - y0) < 12:
        return
    scale = _SIDE_PX / (2.0 * _WINDOW * unit)
    size = max(8, round((x1 - x0) * scale)), max(8, round((y1 - y0) * scale))
    inter = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
    look = cv2.resize(picture[y0:y1, x0:x1], size, interpolation=inter)
    known = cv2.resize(mask[y0:y1, x0:x1], size, interpolation=inter) > 127

    def here(point: np.ndarray) -> np.ndarray:
        return np.asarray((point - [x0, y0] + 0.5) * scale - 0.5)

    def drawn(*lines: tuple[np.ndarray, np.ndarray, float]) -> np.ndarray:
        drawing = np.zeros(size[::-1], np.uint8)
        for start, end, radius in lines:
            capsule(drawing, here(start), here(end), radius * unit * scale)
        return drawing > 0

    foot = drawn((at, at + _SHOE[0] * unit * down, _SHOE[1]))
    likely = drawn((at, at + _LIKELY[0] * unit * down, _LIKELY[1]))
    sure = drawn((at, at + _SURE[0] * unit * down, _SURE[1]))
    if person.there[knee]:
        sure |= drawn((at - _SHIN[0] * (at - person.points[knee]), at, _SHIN[1]))
    others = drawn(*_other_legs(person, ankle))
    labels = np.where(foot, cv2.GC_PR_BGD, cv2.GC_BGD).astype(np.uint8)
    labels[(known | likely) & foot] = cv2.GC_PR_FGD
    labels[sure] = cv2.GC_FGD
    labels[known & ~foot] = cv2.GC_FGD  # the leg
    mine = (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
    if mine.all() or not mine.any():  # the foot lies beyond the photo, or fills it
        return
    found = grab_cut(_weighted(look), labels, _ROUNDS).astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    found = cv2.morphologyEx(found, cv2.MORPH_OPEN, kernel)
    found = cv2.morphologyEx(found, cv2.MORPH_CLOSE, kernel, iterations=2)
    found = touching(found, sure)
    change = foot & ~others
    if not _LEAST < float((found & change).sum()) / (unit * scale) ** 2 < _MOST:
        return
    decided = np.where(change, found, known).astype(np.uint8) * 255
    big = cv2.resize(decided, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)
    where = cv2.resize(change.astype(np.uint8), (x1 - x0, y1 - y0), interpolation=cv2.INTER_NEAREST)
    part = mask[y0:y1, x0:x1]
    part[where > 0] = np.where(big > 127, 255, 0).astype(np.uint8)[where > 0]


def _other_legs(person: Figure, ankle: int) -> list[tuple[np.ndarray, np.ndarray, float]]:
    lines = []
    for knee, other in _LEGS:
        if other != ankle and person.there[other]:
            end = person.points[other]
            lines.append((end, end, _OTHER_FOOT))
            if person.there[knee]:
                lines.append((person.points[knee], end, _OTHER_SHANK))
    return lines


def _weighted(look: np.ndarray) -> np.ndarray:
    """Brightness and hue as colours whose distance counts."""
    lab = cv2.cvtColor(cv2.bilateralFilter(look, 5, 15.0, 2.0), cv2.COLOR_RGB2LAB)
    weights = np.array([_LIGHT, _HUE, _HUE], np.float32)
    return np.asarray(np.clip(128.0 + (lab.astype(np.float32) - 128.0) * weights, 0, 255), np.uint8)
