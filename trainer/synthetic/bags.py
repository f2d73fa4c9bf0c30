"""Bags: soft boxes on straps that lie on the clothes, or hang from a hand. Torch-free."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numba
import numpy as np

from trainer.synthetic.chunks import Chunk, rigid
from trainer.synthetic.fabrics import rgb
from trainer.synthetic.person import Wear
from trainer.synthetic.streams import stream
from trainer.synthetic.types import Assets, Cloth, Material, Part

_STRAP_MM = 6.0  # above the clothes
_STRAP_STEPS = 72


@dataclass(frozen=True)
class Torso:
    """The dressed trunk, without arms and head, that straps lie on.

    Attributes:
        points: (n,3) float32 mm; triangles: (m,3) int32.
        bone, bone_weight: (n,6).
    """

    points: np.ndarray
    triangles: np.ndarray
    bone: np.ndarray
    bone_weight: np.ndarray


def torso(
    base: np.ndarray,
    bone: np.ndarray,
    bone_weight: np.ndarray,
    drawn: Sequence[Chunk],
    limits: tuple[float, float],
) -> Torso:
    """What of the drawn pieces is trunk.

    Args:
        limits: mm, how far from the middle it goes at the shoulders, and how high.
    """
    points, bones, weights, triangles = [base], [bone.astype(np.int32)], [bone_weight], []
    at = len(base)
    for chunk in drawn:
        corners = (base if chunk.on_base else chunk.points)[chunk.triangles]
        inside = (np.abs(corners[..., 0]).max(1) < limits[0]) & (corners[..., 1].max(1) < limits[1])
        mine = chunk.triangles[inside]
        triangles.append(mine + (0 if chunk.on_base else at))
        if not chunk.on_base:
            points.append(chunk.points)
            bones.append(chunk.bone)
            weights.append(chunk.bone_weight)
            at += len(chunk.points)
    return Torso(
        np.concatenate(points).astype(np.float32),
        np.concatenate(triangles).astype(np.int32),
        np.concatenate(bones),
        np.concatenate(weights),
    )


def carry(
    assets: Assets,
    wear: Wear,
    heads: np.ndarray,
    on: Torso,
    seed: int,
) -> list[Chunk]:
    """A bag on a body at rest.

    Args:
        heads: (B,3) mm of the bones.
    """
    number = {name: b for b, name in enumerate(assets.rig.names)}

    def at(name: str) -> np.ndarray:
        return heads[number[name]].astype(np.float64)

    left_handed = bool(stream(seed, "bag").random() < 0.4)
    size = float(np.clip((at("neck01")[1] - at("upperleg01.L")[1]) / 520.0, 0.55, 1.2))
    if wear.item in ("Handbag", "Tote bag"):
        return _in_hand(assets, wear, heads, number, size, "L" if left_handed else "R")
    if wear.item == "Backpack":
        return _backpack(assets, wear, at, number, on, size)
    return _across(assets, wear, at, number, on, size, 1.0 if left_handed else -1.0)


def _backpack(
    assets: Assets,
    wear: Wear,
    at: Callable[[str], np.ndarray],
    number: dict[str, int],
    on: Torso,
    size: float,
) -> list[Chunk]:
    shoulder = at("upperarm01.L")
    hip = at("upperleg01.L")
    top = shoulder[1] + 15.0 * size
    half = np.array([138.0, 205.0, 74.0]) * size
    half[1] = min(half[1], 0.5 * (top - hip[1]) * 0.98)
    middle_y = top - half[1]
    heights = np.linspace(middle_y - half[1] * 0.5, middle_y + half[1] * 0.6, 7)
    backs = [_reach(on, np.array([x, y, shoulder[2]]), np.array([0.0, 0.0, -1.0]))
             for y in heights for x in (-60.0 * size, 60.0 * size)]  # fmt: skip
    back = max([b for b in backs if np.isfinite(b)], default=100.0)
    centre = np.array([0.0, middle_y, shoulder[2] - back - half[2] * 0.94])
    carrier = number.get("spine02", number.get("spine01", 0))
    out = [_box(wear, centre, half, carrier, 0.0, "pack")]
    wide = abs(float(shoulder[0]))
    armpit = shoulder[1] - 105.0 * size
    behind, front = shoulder[2] - back, shoulder[2] + 160.0
    for side in (-1.0, 1.0):
        path = np.array([
            [side * 0.40 * wide, shoulder[1] - 20.0 * size, behind - 30.0],
            [side * 0.47 * wide, shoulder[1] + 40.0 * size, shoulder[2] - 50.0 * size],
            [side * 0.50 * wide, shoulder[1] + 70.0 * size, shoulder[2]],
            [side * 0.52 * wide, shoulder[1] + 30.0 * size, front],
            [side * 0.58 * wide, armpit, front],
            [side * 0.95 * wide, armpit - 70.0 * size, shoulder[2] + 90.0],
            [side * 1.20 * wide, armpit - 110.0 * size, shoulder[2] - 10.0],
            [side * 0.95 * wide, armpit - 140.0 * size, behind - 10.0],
            [side * 0.62 * wide, armpit - 160.0 * size, behind - 50.0],
        ])  # fmt: skip
        out.append(_strap(wear, path, on, 21.0 * size))
    return out


def _across(
    assets: Assets,
    wear: Wear,
    at: Callable[[str], np.ndarray],
    number: dict[str, int],
    on: Torso,
    size: float,
    side: float,
) -> list[Chunk]:
    """A bag at one hip, its strap over the other shoulder."""
    shoulder = at("upperarm01.L")
    hip = at("upperleg01.L")
    wide = abs(float(shoulder[0]))
    half = np.array([46.0, 112.0, 150.0]) * size
    level = hip[1] + 18.0 * size
    reach = [_reach(on, np.array([0.0, y, hip[2]]), np.array([side, 0.0, 0.0]))
             for y in np.linspace(level - half[1], level + 0.8 * half[1], 6)]  # fmt: skip
    out_to = max([r for r in reach if np.isfinite(r)], default=170.0)
    centre = np.array([side * (out_to + half[0] * 0.95), level, hip[2] - 30.0 * size])
    bag = _box(wear, centre, half, number.get("spine05", 0), 0.0, "flap")
    top = level + half[1]
    edge = side * (out_to + 12.0)
    path = np.array([
        [edge, top - 25.0 * size, centre[2] + 0.78 * half[2]],
        [side * 0.80 * wide, top + 70.0 * size, hip[2] + 200.0],
        [side * 0.25 * wide, 0.5 * (top + shoulder[1]), hip[2] + 240.0],
        [-side * 0.35 * wide, shoulder[1] - 50.0 * size, shoulder[2] + 170.0],
        [-side * 0.55 * wide, shoulder[1] + 40.0 * size, shoulder[2] + 40.0],
        [-side * 0.55 * wide, shoulder[1] + 40.0 * size, shoulder[2] - 50.0],
        [-side * 0.30 * wide, shoulder[1] - 60.0 * size, shoulder[2] - 200.0],
        [side * 0.25 * wide, 0.5 * (top + shoulder[1]), hip[2] - 230.0],
        [side * 0.80 * wide, top + 60.0 * size, hip[2] - 200.0],
        [edge, top - 25.0 * size, centre[2] - 0.78 * half[2]],
    ])  # fmt: skip
    return [bag, _strap(wear, path, on, 15.0 * size)]


def _in_hand(
    assets: Assets,
    wear: Wear,
    heads: np.ndarray,
    number: dict[str, int],
    size: float,
    side: str,
) -> list[Chunk]:
    """A bag that hangs from the fingers."""
    hand = number[f"wrist.{side}"]
    knuckles = [number[n] for n in (f"finger{k}-1.{side}" for k in (2, 3, 4, 5)) if n in number]
    further = [number[n] for n in (f"finger{k}-2.{side}" for k in (2, 3, 4, 5)) if n in number]
    anchor = heads[knuckles + further].mean(0) if knuckles else heads[hand]
    tote = wear.item == "Tote bag"
    half = np.array([32.0, 165.0, 150.0] if tote else [38.0, 95.0, 140.0]) * size
    handle = (150.0 if tote else 85.0) * size
    # No lower than a hand's height above the floor.
    handle, half[1] = min(handle, 190.0), min(half[1], 170.0)
    centre = anchor - np.array([0.0, handle + half[1], 0.0])
    box = _box(wear, centre, half, hand, 0.0, "tote" if tote else "flap")
    loops = []
    for across in (-0.55, 0.55):
        foot = centre + np.array([across * half[0], half[1] * 0.86, 0.0])
        t = np.linspace(-1.0, 1.0, 13)
        rise = (anchor[1] - foot[1]) * np.sqrt(np.clip(1.0 - t * t, 0.0, 1.0)) ** 0.7
        path = foot + np.stack([-across * half[0] * (1 - t * t), rise, 0.55 * half[2] * t], 1)
        path[1:-1, 0] += (anchor[0] - foot[0] + across * half[0]) * (1 - t[1:-1] ** 2)
        loops.append(_tube(path, 4.5 * size, 6))
    points = np.concatenate([box.points, *[p for p, _, _ in loops]])
    triangles, uv, start = [box.triangles], [box.uv], len(box.points)
    for p, tri, tube_uv in loops:
        triangles.append(tri + start)
        uv.append(tube_uv)
        start += len(p)
    bone, weight = rigid(len(points), hand)
    count = sum(len(t) for t in triangles)
    clear = tuple(number[n] for n in (f"upperleg01.{side}", f"upperleg02.{side}",
                                      f"lowerleg01.{side}") if n in number)  # fmt: skip
    return [
        Chunk(
            points.astype(np.float32),
            bone,
            weight,
            np.concatenate(triangles).astype(np.int32),
            np.concatenate(uv).astype(np.float32),
            box.material,
            np.zeros(count, np.uint8),
            np.full(count, Cloth.BAG, np.uint8),
            7,
            hangs=(hand, anchor.astype(np.float32), clear, float(60.0 * size + half[0])),
        )
    ]


def _box(
    wear: Wear, centre: np.ndarray, half: np.ndarray, bone: int, lean: float, look: str
) -> Chunk:
    """A cushion: a box with round edges, a little fuller below."""
    columns, rows = 28, 13
    u = np.linspace(-np.pi, np.pi, columns)
    v = np.linspace(-np.pi / 2, np.pi / 2, rows)

    def soft(x: np.ndarray, power: float) -> np.ndarray:
        return np.sign(x) * np.abs(x) ** power

    cu, su = soft(np.cos(u), 0.45), soft(np.sin(u), 0.45)
    cv, sv = soft(np.cos(v), 0.32), soft(np.sin(v), 0.32)
    points = np.stack(
        [cv[:, None] * cu[None], np.repeat(sv[:, None], columns, 1), cv[:, None] * su[None]], -1
    )
    flat = points.reshape(-1, 3)
    full = 1.0 - 0.10 * (flat[:, 1:2] + 1.0) * 0.5
    at = centre + flat * half * np.concatenate([full, np.ones_like(full), full], 1)
    r, c = np.meshgrid(np.arange(rows - 1), np.arange(columns - 1), indexing="ij")
    a = (r * columns + c).reshape(-1)
    triangles = np.concatenate(
        [np.stack([a, a + columns, a + 1], 1), np.stack([a + 1, a + columns, a + columns + 1], 1)]
    )
    # The look lies on the two large sides: across the longer of x and z, and up.
    wide = 0 if half[0] >= half[2] else 2
    uv = np.stack([0.5 + 0.48 * flat[:, wide], 0.5 + 0.48 * flat[:, 1]], 1)
    bones, weights = rigid(len(at), bone)
    count = len(triangles)
    return Chunk(
        at.astype(np.float32),
        bones,
        weights,
        triangles.astype(np.int32),
        uv[triangles].astype(np.float32),
        _material(wear, look),
        np.zeros(count, np.uint8),
        np.full(count, Cloth.BAG, np.uint8),
        7,
    )


def _strap(wear: Wear, path: np.ndarray, on: Torso, half_width: float) -> Chunk:
    """A ribbon along a path, laid onto the clothes."""
    t = np.linspace(0.0, len(path) - 1.0, 400)
    dense = np.stack([_spline(path[:, k], t) for k in range(3)], 1)
    run = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(dense, axis=0), axis=1))])
    even = np.linspace(0.0, run[-1], _STRAP_STEPS)
    t = even / run[-1]
    dense = np.stack([np.interp(even, run, dense[:, k]) for k in range(3)], 1)
    drawn = np.unique(on.triangles)
    middle = float(on.points[drawn, 2].mean())
    highest = float(path[:, 1].max()) - 150.0

    def inner(points: np.ndarray) -> np.ndarray:
        """The point inside the trunk that each point is seen from."""
        x, y = 0.45 * points[:, 0], np.minimum(points[:, 1], highest)
        return np.stack([x, y, np.full(len(points), middle)], 1)

    laid, near = dense.copy(), np.full(len(dense), drawn[0])
    for _ in range(2):
        start = inner(laid)
        way = laid - start
        way /= np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-6)
        for n in range(len(laid)):
            hit, triangle = _cast(
                on.points, on.triangles, start[n].astype("f4"), way[n].astype("f4")
            )
            if triangle >= 0:
                laid[n] = start[n] + way[n] * (hit + _STRAP_MM)
                near[n] = on.triangles[triangle, 0]
        laid[0], laid[-1] = _kept_end(laid[0], dense[0]), _kept_end(laid[-1], dense[-1])
        for _ in range(2):
            laid[1:-1] = 0.25 * laid[:-2] + 0.5 * laid[1:-1] + 0.25 * laid[2:]
    tangent = np.gradient(laid, axis=0)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-6)
    outward = laid - inner(laid)
    across = np.cross(tangent, outward)
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-6)
    lift = np.cross(across, tangent)
    points = np.stack(
        [laid - half_width * across, laid + 4.0 * lift, laid + half_width * across], 1
    ).reshape(-1, 3)
    triangles = []
    for n in range(len(laid) - 1):
        for k in range(2):
            a = 3 * n + k
            triangles += [[a, a + 1, a + 3], [a + 1, a + 4, a + 3]]
    tri = np.array(triangles, np.int32)
    uv = np.stack([np.tile([0.02, 0.05, 0.08], len(laid)), np.repeat(t, 3)], 1)
    bone, weight = _even(on.bone[near], on.bone_weight[near])
    count = len(tri)
    return Chunk(
        points.astype(np.float32),
        np.repeat(bone, 3, 0),
        np.repeat(weight, 3, 0),
        tri,
        uv[tri].astype(np.float32),
        _material(wear, "strap"),
        np.full(count, Part.TORSO, np.uint8),
        np.full(count, Cloth.BAG, np.uint8),
        7,
    )


def _even(bone: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Skin weights along a strap, (n,6), without jumps: it bends, and does not crumple."""
    names, number = np.unique(bone, return_inverse=True)
    dense = np.zeros((len(bone), len(names)), np.float32)
    np.add.at(dense, (np.arange(len(bone))[:, None], number.reshape(bone.shape)), weight)
    dense = cv2.GaussianBlur(
        dense, (1, 25), sigmaX=0.1, sigmaY=5.0, borderType=cv2.BORDER_REPLICATE
    )
    order = np.argsort(-dense, axis=1, kind="stable")[:, : bone.shape[1]]
    if order.shape[1] < bone.shape[1]:
        order = np.pad(order, ((0, 0), (0, bone.shape[1] - order.shape[1])), mode="edge")
    kept = np.take_along_axis(dense, order, 1)
    kept[:, len(names) :] = 0.0
    return names[order].astype(np.int32), kept / kept.sum(1, keepdims=True)


