"""What all sets share: splits, who and how someone stands, and the files of a sample. Torch-free.

A sample is a few encoded files by ending:

    jpg         the picture, sRGB, quality 95
    clean.jpg   the same before the camera's faults, where a set has them
    mask.png    8 bit, how much of each pixel shows the subject
    parts.png   8 bit, `types.Part` of the subject, 0 where it is not seen
    cloth.png   8 bit, `types.Cloth` likewise
    json        everything else, see `describe`

It depends on its set, the seed and its index, and on nothing that was drawn before.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from trainer.synthetic import backgrounds, balance, collisions, labels, rig, sampling, seats
from trainer.synthetic import camera as cameras
from trainer.synthetic.faces import with_face
from trainer.synthetic.person import Person
from trainer.synthetic.pose_bank import PoseBank, built_in
from trainer.synthetic.posing import Posing
from trainer.synthetic.streams import derived, stream
from trainer.synthetic.types import Assets, Camera, Character, Light, Mesh, Posed

if TYPE_CHECKING:
    from trainer.synthetic.studio import Picture, Studio

Sample = dict[str, bytes]

TRAIN, VALIDATION, TEST = "train", "validation", "test"
MIX: Final[Mapping[str, float]] = {"": 1.0}
_TRIES = 7
_STANDING: Final = "standing"  # what is drawn where nothing else would do
STEADY_MM: Final = 45.0
"""How far outside of their feet the middle of the mass of people may be who stand or walk."""
_BAREFOOT: Final = ("room", "plaster", "panels", "tiles", "studio", "beach")
_SKIRTS: Final = ("Skirt", "skirt", "dress", "Dress")


@dataclass(frozen=True)
class SetPlan:
    """A set of pictures.

    Attributes:
        size: (width, height) px.
        per_identity: pictures of one identity; they follow each other.
        draw: (studio, seed, index) -> the files of a sample.
    """

    size: tuple[int, int]
    per_identity: int
    draw: "Callable[[Studio, int, int], Sample]"


@dataclass(frozen=True)
class Shot:
    """Which sample this is.

    Attributes:
        identity: number of the person within the set.
        split: "train", "validation" or "test"; all pictures of an identity have the same.
    """

    set: str
    seed: int
    index: int
    identity: int
    split: str

    def stream(self, *names: str | int) -> np.random.Generator:
        """The generator of an aspect of this one picture."""
        return stream(self.seed, self.set, "picture", self.index, *names)

    def identity_stream(self, *names: str | int) -> np.random.Generator:
        """The generator of an aspect that all pictures of the identity share."""
        return stream(self.seed, self.set, "identity", self.identity, *names)


@dataclass(frozen=True)
class Stand:
    """Someone in a pose.

    Attributes:
        points: (n,3) mm, world space, of what is drawn of them.
        turn_rad: about the vertical, as `rig.pose` has it.
        seat: what they sit on, with its (m,3) mm positions; None for who does not sit.
    """

    person: Person
    posing: Posing
    posed: Posed
    points: np.ndarray
    turn_rad: float = 0.0
    seat: tuple[Mesh, np.ndarray] | None = None

    @property
    def things(self) -> list[tuple[Mesh, np.ndarray]]:
        """What goes into a picture with them."""
        return [] if self.seat is None else [self.seat]


def shot(name: str, seed: int, index: int, per_identity: int, together: int = 1) -> Shot:
    """Which sample an index is.

    Args:
        together: so many identities that follow each other are of one split, so that they may be
            seen in each other's pictures.
    """
    identity = index // per_identity
    return Shot(name, seed, index, identity, split_of(name, seed, identity // together))


def split_of(name: str, seed: int, group: int) -> str:
    """The split of a group of identities: 80 % train, 10 % validation, 10 % test by hash."""
    share = derived(seed, name, "split", group) / 2.0**63
    return TRAIN if share < 0.8 else VALIDATION if share < 0.9 else TEST


def person_seed(name: str, seed: int, identity: int) -> int:
    """The seed that `sampling.person` draws an identity from."""
    return derived(seed, name, "person", identity)


def person_of(
    studio: "Studio", taken: Shot, identity: int | None = None, *, shod: bool = False
) -> Person:
    """The person of an identity, by default the shot's own.

    Args:
        shod: someone in shoes; who has none is replaced by another person.
    """
    who = taken.identity if identity is None else identity
    seed = person_seed(taken.set, taken.seed, who)
    found = _person(studio, seed)
    for _ in range(_TRIES if shod else 0):
        if len(places(found)) == len(backgrounds.KINDS):
            break
        seed = derived(seed, "another")
        found = _person(studio, seed)
    return found


@lru_cache(maxsize=32)
def _person(studio: "Studio", seed: int) -> Person:
    return sampling.person(seed, studio.assets)


def stand(
    studio: "Studio",
    person: Person,
    split: str,
    rng: np.random.Generator,
    *,
    sources: Mapping[str, float] = MIX,
    upright: float = -1.0,
    steady_mm: float = STEADY_MM,
    turn_rad: float = 0.0,
    at_mm: tuple[float, float] = (0.0, 0.0),
) -> Stand:
    """Draw a pose that a person can be in: no limb runs through another, and they do not fall.

    Who leans too far is leant back a little; who sits gets a seat.

    Args:
        split: whose recordings and photographs the poses come of.
        sources: how often each of `pose_bank.SOURCES` is drawn; "" is the bank's own mixture.
        upright: see `uprightness`; what is less is drawn anew.
        steady_mm: how far the middle of the mass may be outside of what bears it, see `balance`.
    """
    character, skeleton = studio.character(person), studio.assets.rig
    poses, capsules = bank(studio, split), studio.capsules(person)
    ballast = _ballast(studio, person)
    source = one_of(sources, rng) or None
    least = max(upright, 0.0) if _in_skirts(person) else upright  # skirts do not fall
    for attempt in range(_TRIES + 1):
        last = attempt == _TRIES
        if last:
            posing = built_in(studio.assets, _STANDING, character.heads, character.tails)
        else:
            posing = poses.sample(rng, source, heads=character.heads, tails=character.tails)
        mended = collisions.acceptable(capsules, skeleton, character.heads, posing.rotations)
        if mended is None and not last:
            continue
        rotations = posing.rotations if mended is None else mended
        rotations, stands = balance.settle(ballast, skeleton, character.heads, rotations)
        posing = replace(posing, rotations=rotations)
        low = least > -1.0 and uprightness(studio.assets, character, rotations) < least
        if low and not last:
            continue
        # who crouches may not hang in the air, not even where some may be caught in a jump
        sits = stands.overhang_mm > STEADY_MM and _sits(studio.assets, character, rotations)
        if stands.overhang_mm > steady_mm and not (sits or last):
            continue
        faced = with_face(rotations, studio.assets, person.face)
        posed = rig.pose(character, skeleton, faced, turn_rad=turn_rad, at_mm=at_mm)
        seat = None
        if sits and stands.on_feet:
            free = all(w.slot != "bag" for w in person.outfit)
            seat = seats.under(rng, studio.assets, posed, character.heads, back=free)
        if not sits or seat is not None or last:
            break
    points = posed.positions[_drawn(studio, person)]
    return Stand(person, posing, posed, points, turn_rad, seat)


@lru_cache(maxsize=32)
def _ballast(studio: "Studio", person: Person) -> balance.Ballast:
    who = studio.character(person)
    return balance.measure(studio.assets, who.rest, who.heads, studio.capsules(person))


def _in_skirts(person: Person) -> bool:
    return any(word in w.item for w in person.outfit for word in _SKIRTS)


def _sits(assets: Assets, character: Character, rotations: np.ndarray) -> bool:
    """Whether a seat may be found for someone: quick, `seats.under` decides."""
    return 0.15 < uprightness(assets, character, rotations) < 0.8


def places(person: Person) -> tuple[str, ...]:
    """The kinds of backgrounds where someone may be met in their clothes."""
    shod = any(w.slot == "shoes" for w in person.outfit)
    return backgrounds.KINDS if shod else _BAREFOOT


def place(person: Person, rng: np.random.Generator) -> str:
    """Draw one of `places`, the common ones more often."""
    return one_of({kind: backgrounds.SHARES[kind] for kind in places(person)}, rng)


def uprightness(assets: Assets, character: Character, rotations: np.ndarray) -> float:
    """How much someone stands on their feet: 1 upright, about 0.4 sitting or bent, -1 on the head.

    The lesser of two shares: of the height of the head over the hips, and of the hips over the
    lower foot, of what they are at rest.
    """
    names = assets.rig.names
    head, left, right = (names.index(n) for n in ("head", "foot.L", "foot.R"))
    hips = [names.index(n) for n in ("upperleg01.L", "upperleg01.R")]

    def heights(y: np.ndarray) -> np.ndarray:
        hip = y[hips].mean()
        return np.array([y[head] - hip, hip - min(y[left], y[right])])

    bones = rig.transforms(assets.rig, character.heads, rotations)
    posed = np.einsum("bj,bj->b", bones[:, 1, :3], character.heads) + bones[:, 1, 3]
    return float((heights(posed) / heights(character.heads[:, 1])).min())


def reposed(studio: "Studio", stood: Stand, posed: Posed) -> Stand:
    """The same person with another posture."""
    return replace(stood, posed=posed, points=posed.positions[_drawn(studio, stood.person)])


@lru_cache(maxsize=16)
def _drawn(studio: "Studio", person: Person) -> np.ndarray:
    """The vertices that some triangle uses: the base has many that only carry clothes."""
    return np.unique(studio.character(person).mesh.triangles)


@lru_cache(maxsize=6)
def bank(studio: "Studio", split: str) -> PoseBank:
    """The studio's poses, of the recordings and photographs of one split."""
    return studio.bank if studio.bank.split == split else replace(studio.bank, split=split)


