"""What the mannequin wears: clothes, shoes, hair, a hat and eyes around its lofts. Torch-free."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from trainer.synthetic.mannequin_parts import (
    Part,
    foot,
    limb,
    part,
    sampled,
    skull,
    torso,
    trunk_weights,
)
from trainer.synthetic.mannequin_shape import (
    Loft,
    Proportions,
    Weights,
    chain,
    joints,
    level,
    smooth,
)
from trainer.synthetic.mannequin_sizes import HEAD

_LIP_MM = 5.0


@dataclass(frozen=True)
class Garment:
    """Something to wear: its parts in place, and what of the body it hides.

    Attributes:
        kind: as `types.Piece.kind`.
        texture: its name.
        hides: of the body part's name and its points (n,3) mm, as (n,) bool; None hides nothing.
    """

    name: str
    kind: str
    texture: str
    parts: tuple[Part, ...]
    hides: Callable[[str, np.ndarray], np.ndarray] | None = None


def _hemmed(
    at: np.ndarray, ease: np.ndarray, first: bool, last: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Rings with an edge turned inwards at the first or the last, so that cloth has a thickness."""
    rings, out = at, ease
    way = np.sign(rings[-1] - rings[0]) * 1e-3 * np.ptp(rings)
    if first:
        rings = np.concatenate([[rings[0] - way], rings])
        out = np.concatenate([[out[0] - _LIP_MM], out])
    if last:
        rings = np.concatenate([rings, [rings[-1] + way]])
        out = np.concatenate([out, [out[-1] - _LIP_MM]])
    return rings, out


def _open(loft: Loft, rect: tuple[float, float, float, float], closed: tuple[bool, bool]) -> Loft:
    return replace(loft, rect=rect, closed=closed)


def _pair(made: Part) -> tuple[Part, Part]:
    return made, made.other_side()


def t_shirt(p: Proportions) -> Garment:
    """A straight shirt over the waistband, with short sleeves."""
    y = np.array([890, 940, 990, 1040, 1095, 1155, 1215, 1270, 1318, 1355, 1383, 1400, 1412.0])
    hang = 22.0 * smooth(y, 980, 1080) * smooth(y, 1230, 1130)
    ease = np.interp(y, [890, 1040, 1240, 1355, 1412], [30.0, 16.0, 12.0, 10.0, 5.0]) + hang
    trunk = torso(p, *_hemmed(y, ease, True, True), "shirt")
    s = np.array([-0.15, -0.11, -0.04, 0.06, 0.16, 0.3, 0.45, 0.58])
    sleeve = limb(p, "arm", *_hemmed(s, np.linspace(6.0, 16.0, 8), False, True), "sleeve.L")
    cut = float(level(p, 900.0)) * p.size

    def hides(name: str, points: np.ndarray) -> np.ndarray:
        if name == "torso":
            return (points[:, 1] > cut) & (points[:, 1] < float(level(p, 1395.0)) * p.size)
        shoulder, elbow = (joints(p)[n][1] * p.size for n in ("upperarm01", "lowerarm01"))
        below = elbow + 0.5 * (shoulder - elbow)
        return (points[:, 1] > below) if name.startswith("arm") else np.zeros(len(points), bool)

    return Garment(
        "t-shirt",
        "clothes",
        "t-shirt",
        (
            part(p, _open(trunk, (0.0, 0.0, 1.0, 0.52), (False, False))),
            *_pair(part(p, _open(sleeve, (0.0, 0.55, 0.4, 0.8), (True, False)))),
        ),
        hides,
    )


