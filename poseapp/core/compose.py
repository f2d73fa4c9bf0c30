"""The generator's small picture back in the photo, at the photo's own resolution.

The generator knows how the person looks in the new pose, at 128 x 64 or 256 x 128 px. The warped
photo knows every hair and thread, where a part only turned. So wherever the two agree and the warp
is to be believed, the warp is taken, elsewhere the generator. A head that shows the same side as
before, and hands and feet that the photo shows, are the photo's, whatever the generator says. What
did not move stays the photo, byte for byte.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from poseapp.core.body_parts import LIMBS
from poseapp.core.errors import PoseError
from poseapp.core.limb_maps import smooth
from poseapp.core.limb_warp import Warped, Warper

_SHADES_PX = 0.8  # of the generator's pixels: what it can tell apart
_AGREE = 48.0  # grey levels by which generator and warp may differ and still mean the same
_LIGHT = 0.04  # of the generator's height: how far around light and hue are told
_OTHER = 70.0  # grey levels by which generator and warp show two different things
_FEW = 0.05  # share of a neighbourhood that has to be known for half of the change
_REGION = 0.014  # of the generator's height: what is decided as one
_TAKEN = 0.4, 0.65  # agreement at which the warp begins to be taken, and is taken whole
_DECIDED = 0.2, 0.5  # the same of agreement and trust together: half of each is a blur
_EDGE_PX = 1.6  # softness of the outline in the photo, at least
_EDGE_SHARE = 0.35  # of a generator's pixel: softness of an outline that nothing else knows
_CRUMBS_PX = 512  # of the longer side: what hangs together is seen at this size
_LARGE = 0.05  # of the largest piece: no crumb
_CRUMB = 0.3  # share of a piece that moved parts cover, so that it stays
_STRIP = 256  # rows blended at once: memory stays small
_MOVED_PX = 0.25
_STILL_RIM = 0.06  # trunk lengths: how far around moved limbs the photo gives way to the plate


@dataclass(frozen=True)
class Generated:
    """What the generator gives.

    Attributes:
        image: (h, w, 3) uint8 RGB.
        mask: (h, w) float in 0-1, how much of each pixel is the person.
        to_photo: (2, 3) float, its px to px of the photo; whole numbers are pixel centres in both.
    """

    image: np.ndarray
    mask: np.ndarray
    to_photo: np.ndarray


def unmoved(before: np.ndarray, after: np.ndarray) -> bool:
    """Two poses, (17, 3) px and visibility, show the same."""
    one, other = np.asarray(before, float), np.asarray(after, float)
    there, there_after = one[:, 2] > 0, other[:, 2] > 0
    gap = np.abs(one[there & there_after, :2] - other[there & there_after, :2])
    return bool((there == there_after).all() and (gap.size == 0 or gap.max() < _MOVED_PX))


def compose(
    photo: np.ndarray,
    plate: np.ndarray,
    warper: Warper,
    keypoints: np.ndarray,
    generated: Generated | None,
    depth: np.ndarray | None = None,
) -> np.ndarray:
    """The person in the new pose, in the photo.

    Args:
        photo: (H, W, 3) uint8 RGB, the one that `warper` was made of.
        plate: (H, W, 3) uint8, the photo without the person.
        keypoints: (17, 3) x, y px of the photo and visibility: the new pose.
        generated: what the generator made of it; None takes the warp alone.
        depth: (17,), as for `Warper.warp`.
    Returns:
        (H, W, 3) uint8; equal to the photo where the pose did not change, equal to the plate
        where nobody is.
    """
    if photo.shape != plate.shape or photo.shape[:2] != warper.size:
        raise PoseError("Photo, clean plate and mask must have one size.")
    if unmoved(warper.keypoints, keypoints):
        return np.array(photo)
    out = np.array(plate)
    height, width = photo.shape[:2]
    x0, y0, x1, y1 = _window(warper, keypoints, generated, (height, width))
    if x1 <= x0 or y1 <= y0:
        return out
    shift = np.array([[1.0, 0.0, -x0], [0.0, 1.0, -y0]])
    size = (y1 - y0, x1 - x0)
    warped = warper.trusted(keypoints, size, shift, depth)
    if generated is None:
        rgb, alpha = warped.rgb, warped.alpha
    else:
        local = np.array(generated.to_photo, float)
        local[:, 2] -= (x0, y0)
        rgb, alpha = blended(Generated(generated.image, generated.mask, local), warped)
    _over(out[y0:y1, x0:x1], rgb, alpha)
    keep = still(warper, keypoints, (x0, y0, x1, y1))
    if keep is not None:
        _over(out[y0:y1, x0:x1], photo[y0:y1, x0:x1], keep)
    return out


def _window(
    warper: Warper,
    keypoints: np.ndarray,
    generated: Generated | None,
    size: tuple[int, int],
) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 px of the photo where anything may change."""
    points = np.asarray(keypoints, float)
    corners = [points[points[:, 2] > 0, :2]]
    margin = 0.8 * warper.figure.unit
    low, high = corners[0].min(0) - margin, corners[0].max(0) + margin
    for layer in warper.layers.values():
        h, w = layer.colour.shape[:2]
        low = np.minimum(low, layer.offset)
        high = np.maximum(high, np.add(layer.offset, (w, h)))
    if generated is not None:
        h, w = generated.mask.shape
        ends = np.array([[-0.5, -0.5], [w - 0.5, -0.5], [-0.5, h - 0.5], [w - 0.5, h - 0.5]])
        placed = ends @ generated.to_photo[:, :2].T + generated.to_photo[:, 2]
        low, high = np.minimum(low, placed.min(0)), np.maximum(high, placed.max(0))
    x0, y0 = (int(max(math.floor(v), 0)) for v in low)
    x1, y1 = int(min(math.ceil(high[0]), size[1])), int(min(math.ceil(high[1]), size[0]))
    return x0, y0, x1, y1


