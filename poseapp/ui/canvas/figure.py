"""How a skeleton looks on screen: the strokes of a pose, and painting them with Qt.

Colours: limbs run between the colours that `core.palette` gives their joints, blue on the left and
orange on the right; torso, neck and head wear the person's own colour. All widths are screen px, so
a zoom changes the distances only.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFont,
    QLinearGradient,
    QPainter,
    QPainterPath,
    QPen,
    QPixmap,
    QPolygonF,
)

from poseapp.core import kinematics
from poseapp.core.palette import JOINT_COLOURS
from poseapp.core.pose import Pose2D, Visibility
from poseapp.ui.theme import Colours

# (start, end, width relative to a thigh). Without a neck, ears join the shoulders instead.
_LIMBS: tuple[tuple[int, int, float], ...] = (
    (5, 6, 0.8),
    (11, 12, 0.8),
    (5, 11, 0.72),
    (6, 12, 0.72),
    (11, 13, 1.0),
    (12, 14, 1.0),
    (13, 15, 0.84),
    (14, 16, 0.84),
    (5, 7, 0.9),
    (6, 8, 0.9),
    (7, 9, 0.76),
    (8, 10, 0.76),
)
_NECK_BONE = (kinematics.NECK, 0, 0.72)
_FACE: tuple[tuple[int, int, float], ...] = (
    (0, 1, 0.34),
    (0, 2, 0.34),
    (1, 3, 0.34),
    (2, 4, 0.34),
)
_NO_NECK = ((3, 5, 0.5), (4, 6, 0.5))
_FACE_JOINTS = frozenset(range(5))
_TORSO = (5, 6, 12, 11)
_OWN_COLOUR = {(5, 6), (11, 12), (5, 11), (6, 12), (3, 5), (4, 6), (kinematics.NECK, 0)}
_NECKED = (*_LIMBS, _NECK_BONE, *_FACE)
_NECKLESS = (*_LIMBS, *_NO_NECK, *_FACE)
_DOT_ORDER = (*range(5, 17), *range(5))
_HALO_PX = 1.6
_BADGE_PX = 5.5
_MARK_PX = 16.0  # how far a mark reaches beyond its joint
_MARKED_FROM = 0.5  # thickness; smaller people wear rings alone
_REFERENCE_PX = 420.0  # a person this tall on screen has bones of the full width

JOINT_INK = tuple(QColor(*(int(v) for v in rgb)) for rgb in JOINT_COLOURS)


@dataclass(frozen=True)
class Look:
    """Sizes on screen, from the settings and the theme."""

    colours: Colours
    bone_px: float = 9.0
    joint_px: float = 5.0


@dataclass(frozen=True)
class Stroke:
    """One bone, ready to paint."""

    line: QLineF
    width: float
    ink: QBrush
    halo: QColor
    dashed: bool


@dataclass(frozen=True)
class Dot:
    """One joint, ready to paint."""

    joint: int
    at: QPointF
    size: float
    ink: QColor
    rim: QColor
    hollow: bool
    doubtful: bool = False


@dataclass(frozen=True)
class Figure:
    """A pose turned into shapes in canvas px, back to front."""

    strokes: tuple[Stroke, ...] = ()
    dots: tuple[Dot, ...] = ()
    torso: QPolygonF | None = None
    torso_ink: QColor | None = None
    head: tuple[QPointF, float] | None = None
    extent: float = 0.0
    """Height of the figure in canvas px, which its widths follow."""

    def thickness(self, scale: float) -> float:
        """Factor on all widths at `scale` screen px per canvas px: small people are drawn finer."""
        return float(np.clip((self.extent * scale / _REFERENCE_PX) ** 0.7, 0.3, 1.15))

    def bounds(self, scale: float, look: Look) -> QRectF:
        """Canvas rectangle that the painting stays within."""
        if not self.dots:
            return QRectF()
        xs = [dot.at.x() for dot in self.dots]
        ys = [dot.at.y() for dot in self.dots]
        box = QRectF(min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))
        if self.head is not None:
            centre, radius = self.head
            box |= QRectF(centre.x() - radius, centre.y() - radius, 2 * radius, 2 * radius)
        pad = (max(look.bone_px, look.joint_px * 2) + _MARK_PX + 6.0) / scale
        return box.adjusted(-pad, -pad, pad, pad)


def changed_area(old: Figure, new: Figure, pad: float) -> QRectF | None:
    """The canvas rectangle outside of which two figures look alike; None = not worth the search."""
    if (
        len(old.strokes) != len(new.strokes)
        or len(old.dots) != len(new.dots)
        or old.extent != new.extent
        or old.head != new.head
    ):
        return None
    area = QRectF()
    for one, other in zip(old.strokes, new.strokes, strict=True):
        if one.line != other.line or one.halo != other.halo or one.dashed != other.dashed:
            area |= _around(one.line) | _around(other.line)
    for was, dot in zip(old.dots, new.dots, strict=True):
        if was != dot:
            area |= _around(QLineF(was.at, dot.at))
    if old.torso != new.torso:
        for torso in (old.torso, new.torso):
            if torso is not None:
                area |= torso.boundingRect()
    return area.adjusted(-pad, -pad, pad, pad) if area.isValid() else QRectF()


def _around(line: QLineF) -> QRectF:
    box = QRectF(line.p1(), line.p2()).normalized()
    return box.adjusted(-0.01, -0.01, 0.01, 0.01)  # one without any width unites with nothing


def _mixed(one: QColor, other: QColor, part: float) -> QColor:
    return QColor(
        round(one.red() + (other.red() - one.red()) * part),
        round(one.green() + (other.green() - one.green()) * part),
        round(one.blue() + (other.blue() - one.blue()) * part),
    )


def _faded(colour: QColor, alpha: float) -> QColor:
    out = QColor(colour)
    out.setAlphaF(alpha)
    return out


@lru_cache(maxsize=4096)
def _joint_ink(joint: int, page: str, fade: float, percent: int) -> QColor:
    """A joint's colour, mixed into the page; shared, so never change it."""
    return _faded(_mixed(JOINT_INK[joint], QColor(page), fade), percent / 100.0)


