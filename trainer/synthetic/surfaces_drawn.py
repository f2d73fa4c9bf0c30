"""Maps of the surroundings that are drawn stroke by stroke: leaves, grass, facades, cars, books.

Row 0 is the top here. Channels as in `trainer.synthetic.surfaces`. Torch-free.
"""

import cv2
import numpy as np

_SHIFT = 3  # fixed point of OpenCV's drawing, 1/8 px


def _canvas(n: int, alpha: float) -> np.ndarray:
    out = np.zeros((n, n, 4), np.float32)
    out[..., 1], out[..., 3] = 0.5, alpha
    return out


def _leaf(
    image: np.ndarray,
    centre: np.ndarray,
    axes: tuple[float, float],
    angle: float,
    value: np.ndarray,
) -> None:
    scale = 1 << _SHIFT
    cv2.ellipse(
        image,
        (int(centre[0] * scale), int(centre[1] * scale)),
        (max(int(axes[0] * scale), 4), max(int(axes[1] * scale), 4)),
        angle,
        0,
        360,
        tuple(float(v) for v in value),
        -1,
        cv2.LINE_8,
        _SHIFT,
    )


def _wrapped(centre: np.ndarray, reach: float, n: int) -> list[np.ndarray]:
    """The centre and its copies beyond the seams that it reaches over."""
    xs = [0.0] + ([n] if centre[0] < reach else []) + ([-n] if centre[0] > n - reach else [])
    ys = [0.0] + ([n] if centre[1] < reach else []) + ([-n] if centre[1] > n - reach else [])
    return [centre + np.array([x, y]) for x in xs for y in ys]


def grass(rng: np.random.Generator, n: int) -> np.ndarray:
    """A lawn from above: blades at all angles, some dry."""
    out = _canvas(n, 1.0)
    out[..., 1] = 0.36
    patch = cv2.resize(rng.random((8, 8), np.float32), (n, n), interpolation=cv2.INTER_CUBIC)
    for _ in range(9000):
        start = rng.random(2) * n
        angle = rng.uniform(0, 2 * np.pi)
        length = rng.uniform(6, 20)
        end = length * np.array([np.cos(angle), np.sin(angle)])
        dry = 0.85 if rng.random() < 0.05 else 0.0
        value = (rng.uniform(0.1, 0.9), rng.uniform(0.36, 0.62), dry, 1.0)
        for at in _wrapped(start, 20, n):
            a, b = at * 8, (at + end) * 8
            cv2.line(out, (int(a[0]), int(a[1])), (int(b[0]), int(b[1])), value, 1, cv2.LINE_8, 3)
    out[..., 0] = np.clip(out[..., 0] + 0.3 * (patch - 0.5), 0, 1)
    return out


def gravel(rng: np.random.Generator, n: int) -> np.ndarray:
    out = _canvas(n, 1.0)
    out[..., 1] = 0.3
    for _ in range(5200):
        at = rng.random(2) * n
        axes = (rng.uniform(2.0, 5.5), rng.uniform(1.6, 3.6))
        angle = rng.uniform(0, 180)
        shade, mix = rng.uniform(0.38, 0.6), rng.random()
        for where in _wrapped(at, 8, n):
            below = where + np.array([0.4, 0.8])
            _leaf(out, below, axes, angle, np.array([mix, 0.62 * shade, 0, 1]))
            _leaf(out, where, (axes[0] * 0.9, axes[1] * 0.9), angle, np.array([mix, shade, 0, 1]))
    return cv2.GaussianBlur(out, (3, 3), 0.6, borderType=cv2.BORDER_REFLECT_101)


def hedge(rng: np.random.Generator, n: int) -> np.ndarray:
    """Leaves that fill the square, dark gaps between them."""
    out = _canvas(n, 1.0)
    out[..., 1] = 0.16
    for step in range(5000):
        at = rng.random(2) * n
        depth = step / 5000
        size = rng.uniform(3, 7)
        value = np.array([rng.random(), 0.2 + 0.34 * depth * rng.uniform(0.6, 1.15), 0, 1])
        for where in _wrapped(at, 9, n):
            _leaf(out, where, (size, size * rng.uniform(0.4, 0.7)), rng.uniform(0, 180), value)
    return out


