"""What a benchmark gives, and the table that shows it."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """One measured figure.

    Attributes:
        unit: of `value` and `target`, such as "ms".
        target: what the figure should stay under; None where it is only told.
    """

    name: str
    value: float
    unit: str
    target: float | None = None

    @property
    def met(self) -> bool | None:
        """The figure is under its target; None without one."""
        return None if self.target is None else self.value < self.target

    def cells(self) -> list[str]:
        """Texts for the table."""
        target = "" if self.target is None else f"< {_number(self.target)} {self.unit}"
        verdict = {None: "", True: "yes", False: "NO"}[self.met]
        return [self.name, f"{_number(self.value)} {self.unit}", target, verdict]


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def machine() -> str:
    """The machine in words, by what matters for speed."""
    return (
        f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, "
        f"Python {platform.python_version()}"
    )


def markdown(rows: list[Row], about: str) -> str:
    """All rows as an aligned Markdown table under a line about the machine."""
    table = [["measure", "figure", "target", "met"], *(row.cells() for row in rows)]
    widths = [max(len(cells[column]) for cells in table) for column in range(4)]
    lines = [
        "| " + " | ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)) + " |" for r in table
    ]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return f"{about}\n\n" + "\n".join(lines) + "\n"


def to_json(rows: list[Row], about: str) -> dict[str, Any]:
    """All rows as JSON values."""
    return {"machine": about, "rows": [asdict(row) | {"met": row.met} for row in rows]}
