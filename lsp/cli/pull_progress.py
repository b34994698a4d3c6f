"""Shows a pull: a bar in a terminal, else a line for every tenth."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TaskID, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.progress import Progress as Bars

from rung.models.catalogue import Progress


@contextmanager
def pull_progress() -> Iterator[Progress]:
    """On standard error, so that the result alone is on standard output."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines()
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=console) as bars:
        yield _Bar(bars)


class _Bar:
    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def note(self, sentence: str) -> None:
        self._bars.console.print(sentence, markup=False, highlight=False, soft_wrap=True)

    def advance(self, stage: str, done: int, total: int) -> None:
        if stage not in self._tasks:
            for task in self._tasks.values():
                self._bars.remove_task(task)
            self._tasks = {stage: self._bars.add_task(stage, completed=done, total=total)}
        self._bars.update(self._tasks[stage], completed=done, total=total)


class _Lines:
    def __init__(self) -> None:
        self._shown = ("", -1)

    def note(self, sentence: str) -> None:
        typer.echo(sentence, err=True)

    def advance(self, stage: str, done: int, total: int) -> None:
        tenth = done * 10 // max(total, 1)
        if (stage, tenth) != self._shown:
            self._shown = (stage, tenth)
            typer.echo(f"{stage}: {done:,} of {total:,} bytes", err=True)
