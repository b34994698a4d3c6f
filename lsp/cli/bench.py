"""`rung bench`: measurements on public problems."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import islice, product
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from rung.cascade.bench.data import DataMissing, spread
from rung.cascade.bench.ladder import (
    STRATEGIES,
    Case,
    Row,
    RungFailed,
    function_case,
    ladder_for,
    line_case,
    measure,
    row,
)
from rung.cascade.bench.sets.humaneval import line_problems, problems
from rung.cascade.ladder import Rung
from rung.cascade.sandbox import Sandbox, SandboxUnavailable
from rung.cascade.sandboxed import find_tester
from rung.cascade.task import TaskKind
from rung.lsp.cli.bench_bars import bars, beginning
from rung.lsp.cli.bench_checkpoints import checkpoints
from rung.lsp.cli.bench_early import early
from rung.lsp.cli.bench_engine import engine
from rung.lsp.cli.bench_keystrokes import keystrokes
from rung.lsp.cli.bench_lines import lines
from rung.lsp.cli.bench_retrieval import retrieval
from rung.lsp.cli.bench_server import server
from rung.lsp.cli.bench_workers import workers
from rung.lsp.large_server import EXAMPLE_PRICE, EXTRA, ServerFailed, large_server
from rung.models.catalogue import CatalogueError, find
from rung.models.http import HttpModel
from rung.models.llama import LlamaModel

app = typer.Typer(no_args_is_help=True, help="Measurements on public problems.")
app.command("early")(early)
app.command("engine")(engine)
app.command("lines")(lines)
app.command("retrieval")(retrieval)
app.command("server")(server)
app.command("workers")(workers)
app.command("keystrokes")(keystrokes)
app.command("checkpoints")(checkpoints)

_CONTEXT = 2048


@app.callback()
def bench() -> None:
    """Measurements on public problems."""


@app.command()
def ladder(
    functions: Annotated[int, typer.Option(min=1, max=164, help="The first so many of HumanEval.")] = 48,
    lines: Annotated[int, typer.Option(min=1, max=1033, help="Single-line infilling problems, evenly spaced.")] = 60,
    small: Annotated[str, typer.Option(help="Checkpoint of the small rung.")] = "smollm2-135m",
    large: Annotated[str, typer.Option(help="Checkpoint of the large rung, behind HTTP.")] = "gemma3-270m",
    k: Annotated[int, typer.Option(min=1, max=16, help="Solutions of the self-test.")] = 1,
    l: Annotated[int, typer.Option(min=1, max=16, help="Test lines of a test text.")] = 4,  # noqa: E741
    theta_line: Annotated[float, typer.Option(min=0, max=1, help="θ of line tasks.")] = 0.75,
    theta_function: Annotated[float, typer.Option(min=0, max=1, help="θ of function tasks.")] = 0.5,
    threads: Annotated[int, typer.Option(min=1, max=64, help="Of each model.")] = 2,
) -> None:
    """Compare the small rung alone, the large rung alone and the ladder of both."""
    theta = {TaskKind.LINE: theta_line, TaskKind.FUNCTION: theta_function}
    try:
        cases = {
            TaskKind.LINE: [line_case(problem) for problem in spread(list(line_problems()), lines)],
            TaskKind.FUNCTION: [case for problem in islice(problems(), functions) if (case := function_case(problem))],
        }
        rows = asyncio.run(_rows(cases, small, large, k, l, theta, threads))
    except (DataMissing, CatalogueError, ServerFailed, SandboxUnavailable, RungFailed) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    console = Console(width=120)
    console.print(_table(rows))
    console.print(
        f"{small} (k = {k}, l = {l}, θ = {theta_line} for lines, {theta_function} for functions) under {large} behind "
        f"HTTP at ${EXAMPLE_PRICE.input_usd:.2f} and ${EXAMPLE_PRICE.output_usd:.2f} per million tokens in and out; "
        f"{threads} threads each.",
        soft_wrap=True,
    )


async def _rows(
    cases: dict[TaskKind, list[Case]],
    small: str,
    large: str,
    k: int,
    l: int,  # noqa: E741
    theta: dict[TaskKind, float],
    threads: int,
) -> list[Row]:
    sandbox = await asyncio.to_thread(Sandbox.find)
    tester = await find_tester(lambda sentence: typer.echo(sentence, err=True))
    local = LlamaModel(small, await asyncio.to_thread(find, small), context=_CONTEXT, threads=threads)
    checkpoint = await asyncio.to_thread(find, large)
    rows: list[Row] = []
    async with large_server(checkpoint, large, context=_CONTEXT, threads=threads) as url:
        remote = HttpModel(large, url, large, extra=EXTRA)
        rungs = (
            Rung(small, local, k=k, l=l, context=_CONTEXT),
            Rung(large, remote, remote=True, price=EXAMPLE_PRICE, context=_CONTEXT),
        )
        try:
            await local.start()
            with bars() as progress:
                for kind, strategy in product(cases, STRATEGIES):
                    results = await measure(
                        cases[kind],
                        ladder_for(strategy, *rungs, theta),
                        tester,
                        sandbox,
                        beginning(progress)(f"{kind}s, {strategy}", len(cases[kind])),
                    )
                    rows.append(row(kind, strategy, results))
        finally:
            await local.close()
            await remote.close()
    return rows


def _table(rows: Sequence[Row]) -> Table:
    table = Table(box=box.MARKDOWN)
    for column in ("tasks", "who answers", "right", "exact", "large calls", "$ per 1,000", "mean s", "median s"):
        table.add_column(column, justify="left" if column in ("tasks", "who answers") else "right")
    for item in rows:
        table.add_row(
            f"{item.tasks} {item.kind}s",
            item.strategy,
            f"{item.right:.1%}",
            "" if item.exact is None else f"{item.exact:.1%}",
            str(item.large_calls),
            f"{item.usd / item.tasks * 1000:.4f}",
            f"{item.mean_s:.2f}",
            f"{item.median_s:.2f}",
        )
    return table
