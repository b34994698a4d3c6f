"""The figures of a strategy, beside those of the large rung alone on the same tasks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rung.cascade.bench.lines.simulate import Spent, Trace

_RESAMPLES = 10_000
_LEVELS = (2.5, 97.5)  # percent

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A difference, and the 95% interval of it: a paired bootstrap over the tasks."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Beside:
    """Against the large rung alone. exact: difference of the shares. calls, seconds: -0.25 is a quarter less."""

    exact: Interval
    calls: Interval
    seconds: Interval


@dataclass(frozen=True, slots=True)
class Row:
    """Of one strategy. exact, similarity, rejected: means, in [0, 1]. Seconds are virtual: what was measured, added up.

    first_s: mean until the first text. large_calls: of all tasks. usd: of all together. shown: tasks by the rung whose
    text was the last one; "" where nothing was shown. spent: by rung. beside: None for the large rung alone.
    """

    strategy: str
    thetas: tuple[float, ...]
    tasks: int
    exact: float
    similarity: float
    mean_s: float
    p50_s: float
    p90_s: float
    first_s: float
    rejected: float
    large_calls: int
    usd: float
    shown: dict[str, int]
    spent: dict[str, Spent]
    beside: Beside | None


def row(traces: Sequence[Trace], large_rung: str, large: Sequence[Trace] | None) -> Row:
    """large: the large rung alone, on the same tasks in the same order."""
    seconds = np.array([trace.seconds for trace in traces])
    p50, p90 = np.percentile(seconds, (50, 90))
    spent: dict[str, Spent] = {}
    for trace in traces:
        for rung, each in trace.spent.items():
            spent[rung] = spent.get(rung, Spent()) + each
    shown = [trace.shown or "" for trace in traces]
    return Row(
        strategy=traces[0].strategy,
        thetas=tuple(dict.fromkeys(trace.theta for trace in traces)),
        tasks=len(traces),
        exact=float(np.mean([trace.exact for trace in traces])),
        similarity=float(np.mean([trace.similarity for trace in traces])),
        mean_s=float(seconds.mean()),
        p50_s=float(p50),
        p90_s=float(p90),
        first_s=float(np.mean([trace.first_s for trace in traces])),
        rejected=float(np.mean([trace.rejected for trace in traces])),
        large_calls=spent.get(large_rung, Spent()).calls,
        usd=sum(trace.usd for trace in traces),
        shown={rung: shown.count(rung) for rung in sorted(set(shown))},
        spent=spent,
        beside=None if large is None else beside(traces, large, large_rung),
    )


def beside(traces: Sequence[Trace], large: Sequence[Trace], large_rung: str, seed: int = 0) -> Beside:
    """Raises ValueError where the tasks are not the same ones."""
    if [trace.case for trace in traces] != [trace.case for trace in large]:
        raise ValueError("the tasks differ")
    chosen = np.random.default_rng(seed).integers(len(traces), size=(_RESAMPLES, len(traces)))

    def interval(of: Callable[[Trace], float], difference: Callable[[Floats, Floats], Floats]) -> Interval:
        one, other = (np.array([of(trace) for trace in each], dtype=float) for each in (traces, large))
        value = difference(one.mean(keepdims=True), other.mean(keepdims=True))[0]
        low, high = np.percentile(difference(one[chosen].mean(axis=1), other[chosen].mean(axis=1)), _LEVELS)
        return Interval(float(value), float(low), float(high))

    return Beside(
        exact=interval(lambda trace: trace.exact, np.subtract),
        calls=interval(lambda trace: trace.spent.get(large_rung, Spent()).calls, _relative),
        seconds=interval(lambda trace: trace.seconds, _relative),
    )


def _relative(one: Floats, other: Floats) -> Floats:
    return np.divide(one, other, out=np.ones_like(one), where=other > 0) - 1
