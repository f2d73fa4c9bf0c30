"""What keeps light away: a depth map seen from the key light, and a coarse grid of what is full.

The map gives the key light's shadow, softened over a disc. The grid gives ambient occlusion by
five cones from each vertex, and the contact shadow on the floor. Both are asked at vertices and at
floor nodes 25 mm apart only; in between they are interpolated, which is smooth and costs the same
for every size of picture. Torch-free.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit  # type: ignore[import-untyped]

from trainer.synthetic.packing import Packed
from trainer.synthetic.raster import Points

TAPS = 16
FLOOR_TAPS = 32
FLOOR_CELL_MM = 25.0
CONTACT_CELL_MM = 50.0
CONTACT_REACH = 12  # cells
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
        lowest: (x,z) float32 mm, the lowest that stands over a cell of the floor, inf for nothing.
        floor_corner: (2,) float64 mm, x and z of `lowest` and of the floor nodes.
        floor: (i,k,2) float32, at the floor's nodes: the key's and the sky's share, NaN not yet known.
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
    floor_corner: np.ndarray
    floor: np.ndarray


def light_axes(direction: np.ndarray) -> np.ndarray:
    """(3,3) float64: right, up and the unit direction towards the light."""
    toward = np.asarray(direction, np.float64)
    toward = toward / max(float(np.linalg.norm(toward)), 1e-9)
    helper = np.array([0.0, 1.0, 0.0]) if abs(toward[1]) < 0.9 else np.array([1.0, 0.0, 0.0])
    right = np.cross(helper, toward)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(toward, right), toward])


def prepare(box: np.ndarray, axes: np.ndarray, softness: float, with_floor: bool) -> Blockers:
    """Empty maps for what lies in the box.

    Args:
        box: (6,2) float64 mm, low and high along the light's axes, then along the world's.
    """
    extent = float((box[:2, 1] - box[:2, 0]).max())
    texel = max(5.0, extent / 288.0)
    radius = 14.0 + 75.0 * softness
    corner = box[:2, 0] - 40.0
    shape = np.maximum(((box[:2, 1] - box[:2, 0] + 80.0) / texel).astype(int) + 1, 1)
    sides = box[3:, 1] - box[3:, 0]
    cell = max(25.0, float(np.prod((sides + 60.0) / 400_000.0 ** (1 / 3)) ** (1 / 3)))
    cells = ((sides / cell).astype(int) + 3 + 3) // 4 * 4
    cells = np.clip(cells, 4, 512)
    if with_floor:
        # the box of the shadow on the floor, and of the contact shadow's reach
        reach = CONTACT_CELL_MM * CONTACT_REACH
        low, high = box[[3, 5], 0] - reach, box[[3, 5], 1] + reach
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
        floor_corner=low.astype(np.float64),
        floor=np.full((*nodes, 2), np.nan, np.float32),
    )


@njit(cache=True, nogil=True)
def _splat(blockers: Blockers, x: float, y: float, z: float) -> None:
    i = int(math.floor((x - blockers.origin[0]) / blockers.cell))
    j = int(math.floor((y - blockers.origin[1]) / blockers.cell))
    k = int(math.floor((z - blockers.origin[2]) / blockers.cell))
    shape = blockers.full.shape
    if 0 <= i < shape[0] and 0 <= j < shape[1] and 0 <= k < shape[2]:
        blockers.full[i, j, k] = 1.0
    p = int(math.floor((x - blockers.floor_corner[0]) / CONTACT_CELL_MM))
    q = int(math.floor((z - blockers.floor_corner[1]) / CONTACT_CELL_MM))
    if 0 <= p < blockers.lowest.shape[0] and 0 <= q < blockers.lowest.shape[1]:
        blockers.lowest[p, q] = min(blockers.lowest[p, q], max(y, 0.0))


@njit(cache=True, nogil=True)
def block(positions: np.ndarray, points: Points, mesh: Packed, blockers: Blockers) -> None:
    """Draw a figure into the light's map and mark the cells that it touches."""
    depth, texel = blockers.depth, blockers.texel
    rows, columns = depth.shape
    cx, cy = blockers.corner[0], blockers.corner[1]
    for t in range(mesh.triangles.shape[0]):
        # a share of thin hair's triangles stands for the light that passes between the strands
        if mesh.opacity[t] < 0.98 and mesh.opacity[t] < (t * 0.6180339887498949) % 1.0:
            continue
        a, b, c = mesh.triangles[t, 0], mesh.triangles[t, 1], mesh.triangles[t, 2]
        # the grid: corners, and points in between where the triangle is larger than a cell
        longest = 0.0
        for k in range(3):
            longest = max(longest, abs(positions[a, k] - positions[b, k]))
            longest = max(longest, abs(positions[b, k] - positions[c, k]))
            longest = max(longest, abs(positions[c, k] - positions[a, k]))
        parts = min(int(longest / blockers.cell) + 1, 48)
        for i in range(parts + 1):
            for j in range(parts + 1 - i):
                wa, wb = i / parts, j / parts
                wc = 1.0 - wa - wb
                _splat(
                    blockers,
                    wa * positions[a, 0] + wb * positions[b, 0] + wc * positions[c, 0],
                    wa * positions[a, 1] + wb * positions[b, 1] + wc * positions[c, 1],
                    wa * positions[a, 2] + wb * positions[b, 2] + wc * positions[c, 2],
                )
        # the map
        xa, ya = (points.lit[a, 0] - cx) / texel, (points.lit[a, 1] - cy) / texel
        xb, yb = (points.lit[b, 0] - cx) / texel, (points.lit[b, 1] - cy) / texel
        xc, yc = (points.lit[c, 0] - cx) / texel, (points.lit[c, 1] - cy) / texel
        x0 = max(0, math.ceil(min(xa, min(xb, xc)) - 0.5))
        x1 = min(columns - 1, math.floor(max(xa, max(xb, xc)) - 0.5))
        if x0 > x1:
            continue
        y0 = max(0, math.ceil(min(ya, min(yb, yc)) - 0.5))
        y1 = min(rows - 1, math.floor(max(ya, max(yb, yc)) - 0.5))
        if y0 > y1:
            continue
        area = (xb - xa) * (yc - ya) - (yb - ya) * (xc - xa)
        if abs(area) < 1e-9:
            continue
        for y in range(y0, y1 + 1):
            py = y + 0.5
            for x in range(x0, x1 + 1):
                px = x + 0.5
                wa = ((xc - xb) * (py - yb) - (yc - yb) * (px - xb)) / area
                wb = ((xa - xc) * (py - yc) - (ya - yc) * (px - xc)) / area
                wc = 1.0 - wa - wb
                if wa >= -1e-4 and wb >= -1e-4 and wc >= -1e-4:
                    d = wa * points.lit[a, 2] + wb * points.lit[b, 2] + wc * points.lit[c, 2]
                    depth[y, x] = max(depth[y, x], d)


