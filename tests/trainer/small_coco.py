"""A folder laid out like COCO's, small enough for a test, whose captions say what the pose is."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np

_STANDING = np.array(
    [
        (50, 8), (53, 6), (47, 6), (56, 8), (44, 8), (62, 26), (38, 26), (68, 46), (32, 46),
        (70, 64), (30, 64), (58, 66), (42, 66), (58, 96), (42, 96), (58, 124), (42, 124),
    ],
    float,
)  # fmt: skip
_SITTING = _STANDING.copy()
_SITTING[13:15] = ((80, 70), (22, 70))
_SITTING[15:17] = ((82, 100), (20, 100))
TEXTS = {
    0: ["a man standing on a street", "a man is standing", "a person stands and looks"],
    1: ["a woman sitting on a chair", "a person is sitting", "a woman sits on a couch"],
}


def write(folder: Path, train: int = 60, test: int = 40, unpaired: int = 30) -> Path:
    """Write `person_keypoints.npz` and `captions.json.gz` into folder/coco; returns `folder`.

    Every other person stands, the others sit; the last `unpaired` training images have no caption.
    """
    rng = np.random.default_rng(5)
    count = train + unpaired + test
    keypoints = np.zeros((count, 17, 3), np.int16)
    box = np.zeros((count, 4), np.float32)
    captions = {}
    for i in range(count):
        kind = i % 2
        points = (_SITTING if kind else _STANDING) + rng.normal(0, 1.5, (17, 2)) + 100
        keypoints[i, :, :2] = points.round()
        keypoints[i, :, 2] = 2
        if i % 3 == 0:  # some people lack a wrist
            keypoints[i, 9] = 0
            points = np.delete(points, 9, axis=0)
        low, high = points.min(0) - 5, points.max(0) + 5
        box[i] = (*low, *(high - low))
        if not train <= i < train + unpaired:
            captions[str(1000 + i)] = TEXTS[kind]
    coco = folder / "coco"
    coco.mkdir(parents=True)
    np.savez(
        coco / "person_keypoints.npz",
        image_id=np.arange(1000, 1000 + count, dtype=np.int32),
        is_val2017=np.arange(count) >= train + unpaired,
        image_size_wh=np.full((count, 2), 400, np.int16),
        bbox_xywh=box,
        keypoints=keypoints,
    )
    with gzip.open(coco / "captions.json.gz", "wt", encoding="utf-8") as file:
        json.dump(captions, file)
    return folder
