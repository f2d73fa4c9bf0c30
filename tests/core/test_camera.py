"""The orbit camera: spaces, views and projections."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poseapp.core.camera import (
    FRONT,
    SIDE,
    TOP,
    Camera,
    camera_to_world,
    mocap17_to_coco17,
    pose3d_to_world,
    project,
    view_to_pose2d,
    world_to_camera,
    world_to_pose3d,
)
from poseapp.core.pose import Pose3D
from poseapp.core.skeleton import COCO_17, MOCAP_17

SIZE = (640, 480)
CAMERAS = st.builds(
    Camera,
    azimuth=st.floats(-3.1, 3.1),
    elevation=st.floats(-1.5, 1.5),
    distance=st.floats(500.0, 9000.0),
)


def standing() -> np.ndarray:
    """(17, 3) mm world: upright, facing +z, left at +x, lowest joint on the ground."""
    rows = {
        "Pelvis": (0, 850, 0), "R_Hip": (-86, 850, 0), "R_Knee": (-88, 430, 10),
        "R_Ankle": (-90, 0, 0), "L_Hip": (86, 850, 0), "L_Knee": (88, 430, 10),
        "L_Ankle": (90, 0, 0), "Torso": (0, 1075, 0), "Neck": (0, 1350, 0),
        "Nose": (0, 1480, 80), "Head": (0, 1590, 10), "L_Shoulder": (188, 1350, 0),
        "L_Elbow": (210, 1055, 0), "L_Wrist": (215, 790, 20), "R_Shoulder": (-188, 1350, 0),
        "R_Elbow": (-210, 1055, 0), "R_Wrist": (-215, 790, 20),
    }  # fmt: skip
    return np.array([rows[name] for name in MOCAP_17.joints], float)


@given(CAMERAS)
def test_camera_and_world_are_each_others_inverse(camera: Camera) -> None:
    assert np.linalg.det(camera.rotation) == pytest.approx(1.0)
    points = standing()
    assert np.allclose(camera_to_world(world_to_camera(points, camera), camera), points)
    assert np.allclose(world_to_camera(camera.position, camera), 0.0)
    assert np.allclose(project(np.array(camera.target), camera, SIZE), (319.5, 239.5))


def test_the_front_view_shows_left_at_the_right_and_the_head_on_top() -> None:
    seen = project(standing(), FRONT, SIZE)
    left, right = MOCAP_17.index("L_Wrist"), MOCAP_17.index("R_Wrist")
    assert seen[left, 0] > seen[right, 0]
    assert seen[MOCAP_17.index("Head"), 1] < seen[MOCAP_17.index("L_Ankle"), 1]
    side = project(standing(), SIDE, SIZE)
    assert side[MOCAP_17.index("Nose"), 0] < side[MOCAP_17.index("Head"), 0]  # it looks to the left
    top = project(standing(), TOP, SIZE)
    assert top[MOCAP_17.index("Nose"), 1] > top[MOCAP_17.index("Head"), 1]


def test_perspective_and_what_lies_behind() -> None:
    camera = Camera(elevation=0.0, distance=1000.0, target=(0.0, 0.0, 0.0))
    near, far, behind = project(
        np.array([[100.0, 0, 500], [100, 0, -1000], [0, 0, 2000]]), camera, SIZE
    )
    assert near[0] - 319.5 == pytest.approx(4 * (far[0] - 319.5))
    assert np.isnan(behind).all()


def test_orbit_zoom_and_pan() -> None:
    camera = Camera(elevation=0.0)
    assert camera.orbited(0.0, 9.0).elevation < math.pi / 2
    assert camera.orbited(7.0, 0.0).azimuth == pytest.approx(7.0 - math.tau)
    assert camera.zoomed(2.0).distance == camera.distance / 2
    assert camera.zoomed(1e9).distance == 300.0
    assert camera.panned(10.0, 20.0).target == pytest.approx((10.0, 870.0, 0.0))


@given(st.floats(-3.1, 3.1), st.floats(-1.2, 1.2))
def test_a_fitted_camera_sees_the_whole_figure(azimuth: float, elevation: float) -> None:
    camera = Camera(azimuth, elevation).fitted(standing())
    seen = project(standing(), camera, (480, 480))
    assert (seen > 0).all() and (seen < 480).all()
    assert np.ptp(seen, axis=0).max() > 80


@given(st.floats(-3.1, 3.1), st.floats(-1.2, 1.2))
def test_a_lifted_pose_stands_upright_again(azimuth: float, elevation: float) -> None:
    lifted = world_to_pose3d(standing(), Camera(azimuth, elevation))
    assert np.allclose(lifted.joints[0], 0.0)
    world = pose3d_to_world(lifted)
    assert world[:, 1].min() == pytest.approx(0.0, abs=1e-9)
    assert np.allclose(world[:, 1], standing()[:, 1])
    turned = standing() @ Camera(azimuth, 0.0).rotation.T @ np.diag([1.0, -1.0, -1.0])
    assert np.allclose(world, turned - turned[0] * (1, 0, 1) + (0, 850 - turned[0, 1], 0))


def test_an_untilted_pose_only_changes_axes() -> None:
    joints = np.zeros((17, 3))
    joints[1] = (1.0, 5.0, 3.0)
    world = pose3d_to_world(Pose3D(joints))
    assert world[1].tolist() == [1.0, 0.0, -3.0] and world[0].tolist() == [0.0, 5.0, 0.0]


def test_face_follows_the_head() -> None:
    coco = mocap17_to_coco17(standing())
    named = dict(zip(COCO_17.joints, coco, strict=True))
    assert named["left_ear"][0] > named["left_eye"][0] > 0 > named["right_eye"][0]
    assert named["left_eye"][1] > named["nose"][1]
    assert named["left_ear"][2] < named["left_eye"][2] < named["nose"][2]  # ears lie behind
    assert np.array_equal(named["left_wrist"], standing()[MOCAP_17.index("L_Wrist")])
    # The same figure in camera space gives the same face there.
    camera = Camera(0.7, 0.4)
    there = mocap17_to_coco17(world_to_camera(standing(), camera))
    assert np.allclose(there, world_to_camera(coco, camera))


def test_this_view_as_a_pose() -> None:
    pose = view_to_pose2d(standing(), FRONT, SIZE)
    assert pose.present.all() and pose.keypoints[9, 0] > pose.keypoints[10, 0]
    close = Camera(elevation=0.0, distance=300.0, target=(0.0, 850.0, -300.0))
    partly = view_to_pose2d(standing() + np.array([0, 0, 10.0]), close, SIZE)
    assert not partly.present.all() and (partly.keypoints[~partly.present] == 0).all()
