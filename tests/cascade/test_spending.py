"""What is set aside is never less than what is used."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.cascade.spending import Meter, _length_of_union, bound, prompt_tokens
from rung.models.protocol import (
    FinishReason,
    Generation,
    ModelRefused,
    ModelTimeout,
    Prompt,
    Sampling,
    Token,
    Usage,
)

from .climb_fakes import PRICE, OnToken, fails, hangs, rung, says

prompts = st.builds(Prompt, st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
samplings = st.builds(Sampling, st.integers(1, 300), n=st.integers(1, 10))


@given(prompts, samplings)
def test_no_tokenizer_and_no_server_uses_more_than_the_bound(prompt: Prompt, sampling: Sampling) -> None:
    # a token for each byte and one that begins the text, the prompt sent again for each sample, none of them cut short
    a_byte_each = len((prompt.prefix + prompt.suffix + prompt.draft).encode("utf-8", "replace"))
    worst = Usage(prompt=sampling.n * (a_byte_each + 1), generated=sampling.n * sampling.max_tokens)
    most = bound(prompt, sampling)
    assert most.prompt >= worst.prompt
    assert most.generated >= worst.generated
    assert PRICE.of(most) >= PRICE.of(worst)
    assert prompt_tokens(prompt) <= most.prompt
    assert not most.counted


def test_half_a_character_is_bounded_too() -> None:
    assert bound(Prompt("\ud83d"), Sampling(1)).prompt >= 1


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=5))
def test_calls_that_ended_count_as_the_model_counted_them(counts: list[tuple[int, int]]) -> None:
    queue = iter(counts)

    async def behave(_: Prompt, __: Sampling, on_token: OnToken) -> Any:
        prompt, generated = next(queue)
        if on_token:
            on_token(0, Token("x", 0.0))
        return [Generation("x", (), FinishReason.STOP, Usage(prompt=prompt, generated=generated), 0.0)]

    async def spend() -> None:
        for _ in counts:
            await meter.generate(Prompt("p"), Sampling(9))

    meter = Meter(rung("r", behave, remote=True))
    asyncio.run(spend())
    assert meter.usage == Usage(prompt=sum(p for p, _ in counts), generated=sum(g for _, g in counts))
    assert meter.cost_usd == PRICE.of(meter.usage)
    assert meter.complete


@pytest.mark.parametrize(("tokens", "complete"), [(0, False), (4, True)])
async def test_a_call_that_was_cut_off_is_estimated_from_its_first_token_on(tokens: int, complete: bool) -> None:
    told: list[int] = []
    meter = Meter(rung("r", hangs(tokens), remote=True), told.append)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(meter.generate(Prompt("x" * 30), Sampling(9)), 0.01)
    expected = Usage(prompt=10, generated=tokens, counted=False) if tokens else Usage()
    assert (meter.usage, meter.complete, told) == (expected, complete, list(range(1, tokens + 1)))


@pytest.mark.parametrize(("error", "complete"), [(ModelRefused("no"), True), (ModelTimeout("slow"), False)])
async def test_only_a_call_that_did_no_work_is_known_to_cost_nothing(error: Any, complete: bool) -> None:
    meter = Meter(rung("r", fails(error), remote=True))
    with pytest.raises(type(error)):
        await meter.generate(Prompt("x"), Sampling(9))
    assert (meter.usage, meter.complete) == (Usage(), complete)


async def test_a_free_rung_costs_nothing() -> None:
    meter = Meter(rung("r", says("x")))
    await meter.generate(Prompt("x"), Sampling(9))
    assert meter.cost_usd == 0


spans = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda ends: (min(ends), max(ends))))


@given(spans)
def test_seconds_of_calls_at_the_same_time_count_once(spans: list[tuple[int, int]]) -> None:
    assert _length_of_union(spans) == len({second for begin, end in spans for second in range(begin, end)})


async def test_the_models_own_seconds_are_those_of_its_longest_sample() -> None:
    async def behave(_: Prompt, __: Sampling, ___: OnToken) -> list[Generation]:
        return [Generation("x", (), FinishReason.STOP, Usage(), seconds) for seconds in (1.0, 3.0, 2.0)]

    meter = Meter(rung("r", behave))
    assert meter.engine_seconds == 0.0
    await meter.generate(Prompt("x"), Sampling(1, n=3))
    assert meter.engine_seconds == pytest.approx(3.0)
    await meter.generate(Prompt("x"), Sampling(1, n=3))
    assert meter.engine_seconds == pytest.approx(3.0, abs=0.1)  # one after the other here, at once for the clock
