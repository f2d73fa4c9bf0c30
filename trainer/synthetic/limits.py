"""How far joints go, changes within that, and what hands do. Torch-free.

All rotations are relative to the parent, in axes that are the world's at rest.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from trainer.synthetic.turns import about, cross, rotations_of, unit, vector_of, vectors_of
from trainer.synthetic.types import Rig

_X, _, _Z = np.eye(3)

HANDS = ("relaxed", "open", "fist", "pointing", "holding")
_HAND_SHARES = (0.66, 0.1, 0.1, 0.04, 0.1)

_CURLS_DEG = {  # thumb, index, middle, ring, little finger: bend of each of the three phalanges
    "relaxed": ((4, 8, 8), (14, 20, 12), (20, 25, 15), (24, 28, 16), (26, 28, 16)),
    "open": ((0, 0, 0), (-4, 0, 0), (-2, 2, 0), (-2, 2, 0), (-4, 2, 0)),
    "fist": ((12, 30, 40), (64, 84, 50), (68, 86, 52), (70, 84, 52), (70, 80, 50)),
    "pointing": ((10, 30, 36), (4, 4, 2), (66, 84, 50), (68, 82, 50), (68, 78, 50)),
    "holding": ((8, 20, 20), (40, 46, 28), (44, 50, 30), (46, 50, 30), (46, 48, 28)),
}

_JITTER_DEG = {  # deviation of a change of amount 1, and the most that the bone turns at all
    "spine05": (2.0, 25.0),
    "spine04": (2.0, 25.0),
    "spine03": (2.0, 25.0),
    "spine02": (2.0, 25.0),
    "spine01": (2.0, 20.0),
    "neck01": (2.5, 22.0),
    "neck02": (2.5, 22.0),
    "head": (5.0, 35.0),
    "clavicle": (3.0, 28.0),
    "upperarm01": (13.0, 140.0),
    "upperarm02": (0.0, 70.0),
    "lowerarm02": (12.0, 75.0),
    "wrist": (9.0, 65.0),
    "upperleg01": (5.0, 110.0),
    "foot": (4.0, 45.0),
}
_HINGE_DEG = {  # deviation, and the least and most bend of the limb
    "lowerarm01": (14.0, 2.0, 148.0),
    "lowerleg01": (5.0, 0.0, 148.0),
}


@dataclass(frozen=True)
class Hinge:
    """An elbow or a knee at rest. axis: (3,) unit; bend_rad: how far it is bent at rest."""

    bone: int
    axis: np.ndarray
    bend_rad: float


def hinge(rig: Rig, heads: np.ndarray, name: str) -> Hinge | None:
    """The hinge of "lowerarm01.L" and the like; None where the rig has no such limb.

    Args:
        heads: (B,3) mm at rest.
    """
    limb, side = name.split(".")
    upper, end = {"lowerarm01": ("upperarm01", "wrist"), "lowerleg01": ("upperleg01", "foot")}[limb]
    names = (f"{upper}.{side}", name, f"{end}.{side}")
    if not all(n in rig.names for n in names):
        return None
    a, b, c = (np.asarray(heads[rig.names.index(n)], float) for n in names)
    first, second = unit(b - a), unit(c - b)
    if limb == "lowerleg01":
        axis = unit(_X - (_X @ first) * first)
    else:
        normal = cross(first, second)
        if normal @ normal < 0.003:
            normal = cross(first, _Z)
        axis = unit(normal)
    flat = second - (second @ axis) * axis
    bend = float(np.arctan2(cross(first, flat) @ axis, first @ flat))
    return Hinge(rig.names.index(name), axis, bend)


def perturb(
    rng: np.random.Generator,
    rotations: np.ndarray,
    rig: Rig,
    heads: np.ndarray,
    amount: float = 1.0,
) -> np.ndarray:
    """Move every joint a little, within what it can do.

    A joint that is beyond its limit already (a recording may be) is not taken further.

    Args:
        rotations: (B,3,3).
        heads: (B,3) mm at rest.
        amount: 0 nothing, 1 another moment of the same action.

    Returns:
        (B,3,3) float32.
    """
    out = np.array(rotations, np.float64)
    bones, deviation, most = _loose(rig.names)
    by = rng.normal(0.0, 1.0, (len(bones), 3)) * (amount * deviation)[:, None]
    before = np.linalg.norm(vectors_of(out[bones]), axis=1)
    moved = vectors_of(out[bones] @ rotations_of(by))
    size = np.linalg.norm(moved, axis=1)
    moved *= np.minimum(1.0, np.maximum(most, before) / np.maximum(size, 1e-9))[:, None]
    out[bones] = rotations_of(moved)
    for limb, degrees in _HINGE_DEG.items():
        for side in ("L", "R"):
            joint = hinge(rig, heads, f"{limb}.{side}")
            change = float(rng.normal(0.0, 1.0))
            if joint is None:
                continue
            spread, least, furthest = np.radians(degrees)
            bent = joint.bend_rad + float(vector_of(out[joint.bone]) @ joint.axis)
            to = bent + amount * float(spread) * change
            to = min(max(to, min(float(least), bent)), max(float(furthest), bent))
            out[joint.bone] = about(joint.axis, to - bent) @ out[joint.bone]
    return out.astype(np.float32)


@lru_cache(maxsize=4)
def _loose(names: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The bones of `_JITTER_DEG` in a rig, how they spread and the most that they turn, rad."""
    found = [
        (b, *_JITTER_DEG[n.split(".")[0]])
        for b, n in enumerate(names)
        if n.split(".")[0] in _JITTER_DEG
    ]
    bones, spread, most = zip(*found, strict=True)
    return np.array(bones), np.radians(spread), np.radians(most)


