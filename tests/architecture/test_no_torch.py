"""The window's process holds no torch: not after opening, not after a drag, not after a caption."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_SCRIPT = """
import sys, time
from pathlib import Path
from poseapp import app

def main():
    qt = app.make_application(["poseapp"])
    from poseapp.state.commands import MoveJoint
    from poseapp.state.settings import Settings

    settings = Settings.in_folder(Path(sys.argv[1]))
    session, engine, window = app.build(settings)
    window.show()
    window.start()
    window.editing.add_library_pose("tennis-serve")
    person = session.document.people[0]
    for x in range(5):
        session.undo_stack.push(MoveJoint(session, person.id, 9, (x, x), drag="d"))
        qt.processEvents()
    window.caption_panel.generate("a man is playing tennis")
    for name in window.docks:
        window.show_panel(name)
        qt.processEvents()
    ended = []
    engine.task_succeeded.connect(lambda *_: ended.append(1))
    engine.task_failed.connect(lambda *_: ended.append(1))
    end = time.monotonic() + 90
    while not ended and time.monotonic() < end:
        qt.processEvents()
        time.sleep(0.01)
    assert ended, "the engine never answered"
    session.undo_stack.setClean()
    window.close()
    heavy = sorted(m for m in sys.modules if m.split(".")[0] in ("torch", "trainer", "lightning"))
    print("loaded:", [m for m in heavy if m.startswith(("torch", "lightning"))])

if __name__ == "__main__":
    main()
"""


@pytest.mark.display
def test_a_window_at_work_has_no_torch(tmp_path: Path) -> None:
    script = tmp_path / "window.py"
    script.write_text(_SCRIPT)
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "s")],
        capture_output=True,
        text=True,
        timeout=150,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert done.returncode == 0, done.stderr
    assert "loaded: []" in done.stdout, done.stdout + done.stderr
