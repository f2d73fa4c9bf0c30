"""Putting a piece on a body: positions from the body's, kept outside it. Torch-free."""

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def _added(names: np.ndarray, shares: np.ndarray, used: int, name: int, share: float) -> int:
    """Add to a bone's share among the `used` first; returns how many there are now."""
    for u in range(used):
        if names[u] == name:
            shares[u] += share
            return used
    names[used] = name
    shares[used] = share
    return used + 1


@numba.njit(cache=True, nogil=True)
def _strongest(
    names: np.ndarray, shares: np.ndarray, used: int, bone: np.ndarray, weight: np.ndarray
) -> None:
    """Keep as many of the largest shares as `bone` and `weight` have places; they sum to 1."""
    slots = len(weight)
    total = np.float32(0.0)
    for s in range(min(slots, used)):
        best = s
        for u in range(s + 1, used):
            if shares[u] > shares[best]:
                best = u
        names[s], names[best] = names[best], names[s]
        shares[s], shares[best] = shares[best], shares[s]
        bone[s] = names[s]
        weight[s] = shares[s]
        total += shares[s]
    for s in range(slots):
        weight[s] /= total


@numba.njit(cache=True, nogil=True)
def fit(
    base: np.ndarray, refs: np.ndarray, weight: np.ndarray, offset: np.ndarray, size: np.ndarray
) -> np.ndarray:
    """Positions of a piece's vertices on a morphed base.

    Args:
        base: (V,3) float32 mm.
        refs, weight: (k,3) int32 and float32.
        offset: (k,3) float32 mm.
        size: (3,) float32, by how much offsets grow on each axis.

    Returns:
        (k,3) float32 mm.
    """
    out = np.empty((len(refs), 3), np.float32)
    for i in range(len(refs)):
        for c in range(3):
            value = offset[i, c] * size[c]
            for k in range(3):
                value += weight[i, k] * base[refs[i, k], c]
            out[i, c] = value
    return out


