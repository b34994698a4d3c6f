"""How a long pull tells what it does."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called from the thread that pulls."""

    def note(self, sentence: str) -> None:
        """Something the user should read: terms, a source that failed, a wait."""
        ...

    def advance(self, stage: str, done: int, total: int) -> None:
        """`done` of `total` bytes of a stage, such as "downloading"; a smaller `done` than before is a new start."""
        ...


class Silent:
    """Tells nothing."""

    def note(self, sentence: str) -> None: ...

    def advance(self, stage: str, done: int, total: int) -> None: ...


SILENT = Silent()
