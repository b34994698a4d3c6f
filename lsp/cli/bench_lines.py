"""`rung bench lines`: lines and statements of real packages, by either rung and by both together."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from rung.cascade.bench.ladder import RungFailed
from rung.cascade.bench.lines.tree import Tree, copy_sources
from rung.lsp.bench.markdown_table import markdown_table
from rung.lsp.bench.packages import unpack_all
from rung.lsp.cli.bench_bars import bars, beginning
from rung.lsp.cli.tune.options import Refused, explained, needing
from rung.lsp.large_server import LargeServer, ServerFailed
from rung.models.catalogue import find

if TYPE_CHECKING:
    from rung.cascade.bench.lines.results import Results
    from rung.cascade.bench.lines.strategy import Strategy
    from rung.lsp.bench.lines_run import Pair


@dataclass(frozen=True, slots=True)
class _Asked:
    """tasks: how many. ablated: of them, for `ablations`, the strategies without a mechanism."""

    tasks: int
    ablated: int
    ablations: tuple[Strategy, ...]
    left_only: bool
    warm: bool
    seed: int


_SAVED = "Stopped; every answer so far is kept. The same command goes on from there."
_WIDTH = 200


def lines(
    tasks: Annotated[int, typer.Option(min=2, max=100_000, help="Half of them lines, half statements.")] = 400,
    trees: Annotated[
        list[Path] | None,
        typer.Option("--tree", metavar="DIR", help="Python source; repeat it. Pinned packages, if not given."),
    ] = None,
    small: Annotated[str, typer.Option(help="Checkpoint of the small rung.")] = "smollm2-135m",
    large: Annotated[str, typer.Option(help="Checkpoint of the large rung, behind HTTP.")] = "gemma3-270m",
    server: Annotated[LargeServer, typer.Option(help="Of the large rung; rung's verifies drafts.")] = LargeServer.LLAMA,
    threads: Annotated[int, typer.Option(min=1, max=64, help="Of each model.")] = 2,
    ablation_tasks: Annotated[
        int | None, typer.Option(min=0, help="The first so many for what lacks a mechanism; all, if not given.")
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(help="Of what lacks a mechanism, only that with these words in its name; repeat it."),
    ] = None,
    left_only: Annotated[bool, typer.Option("--left-only", help="Hide what stands after the cursor.")] = False,
    warm: Annotated[bool, typer.Option("--warm", help="Models that have read up to the cursor's line.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the tasks, and of the halves that choose θ.")] = 0,
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder of the calls and results.")] = Path("lines"),
) -> None:
    """Complete lines and statements with each strategy of MCCom. Goes on where it was stopped or killed."""
    with explained(_SAVED):
        with needing("`rung bench lines`", "tune"):
            from rung.cascade.bench.lines.report import as_html
            from rung.lsp.bench.lines_run import Pair
        pair = Pair(_name(small), find(small), _name(large), find(large), server, threads)
        if pair.small == pair.large:
            raise Refused("--small and --large have the same name: name two checkpoints.")
        with tempfile.TemporaryDirectory(prefix="rung-lines-") as scratch:
            ablated = tasks if ablation_tasks is None else ablation_tasks
            asked = _Asked(tasks, ablated, _named(without), left_only, warm, seed)
            found = _measured(pair, asked, _trees(trees, Path(scratch)), Path(scratch), out)
        page = out / "report.html"
        page.write_text(as_html(found), encoding="utf-8")
    console = Console(width=_WIDTH)
    for each in _tables(found):
        console.print(each)
    typer.echo(f"{page}, and beside it results.json and answers.jsonl, are written.")


def _name(checkpoint: str) -> str:
    """Of the rung: a path's last part."""
    return Path(checkpoint).stem if checkpoint.lower().endswith(".gguf") else checkpoint


def _named(words: Sequence[str] | None) -> tuple[Strategy, ...]:
    """Those with any of the words in their names; all, if none is given."""
    from rung.cascade.bench.lines.strategy import ABLATIONS

    found = tuple(each for each in ABLATIONS if not words or any(word in each.name for word in words))
    if not found:
        names = "; ".join(each.name for each in ABLATIONS)
        raise Refused(f"--without names none of what lacks a mechanism: {names}.")
    return found


def _trees(named: Sequence[Path] | None, scratch: Path) -> list[Tree]:
    """Copies below `scratch`. Raises DataMissing."""
    if not named:
        return unpack_all(scratch / "trees")
    folders = [folder.absolute() for folder in named]
    names = [folder.name for folder in folders]
    if len(set(names)) < len(names):
        raise Refused(f"Two of the trees have the same name ({', '.join(names)}): rename one, or leave it out.")
    for folder, name in zip(folders, names, strict=True):
        copy_sources(folder, scratch / "trees" / name)
    return [Tree(name, scratch / "trees" / name) for name in names]


def _measured(pair: Pair, asked: _Asked, trees: Sequence[Tree], scratch: Path, out: Path) -> Results:
    from rung.cascade.bench.lines.journal import journal
    from rung.cascade.bench.lines.results import results, write
    from rung.cascade.bench.lines.retrieved import Leaked
    from rung.cascade.bench.lines.sampling import sample
    from rung.lsp.bench.lines_run import header, run, settings

    cases = sample(trees, asked.tasks, asked.seed)
    about = header(pair)
    try:
        with journal(out / "calls.jsonl", about) as opened, bars() as progress:
            measured = asyncio.run(
                run(
                    *(pair, cases, trees, opened, scratch),
                    left_only=asked.left_only,
                    warm=asked.warm,
                    seed=asked.seed,
                    ablated=asked.ablated,
                    ablations=asked.ablations,
                    begin=beginning(progress),
                )
            )
    except (Leaked, RungFailed, ServerFailed) as error:
        raise Refused(str(error)) from None
    found = results(
        cases,
        measured,
        small=pair.small,
        large=pair.large,
        seed=asked.seed,
        left_only=asked.left_only,
        warm=asked.warm,
        settings=settings(about),
    )
    write(out, found, cases, measured)
    return found


def _tables(found: Results) -> list[Table | str]:
    from rung.cascade.bench.lines import words

    beside = [words.compared(row.strategy, row.beside) for row in found.rows if row.beside]
    return [
        _table(words.COLUMNS, [words.cells(found, row) for row in found.rows]),
        "",
        _table(words.SPENT_COLUMNS, words.spent_rows(found)),
        "",
        _table(("against the large rung alone", "exact", "large calls", "mean latency"), beside),
        "",
        *words.verdict(found),
    ]


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = markdown_table(*columns)
    for row in rows:
        table.add_row(*row)
    return table
