"""`rung bench retrieval`: how well and how fast a source tree is searched."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from rung.cascade.bench.retrieval.history import NoHistory, boosted
from rung.cascade.bench.retrieval.holes import VISIBLE, Hole, holes
from rung.cascade.bench.retrieval.libraries import Library, NotInstalled, compare
from rung.cascade.bench.retrieval.quality import BUDGETS, Quality, as_built, at_random, choices
from rung.cascade.bench.retrieval.second import Written, with_second
from rung.cascade.bench.retrieval.speeds import BuildFailed, Speeds, speeds
from rung.cascade.bench.retrieval.tree import tree_files
from rung.cascade.retrieval.index import Index
from rung.lsp.bench.small_lines import small_lines
from rung.lsp.cli.bench_bars import bars, beginning
from rung.models.bench.setup import THREADS
from rung.models.catalogue import CatalogueError
from rung.models.protocol import ModelError


def retrieval(
    tree: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Any folder with Python sources.")],
    lines: Annotated[int, typer.Option(min=10, max=5000, help="That are taken out and looked for.")] = 300,
    with_choices: Annotated[bool, typer.Option("--choices", help="Also other chunks, tokens and weights.")] = False,
    commits: Annotated[int, typer.Option(min=0, help="Also of its git history, to weigh what is at hand.")] = 0,
    checkpoint: Annotated[str, typer.Option(help="Also the second query, with what this one writes.")] = "",
    with_libraries: Annotated[
        bool, typer.Option("--libraries", help="Also other search libraries: pip install tantivy bm25s.")
    ] = False,
) -> None:
    """Measure which share of the names that a missing line needs is found in a tree, and the times of its index."""
    root = tree.resolve()
    files = tree_files(root)
    asked = holes(files, lines)
    if not asked:
        typer.echo(f"{tree} has no Python file with a line that needs something from elsewhere.", err=True)
        raise typer.Exit(1)
    console = Console(width=140)
    with tempfile.TemporaryDirectory(prefix="rung-bench-") as named:
        folder = Path(named)
        try:
            measured = asyncio.run(speeds(root, folder, asked))
            console.print(_setting(folder, measured, asked), soft_wrap=True)
            console.print(_speeds_table(measured))
            found = [as_built(folder / "tree", folder / "index.db", asked), at_random(files, asked)]
            console.print(_quality_table([*found, *(choices(files, asked) if with_choices else ())]))
            if checkpoint:
                written = _written(checkpoint, asked)
                found = list(with_second(folder / "tree", folder / "index.db", written))
                console.print(_quality_table(found))
            if commits:
                console.print(_quality_table(boosted(root, commits, folder)))
            if with_libraries:
                console.print(_libraries_table(compare(files, asked, folder)))
        except (BuildFailed, CatalogueError, ModelError, NoHistory, NotInstalled) as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from None


def _written(checkpoint: str, asked: Sequence[Hole]) -> list[Written]:
    with bars() as progress:
        step = beginning(progress)(f"{checkpoint} writes", len(asked))
        return asyncio.run(small_lines(checkpoint, asked, THREADS, step))


def _setting(folder: Path, measured: Speeds, asked: Sequence[Hole]) -> str:
    file = folder / "index.db"
    index = Index(file)
    totals = index.totals()
    index.close()
    return (
        f"{measured.files:,} files, {totals.chunks:,} chunks, {file.stat().st_size / 1e6:.1f} MB; {len(asked)} lines, "
        f"{sum(len(hole.wanted) for hole in asked)} names that are not in {VISIBLE[0]:,} characters before and "
        f"{VISIBLE[1]:,} after."
    )


def _speeds_table(measured: Speeds) -> Table:
    table = Table(box=box.MARKDOWN)
    table.add_column("ms")
    for column in ("p50", "p95", "most", "times"):
        table.add_column(column, justify="right")
    for name, seconds in (
        ("search at a new place", measured.searches),
        ("search while a line is typed", measured.typed),
        ("search with a second query", measured.second),
        ("update of a saved file", measured.updates),
        ("a quarter of all files at once", [measured.checkout]),
        ("build", [measured.build]),
        ("refresh, nothing changed", [measured.refresh]),
    ):
        ordered = sorted(seconds)
        shown = (ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.95)], ordered[-1])
        table.add_row(name, *(f"{value * 1000:.1f}" for value in shown), str(len(ordered)))
    table.add_row("idle, % of a core", f"{measured.idle * 100:.2f}", "", "", "1")
    return table


def _quality_table(rows: Sequence[Quality]) -> Table:
    table = Table(box=box.MARKDOWN)
    table.add_column("names found in the first")
    for budget in BUDGETS:
        table.add_column(f"{budget} tokens", justify="right")
    for row in rows:
        table.add_row(row.what, *(f"{share:.1%}" for share in row.shares))
    return table


def _libraries_table(rows: Sequence[Library]) -> Table:
    table = Table(box=box.MARKDOWN)
    table.add_column("library")
    for column in ("build s", "update ms", "query p50 ms", "p95 ms", "MB"):
        table.add_column(column, justify="right")
    for row in rows:
        ordered = sorted(row.queries)
        table.add_row(
            row.name,
            f"{row.build:.1f}",
            f"{row.update * 1000:.1f}",
            f"{ordered[len(ordered) // 2] * 1000:.1f}",
            f"{ordered[int(len(ordered) * 0.95)] * 1000:.1f}",
            f"{row.bytes / 1e6:.1f}",
        )
    return table
