"""Skin, eyes and brows: the pack's photographs, brought to one tone and tinted. Torch-free.

A texture is kept as its ratio to its own middle, so that ageing or another model of the photograph
does not change who a person is; the tone comes from a curve through measured skin colours.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from trainer.synthetic import assets as packs
from trainer.synthetic import charts, garments, painting
from trainer.synthetic.garments import Key
from trainer.synthetic.person import Person
from trainer.synthetic.streams import stream
from trainer.synthetic.types import Assets, Material

# sRGB along melanin, from the palest to the darkest skin in even light.
_TONES = np.array(
    [
        (226, 193, 174),
        (217, 177, 153),
        (205, 158, 130),
        (189, 138, 105),
        (163, 111, 79),
        (126, 82, 56),
        (92, 58, 40),
        (62, 40, 31),
    ],
    np.float32,
)
_MIDDLE = 128.0  # of a ratio of 1, in 8 bits
_AGES = (("young", 22.0), ("middleage", 48.0), ("old", 74.0))


@dataclass(frozen=True)
class _Maps:
    """Of the skin's texture: (h,w) uint8 0-255."""

    scalp: np.ndarray
    briefs: np.ndarray
    top: np.ndarray


def tone_colour(tone: float, warmth: float) -> np.ndarray:
    """(3,) float32, sRGB 0 to 255."""
    x = np.clip(tone, 0.0, 1.0) * (len(_TONES) - 1)
    colour = np.array([np.interp(x, np.arange(len(_TONES)), _TONES[:, c]) for c in range(3)])
    shift = np.array([0.015, 0.0, -0.055]) if warmth > 0 else np.array([-0.012, 0.012, -0.05])
    return np.clip(colour * (1.0 + abs(warmth) * shift * np.sign(warmth)), 0, 255).astype("f4")


def material(
    assets: Assets, person: Person, hair: np.ndarray, covered: bool, vest: bool
) -> Material:
    """The skin of a person.

    Args:
        hair: (3,) sRGB 0 to 255, of the scalp's stubble.
        covered: hair grows on the head (else it is bald, or shaved).
        vest: paint an undershirt too, where nothing covers the chest.
    """
    key = Key(assets)
    total = None
    for name, weight in _mixture(assets, person):
        ratio = _ratio(key, name)
        if total is None:
            total, so_far = ratio, weight
        else:
            if ratio.shape != total.shape:
                ratio = cv2.resize(ratio, total.shape[1::-1], interpolation=cv2.INTER_LINEAR)
            so_far += weight
            total = cv2.addWeighted(total, 1.0 - weight / so_far, ratio, weight / so_far, 0.0)
    tone = tone_colour(person.skin.tone, person.skin.warmth)
    if total is None:
        total = np.full((64, 64, 3), int(_MIDDLE), np.uint8)
    contrast = 0.8 + 0.4 * float(np.clip(person.skin.blemish, 0.0, 1.0))
    # Blotches show most on pale skin.
    contrast *= float(np.interp(person.skin.tone, [0.0, 0.35], [0.72, 1.0]))
    levels = np.arange(256, dtype=np.float32) / _MIDDLE
    table = painting.below_white(tone * np.maximum(levels[:, None], 1e-3) ** contrast)
    out = painting.looked_up(total, table.astype(np.uint8))
    maps = _maps(key, total.shape[:2])
    rng = stream(person.seed, "scalp")
    stubble = 0.62 if covered else float(rng.choice([0.06, 0.16, 0.34]))
    ground = tone * 0.94 * (1.0 - stubble) + stubble * hair
    _lay(out, maps.scalp, ground, 0.82)
    linen = np.array(_LINEN[int(stream(person.seed, "linen").integers(len(_LINEN)))], np.float32)
    _lay(out, maps.briefs, linen, 1.0)
    if vest:
        _lay(out, maps.top, linen, 1.0)
    return Material(out, gloss=0.12)


_LINEN = ((236, 234, 228), (32, 33, 38), (96, 100, 108), (38, 48, 78), (206, 196, 184))


