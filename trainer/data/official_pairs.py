"""Market-1501 and DeepFashion as person transfer is measured on them. Torch-free.

Pictures as their makers hand them out, or laid out as pose-gan wants them; beside them the keypoint
and pair lists of pose-gan (Siarohin et al., "Deformable GANs for pose-based human image
generation"). Papers 2 and 5 use these lists.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from trainer.data import keypoint_files
from trainer.data.person_pairs import SPLITS, PersonPairs, scaled, scaled_keypoints
from trainer.errors import DataError

_OF_VALIDATION = 20  # one of so many people of the training list is kept for validation
_TRUNK = (5, 6, 11, 12)


@dataclass(frozen=True)
class Layout:
    """Where the files of a set lie.

    Attributes:
        name: of the set; stem: that its lists begin with.
        folders: where pictures are looked for, by part ("train" or "test").
        listed_name: (path of a picture within such a folder) -> the lists' name for it.
        source: what a user has to get.
    """

    name: str
    stem: str
    folders: dict[str, tuple[str, ...]]
    listed_name: Callable[[Path], str]
    source: str

    def annotations(self, part: str) -> str:
        """The keypoint list's file name."""
        return f"{self.stem}-annotation-{part}.csv"

    def pairs(self, part: str) -> str:
        """The pair list's file name."""
        return f"{self.stem}-pairs-{part}.csv"

    def is_here(self, folder: Path) -> bool:
        """Whether a folder has one of the keypoint lists."""
        return any((folder / self.annotations(part)).is_file() for part in self.folders)


def official_pairs(
    layout: Layout, folder: Path | str, split: str, size: tuple[int, int]
) -> PersonPairs:
    """The people of an official set.

    A twentieth of the people of the training list are for validation. In the test split,
    `PersonPairs.fixed_pairs` follows the official pair list where it is present.

    Args:
        size: height, width px. Pictures of another shape lose what is beside the person: a window
            of the picture's whole height around the trunk is kept.
    """
    if split not in SPLITS:
        raise DataError(f"There is no split {split}: choose {', '.join(SPLITS)}.")
    folder = Path(folder).expanduser()
    part = "test" if split == "test" else "train"
    listing = folder / layout.annotations(part)
    if not listing.is_file():
        raise DataError(
            f"There is no {listing.name} in {folder}: {layout.source} has to lie there."
        )
    known = {
        name: points
        for name, points in keypoint_files.read_annotations(listing).items()
        # Market-1501's distractors and junk have the people -1 and 0000
        if keypoint_files.usable(points) and not name.startswith(("-1", "0000"))
    }
    if split != "test":
        known = {n: p for n, p in known.items() if _kept_back(n) == (split == "validation")}
    paths = _paths(layout, folder, part, set(known))
    names = sorted(known)
    if not names:
        raise DataError(f"{listing.name} has nobody for the split {split} in it.")
    fitted = [Window.around(known[n], _picture_size(paths[n]), size) for n in names]
    keypoints = np.stack([w.keypoints(known[n]) for w, n in zip(fitted, names, strict=True)])
    rows = {name: row for row, name in enumerate(names)}
    pairs = folder / layout.pairs(part)
    use_list = split == "test" and pairs.is_file()
    return PersonPairs(
        layout.name,
        size,
        keypoints,
        np.array([person_of(name) for name in names]),
        _Pictures(tuple(paths[name] for name in names), tuple(fitted)),
        masks_exact=False,
        names=names,
        listed=keypoint_files.read_pairs(pairs, rows) if use_list else (),
    )


def person_of(name: str) -> str:
    """Who a picture of the lists shows (in DeepFashion: who in which clothes)."""
    return name.partition("_")[0]


@dataclass(frozen=True)
class Window:
    """The part of a picture that is kept, and at which size.

    Attributes:
        left, width: px of the picture.
        scale: of x and y.
        size: height, width px of the result.
    """

    left: int
    width: int
    scale: tuple[float, float]
    size: tuple[int, int]

    @classmethod
    def around(
        cls, keypoints: np.ndarray, picture: tuple[int, int], size: tuple[int, int]
    ) -> "Window":
        """The window of a person.

        Args:
            keypoints: (17,3) px of the picture; picture: its height, width px.
        """
        height, whole = picture
        width = min(whole, round(height * size[1] / size[0]))
        middle = float(keypoints[list(_TRUNK), 0].mean()) + 0.5
        left = int(np.clip(round(middle - width / 2), 0, whole - width))
        return cls(left, width, (size[1] / width, size[0] / height), size)

    def keypoints(self, points: np.ndarray) -> np.ndarray:
        """(17,3) px of the picture -> px of the result; 0 where they fall outside."""
        moved = points.copy()
        moved[:, 0] -= self.left
        out = scaled_keypoints(moved, np.array(self.scale))
        inside = (out[:, 0] >= -0.5) & (out[:, 0] < self.size[1] - 0.5)
        out[~inside] = 0.0
        return out

    def cut(self, picture: np.ndarray) -> np.ndarray:
        """The window of (h,w,3) uint8 at its size."""
        return scaled(picture[:, self.left : self.left + self.width], self.size)


@dataclass(frozen=True)
class _Pictures:
    paths: tuple[Path, ...]
    windows: tuple[Window, ...]

    def __call__(self, row: int) -> tuple[np.ndarray, None]:
        path = self.paths[row]
        try:
            encoded = np.frombuffer(path.read_bytes(), np.uint8)
        except OSError as exc:
            raise DataError(f"Cannot read {path.name}: {exc}.") from exc
        picture = cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB) if len(encoded) else None
        if picture is None:
            raise DataError(f"{path} is damaged: unpack the set again.")
        return self.windows[row].cut(np.asarray(picture)), None


def _picture_size(path: Path) -> tuple[int, int]:
    """Height and width, from the header where Pillow is quick at it."""
    from PIL import Image

    try:
        with Image.open(path) as picture:
            return picture.height, picture.width
    except OSError as exc:
        raise DataError(f"{path} is damaged: unpack the set again.") from exc


def _paths(layout: Layout, folder: Path, part: str, wanted: set[str]) -> dict[str, Path]:
    """Where the pictures of the list lie."""
    found: dict[str, Path] = {}
    for name in layout.folders[part]:
        root = folder / name
        for path in sorted(root.rglob("*.jpg")) if root.is_dir() else ():
            listed = layout.listed_name(path.relative_to(root))
            if listed in wanted:
                found.setdefault(listed, path)
    missing = sorted(wanted - set(found))
    if missing:
        raise DataError(
            f"{len(missing)} of {len(wanted)} pictures of {layout.annotations(part)} are not in "
            f"{folder}, {missing[0]} the first: {layout.source} has to lie there."
        )
    return found


def _kept_back(name: str) -> bool:
    return zlib.crc32(person_of(name).encode()) % _OF_VALIDATION == 0
