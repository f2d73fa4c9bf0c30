"""The files below MakeHuman's `data` folder, gzipped or in a zip archive too. Torch-free."""

import gzip
import json
import posixpath
import zipfile
import zlib
from pathlib import Path
from typing import Any

from trainer.errors import DataError

BASE_MESH = "3dobjs/base.obj"
_ROOTS = ("", "data", "makehuman/data", "share/makehuman/data", "base")


class Tree:
    """The files below MakeHuman's `data` folder, also where it lies in a zip archive.

    Names are relative, with "/". A file that is there only as NAME.gz answers to NAME.
    """

    def __init__(self, source: Path) -> None:
        self.source = source
        self._zip: zipfile.ZipFile | None = None
        self._names: dict[str, str] = {}  # as asked for, without regard to case: as stored
        if source.is_dir():
            self._root = self._found(source)
            found = [
                p.relative_to(self._root).as_posix() for p in self._root.rglob("*") if p.is_file()
            ]
        elif zipfile.is_zipfile(source):
            self._zip = zipfile.ZipFile(source)
            names = self._zip.namelist()
            bases = [n for n in names if f"/{n}".removesuffix(".gz").endswith(f"/{BASE_MESH}")]
            if not bases:
                raise DataError(_not_here(source))
            base = min(bases, key=len).removesuffix(".gz")
            self._prefix = base[: len(base) - len(BASE_MESH)]
            found = [
                n[len(self._prefix) :]
                for n in names
                if n.startswith(self._prefix) and not n.endswith("/")
            ]
        else:
            raise DataError(_not_here(source))
        for stored in sorted(found, reverse=True):  # "x" goes before "x.gz"
            self._names[stored.removesuffix(".gz").lower()] = stored

    @staticmethod
    def _found(source: Path) -> Path:
        for root in _ROOTS:
            if any((source / root / f"{BASE_MESH}{end}").is_file() for end in ("", ".gz")):
                return source / root
        raise DataError(_not_here(source))

    def names(self, folder: str, *endings: str) -> list[str]:
        """The files below a folder with one of these endings, sorted."""
        stored = (n.removesuffix(".gz") for n in self._names.values())
        inside = (n for n in stored if n.lower().startswith(f"{folder.lower()}/"))
        return sorted(n for n in inside if n.lower().endswith(endings))

    def __contains__(self, name: str) -> bool:
        return posixpath.normpath(name).lower() in self._names

    def read(self, name: str) -> bytes:
        """The bytes of a file, unpacked."""
        stored = self._names.get(posixpath.normpath(name).lower())
        if stored is None:
            raise DataError(f"{self.source} lacks {name}.")
        try:
            if self._zip is not None:
                data = self._zip.read(self._prefix + stored)
            else:
                data = (self._root / stored).read_bytes()
            return gzip.decompress(data) if stored.lower().endswith(".gz") else data
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError) as exc:
            raise DataError(f"Cannot read {stored} in {self.source}: {exc}.") from exc

    def text(self, name: str) -> str:
        return self.read(name).decode("utf-8", "replace")

    def json(self, name: str) -> dict[str, Any]:
        try:
            value = json.loads(self.text(name))
        except ValueError as exc:
            raise DataError(f"{name} is not valid JSON: {exc}.") from exc
        if not isinstance(value, dict):
            raise DataError(f"{name} does not hold a JSON object.")
        return value

    def close(self) -> None:
        if self._zip is not None:
            self._zip.close()


def _not_here(source: Path) -> str:
    return (
        f"There is no MakeHuman data folder at {source}: point it to the folder (or zip) that "
        f"holds {BASE_MESH}, such as the `data` folder of an installed MakeHuman or of its sources "
        "(makehumancommunity.org; the core assets are CC0)."
    )
