"""The numbers of a report. Money is in $, times in seconds, rates in [0, 1]; None where there is nothing to say."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rung.cascade.telemetry.outcome import Outcome


@dataclass(frozen=True, slots=True)
class KindFigures:
    """Requests of one kind of task and trigger, and how many of them got an answer."""

    kind: str
    trigger: str
    requests: int
    answered: int


@dataclass(frozen=True, slots=True)
class OutcomeFigures:
    """What became of answers. shown: those with an outcome. unreported: answers without one, most never shown."""

    counts: Mapping[str, int]
    unreported: int
    shown: int
    acceptance_rate: float | None  # accepted and partly accepted, of shown


@dataclass(frozen=True, slots=True)
class Latency:
    """Nearest-rank percentiles: each is a time that was measured. None where it would only name an outlier."""

    samples: int
    p50: float | None
    p90: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class RungFigures:
    """One rung, over all climbs that came to it.

    asked: how often it was. latency: of what came to an attempt. at_bound_usd: the part of spent_usd that nobody
    counted (crashed, cut off), taken at its most. uncounted: how often the server did not count the tokens.
    """

    rung: str
    decisions: Mapping[str, int]
    asked: int
    mean_score: float | None
    latency: Latency
    outcomes: OutcomeFigures
    spent_usd: float
    at_bound_usd: float
    uncounted: int


@dataclass(frozen=True, slots=True)
class TopPrice:
    """A top rung at one price, in $ per million tokens."""

    rung: str
    input_usd: float
    output_usd: float
    requests: int


@dataclass(frozen=True, slots=True)
class AlwaysTop:
    """What the same requests would have cost, had each gone to the ladder's top rung at once: an estimate.

    counted_usd: of requests for which the top rung was asked: what it cost. estimated_usd: of the others: tokens of
    prompt and answer of the rung that answered, at the top rung's price of that day. without_basis: requests for which
    nothing was tried, or which the top rung may not see; they count as free.
    """

    usd: float
    counted_usd: float
    counted_requests: int
    estimated_usd: float
    estimated_requests: int
    without_basis: int
    prices: tuple[TopPrice, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """All of it. since: UTC text, None for all time. project: its root, None for all. rungs: in the ladder's order.

    escalation_rate: of the requests for which a rung was asked, those for which a second was.
    saved_share: of `always_top.usd`; below 0 if the ladder cost more.
    """

    since: str | None
    project: str | None
    requests: int
    answered: int
    kinds: tuple[KindFigures, ...]
    outcomes: OutcomeFigures
    escalated: int
    escalation_rate: float | None
    latency: Latency
    rungs: tuple[RungFigures, ...]
    spent_usd: float
    always_top: AlwaysTop
    saved_share: float | None


def latency_of(seconds: Sequence[float]) -> Latency:
    """A percentile p needs 1 / (1 - p) samples, else it is no more than the maximum: 2, 10 and 100; p50 takes 1."""
    ordered = sorted(seconds)

    def percentile(percent: int, needed: int) -> float | None:
        return ordered[math.ceil(len(ordered) * percent / 100) - 1] if len(ordered) >= needed else None

    return Latency(len(ordered), percentile(50, 1), percentile(90, 10), percentile(99, 100))


def outcomes_of(counts: Mapping[str | None, int]) -> OutcomeFigures:
    """counts: of answers by outcome, None for those without."""
    known = {outcome.value: counts.get(outcome, 0) for outcome in Outcome}
    shown = sum(known.values())
    accepted = known[Outcome.ACCEPTED] + known[Outcome.PARTLY_ACCEPTED]
    return OutcomeFigures(known, counts.get(None, 0), shown, rate(accepted, shown))


def rate(part: float, whole: float) -> float | None:
    """None of nothing."""
    return part / whole if whole else None
