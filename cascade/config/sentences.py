"""Words of a file that somebody else wrote, made safe to show to the user."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

SHOWN = 60


def quoted(word: object) -> str:
    """`word` in quotes: one line, no control or direction characters, at most 60 characters."""
    text = str(word)
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:SHOWN])
    return f'"{shown}{"…" if len(text) > SHOWN else ""}"'


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A question to end a sentence with; empty where nothing is near."""
    near = difflib.get_close_matches(word[:SHOWN], list(known), n=1, cutoff=0.6)
    return f'; did you mean "{near[0]}"?' if near else ""


def dotted(where: Iterable[str | int]) -> str:
    """('ladder', 0, 'k') as ladder[0].k"""
    path = ""
    for part in where:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path
