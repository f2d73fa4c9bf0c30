"""The pieces of a dressed person, and how they become one mesh. Torch-free."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from trainer.synthetic import parts
from trainer.synthetic.types import Character, Cloth, Drape, Hung, Material, Mesh

_APART = (Cloth.HAIR, Cloth.HAT, Cloth.BAG)  # have the part that they are given


@dataclass(frozen=True)
class Chunk:
    """Something that is drawn, of k vertices of its own or of the base's.

    Attributes:
        points: (k,3) float32 mm at rest; empty where `triangles` point into the base.
        bone, bone_weight: (k,6) int32 and float32.
        triangles: (m,3) int32.
        uv: (m,3,2) float32.
        part, cloth: (m,) uint8.
        layer: of `types.Mesh`.
        on_base: the triangles point into the base's vertices.
        drape: of a skirt, its vertices counted from 0.
        hangs: bone, anchor, the bones to stay clear of and by how much, of a bag that hangs.
    """

    points: np.ndarray
    bone: np.ndarray
    bone_weight: np.ndarray
    triangles: np.ndarray
    uv: np.ndarray
    material: Material
    part: np.ndarray
    cloth: np.ndarray
    layer: int
    on_base: bool = False
    hangs: tuple[int, np.ndarray, tuple[int, ...], float] | None = None
    drape: Drape | None = None


def rigid(count: int, bone: int) -> tuple[np.ndarray, np.ndarray]:
    """Skin weights of `count` vertices that one bone carries."""
    bones = np.zeros((count, 6), np.int32)
    weights = np.zeros((count, 6), np.float32)
    bones[:, 0], weights[:, 0] = bone, 1.0
    return bones, weights


def merge(
    base: np.ndarray,
    bone: np.ndarray,
    bone_weight: np.ndarray,
    bones: tuple[np.ndarray, np.ndarray],
    chunks: Sequence[Chunk],
    part_of_bone: np.ndarray | None = None,
) -> Character:
    """One character of a body and what is on it.

    Args:
        base: (V,3) mm, the morphed base, with its skin weights.
        bones: heads and tails at rest.
        part_of_bone: (B,) uint8, as `parts.of_bones` gives it, for borders of parts that do not
            follow the triangles.
    """
    points, all_bones, all_weights = [base], [bone.astype(np.int32)], [bone_weight]
    triangles, layers, materials, hung = [], [], [], []
    drapes = []
    bodily = [np.ones(len(base), bool)]  # the vertices whose bones tell the part
    at = len(base)
    for number, chunk in enumerate(chunks):
        start = 0 if chunk.on_base else at
        triangles.append(chunk.triangles + np.int32(start))
        layers.append(np.full(len(chunk.triangles), chunk.layer, np.uint8))
        materials.append(np.full(len(chunk.triangles), number, np.int32))
        if chunk.on_base:
            continue
        points.append(chunk.points)
        bodily.append(np.full(len(chunk.points), not np.isin(chunk.cloth, _APART).any()))
        all_bones.append(chunk.bone)
        all_weights.append(chunk.bone_weight)
        if chunk.hangs is not None:
            of, anchor, clear, clearance = chunk.hangs
            hung.append(Hung(slice(at, at + len(chunk.points)), of, anchor, clear, clearance))
        if chunk.drape is not None:
            drapes.append(replace(chunk.drape, vertices=slice(at, at + len(chunk.points))))
        at += len(chunk.points)
    part_weights = None
    if part_of_bone is not None:
        part_weights = parts.table(
            part_of_bone, np.concatenate(all_bones), np.concatenate(all_weights)
        )
        part_weights[~np.concatenate(bodily)] = 0
        part_weights = parts.smoothed(part_weights, np.concatenate(triangles))
    mesh = Mesh(
        triangles=np.ascontiguousarray(np.concatenate(triangles), np.int32),
        uv=np.ascontiguousarray(np.concatenate([c.uv for c in chunks]), np.float32),
        material=np.concatenate(materials),
        part=np.concatenate([c.part for c in chunks]).astype(np.uint8),
        cloth=np.concatenate([c.cloth for c in chunks]).astype(np.uint8),
        layer=np.concatenate(layers),
        materials=tuple(c.material for c in chunks),
        part_weights=part_weights,
    )
    return Character(
        rest=np.concatenate(points).astype(np.float32),
        bone=np.concatenate(all_bones).astype(np.int32),
        bone_weight=np.concatenate(all_weights).astype(np.float32),
        heads=bones[0],
        tails=bones[1],
        mesh=mesh,
        hung=tuple(hung),
        drapes=tuple(drapes),
    )
