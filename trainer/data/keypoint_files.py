"""Keypoint and pair lists as Siarohin et al. publish them with pose-gan. Torch-free.

    name:keypoints_y:keypoints_x                 annotations, one picture a line
    0002_c1s1_000451_03.jpg:[16, 28, ...]:[30, 33, ...]
    from,to                                      pairs
    0002_c1s1_000451_03.jpg,0002_c2s1_000301_01.jpg

18 joints in OpenPose's COCO order, -1 where one was not found. The code beside these files names
the eyes and ears the other way round; the order of the values is OpenPose's.
"""

import csv
import json
from pathlib import Path

import numpy as np

from trainer.errors import DataError

_JOINTS = 18
# COCO-17 out of nose, neck, right arm, left arm, right leg, left leg, right eye, left eye, ears.
_COCO_OF_OPENPOSE = (0, 15, 14, 17, 16, 5, 2, 6, 3, 7, 4, 11, 8, 12, 9, 13, 10)
_TRUNK = (5, 6, 11, 12)
_SEEN = 2.0


def read_annotations(path: Path) -> dict[str, np.ndarray]:
    """Keypoints by picture.

    Returns:
        name: (17,3) float32, x, y px and visibility, COCO-17; 0 where a joint was not found.
    """
    found: dict[str, np.ndarray] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter=":"):
                ys, xs = (json.loads(row[f"keypoints_{axis}"]) for axis in "yx")
                found[row["name"].strip()] = _coco(np.array([xs, ys], np.float32))
    except (OSError, KeyError, TypeError, ValueError) as exc:
        raise DataError(
            f"{path.name} is no keypoint file of pose-gan (name:keypoints_y:keypoints_x): {exc}. "
            "Download it again."
        ) from exc
    if not found:
        raise DataError(f"{path.name} names no pictures: download it again.")
    return found


def read_pairs(path: Path, rows: dict[str, int]) -> list[tuple[int, int]]:
    """The pairs of a list, as rows of the pictures that are there.

    Args:
        rows: row by picture name; a pair with a name that is not among them is an error.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            named = [(row["from"].strip(), row["to"].strip()) for row in csv.DictReader(file)]
        return [(rows[a], rows[b]) for a, b in named]
    except KeyError as exc:
        raise DataError(
            f"{path.name} does not fit the other files (column or picture {exc} is missing): take "
            "annotations, pairs and pictures of one split."
        ) from exc
    except (OSError, ValueError, AttributeError) as exc:
        raise DataError(f"Cannot read {path.name}: {exc}. Download it again.") from exc


def usable(keypoints: np.ndarray) -> bool:
    """Whether both shoulders and both hips were found, as pose-gan asks of its pairs."""
    return bool((keypoints[list(_TRUNK), 2] > 0).all())


def _coco(openpose: np.ndarray) -> np.ndarray:
    """(2,18) x and y px, -1 missing -> (17,3)."""
    if openpose.shape != (2, _JOINTS):
        raise ValueError(f"{openpose.shape[-1]} joints in place of {_JOINTS}")
    points = openpose.T[list(_COCO_OF_OPENPOSE)]
    there = (points >= 0).all(1)
    out = np.zeros((len(points), 3), np.float32)
    out[there, :2] = points[there]
    out[there, 2] = _SEEN
    return out
