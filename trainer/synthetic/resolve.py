"""Pixels of samples: labels by majority, the backdrop with its shadows, sRGB. Torch-free.

What a pixel shows is told at its centre, by the samples around it: the figure (or the backdrop)
that most of them see, the nearest of equals; that figure's commonest part there and the commonest
cloth of this part; its nearest depth. `Frame.cover` is the share of samples that see a person.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit  # type: ignore[import-untyped]

from trainer.synthetic.raster import Samples, View
from trainer.synthetic.shading import CURVE_RANGE, Lamp
from trainer.synthetic.shadow import (
    CONTACT_CELL_MM,
    FLOOR_CELL_MM,
    Blockers,
    between,
    floor_key,
)

OBJECTS = 200  # `Figure.number` of the first object


@njit(cache=True, nogil=True)
def label(
    samples: Samples,
    supersample: int,
    first: int,
    cover: np.ndarray,
    number: np.ndarray,
    part: np.ndarray,
    cloth: np.ndarray,
    depth: np.ndarray,
    unseen: np.ndarray,
) -> None:
    """Tell what the pixels of the picture's rows from `first` on show.

    Args:
        cover ... depth: the `Frame`'s arrays, filled in.
        unseen: (rows,w) int32, filled in: how many samples of a pixel see the backdrop.
    """
    seen, numbers_seen, depths = samples.seen, samples.number, samples.depth
    parts, cloths = samples.part, samples.cloth
    rows, columns = unseen.shape
    each = supersample * supersample
    share = np.float32(1.0 / each)
    numbers = np.zeros(256, np.int32)
    counts = np.zeros(256, np.int32)
    nearest = np.zeros(256, np.float32)
    for i in range(rows):
        row, top = first + i, i * supersample
        for j in range(columns):
            left = j * supersample
            behind = 0
            least = np.float32(np.inf)
            alike = True
            a_number, a_part = numbers_seen[top, left], parts[top, left]
            a_cloth = cloths[top, left]
            for y in range(top, top + supersample):
                for x in range(left, left + supersample):
                    if seen[y, x] < 0:
                        behind += 1
                        continue
                    least = min(least, depths[y, x])
                    alike = alike and numbers_seen[y, x] == a_number
                    alike = alike and parts[y, x] == a_part and cloths[y, x] == a_cloth
            unseen[i, j] = behind
            depth[row, j] = np.inf
            if behind == each:
                continue
            if alike and behind == 0:  # most pixels: nothing to count
                number[row, j] = a_number
                depth[row, j] = least
                if a_number < OBJECTS:
                    part[row, j], cloth[row, j] = a_part, a_cloth
                    cover[a_number - 1, row, j] = 1.0
                continue
            found = 0
            for y in range(top, top + supersample):
                for x in range(left, left + supersample):
                    if seen[y, x] < 0:
                        continue
                    n = numbers_seen[y, x]
                    if numbers[n] == 0 or depths[y, x] < nearest[n]:
                        nearest[n] = depths[y, x]
                    numbers[n] += 1
                    more = numbers[n] - numbers[found]
                    if found == 0 or more > 0 or (more == 0 and nearest[n] < nearest[found]):
                        found = n
                    if n < OBJECTS:
                        cover[n - 1, row, j] += share
            if numbers[found] >= behind:
                number[row, j] = found
                depth[row, j] = nearest[found]
                if found < OBJECTS:
                    of = (seen, numbers_seen, parts)
                    common = _most(of, parts, found, -1, top, left, supersample, counts)
                    part[row, j] = common
                    common = _most(of, cloths, found, common, top, left, supersample, counts)
                    cloth[row, j] = common
            for y in range(top, top + supersample):
                for x in range(left, left + supersample):
                    if seen[y, x] >= 0:
                        numbers[numbers_seen[y, x]] = 0


@njit(cache=True, nogil=True)
def _most(
    samples: tuple[np.ndarray, np.ndarray, np.ndarray],
    kinds: np.ndarray,
    number: int,
    part: int,
    y0: int,
    x0: int,
    supersample: int,
    counts: np.ndarray,
) -> int:
    """The commonest kind, the lowest of equals, among a pixel's samples of a figure.

    Args:
        samples: (h,w) each: what is seen, the figure, the part.
        kinds: (h,w) uint8, what is counted.
        part: count only where the part is this, or everywhere for -1.
        counts: (256,) int32 zeros; left as zeros.
    """
    seen, numbers, parts = samples
    best = -1
    for y in range(y0, y0 + supersample):
        for x in range(x0, x0 + supersample):
            mine = seen[y, x] >= 0 and numbers[y, x] == number
            if mine and (part < 0 or parts[y, x] == part):
                kind = kinds[y, x]
                counts[kind] += 1
                more = 1 if best < 0 else counts[kind] - counts[best]
                if more > 0 or (more == 0 and kind < best):
                    best = kind
    for y in range(y0, y0 + supersample):
        for x in range(x0, x0 + supersample):
            if seen[y, x] >= 0:
                counts[kinds[y, x]] = 0
    return max(best, 0)


@njit(cache=True, nogil=True)
def resolve(
    lit: np.ndarray,
    unseen: np.ndarray,
    backdrop: np.ndarray,
    floor: np.ndarray,
    view: View,
    lamp: Lamp,
    blockers: Blockers,
    curve: np.ndarray,
    supersample: int,
    first: int,
    image: np.ndarray,
) -> None:
    """Add the backdrop and its shadows to the figures' light, and make sRGB of it.

    Args:
        lit: (rows,w,3) float32 linear, the figures' light in the picture's rows from `first` on.
        unseen: (rows,w) int32, how many samples of a pixel see the backdrop.
        backdrop, floor, image: the whole picture's; the image is filled in.
    """
    shadow_map, axes, corner = blockers.depth, blockers.axes, blockers.corner
    search_disc, wide_disc = blockers.search_disc, blockers.wide_disc
    texel, radius = blockers.texel, blockers.radius
    nodes, covered, floor_corner = blockers.floor, blockers.covered, blockers.floor_corner
    rows, columns = lit.shape[:2]
    each = supersample * supersample
    share = np.float32(1.0 / each)
    r, t = view.rotation, view.translation
    eye_x = -(r[0, 0] * t[0] + r[1, 0] * t[1] + r[2, 0] * t[2])
    eye_y = -(r[0, 1] * t[0] + r[1, 1] * t[1] + r[2, 1] * t[2])
    eye_z = -(r[0, 2] * t[0] + r[1, 2] * t[1] + r[2, 2] * t[2])
    # the key's share of the light on an open floor
    direct = lamp.key * max(lamp.direction[1], np.float32(0.0))
    direct = direct / np.maximum(direct + lamp.sky, np.float32(1e-6))
    steps = curve.shape[0]
    for i in range(rows):
        for j in range(columns):
            row = first + i
            behind = unseen[i, j]
            red, green, blue = lit[i, j, 0], lit[i, j, 1], lit[i, j, 2]
            if behind:
                key, sky = 1.0, 1.0
                ground = floor[row, j]
                if ground > 0.0:
                    # where the pixel's ray meets the floor
                    sx = ((j + 0.5) * supersample - 0.5 - view.centre_x) / view.focal
                    sy = ((row + 0.5) * supersample - 0.5 - view.centre_y) / view.focal
                    dy = r[0, 1] * sx + r[1, 1] * sy + r[2, 1]
                    if dy * eye_y < 0.0:
                        along = -eye_y / dy
                        dx = eye_x - floor_corner[0]
                        dx += along * (r[0, 0] * sx + r[1, 0] * sy + r[2, 0])
                        dz = eye_z - floor_corner[1]
                        dz += along * (r[0, 2] * sx + r[1, 2] * sy + r[2, 2])
                        gu, gw = dx / FLOOR_CELL_MM, dz / FLOOR_CELL_MM
                        if 0.0 <= gu < nodes.shape[0] - 1 and 0.0 <= gw < nodes.shape[1] - 1:
                            for p in range(int(gu), int(gu) + 2):
                                for q in range(int(gw), int(gw) + 2):
                                    if math.isnan(nodes[p, q]):
                                        nodes[p, q] = floor_key(
                                            shadow_map,
                                            axes,
                                            corner,
                                            search_disc,
                                            wide_disc,
                                            texel,
                                            radius,
                                            floor_corner[0] + p * FLOOR_CELL_MM,
                                            floor_corner[1] + q * FLOOR_CELL_MM,
                                        )
                            key = between(nodes, gu, gw)
                        gu, gw = dx / CONTACT_CELL_MM - 0.5, dz / CONTACT_CELL_MM - 0.5
                        if 0.0 <= gu < covered.shape[0] - 1 and 0.0 <= gw < covered.shape[1] - 1:
                            sky = 1.0 - between(covered, gu, gw)
                part_seen = np.float32(behind) * share
                less_r = less_g = less_b = 1.0
                if key < 1.0 or sky < 1.0:
                    # right under a thing it is dark, wherever the light comes from
                    touch = 1.0 - 0.5 * (1.0 - sky) * (1.0 - sky)
                    left = touch * (key * direct[0] + sky * (1.0 - direct[0]))
                    less_r = 1.0 - ground * (1.0 - left)
                    left = touch * (key * direct[1] + sky * (1.0 - direct[1]))
                    less_g = 1.0 - ground * (1.0 - left)
                    left = touch * (key * direct[2] + sky * (1.0 - direct[2]))
                    less_b = 1.0 - ground * (1.0 - left)
                red += part_seen * less_r * backdrop[row, j, 0]
                green += part_seen * less_g * backdrop[row, j, 1]
                blue += part_seen * less_b * backdrop[row, j, 2]
            scale = steps / CURVE_RANGE
            image[row, j, 0] = curve[min(max(int(red * scale), 0), steps - 1)]
            image[row, j, 1] = curve[min(max(int(green * scale), 0), steps - 1)]
            image[row, j, 2] = curve[min(max(int(blue * scale), 0), steps - 1)]
