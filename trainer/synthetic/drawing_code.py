"""A digest of the code that draws, so that one set is not drawn by two programs unnoticed.

Every source of this package counts but those that only carry pictures about; a new file counts
until it is named here. Torch-free.
"""

import hashlib
from importlib import resources
from typing import Final

CARRIERS: Final = frozenset(
    {
        "check",
        "cli_pack",
        "cli_synth",
        "drawing_code",
        "faults",
        "makehuman_files",
        "makehuman_folder",
        "makehuman_motion",
        "makehuman_pictures",
        "makehuman_tree",
        "ray_engine",
        "reading",
        "render_torch",
        "shading_torch",
        "shadow_torch",
        "shards",
        "sheet",
        "spread",
    }
)
"""Modules whose changes leave every picture of `data synth` as it is."""

_ELSEWHERE: Final = (("trainer.data", "mocap"),)  # what poses are read with
_LENGTH: Final = 16


def digest() -> str:
    """The same as long as the same pictures are drawn; another one, and they may differ."""
    files = resources.files("trainer.synthetic").iterdir()
    stems = sorted(file.name.removesuffix(".py") for file in files if file.name.endswith(".py"))
    named = [("trainer.synthetic", stem) for stem in stems if stem not in CARRIERS]
    found = hashlib.sha256()
    for package, stem in (*named, *_ELSEWHERE):
        content = resources.files(package).joinpath(f"{stem}.py").read_bytes()
        content = content.replace(b"\r\n", b"\n")  # as some checkouts have it
        found.update(f"{package}.{stem} {len(content)}\n".encode() + content)
    return found.hexdigest()[:_LENGTH]
