"""A person in a photo, taken apart into layers that can move over one another.

Legs lie at the back, a skirt over them, trunk and head over it, arms in front. Each layer is a
picture with soft edges. What an arm hides of the trunk is filled in from around it, so that a
raised arm leaves no hole; pixels at the person's outline lose the old background's colour.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from poseapp.core.body_parts import LIMBS, Figure, Limb, draw_limb, draw_trunk, unit_vector
from poseapp.core.regions import grab_cut, touching

TRUNK, SKIRT = "trunk", "skirt"
_WORK_UNIT_PX = 72.0  # the parts are told apart at this trunk length: their borders are soft anyway
_SOFT = 0.022  # softness of borders between parts, in trunk lengths
_UNSURE = 0.3, 1.6  # of that: where colours decide
_REACH = 1.0  # of a limb's radius: what surely belongs to it
_LEAST_SEEN = 0.5  # of a limb's length must lie inside the mask
_SEEN_OF_FOREARM = 0.55  # of an arm whose wrist is hidden
_CUTS = 3  # rounds of telling arms from what they lie on
_OPAQUE = 220
_ARM_GREED = 0.5  # beyond its thickness an arm owns less than the trunk, which is wider than drawn
_SKIRT_SHARE = 0.1  # of the legs' area: more cloth than this beside the legs is a skirt or coat


@dataclass(frozen=True)
class Layer:
    """One part of a person.

    Attributes:
        name: of `LIMBS`, or `TRUNK`.
        colour: (h, w, 4) uint8, colours multiplied by their opacity.
        real: (h, w) uint8, 255 where the colour is the photo's own.
        offset: (x, y) px of the photo where the layer begins.
        reach: how far it reaches from its bones, px of the photo.
    """

    name: str
    colour: np.ndarray
    real: np.ndarray
    offset: tuple[int, int]
    reach: float


def take_apart(photo: np.ndarray, mask: np.ndarray, person: Figure) -> dict[str, Layer]:
    """The layers of a person.

    Args:
        photo: (h, w, 3) uint8 RGB.
        mask: (h, w) uint8, how much of each pixel shows the person.
        person: px of the photo.
    Returns:
        By name; a limb that is hidden, absent or outside of the mask has none.
    """
    rows, columns = np.flatnonzero(mask.max(1) > 8), np.flatnonzero(mask.max(0) > 8)
    if not len(rows):
        return {}
    y0, y1, x0, x1 = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    crop, cover = photo[y0:y1, x0:x1], mask[y0:y1, x0:x1]
    shrink = min(1.0, _WORK_UNIT_PX / max(person.unit, 1.0))
    size = tuple(max(1, round(v * shrink)) for v in (x1 - x0, y1 - y0))
    small = _moved(person, np.array([x0, y0]), np.array(size) / np.array([x1 - x0, y1 - y0]))
    inside = cv2.resize(cover, size, interpolation=cv2.INTER_AREA)
    limbs = [LIMBS[name] for name in LIMBS if _is_seen(LIMBS[name], small, inside)]
    seen = cv2.resize(crop, size, interpolation=cv2.INTER_AREA)
    shares = _shares(small, seen, inside, limbs)
    colour = _without_fringe(crop, cover, person.unit)
    arms = np.zeros(inside.shape, np.uint8)
    for limb in limbs:
        if _is_arm(limb):
            arms = np.maximum(arms, shares[limb.name][1])
    behind_arms = _filled(colour, cover, arms, person.unit)
    full = (x1 - x0, y1 - y0)
    hidden = cv2.resize(arms, full, interpolation=cv2.INTER_LINEAR)
    out = {}
    for name, (share, own) in shares.items():
        alpha = cv2.resize(share, full, interpolation=cv2.INTER_LINEAR)
        alpha = np.asarray(cv2.multiply(alpha, cover, scale=1.0 / 255.0))
        in_front = name in LIMBS and _is_arm(LIMBS[name])
        picture = colour if in_front else behind_arms
        real = cv2.resize(own, full, interpolation=cv2.INTER_LINEAR)
        real = real if in_front else cv2.subtract(real, hidden)
        layer = _cut(name, picture, alpha, np.asarray(real), (x0, y0), person)
        if layer is not None:
            out[name] = layer
    return out


def _moved(person: Figure, origin: np.ndarray, factor: np.ndarray) -> Figure:
    """The figure in a picture that was cut at `origin` and resized."""

    def move(points: np.ndarray) -> np.ndarray:
        return np.asarray((points - origin + 0.5) * factor - 0.5)

    return Figure(
        move(person.points),
        person.there,
        person.seen,
        person.unit * float(np.mean(factor)),
        move(person.neck),
        move(person.pelvis),
        None if person.head is None else move(person.head),
    )


def _is_seen(limb: Limb, person: Figure, inside: np.ndarray) -> bool:
    """The photo shows the limb: not behind the body, and not outside of the mask."""
    root, middle, end = limb.joints
    if not (person.there[root] and person.there[middle]):
        return False
    hidden = [j for j in (middle, end) if person.there[j] and not person.seen[j]]
    bones = [(root, middle)] + ([(middle, end)] if person.there[end] else [])
    if len(hidden) == len(bones):
        line = np.zeros_like(inside)
        draw_trunk(line, person)
        behind = [line[_row(person.points[j], inside)] > 0 for j in hidden]
        if _is_arm(limb) and all(behind):
            return False
    along = np.concatenate(
        [
            person.points[a]
            + (person.points[b] - person.points[a]) * np.linspace(0, 1, 12)[:, None]
            for a, b in bones
        ]
    )
    found = [inside[_row(p, inside)] > 100 for p in along]
    return float(np.mean(found)) >= _LEAST_SEEN


def _is_arm(limb: Limb) -> bool:
    return limb.joints[0] in (5, 6)


def _row(point: np.ndarray, picture: np.ndarray) -> tuple[int, int]:
    x = int(np.clip(round(float(point[0])), 0, picture.shape[1] - 1))
    y = int(np.clip(round(float(point[1])), 0, picture.shape[0] - 1))
    return y, x


def _distance(drawn: np.ndarray) -> np.ndarray:
    """(h, w) float32 px to what is drawn, 0 inside."""
    return np.asarray(cv2.distanceTransform(cv2.bitwise_not(drawn), cv2.DIST_L2, 3))


def _shares(
    person: Figure, picture: np.ndarray, inside: np.ndarray, limbs: list[Limb]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """By layer: how much of it is there, and how much of that nothing else hides; (h, w) uint8."""
    person = _without_hidden_hands(person)
    trunk = np.zeros_like(inside)
    draw_trunk(trunk, person, 0.8)
    far = _distance(trunk) / (0.12 * person.unit)
    scores = {TRUNK: 1.0 + far}
    bodies = {}
    unsure = np.zeros(inside.shape, bool)
    for limb in limbs:
        drawn = np.zeros_like(inside)
        tip = 1.0 if person.seen[limb.joints[2]] or not _is_arm(limb) else 0.0
        draw_limb(drawn, person, limb, tip=tip)
        bodies[limb.name] = drawn
        score = _distance(drawn) / (0.12 * person.unit)
        if _is_arm(limb):
            thin = np.zeros_like(inside)
            draw_limb(thin, person, limb, 0.35, tip=0.6 * tip)  # a hand may be bent
            # An arm lies in front of the trunk, as far as an arm is thick.
            depth = _distance(thin) / (0.65 * _REACH * limb.radii[1] * person.unit)
            score = np.where(depth < 1.0, depth - 1.0, score / _ARM_GREED + 1.0)
            unsure |= (depth > _UNSURE[0]) & (depth < _UNSURE[1])
        elif not _raised(person, limb):
            score = score + 1.0 + (trunk > 0)  # the shirt hangs over the trousers
        scores[limb.name] = score
    _part_legs(scores, person, inside)
    names = list(scores)
    ranked = np.stack([scores[name] for name in names])
    arms = np.array([name in LIMBS and _is_arm(LIMBS[name]) for name in names])
    owner = _by_colour(ranked, arms, unsure, picture, inside)
    soft = max(_SOFT * person.unit, 0.6)
    owner = _in_one_piece(owner, names, person, inside)
    arm = arms[owner]
    skirt = _skirt(person, (inside > 128) & ~arm, bodies, trunk > 0)
    if skirt is not None:
        names.append(SKIRT)
        owner[skirt & ~arm & (owner != 0)] = len(names) - 1
    out = {}
    cross = _legs_cross(person)
    for index, name in enumerate(names):
        twin = np.zeros(inside.shape, bool)  # what is the other leg's and not before this one
        own = cv2.GaussianBlur(np.where(owner == index, 255, 0).astype(np.uint8), (0, 0), soft)
        if name == TRUNK:
            whole = np.zeros_like(inside)
            draw_trunk(whole, person)
        elif name == SKIRT:
            whole = np.where(np.asarray(skirt), 255, 0).astype(np.uint8)
        elif _is_arm(LIMBS[name]):
            out[name] = (np.asarray(own), np.asarray(own))
            continue
        else:
            whole = bodies[name]
            if not cross:  # else the one in front hides a part of the other
                twin = np.isin(owner, [i for i, n in enumerate(names) if n == LIMBS[name].twin])
                whole = np.where(twin, 0, whole).astype(np.uint8)
        whole = cv2.GaussianBlur(whole, (0, 0), soft)
        # Where a part borders on one behind it, it goes on beneath, so that no seam shows.
        wide = cv2.dilate(own, np.ones((3, 3), np.uint8), iterations=max(1, round(2 * soft)))
        wide[twin] = 0
        share = np.maximum(np.maximum(own, whole), wide)
        if name in LIMBS:
            share = _without_slivers(share, inside, person, LIMBS[name])
        out[name] = (share, np.asarray(own))
    return out


def _part_legs(scores: dict[str, np.ndarray], person: Figure, inside: np.ndarray) -> None:
    """What could be either leg's is the one's whose bones are nearer; changes `scores`."""
    legs = [name for name in scores if name in LIMBS and not _is_arm(LIMBS[name])]
    if len(legs) < 2:
        return
    far = []
    for name in legs:
        line = np.zeros_like(inside)
        draw_limb(line, person, LIMBS[name], 0.1, tip=0.3)
        far.append(_distance(line))
    best = np.minimum(scores[legs[0]], scores[legs[1]])
    for name, mine, other in ((legs[0], far[0], far[1]), (legs[1], far[1], far[0])):
        scores[name] = best + 0.01 * (mine > other)


def _without_slivers(
    share: np.ndarray, inside: np.ndarray, person: Figure, limb: Limb
) -> np.ndarray:
    """A leg's share without what a gap parts from its bones: the rim of the other leg."""
    line = np.zeros_like(inside)
    draw_limb(line, person, limb, 0.3, tip=0.6)
    there = (share > 24) & (inside > 64)
    kept = touching(there, line > 0)
    slivers = (there & ~kept).astype(np.uint8)
    slivers = cv2.dilate(slivers, np.ones((3, 3), np.uint8), iterations=2) > 0
    return np.where(slivers & ~kept, 0, share).astype(np.uint8)


