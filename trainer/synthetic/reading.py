"""Reading shards where they lie: any sample at once, nothing unpacked. Torch-free."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np

from trainer.errors import DataError
from trainer.synthetic import shards

_BLOCK = 512  # of a tar


@dataclass(frozen=True)
class Sample:
    """A picture with its labels.

    Attributes:
        index: its number within its set.
        image: (h,w,3) uint8 sRGB.
        mask: (h,w) uint8, how much of each pixel shows the subject, 255 all of it.
        parts, cloth: (h,w) uint8 of `types.Part` and `types.Cloth`.
        labels: what `json` holds.
        extra: other pictures of the sample by ending, such as "clean.jpg", (h,w,3) uint8 sRGB.
    """

    index: int
    image: np.ndarray
    mask: np.ndarray | None
    parts: np.ndarray | None
    cloth: np.ndarray | None
    labels: dict[str, Any]
    extra: dict[str, np.ndarray]


@dataclass(frozen=True)
class Members:
    """Where the files of a shard lie.

    Attributes:
        samples: (n,) int64, the numbers of the samples.
        first: (n+1,) int32, the files of sample i are first[i]:first[i+1].
        offset: (m,) int64 bytes; size: (m,) int64 bytes.
        ending: (m,) int16 into `endings`.
    """

    samples: np.ndarray
    first: np.ndarray
    offset: np.ndarray
    size: np.ndarray
    ending: np.ndarray
    endings: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.samples)


def scan(path: Path) -> Members:
    """Find the files of a shard, reading its headers alone."""
    samples: list[int] = []
    first: list[int] = []
    rows: list[tuple[int, int, int]] = []
    endings: dict[str, int] = {}
    try:
        with path.open("rb") as file:
            for name, offset, size in _headers(file):
                key, _, ending = name.partition(".")
                if not samples or samples[-1] != int(key):
                    samples.append(int(key))
                    first.append(len(rows))
                rows.append((offset, size, endings.setdefault(ending, len(endings))))
    except (OSError, ValueError) as exc:
        raise _unreadable(path, exc) from exc
    table = np.array(rows, np.int64).reshape(-1, 3)
    return Members(
        np.array(samples, np.int64),
        np.array([*first, len(rows)], np.int32),
        table[:, 0].copy(),
        table[:, 1].copy(),
        table[:, 2].astype(np.int16),
        tuple(endings),
    )


def files(path: Path, members: Members, row: int, wanted: tuple[str, ...] = ()) -> dict[str, bytes]:
    """The files of the sample at `row` of a shard, by ending.

    Args:
        wanted: endings to read; empty reads all.
    """
    found: dict[str, bytes] = {}
    try:
        with path.open("rb", buffering=0) as file:
            for member in range(int(members.first[row]), int(members.first[row + 1])):
                ending = members.endings[members.ending[member]]
                if wanted and ending not in wanted:
                    continue
                size = int(members.size[member])
                file.seek(int(members.offset[member]))
                found[ending] = file.read(size)
                if len(found[ending]) != size:
                    raise ValueError("it ends too early")
    except (OSError, ValueError) as exc:
        raise _unreadable(path, exc) from exc
    return found


def decode(index: int, content: dict[str, bytes], source: str = "the shard") -> Sample:
    """Decode the files of a sample.

    Args:
        source: named in errors.
    """
    pictures: dict[str, np.ndarray] = {}
    for ending, encoded in content.items():
        if ending.endswith(("jpg", "png")):
            flag = cv2.IMREAD_COLOR_RGB if ending.endswith("jpg") else cv2.IMREAD_UNCHANGED
            picture = cv2.imdecode(np.frombuffer(encoded, np.uint8), flag) if encoded else None
            if picture is None:
                raise DataError(f"{index:09d}.{ending} in {source} is damaged: draw the set again.")
            pictures[ending] = picture
    if "jpg" not in pictures:
        raise DataError(f"Sample {index} of {source} has no picture: draw the set again.")
    return Sample(
        index,
        pictures.pop("jpg"),
        pictures.pop("mask.png", None),
        pictures.pop("parts.png", None),
        pictures.pop("cloth.png", None),
        labels(content, source),
        pictures,
    )


def labels(content: dict[str, bytes], source: str = "the shard") -> dict[str, Any]:
    """The labels among the files of a sample; empty where it has none."""
    if "json" not in content:
        return {}
    try:
        found = json.loads(content["json"])
    except ValueError as exc:
        raise DataError(f"Labels in {source} are damaged ({exc}): draw the set again.") from exc
    return dict(found)


def verify(folder: Path) -> list[str]:
    """The names of the shards whose checksum is wrong."""
    return [
        shard.name
        for shard in shards.read_index(folder)
        if shards.checksum(folder / shard.name) != shard.sha256
    ]


def _headers(file: BinaryIO) -> Iterator[tuple[str, int, int]]:
    """(name, offset, size) of each file of an uncompressed ustar archive."""
    at = 0
    while True:
        header = file.read(_BLOCK)
        if len(header) < _BLOCK:
            raise ValueError("it ends too early")
        if header[0] == 0:  # the archive's end
            return
        if header[257:262] != b"ustar":
            raise ValueError("it is no tar of this program")
        name = header[:100].rstrip(b"\0").decode("ascii")
        size = int(header[124:135], 8)
        yield name, at + _BLOCK, size
        at += _BLOCK * (1 + -(-size // _BLOCK))
        file.seek(at)


def _unreadable(path: Path, why: object) -> DataError:
    return DataError(
        f"Cannot read {path} ({why}): run the command that drew it again, which puts it right."
    )
