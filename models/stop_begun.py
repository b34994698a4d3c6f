"""A stop string that may have begun, and must not be shown before it is known."""

from __future__ import annotations


def begun(stop: str, text: str) -> int:
    """Characters at the end of `text` that `stop` begins with; fewer than all of it."""
    longest = min(len(stop) - 1, len(text))
    return next((size for size in range(longest, 0, -1) if text.endswith(stop[:size])), 0)
