"""k solutions of one problem against one: prompt evaluation, sampling and stop strings together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import mean

from rung.models.bench.series import Rounds, Series
from rung.models.bench.work import Contestant, Work

K = 10
RATIO = f"k = {K} solutions over one"
ONE = "one solution"
TEN = f"k = {K} solutions"
_SINGLES = 3  # solutions differ in length, so one alone says little about the time of one


@dataclass(frozen=True, slots=True)
class SolutionPrompt:
    """As the ladder asks for it. stop: what ends a function's body."""

    prompt: str
    stop: tuple[str, ...]
    max_tokens: int


def steps(contestants: Sequence[Contestant], problems: Sequence[SolutionPrompt]) -> int:
    return sum((1 + _SINGLES) * len(problems) for contestant in contestants if _can(contestant))


async def measure(
    contestants: Sequence[Contestant], problems: Sequence[SolutionPrompt], on_step: Callable[[], None]
) -> list[Series]:
    """One value a problem; that of the ratio is one, of all problems together. The prompt is new each time.

    Raises BenchFailed.
    """
    values = Rounds()
    able = [contestant for contestant in contestants if _can(contestant)]
    number = 0
    for problem in problems:
        for contestant in able:
            singles = []
            for index in range(_SINGLES + 1):
                number += 1
                work = _work(problem, number)
                if index == _SINGLES // 2:  # the ten in the midst of the ones
                    answer = await contestant.ask(replace(work, sequences=K))
                    values.add(TEN, contestant.name, "s", answer.seconds)
                else:
                    singles.append((await contestant.ask(work)).seconds)
                on_step()
            values.add(ONE, contestant.name, "s", mean(singles))
    return with_ratio(values.series())


def with_ratio(series: list[Series]) -> list[Series]:
    """And the ratio of the sums: a mean of ratios would let the shortest solutions decide."""
    ones = {one.contestant: one for one in series if one.quantity == ONE}
    tens = {ten.contestant: ten for ten in series if ten.quantity == TEN}
    ratios = [
        Series(RATIO, name, "×", (sum(tens[name].values) / sum(one.values),))
        for name, one in ones.items()
        if name in tens
    ]
    return [*series, *ratios]


def _can(contestant: Contestant) -> bool:
    return contestant.batches and contestant.samples


def _work(problem: SolutionPrompt, number: int) -> Work:
    return Work(f"# {number}\n{problem.prompt}", problem.max_tokens, seed=number, stop=problem.stop)
