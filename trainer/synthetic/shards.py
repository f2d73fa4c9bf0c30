"""A folder of tar shards that can be filled bit by bit, and killed at any moment. Torch-free.

    set.json                what is drawn: set, seed, count, shard size, assets, poses, program
    poses.npz               poses of lifted photographs, where the set has such
    index.json              the shards that are done, with the SHA-256 of each
    pairs128-000000.tar     000000000.jpg, 000000000.mask.png, ... 000000000.json, 000000001.jpg ...

The layout of the shards is WebDataset's. The same plan gives the same bytes in every file. A shard
counts once `index.json` names it, which happens after the shard is on the disk under its own name:
what a killed run leaves uncounted is thrown away and drawn again.
"""

import errno
import hashlib
import io
import itertools
import json
import logging
import os
import re
import sys
import tarfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from trainer.errors import DataError

FORMAT = 1
SET_FILE, INDEX_FILE = "set.json", "index.json"
SHARD_SIZE = 240
"""A multiple of 16, so that the pictures of one identity lie in one shard and it is built once."""

_PART = ".part"
_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """What a folder is to hold.

    Attributes:
        assets: what the people are made of, e.g. "makehuman 4f0c...".
        poses: which lifted people stand model, or "none: " and why there are none.
        drawing: digest of the program that draws; "a+b" where b went on with the shards of a.
        versions: the libraries that draw; another one may round differently.
    """

    set: str
    seed: int
    count: int
    shard_size: int = SHARD_SIZE
    assets: str = ""
    poses: str = ""
    drawing: str = ""
    versions: dict[str, str] = field(default_factory=dict)

    def shards(self) -> int:
        """How many shards that makes."""
        return -(-self.count // self.shard_size)

    def span(self, number: int) -> range:
        """The samples of a shard."""
        first = number * self.shard_size
        return range(first, min(first + self.shard_size, self.count))

    def name(self, number: int) -> str:
        """The file name of a shard."""
        return f"{self.set}-{number:06d}.tar"


@dataclass(frozen=True)
class Packed:
    """The bytes of a shard.

    Attributes:
        splits: (name, count) of the runs of samples of one split, in order; the name is "" where
            the samples name none.
    """

    number: int
    content: bytes
    sha256: str
    splits: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Shard:
    """A shard that is done: a row of `index.json`."""

    name: str
    first: int
    count: int
    bytes: int
    sha256: str
    splits: tuple[tuple[str, int], ...]


def pack(number: int, samples: Iterable[tuple[int, Mapping[str, bytes]]]) -> Packed:
    """Put samples into a tar: the same samples give the same bytes.

    Args:
        samples: (index, files by ending); "json", where there is one, may name a "split".
    """
    buffer = io.BytesIO()
    splits: list[str] = []
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for index, files in samples:
            for ending, content in files.items():
                info = tarfile.TarInfo(f"{index:09d}.{ending}")  # no owner, mtime 0
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
            labels = json.loads(files["json"]) if "json" in files else {}
            splits.append(str(labels.get("split", "")))
    runs = tuple((name, len(list(group))) for name, group in itertools.groupby(splits))
    content = buffer.getvalue()
    return Packed(number, content, hashlib.sha256(content).hexdigest(), runs)


class SetFolder:
    """The folder of a set, held by one run at a time: `with SetFolder(path, plan) as folder`.

    Entering it makes the folder or goes on with the one that is there: shards whose checksum is
    right stay, everything half-written goes.

    Args:
        files: what lies beside the shards, by name.
        mixed: go on also where another program drew the shards that are done.
    """

    def __init__(
        self,
        path: Path,
        plan: Plan,
        files: Mapping[str, bytes] | None = None,
        mixed: bool = False,
    ) -> None:
        if plan.count < 1 or plan.shard_size < 1 or plan.seed < 0:
            raise DataError("A count and a shard size are at least 1, and a seed at least 0.")
        self.path = path
        self.plan = plan
        self._files = dict(files or {})
        self._mixed = mixed
        self._shards: dict[int, Shard] = {}
        self._lock: int | None = None

    def __enter__(self) -> "SetFolder":
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(self.path)
            old = read_plan(self.path) if (self.path / SET_FILE).exists() else None
            if old is None:
                self._refuse_foreign()
            else:
                self._refuse_other(old)
            self._verify(read_index(self.path) if old else [])
            if old is not None:
                self._refuse_other_program(old)
            self._sweep()
            for name, content in self._files.items():
                if checksum(self.path / name) != hashlib.sha256(content).hexdigest():
                    _write(self.path / name, content)
            _write(self.path / SET_FILE, _json(FORMAT, asdict(self.plan)))
            self._write_index()
        except OSError as exc:
            self._unlock()
            raise self._unwritable(exc) from exc
        except BaseException:
            self._unlock()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._unlock()

    @property
    def shards(self) -> tuple[Shard, ...]:
        """The shards that are done, by number."""
        return tuple(self._shards[number] for number in sorted(self._shards))

    def done(self) -> int:
        """How many samples are done."""
        return sum(shard.count for shard in self._shards.values())

    def missing(self) -> list[int]:
        """The numbers of the shards that are still to draw."""
        return [n for n in range(self.plan.shards()) if n not in self._shards]

    def add(self, packed: Packed) -> None:
        """Store a shard: on the disk first, then in the index."""
        span = self.plan.span(packed.number)
        if sum(count for _, count in packed.splits) != len(span):
            raise DataError(f"Shard {packed.number} does not hold {len(span)} samples.")
        name = self.plan.name(packed.number)
        try:
            _write(self.path / name, packed.content)
            self._shards[packed.number] = Shard(
                name, span.start, len(span), len(packed.content), packed.sha256, packed.splits
            )
            self._write_index()
        except OSError as exc:
            raise self._unwritable(exc) from exc

    def _write_index(self) -> None:
        rows = [asdict(shard) for shard in self.shards]
        _write(self.path / INDEX_FILE, _json(FORMAT, {"set": self.plan.set, "shards": rows}))

    def _refuse_foreign(self) -> None:
        """A folder with shards of something else must not be swept."""
        if (self.path / INDEX_FILE).exists() or next(self.path.glob("*.tar"), None):
            raise DataError(
                f"{self.path} holds shards but no {SET_FILE} that says of what: choose another "
                "--out."
            )

    def _refuse_other(self, old: Plan) -> None:
        for what, is_, wanted in (
            ("set", old.set, self.plan.set),
            ("seed", old.seed, self.plan.seed),
            ("shard size", old.shard_size, self.plan.shard_size),
            ("data", old.assets, self.plan.assets),
            ("poses", old.poses, self.plan.poses),
        ):
            if is_ != wanted:
                raise DataError(
                    f"{self.path} was begun with the {what} {_or(is_)}, not {wanted}: choose "
                    "another --out, or go on with the same options."
                )
        if self.plan.count < old.count:
            raise DataError(
                f"{self.path} is to hold {old.count} pictures: ask for --count {old.count} or "
                f"more, or choose another --out for {self.plan.count}."
            )
        if old.versions != self.plan.versions:
            _log.warning(
                "%s was begun with %s and goes on with %s: pictures may differ in single bits.",
                self.path,
                _said(old.versions),
                _said(self.plan.versions),
            )

    def _refuse_other_program(self, old: Plan) -> None:
        """Shards of two programs show two kinds of people: only who asks for it gets that."""
        last = old.drawing.rpartition("+")[2]
        if self.plan.drawing == last or not self.missing():
            self.plan = replace(self.plan, drawing=old.drawing)
        elif self._mixed or not self._shards:
            whose = [str(_or(old.drawing))] if self._shards else []
            self.plan = replace(self.plan, drawing="+".join([*whose, self.plan.drawing]))
        else:
            raise DataError(
                f"{self.path} was begun by a program that draws otherwise ({_or(last)}, this one "
                f"is {self.plan.drawing}): choose another --out, go on with the program that began "
                "it, or mix the two with --mixed."
            )

    def _verify(self, known: list[Shard]) -> None:
        """Take the shards that are whole and as long as planned."""
        for shard in known:
            number = shard.first // self.plan.shard_size
            path = self.path / shard.name
            if (shard.first, shard.count) != (
                self.plan.span(number).start,
                len(self.plan.span(number)),
            ):
                continue  # the last shard of a smaller count, drawn again in full
            if checksum(path) == shard.sha256:
                self._shards[number] = shard
            else:
                _log.warning("%s is missing or damaged and is drawn again.", shard.name)

    def _sweep(self) -> None:
        """Delete all other remains."""
        kept = {shard.name for shard in self._shards.values()}
        own = re.compile(re.escape(self.plan.set) + r"-\d{6,}\.tar")
        for path in self.path.iterdir():
            base = path.name.removesuffix(_PART)
            is_own = own.fullmatch(base) or base in (SET_FILE, INDEX_FILE, *self._files)
            is_stray = path.name.endswith(_PART) or own.fullmatch(path.name)
            if is_own and is_stray and path.name not in kept:
                path.unlink()

    def _unwritable(self, exc: OSError) -> DataError:
        done = (
            f"The {self.done()} pictures that are done stay" if self._shards else "Nothing is lost"
        )
        if exc.errno in _FULL:
            what = f"The disk that holds {self.path} is full: free some space"
        elif exc.errno in _FORBIDDEN:
            what = f"{self.path} cannot be written to: change its permissions or the --out"
        else:
            what = f"{self.path} cannot be written to ({exc.strerror or exc}): choose another --out"
        return DataError(f"{what} and run the same command again. {done}.")

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def read_plan(path: Path) -> Plan:
    """The plan of a folder."""
    content = _read(path / SET_FILE)
    try:
        return Plan(**{key: value for key, value in content.items() if key != "format"})
    except TypeError as exc:
        raise _damaged(path / SET_FILE, exc) from exc


def read_index(path: Path) -> list[Shard]:
    """The shards of a folder that are done, by number; none where it has no index yet."""
    if not (path / INDEX_FILE).exists():
        return []
    content = _read(path / INDEX_FILE)
    try:
        return [
            Shard(**{**row, "splits": tuple((str(n), int(c)) for n, c in row["splits"])})
            for row in content["shards"]
        ]
    except (TypeError, KeyError, ValueError) as exc:
        raise _damaged(path / INDEX_FILE, exc) from exc


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as exc:
        raise DataError(
            f"{path.parent} holds no {path.name}: point to a folder made by "
            "`python -m trainer data synth`."
        ) from exc
    except (OSError, ValueError) as exc:
        raise _damaged(path, exc) from exc
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise _damaged(path, "another layout")
    return content


def _damaged(path: Path, why: object) -> DataError:
    return DataError(f"{path} cannot be read ({why}): draw the set again into another folder.")


def _json(layout: int, content: dict[str, Any]) -> bytes:
    return (json.dumps({"format": layout, **content}, separators=(",", ":")) + "\n").encode()


def _or(known: str | int) -> str | int:
    return "unknown" if known == "" else known  # an older set.json does not say


def _said(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items()) or "others"


def checksum(path: Path) -> str:
    """The SHA-256 of a file, "" where there is none."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(path: Path, content: bytes) -> None:
    """Write beside, force onto the disk, and replace."""
    part = path.with_name(path.name + _PART)
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    if os.name != "nt":  # the new name too must survive a power cut
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            with suppress(OSError):  # some network disks cannot
                os.fsync(folder)
        finally:
            os.close(folder)


def _locked(folder: Path) -> int | None:
    """Keep other runs out, for as long as this process lives; None where the system cannot."""
    if sys.platform == "win32":
        return None
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        os.close(handle)
        raise DataError(
            f"Another run writes into {folder} now: wait for its end or choose another --out."
        ) from exc
    except OSError:  # some network disks know no locks
        os.close(handle)
        return None
    return handle
