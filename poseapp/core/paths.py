"""Where the bundled resources and weights lie, in a checkout and in an installed wheel."""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def _bundled(name: str, variable: str) -> Path:
    if os.environ.get(variable):
        return Path(os.environ[variable])
    inside = _PACKAGE / name  # the wheel carries them inside the package
    return inside if inside.is_dir() else _PACKAGE.parent / name


def resources_dir() -> Path:
    """Icons, stylesheet, preset poses, example captions, word vectors."""
    return _bundled("resources", "POSEAPP_RESOURCES")


def weights_dir() -> Path:
    """Weights and their manifest."""
    return _bundled("weights", "POSEAPP_WEIGHTS")
