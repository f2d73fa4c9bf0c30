"""A strip of key poses: what a document keeps of a motion, and how its time passes."""

from __future__ import annotations

import heapq
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from poseapp.core import motion
from poseapp.core.errors import PoseError
from poseapp.core.pose import Pose2D, Pose3D

FRAME_RATES = (12, 24, 30)
SLERP, LATENT = "slerp", "latent"
BETWEENS = (SLERP, LATENT)
"""What lies between two key poses: angles that turn evenly, or the way through the latent space."""
SHORTEST_S, LONGEST_S = 0.02, 60.0
STEP_S = 0.5
MOST_KEYS = 500


@dataclass(frozen=True)
class KeyPose:
    """A pose of a strip.

    Attributes:
        pose: px of the canvas.
        duration_s: from here to the next key; of the last one, back to the first in a loop.
        easing: of `motion.EASINGS`, for that way.
    """

    pose: Pose2D
    duration_s: float = STEP_S
    easing: str = "smooth"
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])


@dataclass(frozen=True)
class PoseSequence:
    """Key poses in their order.

    Attributes:
        fps: frames a second when it is played or written.
        loop: goes back to the first pose after the last one.
        between: one of `BETWEENS`.
    """

    keys: tuple[KeyPose, ...] = ()
    fps: int = 24
    loop: bool = True
    between: str = SLERP

    @property
    def length_s(self) -> float:
        """How long one round takes; 0 for fewer than two poses."""
        return self.starts[-1] if len(self.keys) > 1 else 0.0

    @property
    def starts(self) -> list[float]:
        """When each key comes, s; and last, in a loop, when it is at the first key again."""
        ends = np.cumsum([0.0, *(key.duration_s for key in self.keys)])
        loops = self.loop and len(self.keys) > 1
        return [float(at) for at in (ends if loops else ends[: max(len(self.keys), 1)])]

    @property
    def fits(self) -> bool:
        """There is something to play: two poses or more."""
        return len(self.keys) > 1

    @property
    def strip(self) -> list[motion.Key]:
        """The keys in their time; in a loop the first one comes again at the end."""
        keys = [*self.keys, self.keys[0]] if self.loop and len(self.keys) > 1 else list(self.keys)
        times = zip(keys, self.starts, strict=False)
        return [motion.Key(key.pose, at, key.easing) for key, at in times]

    @property
    def steps(self) -> list[tuple[KeyPose, KeyPose]]:
        """Each key with the one that it leads to."""
        keys = [*self.keys, self.keys[0]] if self.loop and len(self.keys) > 1 else list(self.keys)
        return list(pairwise(keys))

    def step_at(self, time_s: float) -> tuple[int, float]:
        """(number of the step, eased share of it that has passed) at a time within the length."""
        starts = self.starts
        if len(starts) < 2:
            return 0, 0.0
        time_s = min(max(time_s, 0.0), starts[-1])
        number = min(int(np.searchsorted(starts, time_s, side="right")) - 1, len(starts) - 2)
        span = max(starts[number + 1] - starts[number], 1e-9)
        share = motion.EASINGS[self.keys[number].easing]((time_s - starts[number]) / span)
        return number, float(share)

    def times(self, fps: float | None = None) -> np.ndarray:
        """(F,) s of the frames; a loop does not show its first pose twice.

        Raises:
            PoseError: no keys, no frame rate, or too many frames.
        """
        found = motion.times(self.strip, self.fps if fps is None else fps)
        return found[:-1] if self.loop and len(found) > 1 and self._closes(found) else found

    def _closes(self, times: np.ndarray) -> bool:
        return bool(times[-1] >= self.length_s - 1e-6)

    def place(self, key_id: str) -> int:
        """Where a key is; KeyError when there is none of that id."""
        for place, key in enumerate(self.keys):
            if key.id == key_id:
                return place
        raise KeyError(key_id)

    def with_key(self, key: KeyPose) -> PoseSequence:
        """Replace the key of the same id."""
        keys = list(self.keys)
        keys[self.place(key.id)] = key
        return replace(self, keys=tuple(keys))

    def inserted(self, key: KeyPose, place: int | None = None) -> PoseSequence:
        """With one more key; at the end if `place` is None."""
        at = len(self.keys) if place is None else place
        return replace(self, keys=(*self.keys[:at], key, *self.keys[at:]))

    def moved(self, key_id: str, place: int) -> PoseSequence:
        """With a key in another place of the order."""
        keys = list(self.keys)
        key = keys.pop(self.place(key_id))
        keys.insert(min(max(place, 0), len(keys)), key)
        return replace(self, keys=tuple(keys))

    def without(self, ids: Iterable[str]) -> PoseSequence:
        """Without some keys."""
        gone = set(ids)
        return replace(self, keys=tuple(key for key in self.keys if key.id not in gone))


