"""The values that make a created person, as plain JSON: read them, change them, name the person.

The same keys as `trainer.synthetic.person.to_dict` writes; whoever renders a person checks them.
"""

from __future__ import annotations

import copy
from typing import Any

Values = dict[str, Any]

PERSON_KEY = "poseapp_person"
"""Where a keypoint file keeps the values of the created person that it is of."""
GROUPS = ("body", "face", "skin", "hair", "outfit")
"""Parts of a person that are drawn, kept and locked apart."""
SLOTS = ("suit", "top", "bottom", "skirt", "legwear", "shoes", "hat", "bag")
"""What can be worn, one item each, in the order of the dialog."""

_EXCLUDES = {
    "suit": ("top", "bottom", "skirt"),
    "top": ("suit",),
    "bottom": ("suit", "skirt"),
    "skirt": ("suit", "bottom"),
}
_CHILD_YEARS, _TEEN_YEARS, _OLD_YEARS = 13, 18, 65


def value(person: Values, path: str, default: Any = None) -> Any:
    """One value, such as `value(person, "body.age_years", 30.0)`."""
    group, _, key = path.partition(".")
    inside = person.get(group, {})
    return inside.get(key, default) if isinstance(inside, dict) else default


def changed(person: Values, path: str, new: Any) -> Values:
    """A copy of the person with another value."""
    group, _, key = path.partition(".")
    inside = person.get(group)
    return {**person, group: {**(inside if isinstance(inside, dict) else {}), key: new}}


def worn(person: Values, slot: str) -> Values | None:
    """What is worn in a slot."""
    for wear in person.get("outfit", ()):
        if wear.get("slot") == slot:
            return dict(wear)
    return None


def with_worn(person: Values, slot: str, wear: Values | None) -> Values:
    """A copy that wears something else there; what cannot be worn with it comes off."""
    off = {slot} if wear is None else {slot, *_EXCLUDES.get(slot, ())}
    kept = [dict(w) for w in person.get("outfit", ()) if w.get("slot") not in off]
    if wear is not None:
        kept.append({**wear, "slot": slot})
    order = {name: place for place, name in enumerate(SLOTS)}
    return {**person, "outfit": sorted(kept, key=lambda w: order.get(w["slot"], len(order)))}


def merged(drawn: Values, kept: Values, group: str) -> Values:
    """`kept` with one group of `drawn`, for a dice that throws that group alone."""
    return {**copy.deepcopy(kept), group: copy.deepcopy(drawn.get(group))}


def title(person: Values) -> str:
    """What to call the person: "Woman, 34"."""
    age = float(value(person, "body.age_years", 30.0))
    male = float(value(person, "body.gender", 0.5)) >= 0.5
    if age < _CHILD_YEARS:
        noun = "Boy" if male else "Girl"
    elif age < _TEEN_YEARS:
        noun = "Young man" if male else "Young woman"
    elif age >= _OLD_YEARS:
        noun = "Elderly man" if male else "Elderly woman"
    else:
        noun = "Man" if male else "Woman"
    return f"{noun}, {round(age)}"
