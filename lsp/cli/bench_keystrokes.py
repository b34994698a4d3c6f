"""`rung bench keystrokes`: real files typed beside rung and beside llama.vim's way of asking."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from rung.cascade.bench.data import DataMissing
from rung.cascade.bench.typing.pauses import Hand, Published
from rung.cascade.bench.typing.recording import read_recording
from rung.cascade.bench.typing.stretch import find_stretches
from rung.lsp.bench.keystrokes.chat_typing import chat_typing
from rung.lsp.bench.keystrokes.run import Run, Size, run_keystrokes
from rung.lsp.bench.keystrokes.tables import by_tool, difference_line, record, server_table, tools_table
from rung.lsp.bench.packages import PACKAGES, fetch, unpack
from rung.lsp.cli.bench_bars import bars, beginning
from rung.models.bench.setup import THREADS, Setup
from rung.models.bench.work import BenchFailed
from rung.models.catalogue import CatalogueError, find

RECORDED, PUBLISHED = "recorded", "published"


def keystrokes(
    tree: Annotated[
        list[Path] | None, typer.Option(help="A folder of Python source; may be repeated. Else pinned packages.")
    ] = None,
    stretches: Annotated[int, typer.Option(min=1, max=1000, help="Functions to type, each in another file.")] = 12,
    keys: Annotated[int, typer.Option(min=10, max=5000, help="That a function takes at most; at least half.")] = 200,
    checkpoint: Annotated[str, typer.Option(help="Of both; a name that `rung models list` shows, or a .gguf file.")] = (
        "smollm2-135m"
    ),
    pauses: Annotated[
        str, typer.Option(help=f"Between keys: {RECORDED}, {PUBLISHED}, or a recording (CSV or JSON Lines).")
    ] = RECORDED,
    seed: Annotated[int, typer.Option(help="Chooses functions, typists and pauses.")] = 1,
    threads: Annotated[int, typer.Option(min=1, max=64, help="Of both.")] = THREADS,
    requests: Annotated[
        int, typer.Option(min=0, max=100_000, help="Then timed at the server, of each kind; 0 leaves them out.")
    ] = 1000,
    idle: Annotated[float, typer.Option(min=0.5, max=3600, help="Seconds for which the idle server is watched.")] = 30,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write every act here.")] = None,
) -> None:
    """Type functions of real files, in real time, beside rung and beside llama.vim's way with the same checkpoint."""
    asked: dict[str, Any] = {"stretches": stretches, "keys": keys, "pauses": pauses, "seed": seed, "threads": threads}
    try:
        setup = Setup(find(checkpoint), 4096, threads)
        _write(json_file, {})  # minutes later would be too late to say that it cannot be written
        hands = _hands(pauses, stretches, seed)
        with tempfile.TemporaryDirectory(prefix="rung-bench-", ignore_cleanup_errors=True) as name, bars() as progress:
            found = find_stretches(_trees(tree, Path(name)), stretches, keys, seed)
            size = Size(requests, idle)
            run = asyncio.run(run_keystrokes(setup, found, hands, seed, size, beginning(progress)))
        _write(json_file, record(run, asked | {"checkpoint": checkpoint}))
    except (BenchFailed, CatalogueError, DataMissing) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    _show(run, checkpoint, asked)


def _hands(pauses: str, count: int, seed: int) -> Sequence[Hand]:
    """One for each stretch, as far as there are. Raises DataMissing."""
    if pauses == PUBLISHED:
        return [Published()]
    people = chat_typing() if pauses == RECORDED else read_recording(Path(pauses))
    first = seed * count % len(people)
    return [*people[first:], *people[:first]][:count]


def _trees(given: Sequence[Path] | None, folder: Path) -> list[Path]:
    """Raises DataMissing."""
    if given:
        return list(dict.fromkeys(tree.resolve() for tree in given))
    wheels = fetch(PACKAGES)
    return [unpack(package, wheel, folder).root for package, wheel in zip(PACKAGES, wheels, strict=True)]


def _write(path: Path | None, content: dict[str, Any]) -> None:
    """Raises BenchFailed."""
    if path is not None:
        try:
            path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise BenchFailed(f"{path} cannot be written: {error.strerror}.") from None


def _show(run: Run, checkpoint: str, asked: Mapping[str, Any]) -> None:
    console = Console(width=120)
    console.print(f"{checkpoint}, {asked['threads']} threads, pauses {asked['pauses']}, seed {asked['seed']}")
    console.print(tools_table(by_tool(run.replays)))
    if line := difference_line(run.replays):
        console.print(line, soft_wrap=True)
    if run.series:
        console.print(server_table(run.series))
    for note in run.notes:
        console.print(note, soft_wrap=True)
