"""A project's completer, with the real small model and a real server as the large rung."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from rung.cascade.attempt import Climb, Decision
from rung.cascade.config import load
from rung.cascade.task import Rejected, TaskKind
from rung.cascade.telemetry import Outcome
from rung.cascade.trigger import Trigger
from rung.lsp.completer import Completer
from rung.lsp.notice import Level, Notice
from rung.lsp.project_code import OpenFile
from rung.lsp.rungs import LocalModel

from ..models import http_server
from ..models.http_server import Connection

pytestmark = pytest.mark.real

LIMIT_S = 30.0
SOURCE = "import os\n\n\ndef read(path):\n    with open(path) as file:\n        return file."
FUNCTION = 'def add(a, b):\n    """Return the sum of a and b."""\n'

Configure = Callable[..., Path]


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, smollm2: Path) -> Configure:
    """Writes the user's configuration and a project beside it; the project's folder."""
    monkeypatch.setenv("RUNG_CONFIG", str(tmp_path / "config.yaml"))
    monkeypatch.setenv("RUNG_DB", str(tmp_path / "rung.db"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").touch()

    def write(*lines: str, large: str | None = None, theta: int = 1, checkpoint: str = str(smollm2)) -> Path:
        k = 0 if large is None else -1
        ladder = f"ladder:\n  - {{name: small, checkpoint: {checkpoint}, context: 512, k: {k}}}\n"
        if large is not None:
            ladder += f"  - {{name: large, url: {large}, model: coder, price: {{input: 1, output: 1}}}}\n"
        text = f"theta: {theta}\ndeadline: {{line: 30}}\n{ladder}" + "".join(f"{line}\n" for line in lines)
        (tmp_path / "config.yaml").write_text(text)
        return project

    return write


class Notices(list[Notice]):
    """What the user was told."""

    def __init__(self) -> None:
        super().__init__()
        self._told = asyncio.Event()

    def tell(self, notice: Notice) -> None:
        self.append(notice)
        self._told.set()

    async def changed(self, limit: float) -> None:
        await asyncio.wait_for(self._told.wait(), limit)


@asynccontextmanager
async def completing(project: Path) -> AsyncIterator[tuple[Completer, Notices]]:
    notices = Notices()
    completer = Completer(load(project), notices.tell)
    try:
        yield completer, notices
    finally:
        await completer.close()


async def indexed(completer: Completer) -> None:
    """Wait until the index of the project's code is complete."""
    assert completer.code is not None
    ended = asyncio.Event()
    completer.on_indexing(lambda progress: ended.set() if progress.ended else None)
    if not completer.code.status()["complete"]:
        await asyncio.wait_for(ended.wait(), LIMIT_S)


async def complete(
    completer: Completer, path: Path, source: str = SOURCE, trigger: Trigger = Trigger.AUTOMATIC
) -> Climb:
    task = completer.task_at(source, "\n", path=path, language="python")
    assert task is not None
    return await completer.complete(task, trigger)


async def is_well(connection: Connection) -> None:
    await connection.text("readlines()")


