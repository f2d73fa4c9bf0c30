"""Cutting cloth along a smooth line: triangles are clipped, none is left out whole. Torch-free.

A cut is a number for each vertex, in mm of the body that the piece was made on: cloth stays where
it is above 0, and the line runs where it is 0.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_KEEP_OFF = np.float32(0.02)  # of an edge: a hem through a corner would leave slivers


@dataclass(frozen=True)
class Cut:
    """Where a piece ends.

    Attributes:
        kind: "leg" (0 at the hip, 1 at the knee, 2 at the ankle; cuts off what is below), "shin"
            (the same; cuts off what is above), "sleeve" (0 at the shoulder, 1 at the elbow, 2 at
            the wrist; cuts off what is further), "waist" (0 at the crotch to 1 at the neck; cuts
            off what is above), "hem" (the same; cuts off what is below), "neck" or "armhole" (how
            far the opening reaches).
        short, long: the ends for lengths 0 and 1.
    """

    kind: str
    short: float
    long: float | None = None

    def at(self, length: float) -> float:
        """The end for a length of 0 to 1."""
        if self.long is None:
            return self.short
        return self.short + (self.long - self.short) * min(1.0, max(0.0, length))


@dataclass(frozen=True)
class Clipped:
    """What is left of a mesh. Vertex k + e is new and lies on `pairs[e]` at `at[e]`.

    Attributes:
        triangles: (m,3) int32.
        uv: (m,3,2) float32.
        source: (m,) int32, the triangle each is a part of.
        pairs: (e,2) int32, vertices of the mesh; at: (e,) float32, 0 at the first, 1 at the second.
    """

    triangles: np.ndarray
    uv: np.ndarray
    source: np.ndarray
    pairs: np.ndarray
    at: np.ndarray


def clip(
    triangles: np.ndarray,
    uv: np.ndarray,
    keep: np.ndarray,
    exact: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
) -> Clipped:
    """Cut a mesh where `keep` passes 0.

    Args:
        triangles: (m,3) int32 into k vertices; uv: (m,3,2) float32.
        keep: (k,) float32, above 0 for what stays.
        exact: the same numbers for points on edges, of `pairs` and `at` as in `Clipped`: puts the
            ends of a round cut where they belong; without it the cut is straight on each edge.
    """
    inside = keep > 0
    corners = inside[triangles]
    count = corners.sum(1)
    whole = np.flatnonzero(count == 3)
    crossed = np.flatnonzero((count == 1) | (count == 2))
    empty = np.zeros((0, 2), np.int32)
    if not len(crossed):
        return Clipped(
            triangles[whole], uv[whole], whole.astype(np.int32), empty, np.zeros(0, "f4")
        )
    # Turned so that corner 0 is the one that differs from the other two.
    odd = np.where(count[crossed] == 1, 1, 0)
    first = (corners[crossed] == odd[:, None]).argmax(1)
    order = (first[:, None] + np.arange(3)) % 3
    tri = np.take_along_axis(triangles[crossed], order, 1)
    tex = np.take_along_axis(uv[crossed], order[:, :, None], 1)
    ends = np.stack([tri[:, [0, 1]], tri[:, [0, 2]]], 1)  # the two crossed edges of each
    low, high = ends.min(2), ends.max(2)
    key = low.astype(np.int64) * len(keep) + high
    unique, number = np.unique(key, return_inverse=True)
    pairs = np.stack([unique // len(keep), unique % len(keep)], 1).astype(np.int32)
    a, b = keep[pairs[:, 0]], keep[pairs[:, 1]]
    at = np.clip(a / np.where(a == b, 1.0, a - b), _KEEP_OFF, 1 - _KEEP_OFF).astype(np.float32)
    if exact is not None:
        at = _root(exact, pairs, a, b, at)
    number = number.reshape(key.shape)
    cut = (number + len(keep)).astype(np.int32)
    # `at` counts from the lower vertex number; here from corner 0.
    along = np.where(ends[..., 0] == low, at[number], 1.0 - at[number])[..., None]
    at_1 = tex[:, 0] + along[:, 0] * (tex[:, 1] - tex[:, 0])
    at_2 = tex[:, 0] + along[:, 1] * (tex[:, 2] - tex[:, 0])
    lone, pair = odd == 1, odd == 0
    new = [
        np.stack([tri[lone, 0], cut[lone, 0], cut[lone, 1]], 1),
        np.stack([tri[pair, 1], tri[pair, 2], cut[pair, 1]], 1),
        np.stack([tri[pair, 1], cut[pair, 1], cut[pair, 0]], 1),
    ]
    new_uv = [
        np.stack([tex[lone, 0], at_1[lone], at_2[lone]], 1),
        np.stack([tex[pair, 1], tex[pair, 2], at_2[pair]], 1),
        np.stack([tex[pair, 1], at_2[pair], at_1[pair]], 1),
    ]
    return Clipped(
        np.concatenate([triangles[whole], *new]).astype(np.int32),
        np.concatenate([uv[whole], *new_uv]).astype(np.float32),
        np.concatenate([whole, crossed[lone], crossed[pair], crossed[pair]]).astype(np.int32),
        pairs,
        at,
    )


def _root(
    exact: Callable[[np.ndarray, np.ndarray], np.ndarray],
    pairs: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    at: np.ndarray,
) -> np.ndarray:
    """Where the numbers pass 0 on each edge, by four false positions."""
    low, high = np.zeros_like(at), np.ones_like(at)
    f_low, f_high = a.copy(), b.copy()
    for _ in range(4):
        value = exact(pairs, at)
        same = (value > 0) == (f_low > 0)
        low, f_low = np.where(same, at, low), np.where(same, value, f_low)
        high, f_high = np.where(same, high, at), np.where(same, f_high, value)
        gap = f_low - f_high
        share = np.clip(f_low / np.where(gap == 0.0, 1.0, gap), 0.05, 0.95)
        at = (low + share * (high - low)).astype(np.float32)
    return np.clip(at, _KEEP_OFF, 1 - _KEEP_OFF)


@dataclass(frozen=True)
class Measures:
    """Heights and places on the body that a piece was made on; mm.

    Attributes:
        hip, knee, ankle, crotch, neck: heights.
        shoulder: (2,3), left and right.
        upper_arm, fore_arm: lengths.
        neck_at: (3,) the base of the neck.
    """

    hip: float
    knee: float
    ankle: float
    crotch: float
    neck: float
    shoulder: np.ndarray
    upper_arm: float
    fore_arm: float
    neck_at: np.ndarray


def kept(cut: Cut, length: float, points: np.ndarray, arm: np.ndarray, m: Measures) -> np.ndarray:
    """The numbers of a cut.

    Args:
        points: (k,3) mm, vertices on the body that the piece was made on.
        arm: (k,) mm along the arm, 0 and below elsewhere.

    Returns:
        (k,) float32 mm.
    """
    at = cut.at(length)
    y = points[:, 1]
    if cut.kind in ("leg", "shin"):
        heights = [m.hip, m.knee, m.ankle, m.ankle - 150.0]
        above = (y - np.interp(at, [0.0, 1.0, 2.0, 2.5], heights)).astype(np.float32)
        return above if cut.kind == "leg" else -above
    if cut.kind == "sleeve":
        return (m.upper_arm * min(at, 1.0) + m.fore_arm * max(at - 1.0, 0.0) - arm).astype("f4")
    level = m.crotch + at * (m.neck - m.crotch)
    if cut.kind == "waist":
        return (level - y).astype(np.float32)
    if cut.kind == "hem":
        return (y - level).astype(np.float32)
    if cut.kind == "armhole":
        return _armhole(points, at, m)
    if cut.kind == "neck":
        return _neckline(points, at, m)
    raise ValueError(f"there is no cut called {cut.kind}")


def _armhole(points: np.ndarray, at: float, m: Measures) -> np.ndarray:
    """Outside an ellipsoid around each shoulder; `at` 0 narrow to 1 deep."""
    out = np.full(len(points), 1e3, np.float32)
    radii = np.array([64.0 + 24.0 * at, 88.0 + 30.0 * at, 92.0 + 20.0 * at])
    for side in m.shoulder:
        outward = np.sign(side[0])
        centre = side + np.array([outward * 24.0, -16.0, 0.0])
        out = np.minimum(out, (np.linalg.norm((points - centre) / radii, axis=1) - 1.0) * radii[0])
    return out.astype(np.float32)


def _neckline(points: np.ndarray, at: float, m: Measures) -> np.ndarray:
    """An opening around the neck, deeper in front; `at` 0 at the collar to 1 low."""
    front = np.clip((points[:, 2] - m.neck_at[2]) / 60.0 + 0.5, 0.0, 1.0)
    front = front * front * (3.0 - 2.0 * front)
    depth = 34.0 + 30.0 * at + front * (12.0 + 90.0 * at)
    x = points[:, 0] / (72.0 + 26.0 * at)
    y = np.minimum((points[:, 1] - m.neck_at[1] - 10.0) / depth, 0.0)
    return ((np.sqrt(x * x + y * y) - 1.0) * 72.0).astype(np.float32)
