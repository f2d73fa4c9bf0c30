"""Poses, limits, collisions, faces and cameras of the synthetic studio."""

from pathlib import Path

import numpy as np
import pytest

from trainer.data import mocap
from trainer.errors import DataError
from trainer.synthetic import (
    assets as packs,
)
from trainer.synthetic import (
    balance,
    camera,
    collisions,
    faces,
    facing,
    lifted,
    limits,
    mannequin,
    pose_bank,
    rig,
    seats,
    swing,
    turns,
    written_poses,
)
from trainer.synthetic.body import shape
from trainer.synthetic.person import Body, Face
from trainer.synthetic.types import Assets, Camera, Character, Expressions, Mesh, Posed

J = {name: i for i, name in enumerate(mocap.JOINTS)}
LIMBS = [
    (f"{s}_{a}", f"{s}_{b}", f"{bone}.{s}", f"{end}.{s}")
    for s in "LR"
    for a, b, bone, end in (
        ("Shoulder", "Elbow", "upperarm01", "lowerarm01"),
        ("Elbow", "Wrist", "lowerarm01", "wrist"),
        ("Hip", "Knee", "upperleg01", "lowerleg01"),
        ("Knee", "Ankle", "lowerleg01", "foot"),
    )
]


def naked(assets: Assets, body: Body | None = None) -> Character:
    base = shape(assets, body or Body())
    heads, tails = rig.bone_positions(assets.rig, base)
    triangles = assets.body.vertex[assets.body.triangles].astype(np.int32)
    count = len(triangles)
    none = np.zeros(count, np.uint8)
    mesh = Mesh(triangles, np.zeros((count, 3, 2), np.float32), none, none, none, none, ())
    return Character(base, assets.bone.astype(np.int32), assets.bone_weight, heads, tails, mesh)


@pytest.fixture(scope="module")
def doll() -> Assets:
    return mannequin.build()


@pytest.fixture(scope="module")
def figure(doll: Assets) -> Character:
    return naked(doll)


@pytest.fixture(scope="module")
def bank(doll: Assets) -> pose_bank.PoseBank:
    return pose_bank.PoseBank.open(doll)


def heads_of(character: Character, posed: Posed) -> np.ndarray:
    turned = np.einsum("bij,bj->bi", posed.bones[:, :3, :3], character.heads)
    return turned + posed.bones[:, :3, 3]


def degrees_between(a: np.ndarray, b: np.ndarray) -> float:
    cosine = a @ b / (np.linalg.norm(a) * np.linalg.norm(b))
    return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))


def worst_limb(assets: Assets, character: Character, joints: np.ndarray) -> float:
    rotations = swing.swing(assets, character.heads, character.tails, joints)
    posed = rig.pose(character, assets.rig, rotations)
    at = heads_of(character, posed)
    index = assets.rig.names.index
    return max(
        degrees_between(joints[J[b]] - joints[J[a]], at[index(end)] - at[index(bone)])
        for a, b, bone, end in LIMBS
    )


def limb(posed: Posed, character: Character, assets: Assets, name: str) -> np.ndarray:
    return heads_of(character, posed)[assets.rig.names.index(name)]


@pytest.mark.parametrize("name", list(written_poses.POSES))
def test_limbs_point_where_they_were_written(doll: Assets, figure: Character, name: str) -> None:
    joints = written_poses.joints(written_poses.POSES[name])
    assert worst_limb(doll, figure, joints) < 1.0


def test_limbs_point_where_they_were_captured(
    doll: Assets, figure: Character, mocap_folder: Path
) -> None:
    poses = mocap.load(mocap_folder, "all").poses
    assert max(worst_limb(doll, figure, p) for p in poses[::60]) < 1.0


def test_rotations_are_rotations(doll: Assets, figure: Character) -> None:
    rng = np.random.default_rng(0)
    joints = written_poses.joints(written_poses.POSES["running"])
    r = swing.swing(doll, figure.heads, figure.tails, joints, rng)
    assert r.dtype == np.float32
    eye = np.broadcast_to(np.eye(3), r.shape)
    np.testing.assert_allclose(r @ r.transpose(0, 2, 1), eye, atol=1e-5)
    np.testing.assert_allclose(np.linalg.det(r), 1.0, atol=1e-5)


