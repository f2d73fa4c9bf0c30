"""What the lifter's recipes share: settings, data, networks, validation, export."""

import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from trainer import config as configs
from trainer.data import mocap
from trainer.data.views import ViewSampler, random_camera, random_masks
from trainer.engine.ema import Ema
from trainer.layers import lift_geometry as geometry
from trainer.layers import norm_statistics
from trainer.metrics import mpjpe
from trainer.models.vae_gan_lifter import Discriminator, Lifter, LifterConfig
from trainer.precision import bf16_is_fast

HYPOTHESES = 10
_VALIDATION_VIEWS = 1500
_SPREAD_VIEWS = 8192
_STATISTICS_BATCH, _STATISTICS_BATCHES = 512, 12


@dataclass(frozen=True)
class LifterSettings:
    """Numbers of a lifter run: the net and its schedule.

    Attributes:
        steps, batch: length of the schedule and views a step.
        lr, beta1: Adam's; the rate is constant until `decay_from` of the steps, then falls
            linearly to zero (1 = never).
        discriminator_rate: the discriminator's rate over the generator's.
        reconstruction, adversarial, kld, cycle, prior: weights of the losses.
        label_low, label_high: range of the smoothed real labels.
        beta_cycles: KLD cycles over the schedule (0: constant weight).
        masked: share of the re-lifted views of which only some joints are shown.
        ema: decay of the weights' moving average.
        noise: largest joint noise in units; a view's own lies between 0 and it.
    """

    net: LifterConfig = field(default_factory=LifterConfig)
    steps: int = 500_000
    batch: int = 256
    lr: float = 5e-4
    beta1: float = 0.5
    discriminator_rate: float = 1.0
    decay_from: float = 0.5
    reconstruction: float = 0.0
    adversarial: float = 1.0
    kld: float = 0.01
    cycle: float = 0.5
    prior: float = 1.0
    label_low: float = 0.8
    label_high: float = 1.0
    beta_cycles: int = 0
    masked: float = 0.5
    ema: float = 0.999
    noise: float = 0.02
    bone_spread: float = 0.06
    girdle_spread: float = 0.10


