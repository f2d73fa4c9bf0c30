"""Dressing a person: cloth fitted to the body, cut, layered, and the skin below it left out.

Torch-free.
"""

from functools import lru_cache

import numpy as np

from trainer.synthetic import assets as packs
from trainer.synthetic import (
    bags,
    charts,
    chunks,
    draping,
    fabrics,
    garments,
    hair,
    hats,
    hems,
    rig,
    simplify,
    skins,
    wardrobe,
    wearing,
)
from trainer.synthetic import parts as body_parts
from trainer.synthetic.chunks import Chunk
from trainer.synthetic.garments import Key
from trainer.synthetic.person import Face, Person
from trainer.synthetic.streams import derived
from trainer.synthetic.types import Assets, Character, Cloth, Material, Part, Surface
from trainer.synthetic.wardrobe import SKIRT, TIGHTS

_BODY_BUDGET = 13500
_JAW_OPEN = 0.04  # of a rotation's matrix, about 2 degrees
# This far from a hem, nobody sees what is below.
_HIDDEN_MM, _HIDDEN_TIGHT_MM, _HIDDEN_LOOSE_MM = 24.0, 12.0, 45.0
_HIDDEN_LEG_MM = 100.0  # skirts ride up


def dress(assets: Assets, person: Person) -> Character:
    """A person at rest, dressed.

    What the assets do not have (an item of another pack) is left out.
    """
    base, facing = wearing.ground(assets, person)
    bones = rig.bone_positions(assets.rig, base)
    worn = wearing.fitted(assets, person, base, facing)
    wearing.tuck(worn, base, facing)
    drawn: list[Chunk] = [_skin(assets, person, worn)]
    drawn += _face(assets, person, base)
    seed = derived(person.seed, "cloth")
    legs = draping.legs(assets, base, *bones)
    drawn += [_cloth(assets, one, _covered(assets, worn, one.layer), seed, legs) for one in worn]
    drawn += _on_top(assets, person, base, worn, bones[0], drawn)
    drawn = [chunk for chunk in drawn if len(chunk.triangles)]
    part_of_bone = body_parts.of_bones(assets.rig.names)
    return chunks.merge(base, assets.bone, assets.bone_weight, bones, drawn, part_of_bone)


def _covered(assets: Assets, worn: list[wearing.Worn], above: int) -> np.ndarray:
    """(V,) bool, the base vertices that cloth of the layers above hides from all sides."""
    hidden = np.zeros(len(assets.base), bool)
    for one in worn:
        if one.item.slot == "hat" or one.layer <= above:
            continue
        garment = one.garment
        margin = _HIDDEN_MM
        if one.item.loose:
            margin = _HIDDEN_LOOSE_MM
        elif one.item.source == TIGHTS or one.item.slot == "shoes":
            margin = _HIDDEN_TIGHT_MM
        inner = np.minimum(one.keep, garment.edge)
        cover = (garment.over_weight * inner[garment.over]).sum(1)
        hidden[garment.covers[cover > margin]] = True
        if one.item.slot == "shoes":
            hidden |= _in_shoes(assets, one)
        if one.item.source == SKIRT:
            hidden |= _in_skirt(assets, one)
    return hidden


def _in_skirt(assets: Assets, one: wearing.Worn) -> np.ndarray:
    """(V,) bool, the legs well above a skirt's hem: none comes through, whatever the pose."""
    ref = garments.reference(assets, one.item.gender)
    shown = one.garment.rest[one.keep > 0, 1]
    out = np.zeros(len(assets.base), bool)
    if len(shown):
        y = ref.base[ref.skin, 1]
        arm = (assets.bone_weight[ref.skin] * ref.arm_bones[assets.bone[ref.skin]]).sum(1)
        inside = (y > shown.min() + _HIDDEN_LEG_MM) & (y < ref.measures.crotch) & (arm < 0.1)
        out[ref.skin[inside]] = True
    return out


def _in_shoes(assets: Assets, one: wearing.Worn) -> np.ndarray:
    """(V,) bool, what of the feet is below the opening of shoes: toes never come through."""
    out = np.zeros(len(assets.base), bool)
    ref = garments.reference(assets, one.item.gender).base
    rest, edge = one.garment.rest, one.garment.edge
    openings = rest[edge < 0.5, 1]
    openings = openings[openings > rest[:, 1].min() + 0.3 * np.ptp(rest[:, 1])]
    if len(openings):
        hides = assets.pieces[one.item.source].hides
        # Not the lowest, which is that of the tongue, with laces over the instep.
        out[hides[ref[hides, 1] < np.median(openings) - 4.0]] = True
    return out


