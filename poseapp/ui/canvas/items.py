"""What the scene holds: the page, one item per person, the gizmo, the rubber band, labels."""

from __future__ import annotations

import math
from collections.abc import Collection

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QGraphicsItem, QGraphicsObject, QStyleOptionGraphicsItem, QWidget

from poseapp.core.document import Person
from poseapp.ui.canvas import figure
from poseapp.ui.canvas.figure import Figure, Look
from poseapp.ui.theme import Colours

_SLACK_PX = 48.0  # a bounding box that changes with each move would repaint all of a person
_Z_PAGE, _Z_PHOTO, Z_PERSON, _Z_GIZMO, _Z_LABEL = -20, -10, 0, 1000, 2000


class PageItem(QGraphicsItem):
    """The canvas page: pixel centres lie at whole numbers, so it starts at -0.5."""

    _SHADOW = ((1, 9), (3, 8), (5, 7), (8, 5), (12, 4), (16, 3))

    def __init__(self) -> None:
        super().__init__()
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)
        self.setZValue(_Z_PAGE)
        self._size = (1, 1)
        self._scale = 1.0
        self._colours: Colours | None = None
        self._backdrop = "plain"

    @property
    def page(self) -> QRectF:
        """The page in canvas px."""
        return QRectF(-0.5, -0.5, *self._size)

    def show_page(self, size: tuple[int, int], colours: Colours, backdrop: str) -> None:
        """Take size, theme and pattern."""
        self.prepareGeometryChange()
        self._size, self._colours, self._backdrop = size, colours, backdrop
        self.update()

    def set_scale(self, scale: float) -> None:
        """Screen px per canvas px."""
        if scale != self._scale:
            self.prepareGeometryChange()
            self._scale = scale

    def boundingRect(self) -> QRectF:
        pad = 20.0 / self._scale
        return self.page.adjusted(-pad, -pad, pad, pad)

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        if self._colours is None:
            return
        unit = 1.0 / self._scale
        page = self.page
        if not page.contains(option.exposedRect):
            painter.setPen(Qt.PenStyle.NoPen)
            for spread, alpha in self._SHADOW:
                painter.setBrush(QColor(10, 16, 30, alpha))
                soft = page.adjusted(
                    -spread * unit, (1 - spread) * unit, spread * unit, (1 + spread) * unit
                )
                painter.drawRoundedRect(soft, spread * unit, spread * unit)
        painter.fillRect(page, QColor(self._colours.page))
        step = self._step()
        exposed = option.exposedRect.intersected(page)
        if self._backdrop == "checker":
            self._paint_checker(painter, exposed, step / 2)
        elif self._backdrop == "grid":
            self._paint_grid(painter, exposed, step)
        pen = QPen(QColor(self._colours.page_border), 1.0)
        pen.setCosmetic(True)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(page)

    def _step(self) -> float:
        """Canvas px of a grid cell: 64 at full size, a power of two that is 28 to 56 px wide."""
        return 2.0 ** math.ceil(math.log2(28.0 / self._scale))

    def _paint_grid(self, painter: QPainter, box: QRectF, step: float) -> None:
        assert self._colours is not None
        pen = QPen(QColor(self._colours.page_line), 1.0)
        pen.setCosmetic(True)
        painter.setPen(pen)
        for k in range(math.ceil((box.left() + 0.5) / step), int((box.right() + 0.5) / step) + 1):
            painter.drawLine(
                QPointF(k * step - 0.5, box.top()), QPointF(k * step - 0.5, box.bottom())
            )
        for k in range(math.ceil((box.top() + 0.5) / step), int((box.bottom() + 0.5) / step) + 1):
            painter.drawLine(
                QPointF(box.left(), k * step - 0.5), QPointF(box.right(), k * step - 0.5)
            )

    def _paint_checker(self, painter: QPainter, box: QRectF, step: float) -> None:
        assert self._colours is not None
        tile = QPixmap(2, 2)
        tile.fill(QColor(self._colours.page))
        dots = QPainter(tile)
        dots.fillRect(0, 0, 1, 1, QColor(self._colours.page_check))
        dots.fillRect(1, 1, 1, 1, QColor(self._colours.page_check))
        dots.end()
        brush = QBrush(tile)
        transform = brush.transform()
        transform.translate(-0.5, -0.5)
        transform.scale(step, step)
        brush.setTransform(transform)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.fillRect(box, brush)


