"""Captions to words, the same way in training and in use. Torch-free."""

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")


def tokens(text: str) -> list[str]:
    """The words of a text in lower case, without punctuation, accents folded.

    "A man's T-shirt." gives a, man, s, t, shirt: possessives are two words, as in fastText's own
    English models.
    """
    folded = unicodedata.normalize(
        "NFKD", text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    )
    folded = "".join(c for c in folded if not unicodedata.combining(c))
    words: list[str] = []
    for match in _WORD.findall(folded):
        words.extend(part for part in match.split("'") if part)
    return words


def is_latin(word: str) -> bool:
    """Whether n-grams of an unknown word may be guessed from: three or more letters a-z."""
    return len(word) >= 3 and word.isascii() and word.isalpha()
