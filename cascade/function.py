"""One rung's attempt at a function's body, tested by the rung itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from rung.cascade.attempt import Attempt, Bound
from rung.cascade.cut import cut_body
from rung.cascade.deciding import Below, Winner
from rung.cascade.ladder import Rung
from rung.cascade.prompts import (
    BODY_TOKENS,
    NEXT_TEST_LINE,
    SAMPLING_TEMPERATURE,
    TOKENS_A_TEST_LINE,
    body_stops,
    prompt_here,
    test_prompt,
    test_stops,
)
from rung.cascade.score import confidence, self_test_score, self_tests
from rung.cascade.self_test import SelfTestRun, Tester
from rung.cascade.spending import Meter
from rung.cascade.task import Function, Task
from rung.models.protocol import Priority, Prompt, Sampling


@dataclass(frozen=True, slots=True)
class FunctionAttempt:
    """theta: what its score is compared with; None for the last rung, which is adopted whatever its score.

    tester: None where there is no sandbox; the greedy solution is then scored by its confidence.
    """

    task: Task
    function: Function
    rung: Rung
    theta: float | None
    tester: Tester | None
    meter: Meter
    on_progress: Callable[[str], None]

    async def run(self) -> Attempt:
        """Ends as soon as it is certain what is adopted, or that nothing is. Raises ModelError."""
        if self.rung.k <= 0 or self.tester is None:
            return await self._untested()
        async with self.tester.cells() as cells:
            test = SelfTestRun(self.function, self.rung, self.theta, cells, self.meter, self.on_progress)
            decision = await test.run(
                solution_call(self.task, self.function, self.rung, k=self.rung.k), test_call(self.function, self.rung)
            )
        return self._attempt(test, decision)

    async def _untested(self) -> Attempt:
        prompt, sampling = solution_call(self.task, self.function, self.rung, k=0)
        scored = self.rung.k > 0
        (greedy,) = await self.meter.generate(prompt, replace(sampling, logprobs=scored))
        return Attempt(
            rung=self.rung.name,
            text=cut_body(greedy.text, self.function),
            score=confidence(greedy.tokens) if scored or greedy.tokens else None,
        )

    def _attempt(self, test: SelfTestRun, decision: Below | Winner | None) -> Attempt:
        board = test.board
        bodies = [body or "" for body in board.bodies]
        bounds = board.bounds()
        order = sorted(range(len(bodies)), key=lambda index: (-bounds[index].low, not bodies[index], index))
        best, score, bound = order[0], 0.0, Bound.EXACT  # nothing can be shown
        match decision:
            case Below():
                best, score, bound = decision.best, decision.at_most, Bound.AT_MOST
            case Winner():
                best, score, bound = decision.index, decision.at_least, Bound.AT_LEAST
        ranked = dict.fromkeys(bodies[index] for index in order if index != best)
        others = tuple(body for body in ranked if body and body != bodies[best])
        if not board.settled:
            return Attempt(self.rung.name, bodies[best], score, others, bound=bound)
        evidence = self_tests(board.rows(), self.rung.k)[best]
        exact = self_test_score(evidence) if bodies[best] else 0.0
        return Attempt(self.rung.name, bodies[best], exact, others, evidence)


def solution_call(task: Task, function: Function, rung: Rung, *, k: int) -> tuple[Prompt, Sampling]:
    """k solutions: greedy for k <= 1, else sampled (Chen et al. 2024, section 3.2)."""
    prompt = prompt_here(task, rung, BODY_TOKENS)
    return prompt, _sampling(BODY_TOKENS, k, body_stops(function))


def test_call(function: Function, rung: Rung) -> tuple[Prompt, Sampling]:
    """k test texts of at most l lines."""
    sampling = _sampling(TOKENS_A_TEST_LINE * rung.l, rung.k, test_stops())
    return test_prompt(function), replace(sampling, stop_nth=(NEXT_TEST_LINE, rung.l))


def _sampling(max_tokens: int, k: int, stop: tuple[str, ...]) -> Sampling:
    if k <= 1:
        return Sampling(max_tokens, stop=stop, logprobs=False, priority=Priority.FUNCTION)
    return Sampling(max_tokens, SAMPLING_TEMPERATURE, k, stop, logprobs=False, priority=Priority.FUNCTION)
