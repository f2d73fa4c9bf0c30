"""The composition root: builds settings, session, engine and window, and catches what escapes."""

from __future__ import annotations

import argparse
import logging
import sys
import threading
from collections.abc import Sequence
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from poseapp import bootstrap

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from poseapp.services.engine import Engine
    from poseapp.state.session import Session
    from poseapp.state.settings import Settings
    from poseapp.ui.main_window import MainWindow

log = logging.getLogger(__name__)

_UNEXPECTED = "Something unexpected went wrong; your document is unharmed. The log says more: {log}"


def make_application(argv: Sequence[str]) -> QApplication:
    """The QApplication and what must follow it at once, in the order that the libraries need."""
    bootstrap.prepare()
    from PySide6.QtCore import qInstallMessageHandler
    from PySide6.QtWidgets import QApplication

    app = QApplication.instance() or QApplication(list(argv))
    assert isinstance(app, QApplication)
    import pyqtgraph

    pyqtgraph.setConfigOptions(imageAxisOrder="row-major", antialias=True)
    qInstallMessageHandler(_on_qt_message)
    from poseapp.ui.icons import app_icon

    app.setWindowIcon(app_icon())
    app.setDesktopFileName("poseapp")
    return app


def build(settings: Settings) -> tuple[Session, Engine, MainWindow]:
    """All long-lived objects of one window; the engine is not started yet."""
    from poseapp.core.document import Document
    from poseapp.services import options
    from poseapp.services.engine import Engine
    from poseapp.state.session import Session
    from poseapp.ui.main_window import MainWindow

    session = Session(Document(settings.canvas_size))
    engine = Engine(options=options.from_settings(settings))
    window = MainWindow(session, engine, settings)
    return session, engine, window


def main(argv: Sequence[str] | None = None) -> int:
    """Open the window; returns the exit code."""
    arguments = list(sys.argv if argv is None else argv)
    parser = argparse.ArgumentParser(prog="poseapp", description="Edit poses.")
    parser.add_argument("files", nargs="*", type=Path, help="a project, keypoints or a photo")
    options, _ = parser.parse_known_args(arguments[1:])

    app = make_application(arguments[:1])
    from poseapp.state.settings import Settings

    settings = Settings()
    log_file = start_log(settings.data_dir / "log")
    _, _, window = build(settings)
    install_excepthook(window, log_file)
    window.show()
    window.start(options.files)
    return app.exec()


def start_log(folder: Path) -> Path:
    """Log to the console and to a file of at most half a megabyte."""
    file = folder / "poseapp.log"
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handlers.append(RotatingFileHandler(file, maxBytes=500_000, backupCount=1, delay=True))
    except OSError:
        pass  # the console must do
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        handlers=handlers,
    )
    handlers[0].setLevel(logging.WARNING)
    return file


def install_excepthook(window: MainWindow, log_file: Path) -> None:
    """What nobody caught goes to the log, and one sentence to the user."""
    from poseapp.core.errors import PoseAppError

    def hook(kind: type[BaseException], value: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, value, trace)
            return
        log.error("Uncaught", exc_info=(kind, value, trace))
        expected = isinstance(value, PoseAppError)
        sentence = str(value) if expected else _UNEXPECTED.format(log=log_file)
        if threading.current_thread() is threading.main_thread():
            window.say("error", sentence)

    sys.excepthook = hook


def _on_qt_message(kind: object, context: object, message: str) -> None:
    from PySide6.QtCore import QtMsgType

    level = {
        QtMsgType.QtDebugMsg: logging.DEBUG,
        QtMsgType.QtInfoMsg: logging.INFO,
        QtMsgType.QtWarningMsg: logging.WARNING,
    }.get(kind, logging.ERROR)  # type: ignore[call-overload]
    logging.getLogger("qt").log(level, message)
