"""`rung bench checkpoints`: which checkpoint, quantization and vocabulary to choose."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rung.cascade.bench.data import DataMissing, spread
from rung.cascade.bench.greedy import LineTask
from rung.cascade.bench.sets.humaneval import line_problems
from rung.cascade.bench.source_lines import source_lines
from rung.lsp.bench.checkpoints_run import Subject, Tasks, measure_checkpoints
from rung.lsp.bench.checkpoints_tables import right_and_same, size_and_speed
from rung.lsp.cli.bench_bars import bars, beginning
from rung.lsp.cli.sentences import sentences
from rung.models.bench.setup import THREADS
from rung.models.catalogue import CatalogueError, Checkpoint, find, installed
from rung.models.protocol import ModelError

_SENSIBLE_BYTES = 1_000_000_000
_WIDTH = 200
# Written by many hands, installed with rung, and in no standard library.
_PACKAGES = ("httpx", "rich", "pygls", "typer", "pydantic")


def checkpoints(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Names that `rung models list` shows, or .gguf files. All here under 1 GB if not given."),
    ] = None,
    lines: Annotated[int, typer.Option(min=1, max=1033, help="Tasks of each kind: HumanEval's, and of --source.")] = 40,
    source: Annotated[
        list[Path] | None,
        typer.Option(help="A tree of Python source; may be repeated. Packages that rung needs, if not given."),
    ] = None,
    reference: Annotated[
        str | None, typer.Option(help="Compare texts with this one's; with what each was made of, if not given.")
    ] = None,
    turns: Annotated[int, typer.Option(min=1, max=99, help="Speeds are medians of so many.")] = 3,
    threads: Annotated[int, typer.Option(min=1, max=64, help="Of each model.")] = THREADS,
) -> None:
    """Compare checkpoints: size, tokens per second, exact match, and agreement with what they were made of."""
    trees = source or _packages()
    console = Console(width=_WIDTH, highlight=False)
    with sentences():
        try:
            subjects = _subjects(names, reference)
            tasks = Tasks(_humaneval(lines), source_lines(trees, lines))
            with bars() as progress:
                results = asyncio.run(
                    measure_checkpoints(subjects, tasks, turns=turns, threads=threads, begin=beginning(progress))
                )
        except (DataMissing, ModelError) as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from None
    console.print(size_and_speed(results))
    console.print()
    console.print(right_and_same(results, tasks))
    console.print(
        f"\nPrefix only; {lines} lines of HumanEval's single-line infilling, {lines} of "
        f"{', '.join(tree.name for tree in trees)}, {len(tasks.comments)} comments in other languages. Greedy texts, "
        f"characters of common prefix and tokens beside {reference or 'the checkpoint that each was made of'}. "
        f"{threads} threads, medians of {turns} turns, sampled at 0.8.",
        soft_wrap=True,
    )


def _subjects(names: Sequence[str] | None, reference: str | None) -> list[Subject]:
    """The wanted ones, each after its reference. Raises CatalogueError."""
    here = {record.name: record for record in installed()}
    wanted = list(names or [name for name, record in here.items() if record.size < _SENSIBLE_BYTES])
    if not wanted:
        raise CatalogueError("There is no checkpoint on this machine: `rung models pull smollm2-135m` brings one.")
    references = {name: reference or _root(name, here) for name in wanted}
    order = dict.fromkeys(each for name in wanted for each in (references[name], name))
    paths = {name: find(name) for name in order}
    return [Subject(name, path, path.stat().st_size, references.get(name, name)) for name, path in paths.items()]


def _root(name: str, here: dict[str, Checkpoint]) -> str:
    """What it was made of in the end, as far as that is here."""
    seen = {name}
    while (record := here.get(name)) and record.made_from and record.made_from.name in here.keys() - seen:
        name = record.made_from.name
        seen.add(name)
    return name


def _humaneval(count: int) -> list[LineTask]:
    return spread([LineTask(problem.before, problem.line) for problem in line_problems()], count)


def _packages() -> list[Path]:
    specs = [importlib.util.find_spec(name) for name in _PACKAGES]
    return [Path(spec.origin).parent for spec in specs if spec and spec.origin]
