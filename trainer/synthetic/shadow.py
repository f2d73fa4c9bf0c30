"""What keeps light away: a depth map seen from the key light, and a coarse grid of what is full.

The map gives the key light's shadow, softened over a disc. The grid gives ambient occlusion by
four cones from each vertex, and the contact shadow on the floor. Both are asked at vertices and at
floor nodes 25 mm apart only; in between they are interpolated, which is smooth and costs the same
for every size of picture. Torch-free.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numba import njit  # type: ignore[import-untyped]

from trainer.synthetic.packing import Packed
from trainer.synthetic.raster import Points

TAPS = 12
SEARCH_TAPS = 8
FLOOR_TAPS = 48
FLOOR_CELL_MM = 25.0
CONTACT_CELL_MM = 40.0
CONTACT_REACH_MM = 480.0
_EMPTY = -1e30


class Blockers(NamedTuple):
    """What stands in the light.

    Attributes:
        axes: (3,3) float64, rows: right, up and towards the light.
        depth: (s,t) float32 mm, largest third coordinate over each texel; rows along axis 1.
        corner: (2,) float64 mm, coordinates of the map's corner along axes 0 and 1.
        texel: mm.
        radius: mm, of the disc that a shadow is softened over.
        full, full2, full4: (x,y,z) float32 0-1, the grid in its size and in halves of it.
        origin: (3,) float64 mm; cell: mm, of the grid.
        lowest: (x,z) float32 mm, the lowest thing over each cell of the floor, inf for none.
        covered: (x,z) float32, how much of the sky this hides from each of these cells.
        floor_corner: (2,) float64 mm, x and z of `lowest` and of the floor nodes.
        floor: (i,k) float32, the key's share at each node, NaN where not yet known.
        disc, search_disc, wide_disc: (taps,2) float64, points spread evenly over the unit disc.
    """

    axes: np.ndarray
    depth: np.ndarray
    corner: np.ndarray
    texel: float
    radius: float
    full: np.ndarray
    full2: np.ndarray
    full4: np.ndarray
    origin: np.ndarray
    cell: float
    lowest: np.ndarray
    covered: np.ndarray
    floor_corner: np.ndarray
    floor: np.ndarray
    disc: np.ndarray
    search_disc: np.ndarray
    wide_disc: np.ndarray


@lru_cache(maxsize=4)
def disc(taps: int) -> np.ndarray:
    """(taps,2) float64: a sunflower's seeds, spread evenly over the unit disc."""
    k = np.arange(taps)
    radius, angle = np.sqrt((k + 0.5) / taps), k * 2.399963229728653
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)


def light_axes(direction: np.ndarray) -> np.ndarray:
    """(3,3) float64: right, up and the unit direction towards the light."""
    toward = np.asarray(direction, np.float64)
    toward = toward / max(float(np.linalg.norm(toward)), 1e-9)
    helper = np.array([0.0, 1.0, 0.0]) if abs(toward[1]) < 0.9 else np.array([1.0, 0.0, 0.0])
    right = np.cross(helper, toward)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(toward, right), toward])


