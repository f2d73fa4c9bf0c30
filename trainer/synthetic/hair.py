"""Hair: the pack's pieces in natural colours, grey where it is old. Torch-free."""

from functools import lru_cache

import cv2
import numpy as np

from trainer.synthetic import assets as packs
from trainer.synthetic import fitting, garments, hems, painting, parts, shells
from trainer.synthetic.chunks import Chunk
from trainer.synthetic.fabrics import rgb
from trainer.synthetic.garments import Garment, Key
from trainer.synthetic.person import Hair
from trainer.synthetic.rims import Rim
from trainer.synthetic.streams import stream
from trainer.synthetic.types import Assets, Cloth, Material, Part

_BUDGET = 3000
_TEETH = 2400
_LOOSE_BUDGET = 700  # of the strands that stand off
_LOOSE_MM = 4.5
_GREY = np.array([172.0, 170.0, 167.0], np.float32)
_SIDE_PX = 512


def colour(hair: Hair) -> np.ndarray:
    """(3,) sRGB 0 to 255, of the hair as a whole."""
    grey = float(np.clip(hair.grey, 0.0, 1.0))
    return rgb(hair.colour) * (1.0 - grey) + _GREY * grey


def grow(
    assets: Assets,
    hair: Hair,
    base: np.ndarray,
    under: Rim | None,
    seed: int,
) -> list[Chunk]:
    """The hair on a head.

    Args:
        base: (V,3) mm, morphed.
        under: of the hat; hair above it is left out, and below it is pressed to the head.
    """
    if hair.style in shells.NAMES:
        return shells.grow(assets, hair.style, base, under, colour(hair), seed)
    piece = assets.pieces.get(hair.style)
    if piece is None or piece.kind != "hair":
        return []
    rough = float(np.clip(hair.roughness, 0.0, 1.0))
    inner = _layer(assets, of_style(assets, hair.style), base, under, 0.0)
    loose = _layer(assets, _loose(Key(assets), hair.style), base, under, 1.5 + _LOOSE_MM * rough)
    painted = material(assets, hair, seed)
    thin = Material(_thinned(assets, hair, painted.texture), cutout=True, gloss=painted.gloss)
    return [
        Chunk(
            *shape,
            look,
            np.full(len(shape[3]), Part.HAIR, np.uint8),
            np.full(len(shape[3]), Cloth.HAIR, np.uint8),
            6,
        )
        for shape, look in ((inner, painted), (loose, thin))
        if len(shape[3])
    ]


