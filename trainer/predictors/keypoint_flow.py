"""The keypoint flow behind the caption interface."""

import hashlib
from pathlib import Path

import numpy as np
import torch

from trainer import artifact
from trainer import config as configs
from trainer import noise as noise_module
from trainer.errors import ArtifactError
from trainer.models.keypoint_flow import (
    POSE_DIM,
    TEXT_DIM,
    KeypointFlow,
    KeypointFlowConfig,
    integrate,
)
from trainer.predictors.caption_common import (
    SIZE_PX,
    CaptionReader,
    CaptionSamples,
    check_inputs,
    draw_heatmaps,
)

_MIN_JOINTS = 8  # the data holds no pose with fewer
_RETRIES = 4
_ROWS = 192  # at most this many at once: enough to keep a core busy, little memory
_MULTIPLE = 8  # batches are padded to whole vector registers


class Predictor:
    """Poses from captions by keypoint flow matching.

    The first 51 numbers of a noise vector are where the pose starts, the other 300 shake the
    sentence vector, as training did: a caption then stands for its neighbourhood, which gives
    poses within a caption their real variety.
    """

    noise_dim = POSE_DIM + TEXT_DIM
    batch_rows = _MULTIPLE
    """Rows that a call computes in any case."""

    def __init__(
        self, weights: Path, device: str = "cpu", word_vectors: Path | None = None
    ) -> None:
        header = artifact.read_header(weights)
        if header["model"] != "keypoint_flow":
            raise ArtifactError(
                f"{Path(weights).name} holds a {header['model']} model, not a keypoint_flow one."
            )
        extra = header["extra"]
        self.default_guidance = float(extra.get("guidance", 1.5))
        low, high = extra.get("interval", (0.0, 1.0))
        self._interval = (float(low), float(high))
        self._steps = int(extra.get("steps", 6))
        self._temperature = float(extra.get("temperature", 1.0))
        self._text_jitter = float(extra.get("text_jitter", 0.0))
        self._domain = int(extra.get("domain", 1))
        self._device = torch.device(device)
        self._model = KeypointFlow(configs.from_dict(KeypointFlowConfig, header["config"]))
        try:
            self._model.load_state_dict(artifact.load_tensors(weights), strict=True)
        except RuntimeError as exc:
            raise ArtifactError(
                f"{Path(weights).name} does not fit its own config: install the weights again."
            ) from exc
        self._model.to(self._device).eval().requires_grad_(False)
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

        A pose with fewer than eight joints is drawn again from noise derived from its own.
        """
        text, noise = check_inputs(text_vectors, noise, self.noise_dim)
        strength = self.default_guidance if guidance is None else float(guidance)
        keypoints, confidence = self._draw(text, noise, strength)
        for attempt in range(_RETRIES):
            rows = np.flatnonzero((confidence > 0.5).sum(1) < _MIN_JOINTS)
            if not len(rows):
                break
            again = np.stack([_derived(noise[i], attempt) for i in rows])
            keypoints[rows], confidence[rows] = self._draw(text[rows], again, strength)
        present = confidence > 0.5
        keypoints = np.where(present[..., None], keypoints.clip(0, SIZE_PX - 1), SIZE_PX / 2)
        confidence = np.where(present, confidence, 0.0)
        return CaptionSamples(
            keypoints.astype(np.float32),
            confidence.astype(np.float32),
            draw_heatmaps(keypoints, present),
        )

    @torch.inference_mode()
    def _draw(
        self, text: np.ndarray, noise: np.ndarray, guidance: float
    ) -> tuple[np.ndarray, np.ndarray]:
        keypoints, confidence = [], []
        for start in range(0, len(text), _ROWS):
            rows = slice(start, start + _ROWS)
            count = len(text[rows])
            padding = ((0, -count % _MULTIPLE), (0, 0))
            padded = [
                torch.from_numpy(np.pad(a[rows], padding)).to(self._device) for a in (noise, text)
            ]
            start_noise, shake = padded[0].split((POSE_DIM, TEXT_DIM), 1)
            vector = integrate(
                self._model,
                self._temperature * start_noise,
                padded[1] + self._text_jitter * self._model.text_scale * shake,
                self._domain,
                guidance,
                self._steps,
                self._interval,
            )
            place, sure = self._model.from_vector(vector[:count])
            keypoints.append(place.cpu().numpy())
            confidence.append(sure.cpu().numpy())
        if not keypoints:
            return np.zeros((0, 17, 2), np.float32), np.zeros((0, 17), np.float32)
        return np.concatenate(keypoints), np.concatenate(confidence)


def _derived(noise: np.ndarray, attempt: int) -> np.ndarray:
    """Fresh noise that depends on one row's noise alone, so that retries repeat exactly."""
    digest = hashlib.sha256(noise.astype("<f4").tobytes()).digest()
    return noise_module.draw(int.from_bytes(digest[:8], "little"), attempt, len(noise))
