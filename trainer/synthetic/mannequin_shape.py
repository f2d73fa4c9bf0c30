"""The mannequin's body as lofts: tubes of elliptic rings, from a few proportions. Torch-free.

World axes and mm, the floor at y = 0, the front at +z, its own left at +x. The same proportions
always give the same vertices in the same order, so the difference of two bodies is a morph target.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Weights = list[tuple[str, np.ndarray]]
"""Names of bones, each with its (n,) weight of some points; the weights of a point sum to 1."""


@dataclass(frozen=True)
class Proportions:
    """What a body's shape depends on; factors of an average adult's sizes, or mm where said.

    Attributes:
        size: all of it; legs, trunk, arms, head: lengths (the head all three ways).
        shoulder, hip, waist, chest, neck: widths; arm, leg: thickness.
        belly_mm, bust_mm, seat_mm: more depth; stoop_mm: the head's lean to the front.
        face, nose_wide, nose_long: of the head's width and the nose.
    """

    size: float = 1.0
    legs: float = 1.0
    trunk: float = 1.0
    arms: float = 1.0
    head: float = 1.0
    shoulder: float = 1.0
    hip: float = 1.0
    waist: float = 1.0
    chest: float = 1.0
    neck: float = 1.0
    arm: float = 1.0
    leg: float = 1.0
    belly_mm: float = 0.0
    bust_mm: float = 0.0
    seat_mm: float = 0.0
    stoop_mm: float = 0.0
    face: float = 1.0
    nose_wide: float = 1.0
    nose_long: float = 1.0


@dataclass(frozen=True)
class Loft:
    """A tube of rings.

    Attributes:
        name: of the part of the body.
        centres: (n,3) mm; wide, front, back: (n,) mm, half sizes of the rings.
        facing: (3,), which side of the tube is its front.
        segments: vertices in a ring.
        rect: (u0, v0, u1, v1) of the texture; the seam is at the back.
        weights: bones of points (k,3), of ring numbers (k,).
        warp: 0 even, to 1: denser at the front.
        closed: whether the first and the last ring end in a point.
    """

    name: str
    centres: np.ndarray
    wide: np.ndarray
    front: np.ndarray
    back: np.ndarray
    facing: tuple[float, float, float]
    segments: int
    rect: tuple[float, float, float, float]
    weights: Callable[[np.ndarray, np.ndarray], Weights]
    warp: float = 0.0
    closed: tuple[bool, bool] = (True, True)

    @property
    def rings(self) -> int:
        return len(self.centres)

    def angles(self) -> np.ndarray:
        """(segments,) rad, 0 at the front, growing towards the side t x front."""
        even = np.linspace(-np.pi, np.pi, self.segments, endpoint=False)
        return even - self.warp * np.sin(even)

    def vertices(self) -> np.ndarray:
        """(rings * segments + poles, 3) mm: the rings, then the first and the last point."""
        along = np.gradient(self.centres, axis=0)
        along /= np.linalg.norm(along, axis=1, keepdims=True)
        facing = np.asarray(self.facing, float)
        forward = facing - (along @ facing)[:, None] * along
        forward /= np.linalg.norm(forward, axis=1, keepdims=True)
        side = np.cross(along, forward)
        sine, cosine = np.sin(self.angles()), np.cos(self.angles())
        depth = np.where(cosine >= 0, self.front[:, None], self.back[:, None]) * cosine
        rings = (
            self.centres[:, None]
            + side[:, None] * (self.wide[:, None] * sine)[..., None]
            + forward[:, None] * depth[..., None]
        )
        points = [rings.reshape(-1, 3)]
        for end, is_closed in zip((0, -1), self.closed, strict=True):
            if is_closed:
                shift = 0.3 * min(self.wide[end], self.front[end])
                points.append((self.centres[end] + (1 if end else -1) * shift * along[end])[None])
        return np.concatenate(points)

    def ring_of(self) -> np.ndarray:
        """(vertices,) int, the ring of each vertex."""
        rings = np.repeat(np.arange(self.rings), self.segments)
        poles = [0] * self.closed[0] + [self.rings - 1] * self.closed[1]
        return np.concatenate([rings, np.array(poles, int)])

    def surface(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(n,) vertex, (n,2) uv and (m,3) triangles into them, counter-clockwise from outside."""
        n, k = self.rings, self.segments
        ring, column = np.meshgrid(np.arange(n), np.arange(k + 1), indexing="ij")
        vertex = [(ring * k + column % k).ravel()]
        angle = np.append(self.angles(), np.pi)
        u0, v0, u1, v1 = self.rect
        u = u0 + (u1 - u0) * (angle / (2 * np.pi) + 0.5)
        step = np.linalg.norm(np.diff(self.centres, axis=0), axis=1)
        v = v0 + (v1 - v0) * np.append(0.0, np.cumsum(step)) / step.sum()
        uv = [np.stack(np.broadcast_arrays(u[None, :], v[:, None]), -1).reshape(-1, 2)]
        a = (np.arange(n - 1)[:, None] * (k + 1) + np.arange(k)).ravel()
        b, c, d = a + 1, a + k + 2, a + k + 1
        triangles = [np.stack([a, b, c], -1), np.stack([a, c, d], -1)]
        pole, size = n * k, n * (k + 1)
        for last, is_closed in enumerate(self.closed):
            if not is_closed:
                continue
            vertex.append(np.full(k, pole))
            pole += 1
            uv.append(np.stack([(u[:-1] + u[1:]) / 2, np.full(k, v[-last])], -1))
            row = last * (n - 1) * (k + 1) + np.arange(k)
            tip = size + np.arange(k)
            size += k
            fan = [row, row + 1, tip] if last else [row + 1, row, tip]
            triangles.append(np.stack(fan, -1))
        return np.concatenate(vertex), np.concatenate(uv), np.concatenate(triangles)


