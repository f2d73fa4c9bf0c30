"""Scenes for the person finder: one person or many, near and far, or nobody. Torch-free.

Batch k of a seed is always the same, whatever was drawn before, so a resumed run goes on exactly.

Nothing but people may tell where people are. So pictures are not only put whole into a scene:
scenes are also tiled with pictures that have no rim, and parts without people are pasted as well.
"""

import itertools
from dataclasses import dataclass, replace

import cv2
import numpy as np

from trainer.data import boxes as box_tools
from trainer.data.boxes import GREY
from trainer.data.finder_sources import Pictures
from trainer.data.person_crops import recoloured

STRIDE = 8
_SEEN = 0.35  # share of a box that must be within the scene; less is neither person nor nobody
_SMALLEST_PX = 9.0  # higher people are asked for
_RADIUS = 0.54  # of a middle's spot, of half the box (TTFNet)
_TAUGHT = 0.5  # heat of the cells that are taught the box


@dataclass(frozen=True)
class SceneKinds:
    """How often a scene is which: one picture, a tiling of four, people pasted, nobody at all."""

    single: float = 0.35
    tiled: float = 0.35
    pasted: float = 0.2
    empty: float = 0.1


@dataclass(frozen=True)
class Scene:
    """A square picture and its people.

    Attributes:
        image: (s,s,3) uint8 RGB.
        boxes: (n,4) float32 px.
        trust: (s/8,s/8) float32, how far it is believed that nobody else is in a cell.
    """

    image: np.ndarray
    boxes: np.ndarray
    trust: np.ndarray


@dataclass(frozen=True)
class SceneBatch:
    """What a step learns from.

    Attributes:
        images: (B,s,s,3) uint8 RGB.
        heat: (B,h,w) float32, 1 in the cells of middles, h = s/8.
        boxes: (B,4,h,w) float32 px, what the cells near a middle shall say.
        weight: (B,h,w) float32 of these cells; 0 elsewhere.
        trust: (B,h,w) float32, see `Scene`.
    """

    images: np.ndarray
    heat: np.ndarray
    boxes: np.ndarray
    weight: np.ndarray
    trust: np.ndarray