@njit(cache=True, nogil=True)
def finish(blockers: Blockers) -> None:
    """Make the grid's halves. A surface fills half of the cells of twice the size it passes."""
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


@njit(cache=True, nogil=True)
def _fullness(grid: np.ndarray, x: float, y: float, z: float) -> float:
    """The grid between its cells' centres; 0 outside."""
    i, j, k = int(math.floor(x - 0.5)), int(math.floor(y - 0.5)), int(math.floor(z - 0.5))
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
    blockers: Blockers, px: float, py: float, pz: float, nx: float, ny: float, nz: float
) -> float:
    """How much of the surroundings a surface sees, 0-1, by five cones about its normal."""
    # two directions across the normal (Duff et al., "Building an Orthonormal Basis, Revisited")
    s = 1.0 if nz >= 0.0 else -1.0
    a = -1.0 / (s + nz)
    b = nx * ny * a
    ux, uy, uz = 1.0 + s * nx * nx * a, s * b, -s * nx
    vx, vy, vz = b, s + ny * ny * a, -ny
    total = 0.0
    cell = blockers.cell
    x0 = (px - blockers.origin[0]) / cell
    y0 = (py - blockers.origin[1]) / cell
    z0 = (pz - blockers.origin[2]) / cell
    for cone in range(5):
        if cone == 0:
            dx, dy, dz, weight = nx, ny, nz, 0.28
        else:
            side = (0.7071 if cone < 3 else -0.7071) * 0.8
            other = (0.7071 if cone % 2 == 1 else -0.7071) * 0.8
            dx = 0.6 * nx + side * ux + other * vx
            dy = 0.6 * ny + side * uy + other * vy
            dz = 0.6 * nz + side * uz + other * vz
            weight = 0.18
        # start off the surface along the normal, or it would find itself
        x, y, z = x0 + nx * 0.9, y0 + ny * 0.9, z0 + nz * 0.9
        passed = 1.0 - 0.9 * _fullness(blockers.full, x + dx * 1.2, y + dy * 1.2, z + dz * 1.2)
        passed *= 1.0 - 0.8 * _fullness(
            blockers.full2, (x + dx * 2.9) / 2, (y + dy * 2.9) / 2, (z + dz * 2.9) / 2
        )
        passed *= 1.0 - 0.55 * _fullness(
            blockers.full4, (x + dx * 6.5) / 4, (y + dy * 6.5) / 4, (z + dz * 6.5) / 4
        )
        total += weight * passed
    return total