def hedge_top(rng: np.random.Generator, n: int) -> np.ndarray:
    """A hedge whose upper edge is leaves against what is behind."""
    out = hedge(rng, n)
    out[..., 3] = 0
    waves = sum(
        rng.uniform(0.3, 1) * np.sin(np.arange(n) * 2 * np.pi * k / n + rng.uniform(0, 6))
        for k in (1, 2, 3, 5, 7)
    )
    top = 0.1 * n + 0.018 * n * np.asarray(waves)
    out[..., 3] = (np.arange(n)[:, None] > top[None]).astype(np.float32)
    for _ in range(900):
        x = rng.random() * n
        at = np.array([x, top[int(x)] + rng.uniform(-14, 6)])
        size = rng.uniform(3, 6)
        value = np.array([rng.random(), rng.uniform(0.36, 0.6), 0, 1])
        for where in _wrapped(at, 9, n):
            _leaf(out, where, (size, size * 0.55), rng.uniform(0, 180), value)
    return out


def _crown(
    out: np.ndarray,
    rng: np.random.Generator,
    clumps: np.ndarray,
    leaves: int,
    size: tuple[float, float],
) -> None:
    """Leaves over round clumps, (k,3) of x, y and radius in px, light from the upper left."""
    for step in range(leaves):
        x, y, radius = clumps[rng.integers(len(clumps))]
        angle, far = rng.uniform(0, 2 * np.pi), radius * np.sqrt(rng.random())
        at = np.array([x + far * np.cos(angle), y + 0.85 * far * np.sin(angle)])
        lit = 0.5 - 0.35 * (at[1] - y) / radius - 0.2 * (at[0] - x) / radius
        shade = 0.2 + 0.34 * np.clip(lit + rng.normal(0, 0.18), 0, 1) * (
            0.55 + 0.45 * step / leaves
        )
        length = rng.uniform(*size)
        value = np.array([np.clip(rng.normal(0.4, 0.25), 0, 1), shade, 0, 1])
        _leaf(out, at, (length, length * rng.uniform(0.4, 0.75)), rng.uniform(0, 180), value)


def tree(rng: np.random.Generator, n: int) -> np.ndarray:
    """A broad-leaved tree; the trunk is of the third colour."""
    out = _canvas(n, 0.0)
    wood = (0.0, 0.42, 1.0, 1.0)
    trunk = np.array([[0.475, 1], [0.53, 1], [0.518, 0.62], [0.49, 0.62]])
    cv2.fillPoly(out, [np.round(trunk * n).astype(np.int32)], wood)
    for reach, top in ((-0.17, 0.42), (-0.05, 0.3), (0.08, 0.36), (0.19, 0.45)):
        limb = np.array([[0.49, 0.68], [0.52, 0.62], [0.51 + reach, top], [0.5 + reach, top]])
        cv2.fillPoly(out, [np.round(limb * n).astype(np.int32)], wood)
    clumps = [(0.5 * n, 0.36 * n, 0.2 * n)]
    for _ in range(26):
        angle, far = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.3)
        x, y = 0.5 + 1.15 * far * np.cos(angle), 0.36 + 0.85 * far * np.sin(angle)
        clumps.append((x * n, y * n, rng.uniform(0.07, 0.11) * n))
    _crown(out, rng, np.array(clumps), 7000, (3.0, 6.5))
    out[:2] = out[:, :2] = out[:, -2:] = 0
    return out


def conifer(rng: np.random.Generator, n: int) -> np.ndarray:
    out = _canvas(n, 0.0)
    cv2.rectangle(
        out, (int(0.485 * n), int(0.8 * n)), (int(0.515 * n), n), (0.0, 0.4, 1.0, 1.0), -1
    )
    for height in np.linspace(0.96, 0.03, 700):
        reach = 0.36 * height**0.9 * n * rng.uniform(0.4, 1.05)
        side = rng.uniform(-1, 1)
        tip = np.array([0.5 * n + side * reach, (height * 0.9 + 0.05 * abs(side)) * n])
        root = np.array([0.5 * n, (height * 0.9 - 0.02) * n])
        shade = 0.22 + 0.25 * (0.5 - 0.4 * side) * rng.uniform(0.6, 1.2)
        value = (rng.random(), shade, 0.0, 1.0)
        a, b = (root * 8).astype(int), (tip * 8).astype(int)
        cv2.line(out, a.tolist(), b.tolist(), value, 3, cv2.LINE_8, _SHIFT)
    return out


