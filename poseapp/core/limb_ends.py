"""Hands and feet of a photo: where they are, and where they go when their limb moves.

No generator of a few dozen pixels draws fingers or laces. A hand that the photo shows keeps its
shape, wherever its forearm points: so it is moved as it is, and believed more than anything else.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from poseapp.core.body_parts import LIMBS, Figure, capsule, unit_vector
from poseapp.core.limb_layers import Layer

_CUT = 0.12  # trunk lengths along the photo's border: there the hand goes on beyond it
_FROM = -0.04  # trunk lengths along the bone: where a hand or foot begins
_RIM = 0.035  # trunk lengths around it
_LEAST_AREA = 0.012  # square trunk lengths: less than that is no hand
_LARGEST = {"arm": 0.32, "leg": 0.42}  # trunk lengths from its middle: more is no hand, no foot
_LEAST_BONE = 0.2  # trunk lengths: a bone seen from its end does not say where its hand points
_STRETCH = 0.4, 1.5  # of the bone: beyond it the hand is seen from elsewhere
_TRUE = 0.65, 1.5  # of the bone: within it forearm and shank are seen as in the photo
_BEGIN = 0.35  # of it: nearer to elbow or knee the sleeve or thigh takes part
_AROUND = 1.5  # half thicknesses: no other outline shall look out from behind


@dataclass(frozen=True)
class End:
    """A hand or foot.

    Attributes:
        along, across: px of the photo from the last joint to its middle, along the bone that ends
            there and to its right.
        radius: px of the photo that hold all of it.
        bone: px, length of that bone.
        thick: px, half the usual thickness of it.
    """

    along: float
    across: float
    radius: float
    bone: float
    thick: float


def find_end(name: str, layer: Layer, person: Figure, size: tuple[int, int]) -> End | None:
    """The hand or foot of a limb; None where the photo does not show it whole.

    Args:
        person: px of the photo.
        size: (height, width) px of the photo.
    """
    _, before, joint = LIMBS[name].joints
    kind = name.rpartition("_")[2]
    # An ankle may count as hidden by its shoe: where the knee is seen, so is the foot.
    seen = person.seen[joint] or (kind == "leg" and person.seen[before])
    if not (person.there[before] and person.there[joint] and seen):
        return None
    unit, largest = person.unit, _LARGEST[kind]
    bone = person.points[joint] - person.points[before]
    length = float(np.hypot(*bone))
    if length < _LEAST_BONE * unit:
        return None
    d = unit_vector(bone, (0.0, 1.0))
    own = cv2.min(cv2.extractChannel(layer.colour, 3), layer.real)
    rows, columns = np.nonzero(own > 128)
    x = columns + layer.offset[0] - person.points[joint, 0]
    y = rows + layer.offset[1] - person.points[joint, 1]
    along, across = x * d[0] + y * d[1], y * d[0] - x * d[1]
    mine = (along > _FROM * unit) & (np.hypot(x, y) < 2.0 * largest * unit)
    if mine.sum() < _LEAST_AREA * unit * unit:
        return None
    rows, columns = rows[mine] + layer.offset[1], columns[mine] + layer.offset[0]
    if _at_border(rows, columns, size) > _CUT * unit:
        return None
    a, b = along[mine], across[mine]
    middle = (a.min() + a.max()) / 2.0, (b.min() + b.max()) / 2.0
    radius = float(np.hypot(a - middle[0], b - middle[1]).max()) + _RIM * unit
    if radius > largest * unit:
        return None
    return End(float(middle[0]), float(middle[1]), radius, length, LIMBS[name].radii[1] * unit)


def _at_border(rows: np.ndarray, columns: np.ndarray, size: tuple[int, int]) -> int:
    """How many px lie on the border of a (height, width) picture."""
    high, wide = size[0] - 1, size[1] - 1
    return int(((rows == 0) | (rows == high) | (columns == 0) | (columns == wide)).sum())


def draw_end(
    mask: np.ndarray, name: str, end: End, target: Figure, gain: float, flip: float
) -> None:
    """Draw where a hand or foot goes into a (H, W) uint8 mask; nothing where it cannot be told.

    Args:
        name: of the limb that it hangs on in the output.
        target: px of the output.
        gain: output px a photo px.
        flip: -1 shows it mirrored.
    """
    _, before, joint = LIMBS[name].joints
    if not (target.there[before] and target.there[joint]):
        return
    bone = target.points[joint] - target.points[before]
    ratio = float(np.hypot(*bone)) / max(end.bone * gain, 1e-6)
    if not _STRETCH[0] < ratio < _STRETCH[1]:
        return
    d = unit_vector(bone, (0.0, 1.0))
    n = np.array([-d[1], d[0]])
    middle = target.points[joint] + (end.along * d + flip * end.across * n) * gain
    capsule(mask, middle, middle, end.radius * gain)
    if _TRUE[0] < ratio < _TRUE[1]:  # and the outline of forearm or shank
        start = target.points[before] + _BEGIN * bone
        capsule(mask, start, target.points[joint], _AROUND * end.thick * gain)
