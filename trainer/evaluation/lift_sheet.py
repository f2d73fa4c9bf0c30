"""A sheet of lifts to look at: input, lift from the front and the side, the truth."""

from pathlib import Path

import cv2
import numpy as np
import torch

from trainer.data import coco_to_mocap, mocap
from trainer.errors import DataError
from trainer.evaluation import lift_views
from trainer.layers import lift_geometry as geometry
from trainer.predictors.vae_gan_lifter import Predictor

_CELL = 170
_HEADER = 26
_LEFT, _RIGHT, _MIDDLE = (200, 120, 30), (30, 90, 220), (110, 110, 110)  # BGR
_LEFT_JOINTS, _RIGHT_JOINTS = {4, 5, 6, 11, 12, 13}, {1, 2, 3, 14, 15, 16}
_COCO_EDGES = [  # (joint, its other end) where neither neck nor torso is given
    *((2, 1), (3, 2), (5, 4), (6, 5), (12, 11), (13, 12), (15, 14), (16, 15)),
    *((0, 1), (0, 4), (11, 4), (14, 1), (10, 9), (9, 11), (9, 14)),
]
_TITLES = ("input", "lift, front", "lift, side", "truth, side")
_MOCAP_COUNT, _COCO_COUNT = 10, 6
_COCO_WANTED = (17, 15, 13, 11, 9, 12)  # visible keypoints: whole and half bodies


def draw_sheet(predictor: Predictor, data: Path, path: Path) -> None:
    """Write the sheet as PNG.

    Args:
        data: folder that holds `mocap/` and, for the COCO rows, `coco/`.
    """
    rows = _mocap_rows(predictor, data) + _coco_rows(predictor, data)
    half = (len(rows) + 1) // 2
    columns = [_column(rows[:half]), _column(rows[half:])]
    height = max(c.shape[0] for c in columns)
    columns = [
        np.pad(c, ((0, height - len(c)), (0, 12), (0, 0)), constant_values=255) for c in columns
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.hstack(columns))


def _mocap_rows(predictor: Predictor, data: Path) -> list[list[np.ndarray]]:
    test = mocap.load(data, "test")
    chosen = np.random.default_rng(5).choice(len(test), _MOCAP_COUNT, p=test.weights())
    views = lift_views.views(test.take(np.sort(chosen)))
    lifts = predictor.lift_points(views.image)
    return [
        _row(views.image[i], None, lifts.points[i, 0], lifts.elevation[i], views.points[i])
        for i in range(len(chosen))
    ]


def _coco_rows(predictor: Predictor, data: Path) -> list[list[np.ndarray]]:
    path = data / "coco" / "person_keypoints.npz"
    if not path.is_file():
        return []
    try:
        with np.load(path) as file:
            test = np.flatnonzero(file["is_val2017"])
            keypoints = file["keypoints"][test].astype(np.float32)
            box = file["bbox_xywh"][test]
    except (OSError, KeyError, ValueError) as exc:
        raise DataError(f"Cannot read {path.name}: {exc}. Download the COCO data again.") from exc
    visible = (keypoints[..., 2] > 0).sum(1)
    large = box[:, 3] > 150
    rng = np.random.default_rng(2)
    rows = []
    for wanted in _COCO_WANTED[:_COCO_COUNT]:
        pose = keypoints[rng.choice(np.flatnonzero((visible == wanted) & large))]
        lift = predictor.lift_full(pose[None, :, :2], pose[None, :, 2])
        points, mask = coco_to_mocap.to_mocap(pose[None, :, :2], pose[None, :, 2])
        rows.append(_row(points[0], mask[0], lift.points[0, 0], lift.elevation[0], None))
    return rows


def _row(
    image: np.ndarray,
    mask: np.ndarray | None,
    lift: np.ndarray,
    elevation: float,
    truth: np.ndarray | None,
) -> list[np.ndarray]:
    quarter = np.pi / 2
    cells = [
        _figure(image, mask),
        _figure(lift[:, :2]),
        _figure(_turned(lift, quarter, elevation)),
    ]
    if truth is None:
        blank = np.full((_CELL, _CELL, 3), 255, np.uint8)
        return [*cells, _written(blank, "no truth (COCO)", (20, _CELL // 2))]
    return [*cells, _figure(_turned(truth, quarter, elevation))]


def _turned(points: np.ndarray, azimuth: float, elevation: float) -> np.ndarray:
    pose = torch.from_numpy(np.ascontiguousarray(points, np.float32))[None]
    level = geometry.tilt(pose, torch.tensor([-float(elevation)]))
    return geometry.turn(level, torch.tensor([azimuth]))[0, :, :2].numpy()


def _figure(points: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    canvas = np.full((_CELL, _CELL, 3), 255, np.uint8)
    mask = np.ones(17, bool) if mask is None else mask
    shown = points[mask]
    low, high = shown.min(0), shown.max(0)
    scale = 0.84 * _CELL / max(float((high - low).max()), 1e-6)
    pixels = (points - (low + high) / 2) * scale + _CELL / 2
    edges = list(enumerate(mocap.PARENTS))[1:] if mask[8] else _COCO_EDGES
    for joint, parent in edges:
        if mask[joint] and mask[parent]:
            _line(canvas, pixels[parent], pixels[joint], _colour(joint))
    for joint in np.flatnonzero(mask).tolist():
        cv2.circle(canvas, _pixel(pixels[joint]), 3, _colour(joint), -1, cv2.LINE_AA)
    return canvas


def _line(canvas: np.ndarray, a: np.ndarray, b: np.ndarray, colour: tuple[int, int, int]) -> None:
    cv2.line(canvas, _pixel(a), _pixel(b), colour, 2, cv2.LINE_AA)


def _pixel(point: np.ndarray) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))


def _colour(joint: int) -> tuple[int, int, int]:
    return _LEFT if joint in _LEFT_JOINTS else _RIGHT if joint in _RIGHT_JOINTS else _MIDDLE


def _column(rows: list[list[np.ndarray]]) -> np.ndarray:
    header = np.full((_HEADER, _CELL * len(_TITLES), 3), 255, np.uint8)
    for index, title in enumerate(_TITLES):
        header = _written(header, title, (index * _CELL + 40, 18))
    body = np.vstack([np.hstack(cells) for cells in rows])
    for index in range(len(rows)):
        body[index * _CELL, :] = 220
    return np.vstack([header, body])


def _written(image: np.ndarray, text: str, where: tuple[int, int]) -> np.ndarray:
    return cv2.putText(
        image, text, where, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (60, 60, 60), 1, cv2.LINE_AA
    )
