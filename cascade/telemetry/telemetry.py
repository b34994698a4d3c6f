"""Keeps what every request did, and what became of its answer."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path

from rung.cascade.attempt import Climb
from rung.cascade.ladder import Ladder
from rung.cascade.telemetry.clock import Clock, utc_text
from rung.cascade.telemetry.database import Database
from rung.cascade.telemetry.errors import DatabaseUnusable, Tell, TellOnce
from rung.cascade.telemetry.outcome import Outcome, replaces
from rung.cascade.telemetry.project import project_key, storable
from rung.cascade.telemetry.rows import Row, request_row, step_rows, step_text_rows, text_row
from rung.cascade.trigger import Trigger


class Telemetry:
    """Counts, scores, costs, times and outcomes, in a file of this machine.

    The project's root folder is kept, so that a report can be of one project; the file's name is not. source_text: the
    text around the cursor, the answer and the steps' reasons are kept too. tell: gets one sentence when something is
    lost for the first time; a completion never fails for it. now: the time of what is recorded.
    """

    def __init__(
        self, database: Database, *, source_text: bool = False, tell: Tell | None = None, now: Clock = time.time
    ) -> None:
        self._database = database
        self._source_text = source_text
        self._tell = TellOnce(tell)
        self._now = now

    async def record(self, climb: Climb, *, trigger: Trigger, project: Path | None, ladder: Ladder) -> None:
        """Store a request. An id that is known already changes nothing. ladder: the one that was climbed."""
        row = request_row(climb, trigger, ladder) | {"at": utc_text(self._now())}

        def store(connection: sqlite3.Connection) -> None:
            if not _insert(connection, "requests", [row | {"project": project_key(project)}]):
                return
            _insert(connection, "steps", step_rows(climb))
            if self._source_text:
                _insert(connection, "texts", [text_row(climb)])
                _insert(connection, "step_texts", step_text_rows(climb))

        try:
            await self._database.write(store)
        except DatabaseUnusable as error:
            self._tell(f"Completions are not recorded: {error}")

    async def outcome(self, request_id: str, outcome: Outcome) -> bool:
        """Store what became of an answer, unless a decisive outcome is there (see `replaces`).

        False where no such request was recorded, or the database is unusable.
        """
        key, at = storable(request_id), utc_text(self._now())

        def store(connection: sqlite3.Connection) -> bool:
            found = connection.execute("SELECT outcome FROM requests WHERE id = ?", (key,)).fetchone()
            if found is None:
                return False
            if replaces(outcome, Outcome(found[0]) if found[0] else None):
                connection.execute("UPDATE requests SET outcome = ?, outcome_at = ? WHERE id = ?", (outcome, at, key))
            return True

        try:
            return await self._database.write(store)
        except DatabaseUnusable as error:
            self._tell(f"Outcomes of completions are not recorded: {error}")
            return False


def _insert(connection: sqlite3.Connection, table: str, rows: Iterable[Row]) -> bool:
    """Whether the last row was new. Columns are the rows' keys, which are rung's own words."""
    new = False
    for row in rows:
        columns, marks = ", ".join(row), ", ".join(f":{column}" for column in row)
        cursor = connection.execute(
            f"INSERT INTO {table} ({columns}) VALUES ({marks}) ON CONFLICT DO NOTHING",
            row,
        )
        new = cursor.rowcount == 1
    return new