def hands(
    rng: np.random.Generator,
    rotations: np.ndarray,
    rig: Rig,
    heads: np.ndarray,
    tails: np.ndarray,
    kind: str | None = None,
) -> np.ndarray:
    """Give both hands fingers; a rig without fingers stays as it is.

    Args:
        rotations: (B,3,3); those of the fingers are replaced.
        heads, tails: (B,3) mm at rest.
        kind: one of `HANDS` for both, None draws one for each.

    Returns:
        (B,3,3) float32, a copy.
    """
    out = np.array(rotations, np.float32)
    for side in ("L", "R"):
        drawn = kind or str(rng.choice(HANDS, p=_HAND_SHARES))
        loose = rng.normal(1.0, 0.18, (5, 1)) * rng.normal(1.0, 0.22)
        curls = np.radians(np.array(_CURLS_DEG[drawn], float)) * np.clip(loose, 0.4, 1.25)
        _curl(out, rig, heads, tails, side, curls)
    return out


def _curl(
    out: np.ndarray,
    rig: Rig,
    heads: np.ndarray,
    tails: np.ndarray,
    side: str,
    curls: np.ndarray,
) -> None:
    bones = _fingers(rig.names, side)
    if len(bones) == 0:
        return
    along = np.asarray(tails, np.float64)[bones] - np.asarray(heads, np.float64)[bones]
    axis = np.cross(along[:, 0], along[:, 2])  # fingers at rest are bent a little already
    size = np.linalg.norm(axis, axis=1, keepdims=True)
    axis = np.where(size > 1e-3, axis / np.maximum(size, 1e-9), 0.0)
    vectors = axis[:, None] * curls[..., None]
    out[bones.ravel()] = rotations_of(vectors.reshape(-1, 3))


@lru_cache(maxsize=8)
def _fingers(names: tuple[str, ...], side: str) -> np.ndarray:
    """(5,3) int64, the phalanges of a hand, or nothing where a rig has no fingers."""
    wanted = [f"finger{finger}-{k}.{side}" for finger in range(1, 6) for k in (1, 2, 3)]
    if not all(name in names for name in wanted):
        return np.zeros(0, np.int64)
    return np.array([names.index(name) for name in wanted]).reshape(5, 3)