def test_left_stays_left_and_the_heading_is_kept(doll: Assets, figure: Character) -> None:
    joints = written_poses.joints(written_poses.POSES["waving"])  # the right hand is up
    for turn in (0.0, 1.0, 2.5, -2.0):
        turned = joints @ rig.about_y(turn).T
        r = swing.swing(doll, figure.heads, figure.tails, turned)
        posed = rig.pose(figure, doll.rig, r)
        right = limb(posed, figure, doll, "wrist.R")
        assert right[1] > limb(posed, figure, doll, "wrist.L")[1] + 300.0
        across = limb(posed, figure, doll, "upperleg01.L") - limb(
            posed, figure, doll, "upperleg01.R"
        )
        assert degrees_between(across, rig.about_y(turn)[:, 0]) < 2.0


def test_elbows_and_knees_bend_about_their_hinges(doll: Assets, figure: Character) -> None:
    joints = written_poses.joints(written_poses.POSES["squatting"])
    r = swing.swing(doll, figure.heads, figure.tails, joints)
    for name in ("lowerleg01.L", "lowerleg01.R", "lowerarm01.L", "lowerarm01.R"):
        hinge = limits.hinge(doll.rig, figure.heads, name)
        assert hinge is not None
        turn = turns.vector_of(r[hinge.bone].astype(float))
        along = float(turn @ hinge.axis)
        assert np.linalg.norm(turn - along * hinge.axis) < np.radians(12.0), name
        if "leg" in name:
            assert along > np.radians(60.0), name


def test_standing_feet_are_flat_on_the_floor(doll: Assets, figure: Character) -> None:
    rest = rig.pose(figure, doll.rig, np.tile(np.eye(3), (len(doll.rig.names), 1, 1)))
    for name in ("standing", "arms_crossed", "squatting"):
        posed = rig.pose(figure, doll.rig, pose_bank.built_in(doll, name).rotations)
        assert abs(camera.drawn(figure, posed)[:, 1].min()) < 1.0
        for side in ("L", "R"):
            bone = doll.rig.names.index(f"foot.{side}")
            # An ankle is as high as at rest, and the sole has not tipped.
            height = limb(posed, figure, doll, f"foot.{side}")[1]
            assert abs(height - limb(rest, figure, doll, f"foot.{side}")[1]) < 35.0, name
            assert degrees_between(posed.bones[bone, :3, 1], np.array([0.0, 1.0, 0.0])) < 12.0


def test_a_mirrored_pose_is_the_mirror_image(doll: Assets, figure: Character) -> None:
    rotations = pose_bank.built_in(doll, "waving").rotations
    one = heads_of(figure, rig.pose(figure, doll.rig, rotations))
    two = heads_of(figure, rig.pose(figure, doll.rig, pose_bank.mirrored(doll.rig, rotations)))
    index = doll.rig.names.index
    flip = np.array([-1.0, 1.0, 1.0])
    for bone in ("wrist", "lowerarm01", "foot"):
        np.testing.assert_allclose(two[index(f"{bone}.L")], flip * one[index(f"{bone}.R")], atol=3)


def test_the_same_draw_gives_the_same_pose(bank: pose_bank.PoseBank) -> None:
    for source in (None, *bank.sources):
        one = bank.sample(np.random.default_rng(5), source)
        two = bank.sample(np.random.default_rng(5), source)
        assert one.rotations.tobytes() == two.rotations.tobytes()
        assert (one.source, one.name) == (two.source, two.name)
    other = bank.sample(np.random.default_rng(6))
    assert other.rotations.tobytes() != bank.sample(np.random.default_rng(5)).rotations.tobytes()


def test_without_data_there_are_poses_still(bank: pose_bank.PoseBank) -> None:
    assert {"walking", "standing", "written", "perturbed"} <= set(bank.sources)
    assert not {"mocap", "coco"} & set(bank.sources)
    rng = np.random.default_rng(1)
    assert len({bank.sample(rng).name for _ in range(40)}) > 10
    assert bank.sample(rng, "walking").name in written_poses.WALKING
    assert bank.sample(rng, "mocap").source in bank.sources  # what is not there is made up for