class PersonItem(QGraphicsItem):
    """One person. All shapes are made before painting, so that painting cannot fail."""

    def __init__(self, person: Person, look: Look, scale: float) -> None:
        super().__init__()
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)
        self._person = person
        self._look = look
        self._scale = scale
        self._dimmed = False
        self._selected: frozenset[int] = frozenset()
        self._hovered: int | None = None
        self._figure = Figure()
        self._bounds = QRectF()
        self._rebuild()

    @property
    def person(self) -> Person:
        """The person as it is drawn."""
        return self._person

    @property
    def figure(self) -> Figure:
        """The shapes as they are drawn."""
        return self._figure

    def _rebuild(self) -> None:
        person, old = self._person, self._figure
        self._figure = figure.build(person.pose, person.colour, self._look.colours, self._dimmed)
        needed = self._figure.bounds(self._scale, self._look)
        if not self._bounds.contains(needed) or needed.width() < 0.5 * self._bounds.width():
            self.prepareGeometryChange()
            slack = _SLACK_PX / self._scale
            self._bounds = needed.adjusted(-slack, -slack, slack, slack)
        self.setVisible(person.visible)
        # A dragged wrist moves one or two bones: the rest need not be painted again.
        pad = (2.0 * max(self._look.bone_px, self._look.joint_px) + 8.0) / self._scale
        area = figure.changed_area(old, self._figure, pad)
        if area is None:
            self.update()
        elif not area.isEmpty():
            self.update(area)

    def show_person(self, person: Person, dimmed: bool) -> None:
        """Draw another state of the person; nothing happens when it looks the same."""
        old, was = self._person, self._dimmed
        self._person, self._dimmed = person, dimmed
        # Who is not edited is not drawn anew because somebody else's joint passes by.
        mode = QGraphicsItem.CacheMode
        self.setCacheMode(mode.DeviceCoordinateCache if dimmed else mode.NoCache)
        if (
            old.pose is not person.pose
            or old.colour != person.colour
            or old.visible != person.visible
            or was != dimmed
        ):
            self._rebuild()
            if old.pose is person.pose:  # another colour changes every stroke
                self.update()

    def set_marks(self, selected: Collection[int], hovered: int | None) -> None:
        """Which joints wear a ring."""
        chosen = frozenset(selected)
        if (chosen, hovered) != (self._selected, self._hovered):
            self._selected, self._hovered = chosen, hovered
            self.update()

    def set_look(self, look: Look) -> None:
        """Other sizes or another theme."""
        self._look = look
        self._rebuild()
        self.update()

    def set_scale(self, scale: float) -> None:
        """Screen px per canvas px."""
        if scale != self._scale:
            self.prepareGeometryChange()
            self._scale = scale
            self._bounds = self._figure.bounds(scale, self._look)

    def boundingRect(self) -> QRectF:
        return self._bounds

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        figure.paint(
            painter,
            self._figure,
            self._scale,
            self._look,
            self._selected,
            self._hovered,
            option.exposedRect,
        )


