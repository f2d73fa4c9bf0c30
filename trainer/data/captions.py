"""Captions paired with poses, and the text that goes with a mirrored pose."""

import re
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np

from trainer.data import coco
from trainer.data.coco import Poses
from trainer.errors import DataError


class Domain(IntEnum):
    """Where a pose and its text come from."""

    POSE_ONLY = 0  # a COCO person; no text
    PAIR = 1  # the only labelled person of a captioned COCO image
    WEAK = 2  # one of several persons of a captioned image: the caption may speak of another
    ACTION = 3  # COCO person with V-COCO verbs or an action sentence
    MPII = 4  # MPII pose with the name of its activity


@dataclass(frozen=True)
class Pairs:
    """Poses with their texts.

    Attributes:
        poses: N poses.
        captions: for each pose its texts, one or more.
    """

    poses: Poses
    captions: list[list[str]]

    def __len__(self) -> int:
        return len(self.captions)

    def take(self, rows: np.ndarray) -> "Pairs":
        """The pairs at `rows` (indices)."""
        return Pairs(self.poses.take(rows), [self.captions[int(i)] for i in rows])


def load_pairs(root: Path, split: str) -> Pairs:
    """The caption-pose pairs: images with exactly one labelled person, with 8 or more joints.

    "Labelled" means that the person has any keypoint at all, so that a second, half hidden person
    whom the captions may speak of rules an image out.

    Args:
        root: data folder.
        split: "train", "validation" (3 % of the train2017 images) or "test" (val2017).
    """
    persons = coco.load_persons(root)
    captions = coco.load_captions(root)
    ids, first, count = np.unique(persons.image_id, return_index=True, return_counts=True)
    captioned = np.array([int(i) in captions for i in ids], dtype=bool)
    rows = np.sort(first[(count == 1) & captioned])
    rows = rows[coco.usable(persons)[rows]]
    rows = rows[coco.in_split(persons.image_id[rows], persons.is_test[rows], split)]
    poses = coco.poses_of(persons, rows, Domain.PAIR)
    if not len(poses):
        raise DataError(
            f"No image of the {split} split has a caption and one labelled person: are "
            "captions.json.gz and person_keypoints.npz of the same images?"
        )
    return Pairs(poses, [captions[int(i)] for i in poses.image_id])


def load_weak_pairs(root: Path, split: str, dominance: float = 0.0) -> Pairs:
    """Captioned images with several labelled persons: each usable person with all captions.

    Args:
        dominance: keep only persons whose box is at least this many times as large as that of any
            other labelled person of the image; 0 keeps all.
    """
    persons = coco.load_persons(root)
    captions = coco.load_captions(root)
    area = persons.box[:, 2] * persons.box[:, 3]
    order = np.lexsort((-area, persons.image_id))
    ids, start, count = np.unique(persons.image_id[order], return_index=True, return_counts=True)
    keep: list[int] = []
    for image_id, begin, number in zip(ids, start, count, strict=True):
        if number < 2 or int(image_id) not in captions:
            continue
        rows = order[begin : begin + number]
        if dominance <= 0:
            keep.extend(rows.tolist())
        elif area[rows[0]] >= dominance * area[rows[1]]:
            keep.append(int(rows[0]))
    rows = np.array(keep, dtype=np.int64)
    rows = rows[coco.usable(persons)[rows]]
    rows = rows[coco.in_split(persons.image_id[rows], persons.is_test[rows], split)]
    poses = coco.poses_of(persons, rows, Domain.WEAK)
    return Pairs(poses, [captions[int(i)] for i in poses.image_id])


def load_action_pairs(root: Path, split: str) -> Pairs:
    """Single persons whose image has V-COCO verbs or action sentences."""
    persons = coco.load_persons(root)
    verbs, sentences = coco.load_actions(root)
    ids, first, count = np.unique(persons.image_id, return_index=True, return_counts=True)
    known = np.array([int(i) in verbs or int(i) in sentences for i in ids], dtype=bool)
    rows = np.sort(first[(count == 1) & known])
    rows = rows[coco.usable(persons)[rows]]
    rows = rows[coco.in_split(persons.image_id[rows], persons.is_test[rows], split)]
    poses = coco.poses_of(persons, rows, Domain.ACTION)
    texts = []
    for image_id in poses.image_id.tolist():
        own = list(sentences.get(image_id, []))
        if image_id in verbs:
            own.append(" ".join(verbs[image_id]))
        texts.append(own)
    return Pairs(poses, texts)


