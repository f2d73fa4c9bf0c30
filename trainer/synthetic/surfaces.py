"""Materials of the surroundings: tileable maps, drawn once a process and packed with mip levels.

A map has four channels in 0-1: how much of a second colour, shade (one half leaves the colour as
it is), how much of a third colour, and opacity. The colours come with each picture, so that one
map of bricks gives every wall of bricks. A few maps hold colours themselves (`PAINTED`).
Torch-free.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from trainer.synthetic import surfaces_drawn as drawn
from trainer.synthetic import surfaces_pictures
from trainer.synthetic.streams import stream

LEVELS = 10  # 512 px down to 1 px


@dataclass(frozen=True)
class Atlas:
    """All maps in one buffer, for a kernel.

    Attributes:
        data: uint32, a texel of four channels each, the first in the lowest byte; each level of
            each map is (n,n), row 0 at the bottom.
        offset: (T,LEVELS) int64 into `data`; side: (T,) int64 px of level 0, a power of two.
        size_mm: (T,2) float64, what one repeat covers along u and v.
        painted: (T,) bool, the map holds colours (square roots of linear RGB).
        index: number of a map by its name.
    """

    data: np.ndarray
    offset: np.ndarray
    side: np.ndarray
    size_mm: np.ndarray
    painted: np.ndarray
    index: dict[str, int]


def noise(
    rng: np.random.Generator, n: int, cells: int | tuple[int, int], octaves: int = 1
) -> np.ndarray:
    """Smooth noise that repeats without a seam.

    Args:
        n: side in px, a power of two.
        cells: waves along u and v, powers of two.
    Returns:
        (n,n) float32 of mean 0 and standard deviation 1.
    """
    cu, cv = (cells, cells) if isinstance(cells, int) else cells
    total = np.zeros((n, n), np.float32)
    for octave in range(octaves):
        grid = rng.standard_normal((cv, cu)).astype(np.float32)
        wide = cv2.resize(
            np.pad(grid, 2, mode="wrap"),
            (n * (cu + 4) // cu, n * (cv + 4) // cv),
            interpolation=cv2.INTER_CUBIC,
        )
        v, u = 2 * n // cv, 2 * n // cu
        total += 0.5**octave * wide[v : v + n, u : u + n]
        cu, cv = min(2 * cu, n), min(2 * cv, n)
    return (total - total.mean()) / max(float(total.std()), 1e-6)


def _maps(
    shade: np.ndarray, mix: np.ndarray | float = 0.0, third: np.ndarray | float = 0.0
) -> np.ndarray:
    """(n,n,4) of a shade around 1 and two mixtures; opaque."""
    out = np.ones((*shade.shape, 4), np.float32)
    out[..., 0], out[..., 1], out[..., 2] = mix, 0.5 * shade, third
    return out


def _masonry(
    rng: np.random.Generator,
    n: int,
    grid: tuple[int, int],
    joint_px: tuple[float, float],
    shift: float,
    wobble: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Blocks in courses.

    Returns:
        (n,n) share of stone (0 in the joint), two random values of each block, and the height
        within a block, 0 below to 1 above.
    """
    columns, rows = grid
    y, x = np.mgrid[:n, :n].astype(np.float32)
    x += wobble * noise(rng, n, 64)
    y += wobble * noise(rng, n, 64)
    tall, wide = n / rows, n / columns
    row = np.floor(y / tall).astype(int)
    x = x + shift * wide * (row % 2)
    column = np.floor(x / wide).astype(int)
    within_x, within_y = x - column * wide, y - row * tall
    edge_x = np.minimum(within_x, wide - within_x) - joint_px[0] / 2
    edge_y = np.minimum(within_y, tall - within_y) - joint_px[1] / 2
    stone = np.clip(np.minimum(edge_x, edge_y) + 0.5, 0, 1)
    first, second = rng.random((2, rows, columns)).astype(np.float32)
    row, column = row % rows, column % columns
    return stone, first[row, column], second[row, column], within_y / tall


def plaster(rng: np.random.Generator, n: int) -> np.ndarray:
    rough = noise(rng, n, 64, 3)
    relief = cv2.Sobel(rough, cv2.CV_32F, 0, 1)
    stains = np.clip(0.5 + 0.35 * noise(rng, n, 4, 4), 0, 1)
    return _maps(1 + 0.010 * relief + 0.012 * noise(rng, n, 256), 0.5 * stains)


def render(rng: np.random.Generator, n: int) -> np.ndarray:
    """Weathered outdoor render: stains that run down, patches, fine grit."""
    runs = noise(rng, n, (64, 4), 2)
    patches = noise(rng, n, 4, 5)
    grit = noise(rng, n, 256, 2) + 0.3 * cv2.Sobel(noise(rng, n, 64, 3), cv2.CV_32F, 0, 1)
    mix = np.clip(0.4 + 0.25 * patches + 0.12 * runs, 0, 1)
    third = np.clip(0.3 * noise(rng, n, 8, 5) - 0.2, 0, 1)
    return _maps(1 + 0.03 * grit + 0.03 * patches, mix, 0.7 * third)


