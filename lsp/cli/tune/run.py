"""`rung tune run`: runs what was recorded, and tries every setting of the ladder."""

from __future__ import annotations

from typing import Annotated

import typer

from rung.lsp.cli.tune.options import FOLDER, FolderOption, SetOption, explained

_STOPPED = "Stopped; what was run so far is kept. The same command goes on from there."


def run(
    set_name: SetOption = "humaneval",
    rungs: Annotated[
        list[str] | None,
        typer.Option("--rung", metavar="NAME", help="A recorded rung, smallest first; repeat it. Left out, all."),
    ] = None,
    usd_per_hour: Annotated[
        float | None,
        typer.Option(min=0, help="$ for this machine for an hour: prices local rungs by the seconds they took."),
    ] = None,
    splits: Annotated[
        int, typer.Option(min=1, max=10_000, help="Random splits into 30% and 70% of the problems.")
    ] = 200,
    subsets: Annotated[
        int, typer.Option(min=1, max=10_000, help="Subsets of a recording, at most, to average over for each k.")
    ] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Of splits and subsets.")] = 0,
    folder: FolderOption = FOLDER,
) -> None:
    """Run each solution against each test line and the hidden tests, once; then try every setting of the ladder."""
    with explained(_STOPPED):
        from rung.lsp.cli.tune.studying import run_study  # here: it loads numpy

        run_study(set_name, rungs, usd_per_hour, splits, subsets, seed, folder)
