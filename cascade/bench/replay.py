"""A rung that says again what was recorded of it, token by token, and what deciding early saves with it.

The samples of both calls advance together, a token each in a step, as an engine decodes them in one batch.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from rung.cascade.bench.problem import Problem, function_task
from rung.cascade.cut import cut_body, program
from rung.cascade.function import FunctionAttempt
from rung.cascade.ladder import Rung
from rung.cascade.sandbox import Sandbox
from rung.cascade.sandboxed import LIMITS, SandboxTester
from rung.cascade.score import self_test_score, self_tests
from rung.cascade.spending import Meter
from rung.cascade.testlines import suite
from rung.cascade.tune.material import text_for, tokens_for
from rung.cascade.tune.recording import Part, Recording, Sample
from rung.models.protocol import FinishReason, Generation, OnSample, OnToken, Prompt, Sampling, Token, Usage


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one problem: what is adopted (None: the ladder climbs), tokens, steps of the decoding, and seconds.

    whole: as if all were generated and run first. early: as the ladder does it.
    """

    whole_text: str | None
    early_text: str | None
    recorded_tokens: int
    whole_tokens: int
    early_tokens: int
    whole_steps: int
    early_steps: int
    whole_s: float
    early_s: float


@dataclass(slots=True)
class ReplayModel:
    """Solutions and test texts of one problem. steps: taken so far. generated: tokens told so far."""

    solutions: Sequence[Sample]
    texts: Sequence[Sample]
    l: int  # noqa: E741  the paper's name
    step_s: float
    name: str = "replay"
    steps: int = 0
    generated: int = 0

    async def generate(
        self,
        prompt: Prompt,
        sampling: Sampling,
        on_token: OnToken | None = None,
        on_sample: OnSample | None = None,
    ) -> list[Generation]:
        """See `Model`."""
        of_tests = prompt.prefix.endswith("assert")
        samples = [_cut(sample, self.l) if of_tests else sample for sample in self._samples(of_tests, sampling.n)]
        begun = time.monotonic()
        for step in range(max(len(sample.tokens) for sample in samples)):
            await asyncio.sleep(max(0.0, begun + (step + 1) * self.step_s - time.monotonic()))
            self.steps = max(self.steps, step + 1)
            for index, sample in enumerate(samples):
                if step < len(sample.tokens):
                    self.generated += 1
                    if on_token is not None:
                        on_token(index, Token(sample.tokens[step], sample.logprobs[step]))
                if step + 1 == len(sample.tokens) and on_sample is not None:
                    on_sample(index, sample.text)
        return [
            Generation(sample.text, (), FinishReason.STOP, Usage(0, 0, len(sample.tokens)), time.monotonic() - begun)
            for sample in samples
        ]

    async def close(self) -> None:
        """Nothing is held."""

    def _samples(self, of_tests: bool, n: int) -> Sequence[Sample]:
        return (self.texts if of_tests else self.solutions)[:n]


async def measure_early(
    problem: Problem,
    recording: Recording,
    k: int,
    l: int,  # noqa: E741
    theta: float,
    sandbox: Sandbox,
    step_s: float,
) -> Outcome:
    """With the first k samples of the problem. step_s: seconds of a step. Raises SandboxUnavailable."""
    solutions = recording.entries[problem.id, Part.SOLUTIONS].samples[:k]
    texts = recording.entries[problem.id, Part.TESTS].samples[:k]
    whole = [len(sample.tokens) for sample in solutions] + [tokens_for(sample, l) for sample in texts]
    model = ReplayModel(solutions, texts, l, step_s)
    rung = Rung(recording.header.rung, model, k=k, l=l)
    task = function_task(problem)
    assert task.function is not None
    told: list[str] = []
    tester = SandboxTester(sandbox, told.append)
    begun = time.monotonic()
    attempt = await FunctionAttempt(task, task.function, rung, theta, tester, Meter(rung), lambda _: None).run()
    early_s = time.monotonic() - begun
    whole_text, run_s = await _whole(problem, solutions, texts, l, theta, sandbox)
    return Outcome(
        whole_text=whole_text,
        early_text=attempt.text if attempt.text and (attempt.score or 0.0) >= theta else None,
        recorded_tokens=sum(sample.generated for sample in (*solutions, *texts)),
        whole_tokens=sum(whole),
        early_tokens=model.generated,
        whole_steps=max(whole),
        early_steps=model.steps,
        whole_s=max(whole) * step_s + run_s,
        early_s=early_s,
    )


async def _whole(
    problem: Problem,
    solutions: Sequence[Sample],
    texts: Sequence[Sample],
    l: int,  # noqa: E741
    theta: float,
    sandbox: Sandbox,
) -> tuple[str | None, float]:
    """Section 3.1 of Chen et al. 2024, once everything is there; and the seconds that running it took."""
    function = function_task(problem).function
    assert function is not None
    bodies = [cut_body(sample.text, function) for sample in solutions]
    lines = suite([f"assert{text_for(sample, l)}" for sample in texts], frozenset({function.name}), l)
    matrix = await sandbox.run([program(function, body) for body in bodies], lines, LIMITS)
    passed = [[passes and bool(body) for passes in row] for row, body in zip(matrix.passed(), bodies, strict=True)]
    scores = [self_test_score(each) for each in self_tests(passed, len(bodies))]
    best = min(range(len(bodies)), key=lambda index: (-scores[index], not bodies[index], index))
    return bodies[best] if bodies[best] and scores[best] >= theta else None, matrix.seconds


def _cut(sample: Sample, l: int) -> Sample:  # noqa: E741
    count = tokens_for(sample, l)
    tokens = sample.tokens[:count]
    return Sample(
        text_for(sample, l), tokens, sample.logprobs[:count], sample.finish, 0, count, sample.counted, sample.seconds
    )
