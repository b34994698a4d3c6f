"""Prompt evaluation: tokens per second of a prompt of which nothing is known yet."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rung.models.bench.llama_bench import NAME as LLAMA_BENCH
from rung.models.bench.llama_bench import LlamaBench
from rung.models.bench.series import Rounds, Series, turns
from rung.models.bench.texts import Texts
from rung.models.bench.work import Contestant, Work


def quantity(tokens: int) -> str:
    return f"prompt evaluation, {tokens} tokens"


def steps(contestants: Sequence[Contestant], llama_bench: LlamaBench | None, rounds: int) -> int:
    return rounds * (len(contestants) + (llama_bench is not None))


async def measure(
    contestants: Sequence[Contestant],
    llama_bench: LlamaBench | None,
    texts: Texts,
    rounds: int,
    tokens: int,
    on_step: Callable[[], None],
) -> list[Series]:
    """From the call to the first token, which is one decoding step more than the prompt. Raises BenchFailed."""
    values = Rounds()
    for number in range(rounds):
        text = texts.fresh(tokens)
        for contestant in turns(contestants, number):
            answer = await contestant.ask(Work(text, max_tokens=1))
            values.add(quantity(tokens), contestant.name, "tokens/s", answer.evaluated / answer.seconds)
            on_step()
        if llama_bench is not None:
            values.add(quantity(tokens), LLAMA_BENCH, "tokens/s", await llama_bench.evaluation(tokens))
            on_step()
    return values.series()
