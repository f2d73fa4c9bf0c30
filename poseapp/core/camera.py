"""The orbit camera and the way between its space, the world and the picture.

World: mm, right-handed, x right, y up, z towards a viewer in front; the figure that faces the
viewer has its left side at +x. Camera space: mm, x right, y down, z away from the camera.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from poseapp.core.pose import Pose2D, Pose3D
from poseapp.core.skeleton import MOCAP_17

_NEAR_MM = 1.0
_MAX_ELEVATION = math.radians(89.0)
FIGURE_HEIGHT_MM = 1700.0


@dataclass(frozen=True)
class Camera:
    """A camera that looks at a target from a distance. Angle 0, 0 is straight in front.

    Attributes:
        azimuth: rad, to the right around the target.
        elevation: rad, upwards: a positive one looks down on the target.
        distance: mm from the target.
        fov: rad, vertical angle of view.
        target: (x, y, z) mm, world space.
    """

    azimuth: float = 0.0
    elevation: float = math.radians(8.0)
    distance: float = 4200.0
    fov: float = math.radians(35.0)
    target: tuple[float, float, float] = (0.0, 850.0, 0.0)

    @property
    def rotation(self) -> np.ndarray:
        """(3, 3) rows: the camera's right, down and away in world space."""
        sa, ca = math.sin(self.azimuth), math.cos(self.azimuth)
        se, ce = math.sin(self.elevation), math.cos(self.elevation)
        return np.array([[ca, 0.0, -sa], [sa * se, -ce, ca * se], [-sa * ce, -se, -ca * ce]])

    @property
    def position(self) -> np.ndarray:
        """(3,) mm, world space."""
        return np.asarray(self.target, float) - self.distance * self.rotation[2]

    def orbited(self, azimuth: float, elevation: float) -> Camera:
        """Turned further by some rad; it never tips over the top."""
        tilt = float(np.clip(self.elevation + elevation, -_MAX_ELEVATION, _MAX_ELEVATION))
        return replace(
            self, azimuth=math.remainder(self.azimuth + azimuth, math.tau), elevation=tilt
        )

    def zoomed(self, factor: float) -> Camera:
        """Closer for a factor above 1; stays between 0.3 and 50 m."""
        return replace(self, distance=float(np.clip(self.distance / factor, 300.0, 50_000.0)))

    def panned(self, right_mm: float, up_mm: float) -> Camera:
        """Target moved in the plane of the picture."""
        axes = self.rotation
        target = np.asarray(self.target) + axes[0] * right_mm - axes[1] * up_mm
        x, y, z = (float(v) for v in target)
        return replace(self, target=(x, y, z))

    def fitted(self, joints: np.ndarray, margin: float = 1.15) -> Camera:
        """Target and distance so that (N, 3) mm world points fill the picture from any side."""
        low, high = joints.min(0), joints.max(0)
        radius = max(float(np.linalg.norm(high - low)) / 2.0, 100.0)
        distance = radius * margin / math.sin(self.fov / 2.0)
        x, y, z = (float(v) for v in (low + high) / 2.0)
        return replace(self, target=(x, y, z), distance=distance)


FRONT = Camera(elevation=0.0)
SIDE = Camera(azimuth=math.pi / 2.0, elevation=0.0)
TOP = Camera(elevation=_MAX_ELEVATION)


def world_to_camera(points: np.ndarray, camera: Camera) -> np.ndarray:
    """(..., 3) mm, world space -> (..., 3) mm, camera space."""
    return (np.asarray(points, float) - camera.position) @ camera.rotation.T


def camera_to_world(points: np.ndarray, camera: Camera) -> np.ndarray:
    """(..., 3) mm, camera space -> (..., 3) mm, world space."""
    return np.asarray(points, float) @ camera.rotation + camera.position


def focal_px(camera: Camera, size: tuple[int, int]) -> float:
    """Focal length for a picture of (width, height) px."""
    return size[1] / 2.0 / math.tan(camera.fov / 2.0)