class SceneBatches:
    """Scenes from several sets in given shares.

    Args:
        sets: where people come from; shares: how often each is asked.
        nobody: pictures without people, for backgrounds.
        side_px: of the scenes.
        colour: strength of colour, blur, noise and JPEG changes, 0 to 1.
    """

    def __init__(
        self,
        sets: list[Pictures],
        shares: list[float],
        nobody: list[np.ndarray],
        batch: int,
        side_px: int,
        seed: int,
        kinds: SceneKinds | None = None,
        colour: float = 0.7,
    ) -> None:
        self.sets = sets
        self.shares = np.asarray(shares, float) / sum(shares)
        self.nobody = nobody
        self.batch = batch
        self.side_px = side_px
        self.seed = seed
        kinds = kinds or SceneKinds()
        weights = np.array([kinds.single, kinds.tiled, kinds.pasted, kinds.empty])
        self._kinds = np.cumsum(weights / weights.sum())
        self.colour = colour

    def __call__(self, step: int) -> SceneBatch:
        """The batch of a step."""
        rng = np.random.default_rng([self.seed, step])
        return stack([self.scene(rng) for _ in range(self.batch)])

    def scene(self, rng: np.random.Generator) -> Scene:
        """Draw one scene."""
        kind = int(np.searchsorted(self._kinds, rng.random(), side="right"))
        canvas = _Canvas(self.side_px)
        whole = (0, 0, self.side_px, self.side_px)
        if kind == 0:
            if rng.random() < 0.3:
                self._fill(canvas, whole, rng)
            self._put_picture(canvas, whole, float(np.exp(rng.uniform(-1.5, 0.45))), rng)
        elif kind == 1:
            self._tile(canvas, rng)
        else:
            self._fill(canvas, whole, rng)
            if kind == 2:
                self._paste(canvas, rng)
        scene = canvas.scene()
        image = scene.image
        if rng.random() < 0.5:
            image = image[:, ::-1]
            mirrored = scene.boxes.copy()
            mirrored[:, 0] = self.side_px - mirrored[:, 0] - mirrored[:, 2]
            scene = replace(scene, boxes=mirrored, trust=scene.trust[:, ::-1])
        image = recoloured(image, rng, self.colour) if self.colour else image
        return replace(scene, image=np.ascontiguousarray(image))

    def _drawn(self, rng: np.random.Generator) -> tuple[Pictures, int]:
        pictures = self.sets[int(rng.choice(len(self.sets), p=self.shares))]
        return pictures, int(rng.integers(len(pictures)))

    def _fill(
        self, canvas: "_Canvas", cell: tuple[int, int, int, int], rng: np.random.Generator
    ) -> None:
        """Cover a cell with a part of a picture without people."""
        picture = self.nobody[int(rng.integers(len(self.nobody)))]
        x0, y0, x1, y1 = cell
        h, w = picture.shape[:2]
        scale = max((x1 - x0) / w, (y1 - y0) / h) * float(rng.uniform(1.0, 1.8))
        spare = np.array([w * scale - (x1 - x0), h * scale - (y1 - y0)])
        at = np.array([x0, y0]) - rng.uniform(0, 1, 2) * np.maximum(spare, 0)
        canvas.put(picture, cell, scale, at)
        canvas.forget(cell)

    def _put_picture(
        self,
        canvas: "_Canvas",
        cell: tuple[int, int, int, int],
        zoom: float,
        rng: np.random.Generator,
    ) -> None:
        """Put a picture of people into a cell, `zoom` times as large as it would just fit."""
        pictures, row = self._drawn(rng)
        picture = pictures.picture(row)
        x0, y0, x1, y1 = cell
        h, w = picture.shape[:2]
        scale = zoom * min((x1 - x0) / w, (y1 - y0) / h)
        spare = np.array([x1 - x0 - w * scale, y1 - y0 - h * scale])
        at = np.array([x0, y0]) + rng.uniform(0, 1, 2) * spare
        canvas.put(picture, cell, scale, at)
        canvas.add(pictures, row, (h, w), cell, scale, at)

    def _tile(self, canvas: "_Canvas", rng: np.random.Generator) -> None:
        side = self.side_px
        xs = [0, int(rng.uniform(0.25, 0.75) * side), side]
        ys = [0, int(rng.uniform(0.25, 0.75) * side), side]
        if rng.random() < 0.25:
            xs.pop(1)
        elif rng.random() < 0.25:
            ys.pop(1)
        for y0, y1 in itertools.pairwise(ys):
            for x0, x1 in itertools.pairwise(xs):
                self._fill(canvas, (x0, y0, x1, y1), rng)
                if rng.random() < 0.8:
                    zoom = float(np.exp(rng.uniform(-0.5, 0.6)))
                    self._put_picture(canvas, (x0, y0, x1, y1), zoom, rng)

    def _paste(self, canvas: "_Canvas", rng: np.random.Generator) -> None:
        """Put people and, so that edges tell nothing, parts without people before a background."""
        side = self.side_px
        for _ in range(int(rng.integers(1, 7))):
            height = side * float(np.exp(rng.uniform(np.log(0.1), np.log(0.9))))
            middle = rng.uniform(0.05, 0.95, 2) * side
            if rng.random() < 0.3:
                part = self.nobody[int(rng.integers(len(self.nobody)))]
                h = min(part.shape[:2])
                w = max(8, int(h * rng.uniform(0.35, 1.0)))
                x = int(rng.integers(part.shape[1] - w + 1))
                y = int(rng.integers(part.shape[0] - h + 1))
                part, box, cover = part[y : y + h, x : x + w], None, None
            else:
                pictures, row = self._drawn(rng)
                part, box = pictures.picture(row), pictures.boxes[row]
                if len(box) == 0:
                    continue
                chosen = 0 if pictures.mask is not None else int(rng.integers(len(box)))
                cover = pictures.mask(row) if pictures.mask is not None else None
                box = box[chosen]
                if min(box[2:]) < 4:
                    continue
                part, box, cover = _around(part, box, cover)
            h, w = part.shape[:2]
            scale = height / (box[3] if box is not None else h)
            at = middle - np.array([w, h]) * scale / 2
            canvas.paste(part, cover, scale, at, box, soft=bool(rng.random() < 0.6))