@dataclass(frozen=True)
class Way:
    """What lies between a key and the next one.

    Attributes:
        poses: two or more in even steps; the first and the last are the keys.
        figures: the lift of each of `poses`; empty where nobody lifted them.
    """

    poses: tuple[Pose2D, ...]
    figures: tuple[Pose3D, ...] = ()

    def at(self, share: float) -> Frame:
        """What there is at a share of the way, 0 to 1."""
        number, rest = self._place(share)
        pose = motion.between(self.poses[number], self.poses[number + 1], rest)
        if not self.figures:
            return Frame(pose)
        one, other = self.figures[number : number + 2]
        return Frame(pose, motion.between_3d(one, other, rest))

    def pose_at(self, share: float) -> Pose2D:
        """The pose alone."""
        number, rest = self._place(share)
        return motion.between(self.poses[number], self.poses[number + 1], rest)

    def _place(self, share: float) -> tuple[int, float]:
        along = min(max(share, 0.0), 1.0) * (len(self.poses) - 1)
        number = min(int(along), len(self.poses) - 2)
        return number, along - number


@dataclass(frozen=True)
class Frame:
    """A moment of a sequence; `figure` where the way was lifted."""

    pose: Pose2D
    figure: Pose3D | None = None


def flat_ways(sequence: PoseSequence) -> tuple[Way, ...]:
    """The ways of a sequence with angles that turn evenly; nothing is lifted."""
    return tuple(Way((one.pose, other.pose)) for one, other in sequence.steps)


def frame_at(
    sequence: PoseSequence, ways: Sequence[Way], time_s: float, solid: bool = True
) -> Frame:
    """A moment of a sequence.

    Args:
        ways: of its steps.
        solid: with the figure, where there is one.
    Raises:
        PoseError: there is no key.
    """
    if not sequence.keys:
        raise PoseError("There is no pose on the strip: add one first.")
    if not ways:
        return Frame(sequence.keys[0].pose)
    number, share = sequence.step_at(time_s)
    return ways[number].at(share) if solid else Frame(ways[number].pose_at(share))


def thinned(
    poses: Sequence[Pose2D], fps: float, most: int = 48, tolerance: float = 0.02
) -> tuple[KeyPose, ...]:
    """Key poses that stand for a motion: where it turns, not at every frame.

    What lies between them on straight lines stays within a few hundredths of the person's size of
    the motion, or as near as `most` keys can bring it.

    Args:
        poses: one a frame.
        fps: frames a second of the motion.
        tolerance: share of the person's size.
    Raises:
        PoseError: there is no pose.
    """
    if not poses:
        raise PoseError("The motion shows nobody.")
    points = np.stack([pose.keypoints for pose in poses])  # (F, 17, 2)
    there = np.stack([pose.present for pose in poses])
    sizes = [max(pose.bounds[2:]) for pose in poses if pose.bounds is not None]
    size = max(float(np.median(sizes)) if sizes else 1.0, 1e-6)
    chosen = _turning(points, there, tolerance * size, most)
    ends = [*chosen[1:], chosen[-1] + round(STEP_S * fps)]
    return tuple(
        KeyPose(poses[at], float(np.clip((end - at) / fps, SHORTEST_S, LONGEST_S)), "linear")
        for at, end in zip(chosen, ends, strict=True)
    )


def _turning(points: np.ndarray, there: np.ndarray, tolerance_px: float, most: int) -> list[int]:
    """Frames between which straight lines keep near the motion, the worst places first.

    As Douglas and Peucker have it, but in an order that makes the best of a limited number.
    """
    chosen = {0, len(points) - 1}
    waiting = _worst(points, there, 0, len(points) - 1)
    while waiting and len(chosen) < most:
        gap, at, first, last = heapq.heappop(waiting)
        if -gap <= tolerance_px:
            break
        chosen.add(at)
        for part in (_worst(points, there, first, at), _worst(points, there, at, last)):
            for entry in part:
                heapq.heappush(waiting, entry)
    return sorted(chosen)


def _worst(
    points: np.ndarray, there: np.ndarray, first: int, last: int
) -> list[tuple[float, int, int, int]]:
    """(negative px, frame, first, last): where a straight line is farthest from the motion."""
    if last - first < 2:
        return []
    share = ((np.arange(first, last + 1) - first) / (last - first))[:, None, None]
    straight = (1.0 - share) * points[first] + share * points[last]
    gap = np.linalg.norm(points[first : last + 1] - straight, axis=-1)
    both = there[first : last + 1] & there[first] & there[last]
    worst = np.where(both, gap, 0.0).max(1)[1:-1]
    at = int(worst.argmax())
    return [(-float(worst[at]), first + 1 + at, first, last)]