def _kept_end(laid: np.ndarray, end: np.ndarray) -> np.ndarray:
    """An end goes into its bag, not onto the back behind it."""
    return end if np.linalg.norm(end - laid) < 120.0 else laid


def _spline(values: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Catmull-Rom through values at 0, 1, 2, ..."""
    padded = np.concatenate([[2 * values[0] - values[1]], values, [2 * values[-1] - values[-2]]])
    k = np.minimum(t.astype(int), len(values) - 2)
    f = t - k
    a, b, c, d = (padded[k + n] for n in range(4))
    cubic = (3 * b - a - 3 * c + d) * f**3
    return 0.5 * (2 * b + (c - a) * f + (2 * a - 5 * b + 4 * c - d) * f**2 + cubic)


def _tube(path: np.ndarray, radius: float, sides: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    tangent = np.gradient(path, axis=0)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-6)
    first = np.cross(tangent, [1.0, 0.0, 0.0])
    first /= np.maximum(np.linalg.norm(first, axis=1, keepdims=True), 1e-6)
    second = np.cross(tangent, first)
    angle = np.linspace(0.0, 2.0 * np.pi, sides, endpoint=False)
    cosine, sine = np.cos(angle)[None, :, None], np.sin(angle)[None, :, None]
    ring = cosine * first[:, None] + sine * second[:, None]
    points = (path[:, None] + radius * ring).reshape(-1, 3)
    triangles = []
    for n in range(len(path) - 1):
        for k in range(sides):
            a, b = n * sides + k, n * sides + (k + 1) % sides
            triangles += [[a, b, a + sides], [b, b + sides, a + sides]]
    tri = np.array(triangles, np.int32)
    uv = np.full((len(tri), 3, 2), 0.04, np.float32)
    return points, tri, uv


def _reach(on: Torso, start: np.ndarray, way: np.ndarray) -> float:
    """How far the trunk goes from a point in a direction; infinite where it is not met."""
    hit, triangle = _cast(on.points, on.triangles, start.astype("f4"), way.astype("f4"))
    return float(hit) if triangle >= 0 else float("inf")


@numba.njit(cache=True, nogil=True)
def _cast(
    points: np.ndarray, triangles: np.ndarray, start: np.ndarray, way: np.ndarray
) -> tuple[float, int]:
    """The furthest triangle that a ray meets: its distance and number, or 0 and -1."""
    best, found = 0.0, -1
    for t in range(len(triangles)):
        a = points[triangles[t, 0]]
        e1 = points[triangles[t, 1]] - a
        e2 = points[triangles[t, 2]] - a
        hx = way[1] * e2[2] - way[2] * e2[1]
        hy = way[2] * e2[0] - way[0] * e2[2]
        hz = way[0] * e2[1] - way[1] * e2[0]
        det = e1[0] * hx + e1[1] * hy + e1[2] * hz
        if abs(det) < 1e-9:
            continue
        sx, sy, sz = start[0] - a[0], start[1] - a[1], start[2] - a[2]
        u = (sx * hx + sy * hy + sz * hz) / det
        if u < 0.0 or u > 1.0:
            continue
        qx = sy * e1[2] - sz * e1[1]
        qy = sz * e1[0] - sx * e1[2]
        qz = sx * e1[1] - sy * e1[0]
        v = (way[0] * qx + way[1] * qy + way[2] * qz) / det
        if v < 0.0 or u + v > 1.0:
            continue
        along = (e2[0] * qx + e2[1] * qy + e2[2] * qz) / det
        if along > best:
            best, found = along, t
    return best, found


def _material(wear: Wear, look: str) -> Material:
    """Cloth or leather with the seams, pockets and zips of a kind of bag."""
    side = 256
    colour = np.maximum(rgb(wear.colour), 18.0)
    image = np.empty((side, side, 3), np.float32)
    image[:] = colour
    grain = stream(0, "fabric", look).normal(0.0, 1.0, (side, side)).astype(np.float32)
    image *= (1.0 + 0.04 * cv2.GaussianBlur(grain, (0, 0), 1.2))[..., None]
    dark = tuple(float(c) for c in colour * 0.6)
    light = tuple(float(c) for c in np.minimum(colour * 1.3 + 14.0, 235.0))
    if look == "pack":
        cv2.ellipse(image, (128, 92), (104, 74), 0, 180, 360, dark, 4, cv2.LINE_AA)
        cv2.rectangle(image, (40, 140), (216, 236), dark, 3, cv2.LINE_AA)
        cv2.line(image, (44, 152), (212, 152), light, 3, cv2.LINE_AA)
        cv2.line(image, (24, 92), (232, 92), dark, 2, cv2.LINE_AA)
    elif look == "flap":
        cv2.line(image, (0, 140), (256, 140), dark, 4, cv2.LINE_AA)
        cv2.line(image, (0, 133), (256, 133), light, 1, cv2.LINE_AA)
        cv2.rectangle(image, (114, 128), (142, 150), (196.0, 182.0, 140.0), -1, cv2.LINE_AA)
        cv2.rectangle(image, (12, 12), (244, 244), dark, 2, cv2.LINE_AA)
    elif look == "tote":
        cv2.line(image, (0, 34), (256, 34), dark, 3, cv2.LINE_AA)
        cv2.rectangle(image, (14, 6), (242, 250), dark, 2, cv2.LINE_AA)
        second = tuple(float(c) for c in rgb(wear.second))
        cv2.circle(image, (128, 140), 44, second, 6, cv2.LINE_AA)
    image[:, :26] = colour * 0.82  # straps and handles
    out = np.full((side, side, 4), 255, np.uint8)
    out[..., :3] = np.clip(image, 0, 255)
    return Material(out, gloss=0.15)
