"""Fewer triangles for pieces that were modelled for close-ups. Torch-free."""

import numba
import numpy as np

from trainer.synthetic.types import Surface


def surface(full: Surface, points: np.ndarray, budget: int, tolerance_mm: float = 2.0) -> Surface:
    """The surface with at most about `budget` triangles, its vertices a selection of the full one.

    Corners are pulled onto a neighbour, the flattest first; seams and edges stay.

    Args:
        full: of k uv vertices.
        points: positions of the vertices that `full.vertex` names, mm.
        budget: 0 for all.
        tolerance_mm: how far the surface may move on the mean; it can end the reduction early.
    """
    if budget <= 0 or len(full.triangles) <= budget:
        return full
    triangles = _collapse(
        np.ascontiguousarray(points[full.vertex], np.float64),
        full.vertex.astype(np.int64),
        full.triangles.astype(np.int64),
        budget,
        tolerance_mm,
    )
    return Surface(full.vertex, full.uv, triangles.astype(np.int32))


def _collapse(
    points: np.ndarray,
    vertex: np.ndarray,
    triangles: np.ndarray,
    budget: int,
    tolerance_mm: float,
) -> np.ndarray:
    fixed = _fixed(vertex, triangles)
    quadrics, area = _quadrics(points, triangles)
    while len(triangles) > budget:
        into = _round(
            points, triangles, fixed, quadrics, area, tolerance_mm**2, len(triangles) - budget
        )
        moved = np.flatnonzero(into != np.arange(len(points)))
        if not len(moved):
            break
        np.add.at(quadrics, into[moved], quadrics[moved])
        np.add.at(area, into[moved], area[moved])
        triangles = into[triangles]
        a, b, c = triangles.T
        triangles = triangles[(a != b) & (b != c) & (c != a)]
    return triangles


def _fixed(vertex: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Which uv vertices must stay: at the cloth's edge or a seam of the texture."""
    ends = np.sort(
        np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), 1
    )
    unique, count = np.unique(ends, axis=0, return_counts=True)
    fixed = np.zeros(len(vertex), bool)
    fixed[unique[count != 2]] = True
    times = np.bincount(vertex[np.unique(triangles)], minlength=int(vertex.max()) + 1)
    return fixed | (times[vertex] > 1)


def _quadrics(points: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n,4,4), the sum over a vertex' triangles of squared distance to their planes, by area; and
    (n,) the area.
    """
    a, b, c = (points[triangles[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    area = np.linalg.norm(normal, axis=1)
    normal /= np.maximum(area, 1e-9)[:, None]
    plane = np.concatenate([normal, -np.einsum("nc,nc->n", normal, a)[:, None]], 1)
    each = plane[:, :, None] * plane[:, None, :] * area[:, None, None]
    out = np.zeros((len(points), 4, 4))
    total = np.zeros(len(points))
    for k in range(3):
        np.add.at(out, triangles[:, k], each)
        np.add.at(total, triangles[:, k], area)
    return out, total


@numba.njit(cache=True, nogil=True)
def _round(
    points: np.ndarray,
    triangles: np.ndarray,
    fixed: np.ndarray,
    quadrics: np.ndarray,
    area: np.ndarray,
    tolerance: float,
    surplus: int,
) -> np.ndarray:
    """One round of collapses that do not touch each other.

    Returns:
        (n,) int64, the vertex that each one moves onto (itself where it stays).
    """
    count = len(points)
    start = np.zeros(count + 1, np.int64)
    for t in range(len(triangles)):
        for k in range(3):
            start[triangles[t, k] + 1] += 1
    for i in range(count):
        start[i + 1] += start[i]
    fill = start[:-1].copy()
    of = np.empty(start[-1], np.int64)
    for t in range(len(triangles)):
        for k in range(3):
            v = triangles[t, k]
            of[fill[v]] = t
            fill[v] += 1
    best = np.full(count, -1, np.int64)
    cost = np.full(count, np.inf)
    for v in range(count):
        if fixed[v]:
            continue
        for s in range(start[v], start[v + 1]):
            for k in range(3):
                w = triangles[of[s], k]
                if w == v:
                    continue
                p = points[w]
                total = 0.0
                for i in range(4):
                    pi = p[i] if i < 3 else 1.0
                    for j in range(4):
                        pj = p[j] if j < 3 else 1.0
                        total += pi * pj * (quadrics[v, i, j] + quadrics[w, i, j])
                if total > tolerance * (area[v] + area[w]):
                    continue
                d = points[v] - p
                total += 1e-4 * (d[0] * d[0] + d[1] * d[1] + d[2] * d[2]) ** 1.5
                if total < cost[v] and _keeps_shape(points, triangles, of, start, v, w):
                    cost[v] = total
                    best[v] = w
    into = np.arange(count)
    taken = np.zeros(count, np.bool_)
    gone = 0
    for v in np.argsort(cost):
        if best[v] < 0 or 2 * gone >= surplus:
            break
        w = best[v]
        if taken[v] or taken[w]:
            continue
        into[v] = w
        gone += 1
        for s in range(start[v], start[v + 1]):
            for k in range(3):
                taken[triangles[of[s], k]] = True
    return into


@numba.njit(cache=True, nogil=True)
def _keeps_shape(
    points: np.ndarray,
    triangles: np.ndarray,
    of: np.ndarray,
    start: np.ndarray,
    v: int,
    w: int,
) -> bool:
    """Whether no triangle turns over, and the mesh stays a surface, if v moves onto w."""
    shared = 0
    for s in range(start[v], start[v + 1]):
        t = of[s]
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        if a == w or b == w or c == w:
            shared += 1
            continue
        u1 = points[b] - points[a]
        u2 = points[c] - points[a]
        n1 = np.cross(u1, u2)
        pa = points[w] if a == v else points[a]
        pb = points[w] if b == v else points[b]
        pc = points[w] if c == v else points[c]
        n2 = np.cross(pb - pa, pc - pa)
        l1 = np.sqrt((n1 * n1).sum())
        l2 = np.sqrt((n2 * n2).sum())
        if l2 < 1e-6 or (n1 * n2).sum() < 0.3 * l1 * l2:
            return False
    return shared == 2