@lru_cache(maxsize=512)
def _ink(colour: str, page: str, fade: float, percent: int) -> QColor:
    return _faded(_mixed(QColor(colour), QColor(page), fade), percent / 100.0)


def _bone_brush(line: QLineF, one: QColor, other: QColor) -> QBrush:
    if one == other:
        return QBrush(one)
    gradient = QLinearGradient(line.p1(), line.p2())
    gradient.setColorAt(0.15, one)
    gradient.setColorAt(0.85, other)
    return QBrush(gradient)


def build(
    pose: Pose2D, colour: str, colours: Colours, dimmed: bool = False, marks: bool = True
) -> Figure:
    """The shapes of a pose.

    Args:
        pose: in canvas px.
        colour: of the person, #rrggbb.
        dimmed: paler, for a person who is not being edited.
        marks: put a mark on joints that should be looked at.
    """
    page = colours.page
    fade = 0.4 if dimmed else 0.0
    present = pose.present.tolist()
    hidden = (pose.visibility == Visibility.HIDDEN).tolist()
    sure = pose.confidence.tolist()
    doubtful = pose.doubtful.tolist() if marks and not dimmed else [False] * len(sure)
    places = [QPointF(x, y) for x, y in pose.keypoints.tolist()]
    # The neck is the last place: the middle of the shoulders, where both are there.
    neck = present[5] and present[6]
    present.append(neck)
    hidden.append(False)
    sure.append(min(sure[5], sure[6]))
    places.append((places[5] + places[6]) / 2.0)

    strokes = []
    for start, end, width in _NECKED if neck and present[0] else _NECKLESS:
        if not (present[start] and present[end]):
            continue
        dashed = hidden[start] or hidden[end]
        alpha = 0.3 + 0.7 * min(sure[start], sure[end])
        percent = round(100 * alpha * (0.75 if dashed else 1.0))
        line = QLineF(places[start], places[end])
        if (start, end) in _OWN_COLOUR:
            brush = QBrush(_ink(colour, page, fade, percent))
        else:
            inks = (_joint_ink(joint, page, fade, percent) for joint in (start, end))
            brush = _bone_brush(line, *inks)
        halo = _ink(colours.halo, page, 0.0, round(100 * alpha * (0.35 if dashed else 0.9)))
        strokes.append(Stroke(line, width, brush, halo, dashed))

    dots = []
    for joint in _DOT_ORDER:
        if present[joint]:
            percent = round(35 + 65 * sure[joint])
            dots.append(
                Dot(
                    joint,
                    places[joint],
                    0.66 if joint in _FACE_JOINTS else 1.0,
                    _joint_ink(joint, page, fade, percent),
                    _ink(colours.joint_rim, page, fade, percent),
                    hidden[joint],
                    doubtful[joint],
                )
            )

    torso = None
    if all(present[joint] for joint in _TORSO):
        torso = QPolygonF([places[joint] for joint in _TORSO])
    bounds = pose.bounds
    extent = 0.0
    if bounds is not None:  # by the torso above all: a raised arm must not make bones thicker
        extent = float(max(kinematics.torso_size(pose) * 3.0, max(bounds[2:]) * 0.55))
    fill = _ink(colour, page, fade, 20)
    return Figure(tuple(strokes), tuple(dots), torso, fill, _head(pose), extent)


