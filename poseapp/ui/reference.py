"""The reference person: created, chosen, put on the canvas, saved. Each change is an undo step."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QFileDialog, QWidget

from poseapp.core.document import Person, ReferencePerson
from poseapp.core.errors import PoseAppError
from poseapp.core.pose import Pose2D, Visibility
from poseapp.services.engine import Engine
from poseapp.state.commands import PutOnCanvas, SetReference
from poseapp.state.session import Session
from poseapp.state.settings import Settings
from poseapp.ui.dialogs.person_results import ask_file, save_photo

if TYPE_CHECKING:
    from poseapp.ui.dialogs.create_person import CreatePersonDialog

NO_POSE = Pose2D(np.zeros((17, 2)), np.full(17, Visibility.ABSENT))
"""Of a picture that nobody marked the joints in."""


class ReferenceController(QObject):
    """What can be done about the reference person."""

    said = Signal(str, str)
    """(level, sentence) for the message bar."""

    def __init__(
        self, session: Session, engine: Engine, settings: Settings, window: QWidget
    ) -> None:
        super().__init__(window)
        self._session = session
        self._engine = engine
        self._settings = settings
        self._window = window
        self._dialog: CreatePersonDialog | None = None

    @property
    def reference(self) -> ReferencePerson | None:
        """The reference person of the document."""
        return self._session.document.reference

    def available(self) -> set[str]:
        """What is there for actions that need something."""
        reference = self.reference
        if reference is None:
            return set()
        return {"reference"} | ({"created"} if reference.person is not None else set())

    @property
    def dialog(self) -> CreatePersonDialog:
        """The dialog that creates people; made when it is first wanted."""
        if self._dialog is None:
            from poseapp.ui.dialogs.create_person import CreatePersonDialog

            self._dialog = CreatePersonDialog(
                self._session, self._engine, self._settings, self._window
            )
            self._dialog.accepted_person.connect(self.take)
        return self._dialog

    def close(self) -> None:
        """Close the dialog along with the window."""
        if self._dialog is not None:
            self._dialog.close()

    # -- choosing ----------------------------------------------------------------------------
    @Slot()
    def create(self) -> None:
        """Open the dialog that creates a person."""
        self.dialog.present()

    @Slot()
    def choose_ready(self) -> None:
        """Open the ready-made people."""
        self.dialog.show_ready()
        self.dialog.present()

    @Slot()
    def change(self) -> None:
        """Open the dialog with the reference person, if it was created."""
        reference = self.reference
        if reference is not None and reference.person is not None:
            self.dialog.present()
            self.dialog.change(reference.person)

    @Slot(object)
    def take(self, reference: ReferencePerson) -> None:
        """Make somebody the reference person."""
        self._session.undo_stack.push(SetReference(self._session, reference))
        self.said.emit("success", f"{reference.name} is the reference person now.")

    @Slot()
    def choose_file(self) -> None:
        """Ask for a picture of a person."""
        from poseapp.ui.files import photo_filter

        name, _ = QFileDialog.getOpenFileName(
            self._window, "Picture of a person", str(self._settings.last_folder), photo_filter()
        )
        if name:
            self.take_file(Path(name))

    def take_file(self, path: Path) -> bool:
        """Use a picture, with the pose that a keypoint file of the same name beside it has."""
        from poseapp.core.photo import load_photo  # OpenCV: not needed for the first window

        try:
            photo, _ = load_photo(path)
            pose, person = self._beside(path, photo.size)
        except PoseAppError as exc:
            self.said.emit("error", str(exc))
            return False
        self._settings.last_folder = path.absolute().parent
        name = path.stem
        reference = ReferencePerson(photo, pose, name, person, created=person is not None)
        self._session.undo_stack.push(SetReference(self._session, reference))
        if not pose.present.any():
            self.said.emit(
                "info",
                f"{name} has no pose yet: put it on the canvas, mark the joints, and take"
                " photo and pose of the canvas.",
            )
        return True

    @staticmethod
    def _beside(path: Path, size: tuple[int, int]) -> tuple[Pose2D, dict[str, object] | None]:
        """Pose in px of a picture of that size, and values of a created person, of the keypoint
        file beside it.
        """
        from poseapp.core.person_values import PERSON_KEY
        from poseapp.formats.files import parse_json, read_bytes
        from poseapp.formats.photo_poses import load_over

        file = path.with_suffix(".json")
        if not file.is_file():
            return NO_POSE, None
        people = load_over(file, size).people
        value = parse_json(read_bytes(file), file.name)
        person = value.get(PERSON_KEY) if isinstance(value, dict) else None
        pose = people[0].pose if people else NO_POSE
        return pose, person if isinstance(person, dict) else None

    @Slot()
    def take_canvas(self) -> None:
        """Use the photo of the canvas with the pose of the active person."""
        document, person = self._session.document, self._session.active_person
        if document.photo is None:
            self.said.emit("info", "There is no photo on the canvas: set one first.")
            return
        if person is None or not person.pose.present.any():
            self.said.emit("info", "Nobody is on the canvas: mark the person in the photo first.")
            return
        pose = person.pose
        factor = np.array(document.photo.size, float) / np.array(document.size, float)
        pose = pose.with_keypoints(pose.keypoints * factor)
        self.take(ReferencePerson(document.photo, pose, person.name))

    # -- using -------------------------------------------------------------------------------
    @Slot()
    def put_on_canvas(self) -> None:
        """The picture as the background and its pose as a person, in one step."""
        reference, document = self.reference, self._session.document
        if reference is None:
            return
        person = None
        if reference.pose.present.any():
            names = {p.name for p in document.people}
            name, number = reference.name, 2
            while name in names:
                name, number = f"{reference.name} {number}", number + 1
            person = Person(reference.pose, name, document.next_colour())
        self._session.undo_stack.push(PutOnCanvas(self._session, reference.photo, person))
        if person is not None:
            self._session.select(person.id)

    @Slot()
    def save_picture(self) -> None:
        """Ask where the picture goes."""
        reference = self.reference
        if reference is None:
            return
        path = ask_file(self._window, self._settings, reference.photo)
        if path is not None:
            self.save_to(path)

    def save_to(self, path: Path) -> bool:
        """Write the picture of the reference person."""
        reference = self.reference
        if reference is None:
            return False
        try:
            save_photo(reference.photo, path, self._settings)
        except PoseAppError as exc:
            self.said.emit("error", str(exc))
            return False
        self.said.emit("success", f"Saved {path.name}.")
        return True

    @Slot()
    def remove(self) -> None:
        """Do without a reference person."""
        if self.reference is not None:
            self._session.undo_stack.push(SetReference(self._session, None))
