"""Meshes as the renderers read them: flat arrays, with a pyramid of each texture. Torch-free."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numba import njit  # type: ignore[import-untyped]

from trainer.synthetic.types import Cloth, Material, Mesh, Part

LEVELS = 12
_TELLING = 224  # opacity from which on a texel's own colour is all that counts
_ROUNDS = 3  # texels that the colour of opaque ones runs


class Packed(NamedTuple):
    """A mesh for the kernels (a NamedTuple, which numba reads).

    Attributes:
        triangles: (T,3) int32; uv: (T,3,2) float32; material: (T,) int32.
        part, cloth, layer: (T,) uint8.
        parted: (T,) bool, the triangle's corners have parts of their own, and not the same.
        part_weights: (N,16) uint8 or empty; corner_part: (N,) uint8, the part with the most weight.
        opacity: (T,) float32, the mean opacity of each triangle; 1 where nothing is cut out.
        texel_area: (T,) float32, twice the triangle's area in texels of level 0.
        used: (u,) int32, the positions that some triangle has; used_opacity: (u,) float32.
        texels: (n,) uint32, every level of every material: sRGB and opacity, red the lowest byte.
        levels: (m,LEVELS,3) int64, first texel, width and height of each level.
        level_count: (m,) int64.
        gloss: (m,) float32; cutout: (m,) bool.
        two_sided: (T,) bool; skin never is, since it is closed where it is not covered.
    """

    triangles: np.ndarray
    uv: np.ndarray
    material: np.ndarray
    part: np.ndarray
    cloth: np.ndarray
    layer: np.ndarray
    parted: np.ndarray
    part_weights: np.ndarray
    corner_part: np.ndarray
    opacity: np.ndarray
    texel_area: np.ndarray
    used: np.ndarray
    used_opacity: np.ndarray
    texels: np.ndarray
    levels: np.ndarray
    level_count: np.ndarray
    gloss: np.ndarray
    cutout: np.ndarray
    two_sided: np.ndarray


class Identity:
    """Makes a value a key by which object it is; holds it, so that its id stays taken."""

    def __init__(self, value: Mesh) -> None:
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Identity) and other.value is self.value


def pack(mesh: Mesh) -> Packed:
    """The mesh's arrays; the same mesh object is packed once, as long as it is among the latest."""
    return _pack(Identity(mesh))


@lru_cache(maxsize=24)
def _pack(key: Identity) -> Packed:
    mesh = key.value
    materials = mesh.materials
    levels, count, size = _layout(materials)
    texels = np.empty(size, np.uint32)
    done: set[int] = set()
    for m, material in enumerate(materials):
        start, width, height = levels[m, 0]
        if int(start) not in done:
            done.add(int(start))
            texture = np.ascontiguousarray(material.texture, np.uint8)
            texels[start : start + width * height] = texture.view("<u4").reshape(-1)
            if material.cutout:
                spread(texels[start : start + width * height].reshape(height, width))
            halve(texels, levels[m], count[m], material.cutout)
    uv = np.ascontiguousarray(mesh.uv, np.float32)
    material_of = np.ascontiguousarray(mesh.material, np.int32)
    triangles = np.ascontiguousarray(mesh.triangles, np.int32)
    cutout = np.array([m.cutout for m in materials], np.bool_)
    two_sided = np.array([m.two_sided for m in materials], np.bool_)
    opacity = np.ones(len(triangles), np.float32)
    texel_area = np.zeros(len(triangles), np.float32)
    most = np.zeros(int(triangles.max(initial=-1)) + 1, np.float32)
    if len(triangles):
        _measure(triangles, uv, material_of, cutout, texels, levels, opacity, texel_area, most)
    part, parted, part_weights, corner_part = _parts(mesh)
    used = np.flatnonzero(most).astype(np.int32)
    return Packed(
        triangles=triangles,
        uv=uv,
        material=material_of,
        part=part,
        cloth=np.ascontiguousarray(mesh.cloth, np.uint8),
        layer=np.ascontiguousarray(mesh.layer, np.uint8),
        parted=parted,
        part_weights=part_weights,
        corner_part=corner_part,
        opacity=opacity,
        texel_area=texel_area,
        used=used,
        used_opacity=most[used],
        texels=texels,
        levels=levels,
        level_count=count,
        gloss=np.array([m.gloss for m in materials], np.float32),
        cutout=cutout,
        two_sided=two_sided[material_of] & ((mesh.cloth != Cloth.SKIN) | cutout[material_of]),
    )