def _head(pose: Pose2D) -> tuple[QPointF, float] | None:
    """A disc that stands for the head, so that a figure reads as a person at a glance."""
    present, points = pose.present, pose.keypoints
    face = [j for j in range(5) if present[j]]
    if len(face) < 3:
        return None
    unit = kinematics.torso_size(pose)
    centre = points[face].mean(0)
    if present[3] and present[4]:
        centre = points[[3, 4]].mean(0) * 0.6 + centre * 0.4
    reach = float(np.linalg.norm(points[face] - centre, axis=1).max())
    radius = float(np.clip(max(reach * 1.12, unit * 0.19), unit * 0.12, unit * 0.42))
    return QPointF(float(centre[0]), float(centre[1])), radius


def paint(
    painter: QPainter,
    figure: Figure,
    scale: float,
    look: Look,
    selected: Collection[int] = (),
    hovered: int | None = None,
    exposed: QRectF | None = None,
) -> None:
    """Paint shapes with a painter in canvas px at `scale` screen px per canvas px.

    Args:
        exposed: what needs painting; None = all.
    """
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    factor = figure.thickness(scale) / scale
    bone = look.bone_px * factor
    halo = 2.0 * _HALO_PX * min(1.0, figure.thickness(scale) * 1.5) / scale
    painter.setPen(Qt.PenStyle.NoPen)
    if figure.torso_ink is not None:
        painter.setBrush(figure.torso_ink)
        if figure.torso is not None and (
            exposed is None or figure.torso.boundingRect().intersects(exposed)
        ):
            painter.drawPolygon(figure.torso)
        if figure.head is not None:
            painter.drawEllipse(figure.head[0], figure.head[1], figure.head[1])
    pen = QPen()
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    strokes = figure.strokes
    if exposed is not None:
        reach = bone + halo
        near = exposed.adjusted(-reach, -reach, reach, reach)
        strokes = tuple(s for s in strokes if near.intersects(_around(s.line)))
    for stroke in strokes:
        pen.setColor(stroke.halo)
        pen.setWidthF(stroke.width * bone + halo)
        painter.setPen(pen)
        painter.drawLine(stroke.line)
    dash = QPen(pen)
    dash.setDashPattern([1.1, 1.7])
    for stroke in strokes:
        used = dash if stroke.dashed else pen
        used.setBrush(stroke.ink)
        used.setWidthF(stroke.width * bone * (0.8 if stroke.dashed else 1.0))
        painter.setPen(used)
        painter.drawLine(stroke.line)
    _paint_dots(painter, figure, scale, look, selected, hovered)


