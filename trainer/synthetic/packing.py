"""Meshes as the renderers read them: flat arrays, with a pyramid of each texture. Torch-free."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np

from trainer.synthetic.types import Cloth, Material, Mesh

LEVELS = 12


class Packed(NamedTuple):
    """A mesh for the kernels (a NamedTuple, which numba reads).

    Attributes:
        triangles: (T,3) int32; uv: (T,3,2) float32; material: (T,) int32.
        part, cloth, layer: (T,) uint8.
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
    # the same texture in two materials is stored once
    stored: dict[int, int] = {}
    pyramids: list[list[np.ndarray]] = []
    which = []
    for material in materials:
        mark = (id(material.texture) << 1) | int(material.cutout)
        if mark not in stored:
            stored[mark] = len(pyramids)
            pyramids.append(pyramid(material))
        which.append(stored[mark])
    starts = np.cumsum([0, *(level.size // 4 for levels in pyramids for level in levels)])
    table = np.zeros((len(materials), LEVELS, 3), np.int64)
    count = np.zeros(len(materials), np.int64)
    first = np.cumsum([0, *(len(levels) for levels in pyramids)])
    for m, p in enumerate(which):
        count[m] = len(pyramids[p])
        for k, level in enumerate(pyramids[p]):
            table[m, k] = starts[first[p] + k], level.shape[1], level.shape[0]
    texels = [level.reshape(-1, 4) for levels in pyramids for level in levels]
    flat = np.concatenate(texels) if texels else np.zeros((1, 4), np.uint8)
    uv = np.ascontiguousarray(mesh.uv, np.float32)
    material_of = np.ascontiguousarray(mesh.material, np.int32)
    size = table[material_of, 0, 1:].astype(np.float32)
    a, b = uv[:, 1] - uv[:, 0], uv[:, 2] - uv[:, 0]
    area = np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]) * size[:, 0] * size[:, 1]
    triangles = np.ascontiguousarray(mesh.triangles, np.int32)
    opacity = _opacity(materials, material_of, uv)
    most = np.zeros(int(triangles.max(initial=-1)) + 1, np.float32)
    np.maximum.at(most, triangles, opacity[:, None])
    used = np.unique(triangles).astype(np.int32)
    cutout = np.array([m.cutout for m in materials], np.bool_)
    two_sided = np.array([m.two_sided for m in materials], np.bool_)
    return Packed(
        triangles=triangles,
        uv=uv,
        material=material_of,
        part=np.ascontiguousarray(mesh.part, np.uint8),
        cloth=np.ascontiguousarray(mesh.cloth, np.uint8),
        layer=np.ascontiguousarray(mesh.layer, np.uint8),
        opacity=opacity,
        texel_area=area.astype(np.float32),
        used=used,
        used_opacity=most[used],
        texels=flat.view("<u4").reshape(-1).astype(np.uint32, copy=False),
        levels=table,
        level_count=count,
        gloss=np.array([m.gloss for m in materials], np.float32),
        cutout=cutout,
        two_sided=two_sided[material_of] & ((mesh.cloth != Cloth.SKIN) | cutout[material_of]),
    )


def pyramid(material: Material) -> list[np.ndarray]:
    """The texture and its halvings down to one texel.

    Where a texture is cut out, colours are weighed by opacity, and what cannot be seen takes the
    colour of its surroundings; otherwise hair would have a rim of the texture's background.

    Returns:
        (h,w,4) uint8 arrays, the full size first.
    """
    texture = np.ascontiguousarray(material.texture, np.uint8)
    levels = [texture]
    if not material.cutout:
        while max(levels[-1].shape[:2]) > 1 and len(levels) < LEVELS:
            levels.append(cv2.resize(levels[-1], _half(levels[-1]), interpolation=cv2.INTER_AREA))
        return levels
    weighed = texture.astype(np.float32)
    weighed[..., :3] *= weighed[..., 3:] / 255.0
    sums = [weighed]
    while max(sums[-1].shape[:2]) > 1 and len(sums) < LEVELS:
        sums.append(cv2.resize(sums[-1], _half(sums[-1]), interpolation=cv2.INTER_AREA))
    colour = np.full((1, 1, 3), 128.0, np.float32)
    levels = []
    for level in reversed(sums):
        size = (level.shape[1], level.shape[0])
        alpha = level[..., 3:]
        wide = cv2.resize(colour, size, interpolation=cv2.INTER_LINEAR).reshape(*level.shape[:2], 3)
        shown = level[..., :3] * (255.0 / np.maximum(alpha, 1.0))
        # opacity below 1/8 tells little of a colour: fade to the surroundings
        colour = wide + (shown - wide) * np.clip(alpha / 32.0, 0.0, 1.0)
        levels.append(np.rint(np.concatenate([np.clip(colour, 0, 255), alpha], -1)))
    return [np.ascontiguousarray(level, np.uint8) for level in reversed(levels)]


def _half(image: np.ndarray) -> tuple[int, int]:
    return max(1, image.shape[1] // 2), max(1, image.shape[0] // 2)


def _opacity(
    materials: tuple[Material, ...], material_of: np.ndarray, uv: np.ndarray
) -> np.ndarray:
    """(T,) float32: the mean opacity near each triangle's corners."""
    opacity = np.ones(len(material_of), np.float32)
    for m, material in enumerate(materials):
        chosen = np.flatnonzero(material_of == m)
        if not material.cutout or not len(chosen):
            continue
        alpha = cv2.GaussianBlur(material.texture[..., 3].astype(np.float32) / 255.0, (0, 0), 2.0)
        corners = uv[chosen]
        at = corners * 0.6 + corners.mean(1, keepdims=True) * 0.4
        x = np.floor(at[..., 0] % 1.0 * alpha.shape[1]).astype(np.int64)
        y = np.floor((1.0 - at[..., 1]) % 1.0 * alpha.shape[0]).astype(np.int64)
        x, y = np.minimum(x, alpha.shape[1] - 1), np.minimum(y, alpha.shape[0] - 1)
        opacity[chosen] = alpha[y, x].mean(1)
    return opacity
