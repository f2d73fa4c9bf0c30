"""From the start of the process to a window that has been painted.

Each start is a process of its own, as a user's is. `measure` runs in the benchmark's process, the
rest of this file in the started one.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

from benchmarks.report import Row

STARTS = 5
TARGET_S = 1.0
_BEGIN = "POSEAPP_BENCHMARK_BEGIN"


def measure(starts: int = STARTS) -> list[Row]:
    """The median of some warm starts, after one that warms the file cache.

    That one also compiles, and the others find the bytecode, as from a user's second start on,
    whatever the environment of the benchmark says of bytecode.
    """
    with tempfile.TemporaryDirectory() as bytecode:
        seconds = [_start(bytecode) for _ in range(starts + 1)][1:]
    return [
        Row(f"start-up to window (median of {starts})", statistics.median(seconds), "s", TARGET_S)
    ]


def _start(bytecode: str) -> float:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryDirectory() as home:
        folders = dict.fromkeys(
            ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"), home
        )
        begin = str(time.monotonic())
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.startup"],
            env={**environment, **folders, "PYTHONPYCACHEPREFIX": bytecode, _BEGIN: begin},
            capture_output=True,
            text=True,
            timeout=120,
        )
    if done.returncode != 0:
        raise RuntimeError(f"PoseApp did not start:\n{done.stderr}")
    return float(json.loads(done.stdout.strip().splitlines()[-1])["seconds"])


def _main() -> int:
    """Run the real `main` with an event loop that ends when the window has been painted."""
    from poseapp import __main__ as entry

    def run_until_painted(*_: Any) -> int:
        from PySide6.QtCore import QEvent, QObject
        from PySide6.QtWidgets import QApplication, QMainWindow

        app = QApplication.instance()
        assert isinstance(app, QApplication)
        window = next(w for w in app.topLevelWidgets() if isinstance(w, QMainWindow))

        class Painted(QObject):
            seen = False

            def eventFilter(self, watched: QObject, event: QEvent) -> bool:
                self.seen |= event.type() == QEvent.Type.UpdateRequest
                return False

        painted = Painted()
        handle = window.windowHandle()
        window.installEventFilter(painted)
        while not (painted.seen and handle.isExposed()):
            app.processEvents()
        app.processEvents()
        seconds = time.monotonic() - float(os.environ[_BEGIN])
        sys.stdout.write(json.dumps({"seconds": seconds}) + "\n")
        window.close()
        return 0

    from PySide6.QtWidgets import QApplication

    QApplication.exec = staticmethod(run_until_painted)  # type: ignore[method-assign]
    sys.argv = ["poseapp"]
    return int(entry.main() or 0)


if __name__ == "__main__":
    raise SystemExit(_main())
