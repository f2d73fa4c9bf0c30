"""What hangs on walls: prints of no one and nowhere, without their frames. Torch-free.

Makers as in `surfaces`: (rng, n) -> (n,n,4) float32, square roots of linear RGB, and opacity. Row 0
is the top.
"""

import cv2
import numpy as np

Colour = tuple[float, float, float]
_PAPER = (0.93, 0.92, 0.89)
_INKS: tuple[Colour, ...] = (
    (0.2, 0.27, 0.33),
    (0.62, 0.38, 0.28),
    (0.78, 0.62, 0.36),
    (0.36, 0.46, 0.38),
    (0.52, 0.56, 0.6),
    (0.82, 0.74, 0.66),
    (0.5, 0.3, 0.32),
)


def hills(rng: np.random.Generator, n: int) -> np.ndarray:
    """Hills behind each other."""
    rgb = _shaded(n, (0.88, 0.86, 0.82), (0.8, 0.82, 0.83))
    x = np.linspace(0, 2 * np.pi, n)
    for layer in range(4):
        wave = np.sin(x * rng.uniform(0.5, 2) + rng.uniform(0, 6))
        top = n * (0.35 + 0.15 * layer + 0.06 * wave)
        tone = np.array([0.66, 0.7, 0.68]) * (0.95 - 0.2 * layer) + rng.normal(0, 0.025, 3)
        rgb[np.arange(n)[:, None] > top[None]] = tone
    return _mounted(rgb, 0.12)


