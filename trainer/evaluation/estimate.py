"""How well joints are found in photographs: PCK, PCKh and OKS AP, with the true boxes."""

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from trainer import artifact, paths
from trainer.api import resolve_device
from trainer.data import boxes as box_tools
from trainer.data import photos
from trainer.data.photos import HIDDEN, PersonPhotos
from trainer.errors import DataError
from trainer.evaluation.table import Table
from trainer.metrics import pck as measures
from trainer.models.attention_hourglass import KEYPOINTS
from trainer.predictors.attention_hourglass import VIEWS, Predictor, View
from trainer.predictors.person_finder import Predictor as PersonFinder

_FINDER = "person_finder"
COLUMNS = ["method", "PCK@0.2 %", "PCK@0.1 %", "PCKh@0.5 %", "AP", "AP50"]


@dataclass(frozen=True)
class Found:
    """Estimates for a set: (N,19,2) px, (N,17) confidence."""

    points: np.ndarray
    confidence: np.ndarray


def evaluate(
    name: str,
    data: Path,
    weights: Path | None = None,
    fast: bool = False,
    device: str = "cpu",
) -> Table:
    """The estimator's table.

    Args:
        data: folder that holds `photos/`, or one laid out like it: `lspet.npz` or
            `coco_photos.json` or both.
        fast: a fifth of the people.
    """
    device = resolve_device(device)
    sets = test_sets(Path(data), fast)
    shipped = weights or paths.weights_dir() / f"{name}.safetensors"
    counts = ", ".join(f"{len(s)} people of {s.name}" for s in sets)
    table = Table(f"Joints in photographs ({counts})", list(COLUMNS))
    blind = figures_of_all([(_mean_pose(s), s) for s in sets])
    table.add(**cells("mean pose of the box", blind))
    ours = Predictor(shipped, device)
    table.metrics = figures_of_all([(find(ours, s), s) for s in sets])
    table.add(**cells("ours", table.metrics))
    for title, flip in (("ours, flip test alone", True), ("ours, without flip test", False)):
        looks = [(find(ours, s, flip=flip, views=VIEWS[:1]), s) for s in sets]
        table.add(**cells(title, figures_of_all(looks)))
    finder = paths.weights_dir() / f"{_FINDER}.safetensors"
    if finder.is_file():
        by_itself = [with_found_boxes(PersonFinder(finder, device), s) for s in sets]
        table.add(
            **cells(
                "ours, in the boxes of our finder",
                figures_of_all([(find(ours, s), s) for s in by_itself if s.noisy]),
            )
        )
    table.notes += _notes(shipped)
    return table


def find(
    predictor: Predictor,
    people: PersonPhotos,
    flip: bool = True,
    views: Sequence[View] | None = None,
) -> Found:
    """Estimate everybody of a set within their true boxes; options as of `Predictor.estimate`."""
    points, confidence = [], []
    for row in range(len(people)):
        result = predictor.estimate(people.picture(row), people.boxes[row], flip=flip, views=views)
        points.append(np.concatenate([result.keypoints[0], result.auxiliary[0]]))
        confidence.append(result.confidence[0])
    return Found(np.stack(points), np.stack(confidence))


def with_found_boxes(finder: PersonFinder, people: PersonPhotos) -> PersonPhotos:
    """The same people in the box that the finder has for them.

    It is the one that overlaps the true box most; where none does by a tenth or more, the whole
    picture.
    """
    boxes = people.boxes.copy()
    for row in range(len(people)):
        picture = people.picture(row)
        found, scores = finder.find(picture)
        found = np.asarray(found, np.float32).reshape(-1, 4)[np.asarray(scores) >= finder.score]
        shared = (
            box_tools.overlap(found, people.boxes[row : row + 1])[:, 0]
            if len(found)
            else np.zeros(0)
        )
        height, width = picture.shape[:2]
        whole = np.array([0, 0, width, height], np.float32)
        boxes[row] = found[shared.argmax()] if shared.size and shared.max() >= 0.1 else whole
    return replace(people, boxes=boxes)


def figures_of(found: Found, people: PersonPhotos) -> dict[str, float]:
    """What can be measured on a set: PCK where torsos are labelled, PCKh where heads are, AP where
    the labels are COCO's."""
    truth, placed = people.keypoints[..., :2], people.keypoints[..., 2] >= HIDDEN
    if people.noisy:
        body = placed.copy()
        body[:, KEYPOINTS:] = False
        head = measures.head_px(truth, placed)
        return {
            "pck": 100 * measures.pck(found.points, truth, body, 0.2).mean,
            "pck_fine": 100 * measures.pck(found.points, truth, body, 0.1).mean,
            "pckh": 100 * measures.pck(found.points, truth, placed, 0.5, head).mean,
        }
    return average_precision(found, people)


