"""What there is to say of each model's weights: there or not, whole or not, how good. No torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from poseapp.core.errors import WeightsError
from trainer import artifact, catalog, manifest, paths
from trainer.errors import ArtifactError

_SHOWN_TASKS = ("caption_to_pose", "lift")
_PHOTO_TASKS = ("estimate", "find")
_TRANSFER_TASK = "transfer"
_SCORE = "one_nn"
"""Nearest-neighbour test between sampled and real poses: 50 % where nobody can tell."""
_NOISE_SCALED = frozenset({"caption_wgan"})


@dataclass(frozen=True)
class ModelCard:
    """One model, as its card shows it.

    Attributes:
        status: "ready", "missing" or "damaged".
        problem: one sentence when the status is not "ready".
        chosen: the file was chosen by the user instead of the shipped one.
        size_bytes: 0 when the file is missing.
        metrics: measured quality by name, from the manifest.
    """

    name: str
    title: str
    task: str
    path: Path
    status: str
    problem: str = ""
    chosen: bool = False
    size_bytes: int = 0
    licence: str = ""
    data: str = ""
    paper: str = ""
    trained: str = ""
    metrics: dict[str, float] = field(default_factory=dict)


def application_models() -> list[str]:
    """Names of the models that the application uses, caption models first."""
    tasks = (*_SHOWN_TASKS, _TRANSFER_TASK)
    shown = [e.name for task in tasks for e in catalog.CATALOG.values() if e.task == task]
    return [*shown, *photo_models()]


def photo_models() -> list[str]:
    """Names of the models for photos whose weights are there, the estimator first."""
    names = [e.name for task in _PHOTO_TASKS for e in catalog.CATALOG.values() if e.task == task]
    return [name for name in names if path_of(name).is_file()]


def caption_models() -> list[tuple[str, str]]:
    """(name, title) of the caption models, in the catalogue's order."""
    return [(e.name, e.title) for e in catalog.CATALOG.values() if e.task == "caption_to_pose"]


def has_guidance(name: str) -> bool:
    """Whether a caption model has a guidance strength; the others have their noise scaled."""
    return name not in _NOISE_SCALED


def default_caption_model() -> str:
    """The caption model whose poses tell apart worst from real ones, of those that are there.

    Without figures the catalogue's order counts; without weights the first model of all.
    """
    names = [name for name, _ in caption_models()]
    there = [name for name in names if path_of(name).is_file()]
    return min(there, key=_distinguishable, default=names[0])


def _distinguishable(name: str) -> float:
    try:
        row = manifest_row(name, path_of(name))
    except ArtifactError:
        row = {}
    metrics = row.get("metrics")
    value = metrics.get(_SCORE) if isinstance(metrics, dict) else None
    return float(value) if isinstance(value, int | float) else float("inf")


def path_of(name: str, chosen: str = "") -> Path:
    """The weights file of a model: the chosen one, else the shipped one."""
    return Path(chosen) if chosen else paths.weights_dir() / catalog.entry(name).weights


def manifest_row(name: str, path: Path) -> dict[str, object]:
    """What the manifest beside a weights file says of it; empty when it says nothing."""
    row = manifest.find(name, path.parent)
    return row if row is not None and row.get("file") == path.name else {}


def card(name: str, chosen: str = "", verify: bool = False) -> ModelCard:
    """Describe a model.

    Args:
        chosen: path of a weights file instead of the shipped one.
        verify: also compare the checksum of the whole file, which takes a while.
    """
    entry = catalog.entry(name)
    path = path_of(name, chosen)
    row: dict[str, object] = {}
    problem, status = "", "ready"
    try:
        row = manifest_row(name, path)
        check(name, path, row, verify)
    except WeightsError as exc:
        problem, status = str(exc), "damaged" if path.is_file() else "missing"
    except ArtifactError as exc:
        problem, status = str(exc), "damaged"
    metrics = row.get("metrics")
    trained = " · ".join(
        str(row[key]) for key in ("trained_on", "hardware", "preset") if row.get(key)
    )
    return ModelCard(
        name=name,
        title=entry.title,
        task=entry.task,
        path=path,
        status=status,
        problem=problem,
        chosen=bool(chosen),
        size_bytes=path.stat().st_size if path.is_file() else 0,
        licence=str(row.get("licence") or ""),
        data=str(row.get("data") or ""),
        paper=_paper(str(row.get("paper") or entry.paper)),
        trained=trained,
        metrics=dict(metrics) if isinstance(metrics, dict) else {},
    )


_PAPERS = {
    "1": "Synthesizing Human Pose from Captions",
    "2": "Stacked deformable GAN for pose-based person image generation",
    "3": "Unsupervised 3D Human Pose Estimation (KTH 2020)",
    "4": "Human pose estimation with self-attention generative adversarial networks",
    "5": "Spectral normalization and relativistic adversarial training for conditional pose"
    " generation with self-attention",
}


def _paper(reference: str) -> str:
    """The paper's title in place of its number: "1, section 2" is the catalogue's short form."""
    titled = []
    for part in reference.split(";"):
        number, comma, rest = part.strip().partition(",")
        titled.append(_PAPERS.get(number.strip(), number) + comma + rest)
    return "; ".join(titled)


def check(name: str, path: Path, row: dict[str, object], verify: bool = True) -> None:
    """Raise WeightsError unless `path` holds whole weights of the model called `name`.

    Args:
        row: the model's row of the manifest; empty for a file that is not listed there.
        verify: also compare the checksum of the whole file.
    """
    restore = "install PoseApp's weights again, or choose another file in the Models panel"
    if not row and path.is_file():  # the user's own file
        restore = "choose another file in the Models panel, or reset it to the shipped weights"
    if not path.is_file():
        raise WeightsError(f"The weights file {path.name} is missing: {restore}.")
    try:
        header = artifact.read_header(path)
        if header["model"] != name:
            raise WeightsError(
                f"{path.name} holds weights of {header['model']}, not of {name}: {restore}."
            )
        whole = row.get("bytes") in (None, path.stat().st_size)
        if whole and verify and row.get("sha256"):
            whole = row["sha256"] == artifact.sha256(path)
    except ArtifactError as exc:
        raise WeightsError(f"{path.name} is damaged ({_reason(exc)}): {restore}.") from exc
    if not whole:
        raise WeightsError(
            f"{path.name} is damaged or was changed (its checksum is not the one of the manifest): "
            f"{restore}."
        )


def _reason(error: Exception) -> str:
    return str(error).split(":")[0].strip().rstrip(".")
