"""The Sequence menu: key poses on a strip, motions from files, playing and rendering."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QWidget

from poseapp.core.document import Person
from poseapp.core.errors import PoseAppError
from poseapp.core.pose import Pose2D
from poseapp.core.sequence import MOST_KEYS, STEP_S, KeyPose, PoseSequence
from poseapp.services import sequence_input
from poseapp.services.engine import Engine
from poseapp.state.commands import AddPeople, SetPose, SetSequence
from poseapp.state.session import Session
from poseapp.state.settings import Settings
from poseapp.ui.playing import Player

_MOTIONS = "Motions and poses (*.bvh *.json *.pose)"


class SequenceController(QObject):
    """What can be done to the strip; every change of it is an undo step."""

    said = Signal(str, str)
    """(level, sentence) for the message bar."""
    changed = Signal()
    """What is available changed."""
    key_chosen = Signal(str)
    """This key pose should be the current one."""
    motion_opened = Signal()
    """A motion of a file is on the strip now."""

    def __init__(
        self, session: Session, engine: Engine, settings: Settings, window: QWidget
    ) -> None:
        super().__init__(window)
        self._session = session
        self._engine = engine
        self._settings = settings
        self._window = window
        self.current: str | None = None
        self.player = Player(session, engine, self)
        self.player.failed.connect(self._on_failed)
        self.player.moment_changed.connect(self._on_moment_changed)
        self._had_moment = False
        session.sequence_changed.connect(self.changed)

    @property
    def sequence(self) -> PoseSequence:
        """The strip of the document."""
        return self._session.document.sequence

    def available(self) -> set[str]:
        """What is there for actions that need something."""
        there = set()
        if self.sequence.keys:
            there.add("sequence")
        if self.sequence.fits:
            there.add("motion")
        if self.player.moment is not None:
            there.add("moment")
        return there

    def change(self, sequence: PoseSequence, text: str, slide: object | None = None) -> None:
        """Change the strip as one step; steps of one slide merge."""
        if sequence != self.sequence:
            self._session.undo_stack.push(SetSequence(self._session, sequence, text, slide))

    # -- key poses ---------------------------------------------------------------------------
    def _pose(self) -> Pose2D | None:
        """The pose on the canvas; says what is missing where there is none."""
        person = self._session.active_person
        if person is None or person.pose.bounds is None:
            self.said.emit("info", "There is no pose on the canvas: add a person first.")
            return None
        return person.pose

    @Slot()
    def add(self) -> None:
        """The active person's pose becomes a key pose, after the current one."""
        pose = self._pose()
        if pose is not None:
            self.player.stop()
            self.insert(pose)

    def _full(self) -> bool:
        """There is no room for one more key pose; says so."""
        full = len(self.sequence.keys) >= MOST_KEYS
        if full:
            self.said.emit("info", f"The strip is full: it holds up to {MOST_KEYS} key poses.")
        return full

    def insert(self, pose: Pose2D, place: int | None = None) -> None:
        """Add a key pose; after the current one if `place` is None."""
        sequence = self.sequence
        if self._full():
            return
        if place is None:
            known = [key.id for key in sequence.keys]
            place = known.index(self.current) + 1 if self.current in known else len(known)
        before = sequence.keys[place - 1] if place and sequence.keys else None
        key = KeyPose(pose, before.duration_s if before is not None else STEP_S)
        self.change(sequence.inserted(key, place), "Add key pose")
        self.key_chosen.emit(key.id)

    def update(self, key_id: str) -> None:
        """A key pose becomes what the canvas shows."""
        pose = self._pose()
        if pose is not None:
            key = self.sequence.keys[self.sequence.place(key_id)]
            self.change(self.sequence.with_key(replace(key, pose=pose)), "Replace key pose")

    def edit(
        self, ids: Sequence[str], text: str, slide: object | None = None, **changes: object
    ) -> None:
        """Change duration or easing of key poses."""
        sequence = self.sequence
        for key_id in ids:
            key = sequence.keys[sequence.place(key_id)]
            sequence = sequence.with_key(replace(key, **changes))  # type: ignore[arg-type]
        self.change(sequence, text, slide)

    def duplicate(self, key_id: str) -> None:
        """A copy of a key pose after it."""
        if self._full():
            return
        place = self.sequence.place(key_id)
        copy = replace(self.sequence.keys[place], id=uuid.uuid4().hex[:12])
        self.change(self.sequence.inserted(copy, place + 1), "Duplicate key pose")
        self.key_chosen.emit(copy.id)

    def move(self, key_id: str, place: int) -> None:
        """A key pose goes to another place of the order."""
        self.change(self.sequence.moved(key_id, place), "Move key pose")
        self.key_chosen.emit(key_id)

    def remove(self, ids: Sequence[str]) -> None:
        """Take key poses off the strip."""
        text = "Delete key pose" if len(ids) == 1 else "Delete key poses"
        self.change(self.sequence.without(ids), text)

    def take(self, key_id: str) -> None:
        """The active person takes a key pose; somebody is added where there is nobody."""
        self._take(self.sequence.keys[self.sequence.place(key_id)].pose, "Take key pose")

    @Slot()
    def take_moment(self) -> None:
        """The active person takes the pose of the moment that is shown."""
        moment = self.player.moment
        if moment is not None:
            self._take(moment.pose, "Take pose of the sequence")

    def _take(self, pose: Pose2D, text: str) -> None:
        session = self._session
        self.player.stop()
        person = session.active_person
        if person is None:
            document = session.document
            names = {p.name for p in document.people}
            name = next(n for i in range(1, 9999) if (n := f"Person {i}") not in names)
            session.undo_stack.push(
                AddPeople(session, [Person(pose, name, document.next_colour())], text)
            )
        elif person.locked:
            self.said.emit("info", f"{person.name} is locked: unlock it to change its pose.")
        elif person.pose != pose:
            session.undo_stack.push(SetPose(session, person.id, pose, text))

    @Slot()
    def clear(self) -> None:
        """Take all key poses off the strip."""
        self.player.stop()
        self.change(replace(self.sequence, keys=()), "Clear the strip")

    # -- playing -----------------------------------------------------------------------------
    @Slot()
    def toggle(self) -> None:
        """Play, or stay where it is."""
        if self.player.playing:
            self.player.pause()
        elif self.sequence.fits:
            self.player.play()
        else:
            self.said.emit("info", "A sequence needs two key poses: add this one and another.")

    @Slot()
    def stop(self) -> None:
        """Back to the canvas as it is."""
        self.player.stop()

    @Slot(str)
    def _on_failed(self, sentence: str) -> None:
        self.said.emit("warning", f"{sentence} Until then angles turn evenly.")

    @Slot()
    def _on_moment_changed(self) -> None:
        has = self.player.moment is not None
        if has != self._had_moment:
            self._had_moment = has
            self.changed.emit()

    # -- files -------------------------------------------------------------------------------
    @Slot()
    def open_motion(self) -> None:
        """Ask for a motion file and put its key poses on the strip."""
        folder = str(self._settings.last_folder)
        name, _ = QFileDialog.getOpenFileName(self._window, "Open motion", folder, _MOTIONS)
        if name:
            self.take_motion(Path(name))

    @Slot()
    def open_motion_folder(self) -> None:
        """Ask for a folder with a pose file for each frame."""
        folder = str(self._settings.last_folder)
        name = QFileDialog.getExistingDirectory(
            self._window, "Open a folder with a pose file for each frame", folder
        )
        if name:
            self.take_motion(Path(name))

    def take_motion(self, path: Path) -> bool:
        """A motion takes the place of the strip, done by the active person; one undo step."""
        person = self._session.active_person
        pose = person.pose if person is not None and person.pose.bounds is not None else None
        canvas = self._session.document.size
        QGuiApplication.setOverrideCursor(Qt.CursorShape.WaitCursor)
        try:
            loaded = sequence_input.load(path, canvas=canvas, person=pose)
        except PoseAppError as exc:
            self.said.emit("error", str(exc))
            return False
        finally:
            QGuiApplication.restoreOverrideCursor()
        self._settings.last_folder = path.absolute().parent
        self.player.stop()
        self.change(replace(loaded.sequence, between=self.sequence.between), f"Open {path.name}")
        count = len(loaded.sequence.keys)
        keys = "1 key pose" if count == 1 else f"{count} key poses"
        if loaded.moves:
            self.said.emit("success", f"{path.name}: {loaded.frames:,} frames became {keys}.")
        else:
            self.said.emit("success", f"{path.name}: {keys}.")
        self.motion_opened.emit()
        if loaded.sequence.fits:
            self.player.seek(0.0)
            self.player.play()
        return True

    @Slot()
    def render(self) -> None:
        """Ask for a format and write the frames."""
        from poseapp.ui.dialogs.render_sequence import RenderSequenceDialog

        if not self.sequence.keys:
            self.said.emit("info", "There is no sequence yet: add key poses to the strip first.")
            return
        self.player.pause()
        dialog = RenderSequenceDialog(self._session, self._engine, self._settings, self._window)
        if dialog.exec():
            self.said.emit("success", dialog.sentence)
        dialog.deleteLater()

    def close(self) -> None:
        """The window closes."""
        self.player.stop()
