"""What the caption models share: their samples, their interface, and the encoding of captions."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from trainer.errors import TrainerError
from trainer.text import vectors
from trainer.text.vectors import WordVectors

JOINTS = 17
SIZE_PX = 64
SIGMA_PX = 2.0  # paper 1, section 3.2
THRESHOLD = 0.2


@dataclass(frozen=True)
class CaptionSamples:
    """N poses drawn for captions.

    Attributes:
        keypoints: (N, 17, 2) float32, heatmap px: x right, y down, pixel centres at integers.
        confidence: (N, 17) float32, 0-1; 0 = absent.
        heatmaps: (N, 17, 64, 64) float32, 0-1.
    """

    keypoints: np.ndarray
    confidence: np.ndarray
    heatmaps: np.ndarray

    def __len__(self) -> int:
        return len(self.keypoints)


class CaptionPredictor(Protocol):
    """A caption-to-pose model, loaded.

    Attributes:
        noise_dim: length of one sample's noise vector (draw it with `trainer.noise.draw`).
        default_guidance: the guidance strength that ships; 1.0 where a model has none.
    """

    noise_dim: int
    default_guidance: float

    def encode(self, text: str) -> np.ndarray:
        """(300,) float32 sentence vector times 30; CaptionError if nothing can be read."""

    def sample(
        self, text_vectors: np.ndarray, noise: np.ndarray, *, guidance: float | None = None
    ) -> CaptionSamples:
        """One pose for each row; row i depends on row i alone.

        Args:
            text_vectors: (N, 300) float32.
            noise: (N, noise_dim) float32 standard normal.
            guidance: strength; None takes `default_guidance`.
        """


class CaptionReader:
    """Opens word vectors when the first caption comes, and encodes captions with them."""

    def __init__(self, word_vectors: Path | None = None) -> None:
        self._path = word_vectors
        self._vectors: WordVectors | None = None

    @property
    def vectors(self) -> WordVectors:
        if self._vectors is None:
            self._vectors = vectors.load(self._path)
        return self._vectors

    def encode(self, text: str) -> np.ndarray:
        """(300,) float32 sentence vector times 30; CaptionError if nothing can be read."""
        return self.vectors.encode(text)

    def words_known(self, text: str) -> list[str]:
        """The words of the caption that are understood."""
        return self.vectors.words_known(text)


def check_inputs(
    text_vectors: np.ndarray, noise: np.ndarray, noise_dim: int
) -> tuple[np.ndarray, np.ndarray]:
    """Both as finite float32 arrays (N, 300) and (N, noise_dim); TrainerError otherwise."""
    text_vectors = np.ascontiguousarray(text_vectors, dtype=np.float32)
    noise = np.ascontiguousarray(noise, dtype=np.float32)
    if text_vectors.ndim != 2 or text_vectors.shape[1] != vectors.DIM:
        raise TrainerError(f"Text vectors must be (N, {vectors.DIM}), not {text_vectors.shape}.")
    if noise.shape != (len(text_vectors), noise_dim):
        raise TrainerError(
            f"Noise must be ({len(text_vectors)}, {noise_dim}) for these texts, not {noise.shape}."
        )
    if not (np.isfinite(text_vectors).all() and np.isfinite(noise).all()):
        raise TrainerError("Text vectors and noise must be finite numbers.")
    return text_vectors, noise


def draw_heatmaps(keypoints: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Bell-shaped maps with peak one around each present joint (paper 1, section 3.2).

    Args:
        keypoints: (N, 17, 2) heatmap px.
        present: (N, 17) bool, or float amplitudes 0-1.
    Returns:
        (N, 17, 64, 64) float32; rows are y.
    """
    grid = np.arange(SIZE_PX, dtype=np.float32)
    across = np.exp(-((grid - keypoints[..., 0:1]) ** 2) / (2 * SIGMA_PX**2))  # (N, 17, 64)
    down = np.exp(-((grid - keypoints[..., 1:2]) ** 2) / (2 * SIGMA_PX**2))
    maps = down[..., :, None] * across[..., None, :]
    return (maps * present[..., None, None]).astype(np.float32)
