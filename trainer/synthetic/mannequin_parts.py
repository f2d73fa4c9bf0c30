"""The parts of the mannequin's body: head, torso, limbs, hands and feet as lofts. Torch-free."""

from dataclasses import dataclass, replace

import numpy as np

from trainer.synthetic.mannequin_shape import (
    Loft,
    Proportions,
    Weights,
    chain,
    finish,
    joints,
    level,
    mirrored,
    smooth,
)
from trainer.synthetic.mannequin_sizes import ARM, FINGERS, FOOT, HAND, HEAD, LEG, TORSO

_SPINE = ("root", "spine05", "spine04", "spine03", "spine02", "spine01", "neck01", "head")
_SPINE_ENDS = (930.0, 1000.0, 1090.0, 1190.0, 1300.0, 1430.0, 1495.0)


@dataclass(frozen=True)
class Part:
    """A part in place: (n,3) mm points, a surface over them, and the bones of the points."""

    name: str
    points: np.ndarray
    vertex: np.ndarray
    uv: np.ndarray
    triangles: np.ndarray
    weights: Weights

    def other_side(self) -> "Part":
        """The same on the right, textured like the left."""
        return replace(
            self,
            name=self.name.replace(".L", ".R"),
            points=mirrored(self.points),
            triangles=self.triangles[:, ::-1],
            weights=[(bone.replace(".L", ".R"), w) for bone, w in self.weights],
        )


def part(p: Proportions, loft: Loft, points: np.ndarray | None = None) -> Part:
    """A loft at its final size; `points` instead of its own vertices where they were moulded."""
    raw = loft.vertices() if points is None else points
    weights = loft.weights(raw, loft.ring_of())
    return Part(loft.name, finish(p, raw), *loft.surface(), weights)


def sampled(table: np.ndarray, at: np.ndarray) -> np.ndarray:
    """(n, columns - 1) of a table at values of its first column."""
    return np.stack([np.interp(at, table[:, 0], column) for column in table.T[1:]], -1)


def torso(
    p: Proportions,
    at: np.ndarray | None = None,
    ease: np.ndarray | float = 0.0,
    name: str = "torso",
) -> Loft:
    """The torso and neck, or a garment around them.

    Args:
        at: (n,) heights of its rings on an average adult, mm.
        ease: how far outside the body, mm.
    """
    y = TORSO[:, 0] if at is None else np.asarray(at, float)
    wide, front, back, z = sampled(TORSO, y).T
    hip, waist = smooth(y, 1060, 960), smooth(y, 960, 1080) * smooth(y, 1230, 1130)
    chest, neck = smooth(y, 1130, 1230) * smooth(y, 1400, 1330), smooth(y, 1385, 1430)
    shoulder = smooth(y, 1290, 1340) * smooth(y, 1430, 1390)
    others = hip * p.hip + waist * p.waist + chest * p.chest + neck * p.neck
    factor = others / np.maximum(hip + waist + chest + neck, 1e-9)
    depth = factor * (1.0 - 0.5 * shoulder) + 0.5 * shoulder * p.chest
    factor = factor * (1.0 - shoulder) + shoulder * p.shoulder
    belly = p.belly_mm * np.exp(-(((y - 1050.0) / 95.0) ** 2))
    bust = p.bust_mm * np.exp(-(((y - 1245.0) / 52.0) ** 2))
    seat = p.seat_mm * np.exp(-(((y - 890.0) / 60.0) ** 2))
    return Loft(
        name,
        np.stack([np.zeros_like(y), level(p, y), z], -1),
        wide * factor + ease,
        front * depth + belly + bust + ease,
        back * depth + seat + 0.15 * belly + ease,
        (0.0, 0.0, 1.0),
        26,
        (0.5, 0.5, 1.0, 1.0),
        lambda points, ring: trunk_weights(p, points, y[ring]),
        warp=0.0,
    )


def trunk_weights(p: Proportions, points: np.ndarray, y: np.ndarray) -> Weights:
    """The bones of points on the trunk; the shoulders and the seat give way to the limbs.

    Args:
        points: (n,3) mm, before `finish`; y: (n,) their heights on an average adult.
    """
    x = points[:, 0]
    spine = chain(_SPINE, y, _SPINE_ENDS, 70.0)
    yoke = 0.85 * smooth(np.abs(x), 55.0, 150.0) * smooth(y, 1270.0, 1370.0)
    seat = 0.6 * smooth(np.abs(x), 20.0, 95.0) * smooth(y, 905.0, 835.0)
    out: Weights = [(bone, w * (1.0 - yoke) * (1.0 - seat)) for bone, w in spine]
    for side, mine in (("L", x > 0), ("R", x <= 0)):
        out.append((f"clavicle.{side}", yoke * mine))
        out.append((f"upperleg01.{side}", seat * (1.0 - yoke) * mine))
    return out


