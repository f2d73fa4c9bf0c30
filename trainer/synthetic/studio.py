"""The studio: from a person, a pose and a camera to a picture with its labels. Torch-free."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from trainer.errors import TrainerError
from trainer.synthetic import assets as packs
from trainer.synthetic import (
    backgrounds,
    body,
    collisions,
    facing,
    labels,
    lights,
    outfit,
    patterns,
    pose_bank,
    render,
    rig,
    sampling,
    streams,
    swing,
    wardrobe,
)
from trainer.synthetic import camera as cameras
from trainer.synthetic.person import Person
from trainer.synthetic.types import Assets, Camera, Character, Figure, Frame, Light, Mesh, Posed

KeptT = TypeVar("KeptT")
GROUPS = ("body", "face", "skin", "hair", "outfit")
_KEPT_CHARACTERS = 12
_STANDING = "standing"


@dataclass(frozen=True)
class Picture:
    """A rendered picture and its labels. The subject is the first of its people.

    Attributes:
        image: (h,w,3) uint8 sRGB.
        mask: (h,w) uint8, how much of each pixel shows the subject, 255 all of it.
        parts, cloth: (h,w) uint8 of `types.Part` and `types.Cloth`, 0 where it is not seen.
        keypoints: (17,3) float32, COCO-17: x, y px and visibility 0, 1 or 2.
        joints_mm: (17,3) float32, the same points in camera space.
        others: (17,3) keypoints of each other person.
        depth: (h,w) float32 mm, inf for the backdrop.
    """

    image: np.ndarray
    mask: np.ndarray
    parts: np.ndarray
    cloth: np.ndarray
    keypoints: np.ndarray
    joints_mm: np.ndarray
    others: tuple[np.ndarray, ...]
    camera: Camera
    depth: np.ndarray


class Studio:
    """Builds people and takes their pictures; calls do not depend on each other.

    Args:
        assets: what people are made of.
        data: the data folder, for poses of motion capture and COCO; None uses the assets' own.
        split: whose poses are drawn: "train", "validation" or "test".
        device: "cpu" renders with numba; another ("cuda", or "torch" for torch on the processor)
            with torch, to the same picture but for rounding.
        lifted_people: by split, instead of those that are lifted from `data`; see `PoseBank`.
    """

    def __init__(
        self,
        assets: Assets,
        data: Path | None = None,
        split: str = "train",
        device: str = "cpu",
        lifted_people: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        self.assets = assets
        self._render = _renderer(device)
        self._data = data
        self._split = split
        self._lifted_people = lifted_people
        self._characters: OrderedDict[Person, Character] = OrderedDict()
        self._capsules: OrderedDict[Person, collisions.Capsules] = OrderedDict()

    @cached_property
    def bank(self) -> pose_bank.PoseBank:
        """The poses; read when first asked for."""
        return pose_bank.PoseBank.open(
            self.assets, self._data, split=self._split, lifted_people=self._lifted_people
        )

    def character(self, person: Person) -> Character:
        """The dressed person at rest; the last few are kept."""
        return _kept(self._characters, person, lambda: outfit.dress(self.assets, person))

    def capsules(self, person: Person) -> collisions.Capsules:
        """What the person's limbs must not cut into."""

        def measured() -> collisions.Capsules:
            known = self.character(person)
            base = known.rest[: len(self.assets.base)]
            return collisions.measure(self.assets, base, known.heads, known.tails)

        return _kept(self._capsules, person, measured)

    def pose(
        self,
        person: Person,
        posing: pose_bank.Posing,
        *,
        turn_rad: float = 0.0,
        at_mm: tuple[float, float] = (0.0, 0.0),
    ) -> Posed:
        """Pose a person and stand them on the floor; arms that cut into the body are swung out.

        Args:
            turn_rad: about the vertical, positive turns the front from +z towards +x.
            at_mm: (x, z) of the place on the floor.
        """
        return self._posed(person, posing.rotations, turn_rad, at_mm)

    def _posed(
        self,
        person: Person,
        rotations: np.ndarray,
        turn_rad: float,
        at_mm: tuple[float, float] = (0.0, 0.0),
    ) -> Posed:
        character, skeleton = self.character(person), self.assets.rig
        settled, _ = collisions.settle(self.capsules(person), skeleton, character.heads, rotations)
        faced = pose_bank.with_face(settled, self.assets, person.face)
        return rig.pose(character, skeleton, faced, turn_rad=turn_rad, at_mm=at_mm)

    def picture(
        self,
        people: Sequence[tuple[Person, Posed]],
        camera: Camera,
        light: Light,
        *,
        background: np.random.Generator,
        kind: str | None = None,
        objects: Sequence[tuple[Mesh, np.ndarray]] = (),
        supersample: int = 2,
    ) -> Picture:
        """Take a picture.

        Args:
            people: the subject first.
            background: draws what is behind them.
            kind: one of `backgrounds.KINDS`; None draws one.
            objects: meshes with (n,3) mm positions, in front or beside.
        """
        backdrop = backgrounds.paint(background, camera, light, kind)
        figures = [
            Figure(self.character(person).mesh, posed.positions, number)
            for number, (person, posed) in enumerate(people, start=1)
        ]
        figures += [Figure(mesh, at, 200 + i) for i, (mesh, at) in enumerate(objects)]
        frame = self._render(figures, camera, light, backdrop, supersample=supersample)
        found = [
            labels.keypoints(
                self.assets, self.character(person), posed, camera, frame, number=number
            )
            for number, (person, posed) in enumerate(people, start=1)
        ]
        mask, parts, cloth = labels.masks(frame, 1)
        return Picture(
            image=frame.image,
            mask=mask,
            parts=parts,
            cloth=cloth,
            keypoints=found[0][0],
            joints_mm=found[0][1],
            others=tuple(points for points, _ in found[1:]),
            camera=camera,
            depth=frame.depth,
        )

    def draw_person(
        self,
        person: Person,
        *,
        joints: np.ndarray | None = None,
        elevation_rad: float = 0.0,
        keypoints: np.ndarray | None = None,
        confidence: np.ndarray | None = None,
        size: tuple[int, int] = (384, 768),
        background: str | None = None,
        seed: int = 0,
        turn_rad: float = 0.0,
        supersample: int = 2,
    ) -> Picture:
        """A picture of a person in a pose that was drawn and lifted, or standing.

        Args:
            joints: (17,3) mm, camera space, mocap order, as the lifter returns; None stands.
            elevation_rad: how far the lifter's camera looks down on the figure.
            keypoints: (17,2) px in a picture of `size`, COCO-17; the camera is fitted to them.
            confidence: (17,), 0 = absent.
            size: (width, height) px.
            seed: of light and background.
            turn_rad: turns a standing figure about the vertical.
        """
        character = self.character(person)
        if joints is None:
            rotations = pose_bank.built_in(self.assets, _STANDING).rotations
        else:
            upright = joints_to_world(joints, elevation_rad)
            rotations = swing.swing(self.assets, character.heads, character.tails, upright)
            turn_rad = 0.0
        posed = self._posed(person, rotations, turn_rad)
        if joints is None or keypoints is None:
            rng = streams.stream(seed, "camera")
            framed = cameras.drawn(character, posed)
            camera = cameras.full_body(rng, framed, size, jitter=0.0)
        else:
            seen = np.ones(17, np.float32) if confidence is None else np.asarray(confidence)
            target = np.asarray(keypoints)
            points = labels.landmarks(self.assets, posed)
            camera = cameras.fit_keypoints(points, target, seen, size)
            rotations = facing.turn_head(
                self.assets, character, posed, rotations, camera, target, seen
            )
            posed = self._posed(person, rotations, turn_rad)
        kind = background or backgrounds.STUDIO
        light = lights.sample(streams.stream(seed, "light"), kind, camera=camera)
        return self.picture(
            [(person, posed)],
            camera,
            light,
            background=streams.stream(seed, "background"),
            kind=kind,
            supersample=supersample,
        )

    def random_person(
        self, seed: int, keep: Person | None = None, locked: Sequence[str] = ()
    ) -> Person:
        """A person of a seed.

        Args:
            keep: whose locked aspects stay.
            locked: of "body", "face", "skin", "hair", "outfit" and "outfit.SLOT".
        """
        if keep is None:
            return sampling.person(seed, self.assets)
        # Drawn around what stays: a locked child gets a child's clothes.
        fixed = {group: getattr(keep, group) for group in GROUPS if group in locked}
        drawn = sampling.person(seed, self.assets, **fixed)
        slots = {name.partition(".")[2] for name in locked if name.startswith("outfit.")}
        if not slots or "outfit" in locked:
            return drawn
        return replace(drawn, outfit=wardrobe.merged(drawn.outfit, keep.outfit, slots))

    def options(self) -> dict[str, Any]:
        """What can be chosen: items by slot, patterns, hair, eyes, expressions, backgrounds."""
        expressions = self.assets.expressions
        return {
            "source": self.assets.source,
            "items": wardrobe.items(self.assets),
            "cuttable": wardrobe.cuttable(self.assets),
            "patterns": patterns.NAMES,
            "hair": wardrobe.hair_styles(self.assets),
            "eyes": wardrobe.eye_colours(self.assets),
            "eyebrows": wardrobe.eyebrows(self.assets),
            "expressions": expressions.names if expressions else (),
            "details": body.detail_axes(self.assets),
            "backgrounds": backgrounds.KINDS,
        }


