"""What can be wrong with the database, as sentences."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path

Tell = Callable[[str], None]
"""Takes a sentence for the user."""

logger = logging.getLogger(__name__)


class DatabaseUnusable(Exception):
    """The database could not be read or written; `str(error)` is one sentence that a user can act on."""


class TellOnce:
    """Passes the first sentence on and drops the others: a broken disk is news only once."""

    def __init__(self, tell: Tell | None) -> None:
        self._tell = tell or logger.warning
        self._told = False

    def __call__(self, sentence: str) -> None:
        if not self._told:
            self._told = True
            self._tell(sentence)


_ADVICE = (
    (("SQLITE_BUSY", "SQLITE_LOCKED"), "is locked by another program; it is tried again with the next request"),
    (("SQLITE_FULL",), "cannot grow because the disk is full; free some space"),
    (
        ("SQLITE_READONLY", "SQLITE_PERM"),
        "is read-only; make the file and its folder writable or set RUNG_DB to another",
    ),
    (("SQLITE_CANTOPEN",), "cannot be opened; check that its folder exists and is writable or set RUNG_DB to another"),
    (("SQLITE_CORRUPT", "SQLITE_NOTADB"), "is damaged or no database; move it away and rung starts a new one"),
)


def unusable(path: Path, error: sqlite3.Error | OSError) -> DatabaseUnusable:
    """The sentence for an error of SQLite or of the file system."""
    if isinstance(error, OSError):
        return DatabaseUnusable(f"The database {path} cannot be opened: {error.strerror or error}.")
    name = getattr(error, "sqlite_errorname", "")
    for names, advice in _ADVICE:
        if name.startswith(names):
            return DatabaseUnusable(f"The database {path} {advice}.")
    return DatabaseUnusable(f"The database {path} cannot be used: {error}.")
