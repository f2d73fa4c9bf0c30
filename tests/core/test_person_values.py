"""The values of a created person: changed by path, dressed without contradictions, named."""

from __future__ import annotations

import copy

import pytest

from poseapp.core.person_values import SLOTS, changed, title, value, with_worn, worn
from tests.helpers.people import PERSON


def test_a_change_leaves_the_original_alone() -> None:
    before = copy.deepcopy(PERSON)
    after = changed(PERSON, "body.age_years", 60.0)
    assert value(after, "body.age_years") == 60.0
    assert value(after, "body.weight") == value(PERSON, "body.weight")
    assert before == PERSON
    assert value({}, "skin.tone", 0.3) == 0.3


def test_what_cannot_be_worn_together_comes_off() -> None:
    suited = with_worn(PERSON, "suit", {"item": "Worksuit"})
    assert [w["slot"] for w in suited["outfit"]] == ["suit", "shoes"]
    topped = with_worn(suited, "top", {"item": "T-shirt"})
    assert worn(topped, "suit") is None
    skirted = with_worn(PERSON, "skirt", {"item": "Skirt"})
    assert worn(skirted, "bottom") is None and worn(skirted, "top") is not None
    bare = with_worn(PERSON, "shoes", None)
    assert worn(bare, "shoes") is None and worn(bare, "bottom") is not None


def test_pieces_are_kept_in_the_order_of_the_slots() -> None:
    dressed = with_worn(with_worn(PERSON, "bag", {"item": "B"}), "legwear", {"item": "L"})
    slots = [w["slot"] for w in dressed["outfit"]]
    assert slots == sorted(slots, key=SLOTS.index)


@pytest.mark.parametrize(
    ("age", "gender", "name"),
    [(8, 0.9, "Boy, 8"), (15, 0.1, "Young woman, 15"), (34, 0.1, "Woman, 34"),
     (80.4, 0.8, "Elderly man, 80")],
)  # fmt: skip
def test_people_are_called_by_age_and_gender(age: float, gender: float, name: str) -> None:
    person = changed(changed(PERSON, "body.age_years", age), "body.gender", gender)
    assert title(person) == name
