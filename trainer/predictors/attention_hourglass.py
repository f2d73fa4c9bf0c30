"""Joints of people in a photograph, with trained weights: what the application calls."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from trainer import artifact
from trainer import config as configs
from trainer.data import person_crops
from trainer.data.photos import JOINTS, MIRRORED, UNKNOWN
from trainer.errors import ArtifactError, TrainerError
from trainer.layers.heatmap_decoding import decode
from trainer.models.attention_hourglass import (
    KEYPOINTS,
    STRIDE,
    AttentionHourglass,
    AttentionHourglassConfig,
)
from trainer.precision import bf16_is_fast

MODEL = "attention_hourglass"
View = tuple[float, float]
"""How a person is looked at: zoom, and turn in degrees."""

VIEWS: tuple[View, ...] = ((1.0, 0.0), (1.1, 0.0), (1.0, -15.0), (1.0, 15.0))
"""Of a thorough look, chosen on training photographs: each finds some joints the others miss."""
_CHUNK = 8  # crops a forward pass: bounds the memory of a crowd


@dataclass(frozen=True)
class Estimate:
    """Poses of the people of one photograph.

    Attributes:
        keypoints: (N,17,2) float32, px of the photograph, COCO-17.
        confidence: (N,17) float32, 0-1: how sharply the joint was found, and that it is there.
        seen: (N,17) float32, 0-1: that the joint is not hidden.
        auxiliary: (N,2,2) float32 px, neck and top of the head.
        heatmaps: (N,17,h,w) float32, probability over the crop's pixels, peaks scaled to at most 1.
        to_photo: (N,2,3) float32, heatmap px to photograph px.
    """

    keypoints: np.ndarray
    confidence: np.ndarray
    seen: np.ndarray
    auxiliary: np.ndarray
    heatmaps: np.ndarray
    to_photo: np.ndarray


class Predictor:
    """An estimator held ready; calls are independent of each other."""

    def __init__(self, weights: Path, device: str = "cpu") -> None:
        header = artifact.read_header(Path(weights))
        if header["model"] != MODEL:
            raise ArtifactError(
                f"{Path(weights).name} holds a {header['model']} model: choose an estimator's."
            )
        self.config = configs.from_dict(AttentionHourglassConfig, header["config"])
        net = AttentionHourglass(self.config)
        try:
            net.load_state_dict(artifact.load_tensors(Path(weights)), strict=True)
        except RuntimeError as exc:
            raise ArtifactError(
                f"{Path(weights).name} does not fit its own config: install the weights again."
            ) from exc
        self.device = torch.device(device)
        net = net.eval().requires_grad_(False)
        self._net = net.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._bf16 = bf16_is_fast(self.device)

    def estimate(
        self,
        photo: np.ndarray,
        boxes: np.ndarray,
        *,
        flip: bool = True,
        views: Sequence[View] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Estimate:
        """Find the joints of the people in some boxes.

        Args:
            photo: (h,w,3) uint8 RGB.
            boxes: (N,4) x, y, width, height px around each person.
            flip: also look at the mirrored crops and take the mean; twice the time, better joints.
            views: of the crops that are looked at and averaged; the first one's frame is that of
                the heatmaps. None is `VIEWS` with `flip`, and one look without.
            progress: called with (people done, people).
        """
        boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
        if photo.ndim != 3 or photo.shape[2] != 3 or photo.dtype != np.uint8:
            raise TrainerError("An estimate takes an RGB picture of 8 bits a channel.")
        if len(boxes) and not (np.isfinite(boxes).all() and (boxes[:, 2:] > 0).all()):
            raise TrainerError("A box needs a width and a height: draw it around the person.")
        side = self.config.input_px
        looks = tuple(views) if views else (VIEWS if flip else VIEWS[:1])
        parts: list[tuple[np.ndarray, ...]] = []
        with torch.inference_mode():
            for start in range(0, len(boxes), _CHUNK):
                if progress is not None:
                    progress(start, len(boxes))
                chunk = boxes[start : start + _CHUNK]
                cut = [self._cut(photo, chunk, view) for view in looks]
                images = np.stack([images for images, _ in cut])  # (V,N,s,s,3)
                parts.append((*self._crops(images, looks, flip), cut[0][1]))
        return _joined(parts, side // STRIDE)

    def _cut(
        self, photo: np.ndarray, boxes: np.ndarray, view: View
    ) -> tuple[np.ndarray, np.ndarray]:
        """Crops (N,s,s,3) uint8 and (N,2,3) from their px to the photograph's."""
        nothing = np.full((len(JOINTS), 3), UNKNOWN, np.float32)
        side, crops = self.config.input_px, []
        for box in boxes:
            matrix = person_crops.placement(
                box, side, zoom=view[0], turn_deg=view[1], box_to_crop=self.config.box_to_crop
            )
            image, _ = person_crops.cut(photo, nothing, matrix, side)
            crops.append((image, nothing, False, matrix))
        batch = person_crops.stack(crops)
        return batch.images, batch.to_photo

    def _crops(
        self, images: np.ndarray, views: Sequence[View], flip: bool
    ) -> tuple[np.ndarray, ...]:
        """From (V,N,s,s,3) crops of the same people."""
        count = images.shape[1]
        x = torch.from_numpy(images.reshape(-1, *images.shape[2:])).to(self.device)
        x = x.permute(0, 3, 1, 2).float()
        x = (x / 127.5 - 1.0).contiguous(memory_format=torch.channels_last)
        probability, presence = self._look(x)
        if flip:
            other, other_presence = self._look(x.flip(-1))
            mirrored = list(MIRRORED)
            probability = (probability + other[:, mirrored].flip(-1)) / 2
            presence = (presence + other_presence[:, mirrored[:KEYPOINTS]]) / 2
        probability = _in_the_first_frame(probability.unflatten(0, (-1, count)), views)
        presence = presence.unflatten(0, (-1, count)).mean(0)
        places, share = decode(probability.clamp_min(1e-12).log())
        peaks = probability / probability.amax((2, 3), keepdim=True).clamp_min(1e-9)
        confidence = share[:, :KEYPOINTS] * presence[..., 0]
        heatmaps = peaks[:, :KEYPOINTS] * confidence[..., None, None]
        kept = (places, confidence, presence[..., 1], heatmaps)
        return tuple(t.float().cpu().numpy() for t in kept)

    def _look(self, x: Tensor) -> tuple[Tensor, Tensor]:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self._bf16):
            stacks, presence = self._net(x)
        maps = stacks[-1].float()
        probability = maps.flatten(2).softmax(-1).unflatten(2, maps.shape[-2:])
        return probability, presence.float().sigmoid()


