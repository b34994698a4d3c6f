"""The ledger's table. An entry counts from its reservation on, so a crash can lose no money.

reserved ── settle ──> settled: what was counted
    │ └──── release ─> released: nothing was sent; counts as nothing
    └─ expires_at ───> expired: whoever reserved it has died or could not write; counts in full, at its bound
expired ──── settle, release: as if it were still reserved (a clock may have jumped)

All functions are called within a transaction of a connection that may write.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from rung.cascade.budget.limits import Limits, nano_usd
from rung.cascade.budget.windows import around_hour, local_day
from rung.cascade.telemetry.clock import utc_text
from rung.cascade.telemetry.schema import NANO


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be reserved: an upper bound of tokens and money."""

    project: str | None
    request_id: str
    rung: str
    tokens: int
    nano_usd: int
    expires_at: str


@dataclass(frozen=True, slots=True)
class Totals:
    """What counts at a time: spent, and reserved at its bound."""

    nano_usd_today: int
    tokens_today: int
    escalations_this_hour: int


def totals(connection: sqlite3.Connection, project: str | None, now: float) -> Totals:
    """Of one project."""
    connection.execute(
        "UPDATE ledger SET state = 'expired' WHERE state = 'reserved' AND expires_at < ?", (utc_text(now),)
    )
    usd, tokens = connection.execute(
        "SELECT coalesce(sum(nano_usd), 0), coalesce(sum(tokens), 0) FROM ledger"
        " WHERE project IS ? AND at >= ? AND at < ?",
        (project, *local_day(now)),
    ).fetchone()
    (escalations,) = connection.execute(
        "SELECT count(*) FROM ledger WHERE project IS ? AND at > ? AND at < ? AND state != 'released'",
        (project, *around_hour(now)),
    ).fetchone()
    return Totals(usd, tokens, escalations)


def reserve(connection: sqlite3.Connection, entry: Entry, limits: Limits, now: float) -> int | str:
    """The new entry's id, or the sentence why there is none."""
    refusal = _refusal(totals(connection, entry.project, now), entry, limits)
    if refusal:
        return refusal
    cursor = connection.execute(
        "INSERT INTO ledger (at, project, request_id, rung, state, tokens, nano_usd, expires_at)"
        " VALUES (?, ?, ?, ?, 'reserved', ?, ?, ?)",
        (utc_text(now), entry.project, entry.request_id, entry.rung, entry.tokens, entry.nano_usd, entry.expires_at),
    )
    assert cursor.lastrowid is not None  # an INSERT has one
    return cursor.lastrowid


def close(connection: sqlite3.Connection, entry_id: int, state: str, tokens: int, nano: int) -> None:
    """Put what was counted in the place of the bound; the first close counts. state: settled or released."""
    connection.execute(
        "UPDATE ledger SET state = ?, tokens = ?, nano_usd = ? WHERE id = ? AND state IN ('reserved', 'expired')",
        (state, tokens, nano, entry_id),
    )


def _refusal(spent: Totals, new: Entry, limits: Limits) -> str:
    """The first limit that `new` would break, as a sentence; empty if none. What costs nothing breaks no limit."""
    usd, tokens, escalations = limits.usd_per_day, limits.tokens_per_day, limits.escalations_per_hour
    if usd is not None and new.nano_usd and spent.nano_usd_today + new.nano_usd > nano_usd(usd):
        left = max(nano_usd(usd) - spent.nano_usd_today, 0) / NANO
        return (
            f"{new.rung} was not asked: it may cost {new.nano_usd / NANO:.4f} $, and {left:.4f} $ are left of this "
            f"project's {usd:g} $ a day; raise usd_per_day or wait for midnight."
        )
    if tokens is not None and new.tokens and spent.tokens_today + new.tokens > tokens:
        return (
            f"{new.rung} was not asked: it may take {new.tokens} tokens, and {max(tokens - spent.tokens_today, 0)} are "
            f"left of this project's {tokens} a day; raise tokens_per_day or wait for midnight."
        )
    if escalations is not None and spent.escalations_this_hour >= escalations:
        return (
            f"{new.rung} was not asked: the {escalations} escalations an hour of this project are used up; "
            "raise escalations_per_hour or wait."
        )
    return ""
