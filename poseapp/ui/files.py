"""The File menu: new, open, save, import, photo, export, and what is dropped on the window."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QFileDialog, QMenu, QMessageBox, QWidget

from poseapp.core.document import Document, Person
from poseapp.core.errors import DocumentError, PoseAppError
from poseapp.formats import registry
from poseapp.services.sequence_input import is_motion
from poseapp.state.commands import AddPeople, ResizeCanvas, ScaleCanvas, SetPhoto, UsePhoto
from poseapp.state.session import Session
from poseapp.state.settings import Settings, recent_titles

_PROJECT = "PoseApp project (*.pose)"
PHOTO_SUFFIXES = registry.FORMATS["photo"].extensions
UNTITLED = "Untitled"


def open_filter() -> str:
    """File dialog entries of all formats that can be opened."""
    entries = [f for f in registry.FORMATS.values() if f.can_load]
    every = sorted({extension for entry in entries for extension in entry.extensions})
    kinds = [
        _PROJECT,
        "Keypoints (*.json)",
        "BVH motion (*.bvh)",
        next(f.filter for f in entries if f.name == "photo"),
    ]
    every.append(".bvh")
    return ";;".join([f"All poses and photos ({' '.join('*' + e for e in every)})", *kinds])


def photo_filter() -> str:
    """File dialog entry of photos."""
    return registry.FORMATS["photo"].filter


class FileController(QObject):
    """Opens and saves; every fault becomes one sentence."""

    said = Signal(str, str)
    """(level, sentence) for the message bar."""
    opened = Signal()
    photo_arrived = Signal()
    """A photo that the user opened or dropped is on the canvas now."""

    def __init__(self, session: Session, settings: Settings, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._settings = settings
        self._window = window
        self._source = UNTITLED
        self.takes_many: Callable[[list[Path]], bool] = lambda photos: False
        self.takes_motion: Callable[[Path], bool] = lambda path: False

    # -- new and open ------------------------------------------------------------------------
    def may_leave(self) -> bool:
        """Ask what becomes of unsaved changes; False = stay."""
        if not self._session.is_modified:
            return True
        answer = self.ask_unsaved()
        if answer == QMessageBox.StandardButton.Save:
            return self.save()
        return answer == QMessageBox.StandardButton.Discard

    def ask_unsaved(self) -> QMessageBox.StandardButton:
        """Save, Discard or Cancel."""
        box = QMessageBox(self._window)
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle("Unsaved changes")
        box.setText(f"Save the changes to {self.title()}?")
        box.setInformativeText("They are lost if you do not.")
        box.setStandardButtons(
            QMessageBox.StandardButton.Save
            | QMessageBox.StandardButton.Discard
            | QMessageBox.StandardButton.Cancel
        )
        box.setDefaultButton(QMessageBox.StandardButton.Save)
        return QMessageBox.StandardButton(box.exec())

    def title(self) -> str:
        """Name of the document."""
        path = self._session.path
        return path.name if path is not None else self._source

    @Slot()
    def new(self) -> None:
        """An empty canvas."""
        if self.may_leave():
            self._source = UNTITLED
            self._session.open(Document(self._settings.canvas_size), None)
            self.opened.emit()

    @Slot()
    def open(self) -> None:
        """Ask for a file and open it."""
        name, _ = QFileDialog.getOpenFileName(
            self._window, "Open", str(self._settings.last_folder), open_filter()
        )
        if name:
            self.open_path(Path(name))

    @Slot(object)
    def open_path(self, path: Path) -> bool:
        """Open a file of any known format in place of the document; a motion goes to its strip."""
        if is_motion(path):
            return self.takes_motion(path)
        try:
            document = registry.load(path)
        except PoseAppError as exc:
            self.said.emit("error", str(exc))
            return False
        if not self.may_leave():  # asked only once the new one is known to be good
            return False
        is_project = path.suffix.lower() == ".pose"
        self._source = UNTITLED if is_project else path.name
        self._session.open(document, path if is_project else None)
        self._remember(path)
        self.opened.emit()
        if document.photo is not None and not is_project:
            self.photo_arrived.emit()
        return True

    def open_recovered(self, document: Document, path: Path | None) -> None:
        """Take what a crash left behind, as a change that is not saved yet."""
        self._source = UNTITLED
        self._session.open(document, path)
        self._session.undo_stack.resetClean()
        self.opened.emit()

    def fill_recent(self, menu: QMenu) -> None:
        """List the files of last time in a menu."""
        menu.clear()
        paths = self._settings.recent_files
        for title, path in zip(recent_titles(paths), paths, strict=True):
            action = menu.addAction(title)
            action.setStatusTip(str(path))
            action.setData(str(path))
            action.triggered.connect(self._on_recent)
        if not paths:
            menu.addAction("No recent files").setEnabled(False)
            return
        menu.addSeparator()
        menu.addAction("Clear list").triggered.connect(self._settings.clear_recent)

    @Slot()
    def _on_recent(self) -> None:
        self.open_path(Path(self.sender().data()))  # type: ignore[attr-defined]

    def _remember(self, path: Path) -> None:
        self._settings.add_recent(path)
        self._settings.last_folder = path.absolute().parent

    # -- save --------------------------------------------------------------------------------
    @Slot()
    def save(self) -> bool:
        """Save to the project file; asks for one the first time."""
        path = self._session.path
        return self.save_as() if path is None else self.save_to(path)

    @Slot()
    def save_as(self) -> bool:
        """Ask for a project file and save."""
        start = self._session.path or self._settings.last_folder / f"{Path(self._source).stem}.pose"
        name, _ = QFileDialog.getSaveFileName(self._window, "Save project", str(start), _PROJECT)
        if not name:
            return False
        path = Path(name)
        return self.save_to(path if path.suffix else path.with_suffix(".pose"))

    def save_to(self, path: Path) -> bool:
        """Save the project; the document stays modified when that fails."""
        if path.suffix.lower() != ".pose":
            path = path.with_name(path.name + ".pose")
        if not self.write(path, "pose"):
            return False
        self._session.mark_saved(path)
        self.said.emit("saved", f"Saved {path.name}.")
        return True

    def write(self, path: Path, format_name: str, **options: object) -> bool:
        """Write the document in a format; False, and one sentence, when that fails."""
        try:
            registry.save(self._session.document, path, format_name, **options)
        except PoseAppError as exc:
            self.said.emit("error", str(exc))
            return False
        if registry.FORMATS[format_name].can_load:
            self._remember(path)
        return True

    # -- people and photos -------------------------------------------------------------------
    @Slot()
    def add_people(self) -> None:
        """Ask for a keypoint file and add its people to this canvas."""
        name, _ = QFileDialog.getOpenFileName(
            self._window,
            "Add people",
            str(self._settings.last_folder),
            "Poses (*.json *.pose)",
        )
        if name:
            self.add_people_from(Path(name))

    def add_people_from(self, path: Path) -> bool:
        """Add the people of a file, as one step."""
        try:
            document = registry.load(path)
            if not document.people:
                raise DocumentError(f"{path.name} holds no people.")
        except PoseAppError as exc:
            self.said.emit("error", str(exc))
            return False
        people = [self._newcomer(person) for person in document.people]
        self._session.undo_stack.push(AddPeople(self._session, people, f"Add from {path.name}"))
        self._session.select(people[-1].id)
        self._remember(path)
        return True

    def _newcomer(self, person: Person) -> Person:
        known = {p.id for p in self._session.document.people}
        return replace(person, id=uuid.uuid4().hex[:12]) if person.id in known else person

    @Slot()
    def open_photo(self) -> None:
        """Ask for a photo to trace."""
        name, _ = QFileDialog.getOpenFileName(
            self._window, "Set photo", str(self._settings.last_folder), photo_filter()
        )
        if name:
            self.set_photo(Path(name))

    def set_photo(self, path: Path) -> bool:
        """Use a photo as the background; the canvas takes its size."""
        from poseapp.ui.photos import open_photo

        try:
            photo = open_photo(path)
        except PoseAppError as exc:
            self.said.emit("error", str(exc))
            return False
        self._session.undo_stack.push(UsePhoto(self._session, photo))
        self._settings.last_folder = path.absolute().parent
        self.photo_arrived.emit()
        return True

    @Slot()
    def remove_photo(self) -> None:
        """Take the photo away."""
        if self._session.document.photo is not None:
            self._session.undo_stack.push(SetPhoto(self._session, None))

    @Slot(object)
    def drop(self, paths: list[Path]) -> None:
        """Files dropped on the window: a photo becomes the background, people join the canvas.

        A project, and the first pose file on an empty canvas, is opened instead. Several photos, or
        a folder of them, are looked at one after the other where there is a model for that. A
        motion becomes key poses.
        """
        for moves in [p for p in paths if is_motion(p)]:
            self.takes_motion(moves)
        paths = [p for p in paths if not is_motion(p)]
        photos = [p for p in paths if p.is_dir() or p.suffix.lower() in PHOTO_SUFFIXES]
        several = len(photos) > 1 or any(p.is_dir() for p in photos)
        if several and len(photos) == len(paths) and self.takes_many(photos):
            return
        for path in paths:
            try:
                kind = registry.sniff(path)
            except PoseAppError as exc:
                self.said.emit("error", str(exc))
                continue
            document = self._session.document
            if kind.name == "photo":
                self.set_photo(path)
            elif kind.kind == "project" or (not document.people and document.photo is None):
                self.open_path(path)
            else:
                self.add_people_from(path)

    @Slot()
    def canvas_size(self) -> None:
        """Ask for another canvas size."""
        from poseapp.ui.dialogs.canvas_size import CanvasSizeDialog

        dialog = CanvasSizeDialog(self._session.document, self._window)
        if dialog.exec() and dialog.size_px != self._session.document.size:
            step = ScaleCanvas if dialog.scales_people else ResizeCanvas
            self._session.undo_stack.push(step(self._session, dialog.size_px))
        dialog.deleteLater()

    @Slot()
    def export(self) -> None:
        """Ask for a format and write it."""
        from poseapp.ui.dialogs.export import ExportDialog

        if not self._session.document.people:
            self.said.emit("info", "There is nobody to export: add a person first.")
            return
        dialog = ExportDialog(self._session, self._settings, self._window)
        if dialog.exec():
            path, format_name, options = dialog.choice()
            if self.write(path, format_name, **options):
                self.said.emit("success", f"Exported {path.name}.")
        dialog.deleteLater()
