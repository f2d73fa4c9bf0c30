"""Immutable poses: keypoints with confidence and visibility (2D), joints in millimetres (3D)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from poseapp.core.errors import PoseError
from poseapp.core.skeleton import COCO_17, MOCAP_17


class Visibility(IntEnum):
    """What a keypoint says of its joint; the numbers are COCO's."""

    ABSENT = 0
    HIDDEN = 1
    VISIBLE = 2


CHECK_BELOW = 0.35
"""A joint that was found less surely is marked, so that somebody looks at it."""


def _frozen(values: object, shape: tuple[int, ...], dtype: type, what: str) -> np.ndarray:
    try:
        array: np.ndarray = np.array(values, dtype=dtype)
    except (TypeError, ValueError) as exc:
        raise PoseError(f"The {what} of a pose must be numbers.") from exc
    if array.shape != shape:
        raise PoseError(f"The {what} of a pose must have shape {shape}, not {array.shape}.")
    if not np.isfinite(array).all():
        raise PoseError(f"The {what} of a pose must be finite numbers.")
    array.setflags(write=False)
    return array


@dataclass(frozen=True, eq=False)
class Pose2D:
    """A COCO-17 pose in image space (px, y down, pixel centres at integers).

    Attributes:
        keypoints: (17, 2) float64, read-only; (0, 0) where the joint is absent.
        visibility: (17,) uint8 of `Visibility`, read-only.
        confidence: (17,) float64 in 0-1, read-only; 0 where absent. A joint set by hand has 1.
    """

    keypoints: np.ndarray
    visibility: np.ndarray = field(default=None)  # type: ignore[arg-type]
    confidence: np.ndarray = field(default=None)  # type: ignore[arg-type]

    if TYPE_CHECKING:  # what the generated one takes: anything that NumPy makes an array of

        def __init__(
            self, keypoints: object, visibility: object = None, confidence: object = None
        ) -> None: ...

    def __post_init__(self) -> None:
        joints = len(COCO_17)
        points = _frozen(self.keypoints, (joints, 2), float, "keypoints")
        visibility = self.visibility
        if visibility is None:
            present = np.ones(joints) if self.confidence is None else np.asarray(self.confidence)
            visibility = np.where(present > 0, Visibility.VISIBLE, Visibility.ABSENT)
        visibility = _frozen(visibility, (joints,), np.uint8, "visibility")
        if (visibility > Visibility.VISIBLE).any():
            raise PoseError("The visibility of a joint must be 0, 1 or 2.")
        absent = visibility == Visibility.ABSENT
        confidence = self.confidence
        if confidence is None:
            confidence = np.where(absent, 0.0, 1.0)
        confidence = np.clip(_frozen(confidence, (joints,), float, "confidence"), 0.0, 1.0)
        points = np.where(absent[:, None], 0.0, points)
        confidence = np.where(absent, 0.0, confidence)
        points.setflags(write=False)
        confidence.setflags(write=False)
        object.__setattr__(self, "keypoints", points)
        object.__setattr__(self, "visibility", visibility)
        object.__setattr__(self, "confidence", confidence)

    @property
    def present(self) -> np.ndarray:
        """(17,) bool: the joint is visible or hidden."""
        return self.visibility != Visibility.ABSENT

    @property
    def doubtful(self) -> np.ndarray:
        """(17,) bool: the joint is there, and so uncertain that somebody should look at it."""
        return self.present & (self.confidence < CHECK_BELOW)

    @property
    def bounds(self) -> tuple[float, float, float, float] | None:
        """(x, y, width, height) px around the present joints; None for an empty pose."""
        points = self.keypoints[self.present]
        if not len(points):
            return None
        low, high = points.min(0), points.max(0)
        return float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1])

    def with_keypoints(self, keypoints: np.ndarray) -> Pose2D:
        """The same joints somewhere else; (17, 2) px."""
        return Pose2D(keypoints, self.visibility, self.confidence)

    def with_joint(self, joint: int, xy: tuple[float, float] | np.ndarray) -> Pose2D:
        """Move one joint to (x, y) px. An absent joint becomes visible; a moved one is certain."""
        points, visibility = self.keypoints.copy(), self.visibility.copy()
        confidence = self.confidence.copy()
        points[joint] = xy
        confidence[joint] = 1.0
        if visibility[joint] == Visibility.ABSENT:
            visibility[joint] = Visibility.VISIBLE
        return Pose2D(points, visibility, confidence)

    def with_visibility(self, joint: int, visibility: Visibility) -> Pose2D:
        """Change one joint's visibility. Making it absent forgets its place."""
        values, confidence = self.visibility.copy(), self.confidence.copy()
        if values[joint] == Visibility.ABSENT and visibility != Visibility.ABSENT:
            confidence[joint] = 1.0
        values[joint] = visibility
        return Pose2D(self.keypoints, values, confidence)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Pose2D)
            and np.array_equal(self.keypoints, other.keypoints)
            and np.array_equal(self.visibility, other.visibility)
            and np.array_equal(self.confidence, other.confidence)
        )

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, eq=False)
class Pose3D:
    """A 3D pose: MOCAP-17 joints, mm, camera space (x right, y down, z away), pelvis at the origin.

    Attributes:
        joints: (17, 3) float64 mm, read-only.
        elevation: rad, how far the camera looks down on the figure; used to stand it upright.
    """

    joints: np.ndarray
    elevation: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "joints", _frozen(self.joints, (len(MOCAP_17), 3), float, "joints")
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pose3D) and np.array_equal(self.joints, other.joints)

    __hash__ = None  # type: ignore[assignment]
