"""`rung tune speculate`: speculative decoding of a pair of rungs as one more point of a study."""

from __future__ import annotations

from typing import Annotated

import typer

from rung.lsp.cli.tune.options import FOLDER, FolderOption, SetOption, explained


def speculate(
    draft: Annotated[str, typer.Option(metavar="NAME", help="The small rung, recorded with greedy solutions.")],
    target: Annotated[str, typer.Option(metavar="NAME", help="The large rung, of the configured ladder.")],
    set_name: SetOption = "humaneval",
    count: Annotated[int, typer.Option("--problems", min=1, help="To measure, evenly spaced.")] = 40,
    folder: FolderOption = FOLDER,
) -> None:
    """Measure the large rung verifying the small one's solutions, and add the point to the study."""
    with explained("Stopped; the study is as it was."):
        from rung.lsp.cli.tune.speculating import add_point  # here: it loads numpy

        add_point(draft, target, set_name, count, folder)
