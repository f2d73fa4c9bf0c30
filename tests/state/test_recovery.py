"""Autosave: written when there is something to lose, offered back only after a crash."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from poseapp.core.document import Document, Person
from poseapp.core.errors import DocumentError
from poseapp.core.standing import standing
from poseapp.state import recovery
from poseapp.state.commands import AddPeople, MoveJoint
from poseapp.state.session import Session
from poseapp.state.settings import Settings

_CRASHER = """
import sys, time
from pathlib import Path
from PySide6.QtCore import QCoreApplication
from poseapp.core.document import Person
from poseapp.core.standing import standing
from poseapp.state import recovery
from poseapp.state.commands import AddPeople
from poseapp.state.session import Session
from poseapp.state.settings import Settings

app = QCoreApplication([])
settings = Settings.in_folder(Path(sys.argv[1]))
session = Session()
autosave = recovery.Autosave(session, settings)
session.set_path(Path("/somewhere/Lesson.pose"))
session.undo_stack.push(AddPeople(session, [Person(standing((200, 200), 300), "Lost")]))
autosave.write(wait=True)
print("written", flush=True)
time.sleep(60)
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.in_folder(tmp_path / "s")


@pytest.fixture
def session(qapp: object) -> Iterator[Session]:
    made = Session(Document(people=(Person(standing((200, 200), 300), id="anna"),)))
    yield made
    made.shutdown()


@pytest.fixture
def autosave(session: Session, settings: Settings) -> Iterator[recovery.Autosave]:
    made = recovery.Autosave(session, settings)
    yield made
    made.shutdown()


def test_a_killed_process_leaves_its_work_behind(settings: Settings, tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", _CRASHER, str(tmp_path / "s")],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    try:
        assert child.stdout is not None and child.stdout.readline() == "written\n"
        assert recovery.leftovers(settings) == []  # it runs: nothing was lost
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        found = recovery.leftovers(settings)
        assert [e.title for e in found] == ["Lesson.pose"]
        assert found[0].people == 1
        assert abs(found[0].saved_at - time.time()) < 60
        assert recovery.restore(found[0]).people[0].name == "Lost"
        recovery.forget(found[0])
        assert recovery.leftovers(settings) == []
        assert list(recovery.recovery_dir(settings).iterdir()) == []
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


def test_it_writes_a_while_after_a_change(
    autosave: recovery.Autosave, session: Session, settings: Settings, qtbot: QtBot
) -> None:
    settings.autosave_s = 1
    assert not autosave.file.exists()
    session.undo_stack.push(MoveJoint(session, "anna", 9, (5, 5)))
    qtbot.waitUntil(autosave.file.exists, timeout=4000)
    session.undo_stack.push(MoveJoint(session, "anna", 9, (9, 9)))
    first = autosave.file.stat().st_mtime_ns
    qtbot.waitUntil(lambda: autosave.file.stat().st_mtime_ns != first, timeout=4000)


def test_a_save_and_a_proper_end_leave_nothing(
    autosave: recovery.Autosave, session: Session, settings: Settings, tmp_path: Path, qtbot: QtBot
) -> None:
    session.undo_stack.push(MoveJoint(session, "anna", 9, (5, 5)))
    autosave.write(wait=True)
    assert autosave.file.exists()
    session.mark_saved(tmp_path / "a.pose")
    qtbot.waitUntil(lambda: not autosave.file.exists())
    session.undo_stack.push(MoveJoint(session, "anna", 9, (6, 6)))
    autosave.write(wait=True)
    autosave.shutdown()
    assert not autosave.file.exists()
    assert recovery.leftovers(settings) == []


def test_off_means_off(autosave: recovery.Autosave, session: Session, settings: Settings) -> None:
    settings.autosave_s = 0
    session.undo_stack.push(AddPeople(session, [Person(standing((2, 2), 3))]))
    assert not autosave._timer.isActive()


def test_a_full_disk_or_a_damaged_file_stops_nobody(
    autosave: recovery.Autosave, session: Session, settings: Settings, tmp_path: Path
) -> None:
    settings.data_dir.mkdir(parents=True)
    recovery.recovery_dir(settings).write_text("a file where the folder should be")
    session.undo_stack.push(MoveJoint(session, "anna", 9, (5, 5)))
    autosave.write(wait=True)
    assert recovery.leftovers(settings) == []
    recovery.recovery_dir(settings).unlink()
    recovery.recovery_dir(settings).mkdir()
    (recovery.recovery_dir(settings) / "x.pose").write_bytes(b"no zip")
    entry = recovery.leftovers(settings)[0]
    with pytest.raises(DocumentError):
        recovery.restore(entry)
