"""The index as one thread has it open."""

from __future__ import annotations

import os
from pathlib import Path

from rung.cascade.retrieval.index import Index


class OpenIndex:
    """Opened when it is first needed, and anew where another process replaced the file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._index: Index | None = None
        self._file: tuple[int, int] | None = None

    def current(self) -> Index:
        """Raises Damaged, NoFullText, sqlite3.Error, OSError."""
        if self._index is not None and self._file != self._identity():
            self.close()  # SQLite would go on with a file that nobody else sees
        if self._index is None:
            self._index = Index(self.path)
            self._file = self._identity()
        return self._index

    def close(self) -> None:
        index, self._index = self._index, None
        if index is not None:
            index.close()

    def interrupt(self) -> None:
        """End what runs in the other thread."""
        if self._index is not None:
            self._index.connection.interrupt()

    def _identity(self) -> tuple[int, int] | None:
        try:
            status = os.stat(self.path)
        except FileNotFoundError:
            return None
        return status.st_dev, status.st_ino
