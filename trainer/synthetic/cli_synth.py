"""`python -m trainer data synth`: draw a set of labelled people into shards."""

import argparse
import hashlib
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import NoReturn

from trainer import paths
from trainer.errors import DataError
from trainer.synthetic import drawing_code, lifted, shards, spread
from trainer.synthetic.shards import Plan, SetFolder
from trainer.synthetic.spread import Drawing

SETS = {
    "pairs128": "64x128 px; 16 pictures of each identity under several cameras, as in surveillance",
    "pairs256": "128x256 px; 16 pictures of each identity, as in fashion photographs",
    "crops256": "256x256 px; 16 pictures of each identity in scenes, cut off or half hidden",
    "parts": "128x256 px; 4 pictures of each identity, for their part maps",
    "faces": "128x128 px; 16 pictures of each identity's head at several ages and expressions",
    "people": "256x512 px; 1 picture of each identity, whole figures, nothing in front",
}
_DRAWN_BY = ("poseapp", "numpy", "opencv-python-headless", "numba")
_MOCAP = "mocap/poses3d.npz"
_POSES = (_MOCAP, "mocap/clips.json", "coco/person_keypoints.npz")
_NOBODY = "none: "

_EXAMPLES = """\
sets:
{sets}

A run can be stopped, or killed, at any time: the same command goes on where it was. A larger
--count makes a finished set longer. The same options and data give the same bytes, however many
workers, machines and interruptions there were. Some people stand as in photographs; their poses
are estimated once and kept in DIR/poses.npz, which every worker reads. Another machine may estimate
them a little differently: to draw the same set there, give it that file with --poses.

examples:
  python -m trainer data synth crops256 --count 50000 --out sets/crops256
  python -m trainer data synth pairs128 --count 400000 --out sets/pairs128 --engine ray
  python -m trainer data sheet sets/crops256 --labels
"""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """What a worker needs to know, here or on another machine.

    Attributes:
        data: the data folder.
        assets: of the plan: what lies in `data`.
        drawing: digest of the program that draws.
        people: the file of lifted people or, for machines that may not see it, its bytes; None
            for nobody.
        device: what renders, as for `studio.Studio`.
    """

    set: str
    data: str
    assets: str
    drawing: str
    people: str | bytes | None = field(repr=False, default=None)
    device: str = "cpu"


class Parser(argparse.ArgumentParser):
    """Says in one sentence what was not understood."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage."""
        raise DataError(f"{message[:1].upper()}{message[1:]}: {self.prog} --help explains.")


def main(argv: list[str]) -> int:
    """Parse the options and draw what the folder misses."""
    args = _parser().parse_args(argv)
    if args.ray_address:
        args.engine = "ray"
    out = args.out.expanduser()
    data = data_folder(args.data)
    known = shards.read_plan(out) if (out / shards.SET_FILE).exists() else None
    plan = Plan(
        args.set,
        args.seed,
        args.count,
        args.shard_size or (known.shard_size if known else shards.SHARD_SIZE),
        assets=assets_of(data, pack_of(data, args.mannequin)),
        drawing=_drawing(args.device),
        versions=dict(_versions()),
    )
    request = Request(args.set, str(data), plan.assets, plan.drawing, device=args.device)
    poses, people = _lifted_people(out, data, known, args.poses)
    files = {lifted.FILE: people} if people else {}
    with SetFolder(out, replace(plan, poses=poses), files, args.mixed) as folder:
        missing = folder.plan.count - folder.done()
        if missing == 0:
            _log.info("%s: all %d pictures are there.", out, folder.plan.count)
            return 0
        if people:
            # A node of a cluster may not see the folder; on one machine a path is less to send.
            is_far = args.engine == "ray"
            request = replace(request, people=people if is_far else str(out / lifted.FILE))
        seconds = _fill(folder, Drawing(f"{__name__}:open_set", (request,)), _engine(args))
        size = sum(shard.bytes for shard in folder.shards) / 1e6
        _log.info(
            "%s: %d pictures in %d shards, %.1f MB; %d drawn now, %.1f a second.",
            out,
            folder.done(),
            len(folder.shards),
            size,
            missing,
            missing / max(seconds, 1e-6),
        )
    return 0


