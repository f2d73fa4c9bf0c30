"""Where poses come from: motion capture, lifted photographs, the rig's own, written ones.

Torch-free, but for the one time that photographs are lifted.
"""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from trainer.data import mocap
from trainer.errors import DataError
from trainer.synthetic import collisions, lifted, limits, written_poses
from trainer.synthetic.body import shape
from trainer.synthetic.collisions import Capsules
from trainer.synthetic.faces import with_face
from trainer.synthetic.person import Body
from trainer.synthetic.posing import Posing
from trainer.synthetic.rig import bone_positions
from trainer.synthetic.swing import swing
from trainer.synthetic.types import Assets, Rig

SOURCES = ("mocap", "walking", "standing", "sitting", "coco", "rig", "written", "perturbed")
"""walking: calm steps of motion capture, or written ones; standing: the captured, the rig's and the
written ones that stand upright; sitting: lifted, captured and written people with level thighs;
perturbed: any of the others with every joint moved a little."""

_MIX = {
    "mocap": 0.28,
    "walking": 0.17,
    "standing": 0.10,
    "sitting": 0.05,
    "coco": 0.13,
    "rig": 0.04,
    "written": 0.06,
    "perturbed": 0.17,
}
_WALKS = re.compile(r"\b(walk|stroll|march|start walk|navigate)", re.I)
_SHARE_POWER = 0.6  # an action's share of the frames to this power: salsa would rule otherwise
_UNSTABLE = ("fly01", "fly02", "benchmark")  # in the air or a test of the rig: drawn seldom
_PERTURBED = (0.4, 1.2)
_CALM = ("standing01", "standing02", "standing03", "standing04")  # the rig's that just stand
_CAPTURED_STANDING = 0.5  # or sitting
_LIFTED_SITTING = 0.7
_FEWEST = 50  # captured poses of a kind; fewer would be seen again and again
_LOOSENED = 0.6  # the most that a pose which is always the same is changed
_TRIES = 8

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class _Clips:
    """Captured poses.

    Attributes:
        poses: (N,17,3) float32 mm.
        name: (N,) their actions.
        chance: by source, (N,) float64 that sum up the weights; sources without poses are absent.
    """

    poses: np.ndarray
    name: np.ndarray
    chance: dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class PoseBank:
    """Draws poses for a rig. Open one with `PoseBank.open`.

    Attributes:
        assets: whose rig, and whose poses.
        data: the folder that holds `mocap/` and `coco/`; None for neither.
        split: "train", "validation" or "test": which recordings and photographs count.
        cache: where lifted photographs are kept; None takes the user's cache folder.
        lifted_people: by split (N,17,3) mm, who is taken instead of whom `data` would give; empty
            for nobody, None looks there.
        heads, tails: (B,3) mm, an average adult's bones, for poses drawn for nobody in particular.
    """

    assets: Assets
    data: Path | None
    split: str
    cache: Path | None
    lifted_people: Mapping[str, np.ndarray] | None = field(repr=False)
    heads: np.ndarray = field(repr=False)
    tails: np.ndarray = field(repr=False)

    @classmethod
    def open(
        cls,
        assets: Assets,
        data: Path | str | None = None,
        *,
        split: str = "train",
        cache: Path | None = None,
        lifted_people: Mapping[str, np.ndarray] | None = None,
    ) -> "PoseBank":
        """A bank of all that is there; files are read when first drawn from."""
        if split not in ("train", "validation", "test"):
            raise DataError(f"There is no split called {split}: use train, validation or test.")
        heads, tails = bone_positions(assets.rig, shape(assets, Body()))
        root = None if data is None else Path(data)
        return cls(assets, root, split, cache, lifted_people, heads, tails)

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """The sources that have poses here."""
        there = {"walking", "standing", "sitting", "written", "perturbed"}
        if self._clips is not None:
            there.add("mocap")
        if self._has_people:
            there.add("coco")
        if self.assets.poses:
            there.add("rig")
        return tuple(s for s in SOURCES if s in there)

    @cached_property
    def _has_people(self) -> bool:
        if self.lifted_people is not None:
            return len(self.lifted_people.get(self.split, ())) > 0
        if self.data is None:
            return False
        why = lifted.absent(self.data)
        if why:
            _log.warning("Nobody stands as in photographs: %s.", why)
        return not why

    def sample(
        self,
        rng: np.random.Generator,
        source: str | None = None,
        *,
        heads: np.ndarray | None = None,
        tails: np.ndarray | None = None,
        capsules: Capsules | None = None,
    ) -> Posing:
        """Draw a pose that faces +z, mirrored half of the time, with hands that do something.

        Poses that cut into the body are mended or drawn again.

        Args:
            source: one of `SOURCES`, None draws one. One without data draws from what is there.
            heads, tails: (B,3) mm, the bones of the figure to pose; None poses an average adult,
                which turns out within a few degrees on anybody.
            capsules: the figure's, of `collisions.measure`; None with `heads` checks nothing.
        """
        if source is not None and source not in SOURCES:
            raise DataError(f"There are no poses called {source}: use one of {', '.join(SOURCES)}.")
        if heads is None or tails is None:
            heads, tails, capsules = self.heads, self.tails, self._capsules
        if source not in self.sources:
            source = self._drawn_source(rng, self.sources)
        posing = self._posing(rng, source, heads, tails)
        for _ in range(_TRIES if capsules is not None else 0):
            assert capsules is not None
            mended = collisions.acceptable(capsules, self.assets.rig, heads, posing.rotations)
            if mended is not None:
                return Posing(mended, posing.source, posing.name)
            posing = self._posing(rng, source, heads, tails)
        return posing

    def _posing(
        self, rng: np.random.Generator, source: str, heads: np.ndarray, tails: np.ndarray
    ) -> Posing:
        if source == "perturbed":
            origin = self._drawn_source(rng, [s for s in self.sources if s != "perturbed"])
            rotations, name = self._draw(rng, origin, heads, tails)
            amount = float(rng.uniform(*_PERTURBED))
            rotations = limits.perturb(rng, rotations, self.assets.rig, heads, amount)
        else:
            rotations, name = self._draw(rng, source, heads, tails)
        if rng.random() < 0.5:
            rotations = mirrored(self.assets.rig, rotations)
        return Posing(rotations, source, name)

    def _drawn_source(self, rng: np.random.Generator, among: Sequence[str]) -> str:
        weight = np.array([_MIX[s] for s in among])
        return str(rng.choice(list(among), p=weight / weight.sum()))

    def _draw(
        self, rng: np.random.Generator, source: str, heads: np.ndarray, tails: np.ndarray
    ) -> tuple[np.ndarray, str]:
        own = list(self.assets.poses)
        clips = self._clips
        captured = clips is not None and source in clips.chance
        if captured and source in ("standing", "sitting"):
            captured = rng.random() < _CAPTURED_STANDING
        seated = source == "sitting" and not captured and rng.random() < _LIFTED_SITTING
        if captured and clips is not None:
            chance = clips.chance[source]
            row = int(np.searchsorted(chance, rng.random() * chance[-1], side="right"))
            row = min(row, len(chance) - 1)
            joints, name = clips.poses[row], str(clips.name[row])
        elif seated and len(self._seated):
            row = int(self._seated[rng.integers(len(self._seated))])
            joints, name = self._people[row], f"person {row}"
        elif source == "coco":
            row = int(rng.integers(len(self._people)))
            joints, name = self._people[row], f"person {row}"
        elif source == "rig" or (source == "standing" and rng.random() < 0.4):
            standing = [n for n in own if n in _CALM]
            names = standing if source == "standing" and standing else own
            if names:
                weight = np.array([0.1 if n in _UNSTABLE else 1.0 for n in names])
                name = str(rng.choice(names, p=weight / weight.sum()))
                rotations = np.array(self.assets.poses[name], np.float32)
                return self._loosened(rng, rotations, heads), name
            name = str(rng.choice(written_poses.STANDING))
            joints = written_poses.joints(written_poses.POSES[name])
        else:
            names = {
                "walking": list(written_poses.WALKING),
                "standing": list(written_poses.STANDING),
                "sitting": list(written_poses.SITTING),
            }.get(source, list(written_poses.POSES))
            name = str(rng.choice(names))
            joints = written_poses.joints(written_poses.POSES[name])
            rotations = swing(self.assets, heads, tails, joints, rng)
            rotations = self._loosened(rng, rotations, heads)
            return limits.hands(rng, rotations, self.assets.rig, heads, tails), name
        rotations = swing(self.assets, heads, tails, facing_front(joints), rng)
        return limits.hands(rng, rotations, self.assets.rig, heads, tails), name

    def _loosened(
        self, rng: np.random.Generator, rotations: np.ndarray, heads: np.ndarray
    ) -> np.ndarray:
        amount = float(rng.uniform(0.0, _LOOSENED))
        return limits.perturb(rng, rotations, self.assets.rig, heads, amount)

    @cached_property
    def _clips(self) -> _Clips | None:
        if self.data is None:
            return None
        try:
            poses = mocap.load(self.data, self.split)
        except DataError:
            return None
        actions = np.array(mocap.actions(self.data, poses.clip_ids))
        name = actions[poses.clip]
        weight = poses.weights().astype(np.float64)
        kind, index = np.unique(name, return_inverse=True)
        share = np.bincount(index, weight, len(kind))
        weight *= share[index] ** (_SHARE_POWER - 1.0)
        walks = np.array([bool(_WALKS.search(k)) for k in kind])[index]
        weights = {
            "mocap": weight,
            "walking": weight * (walks & _calm(poses.poses, 38.0, 75.0, 60.0)),
            "standing": weight * _calm(poses.poses, 15.0, 25.0, 55.0),
            "sitting": weight * _level_thighs(poses.poses),
        }
        chance = {k: np.cumsum(w) for k, w in weights.items() if (w > 0).sum() >= _FEWEST}
        return _Clips(poses.poses, name, chance)

    @cached_property
    def _capsules(self) -> Capsules:
        return collisions.measure(self.assets, shape(self.assets, Body()), self.heads, self.tails)

    @cached_property
    def _people(self) -> np.ndarray:
        if self.lifted_people is not None:
            return self.lifted_people[self.split]
        assert self.data is not None
        return lifted.load(self.data, self.split, self.cache)

    @cached_property
    def _seated(self) -> np.ndarray:
        """The rows of the lifted people who sit; none without photographs."""
        if not self._has_people:
            return np.zeros(0, np.int64)
        return np.flatnonzero(_level_thighs(np.asarray(self._people)))


