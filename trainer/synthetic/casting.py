"""Kernels of the surroundings: textured rectangles cast per pixel, and blur of what is far.

Torch-free. A rectangle is one row of `WIDTH` numbers; the constants name its columns.
"""

import numpy as np
from numba import njit

from trainer.synthetic.surfaces import LEVELS

ORIGIN, U, V = 0, 3, 6  # the corner in mm; unit vectors along the sides
EXTENT = 9  # 2, mm
TEXTURE, PAINTED = 11, 12
REPEAT = 13  # 2, mm of a repeat along u and v
SHIFT = 15  # 2, repeats
FIRST, SECOND, THIRD = 17, 20, 23  # linear RGB
LIT = 26  # 3, light on it
OPACITY, SOFT = 29, 30  # 0-1; width of its edges in mm
CORNERS, CORNER = 31, 35  # 4: darkening at u = 0, u = end, v = 0, v = end; its reach in mm
POOL, POOL_AT, POOL_REACH = 36, 37, 39  # gain, centre (2) and radius of a pool of light, mm
UNEVEN, GROUND, FADE = 40, 41, 42  # slow variation 0-1; catches shadows; distance that clears it
LOD = 43  # added to the mip level: blurs a picture that holds too much detail
HAZY = 44  # whether distance hides it
WIDTH = 45


@njit(cache=True, nogil=True)
def _spread(texel):  # type: ignore[no-untyped-def]
    """The four bytes of a texel in four 16-bit lanes: channels 0, 2, 1, 3."""
    word = np.uint64(texel)
    even = word & np.uint64(0x00FF00FF)
    odd = (word >> np.uint64(8)) & np.uint64(0x00FF00FF)
    return even | (odd << np.uint64(32))


@njit(cache=True, nogil=True)
def _bilinear(data, at, n, u, v):  # type: ignore[no-untyped-def]
    """Four channels 0-1 at (u, v) repeats, row 0 at v = 0; all lanes are weighed at once."""
    x, y = np.float32(u * n - 0.5), np.float32(v * n - 0.5)
    x0, y0 = np.floor(x), np.floor(y)
    fx, fy = int((x - x0) * np.float32(256)), int((y - y0) * np.float32(256))
    ix, iy = int(x0), int(y0)
    left, right = ix & (n - 1), (ix + 1) & (n - 1)
    low, high = at + (iy & (n - 1)) * n, at + ((iy + 1) & (n - 1)) * n
    d = (fx * fy) >> 8
    b, c = fx - d, fy - d
    a = 256 - b - c - d
    total = (
        _spread(data[low + left]) * np.uint64(a)
        + _spread(data[low + right]) * np.uint64(b)
        + _spread(data[high + left]) * np.uint64(c)
        + _spread(data[high + right]) * np.uint64(d)
    )
    lane, scale = np.uint64(0xFFFF), np.float32(1.0 / 65280.0)
    return (
        np.float32(total & lane) * scale,
        np.float32((total >> np.uint64(32)) & lane) * scale,
        np.float32((total >> np.uint64(16)) & lane) * scale,
        np.float32(total >> np.uint64(48)) * scale,
    )


@njit(cache=True, nogil=True)
def _shade(data, at, n, u, v):  # type: ignore[no-untyped-def]
    """The shade alone, 0-1."""
    x, y = np.float32(u * n - 0.5), np.float32(v * n - 0.5)
    x0, y0 = np.floor(x), np.floor(y)
    fx, fy = x - x0, y - y0
    ix, iy = int(x0), int(y0)
    left, right = ix & (n - 1), (ix + 1) & (n - 1)
    low, high = at + (iy & (n - 1)) * n, at + ((iy + 1) & (n - 1)) * n
    a, b = np.float32((data[low + left] >> 8) & 255), np.float32((data[low + right] >> 8) & 255)
    c, d = np.float32((data[high + left] >> 8) & 255), np.float32((data[high + right] >> 8) & 255)
    under, over = a + fx * (b - a), c + fx * (d - c)
    return (under + fy * (over - under)) * np.float32(1.0 / 255.0)


