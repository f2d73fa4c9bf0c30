"""Every edit as an undo step: documents are immutable, so a step is one before and one after."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtGui import QUndoCommand

from poseapp.core.document import Document, Person, Photo, ReferencePerson
from poseapp.core.pose import Pose2D, Visibility
from poseapp.core.sequence import PoseSequence
from poseapp.state.session import Session

_MERGEABLE = 1


class Edit(QUndoCommand):
    """Replace the document by another state of it.

    Args:
        text: what the Edit menu says after "Undo".
        after: the document that this step leads to.
        merge_key: steps in a row with the same key (say, one drag) become one; None never merges.
    """

    def __init__(
        self, session: Session, text: str, after: Document, merge_key: object | None = None
    ) -> None:
        super().__init__(text)
        self._session = session
        self._before = session.document
        self._after = after
        self._key = merge_key
        self._forgotten = False

    def forget(self) -> None:
        """The next undo takes this step off the stack: there is nothing to redo."""
        self._forgotten = True

    def id(self) -> int:
        return -1 if self._key is None else _MERGEABLE

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, Edit) or other._key != self._key:
            return False
        self._after = other._after
        return True

    def redo(self) -> None:
        self._session.apply(self._after)

    def undo(self) -> None:
        self._session.apply(self._before)
        if self._forgotten:
            self.setObsolete(True)


class SetPose(Edit):
    """Give a person another pose. One drag passes one `drag` number, and is one step."""

    def __init__(
        self,
        session: Session,
        person_id: str,
        pose: Pose2D,
        text: str = "Change pose",
        drag: object | None = None,
    ) -> None:
        person = replace(session.document.person(person_id), pose=pose)
        key = None if drag is None else (person_id, text, drag)
        super().__init__(session, text, session.document.with_person(person), key)


class MoveJoint(SetPose):
    """Put one joint at (x, y) px."""

    def __init__(
        self,
        session: Session,
        person_id: str,
        joint: int,
        xy: tuple[float, float] | np.ndarray,
        drag: object | None = None,
    ) -> None:
        pose = session.document.person(person_id).pose.with_joint(joint, xy)
        super().__init__(session, person_id, pose, "Move joint", drag)


class SetVisibility(SetPose):
    """Make a joint visible, hidden or absent."""

    def __init__(
        self, session: Session, person_id: str, joint: int, visibility: Visibility
    ) -> None:
        pose = session.document.person(person_id).pose.with_visibility(joint, visibility)
        super().__init__(session, person_id, pose, f"Make joint {visibility.name.lower()}")


class AddPeople(Edit):
    """Put people in front of the others."""

    def __init__(self, session: Session, people: list[Person], text: str = "Add person") -> None:
        document = session.document
        super().__init__(session, text, replace(document, people=(*document.people, *people)))


class RemovePerson(Edit):
    """Take a person off the canvas."""

    def __init__(self, session: Session, person_id: str) -> None:
        document = session.document
        document.index(person_id)
        people = tuple(p for p in document.people if p.id != person_id)
        super().__init__(session, "Delete person", replace(document, people=people))


class EditPerson(Edit):
    """Change name, colour, visibility or lock of a person."""

    def __init__(
        self, session: Session, person_id: str, text: str, merge: bool = False, **changes: Any
    ) -> None:
        person = replace(session.document.person(person_id), **changes)
        key = (person_id, text) if merge else None
        super().__init__(session, text, session.document.with_person(person), key)


class ReorderPerson(Edit):
    """Move a person to another place in the back-to-front order."""

    def __init__(self, session: Session, person_id: str, place: int) -> None:
        document = session.document
        people = list(document.people)
        person = people.pop(document.index(person_id))
        people.insert(max(0, min(place, len(people))), person)
        super().__init__(session, "Reorder people", replace(document, people=tuple(people)))


class SetPhoto(Edit):
    """Use a photo as the background (None removes it); the canvas takes its size if `fit`."""

    def __init__(self, session: Session, photo: Photo | None, fit: bool = False) -> None:
        size = photo.size if photo and fit else session.document.size
        text = "Set photo" if photo else "Remove photo"
        super().__init__(session, text, replace(session.document, photo=photo, size=size))


class SetPhotoOpacity(Edit):
    """Fade the photo; steps of one slide merge."""

    def __init__(self, session: Session, opacity: float, slide: object | None = None) -> None:
        after = replace(session.document, photo_opacity=float(np.clip(opacity, 0.0, 1.0)))
        super().__init__(session, "Photo opacity", after, slide and ("opacity", slide))


class ResizeCanvas(Edit):
    """Change the canvas size (width, height) px; poses stay where they are."""

    def __init__(self, session: Session, size: tuple[int, int]) -> None:
        super().__init__(session, "Resize canvas", replace(session.document, size=size))


def _scaled(document: Document, size: tuple[int, int]) -> Document:
    """The poses as large, and as much in the middle, on another canvas as they are on theirs."""
    factor = min(size[0] / document.size[0], size[1] / document.size[1])
    shift = (np.array(size, float) - np.array(document.size, float) * factor) / 2.0

    def moved(pose: Pose2D) -> Pose2D:
        points = np.where(pose.present[:, None], pose.keypoints * factor + shift, 0.0)
        return pose.with_keypoints(points)

    people = tuple(replace(person, pose=moved(person.pose)) for person in document.people)
    sequence = document.sequence
    if sequence.keys:
        keys = tuple(replace(key, pose=moved(key.pose)) for key in sequence.keys)
        sequence = replace(sequence, keys=keys)
    return replace(document, size=size, people=people, sequence=sequence)


class ScaleCanvas(Edit):
    """Change the canvas size (width, height) px; the people grow or shrink along."""

    def __init__(self, session: Session, size: tuple[int, int]) -> None:
        super().__init__(session, "Scale canvas", _scaled(session.document, size))


def _with_photo(document: Document, photo: Photo) -> Document:
    if photo.size != document.size:
        document = _scaled(document, photo.size)
    return replace(document, photo=photo)


class UsePhoto(Edit):
    """Trace a photo: the canvas takes its size, so that it is not distorted, people scale along."""

    def __init__(self, session: Session, photo: Photo) -> None:
        super().__init__(session, "Set photo", _with_photo(session.document, photo))


class SetReference(Edit):
    """Choose the reference person; None removes it."""

    def __init__(self, session: Session, reference: ReferencePerson | None) -> None:
        text = "Remove reference person" if reference is None else "Set reference person"
        super().__init__(session, text, replace(session.document, reference=reference))


class PutOnCanvas(Edit):
    """Trace a photo and add who is seen in it, as one step.

    Args:
        person: with its pose in px of the photo; None adds nobody.
    """

    def __init__(self, session: Session, photo: Photo, person: Person | None) -> None:
        after = _with_photo(session.document, photo)
        if person is not None:
            after = replace(after, people=(*after.people, person))
        super().__init__(session, "Put reference person on the canvas", after)


class SetSequence(Edit):
    """Change the strip of key poses, or how it is played; steps with one `slide` merge."""

    def __init__(
        self, session: Session, sequence: PoseSequence, text: str, slide: object | None = None
    ) -> None:
        after = replace(session.document, sequence=sequence)
        super().__init__(session, text, after, slide and ("sequence", text, slide))
