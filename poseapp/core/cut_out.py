"""The mask of a person in a photo, from its keypoints alone.

Limbs as thick as limbs usually are say what is surely the person, what may be and what surely is
not; colours decide between (GrabCut, Rother et al. 2004), at a bounded size; a guided filter (He et
al. 2010) brings the outline back to the photo's own edges. Nothing here is learnt.
"""

from __future__ import annotations

import cv2
import numpy as np

from poseapp.core.body_parts import LIMBS, Figure, capsule, draw_limb, draw_trunk, figure, polygon
from poseapp.core.errors import PoseError
from poseapp.core.feet import with_shoes
from poseapp.core.regions import grab_cut, touching

_WORK_SIDE_PX = 288  # GrabCut's time grows with the pixels: some 0.3 s at this size
_FINE_SIDE_PX = 1024  # the outline follows the photo's edges at this size
_ROUNDS = 4
_SURE, _LIKELY, _POSSIBLE = (
    0.4,
    1.0,
    2.0,
)  # thickness of what is surely, likely, possibly the person
_ANKLES = (15, 16)
_FOOT = 0.38  # trunk lengths around an ankle where a shoe may be
_MARGIN = 0.55  # trunk lengths around the person that GrabCut sees


def cut_out(
    photo: np.ndarray,
    keypoints: np.ndarray,
    box: tuple[float, float, float, float] | None = None,
    mask: np.ndarray | None = None,
) -> np.ndarray:
    """How much of each pixel shows the person.

    Args:
        photo: (h, w, 3) uint8 RGB.
        keypoints: (17, 3) x, y px of the photo and visibility 0-2.
        box: x, y, width, height px that surely hold the person; from the keypoints if None.
        mask: (h, w) uint8, where it is known, as of a created person: returned as it is.
    Returns:
        (h, w) uint8 with a soft edge.
    Raises:
        PoseError: too few joints, or the pose lies outside of the photo.
    """
    size = photo.shape[:2]
    if mask is not None:
        if mask.shape != size:
            raise PoseError("The mask of a person must have the size of the photo.")
        return np.asarray(mask, np.uint8).copy()
    person = figure(keypoints)
    x0, y0, x1, y1 = _window(person, box, (int(size[0]), int(size[1])))
    if x1 - x0 < 4 or y1 - y0 < 4:
        raise PoseError("The pose lies outside of the photo: mark the person in it first.")
    crop = np.ascontiguousarray(photo[y0:y1, x0:x1])
    shrink = min(1.0, _WORK_SIDE_PX / max(crop.shape[:2]))
    small_size = tuple(max(4, round(v * shrink)) for v in (x1 - x0, y1 - y0))
    small = cv2.resize(crop, small_size, interpolation=cv2.INTER_AREA)
    factor = np.array(small_size) / np.array([x1 - x0, y1 - y0])
    moved = np.array(keypoints, float)
    moved[:, :2] = (moved[:, :2] - [x0, y0] + 0.5) * factor - 0.5
    placed = figure(moved)
    found = with_shoes(small, _grab(small, placed), placed)
    if box is not None:
        inner = np.array([box[0] - x0, box[1] - y0, box[0] + box[2] - x0, box[1] + box[3] - y0])
        inner = inner * np.tile(factor, 2)
        _outside(found, inner)
    out = np.zeros(size, np.uint8)
    out[y0:y1, x0:x1] = _fine(crop, found, person.unit)
    return out


