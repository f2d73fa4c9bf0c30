"""The 3D panel's export menu: 3D JSON, BVH, turntables and pictures."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QCoreApplication, Qt, Slot
from PySide6.QtWidgets import QFileDialog, QMenu, QProgressDialog

from poseapp.core.camera import Camera
from poseapp.core.errors import DocumentError, FormatError, PoseAppError, TaskCancelled
from poseapp.formats import bvh, pose3d_json
from poseapp.formats.files import write_bytes
from poseapp.state.settings import Settings
from poseapp.ui.viewport.navigation import turn

if TYPE_CHECKING:
    from poseapp.ui.viewport.widget import ViewportPanel

TURN_FRAMES = 72
TURN_FPS = 24.0
TURN_SIZE = (480, 480)
PICTURE_SIZE = (1024, 1024)

_KINDS = (
    ("3D JSON …", "json", "3D JSON (*.json)", "Joints of every figure in mm, in two spaces"),
    ("BVH …", "bvh", "BVH (*.bvh)", "The active person's figure for Blender and others"),
    ("Turntable GIF …", "gif", "Animated GIF (*.gif)", "One turn around the figures"),
    ("Turntable MP4 …", "mp4", "MP4 film (*.mp4)", "One turn around the figures"),
    ("Picture …", "png", "PNG picture (*.png)", "The figures as you see them now"),
)


class ExportMenu(QMenu):
    """Asks where to, and writes what the panel shows.

    Args:
        panel: whose figures are written.
        settings: remembers the folder.
    """

    def __init__(self, panel: ViewportPanel, settings: Settings) -> None:
        super().__init__("Export 3D", panel)
        self._panel = panel
        self._settings = settings
        self.setToolTipsVisible(True)
        for title, kind, _, tip in _KINDS:
            action = self.addAction(title)
            action.setData(kind)
            action.setToolTip(tip)
            action.setStatusTip(tip)
        self.triggered.connect(self._on_triggered)

    @Slot(object)
    def _on_triggered(self, action: object) -> None:
        kind = str(action.data())  # type: ignore[attr-defined]
        title, _, pattern, _ = next(row for row in _KINDS if row[1] == kind)
        start = self._settings.last_folder / f"pose.{kind}"
        name, _ = QFileDialog.getSaveFileName(
            self._panel, f"Export {title.removesuffix(' …')}", str(start), pattern
        )
        if not name:
            return
        path = Path(name)
        if not path.suffix:
            path = path.with_suffix(f".{kind}")
        self._settings.last_folder = path.parent
        try:
            self.write(kind, path)
        except TaskCancelled:
            return
        except PoseAppError as exc:
            self._panel.said.emit("error", str(exc))
        else:
            self._panel.said.emit("success", f"Exported {path.name}.")

    def write(self, kind: str, path: Path) -> None:
        """Write a file of one of the menu's kinds; PoseAppError when it cannot be."""
        current = self._panel.catch_up()
        people = self._panel.people()
        if people and not current:
            raise DocumentError("The 3D figures are still being made: try again in a moment.")
        if not people:
            raise DocumentError("There is no 3D figure to write: pick or draw a pose first.")
        if kind == "json":
            figures = self._panel.world_figures()
            poses = [pose for _, _, lifted in people for pose in lifted]
            names = [
                name if number == 0 else f"{name}, other figure {number}"
                for _, name, lifted in people
                for number in range(len(lifted))
            ]
            pose3d_json.save(poses, path, names, [world for row in figures for world in row])
        elif kind == "bvh":
            wanted = self._panel.active_id() or people[0][0]
            lifted = next(figures for person_id, _, figures in people if person_id == wanted)
            bvh.save(lifted[:1], path)
        elif kind in ("gif", "mp4"):
            self._write_turntable(path)
        elif kind == "png":
            from poseapp.formats.png import encode_png  # OpenCV: not for the first window

            picture = self._picture(self._panel.navigation.camera, PICTURE_SIZE)
            write_bytes(path, encode_png(picture))
        else:
            raise FormatError(f"There is no 3D export called {kind}.")

    def _picture(self, camera: Camera, size: tuple[int, int]) -> np.ndarray:
        picture = self._panel.picture(camera, size)
        if picture is None:
            raise DocumentError("The 3D view cannot draw here: export 3D JSON or BVH instead.")
        return picture

    def _write_turntable(self, path: Path) -> None:
        from poseapp.formats import turntable  # nor this

        dialog = QProgressDialog("Turning the figure …", "Cancel", 0, 2 * TURN_FRAMES, self._panel)
        dialog.setWindowTitle("Export turntable")
        dialog.setWindowModality(Qt.WindowModality.WindowModal)
        dialog.setMinimumDuration(300)

        ticks = itertools.count(1)

        def tick(_: int = 0) -> None:
            """Each frame ticks twice: drawn and written."""
            dialog.setValue(min(next(ticks), 2 * TURN_FRAMES - 1))
            QCoreApplication.processEvents()
            if dialog.wasCanceled():
                raise TaskCancelled("The export was cancelled.")

        def pictures() -> Iterator[np.ndarray]:
            start = self._panel.navigation.goal
            aspect = TURN_SIZE[0] / TURN_SIZE[1]
            for camera in turn(start, self._panel.shown(), aspect, TURN_FRAMES):
                tick()
                yield self._picture(camera, TURN_SIZE)

        try:
            turntable.save(pictures(), path, TURN_FPS, tick)
        finally:
            dialog.close()
            dialog.deleteLater()
