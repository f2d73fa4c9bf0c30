"""`weights/manifest.json`: which weights ship, trained on what, how good they are. Torch-free."""

import json
from pathlib import Path
from typing import Any

from trainer import paths
from trainer.errors import ArtifactError

FORMAT = 1
FILE_NAME = "manifest.json"


def read(folder: Path | None = None) -> dict[str, Any]:
    """The manifest of a weights folder (the shipped one by default); empty if there is none."""
    path = (folder or paths.weights_dir()) / FILE_NAME
    if not path.exists():
        return {"format": FORMAT, "models": []}
    try:
        content = json.loads(path.read_text("utf-8"))
        if content["format"] != FORMAT or not isinstance(content["models"], list):
            raise ValueError("another layout")
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise ArtifactError(
            f"Cannot read {path.name}: {exc}. Install the weights again or delete this file."
        ) from exc
    return content


def find(name: str, folder: Path | None = None) -> dict[str, Any] | None:
    """The row of the model called `name`, or None."""
    return next((row for row in read(folder)["models"] if row.get("name") == name), None)


def update(row: dict[str, Any], folder: Path | None = None) -> None:
    """Put `row` in the place of the row with its name (or add it); rows stay sorted by name."""
    folder = folder or paths.weights_dir()
    content = read(folder)
    rows = [r for r in content["models"] if r.get("name") != row["name"]] + [row]
    content["models"] = sorted(rows, key=lambda r: r["name"])
    path = folder / FILE_NAME
    part = path.with_name(path.name + ".part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
        part.replace(path)
    except OSError as exc:
        raise ArtifactError(f"Cannot write {path.name}: {exc}.") from exc
