"""A reference person and the poses they are to take: where these lie in the photo, and what is cut
out of it for the generator.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from poseapp.core import motion
from poseapp.core.detection import scaled
from poseapp.core.document import Photo, ReferencePerson
from poseapp.core.framing import framed_in
from poseapp.core.newcomers import body_unit
from poseapp.core.pose import Pose2D

FEWEST_JOINTS = 6
Box = tuple[np.ndarray, np.ndarray]
"""(2,) lowest and (2,) highest x, y px."""

NO_REFERENCE = (
    "Choose whom to show: create a person, take a ready-made one, or a photo of your own."
)
NO_REFERENCE_POSE = (
    "The reference person has no pose yet: put the picture on the canvas, find the person or mark"
    " the joints, and take photo and pose of the canvas."
)
NOBODY = "Nobody is on the canvas: add a person, or double-click a pose in the caption gallery."
TOO_FEW_JOINTS = (
    f"The pose on the canvas has fewer than {FEWEST_JOINTS} joints, too few to show a person in it:"
    " bring absent joints back, or take another pose."
)

_REACH = 0.5  # trunk lengths that head, hands and feet reach beyond the joints
_FOOT = 0.3
_CLOTHES = 0.04  # of the person: air around the clothes
_BODY = (5, 6, 11, 12)
_BLUR = 0.35  # of the step in px: what a smaller picture cannot show


def problem(reference: ReferencePerson | None, pose: Pose2D | None) -> str:
    """Why nobody can be shown in a pose, as one sentence; "" where nothing is wrong.

    Args:
        pose: of the canvas; None where nobody is.
    """
    if reference is None:
        return NO_REFERENCE
    if not _enough(reference.pose):
        return NO_REFERENCE_POSE
    if pose is None or not pose.present.any():
        return NOBODY
    return "" if _enough(pose) else TOO_FEW_JOINTS


def _enough(pose: Pose2D) -> bool:
    return bool(pose.present.sum() >= FEWEST_JOINTS and pose.present[list(_BODY)].any())


def same_picture(one: Photo | None, other: Photo) -> bool:
    """Both are the same file."""
    return one is not None and (one is other or one.data == other.data)


def placed(
    poses: Sequence[Pose2D], reference: ReferencePerson, canvas: tuple[int, int] | None = None
) -> list[Pose2D]:
    """Poses in px of the reference person's photo.

    Args:
        poses: px of a canvas; those of a motion together.
        canvas: (width, height) px of a canvas that shows this very photo: the poses stay where
            they are over it. None: the person takes them where they stand, with their own
            proportions, and small enough for the picture.
    Raises:
        PoseError: nobody is in the poses, or the reference person has no pose.
    """
    if canvas is not None:
        return [scaled(pose, canvas, reference.photo.size) for pose in poses]
    return _inside(motion.fitted(poses, reference.pose), reference)


def _inside(poses: list[Pose2D], reference: ReferencePerson) -> list[Pose2D]:
    """The poses smaller and moved until the picture holds them, or as far as it holds the person.

    They stay on the ground where the person stands.
    """
    there = [pose for pose in poses if pose.present.any()]
    room = np.array([[-0.5, -0.5], np.array(reference.photo.size) - 0.5])
    low, high = _extent([reference.pose])
    room[0], room[1] = np.minimum(room[0], low), np.maximum(room[1], high)
    low, high = _extent(there)
    shrink = float(min(1.0, *((room[1] - room[0]) / np.maximum(high - low, 1e-6))))
    middle = np.array([(low[0] + high[0]) / 2.0, high[1]])
    low, high = middle + (low - middle) * shrink, middle + (high - middle) * shrink
    shift = np.maximum(room[0] - low, 0.0) + np.minimum(room[1] - high, 0.0)
    if shrink == 1.0 and not shift.any():
        return poses
    return [
        pose.with_keypoints(
            np.where(
                pose.present[:, None], middle + (pose.keypoints - middle) * shrink + shift, 0.0
            )
        )
        for pose in poses
    ]


def _extent(poses: Sequence[Pose2D]) -> tuple[np.ndarray, np.ndarray]:
    """(2,) lowest and (2,) highest px of what people fill in some poses."""
    lows, highs = [], []
    for pose in poses:
        points, unit = pose.keypoints[pose.present], body_unit(pose)
        lows.append(points.min(0) - _REACH * unit)
        highs.append(points.max(0) + np.array([_REACH, _FOOT]) * unit)
    return np.min(lows, axis=0), np.max(highs, axis=0)


def as_array(pose: Pose2D) -> np.ndarray:
    """(17, 3) float64: x, y px and visibility 0-2."""
    return np.column_stack([pose.keypoints, pose.visibility.astype(float)])


def as_pose(keypoints: np.ndarray) -> Pose2D:
    """A pose from (17, 3) x, y px and visibility."""
    values = np.asarray(keypoints, float)
    return Pose2D(values[:, :2], np.clip(np.rint(values[:, 2]), 0, 2).astype(np.uint8))


def view_of(keypoints: np.ndarray, size: tuple[int, int], body: Box | None = None) -> np.ndarray:
    """(2, 3) float: px of a picture to px of the cut that shows the whole person.

    Args:
        keypoints: (17, 3) px and visibility.
        size: (height, width) px of the cut.
        body: lowest and highest px of the person with all clothes, where that is known.
    """
    frame = framed_in(as_pose(keypoints), (size[1], size[0]))
    s, origin = frame.scale, np.array(frame.origin)
    shape = np.array([size[1], size[0]], float)
    if body is not None:
        low, high = origin, origin + shape / s
        reach = _CLOTHES * (body[1] - body[0])
        low, high = np.minimum(low, body[0] - reach), np.maximum(high, body[1] + reach)
        s = float((shape / (high - low)).min())
        origin = (low + high) / 2.0 - shape / (2.0 * s)
    return np.array([[s, 0.0, -origin[0] * s], [0.0, s, -origin[1] * s]])


def moved(keypoints: np.ndarray, to_view: np.ndarray) -> np.ndarray:
    """(17, 3) keypoints by a (2, 3) map; absent ones stay at 0."""
    values = np.array(keypoints, np.float32)
    points = values[:, :2] @ to_view[:, :2].T + to_view[:, 2]
    values[:, :2] = np.where(values[:, 2:] > 0, points, 0.0)
    return values


def cut(picture: np.ndarray, to_view: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The part of a picture that a view shows.

    Args:
        picture: (h, w, 3) uint8 RGB, or a (h, w) uint8 mask, which is empty beyond its edges.
        to_view: (2, 3) px of the picture to px of the view.
        size: (height, width) px of the view.
    """
    import cv2  # not needed for the first window

    scale = math.sqrt(abs(float(np.linalg.det(to_view[:, :2]))))
    matrix = np.vstack([to_view, [0.0, 0.0, 1.0]])
    while scale < 0.5 and min(picture.shape[:2]) >= 4:  # halves first: no pixel is skipped
        picture = cv2.resize(
            picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2],
            (picture.shape[1] // 2, picture.shape[0] // 2),
            interpolation=cv2.INTER_AREA,
        )
        matrix = matrix @ np.array([[2.0, 0.0, 0.5], [0.0, 2.0, 0.5], [0.0, 0.0, 1.0]])
        scale *= 2.0
    if scale < 1.0:
        picture = cv2.GaussianBlur(picture, (0, 0), _BLUR / scale)
    border = cv2.BORDER_REPLICATE if picture.ndim == 3 else cv2.BORDER_CONSTANT
    return np.asarray(
        cv2.warpAffine(picture, matrix[:2], size[::-1], flags=cv2.INTER_LINEAR, borderMode=border)
    )