@njit(cache=True, nogil=True)
def _cross(a, b):  # type: ignore[no-untyped-def]
    return np.array(
        [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
    )


@njit(cache=True, nogil=True)
def _bounds(row, o, u, v, focal, cx, cy, width, height):  # type: ignore[no-untyped-def]
    """Pixels that a rectangle may touch: x0, x1, y0, y1; all where it comes near the camera."""
    low_x, low_y, high_x, high_y = 1e9, 1e9, -1e9, -1e9
    for corner in range(4):
        s = row[EXTENT] if corner & 1 else 0.0
        t = row[EXTENT + 1] if corner & 2 else 0.0
        z = o[2] + s * u[2] + t * v[2]
        if z < 100.0:
            return 0, width, 0, height
        x = (o[0] + s * u[0] + t * v[0]) / z * focal + cx
        y = (o[1] + s * u[1] + t * v[1]) / z * focal + cy
        low_x, high_x = min(low_x, x), max(high_x, x)
        low_y, high_y = min(low_y, y), max(high_y, y)
    return (
        int(min(max(low_x - 1, 0), width)),
        int(min(max(high_x + 3, 0), width)),
        int(min(max(low_y - 1, 0), height)),
        int(min(max(high_y + 3, 0), height)),
    )


@njit(cache=True, nogil=True)
def cast(  # type: ignore[no-untyped-def]
    rows,
    data,
    offset,
    side,
    upward,
    focal,
    cx,
    cy,
    zenith,
    horizon,
    haze,
    haze_mm,
    image,
    ground,
    inverse,
    through,
):
    """Draw rectangles, the first in front, over a sky.

    Args:
        rows: (n,WIDTH) float64, in camera space. upward: (3,) the world's y there.
        data, offset, side: of the atlas; map 0 is the slow variation.
        zenith, horizon, haze: (3,) linear RGB; haze_mm: where a thing is half haze.
        image: (h,w,3) float32, zeros; ground: (h,w), zeros, share of ground.
        inverse: (h,w), zeros, 1/mm depth; through: (h,w), ones, what is still clear.
    """
    height, width = through.shape
    slow_at, slow_n = offset[0, 2], side[0] >> 2
    for index in range(len(rows)):
        row = rows[index]
        o, u, v = row[ORIGIN : ORIGIN + 3], row[U : U + 3], row[V : V + 3]
        # the plane's (s, t, 1) / depth are linear in the pixel: the inverse of columns u, v, o
        by_s, by_t, by_k = _cross(v, o), _cross(o, u), _cross(u, v)
        det = u[0] * by_s[0] + u[1] * by_s[1] + u[2] * by_s[2]
        if abs(det) < 1.0:
            continue  # seen edge on
        x0, x1, y0, y1 = _bounds(row, o, u, v, focal, cx, cy, width, height)
        by_s, by_t, by_k = by_s / det, by_t / det, by_k / det
        sx, sy, tx, ty = by_s[0] / focal, by_s[1] / focal, by_t[0] / focal, by_t[1] / focal
        kx, ky = by_k[0] / focal, by_k[1] / focal
        s0, t0, k0 = by_s[2], by_t[2], by_k[2]
        texture = int(row[TEXTURE])
        painted, soft, fade = row[PAINTED] > 0, row[SOFT], row[FADE]
        per_u, per_v = 1.0 / row[REPEAT], 1.0 / row[REPEAT + 1]
        end_u, end_v = row[EXTENT], row[EXTENT + 1]
        n0 = side[texture]
        levels = 0
        while (n0 >> (levels + 1)) > 0 and levels + 1 < LEVELS:
            levels += 1
        full_u, full_v, opacity, more_lod = per_u * n0, per_v * n0, row[OPACITY], row[LOD]
        shift_u, shift_v = row[SHIFT], row[SHIFT + 1]
        left, right, low, top = row[CORNERS], row[CORNERS + 1], row[CORNERS + 2], row[CORNERS + 3]
        sides, ends = left + right > 0, low + top > 0
        near = 1.0 / max(row[CORNER], 1.0)
        gain, pool = row[POOL], 1.0 / max(row[POOL_REACH], 1.0)
        pool_u, pool_v = row[POOL_AT], row[POOL_AT + 1]
        uneven, is_ground, hazy = row[UNEVEN], np.float32(row[GROUND]), row[HAZY]
        f0, f1, f2 = np.float32(row[17]), np.float32(row[18]), np.float32(row[19])
        g0, g1, g2 = np.float32(row[20]) - f0, np.float32(row[21]) - f1, np.float32(row[22]) - f2
        h0, h1, h2 = np.float32(row[23]), np.float32(row[24]), np.float32(row[25])
        one = np.float32(1)
        l0, l1, l2 = np.float32(row[26]), np.float32(row[27]), np.float32(row[28])
        m0, m1, m2 = np.float32(haze[0]), np.float32(haze[1]), np.float32(haze[2])
        for y in range(y0, y1):
            dy = y - cy
            sr, tr, kr = sy * dy + s0, ty * dy + t0, ky * dy + k0
            since = 8
            level, part = 0, np.float32(0)
            for x in range(x0, x1):
                since += 1
                clear = through[y, x]
                if clear < 0.004:
                    continue
                dx = x - cx
                k = kx * dx + kr
                if k < 1e-9 or k > 0.05:
                    continue
                z = 1.0 / k
                s, t = (sx * dx + sr) * z, (tx * dx + tr) * z
                edge_s, edge_t = min(s, end_u - s), min(t, end_v - t)
                if edge_s < -end_u - soft or edge_t < -end_v - soft:
                    continue  # towards the plane's horizon a pixel grows without end
                step_s = max(abs(sx - s * kx), abs(sy - s * ky)) * z
                step_t = max(abs(tx - t * kx), abs(ty - t * ky)) * z
                wide_s, wide_t = max(step_s, soft), max(step_t, soft)
                alpha = opacity
                if edge_s < 0.5 * wide_s:
                    alpha *= max(edge_s / wide_s + 0.5, 0.0)
                if edge_t < 0.5 * wide_t:
                    alpha *= max(edge_t / wide_t + 0.5, 0.0)
                if alpha < 0.004:
                    continue
                if since >= 8:
                    # mip level: the finer step, kept from aliasing along the coarser; it changes
                    # slowly, so that a few pixels share it
                    since = 0
                    du, dv = step_s * full_u, step_t * full_v
                    step = max(min(du, dv), 0.4 * max(du, dv))
                    lod = min(max(np.log2(max(step, 1e-6)) + more_lod, 0.0), np.float64(levels))
                    level = int(lod)
                    part = np.float32(lod - level)
                    part = min(max(2 * part - np.float32(0.5), np.float32(0)), one)
                    if level == levels:
                        part = np.float32(0)
                    elif part >= 1:
                        part, level = np.float32(0), level + 1
                at_u, at_v = s * per_u + shift_u, t * per_v + shift_v
                c0, c1, c2, c3 = _bilinear(data, offset[texture, level], n0 >> level, at_u, at_v)
                if part > 0:
                    e0, e1, e2, e3 = _bilinear(
                        data, offset[texture, level + 1], n0 >> (level + 1), at_u, at_v
                    )
                    c0, c1 = c0 + part * (e0 - c0), c1 + part * (e1 - c1)
                    c2, c3 = c2 + part * (e2 - c2), c3 + part * (e3 - c3)
                alpha *= c3
                if alpha < 0.004:
                    continue
                if fade > 0:
                    alpha *= 1.0 / (1.0 + (z / fade) * (z / fade))
                light = 1.0
                if uneven > 0:
                    slow = _shade(data, slow_at, slow_n, s / 5300.0 + shift_u, t / 5300.0 + shift_v)
                    light += uneven * (2.0 * slow - 1.0)
                if sides:
                    a, b = s * near, (end_u - s) * near
                    light *= (1 - left / (1 + a * a)) * (1 - right / (1 + b * b))
                if ends:
                    a, b = t * near, (end_v - t) * near
                    light *= (1 - low / (1 + a * a)) * (1 - top / (1 + b * b))
                if gain != 0:
                    a, b = (s - pool_u) * pool, (t - pool_v) * pool
                    light *= 1 + gain / (1 + a * a + b * b)
                amount = np.float32(clear * alpha)
                bright = np.float32(light)
                if painted:
                    red, green, blue = c0 * c0 * f0, c1 * c1 * f1, c2 * c2 * f2
                else:
                    rest = one - c2
                    red = (f0 + c0 * g0) * rest + c2 * h0
                    green = (f1 + c0 * g1) * rest + c2 * h1
                    blue = (f2 + c0 * g2) * rest + c2 * h2
                    bright *= c1 + c1
                red, green, blue = red * l0 * bright, green * l1 * bright, blue * l2 * bright
                if hazy > 0:
                    murk = np.float32(z / (z + haze_mm))
                    red += murk * (m0 - red)
                    green += murk * (m1 - green)
                    blue += murk * (m2 - blue)
                image[y, x, 0] += amount * red
                image[y, x, 1] += amount * green
                image[y, x, 2] += amount * blue
                through[y, x] = clear - amount
                inverse[y, x] += np.float32(amount * k)
                ground[y, x] += amount * is_ground
    for y in range(height):
        for x in range(width):
            clear = through[y, x]
            if clear < 0.004:
                continue
            dx, dy = (x - cx) / focal, (y - cy) / focal
            up = upward[0] * dx + upward[1] * dy + upward[2]
            up = max(up / np.sqrt(1 + dx * dx + dy * dy), 0.0)
            share = 1.0 - (1.0 - up) ** 4
            for c in range(3):
                sky = horizon[c] + share * (zenith[c] - horizon[c])
                image[y, x, c] += np.float32(clear * sky)


@njit(cache=True, nogil=True)
def focus(image, half, full, inverse, near_mm, vignette):  # type: ignore[no-untyped-def]
    """Blend towards blurred copies with distance, and darken the corners, in place.

    Args:
        image: (h,w,3) sharp; half, full: blurred by half and by all of the blur at infinity.
        inverse: (h,w) 1/mm depth; near_mm: what is nearer is sharp.
    """
    height, width = inverse.shape
    reach = 1.0 / (0.25 * (height * height + width * width))
    for y in range(height):
        for x in range(width):
            blur = min(max(2 * (1 - near_mm * inverse[y, x]), 0.0), 2.0)
            first, second = min(blur, 1.0), max(blur - 1.0, 0.0)
            dx, dy = x - 0.5 * width, y - 0.5 * height
            dim = 1 - vignette * (dx * dx + dy * dy) * reach
            for c in range(3):
                value = image[y, x, c]
                value += first * (half[y, x, c] - value)
                value += second * (full[y, x, c] - value)
                image[y, x, c] = np.float32(value * dim)
