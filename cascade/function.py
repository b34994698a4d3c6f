"""One rung's attempt at a function's body, tested by the rung itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from rung.cascade.attempt import Attempt, SelfTest
from rung.cascade.cut import cut_body, program
from rung.cascade.ladder import Rung
from rung.cascade.prompts import (
    BODY_TOKENS,
    SAMPLING_TEMPERATURE,
    TOKENS_A_TEST_LINE,
    body_stops,
    prompt_here,
    test_prompt,
    test_stops,
)
from rung.cascade.score import confidence, self_test_score, self_tests
from rung.cascade.spending import Meter
from rung.cascade.task import Function, Task
from rung.cascade.testlines import suite
from rung.models.protocol import Generation, Priority, Prompt, Sampling


class Tester(Protocol):
    """Runs programs in a sandbox."""

    async def passed(self, programs: Sequence[str], tests: Sequence[str]) -> list[list[bool]]:
        """programs × tests: whether each passes."""
        ...


@dataclass(frozen=True, slots=True)
class FunctionAttempt:
    """tester: None where there is no sandbox; the greedy solution is then scored by its confidence."""

    task: Task
    function: Function
    rung: Rung
    tester: Tester | None
    meter: Meter
    on_progress: Callable[[str], None]

    async def run(self) -> Attempt:
        """Raises ModelError."""
        if self.rung.k <= 0 or self.tester is None:
            return await self._untested()
        solutions, lines = await self._generate()
        bodies = [cut_body(solution.text, self.function) for solution in solutions]
        evidence = await self._test(self.tester, bodies, lines)
        scores = [self_test_score(item) if body else 0.0 for item, body in zip(evidence, bodies, strict=True)]
        order = sorted(range(len(bodies)), key=lambda index: (-scores[index], not bodies[index], index))
        best = order[0]
        ranked = dict.fromkeys(bodies[index] for index in order[1:])
        return Attempt(
            rung=self.rung.name,
            text=bodies[best],
            score=scores[best],
            others=tuple(body for body in ranked if body and body != bodies[best]),
            self_test=evidence[best],
        )

    async def _untested(self) -> Attempt:
        prompt, sampling = solution_call(self.task, self.function, self.rung, k=0)
        scored = self.rung.k > 0
        (greedy,) = await self.meter.generate(prompt, replace(sampling, logprobs=scored))
        return Attempt(
            rung=self.rung.name,
            text=cut_body(greedy.text, self.function),
            score=confidence(greedy.tokens) if scored or greedy.tokens else None,
        )

    async def _generate(self) -> tuple[list[Generation], list[str]]:
        """Solutions and the pooled suite; both calls are in flight together."""
        rung = self.rung
        try:
            async with asyncio.TaskGroup() as group:
                solving = group.create_task(
                    self.meter.generate(*solution_call(self.task, self.function, rung, k=rung.k))
                )
                testing = group.create_task(self.meter.generate(*test_call(self.function, rung)))
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        texts = [f"assert{generation.text}" for generation in testing.result()]
        return solving.result(), suite(texts, frozenset({self.function.name}), rung.l)

    async def _test(self, tester: Tester, bodies: list[str], lines: list[str]) -> list[SelfTest]:
        if not lines or not any(bodies):
            return self_tests([[] for _ in bodies], self.rung.k)
        self.on_progress(f"{self.rung.name}: running {len(bodies)} solutions against {len(lines)} test lines")
        programs = [program(self.function, body) for body in bodies]
        return self_tests(await tester.passed(programs, lines), self.rung.k)


def solution_call(task: Task, function: Function, rung: Rung, *, k: int) -> tuple[Prompt, Sampling]:
    """k solutions: greedy for k <= 1, else sampled (Chen et al. 2024, section 3.2)."""
    prompt = prompt_here(task, rung, BODY_TOKENS)
    return prompt, _sampling(BODY_TOKENS, k, body_stops(function))


def test_call(function: Function, rung: Rung) -> tuple[Prompt, Sampling]:
    """k test texts of at most l lines."""
    return test_prompt(function), _sampling(TOKENS_A_TEST_LINE * rung.l, rung.k, test_stops())


def _sampling(max_tokens: int, k: int, stop: tuple[str, ...]) -> Sampling:
    if k <= 1:
        return Sampling(max_tokens, stop=stop, logprobs=False, priority=Priority.FUNCTION)
    return Sampling(max_tokens, SAMPLING_TEMPERATURE, k, stop, logprobs=False, priority=Priority.FUNCTION)
