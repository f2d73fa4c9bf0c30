"""Which part of the body each bone moves. Torch-free."""

from functools import lru_cache

import numpy as np

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