def brick(rng: np.random.Generator, n: int) -> np.ndarray:
    stone, tone, shade, height = _masonry(rng, n, (8, 16), (3.2, 4.6), 0.5, 0.6)
    rough, blotch = noise(rng, n, 128, 2), noise(rng, n, 16, 4)
    lip = np.clip(1 - height * 9, 0, 1) * stone
    value = 1 + 0.24 * (shade - 0.5) + 0.07 * rough + 0.05 * blotch - 0.18 * lip
    value = np.where(stone < 0.5, 0.86 + 0.07 * rough + 0.04 * blotch, value)
    burnt = (tone > 0.9) * 0.7
    lime = np.clip(noise(rng, n, 4, 5) - 0.6, 0, 1) * 0.08
    mix = np.clip(tone + 0.12 * rough + 0.12 * blotch, 0, 1)
    # mortar keeps a little of the dirt and colour of the bricks
    return _maps(value - 0.25 * burnt * stone, mix, np.maximum(0.82 * (1 - stone), lime))


def _tiles(
    rng: np.random.Generator, n: int, grid: tuple[int, int], shift: float, spread: float
) -> np.ndarray:
    stone, tone, shade, height = _masonry(rng, n, grid, (3.0, 3.0), shift, 0.12)
    glaze = 0.03 * noise(rng, n, 8, 2) + 0.05 * (height - 0.5)
    value = 1 + spread * (shade - 0.5) + glaze
    return _maps(value * (0.92 + 0.08 * stone), spread * 2 * tone, 1 - stone)


def tiles(rng: np.random.Generator, n: int) -> np.ndarray:
    return _tiles(rng, n, (8, 8), 0.0, 0.06)


def metro(rng: np.random.Generator, n: int) -> np.ndarray:
    return _tiles(rng, n, (8, 16), 0.5, 0.07)


def floor_tiles(rng: np.random.Generator, n: int) -> np.ndarray:
    out = _tiles(rng, n, (4, 4), 0.0, 0.08)
    cloud = noise(rng, n, 8, 5)
    out[..., 0] = np.clip(out[..., 0] + 0.3 + 0.25 * cloud, 0, 1)
    return out


def slabs(rng: np.random.Generator, n: int) -> np.ndarray:
    stone, tone, shade, _ = _masonry(rng, n, (4, 4), (2.5, 2.5), 0.5, 0.3)
    grit = noise(rng, n, 256) + 0.6 * noise(rng, n, 16, 4)
    value = 1 + 0.14 * (shade - 0.5) + 0.05 * grit
    dirt = np.clip(0.3 * noise(rng, n, 4, 4), 0, 1)
    return _maps(value, np.clip(0.8 * tone + dirt, 0, 1), 0.8 * (1 - stone))


def cobbles(rng: np.random.Generator, n: int) -> np.ndarray:
    stone, tone, shade, height = _masonry(rng, n, (16, 16), (5.0, 5.0), 0.5, 1.4)
    soft = cv2.GaussianBlur(stone, (0, 0), 3, borderType=cv2.BORDER_REFLECT)
    value = 0.75 + 0.35 * soft + 0.2 * (shade - 0.5) + 0.07 * (height - 0.5)
    return _maps(value + 0.05 * noise(rng, n, 128), tone, 1 - stone)


