"""Checks of what stands in a JSON file, shared by its formats."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from poseapp.core.document import MAX_CANVAS_PX
from poseapp.core.errors import FormatError

_FAR_PX = 1e6


def number(value: Any, what: str, name: str) -> float:
    """A finite number; FormatError for text, true, null and the like."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FormatError(f"{name}: {what} must be a number, not {shown(value)}.")
    try:
        result = float(value)
    except OverflowError:
        result = math.inf
    if not math.isfinite(result):
        raise FormatError(f"{name}: {what} must be a finite number.")
    return result


def numbers(value: Any, what: str, name: str) -> np.ndarray:
    """(N,) float64 of a flat list of finite numbers within a million."""
    if not isinstance(value, list):
        raise FormatError(f"{name}: {what} must be a list of numbers, not {shown(value)}.")
    result = np.array([number(v, f"each of {what}", name) for v in value], float)
    if len(result) and np.abs(result).max() > _FAR_PX:
        raise FormatError(f"{name}: {what} reach beyond a million px.")
    return result


def mapping(value: Any, what: str, name: str) -> dict[str, Any]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise FormatError(f"{name}: {what} must be an object, not {shown(value)}.")
    return value


def mappings(value: Any, what: str, name: str) -> list[dict[str, Any]]:
    """A list of JSON objects; null counts as none."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise FormatError(f"{name}: {what} must be a list, not {shown(value)}.")
    return [mapping(entry, f"each of {what}", name) for entry in value]


def shown(value: Any) -> str:
    """A value in a message, short."""
    text = repr(value) if not isinstance(value, dict | list) else type(value).__name__
    return text if len(text) <= 40 else text[:37] + "..."


def canvas_size(width: Any, height: Any, name: str) -> tuple[int, int] | None:
    """(width, height) px that a file gives; None where it gives none or 0."""
    if not width or not height:
        return None
    size = tuple(
        round(number(v, what, name)) for v, what in ((width, "the width"), (height, "the height"))
    )
    if min(size) < 1 or max(size) > MAX_CANVAS_PX:
        raise FormatError(
            f"{name} asks for a canvas of {size[0]} x {size[1]} px: PoseApp has 1 to"
            f" {MAX_CANVAS_PX:,} px a side."
        )
    return size  # type: ignore[return-value]


def canvas_around(points: Sequence[np.ndarray]) -> tuple[int, int]:
    """A canvas (width, height) px that holds all (N, 2) points, for files that name no size."""
    filled = [p for p in points if len(p)]
    if not filled:
        return 768, 768
    reach = np.concatenate(filled).max(0) * 1.05 + 16.0
    return tuple(int(np.clip(math.ceil(v / 16.0) * 16, 256, MAX_CANVAS_PX)) for v in reach)  # type: ignore[return-value]


def tidy(value: float, digits: int = 4) -> float | int:
    """A number for a file: rounded, whole ones without a fraction."""
    rounded = round(float(value), digits)
    return int(rounded) if rounded == int(rounded) else rounded


def kept(extra: dict[str, Any], key: str) -> dict[str, Any]:
    """What a document or person keeps of the file it came from; {} for none, or a damaged one."""
    value = extra.get(key)
    return value if isinstance(value, dict) else {}
