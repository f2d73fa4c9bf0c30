"""Photographs of people with labelled joints, whichever set they come from. Torch-free.

A set is held as encoded pictures and labels; pictures are decoded when they are asked for.
"""

import json
import threading
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from trainer.errors import DataError

JOINTS = (
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
    "neck",
    "head_top",
)
"""COCO-17 in its order, then the two auxiliary joints of LSP and MPII."""

MIRRORED = (0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15, 17, 18)

UNKNOWN, ABSENT, HIDDEN, VISIBLE, UNSEEN = -1.0, 0.0, 1.0, 2.0, 0.5
"""What a label says of a joint: nothing; not in the picture; there but hidden; seen; and UNSEEN:
hidden or outside, without a place (LSP Extended's joints that its labellers could not see)."""

VALIDATION_LIST = Path(__file__).with_name("lspet_validation.txt")
_LSP_JOINTS = (16, 14, 12, 11, 13, 15, 10, 8, 6, 5, 7, 9, 17, 18)
_TIGHT_TO_BOX = 1.15  # joints lie inside the body's outline, and boxes go around the outline


@dataclass(frozen=True)
class PersonPhotos:
    """People in photographs, one a row.

    Attributes:
        name: of the set.
        picture: (row) -> (h,w,3) uint8 RGB.
        keypoints: (N,19,3) float32: x, y px of the picture and one of the states above.
        boxes: (N,4) float32, x, y, width, height px around each person.
        photo: (N,) which photograph, for sets with several people in one.
        names: file name by row.
        noisy: labels by a crowd, left and right sometimes exchanged.
        mask: (row) -> (h,w) uint8 of the person, where the set has one.
        areas: (N,) float32 px**2 of the people's outlines, which OKS is relative to.
    """

    name: str
    picture: Callable[[int], np.ndarray]
    keypoints: np.ndarray
    boxes: np.ndarray
    photo: np.ndarray
    names: tuple[str, ...]
    noisy: bool = False
    mask: Callable[[int], np.ndarray] | None = None
    areas: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.keypoints)

    def take(self, rows: np.ndarray) -> "PersonPhotos":
        """The people of `rows`."""
        mask = self.mask
        return replace(
            self,
            picture=_Some(self.picture, rows),
            keypoints=self.keypoints[rows],
            boxes=self.boxes[rows],
            photo=self.photo[rows],
            names=tuple(self.names[int(r)] for r in rows),
            mask=_Some(mask, rows) if mask is not None else None,
            areas=self.areas[rows] if self.areas is not None else None,
        )


@dataclass(frozen=True)
class _Some:
    """Pictures of some rows."""

    of: Callable[[int], np.ndarray]
    rows: np.ndarray

    def __call__(self, row: int) -> np.ndarray:
        return self.of(int(self.rows[row]))