def prepare(
    box: np.ndarray, axes: np.ndarray, softness: float, pixel_mm: float, with_floor: bool
) -> Blockers:
    """Empty maps for what lies in the box.

    Args:
        box: (6,2) float64 mm, low and high along the light's axes, then along the world's.
        pixel_mm: how large a pixel of the picture is there; a map much finer would be wasted.
    """
    extent = float((box[:2, 1] - box[:2, 0]).max())
    radius = 14.0 + 75.0 * softness
    texel = max(5.0, extent / 200.0, radius / 5.0, min(0.7 * pixel_mm, 12.0))
    corner = box[:2, 0] - 40.0
    shape = np.maximum(((box[:2, 1] - box[:2, 0] + 80.0) / texel).astype(int) + 1, 1)
    sides = box[3:, 1] - box[3:, 0]
    cell = max(25.0, float(np.prod((sides + 60.0) / 400_000.0 ** (1 / 3)) ** (1 / 3)))
    cells = ((sides / cell).astype(int) + 3 + 3) // 4 * 4
    cells = np.clip(cells, 4, 512)
    if with_floor:
        # the box of the shadow on the floor, and of the contact shadow's reach
        low, high = box[[3, 5], 0] - CONTACT_REACH_MM, box[[3, 5], 1] + CONTACT_REACH_MM
        if axes[2, 1] > 0.1:
            ends = box[3:, :].copy()
            for height in (max(float(ends[1, 1]), 0.0), max(float(ends[1, 0]), 0.0)):
                shift = -axes[2, [0, 2]] / axes[2, 1] * height
                low = np.minimum(low, box[[3, 5], 0] + shift - 150.0)
                high = np.maximum(high, box[[3, 5], 1] + shift + 150.0)
        middle = (low + high) / 2
        low = np.maximum(low, middle - 6000.0)
        high = np.minimum(high, middle + 6000.0)
        nodes = ((high - low) / FLOOR_CELL_MM).astype(int) + 2
        contact = ((high - low) / CONTACT_CELL_MM).astype(int) + 1
    else:
        low, nodes, contact = np.zeros(2), np.ones(2, int), np.ones(2, int)
    return Blockers(
        axes=axes,
        depth=np.full((int(shape[1]), int(shape[0])), _EMPTY, np.float32),
        corner=corner.astype(np.float64),
        texel=texel,
        radius=radius,
        full=np.zeros(tuple(cells), np.float32),
        full2=np.zeros(tuple(cells // 2), np.float32),
        full4=np.zeros(tuple(cells // 4), np.float32),
        origin=(box[3:, 0] - cell).astype(np.float64),
        cell=cell,
        lowest=np.full(tuple(contact), np.inf, np.float32),
        covered=np.zeros(tuple(contact), np.float32),
        floor_corner=low.astype(np.float64),
        floor=np.full(tuple(nodes), np.nan, np.float32),
        disc=disc(TAPS),
        search_disc=disc(SEARCH_TAPS),
        wide_disc=disc(FLOOR_TAPS),
    )


@njit(cache=True, nogil=True)
def _splat(
    full: np.ndarray,
    lowest: np.ndarray,
    origin: np.ndarray,
    corner: np.ndarray,
    inverse: float,
    x: float,
    y: float,
    z: float,
    opacity: float,
) -> None:
    """Mark the cell around a point, and how low it hangs over the floor; `inverse` 1/mm."""
    i = math.floor((x - origin[0]) * inverse)
    j = math.floor((y - origin[1]) * inverse)
    k = math.floor((z - origin[2]) * inverse)
    if 0 <= i < full.shape[0] and 0 <= j < full.shape[1] and 0 <= k < full.shape[2]:
        full[i, j, k] = max(full[i, j, k], opacity)
    p = math.floor((x - corner[0]) * (1.0 / CONTACT_CELL_MM))
    q = math.floor((z - corner[1]) * (1.0 / CONTACT_CELL_MM))
    if 0 <= p < lowest.shape[0] and 0 <= q < lowest.shape[1]:
        lowest[p, q] = min(lowest[p, q], max(y, 0.0))


@njit(cache=True, nogil=True)
def block(positions: np.ndarray, points: Points, mesh: Packed, blockers: Blockers) -> None:
    """Draw a figure into the light's map and mark the cells that it touches."""
    # the tuples' arrays by name: a look into a tuple costs time in a loop
    depth, texel, per_texel = blockers.depth, blockers.texel, 1.0 / blockers.texel
    used_opacity = mesh.used_opacity
    full, lowest, origin = blockers.full, blockers.lowest, blockers.origin
    floor_corner, cell, per_cell = blockers.floor_corner, blockers.cell, 1.0 / blockers.cell
    triangles, opacity, lit = mesh.triangles, mesh.opacity, points.lit
    material, two_sided, cutout = mesh.material, mesh.two_sided, mesh.cutout
    cloth = mesh.cloth
    rows, columns = depth.shape
    cx, cy = blockers.corner[0], blockers.corner[1]
    for n, i in enumerate(mesh.used):
        x, y, z = positions[i, 0], positions[i, 1], positions[i, 2]
        _splat(full, lowest, origin, floor_corner, per_cell, x, y, z, used_opacity[n])
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        xa, ya, da = lit[a, 0], lit[a, 1], lit[a, 2]
        xb, yb, db = lit[b, 0], lit[b, 1], lit[b, 2]
        xc, yc, dc = lit[c, 0], lit[c, 1], lit[c, 2]
        low_x, high_x = min(xa, min(xb, xc)), max(xa, max(xb, xc))
        low_y, high_y = min(ya, min(yb, yc)), max(ya, max(yb, yc))
        longest = max(high_x - low_x, high_y - low_y)
        longest = max(longest, max(da, max(db, dc)) - min(da, min(db, dc)))
        # a share of thin hair's triangles stands for the light that passes between the strands
        if opacity[t] < 0.98 and opacity[t] < (t * 0.6180339887498949) % 1.0:
            continue
        if longest > 1.5 * cell:
            # the corners alone would leave gaps in the grid
            parts = min(int(longest * per_cell * 0.8) + 1, 48)
            step = 1.0 / parts
            for i in range(parts):
                for j in range(parts - i):
                    wa, wb = (i + 0.33) * step, (j + 0.33) * step
                    wc = 1.0 - wa - wb
                    sx = wa * positions[a, 0] + wb * positions[b, 0] + wc * positions[c, 0]
                    sy = wa * positions[a, 1] + wb * positions[b, 1] + wc * positions[c, 1]
                    sz = wa * positions[a, 2] + wb * positions[b, 2] + wc * positions[c, 2]
                    _splat(full, lowest, origin, floor_corner, per_cell, sx, sy, sz, opacity[t])
        area = (xb - xa) * (yc - ya) - (yb - ya) * (xc - xa)
        if abs(area) < 1e-6:
            continue
        # a person's opaque sides away from the light lie behind those that face it
        if area < 0.0 and (cloth[t] > 0 or not two_sided[t]) and not cutout[material[t]]:
            continue
        x0 = max(0, math.ceil((low_x - cx) * per_texel - 0.5))
        x1 = min(columns - 1, math.floor((high_x - cx) * per_texel - 0.5))
        if x0 > x1:
            continue
        y0 = max(0, math.ceil((low_y - cy) * per_texel - 0.5))
        y1 = min(rows - 1, math.floor((high_y - cy) * per_texel - 0.5))
        if y0 > y1:
            continue
        inverse = 1.0 / area
        for y in range(y0, y1 + 1):
            py = (y + 0.5) * texel + cy
            for x in range(x0, x1 + 1):
                px = (x + 0.5) * texel + cx
                wa = ((xc - xb) * (py - yb) - (yc - yb) * (px - xb)) * inverse
                wb = ((xa - xc) * (py - yc) - (ya - yc) * (px - xc)) * inverse
                wc = 1.0 - wa - wb
                if wa >= -1e-4 and wb >= -1e-4 and wc >= -1e-4:
                    depth[y, x] = max(depth[y, x], wa * da + wb * db + wc * dc)


@njit(cache=True, nogil=True)
def finish(blockers: Blockers) -> None:
    """Make the grid's halves and the contact shadow; call it when all figures are drawn."""
    # a surface fills half of the cells of twice the size that it passes through
    for fine, coarse in ((blockers.full, blockers.full2), (blockers.full2, blockers.full4)):
        for i in range(coarse.shape[0]):
            for j in range(coarse.shape[1]):
                for k in range(coarse.shape[2]):
                    total = 0.0
                    for a in range(2):
                        for b in range(2):
                            for c in range(2):
                                total += fine[2 * i + a, 2 * j + b, 2 * k + c]
                    coarse[i, j, k] = min(total / 4.0, 1.0)
    # each thing over the floor hides its solid angle, weighed by the cosine, from the cells around
    area = CONTACT_CELL_MM * CONTACT_CELL_MM / math.pi
    covered = blockers.covered
    for p in range(covered.shape[0]):
        for q in range(covered.shape[1]):
            height = blockers.lowest[p, q]
            if height > 2500.0:
                continue
            h2 = (height + 25.0) * (height + 25.0)
            reach = int(min(3.0 * (height + 40.0), CONTACT_REACH_MM) / CONTACT_CELL_MM) + 1
            for i in range(max(0, p - reach), min(covered.shape[0], p + reach + 1)):
                for k in range(max(0, q - reach), min(covered.shape[1], q + reach + 1)):
                    dx, dz = (i - p) * CONTACT_CELL_MM, (k - q) * CONTACT_CELL_MM
                    r2 = dx * dx + dz * dz + h2
                    covered[i, k] += area * h2 / (r2 * r2)
    for p in range(covered.shape[0]):
        for q in range(covered.shape[1]):
            if covered[p, q] > 0.0:
                covered[p, q] = 1.0 - math.exp(-2.0 * covered[p, q])


@njit(cache=True, nogil=True)
def _fullness(grid: np.ndarray, x: float, y: float, z: float) -> float:
    """The grid between its cells' centres; 0 outside."""
    i, j, k = math.floor(x - 0.5), math.floor(y - 0.5), math.floor(z - 0.5)
    if i < 0 or j < 0 or k < 0:
        return 0.0
    if i + 1 >= grid.shape[0] or j + 1 >= grid.shape[1] or k + 1 >= grid.shape[2]:
        return 0.0
    fx, fy, fz = x - 0.5 - i, y - 0.5 - j, z - 0.5 - k
    a = grid[i, j, k] * (1 - fz) + grid[i, j, k + 1] * fz
    b = grid[i, j + 1, k] * (1 - fz) + grid[i, j + 1, k + 1] * fz
    c = grid[i + 1, j, k] * (1 - fz) + grid[i + 1, j, k + 1] * fz
    d = grid[i + 1, j + 1, k] * (1 - fz) + grid[i + 1, j + 1, k + 1] * fz
    return (a * (1 - fy) + b * fy) * (1 - fx) + (c * (1 - fy) + d * fy) * fx


@njit(cache=True, nogil=True)
def openness(
    full: np.ndarray,
    full2: np.ndarray,
    full4: np.ndarray,
    x0: float,
    y0: float,
    z0: float,
    nx: float,
    ny: float,
    nz: float,
) -> float:
    """How much of the surroundings a surface sees, 0-1, by four cones about its normal.

    Args:
        full, full2, full4: of `Blockers`.
        x0, y0, z0: the point, in cells of `full` from its corner.
    """
    # two directions across the normal (Duff et al., "Building an Orthonormal Basis, Revisited")
    s = 1.0 if nz >= 0.0 else -1.0
    a = -1.0 / (s + nz)
    b = nx * ny * a
    ux, uy, uz = 1.0 + s * nx * nx * a, s * b, -s * nx
    vx, vy, vz = b, s + ny * ny * a, -ny
    total = 0.0
    for cone in range(4):
        if cone == 0:
            dx, dy, dz, weight = nx, ny, nz, 0.34
        else:
            # 56 degrees off the normal, a third of a turn apart
            side = 0.83 if cone == 1 else -0.415
            other = 0.0 if cone == 1 else (0.7188 if cone == 2 else -0.7188)
            dx = 0.5578 * nx + side * ux + other * vx
            dy = 0.5578 * ny + side * uy + other * vy
            dz = 0.5578 * nz + side * uz + other * vz
            weight = 0.22
        # start off the surface along the normal, or it would find itself
        x, y, z = x0 + nx * 0.9, y0 + ny * 0.9, z0 + nz * 0.9
        passed = 1.0 - 0.9 * _fullness(full, x + dx * 1.2, y + dy * 1.2, z + dz * 1.2)
        passed *= 1.0 - 0.8 * _fullness(
            full2, (x + dx * 2.9) / 2, (y + dy * 2.9) / 2, (z + dz * 2.9) / 2
        )
        passed *= 1.0 - 0.55 * _fullness(
            full4, (x + dx * 6.5) / 4, (y + dy * 6.5) / 4, (z + dz * 6.5) / 4
        )
        total += weight * passed
    # corners between people's limbs are darker than four cones find them
    return total * (0.45 + 0.55 * total)


@njit(cache=True, nogil=True)
def key_share(
    depth: np.ndarray,
    axes: np.ndarray,
    corner: np.ndarray,
    disc: np.ndarray,
    texel: float,
    radius: float,
    lit: np.ndarray,
    nx: float,
    ny: float,
    nz: float,
) -> float:
    """How much of the key light reaches a surface point, 0-1.

    Args:
        depth ... radius: of `Blockers`.
        lit: (3,) mm, the point along the light's axes.
        nx, ny, nz: its normal in the world.
    """
    lx = axes[0, 0] * nx + axes[0, 1] * ny + axes[0, 2] * nz
    ly = axes[1, 0] * nx + axes[1, 1] * ny + axes[1, 2] * nz
    lz = axes[2, 0] * nx + axes[2, 1] * ny + axes[2, 2] * nz
    # off the surface by two texels, or neighbouring texels' depths draw a net on it
    off = min(max(2.0 * texel, 9.0), 22.0)
    per_texel = 1.0 / texel
    x = (lit[0] + lx * off - corner[0]) * per_texel
    y = (lit[1] + ly * off - corner[1]) * per_texel
    d = lit[2] + lz * off
    # the surface's own plane under the disc does not block
    flat = 1.0 / max(lz, 0.35)
    sx, sy = -lx * flat, -ly * flat
    rows, columns = depth.shape
    blocked = 0.0
    for tap in range(disc.shape[0]):
        ox, oy = radius * disc[tap, 0], radius * disc[tap, 1]
        i, j = math.floor(y + oy * per_texel), math.floor(x + ox * per_texel)
        if 0 <= i < rows and 0 <= j < columns:
            above = depth[i, j] - (d + sx * ox + sy * oy)
            blocked += min(max((above - 3.0) / 12.0, 0.0), 1.0)
    return 1.0 - blocked / disc.shape[0]


@njit(cache=True, nogil=True)
def floor_key(
    depth: np.ndarray,
    axes: np.ndarray,
    corner: np.ndarray,
    search_disc: np.ndarray,
    wide_disc: np.ndarray,
    texel: float,
    radius: float,
    x: float,
    z: float,
) -> float:
    """The key light's share at a point of the floor: the higher what blocks it, the softer.

    Args:
        depth ... radius: of `Blockers`.
        x, z: mm, world.
    """
    lx = (axes[0, 0] * x + axes[0, 2] * z - corner[0]) / texel
    ly = (axes[1, 0] * x + axes[1, 2] * z - corner[1]) / texel
    ld = axes[2, 0] * x + axes[2, 2] * z
    rows, columns = depth.shape
    reach = 60.0 + radius
    margin = reach / texel
    if not (-margin <= lx <= columns + margin and -margin <= ly <= rows + margin):
        return 1.0
    lz = max(axes[2, 1], 0.2)
    sx, sy = -axes[0, 1] / lz * texel, -axes[1, 1] / lz * texel
    height, hits = 0.0, 0
    for tap in range(search_disc.shape[0]):
        ox, oy = margin * search_disc[tap, 0], margin * search_disc[tap, 1]
        r, c = math.floor(ly + oy), math.floor(lx + ox)
        if 0 <= r < rows and 0 <= c < columns:
            above = depth[r, c] - (ld + sx * ox + sy * oy)
            if above > 4.0:
                height += above
                hits += 1
    if hits == 0:
        return 1.0
    # an overcast sky's light comes from a wide disc
    reach = (15.0 + height / hits * (0.03 + 0.002 * radius)) / texel
    blocked = 0.0
    for tap in range(wide_disc.shape[0]):
        ox, oy = reach * wide_disc[tap, 0], reach * wide_disc[tap, 1]
        r, c = math.floor(ly + oy), math.floor(lx + ox)
        if 0 <= r < rows and 0 <= c < columns:
            above = depth[r, c] - (ld + sx * ox + sy * oy)
            blocked += min(max(above - 2.0, 0.0) / 12.0, 1.0)
    return 1.0 - blocked / wide_disc.shape[0]


@njit(cache=True, nogil=True)
def between(grid: np.ndarray, u: float, w: float) -> float:
    """A (i,k) grid at (u, w), in steps of the grid, both inside it."""
    i, k = int(u), int(w)
    fu, fw = u - i, w - k
    low = grid[i, k] * (1.0 - fu) + grid[i + 1, k] * fu
    return low * (1.0 - fw) + (grid[i, k + 1] * (1.0 - fu) + grid[i + 1, k + 1] * fu) * fw
