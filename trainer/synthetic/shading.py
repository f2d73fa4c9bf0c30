"""How surfaces look: texture, key light, sky and ground, gloss; and the curve from light to sRGB.

Linear light: a white matt surface that faces the key shows `key` plus its share of sky and ground.
Torch-free; `render_torch` has the same formulas.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numba import njit  # type: ignore[import-untyped]

from trainer.synthetic.packing import Packed
from trainer.synthetic.raster import Points, Samples, View, texture_level
from trainer.synthetic.shadow import Blockers, floor_shares, key_share, openness
from trainer.synthetic.types import Cloth, Light, Part

_SKIN = int(Cloth.SKIN)
_HAIR = int(Cloth.HAIR)
_FACE = int(Part.FACE)
CURVE_RANGE = 3.0
_CURVE_STEPS = 16384
SHOULDER = 0.7  # light up to here is shown as it is


class Lamp(NamedTuple):
    """A `types.Light` for the kernels: (3,) float32 each, and the key's softness."""

    direction: np.ndarray
    key: np.ndarray
    sky: np.ndarray
    ground: np.ndarray
    softness: float


def lamp(light: Light) -> Lamp:
    """The light for the kernels, its direction of length one."""
    direction = np.asarray(light.direction, np.float64)
    direction = direction / max(float(np.linalg.norm(direction)), 1e-9)
    return Lamp(
        direction.astype(np.float32),
        np.asarray(light.key, np.float32).reshape(3).copy(),
        np.asarray(light.sky, np.float32).reshape(3).copy(),
        np.asarray(light.ground, np.float32).reshape(3).copy(),
        float(light.softness),
    )


@lru_cache(maxsize=1)
def linear_of_srgb() -> np.ndarray:
    """(256,) float32: linear light of each sRGB value."""
    value = np.arange(256) / 255.0
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return linear.astype(np.float32)


def tone(linear: np.ndarray) -> np.ndarray:
    """Linear light as sRGB 0-1; highlights roll off to white as on film."""
    over = np.maximum(linear - SHOULDER, 0.0)
    rest = 1.0 - SHOULDER
    shown = np.minimum(linear, SHOULDER) + rest * (1.0 - np.exp(-over / rest))
    low = shown * 12.92
    high = 1.055 * np.maximum(shown, 1e-6) ** (1.0 / 2.4) - 0.055
    return np.where(shown <= 0.0031308, low, high)


@lru_cache(maxsize=1)
def tone_curve() -> np.ndarray:
    """(n,) uint8: `tone` at equal steps of light from 0 to `CURVE_RANGE`."""
    steps = (np.arange(_CURVE_STEPS) + 0.5) * (CURVE_RANGE / _CURVE_STEPS)
    return np.rint(tone(steps) * 255.0).astype(np.uint8)


@njit(cache=True, nogil=True)
def _texel(mesh: Packed, material: int, level: int, u: float, v: float, linear: np.ndarray):  # type: ignore[no-untyped-def]
    """Linear RGB between the four texels around (u, v)."""
    first = mesh.levels[material, level, 0]
    width = mesh.levels[material, level, 1]
    height = mesh.levels[material, level, 2]
    v = 1.0 - v
    x = (u - math.floor(u)) * width - 0.5
    y = (v - math.floor(v)) * height - 0.5
    x0, y0 = math.floor(x), math.floor(y)
    fx, fy = np.float32(x - x0), np.float32(y - y0)
    xa, ya = int(x0), int(y0)
    xb, yb = xa + 1, ya + 1
    if xa < 0:
        xa = width - 1
    if ya < 0:
        ya = height - 1
    if xb >= width:
        xb = 0
    if yb >= height:
        yb = 0
    one = np.float32(1.0)
    p, q = first + ya * width, first + yb * width
    w00, w01 = (one - fx) * (one - fy), fx * (one - fy)
    w10, w11 = (one - fx) * fy, fx * fy
    tex = mesh.texels
    red = (
        w00 * linear[tex[p + xa, 0]]
        + w01 * linear[tex[p + xb, 0]]
        + w10 * linear[tex[q + xa, 0]]
        + w11 * linear[tex[q + xb, 0]]
    )
    green = (
        w00 * linear[tex[p + xa, 1]]
        + w01 * linear[tex[p + xb, 1]]
        + w10 * linear[tex[q + xa, 1]]
        + w11 * linear[tex[q + xb, 1]]
    )
    blue = (
        w00 * linear[tex[p + xa, 2]]
        + w01 * linear[tex[p + xb, 2]]
        + w10 * linear[tex[q + xa, 2]]
        + w11 * linear[tex[q + xb, 2]]
    )
    return red, green, blue


