"""What every test gets: a display of its own, and settings and folders that are not the user's.

Tests of Qt run under the real xcb platform on Xvfb where it can be had, and on Qt's offscreen
platform elsewhere; tests marked `display` skip there.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

from tools import virtual_screen

_HOME = Path(tempfile.mkdtemp(prefix="poseapp-tests-"))
_OWN_FOLDERS = ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME")
_DATA = os.environ.get("POSEAPP_DATA")

# before anything imports Qt or torch
for _name in _OWN_FOLDERS:
    os.environ[_name] = str(_HOME / _name.lower())
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# a busy machine is slow, which says nothing about the code
hypothesis_settings.register_profile("poseapp", deadline=None, print_blob=True)
hypothesis_settings.load_profile("poseapp")
if _DATA:  # tests may change the folder they run in
    os.environ["POSEAPP_DATA"] = str(Path(_DATA).expanduser().resolve())


def pytest_configure(config: pytest.Config) -> None:
    """Start the display before pytest-qt makes the application."""
    if config.option.collectonly:
        return
    if not virtual_screen.start():
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    atexit.register(shutil.rmtree, _HOME, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, with the reason, what this machine cannot run."""
    no_data = None if _data_root() else "no training data: point POSEAPP_DATA to it"
    offscreen = os.environ.get("QT_QPA_PLATFORM") == "offscreen"
    no_display = "no Xvfb: install it to test on a real display" if offscreen else None
    for item in items:
        for marker, reason in (("data", no_data), ("display", no_display)):
            if reason and item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


def _data_root() -> Path | None:
    root = Path(os.environ.get("POSEAPP_DATA") or "data").resolve()
    return root if root.is_dir() else None


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder with coco/ and mocap/; a test that asks for it without the mark skips too."""
    root = _data_root()
    if root is None:
        pytest.skip("no training data: point POSEAPP_DATA to it")
    return root


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Settings, recovery files and user poses of one test are unseen by the next."""
    for name in _OWN_FOLDERS:
        folder = tmp_path / "home" / name.lower()
        folder.mkdir(parents=True)
        monkeypatch.setenv(name, str(folder))
    if "PySide6.QtCore" in sys.modules:  # Qt reads these variables once only
        from PySide6.QtCore import QSettings

        for kind in (QSettings.Format.NativeFormat, QSettings.Format.IniFormat):
            QSettings.setPath(
                kind, QSettings.Scope.UserScope, str(tmp_path / "home" / "xdg_config_home")
            )
    yield
