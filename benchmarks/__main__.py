"""`python -m benchmarks`: every figure of speed as one table."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from pathlib import Path

from benchmarks.report import Row, machine, markdown, to_json
from tools import virtual_screen

GROUPS = ("startup", "window", "models", "synthetic", "transfer")


def main(arguments: list[str] | None = None) -> int:
    """Run the groups asked for and print their table; 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("group", nargs="*", help=f"of {', '.join(GROUPS)}; all when none is named")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--write", type=Path, metavar="FILE", help="also write the table here")
    parser.add_argument("--note", default="", help="a sentence about the circumstances")
    options = parser.parse_args(arguments)
    unknown = set(options.group) - set(GROUPS)
    if unknown:
        parser.error(f"there is no group called {', '.join(sorted(unknown))}")

    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    about = machine()
    if virtual_screen.start():
        about += ", Xvfb with software GL"
    rows: list[Row] = []
    for group in GROUPS:
        if group in (options.group or GROUPS):
            print(f"measuring: {group} ...", file=sys.stderr, flush=True)
            rows += importlib.import_module(f"benchmarks.{group}").measure()
    table = markdown(rows, f"Measured on {about}. {options.note}".strip())
    print(json.dumps(to_json(rows, about), indent=1) if options.json else table)
    if options.write:
        head = (
            "# Benchmarks\n\n`python3 start.py bench --write docs/benchmarks.md` makes this page.\n"
        )
        options.write.write_text(f"{head}\n{table}", "utf-8")
    return int(any(row.met is False for row in rows))


if __name__ == "__main__":
    raise SystemExit(main())
