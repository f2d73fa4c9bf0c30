"""The body that the 3D view shows: joints (mm, world space) to one mesh of tapered limbs.

Every limb, joint and head is the same surface of revolution with other radii, so a whole crowd is
built by one vectorised expression into buffers whose layout never changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from poseapp.core.skeleton import MOCAP_17

_MEAN_BONES_MM = (
    0, 86, 419, 425, 86, 418, 424, 224, 285, 147, 109, 194, 286, 269, 194, 290, 269,
)  # fmt: skip
_STANDARD_SIZE_MM = float(sum(_MEAN_BONES_MM))

_PELVIS, _TORSO, _NECK, _NOSE, _HEAD = (
    MOCAP_17.index(name) for name in ("Pelvis", "Torso", "Neck", "Nose", "Head")
)

_Profile = tuple[tuple[float, float], ...]

# (place along the bone 0-1, radius mm), from the nearer to the farther joint.
_LIMBS: dict[str, _Profile] = {
    "Hip": ((0, 46), (1, 46)),
    "Knee": ((0, 50), (0.25, 55), (0.7, 42), (1, 36)),
    "Ankle": ((0, 35), (0.28, 42), (0.7, 30), (1, 24)),
    "Torso": ((0, 58), (0.5, 56), (1, 56)),
    "Neck": ((0, 56), (0.5, 62), (1, 46)),
    "Shoulder": ((0, 44), (1, 40)),
    "Elbow": ((0, 36), (0.3, 39), (0.7, 31), (1, 27)),
    "Wrist": ((0, 27), (0.25, 30), (0.7, 23), (1, 19)),
}
_BALLS = {"Hip": 56, "Knee": 43, "Ankle": 36, "Shoulder": 47, "Elbow": 34, "Wrist": 29, "Torso": 0}

PALETTE_BALLS = len(MOCAP_17)
"""A palette has a colour for the limbs at each joint, then one for the ball of each joint."""


@dataclass(frozen=True)
class Mesh:
    """One mesh of many parts.

    Attributes:
        positions: (V, 3) float32 mm, world space.
        normals: (V, 3) float32, unit.
    """

    positions: np.ndarray
    normals: np.ndarray


@dataclass(frozen=True)
class Detail:
    """How fine the surface is: rings of the body and of each cap, points around."""

    body: int
    cap: int
    around: int

    @property
    def rings(self) -> int:
        """Rings of one part, caps included."""
        return self.body + 2 * self.cap


FINE = Detail(body=5, cap=4, around=16)
COARSE = Detail(body=3, cap=2, around=10)


@dataclass(frozen=True)
class _Template:
    along: np.ndarray  # (R,) place between the two ends, 0-1
    out: np.ndarray  # (R,) radial share of the radius
    lift: np.ndarray  # (R,) axial share of the radius
    circle: np.ndarray  # (A, 2) cos, sin


@lru_cache
def _template(detail: Detail) -> _Template:
    cap = np.linspace(0, np.pi / 2, detail.cap + 1)[:-1]
    body = detail.body
    along = np.concatenate([np.zeros(len(cap)), np.linspace(0, 1, body), np.ones(len(cap))])
    out = np.concatenate([np.sin(cap), np.ones(body), np.sin(cap)[::-1]])
    lift = np.concatenate([-np.cos(cap), np.zeros(body), np.cos(cap)[::-1]])
    angle = np.linspace(0, 2 * np.pi, detail.around, endpoint=False)
    return _Template(along, out, lift, np.stack([np.cos(angle), np.sin(angle)], 1))


@dataclass(frozen=True)
class _Parts:
    start: np.ndarray  # (P,) joint index (17 = head low, 18 = head high, 19 = nose tip)
    end: np.ndarray  # (P,)
    radius: np.ndarray  # (P, R) mm
    paint: np.ndarray  # (P, 2) palette rows at both ends


@lru_cache
def _parts(detail: Detail, balls: bool) -> _Parts:
    along = _template(detail).along
    start, end, radius, paint = [], [], [], []

    def add(first: int, last: int, profile: _Profile, *rows: int) -> None:
        places, radii = zip(*profile, strict=True)
        start.append(first)
        end.append(last)
        radius.append(np.interp(along, places, radii))
        paint.append((rows[0], rows[-1]))

    for joint, name in enumerate(MOCAP_17.joints):
        kind = name.removeprefix("L_").removeprefix("R_")
        parent = MOCAP_17.parents[joint]
        if kind in _LIMBS:
            # A limb fades from one joint's colour to the next, except where it leaves the spine.
            sided = MOCAP_17.side(joint) == MOCAP_17.side(parent)
            add(parent, joint, _LIMBS[kind], parent if sided else joint, joint)
        if balls and _BALLS.get(kind):
            add(joint, joint, ((0, _BALLS[kind]), (1, _BALLS[kind])), PALETTE_BALLS + joint)
    add(_NECK, 17, ((0, 44), (0.5, 36), (1, 38)), _NECK)
    add(17, 18, ((0, 74), (0.5, 84), (1, 80)), PALETTE_BALLS + _HEAD)
    add(19, 19, ((0, 15), (1, 15)), PALETTE_BALLS + _HEAD)
    return _Parts(np.array(start), np.array(end), np.stack(radius), np.array(paint))


def _with_head(joints: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Append the ends of the head's axis and the tip of the nose: (N, 17, 3) -> (N, 20, 3) mm."""
    neck, nose, top = joints[:, _NECK], joints[:, _NOSE], joints[:, _HEAD]
    up = _unit(top - neck, fallback=(0.0, 1.0, 0.0))
    scale = scale[:, None]
    centre = top - 92 * scale * up
    forward = nose - centre
    forward -= (forward * up).sum(1, keepdims=True) * up
    forward = _unit(forward, fallback=(0.0, 0.0, 1.0))
    low, high = centre - 20 * scale * up, centre + 14 * scale * up
    tip = centre + scale * (84 * forward - 16 * up)
    return np.concatenate([joints, low[:, None], high[:, None], tip[:, None]], 1)


