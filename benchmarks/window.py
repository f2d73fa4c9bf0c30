"""A joint dragged through the real window with real mouse events, and the window at rest.

Each scene runs in a process of its own, so that none finds what another left:
`python -m benchmarks.window with-3d` prints one as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from benchmarks.report import Row

if TYPE_CHECKING:
    from PySide6.QtCore import QEvent
    from PySide6.QtWidgets import QApplication, QWidget

    from poseapp.services.engine import Engine
    from poseapp.ui.canvas.view import CanvasView
    from poseapp.ui.main_window import MainWindow

MOVES = 200
FRAME_S = 1 / 60
"""A move comes at most this often, as from a mouse on a usual screen."""
IDLE_S = 5.0
SIZE = (1400, 900)
TARGETS_MS = {"without-3d": 16.0, "with-3d": 25.0, "while-detecting": 16.7, "with-person": 33.3}
WORDS = {
    "without-3d": "without the 3D view",
    "with-3d": "with the 3D view",
    "while-detecting": "while photos are searched for people",
    "with-person": "with a person of a photo who follows",
}
WRIST = 10
PERSON = "13.jpg"


def measure() -> list[Row]:
    """The drags, and the window at rest."""
    rows: list[Row] = []
    for scene, target in TARGETS_MS.items():
        found = _in_own_process(scene)
        rows.append(Row(f"drag {WORDS[scene]}, p50", found["p50_ms"], "ms"))
        rows.append(Row(f"drag {WORDS[scene]}, p95", found["p95_ms"], "ms", target))
        if scene == "with-3d":
            rows.append(Row("- lifts that arrived in those 200 moves", found["lifts"], ""))
            at_rest = found
        if scene == "while-detecting":
            rows.append(Row("- photos of eight people searched meanwhile", found["photos"], ""))
        if scene == "with-person":
            rows.append(Row("- pictures of the person in those 200 moves", found["pictures"], ""))
    found = at_rest
    rows.append(Row("window at rest, processor", found["idle_percent"], "% of a core"))
    rows.append(Row("models' process at rest, processor", found["child_percent"], "% of a core"))
    rows.append(Row("memory of the window", found["memory_mb"], "MB"))
    rows.append(Row("memory of the models' process", found["child_memory_mb"], "MB"))
    return rows


def _in_own_process(scene: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.window", scene],
        capture_output=True,
        text=True,
        timeout=300,
    )
    if done.returncode != 0:
        raise RuntimeError(f"The {scene} benchmark failed:\n{done.stderr}")
    figures: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return figures


def run_scene(scene: str) -> dict[str, float]:
    """Open the window with one person, drag its wrist, let it rest.

    While detecting, the models' process searches one photo after the other. With a person, the
    Transfer panel is in front, and its picture has to be repainted, too.

    Returns:
        p50_ms and p95_ms from a mouse event to the end of its repaint, and what `_rest` gives.
    Raises:
        RuntimeError: something did not move, so that nothing was measured.
    """
    from poseapp import app as poseapp
    from poseapp.state.settings import Settings

    app = poseapp.make_application([])
    with_3d = scene == "with-3d"
    with tempfile.TemporaryDirectory() as folder:
        session, engine, window = poseapp.build(Settings.in_folder(Path(folder)))
        panel, canvas = window.viewport_panel, window.canvas
        window.docks["viewport"].setVisible(with_3d or scene == "with-person")  # behind it
        window.docks["transfer"].setVisible(scene == "with-person")
        window.resize(*SIZE)
        window.show()
        window.start([])
        _wait(app, lambda: engine.state == "ready", 60)
        lifts: list[str] = []
        if with_3d:
            panel.link.lifted.connect(lambda person, _: lifts.append(person))
        window.editing.add_person()
        if with_3d:
            _wait(app, lambda: bool(lifts), 60)
        pictures: list[float] = []
        painted = [canvas.viewport()]
        if scene == "with-person":
            _take_person(app, window)
            window.transferring.warped.connect(lambda _: pictures.append(time.perf_counter()))
            painted.append(window.transfer_panel.view)
        photos = _search_without_end(engine) if scene == "while-detecting" else []
        _wait(app, lambda: False, 1.0)
        _drag(app, window, canvas, 30, painted)  # warm
        for happened in (lifts, photos, pictures):
            happened.clear()
        times_ms = _drag(app, window, canvas, MOVES, painted)
        figures = {
            "p50_ms": float(np.percentile(times_ms, 50)),
            "p95_ms": float(np.percentile(times_ms, 95)),
            "lifts": len(lifts),
            "photos": len(photos),
            "pictures": len(pictures),
            **(_rest(app, engine.pid) if with_3d else {}),
        }
        session.undo_stack.setClean()  # or it asks whether to save
        window.close()
    return figures


def _take_person(app: QApplication, window: MainWindow) -> None:
    """Make a ready-made person the reference, and wait until they stand in the Transfer panel."""
    from poseapp.core.paths import resources_dir

    window.reference.take_file(resources_dir() / "people" / PERSON)
    window.show_panel("transfer")
    if not _wait(app, lambda: window.transferring.result is not None, 60):
        raise RuntimeError("The person did not come: nothing was measured.")


def _search_without_end(engine: Engine) -> list[int]:
    """Ask for the people of a photo again and again; the list grows with each answer."""
    from benchmarks.models import group_photo

    photo = group_photo()
    answers: list[int] = []

    def again(task: int) -> None:
        answers.append(task)
        engine.submit("detect_people", photo=photo)

    engine.task_succeeded.connect(lambda task, _: again(task))
    engine.submit("detect_people", photo=photo)
    return answers


def _wait(app: QApplication, ready: Callable[[], bool], timeout_s: float) -> bool:
    """Process events until `ready()`; False after `timeout_s`."""
    end = time.perf_counter() + timeout_s
    while time.perf_counter() < end:
        app.processEvents()
        if ready():
            return True
        time.sleep(0.002)
    return False


def _drag(
    app: QApplication,
    window: MainWindow,
    canvas: CanvasView,
    moves: int,
    painted: Sequence[QWidget],
) -> list[float]:
    """Drag the active person's right wrist along a circle.

    Args:
        painted: what each move has to repaint.
    Returns:
        For each move, ms from the mouse event to the end of the repaints that it caused.
    """
    from PySide6.QtCore import QEvent, QObject

    class Repaints(QObject):
        seen: ClassVar[set[QObject]] = set()

        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.Paint:
                self.seen.add(watched)
            return False

    repaints = Repaints()
    for widget in painted:
        widget.installEventFilter(repaints)
    person = window.session.active_person
    assert person is not None
    start = np.array(canvas.to_screen(person.pose.keypoints[WRIST]).toTuple(), dtype=float)
    angles = np.linspace(0, 4 * np.pi, moves)
    path = start + 60 * np.stack([np.sin(angles), 1 - np.cos(angles)], axis=1)
    path[:, 0] += np.linspace(0, 5, moves)  # no move of zero length
    times = []
    _mouse(app, canvas, QEvent.Type.MouseMove, start)
    _mouse(app, canvas, QEvent.Type.MouseButtonPress, start)
    for point in path[1:]:
        begin = time.perf_counter()
        repaints.seen.clear()
        _mouse(app, canvas, QEvent.Type.MouseMove, point)
        while len(repaints.seen) < len(painted) and time.perf_counter() - begin < 1:
            app.processEvents()
        times.append(1000 * (time.perf_counter() - begin))
        while time.perf_counter() - begin < FRAME_S:
            app.processEvents()
            time.sleep(0.001)
    _mouse(app, canvas, QEvent.Type.MouseButtonRelease, path[-1])
    app.processEvents()
    for widget in painted:
        widget.removeEventFilter(repaints)
    moved = window.session.active_person
    assert moved is not None
    if np.allclose(moved.pose.keypoints[WRIST], person.pose.keypoints[WRIST]):
        raise RuntimeError("The mouse did not drag the wrist: nothing was measured.")
    return times


def _mouse(app: QApplication, canvas: CanvasView, kind: QEvent.Type, at: np.ndarray) -> None:
    """Send one mouse event with the left button to the canvas, as the window system would."""
    from PySide6.QtCore import QEvent, QPointF, Qt
    from PySide6.QtGui import QMouseEvent

    local = QPointF(*at)
    viewport = canvas.viewport()
    moving = kind == QEvent.Type.MouseMove
    left = Qt.MouseButton.LeftButton
    event = QMouseEvent(
        kind,
        local,
        QPointF(viewport.mapToGlobal(local)),
        Qt.MouseButton.NoButton if moving else left,
        Qt.MouseButton.NoButton if kind == QEvent.Type.MouseButtonRelease else left,
        Qt.KeyboardModifier.NoModifier,
    )
    app.sendEvent(viewport, event)


def _rest(app: QApplication, child: int | None) -> dict[str, float]:
    """Processor time and memory of both processes while nothing happens."""
    _wait(app, lambda: False, 1.5)
    own, other = time.process_time(), _processor_s(child)
    begin = time.perf_counter()
    while time.perf_counter() - begin < IDLE_S:
        # as Qt's own loop would: woken by events alone
        from PySide6.QtCore import QEventLoop, QTimer

        loop = QEventLoop()
        QTimer.singleShot(int(IDLE_S * 1000), loop.quit)
        loop.exec()
    seconds = time.perf_counter() - begin
    return {
        "idle_percent": 100 * (time.process_time() - own) / seconds,
        "child_percent": 100 * (_processor_s(child) - other) / seconds,
        "memory_mb": _memory_mb(os.getpid()),
        "child_memory_mb": _memory_mb(child),
    }


def _processor_s(pid: int | None) -> float:
    """Processor time a process has used, s; NaN where /proc does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / float(os.sysconf("SC_CLK_TCK"))


def _memory_mb(pid: int | None) -> float:
    """Resident memory of a process, MB; NaN where /proc does not tell."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return float("nan")
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    print(json.dumps(run_scene(sys.argv[1])))