def sea(rng: np.random.Generator, n: int) -> np.ndarray:
    """A horizon, a low sun and a sail; no mount."""
    rgb = _shaded(n, (0.58, 0.68, 0.76), (0.92, 0.84, 0.74))
    line = int(0.6 * n)
    cv2.circle(rgb, (int(0.68 * n), int(0.46 * n)), n // 14, (0.98, 0.92, 0.78), -1, cv2.LINE_AA)
    rgb[line:] = _shaded(n, (0.6, 0.66, 0.68), (0.26, 0.38, 0.45))[: n - line]
    for _ in range(40):
        y = int(rng.uniform(line + 2, n))
        x, long = rng.uniform(0, n), rng.uniform(4, 16)
        cv2.line(rgb, (int(x), y), (int(x + long), y), (0.66, 0.72, 0.73), 1)
    sail = np.array([[0.3, 0.38], [0.3, 0.59], [0.2, 0.59]]) * n
    cv2.fillPoly(rgb, [sail.astype(np.int32)], (0.95, 0.94, 0.9), cv2.LINE_AA)
    return _opaque(rgb)


def blocks(rng: np.random.Generator, n: int) -> np.ndarray:
    """Bars of a few colours that touch."""
    rgb = _plain(n, _PAPER)
    inks = rng.permutation(len(_INKS))
    bars = (10, 10, 55, 48), (45, 30, 90, 72), (16, 55, 60, 90), (70, 10, 90, 24)
    for bar, ink in zip(bars, inks, strict=False):
        left, top, right, bottom = (int(percent * n / 100) for percent in bar)
        cv2.rectangle(rgb, (left, top), (right, bottom), _INKS[ink], -1)
    return _opaque(cv2.GaussianBlur(rgb, (0, 0), 0.7))


def circles(rng: np.random.Generator, n: int) -> np.ndarray:
    """Discs and half discs on warm paper."""
    rgb = _plain(n, (0.9, 0.85, 0.78))
    for k, ink in enumerate(rng.permutation(len(_INKS))[:4]):
        at = (int((0.3 + 0.4 * (k % 2)) * n), int((0.3 + 0.4 * (k // 2)) * n))
        angle = float(rng.choice([0, 90, 180, 270]))
        sweep = 360 if rng.random() < 0.4 else 180
        radius = int(0.19 * n)
        cv2.ellipse(rgb, at, (radius, radius), angle, 0, sweep, _INKS[ink], -1, cv2.LINE_AA)
    return _opaque(rgb)


def leaf(rng: np.random.Generator, n: int) -> np.ndarray:
    """A twig drawn for a herbarium, in a wide mount."""
    rgb = _plain(n, _PAPER)
    green = (0.38, 0.48, 0.36)
    t = np.linspace(0, 1, 30)
    stem = np.stack([0.5 + 0.1 * np.sin(2.5 * t), 0.92 - 0.82 * t], 1) * n
    cv2.polylines(rgb, [stem.astype(np.int32)], False, green, 1, cv2.LINE_AA)
    for k in range(4, 29, 3):
        for side in (-1, 1):
            size = 0.13 * n * (1.1 - t[k])
            angle = -90 + side * 52 + float(rng.normal(0, 6))
            way = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
            at = stem[k] + way * size
            tone = tuple(float(c * rng.uniform(0.85, 1.15)) for c in green)
            axes = (int(size), max(int(0.4 * size), 1))
            cv2.ellipse(rgb, at.astype(int).tolist(), axes, angle, 0, 360, tone, -1, cv2.LINE_AA)
    return _mounted(rgb, 0.16)


def lines(rng: np.random.Generator, n: int) -> np.ndarray:
    """A few brush strokes."""
    rgb = _plain(n, (0.92, 0.9, 0.86))
    t = np.linspace(0, 1, 60)
    for k in range(3):
        bend = rng.normal(0, 0.25, 4)
        x = 0.15 + 0.7 * t + bend[0] * np.sin(3 * t + bend[1])
        y = 0.3 + 0.2 * k + bend[2] * np.sin(4 * t + 6 * bend[3])
        way = (np.stack([x, y], 1) * n).astype(np.int32)
        ink = _INKS[int(rng.integers(len(_INKS)))]
        cv2.polylines(rgb, [way], False, ink, int(rng.integers(2, 8)), cv2.LINE_AA)
    return _opaque(cv2.GaussianBlur(rgb, (0, 0), 0.8))


def town(rng: np.random.Generator, n: int) -> np.ndarray:
    """A photograph of roofs in black and white, in a mount."""
    rgb = _shaded(n, (0.78, 0.78, 0.78), (0.9, 0.9, 0.9))
    for row in range(3):
        x = -0.05 * n
        while x < n:
            wide = rng.uniform(0.09, 0.2) * n
            top = (0.35 + 0.17 * row + rng.uniform(-0.1, 0.1)) * n
            tone = (0.62 - 0.15 * row + float(rng.uniform(-0.06, 0.06)),) * 3
            gable = [x + wide / 2, top - 0.35 * wide]
            house = np.array([[x, n], [x, top], gable, [x + wide, top], [x + wide, n]])
            cv2.fillPoly(rgb, [house.astype(np.int32)], tone, cv2.LINE_AA)
            for a in np.arange(0.2, 0.8, 0.3):
                for down in range(1, 5):
                    at = (int(x + a * wide), int(top + down * 0.07 * n))
                    end = (at[0] + max(n // 50, 1), at[1] + max(n // 36, 1))
                    cv2.rectangle(rgb, at, end, tuple(0.75 * c for c in tone), -1)
            x += wide
    return _mounted(rgb, 0.1)


def vase(rng: np.random.Generator, n: int) -> np.ndarray:
    """A still life: a vase and fruit on a table, in oil."""
    rgb = _shaded(n, (0.42, 0.4, 0.36), (0.56, 0.5, 0.42))
    rgb[int(0.7 * n) :] = (0.5, 0.36, 0.26)
    belly = (int(0.42 * n), int(0.6 * n))
    cv2.ellipse(rgb, belly, (int(0.13 * n), int(0.18 * n)), 0, 0, 360, (0.5, 0.58, 0.62), -1)
    neck = (int(0.37 * n), int(0.38 * n)), (int(0.47 * n), int(0.5 * n))
    cv2.rectangle(rgb, *neck, (0.5, 0.58, 0.62), -1)
    for _ in range(26):
        at = np.array([0.42, 0.28]) * n + rng.normal(0, 0.09, 2) * n
        ink = ((0.74, 0.5, 0.44), (0.86, 0.78, 0.6), (0.4, 0.46, 0.34))[int(rng.integers(3))]
        cv2.circle(rgb, at.astype(int).tolist(), int(rng.uniform(0.02, 0.05) * n), ink, -1)
    for k in range(3):
        place = (int((0.62 + 0.1 * k) * n), int(0.76 * n))
        cv2.circle(rgb, place, int(0.065 * n), (0.76, 0.52 + 0.06 * k, 0.3), -1)
    rgb += cv2.GaussianBlur(rng.normal(0, 0.14, rgb.shape).astype(np.float32), (0, 0), 1.5)
    return _opaque(cv2.GaussianBlur(rgb, (0, 0), 1.0))


MAKERS = {
    "print_hills": hills,
    "print_sea": sea,
    "print_blocks": blocks,
    "print_circles": circles,
    "print_leaf": leaf,
    "print_lines": lines,
    "print_town": town,
    "print_vase": vase,
}


def _plain(n: int, colour: Colour) -> np.ndarray:
    return np.full((n, n, 3), colour, np.float32)


def _shaded(n: int, top: Colour, bottom: Colour) -> np.ndarray:
    rows = np.linspace(0, 1, n, dtype=np.float32)[:, None, None]
    rgb = (1 - rows) * np.array(top, np.float32) + rows * np.array(bottom, np.float32)
    return np.ascontiguousarray(np.repeat(rgb, n, 1), np.float32)


def _mounted(rgb: np.ndarray, share: float) -> np.ndarray:
    """The picture inside a mount of paper."""
    n = len(rgb)
    edge = int(share * n)
    out = _plain(n, (0.95, 0.945, 0.93))
    inner = (n - 2 * edge, n - 2 * edge)
    out[edge : n - edge, edge : n - edge] = cv2.resize(rgb, inner, interpolation=cv2.INTER_AREA)
    return _opaque(out)


def _opaque(rgb: np.ndarray) -> np.ndarray:
    whole = np.ones((*rgb.shape[:2], 1), np.float32)
    return np.concatenate([np.clip(rgb, 0, 1) ** 1.1, whole], -1).astype(np.float32)
