"""Recipe of person transfer: pairs of pictures of one person to the deformable GAN."""

import ctypes
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn import functional

from trainer import config as configs
from trainer.data.person_pairs import PairBatch, PersonPairs, synthetic_pairs
from trainer.data.person_sets import person_pairs
from trainer.engine.ema import Ema
from trainer.layers.pose_maps import gaussian_maps
from trainer.layers.vgg import FILE as VGG_FILE
from trainer.layers.vgg import VggFeatures
from trainer.losses import transfer as losses
from trainer.losses.penalties import input_gradients
from trainer.models.deformable_gan import (
    DeformableGan,
    DeformableGanConfig,
    Discriminator,
    DiscriminatorConfig,
    Generated,
)
from trainer.precision import bf16_is_fast
from trainer.recipes.deformable_gan_rows import DeformableGanSettings, of_row

_AHEAD = 3  # batches made in advance
_CLIP = 5.0
_VALIDATED = 48  # pairs
_NEAREST = ("conv1_2",)
_PERCEPTUAL = ("conv1_2", "conv2_2", "conv3_1")


@dataclass
class _Pairs:
    """A batch on the device; pictures (B,3,H,W) in [-1,1], masks (B,1,H,W) in [0,1]."""

    source: Tensor
    target: Tensor
    source_points: Tensor
    target_points: Tensor
    source_mask: Tensor
    target_mask: Tensor
    maps: tuple[Tensor, Tensor]
    """(B,17,H,W) each: the poses as the discriminator sees them, source and target."""


