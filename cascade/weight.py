"""How much of a prompt's room a text takes, before any tokenizer has seen it."""

from __future__ import annotations

import re

BYTES_A_TOKEN = 2.5
"""Of code, rather too few than too many: most has 3 to 4.5."""

# What most tokenizers cut at least so finely: digits stand alone, words and signs in pieces.
_PIECE = re.compile(r"[A-Z]?[a-z]{1,7}|[A-Z]{1,2}|\d|[^\sA-Za-z\d]{1,2}|\n\s*")
_TOKENS_A_PIECE = 1.25


def weight(text: str) -> int:
    """Its bytes, or more where it is cut into more tokens than code is: tables of numbers, escapes, signs."""
    pieces = sum(1 for _ in _PIECE.finditer(text))
    return max(len(text.encode("utf-8", "replace")), int(pieces * _TOKENS_A_PIECE * BYTES_A_TOKEN))
