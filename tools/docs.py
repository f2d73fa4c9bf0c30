"""Bring the generated parts of the documentation up to date: `python -m tools.docs --write`.

The models table of the README comes from `weights/manifest.json`, and `docs/results.md` joins the
files of `docs/results/`. Without `--write` it says what is out of date.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any

from poseapp.services.quality import describe
from trainer import manifest

ROOT = Path(__file__).resolve().parents[1]
START, END = "<!-- models -->", "<!-- /models -->"
TASKS = {
    "caption_to_pose": "caption to pose",
    "lift": "2D to 3D",
    "estimate": "photo to pose",
    "find": "people in a photo",
    "transfer": "person in a new pose",
}
"""The other models only measure these."""
ONLY_EVALUATED = {
    "caption_to_pose": "relevance",
    "lift": "coco_zv_mm",
    "estimate": "ap",
    "find": "ap50",
    "transfer": "pckh_estimated",
}
"""A figure that `evaluate` alone gives: without it the others are a run's own validation."""
RESULTS_HEAD = """# Results

How good the shipped models are, on test splits that were not trained on. `python -m trainer
evaluate NAME` prints each table again. This page is made of the files in `docs/results/` by
`python -m tools.docs --write`.
"""


def models_table(rows: list[dict[str, Any]]) -> str:
    """The shipped models and their measured quality as a Markdown table."""
    lines = [
        "| model | task | size | measured on the test split | trained |",
        "|---|---|---|---|---|",
    ]
    shown = [row for row in rows if row["task"] in TASKS]
    tasks = list(TASKS)
    # the best of a task first: it is the one that the application takes by itself
    shown.sort(key=lambda row: (tasks.index(row["task"]), row["metrics"].get("one_nn", 1.0)))
    for row in shown:
        evaluated = ONLY_EVALUATED[row["task"]] in row["metrics"]
        quality = describe(row["metrics"]) if evaluated else "not measured yet"
        trained = f"{row['preset']}, {row['hours']:.1f} h on {row['hardware']}"
        size = f"{row['bytes'] / 2**20:.1f} MiB"
        lines.append(f"| {row['title']} | {TASKS[row['task']]} | {size} | {quality} | {trained} |")
    return "\n".join(lines)


def readme(text: str) -> str:
    """The README with the table as it should be."""
    table = models_table(manifest.read(ROOT / "weights")["models"])
    start, end = text.index(START) + len(START), text.index(END)
    return f"{text[:start]}\n{table}\n{text[end:]}"


def results() -> str:
    """All of `docs/results/` as one page."""
    parts = [RESULTS_HEAD]
    for path in sorted((ROOT / "docs" / "results").glob("*.md")):
        # links and pictures were written to be right from their own folder
        parts.append(
            re.sub(r"\]\((?!https?:|#)([^)]+)\)", _one_up, path.read_text("utf-8")).strip()
        )
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _one_up(link: re.Match[str]) -> str:
    target = link.group(1)
    return f"]({target[3:]})" if target.startswith("../") else f"](results/{target})"


def main(arguments: list[str] | None = None) -> int:
    """Write the files, or say which are out of date."""
    parser = argparse.ArgumentParser(prog="python -m tools.docs", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the files")
    options = parser.parse_args(arguments)
    page = ROOT / "README.md"
    wanted = {
        page: readme(page.read_text("utf-8")),
        ROOT / "docs" / "results.md": results(),
    }
    stale = [p for p, t in wanted.items() if not p.exists() or p.read_text("utf-8") != t]
    for path in stale:
        if options.write:
            path.write_text(wanted[path], "utf-8")
        print(f"{'wrote' if options.write else 'out of date:'} {path.relative_to(ROOT)}")
    return 0 if options.write else int(bool(stale))


if __name__ == "__main__":
    sys.exit(main())
