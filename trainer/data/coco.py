"""COCO person keypoints as normalised poses: which ones count, which split they fall in."""

import gzip
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from trainer.errors import DataError

JOINTS = 17
SIZE_PX = 64  # side of the square heatmap that every pose is placed in
BOX_PX = 52.0  # the longer side of the person's box becomes this long
CENTRE_PX = 32.0  # where the box's centre goes; also where a missing joint is taken to be
MIN_JOINTS = 8
VALIDATION_SHARE = 0.03

# Joint i of a mirrored person is joint FLIP_ORDER[i] of the original.
FLIP_ORDER = np.array([0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15])

# Pixel sizes of a few images are wrong; these limits drop the ones that would distort a pose.
_IMAGE_ASPECT = (0.45, 2.8)
_BOX_ASPECT = (0.1, 4.0)

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Poses:
    """N poses in heatmap space.

    Attributes:
        keypoints: (N, 17, 2) float32, heatmap px, x right, y down; the box centre at (32, 32), its
            longer side 52 px. A missing joint is at (32, 32).
        present: (N, 17) bool.
        image_id: (N,) int64; MPII poses have -1.
        domain: (N,) int64, a value of `trainer.data.captions.Domain`.
    """

    keypoints: np.ndarray
    present: np.ndarray
    image_id: np.ndarray
    domain: np.ndarray

    def __len__(self) -> int:
        return len(self.keypoints)

    def take(self, rows: np.ndarray) -> "Poses":
        """The poses at `rows` (indices or a mask)."""
        return Poses(
            self.keypoints[rows], self.present[rows], self.image_id[rows], self.domain[rows]
        )


@dataclass(frozen=True)
class Persons:
    """Every labelled person of COCO, before any selection.

    Attributes:
        image_id: (M,) int64.
        is_test: (M,) bool, from val2017.
        image_wh: (M, 2) float32 px.
        box: (M, 4) float32 x, y, w, h px.
        keypoints: (M, 17, 3) float32 x, y px and v (0 unlabelled, 1 hidden, 2 visible).
    """

    image_id: np.ndarray
    is_test: np.ndarray
    image_wh: np.ndarray
    box: np.ndarray
    keypoints: np.ndarray


def folder(root: Path) -> Path:
    """The folder with the COCO files: `root/coco`, or `root` itself if it is laid out like that."""
    for candidate in (Path(root) / "coco", Path(root)):
        if (candidate / "person_keypoints.npz").exists():
            return candidate
    raise DataError(
        f"There is no person_keypoints.npz in {Path(root) / 'coco'}: put the COCO 2017 person "
        "keypoints there (see the README), or point --data or POSEAPP_DATA elsewhere."
    )


def load_persons(root: Path) -> Persons:
    """Read every labelled person."""
    path = folder(root) / "person_keypoints.npz"
    try:
        with np.load(path) as file:
            return Persons(
                file["image_id"].astype(np.int64),
                file["is_val2017"].astype(bool),
                file["image_size_wh"].astype(np.float32),
                file["bbox_xywh"].astype(np.float32),
                file["keypoints"].astype(np.float32),
            )
    except (OSError, EOFError, KeyError, ValueError, BadZipFile) as exc:
        raise DataError(f"Cannot read {path.name}: {exc}. Download it again.") from exc


def load_captions(root: Path) -> dict[int, list[str]]:
    """{image id: its captions}."""
    captions = _read_json(folder(root) / "captions.json.gz")
    return {int(k): [str(c).strip() for c in v if str(c).strip()] for k, v in captions.items()}


def load_actions(root: Path) -> tuple[dict[int, list[str]], dict[int, list[str]]]:
    """({image id: V-COCO verbs}, {image id: action sentences}); empty where the file is absent."""
    path = folder(root) / "actions.json.gz"
    if not path.exists():
        return {}, {}
    raw = _read_json(path)
    verbs = {
        int(k): [v.replace("_", " ") for v in dict.fromkeys(vs)]
        for k, vs in raw.get("vcoco_action_labels", {}).items()
    }
    sentences = {int(k): list(v) for k, v in raw.get("hl_action_sentences", {}).items()}
    return verbs, sentences


