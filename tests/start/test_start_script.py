"""`start.py`: what it says about failures, what it asks pip for, and when it has nothing to do."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, on a folder of its own."""
    spec = importlib.util.spec_from_file_location("start", ROOT / "start.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = tmp_path / "a folder"
    folder.mkdir()
    (folder / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    for name, value in {
        "ROOT": folder,
        "VENV": folder / ".venv",
        "STAMP": folder / ".venv" / "stamp.json",
        "LOGS": folder / ".start",
    }.items():
        monkeypatch.setattr(module, name, value)
    return module


def _make_fake_venv(start: ModuleType) -> None:
    start.venv_python().parent.mkdir(parents=True)
    start.venv_python().touch()
    (start.VENV / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.12.4\n")


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space",
            "disk is full",
        ),
        ("NewConnectionError('...: Temporary failure in name resolution')", "network"),
        ("ERROR: Could not find a version that satisfies numpy (from versions: none)", "network"),
        ("PermissionError: [Errno 13] Permission denied: '.venv'", "cannot be written to"),
        ("ERROR: numpy-2 has a wrong hash", "numpy-2 has a wrong hash"),
    ],
)
def test_a_failure_is_told_by_its_cause(start: ModuleType, said: str, answer: str) -> None:
    assert answer in start.reason(["Collecting numpy", said, ""])


def test_a_failing_program_ends_in_one_sentence_with_the_log(start: ModuleType) -> None:
    code = "print('Collecting x'); print('OSError: [Errno 28] No space left on device'); exit(1)"
    with pytest.raises(start.SetupError, match="the disk is full") as caught:
        start.run_logged([sys.executable, "-c", code], "x.log", "install x")
    assert str(start.LOGS / "x.log") in str(caught.value)
    assert "No space left" in (start.LOGS / "x.log").read_text("utf-8")


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (
            "  Downloading vispy-0.17.0-cp311-cp311-linux_x86_64.whl (1.9 MB)",
            "  vispy 0.17.0 (1.9 MB)",
        ),
        ("Processing ./wheels/torch-2.13.0+cpu-cp311-cp311-linux.whl", "  torch 2.13.0+cpu"),
        ("Installing collected packages: a, b, c", "  unpacking 3 packages"),
        ("Collecting vispy>=0.17", None),
    ],
)
def test_pip_is_shown_as_one_line_a_package(
    start: ModuleType, line: str, shown: str | None
) -> None:
    assert start.pip_progress(line) == shown


def test_each_level_asks_for_what_pyproject_lists(start: ModuleType) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    app, train, dev = (set(start.requirements(level)) for level in start.LEVELS)
    assert app < train < dev
    listed = {d for d in project["dependencies"] if not d.startswith("torch")}
    assert listed <= app
    extras = project["optional-dependencies"]
    wanted = {d for d in extras["train"] + extras["dev"] if not d.startswith("poseapp")}
    assert dev - app == wanted


def test_torch_is_the_cpu_version_without_a_gpu(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("POSEAPP_TORCH", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(start.shutil, "which", lambda name: None)
    assert start.torch_requirement() == f"torch=={start.TORCH}"
    monkeypatch.setattr(start.shutil, "which", lambda name: f"/usr/bin/{name}")
    assert start.torch_requirement() == "torch"
    monkeypatch.setenv("POSEAPP_TORCH", "torch==9")
    assert start.torch_requirement() == "torch==9"


def test_a_second_start_installs_nothing(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    _make_fake_venv(start)
    start.STAMP.write_text(f'{{"key": "{start.setup_key()}", "level": "train"}}')
    monkeypatch.setattr(start, "run_logged", lambda *_, **__: pytest.fail("it ran a program"))
    start.set_up("app")
    start.set_up("train")
    assert not start.is_set_up("dev")
    with (start.ROOT / "pyproject.toml").open("a") as project:
        project.write("# another requirement\n")
    assert not start.is_set_up("app")


@pytest.mark.parametrize("stamp", ["", "[]", '{"key": 1}', '{"key": "x", "level": "all"}'])
def test_a_damaged_stamp_means_not_set_up(start: ModuleType, stamp: str) -> None:
    _make_fake_venv(start)
    start.STAMP.write_text(stamp)
    assert not start.is_set_up("app")


def test_a_full_disk_is_told_before_anything_is_made(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = start.shutil.disk_usage(ROOT)._replace(free=200_000_000)
    monkeypatch.setattr(start.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(start.SetupError, match=r"0\.2 GB are free"):
        start.set_up("app")
    assert not start.VENV.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="X displays are looked for on Linux alone")
def test_a_display_counts_only_while_its_server_answers(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    for dead in ("", ":", ":98765", "nonsense"):
        monkeypatch.setenv("DISPLAY", dead)
        assert not start.has_display(), dead
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("\0/tmp/.X11-unix/X98765")
        server.listen()
        monkeypatch.setenv("DISPLAY", ":98765.0")
        assert start.has_display()


def test_missing_packages_give_the_command_to_run(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [("libgl1", "libglvnd-glx", "libglvnd"), ("libegl1", "libglvnd-egl", "libglvnd")]
    monkeypatch.setattr(start.os, "geteuid", lambda: 1000, raising=False)
    monkeypatch.setattr(start, "quiet", lambda command: False)
    for manager, command in (
        ("apt-get", "sudo apt-get install -y libgl1 libegl1"),
        ("dnf", "sudo dnf install libglvnd-glx libglvnd-egl"),
        ("pacman", "sudo pacman -S --needed libglvnd\n"),
    ):
        monkeypatch.setattr(
            start.shutil, "which", lambda name, m=manager: name if name == m else None
        )
        with pytest.raises(start.SetupError, match=command):
            start.install_packages(rows, "to show the window")


def test_an_unsupported_python_is_told_which_one_it_needs(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(start, "OLDEST", (4, 0))
    monkeypatch.setattr(start, "NEWEST", (4, 0))
    monkeypatch.setattr(start.shutil, "which", lambda name: None)
    assert start.main([]) == 1
    assert "PoseApp needs Python" in capsys.readouterr().err


def test_help_needs_no_set_up(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "start.py"), "--help"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    for verb in ("test", "cli", "train", "bench"):
        assert f"start.py {verb}" in done.stdout
