"""The new picture at the photo's resolution: what did not change is the photo itself."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from poseapp.core.compose import Generated, _without_crumbs, compose, unmoved
from poseapp.core.errors import PoseError
from poseapp.core.limb_warp import Warped, Warper
from tests.helpers.drawn_person import DrawnPerson, draw, keypoints

UNIT, SIZE = 120.0, (560, 480)


def large(points: np.ndarray) -> DrawnPerson:
    return draw(points, SIZE)


@pytest.fixture(scope="module")
def person() -> DrawnPerson:
    return large(keypoints(UNIT, (240.0, 140.0)))


@pytest.fixture(scope="module")
def warper(person: DrawnPerson) -> Warper:
    return Warper(person.photo, person.mask, person.keypoints)


def lifted(points: np.ndarray) -> np.ndarray:
    out = points.copy()
    out[7, :2] = out[5, :2] + [60.0, -40.0]
    out[9, :2] = out[7, :2] + [35.0, -55.0]
    return out


def generated(person: DrawnPerson, cell: int = 4) -> Generated:
    """A perfect generator's picture: the truth, `cell` times smaller."""
    size = (SIZE[1] // cell, SIZE[0] // cell)
    image = cv2.resize(person.photo, size, interpolation=cv2.INTER_AREA)
    mask = cv2.resize(person.mask, size, interpolation=cv2.INTER_AREA) / 255.0
    shift = (cell - 1) / 2
    return Generated(image, mask, np.array([[cell, 0.0, shift], [0.0, cell, shift]]))


def test_an_unchanged_pose_gives_back_the_photo(person: DrawnPerson, warper: Warper) -> None:
    noise = Generated(np.zeros((8, 4, 3), np.uint8), np.ones((8, 4)), np.eye(2, 3))
    out = compose(person.photo, person.background, warper, person.keypoints, noise)
    assert np.array_equal(out, person.photo)
    assert out is not person.photo


def test_what_did_not_move_stays_byte_for_byte(person: DrawnPerson, warper: Warper) -> None:
    pose = lifted(person.keypoints)
    truth = large(pose)
    out = compose(person.photo, person.background, warper, pose, generated(truth))
    for joint in (0, 10, 13, 14, 15, 16):  # face, the other arm, legs
        x, y = np.rint(person.keypoints[joint, :2]).astype(int)
        part = np.s_[y - 6 : y + 7, x - 6 : x + 7]
        assert np.array_equal(out[part], person.photo[part])
    assert np.array_equal(out[500:, :60], person.photo[500:, :60])


def test_a_moved_arm_is_there_and_its_old_place_is_empty(
    person: DrawnPerson, warper: Warper
) -> None:
    pose = lifted(person.keypoints)
    truth = large(pose)
    for given in (generated(truth), None):
        out = compose(person.photo, person.background, warper, pose, given)
        x, y = np.rint(pose[9, :2]).astype(int)
        assert np.abs(out[y, x].astype(int) - truth.photo[y, x]).max() < 30
        x, y = np.rint(person.keypoints[9, :2]).astype(int)
        part = np.s_[y - 4 : y + 5, x - 4 : x + 5]
        assert np.abs(out[part].astype(int) - person.background[part]).mean() < 6


def test_the_result_is_nearer_to_the_truth_than_the_generators_picture(
    person: DrawnPerson, warper: Warper
) -> None:
    pose = person.keypoints.copy()
    pose[:, 0] += 30  # everything moves, nothing turns
    truth = large(pose)
    small = generated(truth, 8)
    out = compose(person.photo, person.background, warper, pose, small)
    enlarged = cv2.warpAffine(
        small.image,
        small.to_photo,
        SIZE[::-1],
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    near = cv2.dilate(truth.mask, np.ones((9, 9), np.uint8)) > 0
    ours = np.abs(out.astype(int) - truth.photo)[near].mean()
    assert ours < 0.5 * np.abs(enlarged.astype(int) - truth.photo)[near].mean()


def test_where_the_warp_is_wrong_the_generator_is_believed(
    person: DrawnPerson, warper: Warper
) -> None:
    pose = person.keypoints.copy()
    pose[:, 0] += 30
    truth = large(pose)
    photo = truth.photo.copy()
    photo[(photo == np.array([200, 60, 60])).all(-1)] = (20, 20, 240)  # another shirt
    small = generated(DrawnPerson(photo, truth.mask, pose, truth.background))
    out = compose(person.photo, person.background, warper, pose, small)
    x, y = np.rint(pose[[5, 6, 11, 12], :2].mean(0)).astype(int)
    assert np.abs(out[y, x].astype(int) - [20, 20, 240]).max() < 25


def test_the_plate_stays_where_nobody_is(person: DrawnPerson, warper: Warper) -> None:
    pose = lifted(person.keypoints)
    pose[:, 0] -= 20
    truth = large(pose)
    out = compose(person.photo, person.background, warper, pose, generated(truth))
    away = cv2.dilate(truth.mask, np.ones((41, 41), np.uint8)) == 0
    assert np.array_equal(out[away], person.background[away])


def test_a_person_who_leaves_the_picture(person: DrawnPerson, warper: Warper) -> None:
    pose = person.keypoints.copy()
    pose[:, 0] += 9000
    out = compose(person.photo, person.background, warper, pose, None)
    assert np.array_equal(out, person.background)


def test_sizes_must_agree(person: DrawnPerson, warper: Warper) -> None:
    with pytest.raises(PoseError):
        compose(person.photo, person.background[1:], warper, person.keypoints, None)


def test_absent_joints_do_not_count_as_moved(person: DrawnPerson) -> None:
    one = person.keypoints.copy()
    one[3] = (900.0, 900.0, 0.0)
    other = person.keypoints.copy()
    other[3] = 0
    assert unmoved(one, other)
    assert not unmoved(one, person.keypoints)


def _in_another_hue(truth: DrawnPerson) -> Generated:
    given = generated(truth)
    return Generated(255 - given.image, given.mask, given.to_photo)


def _around(points: np.ndarray, joint: int) -> tuple[slice, slice]:
    x, y = np.rint(points[joint, :2]).astype(int)
    return np.s_[y - 4 : y + 5, x - 4 : x + 5]


def test_a_face_that_looks_as_before_is_the_photos_whatever_the_generator_says(
    person: DrawnPerson, warper: Warper
) -> None:
    pose = lifted(person.keypoints)
    pose[:, 0] += 25.0  # nothing stays where it was
    truth = large(pose)
    out = compose(person.photo, person.background, warper, pose, _in_another_hue(truth))
    face, arm = _around(pose, 0), _around(pose, 7)
    assert np.abs(out[face].astype(int) - truth.photo[face]).mean() < 12
    assert np.abs(out[arm].astype(int) - truth.photo[arm]).mean() > 40


def test_a_hand_that_is_seen_is_the_photos_whatever_the_generator_says(
    person: DrawnPerson, warper: Warper
) -> None:
    pose = lifted(person.keypoints)
    pose[:, 0] += 25.0
    truth = large(pose)
    wrong = _in_another_hue(truth)
    fat = cv2.dilate(wrong.mask, np.ones((7, 7), np.uint8))  # fingers like sausages
    wrong = Generated(wrong.image, fat, wrong.to_photo)
    out = compose(person.photo, person.background, warper, pose, wrong)
    for joint in (9, 10, 15, 16):
        hand = _around(pose, joint)
        assert np.abs(out[hand].astype(int) - truth.photo[hand]).mean() < 12
    rows, columns = np.indices(SIZE)
    near = np.hypot(columns - pose[9, 0], rows - pose[9, 1]) < 24
    painted = cv2.resize(fat, SIZE[::-1], interpolation=cv2.INTER_NEAREST) > 0.9
    rim = near & painted & (cv2.dilate(truth.mask, np.ones((5, 5), np.uint8)) == 0)
    assert rim.sum() > 100
    assert np.abs(out[rim].astype(int) - person.background[rim]).mean() < 12


def test_a_hand_is_the_generators_where_its_forearm_points_at_the_camera(
    person: DrawnPerson, warper: Warper
) -> None:
    pose = lifted(person.keypoints)
    pose[:, 0] += 25.0
    pose[9, :2] = pose[7, :2] + [2.0, 2.0]
    truth = large(pose)
    out = compose(person.photo, person.background, warper, pose, _in_another_hue(truth))
    hand = _around(pose, 9)
    assert np.abs(out[hand].astype(int) - (255 - truth.photo[hand].astype(int))).mean() < 60


def test_legs_that_the_photo_lacks_are_whole_where_hands_lie_on_them(
    person: DrawnPerson,
) -> None:
    portrait = person.keypoints.copy()
    portrait[13:17] = 0.0
    bare = Warper(person.photo, np.where(np.indices(SIZE)[0] > 330, 0, person.mask), portrait)
    assert "left_leg" not in bare.layers and "left_arm" in bare._ends
    pose = person.keypoints.copy()
    pose[9, :2] = 0.5 * (pose[11, :2] + pose[13, :2])
    length = np.hypot(*(portrait[9, :2] - portrait[7, :2]))
    pose[7, :2] = pose[9, :2] + length * np.array([0.5, -0.866])
    truth = large(pose)
    out = compose(person.photo, person.background, bare, pose, generated(truth))
    leg = (truth.photo == np.array([220, 200, 50])).all(-1)
    near = np.hypot(*(np.indices(SIZE)[::-1] - pose[9, :2, None, None])) < 40
    shown = np.abs(out.astype(int) - [220, 200, 50]).mean(-1) < 60
    assert (leg & near).sum() > 300
    assert shown[leg & near].mean() > 0.95


@pytest.mark.parametrize("gap", [1, 4, 9])
def test_crumbs_take_nothing_of_the_person_with_them(gap: int) -> None:
    alpha = np.zeros((400, 300), np.uint8)
    alpha[100:300, 100:200] = 255
    alpha[180:190, 200 + gap : 206 + gap] = 255
    nothing = np.zeros_like(alpha)
    warped = Warped(np.zeros((400, 300, 3), np.uint8), nothing, nothing, nothing)
    out = _without_crumbs(alpha, warped)
    assert np.array_equal(out[100:300, 100:200], alpha[100:300, 100:200])
    assert out[:, 200 + gap :].max() < 64


def test_no_crumbs_of_the_generator_stay_beside_the_photos_limbs(
    person: DrawnPerson, warper: Warper
) -> None:
    pose = lifted(person.keypoints)
    pose[:, 0] += 25.0
    truth = large(pose)
    given = generated(truth)
    given.mask[4:10, 4:8] = 1.0  # in a corner, where nobody is
    out = compose(person.photo, person.background, warper, pose, given)
    assert np.array_equal(out[12:44, 12:36], person.background[12:44, 12:36])


def test_the_back_of_a_head_is_not_made_of_a_face(person: DrawnPerson, warper: Warper) -> None:
    pose = person.keypoints.copy()
    pose[:, 0] = 480.0 - pose[:, 0]  # turned round: left and right change places
    truth = large(pose)
    out = compose(person.photo, person.background, warper, pose, _in_another_hue(truth))
    face = _around(pose, 0)
    assert np.abs(out[face].astype(int) - truth.photo[face]).mean() > 40


def test_a_generator_that_paints_too_pale_is_put_into_the_photos_light(
    person: DrawnPerson, warper: Warper
) -> None:
    pose = lifted(person.keypoints)
    pose[:, 0] += 25.0
    truth = large(pose)
    given = generated(truth)
    pale = np.clip(given.image.astype(int) + 45, 0, 255).astype(np.uint8)
    out = compose(
        person.photo, person.background, warper, pose, Generated(pale, given.mask, given.to_photo)
    )
    inside = truth.mask > 250
    assert np.abs(out[inside].astype(int) - truth.photo[inside]).mean() < 14