def trousers(p: Proportions) -> Garment:
    """Straight trousers from the waist to the ankles."""
    y = np.array([822, 838, 865, 905, 945, 990, 1032.0])
    seat = torso(p, *_hemmed(y, np.full(7, 7.0), False, True), "seat")
    s = np.array(
        [-0.10, -0.04, 0.05, 0.16, 0.32, 0.5, 0.68, 0.83, 0.95, 1.07, 1.3, 1.5, 1.7, 1.85, 2.0]
    )
    ease = np.interp(s, [-0.1, 0.3, 1.0, 1.3, 2.0], [7.0, 8.0, 10.0, 9.0, 22.0])
    leg = limb(p, "leg", *_hemmed(s, ease, False, True), "trouser.L")
    top, bottom = (float(level(p, v)) * p.size for v in (1022.0, 100.0))

    def hides(name: str, points: np.ndarray) -> np.ndarray:
        low = points[:, 1] < top
        if name.startswith("leg"):
            return points[:, 1] > bottom
        return low if name == "torso" else np.zeros(len(points), bool)

    return Garment(
        "trousers",
        "clothes",
        "trousers",
        (
            part(p, _open(seat, (0.0, 0.75, 1.0, 1.0), (True, False))),
            *_pair(part(p, _open(leg, (0.0, 0.0, 0.55, 0.72), (True, False)))),
        ),
        hides,
    )


def skirt(p: Proportions) -> Garment:
    """A flared skirt from the waist to above the knees, gathered into soft folds."""
    y = np.array([560, 600, 650, 700, 750, 800, 850, 905, 945, 990, 1030.0])
    rings, ease = _hemmed(y, np.zeros(len(y)), True, True)
    trunk = torso(p, np.maximum(rings, 905.0), ease + 8.0 + 20.0 * smooth(rings, 990.0, 900.0))
    flare = 1.0 + 0.3 * smooth(rings, 960.0, 480.0)
    legs = ("root", "upperleg01", "upperleg02")

    def weights(points: np.ndarray, ring: np.ndarray) -> Weights:
        at = rings[ring]
        hang = smooth(at, 960.0, 830.0)
        out = [
            (bone, w * (1.0 - hang)) for bone, w in trunk_weights(p, points, np.maximum(at, 910))
        ]
        left = smooth(points[:, 0], -110.0, 110.0)
        down = chain(legs[1:], -at, (-840.0,), 80.0)
        for side, share in (("L", left), ("R", 1.0 - left)):
            out += [(f"{bone}.{side}", w * hang * share) for bone, w in down]
        return out

    loft = Loft(
        "skirt",
        np.stack([np.zeros_like(rings), level(p, rings), np.full_like(rings, -4.0)], -1),
        trunk.wide * flare,
        trunk.front * flare,
        trunk.back * flare,
        (0.0, 0.0, 1.0),
        40,
        (0.0, 0.0, 1.0, 0.5),
        weights,
        closed=(False, False),
    )
    points = loft.vertices()
    fold = 7.0 * smooth(rings, 960.0, 600.0)[loft.ring_of()]
    angle = np.tile(loft.angles(), loft.rings)
    away = points * np.array([1.0, 0.0, 1.0])
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    points = points + (fold * np.cos(10.0 * angle))[:, None] * away
    top, bottom = (float(level(p, v)) * p.size for v in (1020.0, 790.0))

    def hides(name: str, points: np.ndarray) -> np.ndarray:
        inside = (points[:, 1] < top) & (points[:, 1] > bottom)
        return inside & (name == "torso" or name.startswith("leg"))

    return Garment("flared skirt", "clothes", "skirt", (part(p, loft, points),), hides)


def shoes(p: Proportions) -> Garment:
    """Plain shoes with a sole."""
    loft = _open(foot(p, 6.0, 14.0, "shoe.L"), (0.0, 0.0, 1.0, 1.0), (True, True))

    def hides(name: str, points: np.ndarray) -> np.ndarray:
        return np.full(len(points), name.startswith("foot"))

    return Garment("shoes", "shoes", "shoes", _pair(part(p, loft)), hides)


# degrees from the front, share of the head's height
_SHORT = (
    [0, 30, 52, 68, 80, 92, 108, 140, 180],
    [0.82, 0.79, 0.68, 0.5, 0.4, 0.46, 0.28, 0.14, 0.1],
)
_BOB = ([0, 28, 48, 62, 78, 100, 135, 180], [0.8, 0.76, 0.58, 0.2, 0.02, -0.05, -0.1, -0.12])