# MPII's 16 joints: r ankle, r knee, r hip, l hip, l knee, l ankle, pelvis, thorax, upper neck,
# head top, r wrist, r elbow, r shoulder, l shoulder, l elbow, l wrist. It labels no face.
_MPII_TO_COCO = {
    16: 0,
    14: 1,
    12: 2,
    11: 3,
    13: 4,
    15: 5,
    10: 10,
    8: 11,
    6: 12,
    5: 13,
    7: 14,
    9: 15,
}


def load_mpii(root: Path) -> Pairs:
    """MPII poses with the names of their activities; all of them are training data.

    The box is that of the labelled joints, head top included, a tenth wider on each side.
    """
    path = coco.folder(root) / "mpii_activity_poses.npz"
    if not path.exists():
        raise DataError(f"There is no {path.name} in {path.parent} (see the README).")
    with np.load(path) as file:
        joints = file["keypoints"].astype(np.float32)  # (N, 16, 2)
        activity, category = file["activity"], file["category"]
    labelled = (joints >= 0).all(-1)
    low = np.where(labelled[..., None], joints, np.inf).min(1)
    high = np.where(labelled[..., None], joints, -np.inf).max(1)
    wide = np.maximum((high - low).max(-1), 1.0)
    size = np.maximum(high - low, 0) + 0.2 * wide[:, None]
    box = np.concatenate([(low + high - size) / 2, size], -1)
    keypoints = np.zeros((len(joints), coco.JOINTS, 2), np.float32)
    present = np.zeros((len(joints), coco.JOINTS), bool)
    for target, source in _MPII_TO_COCO.items():
        keypoints[:, target] = joints[:, source]
        present[:, target] = labelled[:, source]
    usable = present.sum(1) >= coco.MIN_JOINTS
    keypoints, present = coco.normalise(keypoints[usable], present[usable], box[usable])
    keep = present.sum(1) >= coco.MIN_JOINTS
    rows = np.flatnonzero(usable)[keep]
    count = len(rows)
    poses = Poses(
        keypoints[keep],
        present[keep],
        np.full(count, -1, np.int64),
        np.full(count, int(Domain.MPII), np.int64),
    )
    texts = [[f"{activity[i]}, {category[i]}".replace(",", " ")] for i in rows]
    return Pairs(poses, texts)


_SIDES = {"left": "right", "right": "left"}
_SIDE_PATTERN = re.compile(r"\b(left|right)\b", re.IGNORECASE)


def mirrored_caption(text: str) -> str:
    """The caption of the mirrored pose: the words left and right change places."""

    def swap(match: re.Match[str]) -> str:
        word = match.group(0)
        other = _SIDES[word.lower()]
        if word.isupper():
            return other.upper()
        return other.capitalize() if word[0].isupper() else other

    return _SIDE_PATTERN.sub(swap, text)


def training_texts(root: Path) -> list[str]:
    """Every text that word vectors may learn from: captions and actions of train2017, MPII names.

    Captions of val2017 images are left out, so that the test stays a test.
    """
    persons = coco.load_persons(root)
    test_ids = set(persons.image_id[persons.is_test].tolist())
    captions = coco.load_captions(root)
    known_train = set(persons.image_id[~persons.is_test].tolist())
    verbs, sentences = coco.load_actions(root)
    texts: list[str] = []
    for source in (captions, sentences):
        for image_id, own in source.items():
            # A captioned image without any labelled person may be of either part: leave it out
            # unless it is known to be from train2017.
            if image_id not in test_ids and image_id in known_train:
                texts.extend(own)
    texts += [" ".join(v) for i, v in verbs.items() if i not in test_ids and i in known_train]
    if (coco.folder(root) / "mpii_activity_poses.npz").exists():
        texts += sorted({t[0] for t in load_mpii(root).captions})
    return texts
