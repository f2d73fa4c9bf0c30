"""The caption WGAN behind the caption interface (paper 1)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from trainer import artifact
from trainer import config as configs
from trainer.data import heatmaps
from trainer.errors import ArtifactError
from trainer.models.caption_wgan import (
    JUDGE_PREFIX,
    CaptionWganConfig,
    Generator,
    Judge,
    to_heatmap,
)
from trainer.predictors.caption_common import CaptionReader, CaptionSamples, check_inputs

_MIN_JOINTS = 8  # the data holds no pose with fewer
_ROWS = 8  # always this many at once, padded: other sizes may round differently
_LOGIT_LIMIT = 10.0


class Predictor:
    """Poses from captions by the conditional WGAN-LP.

    Of several candidates a row (32 with `small`) the judge picks one, with probabilities
    proportional to exp(guidance * log ratio). Guidance 0 is the bare generator; 1 corrects its
    distribution towards the real one as far as the candidates reach; more prefers likelier and
    better matching poses. The candidates' noises are the given one with its numbers in other places
    and signs, and the chance of the pick comes from the noise too: the same noise gives the same
    pose, and noises near each other mostly give poses near each other.
    """

    # Strengths that a table of measures shows.
    guidance_range = (0.0, 0.5, 1.0)

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
        self._count = int(extra.get("candidates", 8))
        self._device = torch.device(device)
        self._generator, self._judge = Generator(config), Judge(config)
        try:
            self._mean = torch.tensor(extra["text_mean"], device=self._device)
            self._scale = torch.tensor(extra["text_scale"], device=self._device)
            tensors = artifact.load_tensors(weights)
            judge = {k: tensors.pop(k) for k in list(tensors) if k.startswith(JUDGE_PREFIX)}
            self._generator.load_state_dict(tensors, strict=True)
            self._judge.load_state_dict(
                {k.removeprefix(JUDGE_PREFIX): v for k, v in judge.items()}, strict=True
            )
        except (KeyError, RuntimeError) as exc:
            raise ArtifactError(
                f"{name} does not fit its own config: install the weights again."
            ) from exc
        for net in (self._generator, self._judge):
            net.to(self._device).eval().requires_grad_(False)
        self._reader = CaptionReader(word_vectors)
        self._places, self._signs, self._chances = _candidate_maps(self.noise_dim, self._count)

    def encode(self, text: str) -> np.ndarray:
        """(300,) float32 sentence vector times 30; CaptionError if nothing can be read."""
        return self._reader.encode(text)

    def words_known(self, text: str) -> list[str]:
        """The words of the caption that are understood."""
        return self._reader.words_known(text)

    @torch.inference_mode()
    def sample(
        self, text_vectors: np.ndarray, noise: np.ndarray, *, guidance: float | None = None
    ) -> CaptionSamples:
        """One pose for each row; see `CaptionPredictor.sample`.

        A candidate with fewer than eight joints above the threshold is taken only where all have.

        Args:
            text_vectors: (N, 300) float32, sentence vectors times 30.
            noise: (N, noise_dim) float32 standard normal.
            guidance: weight of the judge, 0 or more; None takes `default_guidance`.
        """
        text, noise = check_inputs(text_vectors, noise, self.noise_dim)
        strength = self.default_guidance if guidance is None else max(0.0, float(guidance))
        size, count = heatmaps.SIZE_PX, len(text)
        keypoints = np.zeros((count, 17, 2), np.float32)
        confidence = np.zeros((count, 17), np.float32)
        maps = np.zeros((count, 17, size, size), np.float32)
        for start in range(0, count, _ROWS):
            rows = slice(start, min(start + _ROWS, count))
            kept = rows.stop - start
            padding = ((0, _ROWS - kept), (0, 0))
            place, peak, drawn = self._draw(
                np.pad(text[rows], padding), np.pad(noise[rows], padding), strength
            )
            for target, value in ((keypoints, place), (confidence, peak), (maps, drawn)):
                target[rows] = value[:kept].float().cpu().numpy()
        return CaptionSamples(keypoints, confidence, maps)

    def _draw(
        self, text: np.ndarray, noise: np.ndarray, strength: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Exactly `_ROWS` rows: keypoints (R, 17, 2), confidence (R, 17), heatmaps of 64 px."""
        candidates = noise[:, self._places] * self._signs  # (R, candidates, noise_dim)
        z = torch.from_numpy(candidates.reshape(-1, self.noise_dim)).to(self._device)
        h = (torch.from_numpy(text).to(self._device) - self._mean) / self._scale
        h = h.repeat_interleave(self._count, dim=0)
        drawn = to_heatmap(self._generator(z, h))
        place, peak = heatmaps.decode(drawn)
        present = peak >= heatmaps.THRESHOLD
        ratio = self._judge(place, present, h).clamp(-_LOGIT_LIMIT, _LOGIT_LIMIT)
        too_few = (_MIN_JOINTS - present.sum(1)).clamp_min(0)
        score = strength * ratio - 1e3 * too_few
        # Gumbel-max: the largest of score + noise is a draw with probabilities exp(score).
        chance = torch.from_numpy(noise @ self._chances).to(self._device)  # (R, candidates)
        uniform = torch.special.ndtr(chance).clamp(1e-6, 1 - 1e-6)
        score = score.view(len(text), self._count) - torch.log(-torch.log(uniform))
        best = score.argmax(1) + torch.arange(len(text), device=self._device) * self._count
        place, peak, present = place[best], peak[best], present[best]
        place = torch.where(present[..., None], place, heatmaps.SIZE_PX / 2)
        return place, torch.where(present, peak, 0.0), _enlarge(drawn[best])


def _candidate_maps(dim: int, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How candidates come from one noise: places and signs (candidates, dim), chances (dim, c).

    Each is a rotation of the noise, so that every candidate is standard normal and moves smoothly
    with it. The first is the noise itself.
    """
    rng = np.random.Generator(np.random.PCG64(20200))
    places = np.stack([np.arange(dim)] + [rng.permutation(dim) for _ in range(count - 1)])
    signs = rng.choice(np.array([-1.0, 1.0], np.float32), (count, dim))
    signs[0] = 1.0
    chances = rng.standard_normal((dim, count))
    return places, signs, (chances / np.linalg.norm(chances, axis=0)).astype(np.float32)


def _enlarge(maps: Tensor) -> Tensor:
    """(B, 17, S, S) -> (B, 17, 64, 64) in [0, 1]."""
    if maps.shape[-1] != heatmaps.SIZE_PX:
        maps = functional.interpolate(maps, size=heatmaps.SIZE_PX, mode="bicubic")
    return maps.clamp(0.0, 1.0)
