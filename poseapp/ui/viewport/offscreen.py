"""A GL context without a window (EGL): 3D pictures for tests, turntables and the command line."""

from __future__ import annotations

import os
import sys

import numpy as np
from vispy import app

from poseapp.core.camera import Camera
from poseapp.core.errors import PoseAppError
from poseapp.ui.viewport.scene import Scene, Smoother


class GLUnavailableError(PoseAppError):
    """There is no OpenGL context to draw with."""


class Offscreen:
    """Draws scenes where no window is.

    Raises:
        GLUnavailableError: this machine gives no context without a window.
    """

    def __init__(self) -> None:
        if not sys.platform.startswith("linux"):
            raise GLUnavailableError("Pictures without a window need EGL, which only Linux has.")
        os.environ.setdefault("EGL_PLATFORM", "surfaceless")
        try:
            self._canvas = app.Canvas(size=(16, 16), app=app.Application("egl"))
            self._canvas.set_current()
        except Exception as exc:  # vispy lets EGL's errors through as they come
            raise GLUnavailableError(f"OpenGL cannot start without a window: {exc}") from exc
        self._smoother = Smoother()

    def make_current(self) -> None:
        """Route GL calls here; call it before a `Scene` of this context is made or changed."""
        self._canvas.set_current()

    def render(self, scene: Scene, camera: Camera, size: tuple[int, int]) -> np.ndarray:
        """(H, W, 3) uint8 RGB of the scene at `size` (width, height) px, with smooth edges."""
        self.make_current()
        return self._smoother.picture(scene, camera, size)

    def close(self) -> None:
        """Give the context back."""
        self._canvas.close()
