"""Cloth as it is sewn, before anybody wears it: what depends on the assets alone. Torch-free.

Everything is measured on a reference body, a young adult of the gender that a piece was made for.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from trainer.synthetic import body, fitting, hems, parts, rig, simplify
from trainer.synthetic.person import Body
from trainer.synthetic.types import Assets, Piece, Surface

_COVERED_MM, _BELOW_MM = 60.0, 20.0
_ARM_BONES = ("upperarm", "lowerarm", "wrist", "finger", "metacarpal", "hand")


class Key:
    """Assets as a key of a cache: the same object, whatever it holds."""

    def __init__(self, assets: Assets) -> None:
        self.assets = assets

    def __hash__(self) -> int:
        return id(self.assets)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and other.assets is self.assets


@dataclass(frozen=True)
class Reference:
    """The body that pieces are measured on.

    Attributes:
        base: (V,3) float32 mm; normals: (V,3), 0 away from the skin.
        skin: (s,) int64, the base vertices of the skin.
        measures: heights and places.
        arm: (V,) float32 mm along the arm, 0 elsewhere.
    """

    base: np.ndarray
    normals: np.ndarray
    skin: np.ndarray
    measures: hems.Measures
    arm_bones: np.ndarray


@dataclass(frozen=True)
class Garment:
    """A piece of cloth, of k vertices.

    Attributes:
        refs, weight, offset, scale: where vertices lie on a body, as in `types.Piece`.
        bone, bone_weight: (k,6) int32 and float32; part: (k,) uint8.
        triangles: (m,3) int32; uv: (m,3,2) float32 as in the texture.
        rest: (k,3) float32 mm on the reference body; normals: (k,3).
        arm: (k,) float32 mm along the arm, 0 elsewhere.
        near, near_weight: (k,4), base vertices below each vertex.
        edge: (k,) float32 mm to the nearest edge of the cloth.
        covers: (n,) int32, base vertices below the cloth; over, over_weight: (n,3), the cloth's
            vertices above each.
    """

    refs: np.ndarray
    weight: np.ndarray
    offset: np.ndarray
    scale: np.ndarray
    bone: np.ndarray
    bone_weight: np.ndarray
    part: np.ndarray
    triangles: np.ndarray
    uv: np.ndarray
    rest: np.ndarray
    normals: np.ndarray
    arm: np.ndarray
    near: np.ndarray
    near_weight: np.ndarray
    edge: np.ndarray
    covers: np.ndarray
    over: np.ndarray
    over_weight: np.ndarray


def reference(assets: Assets, gender: float) -> Reference:
    """The reference body of a gender, 0 female to 1 male."""
    return _reference(Key(assets), gender)


@lru_cache(maxsize=8)
def _reference(key: Key, gender: float) -> Reference:
    assets = key.assets
    base = body.shape(assets, Body(age_years=25.0, gender=gender))
    triangles = assets.body.vertex[assets.body.triangles]
    heads, _ = rig.bone_positions(assets.rig, base)
    number = {name: b for b, name in enumerate(assets.rig.names)}

    def head(name: str) -> np.ndarray:
        return heads[number[name]]

    shoulder = np.stack([head("upperarm01.L"), head("upperarm01.R")])
    elbow, wrist = head("lowerarm01.L"), head("wrist.L")
    hip = 0.5 * (head("upperleg01.L") + head("upperleg01.R"))
    neck = head("neck01")
    skin = np.unique(triangles)
    middle = skin[np.abs(base[skin, 0]) < 4.0]
    below = middle[base[middle, 1] < hip[1]]
    measures = hems.Measures(
        hip=float(hip[1]),
        knee=float(head("lowerleg01.L")[1]),
        ankle=float(head("foot.L")[1]),
        crotch=float(base[below, 1].min()) if len(below) else float(hip[1]) - 90.0,
        neck=float(neck[1]),
        shoulder=shoulder,
        upper_arm=float(np.linalg.norm(elbow - shoulder[0])),
        fore_arm=float(np.linalg.norm(wrist - elbow)),
        neck_at=neck,
    )
    arm_bones = np.array([name.startswith(_ARM_BONES) for name in assets.rig.names])
    return Reference(base, fitting.normals(base, triangles), skin, measures, arm_bones)


def of_piece(
    assets: Assets,
    piece: Piece,
    components: tuple[int, ...],
    gender: float,
    budget: int,
    tolerance: float = 2.0,
) -> Garment:
    """The garment of some components of a piece, all where there are none named.

    Args:
        budget: of triangles, 0 for all; tolerance: mm that saving them may cost.
    """
    surface = piece.surface
    if components:
        chosen = np.isin(piece.component[surface.vertex[surface.triangles[:, 0]]], components)
        surface = Surface(surface.vertex, surface.uv, surface.triangles[chosen])
    ref = reference(assets, gender)
    size = fitting.sizes(ref.base, piece.scale)
    rest = fitting.fit(ref.base, piece.refs, piece.weight, piece.offset, size)
    surface = simplify.surface(surface, rest, budget, tolerance)
    return _garment(
        assets,
        ref,
        surface,
        piece.refs,
        piece.weight,
        piece.offset,
        piece.scale,
        piece.bone,
        piece.bone_weight,
        rest,
    )


def of_helper(assets: Assets, surface: Surface, gender: float, clings: bool) -> Garment:
    """The garment of a helper surface, which lies on base vertices themselves.

    Args:
        clings: it moves as the skin below it does.
    """
    ref = reference(assets, gender)
    count = len(assets.base)
    refs = np.repeat(np.arange(count, dtype=np.int32)[:, None], 3, 1)
    weight = np.tile(np.array([1, 0, 0], np.float32), (count, 1))
    offset = np.zeros((count, 3), np.float32)
    scale = np.zeros((3, 3), np.float32)
    made = _garment(
        assets,
        ref,
        surface,
        refs,
        weight,
        offset,
        scale,
        assets.bone,
        assets.bone_weight,
        ref.base,
    )
    if not clings:
        return made
    bone, bone_weight = fitting.blended_bones(
        made.near, made.near_weight, assets.bone, assets.bone_weight
    )
    return replace(made, bone=bone, bone_weight=bone_weight)


def along_arm(m: hems.Measures, points: np.ndarray, in_arm: np.ndarray) -> np.ndarray:
    """Distance from the shoulder along the arm.

    Args:
        points: (k,3) mm on the reference body at rest.
        in_arm: (k,) 0 to 1, how much of a point the arm's bones move.

    Returns:
        (k,) float32 mm.
    """
    mirrored = points * np.array([np.sign(m.shoulder[0, 0]), 1.0, 1.0], np.float32)
    mirrored[:, 0] = np.abs(mirrored[:, 0])
    start = m.shoulder[0] * np.array([np.sign(m.shoulder[0, 0]), 1.0, 1.0])
    # The arm at rest is close to straight: one axis, fitted to the points themselves, will do.
    arm = in_arm > 0.9
    axis = np.array([0.7, -0.7, 0.0])
    if arm.sum() > 8:
        far = mirrored[arm] - start
        axis = far[np.linalg.norm(far, axis=1) > 0.6 * np.linalg.norm(far, axis=1).max()].mean(0)
    axis = axis / np.linalg.norm(axis)
    return (((mirrored - start) @ axis) * in_arm).astype(np.float32)


def _garment(
    assets: Assets,
    ref: Reference,
    surface: Surface,
    refs: np.ndarray,
    weight: np.ndarray,
    offset: np.ndarray,
    scale: np.ndarray,
    bone: np.ndarray,
    bone_weight: np.ndarray,
    rest: np.ndarray,
) -> Garment:
    used, triangles = np.unique(surface.vertex[surface.triangles], return_inverse=True)
    triangles = triangles.reshape(-1, 3).astype(np.int32)
    points = np.ascontiguousarray(rest[used], np.float32)
    bones, weights = bone[used].astype(np.int32), bone_weight[used]
    facing = fitting.normals(points, triangles)
    skin, skin_normals = ref.base[ref.skin], ref.normals[ref.skin]
    near, far = fitting.nearest(points, facing, skin, skin_normals, 4, 60.0)
    share = 1.0 / (far + 4.0) ** 2
    around, _ = fitting.nearest(skin, skin_normals, points, facing, 4, 80.0)
    above, share_above, _ = fitting.cover(
        skin, skin_normals, points, triangles, around, _BELOW_MM, _COVERED_MM
    )
    covered = np.flatnonzero(above >= 0)
    in_arm = (weights * ref.arm_bones[bones]).sum(1)
    rim = _rim(triangles)
    if len(rim):
        zero = np.zeros_like(points)
        _, to_edge = fitting.nearest(points, zero, points[rim], zero[rim], 1, 0.0)
        edge = to_edge[:, 0]
    else:
        edge = np.full(len(points), np.float32(1e3), np.float32)
    return Garment(
        refs=refs[used],
        weight=weight[used],
        offset=offset[used],
        scale=scale,
        bone=bones,
        bone_weight=weights,
        part=parts.of_vertices(assets.rig.names, bones, weights),
        triangles=triangles,
        uv=surface.uv[surface.triangles].astype(np.float32),
        rest=points,
        normals=facing,
        arm=along_arm(ref.measures, points, in_arm),
        near=ref.skin[near].astype(np.int32),
        near_weight=(share / share.sum(1, keepdims=True)).astype(np.float32),
        edge=edge,
        covers=ref.skin[covered].astype(np.int32),
        over=triangles[above[covered]],
        over_weight=share_above[covered],
    )


def _rim(triangles: np.ndarray) -> np.ndarray:
    """The vertices on an edge of the cloth."""
    ends = np.sort(
        np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), 1
    )
    unique, count = np.unique(ends, axis=0, return_counts=True)
    return np.unique(unique[count == 1])