def project(points: np.ndarray, camera: Camera, size: tuple[int, int]) -> np.ndarray:
    """Project points onto the picture.

    Args:
        points: (..., 3) float, mm, world space.
        size: (width, height) px of the picture.
    Returns:
        (..., 2) float, px, pixel centres at integers; NaN behind the camera.
    """
    seen = world_to_camera(points, camera)
    depth = np.where(seen[..., 2] > _NEAR_MM, seen[..., 2], np.nan)
    centre = (np.asarray(size, float) - 1.0) / 2.0
    return focal_px(camera, size) * seen[..., :2] / depth[..., None] + centre


def _tilt(elevation: float) -> np.ndarray:
    """(3, 3) rows: right, down and away of a camera in front that looks down by `elevation`."""
    return Camera(elevation=elevation).rotation


def pose3d_to_world(pose: Pose3D) -> np.ndarray:
    """Stand a lifted pose upright: lowest joint on the ground, pelvis over x = z = 0.

    Returns:
        (17, 3) float mm, world space.
    """
    world = pose.joints @ _tilt(pose.elevation)
    pelvis = world[0]
    return world - np.array([pelvis[0], world[:, 1].min(), pelvis[2]])


def world_to_pose3d(joints: np.ndarray, camera: Camera) -> Pose3D:
    """The same figure as the camera sees it: turned by its azimuth, tilted by its elevation.

    Args:
        joints: (17, 3) float mm, world space.
    """
    turned = np.asarray(joints, float) @ camera.rotation.T
    return Pose3D(turned - turned[0], camera.elevation)


_NECK, _NOSE, _HEAD = (MOCAP_17.index(name) for name in ("Neck", "Nose", "Head"))
_LEFT, _RIGHT = MOCAP_17.index("L_Shoulder"), MOCAP_17.index("R_Shoulder")
_BODY = tuple(
    MOCAP_17.index(f"{side}_{joint}")
    for joint in ("Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle")
    for side in ("L", "R")
)
# Eyes and ears from the nose, mm: towards the left, upwards, forwards, of a head of usual size.
_FACE_MM = np.array(
    [[32.0, 34.0, -22.0], [-32.0, 34.0, -22.0], [74.0, 16.0, -100.0], [-74.0, 16.0, -100.0]]
)
_HEAD_MM = 108.0  # nose to top in the motion-capture data


def mocap17_to_coco17(joints: np.ndarray) -> np.ndarray:
    """COCO-17 joints of a 3D figure; eyes and ears follow from the head's direction.

    Args:
        joints: (..., 17, 3) float mm, MOCAP-17, world or camera space (both are right-handed).
    Returns:
        (..., 17, 3) float mm in the same space.
    """
    joints = np.asarray(joints, float)
    up = joints[..., _HEAD, :] - joints[..., _NECK, :]
    size = np.linalg.norm(joints[..., _HEAD, :] - joints[..., _NOSE, :], axis=-1)[..., None, None]
    up = up / np.maximum(np.linalg.norm(up, axis=-1, keepdims=True), 1e-9)
    left = joints[..., _LEFT, :] - joints[..., _RIGHT, :]
    left = left - (left * up).sum(-1, keepdims=True) * up
    left = left / np.maximum(np.linalg.norm(left, axis=-1, keepdims=True), 1e-9)
    axes = np.stack([left, up, np.cross(left, up)], axis=-2)
    nose = joints[..., _NOSE, None, :]
    face = nose + (_FACE_MM * np.clip(size / _HEAD_MM, 0.5, 2.0)) @ axes
    return np.concatenate([nose, face, joints[..., _BODY, :]], axis=-2)


def view_to_pose2d(joints: np.ndarray, camera: Camera, size: tuple[int, int]) -> Pose2D:
    """What the camera sees of a figure, as a 2D pose in px of a (width, height) picture.

    Args:
        joints: (17, 3) float mm, MOCAP-17, world space. Joints behind the camera are absent.
    """
    points = project(mocap17_to_coco17(joints), camera, size)
    seen = np.isfinite(points).all(1)
    return Pose2D(np.where(seen[:, None], points, 0.0), confidence=seen.astype(float))
