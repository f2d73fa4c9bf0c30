"""Who can stand like that: the middle of a body's mass over what it stands, kneels or lies on.

Torch-free.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from trainer.synthetic.collisions import Capsules
from trainer.synthetic.rig import transforms
from trainer.synthetic.turns import rotation_of
from trainer.synthetic.types import Assets, Rig

_TOUCH_MM = 55.0  # what is so little above the lowest point bears weight: shoes differ in height
_SOLE_MM = 18.0
_MOST_RAD = 0.21
_UPRIGHT = 0.82  # of the height of the mass at rest
_PITCHES_RAD = np.linspace(0.0, 1.3, 27)
_TRUNK, _HEAD = 0.435, 0.081  # shares of the mass, after de Leva
_ARM = (0.027, 0.016, 0.006)
_LEG = (0.142, 0.043, 0.014)


@dataclass(frozen=True, eq=False)
class Ballast:
    """Where a body's mass is, and what it can rest on, at rest.

    Attributes:
        bone: (n,) int64; at: (n,3) mm; share: (n,) of the mass, which sum up to 1.
        rest_bone: (m,) int64; rest_at: (m,3) mm; rest_mm: (m,) how far below lies the skin.
        feet: (2,) the bones of the feet; sole: (m,) 0 left foot, 1 right foot, -1 no foot.
        ankle: (2,3) mm; ankle_mm: (2,) how high they are above the soles.
    """

    bone: np.ndarray
    at: np.ndarray
    share: np.ndarray
    rest_bone: np.ndarray
    rest_at: np.ndarray
    rest_mm: np.ndarray
    feet: tuple[int, int]
    sole: np.ndarray
    ankle: np.ndarray
    ankle_mm: np.ndarray


def measure(assets: Assets, rest: np.ndarray, heads: np.ndarray, capsules: Capsules) -> Ballast:
    """The ballast of a person whose capsules are known.

    Args:
        heads: (B,3) mm, the bones at rest.
        rest: (V or more,3) mm, whose first V are the morphed base.
    """
    # `collisions.measure` has them in this order: the trunk upwards, the head, three of each limb
    core = np.flatnonzero(capsules.side < 0)
    share = np.empty(len(capsules.bone))
    share[core[:-1]] = _TRUNK / max(len(core) - 1, 1)
    share[core[-1]] = _HEAD
    for side in (0, 1):
        share[np.flatnonzero(capsules.side == side)] = (*_ARM, *_LEG)
    shins = [int(np.flatnonzero(capsules.side == side)[4]) for side in (0, 1)]
    soles = [int(np.flatnonzero(capsules.side == side)[5]) for side in (0, 1)]
    # the foot's capsule ends above its sole, and the shin's at the ankle
    ends = [(c, e) for c in range(len(share)) for e in (0, 1) if c not in soles]
    ends = [(c, e) for c, e in ends if not (c in shins and e == 1)]
    bone = [int(capsules.bone[c]) for c, _ in ends]
    at = [capsules.ends[c, e] for c, e in ends]
    below = [float(capsules.radius[c]) for c, _ in ends]
    number = [-1] * len(ends)
    vertices = np.unique(assets.body.vertex)
    strongest = assets.bone[vertices, np.argmax(assets.bone_weight[vertices], axis=1)]
    for side, name in enumerate("LR"):
        own = [
            b
            for b, n in enumerate(assets.rig.names)
            if n.endswith(f".{name}") and n.startswith(("foot", "toe"))
        ]
        foot = np.isin(strongest, own)
        points = np.asarray(rest, np.float64)[vertices[foot]]
        low = points[:, 1] < points[:, 1].min(initial=np.inf) + _SOLE_MM
        carrier = strongest[foot][low]
        points = points[low]
        for angle in np.linspace(0, 2 * np.pi, 8, endpoint=False):
            if not len(points):
                break
            k = int(np.argmax(points[:, 0] * np.sin(angle) + points[:, 2] * np.cos(angle)))
            bone.append(int(carrier[k]))
            at.append(points[k])
            below.append(0.0)
            number.append(side)
    feet = tuple(assets.rig.names.index(f"foot.{name}") for name in "LR")
    ankle = np.asarray(heads, np.float64)[list(feet)]
    soles_at, which = np.array(at), np.array(number)
    ankle_mm = [ankle[k, 1] - soles_at[which == k, 1].min(initial=ankle[k, 1]) for k in (0, 1)]
    return Ballast(
        capsules.bone,
        capsules.ends.mean(1),
        share / share.sum(),
        np.array(bone, np.int64),
        soles_at,
        np.array(below),
        (feet[0], feet[1]),
        which,
        ankle,
        np.array(ankle_mm),
    )


@dataclass(frozen=True)
class Footing:
    """How a posed body stands.

    Attributes:
        overhang_mm: how far the middle of the mass is outside of what bears it; below 0 inside.
        away: (2,) unit, x and z, from there the shortest way out of what bears it.
        height_mm: of the middle of the mass over the lowest point.
        on_feet: nothing but feet touches the floor.
        touching: the left and the right foot touch the floor.
    """

    overhang_mm: float
    away: np.ndarray
    height_mm: float
    on_feet: bool
    touching: tuple[bool, bool]


def footing(ballast: Ballast, bones: np.ndarray) -> Footing:
    """How a body stands.

    Args:
        bones: (B,4,4) of the pose, `rig.transforms`.
    """
    middle = ballast.share @ _moved(bones, ballast.bone, ballast.at)
    points = _moved(bones, ballast.rest_bone, ballast.rest_at)
    height = points[:, 1] - ballast.rest_mm
    lowest = float(height.min())
    low = height < lowest + _TOUCH_MM
    flat = points[low][:, [0, 2]].astype(np.float32)
    hull = cv2.convexHull(flat)[:, 0].astype(np.float64)
    over, away = _outside(hull, middle[[0, 2]])
    sole = ballast.sole[low]
    return Footing(
        over,
        away,
        float(middle[1]) - lowest,
        bool((sole >= 0).all()),
        (bool((sole == 0).any()), bool((sole == 1).any())),
    )


def settle(
    ballast: Ballast, rig: Rig, heads: np.ndarray, rotations: np.ndarray
) -> tuple[np.ndarray, Footing]:
    """Put the feet of someone who stands on the floor, and lean them until they do not fall over.

    A recording knows no toes, its vertical is a few degrees off, a lifted photograph's more.

    Args:
        heads: (B,3) mm, the person's bones at rest.
        rotations: (B,3,3).

    Returns:
        (B,3,3) float32, the same array where nothing was to do, and how they stand then.
    """
    before = transforms(rig, heads, rotations)
    stands = footing(ballast, before)
    if not stands.on_feet:
        return rotations, stands
    out = _planted(ballast, rig, before, rotations)
    if out is not rotations:
        before = transforms(rig, heads, out)
        stands = footing(ballast, before)
    upright = stands.height_mm > _UPRIGHT * float(ballast.share @ ballast.at[:, 1])
    if not stands.on_feet or stands.overhang_mm <= 0.0 or not upright:
        return out, stands  # who sits or crouches is no straighter for it
    angle = min(float(np.arctan2(stands.overhang_mm + 20.0, stands.height_mm)), _MOST_RAD)
    x, z = stands.away
    lean = rotation_of(np.array([-z, 0.0, x]) * angle)  # the top goes against `away`
    out = np.array(out, np.float32)
    out[0] = lean @ out[0]
    for foot, touches in zip(ballast.feet, stands.touching, strict=True):
        if touches:
            above = before[rig.parent[foot], :3, :3].astype(np.float64)
            out[foot] = above.T @ lean.T @ before[foot, :3, :3]
    return out, footing(ballast, transforms(rig, heads, out))


def _planted(ballast: Ballast, rig: Rig, bones: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """Lift toes that point below where the lower foot stands when it is flat."""
    ankles = _moved(bones, np.array(ballast.feet), ballast.ankle)
    floor = float((ankles[:, 1] - ballast.ankle_mm).min())
    out = rotations
    for side, foot in enumerate(ballast.feet):
        own = ballast.sole == side
        if not own.any():
            continue
        points = _moved(bones, ballast.rest_bone[own], ballast.rest_at[own]) - ankles[side]
        under = floor - float(ankles[side, 1])
        if points[:, 1].min() > under - 8.0:
            continue
        front = points[int(np.argmax(np.linalg.norm(points, axis=1)))][[0, 2]]
        way = front / max(float(np.hypot(*front)), 1e-6)
        along = points[:, [0, 2]] @ way
        # about the ankle's side axis, toes upwards
        sine, cosine = np.sin(_PITCHES_RAD)[:, None], np.cos(_PITCHES_RAD)[:, None]
        lowest = (cosine * points[:, 1] + sine * along).min(1)
        enough = np.flatnonzero(lowest > under - 4.0)
        k = int(enough[0]) if len(enough) else int(np.argmax(lowest))
        lift = rotation_of(np.array([way[1], 0.0, -way[0]]) * -_PITCHES_RAD[k])
        if out is rotations:
            out = np.array(rotations, np.float32)
        above = bones[rig.parent[foot], :3, :3].astype(np.float64)
        out[foot] = above.T @ lift @ bones[foot, :3, :3]
    return out


def _moved(bones: np.ndarray, bone: np.ndarray, at: np.ndarray) -> np.ndarray:
    turned = np.einsum("nij,nj->ni", bones[bone, :3, :3], at)
    return np.asarray(turned + bones[bone, :3, 3], np.float64)


def _outside(hull: np.ndarray, point: np.ndarray) -> tuple[float, np.ndarray]:
    """How far a point is outside of a convex outline, and the way (below 0: inside)."""
    starts, ends = hull, np.roll(hull, -1, axis=0)
    along = ends - starts
    share = ((point - starts) * along).sum(1) / np.maximum((along * along).sum(1), 1e-9)
    nearest = starts + np.clip(share, 0.0, 1.0)[:, None] * along
    gap = np.linalg.norm(point - nearest, axis=1)
    k = int(np.argmin(gap))
    away = (point - nearest[k]) / max(float(gap[k]), 1e-9)
    cross = along[:, 0] * (point - starts)[:, 1] - along[:, 1] * (point - starts)[:, 0]
    if len(hull) > 2 and ((cross >= 0).all() or (cross <= 0).all()):
        return -float(gap[k]), -away
    return float(gap[k]), away
