"""DeepFashion, in-shop clothes retrieval (Liu et al. 2016), 256x256 px. Torch-free.

    deepfashion/
      fasion-annotation-train.csv, fasion-annotation-test.csv, fasion-pairs-test.csv
      img/WOMEN/Dresses/id_00002711/01_4_full.jpg
      or fasion-dataset/train/, fasion-dataset/test/

Keypoints, pairs and the split of people are pose-gan's, whose lists spell "fasion" and call the
picture above fasionWOMENDressesid0000271101_4full.jpg: the person together with the outfit.
"""

from pathlib import Path
from typing import Final

from trainer.data.official_pairs import Layout, official_pairs
from trainer.data.person_pairs import PersonPairs

_MADE_OF = 4  # gender, kind of clothes, person, picture


def listed_name(path: Path) -> str:
    """What the lists call a picture of the official folder `img`; others keep their names."""
    if len(path.parts) != _MADE_OF:
        return path.name
    gender, clothes, person, file = path.parts
    outfit, *rest = file.split("_")
    return f"fasion{gender}{clothes}{person.replace('_', '')}{outfit}_{''.join(rest)}"


_ANYWHERE: Final = ("img", "Img/img", "fasion")

LAYOUT: Final = Layout(
    name="DeepFashion",
    stem="fasion",
    folders={
        "train": ("fasion-dataset/train", "train", *_ANYWHERE),
        "test": ("fasion-dataset/test", "test", *_ANYWHERE),
    },
    listed_name=listed_name,
    source="DeepFashion's in-shop pictures (img/) with pose-gan's fasion-*.csv",
)


def is_here(folder: Path) -> bool:
    """Whether a folder is one of these."""
    return LAYOUT.is_here(folder)


def deepfashion(folder: Path | str, split: str, size: tuple[int, int] = (256, 256)) -> PersonPairs:
    """Its people, each in one outfit.

    Args:
        folder: laid out as the module says.
        split: "train", "validation" or "test".
        size: height, width px to work at; the papers' is 256x256.
    """
    return official_pairs(LAYOUT, folder, split, size)
