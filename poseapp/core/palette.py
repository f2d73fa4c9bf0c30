"""Colours of joints and limbs: ours, ControlNet's and OpenPose's. All RGB."""

from __future__ import annotations

import numpy as np

from poseapp.core.skeleton import COCO_17, OPENPOSE_18


def _table(rows: str) -> np.ndarray:
    table = np.array([[int(v) for v in row.split(",")] for row in rows.split()], np.uint8)
    table.setflags(write=False)
    return table


JOINT_COLOURS = _table(
    "84,214,140 "  # nose
    "122,208,255 255,196,120 "  # eyes
    "96,226,235 255,226,110 "  # ears
    "66,150,255 255,138,66 "  # shoulders
    "98,124,255 255,110,82 "  # elbows
    "150,120,255 255,92,120 "  # wrists
    "40,176,240 255,166,48 "  # hips
    "34,198,214 240,190,40 "  # knees
    "60,220,196 224,208,64"  # ankles
)
"""(17, 3) uint8: left blue to cyan, right orange to red and yellow, middle green."""

SIDE_COLOURS = {"left": (76, 154, 255), "right": (255, 139, 76), "middle": (72, 201, 142)}

LIMBS: tuple[tuple[int, int], ...] = OPENPOSE_18.bones
"""OpenPose-18 joint pairs in the order that both palettes below count them."""

CONTROLNET_JOINTS = _table(
    "255,0,0 255,85,0 255,170,0 255,255,0 170,255,0 85,255,0 0,255,0 0,255,85 0,255,170 0,255,255"
    " 0,170,255 0,85,255 0,0,255 85,0,255 170,0,255 255,0,255 255,0,170 255,0,85"
)
"""(18, 3) uint8, OpenPose-18 order."""

CONTROLNET_LIMBS = (CONTROLNET_JOINTS[: len(LIMBS)].astype(float) * 0.6).astype(np.uint8)
"""(17, 3) uint8: the joints' colours at 60 %, cut to whole numbers."""

OPENPOSE_JOINTS = _table(
    "255,0,85 255,0,0 255,85,0 255,170,0 255,255,0 170,255,0 85,255,0 0,255,0 0,255,85 0,255,170"
    " 0,255,255 0,170,255 0,85,255 0,0,255 255,0,170 170,0,255 255,0,255 85,0,255"
)
"""(18, 3) uint8, OpenPose-18 order: what CMU's renderer uses."""


def side_colour(joint: int) -> tuple[int, int, int]:
    """Blue for a left COCO-17 joint, orange for a right one, green for the nose."""
    return SIDE_COLOURS[COCO_17.side(joint)]


def parse_colour(colour: str) -> tuple[int, int, int]:
    """The (red, green, blue) of "#RRGGBB"; grey when it is anything else."""
    text = colour.lstrip("#")
    try:
        value = int(text, 16) if len(text) == 6 else 0x9AA4B2
    except ValueError:
        value = 0x9AA4B2
    return value >> 16, value >> 8 & 255, value & 255
