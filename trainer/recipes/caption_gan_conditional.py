"""Conditional WGAN-LP: algorithm 5 of paper 1, with the weight transfer of section 4.3."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional

from trainer import config as configs
from trainer.data import heatmaps
from trainer.data.captions import load_pairs
from trainer.data.coco import MIN_JOINTS
from trainer.data.pose_batches import PairBatches
from trainer.engine.checkpoint import FILE_NAME
from trainer.engine.loop import RUN_FILE
from trainer.errors import TrainerError
from trainer.losses import adversarial, penalties
from trainer.models.caption_wgan import (
    JUDGE_PREFIX,
    CaptionWganConfig,
    Critic,
    Generator,
    Judge,
    to_heatmap,
    transfer_weights,
    widen,
)
from trainer.recipes.caption_gan import GanConfig, PoseGanBase, PoseWganGp, reference_poses
from trainer.text import vectors as word_vectors

_FULL_NET = CaptionWganConfig()
_JUDGE_RATE = 1e-3
_JUDGE_BATCH = 256
_POOL_BATCH = 128
_TEXT_GAIN = 1.5  # deviation of a caption feature that starts along a pose direction
_PAIRS = 17_326  # of full COCO; with fewer pairs an epoch is shorter, the updates stay the paper's


@dataclass(frozen=True)
class _Pool:
    """Generated poses with the captions they were drawn for."""

    keypoints: Tensor  # (N, 17, 2) heatmap px
    present: Tensor  # (N, 17) bool
    text: Tensor  # (N, 300) normalised


class CaptionWgan(PoseGanBase):
    """Matching, mismatching and interpolated captions, and both one-sided penalties.

    Start it from an unconditional run: `fit caption_wgan --set init=runs/pose_wgan_gp`.
    """

    name = "caption_wgan"
    presets: ClassVar[dict[str, GanConfig]] = {
        "full": GanConfig(
            net=_FULL_NET,
            steps=_PAIRS * 1000 // (128 * 5) + 2000,
            judge_steps=2000,
            learning_rate=4e-4,
            penalty_weight=150.0,
        ),
        "small": GanConfig(
            net=replace(_FULL_NET, map_size=32, width_divisor=4),
            steps=3_463,
            judge_steps=2_000,
            candidates=32,
            batch_size=64,
            critic_steps=3,
            learning_rate=4e-4,
            penalty_weight=150.0,
            penalty_share=0.5,
        ),
    }

    def start_from_trained(self, generator: Generator, critic: Critic) -> None:
        if not self.config.init:
            return
        path = Path(self.config.init) / FILE_NAME
        if not path.exists():
            raise TrainerError(
                f"There is no {FILE_NAME} in {self.config.init}: give init the run folder of "
                f"{PoseWganGp.name}, or leave it out to start from scratch."
            )
        trained = torch.load(path, map_location="cpu", weights_only=True)
        try:
            narrow = configs.from_dict(
                CaptionWganConfig,
                json.loads((path.parent / RUN_FILE).read_text("utf-8"))["config"]["net"],
            )
            factor = narrow.width_divisor // self.config.net.width_divisor
            for net, key in ((generator, "recipe.generator"), (critic, "recipe.critic")):
                source = type(net)(narrow)
                source.load_state_dict(trained[key])
                if factor > 1:
                    source = widen(source, factor)
                transfer_weights(net, source.state_dict())
        except (OSError, KeyError, ValueError, RuntimeError) as exc:
            raise TrainerError(
                f"{path} does not fit this run: train {PoseWganGp.name} with the same preset."
            ) from exc

    def load_data(self, device: torch.device) -> None:
        self.pairs = PairBatches(load_pairs(self.data, "train"), word_vectors.load(), device)
        self.reference = reference_poses(self.pairs.poses)
        if self.config.pose_directions:
            directions = self.pairs.pose_directions(self.config.pose_directions)
            for net in (self.generator, self.critic, self.ema.module):
                _look_along(net.text[0], directions)

    def build(self, fabric: Fabric) -> None:
        super().build(fabric)
        judge = Judge(self.config.net)
        optimiser = torch.optim.AdamW(judge.parameters(), lr=_JUDGE_RATE, weight_decay=0.05)
        self.judge, self.judge_optimiser = fabric.setup(judge, optimiser)
        self.pool: _Pool | None = None

    def state(self) -> dict[str, Any]:
        return {**super().state(), "judge": self.judge, "judge_optimiser": self.judge_optimiser}

    def step(self, step: int) -> dict[str, Tensor | float]:
        done = step - (self.total_steps - self.config.judge_steps)
        if done < 0:
            return super().step(step)
        return self.judge_step(done / self.config.judge_steps)

    def judge_step(self, done: float) -> dict[str, Tensor | float]:
        """Tell real pairs from generated ones; `done` is the share of the judge's steps."""
        if self.pool is None:
            self.pool = self._draw_pool()
        for group in self.judge_optimiser.param_groups:
            group["lr"] = _JUDGE_RATE * (1.0 - done)
        self.judge.train()
        real = self.pairs.draw(_JUDGE_BATCH, turn=False)
        rows = torch.randint(len(self.pool.text), (_JUDGE_BATCH,), device=real.matching.device)
        logits = self.judge(
            torch.cat([real.keypoints, self.pool.keypoints[rows]]),
            torch.cat([real.present, self.pool.present[rows]]),
            torch.cat([real.matching, self.pool.text[rows]]),
        )
        target = torch.zeros_like(logits)
        target[:_JUDGE_BATCH] = 1.0
        loss = functional.binary_cross_entropy_with_logits(logits, target)
        self.update(self.judge_optimiser, loss)
        right = ((logits > 0) == (target > 0)).float().mean()
        return {"judge/loss": loss.detach(), "judge/accuracy": right.detach()}

    def _draw_pool(self) -> _Pool:
        """Poses of the finished generator for random captions, to train the judge on."""
        self._settle_batch_norm()
        parts = []
        with torch.random.fork_rng(), torch.no_grad():
            torch.manual_seed(0)  # a resumed run draws the same pool
            for _ in range(max(1, self.config.judge_pool // _POOL_BATCH)):
                text = self.pairs.captions(_POOL_BATCH)
                drawn = to_heatmap(self.ema.module(self.noise(_POOL_BATCH), text))
                keypoints, peak = heatmaps.decode(drawn)
                present = peak >= heatmaps.THRESHOLD
                enough = present.sum(1) >= MIN_JOINTS  # the predictor takes no others
                enough |= ~enough.any()  # an untrained net draws none
                parts.append((keypoints[enough], present[enough], text[enough]))
        return _Pool(*(torch.cat(part) for part in zip(*parts, strict=True)))

    def export(self) -> tuple[str, dict[str, Tensor], dict[str, Any], dict[str, Any]]:
        name, tensors, config, extra = super().export()
        judge = {f"{JUDGE_PREFIX}{k}": v.detach() for k, v in self.judge.state_dict().items()}
        return name, {**tensors, **judge}, config, extra

    def critic_step(self) -> dict[str, Tensor]:
        count, captions = self.config.batch_size, self.config.captions_per_pose
        batch = self.pairs.draw(count, captions=captions)
        own = batch.matching[:count]
        real = self.maps(batch.keypoints, batch.present)
        with torch.no_grad():
            fake = self.in_layout(self.generator(self.noise(count), own))
        # Real maps with their captions, generated maps, real maps with captions of other images.
        of_real = torch.arange(count, device=real.device).repeat(captions)
        of_fake = torch.arange(count, 2 * count, device=real.device)
        scores = self.critic(
            torch.cat([real, fake]),
            torch.cat([batch.matching, own, batch.mismatching]),
            torch.cat([of_real, of_fake, of_real]),
        )
        matching, generated, mismatching = scores.split([len(of_real), len(of_fake), len(of_real)])
        loss = adversarial.matching_critic_loss(
            matching, generated, mismatching, self.config.mismatch_weight
        )
        between = self.penalty_samples(real, fake)
        to_maps, to_text = self.critic.module.input_gradients(between, own[: len(between)])
        penalty = penalties.one_sided_penalty(to_maps) + penalties.one_sided_penalty(to_text)
        self.update(self.critic_optimiser, loss + self.config.penalty_weight * penalty)
        return {
            "critic/gap": (matching.mean() - generated.mean()).detach(),
            "critic/match_gap": (matching.mean() - mismatching.mean()).detach(),
            "critic/penalty": penalty.detach(),
        }

    def generator_step(self) -> dict[str, Tensor]:
        count, beta = self.config.batch_size, self.config.interpolation
        first, second, third = self.pairs.captions(3 * count).chunk(3)
        text = torch.cat([first, beta * second + (1.0 - beta) * third])
        fake = self.generator(self.noise(2 * count), text)
        real_caption, between_captions = self.critic(fake, text).chunk(2)
        loss = adversarial.wasserstein_generator_loss(real_caption, between_captions)
        self.update(self.generator_optimiser, loss)
        return {"generator/loss": loss.detach()}

    def constants(self) -> dict[str, Any]:
        return {
            "candidates": self.config.candidates,
            "text_mean": [round(float(v), 6) for v in self.pairs.mean],
            "text_scale": [round(float(v), 6) for v in self.pairs.scale],
        }

    def validation_text(self, count: int) -> Tensor:
        return self.pairs.captions(count)


def _look_along(linear: nn.Linear, directions: Tensor) -> None:
    """Start the first rows of a caption compression along `directions` (300, r) and against them.

    The leaky ReLU after it passes one sign well, so each direction takes two rows.
    """
    rows = _TEXT_GAIN * torch.cat([directions, -directions], dim=1).T  # (2r, 300)
    with torch.no_grad():
        linear.weight[: len(rows)] = rows.to(linear.weight.device)
        linear.bias[: len(rows)] = 0.0
