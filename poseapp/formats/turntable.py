"""Turning pictures of a figure as an animated GIF or an MP4 film."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from poseapp.core.errors import FormatError
from poseapp.formats import animation_writer
from poseapp.formats.animation_writer import Progress

SUFFIXES = animation_writer.FILM_SUFFIXES
_MAX_FRAMES = 2000
_EMPTY = "A turntable needs at least one picture: lift a pose first."


def save(
    frames: Iterable[np.ndarray], path: Path, fps: float = 24.0, progress: Progress | None = None
) -> None:
    """Write frames as the file's ending says.

    Args:
        frames: (H, W, 3) uint8 RGB, all of one size; may be made while they are written.
    Raises:
        DocumentError: no frames, another ending, or the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise FormatError(f"A turntable is saved as .gif or .mp4, not as {suffix or path.name}.")
    animation_writer.save_film(frames, path, fps, progress, _MAX_FRAMES, _EMPTY)
