"""Detectors of others in ONNX files, used as our own person finder is: YOLO, RTMDet, RT-DETR …"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from trainer.data import boxes as box_tools
from trainer.errors import TrainerError
from trainer.predictors import onnx_files as files
from trainer.predictors.onnx_files import Answers, OnnxModel, PictureInput, Question

Layout = Literal["grid", "anchors", "centres", "rows", "boxes_with_scores", "boxes_and_scores"]

_SIDE = 640  # px, where the file leaves the size open: what most were trained at
_SAME = 0.6
_LEAST = 0.3
_MANY = 1000  # rows; models that list fewer have chosen already
_FROM_ONE = (
    "torchvision",
    "fasterrcnn",
    "faster_rcnn",
    "maskrcnn",
    "mask_rcnn",
    "retinanet",
    "ssd",
)
_FROM_ZERO = ("rtdetr", "rt-detr", "rt_detr", "dfine", "d-fine", "yolo", "rtmdet", "deim")


@dataclass(frozen=True)
class DetectorSpec:
    """How a detector is used.

    Attributes:
        size: (width, height) px of its pictures.
        layout: "grid": rows of middle, size, objectness, classes in cells of 8, 16 and 32 px
            (YOLOX); "anchors": the same in px (YOLOv5); "centres": middle, size, classes
            (YOLOv8 and later); "rows": left, top, right, bottom, score, class (YOLOv10);
            "boxes_with_scores": (1,N,5) and labels (RTMDet); "boxes_and_scores": boxes, scores
            and labels by themselves (RT-DETR, torchvision).
        outputs: rows among the outputs, in the order that the layout names.
        transposed: (1,C,N) in place of (1,N,C).
        person: number of the class.
        centred: the picture is put into the middle, or into the upper left corner.
    """

    size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    colours: str
    layout: Layout
    outputs: tuple[int, ...]
    transposed: bool
    person: int
    centred: bool


def questions(path: Path, answers: Answers | None = None) -> tuple[Question, ...]:
    """What has to be asked about a detector.

    Args:
        answers: given so far; None takes those kept beside the file.
    Raises:
        TrainerError: the file is no detector that is known.
    """
    model = OnnxModel(Path(path))
    given = files.read_answers(model.path) if answers is None else answers
    return _understood(model, files.picture_input(model), given)[1]


class Predictor:
    """A detector held ready; calls are independent of each other.

    Args:
        weights: the ONNX file.
        answers: to its questions; None takes the answers kept beside the file.
    Raises:
        onnx_files.Unanswered: something has to be asked first.
    """

    def __init__(self, weights: Path, device: str = "cpu", answers: Answers | None = None) -> None:
        self._model = OnnxModel(Path(weights), device)
        self._input = files.picture_input(self._model)
        given = files.read_answers(self._model.path) if answers is None else answers
        spec, asked = _understood(self._model, self._input, given)
        if spec is None:
            raise files.Unanswered(self._model.name, asked)
        self.spec = spec
        self.name = self._model.path.stem

    def find(
        self,
        photo: np.ndarray,
        *,
        least_score: float | None = None,
        closer: bool = True,
        progress: Callable[[int, int], None] | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find the people in a photograph.

        Args:
            photo: (h,w,3) uint8 RGB.
            least_score: of the boxes that are handed back; None for 0.3.
            closer: as our own finder has it; these models look once, at the whole picture.
            progress: called with (pictures done, pictures).
        Returns:
            (N,4) float32 x, y, width, height px, and (N,) scores, 0-1; best first.
        """
        if photo.ndim != 3 or photo.shape[2] != 3 or photo.dtype != np.uint8 or not photo.size:
            raise TrainerError("People are found in an RGB picture of 8 bits a channel.")
        spec = self.spec
        width, height = spec.size
        canvas, placed = box_tools.letterbox(photo, width, height, centred=spec.centred)
        results = _run(self._model, self._input, canvas, spec.mean, spec.std, spec.colours)
        found, scores = _people(results, spec)
        if not (np.isfinite(found).all() and np.isfinite(scores).all()):
            raise TrainerError(
                f"{self._model.name} gives values that are no numbers: its normalisation may be "
                "another one."
            )
        sure = scores >= (_LEAST if least_score is None else least_score)
        boxes = box_tools.clip(placed.back(found[sure]), photo.shape[1], photo.shape[0])
        real = (boxes[:, 2:] >= 1.0).all(1)
        boxes, scores = boxes[real], scores[sure][real].astype(np.float32)
        kept = box_tools.suppress(boxes, scores, _SAME)
        if progress is not None:
            progress(1, 1)
        return boxes[kept], np.clip(scores[kept], 0.0, 1.0)


