"""A self-test while it is generated and run: it ends as soon as its outcome is certain, and cancels the rest."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.cascade.attempt import Attempt, Bound
from rung.cascade.bench.replay import measure_early
from rung.cascade.bench.sets import problem_set
from rung.cascade.cut import body_is_over, cut_body
from rung.cascade.function import FunctionAttempt
from rung.cascade.sandbox import Sandbox, SandboxUnavailable
from rung.cascade.spending import Meter
from rung.cascade.testlines import settled, suite
from rung.cascade.tune.recording import read
from rung.models.protocol import FinishReason, Generation, OnSample, OnToken, Prompt, Sampling, Token, Usage

from ..lsp.tune_made import write_recording, write_set
from .climb_fakes import ADD, FUNCTION, TableTester, rung, says

RIGHT, WRONG = "    return a + b\n", "    return a - b\n"
GOOD_TEST = " add(1, 2) == 3\n"


@dataclass
class Scripted:
    """A model that a test drives: texts grow and end when it says so. cancelled: the kinds of calls cut off."""

    name: str = "scripted"
    listeners: dict[str, tuple[OnToken, OnSample]] = field(default_factory=dict)
    ends: dict[str, asyncio.Future[list[str]]] = field(default_factory=dict)
    cancelled: list[str] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def generate(
        self, prompt: Prompt, sampling: Sampling, on_token: OnToken | None = None, on_sample: OnSample | None = None
    ) -> list[Generation]:
        kind = "texts" if prompt.prefix.endswith("assert") else "solutions"
        assert on_token
        assert on_sample
        self.listeners[kind] = on_token, on_sample
        self.ends[kind] = asyncio.get_running_loop().create_future()
        if len(self.ends) == 2:
            self.asked.set()
        try:
            texts = await self.ends[kind]
        except asyncio.CancelledError:
            self.cancelled.append(kind)
            raise
        return [Generation(text, (), FinishReason.STOP, Usage(generated=3), 0.1) for text in texts]

    async def close(self) -> None:
        raise AssertionError

    def grow(self, kind: str, sample: int, text: str) -> None:
        self.listeners[kind][0](sample, Token(text, -0.1))

    def end(self, kind: str, sample: int, text: str) -> None:
        self.listeners[kind][1](sample, text)


def adds(program: str, test: str) -> bool:
    """Whether a solution passes a test line, by running both."""
    scope: dict[str, object] = {}
    exec(program, scope)
    try:
        exec(test, scope)
    except AssertionError:
        return False
    return True


def attempt(model: Scripted, k: int, theta: float | None, *, remote: bool = False) -> FunctionAttempt:
    asked = rung("small", says("x"), k=k, remote=remote)
    asked = type(asked)(asked.name, model, remote, k, 4)
    return FunctionAttempt(FUNCTION, ADD, asked, theta, TableTester(adds), Meter(asked), lambda _: None)


async def begun(model: Scripted, what: FunctionAttempt) -> asyncio.Task[Attempt]:
    running = asyncio.create_task(what.run())
    await model.asked.wait()
    return running


async def test_no_valid_line_ends_the_solutions_that_are_still_being_written() -> None:
    model = Scripted()
    running = await begun(model, attempt(model, 2, 0.5))
    model.end("solutions", 0, RIGHT)
    model.ends["texts"].set_result(["\n", " nothing"])
    found = await running
    assert (found.score, found.bound, found.text) == (0.0, Bound.AT_MOST, RIGHT.rstrip())
    assert model.cancelled == ["solutions"]


async def test_solutions_that_fail_the_lines_so_far_end_the_tests() -> None:
    model = Scripted()
    running = await begun(model, attempt(model, 1, 1.0))
    model.grow("texts", 0, " add(1, 2) == 3\nassert add(2,")
    model.ends["solutions"].set_result([WRONG])
    found = await running
    assert found.bound is Bound.AT_MOST
    assert found.score == pytest.approx(3 / 4)  # three more lines could be passed
    assert model.cancelled == ["texts"]


async def test_a_decision_above_theta_waits_until_nothing_can_be_better() -> None:
    model = Scripted()
    running = await begun(model, attempt(model, 2, 0.2))
    model.end("solutions", 0, WRONG)
    model.end("texts", 0, " add(1, 0) == 1\n")
    model.end("texts", 1, GOOD_TEST)
    model.end("solutions", 1, RIGHT)
    found = await running
    assert (found.text, found.bound) == (RIGHT.rstrip(), Bound.EXACT)
    assert found.score == pytest.approx(2 * 2 / (2 * 2))
    assert sorted(model.cancelled) == ["solutions", "texts"]  # the calls had not come back


async def test_lines_that_only_look_like_assertions_leave_room_for_others() -> None:
    """An indented `assert` is taken too, and `assert_that` is none: what may still come must not be counted short."""
    model = Scripted()
    running = await begun(model, attempt(model, 1, 0.6))
    model.end("solutions", 0, RIGHT)
    model.grow("texts", 0, "_that(add(0, 0))\nassert add(1, 2) == 3\n")
    model.ends["texts"].set_result(
        ["_that(add(0, 0))\nassert add(1, 2) == 3\n    assert add(1, 1) == 3\n  assert add(1, 1) == 4"]
    )
    found = await running
    assert (found.score, found.bound) == (pytest.approx(1 / 3), Bound.EXACT)


async def test_tokens_of_a_remote_rung_are_not_taken_for_its_text() -> None:
    model = Scripted()
    running = await begun(model, attempt(model, 1, 1.0, remote=True))
    model.grow("texts", 0, " add(1, 2) == 4\nassert add(1, 1) == 2\n")
    model.ends["solutions"].set_result([RIGHT])
    model.ends["texts"].set_result([GOOD_TEST])
    found = await running
    assert (found.score, found.bound) == (1.0, Bound.EXACT)


async def test_a_model_that_tells_nothing_early_gets_the_same_answer() -> None:
    model = Scripted()
    running = await begun(model, attempt(model, 2, 0.5))
    model.ends["solutions"].set_result([WRONG, RIGHT])
    model.ends["texts"].set_result([GOOD_TEST, GOOD_TEST])
    found = await running
    assert (found.text, found.score) == (RIGHT.rstrip(), 0.5)
    assert found.self_test is not None
    assert found.self_test.test_lines == 1


@given(st.text("as \n()=1ert\"'", max_size=60), st.text("as \n()=1ert\"'", max_size=30), st.integers(1, 4))
def test_lines_of_a_settled_text_stay_whatever_follows(text: str, more: str, l: int) -> None:  # noqa: E741
    names = frozenset({"a", "s", "t"})
    before = suite([settled(f"assert {text}")], names, l)
    after = suite([f"assert {text}{more}"], names, l)
    assert after[: len(before)] == before


@given(st.text("a \n=1", max_size=40), st.text("a \n=1", max_size=20))
def test_a_body_that_is_over_stays_whatever_follows(text: str, more: str) -> None:
    if body_is_over(text, ADD):
        assert cut_body(text + more, ADD) == cut_body(text, ADD)


def _sandbox() -> Sandbox:
    try:
        return Sandbox.find()
    except SandboxUnavailable as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("theta", [0.2, 0.6, 1.0])
async def test_a_replayed_recording_is_decided_early_as_it_is_whole(tmp_path: Path, theta: float) -> None:
    sandbox = _sandbox()
    problems = write_set(tmp_path)
    recording = read(write_recording(tmp_path, problems, "small", 1, 0.5))
    found = problem_set(str(problems)).problems[:3]
    outcomes = [await measure_early(each, recording, 3, 4, theta, sandbox, 0.001) for each in found]
    assert [outcome.early_text for outcome in outcomes] == [outcome.whole_text for outcome in outcomes]
    assert outcomes[0].early_text == "    return x + 0"
    assert outcomes[1].early_text is None
    assert all(outcome.early_tokens <= outcome.whole_tokens for outcome in outcomes)
