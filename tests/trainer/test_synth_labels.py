"""Labels of rendered pictures, against a figure of capsules that is traced ray by ray here."""

from dataclasses import replace

import numpy as np
import pytest

from trainer.synthetic import labels
from trainer.synthetic.labels import KEYPOINTS
from trainer.synthetic.types import (
    Assets,
    Camera,
    Character,
    Cloth,
    Frame,
    Mesh,
    Part,
    Posed,
    Rig,
    Surface,
    Targets,
)

# COCO points of a standing figure, mm: its own left at +x, facing +z.
_REST = {
    "nose": (0, 1600, 100),
    "left_eye": (32, 1630, 80),
    "left_ear": (75, 1610, 0),
    "left_shoulder": (180, 1400, 0),
    "left_elbow": (300, 1150, 0),
    "left_wrist": (330, 900, 0),
    "left_hip": (95, 900, 0),
    "left_knee": (100, 480, 0),
    "left_ankle": (100, 80, 0),
}
_LIMBS = (  # part of the left, from, to, radius mm
    (Part.UPPER_ARM_L, "left_shoulder", "left_elbow", 45),
    (Part.LOWER_ARM_L, "left_elbow", "left_wrist", 35),
    (Part.UPPER_LEG_L, "left_hip", "left_knee", 75),
    (Part.LOWER_LEG_L, "left_knee", "left_ankle", 50),
)


_Person = dict[str, np.ndarray]  # points in mm, and under "place" where the trunk went


def _joints(**moved: tuple[float, float, float]) -> _Person:
    joints = {name: np.array(at, float) for name, at in _REST.items()}
    joints |= {
        name.replace("left", "right"): at * (-1, 1, 1)
        for name, at in joints.items()
        if name != "nose"
    }
    return joints | {name: np.array(at, float) for name, at in moved.items()}


def _moved(joints: dict[str, np.ndarray], by: tuple[float, float, float]) -> _Person:
    return {name: at + by for name, at in joints.items()} | {"place": np.array(by, float)}


def _capsules(joints: _Person) -> list[tuple[np.ndarray, np.ndarray, float, int]]:
    """Limbs, a trunk of three upright capsules and a head: from, to, radius mm, part."""
    out = []
    for part, a, b, radius in _LIMBS:
        out.append((joints[a], joints[b], float(radius), int(part)))
        right = (x.replace("left", "right") for x in (a, b))
        out.append((*(joints[x] for x in right), float(radius), int(part) + 1))  # type: ignore
    place = joints.get("place", np.zeros(3))
    for x in (-70, 0, 70):
        low, high = np.add(place, (x, 930, 0)), np.add(place, (x, 1380, 0))
        out.append((low, high, 100.0, int(Part.TORSO)))
    centre = np.add(place, (0, 1610, 10))
    out.append((centre, np.add(centre, (0, 30, 0)), 88.0, int(Part.FACE)))
    return out


def _hit(
    origin: np.ndarray, rays: np.ndarray, a: np.ndarray, b: np.ndarray, radius: float
) -> np.ndarray:
    """Distance along unit rays (n,3) to a capsule, inf where it is missed."""
    axis, start = b - a, origin - a
    out = np.full(len(rays), np.inf)
    length2 = float(axis @ axis)
    with np.errstate(invalid="ignore", divide="ignore"):
        if length2 > 0:
            along, across = rays @ axis, rays @ start
            p = length2 - along**2
            q = length2 * across - (axis @ start) * along
            r = length2 * (start @ start) - (axis @ start) ** 2 - radius**2 * length2
            t = (-q - np.sqrt(q * q - p * r)) / p
            place = axis @ start + t * along
            out = np.where((place > 0) & (place < length2) & (t > 0), t, np.inf)
        for centre in (a, b):
            to = origin - centre
            q = rays @ to
            t = -q - np.sqrt(q * q - (to @ to - radius**2))
            out = np.fmin(out, np.where(t > 0, t, np.inf))
    return out