def open_set(request: Request) -> spread.Draw:
    """What draws the samples of a set; called once in every worker.

    Raises:
        DataError: this machine would draw other pictures than the one that asks.
    """
    import cv2

    from trainer.synthetic import assets, sets, studio

    if _drawing(request.device) != request.drawing:
        raise DataError(
            "PoseApp has changed since this run began, or a machine of the cluster has another "
            "version: begin again with one version everywhere."
        )
    data = Path(request.data)
    if assets_of(data, assets.find(data)) != request.assets:
        raise DataError(
            f"The data in {data} have changed since this run began, or are others on a machine "
            "of the cluster: put the same there everywhere."
        )
    cv2.setNumThreads(1)  # the workers share the cores
    source = request.people
    people = {} if source is None else lifted.unpacked(_path(source))
    opened = studio.open_studio(request.data, device=request.device, lifted_people=people)
    return partial(sets.SETS[request.set].draw, opened)


def _drawing(device: str) -> str:
    """What the plan calls the program: numba and torch round differently."""
    return drawing_code.digest() + ("" if device == "cpu" else "-torch")


def _path(source: str | bytes) -> Path | bytes:
    return Path(source) if isinstance(source, str) else source


def _fill(folder: SetFolder, drawing: Drawing, engine: spread.Engine) -> float:
    """Draw with a progress bar; returns the seconds it took."""
    from tqdm import tqdm

    bar = tqdm(
        total=folder.plan.count,
        initial=folder.done(),
        desc=folder.plan.set,
        unit=" pictures",
        smoothing=0.1,
        mininterval=0.5 if sys.stderr.isatty() else 20.0,
        dynamic_ncols=True,
    )
    with bar:
        spread.fill(folder, drawing, engine, bar.update)
        return float(bar.format_dict["elapsed"])


def _engine(args: argparse.Namespace) -> spread.Engine:
    if args.engine == "ray":
        from trainer.synthetic.ray_engine import RayEngine

        return RayEngine(args.workers, args.ray_address)
    return spread.Processes(args.workers)


def data_folder(given: str | None) -> Path:
    """The data folder of --data, of POSEAPP_DATA, or ./data; it need not be there."""
    return Path(given or os.environ.get(paths.DATA_VARIABLE) or "data").expanduser().resolve()


def pack_of(data: Path, mannequin: bool) -> Path | None:
    """The MakeHuman pack in a data folder, None where the user is content with the mannequin.

    Raises:
        DataError: there is a pack though the mannequin was asked for, or none though it was not.
    """
    from trainer.synthetic import assets

    folder = assets.find(data)
    if mannequin and folder is not None:
        raise DataError(
            f"--mannequin is for where there is no MakeHuman pack, and one is in {folder}: drop "
            "the option, or point --data elsewhere."
        )
    if folder is None and not mannequin:
        raise DataError(
            f"There is no MakeHuman pack in {data}: point --data or {paths.DATA_VARIABLE} to the "
            "folder that holds makehuman/, or draw the jointed mannequin with --mannequin."
        )
    return folder


def assets_of(data: Path, pack: Path | None) -> str:
    """What people are made of and posed by, such that other data are told apart."""
    from trainer.synthetic import assets

    files = [pack / name for name in assets.FILES] if pack else []
    digest = hashlib.sha256()
    for path in [*files, *(data / name for name in _POSES)]:
        digest.update(shards.checksum(path).encode())
    return f"{'makehuman' if pack else 'mannequin'} {digest.hexdigest()[:16]}"


