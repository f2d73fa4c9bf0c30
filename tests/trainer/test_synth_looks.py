"""Clothes, skin, hair and who wears what: fits, covers, cuts smoothly, and the same every time."""

import json
from dataclasses import replace

import numpy as np
import pytest

from trainer.errors import DataError
from trainer.synthetic import (
    assets as packs,
)
from trainer.synthetic import (
    hems,
    mannequin,
    outfit,
    patterns,
    sampling,
    shells,
    skins,
    wardrobe,
    wearing,
)
from trainer.synthetic.fabrics import rgb
from trainer.synthetic.person import Body, Face, Hair, Person, Skin, Wear, from_dict, to_dict
from trainer.synthetic.types import Assets, Character, Cloth, Part

BODIES = {
    "woman": Body(age_years=30, gender=0.05),
    "man": Body(age_years=30, gender=0.95),
    "child": Body(age_years=7, gender=0.4),
    "old": Body(age_years=80, gender=0.9, weight=0.35),
    "heavy": Body(age_years=45, gender=0.1, weight=0.97, cup=0.8),
}
LOWEST_TRIANGLES, MOST_TRIANGLES = 2_000, 28_500


@pytest.fixture(scope="module")
def doll() -> Assets:
    return mannequin.build()


@pytest.fixture(scope="module")
def pack() -> Assets:
    folder = packs.find()
    if folder is None:
        pytest.skip("needs the MakeHuman pack (POSEAPP_DATA)")
    return packs.load(folder)


def _same(one: Character, other: Character) -> bool:
    arrays = zip(
        (one.rest, one.bone_weight, one.mesh.triangles, one.mesh.uv, one.mesh.cloth),
        (other.rest, other.bone_weight, other.mesh.triangles, other.mesh.uv, other.mesh.cloth),
        strict=True,
    )
    textures = zip(one.mesh.materials, other.mesh.materials, strict=True)
    return all(np.array_equal(a, b) for a, b in arrays) and all(
        np.array_equal(a.texture, b.texture) for a, b in textures
    )


def _check(assets: Assets, character: Character, away_mm: float) -> None:
    """No NaN, indices in range, weights that sum to 1, nothing far from the body."""
    mesh = character.mesh
    assert np.isfinite(character.rest).all()
    assert np.isfinite(mesh.uv).all()
    assert mesh.triangles.max() < len(character.rest)
    assert mesh.material.max() < len(mesh.materials)
    assert character.bone.max() < len(assets.rig.names)
    np.testing.assert_allclose(character.bone_weight.sum(1), 1.0, atol=1e-4)
    assert set(np.unique(mesh.part)) <= set(map(int, Part))
    body = character.rest[assets.body.vertex]
    worn = character.rest[np.unique(mesh.triangles[mesh.cloth != Cloth.BAG])]
    assert (worn > body.min(0) - away_mm).all()
    assert (worn < body.max(0) + away_mm).all()


def _bare_trunk(assets: Assets, character: Character) -> float:
    """The share of the trunk, seen level from all around, that shows skin and no cloth.

    An independent measure: rays from a ring of viewers to the axis of the trunk, with every
    triangle of the mesh in the way.
    """
    names = assets.rig.names
    hip = character.heads[names.index("upperleg01.L"), 1]
    chest = character.heads[names.index("upperarm01.L"), 1]
    mesh = character.mesh
    corners = character.rest[mesh.triangles]
    arms = [p for p in Part if "ARM" in p.name or "HAND" in p.name]
    near = (corners[..., 1].max(1) > hip - 30) & (corners[..., 1].min(1) < chest)
    near &= ~np.isin(mesh.part, arms) & (mesh.cloth != Cloth.HAIR)
    corners, cloth = corners[near], mesh.cloth[near]
    a, e1, e2 = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    middle = character.heads[names.index("spine03"), 2] if "spine03" in names else 0.0
    seen = bare = 0
    for y in np.linspace(hip + 0.02 * (chest - hip), hip + 0.66 * (chest - hip), 16):
        for angle in np.linspace(0.0, 2.0 * np.pi, 18, endpoint=False):
            way = np.array([-np.sin(angle), 0.0, -np.cos(angle)])
            start = np.array([0.0, y, middle]) - 900.0 * way
            h = np.cross(way, e2)
            det = np.einsum("nc,nc->n", e1, h)
            det = np.where(np.abs(det) < 1e-9, np.nan, det)
            s = start - a
            u = np.einsum("nc,nc->n", s, h) / det
            q = np.cross(s, e1)
            v = (q @ way) / det
            t = np.einsum("nc,nc->n", e2, q) / det
            hit = (u > -1e-4) & (v > -1e-4) & (u + v < 1.0 + 1e-4) & (t > 0)
            if not hit.any():
                continue
            first = t[hit].min()
            # What lies within 3 mm shows the higher layer, as the renderer has it.
            close = hit & (t < first + 3.0)
            seen += 1
            bare += bool(np.isin(cloth[close], (Cloth.SKIN, Cloth.UNDERWEAR)).all())
    assert seen > 150
    return bare / seen


