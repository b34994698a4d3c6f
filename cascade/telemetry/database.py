"""The database as asyncio sees it: one thread with one connection, one transaction after the other."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from rung.cascade.telemetry.errors import DatabaseUnusable, unusable
from rung.cascade.telemetry.migrations import transaction
from rung.cascade.telemetry.opening import connect, default_path

MAX_PENDING = 256
"""Transactions that may wait; what comes on top while the file is locked is lost, and said."""

CLOSE_S = 5.0

T = TypeVar("T")


class Database:
    """The file behind Telemetry and Budget; both of a process share one.

    Opened with the first transaction, and anew if the file was moved away. path: None for the default.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or default_path()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="rung-database")
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._pending = 0
        self._closed = False

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """`work` in a transaction that no other process can come between.

        It runs even if the awaiting task is cancelled. Raises DatabaseUnusable.
        """
        return await self._queue(lambda: self._transact("BEGIN IMMEDIATE", work))

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """`work` on one state of the database, whatever is written meanwhile. Raises DatabaseUnusable."""
        return await self._queue(lambda: self._transact("BEGIN", work))

    async def close(self) -> None:
        """Finish what waits, within CLOSE_S; more than once is allowed."""
        if self._closed:
            return
        self._closed = True
        closing = asyncio.wrap_future(self._thread.submit(self._disconnect))
        await asyncio.wait([closing], timeout=CLOSE_S)
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _queue(self, job: Callable[[], T | DatabaseUnusable]) -> T:
        if self._closed:
            raise DatabaseUnusable(f"The database {self.path} is closed.")
        if self._pending >= MAX_PENDING:
            raise DatabaseUnusable(f"The database {self.path} is too slow: {MAX_PENDING} writes wait for it.")
        self._pending += 1
        future = asyncio.wrap_future(self._thread.submit(job))
        future.add_done_callback(self._done)
        try:
            result = await asyncio.shield(future)
        except asyncio.CancelledError:
            if future.cancelled():  # by `close`, not by who awaits this
                raise DatabaseUnusable(f"The database {self.path} was closed before it answered.") from None
            raise
        if isinstance(result, DatabaseUnusable):
            raise result
        return result

    def _done(self, _: object) -> None:
        self._pending -= 1

    # From here on in the thread.

    def _transact(self, begin: str, work: Callable[[sqlite3.Connection], T]) -> T | DatabaseUnusable:
        """An unusable database is returned, not raised: nobody may be left to fetch the exception."""
        try:
            connection = self._connected()
            with transaction(connection, begin):
                return work(connection)
        except DatabaseUnusable as error:
            return error
        except (sqlite3.Error, OSError) as error:
            return unusable(self.path, error)

    def _connected(self) -> sqlite3.Connection:
        if self._connection and self._file != _identity(self.path):
            self._disconnect()  # moved away or deleted: SQLite would go on writing where nobody reads
        if self._connection is None:
            self._connection = connect(self.path)
            self._file = _identity(self.path)
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection:
            with contextlib.suppress(sqlite3.Error):
                connection.close()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino
