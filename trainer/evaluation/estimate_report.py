"""`python -m trainer data estimate-report`: tables and sheet of `docs/results/photo_to_pose.md`."""

import argparse
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from trainer import paths
from trainer.data.photos import HIDDEN, JOINTS, PersonPhotos
from trainer.data.synthetic_photos import person_photos
from trainer.engine import progress
from trainer.errors import TrainerError
from trainer.evaluation import estimate, find
from trainer.evaluation.estimate_sheet import draw_sheet
from trainer.evaluation.lift_report import filled
from trainer.evaluation.table import Table
from trainer.metrics import pck as measures
from trainer.models.attention_hourglass import KEYPOINTS
from trainer.predictors.attention_hourglass import VIEWS, Predictor

_NAME = "attention_hourglass"
_TABLES = ("main", "joints", "confidence", "rows", "ingredients", "finder")
ROWS = {
    "plain hourglass": "row_plain",
    "+ adversarial": "row_adversarial",
    "+ self-attention": "row_attention",
    "+ both (the paper's form)": "row_both",
}
INGREDIENTS = {
    "everything": "ing_all",
    "photographs alone": "ing_photos",
    "synthetic people alone": "ing_synthetic",
    "synthetic people, colours, noise and backgrounds as drawn": "ing_synthetic_plain",
    "no turns, zooms, shifts, mirroring, half bodies": "ing_nogeometry",
    "every label believed": "ing_norobust",
}
"""Run folders by what they leave out; `docs/results/photo_to_pose.md` has the commands."""


def main(arguments: list[str]) -> int:
    """Measure the shipped estimator and the runs beside it; put the figures into the docs."""
    parser = argparse.ArgumentParser(
        prog="python -m trainer data estimate-report", description=__doc__
    )
    parser.add_argument("--data", help="folder that holds photos/")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of the trials")
    parser.add_argument("--tables", nargs="+", choices=_TABLES, help="only these")
    parser.add_argument("--synthetic", type=Path, help="crops256 set whose test people are drawn")
    parser.add_argument("--look", type=Path, help="draw photographs of the test sets here")
    parser.add_argument("--docs", type=Path, default=Path("docs"))
    parser.add_argument("--json", type=Path, help="also write the main table here")
    options = parser.parse_args(arguments)
    data = paths.data_root(options.data)

    wanted = options.tables or list(_TABLES)
    sets = estimate.test_sets(data)
    tables: dict[str, Table] = {}
    if "main" in wanted:
        tables["main"] = estimate.evaluate(_NAME, data)
        if options.json:
            tables["main"].write(options.json)
    predictor = Predictor(paths.weights_dir() / f"{_NAME}.safetensors")
    noisy = [s for s in sets if s.noisy]
    if noisy and {"joints", "confidence"} & set(wanted):
        found = estimate.find(predictor, noisy[0])
        tables |= {"joints": per_joint(found, noisy[0])}
        tables |= {"confidence": by_confidence(found, noisy[0])}
    if "finder" in wanted:
        tables["finder"] = find.evaluate("person_finder", data)
    if "rows" in wanted:
        tables["rows"] = trials(options.runs, ROWS, "The paper's parts", sets)
    if "ingredients" in wanted:
        tables["ingredients"] = trials(options.runs, INGREDIENTS, "What training needs", sets)
    page = options.docs / "results" / "photo_to_pose.md"
    page.write_text(filled(page.read_text("utf-8"), tables), "utf-8")
    if options.synthetic:
        people = person_photos(options.synthetic, "test")
        draw_sheet(predictor, people, options.docs / "samples_estimator.jpg")
    if options.look:
        for people in sets:
            draw_sheet(predictor, people, options.look / f"{people.name}.jpg")
    return 0


def trials(runs: Path, folders: dict[str, str], title: str, sets: list[PersonPhotos]) -> Table:
    """One row a run folder, with the flip test alone.

    Raises:
        TrainerError: a run is missing.
    """
    table = Table(title, [*estimate.COLUMNS, "people seen", "hours"])
    for name, folder in folders.items():
        try:
            settings = json.loads((runs / folder / "run.json").read_text("utf-8"))
        except (OSError, ValueError) as exc:
            raise TrainerError(f"{runs / folder} is not a run folder: {exc}.") from exc
        report: dict[str, Any] = progress.read(runs / folder)
        seen = report["step"] * settings["config"]["batch"]
        hours = round(report["seconds"] / 3600, 2)
        predictor = Predictor(runs / folder / "last.safetensors")
        found = [(estimate.find(predictor, s, views=VIEWS[:1]), s) for s in sets]
        figures = estimate.figures_of_all(found)
        table.add(
            **estimate.cells(name, figures),
            **{"people seen": seen, "hours": hours},
        )
    return table


def per_joint(found: estimate.Found, people: PersonPhotos) -> Table:
    """PCK@0.2 of each labelled joint, left and right together."""
    truth, placed = people.keypoints[..., :2], people.keypoints[..., 2] >= HIDDEN
    torso = measures.torso_px(truth, placed)
    table = Table("Joints one by one", ["joint", "PCK@0.2 %", "labels"])
    for row, name in enumerate(JOINTS):
        both = sorted({row, JOINTS.index(name.replace("left_", "right_"))})
        if name.startswith("right_") or not placed[:, both].any():
            continue
        chosen = np.zeros_like(placed)
        chosen[:, both] = placed[:, both]
        share = measures.pck(found.points, truth, chosen, 0.2, torso).mean
        table.add(
            **{
                "joint": name.removeprefix("left_").replace("_", " "),
                "PCK@0.2 %": 100 * share,
                "labels": int(chosen.sum()),
            }
        )
    return table


def by_confidence(found: estimate.Found, people: PersonPhotos, parts: int = 5) -> Table:
    """PCK@0.2 of joints in equal parts by confidence: does the number mean anything?"""
    truth, placed = people.keypoints[..., :2], people.keypoints[..., 2] >= HIDDEN
    placed = placed.copy()
    placed[:, KEYPOINTS:] = False
    order = np.sort(found.confidence[placed[:, :KEYPOINTS]])
    edges = order[np.linspace(0, len(order) - 1, parts + 1).astype(int)]
    table = Table("Joints by confidence", ["confidence", "PCK@0.2 %"])
    for low, high in pairwise(edges):
        chosen = placed.copy()
        inside = (found.confidence >= low) & (found.confidence <= high)
        chosen[:, :KEYPOINTS] &= inside
        torso = measures.torso_px(truth, placed)
        share = measures.pck(found.points, truth, chosen, 0.2, torso).mean
        table.add(**{"confidence": f"{low:.2f}-{high:.2f}", "PCK@0.2 %": 100 * share})
    return table