def is_validation(image_id: np.ndarray) -> np.ndarray:
    """Which train2017 images are kept for validation: a fixed 3 % by a hash of the id.

    Args:
        image_id: (N,) int.
    Returns:
        (N,) bool.
    """
    unique, inverse = np.unique(image_id, return_inverse=True)
    limit = int(VALIDATION_SHARE * 2**32)
    chosen = [
        int.from_bytes(hashlib.sha256(str(int(i)).encode()).digest()[:4], "little") < limit
        for i in unique
    ]
    return np.array(chosen, dtype=bool)[inverse]


def in_split(persons_id: np.ndarray, is_test: np.ndarray, split: str) -> np.ndarray:
    """(N,) bool: which images belong to "train", "validation" or "test" (val2017)."""
    split = {"val": "validation"}.get(split, split)
    if split not in SPLITS:
        raise DataError(f"There is no split called {split}; known are {', '.join(SPLITS)}.")
    if split == "test":
        return is_test
    held_out = is_validation(persons_id)
    return ~is_test & (held_out if split == "validation" else ~held_out)


def normalise(
    keypoints: np.ndarray, present: np.ndarray, box: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Place poses in the 64x64 heatmap square by their boxes.

    Args:
        keypoints: (N, 17, 2) image px.
        present: (N, 17) bool.
        box: (N, 4) x, y, w, h image px.
    Returns:
        (N, 17, 2) float32 heatmap px and (N, 17) bool. A joint outside the square (hidden ones may
        lie far below a box that ends at a table's edge) is absent, as it would be in a heatmap.
    """
    scale = BOX_PX / np.maximum(box[:, 2], box[:, 3])
    centre = box[:, :2] + box[:, 2:] / 2
    placed = (keypoints - centre[:, None]) * scale[:, None, None] + CENTRE_PX
    inside = (placed >= 0).all(-1) & (placed <= SIZE_PX - 1).all(-1)
    present = present & inside
    placed = np.where(present[..., None], placed, CENTRE_PX)
    return placed.astype(np.float32), present


def usable(persons: Persons) -> np.ndarray:
    """(M,) bool: 8 or more labelled joints, and sizes that can be right.

    A joint counts as visible when it is labelled at all (v > 0): that is the reading under which
    COCO has the 118,000 persons "with 8 or more visible keypoints"; v = 2 alone gives 104,000. Its
    position is known either way, and an arm behind the back is part of the pose.
    """
    enough = (persons.keypoints[..., 2] > 0).sum(1) >= MIN_JOINTS
    image = persons.image_wh[:, 0] / np.maximum(persons.image_wh[:, 1], 1)
    box = persons.box[:, 2] / np.maximum(persons.box[:, 3], 1e-3)
    sane = (image > _IMAGE_ASPECT[0]) & (image < _IMAGE_ASPECT[1])
    return enough & sane & (box > _BOX_ASPECT[0]) & (box < _BOX_ASPECT[1])


def load_poses(root: Path, split: str) -> Poses:
    """All poses of a split, whatever else is in their images.

    Args:
        root: data folder.
        split: "train", "validation" (3 % of the train2017 images) or "test" (val2017).
    """
    persons = load_persons(root)
    rows = np.flatnonzero(usable(persons) & in_split(persons.image_id, persons.is_test, split))
    return poses_of(persons, rows)


def poses_of(persons: Persons, rows: np.ndarray, domain: int = 0) -> Poses:
    """The normalised poses of some persons; ones left with too few joints in the square drop."""
    labelled = persons.keypoints[rows]
    keypoints, present = normalise(labelled[..., :2], labelled[..., 2] > 0, persons.box[rows])
    keep = present.sum(1) >= MIN_JOINTS
    count = int(keep.sum())
    return Poses(
        keypoints[keep],
        present[keep],
        persons.image_id[rows][keep],
        np.full(count, domain, dtype=np.int64),
    )


def flip(keypoints: np.ndarray, present: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mirror poses about the vertical centre line; left and right joints swap names.

    Args:
        keypoints: (..., 17, 2) heatmap px.
        present: (..., 17) bool.
    """
    mirrored = keypoints[..., FLIP_ORDER, :].copy()
    mirrored[..., 0] = 2 * CENTRE_PX - mirrored[..., 0]
    return mirrored, present[..., FLIP_ORDER]


def _read_json(path: Path) -> dict[str, Any]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError, EOFError) as exc:
        raise DataError(
            f"Cannot read {path.name} in {path.parent}: {exc}. Download it again (see the README)."
        ) from exc
