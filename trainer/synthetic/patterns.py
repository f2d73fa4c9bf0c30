"""Patterns of cloth, painted in mm of the cloth. Torch-free.

A pattern is a number between 0 and 1 for each texel: how much of the second colour shows.
"""

from collections.abc import Callable

import cv2
import numpy as np

from trainer.synthetic.streams import stream

Array = np.ndarray


def mask(
    name: str, across: Array, down: Array, scale: float, seed: int, texel_mm: float = 1.0
) -> Array | None:
    """How much of the second colour shows.

    Args:
        name: of `NAMES`.
        across, down: (h,w) float32 mm on the cloth.
        scale: 0.5 fine to 2 coarse.
        seed: of what is random.
        texel_mm: the size of a texel; edges are soft over about one.

    Returns:
        (h,w) float32 of 0 to 1; None for "plain", and for names that this version does not know.
    """
    painter = _PAINTERS.get(name)
    if painter is None:
        return None
    size = float(np.clip(scale, 0.3, 3.0))
    soft = max(0.5, 0.8 * texel_mm / size)
    return painter(across / size, down / size, seed, soft)


def _step(value: Array, soft: float) -> Array:
    """0 below 0 to 1 above, over `soft` on both sides."""
    return np.clip(value / (2.0 * soft) + 0.5, 0.0, 1.0)


def _wave(value: Array, period: float, share: float, soft: float) -> Array:
    """Stripes that fill `share` of each period."""
    phase = np.abs(np.mod(value / period, 1.0) - 0.5)
    return _step((0.5 * share - phase) * period, soft)


def _stripes(s: Array, t: Array, seed: int, soft: float) -> Array:
    return _wave(t, 34.0, 0.42, soft)


def _breton(s: Array, t: Array, seed: int, soft: float) -> Array:
    return _wave(t, 22.0, 0.26, soft)


def _pinstripes(s: Array, t: Array, seed: int, soft: float) -> Array:
    return 0.55 * _wave(s, 17.0, 0.10, soft)


def _block(s: Array, t: Array, seed: int, soft: float) -> Array:
    """One broad band around the chest."""
    middle = float(np.median(t))
    return _step(46.0 - np.abs(t - middle + 60.0), soft)


def _gingham(s: Array, t: Array, seed: int, soft: float) -> Array:
    return 0.5 * _wave(s, 15.0, 0.5, soft) + 0.5 * _wave(t, 15.0, 0.5, soft)


def _checks(s: Array, t: Array, seed: int, soft: float) -> Array:
    """Tartan: broad bands, and a thin line beside each."""
    broad = 0.42 * (_wave(s, 62.0, 0.42, soft) + _wave(t, 62.0, 0.42, soft))
    thin = 0.5 * np.maximum(_wave(s + 31.0, 62.0, 0.06, soft), _wave(t + 31.0, 62.0, 0.06, soft))
    return np.clip(broad + thin, 0.0, 1.0)


def _dots(s: Array, t: Array, seed: int, soft: float) -> Array:
    period = 26.0
    row = np.floor(t / period)
    x = np.mod(s / period + 0.5 * np.mod(row, 2.0), 1.0) - 0.5
    y = np.mod(t / period, 1.0) - 0.5
    return _step(5.4 - np.sqrt(x * x + y * y) * period, soft)


def _argyle(s: Array, t: Array, seed: int, soft: float) -> Array:
    x = np.abs(np.mod(s / 64.0, 1.0) - 0.5)
    y = np.abs(np.mod(t / 96.0, 1.0) - 0.5)
    filled = 0.8 * _step((0.5 - x - y) * 64.0, soft)
    x2 = np.abs(np.mod(s / 64.0 + 0.5, 1.0) - 0.5)
    y2 = np.abs(np.mod(t / 96.0 + 0.5, 1.0) - 0.5)
    line = _step(1.4 - np.abs(0.5 - x2 - y2) * 64.0, soft)
    return np.maximum(filled, 0.6 * line)


def _field(s: Array, t: Array, seed: int, name: str, period: float, octaves: int) -> Array:
    """Smooth noise over the cloth, about -1 to 1."""
    rng = stream(seed, "pattern", name)
    total = np.zeros_like(s)
    weight = 1.0
    for _ in range(octaves):
        grid = rng.normal(size=(64, 64)).astype(np.float32)
        x = np.mod(s / period, 64.0).astype(np.float32)
        y = np.mod(t / period, 64.0).astype(np.float32)
        total += weight * cv2.remap(grid, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_WRAP)
        period, weight = period / 2.0, weight * 0.5
    return total / 0.9