class _Canvas:
    """A scene that is being put together."""

    def __init__(self, side: int) -> None:
        self.side = side
        self.image = np.full((side, side, 3), GREY, np.uint8)
        self.trust = np.ones((side // STRIDE, side // STRIDE), np.float32)
        self.boxes = np.zeros((0, 4), np.float32)
        self.unclear = np.zeros((0, 4), np.float32)

    def put(
        self,
        picture: np.ndarray,
        cell: tuple[int, int, int, int],
        scale: float,
        at: np.ndarray,
    ) -> None:
        """Draw a picture with its corner at `at` px, within a cell."""
        x0, y0, x1, y1 = cell
        own = self.image[y0:y1, x0:x1]
        drawn = _warp(picture, scale, at - [x0, y0], (x1 - x0, y1 - y0))
        inside = _warp(
            np.full(picture.shape[:2], 255, np.uint8), scale, at - [x0, y0], (x1 - x0, y1 - y0)
        )
        own[inside >= 128] = drawn[inside >= 128]

    def forget(self, cell: tuple[int, int, int, int]) -> None:
        """Everything within a cell was painted over."""
        self.trust[_cells(cell)] = 1.0

    def add(
        self,
        pictures: Pictures,
        row: int,
        size: tuple[int, int],
        cell: tuple[int, int, int, int],
        scale: float,
        at: np.ndarray,
    ) -> None:
        """Note the people of a picture that was put there."""
        x0, y0, x1, y1 = cell
        low = np.maximum(at, [x0, y0])
        high = np.minimum(at + np.array(size[::-1]) * scale, [x1, y1])
        self.trust[_cells((*low.astype(int), *np.ceil(high).astype(int)))] = pictures.trust
        limits = np.array([x0, y0, x1, y1], float)
        for box, clear in _tagged(pictures.boxes[row], pictures.unclear[row]):
            moved = np.concatenate([box[:2] * scale + at, box[2:] * scale])
            self._note(moved, limits, clear)

    def paste(
        self,
        part: np.ndarray,
        cover: np.ndarray | None,
        scale: float,
        at: np.ndarray,
        box: np.ndarray | None,
        soft: bool,
    ) -> None:
        """Draw a part of a picture over what is there, through its mask or with a faded rim."""
        if cover is None:
            cover = np.full(part.shape[:2], 255, np.uint8)
            if soft:
                rim = max(1, min(part.shape[:2]) // 12)
                cover[:rim] = cover[-rim:] = 0
                cover[:, :rim] = cover[:, -rim:] = 0
                cover = cv2.blur(cover, (2 * rim + 1, 2 * rim + 1))
        size = (self.side, self.side)
        share = _warp(cover, scale, at, size)[..., None].astype(np.float32) / 255.0
        drawn = _warp(part, scale, at, size)
        self.image = (drawn * share + self.image * (1.0 - share) + 0.5).astype(np.uint8)
        rectangle = np.array([*at, part.shape[1] * scale, part.shape[0] * scale], np.float32)
        mine = np.concatenate([box[:2] * scale + at, box[2:] * scale]) if box is not None else None
        front = (mine if mine is not None else rectangle).astype(np.float32)[None]
        if len(self.boxes):  # who is covered for the most part is neither person nor nobody
            gone = box_tools.covered(self.boxes, front)[:, 0] > 1 - _SEEN
            self.unclear = np.concatenate([self.unclear, self.boxes[gone]])
            self.boxes = self.boxes[~gone]
        if mine is not None:
            self._note(mine, np.array([0, 0, self.side, self.side], float), True)

    def _note(self, box: np.ndarray, limits: np.ndarray, clear: bool) -> None:
        low = np.maximum(box[:2], limits[:2])
        high = np.minimum(box[:2] + box[2:], limits[2:])
        size = high - low
        if (size <= 1).any():
            return
        seen = float(size.prod() / max(box[2] * box[3], 1e-6))
        kept = np.concatenate([low, size]).astype(np.float32)[None]
        if clear and seen >= _SEEN and max(size) >= _SMALLEST_PX:
            self.boxes = np.concatenate([self.boxes, kept])
        else:
            self.unclear = np.concatenate([self.unclear, kept])

    def scene(self) -> Scene:
        """The finished scene."""
        trust = self.trust.copy()
        for x, y, w, h in self.unclear:
            trust[_cells((int(x), int(y), int(np.ceil(x + w)), int(np.ceil(y + h))))] = 0.0
        for x, y, w, h in self.boxes:  # what is known of these is all in the heat
            cells = _cells((int(x), int(y), int(np.ceil(x + w)), int(np.ceil(y + h))))
            trust[cells] = np.maximum(trust[cells], 0.5)
        return Scene(self.image, self.boxes, trust)


def stack(scenes: list[Scene]) -> SceneBatch:
    """Join scenes and lay out what each cell shall say."""
    made = [targets(s.boxes, s.image.shape[0]) for s in scenes]
    heat, boxes, weight = (np.stack(column) for column in zip(*made, strict=True))
    return SceneBatch(
        np.stack([s.image for s in scenes]),
        heat,
        boxes,
        weight,
        np.stack([s.trust for s in scenes]),
    )


def targets(boxes: np.ndarray, side_px: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What a net shall say of a scene.

    Args:
        boxes: (n,4) px within the scene.
    Returns:
        heat (h,w), boxes (4,h,w) px and their weight (h,w), which sums to 1 a person.
    """
    cells = side_px // STRIDE
    heat = np.zeros((cells, cells), np.float32)
    told = np.zeros((4, cells, cells), np.float32)
    weight = np.zeros((cells, cells), np.float32)
    grid = np.arange(cells, dtype=np.float32)
    for box in boxes[np.argsort(-boxes[:, 2] * boxes[:, 3])]:  # small ones over large ones
        middle = np.clip((box[:2] + box[2:] / 2) / STRIDE, 0, cells - 1e-3).astype(int)
        spread = (2 * _RADIUS * box[2:] / STRIDE / 2 + 1) / 6
        spot = np.exp(-((grid - middle[1]) ** 2) / (2 * spread[1] ** 2))[:, None] * np.exp(
            -((grid - middle[0]) ** 2) / (2 * spread[0] ** 2)
        )
        heat = np.maximum(heat, spot)
        near = spot >= _TAUGHT
        told[:, near] = box[:, None]
        weight[near] = spot[near] / spot[near].sum()
        heat[middle[1], middle[0]] = 1.0
    return heat, told, weight


def _tagged(clear: np.ndarray, unclear: np.ndarray) -> list[tuple[np.ndarray, bool]]:
    return [(box, True) for box in clear] + [(box, False) for box in unclear]


def _cells(cell: tuple[int, ...]) -> tuple[slice, slice]:
    x0, y0, x1, y1 = (max(0, int(v)) for v in cell)
    return slice(y0 // STRIDE, -(-y1 // STRIDE)), slice(x0 // STRIDE, -(-x1 // STRIDE))


def _warp(picture: np.ndarray, scale: float, at: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A scaled picture with its corner at `at`, cut to `size` = width, height; 0 outside."""
    back = np.array([1.0, 1.0])
    if scale < 0.5:  # shrink by areas first, or thin limbs flicker
        h, w = picture.shape[:2]
        small = (max(1, round(2 * scale * w)), max(1, round(2 * scale * h)))
        picture = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
        back = np.array([w / small[0], h / small[1]])
    factor = scale * back
    shift = (
        np.asarray(at, float) + factor / 2 - 0.5
    )  # edges count from the rim, pixels from middles
    matrix = np.array([[factor[0], 0.0, shift[0]], [0.0, factor[1], shift[1]]])
    return cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR)


def _around(
    picture: np.ndarray, box: np.ndarray, cover: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """The part of a picture around a box, a little wider, with box and mask of that part."""
    height, width = picture.shape[:2]
    margin = 0.12 * box[2:]
    x0, y0 = np.maximum(np.floor(box[:2] - margin), 0).astype(int)
    x1, y1 = np.minimum(np.ceil(box[:2] + box[2:] + margin), [width, height]).astype(int)
    moved = box - np.array([x0, y0, 0, 0], box.dtype)
    part = picture[y0:y1, x0:x1]
    return part, moved, cover[y0:y1, x0:x1] if cover is not None else None