def _trace(camera: Camera, people: list[dict[str, np.ndarray]]) -> Frame:
    """The frame of capsule people."""
    width, height = camera.size
    v, u = np.mgrid[:height, :width]
    rays = np.stack(
        [
            (u - camera.centre_px[0]) / camera.focal_px,
            (v - camera.centre_px[1]) / camera.focal_px,
            np.ones(u.shape),
        ],
        -1,
    ).reshape(-1, 3)
    scale = 1 / np.linalg.norm(rays, axis=1)
    world = (rays * scale[:, None]) @ camera.rotation
    origin = -camera.rotation.T @ camera.translation
    depth = np.full(len(rays), np.inf)
    part, number = np.zeros((2, len(rays)), np.uint8)
    for n, joints in enumerate(people, 1):
        for a, b, radius, name in _capsules(joints):
            z = _hit(origin, world, a, b, radius) * scale
            nearer = z < depth
            depth[nearer], part[nearer], number[nearer] = z[nearer], name, n
    cover = np.array([number == n for n in range(1, len(people) + 1)], np.float32)
    shape = (height, width)
    return Frame(
        image=np.zeros((*shape, 3), np.uint8),
        cover=cover.reshape(-1, *shape),
        number=number.reshape(shape),
        part=part.reshape(shape),
        cloth=np.where(part, Cloth.SKIN, 0).reshape(shape).astype(np.uint8),
        depth=depth.reshape(shape).astype(np.float32),
    )