def planks(rng: np.random.Generator, n: int) -> np.ndarray:
    """Boards along u, 8 of them a repeat."""
    y, x = np.mgrid[:n, :n].astype(np.float32)
    tall = n // 8
    board = (y // tall).astype(int)
    start = rng.integers(0, n, 8)[board]
    half = ((x + start) % n // (n // 2)).astype(int)
    tone = rng.random((8, 2)).astype(np.float32)[board, half]
    lines = noise(rng, n, (4, 128), 2) + 0.8 * noise(rng, n, (2, 16), 2)
    # each board is sawn of another tree: the grain breaks at its edges
    cuts = rng.integers(0, n, 8)
    grain = np.concatenate([np.roll(lines, c, (0, 1))[:tall] for c in cuts])
    fibre = noise(rng, n, (16, 512))
    seam_y = np.minimum(y % tall, tall - 1 - y % tall)
    seam_x = np.abs((x + start) % (n // 2) - 1)
    seam = np.maximum(np.clip(1.1 - seam_y, 0, 1), np.clip(1.3 - seam_x, 0, 1))
    knot = np.clip(noise(rng, n, (8, 16), 2) - 2.2, 0, 1)
    mix = np.clip(0.15 + 0.6 * tone + 0.16 * grain + 0.5 * knot, 0, 1)
    return _maps(1 + 0.16 * (tone - 0.5) + 0.03 * fibre - 0.3 * knot, mix, 0.75 * seam)


def boards(rng: np.random.Generator, n: int) -> np.ndarray:
    return np.ascontiguousarray(planks(rng, n).transpose(1, 0, 2))


def wood(rng: np.random.Generator, n: int) -> np.ndarray:
    grain = noise(rng, n, (2, 64), 3) + 0.7 * noise(rng, n, (2, 8), 2)
    return _maps(1 + 0.02 * noise(rng, n, (8, 256)), np.clip(0.5 + 0.22 * grain, 0, 1))


def carpet(rng: np.random.Generator, n: int) -> np.ndarray:
    tuft = noise(rng, n, 128, 2)
    return _maps(1 + 0.09 * tuft + 0.02 * noise(rng, n, 4, 3), np.clip(0.5 + 0.2 * tuft, 0, 1))


def lino(rng: np.random.Generator, n: int) -> np.ndarray:
    flecks = noise(rng, n, 64, 3)
    third = np.clip(noise(rng, n, 128, 2) - 1.8, 0, 1)
    return _maps(1 + 0.02 * flecks, np.clip(0.5 + 0.25 * flecks, 0, 1), third)


def concrete(rng: np.random.Generator, n: int) -> np.ndarray:
    cloud, grit = noise(rng, n, 4, 6), noise(rng, n, 256)
    pits = np.clip(noise(rng, n, 128) - 2.3, 0, 1)
    return _maps(1 + 0.03 * grit - 0.3 * pits, np.clip(0.5 + 0.3 * cloud, 0, 1))


def asphalt(rng: np.random.Generator, n: int) -> np.ndarray:
    grit = noise(rng, n, 256, 2)
    stones = np.clip(noise(rng, n, 256) - 1.5, 0, 1)
    crack = np.clip(1 - np.abs(noise(rng, n, 4, 5)) * 45, 0, 1)
    crack *= np.clip(noise(rng, n, 4) - 0.2, 0, 1)
    patch = np.clip(0.5 + 0.3 * noise(rng, n, 4, 4), 0, 1)
    return _maps(1 + 0.1 * grit - 0.35 * crack, patch, 0.7 * stones)


def sand(rng: np.random.Generator, n: int) -> np.ndarray:
    ripple = noise(rng, n, (16, 32), 3)
    relief = cv2.Sobel(noise(rng, n, 16, 4), cv2.CV_32F, 0, 1)
    value = 1 + 0.04 * ripple + 0.05 * relief + 0.05 * noise(rng, n, 256)
    return _maps(value, np.clip(0.5 + 0.2 * noise(rng, n, 8, 4), 0, 1))


def water(rng: np.random.Generator, n: int) -> np.ndarray:
    waves = noise(rng, n, (16, 64), 3)
    foam = np.clip(noise(rng, n, (16, 64), 3) - 2.0, 0, 1)
    return _maps(1 + 0.06 * waves, np.clip(0.5 + 0.25 * waves, 0, 1), foam)


def curtain(rng: np.random.Generator, n: int) -> np.ndarray:
    y, x = np.mgrid[:n, :n].astype(np.float32) * (2 * np.pi / n)
    bend = 0.25 * noise(rng, n, (4, 2)) + 0.1 * noise(rng, n, (8, 2))
    folds = np.sin(6 * x + 2 * bend) + 0.5 * np.sin(13 * x + 4 * bend + 0.2 * np.sin(y))
    return _maps(1 + 0.16 * folds, 0.3 + 0.15 * folds)


def cloud(rng: np.random.Generator, n: int) -> np.ndarray:
    heap = noise(rng, n, 4, 7)
    out = _maps(1 + 0.05 * noise(rng, n, 8, 4), np.clip(0.4 - 0.3 * heap, 0, 1))
    soft = np.clip((heap - 0.1) / 1.6, 0, 1)
    out[..., 3] = soft * soft * (3 - 2 * soft)
    return out


def macro(rng: np.random.Generator, n: int) -> np.ndarray:
    """Slow noise that keeps a repeated map from looking repeated; channel 1 only is read."""
    return _maps(np.clip(1 + 0.33 * noise(rng, n, 4, 5), 0, 2))


def blank(rng: np.random.Generator, n: int) -> np.ndarray:
    return _maps(1 + 0.006 * noise(rng, n, 64, 2))


def blob(rng: np.random.Generator, n: int) -> np.ndarray:
    """A soft spot: what things cast on the ground below them."""
    y, x = (np.mgrid[:n, :n].astype(np.float32) + 0.5) / n * 2 - 1
    out = _maps(np.ones((n, n), np.float32))
    # a rounded square, so that it fits a cupboard as well as a pot
    out[..., 3] = np.clip(1.25 * (1 - (np.abs(x) ** 3 + np.abs(y) ** 3) ** (1 / 3)), 0, 1) ** 1.3
    return out


_Maker = Callable[[np.random.Generator, int], np.ndarray]
# name: (maker, side px, mm along u, mm along v)
LIBRARY: dict[str, tuple[_Maker, int, float, float]] = {
    "macro": (macro, 256, 5300, 5300),
    "blank": (blank, 128, 900, 900),
    "plaster": (plaster, 512, 1500, 1500),
    "render": (render, 512, 3600, 3600),
    "brick": (brick, 512, 1840, 1200),
    "tiles": (tiles, 256, 1200, 1200),
    "metro": (metro, 512, 1600, 1600),
    "floor_tiles": (floor_tiles, 512, 1800, 1800),
    "slabs": (slabs, 512, 1800, 1800),
    "cobbles": (cobbles, 512, 1900, 1900),
    "planks": (planks, 512, 2600, 1080),
    "boards": (boards, 512, 960, 2500),
    "wood": (wood, 256, 1400, 700),
    "carpet": (carpet, 256, 500, 500),
    "lino": (lino, 256, 800, 800),
    "concrete": (concrete, 512, 2600, 2600),
    "asphalt": (asphalt, 512, 1700, 1700),
    "sand": (sand, 512, 2300, 2300),
    "water": (water, 256, 9000, 9000),
    "curtain": (curtain, 256, 1300, 1300),
    "cloud": (cloud, 512, 3.0e6, 3.0e6),
    "blob": (blob, 128, 1, 1),
    "grass": (drawn.grass, 512, 1500, 1500),
    "gravel": (drawn.gravel, 512, 900, 900),
    "hedge": (drawn.hedge, 512, 1600, 1600),
    "hedge_top": (drawn.hedge_top, 512, 1600, 1600),
    "tree": (drawn.tree, 512, 1, 1),
    "conifer": (drawn.conifer, 256, 1, 1),
    "plant": (drawn.plant, 256, 1, 1),
    "leaves": (drawn.leaves, 512, 1, 1),
    "treeline": (drawn.treeline, 512, 1, 1),
    "facade": (drawn.facade, 512, 11000, 9600),
    "shop": (drawn.shop, 256, 7000, 1),
    "car": (drawn.car, 256, 1, 1),
    "books": (drawn.books, 256, 1, 1),
    "view": (drawn.view, 128, 1, 1),
    **{name: (maker, 128, 1, 1) for name, maker in surfaces_pictures.MAKERS.items()},
}
PAINTED = frozenset({"books", "view", *surfaces_pictures.MAKERS})


def texels(maps: Atlas, name: str, side: int) -> np.ndarray:
    """(n,n,4) uint8 of a map, no larger than `side` px; row 0 is the top."""
    number = maps.index[name]
    full = int(maps.side[number])
    level = max(full.bit_length() - side.bit_length(), 0)
    n, start = full >> level, int(maps.offset[number, level])
    return maps.data[start : start + n * n].view(np.uint8).reshape(n, n, 4)[::-1]


@lru_cache(maxsize=1)
def atlas() -> Atlas:
    """All maps of `LIBRARY`, the same in every process. Takes about a second, once."""
    buffers: list[np.ndarray] = []
    offset = np.zeros((len(LIBRARY), LEVELS), np.int64)
    side = np.zeros(len(LIBRARY), np.int64)
    filled = 0
    for number, (name, (maker, n, _, _)) in enumerate(LIBRARY.items()):
        level = np.clip(maker(stream(0, "surface", name), n), 0, 1)
        level = np.ascontiguousarray(level[::-1], np.float32)  # row 0 at the bottom from here on
        side[number] = n
        for step in range(LEVELS):
            offset[number, step] = filled
            buffers.append(np.round(level * 255).astype(np.uint8).ravel().view("<u4"))
            filled += len(buffers[-1])
            if len(level) > 1:
                level = _half(level)
    sizes = np.array([row[2:] for row in LIBRARY.values()], float)
    painted = np.array([name in PAINTED for name in LIBRARY])
    index = {name: number for number, name in enumerate(LIBRARY)}
    return Atlas(np.concatenate(buffers), offset, side, sizes, painted, index)


def _half(level: np.ndarray) -> np.ndarray:
    """(n/2,n/2,4), averaged; what is clear adds nothing to the colour."""
    weight = level[..., 3:] + 1e-3
    quads = (level * weight).reshape(len(level) // 2, 2, len(level) // 2, 2, 4).sum((1, 3))
    total = weight.reshape(len(level) // 2, 2, len(level) // 2, 2, 1).sum((1, 3))
    out = quads / total
    out[..., 3:] = total / 4 - 1e-3
    return out
