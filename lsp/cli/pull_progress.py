"""Shows a pull, or the making of a checkpoint: a bar in a terminal, else a line for every tenth."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    ProgressColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.progress import Progress as Bars

from rung.models.catalogue import Progress


@contextmanager
def pull_progress() -> Iterator[Progress]:
    """In bytes. On standard error, so that the result alone is on standard output."""
    with _progress("bytes", DownloadColumn(), TransferSpeedColumn()) as progress:
        yield progress


@contextmanager
def making_progress() -> Iterator[Progress]:
    """In files, tensors or bytes, as the stage has it: only the share is shown. On standard error too."""
    with _progress("", TaskProgressColumn()) as progress:
        yield progress


@contextmanager
def _progress(unit: str, *columns: ProgressColumn) -> Iterator[Progress]:
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(unit)
        return
    description = TextColumn("{task.description}", markup=False)
    with Bars(description, BarColumn(), *columns, TimeRemainingColumn(), console=console) as bars:
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
    """unit: of what is counted; where there is none a line for the begin and the end of a stage is enough."""

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._shown = ("", -1)

    def note(self, sentence: str) -> None:
        typer.echo(sentence, err=True)

    def advance(self, stage: str, done: int, total: int) -> None:
        part = done * (10 if self._unit else 1) // max(total, 1)
        if (stage, part) != self._shown:
            self._shown = (stage, part)
            far = f": {done:,} of {total:,} {self._unit}" if self._unit else ", done" if part else " …"
            typer.echo(f"{stage}{far}", err=True)
