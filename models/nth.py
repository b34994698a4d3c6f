"""Ending a text before the n-th occurrence of a string, however the text comes in pieces."""

from __future__ import annotations


def nth(text: str, stop: tuple[str, int] | None) -> int:
    """Where the n-th occurrence of a string begins, from left to right without overlap; -1 where there is none."""
    if stop is None:
        return -1
    string, count = stop
    at, end = -1, 0
    for _ in range(count):
        at = text.find(string, end)
        if at < 0:
            return -1
        end = at + len(string)
    return at
