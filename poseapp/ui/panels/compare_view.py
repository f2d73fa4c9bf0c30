"""A picture that moves and comes to rest: a quick one at once, a good one that fades in over it.

A line that can be dragged shows what was there before, at its left.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEasingCurve, QPointF, QRectF, QSize, Qt, QVariantAnimation, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPalette,
    QPen,
    QPixmap,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from poseapp.ui.photos import pixmap_of_array

FADE_MS = 250
_RADIUS_PX = 8.0
_KNOB_PX = 11.0
_GRAB_PX = 14.0
_STEP = 0.05
_WORK_PX = 3.0


class CompareView(QWidget):
    """Shows arrays; keeps their proportions."""

    split_changed = Signal(float)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._under = QPixmap()
        self._over = QPixmap()
        self._before = QPixmap()
        self._comparing = False
        self._split = 0.5
        self._held = False
        self._working = False
        self._share = -1.0
        self._fade = QVariantAnimation(self)
        self._fade.setStartValue(0.0)
        self._fade.setEndValue(1.0)
        self._fade.setDuration(FADE_MS)
        self._fade.setEasingCurve(QEasingCurve.Type.InOutSine)
        self._fade.valueChanged.connect(self._on_faded)

    # -- what is shown -----------------------------------------------------------------------
    @property
    def opacity(self) -> float:
        """Of the good picture, 0-1."""
        if self._over.isNull():
            return 0.0
        return float(self._fade.currentValue() or 0.0)

    @property
    def comparing(self) -> bool:
        """The line is there."""
        return self._comparing

    @property
    def split(self) -> float:
        """Where the line is, 0-1 of the picture's width."""
        return self._split

    @property
    def empty(self) -> bool:
        """There is no picture."""
        return self._under.isNull()

    def show_quick(self, picture: np.ndarray) -> None:
        """Show a picture at once; a good one that was there goes."""
        self._fade.stop()
        self._over = QPixmap()
        self._under = pixmap_of_array(picture)
        self.update()

    def show_good(self, picture: np.ndarray) -> None:
        """Let a picture fade in over the quick one."""
        self._over = pixmap_of_array(picture)
        if self._under.isNull():
            self._under = self._over
        self._fade.stop()
        self._fade.start()
        self.update()

    def show_still(self, pixmap: QPixmap) -> None:
        """Show a pixmap until there is a picture."""
        self._fade.stop()
        self._over, self._under = QPixmap(), pixmap
        self.update()

    def show_before(self, picture: np.ndarray | None) -> None:
        """What is seen at the left of the line."""
        self._before = QPixmap() if picture is None else pixmap_of_array(picture)
        self.update()

    def clear(self) -> None:
        """Show nothing."""
        self._fade.stop()
        self._under = self._over = QPixmap()
        self.update()

    @Slot(bool)
    def set_comparing(self, on: bool) -> None:
        """Show the line, or not."""
        self._comparing = on
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if on else Qt.FocusPolicy.NoFocus)
        self.setMouseTracking(on)
        self.unsetCursor()
        self.update()

    def set_split(self, split: float) -> None:
        """Move the line."""
        split = min(max(split, 0.0), 1.0)
        if split != self._split:
            self._split = split
            self.split_changed.emit(split)
            self.update()

    def set_work(self, working: bool, share: float = -1.0) -> None:
        """A thin bar at the foot: something is being done, `share` 0-1 of it if that is known."""
        if (working, share) != (self._working, self._share):
            self._working, self._share = working, share
            self.update()

    @Slot(object)
    def _on_faded(self, _: object) -> None:
        self.update()

    # -- the line ----------------------------------------------------------------------------
    def _line_x(self) -> float:
        rect = self.picture_rect()
        return rect.left() + self._split * rect.width()

    def _near_line(self, at: QPointF) -> bool:
        return self._comparing and abs(at.x() - self._line_x()) <= _GRAB_PX

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._comparing and not self.empty:
            self._held = True
            self._drag(event.position())
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held:
            self._drag(event.position())
        elif self._near_line(event.position()):
            self.setCursor(Qt.CursorShape.SplitHCursor)
        else:
            self.unsetCursor()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._held = False
        super().mouseReleaseEvent(event)

    def _drag(self, at: QPointF) -> None:
        rect = self.picture_rect()
        if rect.width() > 0:
            self.set_split((at.x() - rect.left()) / rect.width())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -_STEP, Qt.Key.Key_Right: _STEP}
        if self._comparing and event.key() in steps:
            self.set_split(self._split + steps[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)

    # -- painting ----------------------------------------------------------------------------
    def sizeHint(self) -> QSize:
        return QSize(280, 400)

    def minimumSizeHint(self) -> QSize:
        return QSize(100, 120)

    def picture_rect(self) -> QRectF:
        """Where the picture lies; empty without one."""
        if self._under.isNull():
            return QRectF()
        shape = self._under if self._over.isNull() else self._over
        size = QSize(shape.size())
        size.scale(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        rect = QRectF(0, 0, size.width(), size.height())
        rect.moveCenter(QRectF(self.rect()).center())
        return rect

    def paintEvent(self, event: QPaintEvent) -> None:
        rect = self.picture_rect()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        if not rect.isEmpty():
            shape = QPainterPath()
            shape.addRoundedRect(rect, _RADIUS_PX, _RADIUS_PX)
            painter.save()
            painter.setClipPath(shape)
            self._draw(painter, rect, self._under)
            if not self._over.isNull():
                painter.setOpacity(self.opacity)
                self._draw(painter, rect, self._over)
                painter.setOpacity(1.0)
            if self._comparing and not self._before.isNull():
                self._paint_before(painter, rect)
            if self._working:
                self._paint_work(painter, rect)
            painter.restore()
            ring = self.hasFocus() and self._comparing
            role = QPalette.ColorRole.Accent if ring else QPalette.ColorRole.Mid
            painter.setPen(QPen(self.palette().color(role), 1))
            painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), _RADIUS_PX, _RADIUS_PX)
        painter.end()

    @staticmethod
    def _draw(painter: QPainter, rect: QRectF, pixmap: QPixmap) -> None:
        painter.drawPixmap(rect, pixmap, QRectF(pixmap.rect()))

    def _paint_before(self, painter: QPainter, rect: QRectF) -> None:
        x = self._line_x()
        left = QRectF(rect.left(), rect.top(), x - rect.left(), rect.height())
        painter.save()
        painter.setClipRect(left, Qt.ClipOperation.IntersectClip)
        self._draw(painter, rect, self._before)
        painter.restore()
        self._paint_word(painter, "Before", rect.left() + 8, rect.top() + 8, left.width() - 12)
        width = painter.fontMetrics().horizontalAdvance("After") + 12
        room = rect.right() - x - 12
        self._paint_word(painter, "After", rect.right() - 8 - width, rect.top() + 8, room)
        painter.setPen(QPen(QColor(0, 0, 0, 90), 3.0))
        painter.drawLine(QPointF(x, rect.top()), QPointF(x, rect.bottom()))
        painter.setPen(QPen(QColor(255, 255, 255, 235), 1.6))
        painter.drawLine(QPointF(x, rect.top()), QPointF(x, rect.bottom()))
        middle = QPointF(x, rect.center().y())
        painter.setPen(QPen(QColor(0, 0, 0, 70), 1.0))
        painter.setBrush(QColor(255, 255, 255, 240))
        painter.drawEllipse(middle, _KNOB_PX, _KNOB_PX)
        painter.setPen(QPen(QColor(60, 64, 72), 1.8))
        for side in (-1.0, 1.0):
            tip = middle + QPointF(side * 6.0, 0.0)
            painter.drawLine(tip, tip + QPointF(-side * 3.5, -3.5))
            painter.drawLine(tip, tip + QPointF(-side * 3.5, 3.5))

    @staticmethod
    def _paint_word(painter: QPainter, word: str, x: float, y: float, room: float) -> None:
        metrics = painter.fontMetrics()
        box = QRectF(x, y, metrics.horizontalAdvance(word) + 12, metrics.height() + 4)
        if box.width() > room:
            return
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(0, 0, 0, 110))
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(QColor(255, 255, 255, 240))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, word)

    def _paint_work(self, painter: QPainter, rect: QRectF) -> None:
        """A bar that stands still: the picture is busy enough."""
        foot = QRectF(rect.left(), rect.bottom() - _WORK_PX, rect.width(), _WORK_PX)
        accent = self.palette().color(QPalette.ColorRole.Accent)
        faint = QColor(accent)
        faint.setAlpha(90)
        painter.fillRect(foot, faint)
        share = self._share if self._share >= 0.0 else 0.35
        foot.setWidth(rect.width() * share)
        painter.fillRect(foot, accent)
