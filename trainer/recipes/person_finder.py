"""Recipe of the person finder: scenes of photographs and synthetic people to middles and boxes."""

import math
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor

from trainer import config as configs
from trainer.data import boxes as box_tools
from trainer.data import finder_sources as sources
from trainer.data.finder_scenes import SceneBatch, SceneBatches, SceneKinds
from trainer.data.finder_sources import Pictures
from trainer.engine.ema import Ema
from trainer.losses import centres
from trainer.models.person_finder import (
    STRIDE,
    PersonFinder,
    PersonFinderConfig,
    boxes_of,
    decode,
)
from trainer.precision import bf16_is_fast

_AHEAD = 2  # batches made in advance, beside one a worker
SCORE = 0.35
"""From which score on a box is shown; written into the weights file."""


@dataclass(frozen=True)
class Mixture:
    """How often each source is asked for a picture; one that is not there leaves its share."""

    lspet: float = 0.6
    coco: float = 0.25
    synthetic: float = 0.35


@dataclass(frozen=True)
class PersonFinderSettings:
    """Net and schedule.

    Attributes:
        box_weight: of the boxes' GIoU loss, the middles' having 1.
        kinds: of the scenes; mixture: where their people come from.
        synthetic: folder of a `crops256`, `people` or `pairs256` set, or "".
        coco: an official COCO folder, used in place of the photographs of photos/, or "".
        backgrounds: how many pictures without people are painted, and as many are cut out of
            photographs.
        workers: threads that make batches; a scene takes 7 ms of one.
    """

    net: PersonFinderConfig = field(default_factory=PersonFinderConfig)
    steps: int = 4_000
    batch: int = 16
    learning_rate: float = 2e-3
    warm_up: int = 200
    weight_decay: float = 0.03
    box_weight: float = 2.0
    mixture: Mixture = field(default_factory=Mixture)
    kinds: SceneKinds = field(default_factory=SceneKinds)
    synthetic: str = ""
    coco: str = ""
    backgrounds: int = 96
    workers: int = 1
    colour: float = 0.7
    ema: float = 0.998
    compile: bool = False


