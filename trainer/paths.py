"""Where data, weights and resources lie. Torch-free."""

import os
from pathlib import Path

from trainer.errors import DataError

DATA_VARIABLE = "POSEAPP_DATA"


def data_root(arg: str | Path | None = None) -> Path:
    """The folder that holds `coco/`, `mocap/`, ...

    Args:
        arg: a folder given by the user; otherwise POSEAPP_DATA, otherwise `./data`.
    """
    if arg is not None:
        root, source = Path(arg), "the --data option"
    elif os.environ.get(DATA_VARIABLE):
        root, source = Path(os.environ[DATA_VARIABLE]), DATA_VARIABLE
    else:
        root, source = Path("data"), "the default"
    root = root.expanduser()
    if not root.is_dir():
        raise DataError(
            f"There is no data folder at {root} ({source}): point --data or {DATA_VARIABLE} to the "
            "folder that holds coco/ and mocap/ (the README says what to download into it)."
        )
    return root


def weights_dir() -> Path:
    """The folder of the shipped weights: `weights/` in a checkout, `poseapp/weights` in a wheel."""
    return _beside_package("weights")


def resources_dir() -> Path:
    """The folder of the shipped resources, found as `weights_dir` is."""
    return _beside_package("resources")


def _beside_package(name: str) -> Path:
    parent = Path(__file__).resolve().parents[1]
    checkout = parent / name
    installed = parent / "poseapp" / name
    return installed if installed.is_dir() and not checkout.is_dir() else checkout
