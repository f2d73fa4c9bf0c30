"""The status bar: where the mouse is, what the models do, the zoom."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QColor, QPainter, QPixmap
from PySide6.QtWidgets import QLabel, QProgressBar, QStatusBar, QToolButton, QWidget

from poseapp.services.engine import Engine
from poseapp.ui.icons import icon
from poseapp.ui.theme import Theme

_STATES = {
    "starting": "Models starting …",
    "ready": "Models ready",
    "busy": "Working …",
    "restarting": "Models restarting …",
    "stopped": "Models stopped",
}
_SHOW_AFTER_MS = 250


def _disc(colour: str, ratio: float) -> QPixmap:
    pixmap = QPixmap(round(10 * ratio), round(10 * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    painter.drawEllipse(1, 1, 8, 8)
    painter.end()
    return pixmap


class StatusBar(QStatusBar):
    """Permanent widgets at the right, passing messages at the left."""

    fit_requested = Signal()

    def __init__(self, engine: Engine, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._theme = theme
        self._task: int | None = None
        self.setSizeGripEnabled(False)
        self.setAccessibleName("Status")

        self.coordinates = QLabel()
        self.coordinates.setAccessibleName("Mouse position on the canvas, px")
        # A fixed size: else each text, with each move of the mouse, lays the whole window out anew.
        widest = self.coordinates.fontMetrics().horizontalAdvance("-00000, -00000 px")
        self.coordinates.setFixedSize(widest + 4, self.coordinates.fontMetrics().height() + 2)
        self.coordinates.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

        self._progress = QProgressBar()
        self._progress.setFixedSize(120, 12)
        self._progress.setTextVisible(False)
        self._progress.setAccessibleName("Progress of the models")
        self._progress.hide()
        self._cancel = QToolButton()
        self._cancel.setIcon(icon("close"))
        self._cancel.setIconSize(QSize(14, 14))
        self._cancel.setToolTip("Cancel the task")
        self._cancel.setAccessibleName("Cancel the task")
        self._cancel.clicked.connect(self._on_cancel)
        self._cancel.hide()
        self._dot = QLabel()
        self._dot.setAccessibleName("State of the models, as a colour")
        self._state = QLabel()
        self._state.setAccessibleName("State of the models")
        self.zoom = QToolButton()
        self.zoom.setToolTip("Fit the canvas")
        self.zoom.setAccessibleName("Zoom: click to fit the canvas")
        self.zoom.setMinimumWidth(54)
        self.zoom.clicked.connect(self.fit_requested)
        for widget in (self._progress, self._cancel, self._dot, self._state):
            self.addPermanentWidget(widget)
        self.addPermanentWidget(self.coordinates)
        self.addPermanentWidget(self.zoom)

        self._late = QTimer(self)  # short tasks, such as a lift during a drag, show nothing
        self._late.setSingleShot(True)
        self._late.setInterval(_SHOW_AFTER_MS)
        self._late.timeout.connect(self._on_late)
        engine.state_changed.connect(self._on_state_changed)
        engine.device_changed.connect(self._on_device_changed)
        engine.task_progress.connect(self._on_task_progress)
        engine.task_succeeded.connect(self._on_task_ended)
        engine.task_failed.connect(self._on_task_ended)
        engine.task_cancelled.connect(self._on_task_cancelled)
        theme.changed.connect(self._show_state)
        self._show_state()

    @Slot(float, float)
    def show_position(self, x: float, y: float) -> None:
        """Where the mouse is, canvas px."""
        self.coordinates.setText(f"{x:.0f}, {y:.0f} px")

    @Slot()
    def clear_position(self) -> None:
        """The mouse left the canvas."""
        self.coordinates.clear()

    @Slot(float)
    def show_zoom(self, scale: float) -> None:
        """Screen px per canvas px."""
        self.zoom.setText(f"{scale * 100:.0f} %")

    @Slot()
    def _show_state(self) -> None:
        state = self._engine.state
        colours = self._theme.colours
        ink = {
            "ready": colours.success,
            "busy": colours.accent,
            "stopped": colours.muted,
        }.get(state, colours.warning)
        self._dot.setPixmap(_disc(ink, self.devicePixelRatioF()))
        text = _STATES.get(state, state)
        device = self._engine.device
        if device and state in ("ready", "busy"):
            text += f" · {device.upper()}"
        self._state.setText(text)

    @Slot(str)
    def _on_state_changed(self, state: str) -> None:
        if state == "busy":
            self._late.start()
            return
        self._late.stop()
        self._show_state()
        if state != "busy":
            self._end()

    @Slot(str)
    def _on_device_changed(self, device: str) -> None:
        self._show_state()

    @Slot()
    def _on_late(self) -> None:
        if self._engine.state == "busy":
            self._show_state()

    @Slot(int, float, str)
    def _on_task_progress(self, task: int, done: float, text: str) -> None:
        if self._late.isActive():
            return
        self._task = task
        self._progress.setRange(0, 1000)
        self._progress.setValue(round(done * 1000))
        self._progress.show()
        self._cancel.show()
        if text:
            self._state.setText(text)

    @Slot(int, object)
    def _on_task_ended(self, task: int, result: object) -> None:
        self._on_task_cancelled(task)

    @Slot(int)
    def _on_task_cancelled(self, task: int) -> None:
        if task == self._task:
            self._end()

    def _end(self) -> None:
        self._task = None
        self._progress.hide()
        self._cancel.hide()
        self._show_state()

    @Slot()
    def _on_cancel(self) -> None:
        if self._task is not None:
            self._engine.cancel(self._task)
