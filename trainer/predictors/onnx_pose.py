"""Top-down pose models of others in ONNX files, used as our own estimator is.

RTMPose, ViTPose, HRNet and their like take a crop of one person and give heatmaps or SimCC's two
distributions a joint. What a file does not tell is asked once; see `onnx_files.Question`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trainer.data import person_crops
from trainer.data.photos import JOINTS, MIRRORED
from trainer.errors import TrainerError
from trainer.predictors import onnx_decoding, onnx_joints
from trainer.predictors import onnx_files as files
from trainer.predictors.attention_hourglass import Estimate
from trainer.predictors.onnx_files import Answers, OnnxModel, PictureInput, Question

_PADDING = 1.25  # of a crop over the box, as all of these models were trained with
_CHUNK = 8
_KEYPOINTS = 17
_SIZES = ("192x256", "288x384", "256x256", "384x384", "384x512")
# families whose pictures are brought to ImageNet's mean and deviation, in the order RGB
_IMAGENET = (
    *("rtmpose", "rtmw", "dwpose", "dw-ll", "simcc", "vitpose", "hrnet", "mmpose", "mmdeploy"),
    *("simplebaseline", "pose_resnet", "pixel_values", "sapiens"),
)
_LEFT_SHOULDER, _RIGHT_SHOULDER = 5, 6


@dataclass(frozen=True)
class PoseSpec:
    """How a pose model is used.

    Attributes:
        size: (width, height) px of its crops.
        mean, std: of red, green, blue, of values 0..255.
        colours: "rgb" or "bgr".
        outputs: row of the heatmaps, or of SimCC's x and y, among the outputs.
        channels_last: heatmaps are (B,h,w,K).
        joints: the model's row of COCO's 17 joints, neck and top of the head; -1 for none.
        ends_meet: the corner pixels of map and crop lie on each other (UDP), not just the first.
    """

    size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    colours: str
    outputs: tuple[int, ...]
    channels_last: bool
    joints: tuple[int, ...]
    ends_meet: bool = False


def questions(path: Path, answers: Answers | None = None) -> tuple[Question, ...]:
    """What has to be asked about a pose model.

    Args:
        answers: given so far; None takes those kept beside the file.
    Raises:
        TrainerError: the file is no top-down pose model.
    """
    model = OnnxModel(Path(path))
    given = files.read_answers(model.path) if answers is None else answers
    return _understood(model, files.picture_input(model), given)[1]


class Predictor:
    """A pose model held ready; calls are independent of each other.

    Args:
        weights: the ONNX file.
        answers: to its questions; what is answered counts more than what is recognised. None
            takes the answers kept beside the file.
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

    def estimate(
        self,
        photo: np.ndarray,
        boxes: np.ndarray,
        *,
        flip: bool = True,
        progress: Callable[[int, int], None] | None = None,
    ) -> Estimate:
        """Find the joints of the people in some boxes.

        Joints that the model does not know get confidence 0 and the middle of the box; `seen` is
        1, since these models do not tell. A neck that it does not know is put between the
        shoulders, the top of the head is then NaN.

        Args:
            photo: (h,w,3) uint8 RGB.
            boxes: (N,4) x, y, width, height px around each person.
            flip: also look at the mirrored crops and take the mean; twice the time.
            progress: called with (people done, people).
        """
        boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
        if photo.ndim != 3 or photo.shape[2] != 3 or photo.dtype != np.uint8 or not photo.size:
            raise TrainerError("An estimate takes an RGB picture of 8 bits a channel.")
        if len(boxes) and not (np.isfinite(boxes).all() and (boxes[:, 2:] > 0).all()):
            raise TrainerError("A box needs a width and a height: draw it around the person.")
        chunk = self._input.fixed_batch or _CHUNK
        parts: list[Estimate] = []
        for start in range(0, len(boxes), chunk):
            if progress is not None:
                progress(start, len(boxes))
            parts.append(self._some(photo, boxes[start : start + chunk], flip))
        return _joined(parts)

    def _some(self, photo: np.ndarray, boxes: np.ndarray, flip: bool) -> Estimate:
        spec = self.spec
        width, height = spec.size
        placed = [placement(box, spec.size, spec.ends_meet) for box in boxes]
        crops = np.stack([person_crops.warped(photo, matrix, spec.size) for matrix in placed])
        found = self._look(crops)
        if flip:
            other = [part[:, list(MIRRORED)] for part in self._look(crops[:, :, ::-1])]
            other[0] = _mirrored(other[0], width, spec.ends_meet)
            found = [(a + b) / 2 for a, b in zip(found, other, strict=True)]
        if len(found) == 1:
            maps = onnx_decoding.probabilities(found[0])
            points, confidence = onnx_decoding.heatmap_peaks(maps)
            cells = (maps.shape[-1], maps.shape[-2])
            shown = np.clip(maps, 0, None)
            shown = shown / np.maximum(shown.max((2, 3), keepdims=True), 1e-9)
            of_map = cells
        else:
            points, confidence = onnx_decoding.simcc_peaks(*found)
            cells = (found[0].shape[-1], found[1].shape[-1])
            of_map = (max(1, width // 4), max(1, height // 4))
            shown = onnx_decoding.simcc_maps(found[0], found[1], *of_map)
        known = np.array(spec.joints) >= 0
        confidence[:, ~known] = 0.0
        in_photo = [_back(matrix, spec.size, cells, spec.ends_meet) for matrix in placed]
        points = np.stack(
            [p @ m[:, :2].T + m[:, 2] for p, m in zip(points, in_photo, strict=True)]
        ).astype(np.float32)
        points[:, ~known] = (boxes[:, :2] + boxes[:, 2:] / 2)[:, None]
        neck, top = _KEYPOINTS, _KEYPOINTS + 1
        if not known[neck]:
            points[:, neck] = (points[:, _LEFT_SHOULDER] + points[:, _RIGHT_SHOULDER]) / 2
        if not known[top]:
            points[:, top] = np.nan
        heatmaps = shown[:, :_KEYPOINTS] * confidence[:, :_KEYPOINTS, None, None]
        to_photo = [_back(matrix, spec.size, of_map, spec.ends_meet) for matrix in placed]
        return Estimate(
            points[:, :_KEYPOINTS],
            confidence[:, :_KEYPOINTS],
            np.ones((len(boxes), _KEYPOINTS), np.float32),
            points[:, _KEYPOINTS:],
            heatmaps.astype(np.float32),
            np.stack(to_photo).astype(np.float32),
        )

    def _look(self, crops: np.ndarray) -> list[np.ndarray]:
        """Heatmaps (B,19,h,w), or SimCC's (B,19,Wx) and (B,19,Hy), in our order."""
        spec, take = self.spec, self._input.fixed_batch or len(crops)
        missing = take - len(crops)
        if missing > 0:
            crops = np.concatenate([crops, np.repeat(crops[-1:], missing, 0)])
        packed = self._input.pack(crops, spec.mean, spec.std, spec.colours)
        results = self._model.run({self._input.name: packed})
        rows = list(spec.joints)
        found = []
        for output in spec.outputs:
            values = results[output][: take - max(missing, 0)]
            if spec.channels_last:
                values = values.transpose(0, 3, 1, 2)
            if not np.isfinite(values).all():
                raise TrainerError(
                    f"{self._model.name} gives values that are no numbers: its normalisation may "
                    "be another one."
                )
            chosen = values[:, rows]
            chosen[:, [r < 0 for r in rows]] = 0.0
            found.append(chosen)
        return found


def placement(box: np.ndarray, size: tuple[int, int], ends_meet: bool) -> np.ndarray:
    """The affine map from photograph to crop, (2,3): the box, padded to the crop's shape."""
    x, y, w, h = (float(v) for v in box)
    width, height = size
    reach = max(w * height / width, h, 2.0) * _PADDING  # px of the photo that are the crop's height
    spare = 1 if ends_meet else 0
    scale = (height - spare) / reach
    middle = np.array([x + w / 2, y + h / 2])
    offset = np.array([width - spare, height - spare]) / 2 - scale * middle
    return np.array([[scale, 0.0, offset[0]], [0.0, scale, offset[1]]])


def _back(
    matrix: np.ndarray, size: tuple[int, int], cells: tuple[int, int], ends_meet: bool
) -> np.ndarray:
    """(2,3): from px of a map, or bins, to px of the photo."""
    spare = 1 if ends_meet else 0
    step = np.array([(s - spare) / max(c - spare, 1) for s, c in zip(size, cells, strict=True)])
    linear = np.diag(step / matrix[0, 0])
    return np.concatenate([linear, (-matrix[:, 2] / matrix[0, 0])[:, None]], axis=1)


def _mirrored(values: np.ndarray, width: int, ends_meet: bool) -> np.ndarray:
    """Maps or distributions of mirrored crops, mirrored back.

    Pixel i of a map lies on pixel i * step of the crop, so that a mirrored map does not lie on
    the mirrored crop, but for (width - 1) / step - (cells - 1) px, unless the ends meet.

    Args:
        values: (..., cells); width: px of the crop.
    """
    values = values[..., ::-1]
    cells = values.shape[-1]
    if ends_meet:
        return values
    at = np.arange(cells) - ((width - 1) * cells / width - (cells - 1))
    low = np.floor(at).astype(int)
    share = (at - low).astype(np.float32)
    first, second = (np.clip(low + k, 0, cells - 1) for k in (0, 1))
    return (values[..., first] * (1 - share) + values[..., second] * share).astype(np.float32)


def _joined(parts: list[Estimate]) -> Estimate:
    if not parts:
        empty = np.zeros((0, _KEYPOINTS), np.float32)
        return Estimate(
            np.zeros((0, _KEYPOINTS, 2), np.float32),
            empty,
            empty,
            np.zeros((0, len(JOINTS) - _KEYPOINTS, 2), np.float32),
            np.zeros((0, _KEYPOINTS, 1, 1), np.float32),
            np.zeros((0, 2, 3), np.float32),
        )
    columns = zip(*(vars(part).values() for part in parts), strict=True)
    return Estimate(*(np.concatenate(column) for column in columns))


def _understood(
    model: OnnxModel, taken: PictureInput, answers: Answers
) -> tuple[PoseSpec | None, tuple[Question, ...]]:
    """What is known of a model, or what is to be asked."""
    if len(model.inputs) > 1:
        raise TrainerError(
            f"{model.name} takes {len(model.inputs)} inputs: choose a pose model that takes a "
            "picture of one person alone."
        )
    asked: list[Question] = []
    size = _size(model, taken, answers)
    if size is None:
        text = "How large are its pictures, width x height in pixels?"
        return None, (Question("size", text, _SIZES),)
    outputs, count, channels_last = _probe(model, taken, size)
    told_order = model.metadata.get("joints")
    order: Any = answers.get("joints", told_order if told_order in onnx_joints.ORDERS else None)
    if order is None:
        order = onnx_joints.recognised(count, model.hints)
    if order is None:
        text = f"It finds {count} joints: in which order?"
        fitting = onnx_joints.fitting(count)
        if not fitting:
            raise TrainerError(f"{model.name} finds {count} joints, too few for a body.")
        asked.append(Question("joints", text, fitting))
    default = (
        "0..255" if taken.dtype is np.uint8 else ("imagenet" if model.says(*_IMAGENET) else None)
    )
    scale = files.normalisation(model, answers, default)
    if scale is None:
        asked.append(files.NORMALISATION_QUESTION)
    known = default is not None or "mean" in model.metadata
    colours = files.colours(model, answers, "rgb" if known else None)
    if colours is None:
        asked.append(files.COLOURS_QUESTION)
    if asked or scale is None or colours is None:
        return None, tuple(asked)
    rows = onnx_joints.rows_of(order, count)
    ends_meet = str(answers.get("alignment", "udp" if model.says("udp") else "")) == "udp"
    spec = PoseSpec(size, *scale, colours, outputs, channels_last, rows, ends_meet)
    return spec, ()


def _size(model: OnnxModel, taken: PictureInput, answers: Answers) -> tuple[int, int] | None:
    if taken.width and taken.height:
        return taken.width, taken.height
    text = str(answers.get("size", model.metadata.get("size", "")))
    if text:
        match = re.fullmatch(r"\s*(\d+)\s*[x,]\s*(\d+)\s*", text)
        if not match:
            raise TrainerError(f"{text} is no size: write width x height, such as 192x256.")
        return int(match[1]), int(match[2])
    # OpenMMLab's file names tell height x width.
    match = re.search(r"(?<!\d)(\d{3})x(\d{3})(?!\d)", model.name.lower())
    return (int(match[2]), int(match[1])) if match else None


def _probe(
    model: OnnxModel, taken: PictureInput, size: tuple[int, int]
) -> tuple[tuple[int, ...], int, bool]:
    """Which outputs are heatmaps or SimCC, how many joints they find, and the heatmaps' layout."""
    width, height = size
    grey = np.full((taken.fixed_batch or 1, height, width, 3), 128, np.uint8)
    packed = taken.pack(grey, *files.NORMALISATIONS["imagenet"], "rgb")
    results = model.run({taken.name: packed})
    batch = len(grey)
    rows = [i for i, r in enumerate(results) if r.ndim == 3 and r.shape[0] == batch]
    if len(rows) == 2 and len(results) == 2:
        ordered = _simcc(model, results, size)
        if ordered:
            return ordered, results[0].shape[1], False
    for row in reversed(range(len(results))):  # the last stack's
        shape = results[row].shape
        if len(shape) != 4 or shape[0] != batch:
            continue
        for last, (k, h, w) in ((False, shape[1:]), (True, (shape[3], shape[1], shape[2]))):
            whole = w and h and abs(width / w - height / h) < 0.02 * width / w
            if whole and 1 <= width / w <= 16:
                if model.says("paf", "affinity") or _has_limbs(results, row):
                    raise TrainerError(
                        f"{model.name} finds all people of a picture at once: choose a top-down "
                        "pose model, which takes one person."
                    )
                return (row,), int(k), last
    raise TrainerError(
        f"{model.name} gives {files.shapes_text(results)}, which are neither heatmaps nor SimCC: "
        "choose a top-down pose model."
    )


def _simcc(
    model: OnnxModel, results: list[np.ndarray], size: tuple[int, int]
) -> tuple[int, int] | None:
    """Which output is x and which y; None if they are neither."""
    (_, k0, first), (_, k1, second) = (r.shape for r in results)
    width, height = size
    names = [o.name.lower() for o in model.outputs]
    straight = abs(first / width - second / height) < 0.02 * first / width
    crossed = abs(second / width - first / height) < 0.02 * second / width
    if k0 != k1 or not (straight or crossed) or first < width or second < min(size):
        return None
    if straight and crossed:  # a square: the names tell
        return (1, 0) if names[0].endswith("y") and names[1].endswith("x") else (0, 1)
    return (0, 1) if straight else (1, 0)


def _has_limbs(results: list[np.ndarray], row: int) -> bool:
    """Whether two maps a limb stand beside the joints' maps, as in OpenPose and its like."""
    counts = {r.shape[1] for r in results if r.ndim == 4 and r.shape[2:] == results[row].shape[2:]}
    return bool(counts & {38, 52}) and bool(counts & {18, 19, 25, 26})
