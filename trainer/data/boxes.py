"""Boxes around people: overlap, suppression, letterboxes and tiles. Torch-free.

A box is x, y, width, height; edges count in pixels from the picture's own edge, as COCO's do, so
that scaling a picture scales its boxes.
"""

from dataclasses import dataclass

import cv2
import numpy as np

GREY = 114
"""What surrounds a letterboxed picture, in training and in use; YOLO's value."""


@dataclass(frozen=True)
class Letterbox:
    """Where a part of a picture lies on a square: square = picture * scale + offset."""

    scale: tuple[float, float]
    offset: tuple[float, float]

    def back(self, boxes: np.ndarray) -> np.ndarray:
        """(N,4) boxes of the square in px of the picture."""
        scale = np.array(self.scale * 2, np.float32)
        moved = boxes - np.array([*self.offset, 0.0, 0.0], np.float32)
        return (moved / scale).astype(np.float32)


def overlap(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Intersection over union of every pair: (N,4), (M,4) -> (N,M) float32."""
    shared = _shared(one, two)
    areas = (one[:, 2] * one[:, 3])[:, None] + (two[:, 2] * two[:, 3])[None]
    return (shared / np.maximum(areas - shared, 1e-9)).astype(np.float32)


def covered(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Share of each box of `one` that lies in each of `two`: (N,4), (M,4) -> (N,M) float32."""
    area = np.maximum(one[:, 2] * one[:, 3], 1e-9)
    return (_shared(one, two) / area[:, None]).astype(np.float32)


def _shared(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    low = np.maximum(one[:, None, :2], two[None, :, :2])
    high = np.minimum(one[:, None, :2] + one[:, None, 2:], two[None, :, :2] + two[None, :, 2:])
    return np.clip(high - low, 0, None).prod(-1)


def suppress(boxes: np.ndarray, scores: np.ndarray, limit: float) -> np.ndarray:
    """Rows that stay when the best of boxes that overlap by more than `limit` does; best first."""
    order = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while len(order):
        best, order = int(order[0]), order[1:]
        kept.append(best)
        if len(order):
            order = order[overlap(boxes[best][None], boxes[order])[0] <= limit]
    return np.array(kept, np.int64)


def clip(boxes: np.ndarray, width: int, height: int) -> np.ndarray:
    """The parts of boxes within a picture; a box outside of it gets no width or no height."""
    low = np.clip(boxes[:, :2], 0, [width, height])
    high = np.clip(boxes[:, :2] + boxes[:, 2:], 0, [width, height])
    return np.concatenate([low, high - low], axis=1).astype(np.float32)


def letterbox(
    picture: np.ndarray, width: int, height: int, *, centred: bool = True
) -> tuple[np.ndarray, Letterbox]:
    """A picture as large as it fits on a grey canvas.

    Args:
        picture: (h,w,3) uint8 of any size; a side may shrink to a single pixel.
        centred: in the middle, or in the upper left corner.
    Returns:
        (height,width,3) uint8, and where the picture lies on it.
    """
    h, w = picture.shape[:2]
    scale = min(width / w, height / h)
    small = (max(1, round(w * scale)), max(1, round(h * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    shrunk = cv2.resize(picture, small, interpolation=way)
    x, y = ((width - small[0]) // 2, (height - small[1]) // 2) if centred else (0, 0)
    canvas = np.full((height, width, 3), GREY, np.uint8)
    canvas[y : y + small[1], x : x + small[0]] = shrunk
    return canvas, Letterbox((small[0] / w, small[1] / h), (float(x), float(y)))


def tiles(width: int, height: int, side: int, shared: float = 0.25) -> np.ndarray:
    """Squares that cover a picture and overlap by at least a share of their side.

    Returns:
        (N,4) int64 x, y, width, height px; narrower where the picture is.
    """
    columns, rows = _starts(width, side, shared), _starts(height, side, shared)
    return np.array(
        [(x, y, min(side, width), min(side, height)) for y in rows for x in columns], np.int64
    )


def _starts(length: int, side: int, shared: float) -> list[int]:
    if length <= side:
        return [0]
    count = 1 + int(np.ceil((length - side) / (side * (1 - shared))))
    return [round(float(v)) for v in np.linspace(0, length - side, count)]