def one_of(weights: Mapping[str, float], rng: np.random.Generator) -> str:
    """Draw a name by weight."""
    share = np.array(list(weights.values()), np.float64)
    return str(rng.choice(list(weights), p=share / share.sum()))


def describe(
    taken: Shot,
    picture: "Picture",
    subject: Stand,
    light: Light,
    *,
    background: str,
    **more: Any,
) -> dict[str, Any]:
    """The labels of a sample, as JSON holds them.

    Returns:
        set, seed, index, identity, split: see `Shot`. With the same options `python -m trainer
            data synth` draws the same sample again.
        size: width, height px.
        person_seed: `sampling.person(person_seed, assets)` is the person, but for what
            `more` says. age_years, gender: of the body. outfit: slot, item and colour of what is
            worn. outfit_id: of the same identity in the same clothes.
        pose: source and name; pose_id: the two joined. seat: whether they sit on something.
        keypoints: 17 x (x px, y px, visibility), COCO-17; see `labels`.
        joints_mm: 17 x (x, y, z), mm, camera space, seen or not.
        others: keypoints of each other person.
        bbox: x, y, width, height px of what is seen of the subject; None if nothing is.
        area_px: how many pixels show the subject.
        camera: focal_px, centre_px, rotation (3x3, world to camera), translation mm.
        yaw_deg: where the camera stands about the subject: 0 before it, 90 at its left.
        light: key, sky, ground (linear RGB), direction (world), softness.
        background: its kind.
    """
    person, camera = subject.person, picture.camera
    return {
        "set": taken.set,
        "seed": taken.seed,
        "index": taken.index,
        "identity": taken.identity,
        "split": taken.split,
        "size": list(camera.size),
        "person_seed": person.seed,
        "age_years": round(person.body.age_years, 1),
        "gender": round(person.body.gender, 3),
        "hair": person.hair.style,
        "outfit": [{"slot": w.slot, "item": w.item, "colour": w.colour} for w in person.outfit],
        "outfit_id": f"{taken.set}-{taken.seed}-{taken.identity}",
        "pose": {"source": subject.posing.source, "name": subject.posing.name},
        "seat": subject.seat is not None,
        "pose_id": f"{subject.posing.source}:{subject.posing.name}",
        "keypoints": _rounded(picture.keypoints, 2),
        "joints_mm": _rounded(picture.joints_mm, 1),
        "others": [_rounded(points, 2) for points in picture.others],
        "bbox": labels.box(picture.mask),
        "area_px": int((picture.mask >= 128).sum()),
        "camera": {
            "focal_px": round(camera.focal_px, 3),
            "centre_px": _rounded(np.asarray(camera.centre_px), 3),
            "rotation": _rounded(camera.rotation, 7),
            "translation": _rounded(camera.translation, 2),
        },
        "yaw_deg": round(yaw_deg(camera, subject), 1),
        "light": {
            "direction": _rounded(light.direction, 4),
            "key": _rounded(light.key, 4),
            "sky": _rounded(light.sky, 4),
            "ground": _rounded(light.ground, 4),
            "softness": round(light.softness, 3),
        },
        "background": background,
        **more,
    }