class GizmoItem(QGraphicsItem):
    """A box around the chosen person: four corners scale, the knob above turns."""

    HANDLE_PX = 5.0
    KNOB_PX = 26.0
    PAD_PX = 16.0

    def __init__(self) -> None:
        super().__init__()
        self.setZValue(_Z_GIZMO)
        self.setVisible(False)
        self._box = QRectF()
        self._scale = 1.0
        self._colours: Colours | None = None
        self._hot: str | None = None

    def show_box(self, pose_box: tuple[float, float, float, float], colours: Colours) -> None:
        """Stand around (x, y, width, height) canvas px."""
        self._colours = colours
        pad = self.PAD_PX / self._scale
        box = QRectF(*pose_box).adjusted(-pad, -pad, pad, pad)
        if box != self._box:
            self.prepareGeometryChange()
            self._box = box
        self.setVisible(True)
        self.update()

    def set_scale(self, scale: float) -> None:
        """Screen px per canvas px; the caller shows the box anew afterwards."""
        if scale != self._scale:
            self.prepareGeometryChange()
            self._scale = scale

    def set_hot(self, handle: str | None) -> None:
        """The handle under the mouse."""
        if handle != self._hot:
            self._hot = handle
            self.update()

    @property
    def box(self) -> QRectF:
        """The box in canvas px, padding included."""
        return self._box

    def handles(self) -> dict[str, QPointF]:
        """Places of the handles in canvas px: corners nw, ne, se, sw and the knob `turn`."""
        box = self._box
        above = QPointF(box.center().x(), box.top() - self.KNOB_PX / self._scale)
        return {
            "nw": box.topLeft(),
            "ne": box.topRight(),
            "se": box.bottomRight(),
            "sw": box.bottomLeft(),
            "turn": above,
        }

    def handle_at(self, at: QPointF, radius: float) -> str | None:
        """The handle within `radius` canvas px, None while the box is not shown."""
        if not self.isVisible():
            return None
        for name, place in self.handles().items():
            gap = at - place
            if math.hypot(gap.x(), gap.y()) <= radius:
                return name
        return None

    def boundingRect(self) -> QRectF:
        pad = 8.0 / self._scale
        knob = self.KNOB_PX / self._scale
        return self._box.adjusted(-pad, -pad - knob, pad, pad)

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        if self._colours is None:
            return
        unit = 1.0 / self._scale
        accent = QColor(self._colours.accent)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        line = QColor(accent)
        line.setAlphaF(0.75)
        pen = QPen(line, 1.2 * unit)
        painter.setPen(pen)
        painter.drawRoundedRect(self._box, 3 * unit, 3 * unit)
        handles = self.handles()
        painter.drawLine(QPointF(self._box.center().x(), self._box.top()), handles["turn"])
        painter.setPen(QPen(accent, 1.6 * unit))
        for name, at in handles.items():
            painter.setBrush(accent if name == self._hot else QColor(self._colours.joint_rim))
            reach = self.HANDLE_PX * unit
            if name == "turn":
                painter.drawEllipse(at, reach, reach)
            else:
                square = QRectF(
                    at.x() - reach * 0.9, at.y() - reach * 0.9, 1.8 * reach, 1.8 * reach
                )
                painter.drawRoundedRect(square, 2 * unit, 2 * unit)


class BandItem(QGraphicsItem):
    """The rubber band of a box selection, or the box that a new person will fill."""

    def __init__(self) -> None:
        super().__init__()
        self.setZValue(_Z_GIZMO)
        self.setVisible(False)
        self._box = QRectF()
        self._ink = QColor("#2f6fed")

    def show_box(self, box: QRectF, ink: str) -> None:
        """Span `box` (canvas px, normalised)."""
        self.prepareGeometryChange()
        self._box, self._ink = box, QColor(ink)
        self.setVisible(True)

    def boundingRect(self) -> QRectF:
        return self._box.adjusted(-2, -2, 2, 2)

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        fill = QColor(self._ink)
        fill.setAlphaF(0.12)
        pen = QPen(self._ink, 1.0)
        pen.setCosmetic(True)
        painter.setPen(pen)
        painter.setBrush(fill)
        painter.drawRect(self._box)


