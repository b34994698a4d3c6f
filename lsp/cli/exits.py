"""`rung exits`: tokens that leave a model before its last layer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from rung.lsp.bench.markdown_table import markdown_table
from rung.lsp.cli.pull_progress import making_progress
from rung.lsp.cli.tune.options import Refused, explained, needing

if TYPE_CHECKING:
    from rung.models.server.exits.training import Trained
    from rung.models.server.exits.tuning import Tuned

app = typer.Typer(
    help="Stop & Exit for `rung serve-model`: skip layers where a token is known early.", no_args_is_help=True
)

Trees = Annotated[list[Path], typer.Option("--tree", metavar="DIR", help="Python source; repeat it.")]
Checkpoint = Annotated[str, typer.Argument(help="As `rung serve-model` takes it.")]


@app.command()
def train(
    checkpoint: Checkpoint,
    trees: Trees,
    out: Annotated[Path, typer.Option(metavar="FILE", help="For `rung serve-model --exits`.")],
    loss: Annotated[
        float,
        typer.Option(min=0.0, max=0.5, help="The largest share of tokens that may be lost, of those that are right."),
    ] = 0.01,
    tokens: Annotated[int, typer.Option(min=2_000, max=10_000_000, help="Of source to read.")] = 120_000,
    seed: Annotated[int, typer.Option(min=0, help="Of all choices.")] = 0,
) -> None:
    """Train the exits of a checkpoint on source such as yours. Reads nothing but that, and needs no network."""
    with explained("Stopped. Nothing was written."):
        with needing("`rung exits train`", "gpu"):
            from rung.models.server.checkpoint import LoadFailed
            from rung.models.server.exits.file import ExitsRefused
            from rung.models.server.exits.run import train_checkpoint
            from rung.models.server.exits.training import Wanted
        if not out.absolute().parent.is_dir():
            raise Refused(f"{out.absolute().parent} is not there: make the folder, or name another --out.")
        try:
            with making_progress() as progress:
                trained: Trained = train_checkpoint(checkpoint, trees, out, Wanted(loss, tokens, seed), progress)
        except (ExitsRefused, LoadFailed) as error:
            raise Refused(str(error)) from None
        tuned = trained.tuned
        console = Console(width=120)
        console.print(_table(tuned))
        console.print(_losses(trained))
        typer.echo(
            f"{out} is written. On {tuned.tokens:,} held-out tokens, Exit spares {tuned.saved:.1%} of the weights and "
            f"loses {tuned.lost:.2%} of those that the model gets right; Stop ends at {tuned.stopped:.1%}, and loses "
            f"{tuned.spoilt:.2%}."
        )


def _table(tuned: Tuned) -> Table:
    table = markdown_table("behind layer", "head asked", "left there")
    for each in tuned.levels:
        table.add_row(str(each.layer), f"{each.asked:.1%}", f"{each.left:.1%}")
    return table


def _losses(trained: Trained) -> Table:
    """What `--loss` buys."""
    layers = trained.tuned.levels[-1].layer
    columns = (f"layers skipped, of {layers}", "weights spared", "lost by Exit", "Stop ends at", "lost by Stop")
    table = markdown_table("--loss", *columns)
    for loss, each in trained.by_loss.items():
        shares = (each.saved, each.lost, each.stopped, each.spoilt)
        table.add_row(f"{loss:g}", f"{each.skipped:.2f}", *(f"{share:.2%}" for share in shares))
    return table


@app.command()
def study(
    checkpoint: Checkpoint,
    exits: Annotated[Path, typer.Option(metavar="FILE", help="What `rung exits train` wrote for it.")],
    trees: Annotated[
        list[Path] | None,
        typer.Option("--tree", metavar="DIR", help="Python source; repeat it. Pinned packages, if not given."),
    ] = None,
    count: Annotated[int, typer.Option("--tasks", min=2, max=100_000, help="Lines to complete.")] = 150,
    tokens: Annotated[int, typer.Option(min=1, max=512, help="Of a completion, at most.")] = 32,
    read: Annotated[int, typer.Option(min=1_000, help="Tokens of the trees to read.")] = 12_000,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    dtype: Annotated[str, typer.Option(help="auto, float32, bfloat16 or float16.")] = "auto",
    seed: Annotated[int, typer.Option(min=0, help="Of the tasks.")] = 0,
    out: Annotated[Path, typer.Option(metavar="FILE", help="For all figures.")] = Path("exits-study.json"),
) -> None:
    """Measure exits on lines of other source than they were trained on: what is saved, and what is lost."""
    with explained("Stopped. Nothing was written."):
        with needing("`rung exits study`", "gpu,tune"):
            from rung.lsp.bench.exits_study import Measured, measured, tables, write
            from rung.models.server.checkpoint import LoadFailed
            from rung.models.server.exits.file import ExitsRefused
        try:
            with making_progress() as progress:
                found: Measured = measured(
                    checkpoint,
                    exits,
                    trees,
                    count=count,
                    max_tokens=tokens,
                    read=read,
                    device=device,
                    dtype=dtype,
                    seed=seed,
                    progress=progress,
                )
        except (ExitsRefused, LoadFailed) as error:
            raise Refused(str(error)) from None
        write(out, found)
        console = Console(width=160)
        for each in tables(found):
            console.print(each)
        typer.echo(f"All figures are in {out}.")
