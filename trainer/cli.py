"""The trainer's command line."""

import argparse
import importlib
import logging
import re
import sys
from pathlib import Path
from typing import Any

from trainer import catalog, paths
from trainer import config as configs
from trainer.errors import TrainerError
from trainer.recipes import registry

# Verbs of `python -m trainer data`: "module:function" that takes the remaining arguments.
DATA_VERBS: dict[str, tuple[str, str]] = {
    "words": ("trainer.text.build:main", "train word vectors on the captions and pack them"),
    "samples": ("trainer.evaluation.samples:main", "draw a sheet of samples of a caption model"),
    "lift-report": ("trainer.evaluation.lift_report:main", "measure the lifter into docs/"),
    "estimate-report": (
        "trainer.evaluation.estimate_report:main",
        "measure the estimator into docs/",
    ),
    "synth": ("trainer.synthetic.cli_synth:main", "draw a set of labelled people into shards"),
    "sheet": ("trainer.synthetic.sheet:main", "draw a contact sheet of such a set"),
    "check-people": ("trainer.synthetic.check:main", "look for faults in random people"),
    "transfer-sheet": (
        "trainer.evaluation.transfer_sheet:main",
        "draw people in new poses beside the truth, a column for each weights file",
    ),
    "pack": ("trainer.synthetic.cli_pack:main", "build the asset pack from MakeHuman's files"),
}

# Measured without an entry in the catalogue, which lists what the application may load.
_MORE_TASKS = {"deformable_gan": "transfer"}


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = _parser()
    args, rest = parser.parse_known_args(argv)
    if rest and args.command != "data":
        parser.error(f"unknown arguments: {' '.join(rest)}")
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        return args.run(args, rest)
    except TrainerError as exc:
        sys.stderr.write(f"{exc}\n")
        return 1
    except KeyboardInterrupt:
        return 130


def parse_duration(text: str) -> float:
    """Seconds from "90", "90s", "9m", "1.5h" or "1h30m"."""
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    parts = re.findall(r"(\d+(?:\.\d+)?)([hms])", text)
    if not parts or "".join(a + b for a, b in parts) != text:
        raise argparse.ArgumentTypeError(f"'{text}' is not a duration such as 90s, 9m or 1.5h")
    return sum(float(number) * {"h": 3600, "m": 60, "s": 1}[unit] for number, unit in parts)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m trainer", description="Train, measure and export PoseApp's models."
    )
    commands = parser.add_subparsers(dest="command", required=True)

    fit = commands.add_parser("fit", help="train a recipe")
    fit.add_argument("recipe", choices=list(registry.RECIPES))
    fit.add_argument("--preset", default="small", help="small or full (default small)")
    fit.add_argument("--budget", type=parse_duration, help="stop after this long, e.g. 9m or 2h")
    fit.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps")
    fit.add_argument("--devices", type=int, default=1, help="GPUs a node, with torchrun")
    fit.add_argument("--nodes", type=int, default=1, help="nodes, with torchrun")
    fit.add_argument("--precision", help="32-true, bf16-mixed, ... (default: the recipe's choice)")
    fit.add_argument("--resume", action="store_true", help="go on where the run in --out stopped")
    fit.add_argument("--data", help="folder that holds coco/ and mocap/")
    fit.add_argument("--out", type=Path, help="run folder (default runs/RECIPE)")
    fit.add_argument("--seed", type=int, default=0)
    fit.add_argument("--threads", type=int, help="CPU threads")
    fit.add_argument("--steps", type=int, help="schedule for this many steps")
    fit.add_argument(
        "--stretch",
        action="store_true",
        help="measure the speed for 30 s, then choose --steps so that the schedule fits the budget",
    )
    fit.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change one setting of the preset; repeatable",
    )
    fit.set_defaults(run=_fit)

    evaluate = commands.add_parser("evaluate", help="measure a model and print the table")
    evaluate.add_argument("name", choices=list(_tasks()))
    evaluate.add_argument(
        "--weights",
        type=Path,
        nargs="+",
        help="another weights file than the shipped one; for deformable_gan several, a row each",
    )
    evaluate.add_argument(
        "--data", help="folder laid out like data/, data/coco or data/mocap, or a set of people"
    )
    evaluate.add_argument(
        "--inception", type=Path, help="ONNX file of Inception v3, for the Inception score"
    )
    evaluate.add_argument("--json", type=Path, help="also write the table here")
    evaluate.add_argument("--fast", action="store_true", help="fewer samples")
    evaluate.add_argument(
        "--split", choices=("test", "val"), default="test", help="val: captions' validation images"
    )
    evaluate.add_argument("--device", default="auto")
    evaluate.set_defaults(run=_evaluate)

    export = commands.add_parser("export", help="put a run's weights into the weights folder")
    export.add_argument("folder", type=Path, help="run folder, e.g. runs/keypoint_flow")
    export.add_argument("--out", type=Path, help="weights folder (default: the shipped one)")
    export.add_argument("--metrics", type=Path, help="JSON written by `evaluate --json`")
    export.add_argument("--force", action="store_true", help="even if the present one is better")
    export.set_defaults(run=_export)

    data = commands.add_parser("data", help="prepare data", add_help=False)
    data.add_argument("verb", nargs="?", choices=list(DATA_VERBS))
    data.set_defaults(run=_data)
    return parser


def _fit(args: argparse.Namespace, _: list[str]) -> int:
    from trainer.cli_fit import run

    config = configs.override(registry.preset(args.recipe, args.preset), args.set)
    return run(args, config, paths.data_root(args.data))


def _tasks() -> dict[str, str]:
    """The task of each model that is measured, by name."""
    return _MORE_TASKS | {entry.name: entry.task for entry in catalog.CATALOG.values()}


def _evaluate(args: argparse.Namespace, _: list[str]) -> int:
    task = _tasks()[args.name]
    try:
        module = importlib.import_module(f"trainer.evaluation.{task}")
    except ModuleNotFoundError as exc:
        raise TrainerError(f"There is no measure for {task}.") from exc
    weights: Path | list[Path] | None = args.weights
    options: dict[str, Any] = {}
    if task == "transfer":
        options["inception"] = args.inception
    else:
        if args.inception:
            raise TrainerError("Only persons in new poses have an Inception score: drop it.")
        if args.weights and len(args.weights) > 1:
            raise TrainerError(f"{args.name} is measured one file at a time: give one --weights.")
        weights = args.weights[0] if args.weights else None
    if args.split != "test":
        if task != "caption_to_pose":
            raise TrainerError(
                "Only caption models are measured on validation images: drop --split."
            )
        options["split"] = args.split
    table = module.evaluate(
        args.name,
        paths.data_root(args.data),
        weights=weights,
        fast=args.fast,
        device=args.device,
        **options,
    )
    sys.stdout.write(table.markdown())
    if args.json:
        table.write(args.json)
    return 0


def _export(args: argparse.Namespace, _: list[str]) -> int:
    from trainer.cli_export import export

    path = export(args.folder, args.out or paths.weights_dir(), args.metrics, args.force)
    sys.stdout.write(f"Wrote {path}.\n")
    return 0


def _data(args: argparse.Namespace, rest: list[str]) -> int:
    if args.verb is None:
        for verb, (_, title) in DATA_VERBS.items():
            sys.stdout.write(f"{verb:16} {title}\n")
        return 0
    module, _, function = DATA_VERBS[args.verb][0].partition(":")
    return int(getattr(importlib.import_module(module), function)(rest) or 0)
