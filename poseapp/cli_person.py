"""`poseapp person`: pictures of people who never lived, with their keypoints."""

from __future__ import annotations

import argparse
import difflib
import json
import re
import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

from poseapp.core.document import Document, Person
from poseapp.core.errors import DocumentError, PoseAppError
from poseapp.core.framing import STANDING_SHAPE, framed, framed_in, sized
from poseapp.core.paths import resources_dir
from poseapp.core.person_values import PERSON_KEY, title
from poseapp.core.pose import Pose2D
from poseapp.formats import coco, png, registry
from poseapp.formats.files import dump_json, parse_json, read_bytes, write_bytes
from poseapp.services import batch
from poseapp.services.local import LocalEngine
from poseapp.services.models import ModelOptions
from poseapp.services.people_tasks import NO_PACK, check_size
from poseapp.state.library import LibraryPose, plain, poses_of

_LONGEST_PX = 1024
_MAX_COUNT = 10_000


def run(args: argparse.Namespace) -> int:
    """Do what the options say; returns the exit code."""
    folder = args.out.is_dir() or not args.out.suffix
    if args.count < 1 or args.count > _MAX_COUNT:
        raise PoseAppError(f"Ask for 1 to {_MAX_COUNT} people, not {args.count}.")
    if args.count > 1 and (args.spec or args.save_spec or args.json):
        raise PoseAppError("--spec, --save-spec and a file for --json are for one person alone.")
    if args.count > 1 and not folder:
        raise PoseAppError("Several people go to a folder: let -o end without a suffix.")
    if not folder and args.out.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise PoseAppError("Let -o end in .png or .jpg.")
    if min(args.seed, args.scene) < 0:
        raise PoseAppError("A seed is a whole number of 0 or more.")
    if args.background is not None:
        _check_background(args.background)
    _check_folders(args, folder)
    request = _scene(args)
    check_size(request["size"])
    spec = None if args.spec is None else read_spec(args.spec)
    engine = LocalEngine(ModelOptions(device=args.device, people_pack=args.data))
    options = engine.run("person_options", mannequin=args.mannequin)
    if options["source"] == "mannequin" and not args.mannequin:
        raise PoseAppError(
            f"{NO_PACK}, then run `python -m trainer data pack FOLDER --out data/makehuman` with"
            " its data folder; --mannequin makes do with a mannequin."
        )
    if folder:
        batch.make_folder(args.out)
    seeds = range(args.seed, args.seed + args.count)
    for seed in tqdm(seeds, desc="Creating", unit="person", disable=_quiet(args), file=sys.stderr):
        made = engine.run("create_person", person=spec, seed=None if spec else seed, **request)
        if made["note"]:
            batch.complain(made["note"])
        target = args.out / f"person_{seed:04d}.png" if folder else args.out
        _write(made, target, args)
    return 0


def _check_background(kind: str) -> None:
    """Said before the studio opens, which takes seconds."""
    from trainer.synthetic.backgrounds import KINDS

    if kind not in KINDS:
        raise PoseAppError(f"There is no background {kind}: use {', '.join(KINDS)}.")


def _check_folders(args: argparse.Namespace, folder: bool) -> None:
    """Said before a picture is taken, which would be for nothing."""
    files = [] if folder else [args.out]
    files += [Path(name) for name in (args.json, args.save_spec) if name]
    for path in files:
        if not path.absolute().parent.is_dir():
            raise DocumentError(
                f"Cannot save {path.name}: there is no folder {path.absolute().parent}, so choose "
                "another one."
            )


def _quiet(args: argparse.Namespace) -> bool | None:
    return None if args.count > 1 else True  # None: a bar where stderr is a terminal


