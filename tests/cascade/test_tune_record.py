"""Recording: what is asked, with which seeds, and that nothing is lost or asked twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from rung.cascade.bench.problem import Problem, ProblemSet
from rung.cascade.ladder import Rung
from rung.cascade.tune.journal import journal
from rung.cascade.tune.record import header_of, missing, record
from rung.cascade.tune.recording import Part, read
from rung.models.price import Price
from rung.models.protocol import Generation, ModelUnavailable, Prompt, Sampling, Usage

from .climb_fakes import Behaviour, FakeModel, OnToken, generation

PROBLEMS = ProblemSet("made", tuple(Problem(f"p{number}", f"def f{number}(x):\n", "", "f()") for number in range(3)))


def answers(fail_after: int | None = None) -> Behaviour:
    """Texts that tell what was asked; `fail_after` calls nothing more."""
    count = 0

    async def behave(prompt: Prompt, sampling: Sampling, _: OnToken) -> list[Generation]:
        nonlocal count
        count += 1
        if fail_after is not None and count > fail_after:
            raise ModelUnavailable("gone")
        usage = Usage(prompt=10, generated=2)
        return [generation(f"    return {sampling.seed}-{index}", usage=usage) for index in range(sampling.n)]

    return behave


async def recorded(path: Path, behaviour: Behaviour, flight: int = 1) -> FakeModel:
    model = FakeModel(behaviour)
    rung = Rung("small", model, price=Price(1.0, 2.0))
    header = header_of(PROBLEMS, rung, "model", k=3, l=4, seed=5)
    with journal(path, header) as opened:
        steps: list[None] = []
        calls = missing(opened, PROBLEMS.problems)
        await record(opened, calls, rung, flight=flight, on_call=lambda: steps.append(None))
        assert len(steps) == len(calls)
    return model


async def test_every_part_of_every_problem_is_asked_once_as_the_ladder_asks_it(tmp_path: Path) -> None:
    model = await recorded(tmp_path / "x.jsonl", answers())
    assert [(sampling.n, sampling.temperature > 0) for _, sampling in model.calls] == [
        (1, False),
        (1, False),
        (3, True),
        (3, True),
    ] * 3
    assert [prompt.prefix.endswith("assert") for prompt, _ in model.calls] == [False, True, False, True] * 3
    assert all(sampling.logprobs for _, sampling in model.calls)
    recording = read(tmp_path / "x.jsonl")
    assert all(recording.complete(problem.id) for problem in PROBLEMS.problems)
    whole = recording.entries["p0", Part.SOLUTIONS]
    assert whole.usd == pytest.approx((3 * 10 * 1.0 + 3 * 2 * 2.0) / 1e6)


@pytest.mark.parametrize("flight", [1, 2, 5])
@pytest.mark.parametrize("calls", [0, 1, 6, 11])
async def test_a_recording_that_failed_goes_on_to_the_same_end(tmp_path: Path, calls: int, flight: int) -> None:
    whole, parts = tmp_path / "whole.jsonl", tmp_path / "parts.jsonl"
    await recorded(whole, answers())
    with pytest.raises(ModelUnavailable, match="gone"):
        await recorded(parts, answers(fail_after=calls), flight)
    kept = len(read(parts).entries)
    assert kept <= calls
    again = await recorded(parts, answers(), flight)
    assert len(again.calls) == 12 - kept
    assert read(parts).entries == read(whole).entries


async def test_seeds_differ_between_calls_and_not_between_recordings(tmp_path: Path) -> None:
    one = await recorded(tmp_path / "a.jsonl", answers())
    two = await recorded(tmp_path / "b.jsonl", answers(), flight=1)
    seeds = [sampling.seed for _, sampling in one.calls]
    assert len(set(seeds)) == 12
    assert seeds == [sampling.seed for _, sampling in two.calls]


async def test_several_problems_are_in_flight_at_once(tmp_path: Path) -> None:
    most = 0

    async def behave(prompt: Prompt, sampling: Sampling, told: OnToken) -> list[Generation]:
        nonlocal most
        most = max(most, model.running)
        while model.running < 4 and most < 4:
            model.asked.clear()
            await model.asked.wait()
            most = max(most, model.running)
        return await answers()(prompt, sampling, told)

    model = FakeModel(behave)
    rung = Rung("small", model)
    with journal(tmp_path / "x.jsonl", header_of(PROBLEMS, rung, "m", k=3, l=4, seed=0)) as opened:
        await record(opened, missing(opened, PROBLEMS.problems), rung, flight=4, on_call=lambda: None)
    assert most == 4