def plant(rng: np.random.Generator, n: int) -> np.ndarray:
    """A pot plant: long leaves from one point, the pot of the third colour."""
    out = _canvas(n, 0.0)
    root = np.array([0.5, 0.76]) * n
    for step in range(60):
        angle = rng.normal(-np.pi / 2, 0.62)
        length = rng.uniform(0.3, 0.68) * n * (0.6 + 0.4 * np.exp(-((angle + np.pi / 2) ** 2)))
        bend = rng.normal(0, 0.5) + 0.7 * np.sign(np.cos(angle)) * abs(np.cos(angle))
        t = np.linspace(0, 1, 12)
        way = angle + bend * t
        spine = root + np.cumsum(np.stack([np.cos(way), np.sin(way)], 1) * length / 12, 0)
        half = (0.028 * n * np.sin(np.pi * np.clip(t, 0.03, 1)) + 0.8)[:, None]
        across = np.stack([-np.sin(way), np.cos(way)], 1) * half
        shade = rng.uniform(0.24, 0.55) * (0.6 + 0.4 * step / 60)
        shape = np.concatenate([spine + across, (spine - across)[::-1]])
        cv2.fillPoly(out, [(shape * 8).astype(np.int32)], (rng.random(), shade, 0.0, 1.0), 8, 3)
        cv2.polylines(
            out, [(spine * 8).astype(np.int32)], False, (0.8, shade * 1.15, 0.0, 1.0), 1, 8, 3
        )
    pot = np.array([[0.36, 0.75], [0.64, 0.75], [0.6, 0.998], [0.4, 0.998]]) * n
    cv2.fillPoly(out, [pot.astype(np.int32)], (0.0, 0.5, 1.0, 1.0))
    x = np.linspace(-1, 1, n)[None] / 0.28
    inside = out[..., 2] > 0.5
    out[..., 1] = np.where(inside, 0.5 - 0.16 * np.clip(x, -1, 1), out[..., 1])
    return out


def leaves(rng: np.random.Generator, n: int) -> np.ndarray:
    """A spray of leaves close to the camera."""
    out = _canvas(n, 0.0)
    for _ in range(26):
        start = np.array([rng.uniform(0.1, 0.9), rng.uniform(0.75, 1.0)]) * n
        angle = rng.normal(-np.pi / 2, 0.45)
        steps = rng.integers(6, 13)
        at = start.copy()
        for step in range(steps):
            angle += rng.normal(0, 0.12)
            following = at + 0.055 * n * np.array([np.cos(angle), np.sin(angle)])
            cv2.line(
                out,
                (at * 8).astype(int).tolist(),
                (following * 8).astype(int).tolist(),
                (0.3, 0.3, 0.8, 1.0),
                1,
                cv2.LINE_8,
                3,
            )
            for side in (-1, 1):
                way = angle + side * rng.uniform(0.5, 1.1)
                length = rng.uniform(0.025, 0.05) * n * (1 - 0.5 * step / steps)
                middle = following + length * np.array([np.cos(way), np.sin(way)])
                value = np.array([rng.random(), rng.uniform(0.3, 0.62), 0, 1])
                _leaf(out, middle, (length, 0.42 * length), np.degrees(way), value)
            at = following
    out[:2] = out[:, :2] = out[:, -2:] = 0
    return out


def treeline(rng: np.random.Generator, n: int) -> np.ndarray:
    """Trees far off, side by side; repeats along u, opaque at the bottom."""
    out = _canvas(n, 0.0)
    for layer in range(3):
        for _ in range(16):
            x, radius = rng.random() * n, rng.uniform(0.05, 0.11) * n
            y = (0.42 + 0.14 * layer + rng.normal(0, 0.09)) * n
            middle, wide = 2 * radius, int(4 * radius)
            stack = np.array(
                [
                    [middle, y, radius],
                    [middle, y + radius, 1.1 * radius],
                    [middle, y + 2.4 * radius, radius],
                ]
            )
            local = np.zeros((n, wide, 4), np.float32)
            _crown(local, rng, stack, 220, (4, 8))
            hue, dim = rng.uniform(-0.3, 0.3), rng.uniform(0.75, 1.1) * (0.85 + 0.08 * layer)
            columns = (np.arange(wide) + int(x)) % n
            local[..., 0] = np.clip(local[..., 0] + hue, 0, 1)
            local[..., 1] *= dim
            out[:, columns] = np.where(local[..., 3:] > 0, local, out[:, columns])
    solid = np.arange(n)[:, None] > 0.68 * n
    out[..., 1] = np.where(solid & (out[..., 3] == 0), 0.25, out[..., 1])
    out[..., 3] = np.where(solid, 1, out[..., 3])
    return out


