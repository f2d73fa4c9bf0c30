"""Recipe of the pose estimator: photographs and synthetic people to heatmaps (paper 4)."""

import math
import time
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor

from trainer import config as configs
from trainer.data import photos
from trainer.data.person_crops import STILL, Augmentation, Batch, CropBatches
from trainer.data.photos import HIDDEN, MIRRORED, PersonPhotos
from trainer.engine.ema import Ema
from trainer.losses import heatmaps as losses
from trainer.models.attention_hourglass import (
    KEYPOINTS,
    STRIDE,
    AttentionHourglass,
    AttentionHourglassConfig,
    HeatmapJudge,
    JudgeConfig,
)
from trainer.precision import bf16_is_fast

_AHEAD = 3  # batches made in advance
_EXCHANGE = 0.3  # share of the run after which exchanged labels are considered
_CLIP = 1.0  # of the gradient's norm, which is about 5
_EXTREME = 4.0  # place loss of a joint that is far off; a good one is below 1


@dataclass(frozen=True)
class Mixture:
    """Share of each source in a batch; a source that is not there gives its share to the others."""

    lspet: float = 0.6
    coco: float = 0.05
    synthetic: float = 0.35


@dataclass(frozen=True)
class AttentionHourglassSettings:
    """Net and schedule.

    Attributes:
        sigma: of the target Gaussians, heatmap px.
        adversarial: weight of the judge's error in the generator's loss; 0 trains without it.
        balance: share of the real reconstruction error at which judge and generator are even.
        mixture: of each batch; real_only: share of the run, at its end, on photographs alone.
        robust: count a crowd's far-off labels less, and try exchanged names, see `robust_mean`.
        synthetic: folder of a `crops256` set.
        start_from: weights file to start from, of as many stacks or fewer; "" starts anew.
    """

    net: AttentionHourglassConfig = field(default_factory=AttentionHourglassConfig)
    judge: JudgeConfig = field(default_factory=JudgeConfig)
    steps: int = 18_000
    batch: int = 32
    learning_rate: float = 1e-3
    warm_up: int = 500
    weight_decay: float = 0.02
    sigma: float = 1.0
    presence_weight: float = 0.1
    adversarial: float = 0.0
    balance: float = 0.7
    mixture: Mixture = field(default_factory=Mixture)
    real_only: float = 0.2
    robust: bool = True
    synthetic: str = ""
    start_from: str = ""
    augmentation: Augmentation = field(default_factory=Augmentation)
    ema: float = 0.998
    compile: bool = False


