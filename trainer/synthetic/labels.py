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

from trainer.synthetic.landmarks import NAMES
from trainer.synthetic.types import Assets, Camera, Character, Cloth, Frame, Part, Posed

KEYPOINTS: Final = NAMES
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
_CLOTH_MM = 30.0  # what stands off the skin, and how much deeper than its nearest skin a joint lies
_ADJOINS: Final = np.array([[part in own for part in Part] for own in _ADJOINING])
_HAT, _BAG = int(Cloth.HAT), int(Cloth.BAG)


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
    width, height = camera.size
    ahead = np.maximum(points[:, 2], NEAR_MM)
    x, y = (camera.focal_px * points[:, i] / ahead + camera.centre_px[i] for i in (0, 1))
    inside = (points[:, 2] >= NEAR_MM) & (x >= -0.5) & (x < width - 0.5)
    inside &= (y >= -0.5) & (y < height - 0.5)
    column, row = (np.where(inside, np.floor(v + 0.5), 0).astype(np.int64) for v in (x, y))
    tolerance = _tolerances(assets, character)
    seen = _seen(
        frame.number, frame.part, frame.cloth, frame.depth, number,
        column, row, points[:, 2], tolerance, _ADJOINS,
    )  # fmt: skip
    out = np.stack([x, y, np.where(seen, VISIBLE, HIDDEN)], 1).astype(np.float32)
    out[~inside] = OUTSIDE
    return out, points.astype(np.float32)


def landmarks(assets: Assets, posed: Posed) -> np.ndarray:
    """The 17 keypoints of a posed body, (17,3) float64 mm, world space."""
    return _landmarks(assets, posed.positions)


def _landmarks(assets: Assets, positions: np.ndarray) -> np.ndarray:
    vertices = [assets.landmarks[name] for name in KEYPOINTS]
    start = np.cumsum([0, *map(len, vertices)])
    total = np.add.reduceat(positions[np.concatenate(vertices)], start[:-1], dtype=np.float64)
    return total / np.diff(start)[:, None]


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


@njit(cache=True, nogil=True)
def _seen(  # type: ignore[no-untyped-def]
    numbers, parts, cloths, depths, number, column, row, z, tolerance, adjoins
):
    """Whether a pixel among the 3x3 around each keypoint shows it (see the module's text).

    Args:
        numbers, parts, cloths, depths: (h,w), of the frame.
        column, row: (17,) int64, where the keypoints fall; z, tolerance: (17,) mm.
        adjoins: (17,16) bool.

    Returns:
        (17,) bool.
    """
    height, width = numbers.shape
    out = np.zeros(len(z), np.bool_)
    for k in range(len(z)):
        for i in range(max(row[k] - 1, 0), min(row[k] + 2, height)):
            for j in range(max(column[k] - 1, 0), min(column[k] + 2, width)):
                if numbers[i, j] != number or cloths[i, j] == _HAT:
                    continue
                # a strap over a shoulder does not hide it, a bag before a hip does
                own = k in (5, 6) if cloths[i, j] == _BAG else adjoins[k, parts[i, j]]
                if not own:
                    continue
                if abs(depths[i, j] - z[k]) <= tolerance[k]:
                    out[k] = True
    return out


def _tolerances(assets: Assets, character: Character) -> np.ndarray:
    """How far the surface may lie before each keypoint of this body: (17,) float64 mm."""
    joints = _landmarks(assets, character.rest)[5:]
    measured = 1.5 * _radii(character.rest, assets.body.vertex, joints) + _CLOTH_MM
    usual = np.array(_LIMB_TOLERANCE_MM)
    limbs = np.clip(measured, 0.6 * usual, 1.6 * usual)
    return np.concatenate([_HEAD_TOLERANCE_MM, limbs])


@njit(cache=True, nogil=True)
def _radii(rest: np.ndarray, body: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """How thick the flesh is around joints at rest: (n,) mm to the nearest skin."""
    out = np.full(len(joints), 1e3)
    step = max(1, len(body) // 5000)  # a few mm more or less tell nothing
    for j in range(len(joints)):
        x, y, z = joints[j]
        for i in range(0, len(body), step):
            dx = abs(rest[body[i], 0] - x)
            if dx >= out[j]:
                continue
            dy, dz = rest[body[i], 1] - y, rest[body[i], 2] - z
            out[j] = min(out[j], np.sqrt(dx * dx + dy * dy + dz * dz))
    return out