def facade(rng: np.random.Generator, n: int) -> np.ndarray:
    """Four windows on each of three storeys; glass is the second colour, frames the third."""
    out = _canvas(n, 1.0)
    out[..., 1] = 0.5 + 0.012 * rng.standard_normal((n, n))
    stain = cv2.resize(rng.random((16, 16), np.float32), (n, n), interpolation=cv2.INTER_CUBIC)
    out[..., 1] -= 0.04 * stain
    tall, wide = n / 3, n / 4
    for row in range(3):
        cv2.rectangle(out, (0, int(row * tall)), (n, int(row * tall) + 4), (0, 0.54, 0.35, 1), -1)
        for column in range(4):
            x0, x1 = int((column + 0.27) * wide), int((column + 0.73) * wide)
            y0, y1 = int((row + 0.2) * tall), int((row + 0.78) * tall)
            cv2.rectangle(out, (x0 - 5, y0 - 5), (x1 + 5, y1 + 5), (0, 0.5, 0.9, 1), -1)
            cv2.rectangle(out, (x0 - 8, y1 + 5), (x1 + 8, y1 + 9), (0, 0.56, 0.8, 1), -1)
            glass = np.linspace(rng.uniform(0.5, 0.75), rng.uniform(0.25, 0.45), y1 - y0)
            out[y0:y1, x0:x1] = np.stack(
                [np.ones_like(glass), glass, 0 * glass, 1 + 0 * glass], -1
            )[:, None]
            if rng.random() < 0.5:  # a blind or curtain
                low = y0 + int((y1 - y0) * rng.uniform(0.2, 0.8))
                cv2.rectangle(out, (x0, y0), (x1, low), (0.35, 0.5, 0.55, 1), -1)
            middle = (x0 + x1) // 2
            cv2.rectangle(out, (middle - 1, y0), (middle + 1, y1), (0, 0.5, 0.9, 1), -1)
            bar = y0 + (y1 - y0) // 3
            cv2.rectangle(out, (x0, bar - 1), (x1, bar + 1), (0, 0.5, 0.9, 1), -1)
            cv2.rectangle(out, (x0 - 5, y0 - 5), (x1 + 5, y0 - 3), (0, 0.36, 0.9, 1), -1)
    return out


def shop(rng: np.random.Generator, n: int) -> np.ndarray:
    """A ground floor: two wide panes, a door, a sign without words."""
    out = _canvas(n, 1.0)
    cv2.rectangle(out, (0, int(0.03 * n)), (n, int(0.17 * n)), (0, 0.5, 1, 1), -1)
    for x0, x1 in ((0.03, 0.4), (0.44, 0.56), (0.6, 0.97)):
        low = 0.99 if x1 - x0 < 0.2 else 0.84
        a, b = (int(x0 * n), int(0.22 * n)), (int(x1 * n), int(low * n))
        cv2.rectangle(out, a, b, (1, 0.36, 0, 1), -1)
        for _ in range(14):  # what stands behind the pane
            w, h = rng.uniform(0.02, 0.08), rng.uniform(0.05, 0.35)
            left = rng.uniform(x0, max(x0, x1 - w))
            p = (int(left * n), int((low - h) * n))
            q = (int(min(left + w, x1) * n), b[1])
            cv2.rectangle(out, p, q, (rng.uniform(0.4, 1), rng.uniform(0.3, 0.7), 0, 1), -1)
        cv2.rectangle(out, a, b, (0, 0.3, 0.8, 1), 2)
    return cv2.GaussianBlur(out, (5, 5), 1.0)


