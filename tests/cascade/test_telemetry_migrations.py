"""The schema, from the first version on."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from rung.cascade.telemetry import Database, DatabaseUnusable
from rung.cascade.telemetry.migrations import migrate
from rung.cascade.telemetry.opening import connect
from rung.cascade.telemetry.schema import MIGRATIONS, Migration

REQUEST = """
    INSERT INTO requests (id, at, language, kind, trigger, asked)
    VALUES ('old', '2026-01-01T00:00:00.000Z', 'python', 'line', 'automatic', 0)
"""


def database_of_version(path: Path, version: int) -> sqlite3.Connection:
    """As the rung that had this many migrations left it."""
    connection = sqlite3.connect(path, isolation_level=None)
    migrate(connection, MIGRATIONS[:version])
    return connection


def schema(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    return connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()


@pytest.mark.parametrize("version", range(len(MIGRATIONS) + 1))
def test_every_earlier_database_becomes_the_present_one_and_keeps_its_rows(tmp_path: Path, version: int) -> None:
    old = database_of_version(tmp_path / "old.db", version)
    if version:
        old.execute(REQUEST)
    old.close()
    new = connect(tmp_path / "old.db")
    fresh = connect(tmp_path / "fresh.db")
    assert schema(new) == schema(fresh)
    assert new.execute("SELECT count(*) FROM requests").fetchone()[0] == (1 if version else 0)
    new.close()
    fresh.close()


def test_migrations_are_recorded_by_name_with_their_time(tmp_path: Path) -> None:
    connection = connect(tmp_path / "rung.db")
    rows = connection.execute("SELECT name, applied_at FROM migrations ORDER BY name").fetchall()
    assert [name for name, _ in rows] == [migration.name for migration in MIGRATIONS]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", at) for _, at in rows)
    connection.close()


def test_a_migration_that_fails_leaves_nothing_of_itself(tmp_path: Path) -> None:
    connection = database_of_version(tmp_path / "rung.db", len(MIGRATIONS))
    before = schema(connection)
    broken = Migration("999 broken", ("CREATE TABLE half (x)", "CREATE TABLE requests (x)"))
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, (*MIGRATIONS, broken))
    assert schema(connection) == before
    assert connection.execute("SELECT count(*) FROM migrations").fetchone()[0] == len(MIGRATIONS)
    connection.close()


async def test_a_database_of_a_newer_rung_is_refused_with_a_sentence(tmp_path: Path) -> None:
    newer = database_of_version(tmp_path / "rung.db", len(MIGRATIONS))
    newer.execute("INSERT INTO migrations VALUES ('999 from the future', '')")
    newer.close()
    database = Database(tmp_path / "rung.db")
    with pytest.raises(DatabaseUnusable, match=r"newer rung \(it has “999 from the future”\): update rung"):
        await database.read(lambda connection: None)
    await database.close()


async def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "rung.db")
    other.execute("CREATE TABLE bookmarks (url)")
    database = Database(tmp_path / "rung.db")
    with pytest.raises(DatabaseUnusable, match="another program: set RUNG_DB"):
        await database.read(lambda connection: None)
    await database.close()
    assert schema(other) == [("bookmarks", "CREATE TABLE bookmarks (url)")]
    other.close()


OPEN_WHEN_TOLD = """
import sys
from pathlib import Path
from rung.cascade.telemetry.opening import connect
print("ready", flush=True)
sys.stdin.readline()
connection = connect(Path(sys.argv[1]))
print(connection.execute("SELECT count(*) FROM migrations").fetchone()[0])
connection.close()
"""


def test_processes_that_open_a_new_database_at_once_all_find_it_complete(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN_WHEN_TOLD, tmp_path / "rung.db"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.communicate(timeout=30)[0] for process in processes] == [f"{len(MIGRATIONS)}\n"] * 4
