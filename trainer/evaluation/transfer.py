"""How well people are put into new poses: the tables of papers 2 and 5 and what they leave out."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from trainer import artifact, paths
from trainer.api import resolve_device
from trainer.data.person_pairs import PairBatch, PersonPairs
from trainer.data.person_sets import person_pairs
from trainer.errors import TrainerError
from trainer.evaluation.table import Table
from trainer.evaluation.transfer_judges import VGG_LAYERS, Judges, judges
from trainer.metrics import pck
from trainer.metrics import ssim as pictures
from trainer.metrics.inception import SPLITS as INCEPTION_SPLITS
from trainer.metrics.inception import inception_score
from trainer.predictors.deformable_gan import Predictor

ROWS = {
    "unet": "U-Net",
    "deformable": "deformable GAN (DGAN)",
    "stacked": "stacked DGAN",
    "nearest": "DGAN with NN loss",
    "sn": "NN + SN",
    "rh": "NN + RH",
    "sa": "NN + SA",
    "sn_rh": "NN + SN + RH",
    "sa_sn_rh": "NN + SA + SN + RH (paper 5)",
    "ours": "ours",
}
"""The rows of the recipe, with their titles; trained with one budget each, they are kept as
`transfer_ROW.safetensors` in `weights/baselines`."""

PAIRS, FAST_PAIRS = 480, 96
_CHUNK = 16
_COLUMNS = [
    "method",
    "SSIM",
    "mask-SSIM",
    "L1",
    "L1, person",
    "VGG",
    "PCKh@0.5 %",
    "PCKh, estimated %",
    "Inception score",
]
_PUBLISHED = (  # paper 5, tables 1 and 2: Inception score, SSIM, L1
    ("paper: DGAN as published", 3.185, 0.290, None),
    ("paper: DGAN trained again", 3.272, 0.274, 0.292),
    ("paper: SN", 3.066, 0.289, 0.289),
    ("paper: RH", 3.122, 0.283, 0.289),
    ("paper: SA", 3.121, 0.278, 0.295),
    ("paper: SN + RH", 2.973, 0.296, 0.288),
    ("paper: SA + SN + RH", 3.402, 0.279, 0.288),
)

Render = Callable[[PairBatch], np.ndarray]
"""The sources of a batch in the targets' poses: (B,H,W,3) uint8 RGB. Must not look at `target`."""

_log = logging.getLogger(__name__)


class Transferrer(Protocol):
    """What is asked of a predictor."""

    size: tuple[int, int]

    def encode(
        self, image: np.ndarray, keypoints: np.ndarray, mask: np.ndarray | None = None
    ) -> Any:
        """(H,W,3) uint8 RGB, (17,3) px, (H,W) uint8 -> what is known of the photo."""

    def render(self, source: Any, keypoints: np.ndarray) -> Any:
        """The person in the pose of (17,3) px; the result's `image` is (H,W,3) uint8 RGB."""


@dataclass(frozen=True)
class Row:
    """A method of the table."""

    title: str
    render: Render


def evaluate(
    name: str,
    data: Path,
    weights: Path | Sequence[Path] | None = None,
    fast: bool = False,
    device: str = "cpu",
    *,
    inception: Path | None = None,
) -> Table:
    """The table of person transfer, on people of the test split.

    Args:
        data: a set of people, or a folder that holds one (see `person_sets`).
        weights: one file or several, a row each, the last is the one that counts; None for the
            rows of the papers that are in `weights/baselines`, and the shipped one.
        fast: a fifth of the pairs.
        inception: an ONNX file of Inception v3, for the Inception score.
    """
    device = resolve_device(device)
    files = weight_files(name, weights)
    methods, size = open_rows(files, device)
    people = person_pairs(data, "test", size)
    judged_by = judges(Path(data), device, inception)
    rows = [Row("the photo as it is", lambda batch: batch.source)]
    rows += methods
    table = compare(rows, people, judged_by, FAST_PAIRS if fast else PAIRS)
    ours = table.rows[len(methods)]  # the last but one: the true pictures are below
    table.metrics = {
        key: float(ours[column])
        for key, column in _METRICS.items()
        if ours[column] is not None and np.isfinite(ours[column])
    }
    if people.name == "Market-1501":
        for title, score, ssim, l1 in _PUBLISHED:
            cells = {"method": title, "SSIM": ssim, "L1": l1, "Inception score": score}
            table.add(**cells)
    table.notes += _notes(files[-1][1], people)
    return table


