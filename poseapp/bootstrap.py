"""What must happen before the QApplication: environment and names."""

from __future__ import annotations

import os


def prepare() -> None:
    """Set up the process. Imports PySide6, nothing of the window."""
    # Both libraries would take whichever binding they find first.
    os.environ["QT_API"] = "pyside6"
    os.environ["PYQTGRAPH_QT_LIB"] = "PySide6"
    from PySide6.QtCore import QCoreApplication

    QCoreApplication.setOrganizationName("PoseApp")
    QCoreApplication.setApplicationName("PoseApp")
    QCoreApplication.setApplicationVersion(_version())


def _version() -> str:
    from poseapp import __version__

    return __version__
