"""3D figures as pictures: shaded limbs over a ground grid, drawn without OpenGL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from poseapp.core.camera import Camera, project, world_to_camera
from poseapp.core.palette import SIDE_COLOURS
from poseapp.core.skeleton import MOCAP_17

_SHIFT = 4
_DARK = (23, 25, 31)
_GRID_MM = 250.0
_CELLS = 6
_RADIUS_MM = {
    "Hip": 62.0, "Knee": 60.0, "Ankle": 46.0, "Torso": 70.0, "Neck": 62.0, "Nose": 44.0,
    "Head": 40.0, "Shoulder": 52.0, "Elbow": 44.0, "Wrist": 36.0,
}  # fmt: skip


def _radius_mm(joint: int) -> float:
    name = MOCAP_17.joints[joint].split("_")[-1]
    return _RADIUS_MM.get(name, 50.0) * 0.62


def draw_pose3d(
    joints: np.ndarray,
    camera: Camera,
    size: tuple[int, int],
    ghosts: Sequence[np.ndarray] = (),
    background: tuple[int, int, int] = _DARK,
) -> np.ndarray:
    """Draw a figure on the ground as a camera sees it, near limbs over far ones.

    Args:
        joints: (17, 3) float mm, MOCAP-17, world space.
        size: (width, height) px.
        ghosts: other hypotheses, drawn faintly behind.
    Returns:
        (H, W, 3) uint8 RGB.
    """
    oversample = 2 if max(size) <= 1600 else 1
    fine = (size[0] * oversample, size[1] * oversample)
    canvas = np.full((fine[1], fine[0], 3), background, np.uint8)
    _draw_ground(canvas, np.asarray(joints, float), camera, fine, background)
    for ghost in ghosts:
        layer = canvas.copy()
        _draw_figure(layer, np.asarray(ghost, float), camera, fine, background)
        canvas = cv2.addWeighted(layer, 0.22, canvas, 0.78, 0.0)
    _draw_figure(canvas, np.asarray(joints, float), camera, fine, background)
    if oversample > 1:
        canvas = cv2.resize(canvas, size, interpolation=cv2.INTER_AREA)
    return canvas


def _mixed(a: Sequence[float], b: Sequence[float], share: float) -> list[int]:
    return [round(x + (y - x) * share) for x, y in zip(a, b, strict=True)]


def _line(canvas: np.ndarray, points: np.ndarray, colour: Sequence[int], width: int) -> None:
    if np.isfinite(points).all() and np.abs(points).max() < 30_000:
        start, end = np.round(points * (1 << _SHIFT)).astype(int).tolist()
        cv2.line(canvas, start, end, colour, max(1, width), cv2.LINE_AA, _SHIFT)


def _draw_ground(
    canvas: np.ndarray,
    joints: np.ndarray,
    camera: Camera,
    size: tuple[int, int],
    background: tuple[int, int, int],
) -> None:
    light = sum(background) > 384
    ink = _mixed(background, (0, 0, 0) if light else (255, 255, 255), 0.14)
    reach = _GRID_MM * _CELLS
    for step in np.arange(-_CELLS, _CELLS + 1) * _GRID_MM:
        for ends in (
            [[step, 0.0, -reach], [step, 0.0, reach]],
            [[-reach, 0.0, step], [reach, 0.0, step]],
        ):
            _line(canvas, project(np.array(ends), camera, size), ink, size[1] // 700)
    # A soft shadow ties the figure to the ground.
    flat = joints * np.array([1.0, 0.0, 1.0])
    shadow = np.zeros(canvas.shape[:2], np.uint8)
    for parent, child in MOCAP_17.bones:
        _line(shadow, project(flat[[parent, child]], camera, size), [90], size[1] // 48)
    blur = max(3, size[1] // 40) | 1
    fade = cv2.GaussianBlur(shadow, (blur, blur), 0).astype(np.float32)[..., None] / 255.0
    canvas[:] = (canvas * (1.0 - fade)).astype(np.uint8)


def _draw_figure(
    canvas: np.ndarray,
    joints: np.ndarray,
    camera: Camera,
    size: tuple[int, int],
    background: tuple[int, int, int],
) -> None:
    depth = world_to_camera(joints, camera)[:, 2]
    points = project(joints, camera, size)
    if not np.isfinite(points).all():
        return
    focal = size[1] / 2.0 / np.tan(camera.fov / 2.0)
    near, far = depth.min(), max(depth.max(), depth.min() + 1.0)
    shapes: list[tuple[float, int, int]] = [
        (float(depth[[a, b]].mean()), a, b) for a, b in MOCAP_17.bones
    ]
    head = MOCAP_17.index("Head")
    for mean_depth, parent, child in sorted(shapes, reverse=True):
        colour = SIDE_COLOURS[MOCAP_17.side(child)]
        shade = _mixed(colour, background, 0.38 * (mean_depth - near) / (far - near))
        rim = _mixed(shade, background, 0.75)
        px = focal / mean_depth * _radius_mm(child)
        _line(canvas, points[[parent, child]], rim, round(2.0 * px + size[1] / 240))
        _line(canvas, points[[parent, child]], shade, round(2.0 * px))
        if child == head:
            centre = points[[MOCAP_17.index("Nose"), head]].mean(0)
            radius = focal / depth[head] * 92.0
            _ball(canvas, centre, radius, shade, rim, size)
    for joint in np.argsort(-depth):
        if joint in (head, MOCAP_17.index("Nose")):
            continue
        light = _mixed(SIDE_COLOURS[MOCAP_17.side(int(joint))], (255, 255, 255), 0.6)
        radius = focal / depth[joint] * 17.0
        _ball(canvas, points[joint], radius, light, None, size)


def _ball(
    canvas: np.ndarray,
    centre: np.ndarray,
    radius: float,
    colour: Sequence[int],
    rim: Sequence[int] | None,
    size: tuple[int, int],
) -> None:
    if np.abs(centre).max() > 30_000 or radius > 30_000:
        return
    at = np.round(centre * (1 << _SHIFT)).astype(int).tolist()
    if rim is not None:
        wide = round((radius + size[1] / 480) * (1 << _SHIFT))
        cv2.circle(canvas, at, wide, rim, -1, cv2.LINE_AA, _SHIFT)
    cv2.circle(canvas, at, max(1, round(radius * (1 << _SHIFT))), colour, -1, cv2.LINE_AA, _SHIFT)


def turntable_frames(
    joints: np.ndarray,
    size: tuple[int, int] = (480, 480),
    frames: int = 48,
    camera: Camera | None = None,
    ghosts: Sequence[np.ndarray] = (),
    background: tuple[int, int, int] = _DARK,
) -> list[np.ndarray]:
    """Pictures of one full turn around a figure that stands on the ground.

    Args:
        joints: (17, 3) float mm, MOCAP-17, world space.
        camera: where the turn starts; fitted to the figure if None.
    Returns:
        `frames` pictures (H, W, 3) uint8 RGB; the last leads on to the first.
    """
    joints = np.asarray(joints, float)
    camera = camera or Camera(elevation=np.radians(14.0)).fitted(joints)
    return [
        draw_pose3d(
            joints,
            replace(camera, azimuth=camera.azimuth + 2.0 * np.pi * number / frames),
            size,
            ghosts,
            background,
        )
        for number in range(frames)
    ]
