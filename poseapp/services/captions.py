"""What can be said about a caption without any model: is there English text in it?"""

from __future__ import annotations

import unicodedata

from poseapp.core.errors import TaskError

MAX_CHARACTERS = 500
_EXAMPLE = 'such as "a man is playing tennis"'


def checked(text: str) -> str:
    """The caption, trimmed.

    Raises:
        TaskError: it is empty, too long, or holds no word in Latin letters.
    """
    caption = " ".join(text.split())
    if not caption:
        raise TaskError(f"The caption is empty: say what the person does, {_EXAMPLE}.")
    if len(caption) > MAX_CHARACTERS:
        raise TaskError(
            f"The caption is {len(caption)} characters long: use at most {MAX_CHARACTERS}."
        )
    letters = [c for c in caption if c.isalpha()]
    latin = sum("LATIN" in unicodedata.name(c, "") for c in letters)
    if letters and latin <= len(letters) / 2:
        raise TaskError(f"The models read English: write the caption in English words, {_EXAMPLE}.")
    if not letters:
        raise TaskError(f"There is no word in this caption: say what the person does, {_EXAMPLE}.")
    return caption