class PivotItem(QGraphicsItem):
    """What a rotation shows: the pivot, and the arm from it to the joint."""

    def __init__(self) -> None:
        super().__init__()
        self.setZValue(_Z_GIZMO)
        self.setVisible(False)
        self._pivot = QPointF()
        self._joint = QPointF()
        self._scale = 1.0
        self._ink = QColor("#2f6fed")

    def show_arm(self, pivot: np.ndarray, joint: np.ndarray, scale: float, ink: str) -> None:
        """Span from pivot to joint, (2,) canvas px each."""
        self.prepareGeometryChange()
        self._pivot = QPointF(*map(float, pivot))
        self._joint = QPointF(*map(float, joint))
        self._scale, self._ink = scale, QColor(ink)
        self.setVisible(True)
        self.update()

    def _radius(self) -> float:
        gap = self._joint - self._pivot
        return math.hypot(gap.x(), gap.y())

    def boundingRect(self) -> QRectF:
        reach = self._radius() + 8.0 / self._scale
        return QRectF(self._pivot.x() - reach, self._pivot.y() - reach, 2 * reach, 2 * reach)

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        soft = QColor(self._ink)
        soft.setAlphaF(0.35)
        pen = QPen(soft, 1.2, Qt.PenStyle.DashLine)
        pen.setCosmetic(True)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(self._pivot, self._radius(), self._radius())
        pen = QPen(self._ink, 1.4)
        pen.setCosmetic(True)
        painter.setPen(pen)
        painter.drawLine(self._pivot, self._joint)
        painter.setBrush(self._ink)
        painter.drawEllipse(self._pivot, 4.0 / self._scale, 4.0 / self._scale)


class LabelItem(QGraphicsObject):
    """A small pill of text that keeps its size at every zoom."""

    def __init__(self, above: bool = True, gap_px: float = 14.0) -> None:
        super().__init__()
        self._gap_px = gap_px
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemIgnoresTransformations)
        self.setZValue(_Z_LABEL)
        self.setVisible(False)
        self._above = above
        self._text = ""
        self._box = QRectF()
        self._ground = QColor()
        self._ink = QColor()
        self._font = QFont()
        self._font.setPointSizeF(max(7.5, self._font.pointSizeF() - 0.5))

    def show_text(self, text: str, at: QPointF, ground: QColor, ink: QColor) -> None:
        """Say `text` at a place in canvas px."""
        if text != self._text or ground != self._ground or ink != self._ink:
            self.prepareGeometryChange()
            self._text, self._ground, self._ink = text, QColor(ground), QColor(ink)
            metrics = QFontMetricsF(self._font)
            width, height = metrics.horizontalAdvance(text) + 14, metrics.height() + 5
            top = -height - self._gap_px if self._above else 0.0
            self._box = QRectF(-width / 2, top, width, height)
            self.update()
        self.setPos(at)
        self.setVisible(bool(text))

    @property
    def text(self) -> str:
        """What it says."""
        return self._text

    def boundingRect(self) -> QRectF:
        return self._box.adjusted(-1, -1, 1, 1)

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._ground)
        painter.drawRoundedRect(self._box, 6, 6)
        painter.setFont(self._font)
        painter.setPen(self._ink)
        painter.drawText(self._box, Qt.AlignmentFlag.AlignCenter, self._text)


class PhotoItem(QGraphicsItem):
    """The reference photo, stretched over the page."""

    def __init__(self) -> None:
        super().__init__()
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)
        self.setZValue(_Z_PHOTO)
        self._pixmap = QPixmap()
        self._page = QRectF()

    def show_photo(self, pixmap: QPixmap, page: QRectF, opacity: float) -> None:
        """Take a picture (null = none) and the page that it covers."""
        self.prepareGeometryChange()
        self._pixmap, self._page = pixmap, page
        self.setOpacity(opacity)
        self.setVisible(not pixmap.isNull())
        self.update()

    def boundingRect(self) -> QRectF:
        return self._page

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        # Only what is exposed: a drag repaints a small part of a large photo.
        box = option.exposedRect.intersected(self._page)
        if box.isEmpty():
            return
        across = self._pixmap.width() / self._page.width()
        down = self._pixmap.height() / self._page.height()
        source = QRectF(
            (box.left() - self._page.left()) * across,
            (box.top() - self._page.top()) * down,
            box.width() * across,
            box.height() * down,
        )
        painter.drawPixmap(box, self._pixmap, source)