def _scene(args: argparse.Namespace) -> dict[str, Any]:
    """Arguments of the task that do not depend on the person."""
    size = None if args.size is None else _size(args.size)
    request: dict[str, Any] = {
        "background": args.background,
        "scene_seed": args.scene,
        "turn_deg": args.turn,
        "supersample": 3,
        "mannequin": args.mannequin,
    }
    if args.canvas and args.pose is None:
        raise PoseAppError("--canvas needs the file of a pose: add --pose.")
    if args.pose is None and args.pose_name is None:
        return {**request, "size": size or sized(STANDING_SHAPE, _LONGEST_PX)}
    canvas, pose = _pose(args.pose, args.pose_name)
    if args.canvas:
        if canvas is None:
            raise PoseAppError("--canvas needs a drawing: a pose of the library has no canvas.")
        size = canvas
    elif size is None:
        frame = framed(pose, _LONGEST_PX)
        size, pose = frame.size, frame.pose
    else:
        pose = framed_in(pose, size).pose
    return {**request, "size": size, "keypoints": pose.keypoints, "confidence": pose.confidence}


def _pose(path: Path | None, name: str | None) -> tuple[tuple[int, int] | None, Pose2D]:
    """The canvas, where there is one, and a pose of a file, or of the app's library.

    Args:
        name: whose; None takes the first.
    """
    canvas: tuple[int, int] | None = None
    if path is None:
        path = resources_dir() / "poses" / "presets.json"
    found = [(word, p.pose) for p in _library_poses(path) for word in (p.name, p.id)]
    if not found:
        document = registry.load(path)
        canvas = document.size
        people = [p for p in document.people if p.visible and p.pose.present.any()]
        found = [(p.name, p.pose) for p in people]
    if not found:
        raise DocumentError(f"There is no person in {path.name}.")
    if name is None:
        return canvas, found[0][1]
    poses: dict[str, tuple[str, Pose2D]] = {}
    for word, pose in found:
        poses.setdefault(_key(word), (word, pose))  # a pose's own name comes before its id
    if _key(name) not in poses:
        near = difflib.get_close_matches(_key(name), poses, 5, 0.5) or list(poses)[:5]
        words = ", ".join(poses[key][0] for key in near)
        raise DocumentError(f"There is no pose {name} in {path.name}: try {words}.")
    return canvas, poses[_key(name)][1]


def _key(name: str) -> str:
    return plain(name).replace("-", " ").strip()


def _library_poses(path: Path) -> tuple[LibraryPose, ...]:
    data = read_bytes(path)
    if not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return ()
    return poses_of(parse_json(data, path.name), path.name)


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,5})\s*[x×]\s*(\d{1,5})", text.strip())
    if found is None:
        raise PoseAppError(f"Give --size as width x height, such as 512x1024, not {text}.")
    return int(found[1]), int(found[2])


def read_spec(path: Path) -> dict[str, Any]:
    """The values of a person, from their own file or from a keypoint file of this command."""
    value = parse_json(read_bytes(path), path.name)
    if isinstance(value, dict) and isinstance(value.get(PERSON_KEY), dict):
        value = value[PERSON_KEY]
    if not isinstance(value, dict):
        raise DocumentError(f"{path.name} holds no person: write one with --save-spec.")
    return value


def keypoint_json(made: dict[str, Any], picture: str) -> bytes:
    """A COCO file of a created person, with the values that make the person again.

    Args:
        made: what the task `create_person` gave.
        picture: file name of the picture.
    """
    height, width = made["image"].shape[:2]
    pose = Pose2D(made["keypoints"], made["visibility"])
    document = Document((width, height), (Person(pose, title(made["person"])),))
    value = json.loads(coco.dump(document))
    value["images"][0]["file_name"] = picture
    value[PERSON_KEY] = made["person"]
    return dump_json(value)


def _write(made: dict[str, Any], target: Path, args: argparse.Namespace) -> None:
    png.save_picture(made["image"], target)
    if args.json is not None:
        path = Path(args.json) if args.json else target.with_suffix(".json")
        write_bytes(path, keypoint_json(made, target.name))
    if args.save_spec is not None:
        write_bytes(args.save_spec, dump_json(made["person"]))
