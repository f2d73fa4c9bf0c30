"""Reading and writing files so that no fault of theirs loses data or shows a traceback."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
import tempfile
from pathlib import Path
from typing import Any, NoReturn

from poseapp.core.errors import DocumentError, FormatError

MAX_FILE_BYTES = 256 * 2**20


def read_bytes(path: Path, limit: int = MAX_FILE_BYTES) -> bytes:
    """The bytes of a file of at most `limit` bytes; DocumentError otherwise."""
    name = path.name
    try:
        length = path.stat().st_size
        if length > limit:
            raise DocumentError(
                f"{name} is {length / 2**20:,.0f} MB: PoseApp opens files of up to"
                f" {limit // 2**20} MB, so split it first."
            )
        return path.read_bytes()
    except FileNotFoundError as exc:
        raise DocumentError(f"There is no file {name}: it was moved or deleted.") from exc
    except IsADirectoryError as exc:
        raise DocumentError(f"{name} is a folder: choose a file.") from exc
    except PermissionError as exc:
        raise DocumentError(f"You may not read {name}: change its permissions first.") from exc
    except (OSError, ValueError) as exc:  # ValueError: a path with a null character
        raise DocumentError(
            f"Cannot read {name}: {getattr(exc, 'strerror', None) or exc}."
        ) from exc


def write_bytes(path: Path, data: bytes) -> None:
    """Write beside the file and replace it, so that a fault leaves the original whole.

    Raises:
        DocumentError: one sentence on what is in the way.
    """
    beside: str | None = None
    try:
        path = Path(os.path.realpath(path))  # a link stays a link
        if path.is_dir():
            raise DocumentError(f"Cannot save {path.name}: there is a folder of that name.")
        if path.exists() and not path.is_file():  # replacing a device would take it away
            raise DocumentError(f"Cannot save {path.name}: it is no ordinary file, choose another.")
        if path.exists() and not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, "read-only file")
        handle, beside = tempfile.mkstemp(
            prefix=f".{path.name[:40]}.", suffix=".part", dir=path.parent
        )
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _copy_mode(path, Path(beside))
        os.replace(beside, path)  # noqa: PTH105 - the name that a test can make fail
        beside = None
    except (OSError, ValueError) as exc:
        explain(path, exc)
    finally:
        if beside is not None:
            with contextlib.suppress(OSError):
                Path(beside).unlink()


def _copy_mode(path: Path, beside: Path) -> None:
    """Permissions of the file that is replaced, else what a new file of this user has."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        mode = 0o666 & ~mask
    with contextlib.suppress(OSError):
        beside.chmod(mode)


def explain(path: Path, exc: Exception) -> NoReturn:
    """Raise DocumentError with one sentence on what kept a file or folder from being written."""
    number = getattr(exc, "errno", None)
    if number in (errno.ENOSPC, errno.EDQUOT):
        why = "the disk is full, so make room or choose another folder"
    elif number in (errno.EACCES, errno.EPERM, errno.EROFS):
        why = "the file or its folder is read-only, so choose another folder"
    elif number in (errno.ENOENT, errno.ENOTDIR) and path.parent.is_dir():
        why = f"no file can be made in {path.parent}, so choose another folder"
    elif number in (errno.ENOENT, errno.ENOTDIR):
        why = f"there is no folder {path.parent}, so choose another one"
    elif number == errno.ENAMETOOLONG:
        why = "its name is too long, so choose a shorter one"
    else:
        why = getattr(exc, "strerror", None) or str(exc)
    raise DocumentError(f"Cannot save {path.name}: {why}.") from exc


def parse_json(data: bytes, name: str) -> Any:
    """The value of a JSON file; FormatError for broken ones, NaN and Infinity."""

    def refuse(constant: str) -> NoReturn:
        raise FormatError(f"{name} holds {constant} where a number belongs: mend it first.")

    try:
        return json.loads(decode_text(data, name), parse_constant=refuse)
    except json.JSONDecodeError as exc:
        raise FormatError(
            f"{name} is not whole JSON: line {exc.lineno}, column {exc.colno} cannot be read."
        ) from exc
    except RecursionError as exc:
        raise FormatError(f"{name} is nested too deeply to be a pose.") from exc
    except (ValueError, MemoryError) as exc:  # a whole number of thousands of digits
        raise FormatError(f"{name} holds a number that is too long.") from exc


def decode_text(data: bytes, name: str) -> str:
    """Text in UTF-8, or in UTF-16 with its mark."""
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as exc:
        raise FormatError(f"{name} is not text in UTF-8: save it as UTF-8 first.") from exc


def dump_json(value: Any) -> bytes:
    """Compact UTF-8 JSON with a line end; ValueError for NaN, which a caller must not pass."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # A lone surrogate, legal in a JSON escape, cannot be written as UTF-8.
    return (text + "\n").encode("utf-8", "backslashreplace")
