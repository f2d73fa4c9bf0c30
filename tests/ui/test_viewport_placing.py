"""Where figures stand, and that a view taken back to the canvas is what was seen."""

from __future__ import annotations

import math

import numpy as np
import pytest

from poseapp.core import rig
from poseapp.core.camera import (
    Camera,
    mocap17_to_coco17,
    pose3d_to_world,
    project,
    world_to_pose3d,
)
from poseapp.core.pose import Pose2D, Pose3D, Visibility
from poseapp.core.skeleton import MOCAP_17
from poseapp.ui.viewport import placing
from poseapp.ui.viewport.navigation import HOME, VIEWS, Navigation


def _figure(seed: int = 0, elevation: float = 0.15) -> Pose3D:
    rng = np.random.default_rng(seed)
    joints = np.zeros((17, 3))
    for joint, parent in enumerate(MOCAP_17.parents):
        if parent >= 0:
            way = rig.rest_directions()[joint] + 0.35 * rng.normal(size=3)
            joints[joint] = joints[parent] + 250.0 * way / np.linalg.norm(way)
    return world_to_pose3d(joints, Camera(azimuth=rng.uniform(-0.5, 0.5), elevation=elevation))


def _on_canvas(figure: Pose3D, scale: float = 0.3, at: tuple[float, float] = (400, 300)) -> Pose2D:
    """What a camera far away sees, at `scale` px a mm."""
    return Pose2D(mocap17_to_coco17(figure.joints)[:, :2] * scale + at)


def _lifted(seed: int = 0, **canvas: object) -> placing.Lifted:
    figure = _figure(seed)
    return placing.Lifted(_on_canvas(figure, **canvas), (figure,))  # type: ignore[arg-type]


def test_the_scale_of_the_canvas_is_found() -> None:
    for scale in (0.05, 0.3, 4.0):
        lifted = _lifted(scale=scale)
        assert placing.px_per_mm(lifted.pose, lifted.figures[0]) == pytest.approx(scale)


def test_the_view_of_the_canvas_gives_the_same_pose() -> None:
    """Looking from where the canvas looks, from far away, changes nothing."""
    lifted = _lifted()
    figure = placing.stand(lifted.figures)[0]
    camera = Camera(elevation=0.15, distance=50_000.0)
    pose = placing.pose_seen_from(lifted, figure, camera)
    assert np.abs(pose.keypoints - lifted.pose.keypoints).max() < 4.0


@pytest.mark.parametrize("azimuth", [0.0, 1.0, math.pi / 2, math.pi, -2.0])
def test_a_turned_view_is_what_the_camera_saw(azimuth: float) -> None:
    lifted = _lifted(3)
    figure = placing.stand(lifted.figures)[0]
    camera = Camera(azimuth=azimuth, elevation=0.3).fitted(figure)
    pose = placing.pose_seen_from(lifted, figure, camera)
    seen = project(mocap17_to_coco17(figure), camera, (500, 500))
    # Alike up to size and place.
    a, b = pose.keypoints - pose.keypoints.mean(0), seen - seen.mean(0)
    factor = (a * b).sum() / (b * b).sum()
    assert factor > 0
    assert np.abs(a - factor * b).max() < 1e-6 * np.abs(a).max() + 1e-6
    # The person keeps its place, and its size: a bone's px stay those of its mm.
    assert np.allclose(pose.keypoints.mean(0), lifted.pose.keypoints.mean(0))
    assert np.linalg.norm(a) < 1.6 * np.linalg.norm(lifted.pose.keypoints - (400, 300))


def test_absent_joints_stay_absent_and_hidden_ones_hidden() -> None:
    lifted = _lifted(1)
    pose = lifted.pose.with_visibility(9, Visibility.ABSENT).with_visibility(4, Visibility.HIDDEN)
    lifted = placing.Lifted(pose, lifted.figures)
    seen = placing.pose_seen_from(lifted, placing.stand(lifted.figures)[0], Camera(azimuth=1.2))
    assert np.array_equal(seen.visibility, pose.visibility)
    assert np.array_equal(seen.confidence, pose.confidence)


def test_a_camera_within_the_figure_steps_back() -> None:
    lifted = _lifted(2)
    figure = placing.stand(lifted.figures)[0]
    camera = Camera(distance=300.0, target=tuple(figure[0]))
    pose = placing.pose_seen_from(lifted, figure, camera)
    assert np.isfinite(pose.keypoints).all()
    assert np.abs(pose.keypoints - lifted.pose.keypoints).max() < 150.0


