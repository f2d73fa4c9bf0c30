"""Unconditional pose GANs: algorithms 1-3 of paper 1 (GAN, WGAN, WGAN-GP) on COCO poses.

One step is one generator update with the critic updates before it. The conditional recipe
(`caption_gan_conditional`) starts from what `pose_wgan_gp` learns.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from trainer import config as configs
from trainer.data import coco, heatmaps
from trainer.data.pose_batches import PoseBatches
from trainer.engine.ema import Ema
from trainer.errors import TrainerError
from trainer.losses import adversarial, penalties
from trainer.metrics.pose_distance import fill_missing
from trainer.metrics.two_sample import two_sample
from trainer.models.caption_wgan import (
    CaptionWganConfig,
    Critic,
    Generator,
    from_heatmap,
    to_heatmap,
)

MODEL_NAME = "caption_wgan"
_VALIDATION_POSES = 1500
_BATCH_NORM_BATCHES = 16


@dataclass(frozen=True)
class GanConfig:
    """Net and schedule of one run.

    Attributes:
        steps: generator updates.
        critic_steps: critic updates before each of them (k of the paper).
        penalty_weight: lambda of the gradient penalties.
        penalty_share: share of the batch the penalties are computed on; the paper's is 1.
        clamp: limit of the critic's weights (algorithm 2); 0 = no clamping.
        decay_from: share of the steps after which the learning rate falls linearly to zero;
            1 = constant, as in the paper.
        init: run folder of `pose_wgan_gp` to start from (conditional recipe only).
        mismatch_weight, interpolation: alpha and beta of algorithm 5.
        captions_per_pose: matching and mismatching captions judged with each real pose; the
            paper's is 1. More estimate the same loss with less noise, and cost little, since the
            caption enters only the critic's last two layers.
        warm_up: first steps that update the critic alone, so that it has learnt to read before
            the generator listens to it.
        pose_directions: start the compression of captions along so many directions of sentence
            vectors that predict poses (ridge regression on the pairs); 0 = at random, as the
            paper.
        judge_steps: how many of the steps, the last ones, train the judge instead of the nets
            (conditional recipe only).
        judge_pool: generated poses the judge learns from.
        candidates: poses the predictor draws for the judge to pick one from.
    """

    net: CaptionWganConfig
    steps: int
    batch_size: int = 128
    critic_steps: int = 5
    learning_rate: float = 1e-4
    betas: tuple[float, float] = (0.0, 0.9)
    penalty_weight: float = 10.0
    penalty_share: float = 1.0
    clamp: float = 0.0
    decay_from: float = 1.0
    ema_decay: float = 0.999
    channels_last: bool = True
    init: str = ""
    mismatch_weight: float = 1.0
    interpolation: float = 0.5
    captions_per_pose: int = 1
    warm_up: int = 0
    pose_directions: int = 0
    judge_steps: int = 0
    judge_pool: int = 32_000
    candidates: int = 8


_PLAIN = CaptionWganConfig(conditional=False)
_SMALL = replace(_PLAIN, map_size=32, width_divisor=4)


def _steps(samples: int, epochs: int, batch: int, critic_steps: int) -> int:
    """Generator updates in so many epochs, every critic update taking a batch."""
    return samples * epochs // (batch * critic_steps)


class PoseGanBase:
    """What the recipes of this paper share: nets, optimisers, EMA, checkpoints, quick figures."""

    name: str
    score: ClassVar[tuple[str, Literal["min", "max"]]] = ("one_nn", "min")
    licence: ClassVar[str] = "CC BY 4.0"
    data_sources: ClassVar[str] = "COCO 2017 person keypoints and captions (CC BY 4.0)"
    data_wait_s = 0.0

    def __init__(self, config: GanConfig, data: Path) -> None:
        self.config = config
        self.data = data
        self.total_steps = config.steps
        self.samples_per_step = config.batch_size * config.critic_steps
        on_gpu = torch.cuda.is_available()
        small = config.net.map_size < heatmaps.SIZE_PX
        self.precision = "bf16-mixed" if small or on_gpu else "32-true"

    def build(self, fabric: Fabric) -> None:
        self.fabric = fabric
        layout = torch.channels_last if self.config.channels_last else torch.contiguous_format
        generator = Generator(self.config.net).to(memory_format=layout)  # type: ignore[call-overload]
        critic = Critic(self.config.net).to(memory_format=layout)  # type: ignore[call-overload]
        self.start_from_trained(generator, critic)
        self.ema = Ema(generator.to(fabric.device), self.config.ema_decay)
        self.generator, self.generator_optimiser = fabric.setup(
            generator, self.make_optimiser(generator.parameters())
        )
        self.critic, self.critic_optimiser = fabric.setup(
            critic, self.make_optimiser(critic.parameters())
        )
        self.load_data(fabric.device)

    def start_from_trained(self, generator: Generator, critic: Critic) -> None:
        if self.config.init:
            raise TrainerError(f"{self.name} starts from scratch: leave out init.")

    def make_optimiser(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        # The first beta must be a float: with an integer 0 Adam's fused form fails.
        betas = (float(self.config.betas[0]), float(self.config.betas[1]))
        return torch.optim.Adam(parameters, lr=self.config.learning_rate, betas=betas)

    def load_data(self, device: torch.device) -> None:
        self.poses = PoseBatches(coco.load_poses(self.data, "train"), device)
        self.reference = reference_poses(self.poses)

    def step(self, step: int) -> dict[str, Tensor | float]:
        self._set_learning_rate(step)
        figures: dict[str, Tensor | float] = {}
        for _ in range(self.config.critic_steps):
            figures.update(self.critic_step())
        if step < self.config.warm_up:
            return figures
        self.critic.requires_grad_(False)  # the generator's step needs no gradients of its weights
        figures.update(self.generator_step())
        self.critic.requires_grad_(True)
        self.ema.update(self.generator)
        return figures

    def critic_step(self) -> dict[str, Tensor]:
        raise NotImplementedError

    def generator_step(self) -> dict[str, Tensor]:
        raise NotImplementedError

    def noise(self, count: int) -> Tensor:
        return torch.randn(count, self.config.net.noise_dim, device=self.fabric.device)

    def maps(self, keypoints: Tensor, present: Tensor) -> Tensor:
        """Real poses as the nets see them: (B, 17, S, S) in [-1, 1]."""
        maps = from_heatmap(heatmaps.draw(keypoints, present, self.config.net.map_size))
        return self.in_layout(maps)

    def in_layout(self, maps: Tensor) -> Tensor:
        layout = torch.channels_last if self.config.channels_last else torch.contiguous_format
        return maps.float().contiguous(memory_format=layout)

    def update(self, optimiser: Any, loss: Tensor) -> None:
        optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        optimiser.step()

    def penalty_samples(self, real: Tensor, fake: Tensor) -> Tensor:
        """Points between real and generated maps, on the share of the batch that is penalised."""
        count = max(1, round(len(real) * self.config.penalty_share))
        mix = torch.rand(count, device=real.device)
        return self.in_layout(penalties.interpolate(real[:count], fake[:count], mix))

    def state(self) -> dict[str, Any]:
        return {
            "generator": self.generator,
            "critic": self.critic,
            "generator_optimiser": self.generator_optimiser,
            "critic_optimiser": self.critic_optimiser,
            "ema": self.ema,
        }

    def export(self) -> tuple[str, dict[str, Tensor], dict[str, Any], dict[str, Any]]:
        self._settle_batch_norm()
        extra = {"recipe": self.name, **self.constants()}
        return MODEL_NAME, self.ema.tensors(), configs.to_dict(self.config.net), extra

    def constants(self) -> dict[str, Any]:
        return {}

    def validate(self) -> dict[str, float]:
        """1-NN accuracy and mean number of keypoints of generated poses beside training poses."""
        self._settle_batch_norm()
        with torch.no_grad():
            noise = self.noise(_VALIDATION_POSES)
            text = self.validation_text(_VALIDATION_POSES)
            drawn = to_heatmap(self.ema.module(noise, text))
        keypoints, confidence = heatmaps.decode(drawn)
        present = confidence >= heatmaps.THRESHOLD
        generated = fill_missing(keypoints.cpu().numpy(), present.cpu().numpy())
        result = two_sample(self.reference, generated)
        return {
            "one_nn": result.accuracy,
            "one_nn_generated": result.generated_accuracy,
            "keypoints": float(present.float().sum(1).mean()),
        }

    def validation_text(self, count: int) -> Tensor | None:
        return None

    def _settle_batch_norm(self) -> None:
        """Replace the averaged running statistics by those of the averaged weights."""
        net = self.ema.module
        norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # cumulative average
        net.train()
        # An export in the middle of a run must not change the run.
        with torch.random.fork_rng(), torch.no_grad():
            torch.manual_seed(0)
            for _ in range(_BATCH_NORM_BATCHES):
                net(self.noise(128), self.validation_text(128))
        net.eval()
        for norm in norms:
            norm.momentum = 0.1

    def _set_learning_rate(self, step: int) -> None:
        decay_from = self.config.decay_from
        done = min(1.0, step / max(1, self.total_steps - self.config.judge_steps))
        factor = 1.0 if done <= decay_from else (1.0 - done) / (1.0 - decay_from)
        for optimiser in (self.generator_optimiser, self.critic_optimiser):
            for group in optimiser.param_groups:
                group["lr"] = self.config.learning_rate * factor


def reference_poses(poses: PoseBatches) -> np.ndarray:
    """(1500, 17, 2) training poses, the same ones at every validation."""
    count = min(_VALIDATION_POSES, len(poses))
    rows = np.random.default_rng(0).choice(len(poses), count, replace=False)
    keypoints, present = poses.keypoints.cpu().numpy(), poses.present.cpu().numpy()
    return fill_missing(keypoints[rows], present[rows])


class PoseGan(PoseGanBase):
    """Algorithm 1: the original GAN, k = 1."""

    name = "pose_gan"
    presets: ClassVar[dict[str, GanConfig]] = {
        "full": GanConfig(
            net=replace(_PLAIN, critic_batch_norm=True, critic_sigmoid=True),
            steps=_steps(116_021, 50, 128, 1),
            critic_steps=1,
            learning_rate=5e-4,
            betas=(0.5, 0.999),
        ),
        "small": GanConfig(
            net=replace(_SMALL, critic_batch_norm=True, critic_sigmoid=True),
            steps=12_000,
            batch_size=64,
            critic_steps=1,
            learning_rate=5e-4,
            betas=(0.5, 0.999),
        ),
    }

    def critic_step(self) -> dict[str, Tensor]:
        count = self.config.batch_size
        real = self.maps(*self.poses.draw(count))
        with torch.no_grad():
            fake = self.in_layout(self.generator(self.noise(count)))
        # Two passes: batch normalisation must not mix real and generated maps.
        loss = adversarial.gan_discriminator_loss(self.critic(real), self.critic(fake))
        self.update(self.critic_optimiser, loss)
        return {"critic/loss": loss.detach()}

    def generator_step(self) -> dict[str, Tensor]:
        loss = adversarial.gan_generator_loss(
            self.critic(self.generator(self.noise(self.config.batch_size)))
        )
        self.update(self.generator_optimiser, loss)
        return {"generator/loss": loss.detach()}


class PoseWgan(PoseGanBase):
    """Algorithm 2: WGAN with clamped weights and RMSProp."""

    name = "pose_wgan"
    presets: ClassVar[dict[str, GanConfig]] = {
        "full": GanConfig(
            net=replace(_PLAIN, critic_batch_norm=True),
            steps=_steps(116_021, 200, 128, 5),
            clamp=0.01,
        ),
        "small": GanConfig(
            net=replace(_SMALL, critic_batch_norm=True), steps=8_000, batch_size=64, clamp=0.01
        ),
    }

    def make_optimiser(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.RMSprop(parameters, lr=self.config.learning_rate, alpha=0.99)

    def critic_step(self) -> dict[str, Tensor]:
        count = self.config.batch_size
        real = self.maps(*self.poses.draw(count))
        with torch.no_grad():
            fake = self.in_layout(self.generator(self.noise(count)))
        loss = adversarial.wasserstein_critic_loss(self.critic(real), self.critic(fake))
        self.update(self.critic_optimiser, loss)
        penalties.clamp_weights(self.critic, self.config.clamp)
        return {"critic/gap": -loss.detach()}

    def generator_step(self) -> dict[str, Tensor]:
        fake = self.generator(self.noise(self.config.batch_size))
        loss = adversarial.wasserstein_generator_loss(self.critic(fake))
        self.update(self.generator_optimiser, loss)
        return {"generator/loss": loss.detach()}


class PoseWganGp(PoseWgan):
    """Algorithm 3: WGAN with the two-sided gradient penalty and Adam."""

    name = "pose_wgan_gp"
    presets: ClassVar[dict[str, GanConfig]] = {
        "full": GanConfig(net=_PLAIN, steps=_steps(116_021, 200, 128, 5)),
        "small": GanConfig(
            net=_SMALL,
            steps=6_000,
            batch_size=64,
            critic_steps=3,
            learning_rate=4e-4,
            penalty_share=0.5,
        ),
    }
    make_optimiser = PoseGanBase.make_optimiser

    def critic_step(self) -> dict[str, Tensor]:
        count = self.config.batch_size
        real = self.maps(*self.poses.draw(count))
        with torch.no_grad():
            fake = self.in_layout(self.generator(self.noise(count)))
        scores = self.critic(torch.cat([real, fake]))
        loss = adversarial.wasserstein_critic_loss(scores[:count], scores[count:])
        gradient, _ = self.critic.module.input_gradients(self.penalty_samples(real, fake))
        penalty = penalties.two_sided_penalty(gradient)
        self.update(self.critic_optimiser, loss + self.config.penalty_weight * penalty)
        return {"critic/gap": -loss.detach(), "critic/penalty": penalty.detach()}
