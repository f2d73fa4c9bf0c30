"""Sets of synthetic people as recipes use them: random access over all shards. Torch-free.

A set may be read by several threads at once, and by the processes of a torch `DataLoader`.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from trainer.errors import DataError
from trainer.synthetic import reading, shards
from trainer.synthetic.reading import Members, Sample

SPLITS = ("train", "validation", "test")


class SyntheticSet:
    """The samples of one folder, or of several.

    Args:
        folders: made by `python -m trainer data synth`; may still be growing: what is done when
            it is opened counts.
        split: keeps the samples of one split; None keeps all.
        files: the endings that are read, e.g. ("jpg", "json"); empty reads all.
    """

    def __init__(
        self,
        folders: Path | str | Sequence[Path | str],
        split: str | None = None,
        files: tuple[str, ...] = (),
    ) -> None:
        listed = [folders] if isinstance(folders, str | Path) else folders
        self.folders = [Path(folder).expanduser() for folder in listed]
        self.split = split
        self.files = files
        self.paths: list[Path] = []
        shard_of, row_of, number_of = [], [], []
        for folder in self.folders:
            shards.read_plan(folder)  # says so where this is no such folder
            for shard in shards.read_index(folder):
                names = [name for name, count in shard.splits for _ in range(count)]
                rows = np.array(
                    [row for row, name in enumerate(names) if split in (None, name)], np.int32
                )
                shard_of.append(np.full(len(rows), len(self.paths), np.int32))
                row_of.append(rows)
                number_of.append(shard.first + rows.astype(np.int64))
                self.paths.append(folder / shard.name)
        empty = np.zeros(0, np.int64)
        self._shard = np.concatenate([empty, *shard_of]).astype(np.int32)
        self._row = np.concatenate([empty, *row_of]).astype(np.int32)
        self.numbers = np.concatenate([empty, *number_of])
        """(n,) int64, the number of each sample within its folder's set."""
        self._members: dict[int, Members] = {}
        if not len(self):
            of = f" of the split {split}" if split else ""
            where = ", ".join(map(str, self.folders))
            raise DataError(f"{where} holds no picture{of} yet: draw more with `data synth`.")

    def __len__(self) -> int:
        return len(self._row)

    def __getitem__(self, index: int) -> Sample:
        """A decoded sample."""
        place = self._place(index)
        number = int(self.numbers[place])
        return reading.decode(number, self._files(place, self.files), self._source(place))

    def __iter__(self) -> Iterator[Sample]:
        return (self[index] for index in range(len(self)))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_members": {}}

    def labels(self, index: int) -> dict[str, Any]:
        """The labels of a sample alone, without decoding a picture."""
        place = self._place(index)
        return reading.labels(self._files(place, ("json",)), self._source(place))

    def columns(self, *names: str, threads: int = 4) -> dict[str, np.ndarray]:
        """Labels of all samples as arrays.

        Args:
            names: e.g. "identity", "keypoints".
        Returns:
            by name: (n, ...) of what the labels hold.
        """
        with ThreadPoolExecutor(threads) as pool:
            rows = list(pool.map(lambda i: self._values(i, names), range(len(self)), chunksize=256))
        return {name: np.array([row[k] for row in rows]) for k, name in enumerate(names)}

    def groups(self, name: str = "identity") -> dict[Any, np.ndarray]:
        """Which samples share a value of a label.

        Returns:
            by value: (k,) int64 indices, rising.
        """
        values, which = np.unique(self.columns(name)[name], return_inverse=True)
        order = np.argsort(which, kind="stable")
        ends = np.cumsum(np.bincount(which, minlength=len(values)))[:-1]
        return dict(zip(values.tolist(), np.split(order, ends), strict=True))

    def images(self, indices: Sequence[int] | np.ndarray, threads: int = 4) -> np.ndarray:
        """(k,h,w,3) uint8 sRGB, the pictures alone; they must be of one size."""
        with ThreadPoolExecutor(threads) as pool:
            return np.stack(list(pool.map(self._image, map(int, indices))))

    def _image(self, index: int) -> np.ndarray:
        place = self._place(index)
        content = self._files(place, ("jpg",))
        return reading.decode(int(self.numbers[place]), content, self._source(place)).image

    def _values(self, index: int, names: tuple[str, ...]) -> list[Any]:
        found = self.labels(index)
        try:
            return [found[name] for name in names]
        except KeyError as exc:
            raise DataError(
                f"{self._source(index)} has no label {exc}, only {', '.join(found)}."
            ) from exc

    def _place(self, index: int) -> int:
        if not -len(self) <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        return int(index) % len(self)

    def _files(self, place: int, wanted: tuple[str, ...]) -> dict[str, bytes]:
        number = int(self._shard[place])
        members = self._members.get(number)
        if members is None:  # two threads may both scan: the same comes out
            members = self._members[number] = reading.scan(self.paths[number])
        row = int(self._row[place])
        if row >= len(members) or members.samples[row] != self.numbers[place]:
            raise DataError(
                f"{self._source(place)} does not hold what its index says: run the command that "
                "drew it again, which puts it right."
            )
        return reading.files(self.paths[number], members, row, wanted)

    def _source(self, place: int) -> str:
        return str(self.paths[int(self._shard[place])])
