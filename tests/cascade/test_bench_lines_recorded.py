"""Calls are made once, and come back as they were, in virtual time."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.cascade.bench.lines.call import Call, call_key, call_of, call_row, doubted
from rung.cascade.bench.lines.clock import VirtualClock
from rung.cascade.bench.lines.journal import Journal, journal
from rung.cascade.bench.lines.recorded import RecordedModel
from rung.cascade.tune.recording import RecordingError
from rung.models.protocol import FinishReason, Generation, ModelUnavailable, Prompt, Sampling, Token, Usage

from .lines_made import HEADER, Scripted

PROMPT, SAMPLING = Prompt("x = ", "\n"), Sampling(8)
TOKENS = st.lists(st.builds(Token, st.text(max_size=3), st.floats(-9, 0)), max_size=6).map(tuple)
GENERATIONS = st.builds(
    Generation,
    st.text(max_size=9),
    TOKENS,
    st.sampled_from(list(FinishReason)),
    st.builds(Usage, prompt=st.integers(0, 99), generated=st.integers(0, 9), counted=st.booleans()),
    st.integers(0, 999).map(lambda ms: ms / 1000),
)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Journal]:
    with journal(tmp_path / "calls.jsonl", HEADER) as opened:
        yield opened


@given(st.lists(GENERATIONS, max_size=3))
def test_a_call_comes_back_as_it_was(generations: list[Generation]) -> None:
    call = Call(tuple(generations), tuple((0.25,) * len(each.tokens) for each in generations))
    assert call_of(call_row("small", call)) == call


async def test_a_call_is_made_once_and_takes_its_time_each_time(opened: Journal) -> None:
    model, clock = Scripted("a b c"), VirtualClock()
    told: list[tuple[int, Token]] = []
    for times in (1, 2):
        (generation,) = await RecordedModel("small", model, opened, clock).generate(
            PROMPT, SAMPLING, lambda sample, token: told.append((sample, token))
        )
        assert (generation.text, generation.usage.generated) == ("a b c", 3)
        assert clock.seconds == pytest.approx(0.13 * times)
    assert len(model.calls) == 1
    assert [token.text for _, token in told] == ["a ", "b ", "c"] * 2


async def test_other_rungs_prompts_and_samplings_are_other_calls(opened: Journal) -> None:
    model, clock = Scripted("a"), VirtualClock()
    for name in ("small", "small, exact"):
        for prompt in (PROMPT, Prompt("y = "), Prompt("x = ", "\n", "draft"), Prompt("x = ", "\n", context="# y\n")):
            for sampling in (SAMPLING, Sampling(9), Sampling(8, logprobs=False)):
                await RecordedModel(name, model, opened, clock).generate(prompt, sampling)
    assert len(model.calls) == 24


async def test_without_a_model_only_what_was_recorded_is_answered(opened: Journal) -> None:
    clock = VirtualClock()
    first = await RecordedModel("small", Scripted("a b"), opened, clock).generate(PROMPT, SAMPLING)
    replay = RecordedModel("small", None, opened, clock)
    assert await replay.generate(PROMPT, SAMPLING) == first
    with pytest.raises(ModelUnavailable, match="no model"):
        await replay.generate(Prompt("other"), SAMPLING)


async def test_one_recording_serves_every_doubt(opened: Journal) -> None:
    model, clock = Scripted("a b c d e", probability=0.5), VirtualClock()
    recorded = RecordedModel("small", model, opened, clock)
    for least, text, reason in ((0.4, "a b c d e", FinishReason.STOP), (0.6, "a b c ", FinishReason.DOUBT)):
        (generation,) = await recorded.generate(PROMPT, Sampling(8, doubt=(3, least)))
        assert (generation.text, generation.finish_reason) == (text, reason)
    assert len(model.calls) == 1
    assert model.calls[0][1].doubt is None
    (whole,) = await RecordedModel("small", None, opened, clock, doubts=False).generate(
        PROMPT, Sampling(8, doubt=(3, 0.6))
    )
    assert whole.text == "a b c d e"


def test_a_doubted_call_ends_when_its_last_token_arrived() -> None:
    tokens = tuple(Token(text, math.log(0.5)) for text in ("a", "b", "c", "d"))
    whole = Generation("abcd", tokens, FinishReason.STOP, Usage(prompt=9, generated=5), 0.9)
    call = Call((whole,), ((0.1, 0.2, 0.3, 0.4),))
    (cut,) = doubted(call, (3, 0.6)).generations
    assert (cut.text, cut.tokens, cut.seconds, cut.usage) == ("abc", tokens[:3], 0.3, Usage(prompt=9, generated=4))
    assert doubted(call, (4, 0.6)) == call  # it ended by itself
    assert doubted(call, (3, 0.5)) == call
    assert doubted(call, None) == call


async def test_loading_a_model_is_in_no_call(opened: Journal) -> None:
    class Loading(Scripted):
        async def generate(self, *asked: Any) -> list[Generation]:
            await asyncio.sleep(0.2)  # longer than all of the call, which takes 0.15 s by its own account
            return await super().generate(*asked)

    clock = VirtualClock()
    recorded = RecordedModel("small", Loading("a b c d e", probability=0.5), opened, clock)
    await recorded.generate(PROMPT, Sampling(8, doubt=(3, 0.6)))
    assert clock.seconds <= 0.15


async def test_drafts_can_be_taken_away(opened: Journal) -> None:
    model = Scripted("a")
    await RecordedModel("large", model, opened, VirtualClock(), drafts=False).generate(
        Prompt("x = ", "\n", "draft"), SAMPLING
    )
    assert model.calls[0][0] == PROMPT


async def test_a_cancelled_call_is_not_recorded(opened: Journal) -> None:
    class Slow(Scripted):
        async def generate(self, *_: Any) -> list[Generation]:
            asked.set()
            await asyncio.Event().wait()
            raise AssertionError

    model, asked = Slow("a"), asyncio.Event()
    asking = asyncio.create_task(RecordedModel("small", model, opened, VirtualClock()).generate(PROMPT, SAMPLING))
    await asked.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert opened.find(call_key("small", PROMPT, SAMPLING)) is None


@pytest.mark.parametrize("row", [{}, {"generations": [{}]}, {"generations": 3}])
async def test_a_row_that_is_no_call_is_told(opened: Journal, row: dict[str, object]) -> None:
    opened.append(call_key("small", PROMPT, SAMPLING), row)
    with pytest.raises(RecordingError, match="is damaged"):
        await RecordedModel("small", None, opened, VirtualClock()).generate(PROMPT, SAMPLING)


async def test_a_warm_model_has_read_what_stands_above_the_line_and_only_the_rest_is_timed(opened: Journal) -> None:
    model, clock = Scripted("a b"), VirtualClock()
    prompt = Prompt("import os\nx = 1\ny = ", "\n", context="# z.py\n")
    for _ in range(2):
        await RecordedModel("small", model, opened, clock, warm=True).generate(prompt, SAMPLING)
    above = Prompt("import os\nx = 1\n", "\n", context="# z.py\n")
    assert [asked for asked, _ in model.calls] == [above, prompt]
    assert clock.seconds == pytest.approx(2 * 0.12)
    await RecordedModel("small", model, opened, clock).generate(prompt, SAMPLING)
    assert len(model.calls) == 3
