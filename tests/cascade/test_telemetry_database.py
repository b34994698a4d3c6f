"""The file and what can be wrong with it."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rung.cascade.telemetry import Database, DatabaseUnusable
from rung.cascade.telemetry.database import MAX_PENDING
from rung.cascade.telemetry.opening import default_path

INSERT = """
    INSERT INTO ledger (at, request_id, rung, state, tokens, nano_usd, expires_at)
    VALUES ('', '', '', 'settled', 1, 1, '')
"""


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(tmp_path / "folder" / "rung.db")
    yield database
    await database.close()


def insert(connection: sqlite3.Connection) -> None:
    connection.execute(INSERT)


def entries(connection: sqlite3.Connection) -> int:
    (number,) = connection.execute("SELECT count(*) FROM ledger").fetchone()
    return int(number)


def test_the_environment_names_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNG_DB", "~/elsewhere.db")
    assert default_path() == Path.home() / "elsewhere.db"
    monkeypatch.delenv("RUNG_DB")
    assert default_path().name == "rung.db"


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
async def test_only_the_owner_reads_the_database_its_log_and_its_folder(database: Database) -> None:
    before = os.umask(0)
    try:
        await database.write(insert)
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in database.path.parent.iterdir()}
    assert modes == {"rung.db": 0o600, "rung.db-wal": 0o600, "rung.db-shm": 0o600}
    assert stat.S_IMODE(database.path.parent.stat().st_mode) == 0o700


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
async def test_a_file_that_others_could_read_is_closed_to_them(database: Database) -> None:
    database.path.parent.mkdir()
    database.path.touch(0o644)
    await database.write(insert)
    assert stat.S_IMODE(database.path.stat().st_mode) == 0o600


async def test_a_write_that_fails_leaves_nothing_and_the_next_one_works(database: Database) -> None:
    def half(connection: sqlite3.Connection) -> None:
        insert(connection)
        connection.execute("INSERT INTO no_such_table VALUES (1)")

    with pytest.raises(DatabaseUnusable, match="no_such_table"):
        await database.write(half)
    await database.write(insert)
    assert await database.read(entries) == 1


async def test_a_damaged_file_is_said_and_a_new_one_is_used_once_it_is_moved_away(database: Database) -> None:
    database.path.parent.mkdir()
    database.path.write_bytes(b"this is no database, but long enough to look at" * 100)
    with pytest.raises(DatabaseUnusable, match="damaged or no database; move it away"):
        await database.write(insert)
    database.path.rename(database.path.with_suffix(".bad"))
    await database.write(insert)
    assert await database.read(entries) == 1


async def test_a_deleted_file_is_made_anew_instead_of_written_where_nobody_reads(database: Database) -> None:
    await database.write(insert)
    for path in list(database.path.parent.iterdir()):
        path.unlink()
    await database.write(insert)
    assert database.path.exists()
    assert await database.read(entries) == 1


async def test_a_locked_database_is_given_up_after_a_second(database: Database) -> None:
    await database.write(insert)
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    async with asyncio.timeout(10):
        with pytest.raises(DatabaseUnusable, match="locked by another program"):
            await database.write(insert)
        assert await database.read(entries) == 1, "readers are not locked out"
    other.execute("ROLLBACK")
    await database.write(insert)
    other.close()


async def test_a_full_disk_is_said_and_loses_nothing_that_was_there(database: Database) -> None:
    await database.write(insert)

    def fill(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # SQLite's own limit gives SQLite's own SQLITE_FULL
        connection.executemany(INSERT, [()] * 2000)

    with pytest.raises(DatabaseUnusable, match="disk is full"):
        await database.write(fill)
    assert await database.read(entries) == 1


async def test_a_read_only_database_is_said(database: Database) -> None:
    def insert_read_only(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA query_only = ON")  # SQLite's own switch, so that it holds for root too
        insert(connection)

    await database.write(insert)
    with pytest.raises(DatabaseUnusable, match="is read-only; make the file"):
        await database.write(insert_read_only)
    assert await database.read(entries) == 1


async def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    database = Database(tmp_path / "file" / "rung.db")
    with pytest.raises(DatabaseUnusable, match="cannot be opened"):
        await database.write(insert)
    await database.close()


async def test_a_write_whose_caller_is_cancelled_is_still_made(database: Database) -> None:
    began, go_on = threading.Event(), threading.Event()

    def slow(connection: sqlite3.Connection) -> None:
        began.set()
        go_on.wait(10)
        insert(connection)

    running = asyncio.create_task(database.write(slow))
    waiting = asyncio.create_task(database.write(insert))
    await asyncio.to_thread(began.wait, 10)
    running.cancel()
    waiting.cancel()
    await asyncio.wait([running, waiting])
    assert running.cancelled()
    assert waiting.cancelled()
    go_on.set()
    assert await database.read(entries) == 2


async def test_writes_do_not_pile_up_without_end(database: Database) -> None:
    began, go_on = threading.Event(), threading.Event()

    def slow(connection: sqlite3.Connection) -> None:
        began.set()
        go_on.wait(10)

    waiting = [asyncio.create_task(database.write(slow))]
    await asyncio.to_thread(began.wait, 10)
    waiting += [asyncio.create_task(database.write(insert)) for _ in range(MAX_PENDING)]
    done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    assert len(done) == 1
    with pytest.raises(DatabaseUnusable, match="too slow"):
        await done.pop()
    go_on.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert sum(result is None for result in results) == MAX_PENDING
    assert await database.read(entries) == MAX_PENDING - 1


async def test_closing_finishes_what_waits_and_then_refuses(database: Database) -> None:
    writes = [asyncio.create_task(database.write(insert)) for _ in range(20)]
    await asyncio.sleep(0)  # each is in the queue now
    await database.close()
    await database.close()
    assert all(write.done() and write.exception() is None for write in writes)
    with pytest.raises(DatabaseUnusable, match="is closed"):
        await database.write(insert)