def _run(
    model: OnnxModel,
    taken: PictureInput,
    canvas: np.ndarray,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    colours: str,
) -> list[np.ndarray]:
    packed = taken.pack(canvas[None], mean, std, colours)
    feeds = {taken.name: packed}
    for port in model.inputs:
        if port.name == taken.name:
            continue
        # RT-DETR asks how large the picture was, to scale its boxes; they shall be of the canvas.
        if "size" not in port.name.lower() or len(port.shape) != 2:
            raise TrainerError(
                f"{model.name} also takes {port.name}, which is not known: choose another detector."
            )
        kind = "float32" if "float" in port.type else "int32" if "int32" in port.type else "int64"
        feeds[port.name] = np.array([[canvas.shape[1], canvas.shape[0]]], kind)
    return model.run(feeds)


def _people(results: list[np.ndarray], spec: DetectorSpec) -> tuple[np.ndarray, np.ndarray]:
    """Boxes (N,4) x, y, width, height px of the canvas and scores (N,) of the class of people."""
    first = results[spec.outputs[0]]
    if spec.layout == "boxes_and_scores":
        boxes, scores, labels = (results[i] for i in spec.outputs)
        chosen = labels.reshape(-1).round().astype(int) == spec.person
        corners, sure = boxes.reshape(-1, 4)[chosen], scores.reshape(-1)[chosen]
        return _scaled(_from_corners(corners), spec), sure
    if spec.layout == "boxes_with_scores":
        mine = results[spec.outputs[1]].reshape(-1).round().astype(int) == spec.person
        rows = first.reshape(-1, 5)[mine]
        return _scaled(_from_corners(rows[:, :4]), spec), rows[:, 4]
    table = first[0].T if spec.transposed else first[0]
    if spec.layout == "rows":
        rows = table[table[:, 5].round().astype(int) == spec.person]
        return _scaled(_from_corners(rows[:, :4]), spec), rows[:, 4]
    if spec.layout == "centres":
        scores = table[:, 4 + spec.person]
    else:
        scores = table[:, 4] * table[:, 5 + spec.person]
    boxes = table[:, :4].astype(np.float32)
    if spec.layout == "grid":
        boxes = _from_grid(boxes, spec.size)
    if len(scores) and scores.min() < 0:  # logits
        scores = 1.0 / (1.0 + np.exp(-np.clip(scores, -30, 30)))
    boxes = np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, 2:]], axis=1)
    return _scaled(boxes, spec), scores


def _from_corners(corners: np.ndarray) -> np.ndarray:
    corners = corners.astype(np.float32)
    return np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)


def _scaled(boxes: np.ndarray, spec: DetectorSpec) -> np.ndarray:
    """Boxes in px; some models give shares of the sides."""
    if len(boxes) and np.abs(boxes).max() <= 2.0:
        return boxes * np.array(spec.size * 2, np.float32)
    return boxes


