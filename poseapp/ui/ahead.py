"""A call that comes before the window is painted again, however often it was asked for."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt


class Ahead(QObject):
    """Calls something once, after what is being done now and before the next repaint.

    A QGraphicsScene repaints its views from an event of ordinary priority. What follows a drag has
    to be ready by then, or the window is put together and shown twice for each move of the mouse,
    which without a graphics card costs more than all the rest.
    """

    _ASK = QEvent.Type(QEvent.registerEventType())

    def __init__(self, call: Callable[[], None], parent: QObject) -> None:
        super().__init__(parent)
        self._call = call
        self._asked = False

    def ask(self) -> None:
        """Call soon."""
        if not self._asked:
            self._asked = True
            high = Qt.EventPriority.HighEventPriority.value
            QCoreApplication.postEvent(self, QEvent(self._ASK), high)

    def event(self, event: QEvent) -> bool:
        if event.type() != self._ASK:
            return super().event(event)
        self._asked = False
        self._call()
        return True