def smooth(x: np.ndarray | float, low: float, high: float) -> np.ndarray:
    """0 at `low` and below, 1 at `high` and above, smooth between; `high` may be the smaller."""
    t = np.clip((np.asarray(x, float) - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def chain(bones: tuple[str, ...], at: np.ndarray, ends: tuple[float, ...], blend: float) -> Weights:
    """Weights along a row of bones.

    Args:
        at: (n,) where each point is along the row.
        ends: where each bone but the last gives way to the next.
        blend: over what length.
    """
    rest = np.ones(len(at))
    out: Weights = []
    for bone, end in zip(bones, ends, strict=False):
        following = smooth(at, end - blend / 2, end + blend / 2)
        out.append((bone, rest * (1.0 - following)))
        rest = rest * following
    return [*out, (bones[-1], rest)]


_ANKLE_Y, _HIP_Y = 85.0, 900.0


def level(p: Proportions, y: np.ndarray | float) -> np.ndarray:
    """Heights of an average adult, mm, as those of another (before `size`)."""
    y = np.asarray(y, float)
    legs = np.clip(y - _ANKLE_Y, 0.0, _HIP_Y - _ANKLE_Y) * p.legs
    return np.minimum(y, _ANKLE_Y) + legs + np.maximum(y - _HIP_Y, 0.0) * p.trunk


def joints(p: Proportions) -> dict[str, np.ndarray]:
    """(3,) mm of each named point, before `finish`."""
    found: dict[str, np.ndarray] = {}

    def put(name: str, x: float, y: float, z: float) -> None:
        found[name] = np.array([x, float(level(p, y)), z])

    for name, y, z in (
        ("root", 900.0, -60.0),
        ("spine05", 930.0, -5.0),
        ("spine04", 1000.0, -10.0),
        ("spine03", 1090.0, -8.0),
        ("spine02", 1190.0, -12.0),
        ("spine01", 1300.0, -22.0),
        ("neck01", 1408.0, -12.0),
        ("head", 1470.0, 2.0),
    ):
        put(name, 0.0, y, z)
    top = found["head"]
    for name, x, y, z in (
        ("crown", 0.0, 212.0, 0.0),
        ("eye", 30.0, 105.0, 64.5),
        ("eye_front", 30.0, 105.0, 77.0),
        ("ear", 74.0, 92.0, -2.0),
    ):
        found[name] = top + p.head * np.array([x * p.face, y, z])
    hip, shoulder = 88.0 * p.hip, 164.0 * p.shoulder
    put("clavicle", 22.0, 1378.0, 10.0)
    put("shoulder01", shoulder * 0.68, 1380.0, -4.0)
    put("upperarm01", shoulder, 1346.0, -14.0)
    arm = found["upperarm01"]
    found["lowerarm01"] = arm + 292.0 * p.arms * _unit(0.70, -0.71, -0.03)
    found["wrist"] = found["lowerarm01"] + 252.0 * p.arms * _unit(0.64, -0.70, 0.30)
    found["hand"] = found["wrist"] + 180.0 * p.arms * _unit(0.62, -0.72, 0.30)
    put("upperleg01", hip, 900.0, -2.0)
    put("lowerleg01", hip * 0.5 + 54.0, 490.0, 8.0)
    put("foot", hip * 0.5 + 60.0, _ANKLE_Y, -14.0)
    found["toe"] = found["foot"] + np.array([6.0, -60.0, 165.0])
    for name, start, end, share in (
        ("upperarm02", "upperarm01", "lowerarm01", 0.3),
        ("lowerarm02", "lowerarm01", "wrist", 0.5),
        ("upperleg02", "upperleg01", "lowerleg01", 0.14),
        ("lowerleg02", "lowerleg01", "foot", 0.5),
    ):
        found[name] = found[start] + share * (found[end] - found[start])
    return found


def _unit(x: float, y: float, z: float) -> np.ndarray:
    v = np.array([x, y, z])
    return v / np.linalg.norm(v)


def finish(p: Proportions, points: np.ndarray) -> np.ndarray:
    """Points at their size and stoop, (n,3) mm."""
    out = np.array(points, float)
    above = np.maximum(out[:, 1] - level(p, 1100.0), 0.0) / 500.0
    out[:, 2] += p.stoop_mm * above**1.5
    return out * p.size


def mirrored(points: np.ndarray) -> np.ndarray:
    """The other side's points."""
    return points * np.array([-1.0, 1.0, 1.0])