def built_in(
    assets: Assets, name: str, heads: np.ndarray | None = None, tails: np.ndarray | None = None
) -> Posing:
    """A pose by name: one of `names(assets)`.

    Args:
        heads, tails: (B,3) mm, as for `PoseBank.sample`.
    """
    if name in written_poses.POSES:
        average = shape(assets, Body())
        bones = bone_positions(assets.rig, average)
        capsules = collisions.measure(assets, average, *bones) if heads is None else None
        heads, tails = bones if heads is None or tails is None else (heads, tails)
        joints = written_poses.joints(written_poses.POSES[name])
        rotations = swing(assets, heads, tails, joints)
        rng = np.random.Generator(np.random.PCG64(0))
        rotations = limits.hands(rng, rotations, assets.rig, heads, tails, "relaxed")
        if capsules is not None:
            rotations, _ = collisions.settle(capsules, assets.rig, heads, rotations)
        return Posing(rotations, "written", name)
    if name in assets.poses:
        return Posing(np.array(assets.poses[name], np.float32), "rig", name)
    known = ", ".join(names(assets))
    raise DataError(f"There is no pose called {name}: use one of {known}.")


def names(assets: Assets) -> tuple[str, ...]:
    """The poses that need no data: written ones, and the rig's."""
    return (*written_poses.POSES, *(n for n in assets.poses if n not in written_poses.POSES))


