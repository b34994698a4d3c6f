"""The numbers of a report, checked by hand."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.cascade.attempt import Attempt, Climb, Decision, SelfTest, Step
from rung.cascade.budget import Budget, Limits, Reservation
from rung.cascade.ladder import Ladder, Rung
from rung.cascade.task import Task, TaskKind
from rung.cascade.telemetry import Database, Outcome, Telemetry
from rung.cascade.telemetry.always_top import Basis, basis
from rung.cascade.telemetry.figures import Report, latency_of
from rung.cascade.telemetry.report import compute_report
from rung.cascade.trigger import Trigger
from rung.models.price import Price
from rung.models.protocol import Generation, OnSample, OnToken, Prompt, Sampling, Usage

LINE = Task(TaskKind.LINE, "", "")
PRICE = Price(1.0, 10.0)


class NoModel:
    """A rung's model that is never asked."""

    name = "none"

    async def generate(
        self,
        prompt: Prompt,
        sampling: Sampling,
        on_token: OnToken | None = None,
        on_sample: OnSample | None = None,
    ) -> list[Generation]:
        raise AssertionError

    async def close(self) -> None:
        raise AssertionError


LADDER = Ladder((Rung("small", NoModel()), Rung("large", NoModel(), remote=True, price=PRICE)), {TaskKind.LINE: 0.5})
LOCAL = Usage(100, 0, 10)  # 0.0002 $ at the top rung
REMOTE = Usage(1000, 0, 100)  # 0.002 $


def adopted(request_id: str) -> Climb:
    attempt = Attempt("small", "x", 0.8)
    return Climb(
        request_id,
        LINE,
        (Step("small", False, Decision.ADOPTED, "", 0.5, attempt, LOCAL, 0.0, 0.1),),
        attempt,
        0.1,
    )


def escalated(request_id: str) -> Climb:
    low, high = Attempt("small", "x", 0.2), Attempt("large", "y", 0.9)
    steps = (
        Step("small", False, Decision.BELOW_THETA, "", 0.5, low, LOCAL, 0.0, 0.1),
        Step("large", True, Decision.ADOPTED_UNCHECKED, "", 0.5, high, REMOTE, PRICE.of(REMOTE), 0.9),
    )
    return Climb(request_id, LINE, steps, high, 1.0)


class Recorder:
    """Telemetry and a ledger over one file, and a clock that is set."""

    def __init__(self, database: Database, root: Path) -> None:
        self.now = 1_000_000.0
        self.root = root
        self._database = database
        self._telemetry = Telemetry(database, now=lambda: self.now)
        self._budget = Budget(database, Limits(), root, now=lambda: self.now)

    async def record(self, climb: Climb, outcome: Outcome | None = None, project: Path | None = None) -> None:
        await self._telemetry.record(climb, trigger=Trigger.AUTOMATIC, project=project or self.root, ladder=LADDER)
        if outcome:
            await self._telemetry.outcome(climb.id, outcome)

    async def reserve(self, request_id: str, usd: float) -> Reservation:
        reservation = await self._budget.reserve(request_id, "large", tokens=2000, usd=usd, expires_s=60)
        assert isinstance(reservation, Reservation)
        return reservation

    async def report(self, since: float | None = None, project: Path | None = None) -> Report:
        def compute(connection: sqlite3.Connection) -> Report:
            return compute_report(connection, since=since, project=project)

        return await self._database.read(compute)


@pytest.fixture
async def recorder(tmp_path: Path) -> AsyncIterator[Recorder]:
    database = Database(tmp_path / "rung.db")
    yield Recorder(database, tmp_path)
    await database.close()


async def test_an_empty_database_gives_a_report_of_nothing(recorder: Recorder) -> None:
    report = await recorder.report()
    assert (report.requests, report.kinds, report.rungs) == (0, (), ())
    assert (report.spent_usd, report.saved_share, report.escalation_rate) == (0, None, None)
    assert (report.outcomes.acceptance_rate, report.latency.p50) == (None, None)


async def test_requests_outcomes_decisions_and_times_are_counted(recorder: Recorder) -> None:
    await recorder.record(adopted("a"), Outcome.ACCEPTED)
    await recorder.record(adopted("b"), Outcome.REJECTED)
    await recorder.record(escalated("c"), Outcome.PARTLY_ACCEPTED)
    await recorder.record(adopted("d"))
    failed = Step("small", False, Decision.FAILED, "", 0.5, seconds=0.2)
    await recorder.record(Climb("e", LINE, (failed,), None, 0.2))
    report = await recorder.report()
    (kind,) = report.kinds
    assert (kind.kind, kind.trigger, kind.requests, kind.answered) == ("line", "automatic", 5, 4)
    assert (report.outcomes.shown, report.outcomes.unreported) == (3, 1)
    assert report.outcomes.acceptance_rate == pytest.approx(2 / 3)
    assert (report.escalated, report.escalation_rate) == (1, 1 / 5)
    assert (report.latency.samples, report.latency.p50) == (4, 0.1)
    small, large = report.rungs
    assert small.decisions == {"adopted": 3, "below_theta": 1, "failed": 1}
    assert (small.asked, small.latency.samples) == (5, 4)
    assert small.mean_score == pytest.approx(2.6 / 4)
    assert small.outcomes.acceptance_rate == 1 / 2
    assert (large.asked, large.latency.p50, large.outcomes.acceptance_rate) == (1, 0.9, 1.0)


