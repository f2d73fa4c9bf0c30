"""A canvas and a window to put hands on, both thrown away for good after each test."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QMessageBox
from pytestqt.qtbot import QtBot

from poseapp.core.document import Document, Person
from poseapp.core.pose import Pose2D
from poseapp.core.standing import standing
from poseapp.state.session import Session
from poseapp.state.settings import Settings
from poseapp.ui.canvas.view import CanvasView
from poseapp.ui.main_window import MainWindow
from poseapp.ui.theme import Theme
from tests.helpers.stub_engine import StubEngine

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
NONE = Qt.KeyboardModifier.NoModifier


class WindowEngine(StubEngine):
    """A stub that a window can start and end."""

    def __init__(self) -> None:
        super().__init__()
        self.started = 0
        self.ended = 0

    def start(self) -> None:
        self.started += 1

    def shutdown(self) -> None:
        self.ended += 1


def settle() -> None:
    """Deliver what is waiting, deletions included."""
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    QCoreApplication.processEvents()


def pytest_sessionfinish() -> None:
    """Collect widgets while their display is there: pytest collects once more when it is gone."""
    if QApplication.instance() is not None:
        for _ in range(3):
            gc.collect()
            settle()


@dataclass
class Hand:
    """A mouse on a canvas; places are canvas px."""

    canvas: CanvasView

    def event(
        self,
        kind: QEvent.Type,
        at: tuple[float, float] | np.ndarray,
        button: Qt.MouseButton,
        buttons: Qt.MouseButton,
        modifiers: Qt.KeyboardModifier = NONE,
    ) -> None:
        scene = self.canvas._box.mapViewToScene(QPointF(float(at[0]), float(at[1])))
        local = self.canvas.viewportTransform().map(scene)
        viewport = self.canvas.viewport()
        sent = QMouseEvent(kind, local, viewport.mapToGlobal(local), button, buttons, modifiers)
        QApplication.sendEvent(viewport, sent)

    def press(self, at: object, button: Qt.MouseButton = LEFT, modifiers: object = NONE) -> None:
        self.event(QEvent.Type.MouseButtonPress, at, button, button, modifiers)

    def move(self, at: object, buttons: Qt.MouseButton = LEFT, modifiers: object = NONE) -> None:
        self.event(QEvent.Type.MouseMove, at, Qt.MouseButton.NoButton, buttons, modifiers)

    def release(self, at: object, button: Qt.MouseButton = LEFT, modifiers: object = NONE) -> None:
        none = Qt.MouseButton.NoButton
        self.event(QEvent.Type.MouseButtonRelease, at, button, none, modifiers)

    def hover(self, at: object) -> None:
        self.move(at, Qt.MouseButton.NoButton)

    def click(self, at: object, button: Qt.MouseButton = LEFT, modifiers: object = NONE) -> None:
        self.press(at, button, modifiers)
        self.release(at, button, modifiers)

    def drag(self, start: object, end: object, steps: int = 5, modifiers: object = NONE) -> None:
        start, end = np.asarray(start, float), np.asarray(end, float)
        self.press(start, LEFT, modifiers)
        for step in range(1, steps + 1):
            self.move(start + (end - start) * step / steps, LEFT, modifiers)
        self.release(end, LEFT, modifiers)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.in_folder(tmp_path / "settings")


@pytest.fixture
def pose() -> Pose2D:
    return standing((300.0, 380.0), 520.0)


@pytest.fixture
def session(qapp: QApplication, pose: Pose2D) -> Session:
    return Session(Document((768, 768), (Person(pose, "Anna", id="anna"),)))


@pytest.fixture
def canvas(qtbot: QtBot, session: Session, settings: Settings) -> Iterator[CanvasView]:
    theme = Theme(settings)
    theme.apply()
    view = CanvasView(session, settings, theme)
    view.resize(800, 800)
    view.show()
    qtbot.waitExposed(view)
    view.fit()
    yield view
    session.shutdown()
    view.close()
    view.deleteLater()
    settle()


@pytest.fixture
def hand(canvas: CanvasView) -> Hand:
    return Hand(canvas)


@pytest.fixture
def make_window(qtbot: QtBot, settings: Settings) -> Iterator[Callable[..., MainWindow]]:
    windows: list[MainWindow] = []

    def make(document: Document | None = None) -> MainWindow:
        window = MainWindow(Session(document), WindowEngine(), settings)  # type: ignore[arg-type]
        windows.append(window)
        window.show()
        qtbot.waitExposed(window)
        # Shortcuts need an active window; a screen without a window manager makes none.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            QApplication.setActiveWindow(window)
        return window

    yield make
    for window in windows:
        window.files.ask_unsaved = lambda: QMessageBox.StandardButton.Discard  # type: ignore[method-assign]
        window.close()
        window.deleteLater()
    settle()


@pytest.fixture
def window(make_window: Callable[..., MainWindow]) -> MainWindow:
    return make_window()
