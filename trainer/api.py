"""All that the application calls: `load` a predictor by name."""

import importlib
from pathlib import Path
from typing import Any

from trainer import artifact, catalog, manifest, paths
from trainer.errors import ArtifactError, TrainerError


def load(
    name: str,
    device: str = "auto",
    weights: Path | None = None,
    word_vectors: Path | None = None,
) -> Any:
    """Build the predictor of a catalogue entry.

    A predictor class is constructed as `Predictor(weights: Path, device: str)`, and the ones of
    task caption_to_pose as `Predictor(weights, device, word_vectors=Path | None)`.

    Args:
        name: a key of `trainer.catalog.CATALOG`.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        weights: a weights file other than the shipped one.
        word_vectors: for caption models, a `.bin`, `.vec` or compact table of the user's.
    Raises:
        ArtifactError: the weights are missing, damaged or of another model.
    """
    entry = catalog.entry(name)
    if not entry.predictor:
        raise TrainerError(f"{entry.title} is used for measuring and has no predictor.")
    path = weights if weights is not None else paths.weights_dir() / entry.weights
    if weights is None:
        _check_against_manifest(path)
    module_name, _, class_name = entry.predictor.partition(":")
    cls = getattr(importlib.import_module(module_name), class_name)
    options = {"word_vectors": word_vectors} if entry.task == "caption_to_pose" else {}
    return cls(path, resolve_device(device), **options)


def resolve_device(device: str = "auto") -> str:
    """The torch device string for a user's choice; "auto" takes the GPU where there is one."""
    import torch

    if device != "auto":
        try:
            kind = torch.device(device).type
        except RuntimeError as exc:
            raise TrainerError(f"{device} is not a device: use auto, cpu, cuda or mps.") from exc
        if kind == "cuda" and not torch.cuda.is_available():
            raise TrainerError("No CUDA device was found: choose the device auto or cpu.")
        if kind == "mps" and not torch.backends.mps.is_available():
            raise TrainerError("No MPS device was found: choose the device auto or cpu.")
        return device
    if torch.cuda.is_available():
        return "cuda"
    if torch.backends.mps.is_available():
        return "mps"
    return "cpu"


def _check_against_manifest(path: Path) -> None:
    artifact.read_header(path)  # missing and truncated files get the clearer sentence first
    for row in manifest.read(path.parent)["models"]:
        if row.get("file") == path.name and row.get("sha256") != artifact.sha256(path):
            raise ArtifactError(
                f"{path.name} is not the file that the manifest names (its checksum differs): "
                "install the weights again, or choose the file by hand to use it anyway."
            )
