"""Motion-capture poses: reading, splits by subject, weights of the frames.

The folder is laid out like `mocap/`: `poses3d.npz` and `clips.json`. Torch-free.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trainer.errors import DataError

JOINTS = (
    "Pelvis",
    "R_Hip",
    "R_Knee",
    "R_Ankle",
    "L_Hip",
    "L_Knee",
    "L_Ankle",
    "Torso",
    "Neck",
    "Nose",
    "Head",
    "L_Shoulder",
    "L_Elbow",
    "L_Wrist",
    "R_Shoulder",
    "R_Elbow",
    "R_Wrist",
)
PARENTS = (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15)
MIRRORED = (0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 11, 12, 13)

UNIT_MM = 720.0
"""One unit of length of the lifter: the mean distance from pelvis to top of the head."""

CORRECTED, RAW = "poses_knee_corrected", "poses"
"""Joint sets. Standing people of the raw set bend their knees by 30 degrees, an artefact of the
retargeting that straightens in the corrected one; photographs look like the latter, so it is what
the lifter learns and is measured on. The table has a row on the raw set too."""

_TEST_SOURCE = "hdm05"
_VALIDATION_SUBJECTS = ("cmu_127", "cmu_49", "cmu_94")
# fmt: off
_TRAIN_SUBJECTS = tuple(f"cmu_{name}" for name in (
    "01", "02", "05", "06", "07", "08", "09", "10", "11", "12", "13", "16", "43", "55", "60",
    "61", "85", "88", "90", "93", "104", "131", "135", "139", "140", "acrobat_", "unk_bask",
    "unk_bsig", "unk_jump", "unk_monk", "unk_piro", "unk_runn", "unk_walk",
))
# fmt: on
"""Everybody else is test: HDM05 and cmu_03 in the public data, and whoever another folder holds."""


@dataclass(frozen=True)
class MocapPoses:
    """Poses of one split.

    Attributes:
        poses: (N,17,3) float32, mm, root-relative, Y up, right-handed.
        clip: (N,) index into `clip_ids`.
        subject: (N,) names.
    """

    poses: np.ndarray
    clip: np.ndarray
    clip_ids: np.ndarray
    subject: np.ndarray

    def __len__(self) -> int:
        return len(self.poses)

    def take(self, rows: np.ndarray) -> "MocapPoses":
        """The poses of `rows` (indices or a mask)."""
        return MocapPoses(self.poses[rows], self.clip[rows], self.clip_ids, self.subject[rows])

    def weights(self) -> np.ndarray:
        """(N,) float32 that sum to 1; a clip of n frames weighs sqrt(n), lest long ones rule."""
        length = np.bincount(self.clip, minlength=len(self.clip_ids))[self.clip]
        weight = 1.0 / np.sqrt(length)
        return (weight / weight.sum()).astype(np.float32)


def load(data: Path, split: str, joint_set: str = CORRECTED) -> MocapPoses:
    """Read one split.

    Args:
        data: the folder that holds `mocap/`, or a folder laid out like `mocap/` itself.
        split: "train", "validation", "test" or "all". Test is every subject that neither training
            nor validation knows.
        joint_set: CORRECTED or RAW; a file without the corrected set gives the raw one.
    """
    path = _file(Path(data), "poses3d.npz")
    try:
        with np.load(path) as file:
            stored = joint_set if joint_set in file else RAW
            poses = file[stored].astype(np.float32) / 10.0
            subject, source = file["subject"].astype(str), file["source"].astype(str)
            every = MocapPoses(poses, file["clip"].astype(np.int64), file["clip_ids"], subject)
    except (OSError, KeyError, ValueError) as exc:
        raise DataError(f"Cannot read {path.name}: {exc}. Download the mocap data again.") from exc
    if poses.shape[1:] != (len(JOINTS), 3):
        raise DataError(f"{path.name} holds {poses.shape[1:]} values a pose, (17, 3) are needed.")
    recorded = source != _TEST_SOURCE
    validation = np.isin(subject, _VALIDATION_SUBJECTS) & recorded
    train = np.isin(subject, _TRAIN_SUBJECTS) & recorded
    rows = {
        "train": train,
        "validation": validation,
        "test": ~train & ~validation,
        "all": np.ones(len(poses), bool),
    }.get(split)
    if rows is None:
        raise DataError(f"There is no split called {split}: use train, validation, test or all.")
    if not rows.any():
        raise DataError(f"{path.name} has no poses in its {split} split: use the full mocap data.")
    return every.take(rows)


def actions(data: Path, clip_ids: np.ndarray) -> list[str]:
    """A short action name for every clip id, from `clips.json` ("other" where it has none)."""
    path = _file(Path(data), "clips.json")
    try:
        clips = {c["id"]: c for c in json.loads(path.read_text("utf-8"))}
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise DataError(f"Cannot read {path.name}: {exc}. Download the mocap data again.") from exc
    return [_action(clips.get(str(name), {})) for name in clip_ids]


def _action(clip: dict) -> str:
    text = clip.get("text", {})
    name = text.get("hdm_class") or (text.get("labels") or [""])[0] or text.get("cmu") or "other"
    for ending in ("LelbowStart", "RelbowStart", "LStart", "RStart", "Lstart", "Rstart"):
        name = name.removesuffix(ending)
    return name


def _file(data: Path, name: str) -> Path:
    for path in (data / "mocap" / name, data / name):
        if path.is_file():
            return path
    raise DataError(
        f"There is no mocap/{name} in {data}: point --data to the folder that holds mocap/, "
        "with the motion-capture poses that the README names."
    )
