"""`rung models quantize` and `rung models trim`: checkpoints made of others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rung.lsp.cli.pull_progress import making_progress
from rung.lsp.cli.sentences import sentences

DEFAULT_TOKENS = 32768
_STOPPED = "Stopped. Nothing was kept of what was being made."

Name = Annotated[str, typer.Argument(help="A name that `rung models list` shows, or the path of a .gguf file.")]
NewName = Annotated[str | None, typer.Option("--as", help="What to call the new one; made of NAME if not given.")]
Force = Annotated[bool, typer.Option("--force", help="Make it anew if rung made one of that name before.")]


def quantize(
    name: Name,
    to: Annotated[str, typer.Option(metavar="TYPE", help="Type of the weights, such as Q4_0, Q8_0 or Q4_K_M.")],
    head: Annotated[
        str | None,
        typer.Option(metavar="TYPE", help="Type of output layer and embeddings; llama.cpp's choice if not given."),
    ] = None,
    new_name: NewName = None,
    force: Force = False,
    threads: Annotated[int | None, typer.Option(min=1, max=256, help="One a core, at most 8, if not given.")] = None,
) -> None:
    """Make a checkpoint with another type of weights: smaller, faster, or both."""
    from rung.models import reshape  # here: nothing else of rung needs it

    with sentences(_STOPPED):
        with making_progress() as progress:
            made = reshape.quantize(
                name,
                to.upper(),
                head=head.upper() if head else None,
                new_name=new_name,
                replace=force,
                threads=threads,
                progress=progress,
            )
        typer.echo(f"{made.name} is here: {made.path} ({made.size:,} bytes), {made.made_from}.")


def trim(
    name: Name,
    corpus: Annotated[
        list[Path], typer.Option(help="A file or folder of code such as yours; may be given more than once.")
    ],
    tokens: Annotated[
        int | None,
        typer.Option(min=1, help=f"How many to keep, the most frequent; {DEFAULT_TOKENS:,} if nothing is given."),
    ] = None,
    min_count: Annotated[
        int | None, typer.Option(min=1, help="Or: keep those that the corpus has at least so often.")
    ] = None,
    characters: Annotated[
        str, typer.Option(help="`all` keeps every single character of the vocabulary; `seen` those of the corpus.")
    ] = "all",
    new_name: NewName = None,
    force: Force = False,
) -> None:
    """Make a checkpoint with only those tokens that code needs; it can still write every text."""
    from rung.models import reshape  # here: numpy and llama.cpp's process are needed by nothing else

    if tokens is not None and min_count is not None:
        raise typer.BadParameter("Give --tokens or --min-count, not both.")
    if characters not in ("all", "seen"):
        raise typer.BadParameter("--characters is `all` or `seen`.")
    if tokens is None and min_count is None:
        tokens = DEFAULT_TOKENS
    wanted = reshape.Wanted(tokens, min_count, all_characters=characters == "all")
    with sentences(_STOPPED):
        with making_progress() as progress:
            done = reshape.trim(name, corpus, wanted, new_name=new_name, replace=force, progress=progress)
        made = done.checkpoint
        typer.echo(
            f"{made.name} is here: {made.path} ({made.size:,} bytes), {done.after:,} of {done.before:,} tokens; "
            f"{done.covered:.2%} of the tokens in {done.files:,} files of the corpus are among them."
        )
