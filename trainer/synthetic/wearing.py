"""How clothes sit: fitted to a body, off the skin, one thing tucked below another. Torch-free."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from trainer.synthetic import body, draping, fitting, garments, hats, hems, wardrobe
from trainer.synthetic.garments import Garment, Key
from trainer.synthetic.person import Person, Wear
from trainer.synthetic.types import Assets
from trainer.synthetic.wardrobe import SKIRT, TIGHTS, Item

_APART_MM = 2.0
_SHOULDER_MM = 230.0  # around the joint
_BENEATH_MM = 4.0  # between a bottom and the top over it
_DEEPEST_MM = 22.0  # skin further out than this belongs to another limb
_BEYOND_MM = 30.0  # what is beneath stays low until so far past a hem
_IN_SHOE_MM = 30.0  # hose ends here below the ankle, where a shoe hides it
_UPPER = ("top", "suit")
_UNDERSHIRT = "Undershirt"
_TUCKED = Item(
    "Tucked in", "top", TIGHTS, gender=0.0, margin_mm=2.5, fabric="jersey", shade="none",
    cuts=(hems.Cut("hem", 0.13), hems.Cut("waist", 0.62)),
)  # fmt: skip


@dataclass
class Worn:
    """An item on its way onto a body.

    Attributes:
        points: (k,3) mm.
        keep: (k,) mm, above 0 where cloth stays.
        shod: shoes are worn too.
    """

    item: Item
    wear: Wear
    garment: Garment
    points: np.ndarray
    keep: np.ndarray
    layer: int
    shod: bool


def garment_of(assets: Assets, item: Item) -> Garment:
    """The cloth of an item before anybody wears it."""
    key = Key(assets)
    if item.loose:
        return _skirt(key, item.source, item.components, item.gender, item.budget)
    if item.slot in _UPPER and item.source != TIGHTS:
        return _top(key, item.source, item.components, item.gender, item.budget)
    return _garment(key, item.source, item.components, item.gender, item.budget)


@lru_cache(maxsize=32)
def _top(key: Key, source: str, components: tuple[int, ...], gender: float, budget: int) -> Garment:
    """A top whose shoulders move as the skin below them, lest they swell to pads."""
    garment = _garment(key, source, components, gender, budget)
    m = garments.reference(key.assets, gender).measures
    away = np.min([np.linalg.norm(garment.rest - s, axis=1) for s in m.shoulder], 0)
    near = np.clip((_SHOULDER_MM - away) / (0.5 * _SHOULDER_MM), 0.0, 1.0)
    near = (near * near * (3.0 - 2.0 * near)).astype(np.float32)
    bone, weight = fitting.blended_bones(
        garment.near, garment.near_weight, key.assets.bone, key.assets.bone_weight
    )
    count = len(garment.rest)
    both = np.stack([np.arange(count), np.arange(count) + count], 1).astype(np.int32)
    mixed, shares = fitting.mixed_bones(
        np.concatenate([garment.bone, bone]),
        np.concatenate([garment.bone_weight, weight]),
        both,
        near,
    )
    return replace(garment, bone=mixed, bone_weight=shares)


@lru_cache(maxsize=16)
def _skirt(
    key: Key, source: str, components: tuple[int, ...], gender: float, budget: int
) -> Garment:
    garment = _garment(key, source, components, gender, budget)
    bone, weight = draping.shared(key.assets, garment, gender)
    return replace(garment, bone=bone, bone_weight=weight)


@lru_cache(maxsize=96)
def _garment(
    key: Key, source: str, components: tuple[int, ...], gender: float, budget: int
) -> Garment:
    assets = key.assets
    if source in (TIGHTS, SKIRT):
        surface = assets.tights if source == TIGHTS else assets.skirt
        assert surface is not None  # the wardrobe offers no others
        return garments.of_helper(assets, surface, gender, source == TIGHTS)
    return garments.of_piece(assets, assets.pieces[source], components, gender, budget)


def _resolved(assets: Assets, person: Person) -> list[tuple[Item, Wear, int]]:
    """What is worn and known and its layer, what comes with it included, from the skin outwards."""
    found = []
    for wear in person.outfit:
        item = wardrobe.item(assets, wear.item)
        if item is None or not item.source:
            continue
        found.append((item, wear))
        for name in item.with_:
            more = wardrobe.item(assets, name)
            if more is not None:
                beneath = replace(wear, colour=wear.second, pattern="plain")
                found.append((more, beneath if more.name == _UNDERSHIRT else wear))
    tops = [(item, wear) for item, wear in found if item.slot == "top"]
    below = {item.slot for item, _ in found} & {"bottom", "skirt"}
    goes_in = bool(below) and all(_goes_in(item, below) for item, _ in tops)
    if tops and below and not goes_in and assets.tights is not None and len(tops) == 1:
        item, wear = tops[0]
        inner = wear.second if any(r == "second" for _, r in item.roles) else wear.colour
        found.append((_TUCKED, replace(wear, colour=inner, pattern="plain")))
    for item, wear in list(found):
        if item.slot == "shoes" and item.socks and _shows_socks(found, item):
            socks = replace(item, slot="legwear", components=item.socks, socks=(), budget=240,
                            fabric="knit", shade="none", gloss=0.0)  # fmt: skip
            found.append((socks, replace(wear, colour=wear.second)))

    def layer(item: Item) -> int:
        if item == _TUCKED or item.name == _UNDERSHIRT:
            return 1
        return 2 if goes_in and item.slot == "top" else item.layer

    ranked = [(item, wear, layer(item)) for item, wear in found]
    return sorted(ranked, key=lambda one: (one[2], one[0].name))


def _goes_in(item: Item, below: set[str]) -> bool:
    """Whether a top goes into what is below it: what clings does, and shirts into skirts."""
    return item.source == TIGHTS or ("skirt" in below and not item.outer)


def _shows_socks(found: list[tuple[Item, Wear]], shoes: Item) -> bool:
    """Whether socks are worn: not with hose; with skirts, in sports shoes only."""
    for item, _ in found:
        if item.slot == "legwear":
            return False
        if item.loose and shoes.shade == "keep":
            return False
    return True


def ground(assets: Assets, person: Person) -> tuple[np.ndarray, np.ndarray]:
    """What clothes lie on: the morphed base, (V,3) mm, and its normals."""
    base = body.shape(assets, person.body, person.face.details)
    skin = assets.body.vertex[assets.body.triangles]
    return base, fitting.normals(base, skin)


def fitted(assets: Assets, person: Person, base: np.ndarray, facing: np.ndarray) -> list[Worn]:
    """Everything worn, on a body.

    Args:
        base: (V,3) mm, morphed; facing: (V,3), its normals.
    """
    out = []
    resolved = _resolved(assets, person)
    shod = any(item.slot == "shoes" for item, _, _ in resolved)
    for item, wear, layer in resolved:
        garment = garment_of(assets, item)
        points = fitting.fit(
            base, garment.refs, garment.weight, garment.offset, fitting.sizes(base, garment.scale)
        )
        if item.slot == "hat":
            points = hats.seated(assets, item.name, points, base)
        if item.flare:
            _flare(points, garment, item.flare)
        if item.slot not in ("shoes", "hat"):
            if item.source == TIGHTS:
                # Cloth spans hollows that a helper surface follows. Along its normals only, or
                # hems would not stay level.
                moved = fitting.smoothed(points, garment.triangles, 3) - points
                outward = fitting.normals(points, garment.triangles)
                points += np.einsum("nc,nc->n", moved, outward)[:, None] * outward
            short = item.margin_mm - fitting.gaps(
                points, garment.near, garment.near_weight, base, facing
            )
            by = np.maximum(short, 0.0).astype(np.float32)
            fitting.move_along(points, by, garment.near, garment.near_weight, facing)
            margin = np.full(len(base), 0.8 * item.margin_mm, np.float32)
            _lift(points, garment, base, facing, margin)
        left = keep(assets, item, wear, garment.rest, garment.arm, shod)
        out.append(Worn(item, wear, garment, points, left, layer, shod))
    return out


def _lift(
    points: np.ndarray,
    garment: Garment,
    base: np.ndarray,
    facing: np.ndarray,
    margin: np.ndarray,
) -> None:
    """At least a margin off the skin, between the cloth's vertices too, in place.

    Args:
        margin: (V,) float32 mm.
    """
    for _ in range(2):
        fitting.lift_off(
            points,
            garment.covers,
            garment.over,
            garment.over_weight,
            base,
            facing,
            margin,
            _DEEPEST_MM,
        )


def keep(
    assets: Assets, item: Item, wear: Wear, points: np.ndarray, arm: np.ndarray, shod: bool
) -> np.ndarray:
    """The numbers of all of an item's cuts at points of the reference body.

    Args:
        points: (k,3) mm; arm: (k,) mm along the arm.
    """
    measures = garments.reference(assets, item.gender).measures
    left = np.full(len(points), np.float32(1e3), np.float32)
    for cut in item.cuts:
        left = np.minimum(left, hems.kept(cut, wear.length, points, arm, measures))
    if shod and item.slot == "legwear" and item.source == TIGHTS:
        left = np.minimum(left, points[:, 1] - (measures.ankle - _IN_SHOE_MM))
    sleeves = {cut.kind for cut in item.cuts} & {"sleeve", "leg"}
    if item.source == TIGHTS and item.slot in _UPPER and "sleeve" not in sleeves:
        left = np.minimum(left, 45.0 - arm)
    if item.source == TIGHTS and item.slot in ("bottom", "legwear"):
        left = np.minimum(left, 30.0 - arm)
    if item.source == TIGHTS and item.slot in _UPPER:
        left = np.minimum(left, (measures.upper_arm + measures.fore_arm) - 8.0 - arm)
    return left


def _flare(points: np.ndarray, garment: Garment, flare: float) -> None:
    """Widen a skirt towards its hem, and let it fall in folds, in place."""
    y = garment.rest[:, 1]
    # Narrow down to the hips: what is worn over the skirt ends there.
    start = float(y.max()) - 130.0
    down = np.clip((start - y) / max(1.0, start - float(y.min())), 0.0, 1.0)
    middle = np.array([0.0, float(points[:, 2].mean())], np.float32)
    flat = points[:, [0, 2]] - middle
    angle = np.arctan2(flat[:, 1], flat[:, 0])
    folds = 0.16 * flare * down * np.sin(9.0 * angle + 0.7)
    points[:, [0, 2]] = middle + flat * (1.0 + flare * down**0.8 + folds)[:, None]


def tuck(worn: list[Worn], base: np.ndarray, facing: np.ndarray) -> None:
    """Keep what is worn beneath below what is worn over it."""
    over: dict[int, np.ndarray] = {}
    for outer in sorted(worn, key=lambda one: -one.layer):
        if outer.item.slot in ("shoes", "hat"):
            continue
        limit = np.full(len(base), np.inf, np.float32)
        for layer, gap in over.items():
            if layer > outer.layer:
                limit = np.minimum(limit, gap)
        garment = outer.garment
        ceiling = (
            garment.near_weight * np.where(np.isfinite(limit), limit, 1e4)[garment.near]
        ).sum(1)
        gap = fitting.gaps(outer.points, garment.near, garment.near_weight, base, facing)
        floor = min(outer.item.margin_mm, 2.5)
        target = np.maximum(np.minimum(gap, ceiling - _BENEATH_MM), np.minimum(gap, floor))
        fitting.move_along(
            outer.points,
            (target - gap).astype(np.float32),
            garment.near,
            garment.near_weight,
            facing,
        )
        mine = heights(outer, base, facing)
        known = over.get(outer.layer)
        over[outer.layer] = mine if known is None else np.minimum(known, mine)
    _stack(worn, base, facing)


def _stack(worn: list[Worn], base: np.ndarray, facing: np.ndarray) -> None:
    """Lift what is worn over something off it, where that could not be lowered enough."""
    below = np.zeros(len(base), np.float32)
    for one in sorted(worn, key=lambda one: one.layer):
        if one.item.slot in ("shoes", "hat"):
            continue
        if below.any():
            _lift(one.points, one.garment, base, facing, below)
        top = heights(one, base, facing)
        below = np.maximum(below, np.where(np.isfinite(top), top + _APART_MM, 0.0))


def heights(one: Worn, base: np.ndarray, facing: np.ndarray) -> np.ndarray:
    """(V,) mm, how far the cloth lies above each base vertex; infinite where there is none."""
    garment = one.garment
    above = np.einsum("nk,nkc->nc", garment.over_weight, one.points[garment.over])
    left = (garment.over_weight * one.keep[garment.over]).sum(1)
    gap = np.einsum("nc,nc->n", above - base[garment.covers], facing[garment.covers])
    out = np.full(len(base), np.inf, np.float32)
    out[garment.covers] = np.where(left > -_BEYOND_MM, np.maximum(gap, 1.0), np.inf)
    return out
