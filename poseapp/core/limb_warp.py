"""The live preview: a person of a photo moved limb by limb into another pose, many times a second.

What can be done once for a photo is done when the `Warper` is made. A frame then costs a map on a
coarse grid, a `cv2.remap` and a blend for each of five layers.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace

import cv2
import numpy as np

from poseapp.core.body_parts import LIMBS, Figure, capsule, draw_limb, figure, polygon, unit_vector
from poseapp.core.errors import PoseError
from poseapp.core.limb_ends import draw_end, find_end
from poseapp.core.limb_layers import SKIRT, TRUNK, Layer, bones, take_apart
from poseapp.core.limb_maps import (
    Patch,
    growth,
    limb_map,
    patch,
    profile,
    skirt_map,
    smooth,
    trunk_map,
    turned_over,
)

_LEAST_LEVEL_PX = 8
_ARM_BONES, _LEG_BONES = (0.56, 0.48), (0.8, 0.8)  # trunk lengths
_SHORT, _LONG = 0.45, 0.65  # a bone seen shorter than that says too little of how it looks
_WIDER = 1.35  # what is beside a bone may be stretched
_PROFILE = 0.06  # trunk lengths that the nose points aside in a view from the side
_TURNED_HEAD = 0.4  # trunk lengths that the nose moves aside in a head of another direction
_BESIDE_HEAD = 0.45  # trunk lengths around a head that belong to it
_END_SOFT = 0.015  # trunk lengths: softness of where hands and feet end
_SOFT_PX = 2.0  # of the copy on which wide blurs are done
_SOLID = 200  # opacity from which a part hides what lies behind it
_THICKER = 1.6  # times as thick as usual: what may be a limb that is made up
_OTHER_SIDE = 0.8  # trust in a limb that is shown mirrored, or by its twin
_TRUSTED_STRETCH = 1.4, 2.4  # a bone seen this much longer or shorter is trusted fully, not at all


@dataclass(frozen=True)
class Warped:
    """A person moved.

    Attributes:
        rgb: (H, W, 3) uint8, black where nobody is.
        alpha: (H, W) uint8.
        trust: (H, W) uint8: 255 where the photo's own pixels were moved without much stretching.
        sure: (H, W) uint8: 255 where it is this and nothing else, whatever else is known, also
            where nobody is: around a head, as no other face is this one and no second one shall
            look out from behind it, and around hands and feet.
    """

    rgb: np.ndarray
    alpha: np.ndarray
    trust: np.ndarray
    sure: np.ndarray

    def rows(self, rows: slice) -> Warped:
        """A strip of it."""
        return Warped(self.rgb[rows], self.alpha[rows], self.trust[rows], self.sure[rows])


class Warper:
    """Moves the person of one photo.

    Args:
        photo: (h, w, 3) uint8 RGB.
        mask: (h, w) uint8, how much of each pixel shows the person.
        keypoints: (17, 3) x, y px of the photo and visibility 0-2.
    Raises:
        PoseError: too few joints, or nobody in the mask.
    """

    def __init__(self, photo: np.ndarray, mask: np.ndarray, keypoints: np.ndarray) -> None:
        if photo.shape[:2] != mask.shape:
            raise PoseError("The mask of a person must have the size of the photo.")
        self.keypoints = np.array(keypoints, float)
        self.figure = figure(self.keypoints)
        self.size: tuple[int, int] = (int(mask.shape[0]), int(mask.shape[1]))
        self.layers = take_apart(photo, mask, self.figure)
        if TRUNK not in self.layers:
            raise PoseError("The mask shows nobody: mark the person in the photo again.")
        self._length = {name: _least_length(self.figure, name) for name in LIMBS}
        limbs = {name: layer for name, layer in self.layers.items() if name in LIMBS}
        ends = {
            name: find_end(name, layer, self.figure, self.size) for name, layer in limbs.items()
        }
        self._ends = {name: end for name, end in ends.items() if end is not None}
        self._levels = {name: [layer] for name, layer in self.layers.items()}

    def warp(
        self,
        keypoints: np.ndarray,
        out_size: tuple[int, int],
        transform: np.ndarray | None = None,
        depth: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """The person in another pose.

        Args:
            keypoints: (17, 3) x, y px of the photo and visibility; an absent joint leaves out
                what hangs on it, a hidden one lies behind the trunk.
            out_size: (height, width) px.
            transform: (2, 3) photo px to output px; the same if None.
            depth: (17,) how far away each joint is, any unit: says which limb is in front.
        Returns:
            rgb (H, W, 3) uint8, black where nobody is, and alpha (H, W) uint8.
        """
        canvas = self.premultiplied(keypoints, out_size, transform, depth)
        return _straight(canvas)

    def over(
        self,
        plate: np.ndarray,
        keypoints: np.ndarray,
        transform: np.ndarray | None = None,
        depth: np.ndarray | None = None,
    ) -> np.ndarray:
        """The person in another pose over a (H, W, 3) uint8 picture; arguments as for `warp`."""
        layers = self._placed(keypoints, transform, depth)
        out = np.array(plate)
        for item in layers:
            self._paint(item, out)
        return out

    def premultiplied(
        self,
        keypoints: np.ndarray,
        out_size: tuple[int, int],
        transform: np.ndarray | None = None,
        depth: np.ndarray | None = None,
    ) -> np.ndarray:
        """As `warp`, as (H, W, 4) uint8 with colours multiplied by their opacity."""
        canvas = np.zeros((*out_size, 4), np.uint8)
        for item in self._placed(keypoints, transform, depth):
            self._paint(item, canvas)
        return canvas

    def trusted(
        self,
        keypoints: np.ndarray,
        out_size: tuple[int, int],
        transform: np.ndarray | None = None,
        depth: np.ndarray | None = None,
    ) -> Warped:
        """As `warp`, with how far the result is to be believed; for the final picture."""
        canvas = np.zeros((*out_size, 4), np.uint8)
        trust = np.zeros(out_size, np.uint8)
        ends = np.zeros(out_size, np.uint8)
        placed = self._placed(keypoints, transform, depth)
        for item in placed:
            self._paint(item, canvas, trust)
            if item.shown in self._ends:
                draw_end(ends, item.name, self._ends[item.shown], item.target, item.gain, item.flip)
        target = figure(_transformed(keypoints, transform)[0])
        head = _head(target, out_size)
        sure = _head(target, out_size, _BESIDE_HEAD)
        if not self._looks_as_before(target):
            # Such a head cannot be made of this photo; half of it must not be.
            trust[:] = cv2.multiply(trust, cv2.bitwise_not(head), scale=1.0 / 255.0)
            sure[:] = 0
        soft = max(_END_SOFT * target.unit, 0.5)
        # A limb that the photo lacks is the generator's, also where a hand lies on it.
        lacking = _drawn_limbs(target, set(LIMBS) - {item.name for item in placed}, out_size)
        ends[(lacking > 0) & (cv2.extractChannel(canvas, 3) < _SOLID)] = 0
        sure = np.maximum(sure, _softened(ends, soft))
        return Warped(*_straight(canvas), trust, sure)

    def _looks_as_before(self, target: Figure) -> bool:
        """The head shows about the same side as in the photo."""
        before = self.figure
        if target.head is None or before.head is None or turned_over(before, target):
            return False
        if target.there[0] != before.there[0]:  # a face against the back of a head
            return False
        return abs(profile(target) - profile(before)) < _TURNED_HEAD

    def cover(
        self,
        keypoints: np.ndarray,
        out_size: tuple[int, int],
        transform: np.ndarray | None,
        parts: Collection[str],
    ) -> np.ndarray:
        """(H, W) uint8: where some of the layers would be, whatever lies before them."""
        canvas = np.zeros((*out_size, 4), np.uint8)
        for item in self._placed(keypoints, transform, None):
            if item.name in parts:
                self._paint(item, canvas)
        return np.asarray(cv2.extractChannel(canvas, 3))

    def _placed(
        self, keypoints: np.ndarray, transform: np.ndarray | None, depth: np.ndarray | None
    ) -> list[_Placed]:
        """The layers back to front, each with where it goes."""
        values, scale = _transformed(keypoints, transform)
        target = figure(values)
        gain = growth(self.figure, target, max(scale, 1e-6))
        order = [TRUNK, *(n for n in LIMBS if target.there[list(LIMBS[n].joints[:2])].all())]
        if SKIRT in self.layers and {"left_leg", "right_leg"} <= set(order):
            order.append(SKIRT)
        order.sort(key=lambda name: _place(name, target, depth))
        feet = self.figure, target
        flipped = profile(feet[0]) * profile(feet[1]) < -(_PROFILE**2)
        out = []
        for name in order:
            shown, flip = name, flipped and name in LIMBS
            if name in LIMBS and self._better_twin(name, target, gain):
                shown, flip = LIMBS[name].twin, not flip
            if shown in self.layers:
                out.append(_Placed(name, shown, -1.0 if flip else 1.0, target, gain))
        return out

    def _better_twin(self, name: str, target: Figure, gain: float) -> bool:
        """The other side's limb shows what this one does not, or what one sees from its end."""
        limb = LIMBS[name]
        if name not in self.layers or limb.twin not in self.layers:
            return name not in self.layers
        joints = list(limb.joints)
        moved = target.points[joints] - self.figure.points[joints] * gain
        if np.ptp(moved, axis=0).max() < 1.0:  # it stays as it is in the photo
            return False
        end, other = limb.joints[2], LIMBS[limb.twin].joints[2]
        if self.figure.seen[other] and not self.figure.seen[end]:
            return True
        return self._length[name] < _SHORT and self._length[limb.twin] > _LONG

    def _paint(self, item: _Placed, canvas: np.ndarray, trust: np.ndarray | None = None) -> None:
        """Draw one layer over (H, W, 3 or 4) uint8 `canvas`."""
        level = max(0, math.floor(math.log2(1.0 / item.gain))) if item.gain < 0.75 else 0
        layer, shrink = self._level(item.shown, level)
        nodes = self._patch(item, canvas.shape[:2])
        if nodes is None:
            return
        if item.name == TRUNK:
            places = trunk_map(nodes, self.figure, item.target, item.gain)
            stretch = self._trunk_stretch(item)
        elif item.name == SKIRT:
            places, stretch = self._skirt(item, nodes)
        else:
            places, stretch = self._limb(item, nodes)
        places = (places - np.array(self.layers[item.shown].offset) + 0.5) * shrink - 0.5
        maps = nodes.full(places)
        x, y, width, height = nodes.box
        piece = cv2.remap(layer.colour, maps, None, cv2.INTER_LINEAR)
        region = canvas[y : y + height, x : x + width]
        rest = cv2.bitwise_not(cv2.extractChannel(piece, 3))
        if canvas.shape[2] == 3:
            piece = cv2.cvtColor(piece, cv2.COLOR_BGRA2BGR)
        below = cv2.multiply(region, cv2.merge([rest] * canvas.shape[2]), scale=1.0 / 255.0)
        cv2.add(below, piece, dst=below)
        region[:] = below
        if trust is not None:
            real = cv2.remap(layer.real, maps, None, cv2.INTER_LINEAR)
            believed = cv2.multiply(real, cv2.bitwise_not(rest), scale=stretch / 255.0)
            part = trust[y : y + height, x : x + width]
            part[:] = cv2.add(cv2.multiply(part, rest, scale=1.0 / 255.0), believed)

    def _limb(self, item: _Placed, nodes: Patch) -> tuple[np.ndarray, float]:
        here, there = LIMBS[item.name], LIMBS[item.shown]
        count = 3 if self.figure.there[there.joints[2]] else 2
        count = min(count, 3 if item.target.there[here.joints[2]] else 2)
        source = self.figure.points[list(there.joints[:count])]
        target = item.target.points[list(here.joints[:count])]
        radius = here.radii[1] * self.figure.unit * item.gain
        places = limb_map(nodes, source, target, item.gain, radius, item.flip)
        ratios = [
            float(np.hypot(*(target[i + 1] - target[i])))
            / max(float(np.hypot(*(source[i + 1] - source[i]))) * item.gain, 1e-6)
            for i in range(count - 1)
        ]
        trust = min(_trust(ratio) for ratio in ratios)
        return places, trust * (1.0 if item.flip > 0 and item.shown == item.name else _OTHER_SIDE)

    def _skirt(self, item: _Placed, nodes: Patch) -> tuple[np.ndarray, float]:
        trunk = trunk_map(nodes, self.figure, item.target, item.gain)
        sides = [replace(item, name=name, shown=name) for name in ("left_leg", "right_leg")]
        legs = [self._limb(side, nodes) for side in sides]
        lines = [
            np.array([*bones(s.name, item.target)[0], bones(s.name, item.target)[-1][1]])
            for s in sides
        ]
        places = skirt_map(
            nodes, trunk, (legs[0][0], legs[1][0]), (lines[0], lines[1]), item.target
        )
        return places, min(legs[0][1], legs[1][1])

    def _trunk_stretch(self, item: _Placed) -> float:
        one, other = self.figure, item.target
        ratio = math.hypot(*(other.neck - other.pelvis)) / max(
            math.hypot(*(one.neck - one.pelvis)) * item.gain, 1e-6
        )
        return _trust(ratio) * (0.4 if turned_over(one, other) else 1.0)

    def _patch(self, item: _Placed, size: tuple[int, int]) -> Patch | None:
        pairs = bones(item.name, item.target)
        if not pairs:
            return None
        ends = np.concatenate([np.stack(pair) for pair in pairs])
        reach = self.layers[item.shown].reach * item.gain * _WIDER
        step = int(np.clip(item.gain * self.figure.unit / 30.0, 2, 16))
        return patch(ends.min(0) - reach, ends.max(0) + reach, size, step)

    def _level(self, name: str, level: int) -> tuple[Layer, float]:
        """A layer at half the size `level` times, so that a small preview does not flicker."""
        levels = self._levels[name]
        while len(levels) <= level:
            last = levels[-1]
            height, width = last.colour.shape[:2]
            if min(height, width) < 2 * _LEAST_LEVEL_PX:
                break
            size = (width // 2, height // 2)
            # Cut to an even size first: a pixel of the half is the mean of exactly four.
            colour = last.colour[: size[1] * 2, : size[0] * 2]
            real = last.real[: size[1] * 2, : size[0] * 2]
            halves = [cv2.resize(v, size, interpolation=cv2.INTER_AREA) for v in (colour, real)]
            levels.append(Layer(name, halves[0], halves[1], last.offset, last.reach))
        found = min(level, len(levels) - 1)
        return levels[found], 0.5**found


@dataclass(frozen=True)
class _Placed:
    """A layer on its way: whose place it takes, what it shows, mirrored or not."""

    name: str
    shown: str
    flip: float
    target: Figure
    gain: float


def _drawn_limbs(target: Figure, names: Collection[str], size: tuple[int, int]) -> np.ndarray:
    """(H, W) uint8: where some limbs may be, with a skirt between legs."""
    out = np.zeros(size, np.uint8)
    for name in names:
        draw_limb(out, target, LIMBS[name], _THICKER)
    legs = [j for n in names if n.endswith("leg") for j in LIMBS[n].joints if target.there[j]]
    if len(legs) > 2:
        polygon(out, target.points[legs])
    return out


def _head(target: Figure, size: tuple[int, int], radius: float = 0.3) -> np.ndarray:
    """(H, W) uint8, soft: where the head is, with its hair; `radius` in trunk lengths."""
    head = np.zeros(size, np.uint8)
    if target.head is None:
        return head
    up = unit_vector(target.head - target.neck, (0.0, -1.0)) * target.unit
    capsule(head, target.head + 0.02 * up, target.head + 0.25 * up, radius * target.unit)
    return _softened(head, max(0.03 * target.unit, 0.5))


def _softened(mask: np.ndarray, sigma: float) -> np.ndarray:
    """A blurred (H, W) uint8 mask; a wide blur is done on a small copy, where it costs little."""
    if sigma < 2.0 * _SOFT_PX:
        return np.asarray(cv2.GaussianBlur(mask, (0, 0), sigma))
    size = tuple(max(1, round(side * _SOFT_PX / sigma)) for side in mask.shape[::-1])
    small = cv2.resize(mask, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), _SOFT_PX)
    return np.asarray(cv2.resize(small, mask.shape[::-1], interpolation=cv2.INTER_LINEAR))


