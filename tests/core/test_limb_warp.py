"""The live preview: where limbs go, that nothing tears, what is left out, what stays the same."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from poseapp.core.body_parts import LIMBS, draw_limb, draw_trunk, figure
from poseapp.core.errors import PoseError
from poseapp.core.limb_maps import Patch, limb_map, patch, trunk_map
from poseapp.core.limb_warp import Warper
from tests.helpers.drawn_person import COLOURS, DrawnPerson, draw, keypoints

SIZE = (280, 240)
UNIT = 120.0


@pytest.fixture(scope="module")
def person() -> DrawnPerson:
    return draw()


@pytest.fixture(scope="module")
def warper(person: DrawnPerson) -> Warper:
    return Warper(person.photo, person.mask, person.keypoints)


def turned(points: np.ndarray, pivot: int, joints: list[int], angle: float) -> np.ndarray:
    out = points.copy()
    c, s = math.cos(angle), math.sin(angle)
    out[joints, :2] = (out[joints, :2] - out[pivot, :2]) @ np.array([[c, s], [-s, c]])
    out[joints, :2] += points[pivot, :2]
    return out


def colour_at(picture: np.ndarray, point: np.ndarray) -> np.ndarray:
    x, y = np.rint(point).astype(int)
    return picture[y, x].astype(int)


def close(colour: np.ndarray, name: str) -> bool:
    return bool(np.abs(colour - np.array(COLOURS[name])).max() < 25)


def test_the_same_pose_gives_the_same_person(person: DrawnPerson, warper: Warper) -> None:
    rgb, alpha = warper.warp(person.keypoints, SIZE)
    inside = cv2.erode(person.mask, np.ones((7, 7), np.uint8)) == 255
    assert np.abs(alpha.astype(int) - person.mask)[inside].max() <= 3
    gap = np.abs(rgb.astype(int) - person.photo)[inside].max(-1)
    assert (gap <= 4).mean() > 0.93  # the rest are seams of arms before the trunk
    assert gap.mean() < 2.5
    assert alpha[person.mask == 0].max() == 0


@pytest.mark.parametrize("angle", [-2.4, -1.2, 0.6])
def test_a_raised_arm_takes_its_colour_along(
    person: DrawnPerson, warper: Warper, angle: float
) -> None:
    pose = turned(person.keypoints, 5, [7, 9], angle)
    rgb, alpha = warper.warp(pose, SIZE)
    for joint in (7, 9):
        assert close(colour_at(rgb, pose[joint, :2]), "left_arm")
        assert colour_at(alpha, pose[joint, :2]) == 255
    # Where the arm was, nobody is any more; the other limbs did not move.
    assert colour_at(alpha, person.keypoints[9, :2]) < 10
    for joint, name in ((10, "right_arm"), (13, "left_leg"), (14, "right_leg")):
        assert close(colour_at(rgb, pose[joint, :2]), name)


@pytest.mark.parametrize("bend", [-2.6, -1.5, -0.7, 0.7, 1.5, 2.6])
def test_a_bent_elbow_does_not_tear_nor_grow(
    person: DrawnPerson, warper: Warper, bend: float
) -> None:
    pose = turned(person.keypoints, 5, [7, 9], -1.0)  # away from the trunk
    straight = warper.cover(pose, SIZE, None, {"left_arm"}) > 127
    bent = turned(pose, 7, [9], bend)
    arm = warper.cover(bent, SIZE, None, {"left_arm"}) > 127
    count, _ = cv2.connectedComponents(arm.astype(np.uint8))
    assert count == 2
    for share in np.linspace(0.0, 1.0, 9):
        for a, b in ((5, 7), (7, 9)):
            x, y = np.rint(bent[a, :2] + (bent[b, :2] - bent[a, :2]) * share).astype(int)
            assert arm[y, x]
    # The outside of the elbow is as thick as the arm: no spike, no pinch.
    outside = bent[7, :2] - (bent[5, :2] + bent[9, :2]) / 2
    outside /= np.hypot(*outside)
    thick = [
        r for r in range(40) if arm[tuple(np.rint(bent[7, :2] + r * outside).astype(int)[::-1])]
    ]
    usual = 0.8 * 0.125 * 60.0
    assert 0.6 * usual < max(thick) < 1.7 * usual
    assert 0.6 < arm.sum() / straight.sum() < 1.35


def test_a_limb_seen_from_its_end_keeps_its_hand(person: DrawnPerson, warper: Warper) -> None:
    pose = person.keypoints.copy()
    pose[9, :2] = pose[7, :2] + (pose[9, :2] - pose[7, :2]) * 0.05
    arm = warper.cover(pose, SIZE, None, {"left_arm"}) > 127
    beyond = pose[9, :2] - pose[7, :2]
    tip = pose[9, :2] + beyond / np.hypot(*beyond) * 0.2 * 60.0
    x, y = np.rint(tip).astype(int)
    assert arm[y, x]


def test_absent_limbs_are_left_out_and_hidden_ones_lie_behind(
    person: DrawnPerson, warper: Warper
) -> None:
    pose = person.keypoints.copy()
    pose[[7, 9], 2] = 0
    _, alpha = warper.warp(pose, SIZE)
    assert colour_at(alpha, person.keypoints[9, :2]) < 10
    across = person.keypoints.copy()
    across[7, :2], across[9, :2] = across[[5, 6, 11, 12], :2].mean(0), across[12, :2] - [0, 15]
    front, _ = warper.warp(across, SIZE)
    assert close(colour_at(front, across[7, :2]), "left_arm")
    across[[7, 9], 2] = 1
    behind, _ = warper.warp(across, SIZE)
    assert close(colour_at(behind, across[7, :2]), "trunk")
    depth = np.zeros(17)
    depth[[7, 9]] = -1.0
    near, _ = warper.warp(across, SIZE, depth=depth)
    assert close(colour_at(near, across[7, :2]), "left_arm")


def test_an_arm_the_photo_hides_is_the_other_ones_mirror_image(person: DrawnPerson) -> None:
    points = person.keypoints.copy()
    points[[7, 9]] = 0
    photo = person.photo.copy()
    warper = Warper(photo, person.mask, points)
    assert "left_arm" not in warper.layers
    rgb, alpha = warper.warp(person.keypoints, SIZE)
    assert close(colour_at(rgb, person.keypoints[9, :2]), "right_arm")
    assert colour_at(alpha, person.keypoints[9, :2]) == 255


def test_a_transform_moves_and_scales_the_output(person: DrawnPerson, warper: Warper) -> None:
    half = np.array([[0.5, 0.0, 3.0], [0.0, 0.5, 5.0]])
    rgb, alpha = warper.warp(person.keypoints, (150, 130), half)
    whole, _ = warper.warp(person.keypoints, SIZE)
    want = cv2.warpAffine(cv2.GaussianBlur(whole, (0, 0), 0.8), half, (130, 150))
    inside = cv2.erode(alpha, np.ones((5, 5), np.uint8)) == 255
    assert inside.sum() > 500
    assert np.abs(rgb.astype(int) - want)[inside].mean() < 6
    larger = np.array([[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
    _, big = warper.warp(person.keypoints, (560, 480), larger)
    assert (big > 127).sum() == pytest.approx(4 * (person.mask > 127).sum(), rel=0.03)


def test_a_mirrored_person_is_the_mirror_image(person: DrawnPerson, warper: Warper) -> None:
    swap = [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15]
    pose = person.keypoints.copy()
    pose[5:, 0] += np.linspace(-6, 9, 12)  # nothing symmetrical about it
    rgb, _ = warper.warp(pose, SIZE)
    flipped = pose[swap].copy()
    flipped[:, 0] = SIZE[1] - 1 - flipped[:, 0]
    other, _ = warper.warp(flipped, SIZE)
    for joint, name in ((9, "left_arm"), (10, "right_arm"), (13, "left_leg")):
        assert close(colour_at(rgb, pose[joint, :2]), name)
        assert close(colour_at(other, flipped[joint, :2]), name)


def test_over_equals_warp_laid_over(person: DrawnPerson, warper: Warper) -> None:
    pose = turned(person.keypoints, 12, [14, 16], 0.5)
    rgb, alpha = warper.warp(pose, SIZE)
    share = alpha[..., None] / 255.0
    want = person.background * (1.0 - share) + rgb * share
    assert np.abs(warper.over(person.background, pose) - want).max() < 4


def test_people_off_the_picture_draw_nothing(person: DrawnPerson, warper: Warper) -> None:
    away = person.keypoints.copy()
    away[:, :2] += 5000.0
    _, alpha = warper.warp(away, SIZE)
    assert alpha.max() == 0


def test_bad_input_is_refused(person: DrawnPerson) -> None:
    with pytest.raises(PoseError):
        Warper(person.photo, person.mask[:-1], person.keypoints)
    with pytest.raises(PoseError):
        Warper(person.photo, np.zeros_like(person.mask), person.keypoints)
    few = person.keypoints.copy()
    few[2:, 2] = 0
    with pytest.raises(PoseError):
        Warper(person.photo, person.mask, few)


def nodes(step: int = 4) -> Patch:
    found = patch(np.zeros(2), np.array([239.0, 279.0]), SIZE, step)
    assert found is not None
    return found


def test_maps_of_an_unchanged_pose_are_the_identity() -> None:
    grid = nodes()
    points = keypoints()
    person = figure(points)
    want = np.stack(np.broadcast_arrays(grid.x, grid.y), -1)
    assert np.allclose(trunk_map(grid, person, person, 1.0), want, atol=1e-9)
    arm = points[[5, 7, 9], :2]
    assert np.allclose(limb_map(grid, arm, arm, 1.0, 8.0), want, atol=1e-9)
    full = grid.full(want)
    assert np.allclose(full[..., 0], np.arange(240)[None], atol=1e-3)
    assert np.allclose(full[..., 1], np.arange(280)[:, None], atol=1e-3)


def test_maps_undo_rotations_and_scales_exactly() -> None:
    grid = nodes()
    points = keypoints()
    c, s = math.cos(0.8), math.sin(0.8)
    matrix = 1.5 * np.array([[c, -s], [s, c]])
    moved = points.copy()
    moved[:, :2] = points[:, :2] @ matrix.T + [10.0, -20.0]
    where = np.stack(np.broadcast_arrays(grid.x, grid.y), -1)
    want = (where - [10.0, -20.0]) @ np.linalg.inv(matrix).T
    arm = [5, 7, 9]
    found = limb_map(grid, points[arm, :2], moved[arm, :2], 1.5, 12.0)
    assert np.allclose(found, want, atol=1e-6)
    assert np.allclose(trunk_map(grid, figure(points), figure(moved), 1.5), want, atol=1e-6)


def test_joints_map_to_joints() -> None:
    points = keypoints()
    source, target = points[[5, 7, 9], :2], points[[5, 7, 9], :2].copy()
    target[1] += [20.0, -35.0]
    target[2] += [-15.0, -70.0]
    for a, b in zip(source, target, strict=True):
        grid = patch(b, b, SIZE, 1)
        assert grid is not None
        spot = limb_map(grid, source, target, 1.0, 3.0)
        at = np.stack(np.broadcast_arrays(grid.x, grid.y), -1)
        nearest = np.abs(at - b).sum(-1).argmin()
        assert np.hypot(*(spot.reshape(-1, 2)[nearest] - a)) < 1.5


def test_a_thin_arm_takes_no_cloth_of_the_trunk_along(person: DrawnPerson) -> None:
    """How thick it is, its colour says: this one is half as thick as arms usually are."""
    points = keypoints(UNIT, (240.0, 140.0))
    points[7, :2] = points[5, :2] + np.array([-20.0, 45.0])
    points[9, :2] = points[7, :2] + np.array([-45.0, 15.0])
    photo, mask = np.full((560, 480, 3), 235, np.uint8), np.zeros((560, 480), np.uint8)
    one = figure(points)
    draw_trunk(mask, one)
    photo[mask > 0] = COLOURS["trunk"]
    thin = np.zeros_like(mask)
    draw_limb(thin, one, LIMBS["left_arm"], 0.5)
    photo[thin > 0] = COLOURS["left_arm"]
    arm = Warper(photo, np.maximum(mask, thin), points).layers["left_arm"]
    x, y = arm.offset
    solid = arm.colour[..., 3] > 200
    cloth = np.zeros_like(solid)
    there = photo[y : y + solid.shape[0], x : x + solid.shape[1]]
    cloth[(there == np.array(COLOURS["trunk"])).all(-1)] = True
    assert (solid & cloth).sum() < 0.12 * solid.sum()
    own = (there == np.array(COLOURS["left_arm"])).all(-1)
    assert (solid & own).sum() > 0.8 * own.sum()