def car(rng: np.random.Generator, n: int) -> np.ndarray:
    """A parked car from the side: paint, glass (second colour), tyres and sills (third)."""
    out = _canvas(n, 0.0)
    body = np.array(
        [
            [0.02, 0.80],
            [0.02, 0.56],
            [0.06, 0.46],
            [0.24, 0.40],
            [0.36, 0.16],
            [0.42, 0.12],
            [0.70, 0.12],
            [0.78, 0.16],
            [0.90, 0.40],
            [0.97, 0.46],
            [0.985, 0.60],
            [0.98, 0.80],
        ]
    )
    cv2.fillPoly(out, [(body * n * 8).astype(np.int32)], (0, 0.5, 0, 1), 8, 3)
    rows = np.linspace(0, 1, n)[:, None]
    sheen = 0.5 + 0.1 * np.exp(-(((rows - 0.44) / 0.04) ** 2)) - 0.16 * np.clip(rows - 0.55, 0, 1)
    out[..., 1] = np.where(out[..., 3] > 0, sheen, 0.5)
    for pane in (
        [[0.29, 0.39], [0.38, 0.2], [0.53, 0.18], [0.53, 0.39]],
        [[0.56, 0.39], [0.56, 0.18], [0.71, 0.19], [0.83, 0.39]],
    ):
        shape = (np.array(pane) * n * 8).astype(np.int32)
        cv2.fillPoly(out, [shape], (1, 0.45, 0, 1), 8, 3)
    cv2.rectangle(
        out, (int(0.04 * n), int(0.74 * n)), (int(0.97 * n), int(0.8 * n)), (0, 0.4, 0.85, 1), -1
    )
    for x in (0.2, 0.79):
        # the map is stretched to about 4.2 x 1.45 m, so that wheels are narrow ellipses here
        for size, value in (
            (1.0, (0, 0.34, 1, 1)),
            (0.62, (0, 0.5, 0.35, 1)),
            (0.2, (0, 0.4, 1, 1)),
        ):
            centre = (int(x * n), int(0.8 * n))
            axes = (int(0.073 * n * size), int(0.195 * n * size))
            cv2.ellipse(out, centre, axes, 0, 0, 360, value, -1)
    out[:, :2] = out[:, -2:] = 0
    return out


def _painted(rgb: np.ndarray) -> np.ndarray:
    """(h,w,4) of (h,w,3) sRGB 0-1: square roots of linear light, as the painted maps hold."""
    out = np.ones((*rgb.shape[:2], 4), np.float32)
    out[..., :3] = np.sqrt(np.clip(rgb, 0, 1) ** 2.2)
    return out


def books(rng: np.random.Generator, n: int) -> np.ndarray:
    """Four shelves of books and a few things."""
    rgb = np.full((n, n, 3), 0.16, np.float32)
    tall = n // 4
    spines = np.array(
        [
            [0.55, 0.2, 0.16],
            [0.2, 0.28, 0.38],
            [0.75, 0.7, 0.6],
            [0.25, 0.34, 0.27],
            [0.16, 0.15, 0.16],
            [0.62, 0.48, 0.28],
            [0.8, 0.78, 0.74],
            [0.42, 0.3, 0.26],
        ]
    )
    for shelf in range(4):
        x, bottom = int(rng.uniform(2, 20)), (shelf + 1) * tall - 5
        while x < n - 10:
            if rng.random() < 0.05:
                x += int(rng.uniform(10, 50))
                continue
            w = int(rng.uniform(4, 12))
            h = int(tall * rng.uniform(0.55, 0.82))
            colour = np.clip(spines[rng.integers(len(spines))] + rng.normal(0, 0.05, 3), 0.05, 0.9)
            rgb[bottom - h : bottom, x : min(x + w - 1, n - 4)] = colour
            rgb[bottom - h : bottom, x : x + 1] *= 0.7
            band = bottom - h + int(h * rng.uniform(0.1, 0.3))
            rgb[band : band + 3, x : min(x + w - 1, n - 4)] *= 1.3
            x += w
        rgb[bottom : bottom + 5] = (0.55, 0.46, 0.36)
        rgb[shelf * tall : shelf * tall + 10] *= 0.6
    return _painted(rgb)


def view(rng: np.random.Generator, n: int) -> np.ndarray:
    """What is seen through a window: a bright sky, trees, a bit of lawn; out of focus."""
    rows = np.linspace(0, 1, n, dtype=np.float32)[:, None, None]
    rgb = (1 - rows) * np.array([0.86, 0.93, 1.0]) + rows * np.array([0.95, 0.96, 0.95])
    rgb = np.repeat(rgb, n, 1).astype(np.float32)
    for _ in range(60):
        x, y = rng.random() * n, rng.uniform(0.45, 0.9) * n
        green = np.array([0.42, 0.52, 0.36]) * rng.uniform(0.7, 1.25)
        cv2.circle(rgb, (int(x), int(y)), int(rng.uniform(5, 15)), green.tolist(), -1)
    rgb[int(0.85 * n) :] = (0.62, 0.68, 0.5)
    return _painted(cv2.GaussianBlur(rgb, (0, 0), n / 28))
