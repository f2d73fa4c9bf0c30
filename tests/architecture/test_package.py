"""The wheel, its entry points, and what imports do to a process's environment."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def test_every_entry_point_imports(project: dict[str, Any]) -> None:
    scripts = project["project"]["scripts"]
    assert "poseapp" in scripts
    for target in scripts.values():
        module, _, function = target.partition(":")
        assert callable(getattr(importlib.import_module(module), function))


def test_the_wheel_carries_resources_and_weights(tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="hatchling builds the wheel")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("poseapp-*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("resources", "weights"):
        kept = (p for p in (ROOT / folder).rglob("*") if p.is_file() and p.name[0] != ".")
        expected = {f"poseapp/{p.relative_to(ROOT).as_posix()}" for p in kept}
        assert expected, f"{folder}/ is empty"
        assert expected <= inside
    assert "trainer/catalog.py" in inside
    assert not [name for name in inside if name.startswith(("tests/", "tools/", "benchmarks/"))]


def test_opencv_leaves_qt_alone() -> None:
    """The build of OpenCV with a window sets these to its own Qt, which PySide6 then loads."""
    names = ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR")
    code = f"import cv2, os; print([v for v in {names} if v in os.environ])"
    clean = {k: v for k, v in os.environ.items() if not k.startswith("QT_QPA_")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=clean, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_python_and_pyside_versions_go_together(project: dict[str, Any]) -> None:
    """PySide6 6.12 aborts on Python 3.11 after some thousands of signals."""
    import PySide6

    if sys.version_info < (3, 12):
        assert tuple(int(n) for n in PySide6.__version__.split(".")[:2]) < (6, 12)
    pins = [d for d in project["project"]["dependencies"] if d.startswith("PySide6")]
    assert any("<6.12" in pin and "python_version < '3.12'" in pin for pin in pins)
