"""The tokens of code: whole identifiers and the words they are made of, in small letters.

`HTTPServer_v2` gives `httpserver_v2`, `http` and `server`: a query finds the same name by the whole, and related names
by a word.
"""

from __future__ import annotations

import re
from functools import lru_cache

LONGEST = 64
"""Characters. What is longer is encoded data, not a name."""

_WORD = re.compile(r"\w+")
_PART = re.compile(r"[^\W\d_a-z]+(?![a-z])|[^\W\d_a-z]?[^\W\d_A-Z]+|\d+")
"""Capitals in a row, less the one that begins the next word; a word with or without its capital; digits."""


def tokens(text: str) -> list[str]:
    """In the order of the text, an identifier before its words. Letters, digits and `_` only, none of one character."""
    found: list[str] = []
    for word in _WORD.findall(text):
        found += tokens_of_word(word)
    return found


@lru_cache(maxsize=65_536)
def tokens_of_word(word: str) -> tuple[str, ...]:
    """word: letters, digits and `_` only."""
    if len(word) < 2 or len(word) > LONGEST:
        return ()
    whole = word.lower().strip("_")
    parts = [part.lower() for part in _PART.findall(word)]
    if len(parts) < 2:
        return (whole,) if len(whole) > 1 else ()
    return (whole, *(part for part in parts if len(part) > 1))
