"""Pictures of the same person in two poses: what person transfer learns from. Torch-free.

A set is held as labels; pictures are decoded when they are first asked for and kept, unless the
set is too large for that. The generator that is passed in decides all draws.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from trainer.data.person_masks import limb_mask
from trainer.data.photos import MIRRORED
from trainer.data.synthetic import SyntheticSet
from trainer.errors import DataError

SPLITS = ("train", "validation", "test")

_KEYPOINTS = 17
_SWAPPED = np.array(MIRRORED[:_KEYPOINTS])
_KEPT_BYTES = 1_000_000_000
_ASPECT_SLACK = 0.02

Read = Callable[[int], tuple[np.ndarray, np.ndarray | None]]
"""(row) -> (H,W,3) uint8 RGB, and (H,W) uint8 how much of each pixel shows the person, or None
where the set does not know."""


@dataclass(frozen=True)
class PairBatch:
    """Pictures of people, and the same people in other poses.

    Attributes:
        source, target: (B,H,W,3) uint8 RGB.
        source_keypoints, target_keypoints: (B,17,3) float32, COCO-17: x, y px, visibility 0-2.
        source_mask, target_mask: (B,H,W) uint8, how much of each pixel shows the person.
        masks_exact: the masks are the set's own; else drawn from the skeleton.
    """

    source: np.ndarray
    target: np.ndarray
    source_keypoints: np.ndarray
    target_keypoints: np.ndarray
    source_mask: np.ndarray
    target_mask: np.ndarray
    masks_exact: bool

    def __len__(self) -> int:
        return len(self.source)


class PersonPairs:
    """People of whom there are several pictures each.

    Args:
        name: of the set.
        size: height, width px of its pictures.
        keypoints: (N,17,3) float32, x, y px and visibility, by picture.
        people: (N,) who it shows, of any sortable type; who has one picture only is left out of
            the pairs.
        read: a picture with its mask.
        masks_exact: `read` gives masks.
        names: of the pictures, for sheets and errors.
        listed: pairs (source, target) that the set's makers measure with.
    """

    def __init__(
        self,
        name: str,
        size: tuple[int, int],
        keypoints: np.ndarray,
        people: np.ndarray,
        read: Read,
        *,
        masks_exact: bool,
        names: Sequence[str] = (),
        listed: Sequence[tuple[int, int]] = (),
    ) -> None:
        self.name = name
        self.size = size
        self.keypoints = keypoints.astype(np.float32)
        self.masks_exact = masks_exact
        self.names = tuple(names)
        self.listed = tuple(listed)
        self._read = read
        groups = _groups(people)
        self._of = [rows for rows in groups if len(rows) > 1]
        """By identity, the rows of their pictures."""
        if not self._of:
            raise DataError(f"{name} shows nobody in two pictures: draw or download more of it.")
        h, w = size
        self._kept = len(keypoints) * h * w * 4 <= _KEPT_BYTES
        count = len(keypoints) if self._kept else 0
        # Not yet touched pages of these cost no memory, so that a short run does not pay for all.
        self._pictures = np.empty((count, h, w, 3), np.uint8)
        self._masks = np.empty((count, h, w), np.uint8)
        self._there = np.zeros(count, bool)

    def __len__(self) -> int:
        return len(self._of)

    @property
    def pictures(self) -> int:
        """How many pictures there are of people that have two or more."""
        return sum(map(len, self._of))

    def batch(self, count: int, rng: np.random.Generator, *, mirror: bool = True) -> PairBatch:
        """Pairs of random people.

        Args:
            rng: the only source of chance: the same state gives the same batch.
            mirror: flip half of the pairs, left and right changed with it.
        """
        who = rng.integers(len(self._of), size=count)
        draws = rng.random((count, 3))
        pairs = []
        for person, (first, second, _) in zip(who, draws, strict=True):
            rows = self._of[person]
            a = int(first * len(rows))
            b = int(second * (len(rows) - 1))
            pairs.append((int(rows[a]), int(rows[b + (b >= a)])))
        found = self.of(pairs)
        return _mirrored(found, draws[:, 2] < 0.5) if mirror else found

    def fixed_pairs(self, count: int) -> list[tuple[int, int]]:
        """Pairs that are always the same, spread over the people, for measuring.

        Returns:
            (source, target) rows: of the list that came with the set where it has one; fewer
            than `count` where there are not so many.
        """
        if self.listed:
            chosen = np.linspace(0, len(self.listed), min(count, len(self.listed)), endpoint=False)
            return [self.listed[int(i)] for i in chosen]
        people = len(self._of)
        rounds = -(-count // people)
        pairs: list[tuple[int, int]] = []
        for turn in range(rounds):
            # The last round goes to people who are evenly spread.
            share = min(count - turn * people, people)
            who = np.linspace(0, people, share, endpoint=False).astype(int)
            pairs += [pair for i in who if (pair := self._pair(int(i), turn)) is not None]
        return pairs

    def of(self, pairs: Sequence[tuple[int, int]]) -> PairBatch:
        """The pictures of (source, target) rows."""
        sources, targets = ([pair[side] for pair in pairs] for side in (0, 1))
        source, source_mask = self._take(sources)
        target, target_mask = self._take(targets)
        return PairBatch(
            source,
            target,
            self.keypoints[sources],
            self.keypoints[targets],
            source_mask,
            target_mask,
            self.masks_exact,
        )

    def picture(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        """(H,W,3) uint8 RGB and (H,W) uint8 mask of a picture."""
        if self._kept and self._there[row]:
            return self._pictures[row], self._masks[row]
        picture, mask = self._read(row)
        if mask is None:
            mask = limb_mask(self.keypoints[row], self.size)
        if self._kept:
            self._pictures[row], self._masks[row] = picture, mask
            self._there[row] = True
        return picture, mask

    def __getstate__(self) -> dict[str, Any]:
        # A worker of a loader decodes for itself instead of being sent a gigabyte.
        empty = {key: self.__dict__[key][:0] for key in ("_pictures", "_masks", "_there")}
        return {**self.__dict__, **empty, "_kept": False}

    def _take(self, rows: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        taken = [self.picture(row) for row in rows]
        return np.stack([p for p, _ in taken]), np.stack([m for _, m in taken])

    def _pair(self, person: int, turn: int) -> tuple[int, int] | None:
        """The `turn`-th of someone's pairs, in an order that hops about; None after the last."""
        rows = self._of[person]
        count = len(rows)
        if turn >= count * (count - 1):
            return None
        order = np.random.default_rng([person, count]).permutation(count * (count - 1))
        a, b = divmod(int(order[turn]), count - 1)
        return int(rows[a]), int(rows[b + (b >= a)])


