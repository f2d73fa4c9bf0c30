"""`python -m poseapp` in processes of its own: what is imported, with and without a display."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from poseapp.core.document import Document, Person
from poseapp.core.pose import Pose2D
from poseapp.formats import registry

ROOT = Path(__file__).resolve().parents[2]


def process(*arguments: object, **changes: str | None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        environment.pop(name, None)
    environment.update({k: v for k, v in changes.items() if v is not None})
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True, text=True, env=environment, timeout=120,
    )  # fmt: skip


@pytest.fixture
def poses(tmp_path: Path) -> Path:
    path = tmp_path / "in.json"
    points = np.random.default_rng(0).uniform(20, 480, (17, 2))
    registry.save(Document((500, 500), (Person(Pose2D(points)),)), path, "coco")
    return path


def test_convert_needs_neither_display_nor_qt_nor_torch(poses: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    code = (
        "import json, sys; from poseapp.__main__ import main; "
        f"code = main(['convert', {str(poses)!r}, {str(out)!r}, '--to', 'openpose']); "
        "print(json.dumps([code, sorted({'PySide6', 'torch', 'vispy'} & set(sys.modules))]))"
    )
    done = process("-c", code)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [0, []]
    assert out.exists()


def test_module_and_exit_codes(poses: Path, tmp_path: Path) -> None:
    assert process("-m", "poseapp", "render", poses, "-o", tmp_path / "x.png").returncode == 0
    failed = process("-m", "poseapp", "render", "gone.json", "-o", tmp_path / "y.png")
    assert failed.returncode == 1
    assert len(failed.stderr.strip().splitlines()) == 1
    assert process("-m", "poseapp", "captoin", "x").returncode == 2
    version = process("-m", "poseapp", "--version")
    assert version.returncode == 0
    assert version.stdout.startswith("PoseApp ")


def test_terminals_without_unicode(tmp_path: Path) -> None:
    arguments = ("-m", "poseapp", "render", "größe“.json", "-o", tmp_path / "y.png")
    done = process(*arguments, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="displays of Linux")
def test_window_without_a_display_says_what_to_do_instead() -> None:
    done = process("-m", "poseapp")
    assert done.returncode == 1
    assert "poseapp tour" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_models_process_may_import_the_entry_without_opening_a_window() -> None:
    """Spawned processes run the main module under this name."""
    code = (
        "import runpy, sys; runpy.run_module('poseapp', run_name='__mp_main__', alter_sys=True); "
        "print(sorted({'PySide6', 'torch'} & set(sys.modules)))"
    )
    done = process("-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
