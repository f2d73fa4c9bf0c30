"""What lies in the repository: weights as their manifest says, sizes, and no trace of a machine."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MIB = 1024 * 1024
TEXT = {".py", ".md", ".toml", ".yml", ".yaml", ".json", ".qss", ".svg", ".txt", ".cfg", ".sh", ""}
MACHINE_PATHS = re.compile(
    r"(?<![\w.])/(?:work|root|srv|home/\w+|Users/\w+)/|/tmp/\w|[A-Z]:\\Users\\"
)


def _tracked() -> list[Path]:
    """Files of the repository; those of the folder where git is not at hand."""
    if shutil.which("git"):
        listed = subprocess.run(
            ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        if listed.returncode == 0:
            return [
                p for name in listed.stdout.split("\0") if name and (p := ROOT / name).is_file()
            ]
    hidden = re.compile(r"(^|/)(\.(?!ci/|github/)|__pycache__|data/|runs/|tour/)")
    files = (p for p in ROOT.rglob("*") if p.is_file())
    return [p for p in files if not hidden.search(p.relative_to(ROOT).as_posix())]


def test_no_tracked_file_names_a_path_of_one_machine() -> None:
    found = []
    for path in _tracked():
        if path.suffix not in TEXT or path.stat().st_size > 2 * MIB or path == Path(__file__):
            continue
        for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), 1):
            for match in MACHINE_PATHS.finditer(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {match.group()}")
    assert found == []


def test_the_path_pattern_finds_what_it_is_for() -> None:
    for line in ("open('/srv/x/y')", "/home/ann/poses", "C:\\Users\\ann", "/tmp/a"):
        assert MACHINE_PATHS.search(line), line
    assert not MACHINE_PATHS.search("https://example.org/work/root/ and docs/work/index.md")


def _rows() -> list[dict[str, object]]:
    manifest = json.loads((ROOT / "weights" / "manifest.json").read_text("utf-8"))
    assert manifest["format"] == 1
    rows: list[dict[str, object]] = manifest["models"]
    assert rows, "no model ships"
    return rows


def test_weights_are_those_of_the_manifest() -> None:
    rows = _rows()
    for row in rows:
        path = ROOT / "weights" / str(row["file"])
        assert path.stat().st_size == row["bytes"], row["file"]
        assert hashlib.sha256(path.read_bytes()).hexdigest() == row["sha256"], row["file"]
    files = {p.name for p in (ROOT / "weights").glob("*.safetensors")}
    assert files == {row["file"] for row in rows}


@pytest.mark.parametrize("field", ["title", "licence", "data", "preset", "hardware", "metrics"])
def test_every_model_card_is_filled_in(field: str) -> None:
    assert [row["name"] for row in _rows() if not row.get(field)] == []


def test_weights_and_resources_stay_small() -> None:
    sizes = {
        path: path.stat().st_size
        for path in _tracked()
        if path.relative_to(ROOT).parts[0] in ("weights", "resources")
    }
    assert sizes
    assert max(sizes.values()) <= 32 * MIB
    assert sum(sizes.values()) <= 96 * MIB