class LifterRecipe:
    """Data, EMA, validation and export of a lifter; subclasses bring the losses."""

    name: str
    presets: ClassVar[dict[str, LifterSettings]]
    score: ClassVar[tuple[str, str]] = ("zv_mm", "min")
    licence: ClassVar[str] = "Apache-2.0"
    data_sources: ClassVar[str] = (
        "2D projections of motion capture: CMU Graphics Lab (mocap.cs.cmu.edu, NSF EIA-0196217)"
    )

    def __init__(self, config: LifterSettings, data: Path) -> None:
        self.config = config
        self.data = data
        self.total_steps = config.steps
        self.samples_per_step = config.batch
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.precision = "bf16-mixed" if bf16_is_fast(device) else "32-true"

    def build(self, fabric: Fabric) -> None:
        """Make data, nets and optimisers."""
        config = self.config
        self.fabric = fabric
        train = mocap.load(self.data, "train")
        self.sampler = ViewSampler(
            train.poses,
            train.weights(),
            config.bone_spread,
            config.girdle_spread,
            config.noise,
            fabric.device,
        )
        self._validation = _fixed_views(mocap.load(self.data, "validation"))
        lifter = Lifter(config.net)
        with torch.no_grad():
            views = torch.cat([self.sampler.views(1024)[0] for _ in range(_SPREAD_VIEWS // 1024)])
            lifter.spread.copy_(geometry.pair_spread(views))
        self.lifter = lifter.to(fabric.device)
        self.ema = Ema(self.lifter, config.ema)
        optimiser = torch.optim.Adam(lifter.parameters(), config.lr, betas=(config.beta1, 0.999))
        self.generator, self.generator_optimiser = fabric.setup(self.lifter, optimiser)

    def draw(self) -> tuple[Tensor, Tensor]:
        """A batch of normalised views (B,17,2), and the same figures (B,17,3) in these units."""
        image, points = self.sampler.views(self.config.batch)
        if self.config.net.head == "points":
            normalised, _, scale = geometry.normalise_by_head(image, 0, 10)
        else:
            mask = torch.ones_like(image[..., 0])
            normalised, _, scale = geometry.normalise(image, mask, self.lifter.spread)
        return normalised, points / scale

    def latent_noise(self) -> Tensor:
        """(B, latent) standard normal."""
        shape = (self.config.batch, self.config.net.latent)
        return torch.randn(shape, device=self.fabric.device)

    def learning_rate(self, step: int) -> float:
        """The rate at `step`: constant, then linear to zero."""
        done, start = step / max(self.total_steps, 1), self.config.decay_from
        if done <= start:
            return self.config.lr
        return self.config.lr * max(0.0, (1.0 - done) / (1.0 - start))

    def set_rate(self, step: int, optimiser: Any, factor: float = 1.0) -> None:
        """Give an optimiser `factor` times the rate of `step`."""
        for group in optimiser.param_groups:
            group["lr"] = factor * self.learning_rate(step)

    def state(self) -> dict[str, Any]:
        """Objects that a checkpoint holds."""
        return {
            "generator": self.generator,
            "generator_optimiser": self.generator_optimiser,
            "ema": self.ema,
        }

    def export(self) -> tuple[str, dict[str, Tensor], dict[str, Any], dict[str, Any]]:
        """The smoothed generator."""
        extra = {
            "recipe": self.name,
            "unit_mm": mocap.UNIT_MM,
            "camera_distance": geometry.CAMERA_DISTANCE,
            "joint_set": mocap.CORRECTED,
        }
        tensors = self.ema.tensors() | self.statistics(self.whole_share)
        return "vae_gan_lifter", tensors, configs.to_dict(self.config.net), extra

    @property
    def whole_share(self) -> float:
        """Share of masked views in the statistics for whole bodies."""
        return 0.0

    def statistics(self, masked: float) -> dict[str, Tensor]:
        """Batch norm statistics of the smoothed generator.

        Args:
            masked: share of views of which only some joints are shown.
        """
        device = self.fabric.device
        spared = [device] if device.type == "cuda" else []

        def run(net: nn.Module) -> object:
            image, _ = self.sampler.views(_STATISTICS_BATCH)
            mask = random_masks(len(image), device)
            mask[int(masked * len(image)) :] = 1.0
            return net(self.lifter.normalise(image, mask), mask)

        with torch.random.fork_rng(spared):  # saving must not change what training draws next
            torch.manual_seed(0)
            return norm_statistics.measure(self.ema.module, run, _STATISTICS_BATCHES)

    def smoothed(self) -> Lifter:
        """A copy of the smoothed generator with the statistics of whole bodies."""
        net = copy.deepcopy(self.ema.module)
        net.load_state_dict(self.statistics(self.whole_share), strict=False)
        return net

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """P-MPJPE and its companions on views of the validation subjects."""
        image, target = (t.to(self.fabric.device) for t in self._validation)
        errors = mpjpe.measure(
            hypotheses(self.smoothed(), image).cpu().numpy(),
            target.cpu().numpy() * mocap.UNIT_MM,
        )
        return {
            "zv_mm": errors.zv,
            "bh_mm": errors.bh,
            "flips": errors.flips,
            "depth_spread": errors.spread,
        }


@torch.no_grad()
def hypotheses(
    lifter: Lifter, image: Tensor, mask: Tensor | None = None, count: int = HYPOTHESES
) -> Tensor:
    """Lift image points: (N,17,2) to (N,count,17,3); the first has zero variance."""
    points = lifter.normalise(image, mask)
    mean, log_variance = lifter.encode(points, mask)
    lifted = [lifter.decode(mean, points, mask)[0]]
    for _ in range(count - 1):
        z = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        lifted.append(lifter.decode(z, points, mask)[0])
    return torch.stack(lifted, dim=1)


def _fixed_views(poses: mocap.MocapPoses) -> tuple[Tensor, Tensor]:
    """Views that are the same at every validation: image points and figures, in units."""
    generator = torch.Generator().manual_seed(20)
    rows = torch.linspace(0, len(poses) - 1, min(_VALIDATION_VIEWS, len(poses))).long()
    figures = torch.from_numpy(poses.poses)[rows] / mocap.UNIT_MM
    points = random_camera(figures, generator)
    noise = 0.01 * torch.randn(points[..., :2].shape, generator=generator)
    return geometry.project(points) + noise, points


class AdversarialLifterRecipe(LifterRecipe):
    """A lifter that a discriminator of 2D poses teaches beside it."""

    def build(self, fabric: Fabric) -> None:
        """Make data, nets and optimisers."""
        super().build(fabric)
        config = self.config
        discriminator = Discriminator(config.net)
        optimiser = torch.optim.Adam(
            discriminator.parameters(), config.lr, betas=(config.beta1, 0.999)
        )
        self.discriminator, self.discriminator_optimiser = fabric.setup(discriminator, optimiser)

    def state(self) -> dict[str, Any]:
        """Objects that a checkpoint holds."""
        return {
            **super().state(),
            "discriminator": self.discriminator,
            "discriminator_optimiser": self.discriminator_optimiser,
        }