def sizes(base: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """How large a body is against the one that a piece was made on.

    Args:
        base: (V,3) mm.
        scale: (3,3) of `types.Piece`.

    Returns:
        (3,) float32, 1 on an axis without a measure.
    """
    out = np.ones(3, np.float32)
    for axis in range(3):
        length = float(scale[axis, 2])
        if length > 0:
            a, b = int(scale[axis, 0]), int(scale[axis, 1])
            out[axis] = abs(float(base[a, axis]) - float(base[b, axis])) / length
    return out


@numba.njit(cache=True, nogil=True)
def normals(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Area-weighted unit normals.

    Args:
        points: (n,3) float32 mm; triangles: (m,3) int32.

    Returns:
        (n,3) float32, 0 for points in no triangle.
    """
    out = np.zeros((len(points), 3), np.float32)
    for t in range(len(triangles)):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ux, uy, uz = points[b] - points[a]
        vx, vy, vz = points[c] - points[a]
        x = uy * vz - uz * vy
        y = uz * vx - ux * vz
        z = ux * vy - uy * vx
        for k in (a, b, c):
            out[k, 0] += x
            out[k, 1] += y
            out[k, 2] += z
    for i in range(len(out)):
        length = np.sqrt(out[i, 0] ** 2 + out[i, 1] ** 2 + out[i, 2] ** 2)
        if length > 0:
            out[i] /= length
    return out


@numba.njit(cache=True, nogil=True)
def gaps(
    points: np.ndarray,
    near: np.ndarray,
    near_weight: np.ndarray,
    body: np.ndarray,
    body_normals: np.ndarray,
) -> np.ndarray:
    """How far points lie outside the body, along its normals.

    Args:
        points: (k,3) mm.
        near, near_weight: (k,q), the vertices of `body` that each point is above.

    Returns:
        (k,) float32 mm, negative inside.
    """
    out = np.empty(len(points), np.float32)
    for i in range(len(points)):
        total = np.float32(0.0)
        for q in range(near.shape[1]):
            b = near[i, q]
            along = np.float32(0.0)
            for c in range(3):
                along += (points[i, c] - body[b, c]) * body_normals[b, c]
            total += near_weight[i, q] * along
        out[i] = total
    return out


@numba.njit(cache=True, nogil=True)
def move_along(
    points: np.ndarray,
    by: np.ndarray,
    near: np.ndarray,
    near_weight: np.ndarray,
    body_normals: np.ndarray,
) -> None:
    """Move points in place by so many mm along the body's normals below them.

    Args:
        points: (k,3) mm; by: (k,) mm.
        near, near_weight: as in `gaps`.
    """
    for i in range(len(points)):
        if by[i] == 0.0:
            continue
        x = np.float32(0.0)
        y = np.float32(0.0)
        z = np.float32(0.0)
        for q in range(near.shape[1]):
            b = near[i, q]
            w = near_weight[i, q]
            x += w * body_normals[b, 0]
            y += w * body_normals[b, 1]
            z += w * body_normals[b, 2]
        length = max(np.float32(0.2), np.sqrt(x * x + y * y + z * z))
        points[i, 0] += by[i] * x / length
        points[i, 1] += by[i] * y / length
        points[i, 2] += by[i] * z / length


def nearest(
    points: np.ndarray,
    point_normals: np.ndarray,
    targets: np.ndarray,
    target_normals: np.ndarray,
    count: int,
    turn_mm: float,
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest targets of each point, of those that face its way first.

    Args:
        points, targets: (k,3), (n,3) float32 mm, with unit normals.
        count: how many of each.
        turn_mm: what a target that faces the other way counts further off (half at right angles).

    Returns:
        Target numbers (k,count) int32, and the distances (k,count) float32 mm.
    """
    order = np.argsort(targets[:, 1], kind="stable")
    found, far = _nearest(
        np.ascontiguousarray(points, np.float32),
        np.ascontiguousarray(point_normals, np.float32),
        np.ascontiguousarray(targets[order], np.float32),
        np.ascontiguousarray(target_normals[order], np.float32),
        count,
        np.float32(turn_mm),
    )
    return order[found].astype(np.int32), far


@numba.njit(cache=True, nogil=True)
def _nearest(
    points: np.ndarray,
    point_normals: np.ndarray,
    targets: np.ndarray,
    target_normals: np.ndarray,
    count: int,
    turn_mm: float,
) -> tuple[np.ndarray, np.ndarray]:
    """`nearest` among targets in the order of their height."""
    found = np.zeros((len(points), count), np.int64)
    far = np.full((len(points), count), np.float32(np.inf), np.float32)
    rank = np.full((len(points), count), np.float32(np.inf), np.float32)
    heights = targets[:, 1].copy()
    for i in range(len(points)):
        start = np.searchsorted(heights, points[i, 1])
        for step in (1, -1):
            n = start if step == 1 else start - 1
            while 0 <= n < len(targets):
                dy = points[i, 1] - targets[n, 1]
                worst = rank[i, count - 1]
                if dy * dy >= worst * worst:
                    break
                dx = points[i, 0] - targets[n, 0]
                dz = points[i, 2] - targets[n, 2]
                squared = dx * dx + dy * dy + dz * dz
                if squared < worst * worst:
                    facing = (
                        point_normals[i, 0] * target_normals[n, 0]
                        + point_normals[i, 1] * target_normals[n, 1]
                        + point_normals[i, 2] * target_normals[n, 2]
                    )
                    distance = np.sqrt(squared)
                    value = distance + turn_mm * np.float32(0.5) * (np.float32(1.0) - facing)
                    if value < worst:
                        k = count - 1
                        while k > 0 and rank[i, k - 1] > value:
                            rank[i, k] = rank[i, k - 1]
                            found[i, k] = found[i, k - 1]
                            far[i, k] = far[i, k - 1]
                            k -= 1
                        rank[i, k] = value
                        found[i, k] = n
                        far[i, k] = distance
                n += step
    return found, far


@numba.njit(cache=True, nogil=True)
def smoothed(values: np.ndarray, triangles: np.ndarray, rounds: int) -> np.ndarray:
    """Means with the neighbours, some rounds of it.

    Args:
        values: (n,d) float32; triangles: (m,3) int32.

    Returns:
        (n,d) float32.
    """
    out = values.copy()
    count, width = values.shape
    for _ in range(rounds):
        total = np.zeros((count, width), np.float32)
        weight = np.zeros(count, np.float32)
        for t in range(len(triangles)):
            for k in range(3):
                a, b = triangles[t, k], triangles[t, (k + 1) % 3]
                for c in range(width):
                    total[a, c] += out[b, c]
                    total[b, c] += out[a, c]
                weight[a] += 1.0
                weight[b] += 1.0
        for i in range(count):
            if weight[i] > 0:
                for c in range(width):
                    out[i, c] = 0.5 * out[i, c] + 0.5 * total[i, c] / weight[i]
    return out


@numba.njit(cache=True, nogil=True)
def mixed_bones(
    bone: np.ndarray, weight: np.ndarray, pairs: np.ndarray, at: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Skin weights of points between two vertices each.

    Args:
        bone, weight: (k,6) int32 and float32.
        pairs: (e,2) int32, the two vertices; at: (e,) float32, 0 at the first to 1 at the second.

    Returns:
        (e,6) int32 and float32, the six largest, rows sum to 1.
    """
    slots = bone.shape[1]
    out_bone = np.zeros((len(pairs), slots), np.int32)
    out_weight = np.zeros((len(pairs), slots), np.float32)
    names = np.zeros(2 * slots, np.int32)
    shares = np.zeros(2 * slots, np.float32)
    for e in range(len(pairs)):
        used = 0
        for side in range(2):
            vertex = pairs[e, side]
            share = at[e] if side else np.float32(1.0) - at[e]
            for s in range(slots):
                w = weight[vertex, s] * share
                if w <= 0:
                    continue
                b = bone[vertex, s]
                used = _added(names, shares, used, b, w)
        _strongest(names, shares, used, out_bone[e], out_weight[e])
    return out_bone, out_weight


@numba.njit(cache=True, nogil=True)
def cover(
    points: np.ndarray,
    point_normals: np.ndarray,
    cloth: np.ndarray,
    triangles: np.ndarray,
    around: np.ndarray,
    below_mm: float,
    above_mm: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which triangle lies above each point, along its normal.

    Args:
        points: (n,3) float32 mm with unit normals; cloth: (k,3) float32 mm; triangles: (m,3).
        around: (n,q) vertices of the cloth near each point; their triangles are looked at.
        below_mm, above_mm: how far the triangle may lie under or over the point.

    Returns:
        (n,) int32, the nearest such triangle or -1; (n,3) float32, the weights of its corners;
        (n,) float32 mm, how far above.
    """
    start = np.zeros(len(cloth) + 1, np.int64)
    for t in range(len(triangles)):
        for k in range(3):
            start[triangles[t, k] + 1] += 1
    for i in range(len(cloth)):
        start[i + 1] += start[i]
    fill = start[:-1].copy()
    of = np.empty(start[-1], np.int64)
    for t in range(len(triangles)):
        for k in range(3):
            v = triangles[t, k]
            of[fill[v]] = t
            fill[v] += 1
    best = np.full(len(points), -1, np.int32)
    share = np.zeros((len(points), 3), np.float32)
    height = np.zeros(len(points), np.float32)
    for i in range(len(points)):
        nearest_t = np.inf
        p, d = points[i], point_normals[i]
        for q in range(around.shape[1]):
            v = around[i, q]
            for s in range(start[v], start[v + 1]):
                t = of[s]
                a = cloth[triangles[t, 0]]
                e1 = cloth[triangles[t, 1]] - a
                e2 = cloth[triangles[t, 2]] - a
                hx = d[1] * e2[2] - d[2] * e2[1]
                hy = d[2] * e2[0] - d[0] * e2[2]
                hz = d[0] * e2[1] - d[1] * e2[0]
                det = e1[0] * hx + e1[1] * hy + e1[2] * hz
                if abs(det) < 1e-9:
                    continue
                sx, sy, sz = p[0] - a[0], p[1] - a[1], p[2] - a[2]
                u = (sx * hx + sy * hy + sz * hz) / det
                if u < -0.02 or u > 1.02:
                    continue
                qx = sy * e1[2] - sz * e1[1]
                qy = sz * e1[0] - sx * e1[2]
                qz = sx * e1[1] - sy * e1[0]
                w = (d[0] * qx + d[1] * qy + d[2] * qz) / det
                if w < -0.02 or u + w > 1.02:
                    continue
                along = (e2[0] * qx + e2[1] * qy + e2[2] * qz) / det
                if along < -below_mm or along > above_mm or abs(along) >= nearest_t:
                    continue
                nearest_t = abs(along)
                best[i] = t
                share[i, 0], share[i, 1], share[i, 2] = 1.0 - u - w, u, w
                height[i] = along
    return best, share, height


@numba.njit(cache=True, nogil=True)
def lift_off(
    points: np.ndarray,
    covers: np.ndarray,
    over: np.ndarray,
    over_weight: np.ndarray,
    body: np.ndarray,
    body_normals: np.ndarray,
    margin: np.ndarray,
    deepest: float,
) -> None:
    """Lift a cloth's triangles off the skin between their corners, in place.

    Args:
        points: (k,3) mm, the cloth.
        covers, over, over_weight: of `garments.Garment`.
        margin: (V,) float32 mm that the cloth has to be above each vertex.
        deepest: mm; a vertex further outside the cloth is none of its own.
    """
    by = np.zeros(len(points), np.float32)
    way = np.zeros((len(points), 3), np.float32)
    for n in range(len(covers)):
        b = covers[n]
        gap = np.float32(0.0)
        for c in range(3):
            above = np.float32(0.0)
            for k in range(3):
                above += over_weight[n, k] * points[over[n, k], c]
            gap += (above - body[b, c]) * body_normals[b, c]
        short = margin[b] - gap
        if short <= 0.0 or short > deepest:
            continue
        for k in range(3):
            v = over[n, k]
            if over_weight[n, k] > 0.12 and short > by[v]:
                by[v] = short
                way[v] = body_normals[b]
    for v in range(len(points)):
        for c in range(3):
            points[v, c] += by[v] * way[v, c]


@numba.njit(cache=True, nogil=True)
def blended_bones(
    near: np.ndarray, near_weight: np.ndarray, bone: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Skin weights of points above several vertices each: theirs, by share.

    Args:
        near, near_weight: (k,q); bone, weight: (V,6) of the vertices.

    Returns:
        (k,6) int32 and float32, the six largest, rows sum to 1.
    """
    count, around = near.shape
    slots = bone.shape[1]
    out_bone = np.zeros((count, slots), np.int32)
    out_weight = np.zeros((count, slots), np.float32)
    names = np.zeros(around * slots, np.int32)
    shares = np.zeros(around * slots, np.float32)
    for i in range(count):
        used = 0
        for q in range(around):
            for s in range(slots):
                w = near_weight[i, q] * weight[near[i, q], s]
                if w <= 0:
                    continue
                b = np.int32(bone[near[i, q], s])
                used = _added(names, shares, used, b, w)
        _strongest(names, shares, used, out_bone[i], out_weight[i])
    return out_bone, out_weight
