"""Heatmaps of a pose as pictures and files: composite, single channels, PNG and NPZ. No Qt."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from poseapp.core import heatmap
from poseapp.core.heatmap import Affine2
from poseapp.core.pose import Pose2D
from poseapp.core.skeleton import COCO_17
from poseapp.formats.files import write_bytes

SHEET_COLUMNS = 5
SHEET_ROWS = 4
_GAP = (10, 11, 14)
_OTHERS = 70.0


_SAME_PX = 0.75


def of_pose(pose: Pose2D, frame: Affine2 | None = None) -> np.ndarray:
    """(17, 64, 64) float32: the heatmaps of a pose.

    Args:
        frame: from image space to heatmap px; a pose that does not fit in it, or None, is fitted
            into the middle.
    """
    if frame is not None:
        points = frame.apply(pose.keypoints)
        inside = points[pose.present]
        if len(inside) and inside.min() >= 0 and inside.max() <= heatmap.HEATMAP_PX - 1:
            return heatmap.encode(points, pose.present)
    points, _ = heatmap.to_heatmap_space(pose.keypoints, pose.present)
    return heatmap.encode(points, pose.present)


def frame_of(pose: Pose2D, heatmaps: np.ndarray, threshold: float) -> Affine2 | None:
    """How an unedited pick lies in the heatmaps it came from.

    Args:
        heatmaps: (17, 64, 64) float of the sample.
    Returns:
        Image space to heatmap px, or None when the pose is not that sample any more.
    """
    points, confidence = heatmap.decode(heatmaps, threshold)
    both = pose.present & (confidence > 0)
    if both.sum() < 2:
        return None
    here, there = pose.keypoints[both], np.asarray(points, float)[both]
    centred = here - here.mean(0)
    spread = float((centred**2).sum())
    if spread <= 0.0:
        return None
    scale = float((centred * (there - there.mean(0))).sum()) / spread
    if scale <= 0.0:
        return None
    shift = there.mean(0) - scale * here.mean(0)
    frame = Affine2(scale, (float(shift[0]), float(shift[1])))
    return frame if np.abs(frame.apply(here) - there).max() <= _SAME_PX else None


def frame_of_map(to_canvas: np.ndarray, side: int) -> Affine2:
    """The canvas as it lies in the 64 px of a pose's heatmaps, for maps of an estimator.

    Args:
        to_canvas: (2, 3) from px of the estimator's square maps to the canvas.
        side: of these maps, px.
    """
    scale = 1.0 / max(float(to_canvas[0, 0]), 1e-9)
    shift = -scale * np.asarray(to_canvas, float)[:, 2]
    grow = heatmap.HEATMAP_PX / side
    shift = (shift + 0.5) * grow - 0.5
    return Affine2(scale * grow, (float(shift[0]), float(shift[1])))


def channel_sheet(heatmaps: np.ndarray, cell_px: int, threshold: float) -> np.ndarray:
    """All channels side by side, five to a row.

    Args:
        heatmaps: (17, H, W) float.
        threshold: channels whose peak is lower are shown dark.
    Returns:
        (4 * cell_px, 5 * cell_px, 3) uint8 RGB.
    """
    sheet = np.full((SHEET_ROWS * cell_px, SHEET_COLUMNS * cell_px, 3), _GAP, np.uint8)
    inner = max(1, cell_px - 2)
    maps = np.asarray(heatmaps, np.float32)
    for joint, values in enumerate(maps):
        row, column = divmod(joint, SHEET_COLUMNS)
        y, x = row * cell_px + 1, column * cell_px + 1
        shown = values if float(values.max()) >= threshold else values * 0.25
        cell = single_channel(maps, joint, inner, shown)
        sheet[y : y + inner, x : x + inner] = cell
    return sheet


def single_channel(
    heatmaps: np.ndarray, joint: int, side_px: int, shown: np.ndarray | None = None
) -> np.ndarray:
    """One channel, with the others as faint grey spots for orientation.

    Args:
        heatmaps: (17, H, W) float.
        shown: (H, W) values to draw instead of that channel's.
    Returns:
        (side_px, side_px, 3) uint8 RGB.
    """
    import cv2  # not needed for the first window

    from poseapp.core import draw

    maps = np.asarray(heatmaps, np.float32)
    size = (side_px, side_px)
    colour = draw.heatmap_single(maps[joint] if shown is None else shown, joint, size)
    others = cv2.resize(maps.max(0), size, interpolation=cv2.INTER_LINEAR)
    grey = np.clip(np.sqrt(np.clip(others, 0.0, 1.0)) * _OTHERS, 0, 255).astype(np.uint8)
    return np.maximum(colour, grey[..., None])


def save_png(path: Path, heatmaps: list[np.ndarray], threshold: float, side_px: int = 512) -> None:
    """Composite above, channels below; one column for each of `heatmaps` (17, H, W).

    Raises:
        DocumentError: the file cannot be written.
    """
    from poseapp.core import draw
    from poseapp.formats import png

    columns = []
    for maps in heatmaps:
        cell = side_px // SHEET_COLUMNS
        composite = draw.heatmap_composite(maps, (side_px, side_px), threshold)
        sheet = channel_sheet(maps, cell, threshold)
        padding = ((0, 0), (0, side_px - sheet.shape[1]), (0, 0))
        columns.append(np.concatenate([composite, np.pad(sheet, padding)]))
    png.save_picture(np.concatenate(columns, axis=1), path)


def save_npz(path: Path, heatmaps: dict[str, np.ndarray], threshold: float) -> None:
    """The values themselves: one (17, 64, 64) array by name, decoded keypoints, joint names.

    Raises:
        DocumentError: the file cannot be written.
    """
    content: dict[str, Any] = {"joints": np.array(COCO_17.joints)}
    for name, maps in heatmaps.items():
        points, confidence = heatmap.decode(maps, threshold)
        content[name] = np.asarray(maps, np.float32)
        content[f"{name}_keypoints"] = points.astype(np.float32)
        content[f"{name}_confidence"] = confidence.astype(np.float32)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **content)
    write_bytes(path, buffer.getvalue())
