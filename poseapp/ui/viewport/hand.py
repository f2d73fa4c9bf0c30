"""Mouse and keyboard of the 3D view: the only place where its pixels become movements."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QPointF, Qt, QTimer, Slot
from PySide6.QtGui import QKeyEvent, QMouseEvent, QNativeGestureEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from poseapp.ui.viewport.navigation import Navigation

_FRAME_MS = 15
_KEY_ORBIT = 0.06  # heights of the view
_WHEEL_STEP = 120.0
_KEYS = {
    Qt.Key.Key_Home: "home",
    Qt.Key.Key_0: "home",
    Qt.Key.Key_1: "front",
    Qt.Key.Key_3: "side",
    Qt.Key.Key_7: "top",
}


class Hand(QObject):
    """Turns events of a widget into camera movements, and runs the glide between views.

    Left drag orbits, Shift or middle or right drag pans, the wheel zooms, a double click fits.
    Positions are Qt's logical px throughout, so that a high-DPI screen needs no conversion.
    """

    def __init__(
        self,
        widget: QWidget,
        navigation: Navigation,
        moved: Callable[[], None],
        fit: Callable[[], None],
    ) -> None:
        super().__init__(widget)
        self._widget = widget
        self._navigation = navigation
        self._moved = moved
        self._fit = fit
        self._last: QPointF | None = None
        self._clock = time.perf_counter()
        self._timer = QTimer(self)
        self._timer.setInterval(_FRAME_MS)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_frame)
        widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        widget.setCursor(Qt.CursorShape.OpenHandCursor)
        widget.installEventFilter(self)

    def glide(self) -> None:
        """The goal has changed: move there."""
        if self._navigation.moving and not self._timer.isActive():
            self._clock = time.perf_counter()
            self._timer.start()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind == QEvent.Type.MouseButtonPress and isinstance(event, QMouseEvent):
            self._last = event.position()
            self._widget.setFocus(Qt.FocusReason.MouseFocusReason)
            self._widget.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif kind == QEvent.Type.MouseMove and isinstance(event, QMouseEvent):
            self._on_move(event)
        elif kind == QEvent.Type.MouseButtonRelease:
            self._last = None
            self._widget.setCursor(Qt.CursorShape.OpenHandCursor)
        elif kind == QEvent.Type.MouseButtonDblClick:
            self._fit()
            self.glide()
        elif kind == QEvent.Type.Wheel and isinstance(event, QWheelEvent):
            self._on_wheel(event)
        elif kind == QEvent.Type.NativeGesture and isinstance(event, QNativeGestureEvent):
            if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
                self._navigation.zoom(event.value() * 8.0)
                self.glide()
        elif kind == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            return self._on_key(event)
        else:
            return False
        return True

    def _on_move(self, event: QMouseEvent) -> None:
        if self._last is None or not event.buttons():
            return
        step = event.position() - self._last
        self._last = event.position()
        height = max(self._widget.height(), 1)
        right, down = step.x() / height, step.y() / height
        shift = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        if shift or not event.buttons() & Qt.MouseButton.LeftButton:
            self._navigation.pan(right, down)
        else:
            self._navigation.orbit(right, down)
        self._moved()

    def _on_wheel(self, event: QWheelEvent) -> None:
        steps = event.angleDelta().y() / _WHEEL_STEP or event.pixelDelta().y() / 40.0
        self._navigation.zoom(steps)
        self.glide()

    def _on_key(self, event: QKeyEvent) -> bool:
        key = Qt.Key(event.key())
        steps = {
            Qt.Key.Key_Left: (-1, 0),
            Qt.Key.Key_Right: (1, 0),
            Qt.Key.Key_Up: (0, -1),
            Qt.Key.Key_Down: (0, 1),
        }
        if key in steps:
            right, down = steps[key]
            move = self._navigation.orbit
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                move = self._navigation.pan
            move(right * _KEY_ORBIT, down * _KEY_ORBIT)
            self._moved()
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            self._navigation.zoom(-1.0 if key == Qt.Key.Key_Minus else 1.0)
        elif key in _KEYS and not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            if _KEYS[key] == "home":
                self._fit()
            self._navigation.turn_to(_KEYS[key])
        else:
            return False
        self.glide()
        return True

    @Slot()
    def _on_frame(self) -> None:
        now = time.perf_counter()
        seconds, self._clock = min(now - self._clock, 0.1), now
        if not self._navigation.advance(seconds):
            self._timer.stop()
        self._moved()
