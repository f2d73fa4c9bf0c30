"""`python -m trainer data check-people`: build people by the hundred and look for what is wrong.

Each person is looked at in three ways: the vertices, the picture at rest from before and behind,
and a picture in a random pose. Rest shows gaps in clothes best, poses show what tears. Torch-free.
"""

import argparse
import logging
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from trainer.errors import DataError
from trainer.synthetic import backgrounds, lights, rig
from trainer.synthetic import camera as cameras
from trainer.synthetic.cli_synth import Parser, data_folder, pack_of, positive
from trainer.synthetic.faults import SIZE, Fault, seen_faults, solid_faults, torso_faults
from trainer.synthetic.person import Person
from trainer.synthetic.streams import stream
from trainer.synthetic.types import Posed

if TYPE_CHECKING:
    from trainer.synthetic.studio import Picture, Studio

LIMIT: Final = 0.005
"""The share of people that may fail."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Looked:
    """A person who was looked at.

    Attributes:
        picture: (h,w,3) uint8 sRGB, in a pose.
    """

    seed: int
    person: Person
    faults: tuple[Fault, ...]
    picture: np.ndarray


KINDS: Final = {
    "not finite": "a vertex that is no number",
    "torn": "triangles that a pose draws out",
    "far": "clothes, hair or a bag far from the body",
    "bag": "a bag that does not hang straight down",
    "floor": "the lowest point is not on the floor",
    "shoes": "shoes away from the feet, or a foot without",
    "part": "a part of the body that is nowhere to be seen",
    "hair": "hair was chosen and none is seen",
    "clothes": "clothes were chosen and are not seen",
    "waist": "bare between top and bottom",
    "torso": "a bare trunk",
    "specks": "skin that comes through clothes",
    "hole": "background seen through the body",
}


def main(argv: list[str]) -> int:
    """Look at people, print what is wrong; 1 if more than `LIMIT` of them fail."""
    from trainer.synthetic.studio import open_studio

    args = _parser().parse_args(argv)
    if args.seed < 0:
        raise DataError("A seed is at least 0.")
    data = data_folder(args.data)
    pack_of(data, args.mannequin)
    if args.sheet and not args.sheet.absolute().parent.is_dir():
        raise DataError(f"There is no folder {args.sheet.absolute().parent} for the --sheet.")
    studio = open_studio(data)
    began = time.monotonic()
    found = []
    for seed in range(args.seed, args.seed + args.count):
        found.append(look_at(studio, seed))
        if len(found) % 50 == 0:
            _log.info("%d of %d people", len(found), args.count)
    sys.stdout.write(table(found))
    seconds = (time.monotonic() - began) / len(found)
    sys.stdout.write(f"{seconds:.2f} s a person ({studio.assets.source})\n")
    if args.sheet:
        _write(args.sheet, sheet(found))
    bad = sum(bool(one.faults) for one in found)
    return int(bad > LIMIT * len(found))


def look_at(studio: "Studio", seed: int) -> Looked:
    """Build the person of a seed and look."""
    person = studio.random_person(seed)
    character = studio.character(person)
    rng = stream(seed, "check")
    posing = studio.bank.sample(rng, heads=character.heads, tails=character.tails)
    posed = studio.pose(person, posing)
    names = studio.assets.rig.names
    still = np.tile(np.eye(3, dtype=np.float32), (len(names), 1, 1))
    rest = rig.pose(character, studio.assets.rig, still)

    faults = [*solid_faults(character, rest, posed, person, names)]
    if any(f.kind == "not finite" for f in faults):
        return Looked(seed, person, tuple(faults), np.zeros((*SIZE[::-1], 3), np.uint8))
    views = [_view(studio, person, rest, yaw, seed) for yaw in (0.0, np.pi)]
    faults += seen_faults(person, views)
    picture = _view(studio, person, posed, float(rng.normal(0.0, 0.7)), seed)
    faults += torso_faults(person, [picture], "in a pose")
    return Looked(seed, person, tuple(faults), picture.image)


def _view(studio: "Studio", person: Person, posed: Posed, yaw: float, seed: int) -> "Picture":
    camera = cameras.full_body(
        stream(seed, "check", "camera"), posed.positions, SIZE, yaw_rad=yaw, jitter=0.0
    )
    light = lights.sample(stream(seed, "check", "light"), backgrounds.STUDIO, camera=camera)
    background = stream(seed, "check", "background")
    return studio.picture(
        [(person, posed)], camera, light, background=background, kind=backgrounds.STUDIO
    )


def table(found: Iterable[Looked]) -> str:
    """How many people fail in each way, with their seeds."""
    found = list(found)
    rows = []
    for kind, meaning in KINDS.items():
        bad = [one for one in found if any(f.kind == kind for f in one.faults)]
        if not bad:
            continue
        rows.append(f"{len(bad):5}  {kind:11} {meaning}")
        for one in bad[:12]:
            details = "; ".join(f.detail for f in one.faults if f.kind == kind)
            rows.append(f"         seed {one.seed}: {details}")
        if len(bad) > 12:
            rows.append("         seeds " + ", ".join(str(one.seed) for one in bad[12:]))
    bad_people = sum(bool(one.faults) for one in found)
    rows.append(
        f"{bad_people} of {len(found)} people fail ({bad_people / max(len(found), 1):.1%}; "
        f"at most {LIMIT:.1%} may)."
    )
    return "\n".join(rows) + "\n"


def sheet(found: list[Looked]) -> np.ndarray:
    """All people side by side, (h,w,3) uint8 sRGB; a red frame around those that fail."""
    columns = max(1, int(np.ceil(np.sqrt(2 * len(found)))))
    width, height = SIZE
    out = np.full((-(-len(found) // columns) * height, columns * width, 3), 255, np.uint8)
    for k, one in enumerate(found):
        tile = one.picture.copy()
        if one.faults:
            cv2.rectangle(tile, (1, 1), (width - 2, height - 2), (220, 30, 30), 3)
        y, x = k // columns * height, k % columns * width
        out[y : y + height, x : x + width] = tile
    return out


def _write(path: Path, picture: np.ndarray) -> None:
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    try:
        path.write_bytes(cv2.imencode(".png", bgr)[1].tobytes())
    except OSError as exc:
        raise DataError(f"Cannot write {path}: {exc.strerror}.") from exc
    sys.stdout.write(f"Wrote {path}.\n")


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m trainer data check-people",
        description="Build random people and look for what is wrong: torn meshes, bare waists, "
        "floating shoes. The exit code is 1 if more than one in 200 fails.",
    )
    parser.add_argument("--count", type=positive, default=400, help="how many people (default 400)")
    parser.add_argument("--seed", type=int, default=0, help="of the first person (default 0)")
    parser.add_argument("--sheet", type=Path, metavar="PNG", help="a picture of all of them")
    parser.add_argument("--data", metavar="DIR", help="folder that holds makehuman/ and mocap/")
    parser.add_argument(
        "--mannequin", action="store_true", help="look at the mannequin where there is no pack"
    )
    return parser
