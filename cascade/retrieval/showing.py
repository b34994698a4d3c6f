"""Which files of the project may be shown to a model, asked for one path."""

from __future__ import annotations

import time
from pathlib import Path

from rung.cascade.privacy import may_send

REMEMBERED_S = 20.0
PATHS = 1_000


class Showing:
    """Remembers its answers for REMEMBERED_S: patterns change, and asking takes a third of a millisecond."""

    def __init__(self, root: Path, never_send: tuple[str, ...]) -> None:
        self._root = root
        self._never_send = never_send
        self._answers: dict[str, tuple[float, bool]] = {}

    def allows(self, path: str) -> bool:
        """path: relative to the project."""
        now = time.monotonic()
        known = self._answers.get(path)
        if known is not None and now - known[0] < REMEMBERED_S:
            return known[1]
        if len(self._answers) >= PATHS:
            self._answers.clear()
        allowed = may_be_shown(self._root, self._never_send, path)
        self._answers[path] = now, allowed
        return allowed


def may_be_shown(root: Path, never_send: tuple[str, ...], path: str) -> bool:
    """Whether the file is in the project, by its own path and not by a link, and is neither ignored nor never sent.

    root: resolved. path: relative to it.
    """
    whole = root / path
    try:
        if whole.resolve() != whole:
            return False
    except (OSError, RuntimeError, ValueError):  # a circle of links, a NUL byte
        return False
    return may_send(whole, "", root, never_send) is None
