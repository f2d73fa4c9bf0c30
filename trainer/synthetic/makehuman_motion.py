"""MakeHuman's poses, .bvh files, read into rotations. Torch-free."""

from dataclasses import dataclass

import numpy as np

from trainer.errors import DataError
from trainer.synthetic.makehuman_tree import Tree


@dataclass
class Motion:
    """A .bvh: for each joint, its rotations (F,3,3) float64 in world-aligned axes, y up."""

    rotations: dict[str, np.ndarray]
    frames: int


def read_bvh(tree: Tree, name: str) -> Motion:
    """Read poses. Files with z up are turned; a figure stands along its greatest extent."""
    words = tree.text(name).split()
    try:
        start = words.index("MOTION")
        joints, places, count = _hierarchy(words[:start])
        at = words.index("Frames:", start)
        frames = int(words[at + 1])
        values = np.array(words[words.index("Time:", at) + 2 :], float)
        table = values[: frames * count].reshape(frames, count)
    except (ValueError, IndexError) as exc:
        raise DataError(f"{name} is not a motion file that can be read: {exc}.") from exc
    extent = np.ptp(np.array(places), axis=0)
    z_up = bool(extent[2] > extent[1])
    rotations = {}
    for joint, channels in joints.items():
        turned = np.repeat(np.eye(3)[None], frames, 0)
        for kind, column in channels:
            if kind.endswith("rotation"):
                turned = turned @ _turn(kind[0].upper(), np.radians(table[:, column]), z_up)
        rotations[joint] = turned
    return Motion(rotations, frames)


def _hierarchy(
    words: list[str],
) -> tuple[dict[str, list[tuple[str, int]]], list[np.ndarray], int]:
    """Joints with (channel, column), the places of all joints at rest, and the columns in all."""
    joints: dict[str, list[tuple[str, int]]] = {}
    places: list[np.ndarray] = [np.zeros(3)]
    stack: list[np.ndarray] = []
    at, column, joint = 0, 0, ""
    here = np.zeros(3)
    while at < len(words):
        word = words[at]
        if word in ("ROOT", "JOINT"):
            joint = words[at + 1]
            at += 1
        elif word == "End":
            joint = ""
            at += 1
        elif word == "{":
            stack.append(here)
        elif word == "}":
            here = stack.pop()
        elif word == "OFFSET":
            # the root's own offset is where the figure stands
            step = np.array(words[at + 1 : at + 4], float)
            here = stack[-1] + step if len(stack) > 1 else np.zeros(3)
            places.append(here)
            at += 3
        elif word == "CHANNELS":
            count = int(words[at + 1])
            joints[joint] = [(words[at + 2 + i], column + i) for i in range(count)]
            column += count
            at += 1 + count
        at += 1
    if not joints:
        raise ValueError("it has no joints")
    return joints, places, column


def _turn(axis: str, angle: np.ndarray, z_up: bool) -> np.ndarray:
    """(F,3,3) of an angle about an axis; with z up, y is -z and z is y."""
    if z_up and axis == "Y":
        axis, angle = "Z", -angle
    elif z_up and axis == "Z":
        axis = "Y"
    cos, sin = np.cos(angle), np.sin(angle)
    out = np.zeros((len(angle), 3, 3))
    i = "XYZ".index(axis)
    j, k = (i + 1) % 3, (i + 2) % 3
    out[:, i, i] = 1
    out[:, j, j] = out[:, k, k] = cos
    out[:, k, j], out[:, j, k] = sin, -sin
    return out
