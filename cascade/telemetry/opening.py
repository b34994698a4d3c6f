"""Opens the one file that every rung process of this user shares."""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from pathlib import Path

import platformdirs

from rung.cascade.telemetry.migrations import migrate

BUSY_S = 1.0
"""How long a statement waits for another process; a write takes about a millisecond."""

_OWNER_ONLY = 0o600


def default_path() -> Path:
    """RUNG_DB, else `rung.db` in the user's data folder."""
    override = os.environ.get("RUNG_DB")
    if override:
        return Path(override).expanduser()
    return platformdirs.user_data_path("rung", appauthor=False) / "rung.db"


def connect(path: Path) -> sqlite3.Connection:
    """A connection in autocommit mode, on the present schema; the file is readable by its owner only.

    Raises DatabaseUnusable, sqlite3.Error, OSError.
    """
    _create(path)
    connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
    try:
        _write_ahead(connection)
        # After a power cut the last seconds may be missing; nothing is lost when only the program dies. The stricter
        # mode costs a disk flush for each write, on the way to a completion.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _create(path: Path) -> None:
    """Before SQLite does, so that there is no moment in which others may read it; SQLite's -wal copies the mode."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, _OWNER_ONLY))
    except FileExistsError:
        if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            path.chmod(_OWNER_ONLY)


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Readers and a writer at once. SQLite does not wait for the lock that the change of mode takes, so this does."""
    deadline = time.monotonic() + BUSY_S
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return  # a file system that cannot share memory keeps its mode: slower, and as safe
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