# --- the mannequin


def test_mannequin_wears_all_it_has(doll: Assets) -> None:
    items = wardrobe.items(doll)
    assert items["top"] and items["bottom"] and items["shoes"]
    everything = tuple(Wear(slot, names[0]) for slot, names in items.items() if names)
    person = Person(outfit=everything, hair=Hair(next(iter(wardrobe.hair_styles(doll)), "")))
    character = outfit.dress(doll, person)
    _check(doll, character, 260.0)
    found = set(map(int, np.unique(character.mesh.cloth)))
    assert {Cloth.TOP, Cloth.BOTTOM, Cloth.SHOES, Cloth.HAIR, Cloth.BAG} <= found


def test_dressing_is_deterministic(doll: Assets) -> None:
    person = sampling.person(11, doll)
    assert _same(outfit.dress(doll, person), outfit.dress(doll, person))


def test_first_vertices_are_the_base_and_unknown_items_are_left_out(doll: Assets) -> None:
    person = Person(outfit=(Wear("top", "an item of another pack"),), hair=Hair("no such hair"))
    character = outfit.dress(doll, person)
    assert len(character.rest) >= len(doll.base)
    bare = outfit.dress(doll, Person())
    np.testing.assert_array_equal(character.rest[: len(doll.base)], bare.rest[: len(doll.base)])


def test_streams_are_separate(doll: Assets) -> None:
    drawn = sampling.person(3, doll)
    assert sampling.person(3, doll) == drawn
    same_body = sampling.person(3, doll, outfit=())
    assert (same_body.body, same_body.face, same_body.skin, same_body.hair) == (
        drawn.body,
        drawn.face,
        drawn.skin,
        drawn.hair,
    )
    other = sampling.person(3, doll, skin=Skin(0.9), hair=Hair("", "#000000"))
    assert other.outfit == drawn.outfit
    assert other.body == drawn.body
    assert sampling.person(4, doll) != drawn


def test_fixed_values_of_a_body(doll: Assets) -> None:
    person = sampling.person(5, doll, age_years=71.0, tone=0.8)
    assert person.body.age_years == 71.0
    assert person.skin.tone == 0.8
    with pytest.raises(TypeError, match="no such_thing"):
        sampling.person(5, doll, such_thing=1)


def test_people_go_through_json(doll: Assets) -> None:
    for seed in range(20):
        person = sampling.person(seed, doll)
        again = from_dict(json.loads(json.dumps(to_dict(person))))
        assert again == person
        assert hash(again) == hash(person)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([], "mapping"),
        ({"wings": 2}, "wings"),
        ({"body": {"age_years": "old"}}, "age_years"),
        ({"outfit": [{"slot": "top"}]}, "item"),
    ],
)
def test_values_that_make_no_person(values: object, says: str) -> None:
    with pytest.raises(DataError, match=says):
        from_dict(values)


# --- parts


