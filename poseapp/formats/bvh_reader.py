"""Read BVH motions as MOCAP-17 joints: our own, and rigs like Mixamo's, CMU's, Biped, Poser's.

The file is y up. Its unit is not written in it, so the figure is brought to a usual size by the
length of its legs.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

import numpy as np

from poseapp.core.errors import FormatError
from poseapp.core.skeleton import MOCAP_17

_LEG_MM = 840.0  # hip to ankle
_MOST_JOINTS, _MOST_FRAMES = 2_000, 200_000
_AXES = {"x": 0, "y": 1, "z": 2}
_SIDED = {
    "Hip": ("upleg", "thigh", "upperleg", "hip", "hipjoint"),
    "Knee": ("leg", "shin", "calf", "lowerleg", "lowleg", "knee"),
    "Ankle": ("foot", "ankle"),
    "Shoulder": ("arm", "upperarm", "shldr", "uparm", "shoulder"),
    "Elbow": ("forearm", "lowerarm", "lowarm", "elbow"),
    "Wrist": ("hand", "wrist"),
}
_MIDDLE = {
    "Pelvis": ("hips", "hip", "pelvis", "root"),
    "Torso": ("spine", "chest", "abdomen", "torso", "spine1"),
    "Neck": ("neck", "neck1"),
    "Head": ("head",),
}


@dataclass(frozen=True)
class Motion3D:
    """A motion.

    Attributes:
        joints: (F, 17, 3) float64 mm, MOCAP-17, world space, y up.
        fps: frames a second.
    """

    joints: np.ndarray
    fps: float


@dataclass
class _Joint:
    name: str
    parent: int
    offset: np.ndarray = field(default_factory=lambda: np.zeros(3))
    channels: tuple[str, ...] = ()
    end: np.ndarray | None = None


def loads(text: str, name: str = "The file") -> Motion3D:
    """Read the text of a file.

    Raises:
        FormatError: no BVH, cut short, or a rig whose joints have other names.
    """
    joints, frames, fps = _parsed(text, name)
    places, turned = _posed(joints, frames)
    out = _mocap(joints, places, turned, name)
    legs = np.linalg.norm(out[:, 4] - out[:, 5], axis=-1)
    legs = legs + np.linalg.norm(out[:, 5] - out[:, 6], axis=-1)
    size = float(np.median(legs))
    if not size > 1e-9:
        raise FormatError(f"{name} shows a figure whose legs have no length.")
    return Motion3D(out * (_LEG_MM / size), fps)


def _parsed(text: str, name: str) -> tuple[list[_Joint], np.ndarray, float]:
    head, found, tail = text.partition("MOTION")
    if not found or "HIERARCHY" not in head:
        raise FormatError(f"{name} is no BVH motion.")
    joints = _hierarchy(re.findall(r"[{}]|[^\s{}]+", head), name)
    count = re.search(r"Frames:\s*(\d+)", tail)
    pause = re.search(r"Frame Time:\s*([-+.\deE]+)(.*)", tail, re.DOTALL)
    if count is None or pause is None:
        raise FormatError(f"{name} does not say how many frames it has.")
    try:
        seconds = float(pause.group(1))
        values = np.array(pause.group(2).split(), float)
    except ValueError as exc:
        raise FormatError(f"{name} holds something that is no number among its frames.") from exc
    width = sum(len(joint.channels) for joint in joints)
    frames = int(count.group(1))
    if not 0 < frames <= _MOST_FRAMES or not width or len(values) < frames * width:
        raise FormatError(f"{name} is cut short: it does not hold the frames that it announces.")
    if not np.isfinite(values).all() or not math.isfinite(seconds):
        raise FormatError(f"{name} holds numbers that are not finite.")
    fps = 1.0 / seconds if seconds > 1e-6 else 30.0
    return joints, values[: frames * width].reshape(frames, width), fps


def _hierarchy(words: list[str], name: str) -> list[_Joint]:
    joints: list[_Joint] = []
    stack: list[int] = []
    at, in_end = 0, False
    try:
        while at < len(words):
            word = words[at]
            if word in ("ROOT", "JOINT"):
                # A name may hold spaces: it ends where the brace begins.
                until = words.index("{", at)
                joints.append(_Joint(" ".join(words[at + 1 : until]), stack[-1] if stack else -1))
                stack.append(len(joints) - 1)
                at = until
            elif word == "End":
                in_end, at = True, words.index("{", at)
            elif word == "OFFSET":
                offset = np.array([float(v) for v in words[at + 1 : at + 4]])
                if offset.shape != (3,):
                    raise ValueError
                if in_end:
                    joints[stack[-1]].end = offset
                else:
                    joints[stack[-1]].offset = offset
                at += 3
            elif word == "CHANNELS":
                count = int(words[at + 1])
                joints[stack[-1]].channels = tuple(
                    _channel(word) for word in words[at + 2 : at + 2 + count]
                )
                at += 1 + count
            elif word == "}":
                if in_end:
                    in_end = False
                else:
                    stack.pop()
            at += 1
    except (ValueError, IndexError, KeyError) as exc:
        raise FormatError(f"{name} is damaged: its skeleton cannot be read.") from exc
    if not joints or len(joints) > _MOST_JOINTS:
        raise FormatError(f"{name} holds no skeleton that PoseApp can use.")
    return joints


def _channel(word: str) -> str:
    """ "Xrotation" as "rx", "Yposition" as "py"."""
    axis, kind = word[0].lower(), word[1:].lower()
    if axis not in _AXES or kind not in ("rotation", "position"):
        raise ValueError(word)
    return kind[0] + axis


def _posed(joints: list[_Joint], frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(F, J, 3) places and (F, J, 3, 3) rotations of the joints in the file's own space."""
    count = len(frames)
    places = np.zeros((count, len(joints), 3))
    turned = np.zeros((count, len(joints), 3, 3))
    column = 0
    for index, joint in enumerate(joints):
        local = np.broadcast_to(np.eye(3), (count, 3, 3))
        offset = np.repeat(joint.offset[None], count, axis=0)
        moved = any(channel[0] == "p" for channel in joint.channels)
        if moved:  # a position takes the place of the offset
            offset = np.zeros((count, 3))
        for channel in joint.channels:
            values = frames[:, column]
            column += 1
            if channel[0] == "p":
                offset[:, _AXES[channel[1]]] = values
            else:
                local = local @ _rotation(_AXES[channel[1]], np.radians(values))
        if joint.parent < 0:
            places[:, index], turned[:, index] = offset, local
        else:
            outer = turned[:, joint.parent]
            places[:, index] = places[:, joint.parent] + (outer @ offset[..., None])[..., 0]
            turned[:, index] = outer @ local
    return places, turned