class ZippedPictures:
    """Pictures of a zip or a folder by name; calls may come from several threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        try:
            self._zip = zipfile.ZipFile(path) if path.is_file() else None
        except (OSError, zipfile.BadZipFile) as exc:
            raise DataError(f"{path.name} is damaged: download it again.") from exc
        if self._zip is None and not path.is_dir():
            raise DataError(f"There are no photographs at {path}: the README says what goes there.")

    def __call__(self, name: str) -> np.ndarray:
        """(h,w,3) uint8 RGB."""
        try:
            if self._zip is None:
                data = (self.path / name).read_bytes()
            else:
                with self._lock:
                    data = self._zip.read(name)
        except (OSError, KeyError, zipfile.BadZipFile) as exc:
            raise DataError(f"{name} is missing or damaged in {self.path.name}.") from exc
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        if picture is None:
            raise DataError(f"{name} in {self.path.name} is not a picture.")
        return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)

    def __getstate__(self) -> dict[str, Path]:
        return {"path": self.path}

    def __setstate__(self, state: dict[str, Path]) -> None:
        self.__init__(state["path"])  # type: ignore[misc]


@dataclass(frozen=True)
class _ByRow:
    """`PersonPhotos.picture` of a set whose rows have file names."""

    pictures: ZippedPictures
    names: tuple[str, ...]

    def __call__(self, row: int) -> np.ndarray:
        return self.pictures(self.names[row])


def lspet(data: Path, split: str = "train") -> PersonPhotos:
    """LSP Extended: 12 of its 14 joints are COCO's, the others are the auxiliary ones.

    Args:
        data: the folder that holds `photos/`, or one laid out like it.
        split: "train", or "validation": the photographs that `lspet_validation.txt` lists.
    """
    folder = _folder(data, "lspet.npz")
    try:
        with np.load(folder / "lspet.npz") as file:
            names = file["filename"].astype(str)
            raw = file["keypoints"].astype(np.float32)  # (N,14,3), visible or (0, 0, 0)
    except (OSError, KeyError, ValueError) as exc:
        raise DataError(f"Cannot read lspet.npz: {exc}. Download it again.") from exc
    listed = set(VALIDATION_LIST.read_text("utf-8").split())
    rows = np.array([(name in listed) == (split == "validation") for name in names])
    raw, names = raw[rows], names[rows]
    keypoints = np.full((len(raw), len(JOINTS), 3), UNKNOWN, np.float32)
    keypoints[..., :2] = 0
    keypoints[:, _LSP_JOINTS, :2] = raw[..., :2]
    keypoints[:, _LSP_JOINTS, 2] = np.where(raw[..., 2] > 0, VISIBLE, UNSEEN)
    kept = tuple(str(n) for n in names)
    pictures = _ByRow(_pictures(folder, "lspet"), kept)
    return PersonPhotos(
        "lspet", pictures, keypoints, boxes_of(keypoints), np.arange(len(raw)), kept, noisy=True
    )


def coco_photos(data: Path, split: str = "all") -> PersonPhotos:
    """People of photographs with a COCO keypoint JSON beside them.

    Args:
        data: the folder that holds `photos/`, or one with `coco_photos.json` and its pictures in
            `coco_photos.zip` or `coco_photos/`.
        split: "all", "train2017" or "val2017", where the JSON names splits.
    """
    folder = _folder(data, "coco_photos.json")
    return coco_json(folder / "coco_photos.json", _pictures(folder, "coco_photos"), split)


def coco_json(path: Path, pictures: ZippedPictures, split: str = "all") -> PersonPhotos:
    """People with at least one labelled joint of a COCO keypoint file; crowds are left out."""
    try:
        content = json.loads(path.read_text("utf-8"))
        photos = {p["id"]: p for p in content["images"]}
        found = [
            a
            for a in content["annotations"]
            if a["image_id"] in photos
            and not a.get("iscrowd")
            and a.get("num_keypoints", 1)
            and split in ("all", photos[a["image_id"]].get("split2017", "all"))
        ]
        raw = np.array([a["keypoints"] for a in found], np.float32).reshape(-1, 17, 3)
        boxes = np.array([a["bbox"] for a in found], np.float32).reshape(-1, 4)
        names = tuple(str(photos[a["image_id"]]["file_name"]) for a in found)
        ids = np.array([a["image_id"] for a in found], np.int64)
        areas = np.array([a.get("area") or _area(a["bbox"]) for a in found], np.float32)
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise DataError(f"{path.name} is not a COCO keypoint file: {exc}.") from exc
    keypoints = np.full((len(raw), len(JOINTS), 3), UNKNOWN, np.float32)
    keypoints[..., :2] = 0
    keypoints[:, :17] = raw
    pictures_by_row = _ByRow(pictures, names)
    return PersonPhotos(path.stem, pictures_by_row, keypoints, boxes, ids, names, areas=areas)


def _area(box: list[float]) -> float:
    return 0.53 * box[2] * box[3]  # what COCO's outlines fill of their boxes on average


def boxes_of(keypoints: np.ndarray) -> np.ndarray:
    """Boxes around the placed joints, a little larger: (N,J,3) -> (N,4) x, y, width, height px."""
    placed = (keypoints[..., 2] >= HIDDEN)[..., None]
    low = np.where(placed, keypoints[..., :2], np.inf).min(1)
    high = np.where(placed, keypoints[..., :2], -np.inf).max(1)
    middle, size = (low + high) / 2, np.maximum(high - low, 1.0) * _TIGHT_TO_BOX
    return np.concatenate([middle - size / 2, size], axis=1).astype(np.float32)


def _pictures(folder: Path, name: str) -> ZippedPictures:
    packed = folder / f"{name}.zip"
    return ZippedPictures(packed if packed.is_file() else folder / name)


def _folder(data: Path, file: str) -> Path:
    for folder in (Path(data) / "photos", Path(data)):
        if (folder / file).is_file():
            return folder
    raise DataError(
        f"There is no photos/{file} in {data}: point --data to the folder that holds photos/, "
        "with the photographs that the README names."
    )
