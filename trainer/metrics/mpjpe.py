"""Errors of 3D poses in mm: P-MPJPE, best hypothesis, flips, depth spread (paper 3, section 2.4).

Procrustes alignment by translation, rotation and scale; never by a reflection, which would hide
poses whose depth is turned inside out.
"""

from dataclasses import dataclass

import numpy as np


def align(points: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The similarity transform of `points` that is nearest to `target`, pose by pose.

    Args:
        points: (..., J, 3) float.
        target: (..., J, 3) float, broadcastable to it.
    Returns:
        (..., J, 3) float64, in the target's space.
    """
    points = np.asarray(points, np.float64)
    target = np.broadcast_to(np.asarray(target, np.float64), points.shape)
    middle = target.mean(-2, keepdims=True)
    a = points - points.mean(-2, keepdims=True)
    b = target - middle
    u, s, vt = np.linalg.svd(np.swapaxes(a, -1, -2) @ b)  # (..., 3, 3)
    sign = np.sign(np.linalg.det(u @ vt))
    sign = np.where(sign == 0, 1.0, sign)
    fix = np.ones_like(s)
    fix[..., -1] = sign
    rotation = (u * fix[..., None, :]) @ vt
    variance = np.square(a).sum((-1, -2))
    scale = (s * fix).sum(-1) / np.maximum(variance, 1e-12)
    return scale[..., None, None] * (a @ rotation) + middle


def joint_errors(points: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Distance of every joint after alignment: (..., J, 3) and (..., J, 3) to (..., J), mm."""
    return np.linalg.norm(align(points, target) - target, axis=-1)


def p_mpjpe(points: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Mean joint error after alignment, a pose: (...), mm."""
    return joint_errors(points, target).mean(-1)


def flipped(points: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Whether a camera-space lift would fit better with its depth turned inside out: (...) bool."""
    mirrored = points * np.array([1.0, 1.0, -1.0])
    return p_mpjpe(mirrored, target) < p_mpjpe(points, target)


def depth_spread_ratio(points: np.ndarray, target: np.ndarray) -> float:
    """How deep lifts are beside the truth, in camera space; 1 is right, a flat pose has 0.

    Depth counts relative to each pose's own extent in x and y, so that scale does not matter.
    """

    def depth(poses: np.ndarray) -> float:
        deviation = poses - poses.mean(-2, keepdims=True)
        extent = np.square(deviation[..., :2]).sum((-1, -2))
        relative = np.square(deviation[..., 2]).sum(-1) / np.maximum(extent, 1e-12)
        return float(np.sqrt(np.median(relative)))

    return depth(points) / max(depth(target), 1e-12)


@dataclass(frozen=True)
class LiftErrors:
    """Figures of one set of lifts.

    Attributes:
        zv: P-MPJPE of hypothesis 0 (zero variance), mm.
        bh: P-MPJPE of the best hypothesis of each pose, mm.
        flips: share of hypotheses 0 that are flipped.
        spread: depth spread ratio of hypothesis 0.
        per_pose: (N,) mm, hypothesis 0.
        per_joint: (J,) mm, hypothesis 0.
    """

    zv: float
    bh: float
    flips: float
    spread: float
    per_pose: np.ndarray
    per_joint: np.ndarray


def measure(hypotheses: np.ndarray, target: np.ndarray) -> LiftErrors:
    """Compare lifts with the truth.

    Args:
        hypotheses: (N,H,J,3) camera space, root-relative; hypothesis 0 is the zero-variance one.
        target: (N,J,3) mm, camera space.
    """
    first = joint_errors(hypotheses[:, 0], target)  # (N, J)
    every = p_mpjpe(hypotheses, target[:, None])  # (N, H)
    return LiftErrors(
        zv=float(first.mean()),
        bh=float(every.min(1).mean()),
        flips=float(flipped(hypotheses[:, 0], target).mean()),
        spread=depth_spread_ratio(hypotheses[:, 0], target),
        per_pose=first.mean(1),
        per_joint=first.mean(0),
    )