def test_motion_capture_is_drawn_from_its_split(doll: Assets, mocap_folder: Path) -> None:
    opened = {s: pose_bank.PoseBank.open(doll, mocap_folder, split=s) for s in ("train", "test")}
    assert all("mocap" in b.sources for b in opened.values())
    drawn = {s: b.sample(np.random.default_rng(0), "mocap") for s, b in opened.items()}
    assert all(d.source == "mocap" for d in drawn.values())
    assert drawn["train"].rotations.tobytes() != drawn["test"].rotations.tobytes()
    np.testing.assert_array_equal(drawn["train"].rotations.shape, (len(doll.rig.names), 3, 3))


def test_unknown_names_are_answered_with_the_known_ones(
    doll: Assets, bank: pose_bank.PoseBank
) -> None:
    with pytest.raises(DataError, match="standing"):
        pose_bank.built_in(doll, "levitating")
    with pytest.raises(DataError, match="walking"):
        bank.sample(np.random.default_rng(0), "levitating")
    with pytest.raises(DataError, match="validation"):
        pose_bank.PoseBank.open(doll, split="holiday")


def test_a_change_stays_near_and_within_the_joints(doll: Assets, figure: Character) -> None:
    start = pose_bank.built_in(doll, "standing").rotations
    moved = limits.perturb(np.random.default_rng(3), start, doll.rig, figure.heads, 1.0)
    assert not np.array_equal(moved, start)
    same = limits.perturb(np.random.default_rng(3), start, doll.rig, figure.heads, 0.0)
    np.testing.assert_allclose(same, start, atol=1e-5)
    wild = start
    for seed in range(30):
        wild = limits.perturb(np.random.default_rng(seed), wild, doll.rig, figure.heads, 3.0)
    for name in ("lowerleg01.L", "lowerarm01.R"):
        hinge = limits.hinge(doll.rig, figure.heads, name)
        assert hinge is not None
        bend = hinge.bend_rad + turns.vector_of(wild[hinge.bone].astype(float)) @ hinge.axis
        assert -0.02 <= bend <= np.radians(150.0)
    head = turns.vector_of(wild[doll.rig.names.index("head")].astype(float))
    assert np.linalg.norm(head) <= np.radians(35.1)


def test_an_arm_in_the_belly_is_swung_out_and_a_lost_one_is_refused(
    doll: Assets, figure: Character
) -> None:
    capsules = collisions.measure(doll, figure.rest, figure.heads, figure.tails)
    still = rig.pose(figure, doll.rig, pose_bank.built_in(doll, "standing_wide").rotations)
    assert collisions.depth_mm(capsules, still.bones) < 15.0

    def settled(forearm: tuple[float, float, float]) -> tuple[float, float, np.ndarray | None]:
        arm = ((0.1, -1.0, 0.05), forearm)
        joints = written_poses.joints(written_poses.Written(right_arm=arm))
        r = swing.swing(doll, figure.heads, figure.tails, joints)
        before = collisions.depth_mm(capsules, rig.pose(figure, doll.rig, r).bones)
        mended, after = collisions.settle(capsules, doll.rig, figure.heads, r)
        good = collisions.acceptable(capsules, doll.rig, figure.heads, r)
        if good is not None:
            assert np.array_equal(good, mended)
        return before, after, good

    before, after, good = settled((-0.8, -0.3, 0.5))
    assert before > 35.0
    assert after <= collisions.DEEPEST_MM
    assert good is not None
    before, _, good = settled((-1.0, 0.1, 0.1))
    assert before > 110.0
    assert good is None


def test_crossed_arms_stay_crossed(doll: Assets, figure: Character) -> None:
    rotations = pose_bank.built_in(doll, "arms_crossed").rotations
    capsules = collisions.measure(doll, figure.rest, figure.heads, figure.tails)
    mended = collisions.acceptable(capsules, doll.rig, figure.heads, rotations)
    assert mended is not None
    for each in (rotations, mended):
        posed = rig.pose(figure, doll.rig, each)
        assert collisions.depth_mm(capsules, posed.bones) < 30.0
        # Each hand is on the other side, in front of the chest.
        hands = [doll.rig.names.index(f"wrist.{s}") for s in "LR"]
        left, right = (
            posed.bones[b, :3, :3] @ figure.tails[b] + posed.bones[b, :3, 3] for b in hands
        )
        assert left[0] < -40.0
        assert right[0] > 40.0
        assert min(left[2], right[2]) > limb(posed, figure, doll, "spine01")[2] + 100.0


