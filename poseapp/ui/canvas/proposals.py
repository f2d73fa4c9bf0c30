"""People found in the photo and not accepted yet: pale skeletons, the surer the stronger."""

from __future__ import annotations

from collections.abc import Sequence

import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from poseapp.core.document import PERSON_COLOURS, Person
from poseapp.core.pose import Pose2D
from poseapp.ui.canvas.figure import Look
from poseapp.ui.canvas.items import LabelItem, PersonItem

_Z = 500  # above the people, below the gizmo and the labels
_FAINTEST = 0.4


class _FrameItem(QGraphicsItem):
    """A dashed box around somebody."""

    def __init__(self, box: QRectF, ink: str) -> None:
        super().__init__()
        self._box, self._ink = box, QColor(ink)

    def boundingRect(self) -> QRectF:
        return self._box.adjusted(-2, -2, 2, 2)

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for ink, style in (
            (QColor(255, 255, 255, 170), Qt.PenStyle.SolidLine),  # seen on dark photos, too
            (self._ink, Qt.PenStyle.DashLine),
        ):
            pen = QPen(ink, 1.6, style)
            pen.setCosmetic(True)
            painter.setPen(pen)
            painter.drawRoundedRect(self._box, 2.0, 2.0)


class ProposalLayer:
    """Items of a view box for the proposals."""

    def __init__(self, box: pg.ViewBox) -> None:
        self._box = box
        self._figures: list[PersonItem] = []
        self._others: list[QGraphicsItem] = []

    @property
    def figures(self) -> tuple[PersonItem, ...]:
        """The skeletons that are shown."""
        return tuple(self._figures)

    def show(
        self, poses: Sequence[Pose2D], confidences: Sequence[float], look: Look, scale: float
    ) -> None:
        """Show other proposals in place of the ones before.

        Args:
            poses: in canvas px.
            confidences: of each, 0-1: the opacity.
            scale: screen px per canvas px.
        """
        self.clear()
        for number, (pose, sure) in enumerate(zip(poses, confidences, strict=True)):
            colour = PERSON_COLOURS[number % len(PERSON_COLOURS)]
            figure = PersonItem(Person(pose, colour=colour), look, scale)
            figure.setOpacity(_FAINTEST + (1.0 - _FAINTEST) * min(max(sure, 0.0), 1.0))
            figure.setZValue(_Z)
            self._figures.append(figure)
            self._box.addItem(figure, ignoreBounds=True)
            bounds = pose.bounds
            if bounds is None:
                continue
            x, y, width, height = bounds
            pad = 0.08 * max(width, height) + 2.0
            frame = QRectF(x, y, width, height).adjusted(-pad, -pad, pad, pad)
            label = LabelItem(gap_px=1.5)
            ground = QColor(look.colours.accent)
            ground.setAlphaF(0.92)
            label.show_text(
                f"{round(100 * sure)} %",
                QPointF(frame.center().x(), frame.top()),
                ground,
                QColor(look.colours.accent_text),
            )
            for item in (_FrameItem(frame, look.colours.accent), label):
                item.setZValue(_Z - 1 if item is not label else _Z + 1)
                self._others.append(item)
                self._box.addItem(item, ignoreBounds=True)

    def set_scale(self, scale: float) -> None:
        """Screen px per canvas px."""
        for figure in self._figures:
            figure.set_scale(scale)

    def clear(self) -> None:
        """Show nobody."""
        for item in (*self._figures, *self._others):
            self._box.removeItem(item)
        self._figures, self._others = [], []