def _kept(cache: OrderedDict[Person, KeptT], person: Person, make: Callable[[], KeptT]) -> KeptT:
    if person not in cache:
        cache[person] = make()
        while len(cache) > _KEPT_CHARACTERS:
            cache.popitem(last=False)
    cache.move_to_end(person)
    return cache[person]


def joints_to_world(joints: np.ndarray, elevation_rad: float = 0.0) -> np.ndarray:
    """(17,3) mm, camera space -> (17,3) mm, upright world space, of the same facing."""
    sine, cosine = np.sin(elevation_rad), np.cos(elevation_rad)
    view = np.array([[1.0, 0.0, 0.0], [0.0, -cosine, sine], [0.0, -sine, -cosine]])
    return np.asarray(joints, float) @ view


def _renderer(device: str) -> Callable[..., Frame]:
    if device == "cpu":
        return render.render
    try:
        from trainer.api import resolve_device
        from trainer.synthetic import render_torch  # torch: only who asks for it loads it
    except ImportError as exc:
        raise TrainerError(f"Rendering on {device} needs torch: use the device cpu.") from exc
    found = "cpu" if device == "torch" else resolve_device(device)
    return partial(render_torch.render, device=found)


def open_studio(
    data: str | Path | None = None,
    split: str = "train",
    device: str = "cpu",
    lifted_people: Mapping[str, np.ndarray] | None = None,
) -> Studio:
    """A studio with the pack of the data folder, or with the mannequin where there is none."""
    folder = packs.find(data)
    root = Path(data) if data is not None else (folder.parent if folder else None)
    assets = packs.load(folder) if folder else packs.load_or_mannequin(data)
    return Studio(assets, root, split, device, lifted_people)
