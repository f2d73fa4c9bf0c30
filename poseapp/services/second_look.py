"""A second look at people whose box ends above their feet: a finder that saw half of somebody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np

_ALL = list(range(17))
_ARMS, _KNEES, _ANKLES = [5, 6, 7, 8, 9, 10], [13, 14], [15, 16]
_MISSING, _FOUND = 0.25, 0.5  # mean confidence of knees and ankles before and after
_UPPER = 0.5  # confidence from which a joint of the upper body counts
_SAME = 0.08  # of the old box's height: how far such joints may move, most of them
_LEAST_ROOM = 0.08  # of the box's height that the photo goes on below it
_NO_KNEES, _NO_ANKLES = 2.1, 1.5  # times the box's height that the whole person may take


def with_feet(
    estimate: Callable[[np.ndarray], Any],
    boxes: np.ndarray,
    scores: np.ndarray,
    found: Any,
    height: int,
) -> tuple[np.ndarray, np.ndarray, Any]:
    """Boxes, scores and estimates, each person without feet looked at again in a higher box.

    The second look counts where it finds the legs and leaves the upper body where it was. Whoever
    then turns out to be somebody who was found already is left out.

    Args:
        estimate: of (M, 4) boxes, as `Predictor.estimate` gives it.
        boxes: (N, 4) x, y, width, height px.
        scores: (N,) of the boxes.
        found: the estimates of them.
        height: of the photo, px.
    """
    confidence = np.nan_to_num(np.asarray(found.confidence, float))
    foot = boxes[:, 1] + boxes[:, 3]
    rows = np.flatnonzero(
        (confidence[:, _ANKLES].mean(1) < _MISSING)
        & (confidence[:, _ARMS].max(1, initial=0.0) > _UPPER)
        & (foot < height - _LEAST_ROOM * boxes[:, 3])
    )
    if not len(rows):
        return boxes, scores, found
    higher = boxes[rows].copy()
    no_knees = confidence[rows][:, _KNEES].mean(1) < _MISSING
    higher[:, 3] *= np.where(no_knees, _NO_KNEES, _NO_ANKLES)
    higher[:, 3] = np.minimum(higher[:, 3], height - higher[:, 1])
    again = estimate(higher)
    sure = np.nan_to_num(np.asarray(again.confidence, float))
    moved = _apart(again, _of(found, rows), _ARMS)
    legs = sure[:, [*_KNEES, *_ANKLES]].mean(1) > _FOUND
    taken = np.flatnonzero(legs & (moved < _SAME * boxes[rows, 3]))
    if not len(taken):
        return boxes, scores, found
    half, boxes = boxes[:, 3], boxes.copy()
    boxes[rows[taken]] = higher[taken]
    found = _replaced(found, rows[taken], _of(again, taken))
    kept = np.ones(len(boxes), bool)
    for row in rows[taken]:
        if not kept[row]:
            continue
        others = np.flatnonzero(kept & (np.arange(len(boxes)) != row))
        apart = _apart(_of(found, others), _of(found, np.full(len(others), row)), _ALL)
        same = others[apart < _SAME * half[row]]
        if len(same) and scores[row] <= scores[same].max():
            kept[row] = False
        else:
            kept[same] = False
    rows = np.flatnonzero(kept)
    return boxes[rows], scores[rows], _of(found, rows)


def _apart(one: Any, other: Any, joints: list[int]) -> np.ndarray:
    """(N,) px: by how much most of the joints lie apart that both are sure of; inf without any."""
    both = (np.nan_to_num(one.confidence) > _UPPER) & (np.nan_to_num(other.confidence) > _UPPER)
    gap = np.linalg.norm(one.keypoints - other.keypoints, axis=2)
    gap, both = gap[:, joints], both[:, joints]
    return np.array(
        [np.median(g[b]) if b.any() else np.inf for g, b in zip(gap, both, strict=True)]
    )


def _of(found: Any, rows: np.ndarray) -> Any:
    parts = {field.name: np.asarray(getattr(found, field.name))[rows] for field in fields(found)}
    return replace(found, **parts)


def _replaced(found: Any, rows: np.ndarray, new: Any) -> Any:
    changed = {}
    for field in fields(found):
        values = np.array(getattr(found, field.name))
        values[rows] = getattr(new, field.name)
        changed[field.name] = values
    return replace(found, **changed)