def _window(
    person: Figure, box: tuple[float, float, float, float] | None, size: tuple[int, int]
) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 px of what is looked at."""
    points = person.points[person.there]
    low, high = points.min(0), points.max(0)
    if box is not None:
        low = np.minimum(low, box[:2])
        high = np.maximum(high, np.array(box[:2]) + np.array(box[2:]))
    margin = _MARGIN * person.unit
    low, high = np.floor(low - margin), np.ceil(high + margin)
    x0, y0 = (int(max(v, 0)) for v in low)
    x1, y1 = int(min(high[0], size[1])), int(min(high[1], size[0]))
    return x0, y0, x1, y1


def _grab(picture: np.ndarray, person: Figure) -> np.ndarray:
    """(h, w) uint8: 255 where the person is."""
    labels = np.full(picture.shape[:2], cv2.GC_BGD, np.uint8)
    size = labels.shape
    body = _drawn(size, person, _LIKELY)
    labels[_drawn(size, person, _POSSIBLE) > 0] = cv2.GC_PR_BGD
    _draw_loose(labels, person)
    labels[body > 0] = cv2.GC_PR_FGD
    sure = _drawn(size, person, _SURE, seen_only=True)
    labels[sure > 0] = cv2.GC_FGD
    if not (labels == cv2.GC_FGD).any() or not (labels == cv2.GC_BGD).any():
        return body
    smooth = cv2.bilateralFilter(picture, 5, 20.0, 3.0)  # noise and grass would be cut into crumbs
    found = grab_cut(smooth, labels, _ROUNDS).astype(np.uint8)
    if found.sum() < 0.4 * (body > 0).sum():  # the colours said nothing: trust the bones
        return body
    return _tidy(found, sure, body)


def _draw_loose(labels: np.ndarray, person: Figure) -> None:
    """What clothes and shoes may cover without a bone beneath: between the legs, around feet."""
    legs = [j for j in (11, 12, 13, 14, 15, 16) if person.there[j]]
    if len(legs) > 3:
        cloth = np.zeros(labels.shape, np.uint8)
        polygon(cloth, person.points[legs])
        labels[cloth > 0] = cv2.GC_PR_BGD
    for ankle in _ANKLES:
        if person.there[ankle]:
            foot = np.zeros(labels.shape, np.uint8)
            capsule(foot, person.points[ankle], person.points[ankle], _FOOT * person.unit)
            labels[foot > 0] = cv2.GC_PR_BGD


def _drawn(
    size: tuple[int, ...], person: Figure, grow: float, seen_only: bool = False
) -> np.ndarray:
    """The figure as a mask of (height, width)."""
    mask = np.zeros(size, np.uint8)
    draw_trunk(mask, person, grow)
    for limb in LIMBS.values():
        # An ankle may count as hidden by its shoe: where the knee is seen, so is the leg.
        needed = limb.joints[1:2] if limb.joints[2] in _ANKLES else limb.joints[1:]
        if not seen_only or person.seen[list(needed)].all():
            draw_limb(mask, person, limb, grow, tip=0.5 if seen_only else 1.0)
    return mask


def _tidy(found: np.ndarray, sure: np.ndarray, body: np.ndarray) -> np.ndarray:
    """Without islands and pinholes; thin limbs that were lost come back as drawn."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    found = cv2.morphologyEx(found, cv2.MORPH_OPEN, kernel) | (sure > 0).astype(np.uint8)
    found = cv2.morphologyEx(found, cv2.MORPH_CLOSE, kernel)
    found = touching(found, sure > 0).astype(np.uint8)
    _, holes, stats, _ = cv2.connectedComponentsWithStats(1 - found, connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] < 0.004 * max(int((body > 0).sum()), 1)
    small[0] = False
    return np.where(small[holes], 255, found * 255).astype(np.uint8)


def _outside(mask: np.ndarray, inner: np.ndarray) -> None:
    x0, y0, x1, y1 = np.rint(inner).astype(int).tolist()
    mask[: max(y0, 0)] = 0
    mask[max(y1, 0) :] = 0
    mask[:, : max(x0, 0)] = 0
    mask[:, max(x1, 0) :] = 0


def _fine(crop: np.ndarray, found: np.ndarray, unit: float) -> np.ndarray:
    """The mask at the crop's size, its outline drawn to the picture's edges."""
    shrink = min(1.0, _FINE_SIDE_PX / max(crop.shape[:2]))
    size = tuple(max(4, round(v * shrink)) for v in crop.shape[1::-1])
    guide = cv2.resize(crop, size, interpolation=cv2.INTER_AREA)
    ratio = size[0] / found.shape[1]
    up = cv2.resize(found, size, interpolation=cv2.INTER_CUBIC)
    up = cv2.GaussianBlur(up, (0, 0), max(0.6 * ratio, 0.5))
    radius = max(2, round(max(0.03 * unit * shrink, 1.2 * ratio)))
    soft = guided(up.astype(np.float32) / 255.0, guide, radius)
    # The filter must not undo what GrabCut decided away from the outline.
    kernel = np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)
    hard = (up > 127).astype(np.uint8)
    soft = np.where(cv2.erode(hard, kernel, borderValue=1) > 0, 1.0, soft)
    soft = np.where(cv2.dilate(hard, kernel, borderValue=0) > 0, soft, 0.0)
    soft = np.clip((soft - 0.5) * 1.8 + 0.5, 0.0, 1.0)  # its tails are wider than an outline is
    out = np.asarray(np.rint(soft * 255.0), np.uint8)
    return np.asarray(cv2.resize(out, crop.shape[1::-1], interpolation=cv2.INTER_LINEAR))


def guided(values: np.ndarray, guide: np.ndarray, radius: int, noise: float = 6e-4) -> np.ndarray:
    """A guided filter: values that are smooth except where the guide has an edge.

    Args:
        values: (h, w) float32.
        guide: (h, w, 3) uint8 RGB; its brightness guides.
        radius: px.
        noise: variance of brightness (0-1) that is no edge.
    Returns:
        (h, w) float32.
    """
    light = cv2.cvtColor(guide, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255.0
    side = (2 * radius + 1, 2 * radius + 1)

    def mean(picture: np.ndarray) -> np.ndarray:
        return np.asarray(cv2.boxFilter(picture, -1, side))

    mean_light, mean_values = mean(light), mean(values)
    slope = (mean(light * values) - mean_light * mean_values) / (
        mean(light * light) - mean_light * mean_light + noise
    )
    offset = mean_values - slope * mean_light
    return np.asarray(mean(slope) * light + mean(offset), np.float32)