def test_a_cut_is_smooth_and_complete() -> None:
    """Cut a sheet along a circle: the rim lies on it, and the area is that of the disc."""
    n = 31
    x, y = np.meshgrid(np.linspace(-100, 100, n), np.linspace(-100, 100, n))
    points = np.stack([x.ravel(), y.ravel()], 1)
    row, column = np.meshgrid(np.arange(n - 1), np.arange(n - 1), indexing="ij")
    a = (row * n + column).ravel()
    triangles = np.concatenate(
        [np.stack([a, a + 1, a + n], 1), np.stack([a + 1, a + n + 1, a + n], 1)]
    )
    triangles = triangles.astype(np.int32)
    radius = 71.0

    def keep(at: np.ndarray) -> np.ndarray:
        return (radius - np.linalg.norm(at, axis=1)).astype(np.float32)

    def exact(pairs: np.ndarray, at: np.ndarray) -> np.ndarray:
        p, q = points[pairs[:, 0]], points[pairs[:, 1]]
        return keep(p + at[:, None] * (q - p))

    uv = points[triangles].astype(np.float32)
    clipped = hems.clip(triangles, uv, keep(points), exact)
    p, q = points[clipped.pairs[:, 0]], points[clipped.pairs[:, 1]]
    rim = p + clipped.at[:, None] * (q - p)
    np.testing.assert_allclose(np.linalg.norm(rim, axis=1), radius, atol=0.3)
    every = np.concatenate([points, rim])
    corners = every[clipped.triangles]
    np.testing.assert_allclose(clipped.uv, corners, atol=1e-2)
    e1, e2 = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = 0.5 * (e1[:, 0] * e2[:, 1] - e1[:, 1] * e2[:, 0])
    assert (area > -1e-6).all()  # none turned over
    np.testing.assert_allclose(area.sum(), np.pi * radius**2, rtol=0.01)


def test_patterns_show_both_colours() -> None:
    s, t = np.meshgrid(np.arange(0, 300, 1.5), np.arange(0, 300, 1.5))
    for name in patterns.NAMES[1:]:
        mix = patterns.mask(name, s.astype("f4"), t.astype("f4"), 1.0, 7)
        assert mix is not None
        assert mix.min() >= 0.0 and mix.max() <= 1.0
        assert mix.std() > 0.02, name
        again = patterns.mask(name, s.astype("f4"), t.astype("f4"), 1.0, 7)
        np.testing.assert_array_equal(mix, again)
    assert patterns.mask("plain", s, t, 1.0, 0) is None


def test_skin_darkens_with_its_tone() -> None:
    bright = [float(skins.tone_colour(t, 0.0).mean()) for t in np.linspace(0, 1, 9)]
    assert (np.diff(bright) < 0).all()
    warm, cool = skins.tone_colour(0.4, 1.0), skins.tone_colour(0.4, -1.0)
    assert warm[0] / warm[2] > cool[0] / cool[2]


def test_merged_outfits_have_no_two_things_in_one_place(doll: Assets) -> None:
    drawn = (Wear("top", "A"), Wear("bottom", "B"), Wear("shoes", "C"))
    kept = (Wear("suit", "D"), Wear("shoes", "E"), Wear("hat", "F"))
    assert [w.item for w in wardrobe.merged(drawn, kept, {"suit"})] == ["D", "C"]
    assert [w.item for w in wardrobe.merged(drawn, kept, {"hat", "shoes"})] == ["A", "B", "E", "F"]
    assert [w.item for w in wardrobe.merged(kept, drawn, {"top"})] == ["A", "B", "E", "F"]
    assert wardrobe.merged(drawn, kept, {"bag"}) == drawn


# --- the pack


@pytest.mark.data
@pytest.mark.parametrize("who", ["man", "child", "old", "heavy"])
def test_everything_fits_everybody(pack: Assets, who: str) -> None:
    for slot, names in wardrobe.items(pack).items():
        for name in names:
            worn = (Wear(slot, name, length=0.5),)
            character = outfit.dress(pack, Person(3, BODIES[who], outfit=worn))
            _check(pack, character, 220.0)
            item = wardrobe.item(pack, name)
            assert item is not None
            assert np.count_nonzero(character.mesh.cloth == item.cloth) > 60, name


