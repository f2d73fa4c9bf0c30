"""Sets of synthetic people as labelled photographs, for the pose estimator. Torch-free."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trainer.data.photos import JOINTS, UNKNOWN, PersonPhotos
from trainer.data.synthetic import SyntheticSet
from trainer.errors import DataError

_KEYPOINTS = 17


def person_photos(folder: Path, split: str | None = None) -> PersonPhotos:
    """The subjects of a set such as `crops256`.

    Neck and top of the head are not among its keypoints and stay unknown.

    Args:
        folder: written by `python -m trainer data synth`.
        split: "train", "validation", "test", or None for all.
    """
    people = SyntheticSet(folder, split)
    columns = people.columns("keypoints", "bbox")
    keypoints = np.full((len(people), len(JOINTS), 3), UNKNOWN, np.float32)
    keypoints[..., :2] = 0.0
    keypoints[:, :_KEYPOINTS] = columns["keypoints"]
    names = tuple(f"{Path(folder).name}/{number:09d}" for number in people.numbers)
    return PersonPhotos(
        "synthetic",
        _Pictures(people),
        keypoints,
        columns["bbox"].astype(np.float32),
        np.arange(len(people)),
        names,
        mask=_Masks(people),
    )


@dataclass(frozen=True)
class _Pictures:
    of: SyntheticSet

    def __call__(self, row: int) -> np.ndarray:
        return self.of.images([row], threads=1)[0]


@dataclass(frozen=True)
class _Masks:
    of: SyntheticSet

    def __call__(self, row: int) -> np.ndarray:
        mask = self.of[row].mask
        if mask is None:
            raise DataError(f"{self.of.folders[0]} has no masks: draw a crops256 set.")
        return mask
