"""`rung bench workers`: one worker for several servers beside one for each."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from rung.models.bench.setup import THREADS
from rung.models.bench.sharing import SERVERS, Measured, measure_sharing, percentile
from rung.models.bench.work import BenchFailed, ContestantMissing
from rung.models.catalogue import CatalogueError, find
from rung.models.protocol import ModelError

_MB = 1e6


def workers(
    checkpoint: Annotated[str, typer.Argument(help="A name that `rung models list` shows, or a .gguf file.")],
    context: Annotated[int, typer.Option(min=256, max=1_048_576, help="Tokens.")] = 4096,
    threads: Annotated[int, typer.Option(min=1, max=64, help="Of each worker.")] = THREADS,
    rounds: Annotated[int, typer.Option(min=2, max=100, help="Starts; messages are timed 20 times as often.")] = 10,
) -> None:
    """Measure the memory of shared and private workers, and the way to a shared one."""
    try:
        path: Path = find(checkpoint)
        measured = asyncio.run(
            measure_sharing(path, context, threads, rounds, lambda step: typer.echo(f"… {step}", err=True))
        )
    except (CatalogueError, ModelError, BenchFailed, ContestantMissing) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    console = Console(width=120)
    console.print(f"{checkpoint}, context {context}, {threads} threads, {os.cpu_count()} cores", soft_wrap=True)
    console.print(_memory_table(measured))
    console.print(_times_table(measured))


def _memory_table(measured: Measured) -> Table:
    table = Table(box=box.MARKDOWN)
    table.add_column(f"workers of {SERVERS} servers")
    for column in ("RSS, MB", "of it mapped weights", "PSS, MB"):
        table.add_column(column, justify="right")
    for name, found in measured.memory.items():
        table.add_row(name, *(f"{value / _MB:.0f}" for value in (found.rss, found.weights, found.pss)))
    return table


def _times_table(measured: Measured) -> Table:
    table = Table(box=box.MARKDOWN)
    table.add_column("ms")
    for column in ("p50", "p99", "times"):
        table.add_column(column, justify="right")
    for name, seconds in (
        ("connection, the worker starts", measured.starting),
        ("connection, the worker runs", measured.running),
        ("message there and back, engine idle", measured.quiet),
        ("message there and back, engine streams ten samples to another server", measured.busy),
        ("request of 16 tokens, less the engine's own time", measured.overhead),
    ):
        values = (f"{percentile(seconds, percent) * 1000:.2f}" for percent in (50, 99))
        table.add_row(name, *values, str(len(seconds)))
    return table
