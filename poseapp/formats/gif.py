"""Animated GIFs with one palette fitted to all frames.

OpenCV can write GIFs only in a fixed palette, which turns soft gradients into noise; here the 255
colours are chosen from the pictures, and pixels that stay as they are cost next to nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import cache

import cv2
import numpy as np

_COLOURS = 255
_KEEP = 255  # index of "as in the frame before"
_MIN_CODE_BITS = 8
_LAST_CODE = 4095
_MAX_SIDE = 65_535
_SAMPLES = 30_000


def encode(
    frames: Sequence[np.ndarray],
    durations_cs: Sequence[int],
    progress: Callable[[int], None] | None = None,
) -> bytes:
    """The bytes of a GIF that loops for ever.

    Args:
        frames: at least one, (H, W, 3) uint8 RGB of one size up to 65,535 px a side.
        durations_cs: how long each is shown, hundredths of a second.
        progress: told how many frames are done.
    """
    height, width = frames[0].shape[:2]
    if max(height, width) > _MAX_SIDE:
        raise ValueError(f"a GIF is at most {_MAX_SIDE} px wide and high")
    palette = fit_palette(frames)
    painter = _Painter(palette)
    table = np.zeros((_COLOURS + 1, 3), np.uint8)
    table[: len(palette)] = palette
    parts = [
        b"GIF89a",
        struct.pack("<HHBBB", width, height, 0b1_111_0_111, 0, 0),  # a table of 256 colours
        table.tobytes(),
        b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00",
    ]
    shown: np.ndarray | None = None
    for number, (frame, duration) in enumerate(zip(frames, durations_cs, strict=True), 1):
        indices = painter.paint(frame)
        pixels, place = _changes(shown, indices)
        shown = indices
        # Leave the frame where it is; 255 lets the one before show through.
        parts.append(struct.pack("<BBBBHBB", 0x21, 0xF9, 4, 0b00000101, duration, _KEEP, 0))
        size = pixels.shape[::-1]
        parts.append(struct.pack("<BHHHHB", 0x2C, *place, *size, 0))
        parts.append(bytes([_MIN_CODE_BITS]) + _blocks(compress(pixels.tobytes())))
        if progress is not None:
            progress(number)
    return b"".join([*parts, b"\x3b"])


def fit_palette(frames: Sequence[np.ndarray]) -> np.ndarray:
    """Up to 255 colours that stand for all of the frames; (K, 3) uint8.

    Rare colours count for more than their share, so that a thin limb keeps its shades beside a wide
    background.
    """
    some = frames[:: max(1, len(frames) // 8)]
    step = max(1, round((sum(f.shape[0] * f.shape[1] for f in some) / 600_000) ** 0.5))
    pixels = np.concatenate([frame[::step, ::step].reshape(-1, 3) for frame in some])
    keys, counts = np.unique(pixels.astype(np.int32) @ (65536, 256, 1), return_counts=True)
    colours = np.stack([keys >> 16, keys >> 8 & 255, keys & 255], 1).astype(np.uint8)
    if len(colours) <= _COLOURS:
        return colours
    weight = np.sqrt(counts)
    repeat = np.maximum(1, np.rint(weight * _SAMPLES / weight.sum())).astype(int)
    samples = np.repeat(colours, repeat, axis=0).astype(np.float32)
    cv2.setRNGSeed(1)
    rule = (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 10, 0.5)
    seeds = cv2.KMEANS_PP_CENTERS
    _, _, centres = cv2.kmeans(samples, _COLOURS, None, rule, 1, seeds)
    return np.unique(np.rint(centres).astype(np.uint8), axis=0)


class _Painter:
    """Finds the nearest palette colour of each pixel, and remembers it."""

    def __init__(self, palette: np.ndarray) -> None:
        self._palette = palette.astype(np.float32)
        self._norms = (self._palette**2).sum(1)
        self._known = np.full(1 << 21, -1, np.int16)  # by 7 bits of each channel

    def paint(self, frame: np.ndarray) -> np.ndarray:
        """(H, W, 3) uint8 -> (H, W) uint8 indices into the palette."""
        seven = (frame >> 1).astype(np.int32)
        keys = seven[..., 0] << 14 | seven[..., 1] << 7 | seven[..., 2]
        indices = self._known[keys]
        new = np.unique(keys[indices < 0])
        for start in range(0, len(new), 8192):
            some = new[start : start + 8192]
            colours = np.stack([some >> 14, some >> 7 & 127, some & 127], 1) * 2 + 0.5
            apart = self._norms - 2.0 * colours.astype(np.float32) @ self._palette.T
            self._known[some] = apart.argmin(1)
        return (self._known[keys] if len(new) else indices).astype(np.uint8)


def _changes(shown: np.ndarray | None, now: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
    """The smallest box of pixels that are new, the others in it marked, and its (x, y)."""
    if shown is None:
        return now, (0, 0)
    new = shown != now
    rows, columns = np.flatnonzero(new.any(1)), np.flatnonzero(new.any(0))
    if not len(rows):
        return np.full((1, 1), _KEEP, np.uint8), (0, 0)
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return np.where(new[box], now[box], np.uint8(_KEEP)), (int(columns[0]), int(rows[0]))


@cache
def _widths() -> np.ndarray:
    """Bits of each code of a run, from one that follows a clear code to the table's last entry."""
    clear = 1 << _MIN_CODE_BITS
    entries = np.arange(clear + 1, _LAST_CODE + 1)  # the newest entry as each code is written
    return np.maximum(_MIN_CODE_BITS + 1, np.floor(np.log2(entries)).astype(int) + 1)


def compress(data: bytes) -> bytes:
    """GIF's variant of LZW over bytes."""
    clear, end = 1 << _MIN_CODE_BITS, (1 << _MIN_CODE_BITS) + 1
    runs: list[list[int]] = []
    codes: list[int] = []
    table: dict[int, int] = {}
    newest = end
    code = data[0]
    for byte in data[1:]:
        key = code << 8 | byte
        longer = table.get(key)
        if longer is not None:
            code = longer
            continue
        codes.append(code)
        newest += 1
        table[key] = newest
        code = byte
        if newest == _LAST_CODE:
            codes.append(clear)
            runs.append(codes)
            codes, newest = [], end
            table.clear()
    runs.append([*codes, code, end])
    # The table grows by one with each code, so the widths of all codes are known beforehand.
    widths = [np.array([_MIN_CODE_BITS + 1])]
    widths += [_widths()[: len(run)] for run in runs]
    return _packed(np.concatenate([[clear], *runs]), np.concatenate(widths))


def _packed(codes: np.ndarray, widths: np.ndarray) -> bytes:
    """Codes of given widths one after the other, lowest bit first."""
    bits = (codes[:, None] >> np.arange(12) & 1).astype(np.uint8)
    used = np.arange(12) < widths[:, None]
    return np.packbits(bits[used], bitorder="little").tobytes()


def _blocks(data: bytes) -> bytes:
    """Data in blocks of up to 255 bytes, and an empty one at the end."""
    pieces = [data[at : at + 255] for at in range(0, len(data), 255)]
    return b"".join(bytes([len(piece)]) + piece for piece in pieces) + b"\x00"
