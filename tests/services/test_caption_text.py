"""Captions that no model can read are refused in one sentence."""

from __future__ import annotations

import pytest

from poseapp.core.errors import TaskError
from poseapp.services.captions import MAX_CHARACTERS, checked


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "empty"),
        ("   \n\t", "empty"),
        ("😀🎾", "no word"),
        ("!!! ???", "no word"),
        ("一个男人在打网球", "English"),
        ("мужчина играет в теннис", "English"),
        ("a" * (MAX_CHARACTERS + 1), "characters"),
    ],
)
def test_unreadable_captions(text: str, word: str) -> None:
    with pytest.raises(TaskError, match=word) as caught:
        checked(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["a man surfs", "  a   man\nsurfs ", "un café crème 🙂", "日 a man"]
)
def test_readable_captions(text: str) -> None:
    assert checked(text) == " ".join(text.split())
