"""`rung demo`: the main job on real input."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

import typer
from pygls.exceptions import JsonRpcException
from rich.console import Console, RenderableType
from rich.live import Live
from rich.panel import Panel
from ruamel.yaml import YAML

from rung.cascade.telemetry import Database
from rung.cascade.telemetry.report import compute_report
from rung.lsp.cli.report import render
from rung.lsp.demo.editor import Editor, editor
from rung.lsp.demo.table import add, climbed, new_table, stayed
from rung.lsp.demo.tasks import DemoTask, function_tasks, line_tasks, write
from rung.lsp.large_server import EXTRA, ServerFailed, large_server
from rung.models.catalogue import CatalogueError, find

SMALL, LARGE = "smollm2-135m", "gemma3-270m"
_CONTEXT = 2048
_THREADS = 2
_HUMANEVAL = 3
_PICTURE_WIDTH = 128


def demo(
    picture: Annotated[Path | None, typer.Option(metavar="FILE.svg", help="Also write what is shown there.")] = None,
) -> None:
    """Show the ladder at work: a language server, a small local rung, and a large one behind HTTP."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _PICTURE_WIDTH
    try:
        checkpoints = [find(name) for name in (SMALL, LARGE)]
        with tempfile.TemporaryDirectory(prefix="rung-demo-") as folder:
            shown = asyncio.run(_show(console, Path(folder).resolve(), checkpoints[1]))
        if picture is not None:
            _draw(shown, picture)
    except (CatalogueError, ServerFailed) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    except (TimeoutError, JsonRpcException):
        typer.echo("The language server did not answer; `rung doctor` says what is wrong with it.", err=True)
        raise typer.Exit(1) from None


async def _show(console: Console, folder: Path, large: Path) -> list[RenderableType]:
    """Everything that was shown, in order."""
    async with AsyncExitStack() as stack:
        with console.status(f"starting a real server with {LARGE} as the large rung"):
            url = await stack.enter_async_context(large_server(large, LARGE, context=_CONTEXT, threads=_THREADS))
        environment, project = _prepare(folder, url)
        shown: list[RenderableType] = [_introduction(url)]
        console.print(*shown)
        client = await stack.enter_async_context(editor(project, environment))
        for kind, tasks in {"lines": line_tasks(), "functions": function_tasks(_HUMANEVAL)}.items():
            shown += await _complete(console, client, kind, tasks, project)
        await stack.aclose()  # the language server has recorded all when it ends
        shown.append(await _report(folder / "rung.db"))
        console.print(shown[-1])
        return shown


def _prepare(folder: Path, url: str) -> tuple[dict[str, str], Path]:
    """A configuration and a database of its own, and a project: nothing of the user's is read or written."""
    configuration = folder / "config.yaml"
    YAML(typ="safe").dump(
        {
            "theta": {"line": 0.75, "function": 0.5},
            "ladder": [
                {"name": "small", "checkpoint": SMALL, "context": _CONTEXT, "threads": _THREADS, "k": 1, "l": 4},
                {
                    "name": "large",
                    "url": url,
                    "model": LARGE,
                    "context": _CONTEXT,
                    "price": {"input": 0.10, "output": 0.40},
                    "extra": dict(EXTRA),
                    "k": 0,
                },
            ],
            "deadline": {"line": 30.0, "function": 120.0},
        },
        configuration,
    )
    project = folder / "project"
    project.mkdir()
    (project / "pyproject.toml").touch()
    environment = {**os.environ, "RUNG_CONFIG": str(configuration), "RUNG_DB": str(folder / "rung.db")}
    return environment, project


def _introduction(url: str) -> Panel:
    return Panel(
        f"small: {SMALL}, in a worker process of the language server\n"
        f"large: {LARGE}, behind {url}, at $0.10 and $0.40 per million tokens in and out\n"
        "A line is scored by the probability of its first 3 tokens, a function by the tests that the small rung itself "
        "writes for it and passes. Below θ the large rung is asked.",
        title="the ladder",
        title_align="left",
        expand=False,
    )


async def _complete(
    console: Console, client: Editor, kind: str, tasks: Sequence[DemoTask], project: Path
) -> list[RenderableType]:
    table = new_table(f"completing {kind}", console.width)
    accounts = []
    with Live(table, console=console, auto_refresh=False, vertical_overflow="visible") as live:
        for task in tasks:
            completion = await client.complete(write(task, project), task.before, task.after)
            if completion.why is not None and completion.why.get("steps"):
                accounts.append(completion.why)
                add(table, task, completion.why, completion.text)
            live.refresh()
    console.line()
    summary = (
        f"{sum(map(stayed, accounts))} of {len(accounts)} {kind} were answered by the small rung, "
        f"{sum(map(climbed, accounts))} climbed because of their score.\n"
    )
    console.print(summary)
    return [table, summary]


async def _report(path: Path) -> RenderableType:
    database = Database(path)
    try:
        figures = await database.read(lambda connection: compute_report(connection, since=None, project=None))
    finally:
        await database.close()
    return render(figures, None)


def _draw(shown: Sequence[RenderableType], picture: Path) -> None:
    with open(os.devnull, "w") as nowhere:
        canvas = Console(record=True, width=_PICTURE_WIDTH, file=nowhere, highlight=False, force_terminal=True)
        for renderable in shown:
            canvas.print(renderable)
        picture.write_text(canvas.export_svg(title="rung demo"), encoding="utf-8")
