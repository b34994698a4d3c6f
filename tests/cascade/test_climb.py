"""Which rung answers, what is spent, and what is left behind."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.cascade.attempt import Climb, Decision
from rung.cascade.climb import climb
from rung.cascade.ladder import Ladder, Rung
from rung.cascade.prompts import LINE_TOKENS
from rung.cascade.task import Task, TaskKind
from rung.models.protocol import (
    InvalidResponse,
    ModelError,
    ModelRefused,
    ModelTimeout,
    ModelUnavailable,
    Prompt,
    Sampling,
    Token,
    Usage,
)

from .climb_fakes import (
    FUNCTION,
    LINE,
    PRICE,
    FakeGate,
    OnToken,
    TableTester,
    fails,
    generation,
    hangs,
    model_of,
    rung,
    says,
    writes,
)

D = Decision


async def up(
    *rungs: Rung, task: Task = LINE, gate: FakeGate | None = None, tester: TableTester | None = None, **options: Any
) -> Climb:
    theta = {TaskKind.LINE: options.pop("theta", 0.5), TaskKind.FUNCTION: 0.5}
    return await climb(task, Ladder(rungs, theta), gate or FakeGate(), tester, **{"deadline_s": 10.0, **options})


def decisions(result: Climb) -> list[Decision]:
    return [step.decision for step in result.steps]


def text_of(result: Climb) -> str | None:
    return result.answer.text if result.answer else None


async def test_the_first_attempt_that_scores_theta_is_the_answer_and_no_larger_rung_is_asked() -> None:
    large = rung("large", says("large"), remote=True)
    gate = FakeGate()
    result = await up(rung("small", says("small", probability=0.5)), large, gate=gate)
    assert (decisions(result), text_of(result)) == ([D.ADOPTED], "small")
    assert (model_of(large).calls, gate.texts, gate.passes) == ([], [], [])


async def test_below_theta_it_climbs_and_the_last_rung_is_adopted_unchecked() -> None:
    result = await up(rung("small", says("s", probability=0.49)), rung("large", says("l", probability=0.1)))
    assert (decisions(result), text_of(result)) == ([D.BELOW_THETA, D.ADOPTED_UNCHECKED], "l")
    assert result.steps[0].reason == "score 0.49 is below θ = 0.50"


async def test_a_rungs_own_theta_counts_instead_of_the_ladders() -> None:
    small = rung("small", says("s", probability=0.7), theta=0.8)
    result = await up(small, rung("large", says("l")))
    assert (decisions(result), result.steps[0].theta) == ([D.BELOW_THETA, D.ADOPTED_UNCHECKED], 0.8)


async def test_the_last_remote_rung_is_asked_for_no_log_probabilities_and_may_give_none() -> None:
    small, large = rung("small", says("s", probability=0.1)), rung("large", says("l", probability=0.0), remote=True)
    result = await up(small, large)
    assert model_of(small).calls[0][1].logprobs
    assert not model_of(large).calls[0][1].logprobs
    assert result.answer is not None
    assert (result.answer.text, result.answer.score) == ("l", None)


@pytest.mark.parametrize("k", [-1, 0])
async def test_k_is_of_functions_alone(k: int) -> None:
    result = await up(rung("small", says("s", probability=0.1), k=k), rung("large", says("l")))
    assert decisions(result) == [D.BELOW_THETA, D.ADOPTED_UNCHECKED]


async def test_for_a_function_k_minus_1_is_skipped_and_k_0_is_adopted_untested() -> None:
    skipped, adopted, never = (
        rung("skipped", says("    return 0"), k=-1),
        rung("adopted", says("    return 1", probability=0.01), k=0),
        rung("never", says("    return 2"), k=0),
    )
    tester = TableTester(lambda *_: True)
    result = await up(skipped, adopted, never, task=FUNCTION, tester=tester)
    assert (decisions(result), text_of(result)) == ([D.SKIPPED, D.ADOPTED_UNCHECKED], "    return 1")
    assert (model_of(skipped).calls, model_of(never).calls, tester.runs) == ([], [], [])
    assert len(model_of(adopted).calls) == 1


async def test_the_last_rung_that_functions_reach_is_adopted_unchecked_though_another_follows() -> None:
    tester = TableTester(lambda *_: False)
    small = rung("small", writes(["    return 1"], [" add(1, 2) == 3"]), k=1)
    result = await up(small, rung("never", says("x"), k=-1), task=FUNCTION, tester=tester)
    assert (decisions(result), text_of(result)) == ([D.ADOPTED_UNCHECKED], "    return 1")


PASSED_OVER = [
    (FakeGate(secret=True), says("l"), D.PRIVATE, "it holds a secret"),
    (FakeGate(poor=True), says("l"), D.OVER_BUDGET, "the budget is used up"),
    (FakeGate(), fails(ModelUnavailable("the server is down.")), D.FAILED, "the server is down."),
]


@pytest.mark.parametrize(("gate", "behaviour", "decision", "reason"), PASSED_OVER)
async def test_a_remote_rung_that_cannot_be_asked_is_passed_over_for_the_best_attempt(
    gate: FakeGate, behaviour: Any, decision: Decision, reason: str
) -> None:
    large = rung("large", behaviour, remote=True)
    result = await up(
        rung("tiny", says("best", probability=0.4)), rung("small", says("worse", probability=0.3)), large, gate=gate
    )
    assert (decisions(result), text_of(result)) == ([D.BELOW_THETA, D.BELOW_THETA, decision], "best")
    assert result.steps[2].reason == reason
    assert bool(model_of(large).calls) is (decision is D.FAILED)


async def test_a_remote_rung_in_the_middle_that_cannot_be_asked_does_not_end_the_ladder() -> None:
    result = await up(
        rung("middle", says("m"), remote=True), rung("last", says("l", probability=0.1)), gate=FakeGate(secret=True)
    )
    assert (decisions(result), text_of(result)) == ([D.PRIVATE, D.ADOPTED_UNCHECKED], "l")


async def test_all_of_what_would_be_sent_is_judged_and_nothing_of_a_local_rung() -> None:
    gate = FakeGate()
    task = Task(TaskKind.LINE, "before", "\nafter")
    await up(rung("small", says("s", probability=0.1)), rung("large", says("l"), remote=True), task=task, gate=gate)
    assert gate.texts == ["before\nafter"]


async def test_at_the_deadline_the_running_attempt_is_cancelled_and_the_best_so_far_is_the_answer() -> None:
    large, never = rung("large", hangs(3), remote=True), rung("never", says("n"))
    gate = FakeGate()
    result = await up(rung("small", says("s", probability=0.1)), large, never, gate=gate, deadline_s=0.3)
    assert (decisions(result), text_of(result)) == ([D.BELOW_THETA, D.DEADLINE], "s")
    assert (model_of(large).running, model_of(large).cancelled, model_of(never).calls) == (0, 1, [])
    (passed,) = gate.passes
    assert (passed.state, passed.usage) == ("settled", Usage(prompt=2, generated=3, counted=False))
    assert result.steps[1].usage == passed.usage
    assert result.cost_usd == passed.spent_usd == PRICE.of(passed.usage)


async def test_a_deadline_that_is_over_before_the_first_rung_asks_nobody() -> None:
    small = rung("small", says("s"))
    result = await up(small, deadline_s=0.0)
    assert (decisions(result), result.answer, model_of(small).calls) == ([D.DEADLINE], None, [])


async def test_what_was_sent_and_came_to_no_token_is_neither_settled_nor_released() -> None:
    gate = FakeGate()
    await up(rung("large", hangs(0), remote=True), gate=gate, deadline_s=0.3)
    assert [passed.state for passed in gate.passes] == ["reserved"]


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (ModelUnavailable("down"), "released"),
        (ModelRefused("401"), "released"),
        (ModelTimeout("slow"), "reserved"),
        (InvalidResponse("half"), "reserved"),
    ],
)
async def test_only_what_did_no_work_is_released(error: ModelError, state: str) -> None:
    gate = FakeGate()
    result = await up(rung("large", fails(error), remote=True), gate=gate)
    assert (decisions(result), result.answer) == ([D.FAILED], None)
    assert [passed.state for passed in gate.passes] == [state]


async def test_a_second_call_that_is_cut_off_keeps_the_reservation_though_the_first_was_counted() -> None:
    calls = iter([says("one"), hangs(0)])

    async def behave(prompt: Prompt, sampling: Sampling, on_token: OnToken) -> Any:
        return await next(calls)(prompt, sampling, on_token)

    gate = FakeGate()
    result = await up(rung("large", behave, remote=True), gate=gate, several=3, deadline_s=0.3)
    assert [passed.state for passed in gate.passes] == ["reserved"]
    assert result.usage.generated == 1


@pytest.mark.parametrize("task", [LINE, FUNCTION], ids=["line", "function"])
async def test_a_cancelled_climb_settles_what_it_spent_and_leaves_no_task(task: Task) -> None:
    gate, large = FakeGate(), rung("large", hangs(5), remote=True, k=3)
    before = asyncio.all_tasks()
    running = asyncio.create_task(up(large, task=task, gate=gate, tester=TableTester(lambda *_: True)))
    await asyncio.wait_for(model_of(large).asked.wait(), 5)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    calls = len(model_of(large).calls)
    assert (model_of(large).running, model_of(large).cancelled) == (0, calls)
    assert [(passed.state, passed.usage.generated) for passed in gate.passes] == [("settled", 5 * calls)]
    assert asyncio.all_tasks() == before


async def test_a_climb_cancelled_twice_still_settles() -> None:
    gate, large = FakeGate(), rung("large", hangs(5), remote=True)
    running = asyncio.create_task(up(large, gate=gate))
    await asyncio.wait_for(model_of(large).asked.wait(), 5)
    running.cancel()
    asyncio.get_running_loop().call_soon(running.cancel)
    with pytest.raises(asyncio.CancelledError):
        await running
    await asyncio.wait_for(gate.passes[0].closed.wait(), 5)
    assert gate.passes[0].state == "settled"


@pytest.mark.parametrize(("k", "task"), [(0, LINE), (0, FUNCTION), (1, FUNCTION), (3, FUNCTION)])
async def test_each_remote_rung_has_one_reservation_that_its_usage_fits_into(k: int, task: Task) -> None:
    gate = FakeGate()
    middle = rung("middle", says(""), remote=True, k=k, theta=1.0)
    large = rung("large", says("    return 1"), remote=True)
    result = await up(middle, large, task=task, gate=gate, tester=TableTester(lambda *_: True), several=3)
    remote = [step.rung for step in result.steps]
    assert [passed.rung for passed in gate.passes] == remote
    for passed, asked in zip(gate.passes, [middle, large], strict=False):
        assert passed.state == "settled"
        most = sum(sampling.n * sampling.max_tokens for _, sampling in model_of(asked).calls)
        prompts = sum(len(prompt.prefix + prompt.suffix) + 1 for prompt, _ in model_of(asked).calls)
        assert passed.tokens >= most + prompts
        assert passed.usd >= PRICE.of(Usage(prompt=prompts, generated=most))


async def test_an_empty_line_that_scores_theta_means_there_is_nothing_to_add() -> None:
    large = rung("large", says("l"))
    result = await up(rung("small", says("  ", probability=0.9)), large)
    assert (decisions(result), result.answer, model_of(large).calls) == ([D.NOTHING_TO_ADD], None, [])


async def test_an_empty_line_below_theta_climbs_and_is_never_the_answer() -> None:
    large = rung("large", fails(ModelUnavailable("down")))
    result = await up(rung("small", says("", probability=0.4)), large)
    assert (decisions(result), result.answer) == ([D.BELOW_THETA, D.FAILED], None)


async def test_several_gives_different_other_lines_of_one_further_call() -> None:
    texts = iter([["one"], ["two", "one", "two", "", "three"]])

    async def behave(_: Prompt, sampling: Sampling, __: OnToken) -> Any:
        given = next(texts)
        assert len(given) == sampling.n
        return [generation(text) for text in given]

    small = rung("small", behave)
    result = await up(small, several=6)
    assert result.answer is not None
    assert (result.answer.text, result.answer.others) == ("one", ("two", "three"))
    assert [(sampling.n, sampling.temperature) for _, sampling in model_of(small).calls] == [(1, 0.0), (5, 0.8)]


class TestSelfTest:
    BODIES = ("    return a + b", "    return a - b", "    return b + a")
    TESTS = (
        " add(1, 2) == 3\nassert add(2, 2) == 4\nassert add(0, 0) == 0",
        " add(1, 2) == 3\nassert add(3, 3) == 6",
        " add(1, 2) == -1\nassert 1 == 1",
    )

    @staticmethod
    def really(source: str, test: str) -> bool:
        scope: dict[str, Any] = {}
        exec(source, scope)
        try:
            exec(test, scope)
        except AssertionError:
            return False
        return True

    async def test_the_score_is_the_papers_and_the_best_solution_is_adopted(self) -> None:
        tester = TableTester(self.really)
        small = rung("small", writes(self.BODIES, self.TESTS), k=3)
        result = await up(small, rung("large", says("x")), task=FUNCTION, tester=tester)
        # T: == 3, == 4 and == 6 (passed by the first and the last), == 0 (by all), == -1 (by the other)
        attempt = result.answer
        assert attempt is not None
        assert decisions(result) == [D.ADOPTED]
        assert attempt.self_test is not None
        test = attempt.self_test
        assert (test.k, test.test_lines, test.passed_lines, test.agreement) == (3, 5, 4, 3)
        assert attempt.score == pytest.approx(4 * 3 / (3 * 5))
        assert (attempt.text, attempt.others) == (self.BODIES[0], (self.BODIES[2], self.BODIES[1]))
        ((programs, tests),) = tester.runs
        assert (len(programs), len(tests)) == (3, 5)

    async def test_k_solutions_and_k_test_texts_are_one_call_each_sampled_only_above_1(self) -> None:
        for k, temperature in ((1, 0.0), (3, 0.8)):
            small = rung("small", writes(self.BODIES[:k], self.TESTS[:k]), k=k)
            await up(small, task=FUNCTION, tester=TableTester(self.really))
            samplings = [sampling for _, sampling in model_of(small).calls]
            assert [(s.n, s.temperature) for s in samplings] == [(k, temperature)] * 2

    @pytest.mark.parametrize("tests", ["", " 1 == 1", " add(", " other(1) == 1"])
    async def test_without_a_valid_test_line_the_score_is_0(self, tests: str) -> None:
        tester = TableTester(self.really)
        small = rung("small", writes(self.BODIES[:1], [tests]), k=1)
        result = await up(small, rung("large", says("    return 7")), task=FUNCTION, tester=tester)
        first = result.steps[0].attempt
        assert first is not None
        assert (first.score, result.steps[0].decision, tester.runs) == (0.0, D.BELOW_THETA, [])
        assert text_of(result) == "    return 7"

    async def test_a_solution_without_code_scores_0_though_it_passes(self) -> None:
        small = rung("small", writes(["nonsense", "    return a + b"], self.TESTS[:2]), k=2)
        result = await up(small, task=FUNCTION, tester=TableTester(lambda *_: True))
        assert (text_of(result), result.answer and result.answer.others) == ("    return a + b", ())

    @pytest.mark.parametrize(("probability", "decision"), [(0.6, D.ADOPTED), (0.4, D.BELOW_THETA)])
    async def test_without_a_sandbox_the_greedy_solution_is_scored_by_its_confidence(
        self, probability: float, decision: Decision
    ) -> None:
        small = rung("small", says("    return a + b", probability=probability), k=3)
        result = await up(small, rung("large", says("    return 7")), task=FUNCTION, tester=None)
        (call,) = model_of(small).calls
        assert (call[1].n, call[1].temperature, call[1].logprobs) == (1, 0.0, True)
        step = result.steps[0]
        assert step.attempt is not None
        assert (step.decision, step.attempt.self_test) == (decision, None)
        assert step.attempt.score == pytest.approx(probability)

    async def test_a_call_that_fails_ends_the_other_and_the_ladder_goes_on(self) -> None:
        async def behave(prompt: Prompt, sampling: Sampling, on_token: OnToken) -> Any:
            if prompt.prefix.endswith("assert"):
                raise ModelUnavailable("the worker ended.")
            return await hangs(0)(prompt, sampling, on_token)

        small = rung("small", behave, k=3)
        result = await up(small, rung("large", says("    return 7")), task=FUNCTION, tester=TableTester(self.really))
        assert (decisions(result), text_of(result)) == ([D.FAILED, D.ADOPTED_UNCHECKED], "    return 7")
        assert (result.steps[0].reason, model_of(small).running) == ("the worker ended.", 0)


async def test_progress_tells_who_is_asked_and_how_far_it_is() -> None:
    async def behave(_: Prompt, __: Sampling, on_token: OnToken) -> Any:
        assert on_token
        for _number in range(LINE_TOKENS):
            on_token(0, Token("x", -0.1))
        return [generation("x")]

    told: list[str] = []
    await up(rung("small", behave), on_progress=told.append)
    assert told == ["asking small", "small: 32 tokens", "small: 64 tokens"]


async def test_what_is_written_is_told_as_it_comes_and_anew_at_each_rung() -> None:
    async def behave(_: Prompt, __: Sampling, on_token: OnToken) -> Any:
        assert on_token
        for word in ("f", "(", "x"):
            on_token(0, Token(word, -3.0))
        return [generation("f(x", 0.05)]

    told: list[tuple[str, str]] = []
    await up(rung("small", behave), rung("large", behave), on_text=lambda *each: told.append(each))
    assert told == [(name, text) for name in ("small", "large") for text in ("", "f", "f(", "f(x")]


kinds = st.tuples(
    st.booleans(),  # remote
    st.sampled_from(["text", "empty", "down"]),
    st.sampled_from([0.1, 0.31, 0.5, 0.71, 1.0]),  # its score
    st.sampled_from([0.0, 0.3, 0.5, 0.7, 1.0]),  # its θ
)


@given(st.lists(kinds, min_size=1, max_size=5), st.sampled_from(["open", "secret", "poor"]))
def test_the_rung_that_answers_is_the_one_that_the_design_names(
    ladder: list[tuple[bool, str, float, float]], gate: str
) -> None:
    rungs = []
    for number, (remote, what, score, theta) in enumerate(ladder):
        behaviour = {
            "text": says(f"t{number}", probability=score),
            "empty": says("", probability=score),
            "down": fails(ModelUnavailable("down")),
        }[what]
        rungs.append(rung(str(number), behaviour, remote=remote, theta=theta))
    asked = FakeGate(secret=gate == "secret", poor=gate == "poor")
    result = asyncio.run(up(*rungs, gate=asked))
    assert (result.answer.rung if result.answer else None) == _by_hand(ladder, closed=gate != "open")
    assert all(passed.state in ("settled", "released") for passed in asked.passes)
    assert math.isclose(sum(passed.spent_usd for passed in asked.passes), result.cost_usd)


def _by_hand(ladder: list[tuple[bool, str, float, float]], *, closed: bool) -> str | None:
    """The first that scores θ, else the last; where that gives nothing, the best of those that gave text."""
    best, best_score = None, -1.0
    for number, (remote, what, score, theta) in enumerate(ladder):
        last = number == len(ladder) - 1
        if what == "down" or (remote and closed):
            continue
        if score >= theta or last:
            return str(number) if what == "text" else None
        if what == "text" and score > best_score:
            best, best_score = str(number), score
    return best
