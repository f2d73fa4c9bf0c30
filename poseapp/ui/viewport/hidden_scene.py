"""A scene drawn by OpenGL out of sight, in a context of Qt's that belongs to no widget.

A QOpenGLWidget would make Qt put the whole window together with OpenGL, panels and canvas
included; without a graphics card that costs more with each move of the mouse than all the rest.
It would also lose its context whenever its dock is moved to another window.
"""

from __future__ import annotations

import logging

import numpy as np
from PySide6.QtGui import QOffscreenSurface, QOpenGLContext, QSurfaceFormat
from vispy import gloo
from vispy.gloo import gl
from vispy.gloo.context import FakeCanvas, forget_canvas, set_current_canvas

from poseapp.core.camera import Camera
from poseapp.ui.viewport.scene import Scene, Smoother
from poseapp.ui.viewport.themes import Theme

log = logging.getLogger(__name__)

_SOFTWARE = ("llvmpipe", "softpipe", "swiftshader", "swrast", "gdi generic", "basic render")


class GLUnsupportedError(Exception):
    """No OpenGL picture can be made here."""


class HiddenScene:
    """Makes pictures of a `Scene` of its own.

    Attributes:
        slow: the processor draws, not a graphics card.
    Raises:
        GLUnsupportedError: the driver has no OpenGL to offer, or takes it away later.
    """

    def __init__(self, theme: Theme) -> None:
        format_ = QSurfaceFormat.defaultFormat()
        format_.setDepthBufferSize(0)  # the buffers that are drawn into are made here
        self._context = QOpenGLContext()
        self._context.setFormat(format_)
        self._surface = QOffscreenSurface()
        self._surface.setFormat(format_)
        self._surface.create()
        if not (self._surface.isValid() and self._context.create()):
            raise GLUnsupportedError("This screen has no OpenGL.")
        self._gloo = FakeCanvas()
        self._make_current()
        renderer = str(gl.glGetParameter(gl.GL_RENDERER)).lower()
        self.slow = any(name in renderer for name in _SOFTWARE)
        log.info("the 3D view is drawn by %s", renderer)
        self._scene = Scene(theme)
        self._buffer: gloo.FrameBuffer | None = None
        self._smoother, self._picture_smoother = Smoother(), Smoother()

    def set_theme(self, theme: Theme) -> None:
        """Change all colours."""
        self._make_current()
        self._scene.set_theme(theme)

    def set_figures(self, joints: np.ndarray, ghosts: np.ndarray) -> None:
        """(N, 17, 3) and (M, 17, 3) mm, world space."""
        self._make_current()
        self._scene.set_figures(joints, ghosts)

    def show_ghosts(self, shown: bool) -> None:
        """Draw the other figures, or leave them out."""
        self._scene.show_ghosts = shown

    def frame(
        self, camera: Camera, size: tuple[int, int], line_px: float, smooth: bool
    ) -> np.ndarray:
        """(H, W, 4) uint8 RGBA for the screen.

        Args:
            size: (width, height) physical px.
            line_px: width of the ground's lines.
            smooth: no jagged edges, which costs more.
        """
        self._make_current()
        with self._target(size):
            if smooth:
                self._smoother.draw(self._scene, camera, size)
            else:
                self._scene.draw(camera, size, line_px=line_px)
            pixels = gloo.read_pixels((0, 0, *size))
        return np.ascontiguousarray(pixels)

    def picture(self, camera: Camera, size: tuple[int, int]) -> np.ndarray:
        """(H, W, 3) uint8 RGB for a file, with smooth edges."""
        self._make_current()
        return self._picture_smoother.picture(self._scene, camera, size)

    def close(self) -> None:
        """Give the context back."""
        forget_canvas(self._gloo)
        self._buffer = None
        self._context.doneCurrent()
        self._surface.destroy()

    def _make_current(self) -> None:
        if not self._context.makeCurrent(self._surface):
            raise GLUnsupportedError("The graphics driver took its OpenGL context away.")
        set_current_canvas(self._gloo)

    def _target(self, size: tuple[int, int]) -> gloo.FrameBuffer:
        shape = (size[1], size[0])
        if self._buffer is None:
            colour = gloo.Texture2D((*shape, 4), format="rgba")
            self._buffer = gloo.FrameBuffer(colour, gloo.RenderBuffer(shape, "depth"))
        elif self._buffer.shape != shape:
            self._buffer.resize(shape)
        return self._buffer
