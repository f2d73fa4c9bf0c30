"""Nets that judge pictures of transferred people; each may be missing."""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from trainer import paths
from trainer.data.person_pairs import scaled
from trainer.errors import DataError, TrainerError
from trainer.layers.vgg import FILE as VGG_FILE
from trainer.layers.vgg import VggFeatures
from trainer.predictors import onnx_files
from trainer.predictors.attention_hourglass import Predictor as Estimator

VGG_LAYERS = ("conv1_2", "conv2_2", "conv3_1")
ESTIMATOR_FILE = "attention_hourglass.safetensors"
INCEPTION_PX = 299
_SURROUNDINGS = 128  # what `person_crops.cut` puts around photographs


@dataclass(frozen=True)
class Judges:
    """What is at hand; None for what is not.

    Attributes:
        missing: for each that is missing, a sentence that says what to do.
    """

    vgg: "VggJudge | None"
    estimator: "PoseJudge | None"
    inception: "InceptionJudge | None"
    missing: tuple[str, ...] = ()


def judges(data: Path, device: str = "cpu", inception: Path | None = None) -> Judges:
    """Load the nets that are there.

    Args:
        data: a folder that may hold VGG's file; else the general data folder is looked at.
        inception: an ONNX file of Inception v3 that takes (B,3,299,299) pictures.
    """
    missing = []
    vgg_file = _vgg_file(data)
    if vgg_file is None:
        missing.append(f"No VGG distance: put {VGG_FILE} into the data folder.")
    estimator_file = paths.weights_dir() / ESTIMATOR_FILE
    if not estimator_file.is_file():
        missing.append(f"No PCKh: there is no {ESTIMATOR_FILE} among the weights.")
    if inception is None:
        missing.append("No Inception score: give an ONNX file of Inception v3 with --inception.")
    return Judges(
        VggJudge(vgg_file, device) if vgg_file else None,
        PoseJudge(estimator_file, device) if estimator_file.is_file() else None,
        InceptionJudge(inception) if inception else None,
        tuple(missing),
    )


class VggJudge:
    """How far pictures are from the truth in VGG-19's features."""

    def __init__(self, path: Path, device: str = "cpu") -> None:
        self._net = VggFeatures(path).eval().requires_grad_(False).to(device)
        self._device = device

    def distances(self, found: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """(B,h,w,3) uint8 RGB twice -> (B,), the mean absolute difference of `VGG_LAYERS`.

        A feature is 1 in the mean over photographs, so no layer outweighs the others.
        """
        with torch.inference_mode():
            one = self._net(self._tensor(found), VGG_LAYERS)
            two = self._net(self._tensor(truth), VGG_LAYERS)
            layers = [(a - b).abs().mean((1, 2, 3)) for a, b in zip(one, two, strict=True)]
            return np.asarray(torch.stack(layers).mean(0).cpu().numpy())

    def _tensor(self, pictures: np.ndarray) -> torch.Tensor:
        x = torch.from_numpy(np.ascontiguousarray(pictures)).to(self._device)
        return x.permute(0, 3, 1, 2).float() / 127.5 - 1.0


class PoseJudge:
    """Where the pose estimator sees the joints of a picture; the whole picture is the box."""

    def __init__(self, path: Path, device: str = "cpu") -> None:
        self._net = Estimator(path, device)

    def points(self, pictures: np.ndarray) -> np.ndarray:
        """(B,h,w,3) uint8 RGB -> (B,17,2) float32 px."""
        count, height, width = pictures.shape[:3]
        # Side by side they are looked at together, which is quicker than one by one; between them
        # is as much grey as the estimator puts around a picture that is alone.
        pitch = width + 2 * height
        canvas = np.full((3 * height, count * pitch, 3), _SURROUNDINGS, np.uint8)
        corners = np.array([(i * pitch + height, height) for i in range(count)], np.float32)
        for picture, (x, y) in zip(pictures, corners.astype(int), strict=True):
            canvas[y : y + height, x : x + width] = picture
        boxes = np.concatenate([corners, np.tile([float(width), height], (count, 1))], axis=1)
        found = self._net.estimate(canvas, boxes).keypoints - corners[:, None]
        return np.asarray(found, np.float32)


class InceptionJudge:
    """What an ImageNet classifier of the user's sees in pictures."""

    def __init__(self, path: Path) -> None:
        self._model = onnx_files.OnnxModel(path)
        self._input = onnx_files.picture_input(self._model)
        answers = onnx_files.read_answers(path)
        self._normal = onnx_files.normalisation(self._model, answers, "-1..1")
        self._colours = onnx_files.colours(self._model, answers, "rgb")

    def probabilities(self, pictures: np.ndarray) -> np.ndarray:
        """(B,h,w,3) uint8 RGB -> (B,classes) float32, rows sum to 1."""
        port = self._input
        size = (port.height or INCEPTION_PX, port.width or INCEPTION_PX)
        large = np.stack([scaled(picture, size) for picture in pictures])
        step = port.fixed_batch or len(large)
        if not port.batched:
            step = 1
        rows = []
        for start in range(0, len(large), step):
            part = large[start : start + step]
            padded = np.concatenate([part, np.repeat(part[-1:], step - len(part), 0)])
            rows.append(self._run(padded)[: len(part)])
        return np.concatenate(rows)

    def _run(self, pictures: np.ndarray) -> np.ndarray:
        mean, std = self._normal or onnx_files.NORMALISATIONS["-1..1"]
        packed = self._input.pack(pictures, mean, std, self._colours or "rgb")
        outputs: list[Any] = self._model.run({self._input.name: packed})
        scores = outputs[0].reshape(len(pictures), -1).astype(np.float64)
        if scores.shape[1] < 2 or not np.isfinite(scores).all():
            raise TrainerError(
                f"{self._model.name} gives no scores of classes: choose a file of Inception v3."
            )
        if scores.min() < 0 or np.abs(scores.sum(1) - 1).max() > 1e-3:  # logits
            scores = np.exp(scores - scores.max(1, keepdims=True))
            scores /= scores.sum(1, keepdims=True)
        return np.asarray(scores, np.float32)


def _vgg_file(data: Path) -> Path | None:
    folders = [Path(data), *Path(data).parents[:2]]
    with contextlib.suppress(DataError):
        folders.append(paths.data_root())
    name = Path(VGG_FILE).name
    tried = [folder / file for folder in folders for file in (VGG_FILE, name)]
    return next((path for path in tried if path.is_file()), None)
