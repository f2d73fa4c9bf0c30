"""The sets of synthetic pictures by name. Torch-free.

`SETS[name].draw(studio, seed, index)` hands back the encoded files of one sample; see `samples`.
"""

from typing import Final

from trainer.synthetic import set_crops, set_faces, set_pairs
from trainer.synthetic.samples import Sample, SetPlan

__all__ = ["SETS", "Sample", "SetPlan"]

SETS: Final[dict[str, SetPlan]] = {
    "pairs128": set_pairs.PAIRS128,
    "pairs256": set_pairs.PAIRS256,
    "crops256": set_crops.CROPS256,
    "parts": set_pairs.PARTS,
    "faces": set_faces.FACES,
    "people": set_pairs.PEOPLE,
}
