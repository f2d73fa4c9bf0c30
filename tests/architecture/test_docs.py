"""The documentation: generated parts are current, links lead somewhere, commands exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools import docs

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def test_generated_parts_are_current(capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m tools.docs --write` mends this."""
    assert docs.main([]) == 0, capsys.readouterr().out


def _row(task: str, **metrics: float) -> dict[str, object]:
    training = {"preset": "small", "hours": 1.25, "hardware": "2 cores"}
    return {"title": "A net", "task": task, "bytes": 2**20, "metrics": metrics, **training}


def test_the_models_table_has_what_was_evaluated_and_no_more() -> None:
    rows = [_row("lift", zv_mm=49.94, coco_zv_mm=50.0), _row("lift", zv_mm=40.0)]
    rows.append(_row("relevance", relevance=0.3))  # measures the others
    assert docs.models_table(rows).splitlines()[2:] == [
        "| A net | 2D to 3D | 1.0 MiB | P-MPJPE 49.9 mm | small, 1.2 h on 2 cores |",
        "| A net | 2D to 3D | 1.0 MiB | not measured yet | small, 1.2 h on 2 cores |",
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_of_a_page_lead_to_files(page: Path) -> None:
    targets = [t for t in LINK.findall(page.read_text("utf-8")) if "://" not in t]
    assert [t for t in targets if not (page.parent / t).exists()] == []


def test_the_first_commands_of_the_readme_are_those_of_start() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    help_text = (ROOT / "start.py").read_text("utf-8").split('"""')[1]
    for verb in re.findall(r"python3 start\.py (\w+)", readme):
        assert re.search(rf"start\.py {verb}\b", help_text), verb
