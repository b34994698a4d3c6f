"""Computes a report from the database."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rung.cascade.telemetry.clock import utc_text
from rung.cascade.telemetry.figures import (
    AlwaysTop,
    KindFigures,
    Report,
    RungFigures,
    TopPrice,
    latency_of,
    outcomes_of,
    rate,
)
from rung.cascade.telemetry.project import project_key
from rung.cascade.telemetry.schema import NANO


def compute_report(connection: sqlite3.Connection, *, since: float | None, project: Path | None) -> Report:
    """since: seconds since 1970, None for all time. project: None for all. For `Database.read`."""
    scope = _Scope(connection, None if since is None else utc_text(since), project_key(project))
    kinds = tuple(KindFigures(*row) for row in scope.rows(_KINDS))
    outcomes = _outcomes(scope)
    ((asked, escalated),) = scope.rows(_ESCALATIONS)
    rungs = _rungs(scope, outcomes)
    spent = sum(rung.spent_usd for rung in rungs)
    always_top = _always_top(scope)
    return Report(
        since=scope.since,
        project=scope.project,
        requests=sum(kind.requests for kind in kinds),
        answered=sum(kind.answered for kind in kinds),
        kinds=kinds,
        outcomes=outcomes_of(sum(outcomes.values(), Counter())),
        escalated=escalated,
        escalation_rate=rate(escalated, asked),
        latency=latency_of([seconds for (seconds,) in scope.rows(_ANSWER_SECONDS)]),
        rungs=rungs,
        spent_usd=spent,
        always_top=always_top,
        saved_share=rate(always_top.usd - spent, always_top.usd),
    )


class _Scope:
    """Which rows a report is of. `{scope}` in a query stands for the condition on the table `r`."""

    def __init__(self, connection: sqlite3.Connection, since: str | None, project: str | None) -> None:
        self._connection = connection
        self.since = since
        self.project = project
        conditions = ["1"]
        if since is not None:
            conditions.append("r.at >= :since")
        if project is not None:
            conditions.append("r.project = :project")
        self._condition = " AND ".join(conditions)

    def rows(self, query: str) -> Iterator[Any]:
        parameters = {"since": self.since, "project": self.project}
        return self._connection.execute(query.replace("{scope}", self._condition), parameters)


def _outcomes(scope: _Scope) -> dict[str, Counter[str | None]]:
    """Counts by outcome for each rung that answered."""
    found: dict[str, Counter[str | None]] = defaultdict(Counter)
    for rung, outcome, number in scope.rows(_OUTCOMES):
        found[rung][outcome] = number
    return found


def _rungs(scope: _Scope, outcomes: dict[str, Counter[str | None]]) -> tuple[RungFigures, ...]:
    decisions: dict[str, dict[str, int]] = defaultdict(dict)
    asked: dict[str, int] = defaultdict(int)
    uncounted: dict[str, int] = defaultdict(int)
    position: dict[str, int] = {}
    spent: dict[str, float] = defaultdict(float)
    for rung, decision, number, were_asked, were_uncounted, first, usd in scope.rows(_DECISIONS):
        decisions[rung][decision] = number
        asked[rung] += were_asked
        uncounted[rung] += were_uncounted
        position[rung] = min(position.get(rung, first), first)
        spent[rung] += usd
    attempts: dict[str, list[tuple[float, float | None]]] = defaultdict(list)
    for rung, seconds, score in scope.rows(_ATTEMPTS):
        attempts[rung].append((seconds, score))
    at_bound: dict[str, float] = {}
    for rung, nano, nano_at_bound in scope.rows(_LEDGER):
        spent[rung] += nano / NANO
        at_bound[rung] = nano_at_bound / NANO
    last = len(position)  # a rung that is only in the ledger: the climb was lost
    return tuple(
        RungFigures(
            rung=rung,
            decisions=decisions.get(rung, {}),
            asked=asked.get(rung, 0),
            mean_score=_mean([score for _, score in attempts[rung] if score is not None]),
            latency=latency_of([seconds for seconds, _ in attempts[rung]]),
            outcomes=outcomes_of(outcomes.get(rung, {})),
            spent_usd=spent[rung],
            at_bound_usd=at_bound.get(rung, 0.0),
            uncounted=uncounted.get(rung, 0),
        )
        for rung in sorted(set(position) | set(spent), key=lambda rung: (position.get(rung, last), rung))
    )


def _always_top(scope: _Scope) -> AlwaysTop:
    ((counted_requests, counted, estimated_requests, estimated, without_basis),) = scope.rows(_ALWAYS_TOP)
    prices = tuple(TopPrice(*row) for row in scope.rows(_PRICES))
    return AlwaysTop(
        counted + estimated, counted, counted_requests, estimated, estimated_requests, without_basis, prices
    )


_KINDS = """
    SELECT kind, trigger, count(*), count(answered_by) FROM requests r WHERE {scope}
    GROUP BY kind, trigger ORDER BY kind, trigger
