"""Choosing θ by some packages and judging it by the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from statistics import mean

from rung.cascade.bench.lines.simulate import Trace

THETAS = tuple(round(0.1 * tenth, 1) for tenth in range(1, 10))


def halves(packages: Sequence[str], seed: int) -> tuple[frozenset[str], frozenset[str]]:
    """Two halves of the packages, at random. Where there is one package, both are that one."""
    names = sorted(set(packages))
    Random(f"{seed}/halves").shuffle(names)
    half = len(names) // 2
    return frozenset(names[:half] or names), frozenset(names[half:])


def choose(sweep: Mapping[float, Sequence[Trace]], large: Sequence[Trace]) -> float:
    """The θ of the lowest mean latency among those that are right at least as often as the large rung alone.

    The one that is right most often, where none is. Of equal ones the lowest, which asks the large rung less.
    sweep, large: of the same tasks.
    """
    wanted = _right(large)
    good = [theta for theta in sweep if _right(sweep[theta]) >= wanted]
    if good:
        return min(good, key=lambda theta: (mean(trace.seconds for trace in sweep[theta]), theta))
    return min(sweep, key=lambda theta: (-_right(sweep[theta]), theta))


def _right(traces: Sequence[Trace]) -> int:
    return sum(trace.exact for trace in traces)
