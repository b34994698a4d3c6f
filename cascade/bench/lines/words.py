"""How figures are written in tables."""

from __future__ import annotations

from rung.cascade.bench.lines.figures import Beside, Interval, Row
from rung.cascade.bench.lines.results import Results
from rung.cascade.bench.lines.strategy import BOTH, LARGE_ONLY

COLUMNS = (
    *("strategy", "tasks", "θ", "exact", "similarity", "mean s", "p50 s", "p90 s", "first text s", "rejected"),
    *("large calls", "$ per 1,000", "shown by small", "by large", "nothing"),
)
# Calls and tokens are per task, seconds per call.
SPENT_COLUMNS = (
    "strategy",
    "rung",
    "calls",
    "prompt",
    "of these cached",
    "generated",
    "of these from drafts",
    "s a call",
)
# MCCom's averages over its benchmarks: calls of the large model and latency, against asking it always.
_CALLS, _SECONDS = -0.46, -0.25


def cells(results: Results, row: Row) -> list[str]:
    """In the order of `COLUMNS`."""
    return [
        row.strategy,
        str(row.tasks),
        "" if row.thetas == (0.0,) else " / ".join(f"{theta:g}" for theta in sorted(row.thetas)),
        f"{row.exact:.1%}",
        f"{row.similarity:.1%}",
        f"{row.mean_s:.2f}",
        f"{row.p50_s:.2f}",
        f"{row.p90_s:.2f}",
        f"{row.first_s:.2f}",
        f"{row.rejected:.0%}",
        f"{row.large_calls / row.tasks:.0%}",
        f"{row.usd / row.tasks * 1000:.4f}",
        f"{row.shown.get(results.small, 0) / row.tasks:.0%}",
        f"{row.shown.get(results.large, 0) / row.tasks:.0%}",
        f"{row.shown.get('', 0) / row.tasks:.0%}",
    ]


def compared(strategy: str, beside: Beside) -> list[str]:
    """Strategy, and the differences of exact match, large calls and mean latency."""
    return [strategy, *(interval_text(each) for each in (beside.exact, beside.calls, beside.seconds))]


def spent_rows(results: Results) -> list[list[str]]:
    """In the order of `SPENT_COLUMNS`."""
    return [
        [
            row.strategy,
            rung,
            f"{spent.calls / row.tasks:.2f}",
            f"{spent.prompt / row.tasks:.0f}",
            f"{spent.cached / row.tasks:.0f}",
            f"{spent.generated / row.tasks:.1f}",
            f"{spent.accepted / row.tasks:.1f}",
            f"{spent.seconds / spent.calls:.2f}",
        ]
        for row in results.rows
        for rung, spent in row.spent.items()
    ]


def interval_text(interval: Interval) -> str:
    return f"{interval.value:+.1%} ({interval.low:+.1%} … {interval.high:+.1%})"


def verdict(results: Results) -> list[str]:
    """What MCCom's averages ask for, beside what was measured."""
    rows = {row.strategy: row for row in results.rows}
    both, alone = rows[BOTH.name], rows[LARGE_ONLY.name]
    beside = both.beside
    assert beside is not None
    lines = [
        _said("Large calls", beside.calls, _CALLS),
        _said("Mean latency", beside.seconds, _SECONDS),
        f"Exact match: {both.exact:.1%}, the large rung alone {alone.exact:.1%}: "
        f"{interval_text(beside.exact)}, {'not below it' if beside.exact.value >= 0 else 'below it'}.",
    ]
    warm = [
        f"{rung} had {spent.cached / spent.prompt:.0%} of its prompts' tokens in its cache ({row.strategy}): these "
        "calls were not cold."
        for row in results.rows
        for rung, spent in row.spent.items()
        if spent.prompt and spent.cached > 0.05 * spent.prompt and not results.asked.warm
    ]
    return lines + warm


def _said(what: str, interval: Interval, wanted: float) -> str:
    met = "met" if interval.value <= wanted else f"missed by {interval.value - wanted:.1%}"
    return f"{what} against the large rung alone: {interval_text(interval)}; {wanted:.0%} was wanted, {met}."
