"""What the person finder learns from: pictures with the boxes of their people. Torch-free."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trainer.data import boxes as box_tools
from trainer.data import photos
from trainer.data.photos import HIDDEN, VISIBLE, PersonPhotos, ZippedPictures
from trainer.errors import DataError
from trainer.synthetic import backgrounds, lights
from trainer.synthetic import camera as cameras
from trainer.synthetic.streams import stream

if TYPE_CHECKING:
    from trainer.data.synthetic import SyntheticSet

_NOBODY = np.zeros((0, 4), np.float32)
_TIGHT_TO_BOX = 1.15  # joints lie inside the body's outline
_LEAST_SEEN = 4  # joints; a person of whom less is seen is not asked for
_LEAST_PX = 64  # of a part of a photograph that serves as a background


@dataclass(frozen=True)
class Pictures:
    """Pictures and the people in them.

    Attributes:
        picture: (row) -> (h,w,3) uint8 RGB.
        boxes: by row (n,4) float32 x, y, width, height px.
        unclear: by row (m,4), where there may be people whom nobody counted.
        trust: how far it is believed that there is nobody outside of the boxes, 0 to 1.
        mask: (row) -> (h,w) uint8 of the person of the first box, where the set has one.
    """

    name: str
    picture: Callable[[int], np.ndarray]
    boxes: tuple[np.ndarray, ...]
    unclear: tuple[np.ndarray, ...]
    trust: float = 1.0
    mask: Callable[[int], np.ndarray] | None = None

    def __len__(self) -> int:
        return len(self.boxes)


@dataclass(frozen=True)
class _Rows:
    """Pictures of chosen rows of a set."""

    of: Callable[[int], np.ndarray]
    rows: tuple[int, ...]

    def __call__(self, row: int) -> np.ndarray:
        return self.of(self.rows[row])


def of_people(people: PersonPhotos, trust: float) -> Pictures:
    """A set of people as a set of pictures, each with all its people.

    Args:
        trust: 1 where everybody in the pictures has a row.
    """
    _, first, which = np.unique(people.photo, return_index=True, return_inverse=True)
    order = np.argsort(which, kind="stable")
    ends = np.cumsum(np.bincount(which, minlength=len(first)))[:-1]
    boxes = tuple(people.boxes[rows] for rows in np.split(order, ends)) if len(people) else ()
    rows = tuple(int(r) for r in first)
    mask = _Rows(people.mask, rows) if people.mask is not None else None
    nobody = (_NOBODY,) * len(boxes)
    return Pictures(people.name, _Rows(people.picture, rows), boxes, nobody, trust, mask)


def lspet(data: Path, split: str = "train") -> Pictures:
    """LSP Extended: one person is labelled in each, others may stand about."""
    return of_people(photos.lspet(data, split), trust=0.2)


def coco_photos(data: Path, split: str) -> Pictures:
    """The COCO photographs: all people with a joint to see; the far ones of crowds have none."""
    return of_people(photos.coco_photos(data, split), trust=0.5)


def coco_folder(folder: Path, split: str) -> Pictures:
    """An official COCO folder, with the people without joints, and crowds as unclear.

    Args:
        folder: holds `annotations/person_keypoints_SPLIT.json` and SPLIT or `images/SPLIT`.
        split: "train2017" or "val2017".
    """
    path = Path(folder) / "annotations" / f"person_keypoints_{split}.json"
    try:
        content = json.loads(path.read_text("utf-8"))
        names = {int(p["id"]): str(p["file_name"]) for p in content["images"]}
        people: dict[int, list[list[float]]] = {i: [] for i in names}
        crowds: dict[int, list[list[float]]] = {i: [] for i in names}
        for a in content["annotations"]:
            (crowds if a.get("iscrowd") else people)[int(a["image_id"])].append(a["bbox"])
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise DataError(
            f"{path} is not there or not COCO's: point to the folder that holds annotations/ "
            "and the pictures, as COCO's own archives unpack."
        ) from exc
    place = Path(folder) / "images" / split
    pictures = ZippedPictures(place if place.is_dir() else Path(folder) / split)
    # COCO's other photographs show nobody: they teach what is no person.
    ids = sorted(names)
    return Pictures(
        f"COCO {split}",
        _Named(pictures, tuple(names[i] for i in ids)),
        tuple(np.array(people[i], np.float32).reshape(-1, 4) for i in ids),
        tuple(np.array(crowds[i], np.float32).reshape(-1, 4) for i in ids),
    )


@dataclass(frozen=True)
class _Named:
    pictures: ZippedPictures
    names: tuple[str, ...]

    def __call__(self, row: int) -> np.ndarray:
        return self.pictures(self.names[row])


def synthetic(folder: Path, split: str = "train") -> Pictures:
    """People of a `crops256`, `people` or `pairs256` set: each with a mask, and its company."""
    from trainer.data.synthetic import SyntheticSet

    people = SyntheticSet(folder, split, files=("jpg", "mask.png"))
    with ThreadPoolExecutor(4) as pool:
        labels = list(pool.map(people.labels, range(len(people)), chunksize=256))
    rows, found, hidden = [], [], []
    for row, label in enumerate(labels):
        if label["bbox"] is None:
            continue
        around = [
            _around(np.array(points, np.float32), label["size"]) for points in label["others"]
        ]
        seen = [box for box, clear in around if clear]
        rows.append(row)
        found.append(np.array([label["bbox"], *seen], np.float32).reshape(-1, 4))
        hidden.append(np.array([b for b, clear in around if not clear], np.float32).reshape(-1, 4))
    return Pictures(
        "synthetic",
        _Rows(_Images(people), tuple(rows)),
        tuple(found),
        tuple(hidden),
        mask=_Rows(_Masks(people), tuple(rows)),
    )


@dataclass(frozen=True)
class _Images:
    of: "SyntheticSet"

    def __call__(self, row: int) -> np.ndarray:
        return self.of[row].image


@dataclass(frozen=True)
class _Masks:
    of: "SyntheticSet"

    def __call__(self, row: int) -> np.ndarray:
        sample = self.of[row]
        if sample.mask is None:
            raise DataError("The synthetic set has no masks: draw crops256, people or pairs256.")
        return sample.mask


def _around(points: np.ndarray, size: list[int]) -> tuple[np.ndarray, bool]:
    """The box of a person of whom only joints are known, and whether enough of it is seen.

    Args:
        points: (17,3) x, y px and COCO's visibility; size: width, height px.
    """
    placed = points[points[:, 2] >= HIDDEN, :2]
    if not len(placed):
        return np.zeros(4, np.float32), False
    low, high = placed.min(0), placed.max(0)
    middle, extent = (low + high) / 2, np.maximum(high - low, 2.0) * _TIGHT_TO_BOX
    box = np.concatenate([middle - extent / 2, extent]).astype(np.float32)
    return box_tools.clip(box[None], *size)[0], int((points[:, 2] == VISIBLE).sum()) >= _LEAST_SEEN


def painted(count: int, side_px: int, seed: int) -> list[np.ndarray]:
    """Rooms, streets and fields without anybody: (s,s,3) uint8 each, always the same."""
    rng = stream(seed, "finder", "backgrounds")
    # The camera looks at where a person would stand.
    figure = rng.uniform([-300, 0, -200], [300, 1750, 200], (64, 3)).astype(np.float32)
    made = []
    for _ in range(count):
        eye = cameras.full_body(rng, figure, (side_px, side_px))
        kind = str(rng.choice(backgrounds.KINDS))
        scene = backgrounds.paint(rng, eye, lights.sample(rng, kind, camera=eye), kind)
        linear = np.clip(scene.image, 0.0, 1.0)
        curve = np.where(
            linear <= 0.0031308,
            12.92 * linear,
            1.055 * np.maximum(linear, 1e-6) ** (1 / 2.4) - 0.055,
        )
        made.append((curve * 255.0 + 0.5).astype(np.uint8))
    return made


def emptied(pictures: Pictures, count: int, seed: int) -> list[np.ndarray]:
    """Parts of photographs that none of their people reaches into, as large as a few tries find."""
    rng = stream(seed, "finder", "parts")
    found: list[np.ndarray] = []
    for row in rng.permutation(len(pictures))[: 4 * count]:
        picture = pictures.picture(int(row))
        height, width = picture.shape[:2]
        taken = np.concatenate([pictures.boxes[row], pictures.unclear[row]])
        tried = []
        for _ in range(40):
            side = rng.uniform(0.2, 0.8) * min(width, height)
            shape = rng.uniform(0.6, 1.6)
            size = np.minimum([side * np.sqrt(shape), side / np.sqrt(shape)], [width, height])
            place = rng.uniform(0, 1, 2) * (np.array([width, height]) - size)
            box = np.concatenate([place, size]).astype(np.float32)[None]
            if min(size) >= _LEAST_PX and not (box_tools.overlap(box, taken) > 0).any():
                tried.append(box[0])
        if tried:
            x, y, w, h = max(tried, key=lambda b: b[2] * b[3]).astype(int)
            found.append(picture[y : y + h, x : x + w].copy())
        if len(found) == count:
            break
    return found