def blended(generated: Generated, warped: Warped) -> tuple[np.ndarray, np.ndarray]:
    """Generator and warp as one person.

    Args:
        generated: `to_photo` leads into the warp's picture.
        warped: (H, W) as `Warper.trusted` gives it.
    Returns:
        rgb (H, W, 3) uint8, alpha (H, W) uint8.
    """
    scale = math.sqrt(abs(float(np.linalg.det(generated.to_photo[:, :2]))))
    mask = np.clip(np.asarray(generated.mask, np.float32), 0.0, 1.0)
    inner = _carried_out(generated.image, mask)
    # The two are compared at the generator's size, where that costs nothing.
    back = cv2.invertAffineTransform(np.asarray(generated.to_photo, float))
    small = (mask.shape[1], mask.shape[0])
    shades, cover = _shrunk(warped.rgb, warped.alpha, back, small, scale)
    trust = _shrunk(cv2.merge([warped.trust] * 3), warped.alpha, back, small, scale)[0][..., 0]
    inner = _in_its_light(inner, shades, mask * cover * trust * np.float32(1.0 / 255.0))
    gap = cv2.GaussianBlur(
        np.abs(shades - cv2.GaussianBlur(inner, (0, 0), _SHADES_PX)), (0, 0), 1.0
    )
    agree = np.exp(-((gap.mean(-1) / _AGREE) ** 2)) * np.clip(2.0 * cover - 0.6, 0.0, 1.0)
    # A region is one or the other: the mean of two faces is nobody's.
    region = max(_REGION * mask.shape[0], 0.8)
    agree = smooth((cv2.GaussianBlur(agree, (0, 0), region) - _TAKEN[0]) / (_TAKEN[1] - _TAKEN[0]))

    soft = cv2.GaussianBlur(mask, (0, 0), 0.6)
    rgb, alpha = np.empty_like(warped.rgb), np.empty_like(warped.alpha)
    for top in range(0, alpha.shape[0], _STRIP):
        rows = slice(top, top + _STRIP)
        part = warped.rows(rows)
        placed = np.array(generated.to_photo, float)
        placed[1, 2] -= top
        rgb[rows], alpha[rows] = _strip(part, placed, inner, soft, agree, scale)
    return rgb, _without_crumbs(alpha, warped)


