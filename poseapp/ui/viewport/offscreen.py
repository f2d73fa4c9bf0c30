"""A GL context without a window (EGL): 3D pictures for tests, turntables and the command line."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Sequence

import numpy as np
from vispy import app

from poseapp.core import draw
from poseapp.core.camera import Camera
from poseapp.core.errors import PoseAppError
from poseapp.ui.viewport.navigation import HOME, turn
from poseapp.ui.viewport.scene import Scene, Smoother
from poseapp.ui.viewport.themes import DARK, Theme

log = logging.getLogger(__name__)


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
        from vispy.ext import egl

        self._canvas.close()
        # A thread whose current context is EGL's cannot make one of a window's current.
        egl._lib.eglReleaseThread()


def turntable_frames(
    figures: np.ndarray,
    ghosts: Sequence[np.ndarray] | np.ndarray = (),
    size: tuple[int, int] = (480, 480),
    frames: int = 72,
    theme: Theme = DARK,
) -> Iterator[np.ndarray]:
    """One full turn around figures, as beautiful as this machine can draw it.

    Args:
        figures: (17, 3) or (N, 17, 3) mm, world space.
        ghosts: (17, 3) mm each: other hypotheses.
        size: (width, height) px.
    Yields:
        (H, W, 3) uint8 RGB; the last frame leads on to the first.
    """
    figures = np.asarray(figures, float).reshape(-1, 17, 3)
    others = np.reshape(np.asarray(ghosts, float), (-1, 17, 3))
    cameras = turn(HOME, figures, size[0] / size[1], frames)
    try:
        offscreen = Offscreen()
    except GLUnavailableError as exc:
        log.info("%s", exc)
        shade = (np.array(theme.top) + np.array(theme.bottom)) / 2.0
        background = tuple(np.rint(shade * 255).astype(int).tolist())
        more = [*figures[1:], *others]
        for camera in cameras:
            yield draw.draw_pose3d(figures[0], camera, size, more, background)
        return
    try:
        scene = Scene(theme)
        scene.set_figures(figures, others)
        for camera in cameras:
            yield offscreen.render(scene, camera, size)
    finally:
        offscreen.close()
