"""Take the pictures of the window that the README shows: docs/screenshot.png and -dark.png.

    python tools/screenshot.py [--out docs] [--scale 2] [--panel inspector]
    python tools/screenshot.py --person 13     docs/screenshot-person.png: in a new pose

Without a display it starts itself again under Xvfb. The picture shows what the models make of a
caption; where their weights are missing, the gallery stays empty.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

CAPTION = "a man is playing tennis"
SAMPLE = 6  # of the gallery, for the heatmaps


def under_xvfb(arguments: list[str], scale: float) -> int:
    """Run this script again on a virtual screen large enough for the window."""
    if shutil.which("xvfb-run") is None:
        sys.exit("There is no display: install xvfb, or run this on a desktop.")
    wide, high = round(1600 * scale), round(1000 * scale)
    screen = f"-screen 0 {wide}x{high}x24 +extension GLX"
    command = ["xvfb-run", "-a", "-s", screen, sys.executable, __file__, *arguments]
    return subprocess.call(command, env={**os.environ, "POSEAPP_SCREENSHOT": "1"})


def take(
    file: Path, theme: str, panel: str, left: str, empty: bool, wait_s: float, who: str = ""
) -> None:
    """One picture of a window with a small scene, or with a ready-made person in a new pose."""
    from poseapp import app
    from poseapp.state.settings import Settings

    qt = app.make_application(["poseapp"])
    folder = Path(tempfile.mkdtemp(prefix="poseapp-"))
    settings = Settings.in_folder(folder)
    settings.theme = theme
    session, engine, window = app.build(settings)

    def pump(until: Callable[[], bool], seconds: float) -> None:
        end = time.monotonic() + seconds
        while not until() and time.monotonic() < end:
            qt.processEvents()
            time.sleep(0.01)

    window.show()
    window.resize(1400, 900)
    pump(lambda: False, 0.3)
    if who:
        engine.start()
        build_transfer(window, who)
        pump(lambda: window.transferring.result is not None, wait_s)
        pump(lambda: False, 1.0)  # it fades in
    elif not empty:
        engine.start()
        build_scene(window)
        pump(lambda: engine.state == "ready", wait_s)
        window.caption_panel.generate(CAPTION)
        pump(lambda: engine.state == "busy", 2.0)
        pump(lambda: engine.state == "ready", wait_s)
        gallery = window.caption_panel.gallery
        if gallery.model().rowCount():
            gallery.setCurrentIndex(gallery.model().index(SAMPLE, 0))
        person = session.document.people[-1]
        session.select(person.id, {10})
        window.canvas.set_hover((person.id, 10))
    window.show_panel(panel)
    window.show_panel(left)
    pump(lambda: False, 2.0)
    file.parent.mkdir(parents=True, exist_ok=True)
    window.grab().save(str(file))
    session.undo_stack.setClean()
    window.close()
    window.deleteLater()
    qt.sendPostedEvents(None, 52)  # DeferredDelete
    qt.processEvents()
    shutil.rmtree(folder, ignore_errors=True)


def build_scene(window: object) -> None:
    """Two people of the library."""
    from PySide6.QtCore import QRectF

    from poseapp.ui.editing import fitted
    from poseapp.ui.main_window import MainWindow

    assert isinstance(window, MainWindow)
    people = []
    for pose_id, name, box in (
        ("running", "Ben", QRectF(70, 150, 300, 500)),
        ("tennis-forehand", "Anna", QRectF(390, 120, 320, 550)),
    ):
        entry = window.library.get(pose_id)
        assert entry is not None
        person = window.editing.new_person(fitted(entry.pose, box), name)
        window.editing.add_people([person])
        people.append(person)


def build_transfer(window: object, who: str) -> None:
    """A ready-made person as the reference, and a pose of the library on the canvas."""
    from PySide6.QtCore import QRectF

    from poseapp.core.paths import resources_dir
    from poseapp.ui.editing import fitted
    from poseapp.ui.main_window import MainWindow

    assert isinstance(window, MainWindow)
    window.reference.take_file(resources_dir() / "people" / f"{who}.jpg")
    entry = window.library.get("walking")
    assert entry is not None
    pose = fitted(entry.pose, QRectF(200, 90, 360, 600))
    window.editing.add_people([window.editing.new_person(pose, "Anna")])


def main() -> int:
    """Both themes, or one."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent.parent / "docs")
    parser.add_argument("--theme", choices=("light", "dark"), help="only this one")
    parser.add_argument("--scale", type=float, default=1.0, help="screen px per point")
    parser.add_argument("--panel", default="heatmaps", help="panel in front at the right")
    parser.add_argument("--left", default="caption", help="panel in front at the left")
    parser.add_argument("--person", default="", metavar="NN", help="this one in a new pose")
    parser.add_argument("--empty", action="store_true", help="the window as it first opens")
    parser.add_argument("--wait", type=float, default=90.0, help="seconds to wait for the models")
    options = parser.parse_args()
    if sys.platform == "linux" and not os.environ.get("POSEAPP_SCREENSHOT"):
        return under_xvfb(sys.argv[1:], options.scale)
    if options.scale != 1.0:
        os.environ["QT_SCALE_FACTOR"] = str(options.scale)
    if options.person:
        file = options.out / "screenshot-person.png"
        theme = options.theme or "dark"
        take(file, theme, "transfer", "reference", False, options.wait, options.person)
        return 0
    for theme in (options.theme,) if options.theme else ("light", "dark"):
        file = options.out / f"screenshot{'-dark' if theme == 'dark' else ''}.png"
        take(file, theme, options.panel, options.left, options.empty, options.wait)
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    sys.exit(main())
