"""From joint positions to bone rotations: every limb points where it was captured. Torch-free.

Positions say nothing of twist. Elbows and knees are hinges, so a bent limb's plane gives the twist
of its upper bone; a straight one keeps the twist that swinging it there the short way leaves.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from trainer.data import mocap
from trainer.synthetic.turns import (
    about,
    aligning,
    cross,
    frame,
    length,
    ramp,
    rotation_of,
    unit,
    vector_of,
)
from trainer.synthetic.types import Assets

_J = {name: i for i, name in enumerate(mocap.JOINTS)}
_X, _Y, _Z = np.eye(3)

SPINE = {"spine05": 0.12, "spine04": 0.3, "spine03": 0.55, "spine02": 0.85, "spine01": 1.0}
NECK = {"neck01": 0.2, "neck02": 0.45, "neck03": 0.7, "head": 1.0}
"""How much of the turn from pelvis to chest, and from chest to head, each bone has made."""

# How the captured skeleton leans where a walking person is upright: degrees about +x, measured as
# the mean of all walking clips (pelvis to torso, torso to neck, neck to top of the head).
_PELVIS_LEAN, _CHEST_LEAN, _HEAD_LEAN = -4.9, 1.6, 6.5
_TRUNK_STEPS = 4
_SHOULDER_MEAN = np.array([0.998, 0.033, -0.06])  # neck to left shoulder in the chest's frame
_CLAVICLE_FOLLOWS = 0.7
_CLAVICLE_DROPS, _ARM_AT_REST_RAD = 0.2, -0.75
_CLAVICLE_RISES = 0.22  # of the arm's rise above the horizontal
_CLAVICLE_MOST = np.radians(24.0)

_HINGE_FROM, _HINGE_TO = np.radians(12.0), np.radians(38.0)  # bends: no hinge yet, all hinge
_TWIST_SHARE = 0.5  # of an upper limb's twist that its first bone takes
_ARM_TWIST = (np.radians(-80.0), np.radians(95.0))  # inwards is positive for the left arm
_LEG_TWIST = (np.radians(-50.0), np.radians(50.0))
_BEYOND = (np.radians(125.0), np.radians(165.0))  # a hinge axis that far off is bent backwards
_DORSAL, _PLANTAR, _ROLL = np.radians(28.0), np.radians(42.0), np.radians(18.0)
_TOES = np.radians(45.0)
_AIR_PLANTAR = np.radians(14.0)
_STANDS_MM, _LIFTED_MM = 35.0, 150.0  # an ankle above the lower one: on the floor, off it
_FOREARM_SHARE = {"lowerarm01": 0.35, "lowerarm02": 1.0}


@dataclass
class Turned:
    """The rotations found so far. world: (B,3,3), what every bone has turned in all."""

    index: dict[str, int]
    parent: np.ndarray
    world: np.ndarray
    known: np.ndarray

    def turn(self, name: str, rotation: np.ndarray) -> None:
        """Set a bone's whole turn; bones that the rig lacks are passed over."""
        b = self.index.get(name)
        if b is not None:
            self.world[b], self.known[b] = rotation, True

    def of(self, name: str, fallback: np.ndarray) -> np.ndarray:
        b = self.index.get(name)
        return self.world[b] if b is not None and self.known[b] else fallback

    def local(self) -> np.ndarray:
        """(B,3,3) float32 relative to the parent; bones not set turn with their parents."""
        above = np.empty_like(self.world)
        for b, p in enumerate(self.parent):
            above[b] = np.eye(3) if p < 0 else self.world[p]
            if not self.known[b]:
                self.world[b] = above[b]
        return (above.transpose(0, 2, 1) @ self.world).astype(np.float32)


def swing(
    assets: Assets,
    heads: np.ndarray,
    tails: np.ndarray,
    joints: np.ndarray,
    rng: np.random.Generator | None = None,
) -> np.ndarray:
    """Rotations that pose a figure like captured joints.

    Args:
        assets: for the names and parents of the bones.
        heads, tails: (B,3) mm, the dressed figure's bones at rest.
        joints: (17,3) float, mm, y up, in the order of `trainer.data.mocap.JOINTS`.
        rng: varies what positions leave open (how palms turn, the lean of a resting foot).
    Returns:
        (B,3,3) float32; the root's holds the heading.
    """
    joints = np.asarray(joints, np.float64)
    heads = np.asarray(heads, np.float64)
    rig = assets.rig
    index = {name: b for b, name in enumerate(rig.names)}
    count = len(rig.names)
    turned = Turned(index, rig.parent, np.zeros((count, 3, 3)), np.zeros(count, bool))
    pelvis, chest = _trunk(turned, heads, joints)
    for side in ("L", "R"):
        _arm(turned, heads, joints, side, chest, rng)
    feet = {side: _leg(turned, heads, joints, side, pelvis) for side in ("L", "R")}
    floor = min(joints[_J["L_Ankle"], 1], joints[_J["R_Ankle"], 1])
    for side in ("L", "R"):
        height = joints[_J[f"{side}_Ankle"], 1] - floor
        _foot(turned, side, feet[side], joints, height, rng)
    return turned.local()


