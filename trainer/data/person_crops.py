"""Square crops of people for the pose estimator: placed, turned, mirrored, coloured. Torch-free.

Batch k of a seed is always the same, whatever was drawn before, so a resumed run goes on exactly.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from trainer.data.photos import ABSENT, HIDDEN, MIRRORED, PersonPhotos

BOX_TO_CROP = 1.2
"""Side of a crop over the longer side of the box; joints near the border keep some context."""

_MOST_PX = 16_000
_RIM_PX = 2.0  # of the result, around what is seen of a picture


@dataclass(frozen=True)
class Augmentation:
    """How far crops are moved; (0, ...) for none.

    Attributes:
        turn_deg: deviation of the rotation, cut at twice of it; a fifth of the crops stays upright.
        zoom: deviation of the logarithm of the scale.
        shift: deviation of the middle in shares of the side.
        mirror: share of mirrored crops.
        half_body: share of crops cut to the upper or lower body.
        colour: strength of colour, blur, noise and JPEG changes, 0 to 1.
        cut_out: share of crops with a part covered.
        new_background: share of masked crops whose background is exchanged.
    """

    turn_deg: float = 25.0
    zoom: float = 0.18
    shift: float = 0.06
    mirror: float = 0.5
    half_body: float = 0.1
    colour: float = 0.7
    cut_out: float = 0.3
    new_background: float = 0.25


STILL = Augmentation(0, 0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True)
class Batch:
    """Crops with what is known of them.

    Attributes:
        images: (B,s,s,3) uint8 RGB.
        keypoints: (B,19,2) float32 px of the crop.
        states: (B,19) float32 as in `trainer.data.photos`; outside of the crop is ABSENT.
        noisy: (B,) bool.
        to_photo: (B,2,3) float32, crop px to photograph px.
    """

    images: np.ndarray
    keypoints: np.ndarray
    states: np.ndarray
    noisy: np.ndarray
    to_photo: np.ndarray


class CropBatches:
    """Batches from several sets in given shares.

    Args:
        sets: where people come from; shares: of each batch, in that order.
        side_px: of the crops; box_to_crop: their side over the longer one of the box.
    """

    def __init__(
        self,
        sets: list[PersonPhotos],
        shares: list[float],
        batch: int,
        side_px: int,
        seed: int,
        augmentation: Augmentation | None = None,
        box_to_crop: float = BOX_TO_CROP,
    ) -> None:
        self.sets = sets
        self.counts = _split(batch, shares)
        self.side_px = side_px
        self.seed = seed
        self.augmentation = augmentation or Augmentation()
        self.box_to_crop = box_to_crop

    def __call__(self, step: int) -> Batch:
        """The batch of a step."""
        rng = np.random.default_rng([self.seed, step])
        crops = []
        for people, count in zip(self.sets, self.counts, strict=True):
            rows = rng.integers(len(people), size=count)
            crops += [self._crop(people, int(row), rng) for row in rows]
        return stack(crops)

    def of(self, chosen: int, rows: np.ndarray) -> Batch:
        """The given people of one set, drawn from the seed's first step."""
        rng = np.random.default_rng([self.seed, 0])
        return stack([self._crop(self.sets[chosen], int(row), rng) for row in rows])

    def _crop(
        self, people: PersonPhotos, row: int, rng: np.random.Generator
    ) -> "tuple[np.ndarray, np.ndarray, bool, np.ndarray]":
        a = self.augmentation
        picture, points = people.picture(row), people.keypoints[row]
        if people.mask is not None and rng.random() < a.new_background:
            picture = self._other_background(people, row, picture, rng)
        box = people.boxes[row]
        if rng.random() < a.half_body:
            box = _half(points, box, rng)
        matrix = placement(
            box,
            self.side_px,
            turn_deg=0.0 if rng.random() < 0.2 else _normal(rng, a.turn_deg),
            zoom=float(np.exp(_normal(rng, a.zoom))),
            shift=tuple(rng.normal(0, a.shift, 2)),
            mirror=bool(rng.random() < a.mirror),
            box_to_crop=self.box_to_crop,
        )
        border = int(rng.integers(3)) if a != STILL else 0
        image, points = cut(picture, points, matrix, self.side_px, border)
        if a.cut_out and rng.random() < a.cut_out:
            image = _covered(image, rng)
        if a.colour:
            image = recoloured(image, rng, a.colour)
        return image, points, people.noisy, matrix

    def _other_background(
        self, people: PersonPhotos, row: int, picture: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        assert people.mask is not None
        source = self.sets[int(rng.integers(len(self.sets)))]
        other = source.picture(int(rng.integers(len(source))))
        height, width = picture.shape[:2]
        other = cv2.resize(other, (width, height), interpolation=cv2.INTER_LINEAR)
        if rng.random() < 0.5:  # whoever is in it should not look like the subject
            other = cv2.GaussianBlur(other[::-1], (0, 0), float(rng.uniform(1, 5)))
        cover = people.mask(row)[..., None].astype(np.float32) / 255.0
        return (picture * cover + other * (1.0 - cover)).astype(np.uint8)


def placement(
    box: np.ndarray,
    side_px: int,
    *,
    turn_deg: float = 0.0,
    zoom: float = 1.0,
    shift: tuple[float, ...] = (0.0, 0.0),
    mirror: bool = False,
    box_to_crop: float = BOX_TO_CROP,
) -> np.ndarray:
    """The affine map from photograph to crop, (2,3) float64; `box` is x, y, width, height px."""
    x, y, width, height = (float(v) for v in box)
    reach = max(width, height, 2.0) * box_to_crop / zoom
    scale = side_px / reach
    angle = np.deg2rad(turn_deg)
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    linear = np.array([[cosine, -sine], [sine, cosine]])
    if mirror:
        linear[0] = -linear[0]
    middle = np.array([x + width / 2, y + height / 2]) + np.asarray(shift) * reach
    offset = (side_px - 1) / 2 - linear @ middle
    return np.concatenate([linear, offset[:, None]], axis=1)


def cut(
    picture: np.ndarray, points: np.ndarray, matrix: np.ndarray, side_px: int, border: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Apply a placement.

    Args:
        points: (19,3) x, y px and state.
        border: what lies outside of the photograph: 0 grey, 1 its edge repeated, 2 mirrored.
    Returns:
        (s,s,3) uint8 and (19,3) float32 in the crop, names exchanged if it is mirrored.
    """
    modes = (cv2.BORDER_CONSTANT, cv2.BORDER_REPLICATE, cv2.BORDER_REFLECT_101)
    image = warped(picture, matrix, (side_px, side_px), modes[border], 128)
    moved = points.copy()
    moved[:, :2] = points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    if np.linalg.det(matrix[:, :2]) < 0:
        moved = moved[list(MIRRORED)]
    inside = ((moved[:, :2] >= -0.5) & (moved[:, :2] <= side_px - 0.5)).all(1)
    moved[(moved[:, 2] >= HIDDEN) & ~inside, 2] = ABSENT
    return image, moved.astype(np.float32)


def warped(
    picture: np.ndarray,
    matrix: np.ndarray,
    size: tuple[int, int],
    mode: int = cv2.BORDER_CONSTANT,
    grey: int = 0,
) -> np.ndarray:
    """Apply an affine map, without flicker where it shrinks and whatever the picture's size.

    Args:
        picture: (h,w,3) uint8; matrix: (2,3), from its px to those of the result.
        size: (width, height) px of the result.
        mode: of cv2, what lies outside of the picture; grey: its value for BORDER_CONSTANT.
    """
    linear, offset = matrix[:, :2], matrix[:, 2]
    scale = float(np.sqrt(abs(np.linalg.det(linear))))
    # Only what is seen is made smaller; and cv2 warps no picture of more than 32,767 px.
    if scale < 0.5 or max(picture.shape[:2]) > _MOST_PX:
        corners = np.array([[-1, -1], [size[0], -1], [-1, size[1]], [size[0], size[1]]], float)
        seen = (corners - offset) @ np.linalg.inv(linear).T
        width, height = picture.shape[1], picture.shape[0]
        rim = 2.0 + _RIM_PX / scale
        x0, y0 = np.clip(np.floor(seen.min(0) - rim), 0, [width - 1, height - 1]).astype(int)
        x1, y1 = np.clip(np.ceil(seen.max(0) + rim), [x0 + 1, y0 + 1], [width, height]).astype(int)
        picture = picture[y0:y1, x0:x1]
        offset = offset + linear @ np.array([x0, y0])
    if scale < 0.5:  # shrink by areas first, or thin limbs flicker
        small = [max(1, round(2 * scale * n)) for n in (picture.shape[1], picture.shape[0])]
        back = np.array([picture.shape[1] / small[0], picture.shape[0] / small[1]])
        picture = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
        offset = offset + linear @ ((back - 1) / 2)
        linear = linear * back
    warp = np.concatenate([linear, offset[:, None]], axis=1)
    return np.asarray(
        cv2.warpAffine(
            picture, warp, size, flags=cv2.INTER_LINEAR, borderMode=mode, borderValue=(grey,) * 3
        )
    )


def stack(crops: list[tuple[np.ndarray, np.ndarray, bool, np.ndarray]]) -> Batch:
    """Join (image, points, noisy, matrix) crops."""
    images, points, noisy, matrices = zip(*crops, strict=True)
    back = [cv2.invertAffineTransform(m) for m in matrices]
    joined = np.stack(points)
    return Batch(
        images=np.stack(images),
        keypoints=joined[..., :2],
        states=joined[..., 2],
        noisy=np.array(noisy),
        to_photo=np.stack(back).astype(np.float32),
    )


def _normal(rng: np.random.Generator, deviation: float) -> float:
    return float(np.clip(rng.normal(0, deviation), -2 * deviation, 2 * deviation))


def _split(batch: int, shares: list[float]) -> list[int]:
    exact = np.asarray(shares, float) / sum(shares) * batch
    counts = np.floor(exact).astype(int)
    for place in np.argsort(counts - exact)[: batch - counts.sum()]:
        counts[place] += 1
    return [int(c) for c in counts]


_UPPER = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 17, 18]
_LOWER = [11, 12, 13, 14, 15, 16]


def _half(points: np.ndarray, box: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    chosen = points[_UPPER if rng.random() < 0.6 else _LOWER]
    chosen = chosen[chosen[:, 2] >= HIDDEN, :2]
    if len(chosen) < 4:
        return box
    low, high = chosen.min(0), chosen.max(0)
    size = np.maximum(high - low, 0.25 * box[2:]) * 1.25
    return np.concatenate([(low + high) / 2 - size / 2, size]).astype(np.float32)


def _covered(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    side = image.shape[0]
    width, height = (rng.uniform(0.08, 0.3, 2) * side).astype(int)
    x, y = int(rng.integers(side - width)), int(rng.integers(side - height))
    image = image.copy()
    if rng.random() < 0.5:
        image[y : y + height, x : x + width] = rng.integers(0, 256, 3, dtype=np.uint8)
    else:  # a piece of the picture itself is harder to tell from a body
        sx, sy = int(rng.integers(side - width)), int(rng.integers(side - height))
        image[y : y + height, x : x + width] = image[sy : sy + height, sx : sx + width].copy()
    return image


def recoloured(image: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Other gamma, contrast, white balance, and sometimes grey, blur, noise or JPEG blocks."""
    table = np.arange(256, dtype=np.float32)[:, None] / 255.0
    gamma = np.exp(rng.normal(0, 0.25 * strength))
    contrast = np.exp(rng.normal(0, 0.2 * strength))
    gains = np.exp(rng.normal(0, 0.08 * strength, 3)) * np.exp(rng.normal(0, 0.15 * strength))
    table = (table**gamma - 0.5) * contrast + 0.5
    table = np.clip(table * gains * 255.0, 0, 255).astype(np.uint8)
    image = cv2.LUT(image, table[None])
    draw = rng.random(4)
    if draw[0] < 0.15 * strength:
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        image = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
    if draw[1] < 0.15 * strength:
        image = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 1.4)))
    if draw[2] < 0.15 * strength:
        noise = rng.normal(0, rng.uniform(3, 14), image.shape)
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    if draw[3] < 0.15 * strength:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 75))]
        encoded = cv2.imencode(".jpg", image, quality)[1]
        image = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR))
    return image
