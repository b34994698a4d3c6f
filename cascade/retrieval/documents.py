"""What the editor says about its documents, kept until the next search reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Change:
    """path: relative to the project. text: as it is now; None where it was closed. line: edited last, 1-based."""

    path: str
    text: str | None
    line: int | None


class Documents:
    """For the event loop. A keystroke only notes that there was one; texts are fetched by `take`."""

    def __init__(self, root: Path) -> None:
        self._roots = (root, root.resolve())
        self._texts: dict[str, Callable[[], str] | None] = {}
        self._lines: dict[str, int] = {}

    def relative(self, path: Path) -> str | None:
        """None outside of the project."""
        root = next((root for root in self._roots if path.is_relative_to(root)), None)
        return None if root is None else path.relative_to(root).as_posix()

    def changed(self, path: Path, text: Callable[[], str] | None, line: int | None = None) -> None:
        """text: None where it was closed."""
        relative = self.relative(path)
        if relative is not None:
            self._texts[relative] = text
            if line is not None:
                self._lines[relative] = line

    def take(self) -> list[Change]:
        """What happened since it was last asked."""
        texts, lines = self._texts, self._lines
        self._texts, self._lines = {}, {}
        return [Change(path, None if text is None else text(), lines.get(path)) for path, text in texts.items()]