def _without_crumbs(alpha: np.ndarray, warped: Warped) -> np.ndarray:
    """The opacity without what hangs together neither with the person nor with a moved part.

    Where hands, feet and their limbs are the photo's, the rims of the generator's own stay over.
    """
    shrink = min(1.0, _CRUMBS_PX / max(alpha.shape))
    size = tuple(max(1, round(v * shrink)) for v in alpha.shape[::-1])
    small = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)
    own = cv2.resize(warped.alpha, size, interpolation=cv2.INTER_AREA)
    count, pieces, stats, _ = cv2.connectedComponentsWithStats((small > 24).astype(np.uint8))
    if count <= 2:
        return alpha
    area = stats[1:, cv2.CC_STAT_AREA]
    moved = np.bincount(pieces[own > 128], minlength=count)[1:]
    kept = np.concatenate([[False], (area > _LARGE * area.max()) | (moved > _CRUMB * area)])
    crumbs = np.where(kept[pieces] | (pieces == 0), 0, 255).astype(np.uint8)
    crumbs = cv2.dilate(crumbs, np.ones((3, 3), np.uint8), iterations=2)
    crumbs[(own > 8) | kept[pieces]] = 0
    crumbs = cv2.resize(crumbs, alpha.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.multiply(alpha, cv2.bitwise_not(crumbs), scale=1.0 / 255.0))


