"""A sheet of photographs with the poses that were found in them: the best and the worst."""

from pathlib import Path

import cv2
import numpy as np

from trainer.data import person_crops
from trainer.data.photos import HIDDEN, PersonPhotos
from trainer.evaluation import estimate
from trainer.metrics import pck as measures
from trainer.models.attention_hourglass import KEYPOINTS
from trainer.predictors.attention_hourglass import Predictor

_CELL = 192
_COLUMNS = 8
_EDGES = (
    *((5, 6), (5, 7), (7, 9), (6, 8), (8, 10), (5, 11), (6, 12), (11, 12)),
    *((11, 13), (13, 15), (12, 14), (14, 16), (0, 1), (0, 2), (1, 3), (2, 4)),
)
_LEFT, _RIGHT, _MIDDLE = (255, 120, 40), (60, 170, 255), (240, 240, 240)  # RGB


def draw_sheet(
    predictor: Predictor, people: PersonPhotos, path: Path, count: int = 40, pool: int = 400
) -> np.ndarray:
    """Write the `count` / 2 best and worst of up to `pool` people, spread over the set.

    Left limbs are orange, right ones blue; joints fade with their confidence. Each half is spread
    over its end of the ranking (a fifth of the pool), or a sheet would show one kind of picture.

    Returns:
        (count,) rows of `people` that were drawn, best first.
    """
    rows = np.linspace(0, len(people) - 1, min(pool, len(people))).astype(int)
    some = people.take(rows)
    found = estimate.find(predictor, some)
    order = np.argsort(_error(found, some))
    half = count // 2
    fifth = max(half, len(order) // 5)
    best = order[:fifth][np.linspace(0, fifth - 1, half).astype(int)]
    worst = order[-fifth:][np.linspace(0, fifth - 1, count - half).astype(int)]
    chosen = np.concatenate([best, worst])
    cells = [_cell(some, int(row), found.points[row], found.confidence[row]) for row in chosen]
    cells += [np.full_like(cells[0], 255)] * (-len(cells) % _COLUMNS)
    lines = [np.hstack(cells[i : i + _COLUMNS]) for i in range(0, len(cells), _COLUMNS)]
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet = cv2.cvtColor(np.vstack(lines), cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(path), sheet, [cv2.IMWRITE_JPEG_QUALITY, 88])
    return rows[chosen]


def _error(found: estimate.Found, people: PersonPhotos) -> np.ndarray:
    """Mean distance in torsos, (N,); people without labels or torso come in the middle."""
    truth, placed = people.keypoints[..., :2], people.keypoints[..., 2] >= HIDDEN
    placed = placed.copy()
    placed[:, KEYPOINTS:] = False
    distance = np.linalg.norm(found.points - truth, axis=-1)
    mean = (distance * placed).sum(1) / np.maximum(placed.sum(1), 1)
    error = mean / measures.torso_px(truth, placed)
    usable = np.isfinite(error) & (placed.sum(1) >= 8)
    return np.where(usable, error, np.median(error[usable]) if usable.any() else 0.0)


def _cell(people: PersonPhotos, row: int, points: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    matrix = person_crops.placement(people.boxes[row], _CELL)
    image, _ = person_crops.cut(people.picture(row), people.keypoints[row], matrix, _CELL)
    drawn = image.copy()
    at = points @ matrix[:, :2].T + matrix[:, 2]
    for a, b in _EDGES:
        strength = float(min(confidence[a], confidence[b]))
        if strength < 0.1:
            continue
        sides = {a % 2, b % 2} if min(a, b) > 0 else {2}
        colour = _MIDDLE if len(sides) > 1 or 2 in sides else (_LEFT if 1 in sides else _RIGHT)
        layer = drawn.copy()
        ends = [tuple(int(v) for v in np.round(at[j])) for j in (a, b)]
        cv2.line(layer, ends[0], ends[1], (20, 20, 20), 4, cv2.LINE_AA)
        cv2.line(layer, ends[0], ends[1], colour, 2, cv2.LINE_AA)
        share = min(1.0, 0.25 + strength)
        drawn = cv2.addWeighted(layer, share, drawn, 1 - share, 0)
    return np.asarray(cv2.copyMakeBorder(drawn, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=(255,) * 3))
