"""Verdicts of programs under tests, kept by content, so that nothing is run twice and a killed run goes on.

A row holds all that is known of one program: 9 bytes for each test, 8 of its hash and the verdict's letter.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from rung.cascade.sandbox import Limits, Verdict

_VERSION = 1  # of what the sandbox finds: a change of it makes everything unknown
_CODES = {
    Verdict.PASSED: b"P",
    Verdict.FAILED: b"F",
    Verdict.ERROR: b"E",
    Verdict.TIMEOUT: b"T",
    Verdict.KILLED: b"K",
}
_VERDICTS = {code: verdict for verdict, code in _CODES.items()}
_CELL = 9
_BUSY_S = 30.0


class CacheUnusable(Exception):
    """The message is a sentence that names the file."""


class Cache:
    """Verdicts that were found under the same limits. Any thread may use it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._one_at_a_time = threading.Lock()

    def known(self, program: str, tests: Sequence[str], limits: Limits) -> list[Verdict | None]:
        """For each test; None where it was never run."""
        with self._one_at_a_time:
            cells = self._cells(_program_key(program, limits))
        return [cells.get(_test_key(test)) for test in tests]

    def keep(self, found: Mapping[tuple[str, str], Verdict], limits: Limits) -> None:
        """Verdicts by program and test, all of them or, if the process dies, none. What was not run is not kept."""
        by_program: dict[str, dict[bytes, Verdict]] = {}
        for (program, test), verdict in found.items():
            if verdict in _CODES:
                by_program.setdefault(program, {})[_test_key(test)] = verdict
        with self._one_at_a_time, self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            for program, cells in by_program.items():
                key = _program_key(program, limits)
                content = b"".join(test + _CODES[verdict] for test, verdict in (self._cells(key) | cells).items())
                self._connection.execute("INSERT OR REPLACE INTO executed VALUES (?, ?)", (key, content))

    def _cells(self, key: bytes) -> dict[bytes, Verdict]:
        row = self._connection.execute("SELECT cells FROM executed WHERE program = ?", (key,)).fetchone()
        content: bytes = row[0] if row else b""
        return {
            content[at : at + 8]: _VERDICTS[content[at + 8 : at + _CELL]]
            for at in range(0, len(content) - _CELL + 1, _CELL)
            if content[at + 8 : at + _CELL] in _VERDICTS
        }


@contextmanager
def cache(path: Path) -> Iterator[Cache]:
    """Raises CacheUnusable."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    except (sqlite3.Error, OSError) as error:
        raise CacheUnusable(f"{path} cannot be opened ({error}).") from None
    with closing(connection):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("CREATE TABLE IF NOT EXISTS executed (program BLOB PRIMARY KEY, cells BLOB NOT NULL)")
            yield Cache(connection)
        except sqlite3.OperationalError as error:  # locked, or the disk is full
            raise CacheUnusable(f"{path} cannot be used ({error}); what it holds is kept.") from None
        except sqlite3.DatabaseError as error:
            raise CacheUnusable(f"{path} is damaged ({error}); remove it, and everything is run again.") from None


def _program_key(program: str, limits: Limits) -> bytes:
    """With the limits that can make a difference to a verdict."""
    text = f"{_VERSION}/{limits.test_s}/{limits.memory_mb}/{limits.timeouts}/{program}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]


def _test_key(test: str) -> bytes:
    return hashlib.sha256(test.encode("utf-8", "surrogatepass")).digest()[:8]
