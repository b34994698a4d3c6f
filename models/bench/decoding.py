"""Decoding: tokens per second of 1 to 10 sequences of one prompt together, after that prompt is evaluated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from rung.models.bench.llama_bench import NAME as LLAMA_BENCH
from rung.models.bench.llama_bench import LlamaBench
from rung.models.bench.series import Rounds, Series, turns
from rung.models.bench.texts import Texts
from rung.models.bench.work import BenchFailed, Contestant, Work

SEQUENCES = (1, 2, 5, 10)
_TRIES = 12
_TEMPERATURE = 0.8


def quantity(sequences: int) -> str:
    return "decoding, 1 sequence" if sequences == 1 else f"decoding, {sequences} sequences"


def steps(contestants: Sequence[Contestant], llama_bench: LlamaBench | None, rounds: int) -> int:
    turns_a_round = sum(len(SEQUENCES) if contestant.batches else 1 for contestant in contestants)
    return rounds * (turns_a_round + (llama_bench is not None))


async def measure(
    contestants: Sequence[Contestant],
    llama_bench: LlamaBench | None,
    texts: Texts,
    rounds: int,
    depth: int,
    tokens: int,
    on_step: Callable[[], None],
) -> list[Series]:
    """depth: tokens of the prompt. tokens: of each sequence; one is greedy, several are drawn. Raises BenchFailed."""
    values = Rounds()
    for number in range(rounds):
        text = texts.fresh(depth)
        for sequences in SEQUENCES:
            for contestant in turns(contestants, number):
                if sequences == 1 or contestant.batches:
                    # As a line is asked, and as the samples of a function.
                    temperature = 0.0 if sequences == 1 else _TEMPERATURE
                    rate = await _rate(contestant, Work(text, tokens, sequences, temperature, 1000 * number + 1))
                    values.add(quantity(sequences), contestant.name, "tokens/s", rate)
                    on_step()
            if sequences == 1 and llama_bench is not None:
                values.add(quantity(1), LLAMA_BENCH, "tokens/s", await llama_bench.decoding(tokens, depth))
                on_step()
    return values.series()


async def _rate(contestant: Contestant, work: Work) -> float:
    """What the tokens after the first cost: the call as a whole, less the same call for one token, both warm."""
    await contestant.ask(replace(work, max_tokens=1, sequences=1))
    for attempt in range(_TRIES):
        whole = await contestant.ask(work)
        if whole.shortest < work.max_tokens:  # a sample was at the end of its text: drawn otherwise, it goes on
            work = replace(work, temperature=_TEMPERATURE, seed=work.seed + 100 * attempt)
            continue
        one = await contestant.ask(replace(work, max_tokens=1))
        if whole.seconds > one.seconds:  # else something else had the machine meanwhile
            return (whole.generated - one.generated) / (whole.seconds - one.seconds)
    raise BenchFailed(
        f"{contestant.name} came in {_TRIES} tries to no {work.max_tokens} tokens that took longer than one: "
        "the machine is too busy, or the checkpoint ends this text at once."
    )
