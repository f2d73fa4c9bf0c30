"""A person in new poses, with trained weights: what the application calls."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from trainer import artifact
from trainer import config as configs
from trainer.errors import ArtifactError, TrainerError
from trainer.layers.adversarial_blocks import Attention, fold_spectral
from trainer.layers.limb_rectangles import PARTS
from trainer.layers.limb_warps import limb_warps
from trainer.models import deformable_gan as nets
from trainer.models.deformable_gan import KEYPOINTS, DeformableGan, DeformableGanConfig
from trainer.precision import bf16_is_fast

MODEL = "deformable_gan"


@dataclass(frozen=True)
class Source:
    """A person whose photo's part of the work is done; for the predictor that made it."""

    features: nets.Source


@dataclass(frozen=True)
class Rendering:
    """A person in a new pose.

    Attributes:
        image: (H,W,3) uint8 RGB.
        mask: (H,W) float32, 0-1: what is person; drawn from the limbs if the net has no such head.
        scales: (h,w,3) uint8 pictures, coarse to fine; the last is `image`.
        warp_masks: (10,H,W) float32, 0-1: where each of `parts` is brought.
        attention: (h,w) float32, 0-1: how much each place was looked at by the others, or None.
        copied: (H,W) float32, 0-1: share of the pixel that is the photo's own, or None.
        parts: names of the parts.
    """

    image: np.ndarray
    mask: np.ndarray
    scales: tuple[np.ndarray, ...]
    warp_masks: np.ndarray
    attention: np.ndarray | None
    copied: np.ndarray | None
    parts: tuple[str, ...] = PARTS


class Predictor:
    """A generator held ready; calls are independent of each other.

    Attributes:
        size: (height, width) px it works at.
        row: of the tables of `docs/results.md`, as its training was told; "" if it was not.
    """

    def __init__(self, weights: Path, device: str = "cpu") -> None:
        header = artifact.read_header(Path(weights))
        if header["model"] != MODEL:
            raise ArtifactError(
                f"{Path(weights).name} holds a {header['model']} model: choose one of persons in "
                "new poses."
            )
        self.config = configs.from_dict(DeformableGanConfig, header["config"])
        self.size = self.config.size
        self.row = str(header.get("extra", {}).get("row", ""))
        try:
            net = DeformableGan(self.config)
            net.load_state_dict(artifact.load_tensors(Path(weights)), strict=True)
        except (RuntimeError, ValueError) as exc:
            raise ArtifactError(
                f"{Path(weights).name} does not fit its own config: install the weights again."
            ) from exc
        self.device = torch.device(device)
        net = net.eval().requires_grad_(False)
        fold_spectral(net)
        self._net = net.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._bf16 = bf16_is_fast(self.device)

    def encode(
        self, image: np.ndarray, keypoints: np.ndarray, mask: np.ndarray | None = None
    ) -> Source:
        """Look at a photo once; then each pose costs only the rest.

        Args:
            image: (H,W,3) uint8 RGB of `size`: the person's box with some margin.
            keypoints: (17,3) px of it and visibility, 0 for joints that are not known.
            mask: (H,W) uint8, how much of each pixel shows the person; None draws it from the
                limbs.
        """
        if image.dtype != np.uint8 or image.shape != (*self.size, 3):
            height, width = self.size
            raise TrainerError(f"A person is shown by an RGB picture of {width}x{height} px.")
        if mask is not None and mask.shape != self.size:
            raise TrainerError("The person's mask must have the size of its picture.")
        x = torch.from_numpy(np.ascontiguousarray(image)).to(self.device)[None].permute(0, 3, 1, 2)
        x = (x.float() / 127.5 - 1.0).contiguous(memory_format=torch.channels_last)
        known = None
        if mask is not None:
            known = torch.from_numpy(np.ascontiguousarray(mask)).to(self.device)[None, None]
            known = known.float() / 255.0
        points = self._points(keypoints)
        with torch.inference_mode(), self._autocast():
            return Source(self._net.encode(x, points, known))

    def render(self, source: Source, keypoints: np.ndarray) -> Rendering:
        """Show the person in a pose.

        Args:
            keypoints: (17,3) px of a picture of `size` and visibility.
        """
        points = self._points(keypoints)
        with torch.inference_mode():
            with self._autocast():
                out = self._net.render(source.features, points)
            warps = limb_warps(source.features.keypoints, points, self.size)
            parts = warps.masks(*self.size)[0]
            if out.mask is not None:
                mask = out.mask[0, 0].float().sigmoid()
            else:
                mask = limb_warps(points, points, self.size).masks(*self.size)[0].amax(0)
        scales = tuple(_picture(image) for image in out.images)
        return Rendering(
            scales[-1],
            _array(mask),
            scales,
            _array(parts),
            self._attention(),
            None if out.copied is None else _array(out.copied[0, 0]),
        )

    def _attention(self) -> np.ndarray | None:
        """Of the last attention that was used: the finest self-attention, or the look back."""
        used = [m.received for m in self._net.modules() if isinstance(m, Attention)]
        if not used or used[0] is None:
            return None
        received = used[0][0]
        return _array(received / received.max().clamp_min(1e-9))

    def _points(self, keypoints: np.ndarray) -> Tensor:
        points = np.asarray(keypoints, np.float32)
        if points.shape != (KEYPOINTS, 3):
            raise TrainerError(f"A pose is {KEYPOINTS} joints of x, y and visibility.")
        points = np.where(np.isfinite(points).all(1, keepdims=True), points, 0.0)
        return torch.from_numpy(points.astype(np.float32))[None].to(self.device)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self._bf16)


def _picture(image: Tensor) -> np.ndarray:
    shown = image[0].float().clamp(-1, 1).add(1).mul(127.5).round().byte()
    return np.ascontiguousarray(shown.permute(1, 2, 0).cpu().numpy())


def _array(x: Tensor) -> np.ndarray:
    return np.asarray(x.float().cpu().numpy())