def test_expressions_scale_and_mix() -> None:
    turn = [turns.about(axis, 0.4) for axis in np.eye(3)]
    units = np.stack([[turn[0], turn[1]], [turn[2], np.eye(3)]]).astype(np.float32)
    weights = np.array([[1.0, 0.0], [0.5, 1.0]], np.float32)
    made = Expressions(("a", "b"), np.array([3, 5]), units, ("one", "both"), weights)
    half = faces.expression(made, "one", 0.5)
    np.testing.assert_allclose(half[0], turns.about(np.eye(3)[0], 0.2), atol=1e-6)
    np.testing.assert_allclose(half[1], turns.about(np.eye(3)[1], 0.2), atol=1e-6)
    both = faces.expression(made, "both")
    expected = turn[2] @ turns.about(np.eye(3)[0], 0.2)
    np.testing.assert_allclose(both[0], expected, atol=1e-6)
    np.testing.assert_allclose(faces.expression(made, "unheard of"), np.tile(np.eye(3), (2, 1, 1)))


def test_a_calm_face_smiles_a_little_when_it_is_strong() -> None:
    names = ("LeftInnerBrowUp", "RightInnerBrowUp", "MouthLeftPullUp", "MouthRightPullUp")
    turn = turns.about(np.array([1.0, 0.0, 0.0]), 0.4)
    units = np.tile(np.eye(3), (4, 4, 1, 1))
    units[range(4), range(4)] = turn
    made = Expressions(names, np.arange(4), units.astype(np.float32), ("x",), np.zeros((1, 4)))

    def turned(strength: float) -> np.ndarray:
        return np.array([turns.vector_of(r)[0] for r in faces.expression(made, "", strength)])

    assert not turned(0.0).any()
    calm, smile = turned(faces.SMILES_FROM), turned(1.0)
    assert (calm > 0.02).all() and calm[0] == pytest.approx(calm[1])
    np.testing.assert_allclose(smile[:2], calm[:2], atol=1e-6)  # the brows stay
    assert (smile[2:] > 2 * calm[2:]).all()


@pytest.fixture(scope="module")
def ballast(doll: Assets, figure: Character) -> balance.Ballast:
    capsules = collisions.measure(doll, figure.rest, figure.heads, figure.tails)
    return balance.measure(doll, figure.rest, figure.heads, capsules)


def footing(ballast: balance.Ballast, doll: Assets, figure: Character, name: str) -> float:
    posing = pose_bank.built_in(doll, name, figure.heads, figure.tails)
    rotations, _ = balance.settle(ballast, doll.rig, figure.heads, posing.rotations)
    bones = rig.transforms(doll.rig, figure.heads, rotations)
    return balance.footing(ballast, bones).overhang_mm


def test_who_stands_squats_or_bends_is_steady_and_who_sits_on_nothing_falls(
    doll: Assets, figure: Character, ballast: balance.Ballast
) -> None:
    for name in (*written_poses.STANDING, "lunge"):
        assert footing(ballast, doll, figure, name) < 0, name
    for name in written_poses.SITTING:
        assert footing(ballast, doll, figure, name) > 100, name


