"""From positions to what each sample sees: projection, normals, and the visibility buffer.

Samples form a regular grid, `supersample` of them along each side of a pixel. Corners are rounded
to 1/256 of a sample, which makes the edge functions exact in float64: no gap between neighbouring
triangles and the same result on every machine. Torch-free.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit  # type: ignore[import-untyped]

from trainer.synthetic.packing import Packed

NEAR_MM = 50.0
# Surfaces this close (along their normal) are ordered by layer, not by depth
LAYER_MM = 3.0
STEEPEST = 3.0  # how much further apart along the view two such surfaces may be
SNAP = 256.0
HARDER = 1.6  # how much steeper opacity rises than in the texture, near by
EDGE = 1.5  # edges of cut-out textures per pixel, at the least, close up
# Screen positions beyond this many samples would make the edge functions inexact
FARTHEST = 60000.0


class View(NamedTuple):
    """A camera for the kernels.

    Attributes:
        rotation: (3,3) float64 world to camera; translation: (3,) float64 mm.
        focal, centre_x, centre_y: in samples, sample centres at integers.
        width, height: of the grid, samples.
        shift: (s,) float64, of the s samples along a pixel's side. In a pixel, a sample of row k
            and column l lies `shift[k]` to the left of its place in the grid and `shift[l]` below:
            no two of a pixel have the same height or stand above each other, which gives nearly
            upright and nearly level edges s * s steps instead of s.
    """

    rotation: np.ndarray
    translation: np.ndarray
    focal: float
    centre_x: float
    centre_y: float
    width: int
    height: int
    shift: np.ndarray


class Samples(NamedTuple):
    """What each sample sees, for rows `first_row` to `first_row + h` of the grid.

    Attributes:
        seen: (h,w) int32, eight times the seen triangle plus its layer; -1 for the backdrop, where
            the other arrays hold nothing.
        nearest: (h,w) float32 mm, depth of the nearest surface.
        depth: (h,w) float32 mm, of the surface that is seen, at most a layer behind the nearest.
        number, part, cloth: (h,w) uint8, of the seen triangle; `shading.shade` fills them in.
    """

    seen: np.ndarray
    nearest: np.ndarray
    depth: np.ndarray
    number: np.ndarray
    part: np.ndarray
    cloth: np.ndarray


class Points(NamedTuple):
    """A figure's positions as the camera and the light see them.

    Attributes:
        screen: (N,2) float64, samples; depth: (N,) float32 mm along the camera's axis.
        inverse: (N,) float64, 1/depth, 0 behind the near plane.
        normal: (N,3) float32, world, unit.
        lit: (N,3) float32 mm, along the light's axes (the third towards the light).
    """

    screen: np.ndarray
    depth: np.ndarray
    inverse: np.ndarray
    normal: np.ndarray
    lit: np.ndarray


def shift(supersample: int) -> np.ndarray:
    """`View.shift`: equal steps of whole 1/256 of a sample."""
    half_step = math.floor(SNAP / 2 / supersample) / SNAP
    return np.asarray((2.0 * np.arange(supersample) - (supersample - 1)) * half_step, np.float64)


def empty(rows: int, columns: int) -> Samples:
    """Samples that see the backdrop alone; the other arrays stay untouched, which costs nothing."""
    shape = (rows, columns)
    return Samples(
        seen=np.full(shape, -1, np.int32),
        nearest=np.empty(shape, np.float32),
        depth=np.empty(shape, np.float32),
        number=np.empty(shape, np.uint8),
        part=np.empty(shape, np.uint8),
        cloth=np.empty(shape, np.uint8),
    )


@njit(cache=True, nogil=True)
def project(
    positions: np.ndarray, mesh: Packed, view: View, axes: np.ndarray, margin: float
) -> tuple[Points, np.ndarray, bool]:
    """Project positions, and sum up normals from the triangles.

    Args:
        positions: (N,3) float32 mm, world.
        axes: (3,3) float64, rows are the light's axes in the world.
        margin: how far beyond the picture, in its sizes, a position still counts for the box.
    Returns:
        The points; the box (6,2) of the counted positions along the light's axes and the world's;
        whether any of the figure can be in the picture.
    """
    n = positions.shape[0]
    screen = np.zeros((n, 2), np.float64)
    depth = np.zeros(n, np.float32)
    inverse = np.zeros(n, np.float64)
    normal = np.zeros((n, 3), np.float32)
    lit = np.zeros((n, 3), np.float32)
    box = np.empty((6, 2), np.float64)
    box[:, 0] = np.inf
    box[:, 1] = -np.inf
    reach = np.array([np.inf, -np.inf, np.inf, -np.inf])
    crosses = False
    r, t = view.rotation, view.translation
    for i in mesh.used:
        x, y, z = float(positions[i, 0]), float(positions[i, 1]), float(positions[i, 2])
        w = r[2, 0] * x + r[2, 1] * y + r[2, 2] * z + t[2]
        depth[i] = w
        for k in range(3):
            lit[i, k] = axes[k, 0] * x + axes[k, 1] * y + axes[k, 2] * z
        if w < NEAR_MM:
            crosses = True
            continue
        inverse[i] = 1.0 / w
        scale = view.focal * inverse[i]
        sx = (r[0, 0] * x + r[0, 1] * y + r[0, 2] * z + t[0]) * scale + view.centre_x
        sy = (r[1, 0] * x + r[1, 1] * y + r[1, 2] * z + t[1]) * scale + view.centre_y
        sx = min(max(sx, -FARTHEST), FARTHEST)
        sy = min(max(sy, -FARTHEST), FARTHEST)
        screen[i, 0] = math.floor(sx * SNAP + 0.5) / SNAP
        screen[i, 1] = math.floor(sy * SNAP + 0.5) / SNAP
        reach[0], reach[1] = min(reach[0], sx), max(reach[1], sx)
        reach[2], reach[3] = min(reach[2], sy), max(reach[3], sy)
        if (
            -margin * view.width <= sx <= (1.0 + margin) * view.width
            and -margin * view.height <= sy <= (1.0 + margin) * view.height
        ):
            for k in range(3):
                box[k, 0] = min(box[k, 0], lit[i, k])
                box[k, 1] = max(box[k, 1], lit[i, k])
                box[3 + k, 0] = min(box[3 + k, 0], positions[i, k])
                box[3 + k, 1] = max(box[3 + k, 1], positions[i, k])
    seen = reach[1] >= 0.0 and reach[0] <= view.width and reach[3] >= 0.0
    seen = (seen and reach[2] <= view.height) or (crosses and reach[0] <= reach[1])
    if seen:
        for triangle in mesh.triangles:
            a, b, c = triangle[0], triangle[1], triangle[2]
            ux = positions[b, 0] - positions[a, 0]
            uy = positions[b, 1] - positions[a, 1]
            uz = positions[b, 2] - positions[a, 2]
            vx = positions[c, 0] - positions[a, 0]
            vy = positions[c, 1] - positions[a, 1]
            vz = positions[c, 2] - positions[a, 2]
            nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
            for i in (a, b, c):
                normal[i, 0] += nx
                normal[i, 1] += ny
                normal[i, 2] += nz
        for i in mesh.used:
            nx, ny, nz = normal[i, 0], normal[i, 1], normal[i, 2]
            length = math.sqrt(nx * nx + ny * ny + nz * nz)
            scale = 1.0 / max(length, 1e-12)
            normal[i, 0] = nx * scale
            normal[i, 1] = ny * scale
            normal[i, 2] = nz * scale
    return Points(screen, depth, inverse, normal, lit), box, seen


@njit(cache=True, nogil=True)
def threshold(x: int, y: int, triangle: int, supersample: int, far: bool) -> float:
    """The opacity that a sample asks for.

    The samples of a pixel ask for evenly spread opacities, which makes soft edges of thin hair.
    Which of them asks for which changes from triangle to triangle: two layers of strands cover
    more than one. Near by all pixels ask for the same, so that what is half opaque is smooth; far
    away, where that would lose thin strands, they differ by less than a sample's step.
    """
    s = supersample
    each = s * s
    i, j = x % s, y % s
    turn = (triangle % 1024) * 0.6180339887498949
    turn = (turn - math.floor(turn)) * each
    rank = (((i + j) % s) * s + j + int(turn)) % each
    if not far and s > 1:
        return (rank + 0.5) / each
    u, w = x // s, y // s
    return (rank + (((u ^ w) & 1) * 2 + (w & 1) + 0.5) / 4.0) / each


@njit(cache=True, nogil=True)
def opacity_at(
    texels: np.ndarray, first: int, width: int, height: int, sharp: float, u: float, v: float
) -> float:
    """Opacity between the four texels around (u, v) of a level, to compare with a threshold of 0-1.

    Args:
        sharp: how much steeper opacity rises at an edge than between two texels.
    """
    v = 1.0 - v
    x = (u - math.floor(u)) * width - 0.5
    y = (v - math.floor(v)) * height - 0.5
    x0, y0 = math.floor(x), math.floor(y)
    fx, fy = x - x0, y - y0
    right = x0 + 1 if x0 + 1 < width else 0
    left = x0 if x0 >= 0 else width - 1
    upper = first + (y0 if y0 >= 0 else height - 1) * width
    lower = first + (y0 + 1 if y0 + 1 < height else 0) * width
    above = (texels[upper + left] >> 24) * (1.0 - fx) + (texels[upper + right] >> 24) * fx
    below = (texels[lower + left] >> 24) * (1.0 - fx) + (texels[lower + right] >> 24) * fx
    opacity = (above * (1.0 - fy) + below * fy) / 255.0
    return (opacity - 0.5) * sharp + 0.5


@njit(cache=True, nogil=True)
def sharpness(texel_area: float, screen_area: float, supersample: int) -> float:
    """How much steeper edges of cut-out textures are to be than their texels say, 1 or more.

    Far away single strands are not seen, and their mean opacity is what counts; close up, an edge
    is as narrow as any other.

    Args:
        texel_area, screen_area: as for `texture_level`.
    """
    samples = math.sqrt(screen_area / max(texel_area, 1e-9))  # along a texel of level 0
    return max(1.0, max(min(HARDER, 3.0 * samples), EDGE * samples / supersample))


@njit(cache=True, nogil=True)
def texture_level(texel_area: float, screen_area: float, count: int) -> int:
    """The level of `count` whose texels are about as large as a sample.

    Args:
        texel_area, screen_area: twice a triangle's area, in level 0's texels and in samples.
    """
    level = 0
    screen_area = max(screen_area, 1e-9) * 2.0  # change half way between two levels
    while level < count - 1 and texel_area > screen_area:
        screen_area *= 4.0
        level += 1
    return level


@njit(cache=True, nogil=True)
def _hidden(
    seen: np.ndarray, nearest: np.ndarray, x0: int, x1: int, y0: int, y1: int, inverse: float
) -> bool:
    """Everything in a box lies before the depth 1/inverse, further than layers reach."""
    limit = 1.0 / inverse - LAYER_MM * STEEPEST
    for y in range(y0, y1 + 1):
        for x in range(x0, x1 + 1):
            if seen[y, x] < 0 or nearest[y, x] > limit:
                return False
    return True


@njit(cache=True, nogil=True)
def visibility(
    points: Points,
    mesh: Packed,
    view: View,
    first_id: int,
    first_row: int,
    out: Samples,
) -> int:
    """Draw a figure's triangles into the samples.

    Args:
        first_id: what the figure's triangle 0 is called in `out.seen`.
        first_row: of the grid, that `out` starts with.
    Returns:
        How many triangles covered a sample of their own or of others.
    """
    # the tuples' arrays by name: a look into a tuple costs time in a loop
    triangles, material_of, layers, uv = mesh.triangles, mesh.material, mesh.layer, mesh.uv
    two_sided, cutout = mesh.two_sided, mesh.cutout
    texels, levels, level_count = mesh.texels, mesh.levels, mesh.level_count
    texel_area, screen, inverse = mesh.texel_area, points.screen, points.inverse
    nearest, seen_depth, seen = out.nearest, out.depth, out.seen
    rows, columns = seen.shape
    focal, shift = view.focal, view.shift
    supersample = shift.shape[0]
    reach = shift[supersample - 1]
    rise = shift[1] - shift[0] if supersample > 1 else 0.0
    fall = -2.0 * reach
    place = np.empty(max(rows, columns), np.int32)  # in its pixel; divisions cost time in a loop
    for i in range(place.shape[0]):
        place[i] = i % supersample
    drawn = 0
    # what faces away comes last: nearly all of it is hidden by then, which is quick to see
    count = triangles.shape[0]
    away = np.empty(count, np.int32)
    aways = 0
    step = -1
    while step + 1 < count + aways:
        step += 1
        t = step if step < count else away[step - count]
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ia, ib, ic = inverse[a], inverse[b], inverse[c]
        if ia == 0.0 or ib == 0.0 or ic == 0.0:
            continue
        xa, ya = screen[a, 0], screen[a, 1]
        xb, yb = screen[b, 0], screen[b, 1]
        xc, yc = screen[c, 0], screen[c, 1]
        low_x, high_x = min(xa, min(xb, xc)), max(xa, max(xb, xc))
        low_y, high_y = min(ya, min(yb, yc)), max(ya, max(yb, yc))
        x0 = max(0, math.ceil(low_x - reach))
        x1 = min(columns - 1, math.floor(high_x + reach))
        if x0 > x1:
            continue
        y0 = max(0, math.ceil(low_y - reach) - first_row)
        y1 = min(rows - 1, math.floor(high_y + reach) - first_row)
        if y0 > y1:
            continue
        area = (xb - xa) * (yc - ya) - (yb - ya) * (xc - xa)
        material = material_of[t]
        if area > 0.0:  # y is down: a triangle that faces the camera runs the other way round
            if not two_sided[t]:
                continue
            if step < count:
                away[aways] = t
                aways += 1
                continue
            if _hidden(seen, nearest, x0, x1, y0, y1, max(ia, max(ib, ic))):
                continue
        elif area == 0.0:
            continue
        sign = 1.0 if area > 0.0 else -1.0
        area *= sign
        # weights of a, b and c grow by these steps from sample to sample
        dxa, dya = -(yc - yb) * sign, (xc - xb) * sign
        dxb, dyb = -(ya - yc) * sign, (xa - xc) * sign
        dxc, dyc = -(yb - ya) * sign, (xb - xa) * sign
        # to the next column of the same pixel, and to the first one of the next pixel
        next_a, next_b, next_c = dxa + rise * dya, dxb + rise * dyb, dxc + rise * dyc
        over_a, over_b, over_c = dxa + fall * dya, dxb + fall * dyb, dxc + fall * dyc
        ia, ib, ic = ia / area, ib / area, ic / area
        slack = -1.0
        cut = cutout[material]
        name = ((first_id + t) << 3) | layers[t]
        level, first, wide, high, sharp = -1, 0, 0, 0, 1.0
        hit = False
        for y in range(y0, y1 + 1):
            left = shift[place[y]]
            column = place[x0]
            px, py = x0 - left, y + first_row + shift[column]
            wa = (px - xb) * dxa + (py - yb) * dya
            wb = (px - xc) * dxb + (py - yc) * dyb
            wc = (px - xa) * dxc + (py - ya) * dyc
            for x in range(x0, x1 + 1):
                if wa >= 0.0 and wb >= 0.0 and wc >= 0.0:
                    before = seen[y, x]
                    near = nearest[y, x] if before >= 0 else np.float32(np.inf)
                    iz = wa * ia + wb * ib + wc * ic
                    if slack < 0.0:
                        gx = dxa * ia + dxb * ib + dxc * ic
                        gy = dya * ia + dyb * ib + dyc * ic
                        # tangent of the angle between the surface and the picture's plane
                        steep = math.sqrt(gx * gx + gy * gy) * focal / iz
                        slack = LAYER_MM * min(math.sqrt(1.0 + steep * steep), STEEPEST)
                    if iz * (near + slack) > 1.0:
                        z = 1.0 / iz
                        opaque = True
                        if cut:
                            if level < 0:
                                level = texture_level(texel_area[t], area, level_count[material])
                                first = levels[material, level, 0]
                                wide = levels[material, level, 1]
                                high = levels[material, level, 2]
                                sharp = sharpness(texel_area[t], area, supersample)
                            ka, kb, kc = wa * ia * z, wb * ib * z, wc * ic * z
                            u = ka * uv[t, 0, 0] + kb * uv[t, 1, 0] + kc * uv[t, 2, 0]
                            v = ka * uv[t, 0, 1] + kb * uv[t, 1, 1] + kc * uv[t, 2, 1]
                            opaque = opacity_at(texels, first, wide, high, sharp, u, v) > threshold(
                                x, y + first_row, t, supersample, sharp <= 1.0
                            )
                        if opaque:
                            hit = True
                            # of lower layer than what is seen, or not
                            lower = before >= 0 and (before & 7) > (name & 7)
                            if z < near:
                                nearest[y, x] = z
                                take = not (lower and seen_depth[y, x] <= z + slack)
                            else:
                                take = not lower and (
                                    (name & 7) > (before & 7) or z < seen_depth[y, x]
                                )
                            if take:
                                seen_depth[y, x] = z
                                seen[y, x] = name
                column += 1
                if column < supersample:
                    wa += next_a
                    wb += next_b
                    wc += next_c
                else:
                    column = 0
                    wa += over_a
                    wb += over_b
                    wc += over_c
        drawn += hit
    return drawn
