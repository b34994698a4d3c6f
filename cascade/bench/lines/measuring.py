"""All strategies on all tasks, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rung.cascade.bench.begin import Begin
from rung.cascade.bench.lines.case import Case
from rung.cascade.bench.lines.simulate import Climber, Trace, simulate
from rung.cascade.bench.lines.strategy import ABLATIONS, BOTH, LARGE_ONLY, STRATEGIES, Strategy
from rung.cascade.bench.lines.thetas import THETAS, choose, halves

# Tasks that all strategies work on before the next ones: a machine that is slower for a while is so for all of them.
# Enough that a model has forgotten a task before it is asked about it again.
_BLOCK = 48

Sweep = Mapping[float, Sequence[Trace]]
Halves = tuple[frozenset[str], frozenset[str]]


@dataclass(frozen=True, slots=True)
class Measured:
    """judged: the traces of each strategy, of all tasks in their order, each at the θ that the other half chose.

    What is without a mechanism is judged on the first tasks only, where so few were asked for; then so are those that
    it is compared with, once more, under names of their own.
    sweeps: the traces of a strategy at every θ. thetas: of each strategy that has one, for the first half and the
    second. halves: the packages of each.
    """

    judged: Mapping[str, Sequence[Trace]]
    sweeps: Mapping[str, Sweep]
    thetas: Mapping[str, tuple[float, float]]
    halves: Halves


async def measure(
    cases: Sequence[Case],
    climb: Climber,
    top: str,
    seed: int,
    begin: Begin,
    *,
    ablated: int,
    ablations: Sequence[Strategy] = ABLATIONS,
) -> Measured:
    """Block after block, strategy after strategy, task after task: no call is about the task of the call before it.

    θ: each half of the packages is judged by the one that the other half chose, so that all tasks judge and none
    judges its own choice. top: the last rung's name. ablated: tasks for `ablations`, which lack a mechanism.
    Raises RungFailed, RecordingError and Leaked.
    """
    steps = {each: begin(each.name, len(cases) * len(_thetas(each))) for each in STRATEGIES}
    ablated = min(ablated, len(cases))
    steps |= {each: begin(each.name, ablated) for each in ablations if ablated}

    async def one(at: int, strategy: Strategy, theta: float) -> Trace:
        trace = await simulate(cases[at], strategy, theta, top, climb)
        steps[strategy]()
        return trace

    made: dict[Strategy, dict[float, list[Trace]]] = {
        strategy: {theta: [] for theta in _thetas(strategy)} for strategy in STRATEGIES
    }
    for block in _blocks(len(cases)):
        for strategy, by_theta in made.items():
            for theta, traces in by_theta.items():
                traces += [await one(at, strategy, theta) for at in block]
    both = halves([case.package for case in cases], seed)
    large = made[LARGE_ONLY][0.0]
    chosen = {each: _chosen(cases, sweep, large, both) for each, sweep in made.items() if each.has_theta}
    judged = {
        each.name: _judged(cases, sweep, chosen[each], both) if each.has_theta else sweep[0.0]
        for each, sweep in made.items()
    }
    thetas = [trace.theta for trace in judged[BOTH.name]]
    if 0 < ablated < len(cases):
        judged |= {f"{each.name}, first {ablated}": judged[each.name][:ablated] for each in (LARGE_ONLY, BOTH)}
    judged |= {each.name: [] for each in ablations if ablated}
    for block in _blocks(ablated) if ablated else []:
        for strategy in ablations:
            own = [await one(at, strategy, thetas[at] if strategy.has_theta else 0.0) for at in block]
            judged[strategy.name] += own
    return Measured(
        judged,
        {each.name: made[each] for each in chosen},
        {each.name: pair for each, pair in chosen.items()},
        both,
    )


def _thetas(strategy: Strategy) -> Sequence[float]:
    return THETAS if strategy.has_theta else (0.0,)


def _blocks(count: int) -> list[range]:
    """The last one is longer rather than short."""
    starts = range(0, max(count - _BLOCK + 1, 1), _BLOCK)
    return [range(start, count if start == starts[-1] else start + _BLOCK) for start in starts]


def _chosen(cases: Sequence[Case], sweep: Sweep, large: Sequence[Trace], both: Halves) -> tuple[float, float]:
    """For the first half, by the second, and the other way round."""
    by_first, by_second = (
        choose({theta: _of(cases, traces, half) for theta, traces in sweep.items()}, _of(cases, large, half))
        for half in both
    )
    return by_second, by_first


def _judged(cases: Sequence[Case], sweep: Sweep, thetas: tuple[float, float], both: Halves) -> list[Trace]:
    return [sweep[thetas[0 if case.package in both[0] else 1]][at] for at, case in enumerate(cases)]


def _of(cases: Sequence[Case], traces: Sequence[Trace], packages: frozenset[str]) -> list[Trace]:
    return [trace for case, trace in zip(cases, traces, strict=True) if case.package in packages]