@njit(cache=True, nogil=True)
def key_share(
    blockers: Blockers,
    lit: np.ndarray,
    nx: float,
    ny: float,
    nz: float,
) -> float:
    """How much of the key light reaches a surface point, 0-1.

    Args:
        lit: (3,) mm, the point along the light's axes.
        nx, ny, nz: its normal in the world.
    """
    ax = blockers.axes
    lx = ax[0, 0] * nx + ax[0, 1] * ny + ax[0, 2] * nz
    ly = ax[1, 0] * nx + ax[1, 1] * ny + ax[1, 2] * nz
    lz = ax[2, 0] * nx + ax[2, 1] * ny + ax[2, 2] * nz
    # off the surface by two texels, or neighbouring texels' depths draw a net on it
    off = min(max(2.0 * blockers.texel, 9.0), 22.0)
    x = (lit[0] + lx * off - blockers.corner[0]) / blockers.texel
    y = (lit[1] + ly * off - blockers.corner[1]) / blockers.texel
    d = lit[2] + lz * off
    # the surface's own plane under the disc does not block
    flat = 1.0 / max(lz, 0.35)
    sx, sy = -lx * flat, -ly * flat
    rows, columns = blockers.depth.shape
    blocked = 0.0
    for tap in range(TAPS):
        radius = blockers.radius * math.sqrt((tap + 0.5) / TAPS)
        angle = tap * 2.399963229728653
        ox, oy = radius * math.cos(angle), radius * math.sin(angle)
        i = int(math.floor(y + oy / blockers.texel))
        j = int(math.floor(x + ox / blockers.texel))
        if 0 <= i < rows and 0 <= j < columns:
            above = blockers.depth[i, j] - (d + sx * ox + sy * oy)
            blocked += min(max((above - 3.0) / 12.0, 0.0), 1.0)
    return 1.0 - blocked / TAPS


@njit(cache=True, nogil=True)
def _floor_node(blockers: Blockers, i: int, k: int) -> None:
    x = blockers.floor_corner[0] + i * FLOOR_CELL_MM
    z = blockers.floor_corner[1] + k * FLOOR_CELL_MM
    ax = blockers.axes
    # the sky's share: the solid angles of what stands over the cells around
    p0 = (x - blockers.floor_corner[0]) / CONTACT_CELL_MM - 0.5
    q0 = (z - blockers.floor_corner[1]) / CONTACT_CELL_MM - 0.5
    covered = 0.0
    area = CONTACT_CELL_MM * CONTACT_CELL_MM / math.pi
    for p in range(
        max(0, int(p0) - CONTACT_REACH), min(blockers.lowest.shape[0], int(p0) + CONTACT_REACH + 1)
    ):
        for q in range(
            max(0, int(q0) - CONTACT_REACH),
            min(blockers.lowest.shape[1], int(q0) + CONTACT_REACH + 1),
        ):
            height = blockers.lowest[p, q]
            if height < 2500.0:
                h2 = (height + 30.0) * (height + 30.0)
                dx, dz = (p - p0) * CONTACT_CELL_MM, (q - q0) * CONTACT_CELL_MM
                r2 = dx * dx + dz * dz + h2
                covered += area * h2 / (r2 * r2)
    blockers.floor[i, k, 1] = math.exp(-1.2 * covered)
    # the key's share: the higher the blocker, the wider its penumbra
    lx = ax[0, 0] * x + ax[0, 2] * z
    ly = ax[1, 0] * x + ax[1, 2] * z
    ld = ax[2, 0] * x + ax[2, 2] * z
    lz = max(ax[2, 1], 0.2)
    sx, sy = -ax[0, 1] / lz, -ax[1, 1] / lz
    rows, columns = blockers.depth.shape
    reach = 60.0 + blockers.radius
    share = 1.0
    for search in range(2):
        blocked, height, hits = 0.0, 0.0, 0
        for tap in range(FLOOR_TAPS):
            radius = reach * math.sqrt((tap + 0.5) / FLOOR_TAPS)
            angle = tap * 2.399963229728653
            ox, oy = radius * math.cos(angle), radius * math.sin(angle)
            r = int(math.floor((ly + oy - blockers.corner[1]) / blockers.texel))
            c = int(math.floor((lx + ox - blockers.corner[0]) / blockers.texel))
            if 0 <= r < rows and 0 <= c < columns:
                above = blockers.depth[r, c] - (ld + sx * ox + sy * oy)
                if above > 4.0:
                    height += above
                    hits += 1
                    blocked += min(above / 16.0, 1.0)
        if hits == 0:
            break
        share = 1.0 - blocked / FLOOR_TAPS
        # an overcast sky's light comes from a wide disc
        reach = 15.0 + height / hits * (0.03 + 0.002 * blockers.radius)
    blockers.floor[i, k, 0] = share


@njit(cache=True, nogil=True)
def floor_shares(blockers: Blockers, x: float, z: float) -> tuple[float, float]:
    """The shares of the key light and of the sky that reach the floor at (x, z) mm."""
    u = (x - blockers.floor_corner[0]) / FLOOR_CELL_MM
    w = (z - blockers.floor_corner[1]) / FLOOR_CELL_MM
    nodes = blockers.floor.shape
    if not (0.0 <= u < nodes[0] - 1 and 0.0 <= w < nodes[1] - 1):
        return 1.0, 1.0
    i, k = int(u), int(w)
    fu, fw = u - i, w - k
    key, sky = 0.0, 0.0
    for a in range(2):
        for b in range(2):
            if math.isnan(blockers.floor[i + a, k + b, 0]):
                _floor_node(blockers, i + a, k + b)
            weight = (fu if a else 1.0 - fu) * (fw if b else 1.0 - fw)
            key += weight * blockers.floor[i + a, k + b, 0]
            sky += weight * blockers.floor[i + a, k + b, 1]
    return key, sky