def _from_grid(boxes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    places, steps = [], []
    for step in (8, 16, 32):
        columns, rows = np.meshgrid(np.arange(size[0] // step), np.arange(size[1] // step))
        places.append(np.stack([columns.ravel(), rows.ravel()], axis=1))
        steps.append(np.full(columns.size, step))
    grid, cell_px = np.concatenate(places), np.concatenate(steps)[:, None]
    middle = (boxes[:, :2] + grid) * cell_px
    extent = np.exp(np.clip(boxes[:, 2:], -10, 10)) * cell_px
    return np.concatenate([middle, extent], axis=1).astype(np.float32)


def _understood(
    model: OnnxModel, taken: PictureInput, answers: Answers
) -> tuple[DetectorSpec | None, tuple[Question, ...]]:
    """What is known of a detector, or what is to be asked."""
    size = _size(model, taken, answers)
    grey = np.full((size[1], size[0], 3), box_tools.GREY, np.uint8)
    unit = files.NORMALISATIONS["0..1"]
    results = _run(model, taken, grey, *unit, "rgb")
    layout, outputs, transposed = _layout(model, results, size)
    asked: list[Question] = []
    person = _person(model, answers, layout, results[outputs[0]].shape, transposed)
    if person is None:
        text = "Which number has the class of people?"
        asked.append(Question("person", text, ("0", "1")))
    default, order = _convention(model, taken, layout)
    scale = files.normalisation(model, answers, default)
    if scale is None:
        asked.append(files.NORMALISATION_QUESTION)
    colours = files.colours(model, answers, order)
    if colours is None:
        asked.append(files.COLOURS_QUESTION)
    if asked or person is None or scale is None or colours is None:
        return None, tuple(asked)
    centred = layout in ("anchors", "centres", "rows")
    spec = DetectorSpec(size, *scale, colours, layout, outputs, transposed, person, centred)
    return spec, ()


def _size(model: OnnxModel, taken: PictureInput, answers: Answers) -> tuple[int, int]:
    text = str(answers.get("size", model.metadata.get("imgsz", model.metadata.get("size", ""))))
    told = [int(n) for n in re.findall(r"\d+", text)][:2]
    if len(told) == 2 and "imgsz" in model.metadata and "size" not in answers:
        told.reverse()  # height, width
    width, height = (told * 2)[:2] if told else (_SIDE, _SIDE)
    return taken.width or width, taken.height or height


def _layout(
    model: OnnxModel, results: list[np.ndarray], size: tuple[int, int]
) -> tuple[Layout, tuple[int, ...], bool]:
    """How boxes are written, which outputs hold them, and whether columns come first."""
    named = {o.name.lower(): i for i, o in enumerate(model.outputs)}
    shapes = [r.shape for r in results]
    labels = next((i for n, i in named.items() if "label" in n or "class" in n), None)
    boxes = next((i for n, i in named.items() if "box" in n or "det" in n), None)
    scores = next((i for n, i in named.items() if "score" in n), None)
    if labels is None and len(results) in (2, 3):
        labels = next((i for i, r in enumerate(results) if r.dtype.kind in "iu"), None)
    if boxes is None and len(results) in (2, 3):
        boxes = next((i for i, s in enumerate(shapes) if s and s[-1] in (4, 5)), None)
    if labels is not None and boxes is not None and shapes[boxes]:
        if shapes[boxes][-1] == 5:
            return "boxes_with_scores", (boxes, labels), False
        if scores is None and len(results) == 3:
            scores = ({0, 1, 2} - {boxes, labels}).pop()
        if shapes[boxes][-1] == 4 and scores is not None:
            return "boxes_and_scores", (boxes, scores, labels), False
    first = shapes[0] if shapes else ()
    if len(first) == 3 and first[0] == 1 and min(first[1:]) >= 5:
        # Masks and the like may follow; the first output holds the boxes.
        transposed = first[1] < first[2] and first[2] > 100
        columns, rows = (first[1], first[2]) if transposed else (first[2], first[1])
        if columns == 6 and not transposed and rows <= _MANY:
            return "rows", (0,), False
        cells = sum((size[0] // s) * (size[1] // s) for s in (8, 16, 32))
        classes = _class_names(model)
        if not transposed and columns == len(classes) + 5:
            return ("grid" if rows == cells else "anchors"), (0,), False
        if not transposed and not classes and columns not in (84, 5) and columns >= 6:
            if rows == cells:
                return "grid", (0,), False
            if rows == 3 * cells:
                return "anchors", (0,), False
        if transposed or columns in (84, len(classes) + 4) or columns == 5:
            return "centres", (0,), transposed
    raise TrainerError(
        f"{model.name} gives {files.shapes_text(results)}, which is no layout of boxes that is "
        "known (YOLO, RTMDet, RT-DETR, torchvision): choose another detector."
    )


def _class_names(model: OnnxModel) -> dict[int, str]:
    """Names of the classes, where Ultralytics' metadata tell them."""
    pairs = re.findall(r"(\d+)\s*:\s*['\"]([^'\"]*)['\"]", model.metadata.get("names", ""))
    return {int(number): name.lower() for number, name in pairs}


def _person(
    model: OnnxModel,
    answers: Answers,
    layout: Layout,
    shape: tuple[int, ...],
    transposed: bool,
) -> int | None:
    """Number of the class of people; None if it has to be asked."""
    columns = shape[1] if transposed else shape[-1]
    spare = {"centres": 4, "grid": 5, "anchors": 5}.get(layout)
    if "person" in answers:
        try:
            number = int(answers["person"])
        except (TypeError, ValueError) as exc:
            raise TrainerError(f"{answers['person']} is no number of a class.") from exc
        if number < 0 or (spare is not None and number >= columns - spare):
            raise TrainerError(f"{model.name} has no class {number}.")
        return number
    names = _class_names(model)
    if names:
        for number, name in names.items():
            if name in ("person", "people", "pedestrian", "human"):
                return number
        raise TrainerError(f"{model.name} knows no people: choose another detector.")
    if spare is not None or layout == "rows":
        return 0  # COCO's first, and the only one of detectors of people
    if model.says(*_FROM_ONE):
        return 1
    return 0 if layout == "boxes_with_scores" or model.says(*_FROM_ZERO) else None


def _convention(
    model: OnnxModel, taken: PictureInput, layout: Layout
) -> tuple[str | None, str | None]:
    """Normalisation and order of colours that models of a layout have; None to ask."""
    if taken.dtype is np.uint8:
        return "0..255", "rgb"
    if layout == "grid" or model.says("yolox"):
        return "0..255", "bgr"
    if layout == "boxes_with_scores":
        return ("imagenet", "bgr") if model.says("rtmdet") else (None, None)
    return "0..1", "rgb"
