"""What makes a person who they are, as plain values: what a seed draws and the sliders change.

Torch-free; no array, so that a person fits into JSON.
"""

from dataclasses import dataclass, field
from typing import Any

from trainer import config
from trainer.errors import DataError, TrainerError


@dataclass(frozen=True)
class Body:
    """Shape of the body.

    Attributes:
        age_years: 3 to 90.
        gender: 0 female to 1 male.
        muscle, weight, height, proportions, cup, firmness: 0 to 1, one half is average.
        african, asian, caucasian: 0 or more; their shares count.
        details: (axis, -1 to 1) of `trainer.synthetic.body.detail_axes`.
    """

    age_years: float = 30.0
    gender: float = 0.5
    muscle: float = 0.5
    weight: float = 0.5
    height: float = 0.5
    proportions: float = 0.6
    cup: float = 0.5
    firmness: float = 0.6
    african: float = 0.0
    asian: float = 0.0
    caucasian: float = 1.0
    details: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Face:
    """The face. `expression` is "" or one of `Assets.expressions.names`."""

    details: tuple[tuple[str, float], ...] = ()
    expression: str = ""
    strength: float = 0.7
    eyes: str = "brown"
    eyebrows: str = ""


@dataclass(frozen=True)
class Skin:
    """Skin. tone: 0 very light to 1 very dark; warmth: -1 cool to 1 warm; blemish: 0 to 1."""

    tone: float = 0.3
    warmth: float = 0.0
    blemish: float = 0.5


@dataclass(frozen=True)
class Hair:
    """Hair. style: one of `wardrobe.hair_styles`, "" for none; grey: the share of grey hairs."""

    style: str = ""
    colour: str = "#3b2a20"
    grey: float = 0.0
    roughness: float = 0.5


@dataclass(frozen=True)
class Wear:
    """One thing worn.

    Attributes:
        slot: "top", "bottom", "suit", "skirt", "legwear", "shoes", "hat" or "bag".
        item: a name of `trainer.synthetic.wardrobe.items(assets)[slot]`.
        colour, second: "#rrggbb", of the cloth and of its pattern.
        pattern: a name of `trainer.synthetic.patterns.NAMES`, "plain" for none.
        scale: 0.5 fine to 2 coarse.
        length: 0 shortest to 1 longest, where the item can be cut (skirts, trousers, sleeves).
    """

    slot: str
    item: str
    colour: str = "#7a8791"
    second: str = "#f2f0ea"
    pattern: str = "plain"
    scale: float = 1.0
    length: float = 1.0


@dataclass(frozen=True)
class Person:
    """A person: the same values give the same person, in any pose and view.

    Attributes:
        seed: feeds what has no value of its own (the exact cut of hair, freckles).
    """

    seed: int = 0
    body: Body = field(default_factory=Body)
    face: Face = field(default_factory=Face)
    skin: Skin = field(default_factory=Skin)
    hair: Hair = field(default_factory=Hair)
    outfit: tuple[Wear, ...] = ()


def to_dict(person: Person) -> dict[str, Any]:
    """A person as plain JSON values."""
    return config.to_dict(person)


def from_dict(values: Any) -> Person:
    """A person of `to_dict`'s values.

    Raises:
        DataError: for values that make no person; the text says which.
    """
    if not isinstance(values, dict):
        raise DataError(f"A person must be a mapping of seed, body, face, ..., not {values!r:.60}.")
    try:
        return config.from_dict(Person, values)
    except TrainerError as exc:
        raise DataError(f"These values make no person: {exc}") from exc