class DeformableGanRecipe:
    """Trains `DeformableGan` against `Discriminator`."""

    name = "deformable_gan"
    presets: ClassVar[dict[str, DeformableGanSettings]] = {
        "small": DeformableGanSettings(row="ours"),
        "full": DeformableGanSettings(
            row="ours",
            net=DeformableGanConfig(
                size=(256, 128), widths=(32, 64, 128, 256, 256, 256), overlaps=3, sigma=8.0
            ),
            judge=DiscriminatorConfig(widths=(64, 128, 256, 256, 256)),
            steps=200_000,
            batch=32,
            learning_rate=2e-4,
            judge_rate=1.0,
            neighbour_stride=1,
            window=(192, 128),
            ema=0.9995,
        ),
    }
    score: ClassVar[tuple[str, Literal["min", "max"]]] = ("mask_ssim", "max")
    licence: ClassVar[str] = "MIT"
    data_sources: ClassVar[str] = (
        "synthetic people of MakeHuman's core assets (CC0) in poses of COCO and the CMU and HDM05"
        " recordings; VGG-19's first layers in the losses (CC BY 4.0)"
    )

    def __init__(self, config: DeformableGanSettings, data: Path) -> None:
        self.config, self.data = of_row(config), data
        self.total_steps = config.steps
        self.samples_per_step = config.batch
        self.precision: str | None = None
        # Tests put small sets here; a real run reads the folders.
        self.training: PersonPairs | None = None
        self.held_out: PersonPairs | None = None
        self.data_wait_s = 0.0

    def build(self, fabric: Fabric) -> None:
        c = self.config
        self.fabric = fabric
        self._bf16 = bf16_is_fast(fabric.device)
        if fabric.device.type == "cpu":
            _keep_memory()
        self._seed = int(torch.randint(0, 2**31 - 1, (1,)).item())
        if self.training is None:
            self.training = self._read("train")
        if self.held_out is None:
            self.held_out = self._read("validation")
        try:
            generator, judge = DeformableGan(c.net), Discriminator(c.judge)
        except ValueError as exc:
            from trainer.errors import TrainerError

            raise TrainerError(str(exc)) from exc
        layout = torch.channels_last
        generator = generator.to(fabric.device, memory_format=layout)  # type: ignore[call-overload]
        judge = judge.to(fabric.device, memory_format=layout)  # type: ignore[call-overload]
        self.ema = Ema(generator, c.ema)
        rate = c.learning_rate
        self.generator, self.optimiser = fabric.setup(generator, _adam(generator, rate))
        self.judge, self.judge_optimiser = fabric.setup(judge, _adam(judge, rate * c.judge_rate))
        self.judge.mark_forward_method("conditions")
        self.vgg: VggFeatures | None = None
        if c.weights.nearest or c.weights.perceptual:
            self.vgg = VggFeatures(self.data / VGG_FILE).to(fabric.device)
            self.vgg = self.vgg.to(memory_format=layout)  # type: ignore[call-overload]
        self._pool = ThreadPoolExecutor(1, "pairs")
        self._waiting: deque[tuple[int, Future[PairBatch]]] = deque()

    def step(self, step: int) -> dict[str, Tensor | float]:
        c = self.config
        rate = _rate(step, self.total_steps, c.warm_up, c.constant)
        _set_rate(self.optimiser, c.learning_rate * rate)
        _set_rate(self.judge_optimiser, c.learning_rate * c.judge_rate * rate)
        draws = np.random.default_rng([self._seed, step, 1])
        pairs = self._to_device(self._next(step))
        given = torch.from_numpy(draws.random(c.batch) >= c.drawn_masks).to(self.fabric.device)
        with self._autocast():
            out = self.generator(
                pairs.source, pairs.source_points, pairs.target_points, self._mask(pairs, given)
            )
        real = _scaled(pairs.target, len(out.images))
        fake = self._shown(out, real, pairs)
        report = self._judge_step(pairs, real, [f.detach() for f in fake])
        if c.gradient_penalty and step % c.penalty_every == 0:
            report["judge/penalty"] = self._penalty_step(pairs, real)
        return report | self._generator_step(pairs, out, real, fake, draws) | {"rate": rate}

    def _judge_step(
        self, pairs: _Pairs, real: list[Tensor], fake: list[Tensor]
    ) -> dict[str, Tensor | float]:
        relativistic = self.config.relativistic
        with self._autocast():
            conditions = self._conditions(pairs)
            of_real = self.judge(real[-self._judged :], conditions)
            of_fake = self.judge(fake[-self._judged :], conditions)
        parts = [
            losses.discriminator_loss(a, b, relativistic)
            for a, b in zip(of_real, of_fake, strict=True)
        ]
        loss = torch.stack(parts).mean()
        self.judge_optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        self.fabric.clip_gradients(self.judge, self.judge_optimiser, max_norm=_CLIP)
        self.judge_optimiser.step()
        gap = of_real[-1].detach().float().mean() - of_fake[-1].detach().float().mean()
        return {"judge": loss.detach(), "judge/gap": gap}

    def _penalty_step(self, pairs: _Pairs, real: list[Tensor]) -> Tensor:
        """R1: true pictures lie where the discriminator is flat; in 32 bits (see penalties)."""
        c = self.config
        judge: Discriminator = self.judge.module
        with torch.no_grad():
            conditions = judge.conditions(pairs.source, *pairs.maps)

        def score(*images: Tensor) -> Tensor:
            return torch.stack([x.mean((1, 2, 3)) for x in judge(list(images), conditions)]).sum(0)

        gradients = input_gradients(score, *(r.float() for r in real[-self._judged :]))
        penalty = torch.stack([g.square().sum((1, 2, 3)).mean() for g in gradients]).mean()
        self.judge_optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(0.5 * c.gradient_penalty * c.penalty_every * penalty)
        self.fabric.clip_gradients(self.judge, self.judge_optimiser, max_norm=_CLIP)
        self.judge_optimiser.step()
        return penalty.detach()

    def _generator_step(
        self,
        pairs: _Pairs,
        out: Generated,
        real: list[Tensor],
        fake: list[Tensor],
        draws: np.random.Generator,
    ) -> dict[str, Tensor | float]:
        c, w = self.config, self.config.weights
        self.judge.requires_grad_(False)
        with self._autocast():
            conditions = self._conditions(pairs)
            of_real = self.judge(real[-self._judged :], conditions)
            of_fake = self.judge(fake[-self._judged :], conditions)
        terms = {
            "adversarial": torch.stack(
                [
                    losses.generator_loss(a, b, c.relativistic)
                    for a, b in zip(of_real, of_fake, strict=True)
                ]
            ).mean(),
            "l1": self._l1(out, real, pairs),
        }
        if out.mask is not None:
            terms["mask"] = losses.mask_loss(out.mask, pairs.target_mask)
        if out.warped is not None and w.brought:
            weight = pairs.target_mask * out.warped[:, 3:].detach().float()
            terms["brought"] = losses.weighted_l1(out.warped[:, :3], pairs.target, weight)
        terms |= self._vgg_terms(real[-1], fake[-1], draws)
        total = sum((getattr(w, k) * v for k, v in terms.items()), start=real[-1].new_zeros(()))
        self.optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(total)
        norm = self.fabric.clip_gradients(self.generator, self.optimiser, max_norm=_CLIP * 20)
        self.optimiser.step()
        self.judge.requires_grad_(True)
        self.ema.update(self.generator)
        return {k: v.detach() for k, v in terms.items()} | {"gradient": norm.detach()}

    def _l1(self, out: Generated, real: list[Tensor], pairs: _Pairs) -> Tensor:
        w = self.config.weights
        masks = _scaled(pairs.target_mask, len(real)) if w.person != 1.0 else [None] * len(real)
        parts = []
        for image, truth, mask in zip(out.images, real, masks, strict=True):
            weight = None if mask is None else 1.0 + (w.person - 1.0) * mask
            parts.append(losses.weighted_l1(image, truth, weight))
        coarse = torch.stack(parts[:-1]).sum() if len(parts) > 1 else 0.0
        return parts[-1] + 0.5 * coarse

    def _vgg_terms(
        self, real: Tensor, fake: Tensor, draws: np.random.Generator
    ) -> dict[str, Tensor]:
        c = self.config
        terms: dict[str, Tensor] = {}
        if self.vgg is None:
            return terms
        height, width = real.shape[-2:]
        window = min(c.window[0], height), min(c.window[1], width)
        top, left = (
            int(draws.integers(0, full - part + 1))
            for full, part in zip((height, width), window, strict=True)
        )
        place = (
            slice(None),
            slice(None),
            slice(top, top + window[0]),
            slice(left, left + window[1]),
        )
        real, fake = real[place], fake[place]
        with self._autocast():
            if c.weights.nearest:
                with torch.no_grad():
                    (truth,) = self.vgg(real, _NEAREST)
                (features,) = self.vgg(fake, _NEAREST)
                stride = c.neighbour_stride
                offset = int(draws.integers(stride)), int(draws.integers(stride))
                terms["nearest"] = losses.nearest_neighbour(
                    features, truth, c.neighbours, stride, offset
                )
            if c.weights.perceptual:
                with torch.no_grad():
                    truths = self.vgg(real, _PERCEPTUAL)
                found = self.vgg(fake, _PERCEPTUAL)
                terms["perceptual"] = losses.perceptual(found, truths)
        return terms

    def state(self) -> dict[str, Any]:
        return {
            "generator": self.generator,
            "optimiser": self.optimiser,
            "judge": self.judge,
            "judge_optimiser": self.judge_optimiser,
            "ema": self.ema,
            "seed": _Seed(self),
        }

    def export(self) -> tuple[str, dict[str, Tensor], dict[str, Any], dict[str, Any]]:
        extra = {
            "row": self.config.row,
            "image": "RGB in [-1, 1], the person's box of aspect 1:2 with margin",
        }
        return "deformable_gan", self.ema.tensors(), configs.to_dict(self.config.net), extra

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """SSIM, mask-SSIM and L1 on pairs of people set apart."""
        from trainer.metrics import ssim as measures

        assert self.held_out is not None
        rows = self.held_out.fixed_pairs(_VALIDATED)
        figures = []
        for start in range(0, len(rows), 16):
            batch = self.held_out.of(rows[start : start + 16])
            pairs = self._to_device(batch)
            with self._autocast():
                out = self.ema.module(
                    pairs.source, pairs.source_points, pairs.target_points, pairs.source_mask
                )
            images = out.images[-1].clamp(-1, 1).add(1).mul(127.5).round().byte()
            found = images.permute(0, 2, 3, 1).cpu().numpy()
            for image, truth, mask in zip(found, batch.target, batch.target_mask, strict=True):
                figures.append(
                    (
                        measures.ssim(image, truth),
                        measures.mask_ssim(image, truth, mask),
                        measures.l1(image, truth),
                        measures.l1(image, truth, mask),
                    )
                )
        means = np.nanmean(np.array(figures), 0)
        return dict(zip(("ssim", "mask_ssim", "l1", "mask_l1"), means.tolist(), strict=True))

    @property
    def _judged(self) -> int:
        """Scales that have a discriminator, the finest ones."""
        return self.config.judge.scales

    def _shown(self, out: Generated, real: list[Tensor], pairs: _Pairs) -> list[Tensor]:
        """What the discriminator gets: with `composite` the background of the truth."""
        if not self.config.composite:
            return list(out.images)
        masks = _scaled(pairs.target_mask, len(real))
        return [r + m * (i - r) for i, r, m in zip(out.images, real, masks, strict=True)]

    def _mask(self, pairs: _Pairs, given: Tensor) -> Tensor | None:
        if not self.config.net.mask_head:
            return None
        from trainer.layers.limb_warps import limb_warps

        size = self.config.net.size
        warps = limb_warps(pairs.source_points, pairs.source_points, size)
        drawn = warps.source_masks(*size).amax(1, keepdim=True)
        return torch.where(given[:, None, None, None], pairs.source_mask, drawn)

    def _conditions(self, pairs: _Pairs) -> list[Tensor]:
        found: list[Tensor] = self.judge.conditions(pairs.source, *pairs.maps)
        return found

    def _maps(self, points: Tensor) -> Tensor:
        net = self.config.net
        maps = gaussian_maps(points, net.size, *net.size, net.sigma)
        return maps.contiguous(memory_format=torch.channels_last)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.fabric.device.type, torch.bfloat16, enabled=self._bf16)

    def _read(self, split: str) -> PersonPairs:
        c = self.config
        folders = [Path(part.strip()) for part in c.pairs.split(",") if part.strip()]
        if len(folders) > 1:
            return synthetic_pairs(folders, split, c.net.size)
        return person_pairs(folders[0] if folders else self.data, split, c.net.size)

    def _make(self, step: int) -> PairBatch:
        assert self.training is not None
        return self.training.batch(self.config.batch, np.random.default_rng([self._seed, step]))

    def _next(self, step: int) -> PairBatch:
        """The batch of this step; the ones after it are made meanwhile by a thread."""
        if self._waiting and self._waiting[0][0] != step:
            self._waiting.clear()
        first = self._waiting[-1][0] + 1 if self._waiting else step
        for coming in range(first, step + _AHEAD + 1):
            self._waiting.append((coming, self._pool.submit(self._make, coming)))
        began = time.perf_counter()
        batch = self._waiting.popleft()[1].result()
        self.data_wait_s += time.perf_counter() - began
        return batch

    def _to_device(self, batch: PairBatch) -> _Pairs:
        device, layout = self.fabric.device, torch.channels_last

        def pictures(array: np.ndarray) -> Tensor:
            x = torch.from_numpy(array).to(device).permute(0, 3, 1, 2)
            return x.float().div_(127.5).sub_(1.0).contiguous(memory_format=layout)

        def masks(array: np.ndarray) -> Tensor:
            return torch.from_numpy(array).to(device)[:, None].float().div_(255.0)

        source = torch.from_numpy(batch.source_keypoints).to(device)
        target = torch.from_numpy(batch.target_keypoints).to(device)
        return _Pairs(
            pictures(batch.source),
            pictures(batch.target),
            source,
            target,
            masks(batch.source_mask),
            masks(batch.target_mask),
            (self._maps(source), self._maps(target)),
        )


