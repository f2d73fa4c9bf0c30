"""What lies under the mouse."""

from __future__ import annotations

import numpy as np

from poseapp.core.picking import BoneHit, Hit, joints_in_box, nearest_bone, nearest_joint
from poseapp.core.pose import Pose2D, Visibility


def line(x: float, y: float) -> Pose2D:
    """Joints 10 px apart to the right of (x, y)."""
    return Pose2D(np.stack([x + 10.0 * np.arange(17), np.full(17, y)], axis=1))


def test_the_nearest_joint_within_the_radius_wins() -> None:
    poses = [line(0, 0), line(0, 8)]
    assert nearest_joint(poses, (31.0, 1.0), 6.0) == Hit(0, 3)
    assert nearest_joint(poses, (29.0, 7.0), 6.0) == Hit(1, 3)
    assert nearest_joint(poses, (31.0, -20.0), 6.0) is None
    assert nearest_joint(poses, (30.0, 4.0), 6.0) == Hit(1, 3)  # equally near: the one in front


def test_hidden_people_and_absent_joints_are_passed_over() -> None:
    pose = line(0, 0).with_visibility(3, Visibility.ABSENT)
    assert nearest_joint([pose, None], (30.0, 0.0), 12.0) == Hit(0, 2)
    hidden = line(0, 0).with_visibility(3, Visibility.HIDDEN)
    assert nearest_joint([hidden], (30.0, 0.0), 5.0) == Hit(0, 3)
    empty = Pose2D(np.zeros((17, 2)), np.zeros(17))
    assert nearest_joint([empty], (0.0, 0.0), 50.0) is None
    assert nearest_bone([empty, None], (0.0, 0.0), 50.0) is None


def test_the_nearest_bone() -> None:
    points = np.full((17, 2), 900.0) + np.arange(34).reshape(17, 2)
    points[[7, 9]] = (100.0, 100.0), (200.0, 100.0)
    found = nearest_bone([Pose2D(points)], (150.0, 103.0), 5.0)
    assert found == BoneHit(0, (7, 9), 0.5)
    assert nearest_bone([Pose2D(points)], (150.0, 120.0), 5.0) is None
    assert nearest_bone([Pose2D(points)], (230.0, 100.0), 5.0) is None  # beyond its end


def test_box_selection_works_in_every_direction() -> None:
    pose = line(0, 0).with_visibility(2, Visibility.ABSENT)
    assert joints_in_box(pose, (5.0, -5.0, 30.0, 10.0)) == {1, 3}
    assert joints_in_box(pose, (35.0, 5.0, -30.0, -10.0)) == {1, 3}
