"""How the hand moves the camera: a smooth walk from where it is to where it should be. No Qt."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from poseapp.core.camera import FRONT, SIDE, TOP, Camera

HOME = Camera(azimuth=math.radians(-26.0), elevation=math.radians(12.0), fov=math.radians(30.0))
VIEWS = {"home": HOME, "front": FRONT, "side": SIDE, "top": TOP}
ORBIT_RAD_PER_VIEW = math.pi
"""A drag across the whole height of the view turns the camera by this much."""
_HALF_LIFE_S = 0.055
_FIT_MARGIN = 1.1
_HEAD_ROOM_MM = 60.0


def fitted(
    camera: Camera, joints: np.ndarray, aspect: float, sides: Sequence[tuple[float, float]]
) -> Camera:
    """The camera, its target amid (..., 17, 3) mm joints, so near that all sides just see them.

    Args:
        sides: (azimuth, elevation) in rad from which the figures must be in sight.
    """
    points = np.asarray(joints, float).reshape(-1, 3)
    if not len(points):
        return replace(camera, target=HOME.target, distance=HOME.distance)
    low, high = points.min(0), points.max(0)
    room = np.array([0.0, _HEAD_ROOM_MM, 0.0])
    target = (low + high + room) / 2.0
    points = np.concatenate([points, points + room]) - target
    tall = math.tan(camera.fov / 2.0)
    distance = 300.0
    for azimuth, elevation in sides:
        right, down, away = (
            points @ replace(camera, azimuth=azimuth, elevation=elevation).rotation.T
        ).T
        needed = (
            np.maximum(np.abs(right) / (tall * aspect), np.abs(down) / tall) * _FIT_MARGIN - away
        )
        distance = max(distance, float(needed.max()))
    x, y, z = (float(v) for v in target)
    return replace(camera, target=(x, y, z), distance=distance)


def turn(camera: Camera, joints: np.ndarray, aspect: float, steps: int) -> list[Camera]:
    """Cameras of one full turn around figures, from where `camera` stands, all as far away."""
    angles = [camera.azimuth + 2.0 * math.pi * step / steps for step in range(steps)]
    start = fitted(camera, joints, aspect, [(angle, camera.elevation) for angle in angles])
    return [replace(start, azimuth=angle) for angle in angles]


class Navigation:
    """A camera with a goal; `advance` moves it there softly.

    Drags set both at once, so that the figure sticks to the hand. Jumps between views glide.
    """

    def __init__(self, camera: Camera = HOME) -> None:
        self.camera = camera
        self.goal = camera
        self.by_hand = False
        """The user has moved the camera since it was last fitted."""

    def orbit(self, right: float, down: float) -> None:
        """Turn by a drag; in heights of the view."""
        self._drag(self.goal.orbited(-right * ORBIT_RAD_PER_VIEW, down * ORBIT_RAD_PER_VIEW))

    def pan(self, right: float, down: float) -> None:
        """Shift by a drag; in heights of the view. The point at the target follows the hand."""
        mm = 2.0 * self.goal.distance * math.tan(self.goal.fov / 2.0)
        self._drag(self.goal.panned(-right * mm, down * mm))

    def zoom(self, steps: float) -> None:
        """Come closer by so many steps of a wheel; glides."""
        self.goal = self.goal.zoomed(1.13**steps)
        self.by_hand = True

    def turn_to(self, view: str) -> None:
        """Glide to one of `VIEWS`; target and distance stay."""
        wanted = VIEWS[view]
        self.goal = replace(self.goal, azimuth=wanted.azimuth, elevation=wanted.elevation)

    def fit(self, joints: np.ndarray, aspect: float = 1.0) -> None:
        """Glide so that all of (..., 17, 3) mm world joints are in sight, from each of `VIEWS` too.

        Args:
            aspect: width of the view by its height.
        """
        cameras = [self.goal, *VIEWS.values()]
        self.goal = fitted(self.goal, joints, aspect, [(c.azimuth, c.elevation) for c in cameras])
        self.by_hand = False

    def jump(self, camera: Camera | None = None) -> None:
        """Be at a camera, or at the goal, at once."""
        self.goal = camera or self.goal
        self.camera = self.goal

    @property
    def moving(self) -> bool:
        """The camera is not at its goal."""
        return self.camera != self.goal

    def advance(self, seconds: float) -> bool:
        """Move towards the goal; True while there is way left."""
        if not self.moving:
            return False
        share = 1.0 - 0.5 ** (seconds / _HALF_LIFE_S)
        now, goal = self.camera, self.goal
        turn = math.remainder(goal.azimuth - now.azimuth, math.tau)
        tilt = goal.elevation - now.elevation
        way = np.subtract(goal.target, now.target)
        zoom = math.log(goal.distance / now.distance)
        left = abs(turn) + abs(tilt) + abs(zoom) + float(np.linalg.norm(way)) / goal.distance
        if left < 1e-3:
            self.camera = goal
            return False
        x, y, z = (float(v) for v in np.add(now.target, share * way))
        self.camera = replace(
            goal,
            azimuth=math.remainder(now.azimuth + share * turn, math.tau),
            elevation=now.elevation + share * tilt,
            distance=now.distance * math.exp(share * zoom),
            target=(x, y, z),
        )
        return True

    def _drag(self, camera: Camera) -> None:
        self.goal = camera
        self.camera = camera
        self.by_hand = True
