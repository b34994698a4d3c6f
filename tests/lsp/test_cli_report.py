"""`rung report` as a person runs it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from rung.cascade.attempt import Attempt, Climb, Decision, Step
from rung.cascade.budget import Budget, Limits, Reservation
from rung.cascade.ladder import Ladder, Rung
from rung.cascade.task import Task, TaskKind
from rung.cascade.telemetry import Database, Outcome, Telemetry
from rung.cascade.trigger import Trigger
from rung.lsp.cli.report import report
from rung.models.price import Price
from rung.models.protocol import Generation, OnSample, OnToken, Prompt, Sampling, Usage

PRICE = Price(1.0, 10.0)
DAY = 86_400.0


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


LADDER = Ladder((Rung("small", NoModel()), Rung("[red]large", NoModel(), remote=True, price=PRICE)), {})


def climb(request_id: str, score: float) -> Climb:
    attempt, usage = Attempt("small", "x", score), Usage(100, 0, 10)
    small = Step("small", False, Decision.ADOPTED, "", 0.5, attempt, usage, 0.0, 0.1)
    return Climb(request_id, Task(TaskKind.LINE, "", ""), (small,), attempt, 0.1)


async def fill(path: Path, project: Path) -> None:
    """Twelve requests that the small rung answered, ten days ago, and money of one that was lost."""
    database, then = Database(path), time.time() - 10 * DAY
    telemetry = Telemetry(database, now=lambda: then)
    for number in range(12):
        await telemetry.record(climb(f"r{number}", 0.9), trigger=Trigger.AUTOMATIC, project=project, ladder=LADDER)
        await telemetry.outcome(f"r{number}", Outcome.ACCEPTED if number % 4 else Outcome.REJECTED)
    budget = Budget(database, Limits(), project, now=lambda: then)
    lost = await budget.reserve("lost", "[red]large", tokens=10, usd=0.0006, expires_s=1)
    assert isinstance(lost, Reservation)
    await database.close()


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "rung.db"
    monkeypatch.setenv("RUNG_DB", str(path))
    monkeypatch.setenv("COLUMNS", "120")
    return path


@pytest.fixture
def filled(path: Path, tmp_path: Path) -> Path:
    asyncio.run(fill(path, tmp_path))
    return path


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(report)
    return CliRunner().invoke(app, arguments)


def test_a_person_sees_what_completions_did_cost_and_saved(filled: Path) -> None:
    result = run()
    assert result.exit_code == 0, result.output
    assert "12 requests · 12 answered · 75% of the shown accepted · 0% escalated" in result.output
    assert "0.0006 $ spent, about 75% less than always asking [red]large (an estimate)" in result.output
    lines = [" ".join(line.split()) for line in result.output.splitlines()]
    assert "line automatic 12 12 100%" in lines
    assert "accepted 9 75% ██████████████████" in lines
    assert "small 12 0.10 0.10 – 0.90 75%" in lines
    assert "[red]large 0 0.0006 $ 0.0006 $" in lines
    assert "always asking [red]large ≈ 0.0024 $" in lines
    assert "[red]large: 1 $ in, 10 $ out per million tokens (12 requests)" in lines


def test_the_numbers_come_as_json_too(filled: Path, tmp_path: Path) -> None:
    result = run("--json", "--project", str(tmp_path), "--days", "11")
    numbers = json.loads(result.output)
    assert (numbers["requests"], numbers["outcomes"]["counts"]["accepted"]) == (12, 9)
    assert numbers["always_top"]["estimated_requests"] == 12
    assert numbers["saved_share"] == pytest.approx(0.75)


def test_an_empty_database_is_answered_with_a_friendly_sentence(path: Path) -> None:
    result = run()
    assert result.exit_code == 0
    assert result.output == f"No completions are recorded yet in {path}: write some code with rung, then look again.\n"
    assert json.loads(run("--json").output)["requests"] == 0


def test_nothing_in_the_chosen_days_or_project_says_so(filled: Path) -> None:
    assert "No completions are recorded in the last 9 days; " in run("--days", "9").output
    assert "No completions are recorded for the project elsewhere; " in run("--project", "elsewhere").output


def test_a_damaged_database_ends_in_a_sentence(path: Path) -> None:
    path.write_bytes(b"no database" * 1000)
    result = run()
    assert result.exit_code == 1
    assert result.stderr == f"The database {path} is damaged or no database; move it away and rung starts a new one.\n"


@pytest.mark.real
def test_a_hundred_thousand_requests_are_reported_in_a_moment(filled: Path) -> None:
    connection = sqlite3.connect(filled)
    for table, key in (("requests", "id"), ("steps", "request_id")):
        names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[1] != key]
        columns = ", ".join(names)
        connection.execute(
            f"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 8333) "
            f"INSERT INTO {table} ({key}, {columns}) SELECT {key} || '-' || i, {columns} FROM {table}, n"
        )
    connection.commit()
    connection.close()
    before = time.perf_counter()
    result = run()
    seconds = time.perf_counter() - before
    assert "100,020 requests" in result.output
    assert seconds < 3, "0.8 s on two old cores; this much more is a lost index, not a busy machine"


def test_the_page_has_the_same_report_and_runs_nothing(filled: Path) -> None:
    page = run("--html").output
    assert page.startswith("<!DOCTYPE html>")
    assert "What became of what was shown" in page
    assert "default-src 'none'" in page
    assert "<script" not in page


def test_a_page_and_json_at_once_are_refused(filled: Path) -> None:
    result = run("--html", "--json")
    assert result.exit_code == 2
    assert "--json and --html exclude each other" in result.output
