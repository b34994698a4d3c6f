"""Brings a database to the present schema, one recorded migration after the other."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator, Sequence

from rung.cascade.telemetry.clock import utc_text
from rung.cascade.telemetry.errors import DatabaseUnusable
from rung.cascade.telemetry.schema import MIGRATIONS, Migration

_RECORD = "CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL)"


def migrate(connection: sqlite3.Connection, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Apply what is missing, each in a transaction of its own; several processes at once are safe.

    Raises DatabaseUnusable if a newer rung or another program wrote the database, sqlite3.Error.
    """
    while _missing(connection, migrations):
        with transaction(connection, "BEGIN IMMEDIATE"):
            # Looked up again: another process may have applied it while this one waited for the lock.
            for migration in _missing(connection, migrations)[:1]:
                connection.execute(_RECORD)
                for statement in migration.statements:
                    connection.execute(statement)
                connection.execute("INSERT INTO migrations VALUES (?, ?)", (migration.name, utc_text(time.time())))


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    """Commit at the end, roll back on whatever ends it early."""
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):  # SQLite may have rolled back already; the first error counts
            connection.execute("ROLLBACK")
        raise


def _missing(connection: sqlite3.Connection, migrations: Sequence[Migration]) -> list[Migration]:
    applied = _applied(connection)
    unknown = applied - {migration.name for migration in migrations}
    if unknown:
        raise DatabaseUnusable(
            f"The database was written by a newer rung (it has “{max(unknown)}”): "
            "update rung, or set RUNG_DB to another file."
        )
    return [migration for migration in migrations if migration.name not in applied]


def _applied(connection: sqlite3.Connection) -> set[str]:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        return set()
    if "migrations" not in tables:
        raise DatabaseUnusable("The database belongs to another program: set RUNG_DB to another file.")
    return {name for (name,) in connection.execute("SELECT name FROM migrations")}