def _parts(mesh: Mesh) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """`Packed.part`, `parted`, `part_weights` and `corner_part`."""
    part = np.ascontiguousarray(mesh.part, np.uint8)
    if mesh.part_weights is None:
        none = np.zeros((0, len(Part)), np.uint8)
        return part, np.zeros(len(part), np.bool_), none, none[:, 0].copy()
    weights = np.ascontiguousarray(mesh.part_weights, np.uint8)
    corner = weights.argmax(1).astype(np.uint8)
    known = weights.max(1) > 0
    a, b, c = corner[mesh.triangles].T
    told = known[mesh.triangles].all(1) & (part > Part.HAIR)
    return np.where(told, a, part), told & ((a != b) | (b != c)), weights, corner


def _layout(materials: tuple[Material, ...]) -> tuple[np.ndarray, np.ndarray, int]:
    """Where each material's levels lie: `levels`, `level_count`, and how many texels there are.

    The same texture in two materials is stored once.
    """
    levels = np.zeros((len(materials), LEVELS, 3), np.int64)
    count = np.zeros(len(materials), np.int64)
    stored: dict[tuple[int, bool], int] = {}
    size = 0
    for m, material in enumerate(materials):
        mark = (id(material.texture), material.cutout)
        if mark in stored:
            levels[m], count[m] = levels[stored[mark]], count[stored[mark]]
            continue
        stored[mark] = m
        height, width = material.texture.shape[:2]
        for level in range(LEVELS):
            levels[m, level] = size, width, height
            size += width * height
            count[m] += 1
            if width == height == 1:
                break
            width, height = max(1, width // 2), max(1, height // 2)
    return levels, count, size


@njit(cache=True, nogil=True)
def spread(texels: np.ndarray) -> None:
    """Let the colour of opaque texels run into those beside them that are not.

    What lies at the rim of a strand has the texture's background in its colour.

    Args:
        texels: (h,w) uint32 sRGB and opacity, changed; opacity is kept.
    """
    height, width = texels.shape
    told = np.empty((height, width), np.uint8)  # the round from which on the colour is known
    for y in range(height):
        for x in range(width):
            told[y, x] = 0 if texels[y, x] >> 24 >= _TELLING else 255
    for turn in range(1, _ROUNDS + 1):
        for y in range(height):
            for x in range(width):
                if told[y, x] < 255:
                    continue
                count = red = green = blue = 0
                for i in range(max(y - 1, 0), min(y + 2, height)):
                    for j in range(max(x - 1, 0), min(x + 2, width)):
                        if told[i, j] < turn:
                            other = np.int64(texels[i, j])
                            count += 1
                            red += int(other & 255)
                            green += int((other >> 8) & 255)
                            blue += int((other >> 16) & 255)
                if count:
                    around = (blue // count << 16) | (green // count << 8) | (red // count)
                    texels[y, x] = _told(np.int64(texels[y, x]), around)
                    told[y, x] = turn


@njit(cache=True, nogil=True)
def _told(own: int, around: int) -> int:
    """A texel with the colour of what is around it, the more the less opaque it is."""
    alpha = own >> 24
    trust = min(alpha * alpha, _TELLING * _TELLING)
    rest = _TELLING * _TELLING - trust
    mixed = alpha << 24
    for shift in (0, 8, 16):
        value = ((own >> shift) & 255) * trust + ((around >> shift) & 255) * rest
        mixed |= ((value + _TELLING * _TELLING // 2) // (_TELLING * _TELLING)) << shift
    return mixed


@njit(cache=True, nogil=True)
def halve(texels: np.ndarray, levels: np.ndarray, count: int, cutout: bool) -> None:
    """Fill in a texture's halvings down to one texel, from its full size.

    Where a texture is cut out, colours are weighed by opacity squared, and what is not opaque
    takes the colour of what is around it; otherwise hair would have a rim of the texture's
    background.

    Args:
        texels: (n,) uint32, filled in; levels: (LEVELS,3) int64, as in `Packed`.
    """
    for level in range(1, count):
        before, wide, high = levels[level - 1, 0], levels[level - 1, 1], levels[level - 1, 2]
        first, width, height = levels[level, 0], levels[level, 1], levels[level, 2]
        for y in range(height):
            ya = before + 2 * y * wide
            yb = before + min(2 * y + 1, high - 1) * wide
            for x in range(width):
                xa, xb = 2 * x, min(2 * x + 1, wide - 1)
                p, q = np.int64(texels[ya + xa]), np.int64(texels[ya + xb])
                r, s = np.int64(texels[yb + xa]), np.int64(texels[yb + xb])
                texels[first + y * width + x] = _mix(p, q, r, s, cutout)
    if not cutout:
        return
    for level in range(count - 2, -1, -1):
        after, wide, high = levels[level + 1, 0], levels[level + 1, 1], levels[level + 1, 2]
        first, width, height = levels[level, 0], levels[level, 1], levels[level, 2]
        for y in range(height):
            row = after + min(y // 2, high - 1) * wide
            for x in range(width):
                here = np.int64(texels[first + y * width + x])
                alpha = here >> 24
                if alpha < _TELLING:
                    around = np.int64(texels[row + min(x // 2, wide - 1)])
                    texels[first + y * width + x] = _told(here, around)


@njit(cache=True, nogil=True)
def _mix(p: int, q: int, r: int, s: int, weighed: bool) -> int:
    """The mean of four texels, colours weighed by opacity squared or alike."""
    pa, qa, ra, sa = p >> 24, q >> 24, r >> 24, s >> 24
    mixed = ((pa + qa + ra + sa + 2) >> 2) << 24
    pa, qa, ra, sa = pa * pa, qa * qa, ra * ra, sa * sa
    total = pa + qa + ra + sa
    for shift in (0, 8, 16):
        a, b = (p >> shift) & 255, (q >> shift) & 255
        c, d = (r >> shift) & 255, (s >> shift) & 255
        if weighed and total > 0:
            value = (a * pa + b * qa + c * ra + d * sa + total // 2) // total
        else:
            value = (a + b + c + d + 2) >> 2
        mixed |= value << shift
    return mixed


@njit(cache=True, nogil=True)
def _measure(
    triangles: np.ndarray,
    uv: np.ndarray,
    material_of: np.ndarray,
    cutout: np.ndarray,
    texels: np.ndarray,
    levels: np.ndarray,
    opacity: np.ndarray,
    texel_area: np.ndarray,
    most: np.ndarray,
) -> None:
    """Fill in `opacity` and `texel_area`, and each position's greatest opacity, 0 for unused."""
    for t in range(triangles.shape[0]):
        m = material_of[t]
        ux, uy = uv[t, 1, 0] - uv[t, 0, 0], uv[t, 1, 1] - uv[t, 0, 1]
        vx, vy = uv[t, 2, 0] - uv[t, 0, 0], uv[t, 2, 1] - uv[t, 0, 1]
        texel_area[t] = abs(ux * vy - uy * vx) * levels[m, 0, 1] * levels[m, 0, 2]
        if cutout[m]:
            # near the corners, a little blurred
            level = 2 if levels[m, 2, 1] > 0 else 0
            first, wide, high = levels[m, level, 0], levels[m, level, 1], levels[m, level, 2]
            middle_u = (uv[t, 0, 0] + uv[t, 1, 0] + uv[t, 2, 0]) / 3.0
            middle_v = (uv[t, 0, 1] + uv[t, 1, 1] + uv[t, 2, 1]) / 3.0
            total = 0.0
            for k in range(3):
                u = 0.6 * uv[t, k, 0] + 0.4 * middle_u
                v = 1.0 - (0.6 * uv[t, k, 1] + 0.4 * middle_v)
                x = min(int((u - math.floor(u)) * wide), wide - 1)
                y = min(int((v - math.floor(v)) * high), high - 1)
                total += (texels[first + y * wide + x] >> 24) / 255.0
            opacity[t] = total / 3.0
        for k in range(3):
            i = triangles[t, k]
            most[i] = max(most[i], max(opacity[t], 1e-6))
