"""`python -m trainer export`: a run's EMA weights into the weights folder, with a manifest row."""

import datetime
import json
import shutil
from pathlib import Path
from typing import Any

from trainer import artifact, catalog, manifest
from trainer.engine import progress
from trainer.errors import ArtifactError, TrainerError
from trainer.recipes import registry

RUN_FILE = "run.json"
WEIGHTS_FILE = "last.safetensors"
LARGEST_FILE_BYTES = 32 * 2**20


def export(run: Path, out: Path, metrics: Path | None = None, force: bool = False) -> Path:
    """Copy a run's weights to `out` and write their manifest row.

    Args:
        run: folder written by `fit`.
        out: weights folder.
        metrics: JSON of `evaluate --json`; without it the run's own validation figures are used.
        force: replace a model that measured better.
    Returns:
        The weights file.
    """
    try:
        settings = json.loads((run / RUN_FILE).read_text("utf-8"))
    except (OSError, ValueError) as exc:
        raise TrainerError(f"{run} is not a run folder: {exc}.") from exc
    report: dict[str, Any] = progress.read(run)
    source = run / WEIGHTS_FILE
    header = artifact.read_header(source)
    artifact.load_tensors(source)
    recipe = registry.get(settings["recipe"])
    figures = _figures(metrics, report)
    size = source.stat().st_size
    if size > LARGEST_FILE_BYTES:
        raise ArtifactError(f"{source.name} is {size / 2**20:.0f} MiB; at most 32 MiB ship.")
    if not force:
        _refuse_worse(settings["recipe"], recipe.score, figures, out)

    path = out / f"{settings['recipe']}.safetensors"
    out.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    shutil.copyfile(source, part)
    part.replace(path)
    entry = catalog.CATALOG.get(settings["recipe"]) or catalog.CATALOG.get(header["model"])
    manifest.update(
        {
            "name": settings["recipe"],
            "file": path.name,
            "sha256": artifact.sha256(path),
            "bytes": size,
            "task": entry.task if entry else "",
            "title": entry.title if entry else registry.RECIPES[settings["recipe"]].title,
            "paper": entry.paper if entry else "",
            "licence": recipe.licence,
            "data": recipe.data_sources,
            "preset": settings["preset"],
            "steps": report.get("step", 0),
            "hardware": report.get("hardware", ""),
            "hours": round(float(report.get("seconds", 0.0)) / 3600, 2),
            "metrics": figures,
            "trained_on": datetime.datetime.now(datetime.UTC).date().isoformat(),
        },
        out,
    )
    return path


def _figures(metrics: Path | None, report: dict[str, Any]) -> dict[str, float]:
    if metrics is None:
        return dict(report.get("figures", {}))
    try:
        return {k: float(v) for k, v in json.loads(metrics.read_text("utf-8"))["metrics"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
        raise TrainerError(f"{metrics.name} is not a table of `evaluate --json`: {exc}.") from exc


def _refuse_worse(name: str, score: tuple[str, str], figures: dict[str, float], out: Path) -> None:
    present = manifest.find(name, out)
    key, direction = score
    if present is None or key not in present.get("metrics", {}):
        return
    old = float(present["metrics"][key])
    if key not in figures:
        raise TrainerError(
            f"The weights that are there measured {key} {old:g} and this run has no such figure: "
            "measure it with `evaluate --json` and pass --metrics, or use --force."
        )
    new = figures[key]
    if (new > old) if direction == "min" else (new < old):
        raise TrainerError(
            f"The weights that are there are better ({key} {old:g} against {new:g}): "
            "nothing was replaced; --force replaces them anyway."
        )
