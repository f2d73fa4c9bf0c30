"""Turning pictures of a figure as an animated GIF or an MP4 film."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np

from poseapp.core.errors import FormatError
from poseapp.formats import gif
from poseapp.formats.files import write_bytes

SUFFIXES = (".gif", ".mp4")
_MAX_FRAMES = 2000
_EMPTY = "A turntable needs at least one picture: lift a pose first."

Progress = Callable[[int], None]
"""Told how many frames are done; whatever it raises ends the work and leaves no file."""


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
    if not 0 < fps <= 100:
        raise FormatError(f"A turntable takes up to 100 frames a second, not {fps}.")
    counted = _counted(frames, progress if suffix == ".mp4" else None)
    if suffix == ".gif":
        write_bytes(path, _gif(list(counted), fps, progress))
        return
    first = next(counted, None)
    if first is None:
        raise FormatError(_EMPTY)
    with tempfile.TemporaryDirectory(prefix="poseapp-") as folder:
        beside = Path(folder) / "turntable.mp4"  # OpenCV writes to paths only
        _write_mp4(first, counted, beside, fps)
        write_bytes(path, beside.read_bytes())


def _counted(frames: Iterable[np.ndarray], progress: Progress | None) -> Iterator[np.ndarray]:
    for number, frame in enumerate(frames, 1):
        if number > _MAX_FRAMES:
            raise FormatError(f"A turntable holds up to {_MAX_FRAMES} pictures.")
        yield frame
        if progress is not None:
            progress(number)


def _gif(frames: list[np.ndarray], fps: float, progress: Progress | None) -> bytes:
    if not frames:
        raise FormatError(_EMPTY)
    # GIF counts hundredths of a second: spread the rounding over the frames.
    ends = np.rint(np.arange(len(frames) + 1) * 100.0 / fps).astype(int)
    return gif.encode(frames, np.diff(ends).tolist(), progress)


def _write_mp4(first: np.ndarray, rest: Iterator[np.ndarray], path: Path, fps: float) -> None:
    height, width = (side - side % 2 for side in first.shape[:2])  # the codec wants even sides
    code = cv2.VideoWriter.fourcc(*"mp4v")
    writer = cv2.VideoWriter(str(path), code, fps, (width, height))
    try:
        if not writer.isOpened():
            raise FormatError("This OpenCV cannot write MP4 films: save a GIF instead.")
        writer.write(_bgr(first[:height, :width]))
        for frame in rest:
            writer.write(_bgr(frame[:height, :width]))
    finally:
        writer.release()
    if not path.is_file() or not path.stat().st_size:
        raise FormatError("This OpenCV cannot write MP4 films: save a GIF instead.")


def _bgr(frame: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(frame[..., ::-1])
