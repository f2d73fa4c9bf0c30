"""The sets of synthetic people, and the automatic look at people; all with the mannequin."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from trainer.errors import DataError
from trainer.synthetic import (
    backgrounds,
    balance,
    check,
    faults,
    mannequin,
    rig,
    samples,
    set_crops,
)
from trainer.synthetic.person import Person, Wear
from trainer.synthetic.pose_bank import built_in
from trainer.synthetic.sets import SETS
from trainer.synthetic.streams import stream
from trainer.synthetic.studio import Picture, Studio
from trainer.synthetic.types import Cloth, Hung, Part, Posed

Draw = Callable[[str, int], dict[str, bytes]]


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio(mannequin.build())


@pytest.fixture(scope="module")
def draw(studio: Studio) -> Draw:
    known: dict[tuple[str, int], dict[str, bytes]] = {}

    def one(name: str, index: int) -> dict[str, bytes]:
        if (name, index) not in known:
            known[name, index] = SETS[name].draw(studio, 7, index)
        return known[name, index]

    return one


def _labels(sample: dict[str, bytes]) -> dict[str, Any]:
    return dict(json.loads(sample["json"]))


def _image(sample: dict[str, bytes], ending: str) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(sample[ending], np.uint8), cv2.IMREAD_UNCHANGED)


@pytest.mark.parametrize("name", SETS)
def test_a_sample_is_whole_and_its_labels_agree(draw: Draw, name: str) -> None:
    width, height = SETS[name].size
    for index in (0, 1):
        sample = draw(name, index)
        found = _labels(sample)
        picture = _image(sample, "jpg")
        mask, parts, cloth = (_image(sample, f"{kind}.png") for kind in ("mask", "parts", "cloth"))
        assert picture.shape == (height, width, 3) and found["size"] == [width, height]
        assert mask.shape == parts.shape == cloth.shape == (height, width)
        assert (found["set"], found["index"], found["seed"]) == (name, index, 7)
        assert picture.std() > 8
        assert parts.max() < len(Part) and cloth.max() < len(Cloth)
        worn = cloth != Cloth.BAG  # a strap is of the trunk, the bag itself is no part
        assert ((parts > 0) == (cloth > 0))[worn].all()
        assert ((mask >= 128) == (cloth > 0)).mean() > 0.97
        assert found["area_px"] == (mask >= 128).sum() > 100
        x, y, w, h = found["bbox"]
        assert (mask[y : y + h, x : x + w] >= 128).sum() == found["area_px"]


@pytest.mark.parametrize("name", SETS)
def test_joints_and_camera_give_the_keypoints(draw: Draw, name: str) -> None:
    found = _labels(draw(name, 1))
    points, joints = np.array(found["keypoints"]), np.array(found["joints_mm"])
    camera = found["camera"]
    landed = camera["focal_px"] * joints[:, :2] / joints[:, 2:] + camera["centre_px"]
    inside = points[:, 2] > 0
    assert inside.sum() >= 3
    assert np.abs(landed - points[:, :2])[inside].max() < 0.05
    width, height = SETS[name].size
    out = (landed < -0.5).any(1) | (landed[:, 0] >= width - 0.5) | (landed[:, 1] >= height - 0.5)
    near_the_edge = np.abs(landed + 0.5) < 0.1
    assert (inside == ~out)[~near_the_edge.any(1)].all()
    rotation = np.array(camera["rotation"])
    assert rotation @ rotation.T == pytest.approx(np.eye(3), abs=1e-5)


@pytest.mark.parametrize("name", SETS)
def test_visible_keypoints_lie_on_the_person(draw: Draw, name: str) -> None:
    for index in range(3):
        sample = draw(name, index)
        parts = _image(sample, "parts.png")
        for x, y, v in _labels(sample)["keypoints"]:
            if v == 2:
                row, column = round(y), round(x)
                window = parts[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
                assert window.any()


@pytest.mark.parametrize("name", SETS)
def test_a_sample_depends_on_its_index_alone(draw: Draw, studio: Studio, name: str) -> None:
    draw(name, 0)
    again = SETS[name].draw(Studio(studio.assets), 7, 1)
    assert draw(name, 1) == again
    assert draw(name, 0)["jpg"] != again["jpg"]
    assert SETS[name].draw(studio, 8, 1)["jpg"] != again["jpg"]


@pytest.mark.parametrize("name", [n for n in SETS if n not in ("faces", "people")])
def test_pictures_of_an_identity_show_one_person(draw: Draw, name: str) -> None:
    each = SETS[name].per_identity
    first, last, next_one = (_labels(draw(name, i)) for i in (0, each - 1, each))
    same = ("identity", "person_seed", "outfit", "outfit_id", "hair", "age_years", "split")
    for key in same:
        assert first[key] == last[key], key
    assert next_one["identity"] == first["identity"] + 1
    assert next_one["person_seed"] != first["person_seed"]
    assert first["camera"] != last["camera"] and first["keypoints"] != last["keypoints"]


def test_splits_are_four_fifths_and_twice_a_tenth_and_never_part_an_identity() -> None:
    found = [samples.split_of("pairs128", 0, group) for group in range(4000)]
    shares = [found.count(split) / 4000 for split in ("train", "validation", "test")]
    assert shares == pytest.approx([0.8, 0.1, 0.1], abs=0.02)
    for each, together in ((8, 1), (4, 8)):
        by_group: dict[int, set[str]] = {}
        for index in range(0, 640, 3):
            taken = samples.shot("x", 3, index, each, together)
            by_group.setdefault(index // each // together, set()).add(taken.split)
        assert all(len(splits) == 1 for splits in by_group.values())
        assert len(by_group) >= 20


def test_poses_of_a_test_identity_come_of_the_test_recordings(studio: Studio) -> None:
    assert samples.bank(studio, "train") is studio.bank
    assert samples.bank(studio, "test").split == "test"
    assert samples.bank(studio, "test") is samples.bank(studio, "test")


def test_surveillance_pictures_are_poor_and_keep_the_clean_one(draw: Draw) -> None:
    found = [
        (_image(draw("pairs128", i), "jpg"), _image(draw("pairs128", i), "clean.jpg"))
        for i in range(8)
    ]
    change = [np.abs(a.astype(int) - b).mean() for a, b in found]
    assert min(change) > 0.3 and max(change) > 3
    rows = [_labels(draw("pairs128", i)) for i in range(8)]
    assert len({row["camera_id"] for row in rows}) == 6
    assert len({row["place"] for row in rows}) == 1
    by_camera = {row["camera_id"]: row["background"] for row in rows}
    assert all(by_camera[row["camera_id"]] == row["background"] for row in rows)
    assert "clean.jpg" not in draw("pairs256", 0)


def test_people_walk_past_every_camera_from_all_sides(draw: Draw) -> None:
    yaws = np.array([_labels(draw("pairs128", i))["yaw_deg"] for i in range(16)])
    assert (np.abs(yaws) > 120).any() and (np.abs(yaws) < 60).any()
    assert (yaws > 0).any() and (yaws < 0).any()


def test_yaw_says_which_side_is_seen(draw: Draw) -> None:
    """Left is at the right of the picture if and only if the camera stands before someone."""
    seen = 0
    for index in range(12):
        row = _labels(draw("people", index))
        points = np.array(row["keypoints"])
        across = points[5, 0] - points[6, 0]
        turned = abs(row["yaw_deg"])
        if row["pose"]["source"] != "standing" or 60 < turned < 120:
            continue
        assert (across > 0) == (turned < 90), (index, across, turned)
        seen += 1
    assert seen >= 1


def test_crops_are_cut_off_covered_and_in_company(draw: Draw) -> None:
    rows = [_labels(draw("crops256", i)) for i in range(32)]
    cut = np.mean([(np.array(r["keypoints"])[:, 2] == 0).sum() >= 2 for r in rows])
    assert 0.05 < cut < 0.6
    assert 0.1 < np.mean([len(r["others"]) > 0 for r in rows]) < 0.5
    assert 0.04 < np.mean([r["objects"] > 0 for r in rows]) < 0.4
    assert len({r["background"] for r in rows}) >= 6
    assert len({r["split"] for r in rows}) == 1  # all of whom may meet
    for row in rows:
        assert (np.array(row["keypoints"])[:, 2] > 0).sum() >= 1
        assert all(np.array(other).shape == (17, 3) for other in row["others"])


def test_faces_grow_older_and_stay_themselves(draw: Draw) -> None:
    rows = [_labels(draw("faces", i)) for i in range(0, 16, 2)]
    ages = [row["age_years"] for row in rows]
    assert ages[::2] == ages[1::2] and ages[::2] == sorted(ages[::2])
    assert ages[0] < 28 and ages[-1] > 60
    for key in ("hair", "gender", "outfit", "identity", "split"):
        assert all(row[key] == rows[0][key] for row in rows)
    points = np.array(rows[0]["keypoints"])
    assert (points[:5, 2] > 0).all() and (points[11:, 2] == 0).all()


def test_uprightness_of_standing_sitting_and_upside_down(studio: Studio) -> None:
    who = studio.character(studio.random_person(0))
    names = studio.assets.rig.names
    still = np.tile(np.eye(3, dtype=np.float32), (len(names), 1, 1))
    assert samples.uprightness(studio.assets, who, still) == pytest.approx(1)
    sitting = built_in(studio.assets, "sitting", who.heads, who.tails).rotations
    assert 0 < samples.uprightness(studio.assets, who, sitting) < 0.75
    over = still.copy()
    over[0] = np.diag([1, -1, -1])
    assert samples.uprightness(studio.assets, who, over) == pytest.approx(-1)


def test_nobody_lies_in_the_way_of_a_surveillance_camera(studio: Studio) -> None:
    person = studio.random_person(0)
    who = studio.character(person)
    for k in range(12):
        stood = samples.stand(studio, person, "train", stream(k, "pose"), upright=0.8)
        assert samples.uprightness(studio.assets, who, stood.posing.rotations) > 0.7


def test_people_stand_or_have_a_seat(studio: Studio) -> None:
    person = studio.random_person(0)
    who = studio.character(person)
    seated = 0
    for k in range(24):
        rng = stream(k, "pose")
        stood = samples.stand(studio, person, "train", rng, sources={"sitting": 0.6, "": 0.4})
        bones = rig.transforms(studio.assets.rig, who.heads, stood.posing.rotations)
        ballast = balance.measure(studio.assets, who.rest, who.heads, studio.capsules(person))
        falls = balance.footing(ballast, bones).overhang_mm > samples.STEADY_MM
        assert falls == (stood.seat is not None)
        seated += falls
    assert seated >= 3


def test_who_has_no_shoes_stays_in_and_does_not_walk_past_street_cameras(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = studio.random_person(0)
    shod = replace(person, outfit=(*person.outfit, Wear("shoes", "Trainers")))
    bare = replace(person, outfit=tuple(w for w in person.outfit if w.slot != "shoes"))
    assert set(samples.places(shod)) == set(backgrounds.KINDS)
    assert not {"street", "field", "brick"} & set(samples.places(bare))
    taken = samples.shot("pairs128", 7, 0, 16)
    first = samples.person_seed("pairs128", 7, 0)
    people = {first: replace(bare, seed=first)}

    def of(_: Studio, seed: int) -> Person:
        return people.get(seed, replace(shod, seed=seed))

    monkeypatch.setattr(samples, "_person", of)
    assert samples.person_of(studio, taken).seed == first
    other = samples.person_of(studio, taken, shod=True)
    assert other.seed != first and other == samples.person_of(studio, taken, shod=True)


def test_where_no_pose_will_do_people_just_stand(studio: Studio) -> None:
    person = studio.random_person(0)
    who = studio.character(person)
    stood = samples.stand(studio, person, "train", stream(0), upright=2.0)
    assert stood.posing.name == "standing" and stood.seat is None
    ballast = balance.measure(studio.assets, who.rest, who.heads, studio.capsules(person))
    bones = rig.transforms(studio.assets.rig, who.heads, stood.posing.rotations)
    assert balance.footing(ballast, bones).overhang_mm < 0


def test_company_keeps_apart(studio: Studio) -> None:
    person = studio.random_person(0)
    one, same, far = (
        samples.stand(studio, person, "train", stream(1), at_mm=(x, 0.0)) for x in (0, 40, 2500)
    )
    assert not set_crops.apart(one, same)
    assert set_crops.apart(one, far)


# -- the automatic look --


@pytest.fixture(scope="module")
def someone(studio: Studio) -> tuple[Person, Posed, Posed]:
    """A person with top and bottom, at rest and in a pose."""
    seed = next(
        s
        for s in range(50)
        if {w.slot for w in studio.random_person(s).outfit} >= {"top", "bottom", "shoes"}
        and studio.random_person(s).hair.style
    )
    person = studio.random_person(seed)
    still = np.tile(np.eye(3, dtype=np.float32), (len(studio.assets.rig.names), 1, 1))
    rest = studio.pose(person, samples.Posing(still, "rig", "rest"))
    posed = studio.pose(person, studio.bank.sample(stream(1, "pose"), "standing"))
    return person, rest, posed


@pytest.fixture(scope="module")
def views(studio: Studio, someone: tuple[Person, Posed, Posed]) -> list[Picture]:
    person, rest, _ = someone
    return [check._view(studio, person, rest, yaw, 0) for yaw in (0.0, np.pi)]


def _kinds(found: Any) -> set[str]:
    return {fault.kind for fault in found}


def test_ready_people_pass(studio: Studio, someone: Any, views: list[Picture]) -> None:
    person, rest, posed = someone
    who, names = studio.character(person), studio.assets.rig.names
    assert not list(faults.solid_faults(who, rest, posed, person, names))
    assert not list(faults.seen_faults(person, views))


@pytest.mark.parametrize(
    ("harm", "kind"),
    [
        ("nan", "not finite"),
        ("spike", "torn"),
        ("float", "floor"),
        ("top away", "far"),
        ("bag aside", "bag"),
        ("shoe away", "shoes"),
    ],
)
def test_harmed_vertices_are_found(studio: Studio, someone: Any, harm: str, kind: str) -> None:
    person, rest, posed = someone
    who, names = studio.character(person), studio.assets.rig.names
    positions = posed.positions.copy()
    worn = {name: np.unique(who.mesh.triangles[who.mesh.cloth == name]) for name in Cloth}
    if harm == "nan":
        positions[worn[Cloth.TOP][3]] = np.nan
    elif harm == "spike":
        positions[worn[Cloth.TOP][3]] += (0, 0, 500)
    elif harm == "float":
        positions[:, 1] += 60
    elif harm == "bag aside":
        bag = Hung(slice(0, 40), names.index("wrist.L"), who.tails[names.index("wrist.L")])
        who = replace(who, hung=(bag,))
        assert faults.hanging_deg(who, replace(posed, positions=positions))[0] > 20
    elif harm == "top away":
        positions[worn[Cloth.TOP]] += (0, 0, 500)
    else:
        positions[worn[Cloth.SHOES]] += (0, 0, 300)
    found = faults.solid_faults(who, rest, replace(posed, positions=positions), person, names)
    assert kind in _kinds(found)


def test_harm_in_pictures_is_found(someone: Any, views: list[Picture]) -> None:
    person, _, _ = someone

    def kinds(change: Callable[[Picture], Picture]) -> set[str]:
        return _kinds(faults.seen_faults(person, [change(view) for view in views]))

    def recloth(view: Picture, old: tuple[Cloth, ...], new: Cloth) -> Picture:
        cloth = np.where(np.isin(view.cloth, old), new, view.cloth).astype(np.uint8)
        return replace(view, cloth=cloth)

    def band(view: Picture, share: float) -> np.ndarray:
        """Rows of the trunk from the hips to so much of the way to the shoulders."""
        shoulder, hip = (view.keypoints[i : i + 2, 1].mean() for i in (5, 11))
        rows = np.arange(len(view.parts))[:, None]
        return (rows < hip) & (rows > hip + share * (shoulder - hip)) & (view.parts == Part.TORSO)

    assert {"torso", "waist", "clothes"} <= kinds(lambda v: recloth(v, (Cloth.TOP,), Cloth.SKIN))
    assert "hair" in kinds(lambda v: recloth(v, (Cloth.HAIR,), Cloth.SKIN))
    assert "clothes" in kinds(lambda v: recloth(v, (Cloth.SHOES,), Cloth.SKIN))
    bare = kinds(lambda v: replace(v, cloth=np.where(band(v, 0.15), Cloth.SKIN, v.cloth)))
    assert "waist" in bare
    hand = kinds(lambda v: replace(v, parts=np.where(v.parts == Part.HAND_L, 5, v.parts)))
    assert "part" in hand

    def middle(view: Picture, size: int) -> tuple[slice, slice]:
        x, y = view.keypoints[[5, 6, 11, 12], :2].mean(0).round().astype(int)
        return np.s_[y : y + size, x : x + size]

    def speckled(view: Picture) -> Picture:
        cloth = view.cloth.copy()
        cloth[middle(view, 3)] = Cloth.SKIN
        return replace(view, cloth=cloth)

    def pierced(view: Picture) -> Picture:
        parts, cloth = view.parts.copy(), view.cloth.copy()
        parts[middle(view, 3)] = cloth[middle(view, 3)] = 0
        return replace(view, parts=parts, cloth=cloth)

    assert "specks" in kinds(speckled)
    assert "hole" in kinds(pierced)


def test_distance_to_bones_against_points_along_them() -> None:
    rng = np.random.default_rng(0)
    heads, tails = rng.normal(size=(2, 5, 3)) * 100
    points = rng.normal(size=(40, 3)) * 200
    share = np.linspace(0, 1, 4001)[:, None, None]
    along = (heads + share * (tails - heads)).reshape(-1, 3)
    brute = np.linalg.norm(points[:, None] - along, axis=2).min(1)
    assert faults.distance_to_bones(points, heads, tails) == pytest.approx(brute, abs=0.2)


def test_the_command_prints_a_table_and_writes_a_sheet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("POSEAPP_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "people.png"
    words = ["--count", "4", "--seed", "2", "--sheet", str(out)]
    with pytest.raises(DataError, match=r"no MakeHuman pack.*--mannequin"):
        check.main(words)
    for wrong, why in (
        ([*words, "--count", "0"], "1 or more, not 0"),
        ([*words, "--seed", "-1"], "at least 0"),
        (["--mannequin", "--sheet", str(tmp_path / "none" / "a.png")], "no folder"),
    ):
        with pytest.raises(DataError, match=why):
            check.main(wrong)
    code = check.main([*words, "--mannequin"])
    said = capsys.readouterr().out
    assert "(mannequin)" in said.splitlines()[-2]
    assert "of 4 people fail" in said and (code == 0) == ("0 of 4 people" in said)
    assert cv2.imread(str(out)).shape[0] % faults.SIZE[1] == 0


def test_the_table_names_seeds_and_the_exit_code_counts_people(studio: Studio) -> None:
    person = studio.random_person(0)
    blank = np.zeros((*faults.SIZE[::-1], 3), np.uint8)
    bad = check.Looked(41, person, (faults.Fault("waist", "12 px from before"),), blank)
    good = check.Looked(42, person, (), blank)
    text = check.table([bad, good])
    assert "seed 41: 12 px from before" in text and "1 of 2 people fail (50.0%" in text
    assert "42" not in text
    sheet = check.sheet([bad, good])
    assert sheet.shape[2] == 3 and (sheet == (220, 30, 30)).all(2).any()
