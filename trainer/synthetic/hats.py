"""Caps and beanies, shaped to the head that wears them, and where hats sit. Torch-free."""

from functools import lru_cache

import cv2
import numpy as np

from trainer.synthetic import garments
from trainer.synthetic.chunks import Chunk, rigid
from trainer.synthetic.fabrics import rgb
from trainer.synthetic.garments import Key
from trainer.synthetic.person import Wear
from trainer.synthetic.rims import Rim, seat
from trainer.synthetic.streams import stream
from trainer.synthetic.types import Assets, Cloth, Material, Part

_AROUND = 40  # columns of a dome
_THICK_MM = {"Beanie": 7.0, "Cap": 6.0}
# Of the rim: how far up between eyes and crown in front, between ears and crown behind.
_LIFTS = {"Beanie": (0.26, 0.06), "Cap": (0.32, 0.10)}
_OTHER_LIFT = (0.36, 0.14)


def rim(assets: Assets, base: np.ndarray, name: str) -> Rim | None:
    """The rim of a hat on a head; None where the assets have no head to put it on.

    Args:
        base: (V,3) mm, morphed.
    """
    if "head" not in assets.rig.names or not len(_head_vertices(Key(assets))):
        return None
    front, ears, top = _head(assets, base)
    lift = _LIFTS.get(name, _OTHER_LIFT)
    high = top - ears[1]
    brow = np.array([0.0, front[1] + lift[0] * high, front[2]])
    nape = np.array([0.0, ears[1] + lift[1] * high, ears[2] - 90.0])
    along = brow - nape
    normal = np.array([0.0, along[2], -along[1]])
    normal /= np.linalg.norm(normal)
    centre = ears + normal * float(normal @ (brow - ears))
    forward = np.array([0.0, -normal[2], normal[1]])
    angle = np.linspace(0.0, 2.0 * np.pi, _AROUND + 1)
    ways = np.sin(angle)[:, None] * np.array([1.0, 0.0, 0.0]) + np.cos(angle)[:, None] * forward
    radius = _support(base[_head_vertices(Key(assets))] - centre, ways)
    radius[-1] = radius[0]
    # The brim of other hats is bent, up to where their crown hides the hair.
    inside = 8.0 if name in _LIFTS else 26.0
    return Rim(centre, normal, forward, radius + 0.5 * min(_THICK_MM.values()), inside)


def seated(assets: Assets, name: str, points: np.ndarray, base: np.ndarray) -> np.ndarray:
    """`seat` on a body; as it is where the assets have no head."""
    on = rim(assets, base, name)
    return points if on is None else seat(points, on, base[_head_vertices(Key(assets))])


