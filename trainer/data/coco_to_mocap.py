"""COCO-17 keypoints as the 17 motion-capture joints, and back for measuring. Torch-free.

COCO has no pelvis, torso, neck or top of the head. The pelvis is the middle of the hips in both
skeletons. The motion-capture torso and neck lie off the spine's straight line and the shoulders'
middle by 2-6 cm, more than the error worth having, so they stay absent and the lifter fills them
in from the shoulders and hips, as it does every other joint that is missing. The head's top
follows from ears (else eyes) and shoulders.
"""

import numpy as np

_DIRECT = (  # (mocap, coco)
    (1, 12),
    (2, 14),
    (3, 16),
    (4, 11),
    (5, 13),
    (6, 15),
    (9, 0),
    (11, 5),
    (12, 7),
    (13, 9),
    (14, 6),
    (15, 8),
    (16, 10),
)
MOCAP_FROM = np.array([m for m, _ in _DIRECT])
COCO_FROM = np.array([c for _, c in _DIRECT])
GIVEN = MOCAP_FROM
"""Mocap joints that COCO labels itself: lifting keeps their projection exactly."""

PELVIS, NECK, NOSE, HEAD = 0, 8, 9, 10
_EYES, _EARS, _SHOULDERS, _HIPS = [1, 2], [3, 4], [5, 6], [11, 12]
_HEAD_OVER_EARS = 0.45  # of the distance from the middle of the shoulders to that of the ears
_HEAD_OVER_EYES = 0.38


def to_mocap(keypoints: np.ndarray, confidence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Map COCO-17 keypoints.

    Args:
        keypoints: (N,17,2) float, px, image space (y down), any scale.
        confidence: (N,17) float; 0 (or a coordinate that is not finite) is absent.
    Returns:
        (N,17,2) float32 in mocap order and image space, and (N,17) bool, which joints are there.
    """
    keypoints = np.asarray(keypoints, np.float32)
    seen = (np.asarray(confidence) > 0) & np.isfinite(keypoints).all(-1)
    keypoints = np.where(seen[..., None], keypoints, 0.0)
    points = np.zeros_like(keypoints)
    mask = np.zeros(seen.shape, bool)
    points[:, MOCAP_FROM] = keypoints[:, COCO_FROM]
    mask[:, MOCAP_FROM] = seen[:, COCO_FROM]
    points[:, PELVIS] = keypoints[:, _HIPS].mean(1)
    mask[:, PELVIS] = seen[:, _HIPS].all(1)
    shoulders = keypoints[:, _SHOULDERS].mean(1)
    for part, reach in ((_EYES, _HEAD_OVER_EYES), (_EARS, _HEAD_OVER_EARS)):  # ears win
        middle = keypoints[:, part].mean(1)
        there = seen[:, part].all(1) & seen[:, _SHOULDERS].all(1)
        points[there, HEAD] = (middle + reach * (middle - shoulders))[there]
        mask[there, HEAD] = True
    return points.astype(np.float32), mask


def face_joints(poses: np.ndarray) -> np.ndarray:
    """Eyes and ears that a motion-capture head implies, for measuring the COCO path.

    Args:
        poses: (N,17,3) float, mm.
    Returns:
        (N,4,3) float, mm: left eye, right eye, left ear, right ear.
    """
    up = _unit(poses[:, HEAD] - poses[:, NECK])
    left = poses[:, 11] - poses[:, 14]
    left = _unit(left - (left * up).sum(-1, keepdims=True) * up)
    front = np.cross(left, up)
    nose = poses[:, NOSE]
    return np.stack(
        [
            nose + 32 * left + 35 * up - 15 * front,
            nose - 32 * left + 35 * up - 15 * front,
            nose + 72 * left + 25 * up - 45 * front,
            nose - 72 * left + 25 * up - 45 * front,
        ],
        axis=1,
    )


def from_mocap(poses: np.ndarray) -> np.ndarray:
    """COCO-17 joints of motion-capture poses: (N,17,3) mm to (N,17,3) mm, same space."""
    coco = np.zeros_like(poses)
    coco[:, COCO_FROM] = poses[:, MOCAP_FROM]
    coco[:, 1:5] = face_joints(poses)
    return coco


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.maximum(np.linalg.norm(vector, axis=-1, keepdims=True), 1e-6)