def _calm(poses: np.ndarray, thigh_deg: float, shin_deg: float, arm_deg: float) -> np.ndarray:
    """(N,) bool: upright people whose limbs hang down within some degrees.

    Args:
        poses: (N,17,3) mm, y up.
    """

    def tilt(start: str, end: str) -> np.ndarray:
        way = poses[:, mocap.JOINTS.index(end)] - poses[:, mocap.JOINTS.index(start)]
        return np.degrees(np.arctan2(np.hypot(way[:, 0], way[:, 2]), -way[:, 1]))

    calm = tilt("Neck", "Pelvis") < 14.0
    for side in "LR":
        calm &= tilt(f"{side}_Hip", f"{side}_Knee") < thigh_deg
        calm &= tilt(f"{side}_Knee", f"{side}_Ankle") < shin_deg
        calm &= tilt(f"{side}_Shoulder", f"{side}_Elbow") < arm_deg
    return calm


def _level_thighs(poses: np.ndarray) -> np.ndarray:
    """(N,) bool: people with an upright trunk, level thighs and shins that hang, as one sits.

    Args:
        poses: (N,17,3) mm, y up.
    """

    def fall(start: str, end: str) -> np.ndarray:
        way = poses[:, mocap.JOINTS.index(end)] - poses[:, mocap.JOINTS.index(start)]
        return np.asarray(-way[:, 1] / np.maximum(np.linalg.norm(way, axis=1), 1e-6))

    sits = fall("Neck", "Pelvis") > 0.8
    for side in "LR":
        sits &= np.abs(fall(f"{side}_Hip", f"{side}_Knee")) < 0.5
        sits &= fall(f"{side}_Knee", f"{side}_Ankle") > 0.6
    return np.asarray(sits)