def synthetic_pairs(
    folders: Sequence[Path | str] | Path | str, split: str, size: tuple[int, int]
) -> PersonPairs:
    """Pairs of synthetic people with exact masks.

    Args:
        folders: pairs128 or pairs256 sets written by `python -m trainer data synth`.
        split: "train", "validation" or "test"; nobody is in two of them.
        size: height, width px to work at; pictures of another size are scaled.
    """
    _check_split(split)
    known = SyntheticSet(folders, split, ("jpg", "mask.png"))
    labels = known.columns("outfit_id", "keypoints", "size")
    sizes = labels["size"].astype(np.float64)  # width, height
    height, width = size
    odd = np.abs(sizes[:, 0] / sizes[:, 1] * height / width - 1) > _ASPECT_SLACK
    if odd.any():
        w, h = (int(v) for v in sizes[np.argmax(odd)])
        raise DataError(
            f"{known.folders[0]} holds pictures of {w}x{h} px, which do not fit into {width}x"
            f"{height}: draw a set pairs128 or pairs256."
        )
    scale = np.array([width, height]) / sizes
    keypoints = scaled_keypoints(labels["keypoints"].astype(np.float32), scale[:, None])
    return PersonPairs(
        "+".join(folder.name for folder in known.folders),
        size,
        keypoints,
        labels["outfit_id"],
        _Synthetic(known, size),
        masks_exact=True,
        names=[str(number) for number in known.numbers],
    )


@dataclass(frozen=True)
class _Synthetic:
    of: SyntheticSet
    size: tuple[int, int]

    def __call__(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        sample = self.of[row]
        if sample.mask is None:
            raise DataError(f"{self.of.folders[0]} has no masks: draw the set again.")
        return scaled(sample.image, self.size), scaled(sample.mask, self.size)


def scaled(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A picture or mask at another size (height, width); averaged where it shrinks."""
    if picture.shape[:2] == size:
        return picture
    way = cv2.INTER_AREA if size[0] < picture.shape[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size[::-1], interpolation=way))


def scaled_keypoints(keypoints: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Keypoints of a scaled picture: (...,17,3), pixel centres at integers, by (...,2) x, y."""
    out = keypoints.astype(np.float32).copy()
    out[..., :2] = (keypoints[..., :2] + 0.5) * scale - 0.5
    out[out[..., 2] <= 0] = 0.0
    return out


def mirrored_keypoints(keypoints: np.ndarray, width: int) -> np.ndarray:
    """Keypoints of a mirrored picture: (...,17,3), left and right joints exchanged."""
    out = keypoints[..., _SWAPPED, :].copy()
    out[..., 0] = np.where(out[..., 2] > 0, width - 1 - out[..., 0], 0.0)
    return out


def _mirrored(batch: PairBatch, chosen: np.ndarray) -> PairBatch:
    """The batch with the chosen pairs mirrored, both pictures of each."""
    width = batch.source.shape[2]
    for pictures in (batch.source, batch.target, batch.source_mask, batch.target_mask):
        pictures[chosen] = pictures[chosen][:, :, ::-1]
    for points in (batch.source_keypoints, batch.target_keypoints):
        points[chosen] = mirrored_keypoints(points[chosen], width)
    return batch


def _groups(people: np.ndarray) -> list[np.ndarray]:
    """Rows by person, people in their sorted order."""
    _, which = np.unique(people, return_inverse=True)
    order = np.argsort(which, kind="stable")
    return np.split(order, np.cumsum(np.bincount(which))[:-1])


def _check_split(split: str) -> None:
    if split not in SPLITS:
        raise DataError(f"There is no split {split}: choose {', '.join(SPLITS)}.")