_METRICS = {
    "ssim": "SSIM",
    "mask_ssim": "mask-SSIM",
    "l1": "L1",
    "l1_person": "L1, person",
    "vgg": "VGG",
    "pckh": "PCKh@0.5 %",
    "pckh_estimated": "PCKh, estimated %",
    "inception": "Inception score",
}


def weight_files(name: str, weights: Path | Sequence[Path] | None = None) -> list[tuple[str, Path]]:
    """Title and file of each row that is measured.

    Args:
        weights: as `evaluate` takes it.
    """
    if isinstance(weights, str | Path):
        return [("ours", Path(weights))]
    if weights:
        listed = [Path(path) for path in weights]
        titles = [_title(path) for path in listed]
        # Two trainings of one row are told apart by their folders.
        twice = {title for title in titles if titles.count(title) > 1}
        named = [
            f"{title}, {path.parent.name}/{path.stem}" if title in twice else title
            for title, path in zip(titles, listed, strict=True)
        ]
        return list(zip(named, listed, strict=True))
    folder = paths.weights_dir()
    kept = [
        (title, folder / "baselines" / f"transfer_{row}.safetensors") for row, title in ROWS.items()
    ]
    files = [(title, path) for title, path in kept if path.is_file()]
    return [*files, ("ours", folder / f"{name}.safetensors")]


def _title(path: Path) -> str:
    row = str(artifact.read_header(path).get("extra", {}).get("row", ""))
    return ROWS.get(row, row or path.stem)


def open_rows(
    files: Sequence[tuple[str, Path]], device: str = "cpu"
) -> tuple[list[Row], tuple[int, int]]:
    """Load weights files of one size.

    Args:
        files: title and path of each.
    Returns:
        the methods, and the height and width px they work at.
    """
    predictors = [Predictor(path, device) for _, path in files]
    sizes = {(int(p.size[0]), int(p.size[1])) for p in predictors}
    if len(sizes) > 1:
        shown = " and ".join(f"{w}x{h}" for h, w in sorted(sizes))
        raise TrainerError(f"The weights work at {shown} px: take those of one size at a time.")
    titles = [title for title, _ in files]
    return [Row(t, renderer(p)) for t, p in zip(titles, predictors, strict=True)], sizes.pop()


def renderer(predictor: Transferrer) -> Render:
    """What a predictor makes of a batch; it sees the source's mask where the set knows it."""

    def render(batch: PairBatch) -> np.ndarray:
        found = []
        for i in range(len(batch)):
            mask = batch.source_mask[i] if batch.masks_exact else None
            source = predictor.encode(batch.source[i], batch.source_keypoints[i], mask)
            found.append(predictor.render(source, batch.target_keypoints[i]).image)
        return np.stack(found)

    return render


def compare(rows: Sequence[Row], people: PersonPairs, judged_by: Judges, count: int) -> Table:
    """Measure methods on the same pairs, and the true pictures below them.

    Args:
        count: of the pairs, fewer where the set has not so many.
    """
    fixed = people.fixed_pairs(count)
    height, width = people.size
    table = Table(
        f"People in new poses ({len(fixed)} pairs of {people.name}, {len(people)} people, "
        f"{width}x{height} px)",
        [c for c in _COLUMNS if c != "Inception score" or judged_by.inception is not None],
    )
    estimated = _estimates(people, fixed, judged_by)
    truth = Row("the true picture", lambda batch: batch.target)
    errors = []
    for row in (*rows, truth):
        figures, error = measure(row.render, people, fixed, judged_by, estimated)
        errors.append(error)
        table.add(method=row.title, **figures)
        _log.info("%s: SSIM %.3f, L1 %.3f", row.title, figures["SSIM"], figures["L1"])
    table.notes += [
        f"Standard error of SSIM: {max(errors):.3f} or less, were the pairs "
        "independent; of the difference of two rows less, as the pairs are the same.",
        *judged_by.missing,
    ]
    return table