@njit(cache=True, nogil=True)
def shade(
    positions: np.ndarray,
    points: Points,
    mesh: Packed,
    view: View,
    lamp: Lamp,
    blockers: Blockers,
    shares: np.ndarray,
    linear: np.ndarray,
    first_id: int,
    first_row: int,
    supersample: int,
    samples: Samples,
    image: np.ndarray,
) -> None:
    """Add the light of a figure's samples to the picture.

    Args:
        shares: (N,2) float32, the key's and the surroundings' share at each vertex; NaN where they
            are not yet known; filled in.
        image: (rows/supersample, columns/supersample, 3) float32 linear, added to.
    """
    rows, columns = samples.triangle.shape
    count = mesh.triangles.shape[0]
    weight = np.float32(1.0 / (supersample * supersample))
    r = view.rotation
    eye = np.empty(3)
    for k in range(3):
        eye[k] = -(
            r[0, k] * view.translation[0]
            + r[1, k] * view.translation[1]
            + r[2, k] * view.translation[2]
        )
    lx, ly, lz = lamp.direction[0], lamp.direction[1], lamp.direction[2]
    soft = lamp.softness
    last = -1
    a = b = c = material = level = 0
    xa = ya = xb = yb = xc = yc = ia = ib = ic = 0.0
    flip = np.float32(1.0)
    skin = hair = False
    gloss = np.float32(0.0)
    tx = ty = tz = 0.0
    for y in range(rows):
        for x in range(columns):
            t = samples.triangle[y, x] - first_id
            if t < 0 or t >= count:
                continue
            if t != last:
                last = t
                a, b, c = mesh.triangles[t, 0], mesh.triangles[t, 1], mesh.triangles[t, 2]
                xa, ya = points.screen[a, 0], points.screen[a, 1]
                xb, yb = points.screen[b, 0], points.screen[b, 1]
                xc, yc = points.screen[c, 0], points.screen[c, 1]
                area = (xb - xa) * (yc - ya) - (yb - ya) * (xc - xa)
                ia = 1.0 / (area * points.depth[a])
                ib = 1.0 / (area * points.depth[b])
                ic = 1.0 / (area * points.depth[c])
                flip = np.float32(-1.0 if area > 0.0 else 1.0)
                material = mesh.material[t]
                level = texture_level(mesh, t, abs(area))
                gloss = mesh.gloss[material]
                skin = mesh.cloth[t] == _SKIN
                hair = mesh.cloth[t] == _HAIR
                for i in (a, b, c):
                    if math.isnan(shares[i, 0]):
                        nx, ny, nz = points.normal[i, 0], points.normal[i, 1], points.normal[i, 2]
                        if mesh.two_sided[material]:
                            facing = (
                                nx * (eye[0] - positions[i, 0])
                                + ny * (eye[1] - positions[i, 1])
                                + nz * (eye[2] - positions[i, 2])
                            )
                            if facing < 0.0:
                                nx, ny, nz = -nx, -ny, -nz
                        shares[i, 0] = key_share(blockers, points.lit[i], nx, ny, nz)
                        shares[i, 1] = openness(
                            blockers, positions[i, 0], positions[i, 1], positions[i, 2], nx, ny, nz
                        )
                if hair:
                    # along the strands: where v grows
                    du1 = mesh.uv[t, 1, 0] - mesh.uv[t, 0, 0]
                    dv1 = mesh.uv[t, 1, 1] - mesh.uv[t, 0, 1]
                    du2 = mesh.uv[t, 2, 0] - mesh.uv[t, 0, 0]
                    dv2 = mesh.uv[t, 2, 1] - mesh.uv[t, 0, 1]
                    tx = (positions[c, 0] - positions[a, 0]) * du1 - (
                        positions[b, 0] - positions[a, 0]
                    ) * du2
                    ty = (positions[c, 1] - positions[a, 1]) * du1 - (
                        positions[b, 1] - positions[a, 1]
                    ) * du2
                    tz = (positions[c, 2] - positions[a, 2]) * du1 - (
                        positions[b, 2] - positions[a, 2]
                    ) * du2
                    length = math.sqrt(tx * tx + ty * ty + tz * tz)
                    inverse = 1.0 / max(length, 1e-9)
                    tx, ty, tz = tx * inverse, ty * inverse, tz * inverse
            py = float(y + first_row)
            wa = ((xc - xb) * (py - yb) - (yc - yb) * (x - xb)) * ia
            wb = ((xa - xc) * (py - yc) - (ya - yc) * (x - xc)) * ib
            wc = ((xb - xa) * (py - ya) - (yb - ya) * (x - xa)) * ic
            whole = 1.0 / (wa + wb + wc)
            ka, kb, kc = np.float32(wa * whole), np.float32(wb * whole), np.float32(wc * whole)
            nx = ka * points.normal[a, 0] + kb * points.normal[b, 0] + kc * points.normal[c, 0]
            ny = ka * points.normal[a, 1] + kb * points.normal[b, 1] + kc * points.normal[c, 1]
            nz = ka * points.normal[a, 2] + kb * points.normal[b, 2] + kc * points.normal[c, 2]
            inverse = flip / max(math.sqrt(nx * nx + ny * ny + nz * nz), 1e-9)
            nx, ny, nz = nx * inverse, ny * inverse, nz * inverse
            vx = eye[0] - (ka * positions[a, 0] + kb * positions[b, 0] + kc * positions[c, 0])
            vy = eye[1] - (ka * positions[a, 1] + kb * positions[b, 1] + kc * positions[c, 1])
            vz = eye[2] - (ka * positions[a, 2] + kb * positions[b, 2] + kc * positions[c, 2])
            inverse = 1.0 / math.sqrt(vx * vx + vy * vy + vz * vz)
            vx, vy, vz = vx * inverse, vy * inverse, vz * inverse
            key = ka * shares[a, 0] + kb * shares[b, 0] + kc * shares[c, 0]
            sky = ka * shares[a, 1] + kb * shares[b, 1] + kc * shares[c, 1]
            u = ka * mesh.uv[t, 0, 0] + kb * mesh.uv[t, 1, 0] + kc * mesh.uv[t, 2, 0]
            v = ka * mesh.uv[t, 0, 1] + kb * mesh.uv[t, 1, 1] + kc * mesh.uv[t, 2, 1]
            red, green, blue = _texel(mesh, material, level, u, v, linear)

            nl = nx * lx + ny * ly + nz * lz
            nv = max(nx * vx + ny * vy + nz * vz, 0.0)
            wrap = 0.08 + 0.3 * soft
            lit = max((nl + wrap) / (1.0 + wrap), 0.0) * key
            lit_r = lit_g = lit_b = lit
            if skin:
                # light that went in elsewhere comes out red around the edge of a shadow
                lit_r = max((nl + wrap + 0.22) / (1.22 + wrap), 0.0) * key * (1.3 - 0.3 * key)
                lit_g = max((nl + wrap + 0.06) / (1.06 + wrap), 0.0) * key
            up = 0.5 + 0.5 * ny
            # what is hidden from the sky sees lit neighbours, the more the brighter they are
            open_r = sky + (1.0 - sky) * 0.55 * red
            open_g = sky + (1.0 - sky) * 0.55 * green
            open_b = sky + (1.0 - sky) * 0.55 * blue
            if skin:
                open_r += (1.0 - sky) * 0.1
            edge = (1.0 - nv) * (1.0 - nv)
            edge = edge * (1.0 - nv)
            fuzz = 1.0 + (0.25 * edge if not skin else 0.1 * edge)
            sky_r = lamp.ground[0] + (lamp.sky[0] - lamp.ground[0]) * up
            sky_g = lamp.ground[1] + (lamp.sky[1] - lamp.ground[1]) * up
            sky_b = lamp.ground[2] + (lamp.sky[2] - lamp.ground[2]) * up
            out_r = red * (lamp.key[0] * lit_r + sky_r * open_r * fuzz)
            out_g = green * (lamp.key[1] * lit_g + sky_g * open_g * fuzz)
            out_b = blue * (lamp.key[2] * lit_b + sky_b * open_b * fuzz)
            # the highlight; half way between light and view
            hx, hy, hz = lx + vx, ly + vy, lz + vz
            inverse = 1.0 / max(math.sqrt(hx * hx + hy * hy + hz * hz), 1e-9)
            hx, hy, hz = hx * inverse, hy * inverse, hz * inverse
            if hair:
                th = tx * hx + ty * hy + tz * hz
                across = math.sqrt(max(1.0 - th * th, 0.0))
                shine = 0.10 * math.exp(-40.0 * (1.0 - across)) * max(nl + 0.3, 0.0)
                shine_r = shine * (0.3 + 3.0 * red)
                shine_g = shine * (0.3 + 3.0 * green)
                shine_b = shine * (0.3 + 3.0 * blue)
            else:
                nh = nx * hx + ny * hy + nz * hz
                power = (6.0 + 220.0 * gloss * gloss) / (1.0 + 2.0 * soft)
                bend = 1.0 - (vx * hx + vy * hy + vz * hz)
                fresnel = 0.04 + 0.96 * bend * bend * bend * bend * bend
                shine = (
                    fresnel
                    * gloss
                    * (power + 2.0)
                    * 0.2
                    * math.exp(power * (nh - 1.0))
                    * max(nl, 0.0)
                )
                shine_r = shine_g = shine_b = shine
            # the surroundings in what is polished
            mirror = (0.02 + 0.5 * edge * (1.0 - nv)) * gloss * sky
            out_r += lamp.key[0] * key * shine_r + sky_r * mirror
            out_g += lamp.key[1] * key * shine_g + sky_g * mirror
            out_b += lamp.key[2] * key * shine_b + sky_b * mirror
            i, j = y // supersample, x // supersample
            image[i, j, 0] += out_r * weight
            image[i, j, 1] += out_g * weight
            image[i, j, 2] += out_b * weight


