"""People without a studio: values, options, and answers of the people tasks."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from poseapp.core import framing
from poseapp.core.standing import standing
from tests.helpers.stub_engine import StubEngine

PERSON: dict[str, Any] = {
    "seed": 0,
    "body": {
        "age_years": 34.0, "gender": 0.1, "muscle": 0.5, "weight": 0.4, "height": 0.5,
        "proportions": 0.6, "cup": 0.5, "firmness": 0.6, "african": 0.2, "asian": 0.0,
        "caucasian": 0.8, "details": [],
    },
    "face": {
        "details": [], "expression": "", "strength": 0.7, "eyes": "brown", "eyebrows": "",
    },
    "skin": {"tone": 0.35, "warmth": 0.0, "blemish": 0.5},
    "hair": {"style": "long_bob", "colour": "#3b2a20", "grey": 0.0, "roughness": 0.5},
    "outfit": [
        {"slot": "top", "item": "T-shirt", "colour": "#5b7fa6", "second": "#f5f4f0",
         "pattern": "stripes", "scale": 1.0, "length": 0.6},
        {"slot": "bottom", "item": "Jeans", "colour": "#1d2a44", "second": "#f5f4f0",
         "pattern": "plain", "scale": 1.0, "length": 1.0},
        {"slot": "shoes", "item": "Sneakers", "colour": "#d6d8da", "second": "#f5f4f0",
         "pattern": "plain", "scale": 1.0, "length": 1.0},
    ],
}  # fmt: skip

OPTIONS: dict[str, Any] = {
    "source": "makehuman",
    "items": {
        "top": ("T-shirt", "Blazer"), "bottom": ("Jeans", "Shorts"), "skirt": ("Skirt",),
        "suit": ("Worksuit",), "shoes": ("Sneakers",), "hat": ("Fedora",), "bag": ("Backpack",),
    },
    "cuttable": ("Shorts", "Skirt", "T-shirt"),
    "patterns": ("plain", "stripes", "checks"),
    "hair": ("long_bob", "short_crop"),
    "eyes": ("brown", "blue"),
    "eyebrows": ("thin",),
    "expressions": ("smile", "anger"),
    "backgrounds": ("studio", "room", "street"),
}  # fmt: skip


def drawn(seed: int, kept: dict[str, Any] | None = None, locked: tuple[str, ...] = ()) -> dict:
    """What a seed draws: another age, tone and colour; locked groups stay."""
    person = copy.deepcopy(PERSON)
    person["seed"] = seed
    person["body"]["age_years"] = float(20 + seed % 50)
    person["skin"]["tone"] = (seed % 10) / 10.0
    for group in locked:
        if kept is not None and group in person:
            person[group] = copy.deepcopy(kept[group])
    return person


def answer(kwargs: dict[str, Any]) -> dict[str, Any]:
    """What the task `create_person` gives, with a plain picture."""
    person, seed = kwargs["person"], kwargs["seed"]
    if person is None or seed is not None:
        person = drawn(seed or 0, person, tuple(kwargs["locked"]))
    width, height = kwargs["size"]
    pose = framing.framed_in(standing((0.0, 0.0), 400.0), (width, height)).pose
    if kwargs.get("keypoints") is not None:
        pose = pose.with_keypoints(np.asarray(kwargs["keypoints"], float))
    image = np.full((height, width, 3), 200, np.uint8)
    image[..., 0] = round(person["skin"]["tone"] * 200)
    return {
        "image": image,
        "mask": np.zeros((height, width), np.uint8),
        "keypoints": pose.keypoints.astype(np.float32),
        "visibility": np.full(17, 2, np.uint8),
        "person": person,
        "source": "makehuman",
        "posed": kwargs.get("keypoints") is not None,
        "note": "",
    }


def reply(engine: StubEngine, result: Any = None) -> dict[str, Any]:
    """Answer the last request of the engine; returns its arguments."""
    number, task, kwargs = engine.last
    if result is None:
        result = {"person_options": lambda _: OPTIONS, "create_person": answer}[task](kwargs)
    engine.task_succeeded.emit(number, result)
    return kwargs
