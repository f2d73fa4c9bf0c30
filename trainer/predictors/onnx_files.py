"""ONNX files of others: opening and running them, and asking what they do not tell."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trainer.errors import TrainerError

IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)
NORMALISATIONS: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "imagenet": (IMAGENET_MEAN, IMAGENET_STD),
    "0..1": ((0.0, 0.0, 0.0), (255.0, 255.0, 255.0)),
    "0..255": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    "-1..1": ((127.5, 127.5, 127.5), (127.5, 127.5, 127.5)),
}
"""Mean and deviation of red, green and blue that a picture of 0..255 is brought to."""

COLOURS = ("rgb", "bgr")

Answers = Mapping[str, Any]


@dataclass(frozen=True)
class Question:
    """Something a model file does not tell.

    Attributes:
        key: of the answer; text: for the user; choices: what may be answered.
    """

    key: str
    text: str
    choices: tuple[str, ...]


class Unanswered(TrainerError):
    """A model cannot be used before its questions are answered.

    Attributes:
        questions: what to ask the user, once for each file.
    """

    def __init__(self, name: str, questions: Sequence[Question]) -> None:
        asked = " ".join(f"{q.text} ({', '.join(q.choices)})" for q in questions)
        super().__init__(f"{name} does not tell all that is needed to use it. {asked}")
        self.questions = tuple(questions)


def answers_file(model: Path) -> Path:
    """Where the answers about a model are kept: beside it."""
    return model.with_name(model.name + ".json")


def read_answers(model: Path) -> dict[str, Any]:
    """The answers given about a model so far; empty if there are none."""
    path = answers_file(Path(model))
    if not path.exists():
        return {}
    try:
        answers = json.loads(path.read_text("utf-8"))
        if not isinstance(answers, dict):
            raise ValueError("it is no JSON object")
    except (OSError, ValueError) as exc:
        raise TrainerError(f"Cannot read {path.name}: {exc}. Delete it to be asked again.") from exc
    return answers


def write_answers(model: Path, answers: Answers) -> None:
    """Keep answers beside a model, with those given before."""
    path = answers_file(Path(model))
    part = path.with_name(path.name + ".part")
    try:
        text = json.dumps({**read_answers(model), **answers}, indent=1, sort_keys=True)
        part.write_text(text + "\n", "utf-8")
        part.replace(path)
    except (OSError, TypeError) as exc:
        raise TrainerError(f"Cannot write {path.name}: {exc}.") from exc


@dataclass(frozen=True)
class Port:
    """An input or output.

    Attributes:
        shape: None where it is left open.
        type: such as "tensor(float)".
    """

    name: str
    shape: tuple[int | None, ...]
    type: str


class OnnxModel:
    """An ONNX file held ready.

    Attributes:
        hints: file name, metadata and names of inputs and outputs in one lower-case text, in
            which conventions are recognised.
    """

    def __init__(self, path: Path, device: str = "cpu") -> None:
        self.path = Path(path)
        self._session = _open(self.path, device)
        self.inputs = tuple(_port(i) for i in self._session.get_inputs())
        self.outputs = tuple(_port(o) for o in self._session.get_outputs())
        about = self._session.get_modelmeta()
        self.metadata = {str(k).lower(): str(v) for k, v in about.custom_metadata_map.items()}
        words = [self.name, about.graph_name, about.description, about.producer_name]
        words += [*self.metadata, *self.metadata.values()]
        words += [port.name for port in (*self.inputs, *self.outputs)]
        self.hints = " ".join(w for w in words if w).lower()

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    def says(self, *words: str) -> bool:
        """Whether one of some words stands in the hints."""
        return any(word in self.hints for word in words)

    def run(self, feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
        """All outputs, floats as float32."""
        try:
            results = self._session.run(None, feeds)
        except Exception as exc:  # onnxruntime's errors share no other base
            raise TrainerError(f"{self.name} cannot be run: {_first_line(exc)}") from exc
        if not all(isinstance(r, np.ndarray) for r in results):
            raise TrainerError(f"{self.name} hands back lists: choose a model that gives arrays.")
        return [r.astype(np.float32) if r.dtype.kind == "f" else r for r in results]


@dataclass(frozen=True)
class PictureInput:
    """How a model takes pictures.

    Attributes:
        width, height: px; 0 where the file leaves it open.
        channels_last: (B,h,w,3) in place of (B,3,h,w); no batch: (3,h,w).
        fixed_batch: how many pictures it takes at once; 0 for any number.
        dtype: that it takes.
    """

    name: str
    width: int
    height: int
    channels_last: bool
    batched: bool
    fixed_batch: int
    dtype: type

    def pack(
        self,
        pictures: np.ndarray,
        mean: Sequence[float],
        std: Sequence[float],
        colours: str,
    ) -> np.ndarray:
        """Pictures as the model wants them.

        Args:
            pictures: (B,h,w,3) uint8 RGB.
            mean, std: of red, green, blue, of values 0..255.
        """
        x: np.ndarray = pictures.astype(np.float32)
        if self.dtype is not np.uint8:
            x = (x - np.asarray(mean, np.float32)) / np.asarray(std, np.float32)
        if colours == "bgr":
            x = x[..., ::-1]
        if not self.channels_last:
            x = x.transpose(0, 3, 1, 2)
        packed: np.ndarray = np.ascontiguousarray(x.astype(self.dtype))
        return packed if self.batched else packed[0]


def picture_input(model: OnnxModel) -> PictureInput:
    """Which input takes the picture.

    Raises:
        TrainerError: none does.
    """
    types = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(uint8)": np.uint8}
    for port in model.inputs:
        if len(port.shape) not in (3, 4) or port.type not in types:
            continue
        batched = len(port.shape) == 4
        shape = port.shape if batched else (1, *port.shape)
        if shape[1] == 3 or (shape[1] is None and shape[3] != 3):
            last, height, width = False, shape[2], shape[3]
        elif shape[3] == 3:
            last, height, width = True, shape[1], shape[2]
        else:
            continue
        return PictureInput(
            port.name,
            width or 0,
            height or 0,
            last,
            batched,
            shape[0] or 0,
            types[port.type],
        )
    given = ", ".join(f"{p.name} {_shape_text(p.shape)}" for p in model.inputs)
    raise TrainerError(f"{model.name} takes no colour picture but {given}: choose another model.")


def normalisation(
    model: OnnxModel, answers: Answers, default: str | None
) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Mean and deviation that a picture is brought to; None if it has to be asked.

    What was answered counts first, then metadata called mean and std, then the convention.
    """
    answered = answers.get("normalisation")
    if isinstance(answered, Mapping):
        return _scaled(answered.get("mean"), answered.get("std"), model.name)
    if answered is not None:
        if answered not in NORMALISATIONS:
            known = ", ".join(NORMALISATIONS)
            raise TrainerError(f"{answered} is no normalisation: choose one of {known}.")
        return NORMALISATIONS[answered]
    if "mean" in model.metadata and "std" in model.metadata:
        return _scaled(
            _numbers(model.metadata["mean"]), _numbers(model.metadata["std"]), model.name
        )
    return NORMALISATIONS[default] if default else None


