"""Joint orders of pose models: which of their joints are COCO's. Torch-free."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trainer.data.photos import JOINTS
from trainer.errors import TrainerError


@dataclass(frozen=True)
class Order:
    """A joint order.

    Attributes:
        title: as people know it.
        count: joints a model of this order finds.
        rows: for COCO's 17 joints, neck and top of the head the model's row, -1 for none.
    """

    title: str
    count: int
    rows: tuple[int, ...]


_COCO = tuple(range(17))

ORDERS: dict[str, Order] = {
    "coco17": Order("COCO", 17, (*_COCO, -1, -1)),
    "halpe26": Order("Halpe", 26, (*_COCO, 18, 17)),
    "wholebody133": Order("COCO-WholeBody", 133, (*_COCO, -1, -1)),
    "openpose18": Order(
        "OpenPose", 18, (0, 15, 14, 17, 16, 5, 2, 6, 3, 7, 4, 11, 8, 12, 9, 13, 10, 1, -1)
    ),
    "openpose25": Order(
        "OpenPose BODY_25", 25, (0, 16, 15, 18, 17, 5, 2, 6, 3, 7, 4, 12, 9, 13, 10, 14, 11, 1, -1)
    ),
    "mpii16": Order(
        "MPII", 16, (-1, -1, -1, -1, -1, 13, 12, 14, 11, 15, 10, 3, 2, 4, 1, 5, 0, 8, 9)
    ),
    "h36m17": Order(
        "Human3.6M", 17, (9, -1, -1, -1, -1, 11, 14, 12, 15, 13, 16, 4, 1, 5, 2, 6, 3, 8, 10)
    ),
    "lsp14": Order("LSP", 14, (-1, -1, -1, -1, -1, 9, 8, 10, 7, 11, 6, 3, 2, 4, 1, 5, 0, 12, 13)),
    "crowdpose14": Order(
        "CrowdPose", 14, (-1, -1, -1, -1, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 12)
    ),
}

_BY_COUNT = {
    17: "coco17",
    26: "halpe26",
    133: "wholebody133",
    18: "openpose18",
    25: "openpose25",
    16: "mpii16",
}
_NOT_BODIES = {21: "hand", 42: "hand", 68: "face", 98: "face", 106: "face"}


def recognised(count: int, hints: str) -> str | None:
    """The order of a model that finds `count` joints; None if it has to be asked.

    Args:
        hints: lower-case text about the model.
    Raises:
        TrainerError: it finds no bodies.
    """
    if count == 17 and any(word in hints for word in ("h36m", "human36", "human3.6")):
        return "h36m17"
    if count == 14 and "crowdpose" in hints:
        return "crowdpose14"
    if count in _NOT_BODIES:
        raise TrainerError(
            f"The model finds {count} points, as those of a {_NOT_BODIES[count]} do: choose one "
            "of whole bodies."
        )
    return _BY_COUNT.get(count)


def fitting(count: int) -> tuple[str, ...]:
    """The orders that a model of `count` joints may have, or may begin with."""
    exact = tuple(name for name, order in ORDERS.items() if order.count == count)
    return exact or tuple(name for name, order in ORDERS.items() if order.count < count)


def rows_of(answer: Any, count: int) -> tuple[int, ...]:
    """For COCO's 17 joints, neck and top of the head the model's row, -1 for none.

    Args:
        answer: a name of `ORDERS`, or 17 or 19 rows.
    """
    if isinstance(answer, str):
        if answer not in ORDERS:
            raise TrainerError(f"{answer} is no joint order: choose one of {', '.join(ORDERS)}.")
        if ORDERS[answer].count > count:
            raise TrainerError(f"The model finds {count} joints, which {answer} does not have.")
        return ORDERS[answer].rows
    if not isinstance(answer, Sequence) or len(answer) not in (17, len(JOINTS)):
        raise TrainerError("A joint order is a name, or for each of COCO's 17 joints a number.")
    try:
        rows = tuple(int(v) for v in answer) + (-1,) * (len(JOINTS) - len(answer))
    except (TypeError, ValueError) as exc:
        raise TrainerError("A joint order's numbers are whole ones, -1 for none.") from exc
    if not all(-1 <= r < count for r in rows):
        raise TrainerError(f"The model finds {count} joints, numbered from 0: use these numbers.")
    return rows
