"""The training loop: device and precision by Lightning Fabric, log, checkpoints, exact resume."""

import dataclasses
import json
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric, seed_everything
from lightning_fabric.loggers import TensorBoardLogger

from trainer import artifact
from trainer import config as configs
from trainer.engine import checkpoint, progress
from trainer.engine.rng import GlobalRandomState
from trainer.errors import TrainerError
from trainer.recipes import registry

CHECKPOINT_EVERY_S = 50.0  # a kill loses less than a minute
VALIDATE_EVERY_S = 120.0
RUN_FILE = "run.json"
WEIGHTS_FILE = "last.safetensors"

_log = logging.getLogger(__name__)


def fit(
    recipe_name: str,
    config: Any,
    data: Path,
    out: Path,
    *,
    preset: str,
    budget_s: float | None = None,
    device: str = "auto",
    devices: int = 1,
    nodes: int = 1,
    resume: bool = False,
    precision: str | None = None,
    seed: int = 0,
    steps: int | None = None,
    progress_fn: Callable[[progress.Progress], None] | None = None,
    abort_fn: Callable[[], bool] | None = None,
    log_every: int = 50,
) -> progress.Progress:
    """Train one recipe until its steps, the budget, a signal or `abort_fn` ends it.

    The run folder then holds `checkpoint.pt` (resumes exactly), `last.safetensors` (the EMA
    weights), `run.json`, `progress.json` and TensorBoard's curves.

    Args:
        config: the recipe's config; `steps` replaces its field of that name, where given.
        data: folder that holds `coco/`, `mocap/`, ...
        out: run folder.
        budget_s: wall-clock seconds of this call; None for as long as the steps take.
        devices, nodes: for more than one process start with `torchrun`.
        precision: Fabric's name ("32-true", "bf16-mixed"); None takes the recipe's choice.
        progress_fn: called at each report.
        abort_fn: asked before each step.
    Returns:
        The last report.
    """
    start = time.monotonic()
    recipe_cls = registry.get(recipe_name)
    if steps is not None and hasattr(config, "steps"):
        config = dataclasses.replace(config, steps=steps)
    recipe = recipe_cls(config, Path(data))
    if steps is not None:
        recipe.total_steps = steps
    out.mkdir(parents=True, exist_ok=True)
    if not resume and (out / checkpoint.FILE_NAME).exists():
        raise TrainerError(f"{out} holds a run already: add --resume, or choose another --out.")

    fabric = Fabric(
        accelerator={"cuda": "gpu"}.get(device.partition(":")[0], device.partition(":")[0]),
        devices=[int(device.partition(":")[2])] if ":" in device else devices,
        num_nodes=nodes,
        precision=precision or getattr(recipe, "precision", None) or "32-true",  # type: ignore[arg-type]
        loggers=TensorBoardLogger(root_dir=out, name="curves", version=""),
    )
    fabric.launch()
    seed_everything(seed + fabric.global_rank, verbose=False)
    recipe.build(fabric)
    counter = checkpoint.Counter()
    if resume:
        checkpoint.load(fabric, out, recipe.state(), counter)
    elif fabric.is_global_zero:
        run = {
            "recipe": recipe_name,
            "preset": preset,
            "config": configs.to_dict(config),
            "seed": seed,
            "steps": recipe.total_steps,
            "precision": str(fabric._precision.precision),
        }
        (out / RUN_FILE).write_text(json.dumps(run, indent=1), "utf-8")

    report = progress.Progress(
        recipe_name, preset, counter.step, recipe.total_steps, seconds=counter.seconds
    )
    report.hardware = progress.hardware(fabric.device.type)
    loop = _Loop(fabric, recipe, counter, report, out, start, budget_s, progress_fn, log_every)
    with _stop_on_signal() as stopped:
        while counter.step < recipe.total_steps:
            stop = stopped.is_set() or (abort_fn is not None and abort_fn())
            now, stop = _agreed(fabric, start, stop)
            if stop:
                report.status = "stopped"
                break
            if budget_s is not None and now - start >= budget_s:
                report.status = "budget"
                break
            loop.one_step(now)
        else:
            report.status = "done"
        loop.finish(validate=report.status != "stopped")
    return report


