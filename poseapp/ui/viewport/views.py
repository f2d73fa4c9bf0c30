"""The two surfaces that can show the scene: OpenGL, and plain pictures where there is none."""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import (
    QGuiApplication,
    QImage,
    QOpenGLContext,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import QWidget
from vispy.gloo import gl

from poseapp.core import draw
from poseapp.core.camera import Camera
from poseapp.ui.viewport.scene import DARK, Scene, Smoother, Theme

log = logging.getLogger(__name__)

_NO_GL_PLATFORMS = ("offscreen", "minimal", "vnc", "linuxfb")
_SOFTWARE = ("llvmpipe", "softpipe", "swiftshader", "swrast", "gdi generic", "basic render")
_CALM_MS = 220
_MIN_SIZE = QSize(160, 160)


class GLUnsupportedError(Exception):
    """No OpenGL widget can be made here."""


class GLView:
    """A vispy canvas with the scene on it.

    A graphics card draws each frame larger and scales it down, for smooth edges. Where the
    processor draws, that would cost more than all the rest, so frames are plain while something
    moves, and a smooth one follows.

    Args:
        failed: called once, later, when drawing turns out to be impossible.
    Raises:
        GLUnsupportedError: the platform or the driver has no OpenGL to offer.
    """

    def __init__(self, failed: Callable[[], None]) -> None:
        if QGuiApplication.platformName() in _NO_GL_PLATFORMS or not QOpenGLContext().create():
            raise GLUnsupportedError("This screen has no OpenGL.")
        try:
            from vispy import app

            self._canvas = app.Canvas(
                app=app.Application("pyside6"),
                config={"depth_size": 24, "double_buffer": True},
                show=False,
                keys=None,
            )
        except Exception as exc:  # whatever vispy or the driver says: there is no view
            raise GLUnsupportedError(str(exc)) from exc
        self._failed = failed
        self._broken = False
        self._seen = True
        self._scene: Scene | None = None
        self._camera = Camera()
        self._theme = DARK
        self._figures: tuple[np.ndarray, np.ndarray] | None = None
        self._ghosts_shown = True
        self.frames = 0
        self._canvas.events.draw.connect(self._on_draw)
        self.widget: QWidget = self._canvas.native
        self.widget.setMinimumSize(_MIN_SIZE)
        self._smoother, self._picture_smoother = Smoother(), Smoother()
        self._slow = True
        self._calm = False
        self._calm_timer = QTimer(self.widget)
        self._calm_timer.setSingleShot(True)
        self._calm_timer.setInterval(_CALM_MS)
        self._calm_timer.timeout.connect(self._on_calm)

    def show_figures(self, joints: np.ndarray, ghosts: np.ndarray) -> None:
        """(N, 17, 3) and (M, 17, 3) mm, world space; drawn with the next frame."""
        self._figures = (joints, ghosts)
        self._changed()

    def show_ghosts(self, shown: bool) -> None:
        self._ghosts_shown = shown
        self._changed()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        if self._scene is not None:
            self._canvas.set_current()
            self._scene.set_theme(theme)
        self._changed()

    def look_from(self, camera: Camera) -> None:
        self._camera = camera
        self._changed()

    def picture(self, camera: Camera, size: tuple[int, int]) -> np.ndarray | None:
        """(H, W, 3) uint8 RGB as seen from a camera; None before the first frame."""
        if self._scene is None or self._broken:
            return None
        self._canvas.set_current()
        self._bring_scene_up_to_date(self._scene)
        picture = self._picture_smoother.picture(self._scene, camera, size)
        self._changed()
        return picture

    def set_seen(self, seen: bool) -> None:
        """Draw, or let it be: behind another tab nobody looks, and each frame costs the window."""
        self._seen = seen
        if seen:
            self._changed()
        else:
            self._calm_timer.stop()

    def close(self) -> None:
        """Let go of the context before Qt deletes it."""
        self._calm_timer.stop()
        self._canvas.events.draw.disconnect(self._on_draw)
        self._scene = None
        self._canvas.close()

    def _changed(self) -> None:
        self._calm = False
        if not self._seen and self._scene is not None:  # the first frame makes the scene
            return
        if self._slow:
            self._calm_timer.start()
        self.widget.update()

    def _on_calm(self) -> None:
        self._calm = True
        self.widget.update()

    def _bring_scene_up_to_date(self, scene: Scene) -> None:
        scene.show_ghosts = self._ghosts_shown
        if self._figures is not None:
            figures, self._figures = self._figures, None
            scene.set_figures(*figures)

    def _on_draw(self, event: object) -> None:
        if self._broken:
            return
        try:
            if self._scene is None:
                self._scene = Scene(self._theme)
                renderer = str(gl.glGetParameter(gl.GL_RENDERER)).lower()
                self._slow = any(name in renderer for name in _SOFTWARE)
                log.info("the 3D view is drawn by %s", renderer)
            self._bring_scene_up_to_date(self._scene)
            size = self._canvas.physical_size
            if self._calm or not self._slow:
                self._smoother.draw(self._scene, self._camera, size)
            else:
                self._scene.draw(self._camera, size, line_px=self.widget.devicePixelRatioF())
            self.frames += 1
        except Exception:  # an error in a paint event must not end the application
            log.exception("the 3D view cannot draw")
            self._broken = True
            QTimer.singleShot(0, self._failed)


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
        self._seen = True
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
        if self._seen:
            self._timer.start()

    def set_seen(self, seen: bool) -> None:
        """Draw, or let it be."""
        self._seen = seen
        self.changed()

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
