"""The studio as a whole: the same person again, one aspect at a time, in a drawn pose."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from trainer.errors import TrainerError
from trainer.synthetic import camera as cameras
from trainer.synthetic import labels, lights, mannequin, pose_bank
from trainer.synthetic.streams import stream
from trainer.synthetic.studio import GROUPS, Picture, Studio, joints_to_world, open_studio
from trainer.synthetic.types import Assets, Camera

SIZE = (96, 160)


@pytest.fixture(scope="module")
def assets() -> Assets:
    return mannequin.build()


@pytest.fixture(scope="module")
def studio(assets: Assets) -> Studio:
    return Studio(assets)


def front(size: tuple[int, int] = SIZE) -> Camera:
    """A camera 4 m in front, at the height of the hips."""
    rotation = cameras.looking(0.0, 0.0)
    place = np.array([0.0, 850.0, 4000.0])
    middle = ((size[0] - 1) / 2, (size[1] - 1) / 2)
    return Camera(rotation, -rotation @ place, 1.9 * size[1], middle, size)


def taken(studio: Studio, seed: int, pose_seed: int) -> Picture:
    """A picture whose aspects each come from a stream of `seed`, but the pose from its own."""
    person = studio.random_person(seed)
    posed = studio.pose(person, studio.bank.sample(stream(pose_seed, "pose")))
    camera = front()
    light = lights.sample(stream(seed, "light"), "plaster", camera=camera)
    return studio.picture(
        [(person, posed)], camera, light, background=stream(seed, "background"), kind="plaster"
    )


def test_the_same_seed_gives_the_same_picture_in_another_studio(
    assets: Assets, studio: Studio
) -> None:
    one, two = taken(studio, 5, 9), taken(Studio(assets), 5, 9)
    for name in ("image", "mask", "parts", "cloth", "keypoints", "joints_mm", "depth"):
        assert np.array_equal(getattr(one, name), getattr(two, name)), name


def test_another_pose_stream_changes_the_pose_alone(studio: Studio) -> None:
    one, two = taken(studio, 5, 9), taken(studio, 5, 10)
    assert not np.allclose(one.keypoints[:, :2], two.keypoints[:, :2], atol=2.0)
    wall = np.zeros(one.mask.shape, bool)
    wall[: SIZE[1] // 3] = True  # above the floor, where shadows fall
    wall &= (one.mask == 0) & (two.mask == 0)
    assert wall.mean() > 0.05
    assert np.array_equal(one.image[wall], two.image[wall])
    assert set(np.unique(one.cloth)) == set(np.unique(two.cloth))


def test_labels_of_a_picture_agree(studio: Studio) -> None:
    for seed in range(4):
        picture = taken(studio, seed, seed + 20)
        projected = picture.joints_mm[:, :2] / picture.joints_mm[:, 2:] * picture.camera.focal_px
        projected += np.asarray(picture.camera.centre_px)
        assert np.abs(projected - picture.keypoints[:, :2]).max() < 0.5
        assert ((picture.parts > 0) == (picture.cloth > 0)).all()
        assert (picture.mask[picture.parts > 0] >= 64).all()
        seen = picture.keypoints[picture.keypoints[:, 2] == 2]
        x, y = np.round(seen[:, :2]).astype(int).T
        around = [
            picture.parts[max(v - 1, 0) : v + 2, max(u - 1, 0) : u + 2].any()
            for u, v in zip(x, y, strict=True)
        ]
        assert all(around)


@pytest.mark.parametrize("locked", [*GROUPS, "outfit.top"])
def test_locked_aspects_stay(studio: Studio, locked: str) -> None:
    first = studio.random_person(1)
    others = [studio.random_person(seed, first, [locked]) for seed in range(2, 12)]
    if "." not in locked:
        assert all(getattr(o, locked) == getattr(first, locked) for o in others)
        free = [g for g in GROUPS if g != locked]
        assert any(getattr(o, g) != getattr(first, g) for o in others for g in free)
    else:
        top = next(w for w in first.outfit if w.slot == "top")
        assert all(top in o.outfit for o in others)


def test_a_person_is_drawn_in_a_lifted_pose(studio: Studio) -> None:
    person = studio.random_person(3)
    posed = studio.pose(person, pose_bank.built_in(studio.assets, "standing"), turn_rad=0.4)
    wanted = cameras.project(front(), labels.landmarks(studio.assets, posed))
    lifted = _mocap(labels.landmarks(studio.assets, posed))  # world: as a camera's, y and z turn
    picture = studio.draw_person(
        person,
        joints=lifted * [1.0, -1.0, -1.0],
        keypoints=wanted,
        confidence=np.ones(17),
        size=SIZE,
        background="studio",
    )
    miss = np.linalg.norm(picture.keypoints[:, :2] - wanted, axis=1)
    assert miss.mean() < 0.04 * SIZE[1]
    standing = studio.draw_person(person, size=SIZE)
    assert (standing.keypoints[:, 2] > 0).all()


def _mocap(points: np.ndarray) -> np.ndarray:
    """COCO-17 points as the 17 motion-capture joints, good enough for somebody who stands."""
    hips, shoulders = points[[11, 12]].mean(0), points[[5, 6]].mean(0)
    ears = points[[3, 4]].mean(0)
    rows = [hips, points[12], points[14], points[16], points[11], points[13], points[15]]
    rows += [(hips + shoulders) / 2, shoulders, points[0], np.add(ears, (0.0, 110.0, 0.0))]
    return np.array([*rows, points[5], points[7], points[9], points[6], points[8], points[10]])


def test_lifted_joints_stand_up_by_the_elevation() -> None:
    joints = np.array([[0.0, 0.0, 0.0], [0.0, -100.0, 0.0], [0.0, 0.0, -100.0]])
    flat = joints_to_world(joints)
    assert np.allclose(flat, [[0, 0, 0], [0, 100, 0], [0, 0, 100]])
    # A camera that looks down by 90 degrees sees the head of who stands towards itself.
    above = joints_to_world(joints, np.pi / 2)
    assert np.allclose(above[2], [0, 100, 0], atol=1e-6)


def test_torch_takes_the_same_picture(assets: Assets, studio: Studio) -> None:
    one, two = taken(studio, 2, 7), taken(Studio(assets, device="torch"), 2, 7)
    difference = np.abs(one.image.astype(int) - two.image.astype(int))
    assert difference.mean() <= 2.0
    assert (one.parts == two.parts).mean() >= 0.98
    assert np.allclose(one.keypoints[:, :2], two.keypoints[:, :2])


def test_an_unknown_device_is_named() -> None:
    with pytest.raises(TrainerError, match="not a device"):
        open_studio(device="abacus")


@pytest.mark.data
def test_the_pack_gives_other_people_than_the_mannequin(data_root: Path) -> None:
    studio = open_studio(data_root)
    assert studio.assets.source == "makehuman"
    people = [studio.random_person(seed) for seed in range(6)]
    assert len({replace(p, seed=0) for p in people}) == 6
    picture = taken(studio, 1, 1)
    assert (picture.parts > 0).mean() > 0.05
    options = studio.options()
    assert len(options["items"]["top"]) > 5