def _transformed(keypoints: np.ndarray, transform: np.ndarray | None) -> tuple[np.ndarray, float]:
    """(17, 3) keypoints in px of the output, and output px a photo px."""
    values = np.array(keypoints, float)
    if transform is None:
        return values, 1.0
    matrix = np.asarray(transform, float)
    values[:, :2] = values[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    return values, math.sqrt(abs(float(np.linalg.det(matrix[:, :2]))))


def _place(name: str, target: Figure, depth: np.ndarray | None) -> tuple[float, float]:
    """What to sort layers by, back to front."""
    if name in (TRUNK, SKIRT):
        return (0.0 if name == TRUNK else -0.5), 0.0
    limb = LIMBS[name]
    outer = [j for j in limb.joints[1:] if target.there[j]]
    if depth is not None:
        trunk = [j for j in (5, 6, 11, 12) if target.there[j]]
        middle = float(np.mean(np.asarray(depth)[trunk])) if trunk else 0.0
        ahead = middle - float(np.mean(np.asarray(depth)[outer]))
        return math.copysign(1.0, ahead), ahead
    hidden = not target.seen[outer].any()
    if limb.joints[0] in (5, 6):
        return (-2.0 if hidden else 2.0), 0.0
    axis = target.neck - target.pelvis
    knee = target.points[limb.joints[1]] - target.pelvis
    before = float(knee @ axis) > 0.12 * float(axis @ axis) and not hidden
    # Of two legs the one whose foot is lower in the picture stands nearer.
    return (1.0 if before else -1.0), float(target.points[outer[-1], 1]) - (1e6 if hidden else 0.0)


def _least_length(person: Figure, name: str) -> float:
    """Of a limb's bones, the shortest in shares of what it measures from the side."""
    usual = _ARM_BONES if LIMBS[name].joints[0] in (5, 6) else _LEG_BONES
    return min(
        (
            math.hypot(*(b - a)) / (u * person.unit)
            for (a, b), u in zip(bones(name, person), usual, strict=False)
        ),
        default=0.0,
    )


def _trust(ratio: float) -> float:
    """1 for a bone of nearly the same length, 0 for a very different one."""
    change = max(ratio, 1.0 / max(ratio, 1e-6))
    full, none = _TRUSTED_STRETCH
    return 1.0 - float(smooth(np.array((change - full) / (none - full))))


def _straight(canvas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Colours and opacity apart."""
    alpha = cv2.extractChannel(canvas, 3)
    rgb = cv2.cvtColor(canvas, cv2.COLOR_BGRA2BGR)
    return np.asarray(cv2.divide(rgb, cv2.merge([alpha] * 3), scale=255.0)), np.asarray(alpha)
