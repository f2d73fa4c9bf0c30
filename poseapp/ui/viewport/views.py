"""The two ways to draw the scene: OpenGL, and plain pictures where there is none."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QColor, QGuiApplication, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from poseapp.core import draw
from poseapp.core.camera import Camera
from poseapp.ui.viewport.themes import DARK, Theme

if TYPE_CHECKING:
    from poseapp.ui.viewport.hidden_scene import HiddenScene

log = logging.getLogger(__name__)

_NO_GL_PLATFORMS = ("offscreen", "minimal", "vnc", "linuxfb")
_CALM_MS = 220
_MIN_SIZE = QSize(160, 160)


def platform_has_gl() -> bool:
    """Qt's platform may have OpenGL; whether the driver has is seen when a `GLView` draws."""
    return QGuiApplication.platformName() not in _NO_GL_PLATFORMS


class GLView:
    """The scene drawn by OpenGL, out of sight, and shown as a picture.

    A graphics card draws each frame larger and scales it down, for smooth edges. Where the
    processor draws, that would cost more than all the rest, so frames are plain while something
    moves, and a smooth one follows.

    OpenGL starts once the widget has been painted, so that the first window need not wait for it.

    Args:
        failed: called once, later, when drawing turns out to be impossible.
    """

    def __init__(self, failed: Callable[[], None]) -> None:
        self._failed = failed
        self._broken = False
        self._hidden: HiddenScene | None = None
        self._camera = Camera()
        self._theme = DARK
        self._figures: tuple[np.ndarray, np.ndarray] | None = None
        self._ghosts_shown = True
        self._stale = True
        self.image: QImage | None = None
        self.frames = 0
        self.widget: QWidget = _GLWidget(self)
        self.widget.setMinimumSize(_MIN_SIZE)
        self._calm = False
        self._calm_timer = QTimer(self.widget)
        self._calm_timer.setSingleShot(True)
        self._calm_timer.setInterval(_CALM_MS)
        self._calm_timer.timeout.connect(self._on_calm)
        self._begin_timer = QTimer(self.widget)
        self._begin_timer.setSingleShot(True)
        self._begin_timer.setInterval(0)
        self._begin_timer.timeout.connect(self._on_begin)
        self._fail_timer = QTimer(self.widget)  # never from within a paint event
        self._fail_timer.setSingleShot(True)
        self._fail_timer.setInterval(0)
        self._fail_timer.timeout.connect(self._failed)

    def show_figures(self, joints: np.ndarray, ghosts: np.ndarray) -> None:
        """(N, 17, 3) and (M, 17, 3) mm, world space; drawn with the next frame."""
        self._figures = (joints, ghosts)
        self._changed()

    def show_ghosts(self, shown: bool) -> None:
        self._ghosts_shown = shown
        self._changed()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        if self._hidden is not None:
            try:
                self._hidden.set_theme(theme)
            except Exception:  # the driver let go of the context
                self._give_up()
        self._changed()

    def look_from(self, camera: Camera) -> None:
        self._camera = camera
        self._changed()

    @property
    def background(self) -> QColor:
        """Of the room, until there is a picture."""
        return QColor.fromRgbF(*self._theme.bottom)

    def picture(self, camera: Camera, size: tuple[int, int]) -> np.ndarray | None:
        """(H, W, 3) uint8 RGB as seen from a camera; None where nothing can be drawn."""
        if self._broken:
            return None
        try:
            return self._up_to_date().picture(camera, size)
        except Exception:  # whatever vispy or the driver says
            self._give_up()
            return None

    def close(self) -> None:
        """Let go of the context before Qt does."""
        self._calm_timer.stop()
        self._begin_timer.stop()
        self._fail_timer.stop()
        self._broken = True
        if self._hidden is not None:
            self._hidden.close()
            self._hidden = None

    def paint(self, size: QSize, ratio: float) -> None:
        """Draw `image` anew where that is due.

        Args:
            size: of the widget, logical px; `ratio`: physical px each.
        """
        if self._broken:
            return
        if self._hidden is None:
            self._begin_timer.start()
            return
        wanted = max(round(size.width() * ratio), 1), max(round(size.height() * ratio), 1)
        if self.image is not None and self.image.size().toTuple() != wanted:
            self._mark()
        if not self._stale:
            return
        self._stale = False
        try:
            hidden = self._up_to_date()
            smooth = self._calm or not hidden.slow
            pixels = hidden.frame(self._camera, wanted, ratio, smooth)
        except Exception:  # an error in a paint event must not end the application
            self._give_up()
            return
        image = QImage(pixels.data, *wanted, 4 * wanted[0], QImage.Format.Format_RGBX8888)
        self.image = image.copy()  # Qt does not own the array
        self.frames += 1

    def _up_to_date(self) -> HiddenScene:
        if self._hidden is None:
            from poseapp.ui.viewport.hidden_scene import HiddenScene  # vispy: not for the start

            self._hidden = HiddenScene(self._theme)
        self._hidden.show_ghosts(self._ghosts_shown)
        if self._figures is not None:
            figures, self._figures = self._figures, None
            self._hidden.set_figures(*figures)
        return self._hidden

    def _give_up(self) -> None:
        log.exception("the 3D view cannot draw")
        self._broken = True
        self._fail_timer.start()

    def _mark(self) -> None:
        """What is shown is out of date; a smooth picture follows once it has been calm."""
        self._stale, self._calm = True, False
        if self._hidden is None or self._hidden.slow:
            self._calm_timer.start()

    def _changed(self) -> None:
        self._mark()
        self.widget.update()

    def _on_begin(self) -> None:
        try:
            self._up_to_date()
        except Exception:
            self._give_up()
        self._changed()

    def _on_calm(self) -> None:
        self._stale = self._calm = True
        self.widget.update()