@lru_cache(maxsize=4)
def _opposite(names: tuple[str, ...]) -> np.ndarray:
    """(B,) int64, the bone of the other side, or the bone itself."""
    index = {name: b for b, name in enumerate(names)}
    swap = {"L": "R", "R": "L"}
    found = []
    for bone, name in enumerate(names):
        stem, _, side = name.rpartition(".")
        found.append(index.get(f"{stem}.{swap[side]}", bone) if side in swap else bone)
    return np.array(found)


def facing_front(joints: np.ndarray) -> np.ndarray:
    """Joints turned about the vertical until the hips face +z.

    Args:
        joints: (17,3) mm, y up, pelvis at the origin.
    """
    left, right = mocap.JOINTS.index("L_Hip"), mocap.JOINTS.index("R_Hip")
    x, _, z = np.asarray(joints[left] - joints[right], np.float64)
    size = max(float(np.hypot(x, z)), 1e-9)
    c, s = x / size, z / size
    return joints @ np.array([[c, 0.0, -s], [0.0, 1.0, 0.0], [s, 0.0, c]])


def mirrored(rig: Rig, rotations: np.ndarray) -> np.ndarray:
    """The pose that a mirror shows: left and right bones change places.

    Args:
        rotations: (B,3,3).

    Returns:
        (B,3,3) float32.
    """
    other = _opposite(rig.names)
    flip = np.array([-1.0, 1.0, 1.0], np.float32)
    return (np.asarray(rotations, np.float32)[other] * flip[:, None] * flip).astype(np.float32)


__all__ = ["SOURCES", "PoseBank", "Posing", "built_in", "mirrored", "names", "with_face"]
