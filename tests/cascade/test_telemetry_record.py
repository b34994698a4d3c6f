"""What is kept of a request, and of what became of its answer."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.cascade.attempt import Attempt, Climb, Decision, SelfTest, Step
from rung.cascade.ladder import Ladder, Rung
from rung.cascade.task import Task, TaskKind
from rung.cascade.telemetry import Database, Outcome, Telemetry
from rung.cascade.telemetry.outcome import replaces
from rung.cascade.telemetry.project import project_key
from rung.cascade.trigger import Trigger
from rung.models.price import Price
from rung.models.protocol import Generation, OnSample, OnToken, Prompt, Sampling, Usage

SECRET = "s3cret_source"


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


LADDER = Ladder(
    (Rung("small", NoModel()), Rung("large", NoModel(), remote=True, price=Price(2.0, 6.0))),
    {TaskKind.LINE: 0.5, TaskKind.FUNCTION: 0.5},
)


def escalated(request_id: str = "r1", path: str = f"/home/me/{SECRET}.py", score: float = 0.2) -> Climb:
    """A climb that ended at the top rung."""
    test = SelfTest(k=3, test_lines=4, passed_lines=2, agreement=1)
    low = Attempt("small", f"{SECRET} = 1", score, (f"{SECRET} = 2",), test)
    high = Attempt("large", f"{SECRET} = 3", 1.0)
    return Climb(
        request_id,
        Task(TaskKind.FUNCTION, f"def {SECRET}", f"# {SECRET}", "python", Path(path)),
        (
            Step("small", False, Decision.BELOW_THETA, f"{SECRET} is below", 0.5, low, Usage(90, 10, 60), 0.0, 0.25),
            Step("large", True, Decision.ADOPTED_UNCHECKED, f"{SECRET}", 0.5, high, Usage(100, 0, 7), 0.000242, 1.5),
        ),
        high,
        1.75,
    )


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(tmp_path / "rung.db")
    yield database
    await database.close()


async def rows(database: Database, query: str) -> list[dict[str, Any]]:
    def select(connection: sqlite3.Connection) -> list[dict[str, Any]]:
        cursor = connection.execute(query)
        return [dict(zip([column[0] for column in cursor.description], row, strict=True)) for row in cursor]

    return await database.read(select)


async def record(telemetry: Telemetry, climb: Climb, project: Path | None = None) -> None:
    await telemetry.record(climb, trigger=Trigger.AUTOMATIC, project=project, ladder=LADDER)


def bytes_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


def refuse(sentence: str) -> None:
    raise AssertionError(sentence)


async def test_a_request_and_its_steps_are_kept_with_all_their_numbers(database: Database, tmp_path: Path) -> None:
    await record(Telemetry(database, tell=refuse, now=lambda: 0.5), escalated(), tmp_path)
    (request,) = await rows(database, "SELECT * FROM requests")
    assert request == {
        "id": "r1",
        "at": "1970-01-01T00:00:00.500Z",
        "project": project_key(tmp_path),
        "language": "python",
        "kind": "function",
        "trigger": "automatic",
        "decision": "adopted_unchecked",
        "answered_by": "large",
        "score": 1.0,
        "asked": 2,
        "seconds": 1.75,
        "cost_usd": 0.000242,
        "top_rung": "large",
        "top_input_usd": 2.0,
        "top_output_usd": 6.0,
        "top_cost_usd": 0.000242,
        "basis_prompt": 100,
        "basis_answer": 7,
        "outcome": None,
        "outcome_at": None,
    }
    small, large = await rows(database, "SELECT * FROM steps ORDER BY position")
    assert small == {
        "request_id": "r1",
        "position": 0,
        "rung": "small",
        "remote": 0,
        "decision": "below_theta",
        "asked": 1,
        "theta": 0.5,
        "prompt": 90,
        "cached": 10,
        "generated": 60,
        "accepted_draft": 0,
        "rejected_draft": 0,
        "counted": 1,
        "seconds": 0.25,
        "cost_usd": 0.0,
        "score": 0.2,
        "k": 3,
        "test_lines": 4,
        "passed_lines": 2,
        "agreement": 1,
    }
    assert (large["remote"], large["k"], large["cost_usd"]) == (1, None, 0.000242)


async def test_no_source_text_no_reason_and_no_file_name_reaches_the_disk_unless_switched_on(
    database: Database, tmp_path: Path
) -> None:
    await record(Telemetry(database, tell=refuse), escalated(), tmp_path)
    await database.close()
    assert SECRET.encode() not in bytes_of(tmp_path)


async def test_source_text_is_kept_where_it_is_switched_on(database: Database) -> None:
    await record(Telemetry(database, source_text=True, tell=refuse), escalated())
    assert await rows(database, "SELECT * FROM texts") == [
        {"request_id": "r1", "prefix": f"def {SECRET}", "suffix": f"# {SECRET}", "answer": f"{SECRET} = 3"}
    ]
    assert [row["reason"] for row in await rows(database, "SELECT * FROM step_texts")] == [f"{SECRET} is below", SECRET]


async def test_a_request_without_an_answer_keeps_why_it_ended(database: Database) -> None:
    steps = (
        Step("small", False, Decision.FAILED, "", 0.5),
        Step("large", True, Decision.PRIVATE, "", 0.5),
    )
    climb = Climb("r1", Task(TaskKind.LINE, "", ""), steps, None, 0.1)
    await record(Telemetry(database, tell=refuse), climb)
    await record(Telemetry(database, tell=refuse), Climb("r2", climb.task, (), None, 0.0))
    found = await rows(database, "SELECT decision, asked, answered_by, top_cost_usd, basis_prompt FROM requests")
    assert [tuple(row.values()) for row in found] == [("private", 1, None, None, None), (None, 0, None, None, None)]


async def test_a_request_that_is_recorded_twice_is_kept_once(database: Database) -> None:
    telemetry = Telemetry(database, source_text=True, tell=refuse)
    await record(telemetry, escalated())
    await record(telemetry, escalated(score=0.4))
    assert [row["score"] for row in await rows(database, "SELECT score FROM steps ORDER BY position")] == [0.2, 1.0]


async def test_what_no_database_can_hold_does_not_lose_the_rest(database: Database) -> None:
    usage = Usage(10**30, -5, 10**30)
    step = Step("sm\ud800all", False, Decision.BELOW_THETA, "\udfff", 0.5, None, usage, float("nan"), float("inf"))
    climb = Climb("r\udc80", Task(TaskKind.LINE, "\ud83d", "\x00", "py\ud800"), (step,), None, float("nan"))
    telemetry = Telemetry(database, source_text=True, tell=refuse)
    await record(telemetry, climb, Path("/nowhere/\udcff/\x00"))
    (row,) = await rows(database, "SELECT prompt, cached, cost_usd FROM steps")
    assert row == {"prompt": 10**12, "cached": 0, "cost_usd": None}
    assert await telemetry.outcome("r\udc80", Outcome.ACCEPTED)


async def test_an_outcome_of_an_unknown_request_is_reported(database: Database) -> None:
    assert await Telemetry(database, tell=refuse).outcome("nobody", Outcome.ACCEPTED) is False
    assert await rows(database, "SELECT * FROM requests") == []


async def test_the_first_decisive_outcome_stays_with_its_time(database: Database) -> None:
    now = [0.0]
    telemetry = Telemetry(database, tell=refuse, now=lambda: now[0])
    await record(telemetry, escalated())
    for now[0], outcome in enumerate((Outcome.IGNORED, Outcome.PARTLY_ACCEPTED, Outcome.ACCEPTED, Outcome.REJECTED)):
        assert await telemetry.outcome("r1", outcome)
    assert await rows(database, "SELECT outcome, outcome_at FROM requests") == [
        {"outcome": "accepted", "outcome_at": "1970-01-01T00:00:02.000Z"}
    ]


@given(st.lists(st.sampled_from(Outcome), min_size=1))
def test_of_any_outcomes_the_first_decisive_one_stays_unless_the_editor_says_accepted(outcomes: list[Outcome]) -> None:
    kept: Outcome | None = None
    for outcome in outcomes:
        kept = outcome if replaces(outcome, kept) else kept
        assert not replaces(outcome, kept), "the same outcome twice changes nothing"
    decisive = [outcome for outcome in outcomes if outcome not in (Outcome.SHOWN, Outcome.IGNORED)]
    if Outcome.ACCEPTED in outcomes:
        assert kept is Outcome.ACCEPTED
    else:
        ignored = Outcome.IGNORED in outcomes
        assert kept is (decisive[0] if decisive else Outcome.IGNORED if ignored else Outcome.SHOWN)


async def test_a_loss_is_told_once_and_breaks_nothing(tmp_path: Path) -> None:
    (tmp_path / "rung.db").write_bytes(b"no database" * 1000)
    database, told = Database(tmp_path / "rung.db"), list[str]()
    telemetry = Telemetry(database, tell=told.append)
    await record(telemetry, escalated("r1"))
    await record(telemetry, escalated("r2"))
    assert await telemetry.outcome("r1", Outcome.ACCEPTED) is False
    assert len(told) == 1
    assert told[0].startswith("Completions are not recorded: The database ")
    await database.close()