class PictureView:
    """The scene drawn by the processor alone: plainer, but it turns and follows all the same."""

    def __init__(self) -> None:
        self.widget: QWidget = _PictureWidget(self)
        self.widget.setMinimumSize(_MIN_SIZE)
        self._camera = Camera()
        self._theme = DARK
        self._joints = np.zeros((0, 17, 3))
        self._ghosts = np.zeros((0, 17, 3))
        self._ghosts_shown = True
        self._image: QImage | None = None
        self._timer = QTimer(self.widget)  # several changes at once make one picture
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._draw)
        self.frames = 0

    @property
    def image(self) -> QImage | None:
        """The newest picture."""
        return self._image

    def show_figures(self, joints: np.ndarray, ghosts: np.ndarray) -> None:
        """(N, 17, 3) and (M, 17, 3) mm, world space."""
        self._joints, self._ghosts = joints, ghosts
        self.changed()

    def show_ghosts(self, shown: bool) -> None:
        self._ghosts_shown = shown
        self.changed()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.changed()

    def look_from(self, camera: Camera) -> None:
        self._camera = camera
        self.changed()

    def changed(self) -> None:
        """Draw anew, soon."""
        self._timer.start()

    def picture(self, camera: Camera, size: tuple[int, int]) -> np.ndarray:
        """(H, W, 3) uint8 RGB as seen from a camera."""
        middle = (np.array(self._theme.top) + np.array(self._theme.bottom)) / 2
        red, green, blue = (int(v) for v in np.rint(middle * 255))
        background = red, green, blue
        if not len(self._joints):
            return np.full((size[1], size[0], 3), background, np.uint8)
        ghosts = [*self._joints[1:], *(self._ghosts if self._ghosts_shown else ())]
        return draw.draw_pose3d(self._joints[0], camera, size, ghosts, background)

    def close(self) -> None:
        """Draw no more."""
        self._timer.stop()

    def _draw(self) -> None:
        width, height = max(self.widget.width(), 1), max(self.widget.height(), 1)
        picture = self.picture(self._camera, (width, height))
        image = QImage(picture.data, width, height, 3 * width, QImage.Format.Format_RGB888)
        self._image = image.copy()  # Qt does not own the array
        self.frames += 1
        self.widget.update()


class _GLWidget(QWidget):
    def __init__(self, view: GLView) -> None:
        super().__init__()
        self._view = view
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def paintEvent(self, event: QPaintEvent) -> None:
        self._view.paint(self.size(), self.devicePixelRatioF())
        painter = QPainter(self)
        if self._view.image is None:
            painter.fillRect(self.rect(), self._view.background)
        else:
            painter.drawImage(self.rect(), self._view.image)
        painter.end()


class _PictureWidget(QWidget):
    def __init__(self, view: PictureView) -> None:
        super().__init__()
        self._view = view
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def resizeEvent(self, event: object) -> None:
        self._view.changed()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.palette().window())
        image = self._view.image
        if image is not None:
            painter.drawImage(self.rect(), image)
        painter.end()