def _camouflage(s: Array, t: Array, seed: int, soft: float) -> Array:
    large = _field(s, t, seed, "camouflage", 70.0, 2)
    small = _field(s, t, seed, "patches", 48.0, 2)
    return np.clip(0.55 * _step(large - 0.15, 0.06) + 0.45 * _step(small - 0.35, 0.06), 0.0, 1.0)


def _print(s: Array, t: Array, seed: int, soft: float) -> Array:
    """Scattered flowers of five petals."""
    period = 44.0
    rng = stream(seed, "pattern", "print")
    jitter = rng.uniform(-0.22, 0.22, (2, 64, 64)).astype(np.float32)
    turn = rng.uniform(0.0, 2.0 * np.pi, (64, 64)).astype(np.float32)
    large = rng.uniform(0.55, 1.0, (64, 64)).astype(np.float32)
    row, column = np.floor(t / period).astype(np.int64), np.floor(s / period).astype(np.int64)
    r, c = np.mod(row, 64), np.mod(column, 64)
    x = (s / period - column - 0.5 - jitter[0][r, c]) * period
    y = (t / period - row - 0.5 - jitter[1][r, c]) * period
    angle = np.arctan2(y, x) + turn[r, c]
    radius = np.sqrt(x * x + y * y)
    petal = large[r, c] * (8.0 + 4.0 * np.cos(5.0 * angle))
    flower = _step(petal - radius, soft)
    return flower * (1.0 - 0.75 * _step(2.6 * large[r, c] - radius, soft))


def _zebra(s: Array, t: Array, seed: int, soft: float) -> Array:
    bend = _field(s, t, seed, "zebra", 90.0, 2)
    fork = _field(s, t, seed, "forks", 40.0, 1)
    return _step(np.sin(2.0 * np.pi * (t + 34.0 * bend) / 38.0) + 0.35 * fork, 0.12)


def _leopard(s: Array, t: Array, seed: int, soft: float) -> Array:
    """Broken rings around spots, each a little out of place."""
    period = 25.0
    rng = stream(seed, "pattern", "leopard")
    jitter = rng.uniform(-0.2, 0.2, (2, 64, 64)).astype(np.float32)
    turn = rng.uniform(0.0, 2.0 * np.pi, (64, 64)).astype(np.float32)
    row = np.floor(t / period).astype(np.int64)
    shifted = s / period + 0.5 * np.mod(row, 2)
    column = np.floor(shifted).astype(np.int64)
    r, c = np.mod(row, 64), np.mod(column, 64)
    x = (shifted - column - 0.5 - jitter[0][r, c]) * period
    y = (t / period - row - 0.5 - jitter[1][r, c]) * period
    angle = np.arctan2(y, 0.85 * x) + turn[r, c]
    wobble = 1.0 + 0.16 * np.cos(2.0 * angle) + 0.1 * np.cos(5.0 * angle)
    ring = np.abs(np.hypot(x, y) / wobble - 7.2)
    broken = np.clip(0.5 + 1.6 * np.cos(2.0 * angle + 0.7 * np.sin(angle)), 0.0, 1.0)
    return _step(2.1 - ring, soft) * (0.25 + 0.75 * broken)


def _melange(s: Array, t: Array, seed: int, soft: float) -> Array:
    """Yarn of two shades: heather grey."""
    grain = _field(s * 1.0, t * 3.0, seed, "yarn", 5.0, 2)
    return np.clip(0.3 + 0.22 * grain, 0.0, 1.0)


def _raglan(s: Array, t: Array, seed: int, soft: float) -> Array:
    """The shoulders in the second colour."""
    return _step(190.0 - t, soft)


_PAINTERS: dict[str, Callable[[Array, Array, int, float], Array]] = {
    "stripes": _stripes,
    "breton": _breton,
    "pinstripes": _pinstripes,
    "band": _block,
    "checks": _checks,
    "gingham": _gingham,
    "argyle": _argyle,
    "dots": _dots,
    "print": _print,
    "melange": _melange,
    "camouflage": _camouflage,
    "zebra": _zebra,
    "leopard": _leopard,
    "two-tone": _raglan,
}

NAMES = ("plain", *_PAINTERS)
