"""`python -m trainer data synth`: draw a set of labelled people into shards."""

import argparse
import hashlib
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from importlib import metadata
from pathlib import Path

from trainer import paths
from trainer.errors import DataError
from trainer.synthetic import shards, spread
from trainer.synthetic.shards import Plan, SetFolder
from trainer.synthetic.spread import Drawing

SETS = {
    "pairs128": "64x128 px; 8 pictures of each identity under several cameras, as in surveillance",
    "pairs256": "128x256 px; 8 pictures of each identity, as in fashion photographs",
    "crops256": "256x256 px; a person in a scene, cut off or half hidden at times, with keypoints",
    "parts": "128x256 px; photograph and part map",
    "faces": "128x128 px; heads of one identity at several ages and with several expressions",
    "people": "256x512 px; whole figures, nothing in front",
}
_DRAWN_BY = ("poseapp", "numpy", "opencv-python-headless", "numba")
_POSES = ("mocap/poses3d.npz", "coco/person_keypoints.npz")

_EXAMPLES = """\
sets:
{sets}

A run can be stopped, or killed, at any time: the same command goes on where it was. A larger
--count makes a finished set longer. The same options give the same bytes, however many workers,
machines and interruptions there were.

examples:
  python -m trainer data synth crops256 --count 50000 --out sets/crops256
  python -m trainer data synth pairs128 --count 400000 --out sets/pairs128 --engine ray
  python -m trainer data sheet sets/crops256 --labels
"""

_log = logging.getLogger(__name__)


def main(argv: list[str]) -> int:
    """Parse the options and draw what the folder misses."""
    args = _parser().parse_args(argv)
    out = args.out.expanduser()
    data = Path(args.data or os.environ.get(paths.DATA_VARIABLE) or "data").expanduser().resolve()
    known = shards.read_plan(out) if (out / shards.SET_FILE).exists() else None
    plan = Plan(
        args.set,
        args.seed,
        args.count,
        args.shard_size or (known.shard_size if known else shards.SHARD_SIZE),
        assets=_assets(data, args.mannequin),
        versions=dict(_versions()),
    )
    with SetFolder(out, plan) as folder:
        missing = plan.count - folder.done()
        if missing == 0:
            _log.info("%s: all %d pictures are there.", out, plan.count)
            return 0
        drawing = Drawing("trainer.synthetic.cli_synth:open_set", (args.set, str(data)))
        engine = _engine(args)
        seconds = _fill(folder, drawing, engine)
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


def open_set(name: str, data: str) -> spread.Draw:
    """What draws the samples of a set; called once in every worker.

    Args:
        data: the data folder; where it holds no pack, the mannequin is drawn.
    """
    import cv2

    from trainer.synthetic import sets, studio

    cv2.setNumThreads(1)  # the workers share the cores
    return partial(sets.SETS[name].draw, studio.open_studio(data))


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
    if args.engine == "ray" or args.ray_address:
        from trainer.synthetic.ray_engine import RayEngine

        return RayEngine(args.workers, args.ray_address)
    return spread.Processes(args.workers)


def _assets(data: Path, mannequin: bool) -> str:
    """What people are made of and posed by, such that other data are told apart."""
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
    files = [folder / name for name in assets.FILES] if folder else []
    digest = hashlib.sha256()
    for path in [*files, *(data / name for name in _POSES)]:
        digest.update(shards.checksum(path).encode())
    return f"{'makehuman' if folder else 'mannequin'} {digest.hexdigest()[:16]}"


def _versions() -> Iterator[tuple[str, str]]:
    for name in _DRAWN_BY:
        with suppress(metadata.PackageNotFoundError):  # OpenCV has several packages
            yield name, metadata.version(name)


def _positive(text: str) -> int:
    number = int(text.replace("_", "").replace(",", ""))
    if number < 1:
        raise ValueError
    return number


def _parser() -> argparse.ArgumentParser:
    width = max(map(len, SETS))
    rows = "\n".join(f"  {name:{width}}  {title}" for name, title in SETS.items())
    parser = argparse.ArgumentParser(
        prog="python -m trainer data synth",
        description="Draw clothed people with exact labels into WebDataset-style tar shards.",
        epilog=_EXAMPLES.format(sets=rows),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _positive.__name__ = "whole number"  # what argparse calls a wrong value
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    parser.add_argument("set", choices=list(SETS), metavar="SET", help=", ".join(SETS))
    parser.add_argument("--count", type=_positive, required=True, help="how many pictures")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to fill")
    parser.add_argument(
        "--seed", type=int, default=0, help="another seed, other people (default 0)"
    )
    parser.add_argument(
        "--workers", type=_positive, default=cores or 1, help=f"processes (default {cores})"
    )
    parser.add_argument("--data", metavar="DIR", help="folder that holds makehuman/ and mocap/")
    parser.add_argument(
        "--mannequin", action="store_true", help="draw the mannequin where there is no pack"
    )
    parser.add_argument(
        "--shard-size",
        type=_positive,
        metavar="N",
        help=f"pictures a shard (default {shards.SHARD_SIZE}; best a multiple of 16)",
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