@pytest.mark.data
@pytest.mark.parametrize("who", ["woman", "child", "heavy"])
def test_no_bare_waist(pack: Assets, who: str) -> None:
    items = wardrobe.items(pack)
    tops = items["top"]
    lower = [("bottom", n) for n in items["bottom"]] + [("skirt", n) for n in items["skirt"]]
    for k, top in enumerate(tops):
        slot, name = lower[(5 * k) % len(lower)]
        person = Person(1, BODIES[who], outfit=(Wear("top", top), Wear(slot, name, length=0.6)))
        assert _bare_trunk(pack, outfit.dress(pack, person)) == 0.0, (top, name)
    for suit in items["suit"]:
        person = Person(1, BODIES[who], outfit=(Wear("suit", suit, length=0.6),))
        assert _bare_trunk(pack, outfit.dress(pack, person)) == 0.0, suit


@pytest.mark.data
def test_the_measure_of_bare_waists_finds_one(pack: Assets) -> None:
    person = Person(1, BODIES["man"], outfit=(Wear("bottom", "Jeans"),))
    assert _bare_trunk(pack, outfit.dress(pack, person)) > 0.3


@pytest.mark.data
def test_hems_run_level(pack: Assets) -> None:
    """The hem of cut leggings, on the body that they are measured on."""
    worn = (Wear("bottom", "Leggings", length=0.2),)
    character = outfit.dress(pack, Person(1, Body(age_years=25.0, gender=0.0), outfit=worn))
    mesh = character.mesh
    tri = mesh.triangles[mesh.cloth == Cloth.BOTTOM]
    ends = np.sort(np.concatenate([tri[:, [0, 1]], tri[:, [1, 2]], tri[:, [2, 0]]]), 1)
    unique, count = np.unique(ends, axis=0, return_counts=True)
    rim = character.rest[np.unique(unique[count == 1])]
    low = rim[rim[:, 1] < character.heads[pack.rig.names.index("upperleg01.L"), 1]]
    for side in (low[low[:, 0] > 0], low[low[:, 0] < 0]):
        assert len(side) > 15
        assert np.ptp(side[:, 1]) < 3.0


@pytest.mark.data
def test_random_people_are_whole_and_affordable(pack: Assets) -> None:
    counts = []
    for seed in range(24):
        person = sampling.person(seed, pack)
        slots = {wear.slot for wear in person.outfit}
        assert "suit" in slots or ("top" in slots and slots & {"bottom", "skirt"})
        character = outfit.dress(pack, person)
        _check(pack, character, 300.0)
        counts.append(len(character.mesh.triangles))
    assert min(counts) > LOWEST_TRIANGLES
    assert max(counts) < MOST_TRIANGLES
    assert np.mean(counts) < 22_500


@pytest.mark.data
def test_draws_are_as_people_are(pack: Assets) -> None:
    people = [sampling.person(seed, pack) for seed in range(400)]
    age = np.array([p.body.age_years for p in people])
    grey = np.array([p.hair.grey for p in people])
    styled = np.array([bool(p.hair.style) for p in people])
    assert grey[styled & (age < 30)].max(initial=0.0) < 0.05
    assert grey[styled & (age > 70)].mean() > 0.35
    assert 0.35 < np.mean([p.body.gender < 0.5 for p in people]) < 0.65
    assert 0.04 < np.mean([any(w.slot == "hat" for w in p.outfit) for p in people]) < 0.18
    assert 0.08 < np.mean([any(w.slot == "bag" for w in p.outfit) for p in people]) < 0.24
    assert np.mean([any(w.slot == "shoes" for w in p.outfit) for p in people]) > 0.95
    for p in people:
        names = {w.item for w in p.outfit}
        if "Blazer" in names:
            assert names & {"Suit trousers", "Chinos", "Jeans"}
            assert p.body.age_years >= 15
    tones = {name: [p.skin.tone for p in people if getattr(p.body, name) > 0.6]
             for name in ("african", "asian", "caucasian")}  # fmt: skip
    assert np.mean(tones["african"]) > np.mean(tones["asian"]) > np.mean(tones["caucasian"])


