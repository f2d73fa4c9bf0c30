"""Autosave beside the project, and what a crash left behind.

Each running window owns one recovery file and a lock on it. The system releases the lock when the
process dies, however it dies, so a file whose lock can be taken was left by a crash.
"""

from __future__ import annotations

import contextlib
import json
import logging
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QLockFile, QObject, QTimer, Slot

from poseapp.core.document import Document
from poseapp.core.errors import PoseAppError
from poseapp.formats import project
from poseapp.state.session import Session
from poseapp.state.settings import Settings

log = logging.getLogger(__name__)

_KEEP_DAYS = 30


@dataclass(frozen=True)
class Leftover:
    """A document that a crash left behind.

    Attributes:
        file: the recovery file.
        project: the project that it was saved in, None if it never was.
        saved_at: seconds since the epoch.
    """

    file: Path
    project: Path | None
    saved_at: float
    people: int

    @property
    def title(self) -> str:
        """How the user knows it."""
        return self.project.name if self.project is not None else "Untitled"


def recovery_dir(settings: Settings) -> Path:
    """Where recovery files lie."""
    return settings.data_dir / "recovery"


class Autosave(QObject):
    """Writes the document to the recovery file a few seconds after it changed."""

    def __init__(self, session: Session, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self._folder = recovery_dir(settings)
        self._stem = uuid.uuid4().hex[:12]
        self._lock: QLockFile | None = None
        self._written: Document | None = None
        self._ended = False
        self._pool = ThreadPoolExecutor(1, "autosave")
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.write)
        session.document_changed.connect(self._on_document_changed)
        session.undo_stack.cleanChanged.connect(self._on_clean_changed)
        settings.changed.connect(self._on_setting_changed)

    @property
    def file(self) -> Path:
        """The recovery file of this window; it exists while there is something to lose."""
        return self._folder / f"{self._stem}.pose"

    @Slot()
    def _on_document_changed(self) -> None:
        seconds = self._settings.autosave_s
        if seconds and self._session.is_modified and not self._timer.isActive():
            self._timer.start(seconds * 1000)

    @Slot(bool)
    def _on_clean_changed(self, clean: bool) -> None:
        if clean:
            self._timer.stop()
            self.discard()
        else:
            self._on_document_changed()

    @Slot(str)
    def _on_setting_changed(self, key: str) -> None:
        if key == "files/autosave_s":
            self._timer.stop()
            self._on_document_changed()

    @Slot()
    def write(self, wait: bool = False) -> None:
        """Write now if there is anything new; the disk's work is done beside the window's."""
        document = self._session.document
        if not self._session.is_modified or document is self._written:
            return
        if not self._hold():
            return
        self._written = document
        done = self._pool.submit(_write, document, self.file, self._session.path)
        if wait:
            done.result()

    def _hold(self) -> bool:
        if self._lock is not None:
            return True
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            log.warning("No autosave: %s", exc)
            return False
        lock = QLockFile(str(_lock_of(self.file)))
        lock.setStaleLockTime(0)
        if not lock.tryLock(0):
            log.warning("No autosave: %s cannot be locked", lock.fileName())
            return False
        self._lock = lock
        return True

    def discard(self) -> None:
        """There is nothing to lose any more."""
        self._written = None
        self._pool.submit(_remove, self.file)

    def shutdown(self, keep: bool = False) -> None:
        """End it; the recovery file goes unless it is kept."""
        if self._ended:
            return
        self._ended = True
        self._timer.stop()
        # The undo stack emits while it is destroyed, and this may be gone by then.
        self._session.document_changed.disconnect(self._on_document_changed)
        self._session.undo_stack.cleanChanged.disconnect(self._on_clean_changed)
        self._settings.changed.disconnect(self._on_setting_changed)
        if not keep:
            self.discard()
        self._pool.shutdown(wait=True)
        if self._lock is not None:
            self._lock.unlock()
            self._lock = None


def _lock_of(file: Path) -> Path:
    return file.with_suffix(".lock")


def _about_of(file: Path) -> Path:
    return file.with_suffix(".json")


def _write(document: Document, file: Path, path: Path | None) -> None:
    try:
        project.save(document, file)
        about = {
            "project": str(path) if path is not None else None,
            "saved_at": time.time(),
            "people": len(document.people),
        }
        _about_of(file).write_text(json.dumps(about), "utf-8")
    except (PoseAppError, OSError) as exc:
        log.warning("The autosave failed: %s", exc)


def _remove(file: Path) -> None:
    for path in (file, _about_of(file)):
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def leftovers(settings: Settings) -> list[Leftover]:
    """What crashed windows left behind, newest first. Those of running windows are passed over."""
    found = []
    try:
        files = list(recovery_dir(settings).glob("*.pose"))
    except OSError:
        return []
    for file in files:
        lock = QLockFile(str(_lock_of(file)))
        lock.setStaleLockTime(0)
        if not lock.tryLock(0):
            continue
        lock.unlock()
        try:
            about = json.loads(_about_of(file).read_text("utf-8"))
            path = Path(about["project"]) if about.get("project") else None
            entry = Leftover(file, path, float(about["saved_at"]), int(about["people"]))
        except (OSError, ValueError, KeyError, TypeError):
            try:
                entry = Leftover(file, None, file.stat().st_mtime, 0)
            except OSError:
                continue
        if time.time() - entry.saved_at > _KEEP_DAYS * 86_400:
            forget(entry)
        else:
            found.append(entry)
    return sorted(found, key=lambda entry: -entry.saved_at)


def restore(entry: Leftover) -> Document:
    """The document as it was; DocumentError when the file is damaged."""
    return project.load(entry.file)


def forget(entry: Leftover) -> None:
    """Delete it."""
    _remove(entry.file)
    with contextlib.suppress(OSError):
        _lock_of(entry.file).unlink(missing_ok=True)