def measure(
    render: Render,
    people: PersonPairs,
    fixed: Sequence[tuple[int, int]],
    judged_by: Judges,
    estimated: np.ndarray | None = None,
) -> tuple[dict[str, float | None], float]:
    """All figures of one method.

    Args:
        estimated: (N,17,2) px, where the estimator sees the joints of the true pictures.
    Returns:
        by column of the table, None for what nobody is there to judge; and the standard error of
        SSIM.
    """
    values: dict[str, list[float]] = {c: [] for c in ("SSIM", "mask-SSIM", "L1", "L1, person")}
    vgg: list[np.ndarray] = []
    points: list[np.ndarray] = []
    classes: list[np.ndarray] = []
    for batch in _batches(people, fixed):
        found = render(batch)
        if found.shape != batch.target.shape or found.dtype != np.uint8:
            raise TrainerError("A method has to give a picture of the set's size for each pair.")
        for one, truth, mask in zip(found, batch.target, batch.target_mask, strict=True):
            values["SSIM"].append(pictures.ssim(one, truth))
            values["mask-SSIM"].append(pictures.mask_ssim(one, truth, mask))
            values["L1"].append(pictures.l1(one, truth))
            values["L1, person"].append(pictures.l1(one, truth, mask))
        if judged_by.vgg is not None:
            vgg.append(judged_by.vgg.distances(found, batch.target))
        if judged_by.estimator is not None:
            points.append(judged_by.estimator.points(found))
        if judged_by.inception is not None:
            classes.append(judged_by.inception.probabilities(found))
    figures: dict[str, float | None] = {key: float(np.nanmean(v)) for key, v in values.items()}
    figures["VGG"] = float(np.concatenate(vgg).mean()) if vgg else None
    figures["PCKh@0.5 %"] = figures["PCKh, estimated %"] = None
    if points:
        seen, labels = np.concatenate(points), people.keypoints[[target for _, target in fixed]]
        figures["PCKh@0.5 %"] = 100 * pckh(seen, labels)
        if estimated is not None:
            figures["PCKh, estimated %"] = 100 * pckh(seen, labels, estimated)
    figures["Inception score"] = None
    if classes and len(fixed) >= INCEPTION_SPLITS:
        figures["Inception score"] = inception_score(np.concatenate(classes))
    return figures, float(np.std(values["SSIM"]) / np.sqrt(len(fixed)))


def pckh(found: np.ndarray, labels: np.ndarray, places: np.ndarray | None = None) -> float:
    """Share of joints within half of the head's length.

    Args:
        found: (N,17,2) px.
        labels: (N,17,3) px and visibility: joints that are seen in the true picture count, as a
            hidden one tells of the estimator's guess and not of the picture.
        places: (N,17,2) px, where the joints are taken to be in place of the labels.
    """
    points = labels[..., :2]
    head = pck.head_of_torso_px(points, labels[..., 2] > 0)
    return pck.pck(found, points if places is None else places, labels[..., 2] > 1, 0.5, head).mean


def _estimates(
    people: PersonPairs, fixed: Sequence[tuple[int, int]], judged_by: Judges
) -> np.ndarray | None:
    """(N,17,2) px, where the estimator sees the joints of the true pictures."""
    if judged_by.estimator is None:
        return None
    judge = judged_by.estimator
    return np.concatenate([judge.points(batch.target) for batch in _batches(people, fixed)])


def _batches(people: PersonPairs, fixed: Sequence[tuple[int, int]]) -> Iterator[PairBatch]:
    for start in range(0, len(fixed), _CHUNK):
        yield people.of(fixed[start : start + _CHUNK])


def _notes(weights: Path, people: PersonPairs) -> list[str]:
    header = artifact.read_header(weights)
    masks = "the set's own" if people.masks_exact else "drawn from the target's skeleton"
    notes = [
        f"{weights.name}: {header['model']}. All people are of the test split: nobody of them was "
        "seen in training.",
        "SSIM: Gaussian window of 11 px, sigma 1.5, each colour by itself, range 255; mask-SSIM: "
        "both pictures times the target's mask first, so that the black around counts as equal. "
        f"Masks: {masks}.",
        "L1: mean absolute difference, 1 is black against white; L1, person: within the mask. The "
        "papers do not state their unit.",
        f"VGG: mean absolute difference of VGG-19's {', '.join(VGG_LAYERS)}, where a feature is 1 "
        "in the mean over photographs.",
        "PCKh@0.5: our own estimator sees the picture, the whole of it as the box; joints that are "
        "seen in the true picture count, within half a head of where they are labelled. A head is "
        f"{pck.HEAD_OF_TORSO} of the torso's diagonal, as 17 keypoints do not tell where its top "
        "is. PCKh, estimated: within half a head of where the estimator sees them in the true "
        "picture, so that its own mistakes do not count.",
    ]
    if people.name != "Market-1501":
        notes.append(
            "Paper 5 on Market-1501, which these pictures are not: DGAN 3.272 IS, .274 SSIM, .292 "
            "L1; with SA, SN and RH 3.402, .279, .288."
        )
    return notes
