"""Moving pictures as an animated GIF, an MP4 film or a folder of PNG pictures.

Nothing half-written stays: a file is written beside and put in its place when it is whole, frames
come into their folder when all of them are there.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np

from poseapp.core.errors import DocumentError, FormatError
from poseapp.formats import gif
from poseapp.formats.files import explain, write_bytes
from poseapp.formats.png import encode_png

FILM_SUFFIXES = (".gif", ".mp4")
MOST_FRAMES = 20_000
_MAX_GIF_BYTES = 1_500_000_000
_NO_CODEC = (
    "This OpenCV cannot write MP4 films: save a GIF or PNG frames instead, or get its usual build"
    " with `pip install opencv-python-headless`."
)

Progress = Callable[[int], None]
"""Told how many frames are done; whatever it raises ends the work and leaves no file."""


def save_film(
    frames: Iterable[np.ndarray],
    path: Path,
    fps: float,
    progress: Progress | None = None,
    most: int = MOST_FRAMES,
    empty: str = "There is no picture to write.",
) -> None:
    """Write frames as the file's ending says, .gif or .mp4.

    Args:
        frames: (H, W, 3) uint8 RGB, all of one size; may be made while they are written.
        most: how many there may be.
        empty: the sentence for none at all.
    Raises:
        DocumentError: no frames, another ending, or the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in FILM_SUFFIXES:
        raise FormatError(f"A film is saved as .gif or .mp4, not as {suffix or path.name}.")
    if not 0 < fps <= 100:
        raise FormatError(f"A film takes up to 100 frames a second, not {fps}.")
    counted = _counted(frames, progress if suffix == ".mp4" else None, most)
    if suffix == ".gif":
        write_bytes(path, _gif(counted, fps, progress, empty))
        return
    first = next(counted, None)
    if first is None:
        raise FormatError(empty)
    with tempfile.TemporaryDirectory(prefix="poseapp-") as folder:
        beside = Path(folder) / "film.mp4"  # OpenCV writes to paths only
        _write_mp4(first, counted, beside, fps)
        write_bytes(path, beside.read_bytes())


def save_frames(
    frames: Iterable[np.ndarray], folder: Path, progress: Progress | None = None
) -> int:
    """Write frames as `frame_0001.png`, ... into a folder; earlier frames there are replaced.

    Args:
        frames: (H, W, 3) RGB or (H, W, 4) RGBA uint8.
    Returns:
        How many.
    Raises:
        DocumentError: no frames, or they cannot be written; then the folder is as it was.
    """
    return save_files((encode_png(frame) for frame in frames), folder, ".png", progress)


def save_files(
    contents: Iterable[bytes], folder: Path, suffix: str, progress: Progress | None = None
) -> int:
    """As `save_frames`, of the bytes of files with another ending."""
    if folder.exists() and not folder.is_dir():
        raise DocumentError(f"{folder.name} is a file: choose a folder for the frames.")
    count = 0
    beside: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{folder.name[:40]}.", dir=folder.parent))
        for count, content in enumerate(contents, 1):
            (beside / f"frame_{count:04d}{suffix}").write_bytes(content)
            if progress is not None:
                progress(count)
        if not count:
            raise FormatError("There is no picture to write.")
        folder.mkdir(exist_ok=True)
        pattern = re.compile(rf"frame_\d{{4,}}{re.escape(suffix)}")
        for old in [p for p in folder.iterdir() if pattern.fullmatch(p.name)]:
            old.unlink()
        for new in sorted(beside.iterdir()):
            os.replace(new, folder / new.name)  # noqa: PTH105 - the name that a test can make fail
    except (OSError, ValueError) as exc:
        explain(folder, exc)
    finally:
        if beside is not None:
            shutil.rmtree(beside, ignore_errors=True)
    return count


def _counted(
    frames: Iterable[np.ndarray], progress: Progress | None, most: int
) -> Iterator[np.ndarray]:
    for number, frame in enumerate(frames, 1):
        if number > most:
            raise FormatError(f"A film holds up to {most:,} pictures.")
        yield frame
        if progress is not None:
            progress(number)


def _gif(frames: Iterator[np.ndarray], fps: float, progress: Progress | None, empty: str) -> bytes:
    held: list[np.ndarray] = []  # the palette is fitted to all of them
    for frame in frames:
        held.append(frame)
        if len(held) * frame.nbytes > _MAX_GIF_BYTES:
            raise FormatError(
                f"A GIF of so many pictures of {frame.shape[1]} x {frame.shape[0]} px is too large:"
                " make them smaller or fewer, or save an MP4."
            )
    if not held:
        raise FormatError(empty)
    # GIF counts hundredths of a second: spread the rounding over the frames.
    ends = np.rint(np.arange(len(held) + 1) * 100.0 / fps).astype(int)
    return gif.encode(held, np.diff(ends).tolist(), progress)


def _write_mp4(first: np.ndarray, rest: Iterator[np.ndarray], path: Path, fps: float) -> None:
    height, width = (side - side % 2 for side in first.shape[:2])  # the codec wants even sides
    code = cv2.VideoWriter.fourcc(*"mp4v")
    writer = cv2.VideoWriter(str(path), code, fps, (width, height))
    count = 1
    try:
        if not writer.isOpened():
            raise FormatError(_NO_CODEC)
        writer.write(_bgr(first[:height, :width]))
        for frame in rest:
            writer.write(_bgr(frame[:height, :width]))
            count += 1
    finally:
        writer.release()
    if not path.is_file() or not path.stat().st_size:
        raise FormatError(_NO_CODEC)
    if _frames_in(path) < count:  # OpenCV keeps quiet about a full disk
        raise DocumentError(
            f"The film was cut short while it was written: make room in {path.parent.parent}, where"
            " temporary files go."
        )


def _frames_in(path: Path) -> int:
    film = cv2.VideoCapture(str(path))
    try:
        return int(film.get(cv2.CAP_PROP_FRAME_COUNT)) if film.isOpened() else 0
    finally:
        with contextlib.suppress(cv2.error):
            film.release()


def _bgr(frame: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(frame[..., 2::-1])
