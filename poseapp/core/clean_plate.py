"""The photo without the person: what stood behind is made up from what is around it.

Patches of the surroundings are laid over the hole from coarse to fine so that neighbours agree
(Wexler et al. 2007), found by random search and by what fits next door (PatchMatch, Barnes et al.
2009). This happens at a small size; the large picture then takes whole pixels from the places that
were found, and its brightness from the small one. Outside the hole not a byte changes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from poseapp.core.errors import PoseError

_WORK_SIDE_PX = 224  # of the hole's surroundings; time grows with its square
_CONTEXT = 0.8  # of the hole's shorter side around it: where patches come from
_LEAST_SIDE_PX = 28  # of the coarsest level
_ROUNDS = (8, 5, 3, 2)  # of laying patches, by level; the last for all finer ones
_RADIUS = 3  # a patch is 7 x 7 px
_SHADES_PX = 2.0  # of the working size: what varies more slowly are shades, the rest is grain
_STRIP = 256  # rows filled at once: memory stays small
_SAME_HEIGHT = 2500.0  # squared grey levels for a patch from a whole picture above or below
_FEATHER = 0.004  # of the longer side: softness of the hole's edge, inwards


def clean_plate(photo: np.ndarray, mask: np.ndarray, seed: int = 0) -> np.ndarray:
    """A photo without what a mask covers.

    Args:
        photo: (h, w, 3) uint8 RGB.
        mask: (h, w) uint8, how much of each pixel shows what is to go.
        seed: the same seed, the same picture.
    Returns:
        (h, w, 3) uint8; outside the mask, grown a little, equal to the photo.
    """
    if photo.shape[:2] != mask.shape:
        raise PoseError("The mask of a person must have the size of the photo.")
    hole = grown(mask)
    out = np.array(photo)
    rows, columns = np.flatnonzero(hole.any(1)), np.flatnonzero(hole.any(0))
    if not len(rows):
        return out
    y0, y1, x0, x1 = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    pad = math.ceil(_CONTEXT * min(y1 - y0, x1 - x0)) + 8
    y0, x0 = max(y0 - pad, 0), max(x0 - pad, 0)
    y1, x1 = min(y1 + pad, photo.shape[0]), min(x1 + pad, photo.shape[1])
    crop, inside = photo[y0:y1, x0:x1].copy(), hole[y0:y1, x0:x1]
    if inside.all():  # nothing is left to take from
        return out
    shrink = min(1.0, _WORK_SIDE_PX / max(crop.shape[:2]))
    size = (max(8, round((x1 - x0) * shrink)), max(8, round((y1 - y0) * shrink)))
    gone = _reduced_hole(inside, size)
    small = _reduced(crop, inside, size)
    if gone.all():
        return out
    field, filled = _completed(small, gone, np.random.default_rng(seed))
    _fill(crop, inside, small, gone, filled, field)
    out[y0:y1, x0:x1] = crop
    return out


def grown(mask: np.ndarray) -> np.ndarray:
    """(h, w) bool: the mask with a rim, as an outline leaves its colour beside it."""
    rows, columns = np.flatnonzero(mask.max(1) > 8), np.flatnonzero(mask.max(0) > 8)
    if not len(rows):
        return np.zeros(mask.shape, bool)
    side = max(int(np.ptp(rows)), int(np.ptp(columns))) + 1
    radius = max(1, round(0.018 * side))
    far = cv2.distanceTransform((mask <= 8).astype(np.uint8), cv2.DIST_L2, 3)
    return np.asarray(far <= radius)


def _reduced_hole(hole: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    share = cv2.resize(hole.astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA)
    return np.asarray(share > 4)


def _reduced(picture: np.ndarray, hole: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The picture made smaller, no pixel of the hole mixed into those beside it."""
    known = np.where(hole, 0, 255).astype(np.uint8)
    seen = picture.copy()
    seen[hole] = 0
    colour = cv2.resize(seen, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    weight = cv2.resize(known, size, interpolation=cv2.INTER_AREA)[..., None] / np.float32(255.0)
    return np.asarray(colour / np.maximum(weight, 1.0 / 255.0), np.float32)


Cost = Callable[[np.ndarray, np.ndarray | slice], np.ndarray]
"""(places, which of the patches) -> how badly each is taken from there."""


@dataclass
class _Level:
    """One size of the search.

    Attributes:
        picture: (h, w, 3) float32, 0-255; changed as patches are laid.
        hole: (h, w) bool.
        rows, columns: (n,) centres of the patches that touch the hole.
        sources: (m, 2) row, column of the patches that are whole.
        whole: (h, w) bool, of those.
    """

    picture: np.ndarray
    hole: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    sources: np.ndarray
    whole: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        return self.hole.shape[0], self.hole.shape[1]


def _level(picture: np.ndarray, hole: np.ndarray) -> _Level:
    kernel = np.ones((2 * _RADIUS + 1,) * 2, np.uint8)
    near = cv2.dilate(hole.astype(np.uint8), kernel) > 0
    rows, columns = np.nonzero(near)
    whole = ~near
    sources = np.argwhere(whole)
    if not len(sources):  # a hole nearly as large as the picture
        whole = ~hole
        sources = np.argwhere(whole)
    return _Level(picture, hole, rows, columns, sources, whole)


def _completed(
    picture: np.ndarray, hole: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Fill the hole.

    Returns:
        (h, w, 2) int: for each pixel the row and column where it comes from; (h, w, 3) float32.
    """
    sizes = [picture.shape[1::-1]]
    while min(sizes[-1]) / 2 >= _LEAST_SIDE_PX:
        sizes.append((round(sizes[-1][0] / 2), round(sizes[-1][1] / 2)))
    field = filled = None
    for number, size in enumerate(reversed(sizes)):
        gone = hole if size == sizes[0] else _reduced_hole(hole, size)
        if gone.all():
            continue
        known = picture if size == sizes[0] else _reduced(picture, hole, size)
        if filled is None:
            start = cv2.inpaint(
                np.clip(known, 0, 255).astype(np.uint8), gone.astype(np.uint8), 3, cv2.INPAINT_TELEA
            ).astype(np.float32)
        else:
            start = cv2.resize(filled, size, interpolation=cv2.INTER_LINEAR)
        current = np.where(gone[..., None], start, known).astype(np.float32)
        level = _level(current, gone)
        field = _started(level, field, rng)
        rounds = _ROUNDS[min(number, len(_ROUNDS) - 1)]
        for turn in range(rounds):
            cost = _search(level, field, rng)
            _lay(level, field, cost)
            if turn >= rounds // 2:  # means are smooth, and would look for smooth places next
                _copy(level, field)
        filled = level.picture
    assert field is not None and filled is not None
    return field, filled


def _started(level: _Level, field: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    """Where patches come from at first: at random, or as a coarser level found."""
    height, width = level.shape
    out: np.ndarray = np.moveaxis(np.indices((height, width)), 0, -1).copy()
    # Sources are in order of their rows: what lies as high in the picture is as far away.
    near = np.searchsorted(level.sources[:, 0], level.rows)
    rank = near + rng.normal(0.0, 0.08, len(near)) * len(level.sources)
    drawn = level.sources[np.clip(rank.astype(int), 0, len(level.sources) - 1)]
    if field is not None:
        scale = np.array(level.shape) / np.array(field.shape[:2])
        place = np.stack([level.rows, level.columns], 1)
        low = np.minimum((place / scale).astype(int), np.array(field.shape[:2]) - 1)
        found = field[low[:, 0], low[:, 1]]
        moved = np.rint(found * scale + (place - low * scale)).astype(int)
        moved = np.clip(moved, 0, np.array(level.shape) - 1)
        good = level.whole[moved[:, 0], moved[:, 1]]
        drawn = np.where(good[:, None], moved, drawn)
    out[level.rows, level.columns] = drawn
    return out


def _patches(picture: np.ndarray) -> np.ndarray:
    """(h, w, 7, 7, 3) view of the patch around each pixel."""
    wide = cv2.copyMakeBorder(picture, *(_RADIUS,) * 4, cv2.BORDER_REFLECT_101)
    side = 2 * _RADIUS + 1
    view = np.lib.stride_tricks.sliding_window_view(wide, (side, side), axis=(0, 1))
    return np.asarray(view.transpose(0, 1, 3, 4, 2))


def _search(level: _Level, field: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Improve where patches come from; changes `field`.

    Returns:
        (n,) float32 mean squared difference of each patch to what it is taken from.
    """
    height, width = level.shape
    side = (2 * _RADIUS + 1) ** 2 * 3
    flat = np.ascontiguousarray(_patches(level.picture)).reshape(height * width, side)
    rows, columns = level.rows, level.columns
    mine = flat[rows * width + columns]

    def cost_of(places: np.ndarray, which: np.ndarray | slice) -> np.ndarray:
        gap = flat[places[:, 0] * width + places[:, 1]]
        gap -= mine[which]
        apart = (places[:, 0] - rows[which]) / height
        return np.asarray(np.einsum("ij,ij->i", gap, gap) / side + _SAME_HEIGHT * apart**2)

    best = field[rows, columns]
    cost = cost_of(best, slice(None))
    for reach in (8, 4, 2, 1):
        for down, right in ((reach, 0), (-reach, 0), (0, reach), (0, -reach)):
            # What fits a neighbour fits here, moved by the step between the two.
            other = np.stack(
                [np.clip(rows + down, 0, height - 1), np.clip(columns + right, 0, width - 1)], 1
            )
            step = other - np.stack([rows, columns], 1)
            _take(level, best, cost, field[other[:, 0], other[:, 1]] - step, cost_of)
            field[rows, columns] = best
    span = max(height, width) / 2.0
    while span >= 1.0:
        near = best + np.rint(rng.uniform(-span, span, size=best.shape)).astype(int)
        _take(level, best, cost, near, cost_of)
        span /= 3.0
    field[rows, columns] = best
    return cost


def _take(
    level: _Level, best: np.ndarray, cost: np.ndarray, offered: np.ndarray, cost_of: Cost
) -> None:
    """Change `best` and `cost` where what is offered is a whole patch and fits better."""
    height, width = level.shape
    inside = (
        (offered[:, 0] >= 0)
        & (offered[:, 0] < height)
        & (offered[:, 1] >= 0)
        & (offered[:, 1] < width)
    )
    inside &= (offered != best).any(1)
    which = np.flatnonzero(inside)
    which = which[level.whole[offered[which, 0], offered[which, 1]]]
    if not len(which):
        return
    found = cost_of(offered[which], which)
    better = found < cost[which]
    best[which[better]], cost[which[better]] = offered[which[better]], found[better]


def _lay(level: _Level, field: np.ndarray, cost: np.ndarray) -> None:
    """Each pixel of the hole becomes the mean of what the patches over it say, good ones more."""
    height, width = level.shape
    total = np.zeros((height, width, 3), np.float32)
    weight = np.zeros((height, width), np.float32)
    # Near the hole's edge patches know more of the truth.
    known = cv2.distanceTransform(level.hole.astype(np.uint8), cv2.DIST_L2, 3)
    trust = 1.3 ** -known[level.rows, level.columns]
    usual = float(np.percentile(cost, 75)) + 1e-3
    trust = (trust * np.exp(-cost / (2.0 * usual)) + 1e-12).astype(np.float32)
    origin = field[level.rows, level.columns]
    for down in range(-_RADIUS, _RADIUS + 1):
        for right in range(-_RADIUS, _RADIUS + 1):
            rows, columns = level.rows + down, level.columns + right
            from_rows, from_columns = origin[:, 0] + down, origin[:, 1] + right
            ok = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
            ok &= (from_rows >= 0) & (from_rows < height)
            ok &= (from_columns >= 0) & (from_columns < width)
            at = (rows[ok], columns[ok])
            colour = level.picture[from_rows[ok], from_columns[ok]]
            # Each pixel is met once a step, so that plain addition counts them all.
            total[at] += trust[ok, None] * colour
            weight[at] += trust[ok]
    change = level.hole & (weight > 0)
    level.picture[change] = total[change] / weight[change][:, None]


def _copy(level: _Level, field: np.ndarray) -> None:
    """Each pixel of the hole becomes the middle of its own patch."""
    rows, columns = np.nonzero(level.hole)
    places = field[rows, columns]
    level.picture[rows, columns] = level.picture[places[:, 0], places[:, 1]]


def _fill(
    crop: np.ndarray,
    hole: np.ndarray,
    small: np.ndarray,
    gone: np.ndarray,
    filled: np.ndarray,
    field: np.ndarray,
) -> None:
    """Fill the hole of the crop, in place: shades from `filled`, grain from the photo itself.

    Patches that are averaged lose their grain, so that grass would turn to felt; each pixel
    therefore takes what the photo has beyond its own shades from the place that was found.
    """
    height, width = hole.shape
    known = (~gone).astype(np.float32)
    weight = cv2.GaussianBlur(known, (0, 0), _SHADES_PX)[..., None]
    shades = cv2.GaussianBlur(small * known[..., None], (0, 0), _SHADES_PX)
    shades = shades / np.maximum(weight, 1e-3)
    low = cv2.GaussianBlur(filled, (0, 0), _SHADES_PX)
    low_rows, low_columns = gone.shape
    scale = np.array([height / low_rows, width / low_columns])
    move = (field - np.moveaxis(np.indices(gone.shape), 0, -1)) * scale
    move = np.rint(np.where(gone[..., None], move, 0.0)).astype(np.float32)
    soft = _soft_edge(hole)
    columns = np.flatnonzero(hole.any(0))
    left, right = int(columns[0]), int(columns[-1]) + 1
    x = np.arange(left, right, dtype=np.float32)[None]
    near_x = np.minimum(((x[0] + 0.5) / scale[1]).astype(int), low_columns - 1)
    source = crop.copy()
    rows = np.flatnonzero(hole.any(1))
    for top in range(int(rows[0]), int(rows[-1]) + 1, _STRIP):
        bottom = min(top + _STRIP, int(rows[-1]) + 1)
        y = np.arange(top, bottom, dtype=np.float32)[:, None]
        near_y = np.minimum(((y[:, 0] + 0.5) / scale[0]).astype(int), low_rows - 1)
        step = move[near_y[:, None], near_x[None]]
        from_x = np.clip(x + step[..., 1], 0, width - 1)
        from_y = np.clip(y + step[..., 0], 0, height - 1)
        value = cv2.remap(source, from_x, from_y, cv2.INTER_NEAREST).astype(np.float32)
        value -= _sampled(shades, from_x, from_y, scale)
        here_x, here_y = np.broadcast_arrays(x, y)
        value += _sampled(low, here_x, here_y, scale)
        share = soft[top:bottom, left:right, None]
        part = crop[top:bottom, left:right]
        value = np.clip(value, 0.0, 255.0) * share + part * (1.0 - share)
        inside = hole[top:bottom, left:right]
        part[inside] = np.rint(value[inside]).astype(np.uint8)


def _sampled(picture: np.ndarray, x: np.ndarray, y: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """A small picture at places of the large one."""
    at_x = ((x + 0.5) / scale[1] - 0.5).astype(np.float32)
    at_y = ((y + 0.5) / scale[0] - 0.5).astype(np.float32)
    return np.asarray(
        cv2.remap(picture, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    )


def _soft_edge(hole: np.ndarray) -> np.ndarray:
    """(h, w) float32: 1 inside, falling to 0 towards the hole's edge."""
    width = max(1.0, _FEATHER * max(hole.shape))
    # A rim of known pixels, for a hole that begins at the picture's border has no edge there.
    inside = cv2.copyMakeBorder(hole.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    far = cv2.distanceTransform(inside, cv2.DIST_L2, 3)[1:-1, 1:-1]
    return np.asarray(np.clip(far / (width + 1.0), 0.0, 1.0), np.float32)