def test_who_leans_is_leant_back_on_flat_soles(
    doll: Assets, figure: Character, ballast: balance.Ballast
) -> None:
    posing = pose_bank.built_in(doll, "standing", figure.heads, figure.tails)
    tilted = np.array(posing.rotations)
    lean = turns.about(np.array([1.0, 0.0, 0.0]), 0.28)
    tilted[0] = lean @ tilted[0]
    for foot in ballast.feet:  # the soles stay on the floor
        bones = rig.transforms(doll.rig, figure.heads, tilted)
        above = bones[doll.rig.parent[foot], :3, :3]
        tilted[foot] = above.T @ lean.T @ bones[foot, :3, :3]
    before = balance.footing(ballast, rig.transforms(doll.rig, figure.heads, tilted))
    mended, after = balance.settle(ballast, doll.rig, figure.heads, tilted)
    assert before.overhang_mm > 40 and before.on_feet
    assert after.overhang_mm < 0 and after.on_feet
    names = ("foot.L", "foot.R")
    one, two = (rig.transforms(doll.rig, figure.heads, r) for r in (tilted, mended))
    for foot in (doll.rig.names.index(n) for n in names):
        np.testing.assert_allclose(one[foot, :3, :3], two[foot, :3, :3], atol=1e-5)
    steady, _ = balance.settle(ballast, doll.rig, figure.heads, posing.rotations)
    assert steady is posing.rotations


def test_both_feet_of_a_lunge_are_on_the_floor(
    doll: Assets, figure: Character, ballast: balance.Ballast
) -> None:
    posing = pose_bank.built_in(doll, "lunge", figure.heads, figure.tails)

    def touching(rotations: np.ndarray) -> tuple[bool, bool]:
        bones = rig.transforms(doll.rig, figure.heads, rotations)
        return balance.footing(ballast, bones).touching

    assert not all(touching(posing.rotations))
    assert all(touching(balance.settle(ballast, doll.rig, figure.heads, posing.rotations)[0]))


def test_who_sits_gets_a_seat_below_and_who_stands_gets_none(
    doll: Assets, figure: Character
) -> None:
    rng = np.random.default_rng(0)
    for k in range(12):
        posing = pose_bank.built_in(doll, "sitting", figure.heads, figure.tails)
        turn, at = 0.5 * k, (300.0 * k, -200.0)
        posed = rig.pose(figure, doll.rig, posing.rotations, turn_rad=turn, at_mm=at)
        found = seats.under(rng, doll, posed, figure.heads)
        assert found is not None
        mesh, points = found
        assert mesh.triangles.max() < len(points) and points[:, 1].min() == pytest.approx(0)
        thighs = [heads_of(figure, posed)[doll.rig.names.index(f"upperleg01.{s}")] for s in "LR"]
        hips = np.mean(thighs, axis=0)
        assert (points.min(0)[[0, 2]] < hips[[0, 2]]).all()
        assert (points.max(0)[[0, 2]] > hips[[0, 2]]).all()
        below = points[points[:, 1] < hips[1]]
        assert 20 < hips[1] - below[:, 1].max() < 200
    standing = pose_bank.built_in(doll, "standing", figure.heads, figure.tails)
    posed = rig.pose(figure, doll.rig, standing.rotations)
    assert seats.under(rng, doll, posed, figure.heads) is None


def test_a_figure_without_expressions_keeps_its_pose(doll: Assets) -> None:
    rotations = pose_bank.built_in(doll, "standing").rotations
    again = faces.with_face(rotations, doll, Face(expression="laugh"))
    if doll.expressions is None:
        np.testing.assert_array_equal(again, rotations)
    assert again is not rotations


FACTORIES = {
    "surveillance": (camera.surveillance, (64, 128)),
    "full_body": (camera.full_body, (128, 256)),
    "person_crop": (camera.person_crop, (256, 256)),
}


@pytest.mark.parametrize("name", list(FACTORIES))
def test_cameras_hold_the_person(name: str, doll: Assets, figure: Character) -> None:
    make, size = FACTORIES[name]
    posed = rig.pose(figure, doll.rig, pose_bank.built_in(doll, "standing").rotations)
    points = camera.drawn(figure, posed)
    inside = []
    for seed in range(60):
        cam = make(np.random.default_rng(seed), points)
        assert cam.size == size
        np.testing.assert_allclose(cam.rotation @ cam.rotation.T, np.eye(3), atol=1e-9)
        assert camera.eye(cam)[1] > 200.0  # above the floor
        assert np.linalg.norm(camera.eye(cam) - points.mean(0)) >= 1000.0
        at = camera.project(cam, points)
        assert np.isfinite(at).all()
        inside.append(((at >= -0.5) & (at <= np.array(size) - 0.5)).all(1).mean())
        tall = np.ptp(at[:, 1]) / size[1]
        if name == "surveillance":
            assert 0.7 <= tall <= 0.95
    whole = np.mean(np.array(inside) > 0.999)
    assert whole == 1.0 if name == "full_body" else whole > 0.55
    if name == "person_crop":
        assert 0.15 < np.mean(np.array(inside) < 0.99) < 0.45