"""

_OUTCOMES = """
    SELECT answered_by, outcome, count(*) FROM requests r WHERE {scope} AND answered_by IS NOT NULL
    GROUP BY answered_by, outcome
"""

_ESCALATIONS = """
    SELECT count(*), coalesce(sum(asked > 1), 0) FROM requests r WHERE {scope} AND asked > 0
"""

_ANSWER_SECONDS = """
    SELECT seconds FROM requests r WHERE {scope} AND answered_by IS NOT NULL AND seconds IS NOT NULL
"""


def _mean(values: list[float]) -> float | None:
    return rate(sum(values), len(values))


# What the ledger has is left to _LEDGER, so that nothing is counted twice.
_DECISIONS = """
    SELECT s.rung, s.decision, count(*), sum(s.asked), sum(NOT s.counted), min(s.position),
        coalesce(sum(CASE WHEN s.remote AND EXISTS (
            SELECT 1 FROM ledger l WHERE l.request_id = s.request_id AND l.rung = s.rung AND l.state != 'released'
        ) THEN 0 ELSE s.cost_usd END), 0)
    FROM requests r JOIN steps s ON s.request_id = r.id WHERE {scope} GROUP BY s.rung, s.decision
"""

_ATTEMPTS = """
    SELECT s.rung, s.seconds, s.score FROM requests r JOIN steps s ON s.request_id = r.id
    WHERE {scope} AND s.seconds IS NOT NULL
    AND s.decision IN ('below_theta', 'nothing_to_add', 'adopted', 'adopted_unchecked')
"""

# Also of requests that were never recorded: their climb was cut off, their money is gone.
_LEDGER = """
    SELECT rung, sum(nano_usd), sum(CASE WHEN state != 'settled' THEN nano_usd ELSE 0 END) FROM ledger r
    WHERE {scope} AND state != 'released' GROUP BY rung
"""

_ALWAYS_TOP = f"""
    SELECT
        count(counted), coalesce(sum(counted), 0),
        count(CASE WHEN counted IS NULL THEN estimated END),
        coalesce(sum(CASE WHEN counted IS NULL THEN estimated END), 0),
        count(CASE WHEN counted IS NULL AND estimated IS NULL THEN 1 END)
    FROM (
        SELECT
            CASE WHEN r.top_cost_usd IS NOT NULL THEN coalesce(
                (
                    SELECT sum(l.nano_usd) / {NANO}.0 FROM ledger l
                    WHERE l.request_id = r.id AND l.rung = r.top_rung AND l.state != 'released'
                ),
                r.top_cost_usd
            ) END AS counted,
            (r.basis_prompt * r.top_input_usd + r.basis_answer * r.top_output_usd) / 1e6 AS estimated
        FROM requests r WHERE {{scope}}
    )
"""

_PRICES = """
    SELECT top_rung, top_input_usd, top_output_usd, count(*) FROM requests r WHERE {scope} AND top_rung IS NOT NULL
    GROUP BY top_rung, top_input_usd, top_output_usd ORDER BY count(*) DESC
"""
