"""The document: a canvas, an optional photo, several people, and the reference person.

Immutable, so a snapshot is free.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from typing import Any

from poseapp.core.errors import DocumentError
from poseapp.core.pose import Pose2D
from poseapp.core.sequence import PoseSequence

PERSON_COLOURS = ("#4C9AFF", "#FF8B4C", "#36C98E", "#B36BFF", "#FFC83D", "#FF5C8A", "#2BC4D9")
MAX_CANVAS_PX = 16_384


@dataclass(frozen=True)
class Photo:
    """A reference photo, kept as the bytes of its file so that saving never degrades it.

    Attributes:
        data: the encoded picture (JPEG, PNG, WebP).
        name: file name it came from.
        size: (width, height) px after EXIF rotation; halved until a canvas can have it.
    """

    data: bytes = field(repr=False)
    name: str
    size: tuple[int, int]


@dataclass(frozen=True)
class Person:
    """One person on the canvas. `extra` keeps unknown keys of the file it came from, by format."""

    pose: Pose2D
    name: str = "Person"
    colour: str = PERSON_COLOURS[0]
    visible: bool = True
    locked: bool = False
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ReferencePerson:
    """Whom the poses are for: a picture of one person, with the pose they have in it.

    Attributes:
        pose: in px of the photo; every joint is absent where nobody marked them yet.
        person: the values that make a created person again (plain JSON); None for a photograph.
        created: the picture was rendered here and shows nobody who lives.
    """

    photo: Photo
    pose: Pose2D
    name: str = "Reference person"
    person: dict[str, Any] | None = field(default=None, repr=False)
    created: bool = False


@dataclass(frozen=True)
class Document:
    """Everything that a project file holds.

    Attributes:
        size: canvas (width, height) px.
        people: back to front.
        extra: unknown keys of the file it came from, by format.
        reference: who is to be shown in the poses, None until somebody is chosen.
        sequence: the strip of key poses.
    """

    size: tuple[int, int] = (768, 768)
    people: tuple[Person, ...] = ()
    photo: Photo | None = None
    photo_opacity: float = 0.6
    extra: dict[str, Any] = field(default_factory=dict)
    reference: ReferencePerson | None = None
    sequence: PoseSequence = field(default_factory=PoseSequence)

    def __post_init__(self) -> None:
        width, height = self.size
        if not (1 <= width <= MAX_CANVAS_PX and 1 <= height <= MAX_CANVAS_PX):
            raise DocumentError(
                f"A canvas of {width} x {height} px is not possible: use 1 to {MAX_CANVAS_PX} px."
            )

    def index(self, person_id: str) -> int:
        """Place of a person in `people`; KeyError when there is none of that id."""
        for place, person in enumerate(self.people):
            if person.id == person_id:
                return place
        raise KeyError(person_id)

    def person(self, person_id: str) -> Person:
        """The person of that id; KeyError when there is none."""
        return self.people[self.index(person_id)]

    def with_person(self, person: Person) -> Document:
        """Replace the person of the same id."""
        place = self.index(person.id)
        return replace(self, people=(*self.people[:place], person, *self.people[place + 1 :]))

    def next_colour(self) -> str:
        """The first colour that no one wears, else the next in turn."""
        worn = {person.colour for person in self.people}
        free = [colour for colour in PERSON_COLOURS if colour not in worn]
        return free[0] if free else PERSON_COLOURS[len(self.people) % len(PERSON_COLOURS)]