def _lay(out: np.ndarray, mask: np.ndarray, colour: np.ndarray, opacity: float) -> None:
    painting.lay(out, mask, np.asarray(colour, np.float32), opacity)


def _mixture(assets: Assets, person: Person) -> list[tuple[str, float]]:
    """Textures and their shares: by gender, tone and age."""
    names = [n for n in sorted(assets.textures) if n.startswith("skin")]
    if not any("skinned" in n for n in names):
        return [(names[0], 1.0)] if names else []
    age = person.body.age_years
    dark = float(np.clip((person.skin.tone - 0.5) / 0.2, 0.0, 1.0))
    male = float(np.clip((person.body.gender - 0.35) / 0.3, 0.0, 1.0))
    out: dict[str, float] = {}
    for tone, tone_share in (("light", 1.0 - dark), ("dark", dark)):
        for gender, gender_share in (("female", 1.0 - male), ("male", male)):
            share = tone_share * gender_share
            if share <= 0.0:
                continue
            for when, age_share in _age_shares(age):
                name = _closest(names, tone, gender, when, person.seed)
                if name and share * age_share > 0.02:
                    out[name] = out.get(name, 0.0) + share * age_share
    return sorted(out.items(), key=lambda pair: -pair[1])


def _age_shares(age: float) -> list[tuple[str, float]]:
    years = [y for _, y in _AGES]
    x = float(np.interp(age, years, range(len(years))))
    low = min(int(x), len(_AGES) - 2)
    return [(_AGES[low][0], 1.0 - (x - low)), (_AGES[low + 1][0], x - low)]


def _closest(names: list[str], tone: str, gender: str, when: str, seed: int) -> str | None:
    order = [name for name, _ in _AGES]
    wanted = order.index(when)
    found: dict[int, list[str]] = {}
    for name in names:
        words = name.split("_")
        if f"{tone}skinned" in words and gender in words and words[1] in order:
            found.setdefault(abs(order.index(words[1]) - wanted), []).append(name)
    if not found:
        return None
    best = found[min(found)]
    return best[int(stream(seed, "skin", tone, gender, when).integers(len(best)))]


@lru_cache(maxsize=16)
def _ratio(key: Key, name: str) -> np.ndarray:
    """A skin texture over its middle, times `_MIDDLE`: (h,w,3) uint8."""
    texture = packs.texture(key.assets, name)[..., :3]
    maps = _maps(key, texture.shape[:2])
    inside = _inside(key, texture.shape[:2]) & (maps.scalp < 20)
    middle = np.median(texture[inside].astype(np.float32), 0)
    levels = np.arange(256, dtype=np.float32)[:, None]
    table = np.clip(levels / np.maximum(middle, 1.0) * _MIDDLE, 0, 255).astype(np.uint8)
    return cv2.LUT(np.ascontiguousarray(texture), table[None])