def _paint_dots(
    painter: QPainter,
    figure: Figure,
    scale: float,
    look: Look,
    selected: Collection[int],
    hovered: int | None,
) -> None:
    thickness = figure.thickness(scale)
    radius = look.joint_px * max(0.5, thickness) / scale
    rim = 1.5 * min(1.0, max(0.6, thickness)) / scale
    pen = QPen()
    for dot in figure.dots:
        size = radius * dot.size
        if dot.joint in selected or dot.joint == hovered:
            chosen = dot.joint in selected
            size = max(size, 4.0 / scale) * (1.12 if chosen else 1.2)
            ring = size + (4.0 if chosen else 5.0) / scale
            accent = QColor(look.colours.accent)
            painter.setBrush(_faded(accent, 0.22))
            pen = QPen(_faded(accent, 1.0 if chosen else 0.55), (2.0 if chosen else 1.3) / scale)
            painter.setPen(pen)
            painter.drawEllipse(dot.at, ring, ring)
        if dot.hollow:
            painter.setBrush(QBrush(QColor(look.colours.page)))
            pen = QPen(dot.ink, rim * 1.5)
            pen.setDashPattern([1.8, 1.3])
            size *= 1.08
        else:
            painter.setBrush(dot.ink)
            pen = QPen(dot.rim, rim)
        painter.setPen(pen)
        painter.drawEllipse(dot.at, size, size)
    for dot in figure.dots:
        if dot.doubtful:
            _paint_mark(painter, dot, radius * dot.size, scale, look, thickness >= _MARKED_FROM)


def _paint_mark(
    painter: QPainter, dot: Dot, size: float, scale: float, look: Look, badge: bool
) -> None:
    """A ring around a joint that should be looked at, with a question mark beside it."""
    unit = 1.0 / scale
    warning = QColor(look.colours.warning)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    ring = size + 3.0 * unit
    painter.setPen(QPen(_faded(QColor(look.colours.halo), 0.8), 3.0 * unit))
    painter.drawEllipse(dot.at, ring, ring)
    pen = QPen(warning, 1.6 * unit)
    pen.setDashPattern([1.6, 1.3])
    painter.setPen(pen)
    painter.drawEllipse(dot.at, ring, ring)
    if not badge or dot.joint in _FACE_JOINTS:  # in a face there is room for the rings alone
        return
    at = dot.at + QPointF(ring, -ring) * 0.95
    painter.setPen(QPen(QColor(look.colours.halo), 1.2 * unit))
    painter.setBrush(warning)
    painter.drawEllipse(at, _BADGE_PX * unit, _BADGE_PX * unit)
    painter.save()
    painter.translate(at)
    painter.scale(unit, unit)
    painter.fillPath(_question_mark(), QColor(look.colours.halo))
    painter.restore()


@lru_cache(maxsize=1)
def _question_mark() -> QPainterPath:
    """A question mark around (0, 0), in screen px; shared, so never change it."""
    font = QFont()
    font.setPixelSize(9)
    font.setBold(True)
    path = QPainterPath()
    path.addText(QPointF(0.0, 0.0), font, "?")
    return path.translated(-path.boundingRect().center())


def thumbnail(
    pose: Pose2D, colour: str, colours: Colours, side: int, ratio: float = 1.0
) -> QPixmap:
    """A square picture of a pose on a transparent ground; `side` in logical px."""
    pixmap = QPixmap(round(side * ratio), round(side * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    bounds = pose.bounds
    if bounds is None:
        return pixmap
    x, y, width, height = bounds
    margin = 0.13 * side
    scale = (side - 2 * margin) / max(width, height, 1.0)
    painter = QPainter(pixmap)
    painter.translate(side / 2, side / 2)
    painter.scale(scale, scale)
    painter.translate(-(x + width / 2), -(y + height / 2))
    figure = build(pose, colour, colours, marks=False)
    look = Look(colours, bone_px=max(2.4, side / 19.0), joint_px=max(1.4, side / 42.0))
    # The widths above are meant as they are: cancel what a small figure would take off them.
    thickness = figure.thickness(scale)
    paint(
        painter, figure, scale, Look(colours, look.bone_px / thickness, look.joint_px / thickness)
    )
    painter.end()
    return pixmap
