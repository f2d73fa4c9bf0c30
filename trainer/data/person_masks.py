"""Where a person is in a picture, drawn from the skeleton alone. Torch-free.

For sets without masks, as Ma et al. did for Market-1501 ("Pose guided person image generation",
section 3.1): limbs as wide as limbs are, a filled trunk, a head, and a soft edge.
"""

import cv2
import numpy as np

_NOSE, _SHOULDERS, _HIPS = 0, (5, 6), (11, 12)
# Half widths in shares of the torso's length, chosen to meet the true masks of synthetic people.
_LIMBS = (
    (5, 7, 0.12),
    (7, 9, 0.1),
    (6, 8, 0.12),
    (8, 10, 0.1),
    (11, 13, 0.16),
    (13, 15, 0.12),
    (12, 14, 0.16),
    (14, 16, 0.12),
    (5, 6, 0.14),
    (11, 12, 0.16),
    (5, 11, 0.14),
    (6, 12, 0.14),
)
_HEAD, _END = 0.19, 0.2  # the head's half width; what lies beyond wrists and ankles
_TORSO_OF_FIGURE = 0.31  # of the height between the highest and the lowest keypoint
_SHIFT = 4  # OpenCV's fixed-point bits: a sixteenth of a pixel


def limb_mask(keypoints: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The figure that a skeleton suggests.

    Args:
        keypoints: (17,3) x, y px and visibility; 0 leaves a point out, and the limbs that end
            there with it.
        size: height, width of the picture.
    Returns:
        (h,w) uint8, 255 inside, with a soft edge; zeros where no keypoint is there.
    """
    mask = np.zeros(size, np.uint8)
    there = keypoints[:, 2] > 0
    if not there.any():
        return mask
    points = keypoints[:, :2].astype(np.float64)
    torso = _torso_px(points, there)
    for a, b, share in _LIMBS:
        if there[a] and there[b]:
            _line(mask, points[a], points[b], share * torso)
    if all(there[k] for k in (*_SHOULDERS, *_HIPS)):
        corners = points[[5, 6, 12, 11]]
        cv2.fillConvexPoly(mask, cv2.convexHull(_fixed(corners)), 255, cv2.LINE_8, _SHIFT)
    for joint, before in ((9, 7), (10, 8), (15, 13), (16, 14)):  # hands and feet
        if there[joint] and there[before]:
            along = points[joint] - points[before]
            tip = points[joint] + along / max(np.hypot(*along), 1e-6) * _END * torso
            _line(mask, points[joint], tip, 0.6 * _END * torso)
    if there[:5].any():
        head = points[:5][there[:5]].mean(0)
        if there[list(_SHOULDERS)].all():
            _line(mask, head, points[list(_SHOULDERS)].mean(0), 0.6 * _HEAD * torso)
        _line(mask, head, head - [0.0, 0.2 * torso], _HEAD * torso)
    sigma = max(0.04 * torso, 0.5)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), sigma))


def _torso_px(points: np.ndarray, there: np.ndarray) -> float:
    """How long the torso is, or would be if the figure were seen upright."""
    ys = points[there, 1]
    lengths = [_TORSO_OF_FIGURE * float(np.ptp(ys)) if there.sum() > 5 else 0.0]
    lengths += [
        float(np.hypot(*(points[a] - points[b])))
        for a, b in zip(_SHOULDERS, _HIPS, strict=True)
        if there[a] and there[b]
    ]
    return max(*lengths, 4.0) if len(lengths) > 1 else max(lengths[0], 4.0)


def _line(mask: np.ndarray, a: np.ndarray, b: np.ndarray, half_px: float) -> None:
    """A capsule; OpenCV rounds the ends of thick lines."""
    thickness = max(1, round(2 * half_px))
    start, end = _fixed(np.stack([a, b])).tolist()
    cv2.line(mask, start, end, 255, thickness, cv2.LINE_8, _SHIFT)


def _fixed(points: np.ndarray) -> np.ndarray:
    bounded = np.clip(points, -4096.0, 8192.0)  # what a file says may lie anywhere
    return np.rint(bounded * (1 << _SHIFT)).astype(np.int32)
