"""The tables of an index, and its file."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

BUSY_S = 5.0
"""How long a statement waits for another process, which holds its lock for milliseconds."""

VERSION = 1
"""To be raised with every change of the tables, of the tokens or of what is indexed."""

IDENTITY = 7_000 + VERSION
"""Stands in the file; a new database of SQLite has 0."""

CHUNKS_OF_A_FILE = 1 << 16
"""A chunk's id is that of its file times this, plus its place in the file."""

_STATEMENTS = (
    """
    CREATE TABLE files (
        id INTEGER PRIMARY KEY,
        path TEXT NOT NULL UNIQUE,
        mtime_ns INTEGER NOT NULL,
        size INTEGER NOT NULL,
        hash BLOB NOT NULL,
        chunks INTEGER NOT NULL,
        tokens INTEGER NOT NULL
    )
    """,
    """
    CREATE TABLE chunks (
        id INTEGER PRIMARY KEY,
        first_line INTEGER NOT NULL,
        text TEXT NOT NULL,
        tokens TEXT NOT NULL        -- separated by blanks
    )
    """,
    # Without content of its own, FTS5 has to be told the tokens that it is to forget: they are in `chunks`.
    """CREATE VIRTUAL TABLE words USING fts5(tokens, content = '', tokenize = "ascii tokenchars '_'")""",
    "CREATE VIRTUAL TABLE vocabulary USING fts5vocab(words, row)",
)


class Damaged(Exception):
    """The file is no index of this version; it is to be made anew."""


class NoFullText(Exception):
    """This Python's SQLite cannot index; its sentence says what to do."""


def connect(path: Path) -> sqlite3.Connection:
    """A connection in autocommit mode to the index, made where there is none; only its owner may read it.

    Raises Damaged, NoFullText, sqlite3.Error, OSError.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        _prepare(connection)
    except sqlite3.DatabaseError as error:
        connection.close()
        if is_damage(error):
            raise Damaged(str(error)) from error
        raise
    except BaseException:
        connection.close()
        raise
    return connection


def check(path: Path) -> None:
    """Read all of the index. Raises Damaged, sqlite3.Error, OSError."""
    with contextlib.closing(connect(path)) as connection:
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise Damaged(found)
        connection.execute("INSERT INTO words (words) VALUES ('integrity-check')")


def remove(path: Path) -> None:
    """The index with its log. Raises OSError."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file itself is at fault."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    # After a power cut the last files may be missing, and the next start adds them.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA journal_size_limit = 8000000")
    if _identity(connection) == IDENTITY:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        if _identity(connection) != IDENTITY:  # asked again: another process may have made it meanwhile
            if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                raise Damaged("It was written by another version.")
            for statement in _STATEMENTS:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {IDENTITY}")
        connection.execute("COMMIT")
    except sqlite3.OperationalError as error:
        connection.execute("ROLLBACK")
        if "fts5" in str(error):
            raise NoFullText(
                "The SQLite of this Python was built without FTS5, so that the project's code is not searched: "
                "use a Python that has it, such as those of python.org."
            ) from None
        raise
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _identity(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