def _rotation(axis: int, angles: np.ndarray) -> np.ndarray:
    """(F, 3, 3) about one axis."""
    out = np.zeros((len(angles), 3, 3))
    a, b = (axis + 1) % 3, (axis + 2) % 3
    out[:, axis, axis] = 1.0
    out[:, a, a] = out[:, b, b] = np.cos(angles)
    out[:, b, a] = np.sin(angles)
    out[:, a, b] = -np.sin(angles)
    return out


def _mocap(joints: list[_Joint], places: np.ndarray, turned: np.ndarray, name: str) -> np.ndarray:
    """(F, 17, 3) MOCAP-17 joints in the file's space."""
    names: dict[str, int] = {}
    for index, joint in enumerate(joints):
        names.setdefault(_plain(joint.name), index)
    where: dict[str, int] = {}
    for joint_name, words in _MIDDLE.items():
        _find(where, joint_name, words, names)
    for joint_name, words in _SIDED.items():
        for side, long in (("L", "left"), ("R", "right")):
            spelled = [
                spelling
                for word in words
                for spelling in (f"{long}{word}", f"{side.lower()}{word}", f"{word}{side.lower()}")
            ]
            spelled += [f"{word}{long}" for word in words]
            _find(where, f"{side}_{joint_name}", spelled, names)
    needed = [f"{side}_{part}" for part in _SIDED for side in ("L", "R")]
    missing = [joint_name for joint_name in needed if joint_name not in where]
    if missing:
        raise FormatError(
            f"{name} has joints of other names than PoseApp knows: it found none for"
            f" {', '.join(missing[:4])}{' ...' if len(missing) > 4 else ''}."
        )
    out = np.zeros((len(places), len(MOCAP_17), 3))
    for joint_name, index in where.items():
        out[:, MOCAP_17.index(joint_name)] = places[:, index]

    def middle(one: str, other: str) -> np.ndarray:
        return np.asarray((out[:, MOCAP_17.index(one)] + out[:, MOCAP_17.index(other)]) / 2.0)

    if "Pelvis" not in where:
        out[:, 0] = middle("L_Hip", "R_Hip")
    if "Neck" not in where:
        out[:, MOCAP_17.index("Neck")] = middle("L_Shoulder", "R_Shoulder")
    if "Torso" not in where:
        out[:, MOCAP_17.index("Torso")] = middle("Pelvis", "Neck")
    _head(out, joints, places, turned, where.get("Head"), names)
    return out


def _find(
    where: dict[str, int], joint: str, spelled: tuple[str, ...] | list[str], names: dict[str, int]
) -> None:
    for word in spelled:
        if word in names:
            where[joint] = names[word]
            return


def _plain(name: str) -> str:
    """A joint's name without its rig's prefix, case and signs."""
    name = name.rsplit(":", 1)[-1]
    name = re.sub(r"^(mixamorig|bip0*1|biped)[\s_.]*", "", name, flags=re.IGNORECASE)
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _head(
    out: np.ndarray,
    joints: list[_Joint],
    places: np.ndarray,
    turned: np.ndarray,
    head: int | None,
    names: dict[str, int],
) -> None:
    """Set nose and top of the head, which few rigs have."""
    nose, top, neck = (MOCAP_17.index(word) for word in ("Nose", "Head", "Neck"))
    up = out[:, neck] - out[:, 0]
    trunk = np.linalg.norm(up, axis=-1, keepdims=True)
    up = up / np.maximum(trunk, 1e-9)
    base = out[:, neck] + 0.12 * trunk * up if head is None else places[:, head]
    end = None if head is None else joints[head].end
    if head is not None and end is not None and np.linalg.norm(end) > 1e-6:
        tip = base + (turned[:, head] @ end[:, None])[..., 0]
        if {"lefthip", "leftupleg", "leftarm", "leftshoulder"} <= names.keys():
            out[:, nose], out[:, top] = base, tip  # our own: its head begins at the nose
            return
    else:
        tip = base + 0.35 * trunk * up
    left = out[:, MOCAP_17.index("L_Shoulder")] - out[:, MOCAP_17.index("R_Shoulder")]
    left = left / np.maximum(np.linalg.norm(left, axis=-1, keepdims=True), 1e-9)
    ahead = np.cross(left, up)
    out[:, top] = tip
    out[:, nose] = base + 0.4 * (tip - base) + 0.18 * trunk * ahead