@pytest.mark.data
def test_skin_takes_the_tone_at_every_age(pack: Assets) -> None:
    """The middle of the skin's texture is the tone's colour, whatever photograph it is made of."""
    for tone in (0.1, 0.5, 0.9):
        for age, gender in ((20.0, 0.0), (20.0, 1.0), (75.0, 0.0), (75.0, 1.0)):
            person = Person(2, Body(age_years=age, gender=gender), skin=Skin(tone))
            texture = skins.material(pack, person, rgb("#201810"), True, False).texture
            middle = np.median(texture[..., :3].reshape(-1, 3).astype(float), 0)
            assert np.abs(middle - skins.tone_colour(tone, 0.0)).max() < 22.0


@pytest.mark.data
def test_hair_leaves_the_eyes_free_and_goes_under_hats(pack: Assets) -> None:
    body = Body(age_years=30, gender=0.1)
    for style in wardrobe.hair_styles(pack):
        character = outfit.dress(pack, Person(1, body, hair=Hair(style)))
        hairs = character.mesh.triangles[character.mesh.cloth == Cloth.HAIR]
        assert len(hairs) > 200, style
        centre = character.rest[hairs].mean(1)
        for eye in ("left_eye", "right_eye"):
            at = character.rest[pack.landmarks[eye]].mean(0)
            before = (np.abs(centre[:, :2] - at[:2]) < [14.0, 8.0]).all(1) & (centre[:, 2] > at[2])
            assert not before.any(), style
        top = character.rest[hairs][..., 1].max()
        hat = outfit.dress(pack, Person(1, body, hair=Hair(style), outfit=(Wear("hat", "Beanie"),)))
        covered = hat.rest[hat.mesh.triangles[hat.mesh.cloth == Cloth.HAIR]][..., 1]
        assert covered.max(initial=-1e9) < top - 15.0, style
    assert set(shells.NAMES) <= set(wardrobe.hair_styles(pack))


@pytest.mark.data
def test_a_handbag_hangs_from_the_hand(pack: Assets) -> None:
    person = Person(4, BODIES["woman"], outfit=(Wear("bag", "Handbag"),))
    character = outfit.dress(pack, person)
    (hung,) = character.hung
    points = character.rest[hung.vertices]
    assert points[:, 1].max() < hung.anchor[1] + 25.0
    assert np.linalg.norm(hung.anchor - character.heads[hung.bone]) < 160.0
    assert abs(points[:, 0].mean() - hung.anchor[0]) < 25.0


@pytest.mark.data
def test_teeth_only_in_open_mouths(pack: Assets) -> None:
    assert pack.expressions is not None
    plain = outfit.dress(pack, Person(1))
    name = next(n for n in pack.expressions.names if n.startswith("laugh"))
    laughs = outfit.dress(pack, Person(1, face=Face(expression=name, strength=1.0)))
    assert len(laughs.mesh.triangles) > len(plain.mesh.triangles) + 300


@pytest.mark.data
def test_what_is_worn_beneath_lies_beneath(pack: Assets) -> None:
    """Jeans below a T-shirt are nearer to the body than it, wherever both are."""
    person = Person(1, BODIES["man"], outfit=(Wear("top", "T-shirt"), Wear("bottom", "Jeans")))
    for top, bottom in (("T-shirt", "Jeans"), ("Blazer", "Chinos"), ("Sweatshirt", "Leggings")):
        person = replace(person, outfit=(Wear("top", top), Wear("bottom", bottom)))
        base, facing = wearing.ground(pack, person)
        worn = wearing.fitted(pack, person, base, facing)
        wearing.tuck(worn, base, facing)
        outer = next(w for w in worn if w.item.name == top)
        inner = next(w for w in worn if w.item.name == bottom)
        over, under = wearing.heights(outer, base, facing), wearing.heights(inner, base, facing)
        both = np.isfinite(over) & np.isfinite(under)
        assert both.sum() > 50
        assert np.mean(over[both] > under[both]) > 0.97