def test_a_portrait_holds_the_head_and_not_the_knees(doll: Assets, figure: Character) -> None:
    posed = rig.pose(figure, doll.rig, pose_bank.built_in(doll, "arms_raised").rotations)
    face = np.stack(
        [posed.positions[doll.landmarks[n]].mean(0) for n in ("nose", "left_ear", "right_ear")]
    )
    for seed in range(20):
        rng = np.random.default_rng(seed)
        cam = camera.portrait(rng, camera.drawn(figure, posed), face=face)
        at = camera.project(cam, face)
        assert ((at > 8) & (at < 120)).all()
        assert camera.project(cam, limb(posed, figure, doll, "lowerleg01.L"))[1] > 128


def test_a_camera_in_front_shows_the_left_on_the_right_and_up_on_top() -> None:
    points = np.array([[0.0, 0.0, 0.0], [0.0, 1700.0, 0.0], [300.0, 900.0, 0.0]])
    cam = camera.full_body(np.random.default_rng(0), points, (128, 256), jitter=0.0)
    foot, crown, left = camera.project(cam, points)
    assert crown[1] < left[1] < foot[1]
    assert left[0] > crown[0]
    back = camera.full_body(np.random.default_rng(0), points, yaw_rad=np.pi, jitter=0.0)
    assert camera.project(back, points)[2, 0] < camera.project(back, points)[1, 0]
    assert np.isnan(camera.project(cam, camera.eye(cam) + np.array([0.0, 0.0, 500.0]))).all()


def coco_points(assets: Assets, posed: Posed) -> np.ndarray:
    from trainer.synthetic.labels import KEYPOINTS

    return np.stack([posed.positions[assets.landmarks[n]].mean(0) for n in KEYPOINTS])


@pytest.mark.parametrize("missing", [(), (0, 1, 2, 3, 4), (9, 10, 15, 16)])
def test_fitting_recovers_a_camera(
    doll: Assets, figure: Character, missing: tuple[int, ...]
) -> None:
    posed = rig.pose(figure, doll.rig, pose_bank.built_in(doll, "walking").rotations)
    points = coco_points(doll, posed)
    size = (400, 600)
    centre = (199.5, 299.5)
    for seed in range(6):
        rng = np.random.default_rng(seed)
        rotation = camera.looking(rng.normal(0.0, 0.04), rng.normal(0.08, 0.1))
        away = np.array([rng.normal(0.0, 150.0), rng.normal(0.0, 150.0), rng.uniform(3500, 5500)])
        known = Camera(rotation, away - rotation @ points.mean(0), 900.0, centre, size)
        seen = camera.project(known, points)
        weight = np.ones(17)
        weight[list(missing)] = 0.0
        seen_there = np.where(weight[:, None] > 0, seen, np.nan)
        found = camera.fit_keypoints(points, seen_there, weight, size)
        miss = np.linalg.norm(camera.project(found, points) - seen, axis=1)
        assert miss.mean() < 4.0
        assert found.size == size
        assert degrees_between(found.rotation[2], rotation[2]) < 12.0


def test_fitting_shrugs_off_one_wrong_keypoint_and_none_at_all(
    doll: Assets, figure: Character
) -> None:
    posed = rig.pose(figure, doll.rig, pose_bank.built_in(doll, "standing").rotations)
    points = coco_points(doll, posed)
    rotation = camera.looking(0.0, 0.1)
    at = np.array([0.0, 0.0, 4000.0]) - rotation @ points.mean(0)
    known = Camera(rotation, at, 800.0, (199.5, 199.5), (400, 400))
    seen = camera.project(known, points)
    wrong = seen.copy()
    wrong[9] += (90.0, -60.0)
    found = camera.fit_keypoints(points, wrong, np.ones(17), (400, 400))
    others = np.arange(17) != 9
    assert np.linalg.norm(camera.project(found, points) - seen, axis=1)[others].mean() < 6.0
    blind = camera.fit_keypoints(points, seen, np.zeros(17), (400, 400))
    assert ((camera.project(blind, points) > 0) & (camera.project(blind, points) < 400)).all()