def test_after_the_turn_the_picture_is_the_same() -> None:
    """The figure turned to the canvas, seen by the camera that turned with it."""
    lifted = _lifted(4)
    figures = placing.stand(lifted.figures)
    camera = Camera(azimuth=0.9, elevation=0.25).fitted(figures[0]).panned(120.0, -60.0)
    turned = placing.turned_to(figures, camera)
    after = placing.stand(turned)
    camera_after = placing.camera_after_turn(camera, figures[0, 0])
    before_px = project(figures[0], camera, (600, 600))
    after_px = project(after[0], camera_after, (600, 600))
    assert np.abs(before_px - after_px).max() < 1e-6


def test_one_person_stands_at_the_origin_on_the_ground() -> None:
    others = tuple(_figure(seed) for seed in (5, 6))
    lifted = placing.Lifted(_lifted(4).pose, (_figure(4), *others))
    (figures,) = placing.arrange([lifted])
    assert figures.shape == (3, 17, 3)
    assert np.allclose(figures[:, 0], figures[0, 0])  # all share the pelvis
    assert np.allclose(figures[0, 0, [0, 2]], 0.0)
    assert 5.0 < figures[0, :, 1].min() < 60.0


def test_people_stand_as_far_apart_as_on_the_canvas() -> None:
    scale = 0.25
    people = [_lifted(seed, scale=scale, at=(x, 300)) for seed, x in enumerate((100, 350, 900))]
    placed = placing.arrange(people)
    pelvis = [figures[0, 0] for figures in placed]
    assert pelvis[1][0] - pelvis[0][0] == pytest.approx(250 / scale, rel=1e-6)
    assert pelvis[2][0] - pelvis[1][0] == pytest.approx(550 / scale, rel=1e-6)
    assert pelvis[0][0] + pelvis[2][0] == pytest.approx(0.0, abs=1e-6)


def test_a_world_pose_comes_back() -> None:
    figure = _figure(7)
    world = pose3d_to_world(figure)
    again = world_to_pose3d(world, Camera(elevation=figure.elevation))
    assert np.abs(again.joints - figure.joints).max() < 1e-9


# -- the camera's ways ---------------------------------------------------------------------------
def test_a_glide_arrives_and_takes_the_short_way_round() -> None:
    navigation = Navigation(Camera(azimuth=math.radians(170)))
    navigation.goal = Camera(azimuth=math.radians(-170))
    seen = []
    while navigation.advance(0.016):
        seen.append(abs(navigation.camera.azimuth))
        assert len(seen) < 200
    assert navigation.camera == navigation.goal
    assert min(seen) > math.radians(169)


def test_drags_are_felt_at_once_and_never_tip_over() -> None:
    navigation = Navigation()
    navigation.orbit(0.25, 0.0)
    assert navigation.camera.azimuth == pytest.approx(HOME.azimuth - math.pi / 4)
    navigation.orbit(0.0, 5.0)
    assert navigation.camera.elevation < math.pi / 2
    assert not navigation.moving


def test_a_pan_moves_the_figure_with_the_hand() -> None:
    navigation = Navigation(Camera(azimuth=0.7, elevation=0.4))
    target = np.array(navigation.camera.target)
    before = project(target, navigation.camera, (400, 400))
    navigation.pan(0.1, 0.05)
    after = project(target, navigation.camera, (400, 400))
    assert after - before == pytest.approx([40.0, 20.0], abs=1e-6)


def test_the_wheel_comes_closer_and_goes_back() -> None:
    navigation = Navigation()
    navigation.zoom(3)
    assert navigation.goal.distance < HOME.distance
    navigation.zoom(-3)
    assert navigation.goal.distance == pytest.approx(HOME.distance)


@pytest.mark.parametrize("view", list(VIEWS))
def test_fitted_figures_are_seen_from_every_side(view: str) -> None:
    figures = np.stack([pose3d_to_world(_figure(seed)) for seed in (0, 1)])
    figures[1, :, 0] += 900.0
    navigation = Navigation()
    navigation.fit(figures)
    navigation.turn_to(view)
    navigation.jump()
    places = project(figures.reshape(-1, 3), navigation.camera, (300, 300))
    assert places.min() > 0 and places.max() < 299
    assert np.ptp(places, axis=0).max() > 90