def _layer(
    assets: Assets, garment: Garment, base: np.ndarray, under: Rim | None, lift_mm: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A piece of hair on a head, so far off where it was made: points, bones, triangles, uv."""
    size = fitting.sizes(base, garment.scale)
    points = fitting.fit(base, garment.refs, garment.weight, garment.offset, size)
    triangles, uv = garment.triangles, garment.uv
    bone, weight = garment.bone, garment.bone_weight
    if lift_mm:
        points = points + np.float32(lift_mm) * fitting.normals(points, triangles)
    keep = _window(assets, garment, under is not None)
    if under is not None:
        points = under.press(points)
        keep = np.minimum(keep, (under.inside_mm - under.above(points)).astype(np.float32))
    if (keep <= 0).any():
        clipped = hems.clip(triangles, uv, keep)
        triangles, uv = clipped.triangles, clipped.uv
        points, bone, weight = extended(points, bone, weight, clipped)
    return points, bone, weight, triangles, uv


def _window(assets: Assets, garment: Garment, hat: bool) -> np.ndarray:
    """Keeps hair out of the eyes: (k,) mm, 0 and below in front of the face.

    Args:
        hat: the forehead too, where a hat holds the hair back.
    """
    ref = garments.reference(assets, 0.5)
    nose = ref.base[assets.landmarks["nose"]].mean(0)
    eyes = np.concatenate([assets.landmarks["left_eye"], assets.landmarks["right_eye"]])
    brow = float(ref.base[eyes, 1].mean()) + 17.0
    half = 0.5 * float(np.ptp(ref.base[eyes, 0])) + 30.0
    x = garment.rest[:, 0] / half
    # An arch: highest in the middle of the forehead, down along the temples.
    top = brow - 26.0 * np.minimum(x * x, 1.0) + (200.0 if hat else 0.0)
    above = garment.rest[:, 1] - top
    beside = (np.abs(garment.rest[:, 0]) - half) * 1.2
    behind = nose[2] - 78.0 - garment.rest[:, 2]
    return np.maximum(np.maximum(above, beside), behind).astype(np.float32)


def extended(
    points: np.ndarray, bone: np.ndarray, weight: np.ndarray, clipped: hems.Clipped
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices with those that a cut added."""
    if not len(clipped.pairs):
        return points, bone, weight
    a, b = points[clipped.pairs[:, 0]], points[clipped.pairs[:, 1]]
    new_bone, new_weight = fitting.mixed_bones(bone, weight, clipped.pairs, clipped.at)
    return (
        np.concatenate([points, a + clipped.at[:, None] * (b - a)]).astype(np.float32),
        np.concatenate([bone, new_bone]),
        np.concatenate([weight, new_weight]),
    )


def of_style(assets: Assets, style: str) -> Garment:
    """The garment of a hair piece."""
    return _of_style(Key(assets), style)


@lru_cache(maxsize=16)
def _of_style(key: Key, style: str) -> Garment:
    return garments.of_piece(key.assets, key.assets.pieces[style], (), 0.5, _BUDGET)


@lru_cache(maxsize=16)
def _loose(key: Key, style: str) -> Garment:
    return garments.of_piece(key.assets, key.assets.pieces[style], (), 0.5, _LOOSE_BUDGET, 8.0)


def _thinned(assets: Assets, hair: Hair, texture: np.ndarray) -> np.ndarray:
    """Single strands of a texture: the rougher the hair, the more."""
    strand = _single(Key(assets), hair.style)
    level = 2.0 - 0.9 * float(np.clip(hair.roughness, 0.0, 1.0))
    out = texture.copy()
    alpha = np.clip(128.0 + 150.0 * (strand - level), 0.0, 255.0).astype(np.uint8)
    out[..., 3] = np.minimum(out[..., 3], alpha)
    return out


@lru_cache(maxsize=16)
def _single(key: Key, style: str) -> np.ndarray:
    """(h,w) float32 of deviation 1, high along single strands."""
    shape = _strands(key, style)[0].shape
    return _streaks(stream(0, "loose", style), (shape[0], shape[1]), 34.0, 1.0)


def material(assets: Assets, hair: Hair, seed: int) -> Material:
    """The strands of a style in a person's colour."""
    ratio, alpha, streak = _strands(Key(assets), hair.style)
    grey = float(np.clip(hair.grey, 0.0, 1.0))
    rough = float(np.clip(hair.roughness, 0.0, 1.0))
    painted = painting.strands(ratio, alpha, streak, rgb(hair.colour), _GREY, grey, rough)
    # Light hair shines as a whole; a highlight on it would look like plastic.
    bright = float(colour(hair).mean()) / 255.0
    gloss = 0.3 * (1.0 - 0.6 * rough) * (1.0 - 0.8 * min(1.0, 1.6 * bright))
    return Material(painted, cutout=True, gloss=gloss)


@lru_cache(maxsize=16)
def _strands(key: Key, style: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Light and dark of the strands (1 in the middle), opacity, and streaks of 0 to 1."""
    piece = key.assets.pieces[style]
    rng = stream(0, "strands", style)
    if piece.texture in key.assets.textures:
        texture = packs.texture(key.assets, piece.texture)
        bright = texture[..., :3].astype(np.float32) @ np.array([0.30, 0.59, 0.11], np.float32)
        alpha = texture[..., 3].copy()
        seen = alpha > 128
        middle = max(10.0, float(np.median(bright[seen]))) if seen.any() else 128.0
        spread = float(np.std(bright[seen] / middle)) if seen.any() else 0.3
        ratio = 1.0 + (bright / middle - 1.0) * min(1.0, 0.26 / max(spread, 1e-3))
        # What shows at the edge of a strand is hair, not the black around it.
        near = cv2.GaussianBlur(seen.astype(np.float32), (0, 0), 4.0)
        spill = cv2.GaussianBlur(np.where(seen, ratio, 0.0).astype(np.float32), (0, 0), 4.0)
        ratio = np.where(seen, ratio, np.where(near > 1e-3, spill / np.maximum(near, 1e-3), 1.0))
        size = ratio.shape
    else:
        size = (_SIDE_PX, _SIDE_PX)
        alpha = np.full(size, 255, np.uint8)
        ratio = 1.0 + 0.16 * _streaks(rng, size, 60.0) + 0.10 * _streaks(rng, size, 12.0)
    streak = np.clip(0.5 + 0.2 * _streaks(rng, size, 40.0), 0.0, 1.0)
    return np.clip(ratio, 0.4, 1.7).astype(np.float32), alpha, streak.astype(np.float32)


def _streaks(
    rng: np.random.Generator, size: tuple[int, int], length: float, width: float = 0.7
) -> np.ndarray:
    """Noise drawn out along v, of deviation 1."""
    noise = rng.normal(size=size).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), sigmaX=width, sigmaY=length)
    return noise / max(1e-6, float(noise.std()))


def piece_chunk(
    assets: Assets,
    name: str,
    base: np.ndarray,
    painted: Material,
    part: Part,
    cloth: Cloth,
    layer: int,
) -> Chunk | None:
    """Eyes, brows, lashes, teeth: a piece as it is."""
    garment = _of_face(Key(assets), name)
    if garment is None:
        return None
    points = fitting.fit(
        base, garment.refs, garment.weight, garment.offset, fitting.sizes(base, garment.scale)
    )
    count = len(garment.triangles)
    return Chunk(
        points,
        garment.bone,
        garment.bone_weight,
        garment.triangles,
        garment.uv,
        painted,
        np.full(count, part, np.uint8),
        np.full(count, cloth, np.uint8),
        layer,
    )


@lru_cache(maxsize=32)
def _of_face(key: Key, name: str) -> Garment | None:
    piece = key.assets.pieces.get(name)
    if piece is None:
        return None
    if piece.kind == "teeth":
        return garments.of_piece(key.assets, piece, (), 0.5, _TEETH, 0.6)
    return garments.of_piece(key.assets, piece, (), 0.5, 0)


def body_parts(assets: Assets) -> np.ndarray:
    """(V,) uint8 part of each base vertex."""
    return _body_parts(Key(assets))


@lru_cache(maxsize=4)
def _body_parts(key: Key) -> np.ndarray:
    a = key.assets
    return parts.of_vertices(a.rig.names, a.bone.astype(np.int32), a.bone_weight)