class _Loop:
    """One run's bookkeeping around `recipe.step`."""

    def __init__(
        self,
        fabric: Fabric,
        recipe: Any,
        counter: checkpoint.Counter,
        report: progress.Progress,
        out: Path,
        start: float,
        budget_s: float | None,
        progress_fn: Callable[[progress.Progress], None] | None,
        log_every: int,
    ) -> None:
        self.fabric, self.recipe, self.counter, self.report = fabric, recipe, counter, report
        self.out, self.start, self.budget_s = out, start, budget_s
        self.progress_fn, self.log_every = progress_fn, log_every
        self.sums: dict[str, Any] = {}
        self.seconds_before = counter.seconds
        self.trained_from = _agreed(fabric, start, False)[0]
        self.last_report = self.last_save = self.last_validation = self.trained_from
        self.steps_since = 0
        self.wait_before = float(getattr(recipe, "data_wait_s", 0.0))

    def one_step(self, now: float) -> None:
        """Train once, then do what is due at the time `now`, on which all processes agree."""
        losses = self.recipe.step(self.counter.step)
        self.counter.step += 1
        self.steps_since += 1
        for key, value in losses.items():
            self.sums[key] = self.sums.get(key, 0.0) + value  # stays on the device: no wait
        self.counter.seconds = self.seconds_before + time.monotonic() - self.trained_from
        if self.steps_since >= self.log_every or now - self.last_report > 30:
            self._report(now)
        if now - self.last_validation > VALIDATE_EVERY_S:
            self._validate(now)
        if now - self.last_save > CHECKPOINT_EVERY_S:
            self._save(now)

    def finish(self, validate: bool) -> None:
        now = time.monotonic()
        if self.steps_since:
            self._report(now)
        if validate:
            self._validate(now)
        self._save(now)
        for logger in self.fabric.loggers:
            logger.finalize(self.report.status)

    def _report(self, now: float) -> None:
        report, elapsed = self.report, max(now - self.last_report, 1e-6)
        wait = float(getattr(self.recipe, "data_wait_s", 0.0))
        report.step = self.counter.step
        report.seconds = self.counter.seconds
        report.losses = {k: float(v) / self.steps_since for k, v in self.sums.items()}
        rate = self.steps_since / elapsed
        report.samples_per_s = rate * self.recipe.samples_per_step * self.fabric.world_size
        report.data_wait = min(1.0, (wait - self.wait_before) / elapsed)
        report.time_left_s = (report.total_steps - report.step) / rate
        if self.budget_s is not None:
            spent = now - self.start
            report.time_left_s = max(0.0, min(report.time_left_s, self.budget_s - spent))
        self.sums, self.steps_since, self.wait_before, self.last_report = {}, 0, wait, now
        if self.fabric.is_global_zero:
            curves = {"speed/samples_per_s": report.samples_per_s, "speed/wait": report.data_wait}
            self.fabric.log_dict({**report.losses, **curves}, step=report.step)
            report.write(self.out)
            _log.info(report.line())
            if self.progress_fn is not None:
                self.progress_fn(report)

    def _validate(self, now: float) -> None:
        # Validation draws random numbers; training must not notice, or a resume would differ.
        before = GlobalRandomState().state_dict()
        figures = self.recipe.validate()
        GlobalRandomState().load_state_dict(before)
        self.report.figures = {k: float(v) for k, v in figures.items()}
        self.last_validation = now
        if self.fabric.is_global_zero and figures:
            named = {f"validation/{k}": v for k, v in self.report.figures.items()}
            self.fabric.log_dict(named, step=self.counter.step)
            _log.info(
                "%s step %d | validation | %s",
                self.report.recipe,
                self.counter.step,
                " ".join(f"{k} {v:.4g}" for k, v in self.report.figures.items()),
            )

    def _save(self, now: float) -> None:
        checkpoint.save(self.fabric, self.out, self.recipe.state(), self.counter)
        if self.fabric.is_global_zero:
            model, tensors, model_config, extra = self.recipe.export()
            artifact.save(self.out / WEIGHTS_FILE, tensors, model, model_config, extra)
            self.report.write(self.out)
        self.last_save = now


def _agreed(fabric: Fabric, start: float, stop: bool) -> tuple[float, bool]:
    """The time, and whether to stop, the same in all processes of a run.

    Processes that save or validate at different steps would wait for each other for ever.
    """
    now = time.monotonic()
    if fabric.world_size == 1:
        return now, stop
    mine = torch.tensor([now - start, float(stop)], dtype=torch.float64, device=fabric.device)
    latest = fabric.all_reduce(mine, reduce_op="max")
    return start + float(latest[0]), bool(latest[1] > 0)


@contextmanager
def _stop_on_signal() -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set, so that a stopped run saves itself first."""
    stopped = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopped
        return
    previous = {
        number: signal.signal(number, lambda *_: stopped.set())
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield stopped
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
