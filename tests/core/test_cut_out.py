"""The mask of a person from keypoints: close to the truth, steady, and clear when it cannot be."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from poseapp.core.cut_out import cut_out, guided
from poseapp.core.errors import PoseError
from tests.helpers.drawn_person import DrawnPerson, draw


@pytest.fixture(scope="module")
def person() -> DrawnPerson:
    return draw()


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    a, b = one > 127, other > 127
    return float((a & b).sum() / (a | b).sum())


def test_a_drawn_person_is_found(person: DrawnPerson) -> None:
    found = cut_out(person.photo, person.keypoints)
    assert found.shape == person.mask.shape
    assert found.dtype == np.uint8
    assert likeness(found, person.mask) > 0.93
    assert np.array_equal(found, cut_out(person.photo, person.keypoints))


def test_thickness_comes_from_the_picture(person: DrawnPerson) -> None:
    """Half of what bones suggest is not the person's colour here."""
    points = person.keypoints.copy()
    photo = person.photo.copy()
    thin = np.zeros_like(person.mask)
    for a, b in ((5, 7), (7, 9)):
        start, end = np.rint(points[[a, b], :2]).astype(int).tolist()
        cv2.line(thin, start, end, 255, 5)
    arm = (photo == np.array([60, 180, 70])).all(-1)
    photo[arm & (thin == 0)] = person.background[arm & (thin == 0)]
    found = cut_out(photo, points)
    gone = arm & (thin == 0)
    assert (found[gone] > 127).mean() < 0.4
    assert (found[(thin > 0) & arm] > 127).mean() > 0.85


def test_a_known_mask_is_taken(person: DrawnPerson) -> None:
    found = cut_out(person.photo, person.keypoints, mask=person.mask)
    assert np.array_equal(found, person.mask)
    assert found is not person.mask


def test_nothing_lies_outside_of_the_box(person: DrawnPerson) -> None:
    found = cut_out(person.photo, person.keypoints, box=(0.0, 0.0, 240.0, 120.0))
    assert found[124:].max() == 0
    assert found[:110].max() == 255


def test_people_cut_by_the_frame(person: DrawnPerson) -> None:
    photo, mask = person.photo[:150, 80:], person.mask[:150, 80:]
    points = person.keypoints.copy()
    points[:, 0] -= 80
    found = cut_out(np.ascontiguousarray(photo), points)
    assert found.shape == mask.shape
    assert likeness(found, mask) > 0.85


def test_a_pose_off_the_photo_is_refused(person: DrawnPerson) -> None:
    points = person.keypoints.copy()
    points[:, 0] += 4000
    with pytest.raises(PoseError, match="outside"):
        cut_out(person.photo, points)
    with pytest.raises(PoseError):
        cut_out(person.photo, person.keypoints, mask=person.mask[1:])


def test_the_guided_filter_keeps_flat_values_and_follows_edges() -> None:
    guide = np.zeros((40, 40, 3), np.uint8)
    guide[:, 20:] = 255
    assert np.allclose(guided(np.full((40, 40), 0.3, np.float32), guide, 4), 0.3, atol=1e-4)
    shifted = np.zeros((40, 40), np.float32)
    shifted[:, 23:] = 1.0
    found = guided(shifted, guide, 6)
    assert found[20, 18] < 0.25
    assert found[20, 26] > 0.75