def hair(p: Proportions, name: str, line: tuple[list, list], thick: tuple[float, float]) -> Garment:
    """A cap of hair down to a hairline, thinner at its edge than at the crown."""
    rows = 11
    down = np.linspace(0.0, 1.0, rows)
    loft = skull(p, np.linspace(0.2, 1.0, rows), 0.0, name)
    loft = replace(loft, warp=0.2, segments=32, rect=(0.0, 0.0, 1.0, 1.0), closed=(False, True))
    angle = loft.angles()
    start = np.interp(np.degrees(np.abs(angle)), *line)
    share = start[None] + (1.012 - start[None]) * down[:, None]  # (rows, segments)
    ease = thick[0] + (thick[1] - thick[0]) * np.sqrt(smooth(down, 0.0, 0.5))[:, None]
    # Below the ears hair hangs from the head's widest part instead of following the neck.
    wide, front, back = np.moveaxis(sampled_on_head(np.maximum(share, 0.46)), -1, 0)
    wide = wide * p.face
    sine, cosine = np.sin(angle)[None], np.cos(angle)[None]
    at, k = joints(p)["head"], p.head
    x = at[0] + k * (wide + ease) * sine
    z = at[2] + k * (np.where(cosine >= 0, front, back) + ease) * cosine
    y = at[1] + k * (205.0 * share + 0.8 * ease * smooth(share, 0.75, 1.0))
    points = np.stack([x, y, z], -1).reshape(-1, 3)
    top = at + k * np.array([0.0, 205.0 * 1.018 + 0.8 * thick[1], 0.0])
    made = part(p, loft, np.concatenate([points, top[None]]))
    return Garment(name, "hair", "hair", (made,))


def sampled_on_head(share: np.ndarray) -> np.ndarray:
    """(..., 3) half width, front and back of the head at shares of its height."""
    return sampled(HEAD, share.ravel()).reshape(*share.shape, 3)


def hat(p: Proportions) -> Garment:
    """A hat with a brim."""
    share = np.array([0.635, 0.64, 0.65, 0.655, 0.70, 0.79, 0.9, 0.97, 1.03, 1.06, 1.07])
    ease = np.array([58.0, 62.0, 58.0, 20.0, 19.0, 20.0, 26.0, 38.0, 44.0, 34.0, 14.0])
    loft = skull(p, share, ease, "hat")
    loft = _open(replace(loft, warp=0.0), (0.0, 0.0, 1.0, 1.0), (False, True))
    return Garment("hat", "hat", "hat", (part(p, loft),))


def eyes(p: Proportions) -> Garment:
    """Eyeballs; the texture lies flat on their fronts."""
    middle, radius = joints(p)["eye"], 12.5 * p.head
    slope = np.radians([92.0, 70.0, 50.0, 32.0, 16.0, 6.0])
    ring = radius * np.sin(slope)
    centres = middle + radius * np.cos(slope)[:, None] * np.array([0.0, 0.0, 1.0])
    loft = Loft(
        "eye.L",
        centres,
        ring,
        ring,
        ring,
        (0.0, 1.0, 0.0),
        12,
        (0.0, 0.0, 1.0, 1.0),
        lambda points, ring: [("eye.L", np.ones(len(points)))],
        closed=(False, True),
    )
    points = loft.vertices()
    points[-1] = middle + np.array([0.0, 0.0, radius])
    made = part(p, loft, points)
    flat = 0.5 + (points - middle)[:, :2] / (2.02 * radius)
    made = replace(made, uv=flat[made.vertex])
    return Garment("eyes", "eyes", "brown_eye", _pair(made))


def wardrobe(p: Proportions) -> tuple[Garment, ...]:
    """All there is to wear."""
    return (
        t_shirt(p),
        trousers(p),
        skirt(p),
        shoes(p),
        hair(p, "short hair", _SHORT, (3.0, 11.0)),
        hair(p, "bob", _BOB, (9.0, 17.0)),
        hat(p),
        eyes(p),
    )
