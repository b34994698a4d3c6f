"""Records what a rung writes for the problems of a set, so that every setting of a ladder can be judged afterwards."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rung.cascade.bench.problem import Problem, ProblemSet, function_task
from rung.cascade.function import solution_call, test_call
from rung.cascade.ladder import Rung
from rung.cascade.prompts import BODY_TOKENS, SAMPLING_TEMPERATURE, TOKENS_A_TEST_LINE
from rung.cascade.tune.flight import in_flight
from rung.cascade.tune.journal import Journal
from rung.cascade.tune.recording import Entry, Header, Part, Sample
from rung.models.protocol import Generation, Prompt, Sampling, Usage


@dataclass(frozen=True, slots=True)
class Call:
    """One thing to ask a rung."""

    problem: Problem
    part: Part


def header_of(problems: ProblemSet, rung: Rung, model: str, *, k: int, l: int, seed: int) -> Header:  # noqa: E741
    """model: what the rung runs; another one of the same name would not be the same recording."""
    return Header(
        set=problems.name,
        problems=len(problems.problems),
        digest=problems.digest,
        rung=rung.name,
        model=model,
        k=k,
        l=l,
        greedy=True,
        temperature=SAMPLING_TEMPERATURE,
        body_tokens=BODY_TOKENS,
        line_tokens=TOKENS_A_TEST_LINE,
        price=rung.price,
        seed=seed,
    )


def missing(journal: Journal, problems: Sequence[Problem]) -> list[Call]:
    """What is still to be asked, problem after problem."""
    recording = journal.recording
    return [
        Call(problem, part)
        for problem in problems
        for part in recording.header.parts
        if (problem.id, part) not in recording.entries
    ]


async def record(
    journal: Journal, calls: Sequence[Call], rung: Rung, *, flight: int, on_call: Callable[[], None]
) -> None:
    """Ask the rung, with `flight` calls under way at once; each answer is on the disk before the next is asked.

    Where a call fails, the others under way are cancelled, and what was answered stays. Raises ModelError.
    """

    async def ask(call: Call) -> None:
        entry = await _asked(call, rung, journal.recording.header)
        await asyncio.to_thread(journal.append, entry)
        on_call()

    await in_flight(calls, ask, flight)


async def _asked(call: Call, rung: Rung, header: Header) -> Entry:
    prompt, sampling = _question(call, rung, header)
    generations = await rung.model.generate(prompt, sampling)
    usage = sum((generation.usage for generation in generations), Usage())
    return Entry(
        problem=call.problem.id,
        part=call.part,
        samples=tuple(map(_sample, generations)),
        usd=rung.price.of(usage),
        seconds=max(generation.seconds for generation in generations),
    )


def _question(call: Call, rung: Rung, header: Header) -> tuple[Prompt, Sampling]:
    """As the ladder asks it, with log-probabilities and a seed."""
    task = function_task(call.problem)
    function = task.function
    assert function is not None
    k = 1 if call.part.greedy else header.k
    if call.part.of_tests:
        prompt, sampling = test_call(function, replace(rung, k=k, l=header.l))
    else:
        prompt, sampling = solution_call(task, function, rung, k=k)
    if not call.part.greedy:  # also where the largest k is 1
        sampling = replace(sampling, temperature=SAMPLING_TEMPERATURE)
    seed = _seed(header, call)
    return prompt, replace(sampling, logprobs=True, seed=seed)


def _seed(header: Header, call: Call) -> int:
    """Each call's own, so that a recording that was cut off goes on as it would have."""
    text = f"{header.seed}/{call.problem.id}/{call.part}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


def _sample(generation: Generation) -> Sample:
    return Sample(
        text=generation.text,
        tokens=tuple(token.text for token in generation.tokens),
        logprobs=tuple(round(token.logprob, 4) for token in generation.tokens),
        finish=str(generation.finish_reason),
        prompt=generation.usage.prompt,
        generated=generation.usage.generated,
        counted=generation.usage.counted,
        seconds=round(generation.seconds, 4),
    )
