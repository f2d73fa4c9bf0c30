"""The dependency rules of the code, as contracts, as imports that really happen, and as syntax."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

WINDOW = ("PySide6", "vispy", "pyqtgraph", "OpenGL")
FREE_OF = {
    "poseapp.core": ("torch", "trainer", *WINDOW),
    "poseapp.formats": ("torch", "trainer", *WINDOW),
    "poseapp.state": ("torch", "trainer", "PySide6.QtWidgets", "vispy", "pyqtgraph"),
    "poseapp.services": ("torch", "lightning", "PySide6.QtWidgets", "vispy", "pyqtgraph"),
    "poseapp.ui": ("torch", "lightning"),
    "poseapp.app": ("torch", "lightning"),
    "trainer.catalog": ("torch",),
    "trainer.config": ("torch",),
    "trainer.artifact": ("torch",),
    "trainer.manifest": ("torch",),
    "trainer.errors": ("torch",),
    "trainer.paths": ("torch",),
    "trainer.recipes.registry": ("torch",),
}


def test_contracts_of_import_linter_hold() -> None:
    code = "from importlinter.cli import lint_imports_command as run; run()"
    done = subprocess.run(
        [sys.executable, "-c", code, "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("package", FREE_OF)
def test_imports_leave_these_alone(package: str) -> None:
    """Import every module of a package in a fresh process and look at what came along."""
    modules = list(_modules(package))
    banned = FREE_OF[package]
    code = (
        f"import importlib, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        f"print([b for b in {banned!r} if b in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1] == "[]", f"{package} brings these"


def test_torch_is_imported_inside_functions_alone() -> None:
    """Outside the trainer, and in the files of it that a window may read."""
    offenders = []
    for path in sorted((ROOT / "poseapp").rglob("*.py")):
        names = {name.split(".")[0] for name in _module_level_imports(path)}
        if names & {"torch", "lightning", "lightning_fabric"}:
            offenders.append(path.name)
    assert offenders == []


def test_only_commands_and_the_session_change_the_document() -> None:
    offenders = [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "poseapp").rglob("*.py"))
        if path.name not in ("commands.py", "session.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "apply"
        and ast.unparse(node.func.value).endswith("session")
    ]
    assert offenders == []


def _modules(package: str) -> Iterator[str]:
    folder = ROOT / package.replace(".", "/")
    if not folder.is_dir():
        assert folder.with_suffix(".py").is_file(), f"there is no {package}"
        yield package
        return
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _module_level_imports(path: Path) -> Iterator[str]:
    """Names imported when the file is, also under `if` and `try`; type checking is left out."""
    waiting: list[ast.AST] = [ast.parse(path.read_text("utf-8"))]
    while waiting:
        for node in ast.iter_child_nodes(waiting.pop()):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield node.module or ""
            elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                waiting.extend(node.orelse)
            elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                waiting.append(node)
