"""The pairs of a folder, whichever of the known layouts it has. Torch-free."""

from pathlib import Path

from trainer.data import deepfashion, market1501
from trainer.data.person_pairs import PersonPairs, synthetic_pairs
from trainer.errors import DataError
from trainer.synthetic import shards

_SETS = ("pairs128", "pairs256")


def person_pairs(folder: Path | str, split: str, size: tuple[int, int]) -> PersonPairs:
    """Open a set of people in several poses.

    Args:
        folder: a set of synthetic people, Market-1501, DeepFashion, or a folder that holds one of
            them as `pairs128`, `pairs256`, `market1501` or `deepfashion`, taken in this order;
            `pairs256` first where the height is more than 128.
        split: "train", "validation" or "test".
        size: height, width px to work at.
    """
    folder = Path(folder).expanduser()
    found = _known(folder, split, size)
    if found is not None:
        return found
    order = _SETS[::-1] if size[0] > 128 else _SETS
    names = (*order, *(f"sets/{name}" for name in order), "market1501", "deepfashion")
    for name in names:
        if (folder / name).is_dir():
            found = _known(folder / name, split, size)
            if found is not None:
                return found
    raise DataError(
        f"{folder} holds no people in several poses: point --data to a set drawn by `python -m "
        "trainer data synth pairs128`, or to Market-1501 or DeepFashion with their keypoint files."
    )


def _known(folder: Path, split: str, size: tuple[int, int]) -> PersonPairs | None:
    if (folder / shards.SET_FILE).is_file():
        return synthetic_pairs(folder, split, size)
    if market1501.is_here(folder):
        return market1501.market1501(folder, split, size)
    if deepfashion.is_here(folder):
        return deepfashion.deepfashion(folder, split, size)
    return None
