"""The progress bars of benchmarks."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from rung.cascade.bench.begin import Begin


def bars() -> Progress:
    """On standard error, steps and the time left; enter it to show them."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


def beginning(progress: Progress, of: str = "") -> Begin:
    """Given what is measured and its steps, adds a bar and returns what is called after each step."""

    def begin(what: str, steps: int) -> Callable[[], None]:
        bar = progress.add_task(f"{of}, {what}" if of else what, total=steps)
        return lambda: progress.advance(bar)

    return begin