@lru_cache(maxsize=4)
def _rest(key: Key, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """(h,w,4): reference x, y, z and millimetres along the arm; and where skin is."""
    surface = key.assets.body
    ref = garments.reference(key.assets, 0.0)
    weights = (key.assets.bone_weight * ref.arm_bones[key.assets.bone]).sum(1)
    arm = garments.along_arm(ref.measures, ref.base, weights)
    values = np.concatenate([ref.base, arm[:, None]], 1)[surface.vertex[surface.triangles]]
    return charts.spread(surface.uv[surface.triangles], values, (size[1], size[0]))


def _inside(key: Key, size: tuple[int, int]) -> np.ndarray:
    return _rest(key, size)[1]


@lru_cache(maxsize=4)
def _maps(key: Key, size: tuple[int, int]) -> _Maps:
    at, inside = _rest(key, size)
    m = garments.reference(key.assets, 0.0).measures
    x, y, arm = np.abs(at[..., 0]), at[..., 1], at[..., 3]
    body = inside & (arm < 25.0)
    torso = m.neck - m.crotch
    # Briefs: up to below the navel, and down to a line that rises from the crotch to the side.
    upper = m.crotch + 0.27 * torso - y
    lower = y - (m.crotch - 40.0 + 0.75 * np.maximum(x - 20.0, 0.0))
    briefs = np.minimum(upper, lower)
    chest = np.minimum(y - (m.crotch + 0.46 * torso), m.crotch + 0.74 * torso - y)
    strap = np.minimum(m.neck - y + 40.0, 17.0 - np.abs(x - 75.0))
    top = np.maximum(chest, np.where(y > m.crotch + 0.7 * torso, strap, -1e3))
    soft = 2.0

    def mask(value: np.ndarray) -> np.ndarray:
        grown = np.where(body, np.clip(value / soft * 0.5 + 0.5, 0.0, 1.0), 0.0)
        # A texel beyond the seam, lest skin shows along it.
        grown = cv2.dilate((grown * 255.0).astype(np.uint8), np.ones((5, 5), np.uint8))
        return grown

    return _Maps(_scalp(key, size), mask(briefs), mask(top))


def scalp(assets: Assets, size: tuple[int, int]) -> np.ndarray | None:
    """Where hair grows in the skin's texture: (h,w) float32 of 0 to 1, None where it is unknown."""
    mask = _maps(Key(assets), size).scalp
    return mask.astype(np.float32) / 255.0 if mask.any() else None


def _scalp(key: Key, size: tuple[int, int]) -> np.ndarray:
    """Where hair grows: dark on the heads of the pack's dark skins."""
    names = [n for n in sorted(key.assets.textures) if "darkskinned" in n]
    if not names:
        return np.zeros(size, np.uint8)
    at, inside = _rest(key, size)
    head = inside & (at[..., 1] > garments.reference(key.assets, 0.0).measures.neck + 60.0)
    total = np.zeros(size, np.float32)
    for name in names:
        texture = packs.texture(key.assets, name)[..., :3]
        grey = cv2.resize(texture, size[::-1], interpolation=cv2.INTER_AREA).astype(np.float32)
        skin = np.median(grey[inside].mean(1))
        total += np.clip((0.62 - grey.mean(2) / skin) / 0.3, 0.0, 1.0)
    share = np.where(head, total / len(names), 0.0)
    solid = cv2.morphologyEx(share.astype(np.float32), cv2.MORPH_OPEN, np.ones((13, 13), np.uint8))
    solid = cv2.dilate(solid, np.ones((5, 5), np.uint8))
    return np.clip(cv2.GaussianBlur(solid, (0, 0), 2.5) * 255.0, 0, 255).astype(np.uint8)


@lru_cache(maxsize=16)
def eyes(key: Key, colour: str) -> Material:
    """The material of eyes of a colour; where it is unknown, of brown or any other."""
    known = {n.removesuffix("_eye"): n for n in sorted(key.assets.textures) if n.endswith("_eye")}
    dark = colour == "brown" and "brownlight" in known
    name = known.get("brownlight" if dark else colour) or known.get("brown")
    name = name or next(iter(known.values()), "")
    if not name:
        return Material(np.full((4, 4, 4), 255, np.uint8), gloss=0.6)
    texture = packs.texture(key.assets, name).copy()
    rgb = texture[..., :3].astype(np.float32)
    saturation = np.clip((rgb.max(2) - rgb.min(2) - 18.0) / 40.0, 0.0, 1.0)[..., None]
    if dark:  # the pack's own brown is red
        rgb = rgb * (1.0 - saturation * (1.0 - np.array([0.50, 0.46, 0.50])))
    else:  # its other colours glow
        calm = 0.62 * rgb + 0.38 * rgb.mean(2, keepdims=True)
        rgb = rgb + saturation * (0.74 * calm - rgb)
    white = 1.0 - saturation
    rgb = rgb * (1.0 + 0.10 * white * (rgb.mean(2, keepdims=True) > 120))
    texture[..., :3] = np.clip(rgb, 0, 255)
    return Material(texture, cutout=True, gloss=0.7)


def strands(texture: np.ndarray, colour: np.ndarray) -> Material:
    """Brows or lashes: a texture's opacity in a colour."""
    out = np.empty_like(texture)
    out[..., :3] = np.clip(colour, 0, 255)
    out[..., 3] = texture[..., 3]
    return Material(out, cutout=True, gloss=0.0)