class _Seed:
    """The seed of the batches, with the state_dict that checkpoints need."""

    def __init__(self, recipe: DeformableGanRecipe) -> None:
        self._recipe = recipe

    def state_dict(self) -> dict[str, int]:
        return {"seed": self._recipe._seed}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self._recipe._seed = int(state["seed"])


def _scaled(images: Tensor, scales: int) -> list[Tensor]:
    """Pictures or masks at each scale, coarse to fine."""
    found = [images]
    for _ in range(scales - 1):
        found.append(functional.avg_pool2d(found[-1], 2))
    return found[::-1]


def _adam(net: torch.nn.Module, rate: float) -> torch.optim.Optimizer:
    return torch.optim.Adam(net.parameters(), lr=rate, betas=(0.5, 0.999), fused=True)


def _rate(step: int, total: int, warm_up: int, constant: float) -> float:
    warm = min(1.0, (step + 1) / max(1, min(warm_up, total // 4)))
    left = (1.0 - step / total) / max(1e-6, 1.0 - constant)
    return warm * max(0.0, min(1.0, left))


def _set_rate(optimiser: Any, rate: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = rate


def _keep_memory() -> None:
    """Have the C library keep freed memory: returning and refetching it took a tenth of a step."""
    try:
        library = ctypes.CDLL(None)
        library.mallopt(-3, 2**30)  # M_MMAP_THRESHOLD
        library.mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD
    except (OSError, AttributeError, TypeError):  # not the GNU C library
        pass