def rows(project: Path, question: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(project.parent / "rung.db") as connection:
        found = connection.execute(question).fetchall()
    connection.close()
    return found


async def test_a_line_and_a_function_are_completed_recorded_and_explained(configure: Configure) -> None:
    project = configure(theta=0)
    async with completing(project) as (completer, notices):
        line = await complete(completer, project / "a.py")
        function = await complete(completer, project / "a.py", FUNCTION)
        assert (line.task.kind, function.task.kind) == (TaskKind.LINE, TaskKind.FUNCTION)
        assert line.answer is not None
        assert function.answer is not None
        assert line.answer.text.strip()
        assert "return" in function.answer.text
        await completer.outcome(line.id, Outcome.ACCEPTED)
        assert completer.explain()["id"] == function.id
        explained = completer.explain(line.id)
        assert explained["answer"] == {"rung": "small", "text": line.answer.text}
        assert "**small** answered: a line task" in str(explained["markdown"])
        assert completer.explain("other") == {"markdown": "This completion is no longer remembered."}
        assert (await completer.status())["completions"] == 2
    assert notices == []
    requests = rows(project, "SELECT id, kind, answered_by, asked, outcome, project FROM requests ORDER BY at")
    assert requests == [
        (line.id, "line", "small", 1, "accepted", str(project)),
        (function.id, "function", "small", 1, None, str(project)),
    ]
    steps = rows(project, "SELECT request_id, position, rung, decision, generated > 0, cost_usd FROM steps")
    assert sorted(steps, key=str) == sorted(
        [
            (line.id, 0, "small", line.steps[0].decision.value, 1, 0.0),
            (function.id, 0, "small", "adopted_unchecked", 1, 0.0),
        ],
        key=str,
    )
    assert rows(project, "SELECT count(*) FROM texts") == [(0,)]


async def test_before_the_first_completion_there_is_nothing_to_explain(configure: Configure) -> None:
    async with completing(configure("enabled: false")) as (completer, _):
        assert completer.explain() == {"markdown": "Nothing was completed yet."}


async def test_switched_off_there_is_no_task_and_no_worker(configure: Configure) -> None:
    project = configure("enabled: false")
    async with completing(project) as (completer, notices):
        assert completer.task_at(SOURCE, "\n", path=project / "a.py", language="python") is None
        assert await workers(completer) == [None]
    assert notices == []


async def test_closing_at_once_starts_nothing_and_tells_nothing(configure: Configure) -> None:
    async with completing(configure()) as (completer, notices):
        await asyncio.sleep(0)  # the models begin to load
    assert await workers(completer) == [None]
    assert notices == []


async def test_telemetry_switched_off_records_nothing(configure: Configure) -> None:
    project = configure("telemetry: {enabled: false}", theta=0)
    async with completing(project) as (completer, _):
        climb = await complete(completer, project / "a.py")
        await completer.outcome(climb.id, Outcome.ACCEPTED)
    assert rows(project, "SELECT count(*) FROM requests") == [(0,)]


async def test_a_missing_checkpoint_is_told_once_and_gives_no_completion(
    configure: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNG_MODELS_DIR", str(tmp_path / "empty"))
    project = configure(checkpoint="smollm2-135m")
    async with completing(project) as (completer, notices):
        await notices.changed(LIMIT_S)
        climbs = [await complete(completer, project / "a.py") for _ in range(2)]
        assert [climb.answer for climb in climbs] == [None, None]
        assert climbs[0].steps[0].decision is Decision.FAILED
        assert "rung models pull smollm2-135m" in climbs[0].steps[0].reason
    assert [(notice.level, notice.text) for notice in notices] == [(Level.WARNING, climbs[0].steps[0].reason)]


async def test_what_is_private_never_reaches_the_large_rung(configure: Configure) -> None:
    async with http_server.serving(is_well) as server:
        project = configure("never_send: ['*.secret.py']", large=server.url)
        (project / ".gitignore").write_text("generated/\n")
        key = "AKIA" + "Q3EGRIPVUX7LJWZT"
        async with completing(project) as (completer, _):
            private = [
                await complete(completer, project / "a.secret.py"),
                await complete(completer, project / "generated" / "a.py"),
                await complete(completer, project / ".env"),
                await complete(completer, project.parent / "outside.py"),
                await complete(completer, project / "a.py", f'aws_access_key_id = "{key}"\n{SOURCE}'),
            ]
            assert server.connections == 0
            for climb in private:
                small, large = climb.steps
                assert (small.decision, large.decision) == (Decision.BELOW_THETA, Decision.PRIVATE)
                assert large.reason.endswith("this stays on your machine.")
                assert climb.answer is not None
                assert climb.answer.rung == "small"
                assert key not in str(completer.explain(climb.id)["markdown"])

            public = await complete(completer, project / "a.py")
            assert public.answer is not None
            assert (public.answer.rung, public.answer.text) == ("large", "readlines()")
            assert server.connections == 1
    assert rows(project, "SELECT rung, state FROM ledger") == [("large", "settled")]


async def test_the_budget_lets_one_escalation_through_and_the_second_stays_here(configure: Configure) -> None:
    async with http_server.serving(is_well) as server:
        project = configure("budget: {escalations_per_hour: 1}", large=server.url)
        async with completing(project) as (completer, _):
            climbs = [await complete(completer, project / "a.py") for _ in range(2)]
            status = await completer.status()
        assert len(server.bodies) == 1
    assert [climb.answer and climb.answer.rung for climb in climbs] == ["large", "small"]
    assert climbs[1].steps[1].decision is Decision.OVER_BUDGET
    spent = status["spent"]
    assert isinstance(spent, dict)
    assert spent["escalations_this_hour"] == 1
    assert spent["usd_today"] == pytest.approx(climbs[0].cost_usd)


async def test_two_completers_share_one_budget(configure: Configure) -> None:
    async with http_server.serving(is_well) as server:
        project = configure("budget: {escalations_per_hour: 1}", large=server.url)
        async with completing(project) as (one, _), completing(project) as (other, _):
            climbs = await asyncio.gather(complete(one, project / "a.py"), complete(other, project / "a.py"))
        assert len(server.bodies) == 1
    assert sorted(climb.steps[1].decision.value for climb in climbs) == ["adopted_unchecked", "over_budget"]


async def test_a_cancelled_completion_lets_the_server_go_and_stays_reserved(configure: Configure) -> None:
    asked, let_go = asyncio.Event(), asyncio.Event()

    async def waits(connection: Connection) -> None:
        asked.set()
        await connection.gone()
        let_go.set()

    async with http_server.serving(waits) as server:
        project = configure(large=server.url)
        async with completing(project) as (completer, _):
            running = asyncio.create_task(complete(completer, project / "a.py"))
            await asyncio.wait_for(asked.wait(), LIMIT_S)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            await asyncio.wait_for(let_go.wait(), LIMIT_S)
    assert rows(project, "SELECT state FROM ledger") == [("reserved",)]


async def workers(completer: Completer) -> list[int | None]:
    return [rung.model.worker_pid for rung in completer.ladder.rungs if isinstance(rung.model, LocalModel)]


SHAPES = (
    "def perimeter_of_hexagon(side_length):\n    return 6 * side_length\n\n\n"
    "def area_of_square(side_length):\n    return side_length**2\n"
)
MAIN = "from shapes import *\n\nside_length = 3\nprint(perimeter_of_"


@pytest.mark.parametrize("trigger", [Trigger.COMMAND_LINE, Trigger.INVOKED])
async def test_code_of_another_file_is_found_and_completed_with(configure: Configure, trigger: Trigger) -> None:
    project = configure(theta=0)
    (project / "shapes.py").write_text(SHAPES)
    async with completing(project) as (completer, _):
        await indexed(completer)
        result = await complete(completer, project / "main.py", MAIN, trigger)
        assert [chunk.path for chunk in result.task.retrieved] == ["shapes.py"]
        assert result.answer is not None
        assert result.answer.text.startswith("hexagon(side_length")


async def test_who_types_is_completed_with_it_once_the_model_has_read_it(configure: Configure) -> None:
    project = configure(theta=0)
    (project / "shapes.py").write_text(SHAPES)
    async with completing(project) as (completer, _):
        await indexed(completer)
        first = await complete(completer, project / "main.py", MAIN)
        assert first.task.retrieved == ()
        assert completer.code is not None
        async with asyncio.timeout(LIMIT_S):
            while not await completer.code.kept.retrieve(first.task):
                await completer.status()
        result = await complete(completer, project / "main.py", MAIN)
        assert [chunk.path for chunk in result.task.retrieved] == ["shapes.py"]
        assert result.usage.cached > result.usage.prompt - 8
        assert result.answer is not None
        assert result.answer.text.startswith("hexagon(side_length")


async def test_the_status_counts_what_the_worker_has_read_and_written(configure: Configure) -> None:
    async with completing(configure(theta=0)) as (completer, _):
        climb = await complete(completer, Path("/nowhere/a.py"))
        (rung,) = (await completer.status())["ladder"]  # type: ignore[misc,attr-defined]
        usage = climb.usage
        assert rung["tokens"] == {"evaluated": usage.prompt - usage.cached, "generated": usage.generated}


async def test_with_retrieval_switched_off_there_is_no_index(configure: Configure, tmp_path: Path) -> None:
    project = configure("retrieval: {enabled: false}", theta=0)
    (project / "shapes.py").write_text(SHAPES)
    async with completing(project) as (completer, _):
        result = await complete(completer, project / "main.py", MAIN)
        assert ((await completer.status())["index"], result.task.retrieved) == (None, ())


async def test_an_open_document_counts_as_it_is_and_a_saved_file_is_found(configure: Configure) -> None:
    project = configure(theta=0)
    async with completing(project) as (completer, _):
        await indexed(completer)
        completer.edited([OpenFile(project / "unsaved.py", lambda: SHAPES, 1)], [])
        result = await complete(completer, project / "main.py", MAIN, Trigger.INVOKED)
        assert [chunk.path for chunk in result.task.retrieved] == ["unsaved.py"]
        completer.edited([], [project / "unsaved.py"])
        (project / "saved.py").write_text(SHAPES)
        await completer.saved(project / "saved.py")
        result = await complete(completer, project / "other.py", MAIN, Trigger.INVOKED)
        assert [chunk.path for chunk in result.task.retrieved] == ["saved.py"]


async def test_a_rejected_line_goes_to_the_large_rung_with_the_rejected_text_as_its_draft(
    configure: Configure,
) -> None:
    async with http_server.serving(is_well) as server:
        project = configure(large=server.url, theta=0)
        async with completing(project) as (completer, _):
            first = await complete(completer, project / "a.py")
            assert first.answer is not None
            assert first.answer.rung == "small"
            task = replace(first.task, rejected=Rejected("small", first.answer.text, first.answer.score or 0.0))
            again = await completer.complete(task, Trigger.AUTOMATIC)
            assert (again.answer and again.answer.rung, again.answer and again.answer.text) == ("large", "readlines()")
        assert server.bodies[0]["prediction"] == {"type": "content", "content": first.answer.text}
