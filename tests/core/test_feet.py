"""Shoes: found whatever their colour, told from their own shadow, left alone where nothing is."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from poseapp.core.body_parts import Figure, figure
from poseapp.core.cut_out import cut_out
from poseapp.core.feet import with_shoes
from poseapp.core.paths import resources_dir
from poseapp.core.transfer import as_array
from poseapp.formats import registry
from tests.helpers.drawn_person import keypoints

SIZE = (420, 360)


def scene(shoe: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray, Figure]:
    """Picture, mask without shoes, (h, w) bool of shoes, and the figure."""
    person = figure(keypoints(80.0, (180.0, 90.0)))
    picture = np.empty((*SIZE, 3), np.uint8)
    picture[:] = (176, 168, 150)
    legs, shoes = np.zeros(SIZE, np.uint8), np.zeros(SIZE, np.uint8)
    for knee, ankle, side in ((13, 15, 1), (14, 16, -1)):
        x, y = np.rint(person.points[ankle]).astype(int).tolist()
        shadow = np.zeros(SIZE, np.uint8)
        cv2.ellipse(shadow, (x - 24 * side, y + 14), (26, 7), 0, 0, 360, 255, -1)
        dark = cv2.GaussianBlur(shadow, (0, 0), 2.0)[..., None] / 255.0
        picture = np.rint(picture * (1.0 - 0.45 * dark)).astype(np.uint8)
        top = np.rint(person.points[knee]).astype(int).tolist()
        cv2.line(legs, tuple(top), (x, y), 255, 15)
        cv2.ellipse(shoes, (x + 9 * side, y + 9), (19, 8), 0, 0, 360, 255, -1)
    picture[legs > 0] = (40, 60, 120)
    picture[shoes > 0] = shoe
    noise = np.random.default_rng(0).normal(0.0, 3.0, picture.shape)
    picture = np.clip(picture + noise, 0, 255).astype(np.uint8)
    legs[shoes > 0] = 0
    return picture, legs, shoes > 0, person


@pytest.mark.parametrize("shoe", [(120, 60, 30), (245, 246, 252), (30, 30, 34)])
def test_shoes_are_found_and_their_shadow_is_not(shoe: tuple[int, int, int]) -> None:
    picture, legs, shoes, person = scene(shoe)
    found = with_shoes(picture, legs, person) > 0
    assert found[shoes].mean() > 0.85
    beside = found & ~cv2.dilate((shoes | (legs > 0)).astype(np.uint8), np.ones((5, 5))).astype(
        bool
    )
    assert beside.sum() < 0.1 * shoes.sum()


def test_the_rest_of_the_mask_stays_and_bare_ground_gets_no_shoe() -> None:
    picture, legs, _, person = scene((120, 60, 30))
    mask = legs.copy()
    mask[:200] = 255
    assert np.array_equal(with_shoes(picture, mask, person)[:200], mask[:200])
    bare = np.full_like(picture, 170)
    assert (with_shoes(bare, legs, person) > 0).sum() < 2 * (legs > 0).sum()


@pytest.mark.parametrize("name", ["04", "16", "24"])
def test_dark_shoes_on_a_dark_floor_are_in_the_mask_of_the_person(name: str) -> None:
    folder = resources_dir() / "people"
    photo = cv2.cvtColor(cv2.imread(str(folder / f"{name}.jpg")), cv2.COLOR_BGR2RGB)
    points = as_array(registry.load(folder / f"{name}.json").people[0].pose)
    unit = np.hypot(*(points[[5, 6], :2].mean(0) - points[[11, 12], :2].mean(0)))
    found = cut_out(photo, points) > 127
    rows, columns = np.indices(found.shape)
    for x, y, _ in points[[15, 16]]:
        below = (np.hypot(columns - x, rows - y) < 0.4 * unit) & (rows > y)
        assert (found & below).sum() > 0.04 * unit**2


def test_a_foot_behind_something_is_not_made_of_it() -> None:
    picture, legs, _, _ = scene((120, 60, 30))
    points = keypoints(80.0, (180.0, 90.0))
    points[[13, 14, 15, 16], 2] = 1.0
    assert np.array_equal(with_shoes(picture, legs, figure(points)), legs)
    points[[13, 14], 2] = 2.0  # an ankle may count as hidden by its shoe
    assert not np.array_equal(with_shoes(picture, legs, figure(points)), legs)


@pytest.mark.parametrize("shift", [*range(60, 420, 20), 900])
def test_a_foot_at_or_beyond_the_edge_of_the_photo_is_no_fault(shift: int) -> None:
    picture, legs, _, _ = scene((120, 60, 30))
    points = keypoints(80.0, (180.0, 90.0))
    points[:, 0] += shift
    moved = np.roll(legs, shift, 1)
    moved[:, : min(shift, SIZE[1])] = 0
    assert with_shoes(picture, moved, figure(points)).shape == legs.shape
    points[[13, 14]] = 0.0
    assert with_shoes(picture, moved, figure(points)).shape == legs.shape


def test_feet_that_are_absent_or_beyond_the_photo_change_nothing() -> None:
    picture, legs, _, _ = scene((120, 60, 30))
    points = keypoints(80.0, (180.0, 90.0))
    points[[15, 16]] = 0.0
    assert np.array_equal(with_shoes(picture, legs, figure(points)), legs)
    points = keypoints(80.0, (180.0, 90.0))
    points[[15, 16], 1] += 900.0
    assert np.array_equal(with_shoes(picture, legs, figure(points)), legs)
