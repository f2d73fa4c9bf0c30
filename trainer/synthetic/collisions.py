"""Arms and legs that cut into the body: found, and mended where a little swing is enough.

A body is taken as a few capsules as thick as its skin. How deep they overlap at rest (thighs that
touch) counts nothing. An arm that is too deep is swung straight out of what it cuts into, so that
crossed arms stay crossed. Torch-free.
"""

from dataclasses import dataclass

import numba
import numpy as np

from trainer.synthetic.rig import transforms
from trainer.synthetic.turns import cross, length, rotation_of, unit
from trainer.synthetic.types import Assets, Rig

DEEPEST_MM = 28.0
"""What `acceptable` lets pass: that much vanishes in flesh and cloth."""
_MENDED_MM = 110.0  # what is deeper than that is not an arm that lies on the body
_TOUCH_MM = 6.0  # an arm that was mended sinks in by so much
_ROUNDS = 10
_STEP_RAD = 0.3
_MOST_RAD = 0.6

_TORSO = ("root", "pelvis", "spine", "breast", "clavicle", "shoulder")
_SLAB_MM = 28.0
_ARM, _CORE, _LEG = 0, 1, 2


@dataclass(frozen=True, eq=False)
class Capsules:
    """A body of capsules at rest.

    Attributes:
        bone: (n,) int64, which bone carries a capsule.
        ends: (n,2,3) float64 mm at rest.
        radius: (n,) float64 mm.
        side: (n,) int64, 0 left, 1 right, -1 middle; kind: (n,) int64, arm, core or leg.
        pairs: (m,2) int64, capsules that must not meet, an arm's first.
        slack: (m,) float64 mm, how deep a pair overlaps at rest.
        shoulders: (2,) bones that swing the arms.
    """

    bone: np.ndarray
    ends: np.ndarray
    radius: np.ndarray
    side: np.ndarray
    kind: np.ndarray
    pairs: np.ndarray
    slack: np.ndarray
    shoulders: tuple[int, int]