class AttentionHourglassRecipe:
    """Trains `AttentionHourglass`, alone or against `HeatmapJudge`."""

    name = "attention_hourglass"
    presets: ClassVar[dict[str, AttentionHourglassSettings]] = {
        "small": AttentionHourglassSettings(
            net=AttentionHourglassConfig(
                box_to_crop=1.0, features=64, growth=64, depth=3, light_stem=True
            ),
            learning_rate=1.2e-3,
            mixture=Mixture(lspet=0.7, coco=0.06, synthetic=0.24),
            # Few changes: at this size and length a net does not overfit, it lacks time.
            augmentation=Augmentation(
                turn_deg=15.0,
                zoom=0.1,
                shift=0.035,
                half_body=0.0,
                colour=0.5,
                cut_out=0.05,
                new_background=0.1,
            ),
        ),
        "full": AttentionHourglassSettings(
            net=AttentionHourglassConfig(
                input_px=256, box_to_crop=1.1, stacks=4, features=256, attended_px=32
            ),
            judge=JudgeConfig(features=128, depth=4),
            steps=150_000,
            batch=64,
            learning_rate=1e-3,
            sigma=1.5,
            adversarial=0.01,
            mixture=Mixture(lspet=0.45, coco=0.05, synthetic=0.5),
            ema=0.9995,
            compile=True,
        ),
    }
    score: ClassVar[tuple[str, Literal["min", "max"]]] = ("pck", "max")
    licence: ClassVar[str] = "research use (trained on LSP Extended)"
    data_sources: ClassVar[str] = (
        "LSP Extended (Johnson & Everingham 2011, research use), COCO train2017 photographs (labels"
        " CC BY 4.0), synthetic people of MakeHuman's core assets (CC0)"
    )

    def __init__(self, config: AttentionHourglassSettings, data: Path) -> None:
        self.config, self.data = config, data
        self.total_steps = config.steps
        self.samples_per_step = config.batch
        self.precision: str | None = None
        # Tests put small sets here; a real run reads the data folder.
        self.training: dict[str, PersonPhotos] | None = None
        self.held_out: PersonPhotos | None = None
        self.data_wait_s = 0.0

    def build(self, fabric: Fabric) -> None:
        c = self.config
        self.fabric = fabric
        self._bf16 = bf16_is_fast(fabric.device)
        seed = int(torch.randint(0, 2**31 - 1, (1,)).item())
        sets = self.training if self.training is not None else self._read()
        self._mixed, self._real = self._batches(sets, seed)
        if self.held_out is None:
            self.held_out = photos.lspet(self.data, "validation")
        model = AttentionHourglass(c.net)
        if c.start_from:
            _start_from(model, Path(c.start_from))
        model = model.to(fabric.device, memory_format=torch.channels_last)
        self.ema = Ema(model, c.ema)
        if c.compile and fabric.device.type == "cuda":
            model = torch.compile(model)  # type: ignore[assignment]
        optimiser = _adam(model, c.learning_rate, c.weight_decay)
        self.model, self.optimiser = fabric.setup(model, optimiser)
        self.judge = None
        self._share = torch.zeros((), device=fabric.device)
        if c.adversarial:
            judge = HeatmapJudge(c.judge).to(fabric.device, memory_format=torch.channels_last)
            self.judge, self.judge_optimiser = fabric.setup(
                judge, _adam(judge, c.learning_rate * 0.25, 0.0)
            )
        self._pool = ThreadPoolExecutor(1, "crops")
        self._waiting: deque[tuple[int, Future[Batch]]] = deque()

    def step(self, step: int) -> dict[str, Tensor | float]:
        c = self.config
        rate = _rate(step, self.total_steps, c.warm_up)
        _set_rate(self.optimiser, c.learning_rate * rate)
        batch = self._next(step)
        images, points, states, noisy = self._to_device(batch)
        with torch.autocast(self.fabric.device.type, torch.bfloat16, enabled=self._bf16):
            stacks, presence = self.model(images)
        targets = losses.gaussian_targets(points, stacks[-1].shape[-1], c.sigma)
        weight = (states >= HIDDEN).float()
        if not c.robust:
            noisy = torch.zeros_like(noisy)
        exchange = c.robust and step > _EXCHANGE * self.total_steps
        exchanged = targets[:, list(MIRRORED)] if exchange else None
        place = torch.zeros((), device=self.fabric.device)
        for maps in stacks:
            loss = losses.place_loss(maps, targets)
            other = losses.place_loss(maps, exchanged) if exchanged is not None else None
            place = place + losses.robust_mean(loss, weight, noisy, other, _EXTREME)
        presence_loss = losses.presence_loss(presence, states[:, :KEYPOINTS])
        total = place + c.presence_weight * presence_loss
        report: dict[str, Tensor | float] = {}
        if self.judge is not None:
            fooled, report = self._judge(images, stacks[-1], targets, weight, rate)
            total = total + c.adversarial * fooled
        self.optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(total)
        norm = self.fabric.clip_gradients(self.model, self.optimiser, max_norm=_CLIP)
        self.optimiser.step()
        self.ema.update(self.model)
        return {
            "place": place.detach() / len(stacks),
            "presence": presence_loss.detach(),
            "gradient": norm.detach(),
            "rate": rate,
            **report,
        }

    def state(self) -> dict[str, Any]:
        kept: dict[str, Any] = {
            "model": self.model,
            "optimiser": self.optimiser,
            "ema": self.ema,
        }
        if self.judge is not None:
            kept |= {
                "judge": self.judge,
                "judge_optimiser": self.judge_optimiser,
                "share": _Kept(self._share),
            }
        return kept

    def export(self) -> tuple[str, dict[str, Tensor], dict[str, Any], dict[str, Any]]:
        extra = {"sigma": self.config.sigma, "image": "RGB in [-1, 1]"}
        return "attention_hourglass", self.ema.tensors(), configs.to_dict(self.config.net), extra

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """PCK@0.2 and @0.1 without flip test on up to 320 people set apart."""
        from trainer.layers.heatmap_decoding import decode
        from trainer.metrics.pck import pck

        assert self.held_out is not None
        count = min(320, len(self.held_out))
        rows = np.linspace(0, len(self.held_out) - 1, count).astype(int)
        net = self.config.net
        maker = CropBatches([self.held_out], [1.0], 1, net.input_px, 0, STILL, net.box_to_crop)
        found, truth, states = [], [], []
        for start in range(0, count, 32):
            batch = maker.of(0, rows[start : start + 32])
            images = self._to_device(batch)[0]
            with torch.autocast(self.fabric.device.type, torch.bfloat16, enabled=self._bf16):
                stacks, _ = self.ema.module(images)
            points = decode(stacks[-1][:, :KEYPOINTS].float())[0].cpu().numpy()
            found.append(points * STRIDE + (STRIDE - 1) / 2)
            truth.append(batch.keypoints[:, :KEYPOINTS])
            states.append(batch.states[:, :KEYPOINTS])
        joined = [np.concatenate(part) for part in (found, truth, states)]
        placed = joined[2] >= HIDDEN
        return {
            "pck": pck(joined[0], joined[1], placed, 0.2).mean,
            "pck_fine": pck(joined[0], joined[1], placed, 0.1).mean,
        }

    def _read(self) -> dict[str, PersonPhotos]:
        c = self.config
        sets = {
            "lspet": photos.lspet(self.data),
            "coco": photos.coco_photos(self.data, "train2017"),
        }
        if c.synthetic:
            from trainer.data.synthetic_photos import person_photos

            sets["synthetic"] = person_photos(Path(c.synthetic), "train")
        return sets

    def _batches(self, sets: dict[str, PersonPhotos], seed: int) -> tuple[CropBatches, CropBatches]:
        c = self.config
        shares = configs.to_dict(c.mixture)
        made = []
        for names in (list(sets), [n for n in sets if n != "synthetic"] or list(sets)):
            named = [n for n in names if shares[n] > 0] or names
            weights = [shares[n] or 1.0 for n in named]
            people = [sets[n] for n in named]
            made.append(
                CropBatches(
                    people,
                    weights,
                    c.batch,
                    c.net.input_px,
                    seed,
                    c.augmentation,
                    c.net.box_to_crop,
                )
            )
        return made[0], made[1]

    def _make(self, step: int) -> Batch:
        mixed = step < (1.0 - self.config.real_only) * self.total_steps
        return (self._mixed if mixed else self._real)(step)

    def _next(self, step: int) -> Batch:
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

    def _to_device(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        device = self.fabric.device
        images = torch.from_numpy(batch.images).to(device).permute(0, 3, 1, 2)
        images = images.float().div_(127.5).sub_(1.0).contiguous(memory_format=torch.channels_last)
        points = (torch.from_numpy(batch.keypoints).to(device) - (STRIDE - 1) / 2) / STRIDE
        states = torch.from_numpy(batch.states).to(device)
        return images, points, states, torch.from_numpy(batch.noisy).to(device)

    def _judge(
        self, images: Tensor, maps: Tensor, targets: Tensor, weight: Tensor, rate: float
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        """Teach the judge, then let it look at the generator's heatmaps.

        The judge reconstructs real heatmaps well and generated ones badly; `share` keeps the two
        even, as in boundary-equilibrium GANs.
        """
        assert self.judge is not None
        c, size = self.config, maps.shape[-1]
        _set_rate(self.judge_optimiser, 0.25 * c.learning_rate * rate)
        shown = weight[:, :KEYPOINTS, None, None]
        peak = 2 * math.pi * c.sigma**2  # a Gaussian that sums to 1, scaled to a peak of 1
        real = targets[:, :KEYPOINTS] * peak * shown
        probability = maps[:, :KEYPOINTS].float().flatten(2).softmax(-1).unflatten(2, (size, size))
        fake = probability * peak * shown

        def error(heatmaps: Tensor) -> Tensor:
            assert self.judge is not None
            with torch.autocast(self.fabric.device.type, torch.bfloat16, enabled=self._bf16):
                again = self.judge(images, heatmaps)
            return (again.float() - heatmaps).square().sum((2, 3)).mean()

        of_real, of_fake = error(real), error(fake.detach())
        self.judge_optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(of_real - self._share * of_fake)
        self.fabric.clip_gradients(self.judge, self.judge_optimiser, max_norm=5.0)
        self.judge_optimiser.step()
        gap = c.balance * of_real.detach() - of_fake.detach()
        self._share.add_(0.001 * gap).clamp_(0.0, 1.0)
        for parameter in self.judge.parameters():
            parameter.requires_grad_(False)
        fooled = error(fake)
        for parameter in self.judge.parameters():
            parameter.requires_grad_(True)
        report: dict[str, Tensor | float] = {
            "judge/real": of_real.detach(),
            "judge/fake": of_fake.detach(),
            "judge/share": self._share.clone(),
        }
        return fooled, report


class _Kept:
    """A tensor with the state_dict that checkpoints need."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor

    def state_dict(self) -> dict[str, Tensor]:
        return {"tensor": self.tensor}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        self.tensor.copy_(state["tensor"])


def _adam(model: torch.nn.Module, rate: float, decay: float) -> torch.optim.Optimizer:
    decayed = [p for p in model.parameters() if p.ndim >= 2]
    others = [p for p in model.parameters() if p.ndim < 2]
    groups = [
        {"params": decayed, "weight_decay": decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=rate, fused=True)


def _rate(step: int, total: int, warm_up: int) -> float:
    warm = min(1.0, (step + 1) / max(1, min(warm_up, total // 4)))
    return warm * 0.5 * (1 + math.cos(math.pi * min(1.0, step / total)))


def _set_rate(optimiser: Any, rate: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = rate


def _start_from(model: AttentionHourglass, path: Path) -> None:
    """Take over the weights of an earlier run, of the same net or of one with fewer stacks."""
    from trainer import artifact
    from trainer.errors import ArtifactError

    header = artifact.read_header(path)
    if header["model"] != "attention_hourglass":
        raise ArtifactError(f"{path.name} holds a {header['model']} model: choose an estimator's.")
    tensors = {name: t.float() for name, t in artifact.load_tensors(path).items()}
    fewer = int(header["config"]["stacks"])
    try:
        model.load_state_dict(stacked(tensors, model.state_dict(), fewer))
    except RuntimeError as exc:
        raise ArtifactError(
            f"{path.name} is of another net than the preset's: use the settings it was made with."
        ) from exc


def stacked(
    tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor], stacks: int
) -> dict[str, Tensor]:
    """Weights of an estimator with more stacks, which finds at first what the smaller one found.

    A stack that is not there yet starts as the last one that is, behind links of zeros, so that it
    sees the same features; its attention starts as it is in `wanted`, with gamma 0.

    Args:
        tensors: of an estimator with `stacks` stacks.
        wanted: of a freshly made one with as many or more.
    """
    result = dict(tensors)
    for name, fresh in wanted.items():
        if name in result:
            continue
        part, number, rest = (*name.split(".", 2), "", "")[:3]
        if part in ("features_back", "maps_back"):
            result[name] = torch.zeros_like(fresh)
        elif part in ("hourglasses", "closing", "lines", "heads") and int(number) >= stacks:
            plain = rest.removeprefix("residual.") if part == "closing" else rest
            last = f"{part}.{stacks - 1}."
            result[name] = tensors.get(last + rest, tensors.get(last + plain, fresh))
    return result
