"""What can be wrong with a person: in the vertices, and in pictures at rest and in a pose.

Thresholds are lengths in mm or heights of the person, and pixels of pictures of `SIZE`. Torch-free.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from numba import njit

from trainer.synthetic.person import Person
from trainer.synthetic.types import Character, Cloth, Part, Posed

if TYPE_CHECKING:
    from trainer.synthetic.studio import Picture

SIZE: Final = (160, 320)
"""(width, height) px of the pictures that the thresholds are for."""


@dataclass(frozen=True)
class Fault:
    """Something wrong with a person, and how much of it there is."""

    kind: str
    detail: str


def solid_faults(
    character: Character, rest: Posed, posed: Posed, person: Person, bones: tuple[str, ...]
) -> Iterator[Fault]:
    """What is wrong with the vertices.

    Args:
        rest, posed: the character with its bones at rest, and in a pose.
        bones: the rig's names.
    """
    mesh = character.mesh
    used = np.unique(mesh.triangles)
    for points in (character.rest, rest.positions, posed.positions):
        if not np.isfinite(points[used]).all():
            yield Fault("not finite", f"{int((~np.isfinite(points[used])).any(1).sum())} vertices")
            return

    before, after = (_edges(p.positions, mesh.triangles) for p in (rest, posed))
    # A skirt spans a stride, a sleeve an arm that is raised: cloth gives so much unseen.
    wide = np.isin(mesh.cloth, (Cloth.SKIRT, Cloth.SUIT))[:, None]
    torn = (after > 4.0 * before) & (after - before > np.where(wide, 450.0, 250.0))
    if torn.any():
        yield Fault("torn", f"{int(torn.sum())} edges, up to {after[torn].max():.0f} mm")

    tall = float(np.ptp(rest.positions[used, 1]))
    for name, standing in (("at rest", rest), ("in a pose", posed)):
        ends = _bone_ends(character, standing)
        for cloth, reach in _REACH.items():
            at = np.unique(mesh.triangles[mesh.cloth == cloth])
            if not len(at):
                continue
            away = float(distance_to_bones(standing.positions[at], *ends).max())
            if away > reach * tall:
                yield Fault("far", f"{cloth.name} {away:.0f} mm from any bone {name}")
        lowest = float(standing.positions[used, 1].min())
        if abs(lowest) > 12.0:
            yield Fault("floor", f"{lowest:+.0f} mm {name}")
        yield from _shoe_faults(character, standing, person, bones, name, tall)
        for tilt in hanging_deg(character, standing):
            if tilt > 20.0:
                yield Fault("bag", f"hangs {tilt:.0f} degrees from the vertical {name}")


def _shoe_faults(
    character: Character,
    standing: Posed,
    person: Person,
    bones: tuple[str, ...],
    name: str,
    tall: float,
) -> Iterator[Fault]:
    if not any(w.slot == "shoes" for w in person.outfit):
        return
    mesh = character.mesh
    heads, tails = _bone_ends(character, standing)
    for side, part in (("L", Part.FOOT_L), ("R", Part.FOOT_R)):
        own = [
            b
            for b, n in enumerate(bones)
            if n.endswith("." + side) and n.startswith(("foot", "toe", "lowerleg"))
        ]
        shoes = mesh.triangles[(mesh.cloth == Cloth.SHOES) & _of_side(mesh.part, part)]
        if not len(shoes):
            yield Fault("shoes", f"none on the {side} foot")
            continue
        away = distance_to_bones(standing.positions[np.unique(shoes)], heads[own], tails[own])
        if away.max() > 0.09 * tall:
            yield Fault("shoes", f"{away.max():.0f} mm from the {side} foot {name}")


def hanging_deg(character: Character, standing: Posed) -> list[float]:
    """How far from straight below what they hang from the middle of bags is, in degrees.

    A bag that stands on the floor, below a low hand, is left out.
    """
    found = []
    for hung in character.hung:
        turn = standing.bones[hung.bone]
        at = standing.positions[hung.vertices].astype(np.float64)
        if at[:, 1].min() < _STANDS_MM:
            continue
        way = (at.min(0) + at.max(0)) / 2 - (turn[:3, :3] @ hung.anchor + turn[:3, 3])
        found.append(float(np.degrees(np.arctan2(np.hypot(way[0], way[2]), -way[1]))))
    return found


_STANDS_MM: Final = 3.0


def _of_side(part: np.ndarray, foot: Part) -> np.ndarray:
    return (part == foot) | (part == foot - 2)  # the foot or the lower leg


# How far clothes may stand off the nearest bone, in heights of the person.
_REACH: Final = {
    Cloth.HAIR: 0.28,
    Cloth.TOP: 0.16,
    Cloth.BOTTOM: 0.14,
    Cloth.SKIRT: 0.24,
    Cloth.SUIT: 0.24,
    Cloth.HAT: 0.2,
    Cloth.LEGWEAR: 0.12,
    Cloth.UNDERWEAR: 0.14,
    Cloth.BAG: 0.45,
}


def seen_faults(person: Person, views: "list[Picture]") -> Iterator[Fault]:
    """What is wrong with pictures at rest, from before and behind."""
    parts = np.bincount(np.concatenate([v.parts.ravel() for v in views]), minlength=len(Part))
    cloth = np.bincount(np.concatenate([v.cloth.ravel() for v in views]), minlength=len(Cloth))
    lost = [p.name for p in Part if p > Part.HAIR and parts[p] == 0]
    if lost:
        yield Fault("part", ", ".join(lost))
    slots = {w.slot for w in person.outfit}
    if person.hair.style and cloth[Cloth.HAIR] < (4 if "hat" in slots else 12):
        yield Fault("hair", f"{person.hair.style}: {cloth[Cloth.HAIR]} px")
    for slot, kinds in _SHOWN.items():
        if slot in slots and not cloth[list(kinds)].sum():
            item = next(w.item for w in person.outfit if w.slot == slot)
            yield Fault("clothes", f"{item} ({slot})")
    yield from torso_faults(person, views, "at rest")
    if not dressed(person):
        return
    for view, side in zip(views, ("before", "behind"), strict=True):
        bare = bare_waist_px(view)
        if bare > 4:
            yield Fault("waist", f"{bare} px from {side}")
        specks = specks_px(view)
        if specks > 6:
            yield Fault("specks", f"{specks} px from {side}")
        hole = hole_px(view)
        if hole > 3:
            yield Fault("hole", f"{hole} px from {side}")


_SHOWN: Final = {
    "top": (Cloth.TOP,),
    "bottom": (Cloth.BOTTOM,),
    "skirt": (Cloth.SKIRT,),
    "suit": (Cloth.SUIT,),
    "shoes": (Cloth.SHOES,),
    "hat": (Cloth.HAT,),
    "bag": (Cloth.BAG,),
}


def dressed(person: Person) -> bool:
    """Whether clothes were chosen for the whole trunk."""
    slots = {w.slot for w in person.outfit}
    return "suit" in slots or ("top" in slots and bool(slots & {"bottom", "skirt"}))


def torso_faults(person: Person, views: "list[Picture]", how: str) -> Iterator[Fault]:
    """A trunk that is bare though clothes were chosen: a low back alone shows less skin."""
    if not dressed(person):
        return
    for view in views:
        trunk = view.parts == Part.TORSO
        bare = trunk & ((view.cloth == Cloth.SKIN) | (view.cloth == Cloth.UNDERWEAR))
        share = float(bare.sum()) / max(int(trunk.sum()), 1)
        if share > 0.25 and bare.sum() > 20:
            yield Fault("torso", f"{share:.0%} {how}")


def bare_waist_px(view: "Picture") -> int:
    """Skin or underwear between the lower ribs and the crotch of someone at rest."""
    shoulder, hip = (view.keypoints[i : i + 2, 1].mean() for i in (5, 11))
    top, bottom = round(hip + 0.5 * (shoulder - hip)), round(hip + 0.12 * (hip - shoulder))
    band = np.s_[max(top, 0) : bottom]
    trunk = np.isin(view.parts[band], (Part.TORSO, Part.UPPER_LEG_L, Part.UPPER_LEG_R))
    bare = np.isin(view.cloth[band], (Cloth.SKIN, Cloth.UNDERWEAR))
    return int((trunk & bare).sum())


def specks_px(view: "Picture") -> int:
    """Skin on trunk, arms and legs in patches of a few pixels with cloth all around."""
    limbs = (view.parts >= Part.TORSO) & ~np.isin(
        view.parts, (Part.HAND_L, Part.HAND_R, Part.FOOT_L, Part.FOOT_R)
    )
    skin = (limbs & (view.cloth == Cloth.SKIN)).astype(np.uint8)
    worn = np.isin(view.cloth, (Cloth.TOP, Cloth.BOTTOM, Cloth.SKIRT, Cloth.SUIT))
    count, patch, stats, _ = cv2.connectedComponentsWithStats(skin, connectivity=8)
    total = 0
    for i in range(1, count):
        area = int(stats[i, cv2.CC_STAT_AREA])
        if area > 12:
            continue
        ring = cv2.dilate((patch == i).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        ring &= patch != i
        if worn[ring].mean() > 0.85:
            total += area
    return total


def hole_px(view: "Picture") -> int:
    """Background inside the trunk or head: what the outline of arms and legs encloses is none."""
    empty = ((view.parts == 0) & (view.cloth == 0)).astype(np.uint8)  # a bag is no part
    count, patch, stats, _ = cv2.connectedComponentsWithStats(empty, connectivity=4)
    total = 0
    for i in range(1, count):
        x, y, w, h, area = (int(v) for v in stats[i])
        if x == 0 or y == 0 or x + w == empty.shape[1] or y + h == empty.shape[0]:
            continue
        ring = cv2.dilate((patch == i).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        around = view.parts[ring & (patch != i)]
        if np.isin(around, (Part.TORSO, Part.FACE)).mean() > 0.75:  # hair has gaps
            total += area
    return total


@njit(cache=True, nogil=True)
def distance_to_bones(points: np.ndarray, heads: np.ndarray, tails: np.ndarray) -> np.ndarray:
    """From each point to the nearest of some segments: (n,3), (b,3), (b,3) mm -> (n,) mm."""
    out = np.empty(len(points))
    for i in range(len(points)):
        least = np.inf
        for b in range(len(heads)):
            along, length, total = 0.0, 0.0, 0.0
            for c in range(3):
                way = tails[b, c] - heads[b, c]
                along += way * (points[i, c] - heads[b, c])
                length += way * way
            share = min(max(along / max(length, 1e-9), 0.0), 1.0)
            for c in range(3):
                gap = points[i, c] - heads[b, c] - share * (tails[b, c] - heads[b, c])
                total += gap * gap
            least = min(least, total)
        out[i] = np.sqrt(least)
    return out


def _edges(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(T,3) mm, the edges' lengths."""
    corners = points[triangles]
    return np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2)


def _bone_ends(character: Character, posed: Posed) -> tuple[np.ndarray, np.ndarray]:
    """Heads and tails of the bones in the world, (B,3) mm each."""
    turn, move = posed.bones[:, :3, :3], posed.bones[:, :3, 3]
    heads, tails = (
        np.einsum("bij,bj->bi", turn, ends) + move for ends in (character.heads, character.tails)
    )
    return heads.astype(np.float64), tails.astype(np.float64)