def head(p: Proportions, name: str = "head") -> Part:
    """The head, with a nose, lips and hollows for the eyes."""
    loft = skull(p, HEAD[:, 0], 0.0, name)
    points = loft.vertices()
    at = joints(p)
    k = p.head
    x = points[:, 0] / k
    t = (points[:, 1] - at["head"][1]) / (205.0 * k)
    front = smooth(points[:, 2] - at["head"][2], 40.0 * k, 70.0 * k)
    # Bridge, tip and base of the nose, then the hollows, the brows, the lips and the chin.
    ridge = np.interp(t, [0.25, 0.285, 0.33, 0.42, 0.52, 0.58], [0.0, 8.0, 20.0, 13.0, 5.0, 0.0])
    width = np.interp(t, [0.28, 0.33, 0.5], [14.0, 12.5, 8.5]) * p.nose_wide
    nose = p.nose_long * ridge * np.exp(-((x / width) ** 2))
    hollow = -9.0 * np.exp(-(((np.abs(x) / p.face - 31.0) / 15.0) ** 2) - ((t - 0.5) / 0.06) ** 2)
    brow = 3.0 * np.exp(-(((t - 0.6) / 0.05) ** 2)) * np.exp(-((x / 50.0) ** 2))
    lips = 5.0 * np.exp(-(((t - 0.17) / 0.05) ** 2)) * np.exp(-((x / 22.0) ** 2))
    chin = 4.0 * np.exp(-(((t - 0.02) / 0.05) ** 2)) * np.exp(-((x / 20.0) ** 2))
    points[:, 2] += k * front * (nose + hollow + brow + lips + chin)
    return part(p, loft, points)


def skull(p: Proportions, share: np.ndarray, ease: np.ndarray | float, name: str) -> Loft:
    """Rings around the head at shares of its height, some mm outside it."""
    at = joints(p)["head"]
    k = p.head
    wide, front, back = sampled(HEAD, share).T
    centres = np.zeros((len(share), 3)) + at
    centres[:, 1] += k * 205.0 * share
    return Loft(
        name,
        centres,
        k * (wide * p.face + ease),
        k * (front + ease),
        k * (back + ease),
        (0.0, 0.0, 1.0),
        30,
        (0.0, 0.5, 0.5, 1.0),
        lambda points, ring: [("head", np.ones(len(points)))],
        warp=0.42,
    )


def limb(
    p: Proportions,
    kind: str,
    at: np.ndarray | None = None,
    ease: np.ndarray | float = 0.0,
    name: str = "",
) -> Loft:
    """The left arm or leg, or a sleeve or trouser leg around it.

    Args:
        kind: "arm" or "leg".
        at: (n,) along it: 0 shoulder or hip, 1 elbow or knee, 2 wrist or ankle.
        ease: how far outside the body, mm.
    """
    table = ARM if kind == "arm" else LEG
    names = [f"{part}{kind}01" for part in ("upper", "lower")]
    found = joints(p)
    start, middle, end = (found[n] for n in (*names, "wrist" if kind == "arm" else "foot"))
    s = table[:, 0] if at is None else np.asarray(at, float)
    upper = start + s[:, None] * (middle - start)
    lower = middle + (s[:, None] - 1.0) * (end - middle)
    bent = smooth(s, 0.9, 1.1)[:, None]
    size = sampled(table, s) * (p.arm if kind == "arm" else p.leg)
    bones = tuple(f"{n[:-1]}{i}.L" for n in names for i in (1, 2))
    last = "wrist.L" if kind == "arm" else "foot.L"
    row = ("shoulder01.L" if kind == "arm" else "root", *bones, last)
    ends = (-0.02, 0.3 if kind == "arm" else 0.14, 1.0, 1.5, 2.0)
    return Loft(
        name or f"{kind}.L",
        upper * (1.0 - bent) + lower * bent,
        size[:, 0] + ease,
        size[:, 1] + ease,
        size[:, 2] + ease,
        (0.0, 0.0, 1.0),
        12 if kind == "arm" else 16,
        (0.02, 0.02, 0.22, 0.48) if kind == "arm" else (0.25, 0.02, 0.5, 0.48),
        lambda points, ring: chain(row, s[ring], ends, 0.22),
    )


