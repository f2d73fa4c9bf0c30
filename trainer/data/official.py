"""MPII, LSP and COCO as their makers' archives unpack, as sets of people. Torch-free."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trainer.data import photos
from trainer.data.photos import (
    ABSENT,
    HIDDEN,
    JOINTS,
    UNKNOWN,
    UNSEEN,
    VISIBLE,
    PersonPhotos,
    ZippedPictures,
)
from trainer.errors import DataError

# MPII: right ankle, knee, hip, left hip, knee, ankle, pelvis, thorax, upper neck, head top, right
# wrist, elbow, shoulder, left shoulder, elbow, wrist; pelvis and thorax have no place in our order
_MPII_JOINTS = (16, 14, 12, 11, 13, 15, -1, -1, 17, 18, 10, 8, 6, 5, 7, 9)
_LSP_JOINTS = (16, 14, 12, 11, 13, 15, 10, 8, 6, 5, 7, 9, 17, 18)
_LSP_TRAINED = 1000  # the first half of LSP is for training, the second for testing
_MPII_FIRST = 1.0  # px; MATLAB counts from 1
_FEWEST = 3  # joints of a person who counts


def mpii(folder: Path, split: str = "train") -> PersonPhotos:
    """MPII Human Pose, by its own annotations or by the JSON files that MMPose hands out.

    Args:
        folder: holds `images/`, and `mpii_human_pose_v1_u12_1.mat` or `mpii_SPLIT.json` directly
            or in `annot/` or `annotations/`.
        split: "train"; of the JSON files also "val" and "trainval". The makers' own file tells
            the joints of the training photographs alone.
    """
    folder = Path(folder)
    listed = _one_of(folder, (f"mpii_{split}.json", f"annot/mpii_{split}.json"))
    listed = listed or _one_of(folder, (f"annotations/mpii_{split}.json", f"annot/{split}.json"))
    if listed is not None:
        people = _mpii_json(listed)
    else:
        name = "mpii_human_pose_v1_u12_1.mat"
        matlab = _one_of(
            folder,
            (name, f"annot/{name}", f"mpii_human_pose_v1_u12_2/{name}", f"annotations/{name}"),
        )
        if matlab is None:
            raise DataError(
                f"There is no {name} and no mpii_{split}.json in {folder}: unpack MPII's "
                "annotations there, beside images/."
            )
        if split != "train":
            raise DataError(
                f"{matlab.name} has no joints for {split}: use the split train, or MMPose's JSON "
                "files."
            )
        people = _mpii_matlab(matlab)
    people = [p for p in people if (p.keypoints[:, 2] >= HIDDEN).sum() >= _FEWEST]
    return _set("MPII", ZippedPictures(folder / "images"), people)


def lsp(folder: Path, split: str = "train") -> PersonPhotos:
    """Leeds Sports Pose, or LSP Extended where its 10,000 photographs lie there.

    Args:
        folder: holds `joints.mat` and `images/`.
        split: "train" or "test"; all of LSP Extended is for training.
    """
    folder = Path(folder)
    joints = _matlab(folder / "joints.mat").get("joints")
    if not isinstance(joints, np.ndarray) or joints.ndim != 3:
        raise DataError(f"joints.mat in {folder} holds no joints: download LSP again.")
    extended = joints.shape[0] == len(_LSP_JOINTS)  # 14 x 3 x N there, 3 x 14 x N here
    raw = joints.transpose(2, 0, 1) if extended else joints.transpose(2, 1, 0)
    if raw.shape[1:] != (len(_LSP_JOINTS), 3):
        raise DataError(f"joints.mat in {folder} has the shape {joints.shape}, which is not LSP's.")
    digits = 5 if extended else 4
    names = [f"im{i + 1:0{digits}d}.jpg" for i in range(len(raw))]
    if extended:
        chosen = np.arange(len(raw) if split == "train" else 0)
    else:
        chosen = np.arange(len(raw))
        chosen = chosen[chosen < _LSP_TRAINED] if split == "train" else chosen[_LSP_TRAINED:]
    flags = raw[..., 2] > 0.5
    # LSP flags what is hidden, LSP Extended what is seen; most joints are seen in either.
    seen = flags if flags.mean() > 0.5 else ~flags
    people = []
    for row in chosen:
        keypoints = _unknown()
        placed = raw[row, :, :2].astype(np.float32)
        for joint, at, visible in zip(_LSP_JOINTS, placed, seen[row], strict=True):
            if visible:
                keypoints[joint] = (*at, VISIBLE)
            elif extended:  # its labellers gave no place to what they did not see
                keypoints[joint, 2] = UNSEEN
            else:
                keypoints[joint] = (*at, HIDDEN)
        people.append(_Person(names[int(row)], keypoints))
    title = "LSP Extended" if extended else "LSP"
    return _set(title, ZippedPictures(folder / "images"), people, noisy=extended)


def coco(folder: Path, split: str = "train2017") -> PersonPhotos:
    """COCO keypoints.

    Args:
        folder: holds `annotations/person_keypoints_SPLIT.json` and SPLIT or `images/SPLIT`, as a
            folder or as `SPLIT.zip` unpacks.
        split: "train2017" or "val2017".
    """
    folder = Path(folder)
    path = folder / "annotations" / f"person_keypoints_{split}.json"
    if not path.is_file():
        raise DataError(
            f"There is no {path.name} in {folder / 'annotations'}: unpack COCO's "
            f"annotations_trainval2017.zip there, and {split}.zip beside it."
        )
    pictures = folder / "images" / split
    return photos.coco_json(path, ZippedPictures(pictures if pictures.is_dir() else folder / split))


@dataclass(frozen=True)
class _Person:
    """keypoints: (19,3) as in `PersonPhotos`."""

    file: str
    keypoints: np.ndarray


@dataclass(frozen=True)
class _ByRow:
    pictures: Callable[[str], np.ndarray]
    names: tuple[str, ...]

    def __call__(self, row: int) -> np.ndarray:
        return self.pictures(self.names[row])


def _set(
    name: str, pictures: ZippedPictures, people: list[_Person], noisy: bool = False
) -> PersonPhotos:
    names = tuple(p.file for p in people)
    keypoints = np.array([p.keypoints for p in people], np.float32).reshape(-1, len(JOINTS), 3)
    boxes = photos.boxes_of(keypoints) if len(people) else np.zeros((0, 4), np.float32)
    which = {file: i for i, file in enumerate(dict.fromkeys(names))}
    photo = np.array([which[n] for n in names], np.int64)
    return PersonPhotos(name, _ByRow(pictures, names), keypoints, boxes, photo, names, noisy=noisy)


def _mpii_json(path: Path) -> list[_Person]:
    try:
        rows = json.loads(path.read_text("utf-8"))
        return [_mpii_row(row) for row in rows]
    except (OSError, ValueError, KeyError, TypeError, IndexError) as exc:
        raise DataError(f"{path.name} is not MMPose's MPII file: {exc}.") from exc


def _mpii_row(row: dict[str, Any]) -> _Person:
    joints = np.asarray(row["joints"], np.float32).reshape(len(_MPII_JOINTS), 2)
    there = np.asarray(row["joints_vis"], np.float32).reshape(len(_MPII_JOINTS)) > 0
    keypoints = _unknown()
    for joint, at, placed in zip(_MPII_JOINTS, joints, there, strict=True):
        if joint >= 0:
            # Its flag tells whether there is a label: those beyond the picture have none.
            keypoints[joint] = (*(at - _MPII_FIRST), VISIBLE) if placed else (0, 0, ABSENT)
    return _Person(str(row["image"]), keypoints)


def _mpii_matlab(path: Path) -> list[_Person]:
    release = _matlab(path).get("RELEASE")
    try:
        training = np.atleast_1d(release.img_train)  # type: ignore[union-attr]
        photographs = np.atleast_1d(release.annolist)  # type: ignore[union-attr]
        people = []
        for photo, trained in zip(photographs, training, strict=True):
            if not trained:
                continue
            for rect in _all(getattr(photo, "annorect", None)):
                person = _mpii_rect(str(photo.image.name), rect)
                if person is not None:
                    people.append(person)
    except (AttributeError, TypeError, ValueError, IndexError) as exc:
        raise DataError(f"{path.name} is not MPII's annotation file: {exc}.") from exc
    return people


def _mpii_rect(file: str, rect: Any) -> _Person | None:
    """A person of MPII's own file; None for a head without joints."""
    points = _all(getattr(getattr(rect, "annopoints", None), "point", None))
    if not points:
        return None
    keypoints = _unknown()
    keypoints[[j for j in _MPII_JOINTS if j >= 0], 2] = ABSENT  # what is not listed is outside
    for point in points:
        joint = _MPII_JOINTS[int(point.id)]
        if joint < 0:
            continue
        told = getattr(point, "is_visible", None)
        told = np.asarray(told).reshape(-1) if told is not None else np.zeros(0)
        # Necks and heads carry no flag; others are 0 where hidden.
        hidden = told.size > 0 and str(told[0]) in ("0", "0.0", "False")
        at = (float(point.x) - _MPII_FIRST, float(point.y) - _MPII_FIRST)
        keypoints[joint] = (*at, HIDDEN if hidden else VISIBLE)
    return _Person(file, keypoints)


def _all(value: Any) -> list[Any]:
    """A MATLAB struct array as a list; an empty one and one of length 1 are unpacked by scipy."""
    if value is None or (isinstance(value, np.ndarray) and value.size == 0):
        return []
    return list(np.atleast_1d(value))


def _matlab(path: Path) -> dict[str, Any]:
    try:
        from scipy import io
    except ImportError as exc:
        raise DataError(f"{path.name} needs scipy to be read: pip install scipy.") from exc
    try:
        return dict(
            io.loadmat(str(path), squeeze_me=path.name != "joints.mat", struct_as_record=False)
        )
    except FileNotFoundError as exc:
        raise DataError(
            f"There is no {path.name} in {path.parent}: unpack the archive there, with images/."
        ) from exc
    except Exception as exc:  # scipy raises many kinds for a damaged file
        raise DataError(f"{path.name} is damaged or no MATLAB file: download it again.") from exc


def _one_of(folder: Path, names: tuple[str, ...]) -> Path | None:
    return next((folder / n for n in names if (folder / n).is_file()), None)


def _unknown() -> np.ndarray:
    keypoints = np.zeros((len(JOINTS), 3), np.float32)
    keypoints[:, 2] = UNKNOWN
    return keypoints
