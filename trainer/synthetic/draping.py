"""Skirts as they are made: weights that both legs share, and what `falling` needs. Torch-free.

Skin weights alone let a knee through the front of a skirt, and a bent calf lifts its hem. So a
skirt's weights pass smoothly from one leg to the other, and each pose lets it fall.
"""

from dataclasses import dataclass

import numpy as np

from trainer.synthetic import garments
from trainer.synthetic.garments import Garment
from trainer.synthetic.types import Assets, Drape

_OFF_MM = 11.0  # of the legs' skin
_HELD_MM, _FREE_MM = 60.0, 190.0  # below the hips: where cloth starts to fall, and falls freely
_BONES = ("upperleg01", "upperleg02", "lowerleg01", "lowerleg02")


@dataclass(frozen=True)
class Legs:
    """Tapered capsules: (c,) int64 bones, (c,2,3) ends at rest and (c,2) radii in mm."""

    bone: np.ndarray
    ends: np.ndarray
    radius: np.ndarray


def legs(assets: Assets, base: np.ndarray, heads: np.ndarray, tails: np.ndarray) -> Legs:
    """The legs of a body at rest.

    Args:
        base: (V,3) mm, morphed; heads, tails: (B,3) mm.
    """
    names = assets.rig.names
    strongest = assets.bone[np.arange(len(base)), assets.bone_weight.argmax(1)]
    skin = garments.reference(assets, 0.0).skin
    bones = [names.index(f"{n}.{s}") for n in _BONES for s in "LR" if f"{n}.{s}" in names]
    ends = np.zeros((len(bones), 2, 3), np.float32)
    radius = np.zeros((len(bones), 2), np.float32)
    for k, b in enumerate(bones):
        a, along = heads[b], tails[b] - heads[b]
        length = max(1.0, float(np.linalg.norm(along)))
        off = base[skin[strongest[skin] == b]] - a
        t = off @ along / length**2
        wide = np.linalg.norm(off - t[:, None] * along, axis=1)
        ends[k] = a, tails[b]
        for end, mine in enumerate((t < 0.4, t > 0.6)):
            radius[k, end] = np.percentile(wide[mine], 92) if mine.any() else 0.14 * length
    return Legs(np.array(bones, np.int64), ends, radius + np.float32(_OFF_MM))


def shared(assets: Assets, garment: Garment, gender: float) -> tuple[np.ndarray, np.ndarray]:
    """Skin weights of a skirt that passes smoothly from leg to leg: (k,6) int32 and float32."""
    names = assets.rig.names
    wanted = [f"{n}.{s}" for n in ("upperleg01", "upperleg02", "lowerleg01") for s in "LR"]
    if not all(n in names for n in wanted):
        return garment.bone, garment.bone_weight
    m = garments.reference(assets, gender).measures
    numbers = [names.index(n) for n in wanted]
    at = garment.rest
    below = _smooth((m.crotch + 30.0 - at[:, 1]) / 130.0)
    half = np.maximum(40.0, 0.8 * np.abs(at[:, 0]).max())
    left = 0.5 + 0.5 * np.sin(np.clip(at[:, 0] / half, -1.0, 1.0) * 0.5 * np.pi)
    # The calf takes a part only: cloth hangs from the knee.
    calf = 0.75 * _smooth((m.knee + 30.0 - at[:, 1]) / 180.0)
    upper = 0.4 * (1.0 - _smooth((m.crotch - at[:, 1]) / 120.0))
    shares = np.stack([upper, (1.0 - upper) * (1.0 - calf), calf], 1)
    mine = np.stack([shares * left[:, None], shares * (1.0 - left)[:, None]], 2).reshape(-1, 6)
    dense = np.zeros((len(at), len(names)), np.float32)
    rows = np.arange(len(at))[:, None]
    np.add.at(dense, (rows, garment.bone), garment.bone_weight)
    dense *= (1.0 - below)[:, None]
    dense[:, numbers] += (below[:, None] * mine / mine.sum(1, keepdims=True)).astype(np.float32)
    bone = np.argsort(-dense, axis=1, kind="stable")[:, : garment.bone.shape[1]]
    weight = dense[rows, bone]
    return bone.astype(np.int32), (weight / weight.sum(1, keepdims=True)).astype(np.float32)


def _smooth(x: np.ndarray) -> np.ndarray:
    x = np.clip(x, 0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)


def hung(
    assets: Assets,
    gender: float,
    rest: np.ndarray,
    points: np.ndarray,
    triangles: np.ndarray,
    body_legs: Legs,
) -> Drape | None:
    """How a skirt falls; None for cloth that ends at the hips.

    Args:
        gender: of the reference body that `rest` lies on.
        rest: (k,3) mm, on the reference body; points: (k,3) mm, on the body.
        triangles: (m,3) int32.
    """
    m = garments.reference(assets, gender).measures
    free = np.clip((m.hip - _HELD_MM - rest[:, 1]) / (_FREE_MM - _HELD_MM), 0.0, 1.0)
    if not (free[triangles] > 0.5).any() or not len(body_legs.bone):
        return None
    ends = np.sort(
        np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), 1
    )
    edges = np.unique(ends, axis=0)
    edges = edges[(free[edges] > 0).any(1)]
    lengths = np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1)
    return Drape(
        slice(0, len(points)),
        edges.astype(np.int32),
        lengths.astype(np.float32),
        free.astype(np.float32),
        body_legs.bone,
        body_legs.ends,
        body_legs.radius,
    )