def _head(assets: Assets, base: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Between the eyes, between the ears, and the height of the crown."""

    def middle(*names: str) -> np.ndarray:
        return np.mean([base[assets.landmarks[n]].mean(0) for n in names], 0)

    head = _head_vertices(Key(assets))
    return (
        middle("left_eye", "right_eye"),
        middle("left_ear", "right_ear"),
        float(base[head, 1].max()),
    )


@lru_cache(maxsize=4)
def _head_vertices(key: Key) -> np.ndarray:
    """Base vertices of the skull's skin, without the ears."""
    assets = key.assets
    ref = garments.reference(assets, 0.5)
    ears = assets.landmarks["left_ear"], assets.landmarks["right_ear"]
    at = np.mean([ref.base[e].mean(0) for e in ears], 0)
    wide = abs(float(ref.base[ears[0], 0].mean()))
    skin = ref.base[ref.skin]
    above = (skin[:, 1] > at[1] + 5.0) & (np.abs(skin[:, 0]) < wide + 4.0)
    return ref.skin[above]


def wear_hat(assets: Assets, wear: Wear, base: np.ndarray) -> Chunk | None:
    """A beanie or a cap on a head; None where the assets have no head to put it on."""
    on = rim(assets, base, wear.item)
    if on is None:
        return None
    centre, normal, forward = on.centre, on.normal, on.forward
    side = np.array([1.0, 0.0, 0.0])
    skull = base[_head_vertices(Key(assets))] - centre
    thick = _THICK_MM[wear.item]
    cuff = wear.item == "Beanie"
    rows = (
        [(0.0, -1.0), (0.0, 4.0), (0.10, 5.0), (0.24, 4.5), (0.26, 0.5)]
        if cuff
        else [(0.0, 0.0), (0.1, 0.5)]
    )
    rows += [(e, 1.0 + 12.0 * e * cuff) for e in (0.4, 0.55, 0.7, 0.85, 0.95, 1.0)]
    angle = np.linspace(0.0, 2.0 * np.pi, _AROUND + 1)
    elevation = np.array([e for e, _ in rows]) * np.pi / 2.0
    extra = np.array([m for _, m in rows])
    ways = (
        np.cos(elevation)[:, None, None]
        * (np.sin(angle)[None, :, None] * side + np.cos(angle)[None, :, None] * forward)
        + np.sin(elevation)[:, None, None] * normal
    )
    radius = _support(skull, ways.reshape(-1, 3)).reshape(ways.shape[:2])
    radius[:, -1] = radius[:, 0]
    radius = _smooth(radius) + thick + extra[:, None]
    points = [(centre + ways * radius[..., None]).reshape(-1, 3)]
    columns = _AROUND + 1
    grid = np.meshgrid(angle / (2 * np.pi), 0.3 + 0.7 * elevation / (np.pi / 2))
    uv = [np.stack(grid, -1).reshape(-1, 2)]
    triangles = [_grid(len(rows), columns, 0)]
    if not cuff:
        rim_points, so_far = points[0][:columns], columns * len(rows)
        visor, visor_uv, faces = _visor(rim_points, angle, forward, normal, so_far)
        points.append(visor)
        uv.append(visor_uv)
        triangles.append(faces)
    at = np.concatenate(points).astype(np.float32)
    tri = np.concatenate(triangles).astype(np.int32)
    bone, weight = rigid(len(at), assets.rig.names.index("head"))
    count = len(tri)
    return Chunk(
        at,
        bone,
        weight,
        tri,
        np.concatenate(uv)[tri].astype(np.float32),
        _material(wear),
        np.full(count, Part.HAIR, np.uint8),
        np.full(count, Cloth.HAT, np.uint8),
        7,
    )


def _support(points: np.ndarray, ways: np.ndarray) -> np.ndarray:
    """How far a shape reaches in each direction, among the points close to it."""
    length = np.linalg.norm(points, axis=1)
    cosine = ways @ (points / np.maximum(length, 1e-6)[:, None]).T
    near = np.where(cosine > 0.965, length[None] * cosine, 0.0)
    reach = near.max(1)
    return np.where(reach > 0, reach, np.median(reach[reach > 0]) if (reach > 0).any() else 90.0)


def _smooth(radius: np.ndarray) -> np.ndarray:
    """Along the columns around, and a little along the rows."""
    kernel = np.array([1.0, 2.0, 3.0, 2.0, 1.0]) / 9.0
    ring = radius[:, :-1]
    out = sum(k * np.roll(ring, n - 2, 1) for n, k in enumerate(kernel))
    out = np.concatenate([out, out[:, :1]], 1)
    out[1:-1] = 0.25 * out[:-2] + 0.5 * out[1:-1] + 0.25 * out[2:]
    out[-1] = out[-1].mean()
    return out


def _grid(rows: int, columns: int, start: int) -> np.ndarray:
    r, c = np.meshgrid(np.arange(rows - 1), np.arange(columns - 1), indexing="ij")
    a = (r * columns + c).reshape(-1) + start
    b, d, e = a + 1, a + columns, a + columns + 1
    return np.concatenate([np.stack([a, b, d], 1), np.stack([b, e, d], 1)])


def _visor(
    ring: np.ndarray, angle: np.ndarray, forward: np.ndarray, normal: np.ndarray, start: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A curved peak in front of the rim."""
    wide = 1.05
    around = np.linspace(-wide, wide, 15)
    at = np.stack([np.interp(np.mod(around, 2 * np.pi), angle, ring[:, k]) for k in range(3)], 1)
    shape = np.sqrt(np.clip(1.0 - (around / wide) ** 2, 0.0, 1.0))
    rows, uvs = [], []
    for step in (0.0, 0.35, 0.7, 1.0):
        reach = 72.0 * shape * step
        drop = 0.22 * reach + 9.0 * (around / wide) ** 2 * step
        rows.append(at + reach[:, None] * forward - drop[:, None] * normal)
        uvs.append(np.stack([0.5 + 0.5 * around / wide, np.full(15, 0.26 - 0.24 * step)], 1))
    return np.concatenate(rows), np.concatenate(uvs), _grid(4, 15, start)


def _material(wear: Wear) -> Material:
    """Knitted ribs, or six panels; the peak is in the lower quarter."""
    height, width = 128, 256
    base = np.empty((height, width, 3), np.float32)
    base[:] = np.maximum(rgb(wear.colour), 16.0)
    column = np.arange(width)[None, :, None] / width
    row = np.arange(height)[:, None, None] / height
    if wear.item == "Beanie":
        base *= 1.0 + 0.10 * np.sin(2.0 * np.pi * 64.0 * column)
        if wear.pattern != "plain":
            band = np.abs(row - 0.35) < 0.09
            base = np.where(band, rgb(wear.second), base)
    else:
        seam = np.abs(np.mod(column * 6.0 + 0.5, 1.0) - 0.5) < 0.015
        base = np.where(seam & (row < 0.7), base * 0.78, base)
        if wear.pattern != "plain":
            base = np.where(row > 0.7, rgb(wear.second), base)
        stitched = np.mod(row * height - 0.76 * height, 6.0) < 1.0
        base = np.where((row > 0.76) & stitched, base * 0.88, base)
    grain = stream(0, "fabric", wear.item).normal(0.0, 1.0, (height, width, 1)).astype(np.float32)
    base = base * (1.0 + 0.03 * cv2.GaussianBlur(grain, (0, 0), 1.0)[..., None])
    out = np.full((height, width, 4), 255, np.uint8)
    out[..., :3] = np.clip(base, 0, 255)
    return Material(out, gloss=0.03)
