"""`rung tune apply`: a point of a study becomes the configuration."""

from __future__ import annotations

from typing import Annotated

import typer

from rung.lsp.cli.tune.options import FOLDER, FolderOption, SetOption, explained


def apply(
    budget: Annotated[float, typer.Option(min=0, help="$ for 1,000 function completions, at most, on average.")],
    set_name: SetOption = "humaneval",
    folder: FolderOption = FOLDER,
    yes: Annotated[bool, typer.Option("--yes", help="Write it without asking.")] = False,
) -> None:
    """Write the most accurate ladder within a budget into the configuration, after showing what it costs and saves."""
    with explained("Stopped; nothing was changed."):
        from rung.lsp.cli.tune.applying import apply_point  # here: it loads numpy

        apply_point(budget, set_name, folder, yes=yes)
