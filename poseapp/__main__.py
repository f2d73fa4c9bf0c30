"""Console entry: a command runs headless, anything else opens the window.

The models' process imports this file too (under another name): it does nothing when imported.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from pathlib import Path


def main(argv: list[str] | None = None) -> int:
    """Run; returns the exit code."""
    multiprocessing.freeze_support()
    arguments = sys.argv[1:] if argv is None else argv
    if _is_command(arguments):
        from poseapp import cli

        return cli.main(arguments)
    if not _has_display():
        sys.stderr.write(
            "There is no display to open the window on: use a command, such as "
            "`poseapp tour DIR`, or see `poseapp --help`.\n"
        )
        return 1
    from poseapp import app

    return app.main([sys.argv[0], *arguments])


def _is_command(arguments: list[str]) -> bool:
    """Whether the first argument is meant as a command and not as a file to open."""
    if not arguments:
        return False
    first = arguments[0]
    if first in ("-h", "--help", "--version"):
        return True
    return not first.startswith("-") and not Path(first).suffix and not Path(first).exists()


def _has_display() -> bool:
    if not sys.platform.startswith("linux") or os.environ.get("QT_QPA_PLATFORM"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


if __name__ == "__main__":
    sys.exit(main())
