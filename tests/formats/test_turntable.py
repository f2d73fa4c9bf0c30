"""Turntables: frames go into a film and come out of it again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poseapp.core.errors import DocumentError, FormatError, TaskCancelled
from poseapp.formats import gif, turntable


def _frames(count: int = 12, size: tuple[int, int] = (64, 48)) -> Iterator[np.ndarray]:
    """A white square that moves to the right over red."""
    for number in range(count):
        frame = np.zeros((size[1], size[0], 3), np.uint8)
        frame[:] = (200, 30, 30)
        frame[16:32, 4 * number : 4 * number + 12] = 255
        yield frame


def _centre(frame_bgr: np.ndarray) -> float:
    return float(np.nonzero(frame_bgr.min(2) > 150)[1].mean())


@pytest.mark.parametrize("suffix", [".gif", ".mp4"])
def test_frames_come_out_again_in_order_and_colour(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"turn{suffix}"
    done: list[int] = []
    turntable.save(_frames(), path, fps=20, progress=done.append)
    assert done[-1] == 12
    film = cv2.VideoCapture(str(path))
    frames = []
    while (read := film.read())[0]:
        frames.append(read[1])
    assert len(frames) == 12
    centres = [_centre(frame) for frame in frames]
    assert np.allclose(centres, [4 * n + 5.5 for n in range(12)], atol=1.5)
    assert np.abs(frames[0][40, 60].astype(int) - (30, 30, 200)).max() < 30  # red, not blue
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == [path.name]


def test_a_film_is_what_browsers_and_telephones_play(tmp_path: Path) -> None:
    path = tmp_path / "turn.mp4"
    turntable.save(_frames(24), path, fps=23.976)
    with av.open(str(path)) as film:
        (stream,) = film.streams
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert stream.codec_context.colorspace == 1  # BT.709
        assert float(stream.average_rate) == pytest.approx(23.976, abs=1e-3)
        assert stream.frames == 24
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")  # plays while it still loads


def test_a_gif_keeps_time_and_loops_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "turn.gif"
    turntable.save(_frames(24), path, fps=24)
    _, animation = cv2.imreadanimation(str(path))
    assert animation.loop_count == 0
    assert int(np.sum(animation.durations)) == 1000
    assert set(np.ravel(animation.durations).tolist()) == {40, 50}


def test_a_gif_has_the_colours_of_its_frames(tmp_path: Path) -> None:
    """Soft gradients and many colours, which a fixed palette would turn into noise."""
    y, x = np.mgrid[:120, :160].astype(float)
    frames = []
    for number in range(3):
        frame = np.stack([40 + 0.2 * y, 45 + 0.1 * x, 60 + 0.1 * (x + y)], -1)
        disc = (x - 50 - 20 * number) ** 2 + (y - 60) ** 2 < 900
        frame[disc] = np.stack([90 + y, 140 + 0.5 * x, 255 - y], -1)[disc]
        frames.append(np.clip(frame, 0, 255).astype(np.uint8))
    turntable.save(iter(frames), tmp_path / "turn.gif")
    _, animation = cv2.imreadanimation(str(tmp_path / "turn.gif"))
    assert len(animation.frames) == 3
    for frame, back in zip(frames, animation.frames, strict=True):
        error = np.abs(back[..., 2::-1].astype(int) - frame)
        assert error.mean() < 1.5
        assert np.percentile(error, 99) <= 8


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([2, 5, 255]), st.integers(1, 200_000))
def test_the_compression_is_exact(seed: int, colours: int, length: int) -> None:
    """Tables that overflow, runs and noise alike come out as they went in."""
    rng = np.random.default_rng(seed)
    data = rng.integers(0, colours, length).astype(np.uint8)
    if seed % 2:
        data = np.repeat(data, 40)[:length]
    assert _decompress(gif.compress(data.tobytes())) == data.tobytes()


def _decompress(data: bytes) -> bytes:
    """GIF's LZW as its specification describes the reader."""
    out = bytearray()
    table = [bytes([n]) for n in range(256)] + [b"", b""]
    width, at, last = 9, 0, b""
    while True:
        chunk = int.from_bytes(data[at // 8 : at // 8 + 4], "little")
        code = chunk >> at % 8 & ((1 << width) - 1)
        at += width
        if code == 257:
            assert len(data) == (at + 7) // 8
            return bytes(out)
        if code == 256:
            del table[258:]
            width, last = 9, b""
            continue
        assert code <= len(table)
        entry = table[code] if code < len(table) else last + last[:1]
        out += entry
        if last and len(table) < 4096:
            table.append(last + entry[:1])
        if len(table) == 1 << width and width < 12:
            width += 1
        last = entry


def test_odd_sides_fit_into_a_film(tmp_path: Path) -> None:
    turntable.save(_frames(3, (65, 49)), tmp_path / "turn.mp4")
    assert cv2.VideoCapture(str(tmp_path / "turn.mp4")).read()[1].shape == (48, 64, 3)


def test_cancelling_leaves_no_file(tmp_path: Path) -> None:
    def stop(done: int) -> None:
        if done == 3:
            raise TaskCancelled("stop")

    with pytest.raises(TaskCancelled):
        turntable.save(_frames(), tmp_path / "turn.mp4", progress=stop)
    assert not [file for file in tmp_path.iterdir() if file.is_file()]


def test_faults_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"\.gif or \.mp4"):
        turntable.save(_frames(), tmp_path / "turn.avi")
    with pytest.raises(FormatError, match="at least one picture"):
        turntable.save(iter(()), tmp_path / "turn.gif")
    with pytest.raises(FormatError, match="frames a second"):
        turntable.save(_frames(), tmp_path / "turn.gif", fps=0)
    with pytest.raises(DocumentError, match=r"turn\.gif"):
        turntable.save(_frames(2), tmp_path / "nowhere" / "turn.gif")
