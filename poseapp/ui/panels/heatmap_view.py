"""One square picture of heatmaps: the composite, one channel, or all channels side by side."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QGuiApplication,
    QHelpEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPalette,
    QPen,
    QPixmap,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from poseapp.core import heatmap
from poseapp.core.skeleton import COCO_17
from poseapp.services import heatmap_export
from poseapp.services.heatmap_export import SHEET_COLUMNS, SHEET_ROWS
from poseapp.ui.panels.thumbnails import to_image

ALL_CHANNELS = -2
COMPOSITE = -1
_RADIUS = 6.0
_MAX_PIXELS = 768
_UNDER = 0.6  # light of the photo under the maps


def joint_title(joint: int) -> str:
    """A joint's name as a person reads it."""
    return COCO_17.joints[joint].replace("_", " ")


class HeatmapView(QWidget):
    """Shows (17, H, W) maps; without any, the text that says how to get them."""

    channel_clicked = Signal(int)
    """A joint, or `COMPOSITE` when a single channel was clicked."""

    def __init__(self, name: str, empty_text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._empty_text = empty_text
        self._maps: np.ndarray | None = None
        self._peaks = np.zeros((0, 2))
        self._heights = np.zeros(0)
        self._mode = COMPOSITE
        self._threshold = heatmap.THRESHOLD
        self._pixmap: QPixmap | None = None
        self._under = QPixmap()
        self.setAccessibleName(name)
        self.setMinimumSize(96, 96)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMouseTracking(True)

    @property
    def maps(self) -> np.ndarray | None:
        """(17, H, W) as shown."""
        return self._maps

    @property
    def reaching(self) -> int:
        """How many joints reach the threshold."""
        return int(((self._heights >= self._threshold) & (self._heights > 0)).sum())

    def sizeHint(self) -> QSize:
        return QSize(170, 170)

    def show_under(self, under: QPixmap) -> None:
        """Put a square picture under the maps; a null one takes it away."""
        self._under = under
        self._pixmap = None
        self.update()

    def show_maps(self, maps: np.ndarray | None, mode: int, threshold: float) -> None:
        """Show other maps, another channel, or another threshold.

        Args:
            mode: a joint, `COMPOSITE` or `ALL_CHANNELS`.
        """
        changed = maps is not self._maps
        self._maps, self._mode, self._threshold = maps, mode, threshold
        if maps is None:
            self._heights = np.zeros(0)
        elif changed:
            self._peaks, self._heights = heatmap.decode(maps, 0.0)
        self._pixmap = None
        self._describe()
        self.update()

    def _describe(self) -> None:
        if self._maps is None:
            self.setAccessibleDescription(self._empty_text)
            self.setCursor(Qt.CursorShape.ArrowCursor)
            return
        self.setAccessibleDescription(f"{self.reaching} of 17 joints reach {self._threshold:.2f}")
        self.setCursor(
            Qt.CursorShape.ArrowCursor
            if self._mode == COMPOSITE
            else Qt.CursorShape.PointingHandCursor
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        square = self._square()
        path = QPainterPath()
        path.addRoundedRect(square, _RADIUS, _RADIUS)
        palette = QGuiApplication.palette()
        if self._maps is None:
            painter.fillPath(path, palette.color(QPalette.ColorRole.Base))
            painter.setPen(palette.color(QPalette.ColorRole.PlaceholderText))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(square.adjusted(8, 8, -8, -8), int(flags), self._empty_text)
        else:
            if self._pixmap is None:
                self._pixmap = self._drawn(square)
            painter.setClipPath(path)
            painter.fillPath(path, QColor(10, 11, 14))
            painter.drawPixmap(self._picture_rect(square).toRect(), self._pixmap)
            if self._mode != ALL_CHANNELS:
                self._mark_peaks(painter, square)
            painter.setClipping(False)
        painter.setPen(QPen(palette.color(QPalette.ColorRole.Mid), 1.0))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(path)

    def _drawn(self, square: QRectF) -> QPixmap:
        from poseapp.core import draw  # OpenCV: not needed for the first window

        assert self._maps is not None
        ratio = self.devicePixelRatioF()
        side = int(min(_MAX_PIXELS, max(32.0, square.width() * ratio)))
        if self._mode == COMPOSITE:
            picture = draw.heatmap_composite(self._maps, (side, side), self._threshold)
        elif self._mode == ALL_CHANNELS:
            cell = max(8, side // SHEET_COLUMNS)
            picture = heatmap_export.channel_sheet(self._maps, cell, self._threshold)
        else:
            picture = heatmap_export.single_channel(self._maps, self._mode, side)
        light = QPixmap.fromImage(to_image(picture))
        if self._under.isNull() or self._mode == ALL_CHANNELS:
            return light
        out = QPixmap(light.size())
        out.fill(QColor(10, 11, 14))
        painter = QPainter(out)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setOpacity(_UNDER)
        painter.drawPixmap(out.rect(), self._under)
        painter.setOpacity(1.0)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Screen)
        painter.drawPixmap(0, 0, light)
        painter.end()
        return out

    def _mark_peaks(self, painter: QPainter, square: QRectF) -> None:
        """A ring where each joint is read out, in the composite and in a single channel."""
        assert self._maps is not None
        scale = square.width() / self._maps.shape[-1]
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for joint, (peak, height) in enumerate(zip(self._peaks, self._heights, strict=True)):
            if height < self._threshold or self._mode not in (COMPOSITE, joint):
                continue
            at = square.topLeft() + QPointF(*((peak + 0.5) * scale))
            painter.setPen(QPen(QColor(0, 0, 0, 130), 2.4))
            painter.drawEllipse(at, 2.6, 2.6)
            painter.setPen(QPen(QColor(255, 255, 255, 230), 1.2))
            painter.drawEllipse(at, 2.6, 2.6)

    def _square(self) -> QRectF:
        side = min(self.width(), self.height()) - 1.0
        return QRectF((self.width() - side) / 2, 0.5, side, side)

    def _picture_rect(self, square: QRectF) -> QRectF:
        if self._mode != ALL_CHANNELS:
            return square
        height = square.width() * SHEET_ROWS / SHEET_COLUMNS
        return QRectF(square.left(), square.center().y() - height / 2, square.width(), height)

    def joint_at(self, at: QPointF) -> int | None:
        """The joint shown at a place of the widget: its channel, or the nearest peak."""
        if self._maps is None:
            return None
        square = self._square()
        rect = self._picture_rect(square)
        if not rect.contains(at):
            return None
        if self._mode == ALL_CHANNELS:
            column = int((at.x() - rect.left()) / rect.width() * SHEET_COLUMNS)
            row = int((at.y() - rect.top()) / rect.height() * SHEET_ROWS)
            joint = row * SHEET_COLUMNS + column
            return joint if 0 <= joint < len(COCO_17) else None
        if self._mode != COMPOSITE:
            return self._mode
        scale = square.width() / self._maps.shape[-1]
        place = np.array([at.x() - square.left(), at.y() - square.top()]) / scale - 0.5
        distance = np.hypot(*(self._peaks - place).T)
        distance[self._heights < self._threshold] = np.inf
        nearest = int(distance.argmin())
        return nearest if distance[nearest] * scale < 14.0 else None

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._mode != COMPOSITE:
            joint = self.joint_at(event.position())
            if joint is not None:
                self.channel_clicked.emit(joint if self._mode == ALL_CHANNELS else COMPOSITE)
        super().mouseReleaseEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            joint = self.joint_at(QPointF(event.pos()))
            if joint is None:
                QToolTip.hideText()
            else:
                text = f"{joint_title(joint)}: peak {self._heights[joint]:.2f}"
                QToolTip.showText(event.globalPos(), text, self)
            return True
        return super().event(event)
