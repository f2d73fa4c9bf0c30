"""Kernels that colour textures, texel by texel. Torch-free."""

import numba
import numpy as np

_KNEE, _BRIGHTEST = np.float32(178.0), np.float32(236.0)


def below_white(values: np.ndarray) -> np.ndarray:
    """Colours of 0 and more, those close to white drawn together: light comes on top of them."""
    span = _BRIGHTEST - _KNEE
    over = np.maximum(values - _KNEE, 0.0)
    return np.clip(np.minimum(values, _KNEE) + span * (1.0 - np.exp(-over / span)), 0.0, 255.0)


@numba.njit(cache=True, nogil=True)
def lay(out: np.ndarray, mask: np.ndarray, colour: np.ndarray, opacity: float) -> None:
    """Mix a colour into a texture where a mask is, in place.

    Args:
        out: (h,w,4) uint8; mask: (h,w) uint8, 255 for all of the colour.
        colour: (3,) float32 of 0 to 255.
    """
    for r in range(mask.shape[0]):
        for c in range(mask.shape[1]):
            if mask[r, c]:
                share = np.float32(mask[r, c] * opacity / 255.0)
                for k in range(3):
                    out[r, c, k] = np.uint8(out[r, c, k] + share * (colour[k] - out[r, c, k]))


@numba.njit(cache=True, nogil=True)
def looked_up(ratio: np.ndarray, table: np.ndarray) -> np.ndarray:
    """(h,w,3) uint8 through a table of (256,3) uint8: (h,w,4), opaque."""
    height, width, _ = ratio.shape
    out = np.empty((height, width, 4), np.uint8)
    for r in range(height):
        for c in range(width):
            for k in range(3):
                out[r, c, k] = table[ratio[r, c, k], k]
            out[r, c, 3] = 255
    return out


@numba.njit(cache=True, nogil=True)
def cloth(
    role: np.ndarray,
    shade: np.ndarray,
    fade: np.ndarray,
    own: np.ndarray,
    main: np.ndarray,
    second: np.ndarray,
    mix: np.ndarray,
    patterned: bool,
) -> np.ndarray:
    """Cloth in its colours.

    Args:
        role: (h,w) uint8: 0 gets the main colour and the pattern, 1 the second colour, 2 keeps
            its own.
        shade, fade, mix: (h,w) float32, of `fabrics.Fabric` and `patterns.mask`; `mix` counts only
            where the cloth is `patterned`.
        own: (h,w,3) uint8; main, second: (3,) float32 of 0 to 255.

    Returns:
        (h,w,4) uint8.
    """
    height, width = role.shape
    out = np.empty((height, width, 4), np.uint8)
    for r in range(height):
        for c in range(width):
            out[r, c, 3] = 255
            if role[r, c] == 2:
                for k in range(3):
                    out[r, c, k] = own[r, c, k]
                continue
            share = np.float32(0.0)
            if role[r, c] == 1:
                share = np.float32(1.0)
            elif patterned:
                share = mix[r, c]
            for k in range(3):
                value = main[k] + share * (second[k] - main[k])
                # Folds show on black cloth too.
                value = max(value, np.float32(14.0)) * shade[r, c]
                value += fade[r, c] * (np.float32(225.0) - value)
                out[r, c, k] = np.uint8(min(np.float32(255.0), max(np.float32(0.0), value)))
    return out


@numba.njit(cache=True, nogil=True)
def tinted(own: np.ndarray, main: np.ndarray, second: np.ndarray) -> np.ndarray:
    """A texture in other colours: what is dark stays dark, what is bright becomes the second.

    Args:
        own: (h,w,3) uint8; main, second: (3,) float32 of 0 to 255.

    Returns:
        (h,w,4) uint8.
    """
    height, width, _ = own.shape
    out = np.empty((height, width, 4), np.uint8)
    for r in range(height):
        for c in range(width):
            red, green, blue = float(own[r, c, 0]), float(own[r, c, 1]), float(own[r, c, 2])
            x = min(1.1, (0.30 * red + 0.59 * green + 0.11 * blue) / 200.0)
            colourful = max(red, green, blue) - min(red, green, blue)
            colourful = 0.5 * min(1.0, max(0.0, (colourful - 60.0) / 60.0))
            to_second = min(1.0, max(0.0, (x - 0.42) / 0.3))
            for k in range(3):
                if x < 0.35:
                    value = main[k] * (x / 0.35) ** 0.7
                else:
                    value = main[k] + (second[k] * min(1.05, max(0.5, x)) - main[k]) * to_second
                value = value * (1.0 - colourful) + colourful * main[k]
                out[r, c, k] = np.uint8(min(255.0, max(0.0, value)))
            out[r, c, 3] = 255
    return out


@numba.njit(cache=True, nogil=True)
def strands(
    ratio: np.ndarray,
    alpha: np.ndarray,
    streak: np.ndarray,
    own: np.ndarray,
    old: np.ndarray,
    grey: float,
    rough: float,
) -> np.ndarray:
    """Hair in its colour, single hairs of it grey.

    Args:
        ratio, streak: (h,w) float32; alpha: (h,w) uint8.
        own, old: (3,) float32 of 0 to 255, of young and of grey hairs.
        grey: the share of grey hairs; rough: 0 to 1, how much strands differ.

    Returns:
        (h,w,4) uint8.
    """
    height, width = ratio.shape
    out = np.empty((height, width, 4), np.uint8)
    spread = 0.24 * min(1.0, 4.0 * grey * (1.2 - grey))
    for r in range(height):
        for c in range(width):
            share = min(1.0, max(0.0, grey * 1.15 + spread * (streak[r, c] - 0.5)))
            for k in range(3):
                start = max(own[k], np.float32(18.0))
                value = (start + share * (old[k] - start)) * ratio[r, c]
                value *= 1.0 + 0.7 * rough * (streak[r, c] - 0.5)
                if value > _KNEE:
                    over = (value - _KNEE) / (_BRIGHTEST - _KNEE)
                    value = _KNEE + (_BRIGHTEST - _KNEE) * (1.0 - np.exp(-over))
                out[r, c, k] = np.uint8(min(255.0, max(0.0, value)))
            out[r, c, 3] = alpha[r, c]
    return out
