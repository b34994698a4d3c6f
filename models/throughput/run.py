"""A whole measurement: first requests, more and more at once, and then prompts only."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice

from rung.models.throughput.climb import climb, doubling
from rung.models.throughput.costs import chosen
from rung.models.throughput.level import Level, measure, most_requests
from rung.models.throughput.load import BODY_TOKENS, LINE_TOKENS, load, prompts_only
from rung.models.throughput.server import Server

_SEED = 7  # always the same places and lengths, so that two servers can be compared
_FIRST = 5  # the fifth is for a function
_SAMPLE = 100
_CHARACTERS_A_TOKEN = 3.5  # of code, for what is said beforehand; no price rests on it


@dataclass(frozen=True, slots=True)
class Plan:
    """concurrency: None for as many as raise the throughput. seconds: of each. p95: seconds, that lines must keep."""

    concurrency: tuple[int, ...] | None
    seconds: float
    p95: float | None = None

    @property
    def requests(self) -> int:
        """At most."""
        levels = self.concurrency or doubling()
        return _FIRST + sum(map(most_requests, levels)) + most_requests(max(levels))

    @property
    def prompt_tokens(self) -> int:
        """Of that many requests, about."""
        characters = sum(len(wanted.prompt) for wanted in islice(load(_SEED, ""), _SAMPLE)) / _SAMPLE
        return int(self.requests * characters / _CHARACTERS_A_TOKEN)

    @property
    def generated_tokens(self) -> int:
        """Of that many requests, at most."""
        return self.requests * (4 * LINE_TOKENS + BODY_TOKENS) // 5


@dataclass(slots=True)
class Measured:
    """Filled as it goes. prompts: the load of prompts only, at the concurrency that the price is of."""

    levels: list[Level] = field(default_factory=list)
    prompts: Level | None = None


async def run(server: Server, plan: Plan, measured: Measured, begin: Callable[[str], None]) -> None:
    """begin: called with what is measured next. Raises Failure where the first requests find no server to measure."""
    mark = secrets.token_hex(4)  # no server has seen these prompts

    async def level(at_once: int) -> Level:
        begin(f"{at_once} at once")
        return await measure(at_once, plan.seconds, load(_SEED, f"{mark} {at_once} at once"), server.ask)

    begin("first requests")
    await server.try_out(list(islice(load(_SEED, f"{mark} first"), _FIRST)))
    async for done in climb(plan.concurrency, level):
        measured.levels.append(done)
    best = chosen(measured.levels, plan.p95)
    if best is not None:
        begin(f"{best.concurrency} at once, prompts only")
        prompts = prompts_only(load(_SEED, f"{mark} prompts only"))
        measured.prompts = await measure(best.concurrency, plan.seconds, prompts, server.ask)
