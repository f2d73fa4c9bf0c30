"""Which models find people in a photo and their joints: our own, or ONNX files of the user's.

Knows the choices alone; `models.ModelCache` loads what is chosen. No torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from poseapp.services import weights
from poseapp.services.models import ModelOptions
from trainer import catalog

ESTIMATOR = "attention_hourglass"
FINDER = "person_finder"
OWN = {"pose": ESTIMATOR, "detector": FINDER}
"""Our own model for each kind of ONNX model."""

NO_ESTIMATOR = (
    "No model for photos is installed: choose an ONNX pose model in the Models panel, or put the"
    f" weights {ESTIMATOR}.safetensors into PoseApp's weights folder."
)
NO_ESTIMATOR_HERE = (
    "No model for photos is installed: give an ONNX pose model with --model, or put the weights"
    f" {ESTIMATOR}.safetensors into PoseApp's weights folder."
)
NO_FINDER = (
    "No model that finds people is installed, so the whole photo was taken as one person: drag a"
    " box around each person instead."
)


@dataclass(frozen=True)
class Chosen:
    """A model in force.

    Attributes:
        kind: "pose" or "detector".
        title: what results say.
        path: its file.
        own: it is ours; else an ONNX file.
    """

    kind: str
    title: str
    path: Path
    own: bool


def chosen(options: ModelOptions, kind: str) -> Chosen | None:
    """The model of a kind ("pose" or "detector") that is in force, None without any.

    A file that the user chose and that is gone counts: whoever asks for it is told.
    """
    file = options.pose_onnx if kind == "pose" else options.detector_onnx
    if file:
        return Chosen(kind, Path(file).name, Path(file), False)
    name = OWN[kind]
    if name not in catalog.CATALOG:
        return None
    path = weights.path_of(name, options.weights.get(name, ""))
    return Chosen(kind, catalog.entry(name).title, path, True) if path.is_file() else None


def can_detect(options: ModelOptions) -> bool:
    """There is a model that estimates poses."""
    return chosen(options, "pose") is not None
