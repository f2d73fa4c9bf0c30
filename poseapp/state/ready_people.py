"""Ready-made people: bundled pictures of created persons, each with its pose and its values."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from poseapp.core.document import Photo, ReferencePerson
from poseapp.core.errors import DocumentError, PoseAppError
from poseapp.core.paths import resources_dir
from poseapp.core.person_values import PERSON_KEY, title
from poseapp.core.pose import Pose2D
from poseapp.formats import coco

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ReadyPerson:
    """One person that can be used at once.

    Attributes:
        size: (width, height) px of the picture.
        pose: in px of the picture.
        person: the values that make the person again.
    """

    name: str
    picture: Path
    size: tuple[int, int]
    pose: Pose2D = field(repr=False)
    person: dict[str, Any] = field(repr=False)

    def reference(self) -> ReferencePerson:
        """As the reference person of a document.

        Raises:
            DocumentError: the picture cannot be read.
        """
        try:
            data = self.picture.read_bytes()
        except OSError as exc:
            raise DocumentError(
                f"Cannot read {self.picture.name} ({exc.strerror or exc}): choose another person."
            ) from exc
        photo = Photo(data, f"{self.name}{self.picture.suffix}", self.size)
        return ReferencePerson(photo, self.pose, self.name, self.person, created=True)


class ReadyPeople:
    """The people in a folder of NN.jpg (or NN.png) and NN.json.

    Args:
        folder: None = the app's own.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder if folder is not None else resources_dir() / "people"

    @cached_property
    def people(self) -> tuple[ReadyPerson, ...]:
        """In the order of their numbers; what cannot be read is left out."""
        found = []
        for file in sorted(self._folder.glob("*.json")):
            try:
                found.append(_read(file))
            except (PoseAppError, OSError, ValueError, LookupError, TypeError) as exc:
                log.warning("Cannot read %s: %s", file, exc)
        return tuple(found)


def _read(file: Path) -> ReadyPerson:
    value = json.loads(file.read_text("utf-8"))
    document = coco.load(value, file.name)
    picture = file.with_name(value["images"][0]["file_name"])
    if not picture.is_file():
        raise DocumentError(f"There is no picture {picture.name}.")
    person = value[PERSON_KEY]
    if not document.people:
        raise DocumentError(f"There is no person in {file.name}.")
    return ReadyPerson(title(person), picture, document.size, document.people[0].pose, person)
