"""Hands and feet: found where the photo shows them whole, and placed with their limb."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from poseapp.core.body_parts import Figure, figure
from poseapp.core.limb_ends import draw_end, find_end
from poseapp.core.limb_layers import Layer
from tests.helpers.drawn_person import keypoints

UNIT, SIZE = 100.0, (420, 400)
WRIST = 9


def person(**visibility: float) -> Figure:
    points = keypoints(UNIT, (200.0, 110.0))
    for name, value in visibility.items():
        points[{"elbow": 7, "wrist": 9, "knee": 13, "ankle": 15}[name], 2] = value
    return figure(points)


def arm(aside: float = 14.0) -> Layer:
    """The left arm with a hand that is bent to one side."""
    colour = np.zeros((*SIZE, 4), np.uint8)
    one = person()
    elbow, wrist = one.points[7], one.points[WRIST]
    d = (wrist - elbow) / np.hypot(*(wrist - elbow))
    hand = wrist + 16.0 * d + aside * np.array([-d[1], d[0]])
    alpha = np.zeros(SIZE, np.uint8)
    cv2.line(
        alpha, np.rint(elbow).astype(int).tolist(), np.rint(wrist).astype(int).tolist(), 255, 14
    )
    cv2.circle(alpha, np.rint(hand).astype(int).tolist(), 11, 255, -1)
    colour[..., 3] = alpha
    return Layer("left_arm", colour, alpha, (0, 0), 40.0)


def test_the_circle_holds_the_whole_hand_in_its_own_pose() -> None:
    layer, one = arm(), person()
    end = find_end("left_arm", layer, one, SIZE)
    assert end is not None
    drawn = np.zeros(SIZE, np.uint8)
    draw_end(drawn, "left_arm", end, one, 1.0, 1.0)
    beyond = layer.real.copy()
    elbow, wrist = one.points[7], one.points[WRIST]
    rows, columns = np.indices(SIZE)
    along = (columns - wrist[0]) * (wrist - elbow)[0] + (rows - wrist[1]) * (wrist - elbow)[1]
    beyond[along < 0] = 0
    assert drawn[beyond > 0].min() == 255


def test_it_turns_shrinks_and_is_mirrored_with_its_forearm() -> None:
    end = find_end("left_arm", arm(), person(), SIZE)
    assert end is not None and end.across > 5.0
    points = keypoints(UNIT, (200.0, 110.0))
    points[WRIST, :2] = points[7, :2] + [0.0, -end.bone]  # straight up
    target = figure(points)
    middles = []
    for flip in (1.0, -1.0):
        drawn = np.zeros(SIZE, np.uint8)
        draw_end(drawn, "left_arm", end, target, 1.0, flip)
        rows, columns = np.nonzero(drawn)
        top = rows < points[WRIST, 1]
        middles.append(float(columns[top].mean() - points[WRIST, 0]))
    assert middles[0] > 4.0  # to the right of what points up
    assert middles[1] == pytest.approx(-middles[0], abs=1.5)
    half = points.copy()
    half[:, :2] *= 0.5
    small = np.zeros(SIZE, np.uint8)
    draw_end(small, "left_arm", end, figure(half), 0.5, 1.0)
    full = np.zeros(SIZE, np.uint8)
    draw_end(full, "left_arm", end, target, 1.0, 1.0)
    assert (small > 0).sum() == pytest.approx((full > 0).sum() / 4.0, rel=0.15)


def test_what_the_photo_does_not_show_whole_is_left_to_the_generator() -> None:
    layer = arm()
    assert find_end("left_arm", layer, person(wrist=1.0), SIZE) is None
    assert find_end("left_arm", layer, person(wrist=0.0), SIZE) is None
    assert find_end("left_arm", layer, person(elbow=0.0), SIZE) is None
    rows = np.flatnonzero(layer.real.any(1))
    cut = int(rows[-1]) - 8  # the photo ends in the middle of the hand
    short = Layer("left_arm", layer.colour[:cut], layer.real[:cut], (0, 0), 40.0)
    assert find_end("left_arm", short, person(), (cut, SIZE[1])) is None
    bare = np.zeros_like(layer.real)
    assert (
        find_end("left_arm", Layer("left_arm", layer.colour, bare, (0, 0), 40.0), person(), SIZE)
        is None
    )


@pytest.mark.parametrize("stretch", [0.2, 2.1])
def test_a_forearm_that_is_seen_from_elsewhere_places_no_hand(stretch: float) -> None:
    end = find_end("left_arm", arm(), person(), SIZE)
    assert end is not None
    points = keypoints(UNIT, (200.0, 110.0))
    points[WRIST, :2] = points[7, :2] + stretch * (points[WRIST, :2] - points[7, :2])
    drawn = np.zeros(SIZE, np.uint8)
    draw_end(drawn, "left_arm", end, figure(points), 1.0, 1.0)
    assert not drawn.any()


def test_an_ankle_that_its_shoe_hides_has_a_foot_all_the_same() -> None:
    one = person(ankle=1.0)
    alpha = np.zeros(SIZE, np.uint8)
    knee, ankle = (np.rint(one.points[j]).astype(int) for j in (13, 15))
    cv2.line(alpha, knee.tolist(), ankle.tolist(), 255, 20)
    cv2.ellipse(alpha, (int(ankle[0]) + 8, int(ankle[1]) + 10), (22, 9), 0, 0, 360, 255, -1)
    colour = np.zeros((*SIZE, 4), np.uint8)
    colour[..., 3] = alpha
    layer = Layer("left_leg", colour, alpha, (0, 0), 50.0)
    assert find_end("left_leg", layer, one, SIZE) is not None
    assert find_end("left_leg", layer, person(ankle=1.0, knee=1.0), SIZE) is None
