"""A table of measured figures: for people as Markdown, for programs as JSON."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Table:
    """Rows of figures under named columns.

    Attributes:
        rows: one dict a row; a column a row lacks is shown as a dash. The first column names it;
            a row called "paper" holds the published figures.
        notes: how it was measured, one sentence each.
        metrics: the headline figures of the model that was measured, for the manifest.
    """

    title: str
    columns: list[str]
    rows: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)

    def add(self, **cells: Any) -> None:
        """Add a row given as keyword arguments named as the columns."""
        self.rows.append(cells)

    def markdown(self) -> str:
        """The table in Markdown, with title and notes."""
        lines = [f"### {self.title}", ""]
        lines.append("| " + " | ".join(self.columns) + " |")
        lines.append("|" + "---|" * len(self.columns))
        for row in self.rows:
            lines.append("| " + " | ".join(_cell(row.get(c)) for c in self.columns) + " |")
        if self.notes:
            lines += ["", *(f"- {note}" for note in self.notes)]
        return "\n".join(lines) + "\n"

    def to_json(self) -> dict[str, Any]:
        """The table as JSON values."""
        return {
            "title": self.title,
            "columns": self.columns,
            "rows": [{k: _number(v) for k, v in row.items()} for row in self.rows],
            "notes": self.notes,
            "metrics": {k: _number(v) for k, v in self.metrics.items()},
        }

    def write(self, path: Path) -> None:
        """Write `to_json` beside and replace `path`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        part.write_text(json.dumps(self.to_json(), indent=1) + "\n", "utf-8")
        part.replace(path)


def _cell(value: Any) -> str:
    value = _number(value)
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"
    return str(value).replace("|", "\\|")


def _number(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value  # NumPy scalars
