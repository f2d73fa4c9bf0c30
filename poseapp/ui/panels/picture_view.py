"""A picture of a person, as large as it fits, with its skeleton if wanted and a sign of work."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Slot
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPalette, QPen, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from poseapp.core.document import PERSON_COLOURS
from poseapp.core.pose import Pose2D
from poseapp.ui.canvas import figure as figures
from poseapp.ui.theme import DARK, LIGHT

_RADIUS_PX = 8.0
_SPIN_MS = 40
_SPIN_STEP = 12
_SPIN_PX = 22.0


class PictureView(QWidget):
    """Shows a pixmap, keeps its proportions, and paints nothing but what it was given."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._pixmap = QPixmap()
        self._scaled = QPixmap()
        self._pose: Pose2D | None = None
        self._skeleton = False
        self._angle = 0
        self._text = ""
        self._spin = QTimer(self)
        self._spin.setInterval(_SPIN_MS)
        self._spin.timeout.connect(self._on_spin)

    # -- what is shown -----------------------------------------------------------------------
    @property
    def pixmap(self) -> QPixmap:
        """The picture in its own size; null for none."""
        return self._pixmap

    @property
    def pose(self) -> Pose2D | None:
        """In px of the picture."""
        return self._pose

    @property
    def busy(self) -> bool:
        """A better picture is being made."""
        return self._spin.isActive()

    def show_picture(self, pixmap: QPixmap, pose: Pose2D | None) -> None:
        """Show another picture, with the pose in its px."""
        self._pixmap, self._pose = pixmap, pose
        self._scaled = QPixmap()
        self.update()

    def show_text(self, text: str) -> None:
        """What is said while there is no picture."""
        self._text = text
        self.update()

    @Slot(bool)
    def set_skeleton(self, on: bool) -> None:
        """Draw the pose over the picture."""
        self._skeleton = on
        self.update()

    @Slot(bool)
    def set_busy(self, on: bool) -> None:
        """Turn a small wheel in the corner."""
        if on == self._spin.isActive():
            return
        if on:
            self._spin.start()
        else:
            self._spin.stop()
        self.update()

    @Slot()
    def _on_spin(self) -> None:
        self._angle = (self._angle + _SPIN_STEP) % 360
        self.update(self._wheel().adjusted(-3, -3, 3, 3).toAlignedRect())

    # -- painting ----------------------------------------------------------------------------
    def sizeHint(self) -> QSize:
        return QSize(240, 480)

    def minimumSizeHint(self) -> QSize:
        return QSize(90, 120)

    def picture_rect(self) -> QRectF:
        """Where the picture lies; empty without one."""
        if self._pixmap.isNull():
            return QRectF()
        size = QSize(self._pixmap.size())
        size.scale(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        rect = QRectF(0, 0, size.width(), size.height())
        rect.moveCenter(QRectF(self.rect()).center())
        return rect

    def _wheel(self) -> QRectF:
        inside = self.picture_rect()
        if inside.isEmpty():
            rect = QRectF(0, 0, _SPIN_PX, _SPIN_PX)
            middle = QRectF(self.rect()).center()
            rect.moveCenter(middle - QPointF(0, _SPIN_PX * 1.4))
            return rect
        return QRectF(inside.right() - _SPIN_PX - 10, inside.top() + 10, _SPIN_PX, _SPIN_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = self.picture_rect()
        if rect.isEmpty():
            painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect().adjusted(16, 16, -16, -16), flags, self._text)
        else:
            shape = QPainterPath()
            shape.addRoundedRect(rect, _RADIUS_PX, _RADIUS_PX)
            painter.save()
            painter.setClipPath(shape)
            painter.drawPixmap(rect.topLeft(), self._fitted(rect))
            if self._skeleton and self._pose is not None:
                self._paint_skeleton(painter, rect)
            painter.restore()
            painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Mid), 1))
            painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), _RADIUS_PX, _RADIUS_PX)
        if self._spin.isActive():
            self._paint_wheel(painter)
        painter.end()

    def _fitted(self, rect: QRectF) -> QPixmap:
        """The picture in the pixels of the screen, scaled once for each size."""
        ratio = self.devicePixelRatioF()
        size = (rect.size() * ratio).toSize()
        if self._scaled.isNull() or self._scaled.size() != size:
            self._scaled = self._pixmap.scaled(
                size,
                Qt.AspectRatioMode.IgnoreAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
            self._scaled.setDevicePixelRatio(ratio)
        return self._scaled

    def _paint_skeleton(self, painter: QPainter, rect: QRectF) -> None:
        assert self._pose is not None
        scale = rect.width() / self._pixmap.width()
        dark = self.palette().color(QPalette.ColorRole.Base).lightness() < 128
        colours = DARK if dark else LIGHT
        shapes = figures.build(self._pose, PERSON_COLOURS[0], colours)
        painter.save()
        painter.translate(rect.topLeft())
        painter.scale(scale, scale)
        painter.setOpacity(0.9)
        figures.paint(painter, shapes, scale, figures.Look(colours, bone_px=6.0, joint_px=4.0))
        painter.restore()

    def _paint_wheel(self, painter: QPainter) -> None:
        wheel = self._wheel()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(0, 0, 0, 90))
        painter.drawEllipse(wheel.adjusted(-3, -3, 3, 3))
        pen = QPen(QColor(255, 255, 255, 235), 2.4)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawArc(wheel.adjusted(4, 4, -4, -4), -self._angle * 16, 250 * 16)
