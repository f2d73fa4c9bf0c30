"""Exact labels of a rendered picture: keypoints with COCO visibility, masks, boxes. Torch-free.

A keypoint is *visible* (2) if the frame shows, where the keypoint falls, a part of the same person
and side that adjoins the joint, at about the joint's depth: nearer than it by no more than the limb
is thick there. Anything else in the frame is *hidden* (1): behind another person, an object, a bag,
one's own arm or trunk, hair over an ear. Outside the frame or behind the camera it is 0, and then
its pixel coordinates are 0 too, as COCO has it.
"""

from typing import Final

import numpy as np
from numba import njit

from trainer.synthetic.types import Assets, Camera, Character, Cloth, Frame, Part, Posed

KEYPOINTS: Final = (
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
)
OUTSIDE, HIDDEN, VISIBLE = 0, 1, 2
NEAR_MM = 50.0  # what is nearer to the camera counts as behind it

_HEAD = (Part.FACE,)
_ADJOINING: Final[tuple[tuple[Part, ...], ...]] = (
    *((_HEAD,) * 5),
    (Part.UPPER_ARM_L, Part.TORSO),
    (Part.UPPER_ARM_R, Part.TORSO),
    (Part.UPPER_ARM_L, Part.LOWER_ARM_L),
    (Part.UPPER_ARM_R, Part.LOWER_ARM_R),
    (Part.LOWER_ARM_L, Part.HAND_L),
    (Part.LOWER_ARM_R, Part.HAND_R),
    (Part.TORSO, Part.UPPER_LEG_L),
    (Part.TORSO, Part.UPPER_LEG_R),
    (Part.UPPER_LEG_L, Part.LOWER_LEG_L),
    (Part.UPPER_LEG_R, Part.LOWER_LEG_R),
    (Part.LOWER_LEG_L, Part.FOOT_L),
    (Part.LOWER_LEG_R, Part.FOOT_R),
)
# Points of the head lie on or just under the skin. At the profile the bridge of the nose is 30 mm
# nearer than the far eye, and a cheek 150 mm nearer than the far ear.
_HEAD_TOLERANCE_MM: Final = (30.0, 25.0, 25.0, 40.0, 40.0)
# An average adult's depth from joint to clothed surface; the body measured narrows or widens it.
_LIMB_TOLERANCE_MM: Final = (90.0, 90.0, 60.0, 60.0, 60.0, 60.0, 90.0, 90.0, 60.0, 60.0, 60.0, 60.0)
_CLOTH_MM = 20.0


def keypoints(
    assets: Assets,
    character: Character,
    posed: Posed,
    camera: Camera,
    frame: Frame,
    number: int,
) -> tuple[np.ndarray, np.ndarray]:
    """The COCO keypoints of one person in a rendered frame.

    Args:
        assets: what the character is made of; its `landmarks` name the 17 points.
        posed: the character as it stands in the world.
        camera: the camera that rendered `frame`.
        number: the person's `Figure.number`.

    Returns:
        (17,3) float32: x, y px and visibility (0 outside, 1 hidden, 2 visible); x = y = 0 where
        it is 0. And (17,3) float32 mm, camera space, of all 17 points whether seen or not.
    """
    points = to_camera(camera, landmarks(assets, posed))
    tolerance = _tolerances(assets, character)
    out = np.zeros((17, 3), np.float32)
    width, height = camera.size
    for k, (x, y, z) in enumerate(points):
        if z < NEAR_MM:
            continue
        u = camera.focal_px * x / z + camera.centre_px[0]
        v = camera.focal_px * y / z + camera.centre_px[1]
        if not (-0.5 <= u < width - 0.5 and -0.5 <= v < height - 0.5):
            continue
        out[k] = u, v, HIDDEN
        if _seen(frame, number, k, int(np.floor(u + 0.5)), int(np.floor(v + 0.5)), z, tolerance[k]):
            out[k, 2] = VISIBLE
    return out, points.astype(np.float32)


def landmarks(assets: Assets, posed: Posed) -> np.ndarray:
    """The 17 keypoints of a posed body, (17,3) float64 mm, world space."""
    return _landmarks(assets, posed.positions)


def _landmarks(assets: Assets, positions: np.ndarray) -> np.ndarray:
    return np.array([positions[assets.landmarks[name]].mean(0, np.float64) for name in KEYPOINTS])


def to_camera(camera: Camera, points: np.ndarray) -> np.ndarray:
    """(n,3) mm world -> (n,3) float64 mm camera space."""
    return np.asarray(points, np.float64) @ camera.rotation.T + camera.translation


def masks(frame: Frame, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What a frame shows of one person.

    Returns:
        mask: (h,w) uint8, how much of each pixel shows the person, 255 all of it.
        parts, cloth: (h,w) uint8 of `Part` and `Cloth`, 0 where something else is seen.
    """
    mask = np.floor(frame.cover[number - 1] * 255 + 0.5).astype(np.uint8)
    own = frame.number == number
    return mask, np.where(own, frame.part, 0), np.where(own, frame.cloth, 0)


def box(mask: np.ndarray, threshold: int = 128) -> tuple[int, int, int, int] | None:
    """The smallest box around a mask: x, y, width, height in px; None if nothing is seen."""
    solid = mask >= threshold
    columns = np.flatnonzero(solid.any(0))
    rows = np.flatnonzero(solid.any(1))
    if not len(columns):
        return None
    x, y = int(columns[0]), int(rows[0])
    return x, y, int(columns[-1]) - x + 1, int(rows[-1]) - y + 1


def _seen(
    frame: Frame, number: int, k: int, column: int, row: int, z: float, tolerance: float
) -> bool:
    """Whether a pixel among the 3x3 around a keypoint shows it (see the module's text)."""
    window = np.s_[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
    own = frame.number[window] == number
    if not own.any():
        return False
    part = frame.part[window]
    cloth = frame.cloth[window]
    adjoining = np.zeros(part.shape, bool)
    for p in _ADJOINING[k]:
        adjoining |= part == p
    adjoining &= cloth != Cloth.HAT
    if k not in (5, 6):  # a strap over a shoulder does not hide it, a bag before a hip does
        adjoining &= cloth != Cloth.BAG
    near = np.abs(frame.depth[window] - z) <= tolerance
    return bool((own & adjoining & near).any())


def _tolerances(assets: Assets, character: Character) -> np.ndarray:
    """How far the surface may lie before each keypoint of this body: (17,) float64 mm."""
    points = _landmarks(assets, character.rest)
    thick = _thickness(character.rest, assets.body.vertex, points[5:])
    usual = np.array(_LIMB_TOLERANCE_MM)
    measured = np.clip(1.2 * thick + _CLOTH_MM, 0.6 * usual, 1.6 * usual)
    limbs = np.where(thick > 0, measured, usual)  # 0: too coarse a mesh to tell
    return np.concatenate([_HEAD_TOLERANCE_MM, limbs])


@njit(cache=True, nogil=True)
def _thickness(rest: np.ndarray, body: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """Depth of flesh before and behind joints at rest: the farther of the two, (n,) mm.

    Measured along z over the body's vertices within 30 mm of the joint in x and y; 0 where there
    are none. At rest no other limb is before or behind one.
    """
    out = np.zeros(len(joints))
    for vertex in body:
        x, y, z = rest[vertex, 0], rest[vertex, 1], rest[vertex, 2]
        for j in range(len(joints)):
            dx, dy = x - joints[j, 0], y - joints[j, 1]
            if dx * dx + dy * dy < 900.0:
                out[j] = max(out[j], abs(z - joints[j, 2]))
    return out
