"""All that recordings say about a ladder: every setting, the best ones, and what choosing them is worth."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rung.cascade.tune.chances import Chances, chances
from rung.cascade.tune.evidence import Evidence
from rung.cascade.tune.grid import Grid, grid
from rung.cascade.tune.plan import SKIP, THETAS, Option, is_single, options
from rung.cascade.tune.split import splits
from rung.cascade.tune.splitting import LEVELS, Level, Outcome, Splitting
from rung.cascade.tune.thetas import of_rungs, shares

Floats = NDArray[np.float64]
_AT_ONCE = 1 << 24  # numbers of a grid beside the result: 128 MB


@dataclass(frozen=True, slots=True)
class Settings:
    """ks, ls, thetas: what is tried. splits: how many. subsets: of a recording, at most, that are averaged over."""

    ks: tuple[int, ...]
    ls: tuple[int, ...]
    thetas: tuple[float, ...] = THETAS
    splits: int = 200
    subsets: int = 200
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Alone:
    """One rung at one of its options: pass@1 of what it adopts, its mean score, dollars a problem."""

    rung: int
    option: Option
    accuracy: float
    score: float
    dollars: float


@dataclass(frozen=True, slots=True)
class Point:
    """A setting of the ladder on all problems. theta: one for all rungs. shares: how often each rung answers."""

    plan: tuple[Option, ...]
    theta: float
    accuracy: float
    dollars: float
    shares: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Interval:
    """Over the splits: the mean, and the middle 95% of them."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Worth:
    """Of a level of thresholds; see `Outcome`. uses: in how many of the splits the ladder uses each rung."""

    saved: Interval
    gained: Interval
    bought: Interval
    uses: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Cloud:
    """Every setting at one θ on the 70% of the first split; which ones the 30% chose, of both kinds (figure 3)."""

    theta: float
    accuracy: tuple[float, ...]
    dollars: tuple[float, ...]
    cascade: tuple[int, ...]
    single: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Study:
    """theta: the best for all rungs, by all problems. cascade, single: the Pareto points there, by rising cost.

    best_single: the most accurate single model; instead: the cheapest setting that is no less accurate.
    sweep: a ladder under every θ (figure 2): `instead`'s, or where that is a single model, the most accurate one that
    can climb. settings, seconds: of the grid.
    """

    problems: int
    thetas: tuple[float, ...]
    alone: tuple[Alone, ...]
    theta: float
    cascade: tuple[Point, ...]
    single: tuple[Point, ...]
    best_single: Point
    instead: Point
    sweep: tuple[Point, ...]
    cloud: Cloud
    worth: dict[Level, Worth]
    settings: int
    seconds: float


def study(rungs: Sequence[Sequence[Evidence]], settings: Settings, on_split: Callable[[], None]) -> Study:
    """rungs: smallest first, each with the evidence of the same problems. Raises ValueError where these are too few."""
    begin = time.perf_counter()
    tried = options(settings.ks, settings.ls)
    found = [_chances(evidence, tried, settings) for evidence in rungs]
    problems = len(rungs[0])
    choosing, judging = splits(problems, settings.splits, settings.seed)
    every = np.full((1, problems), 1 / problems)
    whole = _grid(found, np.concatenate([every, choosing, judging]))
    seconds = time.perf_counter() - begin
    splitting = Splitting(found, whole, choosing, judging)
    outcomes = []
    for split in range(settings.splits):
        outcomes.append(splitting.outcomes(split))
        on_split()
    best = splitting.selection_of_all()
    theta, instead = best.theta, best.instead.plan
    describe = _Describing(found, whole, settings.thetas)
    return Study(
        problems=problems,
        thetas=settings.thetas,
        alone=tuple(_alone(index, rung) for index, chance in enumerate(found) for rung in chance.items()),
        theta=settings.thetas[theta],
        cascade=tuple(describe.point(judged.plan, theta) for judged in best.cascade),
        single=tuple(describe.point(judged.plan, theta) for judged in best.single),
        best_single=describe.point(best.best_single.plan, theta),
        instead=describe.point(instead, theta),
        sweep=tuple(describe.point(_swept(whole, theta, instead), each) for each in range(len(settings.thetas))),
        cloud=_cloud(splitting, whole, settings),
        worth={level: _worth([outcome[level] for outcome in outcomes], len(rungs)) for level in LEVELS},
        settings=len(whole.plans) * len(settings.thetas),
        seconds=seconds,
    )