def test_a_head_turns_to_where_the_face_is_drawn(doll: Assets, figure: Character) -> None:
    start = pose_bank.built_in(doll, "standing").rotations
    turned = np.array(start)
    head = doll.rig.names.index("head")
    turned[head] = turns.about(np.array([0.0, 1.0, 0.0]), 0.7).astype(np.float32) @ start[head]
    goal = coco_points(doll, rig.pose(figure, doll.rig, turned))
    posed = rig.pose(figure, doll.rig, start)
    cam = camera.full_body(np.random.default_rng(0), posed.positions, (300, 600), jitter=0.0)
    wanted = camera.project(cam, goal)
    weight = np.ones(17)

    def miss(rotations: np.ndarray) -> float:
        points = coco_points(doll, rig.pose(figure, doll.rig, rotations))
        return float(np.linalg.norm(camera.project(cam, points) - wanted, axis=1)[:5].mean())

    found = facing.turn_head(doll, figure, posed, start, cam, wanted, weight)
    assert miss(found) < 0.35 * miss(start)
    weight[:4] = 0.0
    same = facing.turn_head(doll, figure, posed, start, cam, wanted, weight)
    np.testing.assert_array_equal(same, start)


@pytest.mark.data
def test_lifted_people_are_read_from_their_file(tmp_path: Path, data_root: Path) -> None:
    poses = lifted.load(data_root, "validation", tmp_path, count=40)
    assert poses.shape[1:] == (17, 3)
    assert 20 <= len(poses) <= 40
    assert np.abs(poses[:, 0]).max() < 1.0
    upright = (poses[:, J["Head"], 1] > poses[:, J["L_Ankle"], 1]).mean()
    assert upright > 0.9
    (made,) = tmp_path.glob("*.npz")
    stamp = made.stat().st_mtime_ns
    np.testing.assert_array_equal(lifted.load(data_root, "validation", tmp_path, count=40), poses)
    assert made.stat().st_mtime_ns == stamp
    made.write_bytes(b"cut short")
    np.testing.assert_allclose(
        lifted.load(data_root, "validation", tmp_path, count=40), poses, atol=0.2
    )


@pytest.mark.data
def test_real_people_in_captured_poses(data_root: Path) -> None:
    folder = packs.find(data_root)
    assert folder is not None
    assets = packs.load(folder)
    character = naked(assets, Body(gender=0.9, weight=0.7, height=0.6))
    poses = mocap.load(data_root, "validation").poses
    assert max(worst_limb(assets, character, p) for p in poses[:: len(poses) // 40]) < 1.0
    bank = pose_bank.PoseBank.open(assets, data_root, split="validation")
    capsules = collisions.measure(assets, character.rest, character.heads, character.tails)
    rng = np.random.default_rng(0)
    deep = 0
    for _ in range(30):
        posing = bank.sample(
            rng, "mocap", heads=character.heads, tails=character.tails, capsules=capsules
        )
        posed = rig.pose(character, assets.rig, posing.rotations)
        deep += collisions.depth_mm(capsules, posed.bones) > collisions.DEEPEST_MM + 1.0
        assert abs(camera.drawn(character, posed)[:, 1].min()) < 15.0
    assert deep == 0
    curled = limits.hands(
        rng,
        np.tile(np.eye(3), (len(assets.rig.names), 1, 1)),
        assets.rig,
        character.heads,
        character.tails,
        "fist",
    )
    tip, wrist = (assets.rig.names.index(n) for n in ("finger3-3.L", "wrist.L"))
    open_reach = np.linalg.norm(character.tails[tip] - character.heads[wrist])
    bones = rig.transforms(assets.rig, character.heads, curled)
    at = bones[tip, :3, :3] @ character.tails[tip] + bones[tip, :3, 3]
    closed = np.linalg.norm(at - character.heads[wrist])
    assert closed < 0.75 * open_reach
