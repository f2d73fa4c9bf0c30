"""The Edit and Person menus: each slot turns a click into an undo step."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, QRectF, Signal, Slot
from PySide6.QtGui import QColor, QGuiApplication
from PySide6.QtWidgets import QColorDialog, QInputDialog, QWidget

from poseapp.core import kinematics, newcomers, standing
from poseapp.core.document import Person
from poseapp.core.errors import PoseAppError
from poseapp.core.pose import Pose2D
from poseapp.core.standing import STANDING
from poseapp.state import clipboard
from poseapp.state.commands import (
    AddPeople,
    EditPerson,
    RemovePerson,
    ReorderPerson,
    UsePhoto,
)
from poseapp.state.library import PoseLibrary
from poseapp.state.session import Session
from poseapp.ui.posing import PoseController

_PASTE_STEP_PX = 24.0


def fitted(pose: Pose2D, box: QRectF) -> Pose2D:
    """A pose scaled and moved into a box, its proportions kept."""
    bounds = pose.bounds
    if bounds is None:
        return pose
    x, y, width, height = bounds
    factor = min(box.width() / max(width, 1e-6), box.height() / max(height, 1e-6))
    middle = np.array([x + width / 2, y + height / 2])
    scaled = kinematics.scale(pose, factor, middle)
    goal = np.array([box.center().x(), box.center().y()])
    return kinematics.translate(scaled, goal - middle)


class EditController(QObject):
    """What can be done to people and joints."""

    said = Signal(str, str)
    """(level, sentence) for the message bar."""
    photo_pasted = Signal()
    """A picture of the clipboard is on the canvas now."""
    library_changed = Signal()
    """The user saved a pose to the library."""

    def __init__(
        self, session: Session, posing: PoseController, library: PoseLibrary, window: QWidget
    ) -> None:
        super().__init__(window)
        self._session = session
        self._library = library
        self._posing = posing
        self._window = window
        self._pasted = 0

    # -- help --------------------------------------------------------------------------------
    def _person(self) -> Person | None:
        return self._session.active_person

    def available(self) -> set[str]:
        """What is there for actions that need something."""
        session = self._session
        there = set()
        person = self._person()
        if person is not None:
            there.add("person")
            if session.selection.joints:
                there.add("joints")
            if person.pose.doubtful.any():
                there.add("doubtful")
            if not person.pose.present.all():
                there.add("absent")
        if session.document.people:
            there.add("people")
        if session.document.photo is not None:
            there.add("photo")
        if session.undo_stack.canUndo():
            there.add("undo")
        if session.undo_stack.canRedo():
            there.add("redo")
        return there

    # -- history and clipboard ---------------------------------------------------------------
    @Slot()
    def undo(self) -> None:
        """Undo one step."""
        self._session.undo_stack.undo()

    @Slot()
    def redo(self) -> None:
        """Redo one step."""
        self._session.undo_stack.redo()

    def _copy(self, people: list[Person]) -> None:
        if people:
            mime = clipboard.to_mime(people, self._session.document.size)
            QGuiApplication.clipboard().setMimeData(mime)
            self._pasted = 0

    @Slot()
    def copy(self) -> None:
        """Copy the active person as JSON."""
        person = self._person()
        if person is not None:
            self._copy([person])

    @Slot()
    def copy_all(self) -> None:
        """Copy everyone as JSON."""
        self._copy(list(self._session.document.people))

    @Slot()
    def cut(self) -> None:
        """Copy the active person, then delete it."""
        self.copy()
        self.delete_person()

    @Slot()
    def paste(self) -> None:
        """Add the people of the clipboard's JSON, or take its picture as the photo."""
        mime = QGuiApplication.clipboard().mimeData()
        try:
            if mime.hasImage() and not mime.hasText():
                photo = clipboard.photo_from(mime)
                self._session.undo_stack.push(UsePhoto(self._session, photo))
                self.photo_pasted.emit()
                return
            people = clipboard.people_from(mime)
        except PoseAppError as exc:
            self.said.emit("warning", str(exc))
            return
        self._pasted += 1
        step = _PASTE_STEP_PX * self._pasted
        document = self._session.document
        moved: list[Person] = []
        for person in people:
            person = replace(person, pose=kinematics.translate(person.pose, (step, step)))
            if person.id in {other.id for other in (*document.people, *moved)}:
                person = replace(person, id=uuid.uuid4().hex[:12])
            others = replace(document, people=(*document.people, *moved))
            while person.name in {other.name for other in others.people}:
                person = replace(person, name=f"{person.name} copy")
            if person.colour in {other.colour for other in others.people}:
                person = replace(person, colour=others.next_colour())
            moved.append(person)
        self.add_people(moved, "Paste")

    # -- people ------------------------------------------------------------------------------
    def add_people(self, people: list[Person], text: str = "Add person") -> None:
        """Put people in front and choose the last of them."""
        if not people:
            return
        session = self._session
        session.undo_stack.push(AddPeople(session, people, text))
        session.select(people[-1].id)

    def new_person(self, pose: Pose2D, name: str = "") -> Person:
        """A person with a free name and colour."""
        document = self._session.document
        names = {person.name for person in document.people}
        number = len(names) + 1
        while not name or name in names:
            name, number = f"Person {number}", number + 1
        return Person(pose, name, document.next_colour())

    @Slot(object)
    def place_person(self, box: QRectF) -> None:
        """A standing person in a box of the canvas."""
        box = box.normalized()
        if box.height() < 4:
            return
        centre = (box.center().x(), box.center().y())
        pose = standing.standing(centre, box.height())
        bounds = pose.bounds
        if bounds is not None and bounds[2] > box.width() > 4:
            pose = fitted(pose, box)
        self.add_people([self.new_person(pose)])

    @Slot()
    def add_person(self) -> None:
        """A standing person in the middle of the canvas."""
        pose = newcomers.welcome(self._session.document, Pose2D(STANDING))
        self.add_people([self.new_person(pose)])

    @Slot(str)
    def add_library_pose(self, pose_id: str, at: tuple[float, float] | None = None) -> None:
        """A library pose as a new person, around (x, y) canvas px or in the usual place."""
        entry = self._library.get(pose_id)
        if entry is None:
            return
        pose = newcomers.welcome(self._session.document, entry.pose, at)
        self.add_people([self.new_person(pose)], f"Add {entry.name.lower()}")

    @Slot(str, float, float)
    def drop_library_pose(self, pose_id: str, x: float, y: float) -> None:
        """A library pose dropped on the canvas."""
        self.add_library_pose(pose_id, (x, y))

    @Slot(str)
    def replace_with_library_pose(self, pose_id: str) -> None:
        """The active person takes a library pose, as large as it is; added if there is nobody."""
        entry = self._library.get(pose_id)
        person = self._person()
        if entry is None:
            return
        if person is None or person.pose.bounds is None:
            self.add_library_pose(pose_id)
            return
        pose = self._as_large(entry.pose, person.pose)
        self._posing.change(lambda _: pose, f"Take pose {entry.name.lower()}")

    def library_pose(self, pose_id: str) -> Pose2D | None:
        """A library pose where the active person stands, as large as they are; None for no id."""
        entry = self._library.get(pose_id)
        person = self._person()
        if entry is None:
            return None
        if person is None or person.pose.bounds is None:
            return newcomers.welcome(self._session.document, entry.pose)
        return self._as_large(entry.pose, person.pose)

    @staticmethod
    def _as_large(pose: Pose2D, person: Pose2D) -> Pose2D:
        x, y, width, height = person.bounds or (0.0, 0.0, 0.0, 0.0)
        pose = newcomers.resized(pose, newcomers.body_unit(person))
        left, top, wide, tall = pose.bounds or (0.0, 0.0, 0.0, 0.0)
        # The feet stay on the ground; a lying person would float in the middle of a standing one.
        return kinematics.translate(
            pose, (x + width / 2 - left - wide / 2, y + height - top - tall)
        )

    @Slot()
    def duplicate(self) -> None:
        """A copy of the active person beside it."""
        person = self._person()
        if person is None:
            return
        bounds = person.pose.bounds
        step = 24.0 if bounds is None else max(24.0, bounds[2] * 0.6)
        width = self._session.document.size[0]
        if bounds is not None and bounds[0] + bounds[2] + step > width:
            step = -step
        pose = kinematics.translate(person.pose, (step, 0.0))
        copy = replace(self.new_person(pose, f"{person.name} copy"), extra=person.extra)
        self.add_people([copy], "Duplicate person")

    @Slot()
    def delete(self) -> None:
        """Make the chosen joints absent; without any, delete the person."""
        if self._session.selection.joints:
            self._posing.make_absent()
        else:
            self.delete_person()

    @Slot()
    def delete_person(self) -> None:
        """Take the active person off the canvas."""
        person = self._person()
        if person is None:
            return
        if person.locked:
            self.said.emit("info", f"{person.name} is locked: unlock it to delete it.")
            return
        self._session.undo_stack.push(RemovePerson(self._session, person.id))

    def _reorder(self, step: int) -> None:
        person = self._person()
        if person is None:
            return
        document = self._session.document
        place = document.index(person.id) + step
        if 0 <= place < len(document.people):
            self._session.undo_stack.push(ReorderPerson(self._session, person.id, place))

    @Slot()
    def bring_forward(self) -> None:
        """One place to the front."""
        self._reorder(1)

    @Slot()
    def send_backward(self) -> None:
        """One place to the back."""
        self._reorder(-1)

    def edit_person(self, person_id: str, text: str, **changes: Any) -> None:
        """Change attributes of a person."""
        self._session.undo_stack.push(EditPerson(self._session, person_id, text, **changes))

    @Slot()
    def toggle_visible(self) -> None:
        """Hide the active person, or show it."""
        person = self._person()
        if person is not None:
            self.edit_person(
                person.id,
                "Hide person" if person.visible else "Show person",
                visible=not person.visible,
            )

    @Slot()
    def toggle_locked(self) -> None:
        """Lock the active person, or unlock it."""
        person = self._person()
        if person is not None:
            self.edit_person(
                person.id,
                "Unlock person" if person.locked else "Lock person",
                locked=not person.locked,
            )

    @Slot()
    def rename(self) -> None:
        """Ask for another name."""
        person = self._person()
        if person is None:
            return
        name, yes = QInputDialog.getText(self._window, "Rename", "Name:", text=person.name)
        if yes and name.strip() and name.strip() != person.name:
            self.edit_person(person.id, "Rename person", name=name.strip())

    @Slot()
    def choose_colour(self) -> None:
        """Ask for another colour."""
        person = self._person()
        if person is None:
            return
        colour = QColorDialog.getColor(QColor(person.colour), self._window, "Colour of the person")
        if colour.isValid() and colour.name() != person.colour.lower():
            self.edit_person(person.id, "Change colour", colour=colour.name())

    @Slot()
    def centre(self) -> None:
        """Fit the active person into the canvas."""
        width, height = self._session.document.size
        box = QRectF(0.1 * width, 0.1 * height, 0.8 * width, 0.8 * height)
        self._posing.change(lambda pose: fitted(pose, box), "Centre person")

    @Slot()
    def save_to_library(self) -> None:
        """Keep the active person's pose in the user's library."""
        person = self._person()
        if person is None or person.pose.bounds is None:
            return
        name, yes = QInputDialog.getText(
            self._window, "Save to library", "Name of the pose:", text=person.name
        )
        if yes:
            self.keep_pose(person.pose, name)

    def keep_pose(self, pose: Pose2D, name: str) -> None:
        """Keep a pose in the user's library."""
        if not name.strip() or pose.bounds is None:
            return
        try:
            self._library.add(name.strip(), pose)
        except PoseAppError as exc:
            self.said.emit("error", str(exc))
            return
        self.library_changed.emit()
        self.said.emit("success", f"“{name.strip()}” is in your library now.")

    # -- selection ---------------------------------------------------------------------------
    @Slot()
    def select_all(self) -> None:
        """Choose every joint of the active person."""
        person = self._person()
        if person is not None:
            joints = frozenset(int(j) for j in np.flatnonzero(person.pose.present))
            self._session.select(person.id, joints)

    @Slot()
    def select_none(self) -> None:
        """First let go of the joints, then of the person."""
        chosen = self._session.selection
        self._session.select(chosen.person if chosen.joints else None)

    def _select_step(self, step: int) -> None:
        people = self._session.document.people
        if not people:
            return
        chosen = self._session.selection.person
        if chosen is None:
            place = len(people) - 1 if step < 0 else 0
        else:
            place = (self._session.document.index(chosen) + step) % len(people)
        self._session.select(people[place].id)

    @Slot()
    def select_next(self) -> None:
        """Choose the next person."""
        self._select_step(1)

    @Slot()
    def select_previous(self) -> None:
        """Choose the previous person."""
        self._select_step(-1)

    def _joint_step(self, step: int) -> None:
        person = self._person()
        if person is None or not person.pose.present.any():
            return
        joints = self._session.selection.joints
        present = [int(j) for j in np.flatnonzero(person.pose.present)]
        if len(joints) == 1 and next(iter(joints)) in present:
            place = (present.index(next(iter(joints))) + step) % len(present)
        else:
            place = 0 if step > 0 else len(present) - 1
        self._session.select(person.id, {present[place]})

    @Slot()
    def joint_next(self) -> None:
        """Choose the next joint."""
        self._joint_step(1)

    @Slot()
    def joint_previous(self) -> None:
        """Choose the previous joint."""
        self._joint_step(-1)
