"""The caption WGAN behind the caption interface (paper 1)."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from trainer import artifact
from trainer import config as configs
from trainer import noise as noise_module
from trainer.data import heatmaps
from trainer.errors import ArtifactError
from trainer.models.caption_wgan import CaptionWganConfig, Generator, to_heatmap
from trainer.predictors.caption_common import CaptionReader, CaptionSamples, check_inputs

_MIN_JOINTS = 8  # the data holds no pose with fewer
_RETRIES = 4
_ROWS = 8  # always this many at once, padded: other sizes may round differently


class Predictor:
    """Poses from captions by the conditional WGAN-LP.

    A GAN has no guidance in the sense of diffusion; here `guidance` divides the noise. 1 draws what
    the net was trained on, more draws nearer to the middle of the distribution (safer, more alike),
    less draws farther out.
    """

    batch_rows = _ROWS
    """Rows that a call computes in any case."""

    def __init__(
        self, weights: Path, device: str = "cpu", word_vectors: Path | None = None
    ) -> None:
        header = artifact.read_header(weights)
        name = Path(weights).name
        if header["model"] != "caption_wgan":
            raise ArtifactError(f"{name} holds a {header['model']} model, not a caption_wgan one.")
        config = configs.from_dict(CaptionWganConfig, header["config"])
        if not config.conditional:
            raise ArtifactError(
                f"{name} holds the unconditional net, which reads no captions: "
                "train caption_wgan from its run."
            )
        extra = header["extra"]
        self.noise_dim = config.noise_dim
        self.default_guidance = float(extra.get("guidance", 1.0))
        self._device = torch.device(device)
        self._generator = Generator(config)
        try:
            self._mean = torch.tensor(extra["text_mean"], device=self._device)
            self._scale = torch.tensor(extra["text_scale"], device=self._device)
            self._generator.load_state_dict(artifact.load_tensors(weights), strict=True)
        except (KeyError, RuntimeError) as exc:
            raise ArtifactError(
                f"{name} does not fit its own config: install the weights again."
            ) from exc
        self._generator.to(self._device).eval().requires_grad_(False)
        self._reader = CaptionReader(word_vectors)

    def encode(self, text: str) -> np.ndarray:
        """(300,) float32 sentence vector times 30; CaptionError if nothing can be read."""
        return self._reader.encode(text)

    def words_known(self, text: str) -> list[str]:
        """The words of the caption that are understood."""
        return self._reader.words_known(text)

    def sample(
        self, text_vectors: np.ndarray, noise: np.ndarray, *, guidance: float | None = None
    ) -> CaptionSamples:
        """One pose for each row; see `CaptionPredictor.sample`.

        A pose with fewer than eight joints above the threshold is drawn again from noise derived
        from its own.

        Args:
            text_vectors: (N, 300) float32, sentence vectors times 30.
            noise: (N, noise_dim) float32 standard normal.
            guidance: divides the noise; None takes `default_guidance`.
        """
        text, noise = check_inputs(text_vectors, noise, self.noise_dim)
        strength = self.default_guidance if guidance is None else float(guidance)
        scale = 1.0 / max(strength, 0.1)
        keypoints, confidence, maps = self._draw(text, noise * scale)
        for attempt in range(_RETRIES):
            rows = np.flatnonzero((confidence > 0).sum(1) < _MIN_JOINTS)
            if not len(rows):
                break
            again = np.stack([_derived(noise[i], attempt) for i in rows]) * scale
            keypoints[rows], confidence[rows], maps[rows] = self._draw(text[rows], again)
        return CaptionSamples(keypoints, confidence, maps)

    @torch.inference_mode()
    def _draw(self, text: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, ...]:
        size = heatmaps.SIZE_PX
        count = len(text)
        keypoints = np.zeros((count, 17, 2), np.float32)
        confidence = np.zeros((count, 17), np.float32)
        maps = np.zeros((count, 17, size, size), np.float32)
        for start in range(0, count, _ROWS):
            rows = slice(start, min(start + _ROWS, count))
            padding = ((0, _ROWS - (rows.stop - start)), (0, 0))
            z, h = (
                torch.from_numpy(np.pad(part[rows], padding).astype(np.float32)).to(self._device)
                for part in (noise, text)
            )
            drawn = to_heatmap(self._generator(z, (h - self._mean) / self._scale))
            place, peak = heatmaps.decode(drawn)
            present = peak >= heatmaps.THRESHOLD
            place = torch.where(present[..., None], place, size / 2)
            peak = torch.where(present, peak, 0.0)
            kept = rows.stop - start
            for target, value in ((keypoints, place), (confidence, peak), (maps, _enlarge(drawn))):
                target[rows] = value[:kept].float().cpu().numpy()
        return keypoints, confidence, maps


def _enlarge(maps: Tensor) -> Tensor:
    """(B, 17, S, S) -> (B, 17, 64, 64) in [0, 1]."""
    if maps.shape[-1] != heatmaps.SIZE_PX:
        maps = functional.interpolate(maps, size=heatmaps.SIZE_PX, mode="bicubic")
    return maps.clamp(0.0, 1.0)


def _derived(noise: np.ndarray, attempt: int) -> np.ndarray:
    """Fresh noise that depends on one row's noise alone, so that retries repeat exactly."""
    digest = hashlib.sha256(noise.astype("<f4").tobytes()).digest()
    return noise_module.draw(int.from_bytes(digest[:8], "little"), attempt, len(noise))
