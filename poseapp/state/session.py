"""The open document, the selection and the undo stack. Only `commands` change the document."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack

from poseapp.core.document import Document, Person


@dataclass(frozen=True)
class Selection:
    """The active person and the joints chosen of it."""

    person: str | None = None
    joints: frozenset[int] = frozenset()


class Session(QObject):
    """State that the widgets show. It knows no widget, and every signal is about what has happened.

    `pose_changed` and `people_changed` come before `document_changed`, which follows every change.
    """

    document_changed = Signal()
    document_replaced = Signal()
    """Another document was opened: forget all that was shown of the old one."""
    people_changed = Signal()
    """A person came, went, moved in the order, or changed name, colour, visibility or lock."""
    pose_changed = Signal(str)
    """The pose of the person with this id changed."""
    photo_changed = Signal()
    reference_changed = Signal()
    """Another reference person, or none."""
    sequence_changed = Signal()
    """Key poses came, went or changed, or how they are played."""
    canvas_changed = Signal()
    selection_changed = Signal()
    path_changed = Signal()

    def __init__(self, document: Document | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.undo_stack = QUndoStack(self)
        self._document = document or Document()
        self._selection = Selection()
        self._path: Path | None = None

    @property
    def document(self) -> Document:
        """The document as it stands; immutable."""
        return self._document

    @property
    def path(self) -> Path | None:
        """The project file, None until the first save."""
        return self._path

    @property
    def is_modified(self) -> bool:
        """There are edits since the last save."""
        return not self.undo_stack.isClean()

    @property
    def selection(self) -> Selection:
        """The active person and its chosen joints."""
        return self._selection

    @property
    def active_person(self) -> Person | None:
        """The person that edits go to: the selected one, else the topmost visible one."""
        if self._selection.person is not None:
            return self._document.person(self._selection.person)
        for person in reversed(self._document.people):
            if person.visible and not person.locked:
                return person
        return None

    def select(self, person: str | None, joints: frozenset[int] | set[int] = frozenset()) -> None:
        """Choose a person and joints; unknown people choose nobody. Not an undo step."""
        if person is not None and person not in {p.id for p in self._document.people}:
            person, joints = None, frozenset()
        new = Selection(person, frozenset(joints) if person is not None else frozenset())
        if new != self._selection:
            self._selection = new
            self.selection_changed.emit()

    def open(self, document: Document, path: Path | None) -> None:
        """Replace everything, forget the history."""
        self.undo_stack.clear()
        self._selection = Selection()
        self._document = document
        self.set_path(path)
        self.document_replaced.emit()
        self.photo_changed.emit()
        self.reference_changed.emit()
        self.sequence_changed.emit()
        self.canvas_changed.emit()
        self.people_changed.emit()
        self.selection_changed.emit()
        self.document_changed.emit()

    def mark_saved(self, path: Path) -> None:
        """The document as it stands is in `path`."""
        self.set_path(path)
        self.undo_stack.setClean()

    def set_path(self, path: Path | None) -> None:
        """Remember the project file."""
        if path != self._path:
            self._path = path
            self.path_changed.emit()

    def apply(self, document: Document) -> None:
        """Show another state of the document. For `commands` alone: nothing here can be undone."""
        old, self._document = self._document, document
        if old is document:
            return
        before = {person.id: person for person in old.people}
        ids = {person.id for person in document.people}
        if self._selection.person is not None and self._selection.person not in ids:
            self.select(None)
        if _attributes(old) != _attributes(document):
            self.people_changed.emit()
        for person in document.people:
            known = before.get(person.id)
            if known is None or known.pose is not person.pose:
                self.pose_changed.emit(person.id)
        if old.photo is not document.photo or old.photo_opacity != document.photo_opacity:
            self.photo_changed.emit()
        if old.reference is not document.reference:
            self.reference_changed.emit()
        if old.sequence is not document.sequence:
            self.sequence_changed.emit()
        if old.size != document.size:
            self.canvas_changed.emit()
        self.document_changed.emit()

    def shutdown(self) -> None:
        """Let go of the undo stack before the widgets die.

        Its steps refer to the session: left to the garbage collector, the steps may go before the
        stack, which then deletes them again and crashes.
        """
        self.undo_stack.blockSignals(True)
        self.undo_stack.clear()


def _attributes(document: Document) -> tuple[tuple[object, ...], ...]:
    return tuple((p.id, p.name, p.colour, p.visible, p.locked) for p in document.people)
