"""`python -m trainer fit`: the options turned into one call of the loop."""

import argparse
import json
import logging
import tempfile
from pathlib import Path
from typing import Any

import torch

from trainer import config as configs
from trainer.api import resolve_device
from trainer.engine import loop, progress
from trainer.errors import TrainerError

_PROBE_S = 30.0

_log = logging.getLogger(__name__)


def run(args: argparse.Namespace, config: Any, data: Path) -> int:
    """Train as the parsed options say; 0 when the run ended by its steps or its budget."""
    if args.threads:
        torch.set_num_threads(args.threads)
    options: dict[str, Any] = {
        "preset": args.preset,
        "device": resolve_device(args.device),
        "devices": args.devices,
        "nodes": args.nodes,
        "precision": args.precision,
        "seed": args.seed,
    }
    steps = args.steps
    if args.resume:
        run_settings = _settings_of(args.out or Path("runs") / args.recipe)
        config = configs.override(configs.from_dict(type(config), run_settings["config"]), args.set)
        options["preset"] = run_settings["preset"]
        steps = steps or int(run_settings["steps"])
    elif args.stretch:
        steps = _steps_that_fit(args, config, data, options)
    report = loop.fit(
        args.recipe,
        config,
        data,
        args.out or Path("runs") / args.recipe,
        budget_s=args.budget,
        resume=args.resume,
        steps=steps,
        **options,
    )
    _log.info("%s: %s at step %d", args.recipe, report.status, report.step)
    return 130 if report.status == "stopped" else 0


def _settings_of(folder: Path) -> dict[str, Any]:
    """What a run was started with, so that a resume need not repeat it."""
    try:
        stored = json.loads((folder / loop.RUN_FILE).read_text("utf-8"))
        return {key: stored[key] for key in ("config", "preset", "steps")}
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise TrainerError(
            f"There is no run to resume in {folder}: start without --resume, or name its --out."
        ) from exc


def _steps_that_fit(
    args: argparse.Namespace, config: Any, data: Path, options: dict[str, Any]
) -> int:
    if args.budget is None:
        raise TrainerError("--stretch needs a --budget to fit the schedule into.")
    rates: list[float] = []

    def note(report: progress.Progress) -> None:
        rates.append(report.samples_per_s)

    with tempfile.TemporaryDirectory() as folder:
        report = loop.fit(
            args.recipe, config, data, Path(folder), budget_s=_PROBE_S, progress_fn=note, **options
        )
    steps = int(0.97 * args.budget * report.step / max(report.seconds, 1e-6))
    if steps < 1:
        raise TrainerError("The budget is too short for a single step.")
    _log.info("The schedule is set to %d steps, to fit the budget.", steps)
    return steps
