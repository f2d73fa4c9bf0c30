"""Cropped and curly hair: thin shells over the scalp, each with fewer hairs than the one below.

Torch-free.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from trainer.synthetic import charts, fitting, garments, skins
from trainer.synthetic.chunks import Chunk
from trainer.synthetic.garments import Key
from trainer.synthetic.rims import Rim
from trainer.synthetic.streams import stream
from trainer.synthetic.types import Assets, Cloth, Material, Part


@dataclass(frozen=True)
class _Cut:
    """Heights of the shells over the scalp in mm, and the width of a curl in texels."""

    heights: tuple[float, ...]
    curl: float
    dense: float


_CUTS = {
    "buzz cut": _Cut((1.5, 3.0, 4.5), 0.7, 0.75),
    "short afro": _Cut((2.0, 6.0, 10.0, 14.0), 1.5, 0.85),
    "afro": _Cut((3.0, 16.0, 29.0, 40.0, 48.0), 2.6, 0.92),
}
NAMES = tuple(_CUTS)
_SIDE_PX = 1024  # of the whole skin's texture; a shell has a window of it
_MARGIN_PX = 6


@dataclass(frozen=True)
class _Scalp:
    """Where hair grows.

    Attributes:
        vertex: (n,) base vertices; triangles: (m,3) int32 into them.
        uv: (m,3,2) of the window; mask: (h,w) float32, 1 where hair grows.
        rise: (n,) float32, 1 on top to 0 at the hairline: how far shells stand off.
    """

    vertex: np.ndarray
    triangles: np.ndarray
    uv: np.ndarray
    mask: np.ndarray
    rise: np.ndarray


def available(assets: Assets) -> bool:
    """Whether these assets tell where hair grows."""
    return _scalp(Key(assets)) is not None


def grow(
    assets: Assets,
    style: str,
    base: np.ndarray,
    under: Rim | None,
    colour: np.ndarray,
    seed: int,
) -> list[Chunk]:
    """The shells of a style on a head.

    Args:
        base: (V,3) mm, morphed.
        under: as in `hair.grow`.
        colour: (3,) sRGB 0 to 255.
    """
    scalp = _scalp(Key(assets))
    if scalp is None:
        return []
    cut = _CUTS[style]
    at = base[scalp.vertex]
    facing = fitting.normals(at, scalp.triangles)
    facing = fitting.smoothed(facing, scalp.triangles, 6)
    facing /= np.maximum(np.linalg.norm(facing, axis=1, keepdims=True), 1e-6)
    triangles = scalp.triangles
    uv = scalp.uv
    most = np.full(len(at), np.inf)
    if under is not None:
        above = under.above(at)
        shown = (above < under.inside_mm + 4.0)[triangles].all(1)
        triangles, uv = triangles[shown], uv[shown]
        most = 3.0 + 0.5 * np.maximum(-above, 0.0)
    if not len(triangles):
        return []
    bone, weight = assets.bone[scalp.vertex].astype(np.int32), assets.bone_weight[scalp.vertex]
    out = []
    count = len(triangles)
    for n, height in enumerate(cut.heights):
        lift = np.minimum(height, most) * scalp.rise
        out.append(
            Chunk(
                (at + facing * lift[:, None]).astype(np.float32),
                bone,
                weight,
                triangles,
                uv,
                _material(scalp, cut, n, colour, seed),
                np.full(count, Part.HAIR, np.uint8),
                np.full(count, Cloth.HAIR, np.uint8),
                6,
            )
        )
    return out


def _material(scalp: _Scalp, cut: _Cut, shell: int, colour: np.ndarray, seed: int) -> Material:
    """One shell: the same curls on all, thinner towards the outside."""
    size = scalp.mask.shape
    rng = stream(seed, "curls")
    curls = cv2.GaussianBlur(rng.normal(size=size).astype(np.float32), (0, 0), cut.curl)
    curls /= max(1e-6, float(curls.std()))
    share = shell / max(1, len(cut.heights) - 1)
    # Shares of a normal distribution: nearly all of the scalp below, a third of it outside.
    level = -1.9 * cut.dense + share * (1.9 * cut.dense + 0.2)
    keep = np.where(scalp.mask > 0.5 + 0.25 * np.clip(curls, -1, 1), curls - level, -1.0)
    shade = (0.62 + 0.42 * share) * (1.0 + 0.13 * np.clip(curls, -2, 2))
    out = np.empty((*size, 4), np.uint8)
    out[..., :3] = np.clip(np.maximum(colour, 20.0) * shade[..., None], 0, 255)
    out[..., 3] = np.clip(128.0 + 160.0 * keep, 0, 255)
    return Material(out, cutout=True, gloss=0.05)


@lru_cache(maxsize=4)
def _scalp(key: Key) -> _Scalp | None:
    assets = key.assets
    mask = skins.scalp(assets, (_SIDE_PX, _SIDE_PX))
    if mask is None:
        return None
    surface = assets.body
    columns = np.clip(surface.uv[:, 0] * _SIDE_PX, 0, _SIDE_PX - 1).astype(int)
    rows = np.clip((1.0 - surface.uv[:, 1]) * _SIDE_PX, 0, _SIDE_PX - 1).astype(int)
    grows = mask[rows, columns] > 0.15
    chosen = surface.triangles[grows[surface.triangles].any(1)]
    vertex, triangles = np.unique(surface.vertex[chosen], return_inverse=True)
    triangles = triangles.reshape(-1, 3).astype(np.int32)
    uv = surface.uv[chosen]
    box = charts.window(uv, _MARGIN_PX / _SIDE_PX)
    x0, x1 = (np.array([box[0], box[2]]) * _SIDE_PX).astype(int)
    y0, y1 = ((1.0 - np.array([box[3], box[1]])) * _SIDE_PX).astype(int)
    exact = np.array([x0 / _SIDE_PX, 1.0 - y1 / _SIDE_PX, x1 / _SIDE_PX, 1.0 - y0 / _SIDE_PX])
    # Hair stands off more away from the hairline, lest its edge shows as a step.
    base = garments.reference(assets, 0.5).base[vertex]
    bare = surface.vertex[surface.triangles[~grows[surface.triangles].all(1)]].ravel()
    held = np.isin(vertex, bare)
    zero = np.zeros_like(base)
    _, far = fitting.nearest(base, zero, base[held], zero[held], 1, 0.0)
    rise = np.clip(far[:, 0] / 26.0, 0.0, 1.0) ** 0.6
    return _Scalp(
        vertex,
        triangles,
        charts.rewindow(uv, exact),
        mask[y0:y1, x0:x1].astype(np.float32),
        rise.astype(np.float32),
    )