def yaw_deg(camera: Camera, subject: Stand) -> float:
    """Where a camera stands about someone, -180 to 180: 0 before them, 90 at their left."""
    towards = cameras.eye(camera) - subject.points.mean(0)
    yaw = np.degrees(np.arctan2(towards[0], towards[2]) - subject.turn_rad)
    return float((yaw + 180.0) % 360.0 - 180.0)


def files(
    picture: "Picture", described: dict[str, Any], degraded: np.ndarray | None = None
) -> Sample:
    """Encode a sample.

    Args:
        degraded: (h,w,3) uint8 sRGB, the picture as a poor camera has it; the clean one is kept
            beside it.
    """
    sample = {"jpg": _jpg(picture.image if degraded is None else degraded)}
    if degraded is not None:
        sample["clean.jpg"] = _jpg(picture.image)
    sample["mask.png"] = _png(picture.mask)
    sample["parts.png"] = _png(picture.parts)
    sample["cloth.png"] = _png(picture.cloth)
    sample["json"] = json.dumps(described, separators=(",", ":")).encode()
    return sample


_JPG: Final = (cv2.IMWRITE_JPEG_QUALITY, 95)
_PNG: Final = (cv2.IMWRITE_PNG_COMPRESSION, 1)


def _jpg(image: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), _JPG)[1].tobytes()


def _png(image: np.ndarray) -> bytes:
    return cv2.imencode(".png", image, _PNG)[1].tobytes()


def _rounded(values: np.ndarray, digits: int) -> Any:
    return np.round(np.asarray(values, np.float64), digits).tolist()
