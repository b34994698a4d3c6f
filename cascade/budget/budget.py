"""Reserve before a remote rung is asked, settle when it has answered."""

from __future__ import annotations

import asyncio
import math
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rung.cascade.budget import ledger
from rung.cascade.budget.limits import Limits, nano_usd
from rung.cascade.telemetry.clock import Clock, utc_text
from rung.cascade.telemetry.database import Database
from rung.cascade.telemetry.errors import DatabaseUnusable, Tell, TellOnce
from rung.cascade.telemetry.project import project_key, storable
from rung.cascade.telemetry.schema import NANO
from rung.models.protocol import Usage

CHECK_S = 1.5
"""A completion waits no longer than this for its budget to be checked."""

_MOST_TOKENS = 10**12
_MOST_USD = 10**6


@dataclass(frozen=True, slots=True)
class Refusal:
    """The rung must not be asked. reason: a sentence for the user."""

    reason: str


@dataclass(frozen=True, slots=True)
class Spent:
    """For a status line; what is reserved counts as spent."""

    usd_today: float
    tokens_today: int
    escalations_this_hour: int
    limits: Limits


class Reservation:
    """Money and tokens that are held until one of its methods is called; the first call counts.

    If none is (a crash; a request that was cancelled after it was sent, so that nobody knows its price), what was
    reserved stays spent. No method raises.
    """

    def __init__(self, database: Database, entry_id: int | None, tell: Tell) -> None:
        self._database = database
        self._entry_id = entry_id
        self._tell = tell

    async def settle(self, usage: Usage, usd: float) -> None:
        """Put what was counted in the place of the bound, even if it is more. usd: the price of `usage`."""
        tokens = usage.prompt + usage.generated
        if not _sane(tokens, usd):
            self._tell(
                f"The server counted {tokens} tokens for {usd} $, which cannot be: the most it could be is kept."
            )
            return
        await self._close("settled", tokens, nano_usd(usd))

    async def release(self) -> None:
        """Nothing was sent: nothing is spent, and no escalation is counted."""
        await self._close("released", 0, 0)

    async def _close(self, state: str, tokens: int, nano: int) -> None:
        entry_id, self._entry_id = self._entry_id, None
        if entry_id is None:
            return
        try:
            await self._database.write(lambda connection: ledger.close(connection, entry_id, state, tokens, nano))
        except DatabaseUnusable as error:
            self._tell(f"What a remote rung cost was not counted and its most is kept as spent: {error}")


class Budget:
    """The limits of one project, kept over all processes that share the database.

    project: its root folder; None for files outside any. tell: gets one sentence when the ledger first fails.
    now: decides which day and hour it is; a test's clock.
    """

    def __init__(
        self,
        database: Database,
        limits: Limits,
        project: Path | None,
        *,
        tell: Tell | None = None,
        now: Clock = time.time,
    ) -> None:
        self._database = database
        self._limits = limits
        self._project = project
        self._tell = TellOnce(tell)
        self._now = now
        self._giving_back: set[asyncio.Task[None]] = set()

    async def reserve(
        self, request_id: str, rung: str, *, tokens: int, usd: float, expires_s: float
    ) -> Reservation | Refusal:
        """Hold `tokens` and `usd` for one escalation, unless a limit would be broken.

        Both are upper bounds, of prompt and answers together. expires_s: after it the request cannot be under way any
        more (the rung's whole timeout and a margin). A database that cannot be asked refuses, unless there is no limit.
        """
        if not _sane(tokens, usd):
            return Refusal(f"{rung} was not asked: {tokens} tokens for {usd} $ cannot be checked against the budget.")
        checking = asyncio.create_task(self._database.write(self._reserving(request_id, rung, tokens, usd, expires_s)))
        try:
            async with asyncio.timeout(CHECK_S):
                granted = await asyncio.shield(checking)
        except TimeoutError:
            self._give_back(checking)
            return self._unchecked(rung, f"The database {self._database.path} did not answer within {CHECK_S:g} s.")
        except asyncio.CancelledError:
            self._give_back(checking)
            raise
        except DatabaseUnusable as error:
            return self._unchecked(rung, str(error))
        return Refusal(granted) if isinstance(granted, str) else self._reservation(granted)

    async def spent(self) -> Spent | None:
        """What counts now; None if the database is unusable."""
        try:
            totals = await self._database.write(
                lambda connection: ledger.totals(connection, project_key(self._project), self._now())
            )
        except DatabaseUnusable as error:
            self._tell(f"What was spent is not known: {error}")
            return None
        return Spent(totals.nano_usd_today / NANO, totals.tokens_today, totals.escalations_this_hour, self._limits)

    def _reserving(
        self, request_id: str, rung: str, tokens: int, usd: float, expires_s: float
    ) -> Callable[[sqlite3.Connection], int | str]:
        def reserving(connection: sqlite3.Connection) -> int | str:
            now = self._now()
            entry = ledger.Entry(
                project_key(self._project),
                storable(request_id),
                storable(rung),
                tokens,
                nano_usd(usd),
                utc_text(now + expires_s),
            )
            return ledger.reserve(connection, entry, self._limits, now)

        return reserving

    def _reservation(self, entry_id: int | None) -> Reservation:
        return Reservation(self._database, entry_id, self._tell)

    def _unchecked(self, rung: str, why: str) -> Reservation | Refusal:
        if self._limits:
            return Refusal(f"{rung} was not asked because its budget cannot be checked: {why}")
        self._tell(f"What remote rungs cost is not counted: {why}")
        return self._reservation(None)

    def _give_back(self, checking: asyncio.Task[int | str]) -> None:
        """Release what is reserved after nobody waits for it any more."""

        async def release() -> None:
            try:
                granted = await checking
            except DatabaseUnusable:
                return
            if isinstance(granted, int):
                await self._reservation(granted).release()

        task = asyncio.create_task(release())
        self._giving_back.add(task)
        task.add_done_callback(self._giving_back.discard)


def _sane(tokens: int, usd: float) -> bool:
    return 0 <= tokens <= _MOST_TOKENS and math.isfinite(usd) and 0 <= usd <= _MOST_USD