def foot(p: Proportions, ease: float = 0.0, sole: float = 0.0, name: str = "foot.L") -> Loft:
    """The left foot, or a shoe `ease` mm around it with a sole of `sole` mm."""
    z, wide, top, bottom = FOOT.T
    ankle = joints(p)["foot"]
    top, bottom = top + ease, bottom - sole
    outward = 0.06 * (z + 40.0)
    centres = np.stack(
        [ankle[0] + outward, (top + bottom) / 2, ankle[2] + z * (1 + ease / 150)], -1
    )
    half = (top - bottom) / 2
    return Loft(
        name,
        centres,
        wide + ease,
        half,
        half,
        (0.0, 1.0, 0.0),
        14,
        (0.55, 0.02, 0.75, 0.25),
        lambda points, ring: [("foot.L", np.ones(len(points)))],
    )


def hand(p: Proportions) -> list[Part]:
    """The left palm and its five fingers."""
    found = joints(p)
    wrist, k = found["wrist"], p.arms
    along = (found["hand"] - wrist) / np.linalg.norm(found["hand"] - wrist)
    thumb = np.array([0.0, 0.0, 1.0]) - along[2] * along
    thumb /= np.linalg.norm(thumb)
    palm = np.cross(along, thumb)  # towards the back of the hand

    def weights(points: np.ndarray, ring: np.ndarray) -> Weights:
        return [("wrist.L", np.ones(len(points)))]

    rect = (0.8, 0.02, 0.98, 0.25)
    wide, front, back = k * HAND[:, 1:].T
    middle = wrist + 180.0 * k * HAND[:, :1] * along
    lofts = [Loft("palm.L", middle, wide, front, back, tuple(thumb), 12, rect, weights)]
    share = np.array([0.0, 0.3, 0.6, 0.88, 1.0])
    width = np.array([1.0, 1.0, 0.95, 0.85, 0.5])
    for i, (aside, start, length, half) in enumerate(FINGERS):
        root = wrist + k * (aside * thumb + start * along)
        bend = share[:, None] ** 2 * length * 0.22 * -palm
        points = root + k * (share[:, None] * length * along + bend)
        r = k * half * width
        lofts.append(
            Loft(
                f"finger{i}.L",
                points,
                r,
                r,
                r,
                tuple(thumb),
                6,
                rect,
                weights,
                closed=(False, True),
            )
        )
    way = 0.62 * along + 0.72 * thumb - 0.3 * palm
    way /= np.linalg.norm(way)
    root = wrist + k * (24.0 * along + 18.0 * thumb)
    points = root + k * share[:, None] * 68.0 * (way + 0.25 * share[:, None] * along)
    r = k * np.array([14.0, 13.0, 11.0, 10.0, 6.0])
    lofts.append(
        Loft("thumb.L", points, r, r, r, tuple(palm), 7, rect, weights, closed=(False, True))
    )
    return [part(p, loft) for loft in lofts]


def ear(p: Proportions) -> Loft:
    """The left ear: a flat button at the side of the head."""
    found = joints(p)
    share = np.array([-1.0, -0.75, -0.2, 0.4, 0.8, 1.0])
    size = np.array([5.0, 10.0, 14.0, 17.0, 14.0, 7.0]) * p.head
    centres = found["ear"] + p.head * np.stack([2.0 + 2.0 * share, 30.0 * share, -4.0 * share], -1)
    thin = np.array([4.0, 6.0, 7.0, 8.0, 7.0, 4.0]) * p.head
    return Loft(
        "ear.L",
        centres,
        thin,
        size * 0.9,
        size * 1.1,
        (0.0, 0.0, 1.0),
        8,
        (0.8, 0.28, 0.98, 0.48),
        lambda points, ring: [("head", np.ones(len(points)))],
    )


def body(p: Proportions) -> list[Part]:
    """All parts of the body, always in the same order."""
    one = [head(p), part(p, torso(p))]
    left = [part(p, loft) for loft in (ear(p), limb(p, "arm"), limb(p, "leg"), foot(p))]
    left += hand(p)
    return one + [side for each in left for side in (each, each.other_side())]
