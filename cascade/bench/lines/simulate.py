"""One task under one strategy: what the user is shown, and what it took."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from rung.cascade.attempt import Climb, Decision
from rung.cascade.bench.ladder import RungFailed
from rung.cascade.bench.lines.case import Case
from rung.cascade.bench.lines.likeness import is_exact, similarity
from rung.cascade.bench.lines.strategy import Strategy
from rung.cascade.task import Rejected
from rung.models.protocol import Usage

Climber = Callable[[Case, Strategy, float, Rejected | None], Awaitable[tuple[Climb, float]]]
"""(case, strategy, θ, what was rejected) to the climb, and its seconds."""

_FAILURES = {Decision.FAILED, Decision.DEADLINE, Decision.PRIVATE, Decision.OVER_BUDGET}


@dataclass(frozen=True, slots=True)
class Spent:
    """On one rung. prompt, cached, generated: tokens; accepted: of drafts. seconds: of its calls."""

    calls: int = 0
    prompt: int = 0
    cached: int = 0
    generated: int = 0
    accepted: int = 0
    seconds: float = 0.0

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            self.calls + other.calls,
            self.prompt + other.prompt,
            self.cached + other.cached,
            self.generated + other.generated,
            self.accepted + other.accepted,
            self.seconds + other.seconds,
        )


@dataclass(frozen=True, slots=True)
class Trace:
    """text: the last that was shown, by the rung `shown`; empty and None where nothing was.

    score: of it. exact, similarity: of `text`. seconds: that the user waited for all that was shown; first_s: for the
    first of it. rejected: whether a text was shown and rejected, and another asked for.
    """

    case: str
    strategy: str
    theta: float
    text: str
    shown: str | None
    score: float | None
    exact: bool
    similarity: float
    seconds: float
    first_s: float
    rejected: bool
    usd: float
    spent: dict[str, Spent] = field(default_factory=dict)


async def simulate(case: Case, strategy: Strategy, theta: float, top: str, climb: Climber) -> Trace:
    """The user accepts what is exactly right, and rejects everything else. top: the last rung, which nothing is above.

    Raises RungFailed: a table with failures in it would not be of the models.
    """
    climbed, seconds = await climb(case, strategy, theta, None)
    climbs, first_s = [_whole(climbed)], seconds
    answer = climbed.answer
    if strategy.rejection and answer is not None and answer.rung != top and not is_exact(case, answer.text):
        rejected = Rejected(answer.rung, answer.text, answer.score or 0.0)
        climbed, more = await climb(case, strategy, theta, rejected)
        climbs.append(_whole(climbed))
        seconds += more
        answer = climbed.answer or answer  # where nothing else came, it stays
    text = answer.text if answer else ""
    return Trace(
        case=case.id,
        strategy=strategy.name,
        theta=theta,
        text=text,
        shown=answer.rung if answer else None,
        score=answer.score if answer else None,
        exact=is_exact(case, text),
        similarity=similarity(case, text),
        seconds=seconds,
        first_s=first_s,
        rejected=len(climbs) > 1,
        usd=sum(each.cost_usd for each in climbs),
        spent=_spent(climbs),
    )


def _whole(climbed: Climb) -> Climb:
    for step in climbed.steps:
        if step.decision in _FAILURES:
            raise RungFailed(f"{step.rung} failed in the benchmark: {step.reason}")
    return climbed


def _spent(climbs: Iterable[Climb]) -> dict[str, Spent]:
    spent: dict[str, Spent] = {}
    for step in (step for climbed in climbs for step in climbed.steps if step.usage != Usage()):
        usage = step.usage
        own = Spent(1, usage.prompt, usage.cached, usage.generated, usage.accepted_draft, step.engine_seconds)
        spent[step.rung] = spent.get(step.rung, Spent()) + own
    return spent