def _trunk(turned: Turned, heads: np.ndarray, joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    at = {name: joints[i] for name, i in _J.items()}
    hips, shoulders = at["L_Hip"] - at["R_Hip"], at["L_Shoulder"] - at["R_Shoulder"]
    low, high = unit(at["Torso"] - at["Pelvis"]), unit(at["Neck"] - at["Torso"])
    aim = unit(at["L_Shoulder"] + at["R_Shoulder"] - at["L_Hip"] - at["R_Hip"])
    links = _links(turned.index, heads)
    # The captured spine is two straight pieces and the figure's is a curve: both ends lean until
    # the shoulders stand over the hips as captured.
    for _ in range(_TRUNK_STEPS):
        pelvis = frame(hips, low) @ about(_X, -np.radians(_PELVIS_LEAN))
        chest = frame(shoulders, high) @ about(_X, -np.radians(_CHEST_LEAN))
        between = vector_of(pelvis.T @ chest)
        reach = sum((pelvis @ rotation_of(between * t) @ v for t, v in links), np.zeros(3))
        low, high = low + aim - unit(reach), high + aim - unit(reach)
    turned.turn("root", pelvis)
    _spread(turned, SPINE, pelvis, chest)
    skull = unit(at["Head"] - at["Neck"])
    front = at["Nose"] - at["Neck"]
    front = front - (front @ skull) * skull
    # A nose on the line from neck to crown tells nothing: then the head looks where the chest does.
    sure = ramp(length(front), 8.0, 25.0)
    front = sure * unit(front) + (1.0 - sure) * chest[:, 2]
    head = frame(cross(skull, front), skull) @ about(_X, -np.radians(_HEAD_LEAN))
    between = vector_of(chest.T @ head)
    size = length(between)
    most = np.radians(75.0)
    if size > most:
        head = chest @ rotation_of(between * (most / size))
    _spread(turned, NECK, chest, head)
    return pelvis, chest


def _links(index: dict[str, int], heads: np.ndarray) -> list[tuple[float, np.ndarray]]:
    """From the middle of the hips to that of the shoulders: (share of the turn, (3,) mm)."""
    hips = (heads[index["upperleg01.L"]] + heads[index["upperleg01.R"]]) / 2
    shoulders = (heads[index["upperarm01.L"]] + heads[index["upperarm01.R"]]) / 2
    there = [name for name in SPINE if name in index]
    stops = [hips, *(heads[index[name]] for name in there), shoulders]
    shares = [0.0, *(SPINE[name] for name in there[:-1]), 1.0]
    return [(t, b - a) for t, (a, b) in zip(shares, pairwise(stops), strict=True)]


def _spread(turned: Turned, shares: dict[str, float], start: np.ndarray, end: np.ndarray) -> None:
    between = vector_of(start.T @ end)
    there = [name for name in shares if name in turned.index]
    for name in there:
        share = 1.0 if name == there[-1] else shares[name]
        turned.turn(name, start @ rotation_of(between * share))


def _arm(
    turned: Turned,
    heads: np.ndarray,
    joints: np.ndarray,
    side: str,
    chest: np.ndarray,
    rng: np.random.Generator | None,
) -> None:
    sign = 1.0 if side == "L" else -1.0
    shoulder, elbow, wrist = (joints[_J[f"{side}_{n}"]] for n in ("Shoulder", "Elbow", "Wrist"))
    upper, lower = unit(elbow - shoulder), unit(wrist - elbow)
    mean = _SHOULDER_MEAN * np.array([sign, 1.0, 1.0])
    seen = chest.T @ (shoulder - joints[_J["Neck"]])
    follow = vector_of(aligning(mean, seen)) * _CLAVICLE_FOLLOWS
    rise = float(np.arcsin(np.clip(upper @ chest[:, 1], -1.0, 1.0)))
    below = min(0.0, rise - _ARM_AT_REST_RAD)  # a hanging arm draws its shoulder down
    follow = follow + _Z * (sign * (_CLAVICLE_RISES * max(rise, 0.0) + _CLAVICLE_DROPS * below))
    follow *= min(1.0, _CLAVICLE_MOST / max(length(follow), 1e-9))
    clavicle = chest @ rotation_of(follow)
    turned.turn(f"clavicle.{side}", clavicle)
    turned.turn(f"shoulder01.{side}", clavicle)
    rest = [heads[turned.index[f"{n}.{side}"]] for n in ("upperarm01", "lowerarm01", "wrist")]
    rest_upper, rest_lower = rest[1] - rest[0], rest[2] - rest[1]
    hinge = cross(rest_upper, rest_lower)
    if length(hinge) < 0.05 * length(rest_upper) * length(rest_lower):
        hinge = cross(rest_upper, _Z)  # a rest pose with straight arms: they bend forwards
    start = aligning(chest @ rest_upper, upper, chest[:, 2]) @ chest
    twist = _hinge_twist(start @ unit(hinge), upper, lower)
    low, high = _ARM_TWIST if side == "L" else (-_ARM_TWIST[1], -_ARM_TWIST[0])
    twist = min(max(twist, low), high)
    whole = _twisted(turned, heads, "upperarm", side, start, upper, twist, rest[1])
    fore = aligning(whole @ rest_lower, lower) @ whole
    palm = 0.0 if rng is None else float(rng.normal(0.0, np.radians(14.0)))
    for name, share in _FOREARM_SHARE.items():
        b = turned.index.get(f"{name}.{side}")
        if b is not None:
            axis = unit(fore @ (rest[2] - heads[b]))
            turned.turn(f"{name}.{side}", about(axis, sign * palm * share) @ fore)
    hand = about(lower, sign * palm) @ fore
    if rng is not None:
        bend = rng.normal(0.0, np.radians([8.0, 4.0, 6.0]))
        hand = hand @ rotation_of(bend)
    turned.turn(f"wrist.{side}", hand)


def _leg(
    turned: Turned, heads: np.ndarray, joints: np.ndarray, side: str, pelvis: np.ndarray
) -> np.ndarray:
    hip, knee, ankle = (joints[_J[f"{side}_{n}"]] for n in ("Hip", "Knee", "Ankle"))
    upper, lower = unit(knee - hip), unit(ankle - knee)
    rest = [heads[turned.index[f"{n}.{side}"]] for n in ("upperleg01", "lowerleg01", "foot")]
    rest_upper, rest_lower = rest[1] - rest[0], rest[2] - rest[1]
    hinge = unit(_X - (_X @ unit(rest_upper)) * unit(rest_upper))
    turned.turn(f"pelvis.{side}", pelvis)
    start = aligning(pelvis @ rest_upper, upper, pelvis[:, 0]) @ pelvis
    twist = _hinge_twist(start @ hinge, upper, lower)
    twist = min(max(twist, _LEG_TWIST[0]), _LEG_TWIST[1])
    whole = _twisted(turned, heads, "upperleg", side, start, upper, twist, rest[1])
    shin = aligning(whole @ rest_lower, lower) @ whole
    turned.turn(f"lowerleg01.{side}", shin)
    turned.turn(f"lowerleg02.{side}", shin)
    return shin


def _hinge_twist(axis: np.ndarray, upper: np.ndarray, lower: np.ndarray) -> float:
    """The twist about `upper` that turns a hinge axis to the bent limb's normal, less if straight.

    Args:
        axis: (3,) where the hinge is without twist; upper, lower: (3,) unit.
    """
    normal = cross(upper, lower)
    sine, cosine = length(normal), float(upper @ lower)
    axis = axis - (axis @ upper) * upper
    twist = float(np.arctan2(cross(axis, normal) @ upper, axis @ normal))
    bent = ramp(float(np.arctan2(sine, cosine)), _HINGE_FROM, _HINGE_TO)
    return twist * bent * (1.0 - ramp(abs(twist), *_BEYOND))


def _twisted(
    turned: Turned,
    heads: np.ndarray,
    limb: str,
    side: str,
    start: np.ndarray,
    upper: np.ndarray,
    twist: float,
    rest_end: np.ndarray,
) -> np.ndarray:
    """Set the two bones of an upper limb; the second one's axis stays, so that its end does."""
    second = turned.index.get(f"{limb}02.{side}")
    if second is None:
        whole = about(upper, twist) @ start
        turned.turn(f"{limb}01.{side}", whole)
        return whole
    first = about(upper, twist * _TWIST_SHARE) @ start
    turned.turn(f"{limb}01.{side}", first)
    axis = unit(first @ (rest_end - heads[second]))
    whole = about(axis, twist * (1.0 - _TWIST_SHARE)) @ first
    turned.turn(f"{limb}02.{side}", whole)
    return whole


def _foot(
    turned: Turned,
    side: str,
    shin: np.ndarray,
    joints: np.ndarray,
    height: float,
    rng: np.random.Generator | None,
) -> None:
    leg = joints[_J[f"{side}_Ankle"]] - joints[_J[f"{side}_Knee"]]
    down = -float(unit(leg)[1])
    stands = (1.0 - ramp(height, _STANDS_MM, _LIFTED_MM)) * ramp(down, 0.25, 0.6)
    front = shin[:, 2] - shin[1, 2] * _Y
    flat = frame(cross(_Y, front), _Y) if front @ front > 1e-4 else shin
    need = vector_of(shin.T @ flat)  # in the shin's axes: +x lowers the toes
    pitch = min(max(need[0], -_DORSAL), _PLANTAR)
    roll = min(max(need[2], -_ROLL), _ROLL)
    hang = _AIR_PLANTAR + (0.0 if rng is None else float(rng.normal(0.0, np.radians(6.0))))
    vector = np.array([stands * pitch + (1.0 - stands) * hang, 0.0, stands * roll])
    foot = shin @ rotation_of(vector)
    turned.turn(f"foot.{side}", foot)
    # The heel of a foot that cannot bend any further rises, and its toes stay on the floor.
    toes = stands * min(max(pitch - need[0], 0.0), _TOES)
    bent = foot @ about(_X, -toes)
    for name in turned.index:
        if name.startswith("toe") and name.endswith(f"-1.{side}"):
            turned.turn(name, bent)
