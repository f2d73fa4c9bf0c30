"""The app's own line icons: SVG files drawn in the text colour of the palette in force."""

from __future__ import annotations

import logging
from functools import lru_cache

from PySide6.QtCore import QByteArray, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QGuiApplication,
    QIcon,
    QIconEngine,
    QImage,
    QPainter,
    QPalette,
    QPixmap,
)
from PySide6.QtSvg import QSvgRenderer

from poseapp.core.paths import resources_dir

log = logging.getLogger(__name__)


@lru_cache(maxsize=256)
def _source(name: str) -> str:
    try:
        return (resources_dir() / "icons" / f"{name}.svg").read_text("utf-8")
    except OSError as exc:
        log.warning("No icon %s: %s", name, exc)
        return ""


@lru_cache(maxsize=512)
def _renderer(name: str, colour: str) -> QSvgRenderer:
    return QSvgRenderer(QByteArray(_source(name).replace("currentColor", colour).encode()))


def _ink(mode: QIcon.Mode) -> str:
    """Icons follow the palette each time they are painted, so a change of theme needs no reload."""
    group = (
        QPalette.ColorGroup.Disabled if mode == QIcon.Mode.Disabled else QPalette.ColorGroup.Active
    )
    # Selected rows have a pale ground in both themes, so the ink stays the same there.
    return QGuiApplication.palette().color(group, QPalette.ColorRole.ButtonText).name()


class _SvgEngine(QIconEngine):
    def __init__(self, name: str, colour: str | None = None, checked: str | None = None) -> None:
        super().__init__()
        self._name = name
        self._colour = colour
        self._checked = checked

    def clone(self) -> QIconEngine:
        return _SvgEngine(self._name, self._colour, self._checked)

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        name = self._checked if self._checked and state == QIcon.State.On else self._name
        colour = self._colour if self._colour and mode != QIcon.Mode.Disabled else _ink(mode)
        side = min(rect.width(), rect.height())
        square = QRectF(0, 0, side, side)
        square.moveCenter(QRectF(rect).center())
        _renderer(name, colour).render(painter, square)

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        image = QImage(size, QImage.Format.Format_ARGB32_Premultiplied)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.paint(painter, QRect(QPoint(), size), mode, state)
        painter.end()
        return QPixmap.fromImage(image)

    def scaledPixmap(
        self, size: QSize, mode: QIcon.Mode, state: QIcon.State, scale: float
    ) -> QPixmap:
        pixmap = self.pixmap(size * scale, mode, state)
        pixmap.setDevicePixelRatio(scale)
        return pixmap


def icon(name: str, colour: str | QColor | None = None, checked: str | None = None) -> QIcon:
    """An icon of `resources/icons`.

    Args:
        name: file name without ``.svg``.
        colour: fixed ink; None follows the palette, light or dark.
        checked: name of the icon shown while a checkable action is on.
    """
    ink = QColor(colour).name() if colour is not None else None
    return QIcon(_SvgEngine(name, ink, checked))


def app_icon() -> QIcon:
    """The icon of the window."""
    return QIcon(str(resources_dir() / "icons" / "poseapp.svg"))