def colours(model: OnnxModel, answers: Answers, default: str | None) -> str | None:
    """Order of the colours, "rgb" or "bgr"; None if it has to be asked."""
    answered = answers.get("colours")
    if answered is not None:
        if answered not in COLOURS:
            raise TrainerError(f"{answered} is no order of colours: choose rgb or bgr.")
        return str(answered)
    for key in ("colours", "colors", "color_format", "color_order", "channel_order"):
        told = model.metadata.get(key, "").lower()
        if told in COLOURS:
            return told
    return default


NORMALISATION_QUESTION = Question(
    "normalisation", "To which values are its pictures brought?", tuple(NORMALISATIONS)
)
COLOURS_QUESTION = Question("colours", "In which order does it take the colours?", COLOURS)


def shapes_text(arrays: Sequence[np.ndarray]) -> str:
    """Shapes for an error message."""
    return ", ".join(_shape_text(a.shape) for a in arrays) or "nothing"


def _open(path: Path, device: str) -> Any:
    try:
        import onnxruntime  # type: ignore[import-untyped]
    except ImportError as exc:
        raise TrainerError("ONNX models need onnxruntime: pip install onnxruntime.") from exc
    if not path.is_file():
        raise TrainerError(f"There is no model file {path}: choose an existing one.")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what is wrong is said in the error
    providers = ["CPUExecutionProvider"]
    if device.startswith("cuda") and "CUDAExecutionProvider" in (
        onnxruntime.get_available_providers()
    ):
        providers.insert(0, "CUDAExecutionProvider")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=providers)
    except Exception as exc:  # onnxruntime's errors share no other base
        raise TrainerError(
            f"{path.name} cannot be opened as an ONNX model, it may be damaged or of another "
            f"kind: {_first_line(exc)}"
        ) from exc


def _port(given: Any) -> Port:
    shape = tuple(d if isinstance(d, int) and d > 0 else None for d in given.shape)
    return Port(str(given.name), shape, str(given.type))


def _numbers(text: str) -> list[float]:
    return [float(n) for n in re.findall(r"-?\d+\.?\d*(?:[eE]-?\d+)?", text)]


def _scaled(mean: Any, std: Any, name: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    try:
        means, deviations = (tuple(float(v) for v in part) for part in (mean, std))
    except (TypeError, ValueError):
        means, deviations = (), ()
    if len(means) != 3 or len(deviations) != 3 or min(deviations) <= 0:
        raise TrainerError(f"The normalisation of {name} needs three means and three deviations.")
    if max(deviations) <= 2.0:  # of pictures of 0..1
        means, deviations = (tuple(255 * v for v in part) for part in (means, deviations))
    return means, deviations


def _shape_text(shape: Sequence[int | None]) -> str:
    return "(" + ", ".join("any" if d is None else str(d) for d in shape) + ")"


def _first_line(exc: Exception) -> str:
    text = str(exc).strip().splitlines()
    # "[ONNXRuntimeError] : 7 : INVALID_PROTOBUF : Load model from ... failed: ..."
    line = text[0] if text else type(exc).__name__
    return line.rpartition(" : ")[2][:200].rstrip(".") + "."
