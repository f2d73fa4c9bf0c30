"""`poseapp transfer`: people of photos in other poses."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tqdm import tqdm

from poseapp.cli_detect import expand
from poseapp.core.errors import DocumentError, PoseAppError
from poseapp.services import batch, photo_engines, weights
from poseapp.services.local import LocalEngine
from poseapp.services.models import ModelOptions
from poseapp.services.transfer_batch import TransferBatch, jobs_of
from poseapp.services.transfer_tasks import GENERATOR, NO_GENERATOR_HERE, can_generate


def run(args: argparse.Namespace) -> int:
    """Do what the options say; returns the exit code."""
    options = _options(args)
    people, poses = expand(args.person), batch.expand(args.pose)
    if args.person_pose is not None and len(people) > 1:
        raise PoseAppError("--person-pose is for one photo: put each one's keypoints beside it.")
    jobs = jobs_of(people, poses, args.out)
    work = TransferBatch(
        jobs, LocalEngine(options), _by(args), args.resume, args.in_place, args.person_pose
    )
    if work.left_over:
        batch.complain("An earlier run was not finished; --resume would have gone on with it.")
    if work.resumed:
        batch.complain(f"{work.resumed} of {len(jobs)} pictures are done already.")
    waiting = work.waiting()
    outcomes = photo_engines.run(
        waiting,
        {"longest": args.size, "generator": not args.warp},
        options,
        args.engine,
        args.workers,
        args.address,
        task="transfer_file",
        each=work.arguments,
    )
    said: set[str] = set()
    quiet = True if len(jobs) < 2 else None  # None: off when stderr is no terminal
    bar = tqdm(total=len(waiting), desc="Rendering", unit="picture", disable=quiet)
    try:
        for out, outcome in outcomes:
            problem = outcome if isinstance(outcome, str) else _added(work, out, outcome)
            if problem:
                work.fail(out, problem)
                batch.complain(problem)
            elif not isinstance(outcome, str):
                note = outcome["note"] and f"{outcome['name']}: {outcome['note']}"
                if note and note not in said:
                    said.add(note)
                    batch.complain(note)
            bar.update()
    finally:
        bar.close()
        getattr(outcomes, "close", lambda: None)()
        work.finish()
    if len(jobs) > 1:
        batch.complain(f"{work.done} of {len(jobs)} pictures done.")
    return 1 if work.failed else 0


def _added(work: TransferBatch, out: Path, made: dict[str, Any]) -> str:
    """Write a picture; why it cannot be written, or ""."""
    try:
        work.add(out, made)
    except DocumentError as exc:
        return str(exc)
    return ""


def _options(args: argparse.Namespace) -> ModelOptions:
    if args.size and args.size < 16:
        raise PoseAppError(f"A picture has 16 px or more on its longer side, not {args.size}.")
    chosen = {GENERATOR: args.weights} if args.weights else {}
    options = ModelOptions(device=args.device, weights=chosen)
    if args.warp:
        return options
    if args.weights:
        weights.check(GENERATOR, Path(args.weights), {}, verify=False)
    if not can_generate(options):
        raise PoseAppError(NO_GENERATOR_HERE)
    return options


def _by(args: argparse.Namespace) -> str:
    """What the pictures depend on, in words."""
    how = "warp" if args.warp else args.weights or GENERATOR
    return f"{how}, {args.size} px, {'in place' if args.in_place else 'fitted'}"
