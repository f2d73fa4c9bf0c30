"""Dressing a person: cloth fitted to the body, cut, layered, and the skin below it left out.

Torch-free.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from trainer.synthetic import (
    bags,
    body,
    chunks,
    fabrics,
    fitting,
    garments,
    hair,
    hats,
    hems,
    rig,
    simplify,
    skins,
    wardrobe,
)
from trainer.synthetic import parts as body_parts
from trainer.synthetic.chunks import Chunk
from trainer.synthetic.garments import Garment, Key
from trainer.synthetic.person import Person, Wear
from trainer.synthetic.streams import derived
from trainer.synthetic.types import Assets, Character, Cloth, Part, Surface
from trainer.synthetic.wardrobe import SKIRT, TIGHTS, Item

_BODY_BUDGET = 15000
_BENEATH_MM = 4.0  # between a bottom and the top over it
_IN_SHOE_MM = 30.0  # hose ends here below the ankle, where a shoe hides it
_HIDDEN_MM = 24.0  # this far from a hem, nobody sees the skin
_UPPER = ("top", "tucked", "suit")
_TUCKED = Item(
    "Tucked in", "top", TIGHTS, gender=0.0, margin_mm=2.5, fabric="jersey", shade="none",
    cuts=(hems.Cut("hem", 0.13), hems.Cut("waist", 0.62)),
)  # fmt: skip


@dataclass
class _Worn:
    """An item on its way onto a body.

    Attributes:
        points: (k,3) mm.
        keep: (k,) mm, above 0 where cloth stays.
    """

    item: Item
    wear: Wear
    garment: Garment
    points: np.ndarray
    keep: np.ndarray
    layer: int
    shod: bool


def dress(assets: Assets, person: Person) -> Character:
    """A person at rest, dressed.

    What the assets do not have (an item of another pack) is left out.
    """
    base = body.shape(assets, person.body, person.face.details)
    skin = assets.body.vertex[assets.body.triangles]
    facing = fitting.normals(base, skin)
    bones = rig.bone_positions(assets.rig, base)
    worn = _fitted(assets, person, base, facing)
    _tuck(worn, base, facing)
    drawn: list[Chunk] = [_skin(assets, person, worn)]
    drawn += _face(assets, person, base)
    seed = derived(person.seed, "cloth")
    drawn += [_cloth(assets, one, seed) for one in worn]
    drawn += _on_top(assets, person, base, worn, bones[0], drawn)
    drawn = [chunk for chunk in drawn if len(chunk.triangles)]
    return chunks.merge(base, assets.bone, assets.bone_weight, bones, drawn)


def garment_of(assets: Assets, item: Item) -> Garment:
    """The cloth of an item before anybody wears it."""
    return _garment_of(Key(assets), item)


@lru_cache(maxsize=96)
def _garment_of(key: Key, item: Item) -> Garment:
    assets = key.assets
    if item.source in (TIGHTS, SKIRT):
        surface = assets.tights if item.source == TIGHTS else assets.skirt
        assert surface is not None  # the wardrobe offers no others
        return garments.of_helper(assets, surface, item.gender)
    return garments.of_piece(
        assets, assets.pieces[item.source], item.components, item.gender, item.budget
    )


def _resolved(assets: Assets, person: Person) -> list[tuple[Item, Wear]]:
    """What is worn and known, what comes with it included, from the skin outwards."""
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
                found.append((more, beneath if more.name == "Undershirt" else wear))
    slots = {item.slot for item, _ in found}
    top = next(((i, w) for i, w in found if i.slot == "top"), None)
    if top is not None and slots & {"bottom", "skirt"}:
        item, wear = top
        if _goes_in(item, slots):
            found[found.index(top)] = (replace(item, slot="tucked"), wear)
        elif assets.tights is not None and "Undershirt" not in item.with_:
            inner = wear.second if any(r == "second" for _, r in item.roles) else wear.colour
            found.append((_TUCKED, replace(wear, colour=inner, pattern="plain")))
    for item, wear in list(found):
        if item.slot == "shoes" and item.socks and _shows_ankles(found):
            socks = replace(item, components=item.socks, socks=(), fabric="knit", shade="none",
                            gloss=0.0, budget=0)  # fmt: skip
            found.append((replace(socks, slot="legwear"), replace(wear, colour=wear.second)))
    return sorted(found, key=lambda pair: (_rank(pair[0]), pair[0].name))


def _goes_in(item: Item, slots: set[str]) -> bool:
    """Whether a top goes into what is below it: what clings does, and shirts into skirts."""
    return item.source == TIGHTS or ("skirt" in slots and not item.outer)


def _rank(item: Item) -> int:
    """The layer that an item lies in."""
    if item == _TUCKED or item.name == "Undershirt":
        return 1
    return item.layer


def _shows_ankles(found: list[tuple[Item, Wear]]) -> bool:
    """Whether socks can be seen: no trousers that reach the shoes, nor tights."""
    for item, wear in found:
        legs = [cut for cut in item.cuts if cut.kind == "leg"]
        if item.slot in ("bottom", "suit") and not item.loose:
            if all(cut.at(wear.length) > 1.9 for cut in legs):
                return False
        if item.slot == "legwear":
            return False
    return True


def _fitted(assets: Assets, person: Person, base: np.ndarray, facing: np.ndarray) -> list[_Worn]:
    out = []
    resolved = _resolved(assets, person)
    shod = any(item.slot == "shoes" for item, _ in resolved)
    for item, wear in resolved:
        garment = garment_of(assets, item)
        points = fitting.fit(
            base, garment.refs, garment.weight, garment.offset, fitting.sizes(base, garment.scale)
        )
        if item.flare:
            _flare(points, garment, item.flare)
        if item.slot not in ("shoes", "hat"):
            if item.source == TIGHTS:
                # Cloth spans hollows that a helper surface follows.
                points = fitting.smoothed(points, garment.triangles, 2)
            short = item.margin_mm - fitting.gaps(
                points, garment.near, garment.near_weight, base, facing
            )
            by = np.maximum(short, 0.0).astype(np.float32)
            fitting.move_along(points, by, garment.near, garment.near_weight, facing)
        keep = _keep(assets, item, wear, garment.rest, garment.arm, shod)
        out.append(_Worn(item, wear, garment, points, keep, _rank(item), shod))
    return out


def _keep(
    assets: Assets, item: Item, wear: Wear, points: np.ndarray, arm: np.ndarray, shod: bool
) -> np.ndarray:
    """The numbers of all of an item's cuts at points of the reference body.

    Args:
        points: (k,3) mm; arm: (k,) mm along the arm.
    """
    measures = garments.reference(assets, item.gender).measures
    keep = np.full(len(points), np.float32(1e3), np.float32)
    for cut in item.cuts:
        keep = np.minimum(keep, hems.kept(cut, wear.length, points, arm, measures))
    if shod and item.slot == "legwear" and item.source == TIGHTS:
        keep = np.minimum(keep, points[:, 1] - (measures.ankle - _IN_SHOE_MM))
    sleeves = {cut.kind for cut in item.cuts} & {"sleeve", "leg"}
    if item.source == TIGHTS and item.slot in _UPPER and "sleeve" not in sleeves:
        keep = np.minimum(keep, 45.0 - arm)
    if item.source == TIGHTS and item.slot in ("bottom", "legwear"):
        keep = np.minimum(keep, 30.0 - arm)
    if item.source == TIGHTS and item.slot in _UPPER:
        keep = np.minimum(keep, (measures.upper_arm + measures.fore_arm) - 8.0 - arm)
    return keep


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


def _tuck(worn: list[_Worn], base: np.ndarray, facing: np.ndarray) -> None:
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
        mine = _heights(outer, base, facing)
        known = over.get(outer.layer)
        over[outer.layer] = mine if known is None else np.minimum(known, mine)


def _heights(one: _Worn, base: np.ndarray, facing: np.ndarray) -> np.ndarray:
    """(V,) mm, how far the cloth lies above each base vertex; infinite where there is none."""
    garment = one.garment
    above = np.einsum("nk,nkc->nc", garment.over_weight, one.points[garment.over])
    left = (garment.over_weight * one.keep[garment.over]).sum(1)
    gap = np.einsum("nc,nc->n", above - base[garment.covers], facing[garment.covers])
    out = np.full(len(base), np.inf, np.float32)
    out[garment.covers] = np.where(left > 0, np.maximum(gap, 1.0), np.inf)
    return out


def _skin(assets: Assets, person: Person, worn: list[_Worn]) -> Chunk:
    """What is left of the body where cloth does not cover it."""
    key = Key(assets)
    surface, part, under = _body(key)
    hidden = np.zeros(len(assets.base), bool)
    for one in worn:
        if one.item.slot == "hat":
            continue
        garment = one.garment
        margin = 70.0 if one.item.loose else _HIDDEN_MM
        if one.item.source == TIGHTS:
            margin = 14.0
        if one.item.slot == "shoes":
            margin = 10.0
        inner = np.minimum(one.keep, garment.edge)
        cover = (garment.over_weight * inner[garment.over]).sum(1)
        hidden[garment.covers[cover > margin]] = True
    triangles = surface.vertex[surface.triangles]
    shown = ~hidden[triangles].all(1)
    triangles = triangles[shown]
    slots = {one.item.slot for one in worn}
    vest = person.body.gender < 0.5 and not slots & {"top", "tucked", "suit"}
    linen = under[triangles].all(1)
    return Chunk(
        np.zeros((0, 3), np.float32),
        np.zeros((0, 6), np.int32),
        np.zeros((0, 6), np.float32),
        triangles.astype(np.int32),
        surface.uv[surface.triangles[shown]],
        skins.material(assets, person, hair.colour(person.hair), bool(person.hair.style), vest),
        body_parts.of_triangles(part, triangles),
        np.where(linen, Cloth.UNDERWEAR, Cloth.SKIN).astype(np.uint8),
        0,
        on_base=True,
    )


@lru_cache(maxsize=4)
def _body(key: Key) -> tuple[Surface, np.ndarray, np.ndarray]:
    """The skin with fewer triangles, and of each base vertex its part and whether linen is on it."""
    assets = key.assets
    ref = garments.reference(assets, 0.0)
    surface = simplify.surface(assets.body, ref.base, _BODY_BUDGET)
    m = ref.measures
    y, x = ref.base[:, 1], np.abs(ref.base[:, 0])
    arm = (assets.bone_weight * ref.arm_bones[assets.bone]).sum(1)
    under = (y < m.crotch + 0.27 * (m.neck - m.crotch)) & (arm < 0.1)
    under &= y > m.crotch - 40.0 + 0.75 * np.maximum(x - 20.0, 0.0)
    return surface, hair.body_parts(assets), under


def _face(assets: Assets, person: Person, base: np.ndarray) -> list[Chunk]:
    """Eyes, brows and lashes; teeth where the mouth opens."""
    key = Key(assets)
    pieces = assets.pieces
    out = []
    kinds = {kind: [n for n, p in pieces.items() if p.kind == kind] for kind in ("eyes", "eyebrows", "eyelashes", "teeth")}  # fmt: skip
    eyes = min(kinds["eyes"], key=lambda n: len(pieces[n].refs), default="")
    if eyes:
        out.append(hair.piece_chunk(assets, eyes, base, skins.eyes(key, person.face.eyes), Part.FACE, Cloth.SKIN, 0))  # fmt: skip
    shade = hair.colour(person.hair)
    brows = person.face.eyebrows if person.face.eyebrows in pieces else next(iter(kinds["eyebrows"]), "")  # fmt: skip
    if brows:
        from trainer.synthetic import assets as packs

        painted = skins.strands(packs.texture(assets, pieces[brows].texture), shade * 0.6)
        out.append(hair.piece_chunk(assets, brows, base, painted, Part.FACE, Cloth.SKIN, 1))
    lashes = next(iter(kinds["eyelashes"]), "")
    if lashes:
        from trainer.synthetic import assets as packs

        painted = skins.strands(packs.texture(assets, pieces[lashes].texture), shade * 0.3)
        out.append(hair.piece_chunk(assets, lashes, base, painted, Part.FACE, Cloth.SKIN, 1))
    return [chunk for chunk in out if chunk is not None]


def _on_top(
    assets: Assets,
    person: Person,
    base: np.ndarray,
    worn: list[_Worn],
    heads: np.ndarray,
    drawn: list[Chunk],
) -> list[Chunk]:
    """Hair, hats that have no piece, and bags."""
    out: list[Chunk] = []
    plane = None
    for one in worn:
        if one.item.slot == "hat":
            plane = hats.rim_of_garment(one.garment)
    for wear in person.outfit:
        if wear.item in wardrobe.PROCEDURAL_HATS:
            hat = hats.wear_hat(assets, wear, base)
            if hat is not None:
                plane = hats.rim(assets, wear.item)
                out.append(hat)
        elif wear.item in wardrobe.BAGS:
            wide = abs(float(heads[assets.rig.names.index("upperarm01.L"), 0]))
            neck = float(heads[assets.rig.names.index("neck01"), 1]) + 70.0
            trunk = bags.torso(base, assets.bone, assets.bone_weight, drawn, (1.12 * wide, neck))
            out += bags.carry(assets, wear, heads, trunk, person.seed)
    return out + hair.grow(assets, person.hair, base, plane, person.seed)


def _cloth(assets: Assets, one: _Worn, seed: int) -> Chunk:
    """The cloth of an item, cut and painted."""
    garment, item = one.garment, one.item

    def exact(pairs: np.ndarray, at: np.ndarray) -> np.ndarray:
        a, b = pairs.T
        arm = garment.arm[a] + at * (garment.arm[b] - garment.arm[a])
        middle = garment.rest[a] + at[:, None] * (garment.rest[b] - garment.rest[a])
        return _keep(assets, item, one.wear, middle, arm, one.shod)

    clipped = hems.clip(garment.triangles, garment.uv, one.keep, exact)
    points, bone, weight = hair.extended(one.points, garment.bone, garment.bone_weight, clipped)
    fabric = fabrics.of_item(assets, item, garment)
    part = np.concatenate([garment.part, garment.part[clipped.pairs[:, 0]]])
    count = len(clipped.triangles)
    cloth = item.cloth
    return Chunk(
        points,
        bone,
        weight,
        clipped.triangles,
        fabrics.charts.rewindow(clipped.uv, fabric.box),
        fabrics.paint(fabric, item, one.wear, seed),
        np.full(count, Part.HAIR, np.uint8)
        if item.slot == "hat"
        else body_parts.of_triangles(part, clipped.triangles),  # fmt: skip
        np.full(count, cloth, np.uint8),
        one.layer,
    )
