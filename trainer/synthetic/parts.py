"""Which part of the body each bone moves. Torch-free."""

from functools import lru_cache

import numpy as np
from numba import njit  # type: ignore[import-untyped]

from trainer.synthetic.types import Part

_ARM = (("upperarm", Part.UPPER_ARM_L), ("lowerarm", Part.LOWER_ARM_L))
_LEG = (("upperleg", Part.UPPER_LEG_L), ("lowerleg", Part.LOWER_LEG_L))
_HAND = ("wrist", "finger", "metacarpal", "hand")
_FOOT = ("foot", "toe")
_TORSO = ("root", "spine", "pelvis", "breast", "clavicle", "shoulder")


@lru_cache(maxsize=4)
def _of_bones(names: tuple[str, ...]) -> tuple[int, ...]:
    found = []
    for name in names:
        right = 1 if name.endswith(".R") else 0
        part = Part.FACE  # the neck, the head, and all that moves a face
        for stem, value in (*_ARM, *_LEG):
            if name.startswith(stem):
                part = Part(value + right)
        if name.startswith(_HAND):
            part = Part(Part.HAND_L + right)
        elif name.startswith(_FOOT):
            part = Part(Part.FOOT_L + right)
        elif name.startswith(_TORSO):
            part = Part.TORSO
        found.append(int(part))
    return tuple(found)


def of_bones(names: tuple[str, ...]) -> np.ndarray:
    """(B,) uint8 `Part` of each bone."""
    return np.array(_of_bones(names), np.uint8)


def table(part_of_bone: np.ndarray, bone: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """How much of each vertex each part has, for `types.Mesh.part_weights`.

    Args:
        part_of_bone: (B,) uint8, as `of_bones` gives it.
        bone, weight: (k,6); the weights of a vertex add up to 1.

    Returns:
        (k,16) uint8, 255 for all of it.
    """
    share = _shares(part_of_bone[bone], weight)
    return np.rint(255.0 * np.clip(share, 0.0, 1.0)).astype(np.uint8)


def smoothed(table: np.ndarray, triangles: np.ndarray, rounds: int = 3) -> np.ndarray:
    """A table of parts with less of the bones' unevenness, which would show at the borders.

    Args:
        table: (N,16) uint8; rows of zeros stay so, and give nothing to their neighbours.
        triangles: (T,3) int32 into the table.
    """
    known = table.max(1) > 0
    values = table.astype(np.float32)
    inside = np.ascontiguousarray(triangles[known[triangles].all(1)], np.int32)
    for _ in range(rounds):
        values = _averaged(values, inside)
    return np.rint(values).astype(np.uint8)


@njit(cache=True, nogil=True)
def _averaged(values: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(N,k) float32: half of each row and half of the mean of the rows in triangles with it."""
    total = np.zeros_like(values)
    count = np.zeros(values.shape[0], np.float32)
    for t in range(triangles.shape[0]):
        for k in range(3):
            a = triangles[t, k]
            b, c = triangles[t, (k + 1) % 3], triangles[t, (k + 2) % 3]
            count[a] += 2.0
            for p in range(values.shape[1]):
                total[a, p] += values[b, p] + values[c, p]
    for a in range(values.shape[0]):
        for p in range(values.shape[1]):
            if count[a] > 0.0:
                total[a, p] = 0.5 * values[a, p] + 0.5 * total[a, p] / count[a]
            else:
                total[a, p] = values[a, p]
    return total


def _shares(part: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(k,16) float32, the sums of (k,6) weights by their (k,6) parts."""
    share = np.zeros((len(part), len(Part)), np.float32)
    rows = np.arange(len(part))
    for slot in range(part.shape[1]):
        share[rows, part[:, slot]] += weight[:, slot]
    return share


def of_vertices(names: tuple[str, ...], bone: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The part that has most of each vertex.

    Args:
        bone, weight: (k,6).

    Returns:
        (k,) uint8.
    """
    return _shares(of_bones(names)[bone], weight).argmax(1).astype(np.uint8)


def of_triangles(vertex_part: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(m,) uint8, the part of most corners; the first corner's where all differ."""
    a, b, c = vertex_part[triangles].T
    return np.where(b == c, b, a).astype(np.uint8)
