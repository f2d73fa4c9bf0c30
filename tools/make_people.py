"""Make the ready-made people: resources/people/NN.jpg and NN.json.

    python tools/make_people.py [--data data] [--out resources/people] [--sheet people.png]

Needs the pack of MakeHuman assets (docs/development.md). The same code and pack give the same
people: seeds are drawn in turn, and a person is taken who fills a gap in age, gender or skin, in
clothes that few of the others wear. A set is checked: too much in megabytes, or a joint that is
not seen, is an error.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from poseapp.cli_person import keypoint_json  # noqa: E402
from poseapp.formats.files import write_bytes  # noqa: E402
from poseapp.formats.png import encode_jpeg, save_picture  # noqa: E402
from trainer.errors import DataError  # noqa: E402
from trainer.synthetic import assets, lights, pose_bank, streams, written_poses  # noqa: E402
from trainer.synthetic import camera as cameras  # noqa: E402
from trainer.synthetic import person as people  # noqa: E402
from trainer.synthetic.person import Person  # noqa: E402
from trainer.synthetic.studio import Picture, Studio  # noqa: E402

COUNT = 24
SIZE = (384, 768)
QUALITY = 92
MAX_BYTES = 4 * 2**20
_MOST_SEEDS = 4000
_FEWEST_JOINTS = 15  # of 17 that are inside the picture; a turned head may hide an ear

_Wanted = dict[tuple[float, float], int]
# How many of the 24 there are of each kind; each row sums to 24.
_AGES: _Wanted = {(8, 13): 2, (14, 17): 2, (18, 29): 7, (30, 44): 6, (45, 60): 4, (61, 82): 3}
_TONES: _Wanted = {(0.0, 0.3): 10, (0.3, 0.55): 7, (0.55, 1.01): 7}
_GENDERS: _Wanted = {(0.0, 0.5): 12, (0.5, 1.01): 12}
_SAME_PIECE = 3
_BAGS, _HATS = 5, 4

_POSES = (*written_poses.STANDING, *written_poses.WALKING, *written_poses.WALKING)
_TURNS_DEG = (0, -20, 15, 30, -10, -35, 22, 5)
_BACKGROUNDS = ("studio", "studio", "plaster", "studio", "room", "studio")
_EXPRESSIONS = ("", "smile01", "", "smile03")
_DARKEST, _SCENES = 105.0, 8


@dataclass
class _Gaps:
    """What is still wanted."""

    ages: _Wanted
    tones: _Wanted
    genders: _Wanted
    worn: Counter[str]

    def takes(self, person: Person) -> bool:
        """The person fills a gap; then it is closed."""
        values = (person.body.age_years, person.skin.tone, person.body.gender)
        tables = (self.ages, self.tones, self.genders)
        bins = []
        for table, value in zip(tables, values, strict=True):
            found = [b for b, left in table.items() if b[0] <= value < b[1] + 1e-6 and left > 0]
            if not found:
                return False
            bins.append(found[0])
        pieces = [_piece(wear.slot, wear.item) for wear in person.outfit]
        pieces.append(_piece("hair", person.hair.style or "none"))
        if any(self.worn[piece] >= _limit(piece) for piece in pieces):
            return False
        for table, one in zip(tables, bins, strict=True):
            table[one] -= 1
        self.worn.update(pieces)
        return True


def _piece(slot: str, item: str) -> str:
    return slot if slot in ("bag", "hat") else f"{slot}: {item}"


def _limit(piece: str) -> int:
    if piece.startswith(("shoes", "hair")):
        return 2 * _SAME_PIECE
    return {"bag": _BAGS, "hat": _HATS}.get(piece, _SAME_PIECE)


def choose(studio: Studio) -> list[Person]:
    """24 people of all kinds, youngest last among equals of the draw."""
    gaps = _Gaps(dict(_AGES), dict(_TONES), dict(_GENDERS), Counter())
    chosen: list[Person] = []
    for seed in range(_MOST_SEEDS):
        drawn = studio.random_person(seed)
        if gaps.takes(drawn):
            mood = _EXPRESSIONS[len(chosen) % len(_EXPRESSIONS)]
            face = replace(drawn.face, expression=mood, strength=0.45)
            chosen.append(replace(drawn, face=face))
        if len(chosen) == COUNT:
            return chosen
    raise DataError(f"Only {len(chosen)} of {COUNT} people were found in {_MOST_SEEDS} seeds.")


def take(studio: Studio, person: Person, number: int) -> Picture:
    """The picture of one of them, standing or walking."""
    character = studio.character(person)
    name = _POSES[number * 5 % len(_POSES)]
    posing = pose_bank.built_in(studio.assets, name, character.heads, character.tails)
    turn = np.deg2rad(_TURNS_DEG[number % len(_TURNS_DEG)])
    posed = studio.pose(person, posing, turn_rad=float(turn))
    kind = _BACKGROUNDS[number % len(_BACKGROUNDS)]
    points = cameras.drawn(character, posed)
    for scene in range(_SCENES):  # a dark room suits a mood, and no reference
        seed = streams.derived(person.seed, "ready", number, scene)
        camera = cameras.full_body(streams.stream(seed, "camera"), points, SIZE, jitter=0.0)
        light = lights.sample(streams.stream(seed, "light"), kind)
        picture = studio.picture(
            [(person, posed)],
            camera,
            light,
            background=streams.stream(seed, "background"),
            kind=kind,
            supersample=4,
        )
        if picture.image[picture.mask == 0].mean() >= _DARKEST:
            break
    return picture


def write(picture: Picture, person: Person, number: int, out: Path) -> int:
    """Write one of them; returns how many bytes."""
    inside = int((picture.keypoints[:, 2] > 0).sum())
    if inside < _FEWEST_JOINTS:
        raise DataError(f"Only {inside} joints of person {number} are inside the picture.")
    made = {
        "image": picture.image,
        "keypoints": picture.keypoints[:, :2],
        "visibility": picture.keypoints[:, 2].astype(np.uint8),
        "person": people.to_dict(person),
    }
    name = f"{number:02d}.jpg"
    image, text = encode_jpeg(picture.image, QUALITY), keypoint_json(made, name)
    write_bytes(out / name, image)
    write_bytes(out / f"{number:02d}.json", text)
    return len(image) + len(text)


def main() -> int:
    """Make all of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, help="folder with makehuman/ (default: as elsewhere)")
    parser.add_argument("--out", type=Path, default=ROOT / "resources" / "people")
    parser.add_argument("--sheet", type=Path, help="all pictures side by side, to look at")
    options = parser.parse_args()
    folder = assets.find(options.data)
    if folder is None:
        print("The pack of MakeHuman assets is missing: give its folder by --data.")
        return 1
    studio = Studio(assets.load(folder))
    options.out.mkdir(parents=True, exist_ok=True)
    for old in (*options.out.glob("*.jpg"), *options.out.glob("*.json")):
        old.unlink()
    total, cells = 0, []
    for number, person in enumerate(choose(studio), 1):
        picture = take(studio, person, number)
        total += write(picture, person, number, options.out)
        cells.append(cv2.resize(picture.image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
        print(f"{number:02d}: seed {person.seed}, {person.body.age_years:.0f} years", flush=True)
    if total > MAX_BYTES:
        raise DataError(f"The people take {total / 2**20:.1f} MiB, more than {MAX_BYTES >> 20}.")
    print(f"{len(cells)} people, {total / 2**20:.2f} MiB in {options.out}")
    if options.sheet is not None:
        rows = [np.hstack(cells[start : start + 8]) for start in range(0, COUNT, 8)]
        save_picture(np.vstack(rows), options.sheet)
    return 0


if __name__ == "__main__":
    sys.exit(main())