def _in_one_piece(
    owner: np.ndarray, names: list[str], person: Figure, inside: np.ndarray
) -> np.ndarray:
    """The owners of pixels; what does not hang together with a limb's bones stays on the trunk."""
    out = owner.copy()
    for index, name in enumerate(names):
        if name not in LIMBS:
            continue
        line = np.zeros_like(inside)
        draw_limb(line, person, LIMBS[name], 0.3, tip=0.6)
        mine = (owner == index) & (inside > 64)
        out[mine & ~touching(mine, line > 0, connectivity=4)] = names.index(TRUNK)
    return out


def _legs_cross(person: Figure) -> bool:
    """One leg lies before the other."""
    left, right = bones("left_leg", person), bones("right_leg", person)
    return any(_meet(a, b, c, d) for a, b in left for c, d in right)


def _meet(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> bool:
    def side(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> float:
        return float((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]))

    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0


def _without_hidden_hands(person: Figure) -> Figure:
    """The figure with arms that end where something begins to hide them, for telling them apart."""
    points = person.points.copy()
    for limb in LIMBS.values():
        _, middle, end = limb.joints
        if _is_arm(limb) and person.there[[middle, end]].all() and not person.seen[end]:
            points[end] = points[middle] + _SEEN_OF_FOREARM * (points[end] - points[middle])
    return replace(person, points=points)


def _by_colour(
    scores: np.ndarray,
    arms: np.ndarray,
    unsure: np.ndarray,
    picture: np.ndarray,
    inside: np.ndarray,
) -> np.ndarray:
    """(h, w) index of the part that owns a pixel; where unsure, what looks like arms is arms.

    Args:
        scores: (L, h, w), the lower the more a part's.
        arms: (L,) bool, the parts that are arms.
        unsure: (h, w) bool.
    """
    owner, body = scores.argmin(0), inside > 100
    mine = arms[owner]
    marks = np.where(mine, cv2.GC_FGD, cv2.GC_BGD).astype(np.uint8)
    marks[unsure & body] = np.where(mine[unsure & body], cv2.GC_PR_FGD, cv2.GC_PR_BGD)
    marks[~body] = cv2.GC_BGD
    if not ((marks == cv2.GC_FGD).any() and (marks == cv2.GC_BGD).any() and (unsure & body).any()):
        return owner
    is_arm = grab_cut(picture, marks, _CUTS)
    nearest_arm = np.flatnonzero(arms)[scores[arms].argmin(0)]
    nearest_other = np.flatnonzero(~arms)[scores[~arms].argmin(0)]
    return np.where(unsure & body, np.where(is_arm, nearest_arm, nearest_other), owner)


def _skirt(
    person: Figure, cloth: np.ndarray, bodies: dict[str, np.ndarray], trunk: np.ndarray
) -> np.ndarray | None:
    """(h, w) bool: from the hips to the hem of a skirt, dress or coat; None where there is none.

    Args:
        cloth: (h, w) bool, the person without the arms.
        bodies: (h, w) uint8 by limb, as thick as limbs usually are.
    """
    legs = [name for name in bodies if not _is_arm(LIMBS[name])]
    if len(legs) < 2:
        return None
    size = max(1, round(0.1 * person.unit))
    drawn = np.maximum(bodies[legs[0]], bodies[legs[1]])
    wide = cv2.dilate(drawn, np.ones((size, size), np.uint8)) > 0
    joints = [LIMBS[name].joints[1] for name in legs]
    joints += [LIMBS[name].joints[2] for name in legs if person.there[LIMBS[name].joints[2]]]
    down = unit_vector(person.points[joints].mean(0) - person.pelvis, (0.0, 1.0))
    rows, columns = np.indices(cloth.shape)
    height = (columns - person.pelvis[0]) * down[0] + (rows - person.pelvis[1]) * down[1]
    beside = cloth & ~wide & ~trunk & (height > 0.15 * person.unit)
    if beside.sum() < _SKIRT_SHARE * max(int((cloth & (drawn > 0)).sum()), 1):
        return None
    hem = float(np.percentile(height[beside], 99.5))
    return np.asarray((height > 0.0) & ((height < hem) | beside))


def _raised(person: Figure, limb: Limb) -> bool:
    """The thigh lies before the trunk, as that of a sitting person does."""
    axis = person.neck - person.pelvis
    knee = person.points[limb.joints[1]] - person.pelvis
    return bool(knee @ axis > 0.12 * float(axis @ axis))


def _without_fringe(crop: np.ndarray, cover: np.ndarray, unit: float) -> np.ndarray:
    """The picture with the colours of the person's inside carried outwards over the outline."""
    rim = max(1, round(0.012 * unit))
    sure = (cover >= _OPAQUE).astype(np.uint8)
    sure = cv2.erode(sure, np.ones((3, 3), np.uint8), iterations=rim, borderValue=1)
    if not sure.any():
        return crop
    _, nearest = cv2.distanceTransformWithLabels(
        1 - sure, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    of_label = np.zeros(int(nearest.max()) + 1, np.int64)
    of_label[nearest[sure > 0]] = np.flatnonzero(sure)
    carried = crop.reshape(-1, 3)[of_label[nearest]].reshape(crop.shape)
    return np.where((sure > 0)[..., None], crop, cv2.blur(carried, (3, 3)))


def _filled(colour: np.ndarray, cover: np.ndarray, arms: np.ndarray, unit: float) -> np.ndarray:
    """The picture with what lies under the arms filled in from the person around them."""
    if not arms.any():
        return colour
    size = arms.shape[::-1]
    small = cv2.resize(colour, size, interpolation=cv2.INTER_AREA)
    inside = cv2.resize(cover, size, interpolation=cv2.INTER_AREA) > 128
    grown = cv2.dilate(arms, np.ones((3, 3), np.uint8), iterations=4) > 60
    unknown = (grown | ~inside).astype(np.uint8)
    if unknown.all():
        return colour
    filled = cv2.inpaint(small, unknown, 3.0, cv2.INPAINT_TELEA)
    full = (colour.shape[1], colour.shape[0])
    big = cv2.resize(filled, full, interpolation=cv2.INTER_LINEAR)
    # The rim of a hand that was taken for the trousers must not stay behind on them.
    arms = cv2.dilate(arms, np.ones((3, 3), np.uint8), iterations=2)
    share = cv2.resize(arms, full, interpolation=cv2.INTER_LINEAR)[..., None].astype(np.uint16)
    mixed = big.astype(np.uint16) * share + colour.astype(np.uint16) * (255 - share)
    return np.asarray((mixed + 127) // 255, np.uint8)


def _cut(
    name: str,
    picture: np.ndarray,
    alpha: np.ndarray,
    real: np.ndarray,
    origin: tuple[int, int],
    person: Figure,
) -> Layer | None:
    rows, columns = np.flatnonzero(alpha.max(1) > 4), np.flatnonzero(alpha.max(0) > 4)
    if not len(rows):
        return None
    y0, y1, x0, x1 = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    part, cover = picture[y0:y1, x0:x1], alpha[y0:y1, x0:x1]
    cover3 = cv2.merge([cover] * 3)
    colour = np.dstack([cv2.multiply(part, cover3, scale=1.0 / 255.0), cover])
    offset = (origin[0] + x0, origin[1] + y0)
    reach = _reach(name, cover, offset, person)
    return Layer(name, np.ascontiguousarray(colour), real[y0:y1, x0:x1].copy(), offset, reach)


def _reach(name: str, cover: np.ndarray, offset: tuple[int, int], person: Figure) -> float:
    shrink = min(1.0, _WORK_UNIT_PX / max(person.unit, 1.0))
    size = tuple(max(1, round(v * shrink)) for v in cover.shape[::-1])
    small = cv2.resize(cover, size, interpolation=cv2.INTER_AREA)
    here = _moved(person, np.array(offset), np.full(2, shrink))
    line = np.zeros_like(small)
    for a, b in bones(name, here):
        start, end = np.rint(np.stack([a, b])).astype(int).tolist()
        cv2.line(line, start, end, 255, 1)
    if not line.any():
        return 0.5 * person.unit
    return float((_distance(line) * (small > 4)).max()) / shrink + 2.0


def bones(name: str, person: Figure) -> list[tuple[np.ndarray, np.ndarray]]:
    """The (2,) px ends of a layer's bones, as far as they are there."""
    if name == TRUNK:
        corners = person.corners()
        found = [(corners[i], corners[(i + 1) % 4]) for i in range(4)]
        if person.head is not None:
            found.append((person.neck, person.head))
        return found
    if name == SKIRT:
        return [*bones("left_leg", person), *bones("right_leg", person)]
    root, middle, end = LIMBS[name].joints
    pairs = [(root, middle), (middle, end)]
    return [
        (person.points[a], person.points[b])
        for a, b in pairs
        if person.there[a] and person.there[b]
    ]