async def test_always_asking_the_top_rung_is_counted_where_it_was_asked_and_else_estimated(recorder: Recorder) -> None:
    await recorder.record(adopted("a"))
    await recorder.record(adopted("b"))
    await recorder.record(escalated("c"))
    await recorder.record(Climb("d", LINE, (Step("small", False, Decision.SKIPPED, "", 0.5),), None, 0.0))
    report = await recorder.report()
    top = report.always_top
    assert (top.counted_requests, top.estimated_requests, top.without_basis) == (1, 2, 1)
    assert top.counted_usd == pytest.approx(0.002)
    assert top.estimated_usd == pytest.approx(2 * 0.0002)
    assert report.spent_usd == pytest.approx(0.002)
    assert report.saved_share == pytest.approx(0.0004 / 0.0024)
    (price,) = top.prices
    assert (price.rung, price.input_usd, price.output_usd, price.requests) == ("large", 1.0, 10.0, 4)


async def test_money_in_the_ledger_and_in_a_step_is_one_money(recorder: Recorder) -> None:
    settled = await recorder.reserve("a", 0.01)
    await settled.settle(REMOTE, 0.002)
    await recorder.record(escalated("a"))
    await recorder.record(escalated("b"))  # without a ledger
    report = await recorder.report()
    assert report.spent_usd == pytest.approx(0.004)
    assert report.always_top.counted_usd == pytest.approx(0.004)


async def test_money_of_a_request_that_was_cut_off_is_there_at_its_bound(recorder: Recorder) -> None:
    await recorder.reserve("never recorded", 0.01)
    released = await recorder.reserve("never sent", 0.01)
    await released.release()
    report = await recorder.report()
    (large,) = report.rungs
    assert (large.rung, large.spent_usd, large.at_bound_usd) == ("large", 0.01, 0.01)
    assert report.saved_share is None


async def test_a_report_is_of_one_time_and_one_project(recorder: Recorder, tmp_path: Path) -> None:
    other = tmp_path / "other"
    await recorder.record(escalated("old"))
    await recorder.reserve("old lost", 0.01)
    recorder.now += 100
    await recorder.record(adopted("new"))
    await recorder.record(adopted("elsewhere"), project=other)
    assert (await recorder.report()).requests == 3
    recent = await recorder.report(since=recorder.now - 50)
    assert (recent.requests, recent.spent_usd, recent.since) == (2, 0, "1970-01-12T13:47:30.000Z")
    assert (await recorder.report(project=other)).requests == 1
    assert (await recorder.report(project=other / ".." / "other")).requests == 1
    assert (await recorder.report(project=tmp_path, since=recorder.now)).requests == 1


async def test_answers_whose_tokens_the_server_did_not_count_are_said(recorder: Recorder) -> None:
    step = Step("large", True, Decision.FAILED, "", 0.5, None, Usage(1, 0, 1, counted=False), 0.1, 0.1)
    await recorder.record(Climb("a", LINE, (step,), None, 0.1))
    report = await recorder.report()
    assert report.rungs[0].uncounted == 1
    assert report.spent_usd == pytest.approx(0.1)


def test_a_self_tested_rung_is_the_basis_of_one_answer_not_of_its_samples() -> None:
    tested = Attempt("small", "x" * 70, 0.9, (), SelfTest(3, 4, 4, 3))
    step = Step("small", False, Decision.ADOPTED, "", 0.5, tested, Usage(400, 0, 600), 0.0, 1.0)
    assert basis(Climb("a", LINE, (step,), tested, 1.0), "large") == Basis(200, 20)


def test_a_file_that_the_top_rung_may_not_see_has_no_basis() -> None:
    climb = adopted("a")
    private = Step("large", True, Decision.PRIVATE, "", 0.5)
    assert basis(Climb("a", LINE, (*climb.steps, private), climb.answer, 1.0), "large") is None


@given(st.lists(st.floats(0, 1000), max_size=300))
def test_percentiles_are_times_that_were_measured_and_are_left_out_where_they_are_only_the_maximum(
    seconds: list[float],
) -> None:
    latency = latency_of(seconds)
    for percentile, needed, share in ((latency.p50, 1, 0.5), (latency.p90, 10, 0.9), (latency.p99, 100, 0.99)):
        assert (percentile is None) == (len(seconds) < needed)
        if percentile is not None:
            assert percentile in seconds
            assert sum(value <= percentile for value in seconds) >= share * len(seconds) - 1e-9
            assert sum(value < percentile for value in seconds) < share * len(seconds)