class PersonFinderRecipe:
    """Trains `PersonFinder` on composed scenes."""

    name = "person_finder"
    presets: ClassVar[dict[str, PersonFinderSettings]] = {
        "small": PersonFinderSettings(),
        "full": PersonFinderSettings(
            steps=60_000,
            batch=64,
            warm_up=1_000,
            backgrounds=1_000,
            workers=12,
            ema=0.9995,
            compile=True,
        ),
    }
    score: ClassVar[tuple[str, Literal["min", "max"]]] = ("ap50", "max")
    licence: ClassVar[str] = "research use (trained on LSP Extended)"
    data_sources: ClassVar[str] = (
        "LSP Extended (Johnson & Everingham 2011, research use), COCO train2017 photographs (labels"
        " CC BY 4.0), synthetic people of MakeHuman's core assets (CC0)"
    )

    def __init__(self, config: PersonFinderSettings, data: Path) -> None:
        self.config, self.data = config, data
        self.total_steps = config.steps
        self.samples_per_step = config.batch
        self.precision: str | None = None
        # Tests put small sets here; a real run reads the data folder.
        self.training: dict[str, Pictures] | None = None
        self.held_out: Pictures | None = None
        self.nobody: list[np.ndarray] | None = None
        self.data_wait_s = 0.0

    def build(self, fabric: Fabric) -> None:
        c = self.config
        self.fabric = fabric
        self._bf16 = bf16_is_fast(fabric.device)
        seed = int(torch.randint(0, 2**31 - 1, (1,)).item())
        sets = self.training if self.training is not None else self._read()
        nobody = self.nobody if self.nobody is not None else self._backgrounds(sets)
        named = [n for n in sets if getattr(c.mixture, n) > 0] or list(sets)
        shares = [getattr(c.mixture, n) or 1.0 for n in named]
        side = c.net.input_px
        self._scenes = SceneBatches(
            [sets[n] for n in named], shares, nobody, c.batch, side, seed, c.kinds, c.colour
        )
        held_out = self.held_out or sources.lspet(self.data, "validation")
        self._checks = SceneBatches([held_out], [1.0], nobody, 16, side, 1, c.kinds, 0.0)
        model = PersonFinder(c.net).to(fabric.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.ema = Ema(model, c.ema)
        if c.compile and fabric.device.type == "cuda":
            model = torch.compile(model)
        groups = [
            {"params": [p for p in model.parameters() if p.ndim >= 2]},
            {"params": [p for p in model.parameters() if p.ndim < 2], "weight_decay": 0.0},
        ]
        optimiser = torch.optim.AdamW(
            groups, lr=c.learning_rate, weight_decay=c.weight_decay, fused=True
        )
        self.model, self.optimiser = fabric.setup(model, optimiser)
        self._pool = ThreadPoolExecutor(c.workers, "scenes")
        self._waiting: deque[tuple[int, Future[SceneBatch]]] = deque()

    def step(self, step: int) -> dict[str, Tensor | float]:
        c = self.config
        rate = self._rate(step)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        batch = self._next(step)
        with torch.autocast(self.fabric.device.type, torch.bfloat16, enabled=self._bf16):
            maps = self.model(self._images(batch.images))
        maps = maps.float()
        heat, told, weight, trust = (
            torch.from_numpy(part).to(self.fabric.device)
            for part in (batch.heat, batch.boxes, batch.weight, batch.trust)
        )
        centre = centres.centre_loss(maps[:, 0], heat, trust)
        box = centres.box_loss(boxes_of(maps) / STRIDE, told / STRIDE, weight)
        loss = centre + c.box_weight * box
        self.optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        norm = self.fabric.clip_gradients(self.model, self.optimiser, max_norm=10.0)
        self.optimiser.step()
        self.ema.update(self.model)
        return {
            "centre": centre.detach(),
            "box": box.detach(),
            "gradient": norm.detach(),
            "rate": rate,
        }

    def state(self) -> dict[str, Any]:
        return {"model": self.model, "optimiser": self.optimiser, "ema": self.ema}

    def export(self) -> tuple[str, dict[str, Tensor], dict[str, Any], dict[str, Any]]:
        extra = {"score": SCORE, "image": "RGB in [-1, 1], letterboxed on grey 114"}
        return "person_finder", self.ema.tensors(), configs.to_dict(self.config.net), extra

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """How many people of 128 scenes are found, how many boxes are people, how well they fit.

        The people are set apart. Other people stand about in LSP Extended's photographs, so
        precision is a lower bound.
        """
        people, shown, right = 0, 0, 0
        overlaps: list[float] = []
        for step in range(8):
            rng = np.random.default_rng([1, step])
            scenes = [self._checks.scene(rng) for _ in range(16)]
            images = self._images(np.stack([s.image for s in scenes]))
            with torch.autocast(self.fabric.device.type, torch.bfloat16, enabled=self._bf16):
                maps = self.ema.module(images)
            boxes, scores = (t.float().cpu().numpy() for t in decode(maps))
            for scene, all_boxes, certain in zip(scenes, boxes, scores, strict=True):
                kept = certain >= SCORE
                best = all_boxes[kept]
                best = best[box_tools.suppress(best, certain[kept], 0.6)]
                pairs = box_tools.overlap(scene.boxes, best)
                of_person = pairs.max(1, initial=0.0)
                overlaps += of_person[of_person >= 0.5].tolist()
                people += len(scene.boxes)
                shown += len(best)
                right += int((pairs.max(0, initial=0.0) >= 0.5).sum())
        return {
            "recall": len(overlaps) / max(people, 1),
            "precision": right / max(shown, 1),
            "overlap": float(np.mean(overlaps)) if overlaps else 0.0,
        }

    def _read(self) -> dict[str, Pictures]:
        c = self.config
        sets = {"lspet": sources.lspet(self.data)}
        if c.coco:
            sets["coco"] = sources.coco_folder(Path(c.coco), "train2017")
        else:
            sets["coco"] = sources.coco_photos(self.data, "train2017")
        if c.synthetic:
            sets["synthetic"] = sources.synthetic(Path(c.synthetic))
        return sets

    def _backgrounds(self, sets: dict[str, Pictures]) -> list[np.ndarray]:
        count = self.config.backgrounds
        painted = sources.painted(count, self.config.net.input_px * 5 // 4, 0)
        return painted + sources.emptied(sets["coco"], count, 0)

    def _rate(self, step: int) -> float:
        c = self.config
        warm = min(1.0, (step + 1) / max(1, min(c.warm_up, self.total_steps // 4)))
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, step / self.total_steps)))
        return c.learning_rate * warm * cosine

    def _next(self, step: int) -> SceneBatch:
        """The batch of this step; the ones after it are made meanwhile by threads."""
        if self._waiting and self._waiting[0][0] != step:
            self._waiting.clear()
        first = self._waiting[-1][0] + 1 if self._waiting else step
        for coming in range(first, step + _AHEAD + self.config.workers + 1):
            self._waiting.append((coming, self._pool.submit(self._scenes, coming)))
        began = time.perf_counter()
        batch = self._waiting.popleft()[1].result()
        self.data_wait_s += time.perf_counter() - began
        return batch

    def _images(self, images: np.ndarray) -> Tensor:
        x = torch.from_numpy(images).to(self.fabric.device).permute(0, 3, 1, 2).float()
        return x.div_(127.5).sub_(1.0).contiguous(memory_format=torch.channels_last)
