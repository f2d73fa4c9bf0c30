"""Moving pictures as an animated GIF, an MP4 film or a folder of PNG pictures.

Nothing half-written stays: a file is written beside and put in its place when it is whole, frames
come into their folder when all of them are there.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import cast

import numpy as np

from poseapp.core.errors import DocumentError, FormatError
from poseapp.formats import gif
from poseapp.formats.files import explain, write_bytes
from poseapp.formats.png import encode_png

FILM_SUFFIXES = (".gif", ".mp4")
MOST_FRAMES = 20_000
_MAX_GIF_BYTES = 1_500_000_000
_CODEC, _QUALITY = "libx264", {"crf": "18", "preset": "medium"}
_BT709, _VIDEO_RANGE = 1, 1  # as FFmpeg counts them

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
        beside = Path(folder) / "film.mp4"
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
    """H.264 in 4:2:0, which browsers, telephones and players show."""
    import av  # films are rare, and FFmpeg is large
    from av.video.reformatter import Colorspace

    height, width = (side - side % 2 for side in first.shape[:2])  # 4:2:0 wants even sides
    try:
        with av.open(str(path), "w", options={"movflags": "+faststart"}) as film:
            rate = Fraction(fps).limit_denominator(1000)
            stream = cast(av.VideoStream, film.add_stream(_CODEC, rate, options=_QUALITY))
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            told = stream.codec_context  # else players guess the colours from the size
            told.colorspace = told.color_primaries = told.color_trc = _BT709
            told.color_range = _VIDEO_RANGE
            for frame in itertools.chain([first], rest):
                shown = np.ascontiguousarray(frame[:height, :width, :3])
                picture = av.VideoFrame.from_ndarray(shown, format="rgb24")
                picture = picture.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709)
                film.mux(stream.encode(picture))
            film.mux(stream.encode(None))
    except av.error.FFmpegError as exc:
        raise DocumentError(
            f"The film could not be written ({exc.strerror}): make room in {path.parent.parent},"
            " where temporary files go, or save a GIF or PNG frames instead."
        ) from exc