def _in_the_first_frame(probability: Tensor, views: Sequence[View]) -> Tensor:
    """Mean of (V,N,J,h,w) maps of crops around one middle, as seen in the first crop."""
    total = probability[0]
    height, width = total.shape[-2:]
    for maps, (zoom, turn_deg) in zip(probability[1:], views[1:], strict=True):
        ratio, angle = zoom / views[0][0], math.radians(turn_deg - views[0][1])
        cosine, sine = ratio * math.cos(angle), ratio * math.sin(angle)
        matrix = torch.tensor([[[cosine, -sine, 0], [sine, cosine, 0]]], device=maps.device)
        grid = functional.affine_grid(
            matrix.expand(len(maps), -1, -1), [len(maps), 1, height, width], align_corners=False
        )
        # A pixel of the first frame holds ratio**2 pixels of the closer one.
        total = total + functional.grid_sample(maps, grid, align_corners=False) * ratio**2
    return total / len(views)


def _joined(parts: list[tuple[np.ndarray, ...]], side: int) -> Estimate:
    if not parts:
        return Estimate(
            np.zeros((0, KEYPOINTS, 2), np.float32),
            np.zeros((0, KEYPOINTS), np.float32),
            np.zeros((0, KEYPOINTS), np.float32),
            np.zeros((0, len(JOINTS) - KEYPOINTS, 2), np.float32),
            np.zeros((0, KEYPOINTS, side, side), np.float32),
            np.zeros((0, 2, 3), np.float32),
        )
    places, confidence, seen, heatmaps, to_photo = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    # A heatmap's pixel is STRIDE pixels of the crop, whose middle lies between them.
    scale = to_photo[:, :, :2] * STRIDE
    offset = to_photo[:, :, 2] + to_photo[:, :, :2].sum(-1) * (STRIDE - 1) / 2
    from_map = np.concatenate([scale, offset[..., None]], axis=-1).astype(np.float32)
    points = places @ scale.transpose(0, 2, 1) + offset[:, None]
    return Estimate(
        points[:, :KEYPOINTS].astype(np.float32),
        confidence,
        seen,
        points[:, KEYPOINTS:].astype(np.float32),
        heatmaps,
        from_map,
    )
