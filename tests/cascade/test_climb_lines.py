"""Lines: given up at the first tokens, taken up again, and sent up where the user typed over what was shown (MCCom)."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from rung.cascade.attempt import Climb, Decision
from rung.cascade.chunk import Chunk
from rung.cascade.climb import climb
from rung.cascade.ladder import Ladder, Rung
from rung.cascade.task import Rejected, Task, TaskKind
from rung.models.protocol import FinishReason, Generation, ModelUnavailable, Priority, Prompt, Sampling, Token, Usage

from .climb_fakes import LINE, FakeGate, OnToken, fails, model_of, rung, says

D = Decision
CHUNK = Chunk("pkg/other.py", 3, "def other(a, b):\n    return a\n")


async def doubts(_: Prompt, sampling: Sampling, __: OnToken) -> list[Generation]:
    """A model that is sure of nothing, and stops where it is told to."""
    words = ["f", "o", "o", "(", "1", ")"]
    tokens = tuple(Token(word, math.log(0.3)) for word in words)
    if sampling.doubt and sampling.doubt[1] > 0.3:
        kept = tokens[: sampling.doubt[0]]
        text = "".join(token.text for token in kept)
        return [Generation(text, kept, FinishReason.DOUBT, Usage(10, 0, len(kept)), 0.25)]
    return [Generation("".join(words), tokens, FinishReason.STOP, Usage(10, 0, len(words)), 0.5)]


async def stopped(_: Prompt, __: Sampling, ___: OnToken) -> list[Generation]:
    """A server that ends a text because what comes next would be wrong, however sure of the beginning the model is."""
    tokens = tuple(Token(word, math.log(0.99)) for word in ("foo", "(", "a", ", "))
    return [Generation("foo(a, ", tokens, FinishReason.DOUBT, Usage(10, 0, 4), 0.25)]


async def up(*rungs: Rung, task: Task = LINE, gate: FakeGate | None = None, **options: Any) -> Climb:
    ladder = Ladder(rungs, {TaskKind.LINE: 0.5, TaskKind.FUNCTION: 0.5})
    return await climb(task, ladder, gate or FakeGate(), None, deadline_s=10.0, **options)


def decisions(result: Climb) -> list[Decision]:
    return [step.decision for step in result.steps]


def rejecting(text: str = "bar()", by: str = "small") -> Task:
    return replace(LINE, rejected=Rejected(by, text, 0.8))


@dataclass
class Found:
    first: tuple[Chunk, ...] = (CHUNK,)
    again: tuple[Chunk, ...] = ()
    error: type[Exception] | None = None
    asked: list[str] = field(default_factory=list)

    async def retrieve(self, task: Task) -> tuple[Chunk, ...]:
        self.asked.append("first")
        if self.error:
            raise self.error
        return self.first

    async def retrieve_again(self, task: Task) -> tuple[Chunk, ...]:
        assert task.rejected is not None
        self.asked.append(task.rejected.text)
        return self.again


async def test_a_line_below_theta_is_given_up_after_three_tokens_and_the_next_rung_is_asked() -> None:
    result = await up(rung("small", doubts), rung("large", says("large")))
    assert decisions(result) == [D.BELOW_THETA, D.ADOPTED_UNCHECKED]
    assert (result.steps[0].usage.generated, result.answer and result.answer.text) == (3, "large")


@pytest.mark.parametrize(
    ("gate", "large"),
    [
        (FakeGate(poor=True), rung("large", says("large"), remote=True)),
        (FakeGate(), rung("large", fails(ModelUnavailable("down.")), remote=True)),
    ],
)
async def test_what_was_given_up_is_written_to_its_end_where_nothing_better_came(gate: FakeGate, large: Rung) -> None:
    result = await up(rung("small", doubts), large, gate=gate)
    assert result.answer is not None
    assert (result.answer.text, result.answer.begun) == ("foo(1)", False)
    assert result.steps[0].usage == Usage(20, 0, 9)
    assert result.steps[0].attempt is result.answer


async def test_the_last_rung_is_never_given_up() -> None:
    small = rung("small", doubts)
    result = await up(small)
    assert (result.answer and result.answer.text, model_of(small).calls[0][1].doubt) == ("foo(1)", None)


async def test_a_rejected_line_begins_one_rung_higher_with_the_rejected_text_as_draft() -> None:
    small, large = rung("small", says("small")), rung("large", says("large"), remote=True)
    result = await up(small, large, task=rejecting())
    assert (decisions(result), result.answer and result.answer.text) == ([D.REJECTED, D.ADOPTED_UNCHECKED], "large")
    assert model_of(small).calls == []
    assert model_of(large).calls[0][0].draft == "bar()"


async def test_the_last_rung_is_asked_again_where_its_own_text_was_rejected() -> None:
    large = rung("large", says("again"))
    result = await up(rung("small", says("s")), large, task=rejecting(by="large"))
    assert (decisions(result), len(model_of(large).calls)) == ([D.REJECTED, D.ADOPTED_UNCHECKED], 1)


async def test_a_rejection_by_a_rung_that_is_configured_no_more_counts_for_nothing() -> None:
    assert decisions(await up(rung("small", says("s")), rung("l", says("l")), task=rejecting(by="gone"))) == [D.ADOPTED]


async def test_where_the_larger_rungs_cannot_answer_a_rejection_the_smaller_ones_are_asked_after_all() -> None:
    small, large = rung("small", says("small")), rung("large", says("large"), remote=True)
    result = await up(small, large, task=rejecting(), gate=FakeGate(secret=True))
    assert decisions(result) == [D.REJECTED, D.PRIVATE, D.ADOPTED]
    assert result.answer is not None
    assert result.answer.text == "small"


async def test_what_python_does_not_parse_scores_nothing_and_is_not_shown() -> None:
    result = await up(rung("small", says("1 +* 2")), rung("large", says("3")))
    assert decisions(result) == [D.BELOW_THETA, D.ADOPTED_UNCHECKED]
    assert result.steps[0].reason == "Python would not parse with it"
    alone = await up(rung("small", says("1 +* 2")))
    assert alone.answer is None


async def test_retrieved_code_stands_before_the_file_and_the_gate_sees_it() -> None:
    small, large = rung("small", doubts), rung("large", says("large"), remote=True)
    gate = FakeGate()
    result = await up(small, large, gate=gate, retriever=Found())
    assert result.task.retrieved == (CHUNK,)
    for asked in (small, large):
        prompt = model_of(asked).calls[0][0]
        assert (prompt.context, prompt.prefix) == (f"# {CHUNK.path}\n{CHUNK.text}\n# this file\n", LINE.prefix)
    assert CHUNK.text.strip() in gate.texts[0]


async def test_a_rejection_is_retrieved_for_again_with_the_rejected_text() -> None:
    found, large = Found(again=(CHUNK,)), rung("large", says("large"))
    await up(rung("small", says("s")), large, task=rejecting("bar()"), retriever=found)
    assert found.asked == ["bar()"]
    assert CHUNK.path in model_of(large).calls[0][0].context


async def test_a_retrieval_that_is_late_costs_its_code_and_not_the_answer() -> None:
    result = await up(rung("small", says("s")), retriever=Found(error=TimeoutError))
    assert (result.answer and result.answer.text, result.task.retrieved) == ("s", ())


@pytest.mark.parametrize("by", ["large", "gone"])
async def test_where_no_larger_rung_is_asked_the_retrieved_code_stays_as_the_model_has_read_it(by: str) -> None:
    found = Found()
    await up(rung("small", says("s")), rung("large", says("l")), task=rejecting(by=by), retriever=found)
    assert found.asked == ["first"]


async def test_smaller_rungs_that_are_asked_after_all_get_the_code_that_they_have_read() -> None:
    found, small = Found(again=()), rung("small", says("small"))
    large = rung("large", says("l"), remote=True)
    await up(small, large, task=rejecting("bar()"), gate=FakeGate(poor=True), retriever=found)
    assert found.asked == ["bar()", "first"]
    assert CHUNK.path in model_of(small).calls[0][0].context


async def test_a_remote_rung_is_asked_only_after_the_pause_and_a_local_one_at_once() -> None:
    began = time.monotonic()
    assert (await up(rung("small", says("s")), rung("l", says("l"), remote=True), patience_s=5.0)).answer
    assert time.monotonic() - began < 1.0
    result = await up(rung("small", doubts), rung("l", says("l"), remote=True), patience_s=0.2)
    assert result.seconds >= 0.2
    assert decisions(result) == [D.BELOW_THETA, D.ADOPTED_UNCHECKED]


async def test_a_pause_longer_than_the_deadline_leaves_the_small_rungs_answer() -> None:
    ladder = Ladder((rung("small", doubts), rung("l", says("l"), remote=True)), {TaskKind.LINE: 0.5})
    result = await climb(LINE, ladder, FakeGate(), None, deadline_s=0.1, patience_s=5.0)
    assert (decisions(result), model_of(ladder.rungs[1]).calls) == ([D.BELOW_THETA, D.DEADLINE], [])
    assert (result.answer and result.answer.text) == "foo(1)"


async def test_ahead_no_remote_rung_is_asked_and_everybody_else_is_served_first() -> None:
    sure, unsure = rung("small", says("s")), rung("small", doubts)
    large = rung("large", says("l"), remote=True)
    gate = FakeGate()
    first = await up(sure, large, gate=gate, ahead=True, priority=Priority.BACKGROUND)
    assert (first.settled, first.answer and first.answer.text) == (True, "s")
    assert model_of(sure).calls[0][1].priority is Priority.BACKGROUND
    second = await up(unsure, large, gate=gate, ahead=True)
    assert (second.settled, second.answer, gate.texts, model_of(large).calls) == (False, None, [], [])
    assert len(model_of(unsure).calls) == 1


async def test_what_a_server_stopped_itself_climbs_and_is_not_asked_for_again() -> None:
    middle = rung("middle", stopped, remote=True)
    result = await up(middle, rung("large", says("right"), remote=True))
    assert decisions(result) == [D.BELOW_THETA, D.ADOPTED_UNCHECKED]
    assert result.answer is not None
    assert result.answer.text == "right"
    assert len(model_of(middle).calls) == 1


async def test_what_the_last_rung_stopped_is_shown_as_far_as_it_came() -> None:
    large = rung("large", stopped, remote=True)
    result = await up(rung("small", doubts), large)
    assert result.answer is not None
    assert result.answer.rung == "large"
    assert result.answer.text.startswith("foo(a")
    assert len(model_of(large).calls) == 1