def measure(
    assets: Assets,
    rest: np.ndarray,
    heads: np.ndarray,
    tails: np.ndarray,
    clothes_mm: float = 8.0,
) -> Capsules:
    """The capsules of a person: `measure(assets, character.rest, character.heads, ...)`.

    Args:
        rest: (V or more,3) mm, whose first V are the morphed base.
        heads, tails: (B,3) mm, the bones at rest.
        clothes_mm: how much thicker clothes make torso and legs.
    """
    rig = assets.rig
    vertices = np.unique(assets.body.vertex)
    points = np.asarray(rest, np.float64)[vertices]
    strongest = assets.bone[vertices, np.argmax(assets.bone_weight[vertices], axis=1)]
    heads, tails = np.asarray(heads, np.float64), np.asarray(tails, np.float64)
    index = {name: b for b, name in enumerate(rig.names)}
    found: list[tuple[int, np.ndarray, np.ndarray, float, int, int]] = []

    def add(bone: int, a: np.ndarray, b: np.ndarray, radius: float, side: int, kind: int) -> None:
        found.append((bone, a, b, radius, side, kind))

    def around(a: np.ndarray, b: np.ndarray, limb: tuple[str, ...], side: str) -> float:
        bones = [i for n, i in index.items() if n.startswith(limb) and n.endswith(f".{side}")]
        own = points[np.isin(strongest, bones)]
        if len(own) < 4:
            return 0.12 * float(np.linalg.norm(b - a))
        along = unit(b - a)
        off = own - a
        off = off - (off @ along)[:, None] * along
        return float(np.percentile(np.linalg.norm(off, axis=1), 45))

    torso_bones = [i for n, i in index.items() if n.startswith(_TORSO)]
    torso = points[np.isin(strongest, torso_bones)]
    spine = [n for n in ("spine05", "spine04", "spine03", "spine02", "spine01") if n in index]
    levels = [(index["root"], heads[index["upperleg01.L"], 1])]
    levels += [(index[n], (heads[index[n], 1] + tails[index[n], 1]) / 2) for n in spine]
    for bone, height in levels:
        slab = torso[np.abs(torso[:, 1] - height) < _SLAB_MM]
        if len(slab) < 6:
            continue
        wide = float(np.percentile(np.abs(slab[:, 0]), 92))
        back, front = np.percentile(slab[:, 2], [4, 92])
        radius = min((front - back) / 2, wide) * 0.95
        reach = np.array([max(wide - radius, 1.0), 0.0, 0.0])
        middle = np.array([0.0, height, (front + back) / 2])
        add(bone, middle - reach, middle + reach, radius + clothes_mm, -1, _CORE)
    head = index["head"]
    own = points[strongest == head]
    if len(own) >= 8:
        low, high = own.min(0), own.max(0)
        radius = float(min(high[0] - low[0], high[2] - low[2])) / 2 * 0.95
        middle = (low + high) / 2
        up = np.array([0.0, max((high[1] - low[1]) / 2 - radius, 1.0), 0.0])
        add(head, middle - up, middle + up, radius, -1, _CORE)
    for number, side in enumerate("LR"):
        at = {n: index[f"{n}.{side}"] for n in ("upperarm01", "lowerarm01", "wrist")}
        elbow, wrist = heads[at["lowerarm01"]], heads[at["wrist"]]
        shoulder = heads[at["upperarm01"]]
        # The half next to the shoulder is where an arm joins the chest.
        thick = around(shoulder, elbow, ("upperarm",), side)
        upper = index.get(f"upperarm02.{side}", at["upperarm01"])
        add(upper, shoulder + 0.6 * (elbow - shoulder), elbow, thick, number, _ARM)
        add(at["lowerarm01"], elbow, wrist, around(elbow, wrist, ("lowerarm",), side), number, _ARM)
        knuckles = index.get(f"finger3-2.{side}")
        tip = tails[at["wrist"]] if knuckles is None else heads[knuckles]
        tip = tip if np.linalg.norm(tip - wrist) > 30.0 else wrist + 90.0 * unit(wrist - elbow)
        add(at["wrist"], wrist + 0.3 * (tip - wrist), tip, 24.0, number, _ARM)
        legs = {n: index[f"{n}.{side}"] for n in ("upperleg01", "lowerleg01", "foot")}
        hip, knee, ankle = (heads[legs[n]] for n in ("upperleg01", "lowerleg01", "foot"))
        thick = around(hip, knee, ("upperleg",), side) + clothes_mm
        upper = index.get(f"upperleg02.{side}", legs["upperleg01"])
        add(upper, hip + 0.25 * (knee - hip), knee, thick, number, _LEG)
        thick = around(knee, ankle, ("lowerleg",), side)
        add(legs["lowerleg01"], knee, ankle, thick, number, _LEG)
        toe = index.get(f"toe3-1.{side}")
        front = tails[legs["foot"]] if toe is None else heads[toe]
        add(legs["foot"], ankle, front, 32.0, number, _LEG)
    carrier = np.array([f[0] for f in found], np.int64)
    ends = np.array([[f[1], f[2]] for f in found])
    radii = np.array([f[3] for f in found])
    sides = np.array([f[4] for f in found], np.int64)
    kinds = np.array([f[5] for f in found], np.int64)
    pairs = _pairs(sides, kinds)
    still = np.tile(np.eye(4, dtype=np.float32), (len(rig.names), 1, 1))
    depth, _, _ = _depths(carrier, ends, radii, pairs, still)
    shoulders = (index["upperarm01.L"], index["upperarm01.R"])
    slack = np.maximum(depth, 0.0)
    return Capsules(carrier, ends, radii, sides, kinds, pairs, slack, shoulders)


def _pairs(side: np.ndarray, kind: np.ndarray) -> np.ndarray:
    arms, legs, core = (np.flatnonzero(kind == k).tolist() for k in (_ARM, _LEG, _CORE))
    upper_arms = [next(a for a in arms if side[a] == s) for s in (0, 1)]
    found: list[tuple[int, int]] = []
    for a in arms:
        # An upper arm may press against the chest and the cheek: the last two of the core.
        found += [(a, b) for b in (core[:-2] if a in upper_arms else core)]
        found += [(a, b) for b in legs]
        found += [(a, b) for b in arms if side[a] == 0 and side[b] == 1]
    for a in legs:
        found += [(a, b) for b in legs if side[a] == 0 and side[b] == 1]
    return np.array(found, np.int64)