@njit(cache=True, nogil=True)
def resolve(
    samples: Samples,
    lit: np.ndarray,
    backdrop: np.ndarray,
    floor: np.ndarray,
    view: View,
    lamp: Lamp,
    blockers: Blockers,
    curve: np.ndarray,
    supersample: int,
    first: int,
    image: np.ndarray,
    cover: np.ndarray,
    number: np.ndarray,
    part: np.ndarray,
    cloth: np.ndarray,
    depth: np.ndarray,
) -> None:
    """Make pixels of samples, for the picture's rows from `first` on.

    Args:
        lit: (rows,w,3) float32 linear, the figures' light; backdrop and floor: the whole picture's.
        image ... depth: the `Frame`'s arrays, filled in.
    """
    rows, columns = lit.shape[:2]
    each = supersample * supersample
    share = np.float32(1.0 / each)
    r, t = view.rotation, view.translation
    eye_x = -(r[0, 0] * t[0] + r[1, 0] * t[1] + r[2, 0] * t[2])
    eye_y = -(r[0, 1] * t[0] + r[1, 1] * t[1] + r[2, 1] * t[2])
    eye_z = -(r[0, 2] * t[0] + r[1, 2] * t[1] + r[2, 2] * t[2])
    toward = max(float(lamp.direction[1]), 0.0)
    steps = curve.shape[0]
    numbers = np.zeros(256, np.int32)
    nearest = np.zeros(256, np.float32)
    for i in range(rows):
        for j in range(columns):
            row = first + i
            behind = 0
            found = 0
            for y in range(i * supersample, (i + 1) * supersample):
                for x in range(j * supersample, (j + 1) * supersample):
                    if samples.triangle[y, x] < 0:
                        behind += 1
                        continue
                    n = samples.number[y, x]
                    if numbers[n] == 0 or samples.depth[y, x] < nearest[n]:
                        nearest[n] = samples.depth[y, x]
                    numbers[n] += 1
                    if found == 0 or numbers[n] > numbers[found] or (numbers[n] == numbers[found] and nearest[n] < nearest[found]):
                        found = n
                    if 1 <= n <= cover.shape[0]:
                        cover[n - 1, row, j] += share
            depth[row, j] = np.inf
            if behind < each:
                if numbers[found] >= behind:
                    number[row, j] = found
                    depth[row, j] = nearest[found]
                    if found < 200:
                        part[row, j], cloth[row, j] = _most(samples, i, j, supersample, found)
                for y in range(i * supersample, (i + 1) * supersample):
                    for x in range(j * supersample, (j + 1) * supersample):
                        numbers[samples.number[y, x]] = 0
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
                        key, sky = floor_shares(
                            blockers,
                            eye_x + along * (r[0, 0] * sx + r[1, 0] * sy + r[2, 0]),
                            eye_z + along * (r[0, 2] * sx + r[1, 2] * sy + r[2, 2]),
                        )
                part_seen = np.float32(behind) * share
                if key < 1.0 or sky < 1.0:
                    whole = np.empty(3, np.float32)
                    for k in range(3):
                        direct = lamp.key[k] * toward
                        light = direct + lamp.sky[k]
                        left = (direct * key + lamp.sky[k] * sky) / max(light, 1e-6)
                        whole[k] = part_seen * (1.0 - ground * (1.0 - left))
                    red += whole[0] * backdrop[row, j, 0]
                    green += whole[1] * backdrop[row, j, 1]
                    blue += whole[2] * backdrop[row, j, 2]
                else:
                    red += part_seen * backdrop[row, j, 0]
                    green += part_seen * backdrop[row, j, 1]
                    blue += part_seen * backdrop[row, j, 2]
            scale = steps / CURVE_RANGE
            image[row, j, 0] = curve[min(max(int(red * scale), 0), steps - 1)]
            image[row, j, 1] = curve[min(max(int(green * scale), 0), steps - 1)]
            image[row, j, 2] = curve[min(max(int(blue * scale), 0), steps - 1)]


@njit(cache=True, nogil=True)
def _most(samples: Samples, i: int, j: int, supersample: int, number: int):  # type: ignore[no-untyped-def]
    """The commonest part of a figure in a pixel, the lowest of equals, and its commonest cloth."""
    parts = np.zeros(16, np.int32)
    cloths = np.zeros((16, 12), np.int32)
    for y in range(i * supersample, (i + 1) * supersample):
        for x in range(j * supersample, (j + 1) * supersample):
            if samples.triangle[y, x] >= 0 and samples.number[y, x] == number:
                parts[samples.part[y, x]] += 1
                cloths[samples.part[y, x], samples.cloth[y, x]] += 1
    part = np.argmax(parts)
    return np.uint8(part), np.uint8(np.argmax(cloths[part]))
