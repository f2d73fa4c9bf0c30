"""The cloth of an item as a texture: what its source's texture tells of folds and seams, in the
colours and pattern of the wearer. Torch-free.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from trainer.synthetic import assets as packs
from trainer.synthetic import charts, painting, patterns
from trainer.synthetic.garments import Garment, Key
from trainer.synthetic.person import Wear
from trainer.synthetic.streams import stream
from trainer.synthetic.types import Assets, Material
from trainer.synthetic.wardrobe import SKIRT, TIGHTS, Item

_SIDE_PX = 448
_COLOUR, _SECOND, _OWN = 0, 1, 2
WEAVES = ("cotton", "jersey", "knit", "denim", "canvas", "wool", "leather")


@dataclass(frozen=True)
class Fabric:
    """What is painted on, the same for all wearers.

    Attributes:
        box: (4,) the window of the source's uv.
        atlas: charts and coordinates.
        shade: (h,w) float32, 1 leaves a colour as it is.
        fade: (h,w) float32 of 0 to 1, how far towards white worn places go.
        role: (h,w) uint8, which colour a texel gets.
        own: (h,w,3) uint8, the source's colours.
    """

    box: np.ndarray
    atlas: charts.Atlas
    shade: np.ndarray
    fade: np.ndarray
    role: np.ndarray
    own: np.ndarray


def rgb(colour: str) -> np.ndarray:
    """ "#rrggbb" as (3,) float32 of 0 to 255; a neutral grey for anything else."""
    text = colour.lstrip("#")
    try:
        return np.array([int(text[k : k + 2], 16) for k in (0, 2, 4)], np.float32)
    except ValueError:
        return np.full(3, 128.0, np.float32)


def of_item(assets: Assets, item: Item, garment: Garment) -> Fabric:
    """The fabric of an item; `garment` is the item's."""
    return _fabric(Key(assets), item, _Ref(garment))


class _Ref:
    """A garment as a key that does not count: an item has one garment."""

    def __init__(self, garment: Garment) -> None:
        self.garment = garment

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Ref)


