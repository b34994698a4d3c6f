"""`rung bench engine`: the local engine beside other ways to run the same checkpoint."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from rung.cascade.bench.data import DataMissing
from rung.lsp.bench.asked import line_prompts, solution_prompts
from rung.lsp.bench.engine_record import machine, record
from rung.lsp.bench.engine_run import FULL, QUICK, Asked, Measurement, Run, run_engine
from rung.lsp.bench.engine_tables import all_targets, figures, targets_table
from rung.lsp.cli.bench_bars import bars, beginning
from rung.models.bench.setup import THREADS, Setup
from rung.models.bench.work import BenchFailed
from rung.models.catalogue import CatalogueError, find


def engine(
    checkpoints: Annotated[list[str], typer.Argument(help="Names that `rung models list` shows, or .gguf files.")],
    only: Annotated[list[Measurement] | None, typer.Option(help="Measure this; may be repeated. Else all.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="One short round: shows that it runs, not how fast.")] = False,
    rounds: Annotated[int | None, typer.Option(min=1, max=99, help="In each, every contestant has a turn.")] = None,
    threads: Annotated[int, typer.Option(min=1, max=64, help="Of every contestant.")] = THREADS,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write every round here.")] = None,
) -> None:
    """Measure rung's engine, raw llama.cpp, its Python wrapper and its own tools on the same file in turns."""
    size = QUICK if quick else FULL
    size = replace(size, rounds=rounds or size.rounds)
    wanted = set(only or Measurement)
    runs: dict[str, Run] = {}
    console = Console(width=160)
    try:
        paths = {name: find(name) for name in checkpoints}
        _write(json_file, {})  # minutes later would be too late to say that it cannot be written
        for name, path in paths.items():
            setup = Setup(path, size.context, threads)
            asked = Asked(
                solution_prompts(setup, size.problems, size.solution_tokens) if Measurement.SOLUTIONS in wanted else [],
                line_prompts(setup, size.lines) if Measurement.DRAFTS in wanted else {},
            )
            with bars() as progress:
                runs[name] = asyncio.run(run_engine(setup, wanted, size, asked, beginning(progress, name)))
            _show(console, name, runs[name], threads)
            _write(json_file, record(runs, size, threads))
    except (BenchFailed, CatalogueError, DataMissing) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


def _write(path: Path | None, content: dict[str, Any]) -> None:
    """Raises BenchFailed."""
    if path is not None:
        try:
            path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise BenchFailed(f"{path} cannot be written: {error.strerror}.") from None


def _show(console: Console, name: str, run: Run, threads: int) -> None:
    on = machine()
    console.print(
        f"\n{name}: {threads} threads of {on['cores']} cores ({on['processor']}), "
        f"llama-cpp-python {on['llama-cpp-python']}",
        soft_wrap=True,
    )
    console.print(figures(run.series))
    targets = targets_table(all_targets(run.series))
    if targets.row_count:
        console.print(targets)
    for note in run.notes:
        console.print(note, soft_wrap=True)
