"""`poseapp animate`: key poses and motions to GIF, MP4, frames, BVH and keypoints."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from poseapp.core.errors import DocumentError, PoseAppError
from poseapp.core.palette import parse_colour
from poseapp.core.sequence import LATENT, LONGEST_S, SHORTEST_S, PoseSequence
from poseapp.services import batch, reference_input, sequence_input
from poseapp.services.local import LocalEngine
from poseapp.services.models import ModelOptions
from poseapp.services.sequence_input import Loaded
from poseapp.services.sequence_tasks import LIFTER, film_path, with_rate
from poseapp.services.transfer_tasks import NO_GENERATOR_HERE, can_generate

_BY_SUFFIX = {".gif": "gif", ".mp4": "mp4", ".bvh": "bvh", ".json": "json", "": "png"}


def run(args: argparse.Namespace) -> int:
    """Do what the options say; returns the exit code."""
    out, kind = _target(args.out, args.to)
    loaded = _load(args)
    sequence = _as_asked(loaded.sequence, args)
    weights = {LIFTER: args.weights} if args.weights else {}
    options = ModelOptions(device=args.device, weights=weights)
    engine = LocalEngine(options)
    request: dict[str, Any] = {
        "sequence": sequence,
        "path": str(out),
        "kind": kind,
        "size": loaded.size,
        "height": args.height,
        "style": args.style,
        "background": None if args.background is None else parse_colour(args.background),
        "around": not args.canvas,
        **_person(args, kind, engine, options),
    }
    with tqdm(total=100, desc="Rendering", unit="%", disable=None, file=sys.stderr) as bar:

        def on_progress(done: float, total: float, text: str) -> None:
            bar.set_description(text or "Rendering", refresh=False)
            bar.update(max(int(100 * done / max(total, 1e-9)) - bar.n, 0))

        done = engine.run("render_sequence", on_progress=on_progress, **request)
    noun = "frame" if done["frames"] == 1 else "frames"
    batch.complain(f"{out}: {done['frames']} {noun} at {sequence.fps} a second.")
    return 0


def _person(
    args: argparse.Namespace, kind: str, engine: LocalEngine, options: ModelOptions
) -> dict[str, Any]:
    """Arguments of the task that put somebody in the place of the skeletons."""
    if args.person is None:
        if args.person_pose is not None or args.warp:
            raise PoseAppError("--person-pose and --warp need a picture of somebody: --person.")
        return {}
    if kind not in ("gif", "mp4", "png"):
        raise PoseAppError("--person is for pictures: let -o end in .gif or .mp4, or take frames.")
    if not args.warp and not can_generate(options):
        raise PoseAppError(NO_GENERATOR_HERE)
    reference = reference_input.read(args.person.expanduser(), args.person_pose, engine)
    return {"reference": reference, "generator": not args.warp}


def _target(text: str, asked: str | None) -> tuple[Path, str]:
    """Where it is really written, and as what.

    Faults are said before anything is drawn, which would be for nothing.
    """
    out = Path(text)
    folder = text.endswith(("/", os.sep)) or out.is_dir()
    kind = asked or ("png" if folder else _BY_SUFFIX.get(out.suffix.lower()))
    if kind is None:
        raise PoseAppError("Let -o end in .gif, .mp4, .bvh or .json, or name a folder for frames.")
    if kind in ("png", "openpose"):
        if out.is_file():
            raise DocumentError(f"{out.name} is a file: name a folder for the frames.")
        return out, kind
    named, out = out, out if folder else film_path(out, kind)
    if folder or out.is_dir():
        raise DocumentError(f"{out.name or out} is a folder: name a file, or take --to png.")
    if out != named and out.exists():
        raise DocumentError(f"{out.name} is there already: take -o {out} to replace it.")
    if not out.absolute().parent.is_dir():
        raise DocumentError(
            f"Cannot save {out.name}: there is no folder {out.absolute().parent}, so choose another"
            " one."
        )
    return out, kind


def _load(args: argparse.Namespace) -> Loaded:
    step = args.step
    if step is not None and not SHORTEST_S <= step <= LONGEST_S:
        raise PoseAppError(
            f"The time from pose to pose is {SHORTEST_S:g} to {LONGEST_S:g} s, not {step:g}."
        )
    parts = [
        sequence_input.load(path, step_s=step, fps=args.source_fps, fine=True)
        for path in _paths(args.inputs)
    ]
    loaded = sequence_input.joined(parts)
    if step is None:
        return loaded
    keys = tuple(replace(key, duration_s=step) for key in loaded.sequence.keys)
    return replace(loaded, sequence=replace(loaded.sequence, keys=keys))


def _paths(names: list[str]) -> list[Path]:
    """What was named, with all files that a pattern matches; a folder is one motion."""
    found: list[Path] = []
    for name in names:
        path = Path(name).expanduser()
        matched = [path] if path.is_dir() else batch.expand([name])
        if not matched:
            raise DocumentError(f"No file matches {name}.")
        found += matched
    return found


def _as_asked(sequence: PoseSequence, args: argparse.Namespace) -> PoseSequence:
    if args.fps is not None:
        sequence = with_rate(sequence, args.fps)
    if args.between is not None:
        sequence = replace(sequence, between=args.between)
    if args.loop is not None:
        sequence = replace(sequence, loop=args.loop)
    if sequence.between == LATENT and not sequence.fits:
        raise PoseAppError("One pose alone has nothing in between: give two or more.")
    return sequence