def _chances(evidence: Sequence[Evidence], tried: Sequence[Option], settings: Settings) -> dict[Option, Chances]:
    """Of the options that the recording has enough samples for."""
    recorded = min(len(each.sampled.correct) for each in evidence if each.sampled is not None)
    return {
        option: chances(evidence, option, settings.thetas, most_subsets=settings.subsets, seed=settings.seed)
        for option in tried
        if option != SKIP and option.k <= recorded
    }


def _grid(found: Sequence[dict[Option, Chances]], weights: Floats) -> Grid:
    """In parts, so that the memory is that of the result. Sums in other orders differ in their last digits: rounded."""
    first = grid(found, weights[:1])
    accuracy = np.empty((*first.accuracy.shape[:2], len(weights)))
    dollars = np.empty_like(accuracy)
    step = max(1, _AT_ONCE // (2 * accuracy.shape[0] * accuracy.shape[1]))
    for at in range(0, len(weights), step):
        part = grid(found, weights[at : at + step])
        accuracy[:, :, at : at + step] = part.accuracy.round(12)
        dollars[:, :, at : at + step] = part.dollars
    return Grid(first.plans, accuracy, dollars)


def _alone(index: int, rung: tuple[Option, Chances]) -> Alone:
    option, chance = rung
    return Alone(index, option, float(chance.right.mean()), float(chance.score.mean()), float(chance.dollars.mean()))


def _swept(whole: Grid, theta: int, instead: int) -> int:
    climbing = [index for index, plan in enumerate(whole.plans) if not is_single(plan)]
    if instead in climbing or not climbing:
        return instead
    return max(climbing, key=lambda index: (whole.accuracy[index, theta, 0], -whole.dollars[index, theta, 0]))


@dataclass(frozen=True, slots=True)
class _Describing:
    found: Sequence[dict[Option, Chances]]
    whole: Grid
    thetas: tuple[float, ...]

    def point(self, plan: int, theta: int) -> Point:
        options_of = self.whole.plans[plan]
        vector = of_rungs(options_of, (theta,) * len(options_of))
        return Point(
            options_of,
            self.thetas[theta],
            float(self.whole.accuracy[plan, theta, 0]),
            float(self.whole.dollars[plan, theta, 0]),
            tuple(shares(options_of, vector, self.found)),
        )


def _cloud(splitting: Splitting, whole: Grid, settings: Settings) -> Cloud:
    selection = splitting.selection(0)
    judge = 1 + settings.splits
    return Cloud(
        settings.thetas[selection.theta],
        tuple(whole.accuracy[:, selection.theta, judge].tolist()),
        tuple(whole.dollars[:, selection.theta, judge].tolist()),
        tuple(judged.plan for judged in selection.cascade),
        tuple(judged.plan for judged in selection.single),
    )


def _worth(outcomes: Sequence[Outcome], rungs: int) -> Worth:
    used = [[not outcome.plan[rung].skips for outcome in outcomes] for rung in range(rungs)]
    return Worth(
        _interval([outcome.saved for outcome in outcomes]),
        _interval([outcome.gained for outcome in outcomes]),
        _interval([outcome.bought for outcome in outcomes]),
        tuple(float(np.mean(each)) for each in used),
    )


def _interval(values: Sequence[float]) -> Interval:
    low, high = np.quantile(values, (0.025, 0.975))
    return Interval(float(np.mean(values)), float(low), float(high))
