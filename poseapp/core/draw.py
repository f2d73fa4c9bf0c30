"""Pictures of poses: every style, thumbnails, heatmap composites, sheets and turntables."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from poseapp.core.document import Document
from poseapp.core.draw_3d import draw_pose3d, turntable_frames
from poseapp.core.draw_maps import heatmap_composite, heatmap_single
from poseapp.core.draw_openpose import draw_controlnet, draw_openpose, xinsir_stick_scale
from poseapp.core.draw_poseapp import draw_poseapp
from poseapp.core.heatmap import place
from poseapp.core.palette import (
    CONTROLNET_JOINTS,
    CONTROLNET_LIMBS,
    JOINT_COLOURS,
    LIMBS,
    OPENPOSE_JOINTS,
    SIDE_COLOURS,
    parse_colour,
    side_colour,
)
from poseapp.core.pose import Pose2D

__all__ = [
    "CONTROLNET_JOINTS",
    "CONTROLNET_LIMBS",
    "JOINT_COLOURS",
    "LIMBS",
    "OPENPOSE_JOINTS",
    "SIDE_COLOURS",
    "STYLES",
    "draw_document",
    "draw_people",
    "draw_pose3d",
    "gallery_sheet",
    "heatmap_composite",
    "heatmap_single",
    "parse_colour",
    "side_colour",
    "thumbnail",
    "turntable_frames",
    "xinsir_stick_scale",
]

STYLES = ("poseapp", "controlnet", "openpose")
DARK = (23, 25, 31)
LIGHT = (247, 248, 250)

Background = tuple[int, int, int] | np.ndarray | None


def draw_people(
    poses: Sequence[Pose2D],
    size: tuple[int, int],
    style: str = "poseapp",
    background: Background = None,
    colours: Sequence[tuple[int, int, int] | None] = (),
    xinsir: bool = False,
) -> np.ndarray:
    """Draw people on a canvas.

    Args:
        poses: back to front, px of the canvas.
        size: (width, height) px.
        style: one of `STYLES`.
        background: RGB, or an (H, W, 3) uint8 picture. None is black for "controlnet" and
            "openpose", and transparent for "poseapp".
        colours: RGB of each person, for "poseapp".
        xinsir: wider limbs on large canvases, for "controlnet".
    Returns:
        (H, W, 3) uint8 RGB; (H, W, 4) uint8 RGBA, colour not multiplied by alpha, for "poseapp" on
        a transparent background.
    """
    if style not in STYLES:
        raise ValueError(f"No style is called {style!r}")
    if style == "poseapp":
        return _draw_soft(poses, size, background, colours)
    canvas = _canvas(size, (0, 0, 0) if background is None else background)
    if style == "controlnet":
        draw_controlnet(canvas, poses, xinsir)
    else:
        draw_openpose(canvas, poses)
    return canvas


def _canvas(size: tuple[int, int], background: tuple[int, int, int] | np.ndarray) -> np.ndarray:
    width, height = size
    if isinstance(background, np.ndarray):
        if background.shape[:2] == (height, width):
            return background[..., :3].copy()
        return cv2.resize(background[..., :3], size, interpolation=cv2.INTER_AREA)
    return np.full((height, width, 3), background, np.uint8)


def _draw_soft(
    poses: Sequence[Pose2D],
    size: tuple[int, int],
    background: Background,
    colours: Sequence[tuple[int, int, int] | None],
) -> np.ndarray:
    light = isinstance(background, tuple) and sum(background) > 384
    outline = (250, 251, 253) if light else DARK
    colour, cover = draw_poseapp(size, poses, colours, outline)
    if background is None:
        solid = colour / np.maximum(cover, 1e-4)
        rgba = np.concatenate([solid, cover * 255.0], axis=-1)
        return np.clip(np.round(rgba), 0, 255).astype(np.uint8)
    under = _canvas(size, background).astype(np.float32)
    return np.clip(np.round(colour + under * (1.0 - cover)), 0, 255).astype(np.uint8)


def draw_document(
    document: Document,
    style: str = "poseapp",
    background: Background = None,
    xinsir: bool = False,
) -> np.ndarray:
    """Draw the visible people of a document on its canvas; see `draw_people`."""
    people = [person for person in document.people if person.visible]
    colours = [parse_colour(person.colour) for person in people]
    poses = [person.pose for person in people]
    return draw_people(poses, document.size, style, background, colours, xinsir)


def thumbnail(
    pose: Pose2D | np.ndarray,
    size_px: int = 128,
    background: Background = None,
    confidence: np.ndarray | None = None,
    colour: tuple[int, int, int] | None = None,
    margin: float = 0.11,
) -> np.ndarray:
    """A square picture of one pose, as large as it fits.

    Args:
        pose: a `Pose2D`, or (17, 2) keypoints in any px together with their confidence.
        background: RGB, or None for transparent.
        confidence: (17,) float, 0 = absent; for an array of keypoints.
        margin: free border, as a share of the side.
    Returns:
        (size_px, size_px, 4) uint8 RGBA on a transparent background, else (.., 3) RGB.
    """
    if isinstance(pose, Pose2D):
        points, sure, visibility = pose.keypoints, pose.confidence, pose.visibility
        sure = np.where(pose.present, np.maximum(sure, 1e-3), 0.0)
    else:
        points = np.asarray(pose, float)
        sure = np.ones(len(points)) if confidence is None else np.asarray(confidence, float)
        visibility = None
    room = size_px * (1.0 - 2.0 * margin)
    # The head's circle rises above the keypoints that `place` fits.
    top = size_px * margin * 1.35
    placed = place(points, sure, (size_px * margin, top, room, size_px - top - size_px * margin))
    if visibility is not None:
        placed = Pose2D(placed.keypoints, visibility, placed.confidence)
    return _draw_soft([placed], (size_px, size_px), background, [colour])


def gallery_sheet(
    samples: Sequence[Pose2D | tuple[np.ndarray, np.ndarray]],
    columns: int,
    captions: Sequence[str] = (),
    cell_px: int = 144,
    background: tuple[int, int, int] = DARK,
) -> np.ndarray:
    """A sheet of poses in rows.

    Args:
        samples: poses, or (keypoints (17, 2) px, confidence (17,)).
        captions: one above the whole sheet; or, with several, the samples are divided evenly
            between them and each heads its own rows. Letters outside ASCII show as "?".
    Returns:
        (H, W, 3) uint8 RGB.
    """
    groups = max(1, len(captions))
    per_group = -(-len(samples) // groups) if samples else 0
    gap, head = max(4, cell_px // 24), max(22, cell_px // 5) if captions else 0
    rows = max(1, -(-per_group // columns))
    width = gap + columns * (cell_px + gap)
    group_height = head + rows * (cell_px + gap) + gap
    sheet = np.full((gap + groups * group_height, width, 3), background, np.uint8)
    light = sum(background) > 384
    shift = -9 if light else 11
    card = (background[0] + shift, background[1] + shift, background[2] + shift)
    ink = (40, 44, 52) if light else (226, 230, 238)
    for group in range(groups):
        top = gap + group * group_height
        if captions:
            _write(sheet, captions[group], (gap + 2, top + head - gap - 4), width - 2 * gap, ink)
        for number in range(per_group):
            index = group * per_group + number
            if index >= len(samples):
                break
            row, column = divmod(number, columns)
            y = top + head + row * (cell_px + gap)
            x = gap + column * (cell_px + gap)
            sheet[y : y + cell_px, x : x + cell_px] = _cell(samples[index], cell_px, card)
    return sheet


def _cell(
    sample: Pose2D | tuple[np.ndarray, np.ndarray], cell_px: int, card: tuple[int, int, int]
) -> np.ndarray:
    if isinstance(sample, Pose2D):
        return thumbnail(sample, cell_px, card)
    return thumbnail(sample[0], cell_px, card, confidence=sample[1])


def _write(
    canvas: np.ndarray, text: str, at: tuple[int, int], width: int, ink: tuple[int, int, int]
) -> None:
    """One line of text, shortened to fit."""
    text = text.encode("ascii", "replace").decode()
    font, size = cv2.FONT_HERSHEY_DUPLEX, 0.5
    while text and cv2.getTextSize(text, font, size, 1)[0][0] > width:
        text = text[:-4] + "..." if len(text) > 4 else ""
    cv2.putText(canvas, text, at, font, size, ink, 1, cv2.LINE_AA)
