"""Pictures around one person: the whole person is inside, in a shape that fits."""

from __future__ import annotations

import numpy as np
import pytest

from poseapp.core.framing import SHAPES, can_stand_in, framed, framed_in, sized
from poseapp.core.kinematics import scale, translate
from poseapp.core.pose import Pose2D, Visibility
from poseapp.core.standing import STANDING, standing


def lying() -> Pose2D:
    return Pose2D(STANDING[:, ::-1] * 100.0 + 400.0)


@pytest.mark.parametrize(("pose", "upright"), [(standing((300, 300), 500), True), (lying(), False)])
def test_the_shape_suits_the_pose(pose: Pose2D, upright: bool) -> None:
    frame = framed(pose, 1024)
    width, height = frame.size
    assert max(width, height) == 1024
    assert (height > width) == upright
    assert any(abs(width / height - a / b) < 0.01 for a, b in SHAPES)


def test_the_person_is_inside_with_room_for_head_and_feet() -> None:
    frame = framed(standing((2000, -700), 90), 512)
    x, y, wide, tall = frame.pose.bounds or (0, 0, 0, 0)
    width, height = frame.size
    assert x > 0 and y > 0.03 * height
    assert x + wide < width and y + tall < 0.97 * height
    assert tall > 0.5 * height  # and not lost in it


def test_a_frame_does_not_depend_on_where_and_how_large_the_person_is() -> None:
    pose = standing((300, 300), 500)
    moved = translate(scale(pose, 0.3, np.zeros(2)), (91.0, -12.0))
    one, other = framed(pose, 1024), framed(moved, 1024)
    assert one.size == other.size
    np.testing.assert_allclose(one.pose.keypoints, other.pose.keypoints, atol=1e-6)


def test_scale_and_origin_lead_back_to_the_canvas() -> None:
    pose = standing((300, 300), 500).with_visibility(9, Visibility.ABSENT)
    frame = framed_in(pose, (300, 200))
    back = frame.pose.keypoints / frame.scale + np.array(frame.origin)
    np.testing.assert_allclose(back[pose.present], pose.keypoints[pose.present])
    assert not frame.pose.present[9]


def test_sizes_are_even() -> None:
    assert sized((2, 3), 1024) == (682, 1024)
    assert sized((1, 2), 512) == (256, 512)


def test_what_a_person_can_be_stood_in() -> None:
    pose = standing((0, 0), 100)
    assert can_stand_in(pose)
    for joint in (11, 12):
        pose = pose.with_visibility(joint, Visibility.ABSENT)
    assert not can_stand_in(pose)
    face = Pose2D(np.ones((17, 2)), np.array([2] * 7 + [0] * 10))
    assert not can_stand_in(face)