def average_precision(found: Found, people: PersonPhotos) -> dict[str, float]:
    """OKS AP of pycocotools; a person's score is the mean confidence of the joints."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    annotations, results = [], []
    for row in range(len(people)):
        x, y, width, height = (float(v) for v in people.boxes[row])
        points = people.keypoints[row, :KEYPOINTS].astype(float)
        annotations.append(
            {
                "id": row + 1,
                "image_id": int(people.photo[row]),
                "category_id": 1,
                "iscrowd": 0,
                "bbox": [x, y, width, height],
                "area": float(people.areas[row]) if people.areas is not None else width * height,
                "keypoints": points.reshape(-1).tolist(),
                "num_keypoints": int((points[:, 2] > 0).sum()),
            }
        )
        drawn = np.concatenate([found.points[row, :KEYPOINTS], np.ones((KEYPOINTS, 1))], axis=1)
        results.append(
            {
                "image_id": int(people.photo[row]),
                "category_id": 1,
                "keypoints": drawn.reshape(-1).tolist(),
                "score": float(found.confidence[row].mean()),
            }
        )
    with contextlib.redirect_stdout(io.StringIO()):  # it prints its progress
        truth = COCO()
        truth.dataset = {
            "info": {},
            "images": [{"id": int(i)} for i in np.unique(people.photo)],
            "annotations": annotations,
            "categories": [{"id": 1, "name": "person"}],
        }
        truth.createIndex()
        judge = COCOeval(truth, truth.loadRes(results), "keypoints")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return {"ap": float(judge.stats[0]), "ap50": float(judge.stats[1])}


def test_sets(data: Path, fast: bool = False) -> list[PersonPhotos]:
    """The people that nothing was trained on, of every set in `data`; a fifth of them if `fast`."""
    found = []
    for reader, split in ((photos.lspet, "validation"), (photos.coco_photos, "val2017")):
        with contextlib.suppress(DataError):
            people = reader(data, split)
            if len(people):
                found.append(people.take(np.arange(0, len(people), 5)) if fast else people)
    if not found:
        raise DataError(
            f"There are no test photographs in {data}: point --data to a folder with "
            "photos/lspet.npz or photos/coco_photos.json."
        )
    return found


def figures_of_all(parts: list[tuple[Found, PersonPhotos]]) -> dict[str, float]:
    """`figures_of` of several sets together."""
    figures: dict[str, float] = {}
    for found, people in parts:
        figures |= figures_of(found, people)
    return figures


def cells(title: str, figures: dict[str, float]) -> dict[str, Any]:
    """A row under `COLUMNS`."""
    keys = ("pck", "pck_fine", "pckh", "ap", "ap50")
    measured = {c: figures.get(k) for c, k in zip(COLUMNS[1:], keys, strict=True)}
    return {COLUMNS[0]: title, **measured}


def _mean_pose(people: PersonPhotos) -> Found:
    """Every joint where it is on average within the box: what a blind estimator would say."""
    placed = people.keypoints[..., 2] >= HIDDEN
    inside = (people.keypoints[..., :2] - people.boxes[:, None, :2]) / people.boxes[:, None, 2:]
    weight = placed[..., None].astype(float)
    mean = (inside * weight).sum(0) / np.maximum(weight.sum(0), 1)
    points = people.boxes[:, None, :2] + mean * people.boxes[:, None, 2:]
    return Found(points.astype(np.float32), np.full((len(people), KEYPOINTS), 0.5, np.float32))


def _notes(weights: Path) -> list[str]:
    header: dict[str, Any] = artifact.read_header(weights)
    net = header["config"]
    return [
        f"Crops of {net['input_px']} px around the true boxes, {net['stacks']} hourglasses of "
        f"{net['features']} features. Ours: the mean over four crops (one closer, two turned) and "
        "their mirror images, as the application looks.",
        "PCK@0.2: within a fifth of the torso's diagonal, on the photographs of LSP Extended that "
        "`trainer/data/lspet_validation.txt` lists; joints without label and people without torso "
        "do not count. Two labellers of one photograph agree at 79 %.",
        "PCKh@0.5: within half of the distance from neck to top of the head, with both of these "
        "joints counted.",
        "AP: object keypoint similarity on the val2017 people of the COCO photographs.",
        "In the boxes of our finder: as in the application, when nobody draws a box.",
        "The paper's own figures are for MPII and LSP, whose photographs are not these.",
    ]
