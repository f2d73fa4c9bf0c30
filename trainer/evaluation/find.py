"""How well people are found in photographs: AP and AR of boxes, recall, false alarms."""

import contextlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trainer import artifact, paths
from trainer.api import resolve_device
from trainer.data import boxes as box_tools
from trainer.data import finder_sources as sources
from trainer.data.finder_sources import Pictures
from trainer.errors import DataError
from trainer.evaluation.table import Table
from trainer.predictors.person_finder import Predictor

Finder = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""(h,w,3) uint8 RGB -> (N,4) boxes px and (N,) scores, best first."""

_COLUMNS = ["method", "AP50", "AP", "AR", "recall@0.5 % (one person)", "false alarms %"]
_PAINTED = 64
_LEAST = 0.02  # AP asks for the doubtful boxes too


@dataclass(frozen=True)
class Material:
    """What is measured on; a set that is not there is None.

    Attributes:
        many: photographs with all boxes; single: with one person each; nobody: with none.
    """

    many: Pictures | None
    single: Pictures | None
    nobody: list[np.ndarray]


def evaluate(
    name: str,
    data: Path,
    weights: Path | None = None,
    fast: bool = False,
    device: str = "cpu",
) -> Table:
    """The finder's table.

    Args:
        data: folder that holds `photos/`, or one laid out like it: `lspet.npz` or
            `coco_photos.json` or both.
        fast: a fifth of the photographs.
    """
    test = read(Path(data), fast)
    shipped = weights or paths.weights_dir() / f"{name}.safetensors"
    predictor = Predictor(shipped, resolve_device(device))
    counts = [
        f"{len(part)} of {part.name}" for part in (test.many, test.single) if part is not None
    ]
    counts.append(f"{len(test.nobody)} without people")
    table = Table(f"People in photographs ({', '.join(counts)})", list(_COLUMNS))
    _add(table, "the whole picture as the box", whole_picture, test, 0.5)
    _add(table, "ours, the whole picture once", _at_once(predictor, False), test, predictor.score)
    figures = _add(table, "ours", _at_once(predictor, True), test, predictor.score)
    table.metrics = {k: v for k, v in figures.items() if v is not None}
    table.notes += _notes(shipped, predictor.score)
    return table


def read(data: Path, fast: bool = False) -> Material:
    """What there is to measure on in a data folder.

    Raises:
        DataError: neither photographs with many nor with single people are there.
    """
    many = single = None
    with contextlib.suppress(DataError):
        many = sources.coco_photos(data, "val2017")
    with contextlib.suppress(DataError):
        single = sources.lspet(data, "validation")
    if not many and not single:
        raise DataError(
            f"There are no test photographs in {data}: point --data to a folder with "
            "photos/lspet.npz or photos/coco_photos.json."
        )
    nobody = sources.painted(_PAINTED // (5 if fast else 1), 320, seed=1)
    nobody += sources.emptied(many, 100, seed=1) if many else []
    if fast:
        many, single = (_fifth(part) if part else None for part in (many, single))
    return Material(many or None, single or None, nobody)


def whole_picture(photo: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What a finder would say that does not look."""
    height, width = photo.shape[:2]
    return np.array([[0, 0, width, height]], np.float32), np.ones(1, np.float32)


def average_precision(finder: Finder, pictures: Pictures) -> dict[str, float]:
    """pycocotools' AP50, AP and AR (100 boxes a picture) of boxes."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    annotations: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for row in range(len(pictures)):
        for boxes, crowd in ((pictures.boxes[row], 0), (pictures.unclear[row], 1)):
            for box in boxes:
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": row,
                        "category_id": 1,
                        "iscrowd": crowd,
                        "bbox": [float(v) for v in box],
                        "area": float(box[2] * box[3]),
                    }
                )
        for box, score in zip(*finder(pictures.picture(row)), strict=True):
            results.append(
                {
                    "image_id": row,
                    "category_id": 1,
                    "bbox": [float(v) for v in box],
                    "score": float(score),
                }
            )
    if not results:
        return {"ap50": 0.0, "ap": 0.0, "ar": 0.0}
    with contextlib.redirect_stdout(io.StringIO()):  # it prints its progress
        truth = COCO()
        truth.dataset = {
            "info": {},
            "images": [{"id": row} for row in range(len(pictures))],
            "annotations": annotations,
            "categories": [{"id": 1, "name": "person"}],
        }
        truth.createIndex()
        judge = COCOeval(truth, truth.loadRes(results), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return {"ap50": float(judge.stats[1]), "ap": float(judge.stats[0]), "ar": float(judge.stats[8])}


def single_recall(finder: Finder, pictures: Pictures, least_score: float) -> float:
    """Share of the single people whom the best box overlaps by half or more."""
    found = 0
    for row in range(len(pictures)):
        boxes, scores = finder(pictures.picture(row))
        best = boxes[scores >= least_score][:1]
        found += bool((box_tools.overlap(best, pictures.boxes[row][:1]) >= 0.5).any())
    return found / max(len(pictures), 1)


def false_alarms(finder: Finder, nobody: list[np.ndarray], least_score: float) -> float:
    """Share of the pictures without people in which somebody is found."""
    wrong = sum(bool((finder(picture)[1] >= least_score).any()) for picture in nobody)
    return wrong / max(len(nobody), 1)


def _at_once(predictor: Predictor, closer: bool) -> Finder:
    def finder(photo: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        sure = predictor.find(photo, closer=closer)
        if not closer:
            return predictor.find(photo, least_score=_LEAST, closer=False)
        # Where to look closer is decided as in use; the doubtful boxes come from the whole.
        rest = predictor.find(photo, least_score=_LEAST, closer=False)
        known = box_tools.overlap(rest[0], sure[0]).max(1, initial=0.0) > 0.5
        extra = ~known & (rest[1] < predictor.score)
        return np.concatenate([sure[0], rest[0][extra]]), np.concatenate([sure[1], rest[1][extra]])

    return finder


def _add(
    table: Table, title: str, finder: Finder, test: Material, least_score: float
) -> dict[str, float | None]:
    figures: dict[str, float | None] = {"ap50": None, "ap": None, "ar": None}
    if test.many is not None:
        figures |= average_precision(finder, test.many)
    figures["recall"] = (
        100 * single_recall(finder, test.single, least_score) if test.single is not None else None
    )
    figures["false_alarms"] = 100 * false_alarms(finder, test.nobody, least_score)
    table.add(method=title, **dict(zip(_COLUMNS[1:], figures.values(), strict=True)))
    return figures


def _fifth(pictures: Pictures) -> Pictures:
    rows = range(0, len(pictures), 5)
    return Pictures(
        pictures.name,
        lambda row: pictures.picture(5 * row),
        tuple(pictures.boxes[r] for r in rows),
        tuple(pictures.unclear[r] for r in rows),
        pictures.trust,
    )


def _notes(weights: Path, score: float) -> list[str]:
    config = artifact.read_header(weights)["config"]
    return [
        f"Letterboxed to {config['input_px']} px; squares of the photograph are looked at from "
        "closer by where nobody or only small people are found.",
        "AP50, AP, AR: pycocotools on the boxes of the val2017 people of the COCO photographs. "
        "Their file has no boxes of people without a joint to see, whom a finder still finds, so "
        "the figures are lower bounds.",
        f"Recall: the best box above a score of {score:g} overlaps the single person of a "
        "photograph of LSP Extended, whose box is put around the joints, by half or more.",
        "False alarms: pictures without people, painted ones and parts of photographs, in which "
        f"something scores above {score:g}.",
    ]