def _strip(
    warped: Warped,
    to_photo: np.ndarray,
    inner: np.ndarray,
    mask: np.ndarray,
    agree: np.ndarray,
    scale: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Some rows of the result: what the generator shows, and the warp where the two agree."""
    size = warped.alpha.shape[1], warped.alpha.shape[0]

    def large(picture: np.ndarray, how: int, border: int = cv2.BORDER_REPLICATE) -> np.ndarray:
        values = picture.astype(np.float32)
        return np.asarray(cv2.warpAffine(values, to_photo, size, flags=how, borderMode=border))

    frame = large(np.ones(mask.shape), cv2.INTER_LINEAR, cv2.BORDER_CONSTANT)
    cover = np.clip(large(mask, cv2.INTER_CUBIC), 0.0, 1.0)
    own = warped.alpha.astype(np.float32) * np.float32(1.0 / 255.0)
    whole = np.clip(large(agree, cv2.INTER_LINEAR), 0.0, 1.0)
    whole *= warped.trust.astype(np.float32) * np.float32(1.0 / 255.0)
    whole = smooth((whole - _DECIDED[0]) / (_DECIDED[1] - _DECIDED[0])).astype(np.float32)
    sure = warped.sure.astype(np.float32) * np.float32(1.0 / 255.0)
    np.maximum(whole, sure, out=whole)
    # An outline: sharp as the photo's where the warp is believed, else as the mask suggests.
    alpha = _steepened(cover, max(_EDGE_PX, scale * _EDGE_SHARE), scale)
    edge = np.minimum(2.0 * whole, 1.0)
    alpha += edge * (own - alpha)
    alpha[(cover < 0.04) & (sure == 0.0)] = 0.0  # what the generator leaves empty stays empty
    alpha += (1.0 - frame) * (own - alpha)  # beyond its picture nobody else knows
    whole += (1.0 - frame) * (1.0 - whole)
    rgb = large(inner, cv2.INTER_CUBIC)
    rgb += whole[..., None] * (warped.rgb - rgb)
    return (
        np.rint(np.clip(rgb, 0.0, 255.0)).astype(np.uint8),
        np.rint(np.clip(alpha, 0.0, 1.0) * 255.0).astype(np.uint8),
    )


def _carried_out(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """(h, w, 3) float32: colours of the person's inside, also beyond its outline."""
    inside = np.clip(2.5 * mask - 1.4, 0.0, 1.0)[..., None]
    colour = image.astype(np.float32)
    out, known = colour * inside, inside.copy()
    for sigma in (1.0, 2.0, 4.0, 8.0):
        blurred = cv2.GaussianBlur(colour * inside, (0, 0), sigma)
        weight = cv2.GaussianBlur(inside, (0, 0), sigma)[..., None]
        free = (1.0 - known) * np.clip(20.0 * weight, 0.0, 1.0)
        out += free * blurred / np.maximum(weight, 1e-4)
        known += free
    return np.asarray(out + (1.0 - known) * colour, np.float32)


def _in_its_light(inner: np.ndarray, shades: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The generator's picture with the photo's light and hue.

    What it learnt from has no dusk, no black and white and no faded prints, and it paints clothes
    a little paler than they are. Where the warp is believed and means the same, it tells by how
    much; that is added in a wide neighbourhood, also to what the photo does not show.

    Args:
        inner, shades: (h, w, 3) float32, generator and warp.
        weight: (h, w) float32 in 0-1, how far the warp is believed.
    """
    sigma = _LIGHT * inner.shape[0]
    off = shades - cv2.GaussianBlur(inner, (0, 0), _SHADES_PX)
    weight = weight * np.exp(-((np.abs(off).max(-1) / _OTHER) ** 2))
    share = cv2.GaussianBlur(weight, (0, 0), sigma)[..., None]
    change = cv2.GaussianBlur(off * weight[..., None], (0, 0), sigma) / np.maximum(share, 1e-4)
    sure = share / (share + _FEW)
    return np.asarray(np.clip(inner + sure * change, 0.0, 255.0), np.float32)


def _shrunk(
    rgb: np.ndarray, alpha: np.ndarray, back: np.ndarray, size: tuple[int, int], scale: float
) -> tuple[np.ndarray, np.ndarray]:
    """The warp at the generator's size: (h, w, 3) float32 shades and (h, w) float32 cover."""
    shown = cv2.multiply(rgb, cv2.merge([alpha] * 3), scale=1.0 / 255.0)
    picture = cv2.merge([*cv2.split(shown), alpha])
    while scale >= 2.0:  # halves first, so that a blur of a few pixels is enough
        wide = picture.shape[1] // 2 * 2, picture.shape[0] // 2 * 2
        picture = cv2.resize(
            picture[: wide[1], : wide[0]],
            (wide[0] // 2, wide[1] // 2),
            interpolation=cv2.INTER_AREA,
        )
        back = back @ np.array([[2.0, 0.0, 0.5], [0.0, 2.0, 0.5], [0.0, 0.0, 1.0]])
        scale /= 2.0
    values = picture.astype(np.float32) / np.array([1.0, 1.0, 1.0, 255.0], np.float32)
    picture = cv2.GaussianBlur(values, (0, 0), max(_SHADES_PX * scale, 0.5))
    small = cv2.warpAffine(picture, back, size, flags=cv2.INTER_LINEAR)
    cover = small[..., 3]
    return np.asarray(small[..., :3] / np.maximum(cover[..., None], 1e-3)), np.asarray(cover)


def _steepened(alpha: np.ndarray, width_px: float, scale: float) -> np.ndarray:
    """An enlarged mask with an outline of `width_px` where it had one of a generator's pixel."""
    factor = max(1.6 * scale / max(width_px, 1e-6), 1.0)
    return np.asarray(np.clip((alpha - 0.5) * factor + 0.5, 0.0, 1.0))


def still(
    warper: Warper, keypoints: np.ndarray, window: tuple[int, int, int, int]
) -> np.ndarray | None:
    """Where a window of the photo stays as it is: away from all parts that moved.

    Returns:
        (h, w) uint8, 255 there, with a soft edge; None where every part moved.
    """
    before, after = warper.keypoints, np.asarray(keypoints, float)
    trunk = [0, 1, 2, 3, 4, 5, 6, 11, 12]
    groups = {"trunk": trunk, **{name: list(limb.joints) for name, limb in LIMBS.items()}}
    groups["skirt"] = [*range(11, 17)]
    moved = {name for name, joints in groups.items() if not unmoved(before[joints], after[joints])}
    if not set(warper.layers) - moved:
        return None
    x0, y0, x1, y1 = window
    shift = np.array([[1.0, 0.0, -x0], [0.0, 1.0, -y0]])
    touched = np.zeros((y1 - y0, x1 - x0), np.uint8)
    for pose in (before, after):
        touched = np.maximum(touched, warper.cover(pose, touched.shape, shift, moved))
    rim = max(2, round(_STILL_RIM * warper.figure.unit))
    far = cv2.distanceTransform((touched <= 8).astype(np.uint8), cv2.DIST_L2, 3)
    return np.asarray(np.clip((far - rim) * (255.0 / rim), 0.0, 255.0), np.uint8)


def _over(below: np.ndarray, rgb: np.ndarray, alpha: np.ndarray) -> None:
    """Lay a picture over another one, in place."""
    share = cv2.merge([alpha] * 3)
    mixed = cv2.add(
        cv2.multiply(below, cv2.bitwise_not(share), scale=1.0 / 255.0),
        cv2.multiply(rgb, share, scale=1.0 / 255.0),
    )
    below[:] = mixed
