"""Assets, bodies and rig of the synthetic people."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from trainer.errors import DataError
from trainer.synthetic import assets as packs
from trainer.synthetic import body, landmarks, mannequin, rig
from trainer.synthetic.person import Body
from trainer.synthetic.types import Assets, Character, Hung, Material, Mesh


@lru_cache(maxsize=2)
def _opened(folder: Path | None) -> Assets:
    return mannequin.build() if folder is None else packs.load(folder)


@pytest.fixture(params=["mannequin", pytest.param("makehuman", marks=pytest.mark.data)])
def assets(request: pytest.FixtureRequest) -> Assets:
    if request.param == "mannequin":
        return _opened(None)
    return _opened(request.getfixturevalue("data_root"))


def _character(assets: Assets, shape: Body = Body(), hung: tuple[Hung, ...] = ()) -> Character:
    """The bare body; what hangs is a small box at the end of the points."""
    base = body.shape(assets, shape)
    heads, tails = rig.bone_positions(assets.rig, base)
    triangles = assets.body.vertex[assets.body.triangles]
    count = len(triangles)
    rest, bone, weight = [base], [assets.bone], [assets.bone_weight]
    for bag in hung:
        box = np.array([[x, y, z] for x in (-80, 80) for y in (-400, -120) for z in (-120, 120)])
        rest.append((bag.anchor + box).astype(np.float32))
        bone.append(np.full((8, 6), bag.bone))
        weight.append(np.tile(np.eye(1, 6, dtype=np.float32), (8, 1)))
    zero = np.zeros(count, np.uint8)
    return Character(
        rest=np.concatenate(rest),
        bone=np.concatenate(bone).astype(np.int32),
        bone_weight=np.concatenate(weight),
        heads=heads,
        tails=tails,
        mesh=Mesh(
            triangles=triangles,
            uv=np.zeros((count, 3, 2), np.float32),
            material=np.zeros(count, np.int32),
            part=zero,
            cloth=zero,
            layer=zero,
            materials=(Material(np.zeros((1, 1, 4), np.uint8)),),
        ),
        hung=hung,
    )


def _still(assets: Assets) -> np.ndarray:
    return np.tile(np.eye(3), (len(assets.rig.names), 1, 1))


def _about(axis: np.ndarray, degrees: float) -> np.ndarray:
    x, y, z = np.asarray(axis, float) / np.linalg.norm(axis)
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.radians(degrees)
    return np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * (k @ k)


def _random_pose(assets: Assets, seed: int, degrees: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack(
        [_about(rng.normal(size=3), rng.uniform(-degrees, degrees)) for _ in assets.rig.names]
    )


def _points(assets: Assets, positions: np.ndarray) -> dict[str, np.ndarray]:
    return {name: positions[at].mean(0) for name, at in assets.landmarks.items()}


def test_everything_fits_together(assets: Assets) -> None:
    vertices, bones = len(assets.base), len(assets.rig.names)
    assert assets.base.dtype == np.float32
    assert np.ptp(assets.base[assets.body.vertex, 1]) > 1000  # mm, not dm
    assert assets.bone_weight.sum(1) == pytest.approx(1.0, abs=1e-5)
    assert (np.diff(assets.bone_weight, axis=1) <= 1e-6).all()
    assert (assets.rig.parent < np.arange(bones)).all()
    assert set(assets.landmarks) == set(landmarks.NAMES)
    assert {"root", "spine01", "neck01", "head", "clavicle.L", "foot.R"} < set(assets.rig.names)
    kinds = {piece.kind for piece in assets.pieces.values()}
    assert {"clothes", "shoes", "hat", "hair", "eyes"} <= kinds
    for piece in assets.pieces.values():
        assert piece.refs.max() < vertices and piece.surface.vertex.max() < len(piece.refs)
        assert piece.weight.sum(1) == pytest.approx(1.0, abs=1e-3)
        assert piece.bone_weight.sum(1) == pytest.approx(1.0, abs=1e-5)
        if piece.texture:
            assert packs.texture(assets, piece.texture).shape[2] == 4
    for rotations in assets.poses.values():
        assert rotations @ rotations.transpose(0, 2, 1) == pytest.approx(
            np.tile(np.eye(3), (bones, 1, 1)), abs=1e-4
        )


def test_left_is_left_and_the_face_looks_to_the_front(assets: Assets) -> None:
    at = _points(assets, body.shape(assets, Body()))
    for name, point in at.items():
        if name.startswith("left"):
            other = at[name.replace("left", "right")]
            assert point[0] > 20
            assert other == pytest.approx(point * [-1, 1, 1], abs=2.0)
    assert at["nose"][2] > at["left_eye"][2] > at["left_ear"][2]
    assert at["left_eye"][1] > at["nose"][1] > at["left_shoulder"][1] > at["left_hip"][1]
    assert at["left_hip"][1] > at["left_knee"][1] > at["left_ankle"][1]


@pytest.mark.parametrize(
    ("years", "gender", "low", "high"),
    [
        (30, 1.0, 1690, 1800),
        (30, 0.0, 1590, 1690),
        (75, 1.0, 1650, 1780),
        (6, 0.5, 1080, 1200),
        (3, 0.5, 880, 1010),
        (12, 0.5, 1370, 1560),
    ],
)
def test_people_are_as_tall_as_people(
    assets: Assets, years: float, gender: float, low: float, high: float
) -> None:
    base = body.shape(assets, Body(age_years=years, gender=gender))
    assert low < body.height_mm(assets, base) < high


def test_the_height_slider_stays_within_what_people_are(assets: Assets) -> None:
    for gender, low, high in ((1.0, 1480, 2010), (0.0, 1370, 1900)):
        tall = [
            body.height_mm(assets, body.shape(assets, Body(gender=gender, height=h)))
            for h in np.linspace(0, 1, 9)
        ]
        assert (np.diff(tall) > 20).all()
        assert low < tall[0] and tall[-1] < high
    asian = body.shape(assets, Body(gender=1.0, asian=1.0, caucasian=0.0))
    assert 1660 < body.height_mm(assets, asian) < 1800


def test_weight_widens_and_every_body_is_finite(assets: Assets) -> None:
    def waist(weight: float) -> float:
        base = body.shape(assets, Body(gender=1.0, weight=weight, muscle=0.2))
        heads, _ = rig.bone_positions(assets.rig, base)
        level = heads[assets.rig.names.index("spine04"), 1]
        skin = base[assets.body.vertex]
        near = (np.abs(skin[:, 1] - level) < 40) & (np.abs(skin[:, 0]) < 320)
        return float(np.ptp(skin[near, 2]))

    assert waist(0.0) + 10 < waist(0.5) < waist(1.0) - 25
    rng = np.random.default_rng(3)
    for _ in range(6):
        gender, muscle, weight, height, cup = rng.random(5)
        drawn = Body(rng.uniform(3, 90), gender, muscle, weight, height, cup=cup)
        assert np.isfinite(body.shape(assets, drawn)).all()


def test_a_body_is_the_same_every_time(assets: Assets) -> None:
    drawn = Body(41.0, 0.3, 0.7, 0.6, 0.55, african=0.4, asian=0.2)
    assert body.shape(assets, drawn).tobytes() == body.shape(assets, drawn).tobytes()
    if assets.source == "mannequin":
        again = mannequin.build()
        assert again.base.tobytes() == assets.base.tobytes()
        assert again.textures == assets.textures
        assert all(
            again.pieces[name].offset.tobytes() == piece.offset.tobytes()
            for name, piece in assets.pieces.items()
        )


def test_details_pull_both_ways_and_both_sides(assets: Assets) -> None:
    groups = body.detail_axes(assets)
    assert {"head", "nose", "hip"} <= set(groups)
    plain = body.shape(assets, Body())
    axis = "head/head-scale-horiz"
    assert axis in groups["head"] and not body.one_sided(assets, axis)
    ear = assets.landmarks["left_ear"]
    wide = [
        body.shape(assets, Body(), ((axis, value),))[ear, 0].mean() for value in (-1.0, 0.0, 1.0)
    ]
    assert wide[0] < wide[1] < wide[2]
    both = body.shape(assets, Body(details=(("hip/hip-scale-horiz", 0.7),)))
    assert (both != plain).any()
    unknown = body.shape(assets, Body(details=(("of/another-pack", 1.0),)))
    assert unknown.tobytes() == plain.tobytes()


@pytest.mark.data
def test_an_axis_of_a_pair_moves_left_and_right_alike(data_root: Path) -> None:
    assets = _opened(data_root)
    groups = body.detail_axes(assets)
    assert "ears/ear-scale" in groups["ears"] and "ears/l-ear-scale" not in groups["ears"]
    assert "asym/asym-nose-1" in groups["asymmetry"]
    assert body.one_sided(assets, "bodyshapes/bodyshapes-elvs-man-apple")
    plain = body.shape(assets, Body())
    moved = body.shape(assets, Body(details=(("armslegs/foot-trans-out", 1.0),))) - plain
    right, left = plain[:, 0] < -1, plain[:, 0] > 1
    assert moved[left, 0].max() > 10 and moved[right, 0].min() < -10
    one = body.shape(assets, Body(details=(("armslegs/l-foot-trans-out", 1.0),))) - plain
    assert np.abs(one[right]).max() == 0
    # A product of the factors in the name, whatever else is asked for.
    heavy = body._factors(Body(gender=1.0, weight=0.75, muscle=0.25, age_years=57.5))
    assert [heavy[k] for k in ("maxweight", "minmuscle", "old", "male")] == [0.5, 0.5, 0.5, 1.0]


def test_skin_at_rest_stays_where_it_is(assets: Assets) -> None:
    base = body.shape(assets, Body())
    heads, tails = rig.bone_positions(assets.rig, base)
    assert np.linalg.norm(tails - heads, axis=1).min() > 0.5
    bones = rig.transforms(assets.rig, heads, _still(assets))
    posed = rig.skin(base, assets.bone, assets.bone_weight, bones)
    assert posed == pytest.approx(base, abs=2e-3)


@pytest.mark.parametrize("bone", ["lowerarm01.R", "upperleg01.L", "head"])
def test_a_bone_moves_its_subtree_only(assets: Assets, bone: str) -> None:
    base = body.shape(assets, Body())
    heads, _ = rig.bone_positions(assets.rig, base)
    moved = assets.rig.names.index(bone)
    below = {moved}
    for b, parent in enumerate(assets.rig.parent):
        if int(parent) in below:
            below.add(b)
    rotations = _still(assets)
    rotations[moved] = _about(np.array([1.0, 0.4, 0.2]), 50)
    bones = rig.transforms(assets.rig, heads, rotations)
    posed = rig.skin(base, assets.bone, assets.bone_weight, bones)
    touched = (np.isin(assets.bone, list(below)) & (assets.bone_weight > 0)).any(1)
    assert posed[~touched] == pytest.approx(base[~touched], abs=2e-3)
    far = np.linalg.norm(posed - base, axis=1)[touched]
    assert far.max() > 60
    # The bone turns about its own head.
    pivot = bones[moved] @ np.append(heads[moved], 1.0)
    assert pivot[:3] == pytest.approx(heads[moved], abs=1e-2)


def test_joints_stay_at_their_bones_in_any_pose(assets: Assets) -> None:
    character = _character(assets, Body(age_years=12, gender=0.3))
    for seed in range(4):
        posed = rig.pose(character, assets.rig, _random_pose(assets, seed, 40), turn_rad=seed)
        at = _points(assets, posed.positions)
        for joint, bone in landmarks.JOINTS.items():
            for side, letter in (("left", "L"), ("right", "R")):
                b = assets.rig.names.index(f"{bone}.{letter}")
                head = posed.bones[b] @ np.append(character.heads[b], 1.0)
                away = np.linalg.norm(at[f"{side}_{joint}"] - head[:3])
                assert away < (45 if joint == "hip" else 0.1), (joint, side, away)


def test_what_one_bone_carries_moves_rigidly(assets: Assets) -> None:
    """Against plain matrices, for every bone at once and at large angles."""
    base = body.shape(assets, Body())
    heads, _ = rig.bone_positions(assets.rig, base)
    bones = rig.transforms(assets.rig, heads, _random_pose(assets, 9, 170))
    count = len(heads)
    own = np.tile(np.arange(count)[:, None], (1, 6))
    rest = heads + np.array([10.0, -20.0, 30.0], np.float32)
    expected = np.einsum("nij,nj->ni", bones, np.hstack([rest, np.ones((count, 1))]))[:, :3]
    single = np.tile(np.eye(1, 6, dtype=np.float32), (count, 1))
    shared = np.full((count, 6), 1 / 6, np.float32)
    for weight in (single, shared):
        assert rig.skin(rest, own, weight, bones) == pytest.approx(expected, abs=0.05)


def test_bent_limbs_keep_more_volume_than_linear_blending(assets: Assets) -> None:
    character = _character(assets, Body(gender=1.0))
    rotations = _still(assets)
    for side in "LR":
        rotations[assets.rig.names.index(f"upperleg01.{side}")] = _about([1, 0, 0], -85)
        rotations[assets.rig.names.index(f"lowerleg01.{side}")] = _about([1, 0, 0], 100)
        rotations[assets.rig.names.index(f"lowerarm01.{side}")] = _about([1, 0, 0], -80)
    bones = rig.transforms(assets.rig, character.heads, rotations)
    points = np.hstack([character.rest, np.ones((len(character.rest), 1), np.float32)])
    each = np.einsum("nsij,nj->nsi", bones[character.bone], points)[..., :3]
    linear = (each * character.bone_weight[..., None]).sum(1)
    ours = rig.skin(character.rest, character.bone, character.bone_weight, bones)

    def volume(p: np.ndarray) -> float:
        a, b, c = (p[character.mesh.triangles[:, k]].astype(float) for k in range(3))
        return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)

    before = volume(character.rest)
    assert before > 0
    assert volume(linear) < volume(ours) < 1.03 * before


def test_a_pose_stands_on_the_floor_where_it_was_asked(assets: Assets) -> None:
    character = _character(assets)
    drawn = np.unique(character.mesh.triangles)
    for rotations in (*list(assets.poses.values())[:3], _random_pose(assets, 5, 30)):
        posed = rig.pose(
            character, assets.rig, rotations, turn_rad=0.7, at_mm=(500.0, -300.0), lean=None
        )
        assert posed.positions[drawn, 1].min() == pytest.approx(0.0, abs=1e-2)
        hips = [posed.positions[assets.landmarks[f"{s}_hip"]].mean(0) for s in ("left", "right")]
        assert np.mean(hips, axis=0)[[0, 2]] == pytest.approx([500, -300], abs=80)
        again = rig.skin(character.rest, character.bone, character.bone_weight, posed.bones)
        assert again == pytest.approx(posed.positions, abs=1e-2)


def test_turning_takes_the_front_to_the_left(assets: Assets) -> None:
    character = _character(assets)
    posed = rig.pose(character, assets.rig, _still(assets), turn_rad=np.pi / 2)
    at = _points(assets, posed.positions)
    assert at["nose"][0] > at["left_ear"][0] + 30  # the front at +x
    assert at["left_shoulder"][2] < at["right_shoulder"][2] - 200
    leant = rig.pose(character, assets.rig, _still(assets), lean=_about([1, 0, 0], 90))
    flat = _points(assets, leant.positions)
    assert abs(flat["nose"][1] - flat["left_ankle"][1]) < 400
    floating = rig.pose(character, assets.rig, _still(assets), on_floor=False)
    assert floating.positions[:, 1] == pytest.approx(character.rest[:, 1], abs=1e-2)


@pytest.mark.parametrize("turn", [0.0, 2.0])
def test_a_bag_hangs_straight_down_and_keeps_off_the_thigh(assets: Assets, turn: float) -> None:
    names = assets.rig.names
    wrist, thigh = names.index("wrist.L"), names.index("upperleg02.L")
    base = body.shape(assets, Body())
    heads, tails = rig.bone_positions(assets.rig, base)
    first = len(base)
    bag = Hung(slice(first, first + 8), wrist, tails[wrist].astype(float), (thigh,), 160.0)
    character = _character(assets, hung=(bag,))
    rotations = _still(assets)
    shoulder, elbow = names.index("upperarm01.L"), heads[names.index("lowerarm01.L")]
    # The arm straight down, hand beside the thigh, and the forearm turned in.
    arm = elbow - heads[shoulder]
    rotations[shoulder] = _about(np.cross(arm, [0, -1, 0]), 38)
    rotations[wrist] = _about([1, 1, 0], 60)
    free = rig.pose(
        _character(assets, hung=(Hung(bag.vertices, wrist, bag.anchor),)),
        assets.rig,
        rotations,
        turn_rad=turn,
    )
    box = free.positions[first:]
    anchor = free.bones[wrist] @ np.append(bag.anchor, 1.0)
    assert box.mean(0)[[0, 2]] == pytest.approx(anchor[[0, 2]], abs=0.5)
    assert anchor[1] - box[:, 1].max() == pytest.approx(120, abs=0.5)
    forward = np.array([np.sin(turn), 0, np.cos(turn)])
    assert np.ptp(box @ forward) == pytest.approx(240, abs=0.5)

    kept = rig.pose(character, assets.rig, rotations, turn_rad=turn)

    def gap(posed: np.ndarray) -> float:
        """Least distance of the bag's middle from the thigh's axis, seen from above."""
        m = kept.bones[thigh]
        line = [m[:3, :3] @ p + m[:3, 3] for p in (heads[thigh], tails[thigh])]
        middle = posed[first:].mean(0)
        share = np.clip((middle[1] - line[0][1]) / (line[1][1] - line[0][1]), 0, 1)
        return float(np.linalg.norm((middle - (line[0] + share * (line[1] - line[0])))[[0, 2]]))

    assert gap(kept.positions) > gap(free.positions) - 1e-3
    assert gap(kept.positions) > 0.8 * bag.clearance_mm
    # It is set aside as it is: upright, and no lower; only handles lean, by 19 degrees at most.
    aside = kept.positions[first:] - box
    assert np.ptp(aside, axis=0) == pytest.approx([0, 0, 0], abs=0.5)
    assert aside[:, 1] == pytest.approx(0, abs=0.5)
    depth = anchor[1] - box.mean(0)[1]
    assert np.linalg.norm(aside, axis=1).max() < np.tan(np.radians(19)) * depth


def test_a_folder_without_a_pack_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POSEAPP_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    assert packs.find() is None and packs.find(tmp_path) is None
    assert packs.load_or_mannequin().source == "mannequin"
    with pytest.raises(DataError, match="no MakeHuman pack"):
        packs.load(tmp_path / "absent")
    with pytest.raises(DataError, match=r"lacks base\.npz"):
        packs.load(tmp_path)


@pytest.mark.data
def test_a_damaged_pack_says_which_file(data_root: Path, tmp_path: Path) -> None:
    source = packs.find(data_root)
    assert source is not None and packs.find(source) == source
    for name in packs.FILES:
        (tmp_path / name).symlink_to(source / name)
    assert packs.find(tmp_path) == tmp_path
    (tmp_path / "base.npz").unlink()
    (tmp_path / "base.npz").write_bytes(b"no archive")
    with pytest.raises(DataError, match=r"base\.npz"):
        packs.load(tmp_path)
    with np.load(source / "base.npz") as whole:
        arrays = {key: whole[key] for key in whole.files}
    arrays["head_idx"] = arrays["head_idx"] + len(arrays["V"])
    np.savez(tmp_path / "base.npz", **arrays)
    with pytest.raises(DataError, match="past the end"):
        packs.load(tmp_path)
    del arrays["V"]
    np.savez(tmp_path / "base.npz", **arrays)
    with pytest.raises(DataError, match="damaged"):
        packs.load(tmp_path)


def test_an_absent_texture_is_named(assets: Assets) -> None:
    with pytest.raises(DataError, match="no_such_cloth"):
        packs.texture(assets, "no_such_cloth")
    name = next(iter(assets.textures))
    decoded = packs.texture(assets, name)
    assert decoded.dtype == np.uint8 and not decoded.flags.writeable


def test_the_mannequins_clothes_lie_outside_its_body() -> None:
    assets = _opened(None)
    triangles = assets.body.vertex[assets.body.triangles]
    base = assets.base
    faces = np.cross(
        base[triangles[:, 1]] - base[triangles[:, 0]], base[triangles[:, 2]] - base[triangles[:, 0]]
    )
    normals = np.zeros_like(base)
    for k in range(3):
        np.add.at(normals, triangles[:, k], faces)
    drawn = np.unique(triangles)
    for name in ("t-shirt", "trousers", "shoes"):
        piece = assets.pieces[name]
        worn = (piece.weight[..., None] * base[piece.refs]).sum(1) + piece.offset
        away = np.linalg.norm(worn[:, None] - base[None, drawn], axis=2)
        nearest = drawn[away.argmin(1)]
        outside = ((worn - base[nearest]) * normals[nearest]).sum(1) > 0
        # Rings that end inside the trunk (a sleeve's, a leg's) are meant to.
        assert outside.mean() > 0.85, name
        assert away.min(1).max() < 75
        assert len(piece.hides) > 100
