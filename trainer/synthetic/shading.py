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
from trainer.synthetic.shadow import Blockers, key_share, openness
from trainer.synthetic.types import Cloth, Light, Part

_SKIN = int(Cloth.SKIN)
_HAIR = int(Cloth.HAIR)
_FACE = int(Part.FACE)
CURVE_RANGE = 3.0
_CURVE_STEPS = 16384
SHARED = 2  # samples along a pixel's side, up to which they share their light
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
def _texel(  # type: ignore[no-untyped-def]
    texels: np.ndarray, first: int, width: int, height: int, u: float, v: float, linear: np.ndarray
):
    """Linear RGB between the four texels around (u, v) of a level."""
    v = 1.0 - v
    x = (u - math.floor(u)) * width - 0.5
    y = (v - math.floor(v)) * height - 0.5
    x0, y0 = math.floor(x), math.floor(y)
    fx, fy = np.float32(x - x0), np.float32(y - y0)
    xb = x0 + 1 if x0 + 1 < width else 0
    yb = y0 + 1 if y0 + 1 < height else 0
    xa = x0 if x0 >= 0 else width - 1
    ya = y0 if y0 >= 0 else height - 1
    one = np.float32(1.0)
    w00, w01 = (one - fx) * (one - fy), fx * (one - fy)
    w10, w11 = (one - fx) * fy, fx * fy
    p = texels[first + ya * width + xa]
    q = texels[first + ya * width + xb]
    r = texels[first + yb * width + xa]
    s = texels[first + yb * width + xb]
    low = np.uint32(255)
    red = (
        w00 * linear[p & low]
        + w01 * linear[q & low]
        + w10 * linear[r & low]
        + w11 * linear[s & low]
    )
    green = (
        w00 * linear[(p >> np.uint32(8)) & low]
        + w01 * linear[(q >> np.uint32(8)) & low]
        + w10 * linear[(r >> np.uint32(8)) & low]
        + w11 * linear[(s >> np.uint32(8)) & low]
    )
    blue = (
        w00 * linear[(p >> np.uint32(16)) & low]
        + w01 * linear[(q >> np.uint32(16)) & low]
        + w10 * linear[(r >> np.uint32(16)) & low]
        + w11 * linear[(s >> np.uint32(16)) & low]
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
    number: int,
    first_id: int,
    supersample: int,
    first_row: int,
    samples: Samples,
    image: np.ndarray,
) -> None:
    """Add the light of a figure's samples to the picture.

    Where there are few samples a pixel, those that see the material of its first one share that
    one's light, as in multisampling: edges stay as smooth, and most of the work falls away. Hair
    is too fine for that.

    Args:
        number: `Figure.number`.
        shares: (N,2) float32, the key's and the surroundings' share at each vertex; NaN where they
            are not yet known; filled in.
        image: (rows/supersample, columns/supersample, 3) float32 linear, added to.
    """
    # the tuples' arrays by name: a look into a tuple costs time in a loop
    seen, seen_number = samples.seen, samples.number
    seen_part, seen_cloth = samples.part, samples.cloth
    triangles, uv, material_of = mesh.triangles, mesh.uv, mesh.material
    parts, cloths = mesh.part, mesh.cloth
    parted, part_weights, corner_part = mesh.parted, mesh.part_weights, mesh.corner_part
    shift = view.shift
    texels, levels, level_count = mesh.texels, mesh.levels, mesh.level_count
    texel_area, glosses, two_sided = mesh.texel_area, mesh.gloss, mesh.two_sided
    cutout = mesh.cutout
    screen, inverses, normal = points.screen, points.inverse, points.normal
    in_light = points.lit
    shadow_map, axes, corner, disc = blockers.depth, blockers.axes, blockers.corner, blockers.disc
    texel, radius, cell = blockers.texel, blockers.radius, blockers.cell
    full, full2, full4, origin = blockers.full, blockers.full2, blockers.full4, blockers.origin
    key_r, key_g, key_b = lamp.key[0], lamp.key[1], lamp.key[2]
    ground_r, ground_g, ground_b = lamp.ground[0], lamp.ground[1], lamp.ground[2]
    above_r = lamp.sky[0] - ground_r
    above_g = lamp.sky[1] - ground_g
    above_b = lamp.sky[2] - ground_b
    rows, columns = seen.shape
    count = triangles.shape[0]
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
    # the material of the first of a pixel's samples, and its light
    kept = np.full(columns // supersample, -1, np.int32)
    light = np.zeros((columns // supersample, 3), np.float32)
    prepared = shared = False
    last = -1
    a = b = c = material = level = first = wide = high = 0
    xa = ya = xb = yb = xc = yc = ia = ib = ic = 0.0
    flip = 1.0
    skin = hair = False
    gloss = 0.0
    tx = ty = tz = power = 0.0
    part, cloth = np.uint8(0), np.uint8(0)
    i, j, step = 0, 0, 0
    wrap = 0.08 + 0.3 * soft
    for y in range(rows):
        i, j, step = y // supersample, -1, 0
        if y % supersample == 0:
            kept[:] = -1
        left = shift[y % supersample]
        for x in range(columns):
            if step == 0:
                j, step = j + 1, supersample
            step -= 1
            if seen[y, x] < 0:
                continue
            t = (seen[y, x] >> 3) - first_id
            if t < 0 or t >= count:
                continue
            if t != last:
                last = t
                a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
                xa, ya = screen[a, 0], screen[a, 1]
                xb, yb = screen[b, 0], screen[b, 1]
                xc, yc = screen[c, 0], screen[c, 1]
                area = (xb - xa) * (yc - ya) - (yb - ya) * (xc - xa)
                ia, ib, ic = inverses[a] / area, inverses[b] / area, inverses[c] / area
                flip = -1.0 if area > 0.0 else 1.0
                material = material_of[t]
                shared = supersample <= SHARED and not cutout[material]
                size = abs(area) * weight if shared else abs(area)
                level = texture_level(texel_area[t], size, level_count[material])
                first = levels[material, level, 0]
                wide, high = levels[material, level, 1], levels[material, level, 2]
                part, cloth = parts[t], cloths[t]
                prepared = False
            seen_number[y, x] = number
            seen_cloth[y, x] = cloth
            px = x - left
            py = y + first_row + shift[supersample - 1 - step]
            wa = ((xc - xb) * (py - yb) - (yc - yb) * (px - xb)) * ia
            wb = ((xa - xc) * (py - yc) - (ya - yc) * (px - xc)) * ib
            wc = ((xb - xa) * (py - ya) - (yb - ya) * (px - xa)) * ic
            whole = 1.0 / (wa + wb + wc)
            ka, kb, kc = np.float32(wa * whole), np.float32(wb * whole), np.float32(wc * whole)
            if parted[t]:
                part, most = parts[t], np.float32(-1.0)
                for k in (corner_part[a], corner_part[b], corner_part[c]):
                    much = ka * part_weights[a, k] + kb * part_weights[b, k]
                    much += kc * part_weights[c, k]
                    if much > most:
                        part, most = k, much
            seen_part[y, x] = part
            if shared and kept[j] == material:
                image[i, j, 0] += weight * light[j, 0]
                image[i, j, 1] += weight * light[j, 1]
                image[i, j, 2] += weight * light[j, 2]
                continue
            if not prepared:
                prepared = True
                skin, hair = cloth == _SKIN, cloth == _HAIR
                gloss = float(glosses[material])
                if skin:
                    gloss = max(gloss, 0.25)
                power = (6.0 + 220.0 * gloss * gloss) / (1.0 + 2.0 * soft)
                for p in (a, b, c):
                    if math.isnan(shares[p, 0]):
                        nx, ny, nz = normal[p, 0], normal[p, 1], normal[p, 2]
                        if two_sided[t]:
                            facing = (
                                nx * (eye[0] - positions[p, 0])
                                + ny * (eye[1] - positions[p, 1])
                                + nz * (eye[2] - positions[p, 2])
                            )
                            if facing < 0.0:
                                nx, ny, nz = -nx, -ny, -nz
                        shares[p, 0] = key_share(
                            shadow_map, axes, corner, disc, texel, radius, in_light[p], nx, ny, nz
                        )
                        shares[p, 1] = openness(
                            full,
                            full2,
                            full4,
                            (positions[p, 0] - origin[0]) / cell,
                            (positions[p, 1] - origin[1]) / cell,
                            (positions[p, 2] - origin[2]) / cell,
                            nx,
                            ny,
                            nz,
                        )
                if hair:
                    # along the strands: where v grows
                    du1 = uv[t, 1, 0] - uv[t, 0, 0]
                    du2 = uv[t, 2, 0] - uv[t, 0, 0]
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
            nx = ka * normal[a, 0] + kb * normal[b, 0] + kc * normal[c, 0]
            ny = ka * normal[a, 1] + kb * normal[b, 1] + kc * normal[c, 1]
            nz = ka * normal[a, 2] + kb * normal[b, 2] + kc * normal[c, 2]
            inverse = flip / max(math.sqrt(nx * nx + ny * ny + nz * nz), 1e-9)
            nx, ny, nz = nx * inverse, ny * inverse, nz * inverse
            vx = eye[0] - (ka * positions[a, 0] + kb * positions[b, 0] + kc * positions[c, 0])
            vy = eye[1] - (ka * positions[a, 1] + kb * positions[b, 1] + kc * positions[c, 1])
            vz = eye[2] - (ka * positions[a, 2] + kb * positions[b, 2] + kc * positions[c, 2])
            inverse = 1.0 / math.sqrt(vx * vx + vy * vy + vz * vz)
            vx, vy, vz = vx * inverse, vy * inverse, vz * inverse
            key = ka * shares[a, 0] + kb * shares[b, 0] + kc * shares[c, 0]
            sky = ka * shares[a, 1] + kb * shares[b, 1] + kc * shares[c, 1]
            u = ka * uv[t, 0, 0] + kb * uv[t, 1, 0] + kc * uv[t, 2, 0]
            v = ka * uv[t, 0, 1] + kb * uv[t, 1, 1] + kc * uv[t, 2, 1]
            red, green, blue = _texel(texels, first, wide, high, u, v, linear)

            nl = nx * lx + ny * ly + nz * lz
            nv = max(nx * vx + ny * vy + nz * vz, 0.0)
            lit = max((nl + wrap) / (1.0 + wrap), 0.0) * key
            lit_r = lit_g = lit_b = lit
            if skin:
                # light that went in elsewhere comes out red around the edge of a shadow
                lit_r = max((nl + wrap + 0.22) / (1.22 + wrap), 0.0) * key * (1.3 - 0.3 * key)
                lit_g = max((nl + wrap + 0.06) / (1.06 + wrap), 0.0) * key
            up = 0.5 + 0.5 * ny
            # what is hidden from the sky sees lit neighbours, the more the brighter they are
            open_r = sky + (1.0 - sky) * 0.45 * red
            open_g = sky + (1.0 - sky) * 0.45 * green
            open_b = sky + (1.0 - sky) * 0.45 * blue
            if skin:
                open_r += (1.0 - sky) * 0.1
            if hair:
                # strands let light through: locks below others are dark, not black
                through = (1.0 - sky) * 0.25
                open_r, open_g, open_b = open_r + through, open_g + through, open_b + through
            edge = (1.0 - nv) * (1.0 - nv)
            edge = edge * (1.0 - nv)
            fuzz = 1.0 + (0.25 * edge if not skin else 0.1 * edge)
            sky_r = ground_r + above_r * up
            sky_g = ground_g + above_g * up
            sky_b = ground_b + above_b * up
            # fibres and skin send a little light back before it takes their colour
            out_r = (red * 0.97 + 0.012) * (key_r * lit_r + sky_r * open_r * fuzz)
            out_g = (green * 0.97 + 0.012) * (key_g * lit_g + sky_g * open_g * fuzz)
            out_b = (blue * 0.97 + 0.012) * (key_b * lit_b + sky_b * open_b * fuzz)
            # the highlight; half way between light and view
            hx, hy, hz = lx + vx, ly + vy, lz + vz
            inverse = 1.0 / max(math.sqrt(hx * hx + hy * hy + hz * hz), 1e-9)
            hx, hy, hz = hx * inverse, hy * inverse, hz * inverse
            if hair:
                # the strand within the smooth surface: flat triangles must not show
                nh = nx * hx + ny * hy + nz * hz
                nt = nx * tx + ny * ty + nz * tz
                th = (tx * hx + ty * hy + tz * hz - nt * nh) / math.sqrt(max(1.0 - nt * nt, 0.01))
                across = math.sqrt(max(1.0 - th * th, 0.0))
                shine = 0.10 * math.exp(-40.0 * (1.0 - across)) * max(nl + 0.3, 0.0)
                shine_r = shine * (0.3 + 3.0 * red)
                shine_g = shine * (0.3 + 3.0 * green)
                shine_b = shine * (0.3 + 3.0 * blue)
            elif nl > 0.0 and gloss > 0.0:
                nh = nx * hx + ny * hy + nz * hz
                bend = 1.0 - (vx * hx + vy * hy + vz * hz)
                fresnel = 0.04 + 0.96 * bend * bend * bend * bend * bend
                shine = fresnel * gloss * (power + 2.0) * 0.2 * math.exp(power * (nh - 1.0)) * nl
                shine_r = shine_g = shine_b = shine
            else:
                shine_r = shine_g = shine_b = 0.0
            # the surroundings in what is polished
            mirror = (0.02 + 0.5 * edge * (1.0 - nv)) * gloss * sky
            out_r += key_r * key * shine_r + sky_r * mirror
            out_g += key_g * key * shine_g + sky_g * mirror
            out_b += key_b * key * shine_b + sky_b * mirror
            image[i, j, 0] += out_r * weight
            image[i, j, 1] += out_g * weight
            image[i, j, 2] += out_b * weight
            if kept[j] < 0:
                kept[j] = material
                light[j, 0], light[j, 1], light[j, 2] = out_r, out_g, out_b