def _from_axis(points: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest points of a segment, (n,3) mm, and the way from there."""
    share = np.clip((points - a) @ (b - a) / max((b - a) @ (b - a), 1), 0, 1)
    axis = a + share[:, None] * (b - a)
    return axis, points - axis


def _figure(joints: dict[str, np.ndarray]) -> tuple[Assets, Character, Posed]:
    """A body: 6 vertices around each landmark, and skin on the capsules as at rest."""
    rng = np.random.default_rng(0)
    star = np.concatenate([np.eye(3), -np.eye(3)]) * 10
    rest = _joints()

    def stars(where: dict[str, np.ndarray]) -> np.ndarray:
        return np.concatenate([where[name] + star for name in KEYPOINTS])

    skin = []
    limbs = _capsules(rest)
    for a, b, radius, _ in limbs:
        way = rng.normal(size=(1200, 3))
        off = _from_axis(a + rng.uniform(0, 1, (1200, 1)) * (b - a) + radius * way, a, b)
        points = off[0] + off[1] * radius / np.linalg.norm(off[1], axis=1, keepdims=True)
        deep = [r - np.linalg.norm(_from_axis(points, c, d)[1], axis=1) for c, d, r, _ in limbs]
        skin.append(points[np.max(deep, axis=0) < 1])  # what no other limb covers
    surface = np.concatenate(skin)
    base = np.concatenate([stars(rest), surface]).astype(np.float32)
    posed = np.concatenate([stars(joints), surface]).astype(np.float32)
    empty = np.zeros(0, np.int32)
    none = np.zeros((0, 3), np.float32)
    vertex = np.arange(len(KEYPOINTS) * 6, len(base), dtype=np.int32)
    weights = np.zeros((len(base), 6), np.float32)
    assets = Assets(
        source="capsules",
        base=base,
        body=Surface(vertex, np.zeros((len(vertex), 2), np.float32), np.zeros((0, 3), np.int32)),
        tights=None,
        skirt=None,
        rig=Rig((), empty, empty, empty, empty, empty),
        bone=np.zeros((len(base), 6), np.uint8),
        bone_weight=weights,
        targets=Targets((), np.zeros(1, np.int64), empty, none),
        landmarks={n: np.arange(6 * i, 6 * i + 6) for i, n in enumerate(KEYPOINTS)},
        pieces={},
        textures={},
        poses={},
    )
    mesh = Mesh(none, none, empty, empty, empty, empty, ())
    character = Character(base, np.zeros((len(base), 6), np.int32), weights, none, none, mesh)
    return assets, character, Posed(posed, np.zeros((0, 4, 4), np.float32))


def _camera(yaw_deg: float = 0.0, size: tuple[int, int] = (128, 256), pitch: float = 0.0) -> Camera:
    """A camera 4 m from the figure; yaw 0 looks at its face, 90 at its left side."""
    yaw, tilt = np.radians(yaw_deg), np.radians(pitch)
    back = np.array([np.sin(yaw) * np.cos(tilt), np.sin(tilt), np.cos(yaw) * np.cos(tilt)])
    right = np.array([np.cos(yaw), 0, -np.sin(yaw)])
    down = np.cross(-back, right)
    rotation = np.stack([right, down, -back])
    eye = np.array([0, 900, 0]) + 4000 * back
    centre = ((size[0] - 1) / 2, (size[1] - 1) / 2)
    return Camera(rotation, -rotation @ eye, size[1] * 1.9, centre, size)


def _label(
    camera: Camera,
    joints: dict[str, np.ndarray] | None = None,
    others: tuple[dict[str, np.ndarray], ...] = (),
) -> tuple[dict[str, np.ndarray], np.ndarray, Frame]:
    assets, character, posed = _figure(joints or _joints())
    frame = _trace(camera, [joints or _joints(), *others])
    found, mm = labels.keypoints(assets, character, posed, camera, frame, 1)
    assert found.dtype == mm.dtype == np.float32 and found.shape == mm.shape == (17, 3)
    return dict(zip(KEYPOINTS, found, strict=True)), mm, frame


def test_points_land_where_a_hand_projection_puts_them() -> None:
    camera = _camera(30, pitch=12)
    found, mm, _ = _label(camera)
    joints = _joints()
    eye = -camera.rotation.T @ camera.translation
    for k, name in enumerate(KEYPOINTS):
        offset = joints[name] - eye
        right, down, ahead = (float(offset @ row) for row in camera.rotation)
        assert mm[k] == pytest.approx([right, down, ahead], abs=0.05)
        x = camera.focal_px * right / ahead + 63.5
        y = camera.focal_px * down / ahead + 127.5
        assert found[name][:2] == pytest.approx([x, y], abs=0.01)


def test_the_left_side_is_at_the_right_of_a_picture_from_the_front() -> None:
    found, _, _ = _label(_camera(0))
    for name in KEYPOINTS:
        if name.startswith("left"):
            assert found[name][0] > found[name.replace("left", "right")][0] + 3


def test_from_the_front_everything_is_seen() -> None:
    found, _, _ = _label(_camera(0))
    assert {name for name, p in found.items() if p[2] != 2} <= {"left_ear", "right_ear"}


def test_from_behind_the_face_is_hidden_and_the_limbs_are_seen() -> None:
    found, _, _ = _label(_camera(180))
    for name in ("nose", "left_eye", "right_eye"):
        assert found[name][2] == 1
    for name in KEYPOINTS[5:]:
        assert found[name][2] == 2, name


def test_from_the_left_the_right_side_is_hidden() -> None:
    found, _, _ = _label(_camera(90))
    for name in ("eye", "ear", "shoulder", "hip", "knee", "ankle"):
        assert found[f"right_{name}"][2] == 1, name
        if name not in ("hip",):  # the left forearm hangs before its own hip
            assert found[f"left_{name}"][2] == 2, name
    assert found["nose"][2] == 2


def test_an_arm_behind_the_back_is_hidden() -> None:
    moved = {"left_elbow": (190, 1150, -170), "left_wrist": (20, 1050, -170)}
    front, _, _ = _label(_camera(0), _joints(**moved))
    behind, _, _ = _label(_camera(180), _joints(**moved))
    assert front["left_wrist"][2] == 1
    assert behind["left_wrist"][2] == 2
    assert front["right_wrist"][2] == 2


def test_crossed_arms_hide_what_is_under_them() -> None:
    moved = {
        "left_elbow": (200, 1150, 200),
        "left_wrist": (-90, 1180, 260),
        "right_elbow": (-200, 1150, 60),
        "right_wrist": (90, 1180, 160),
    }
    found, _, _ = _label(_camera(0), _joints(**moved))
    assert found["left_wrist"][2] == 2
    # the right wrist is under the left forearm
    assert found["right_wrist"][2] == 1


def test_someone_in_front_hides_and_someone_behind_does_not() -> None:
    assets, character, posed = _figure(_joints())
    camera = _camera(0)
    seen = []
    for z in (700, -700):
        frame = _trace(camera, [_joints(), _moved(_joints(), (0, 0, z))])
        seen.append(labels.keypoints(assets, character, posed, camera, frame, 1)[0])
    in_front, behind = seen
    left_leg = [KEYPOINTS.index(n) for n in ("left_knee", "left_ankle")]
    assert (in_front[left_leg, 2] == 1).all()
    assert (behind[left_leg, 2] == 2).all()


def test_points_outside_the_frame_or_behind_the_camera_are_zero() -> None:
    whole = _camera(0)
    near = replace(whole, translation=whole.translation - (0, 0, 2900))
    found, mm, _ = _label(near)
    for name in ("left_ankle", "right_ankle", "nose"):
        assert found[name].tolist() == [0, 0, 0]
    assert found["left_hip"][2] == 2
    assert np.isfinite(mm).all()
    inside = replace(whole, translation=whole.translation - (0, 0, 6000))
    found, mm, _ = _label(inside)
    assert (mm[:, 2] < 0).all()
    assert not any(p.any() for p in found.values())


def test_a_bag_or_a_hat_before_a_point_hides_it() -> None:
    assets, character, posed = _figure(_joints())
    camera = _camera(0)
    plain = _trace(camera, [_joints()])
    for cloth, name in ((Cloth.BAG, "left_hip"), (Cloth.HAT, "left_eye")):
        first, _ = labels.keypoints(assets, character, posed, camera, plain, 1)
        worn = replace(plain, cloth=np.full_like(plain.cloth, cloth))
        then, _ = labels.keypoints(assets, character, posed, camera, worn, 1)
        k = KEYPOINTS.index(name)
        assert (first[k, 2], then[k, 2]) == (2, 1)
        if cloth == Cloth.BAG:  # its strap over a shoulder hides nothing
            assert then[KEYPOINTS.index("left_shoulder"), 2] == 2


def test_visibility_agrees_with_a_ray_to_each_joint() -> None:
    """From 12 sides: a joint is seen exactly if nothing but its own limb lies before it."""
    wrong = []
    own = {
        "shoulder": ("UPPER_ARM", "TORSO"),
        "elbow": ("UPPER_ARM", "LOWER_ARM"),
        "knee": ("UPPER_LEG", "LOWER_LEG"),
        "ankle": ("LOWER_LEG", "FOOT"),
    }
    joints = _joints()
    for yaw in range(15, 360, 30):
        camera = _camera(yaw, size=(256, 512))
        found, _, _ = _label(camera, joints)
        eye = -camera.rotation.T @ camera.translation
        for name, point in found.items():
            side, _, kind = name.partition("_")
            if kind not in own:
                continue
            way = joints[name] - eye
            far = float(np.linalg.norm(way))
            hits = [
                (float(_hit(eye, way[None] / far, a, b, r)[0]), Part(p).name)
                for a, b, r, p in _capsules(joints)
            ]
            distance, first = min(hits)
            seen = first.rstrip("LR").rstrip("_") in own[kind]
            seen &= first == "TORSO" or first.endswith(side[0].upper())
            if abs(far - distance - 90) > 45 and seen and (point[2] == 2) != (far - distance < 90):
                wrong.append((yaw, name, point[2], first, far - distance))
            if not seen and point[2] == 2:  # the pixel beside it may show the limb
                wrong.append((yaw, name, point[2], first, far - distance))
    assert len(wrong) <= 4, wrong


def test_a_stout_body_may_lie_further_before_its_joints() -> None:
    assets, usual, _ = _figure(_joints())
    elbow = KEYPOINTS.index("left_elbow")

    def tolerance(size: float) -> float:
        body = replace(usual, rest=usual.rest * np.float32(size))
        return float(labels._tolerances(assets, body)[elbow])

    # the radius of the forearm to that of the upper arm, half as much again, and cloth
    assert 30 + 1.5 * 0.7 * 34 < tolerance(0.7) < 30 + 1.5 * 0.7 * 46
    assert tolerance(0.5) < tolerance(0.7) < tolerance(1.0)
    assert tolerance(9.0) == 1.6 * 60


def test_masks_and_box_are_of_one_person() -> None:
    other = _moved(_joints(left_wrist=(600, 900, 0)), (0, 0, -600))
    frame = _trace(_camera(0), [_joints(), other])
    mask, parts, cloth = labels.masks(frame, 1)
    assert mask.dtype == parts.dtype == cloth.dtype == np.uint8
    assert ((mask == 255) == (frame.number == 1)).all()
    assert (parts[frame.number != 1] == 0).all() and (parts[frame.number == 1] > 0).all()
    rows, columns = np.nonzero(frame.number == 1)
    x, y, width, height = labels.box(mask) or (0, 0, 0, 0)
    assert (x, y, x + width - 1, y + height - 1) == (
        columns.min(),
        rows.min(),
        columns.max(),
        rows.max(),
    )
    assert labels.box(np.zeros((4, 4), np.uint8)) is None