def _lifted_people(
    out: Path, data: Path, known: Plan | None, given: Path | None
) -> tuple[str, bytes]:
    """Who stands model as in photographs: what the plan calls them, and their file.

    A set that was begun keeps its people; a new one takes those of --poses, or lifts them here.
    """
    begun = known.poses if known else ""
    if begun.startswith(_NOBODY):
        if given is not None:
            raise DataError(f"{out} was begun without poses of photographs: choose another --out.")
        return begun, b""
    if begun and given is None:
        with suppress(DataError):
            people = lifted.unpacked(out / lifted.FILE)
            if lifted.digest(people) == begun:
                return begun, lifted.packed(people)
        _log.warning("%s is missing or damaged.", out / lifted.FILE)
    if given is not None:
        people = lifted.unpacked(given.expanduser())
    else:
        if not (data / _MOCAP).is_file():
            _log.warning("Nobody moves as in motion capture: there is no %s in %s.", _MOCAP, data)
        why = lifted.absent(data)
        if why and begun:
            raise DataError(f"{_lost(out)} ({why}).")
        if why:
            _log.warning("Nobody stands as in photographs: %s; set.json says so too.", why)
            return _NOBODY + why, b""
        _log.info("Reading the poses of photographs ...")
        people = lifted.everyone(data)
    found = lifted.digest(people)
    if begun and found != begun:
        raise DataError(
            f"{given} holds other people than {out} was begun with: drop --poses."
            if given is not None
            else f"{_lost(out)}."
        )
    return found, lifted.packed(people)


def _lost(out: Path) -> str:
    return (
        f"{out / lifted.FILE} is missing or damaged, and this machine cannot make the same again: "
        "bring it back from a copy with --poses, or choose another --out"
    )


def _versions() -> Iterator[tuple[str, str]]:
    for name in _DRAWN_BY:
        with suppress(metadata.PackageNotFoundError):  # OpenCV has several packages
            yield name, metadata.version(name)


def positive(text: str) -> int:
    """A whole number from 1, as an option has it."""
    try:
        number = int(text.replace("_", "").replace(",", ""))
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"give a whole number of 1 or more, not {text}")
    return number


def _parser() -> argparse.ArgumentParser:
    width = max(map(len, SETS))
    rows = "\n".join(f"  {name:{width}}  {title}" for name, title in SETS.items())
    parser = Parser(
        prog="python -m trainer data synth",
        description="Draw clothed people with exact labels into WebDataset-style tar shards.",
        epilog=_EXAMPLES.format(sets=rows),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    parser.add_argument("set", choices=list(SETS), metavar="SET", help=", ".join(SETS))
    parser.add_argument("--count", type=positive, required=True, help="how many pictures")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to fill")
    parser.add_argument(
        "--seed", type=int, default=0, help="another seed, other people (default 0)"
    )
    parser.add_argument(
        "--workers", type=positive, default=cores or 1, help=f"processes (default {cores})"
    )
    parser.add_argument("--data", metavar="DIR", help="folder that holds makehuman/ and mocap/")
    parser.add_argument(
        "--poses", type=Path, metavar="FILE", help="poses.npz of a set that was drawn elsewhere"
    )
    parser.add_argument(
        "--mannequin", action="store_true", help="draw the mannequin where there is no pack"
    )
    parser.add_argument(
        "--mixed",
        action="store_true",
        help="go on with a set that a program began which draws otherwise",
    )
    parser.add_argument(
        "--shard-size",
        type=positive,
        metavar="N",
        help=f"pictures a shard (default {shards.SHARD_SIZE}; best a multiple of 16)",
    )
    parser.add_argument(
        "--device",
        choices=("cpu", "torch", "cuda"),
        default="cpu",
        help="what renders: numba on the processor (default), torch on it, or a graphics card",
    )
    parser.add_argument(
        "--engine",
        choices=("processes", "ray"),
        default="processes",
        help="ray: over a Ray cluster (default processes, on this machine)",
    )
    parser.add_argument(
        "--ray-address", metavar="HOST:PORT", help="of a running cluster (default: a local one)"
    )
    return parser
