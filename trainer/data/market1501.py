"""Market-1501 (Zheng et al. 2015): people before six surveillance cameras, 128x64 px. Torch-free.

    market1501/
      market-annotation-train.csv, market-annotation-test.csv, market-pairs-test.csv
      bounding_box_train/, bounding_box_test/    or    market-dataset/train/, market-dataset/test/

Keypoints and pairs are pose-gan's; its test list has 12,000 pairs.
"""

from pathlib import Path
from typing import Final

from trainer.data.official_pairs import Layout, official_pairs
from trainer.data.person_pairs import PersonPairs

LAYOUT: Final = Layout(
    name="Market-1501",
    stem="market",
    folders={
        "train": ("bounding_box_train", "market-dataset/train", "train"),
        "test": ("bounding_box_test", "market-dataset/test", "test"),
    },
    listed_name=lambda path: path.name,
    source="Market-1501 (bounding_box_train, bounding_box_test) with pose-gan's market-*.csv",
)


def is_here(folder: Path) -> bool:
    """Whether a folder is one of these."""
    return LAYOUT.is_here(folder)


def market1501(folder: Path | str, split: str, size: tuple[int, int] = (128, 64)) -> PersonPairs:
    """Its people.

    Args:
        folder: laid out as the module says.
        split: "train", "validation" or "test".
        size: height, width px to work at.
    """
    return official_pairs(LAYOUT, folder, split, size)
