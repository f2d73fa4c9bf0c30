"""One command over many files: find them, show progress, go on after a bad one."""

from __future__ import annotations

import glob
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from tqdm import tqdm

from poseapp.core.errors import DocumentError, PoseAppError

INPUT_SUFFIXES = (".json", ".pose")


def expand(arguments: Sequence[str]) -> list[Path]:
    """Files that the user named: as they are, all poses of a folder, or what a pattern matches.

    A name that is neither file, folder nor pattern stays, so that it is reported as missing.
    """
    found: dict[Path, None] = {}
    for argument in arguments:
        path = Path(argument).expanduser()
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.suffix.lower() in INPUT_SUFFIXES)
            if not inside:
                raise DocumentError(f"There is no .json or .pose file in the folder {argument}.")
            found.update(dict.fromkeys(inside))
        elif not path.exists() and glob.has_magic(argument):
            # Path.glob takes no absolute patterns
            matched = sorted(Path(p) for p in glob.glob(str(path), recursive=True))  # noqa: PTH207
            if not matched:
                raise DocumentError(f"No file matches {argument}.")
            found.update(dict.fromkeys(p for p in matched if p.is_file()))
        else:
            found[path] = None
    return list(found)


def targets(inputs: Sequence[Path], out: Path, suffix: str) -> list[tuple[Path, Path]]:
    """Where the result of each input goes: to `out`, or into it when its name has no ending.

    Args:
        suffix: ending of the results inside a folder, with its dot.
    Raises:
        DocumentError: several inputs, and `out` is no folder.
    """
    folder = out.is_dir() or not out.suffix
    if not folder:
        if len(inputs) > 1:
            raise DocumentError(
                f"{len(inputs)} files cannot all become {out.name}: name a folder instead."
            )
        return [(inputs[0], out)]
    make_folder(out)
    pairs, taken = [], set()
    for path in inputs:
        target, number = out / f"{path.stem}{suffix}", 2
        while target in taken or target == path:
            target, number = out / f"{path.stem}-{number}{suffix}", number + 1
        taken.add(target)
        pairs.append((path, target))
    return pairs


def make_folder(folder: Path) -> None:
    """Make a folder that may exist already; DocumentError when that is not possible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        reason = exc.strerror or exc
        raise DocumentError(f"Cannot make the folder {folder}: {reason}.") from exc


def run(
    jobs: Sequence[tuple[Path, Path]],
    work: Callable[[Path, Path], None],
    title: str,
    debug: bool = False,
) -> int:
    """Do each (input, output) job; complain of a bad one in one line and go on.

    Returns:
        How many failed.
    """
    failed = 0
    off = True if len(jobs) < 2 else None  # None: off when stderr is no terminal
    bar = tqdm(jobs, desc=title, unit="file", disable=off, file=sys.stderr)
    for source, target in bar:
        try:
            work(source, target)
        except PoseAppError as exc:
            failed += 1
            complain(_with_name(str(exc), source), debug)
        except Exception as exc:
            failed += 1
            reason = " ".join(str(exc).split()) or type(exc).__name__
            complain(f"{source.name}: this could not be done ({reason}).", debug)
    if len(jobs) > 1:
        tqdm.write(f"{len(jobs) - failed} of {len(jobs)} files done.", file=sys.stderr)
    return failed


def complain(sentence: str, debug: bool = False) -> None:
    """One line on stderr, and the traceback of the fault in hand when debugging."""
    tqdm.write(sentence, file=sys.stderr)
    if debug and sys.exc_info()[0] is not None:
        tqdm.write(traceback.format_exc(), file=sys.stderr)


def _with_name(sentence: str, source: Path) -> str:
    return sentence if source.name in sentence else f"{source.name}: {sentence}"