def _unit(vectors: np.ndarray, fallback: tuple[float, float, float]) -> np.ndarray:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.where(length > 1e-6, vectors / np.maximum(length, 1e-6), fallback)


def figure_scale(joints: np.ndarray) -> np.ndarray:
    """How large each figure is beside a mean adult: (N, 17, 3) mm -> (N,), 1 = adult."""
    parents = list(MOCAP_17.parents[1:])
    bones = np.linalg.norm(joints[:, 1:] - joints[:, parents], axis=-1)
    return np.clip(bones.sum(1) / _STANDARD_SIZE_MM, 0.05, 20.0)


def build(
    joints: np.ndarray, detail: Detail = FINE, balls: bool = True, girth: float = 1.0
) -> Mesh:
    """Build the bodies of N figures.

    Args:
        joints: (N, 17, 3) mm, world space.
        balls: also a ball at each joint.
        girth: thickness beside the standard one.
    Returns:
        A mesh of N * `vertices_per_figure(detail, balls)` vertices, figure by figure.
    """
    template, parts = _template(detail), _parts(detail, balls)
    joints = np.asarray(joints, np.float32)
    scale = figure_scale(joints).astype(np.float32)
    points = _with_head(joints, scale).astype(np.float32)
    low, high = points[:, parts.start], points[:, parts.end]  # (N, P, 3)
    axis = _unit(high - low, fallback=(0.0, 1.0, 0.0)).astype(np.float32)
    helper = np.where(np.abs(axis[..., 1:2]) < 0.9, [0.0, 1.0, 0.0], [1.0, 0.0, 0.0])
    side = _unit(np.cross(axis, helper), fallback=(1.0, 0.0, 0.0)).astype(np.float32)
    frame = np.stack([side, np.cross(axis, side)], -2)  # (N, P, 2, 3)
    radial = template.circle.astype(np.float32) @ frame  # (N, P, A, 3)

    radius = parts.radius.astype(np.float32) * scale[:, None, None] * girth  # (N, P, R)
    out, lift = template.out.astype(np.float32), template.lift.astype(np.float32)
    along = template.along.astype(np.float32)
    spine = low[:, :, None] + along[:, None] * (high - low)[:, :, None]  # (N, P, R, 3)
    spine += (radius * lift)[..., None] * axis[:, :, None]
    ring = (radius * out)[..., None, None]  # (N, P, R, 1, 1)
    positions = spine[..., None, :] + ring * radial[:, :, None]  # (N, P, R, A, 3)
    normals = (
        out[:, None, None] * radial[:, :, None] + (lift[:, None] * axis[:, :, None])[..., None, :]
    )
    return Mesh(positions.reshape(-1, 3), np.ascontiguousarray(normals.reshape(-1, 3)))


def vertices_per_figure(detail: Detail, balls: bool) -> int:
    """Vertices of one figure."""
    return len(_parts(detail, balls).start) * detail.rings * detail.around


def paint(palette: np.ndarray, count: int, detail: Detail, balls: bool) -> np.ndarray:
    """Colours of the vertices of `count` figures.

    Args:
        palette: (34, 3) float: limbs at the 17 joints, then the joints' balls.
    Returns:
        (V, 3) float32.
    """
    ends = palette[_parts(detail, balls).paint]  # (P, 2, 3)
    along = _template(detail).along[:, None]
    rings = ends[:, None, 0] * (1.0 - along) + ends[:, None, 1] * along  # (P, R, 3)
    vertices = np.repeat(rings.reshape(-1, 3), detail.around, axis=0)
    return np.tile(vertices, (count, 1)).astype(np.float32)


@lru_cache
def triangles(count: int, detail: Detail, balls: bool) -> np.ndarray:
    """(T, 3) uint32 vertex indices of `count` figures, wound outwards."""
    rings, around = detail.rings, detail.around
    ring, turn = np.meshgrid(np.arange(rings - 1), np.arange(around), indexing="ij")
    a = ring * around + turn
    b = ring * around + (turn + 1) % around
    quads = np.stack([a, b, b + around, a, b + around, a + around], -1).reshape(-1, 3)
    parts = len(_parts(detail, balls).start) * count
    offsets = np.arange(parts)[:, None, None] * rings * around
    return (quads[None] + offsets).reshape(-1, 3).astype(np.uint32)