@lru_cache(maxsize=96)
def _fabric(key: Key, item: Item, ref: _Ref) -> Fabric:
    garment, assets = ref.garment, key.assets
    piece = assets.pieces.get(item.source)
    name = piece.texture if piece is not None and item.source not in (TIGHTS, SKIRT) else ""
    source = packs.texture(assets, name)[..., :3] if name in assets.textures else None
    box = charts.window(garment.uv, 0.012 if source is not None else 0.002)
    span = box[2:] - box[:2]
    size = np.maximum(48, np.round(_SIDE_PX * span / span.max())).astype(int)
    width, height = int(size[0]), int(size[1])
    # What points down: along the arm on sleeves, else towards the floor.
    top = float(garment.rest[:, 1].max())
    down = np.where(garment.arm > 40.0, garment.arm + 60.0, top - garment.rest[:, 1])
    atlas = charts.bake(
        charts.rewindow(garment.uv, box),
        garment.rest[garment.triangles],
        down[garment.triangles],
        garment.rest[garment.triangles][..., 0],
        (width, height),
    )
    own = np.full((height, width, 3), 200, np.uint8)
    if source is not None:
        own = _cropped(source, box, (width, height))
        # Texels on an edge of a chart are half background.
        inner = cv2.erode(atlas.inside.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        rows, columns = charts.nearest_inside(inner if inner.any() else atlas.inside)
        own = own[rows, columns]
    role = _roles(item, atlas, own)
    shade = np.ones((height, width), np.float32)
    fade = np.zeros((height, width), np.float32)
    if source is not None and item.shade not in ("none", "tint"):
        shade, fade = _shade(item, atlas, own, role)
    shade = shade * _weave(item, atlas) * _sewing(item, garment, atlas, box)
    return Fabric(box, atlas, shade.astype(np.float32), fade, role, own)


def _cropped(source: np.ndarray, box: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    h, w = source.shape[:2]
    x0, x1 = int(box[0] * w), max(int(np.ceil(box[2] * w)), int(box[0] * w) + 1)
    y0, y1 = int((1 - box[3]) * h), max(int(np.ceil((1 - box[1]) * h)), int((1 - box[3]) * h) + 1)
    return cv2.resize(
        np.ascontiguousarray(source[y0:y1, x0:x1]), size, interpolation=cv2.INTER_AREA
    )


def _roles(item: Item, atlas: charts.Atlas, own: np.ndarray) -> np.ndarray:
    numbers = {"colour": _COLOUR, "second": _SECOND, "own": _OWN}
    role = np.zeros(atlas.chart.shape, np.uint8)
    if item.shade == "track":
        bright = own.astype(int).mean(2) > 120
        return np.where(bright, _SECOND, _COLOUR).astype(np.uint8)
    if item.roles:
        references = np.array([colour for colour, _ in item.roles], np.float32)
        for chart in range(atlas.charts):
            here = atlas.chart == chart
            seen = own[here & atlas.inside]
            if len(seen):
                middle = np.median(seen, 0)
                best = int(np.linalg.norm(references - middle, axis=1).argmin())
                role[here] = numbers[item.roles[best][1]]
    return role


def _shade(
    item: Item, atlas: charts.Atlas, own: np.ndarray, role: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Light and dark of the source's texture against the middle of each role."""
    bright = own.astype(np.float32) @ np.array([0.30, 0.59, 0.11], np.float32)
    shade = np.ones_like(bright)
    for value in (_COLOUR, _SECOND):
        here = role == value
        seen = here & atlas.inside
        if not seen.any():
            continue
        middle = max(12.0, float(np.median(bright[seen])))
        ratio = bright / middle
        if item.shade == "soft":
            lab = cv2.cvtColor(own, cv2.COLOR_RGB2LAB).astype(np.float32)
            off = np.linalg.norm(lab[..., 1:] - np.median(lab[seen][:, 1:], 0), axis=2) > 14.0
            off |= np.abs(ratio - 1.0) > 0.55
            off = cv2.dilate(off.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
            use = (seen & ~off).astype(np.float32)
            total = cv2.GaussianBlur(ratio * use, (0, 0), 2.2)
            weight = cv2.GaussianBlur(use, (0, 0), 2.2)
            ratio = np.where(weight > 0.05, total / np.maximum(weight, 0.05), 1.0)
            ratio = 1.0 + 1.4 * (ratio - 1.0)
            shade[here] = np.clip(ratio, 0.7, 1.18)[here]
        else:
            shade[here] = np.clip(ratio, 0.4, 1.7)[here]
    fade = np.clip((shade - 1.0) / 2.2, 0.0, 0.4)
    return np.minimum(shade, 1.0 + 0.35 * np.clip(shade - 1.0, 0, 1)).astype("f4"), fade.astype(
        "f4"
    )


def _weave(item: Item, atlas: charts.Atlas) -> np.ndarray:
    """Fine structure, and wide soft folds where the source has none."""
    s, t = atlas.across, atlas.down
    rng = stream(0, "fabric", item.name)
    out = np.ones_like(s)
    if item.fabric == "knit":
        out += 0.05 * np.sin(2.0 * np.pi * s / 7.0)
    elif item.fabric == "denim":
        grain = rng.normal(0.0, 1.0, s.shape).astype(np.float32)
        out += 0.05 * cv2.GaussianBlur(grain, (0, 0), 0.8)
    elif item.fabric in ("canvas", "wool", "cotton"):
        grain = rng.normal(0.0, 1.0, s.shape).astype(np.float32)
        out += 0.03 * cv2.GaussianBlur(grain, (0, 0), 1.0)
    if item.shade == "none" and item.slot != "shoes":
        grid = rng.normal(size=(64, 64)).astype(np.float32)
        x = np.mod(s / 46.0 + 0.25 * t / 46.0, 64.0).astype(np.float32)
        y = np.mod(t / 120.0, 64.0).astype(np.float32)
        fold = cv2.remap(grid, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_WRAP)
        out += 0.045 * np.clip(fold, -1.6, 1.6)
    return out.astype(np.float32)


def _sewing(item: Item, garment: Garment, atlas: charts.Atlas, box: np.ndarray) -> np.ndarray:
    """Seams between the panels, stitched hems, a placket with buttons, a waistband."""
    out = np.ones_like(atlas.across)
    if item.shade not in ("none", "soft") or item.slot in ("shoes", "hat", "legwear"):
        return out
    corners = garment.triangles
    values = np.concatenate([garment.rest, garment.edge[:, None], garment.normals[:, 2:]], 1)
    height, width = out.shape
    at, _ = charts.spread(charts.rewindow(garment.uv, box), values[corners], (width, height))
    rows, columns = charts.nearest_inside(atlas.inside)
    x, y, _, edge, front = np.moveaxis(at[rows, columns], 2, 0)
    if item.source not in (TIGHTS, SKIRT):
        to_seam = cv2.distanceTransform(atlas.inside.astype(np.uint8), cv2.DIST_L2, 3)
        out -= 0.13 * np.exp(-((to_seam / 1.6) ** 2))
    if item.source != TIGHTS:
        # Stitches along hems; a collar has none.
        low = np.clip((float(garment.rest[:, 1].max()) - 150.0 - y) / 30.0, 0.0, 1.0)
        out -= 0.09 * np.exp(-(((edge - 18.0) / 1.5) ** 2)) * low
    if item.sewn == "waistband":
        top = float(garment.rest[:, 1].max())
        out -= 0.20 * np.exp(-(((edge - 36.0) / 1.8) ** 2)) * (y > top - 110.0)
    if item.sewn == "placket":
        faces = front > 0.35
        out -= 0.16 * np.exp(-(((np.abs(x) - 14.0) / 1.4) ** 2)) * faces
        top = float(garment.rest[:, 1].max())
        button = np.hypot(x, np.mod(top - 95.0 - y, 84.0) - 42.0)
        out -= 0.34 * np.clip(5.6 - button, 0.0, 1.0) * faces
        out += 0.20 * np.clip(3.6 - button, 0.0, 1.0) * faces
    return out


def paint(fabric: Fabric, item: Item, wear: Wear, seed: int) -> Material:
    """The material of something worn.

    Args:
        seed: of what is random in a pattern.
    """
    main, second = rgb(wear.colour), rgb(wear.second)
    if item.shade == "tint":
        return Material(painting.tinted(fabric.own, main, second), gloss=item.gloss)
    atlas = fabric.atlas
    # The middle step between texels: the largest are between two charts.
    texel = float(np.median(np.hypot(np.diff(atlas.across, axis=1), np.diff(atlas.down, axis=1))))
    mix = patterns.mask(wear.pattern, atlas.across, atlas.down, wear.scale, seed, texel)
    painted = painting.cloth(
        fabric.role,
        fabric.shade,
        fabric.fade,
        fabric.own,
        main,
        second,
        fabric.shade if mix is None else mix.astype(np.float32),
        mix is not None,
    )
    return Material(painted, gloss=item.gloss)
