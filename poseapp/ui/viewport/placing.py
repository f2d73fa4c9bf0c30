"""Between the canvas and the room: where lifted figures stand, and what a view looks like in 2D."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from poseapp.core.camera import (
    Camera,
    focal_px,
    mocap17_to_coco17,
    pose3d_to_world,
    project,
    world_to_camera,
    world_to_pose3d,
)
from poseapp.core.pose import Pose2D, Pose3D
from poseapp.ui.viewport.figure import figure_scale

_CLEARANCE_MM = 36.0
"""Height of a standing adult's ankle ball above the ground."""
_FALLBACK_MM_PER_PX = 1700.0 / 500.0
_SAFE_DISTANCE_MM = 2500.0
_PICTURE = (1001, 1001)


@dataclass(frozen=True)
class Lifted:
    """A person of the canvas with its figures: index 0 is the zero-variance one."""

    pose: Pose2D
    figures: tuple[Pose3D, ...]


def px_per_mm(pose: Pose2D, figure: Pose3D) -> float:
    """How large the canvas shows a figure, by least squares over the joints that are there."""
    present = pose.present
    flat = mocap17_to_coco17(figure.joints)[present, :2]
    points = pose.keypoints[present]
    if len(points) < 2:
        return 1.0 / _FALLBACK_MM_PER_PX
    flat, points = flat - flat.mean(0), points - points.mean(0)
    size = float((flat**2).sum())
    fitted = float((flat * points).sum()) / size if size > 1.0 else 0.0
    if fitted > 1e-6:
        return fitted
    spread = float(np.sqrt((points**2).sum() / max(size, 1.0)))  # the figure faces elsewhere
    return spread if spread > 1e-6 else 1.0 / _FALLBACK_MM_PER_PX


def stand(figures: Sequence[Pose3D]) -> np.ndarray:
    """(H, 17, 3) mm, world space: the first figure on the ground, the others at its pelvis."""
    first = pose3d_to_world(figures[0])
    first[:, 1] += _CLEARANCE_MM * figure_scale(first[None])[0]
    others = [pose3d_to_world(figure) for figure in figures[1:]]
    return np.stack([first, *(other - other[0] + first[0] for other in others)])


def arrange(people: Sequence[Lifted]) -> list[np.ndarray]:
    """Stand people side by side as far apart as on the canvas, in one scale for all.

    Returns:
        For each person (H, 17, 3) mm, world space; one person alone stands at the origin.
    """
    placed = [stand(person.figures) for person in people]
    if len(people) < 2:
        return placed
    scale = float(np.median([px_per_mm(p.pose, p.figures[0]) for p in people]))
    places = []
    for person in people:
        present = person.pose.present
        flat = mocap17_to_coco17(person.figures[0].joints)[present, 0]
        mean_px = person.pose.keypoints[present, 0]
        places.append(float(mean_px.mean()) / scale - float(flat.mean()) if len(flat) else 0.0)
    middle = (min(places) + max(places)) / 2.0
    return [
        figures + np.array([place - middle, 0.0, 0.0])
        for figures, place in zip(placed, places, strict=True)
    ]


def pose_seen_from(lifted: Lifted, figure: np.ndarray, camera: Camera) -> Pose2D:
    """The person's 2D pose as the camera sees its figure, at its size and place on the canvas.

    Joints that are absent stay absent, hidden ones hidden.

    Args:
        figure: (17, 3) mm, world space: the first figure where it stands.
    """
    pose = lifted.pose
    joints = mocap17_to_coco17(figure)
    pelvis = figure[0]
    if world_to_camera(joints, camera)[:, 2].min() < camera.distance / 3.0:
        # So near that joints are beside or behind the eye: step back.
        camera = replace(camera, distance=max(camera.distance, _SAFE_DISTANCE_MM), target=pelvis)
    depth = float(world_to_camera(pelvis, camera)[2])
    mm = project(joints, camera, _PICTURE) * depth / focal_px(camera, _PICTURE)
    points = mm * px_per_mm(pose, lifted.figures[0])
    present = pose.present
    if not present.any():
        return pose
    points += pose.keypoints[present].mean(0) - points[present].mean(0)
    return pose.with_keypoints(np.where(present[:, None], points, 0.0))


def turned_to(figures: np.ndarray, camera: Camera) -> tuple[Pose3D, ...]:
    """(H, 17, 3) mm world figures as poses in the space of a camera that looks from there."""
    return tuple(world_to_pose3d(figure, camera) for figure in figures)


def camera_after_turn(camera: Camera, pivot: np.ndarray) -> Camera:
    """The camera that shows a figure, once it is turned to face azimuth 0, as `camera` did before.

    Args:
        pivot: (3,) mm, world space: what the figure turns about.
    """
    s, c = np.sin(camera.azimuth), np.cos(camera.azimuth)
    x, y, z = np.subtract(camera.target, (pivot[0], 0.0, pivot[2]))
    target = (float(c * x - s * z), float(y), float(s * x + c * z))
    return replace(camera, azimuth=0.0, target=target)