def _skin(assets: Assets, person: Person, worn: list[wearing.Worn]) -> Chunk:
    """What is left of the body where cloth does not cover it."""
    key = Key(assets)
    surface, part, under = _body(key)
    hidden = _covered(assets, worn, 0)
    triangles = surface.vertex[surface.triangles]
    shown = ~hidden[triangles].all(1)
    triangles = triangles[shown]
    slots = {one.item.slot for one in worn}
    vest = person.body.gender < 0.5 and not slots & {"top", "suit"}
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
    """The skin with fewer triangles; of each base vertex, its part and whether linen is on it."""
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
    pieces = assets.pieces
    found: list[tuple[str, Material, int]] = []

    def first(kind: str) -> str:
        return next((name for name, piece in pieces.items() if piece.kind == kind), "")

    eyes = [name for name, piece in pieces.items() if piece.kind == "eyes"]
    if eyes:
        # The simplest: an eye is a few pixels wide.
        name = min(eyes, key=lambda n: len(pieces[n].refs))
        found.append((name, skins.eyes(Key(assets), person.face.eyes), 0))
    shade = hair.colour(person.hair)
    brows = person.face.eyebrows
    if brows not in pieces:
        brows = first("eyebrows")
    for name, darker in ((brows, 0.6), (first("eyelashes"), 0.3)):
        if name and pieces[name].texture in assets.textures:
            texture = packs.texture(assets, pieces[name].texture)
            found.append((name, skins.strands(texture, shade * darker), 1))
    teeth = first("teeth")
    if teeth and pieces[teeth].texture in assets.textures and _opens(assets, person.face):
        texture = packs.texture(assets, pieces[teeth].texture)
        found.append((teeth, Material(texture, cutout=True, gloss=0.4), 0))
    chunks_ = [
        hair.piece_chunk(assets, name, base, material, Part.FACE, Cloth.SKIN, layer)
        for name, material, layer in found
    ]
    return [chunk for chunk in chunks_ if chunk is not None]


def _opens(assets: Assets, face: Face) -> bool:
    """Whether a face's expression lets the jaw down."""
    known = assets.expressions
    if known is None or face.expression not in known.names or "jaw" not in assets.rig.names:
        return False
    jaw = np.flatnonzero(known.bones == assets.rig.names.index("jaw"))
    if not len(jaw):
        return False
    weights = known.weights[known.names.index(face.expression)] * face.strength
    turned = known.rotations[:, jaw[0]] - np.eye(3)
    moved = np.einsum("u,uij->ij", weights, turned)
    return float(np.linalg.norm(moved)) > _JAW_OPEN


def _on_top(
    assets: Assets,
    person: Person,
    base: np.ndarray,
    worn: list[wearing.Worn],
    heads: np.ndarray,
    drawn: list[Chunk],
) -> list[Chunk]:
    """Hair, hats that have no piece, and bags."""
    out: list[Chunk] = []
    rim = None
    for wear in person.outfit:
        if wear.slot == "hat" and wardrobe.item(assets, wear.item) is not None:
            rim = hats.rim(assets, base, wear.item)
        if wear.item in wardrobe.PROCEDURAL_HATS:
            hat = hats.wear_hat(assets, wear, base)
            if hat is not None:
                out.append(hat)
        elif wear.item in wardrobe.BAGS:
            wide = abs(float(heads[assets.rig.names.index("upperarm01.L"), 0]))
            neck = float(heads[assets.rig.names.index("neck01"), 1]) + 70.0
            trunk = bags.torso(base, assets.bone, assets.bone_weight, drawn, (1.12 * wide, neck))
            out += bags.carry(assets, wear, heads, trunk, person.seed)
    return out + hair.grow(assets, person.hair, base, rim, person.seed)


def _cloth(
    assets: Assets, one: wearing.Worn, hidden: np.ndarray, seed: int, legs: draping.Legs
) -> Chunk:
    """The cloth of an item, cut and painted.

    Args:
        hidden: (V,) bool, the base vertices that cloth over this one hides.
        legs: of the body, which a skirt falls around.
    """
    garment, item = one.garment, one.item
    beneath = hidden[garment.near].all(1)
    shown = ~beneath[garment.triangles].all(1)

    def exact(pairs: np.ndarray, at: np.ndarray) -> np.ndarray:
        a, b = pairs.T
        arm = garment.arm[a] + at * (garment.arm[b] - garment.arm[a])
        middle = garment.rest[a] + at[:, None] * (garment.rest[b] - garment.rest[a])
        return wearing.keep(assets, item, one.wear, middle, arm, one.shod)

    clipped = hems.clip(garment.triangles[shown], garment.uv[shown], one.keep, exact)
    points, bone, weight = hair.extended(one.points, garment.bone, garment.bone_weight, clipped)
    drape = None
    if item.loose:
        rest, _, _ = hair.extended(garment.rest, garment.bone, garment.bone_weight, clipped)
        drape = draping.hung(assets, item.gender, rest, points, clipped.triangles, legs)
    fabric = fabrics.of_item(assets, item, garment)
    count = len(clipped.triangles)
    if item.slot == "hat":
        part = np.full(count, Part.HAIR, np.uint8)
    else:
        corners = np.concatenate([garment.part, garment.part[clipped.pairs[:, 0]]])
        part = body_parts.of_triangles(corners, clipped.triangles)
    return Chunk(
        points,
        bone,
        weight,
        clipped.triangles,
        charts.rewindow(clipped.uv, fabric.box),
        fabrics.paint(fabric, item, one.wear, seed),
        part,
        np.full(count, item.cloth, np.uint8),
        one.layer,
        drape=drape,
    )
