"""`poseapp detect`: the people of photos, and their joints, to COCO, OpenPose and pictures."""

from __future__ import annotations

import argparse
import glob
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from poseapp.core.errors import DocumentError, PoseAppError
from poseapp.services import batch, estimators, photo_engines
from poseapp.services.local import LocalEngine
from poseapp.services.models import ModelOptions
from poseapp.services.photo_batch import Outputs, PhotoBatch, photos_in


def run(args: argparse.Namespace) -> int:
    """Do what the options say; returns the exit code."""
    if not (args.out or args.openpose_dir or args.overlay_dir):
        raise PoseAppError("Say where the poses go: -o FILE, --openpose-dir or --overlay-dir.")
    photos = expand(args.inputs)
    boxes = None if not args.box else np.array([_box(text) for text in args.box], np.float32)
    if boxes is not None and (len(photos) > 1 or args.whole):
        raise PoseAppError("--box is for one photo, and not together with --whole.")
    options = _options(args)
    by = _by(options, args, boxes)
    outputs = Outputs(args.out, args.openpose_dir, args.overlay_dir)
    left_over = outputs.journal.is_file() and not args.resume
    work = PhotoBatch(photos, outputs, by, args.resume)
    if left_over:
        batch.complain("An earlier run was not finished; --resume would have gone on with it.")
    if work.resumed:
        batch.complain(f"{work.resumed} of {len(photos)} photos are done already.")
    request = {
        "boxes": boxes,
        "whole": args.whole,
        "flip": not args.fast,
        "overlay": args.overlay_dir is not None,
    }
    notes: set[str] = set()
    waiting = work.waiting()
    outcomes = photo_engines.run(waiting, request, options, args.engine, args.workers, args.address)
    quiet = True if len(photos) < 2 else None  # None: off when stderr is no terminal
    bar = tqdm(total=len(waiting), desc="Finding people", unit="photo", disable=quiet)
    try:
        for path, outcome in outcomes:
            _take(work, path, outcome, notes)
            bar.update()
    finally:
        bar.close()
        getattr(outcomes, "close", lambda: None)()
        work.finish()  # what is done counts, also when this was stopped
    if len(photos) > 1:
        batch.complain(f"{work.done} of {len(photos)} photos done, {work.people} people found.")
    return 1 if work.failed else 0


def _take(work: PhotoBatch, path: Path, outcome: dict[str, Any] | str, notes: set[str]) -> None:
    if isinstance(outcome, str):
        work.fail(path, outcome)
        batch.complain(outcome)
        return
    count = work.add(path, outcome)
    if not count:
        batch.complain(f"{path.name}: nobody was found.")
    note = outcome["note"].replace(
        "drag a box around each person", "give --detector, or --box around each person"
    )
    if note and note not in notes:
        notes.add(note)
        batch.complain(note)


def expand(arguments: list[str]) -> list[Path]:
    """Photos that the user named: as they are, all of a folder, or what a pattern matches."""
    found: dict[Path, None] = {}
    for argument in arguments:
        path = Path(argument).expanduser()
        if path.is_dir():
            inside = photos_in(path)
            if not inside:
                raise DocumentError(f"There is no photo in the folder {argument}.")
            found.update(dict.fromkeys(inside))
        elif not path.exists() and glob.has_magic(argument):
            matched = sorted(Path(p) for p in glob.glob(str(path), recursive=True))  # noqa: PTH207
            if not matched:
                raise DocumentError(f"No file matches {argument}.")
            found.update(dict.fromkeys(p for p in matched if p.is_file()))
        else:
            found[path] = None  # a name that is none is reported as missing
    return list(found)


def _box(text: str) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != 4 or not np.isfinite(numbers).all() or min(numbers[2:]) <= 0:
        raise PoseAppError(f"Give --box as x,y,width,height in px, such as 40,20,180,400: {text}.")
    return numbers


def _options(args: argparse.Namespace) -> ModelOptions:
    answers: dict[str, dict[str, str]] = {}
    for kind, file in (("pose", args.model), ("detector", args.detector)):
        given = dict(_answer(text) for text in args.answer or [] if text.startswith(f"{kind}."))
        if file and given:
            answers[file] = given
    weights = {}
    for kind, file in (("pose", args.model), ("detector", args.detector)):
        if file.endswith(".safetensors"):
            weights[estimators.OWN[kind]] = file
    options = ModelOptions(
        device=args.device,
        weights=weights,
        pose_onnx="" if args.model.endswith(".safetensors") else args.model,
        detector_onnx="" if args.detector.endswith(".safetensors") else args.detector,
        onnx_answers=answers,
    )
    if not estimators.can_detect(options):
        raise PoseAppError(estimators.NO_ESTIMATOR_HERE)
    _ask(options, args)
    return options


def _ask(options: ModelOptions, args: argparse.Namespace) -> None:
    """What an ONNX file does not tell is asked before the first photo, not at each of them."""
    for kind, file in (("pose", options.pose_onnx), ("detector", options.detector_onnx)):
        if not file:
            continue
        if not Path(file).is_file():
            raise PoseAppError(f"There is no model {file}.")
        answers = options.onnx_answers.get(file)
        asked = LocalEngine().run("check_onnx", kind=kind, path=file, answers=answers)
        if asked["questions"]:
            said = " ".join(
                f"{text} --answer {kind}.{key}={{{','.join(choices)}}}"
                for key, text, choices in asked["questions"]
            )
            raise PoseAppError(f"{Path(file).name} does not tell all that is needed: {said}")


def _answer(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise PoseAppError(f"Give --answer as pose.joints=coco17 or so, not {text}.")
    return name.partition(".")[2], value


def _by(options: ModelOptions, args: argparse.Namespace, boxes: np.ndarray | None) -> str:
    """What the results depend on, in words."""
    pose = estimators.chosen(options, "pose")
    finder = estimators.chosen(options, "detector")
    assert pose is not None  # it was asked for above
    where = "whole photos" if args.whole or finder is None else finder.title
    if boxes is not None:
        where = f"boxes {boxes.tolist()}"
    return f"{pose.title}, {where}{', fast' if args.fast else ''}"