@numba.njit(cache=True, nogil=True)
def _depths(
    bone: np.ndarray, ends: np.ndarray, radius: np.ndarray, pairs: np.ndarray, bones: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How deep pairs overlap, (m,) mm; and the nearest points of both, (m,3) each."""
    placed = np.empty((len(bone), 2, 3))
    for c in range(len(bone)):
        m = bones[bone[c]]
        for e in range(2):
            for i in range(3):
                placed[c, e, i] = (
                    m[i, 0] * ends[c, e, 0]
                    + m[i, 1] * ends[c, e, 1]
                    + m[i, 2] * ends[c, e, 2]
                    + m[i, 3]
                )
    depth = np.empty(len(pairs))
    first = np.empty((len(pairs), 3))
    second = np.empty((len(pairs), 3))
    for p in range(len(pairs)):
        a, b = pairs[p, 0], pairs[p, 1]
        d1 = placed[a, 1] - placed[a, 0]
        d2 = placed[b, 1] - placed[b, 0]
        r = placed[a, 0] - placed[b, 0]
        aa, ee, f = np.sum(d1 * d1), np.sum(d2 * d2), np.sum(d2 * r)
        c, bb = np.sum(d1 * r), np.sum(d1 * d2)
        span = aa * ee - bb * bb
        s = 0.0
        if span > 1e-9 * aa * ee:
            s = min(max((bb * f - c * ee) / span, 0.0), 1.0)
        t = (bb * s + f) / max(ee, 1e-9)
        if t < 0.0:
            t = 0.0
            s = min(max(-c / max(aa, 1e-9), 0.0), 1.0)
        elif t > 1.0:
            t = 1.0
            s = min(max((bb - c) / max(aa, 1e-9), 0.0), 1.0)
        first[p] = placed[a, 0] + s * d1
        second[p] = placed[b, 0] + t * d2
        gap = first[p] - second[p]
        depth[p] = radius[a] + radius[b] - np.sqrt(np.sum(gap * gap))
    return depth, first, second


def depth_mm(capsules: Capsules, bones: np.ndarray) -> float:
    """How deep the worst pair overlaps, more than at rest; 0 where nothing touches.

    Args:
        bones: (B,4,4) float32, `Posed.bones`.
    """
    depth, _, _ = _depths(
        capsules.bone, capsules.ends, capsules.radius, capsules.pairs, np.ascontiguousarray(bones)
    )
    return max(0.0, float((depth - capsules.slack).max()))


def settle(
    capsules: Capsules, rig: Rig, heads: np.ndarray, rotations: np.ndarray
) -> tuple[np.ndarray, float]:
    """Swing arms out of what they cut into.

    Args:
        heads: (B,3) mm, the person's bones at rest.
        rotations: (B,3,3).

    Returns:
        (B,3,3) float32, the same array where nothing was to do, and how deep it still is, mm.
    """
    bones = transforms(rig, heads, rotations)
    swung = np.zeros(2)
    out = rotations
    for _ in range(_ROUNDS):
        depth, first, second = _depths(
            capsules.bone, capsules.ends, capsules.radius, capsules.pairs, bones
        )
        over = depth - capsules.slack
        arms = capsules.kind[capsules.pairs[:, 0]] == _ARM
        over_arms = np.where(arms, over, 0.0)
        worst = int(np.argmax(over_arms))
        need = float(over_arms[worst])
        if need <= DEEPEST_MM / 2 or need > _MENDED_MM:
            break
        a, b = capsules.pairs[worst]
        both = bool(capsules.kind[b] == _ARM)
        gap = first[worst] - second[worst]
        if gap @ gap < 1.0:
            break
        away = unit(gap)
        moves = [(int(capsules.side[a]), first[worst], away)]
        if both:
            moves.append((int(capsules.side[b]), second[worst], -away))
        if out is rotations:
            out = np.array(rotations, np.float32)
        for side, point, way in moves:
            bone = capsules.shoulders[side]
            above = bones[rig.parent[bone], :3, :3].astype(np.float64)
            here = bones[bone, :3, :3].astype(np.float64)
            joint = here @ heads[bone] + bones[bone, :3, 3]
            lever = point - joint
            axis = cross(lever, way)
            size = length(axis)
            if size < 20.0:  # mm: straight along the arm, where no swing helps
                continue
            push = (need - _TOUCH_MM) / (2.0 if both else 1.0)
            angle = min(push / size, _STEP_RAD, _MOST_RAD - swung[side])
            if angle <= 0.0:
                continue
            swung[side] += angle
            turn = rotation_of(axis / size * angle)
            out[bone] = (above.T @ turn @ here).astype(np.float32)
        bones = transforms(rig, heads, out)
    return out, depth_mm(capsules, bones)


def acceptable(
    capsules: Capsules,
    rig: Rig,
    heads: np.ndarray,
    rotations: np.ndarray,
    deepest_mm: float = DEEPEST_MM,
) -> np.ndarray | None:
    """A pose that cuts nowhere deeper than `deepest_mm`, mended if need be; None if it cannot be.

    Args, as for `settle`:
        heads: (B,3) mm; rotations: (B,3,3).
    """
    mended, depth = settle(capsules, rig, heads, rotations)
    return mended if depth <= deepest_mm else None
