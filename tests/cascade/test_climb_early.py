"""What is told of a line while a remote rung is asked."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence

import pytest

from rung.cascade.attempt import Climb, Decision
from rung.cascade.climb import climb
from rung.cascade.ladder import Ladder, Rung
from rung.cascade.task import TaskKind
from rung.models.protocol import FinishReason, Generation, ModelUnavailable, Prompt, Sampling, Token, Usage

from .climb_fakes import LINE, Behaviour, FakeGate, OnToken, fails, model_of, rung, says

TEXTS = ["foo", "(", "1", ")"]


def doubts(probability: float) -> Behaviour:
    """foo(1), given up after three tokens where that is asked for."""

    async def behave(_: Prompt, sampling: Sampling, __: OnToken) -> list[Generation]:
        tokens = tuple(Token(text, math.log(probability)) for text in TEXTS)
        given_up = sampling.doubt is not None and probability < sampling.doubt[1]
        kept = tokens[:3] if given_up else tokens
        reason = FinishReason.DOUBT if given_up else FinishReason.STOP
        return [Generation("".join(token.text for token in kept), kept, reason, Usage(10, 0, len(kept)), 0.0)]

    return behave


class Early:
    """Gathers it. A remote rung that `waits` answers once there is something."""

    def __init__(self) -> None:
        self.told: list[Climb] = []
        self.came = asyncio.Event()

    def __call__(self, early: Climb) -> None:
        self.told.append(early)
        self.came.set()

    def waits(self, text: str) -> Behaviour:
        async def behave(*asked: object) -> list[Generation]:
            await asyncio.wait_for(self.came.wait(), 5)
            return await says(text)(*asked)  # type: ignore[arg-type]

        return behave


async def up(early: Early, *rungs: Rung, gate: FakeGate | None = None) -> Climb:
    ladder = Ladder(rungs, {TaskKind.LINE: 0.5})
    return await climb(LINE, ladder, gate or FakeGate(), None, deadline_s=10.0, on_early=early)


def texts(climbs: Sequence[Climb]) -> list[str]:
    return [each.answer.text for each in climbs if each.answer]


async def test_while_a_remote_rung_is_asked_the_line_below_theta_is_written_to_its_end() -> None:
    early = Early()
    result = await up(early, rung("small", doubts(0.45)), rung("large", early.waits("large"), remote=True))
    (told,) = early.told
    assert texts([told, result]) == ["foo(1)", "large"]
    assert told.id != result.id
    assert not told.settled
    assert [step.usage.generated for step in result.steps] == [7, 1]  # three tokens, and then all four


async def test_it_is_not_written_twice_where_the_remote_rung_fails() -> None:
    early = Early()

    async def late(*asked: object) -> list[Generation]:
        await asyncio.wait_for(early.came.wait(), 5)
        return await fails(ModelUnavailable("gone"))(*asked)  # type: ignore[arg-type]

    small = rung("small", doubts(0.45))
    result = await up(early, small, rung("large", late, remote=True))
    assert texts([*early.told, result]) == ["foo(1)", "foo(1)"]
    assert len(model_of(small).calls) == 2


async def test_nothing_is_told_of_what_is_hardly_ever_right() -> None:
    early = Early()
    small = rung("small", doubts(0.3))
    result = await up(early, small, rung("large", says("large"), remote=True))
    assert (early.told, texts([result]), len(model_of(small).calls)) == ([], ["large"], 1)


async def test_nothing_is_told_where_the_next_rung_is_local() -> None:
    early = Early()
    await up(early, rung("small", doubts(0.45)), rung("large", says("large")))
    assert early.told == []


async def test_writing_ends_with_the_remote_rungs_answer() -> None:
    early = Early()
    hung = asyncio.Event()

    async def small(prompt: Prompt, sampling: Sampling, on_token: OnToken) -> list[Generation]:
        if sampling.doubt is None:
            hung.set()
            await asyncio.Event().wait()
        return await doubts(0.45)(prompt, sampling, on_token)

    async def large(*asked: object) -> list[Generation]:
        await asyncio.wait_for(hung.wait(), 5)
        return await says("large")(*asked)  # type: ignore[arg-type]

    first = rung("small", small)
    result = await up(early, first, rung("large", large, remote=True))
    assert (texts([result]), early.told, model_of(first).cancelled) == (["large"], [], 1)


@pytest.mark.parametrize("gate", [FakeGate(poor=True), FakeGate(secret=True)], ids=["poor", "secret"])
async def test_a_rung_that_may_not_be_asked_leaves_the_line_as_the_answer(gate: FakeGate) -> None:
    result = await up(Early(), rung("small", doubts(0.45)), rung("large", says("large"), remote=True), gate=gate)
    assert texts([result]) == ["foo(1)"]
    assert result.steps[0].decision is Decision.BELOW_THETA
