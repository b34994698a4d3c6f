"""`rung models`: list, pull, add, remove; `reshape` makes a checkpoint of another, `models_price` measures a server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from rung.lsp.cli import models_price, reshape
from rung.lsp.cli.pull_progress import pull_progress
from rung.lsp.cli.sentences import sentences
from rung.models import catalogue
from rung.models.catalogue import CATALOGUE, Checkpoint, Entry, Fim
from rung.models.catalogue.store import Store

app = typer.Typer(
    no_args_is_help=True,
    help="Checkpoints for local rungs: list, pull, add, remove, quantize, trim. Prices for remote ones.",
)

_PIPED_WIDTH = 1000


app.command()(reshape.quantize)
app.command()(reshape.trim)
app.command()(models_price.price)


@app.command("list")
def list_models() -> None:
    """Show the checkpoints of the catalogue and your own, and which are here."""
    with sentences():
        store = Store()
        records = {record.name: record for record in store.records()}
        table = Table(box=None, pad_edge=False)
        for column in ("NAME", "SIZE", "PARAMETERS", "CONTEXT", "LICENCE", "FIM", "STATE"):
            table.add_column(column, no_wrap=column != "STATE", overflow="fold")
        for entry in CATALOGUE.values():
            table.add_row(*_catalogue_row(entry, records.pop(entry.name, None), store))
        for record in records.values():
            table.add_row(*_row_of(record))
    console = Console(markup=False, highlight=False)
    if not console.is_terminal:
        console.width = _PIPED_WIDTH  # a line per checkpoint, whatever width the reader has
    console.print(table)
    typer.echo("`rung models pull NAME` brings one here; `rung models add PATH` registers a file of your own.")


@app.command()
def pull(name: Annotated[str, typer.Argument(help="A name that `rung models list` shows.")]) -> None:
    """Download a checkpoint; one that was stopped goes on where it was."""
    with sentences(stopped=f"Stopped. What came is kept: `rung models pull {name}` goes on there."):
        with pull_progress() as progress:
            checkpoint = catalogue.pull(name, progress)
        trust = {"hub": "the hub's", "catalogue": "the catalogue's"}.get(checkpoint.hash_from, "no")
        _say(f"{checkpoint.name} is here: {checkpoint.path} ({checkpoint.size:,} bytes, checked with {trust} SHA-256).")


@app.command()
def add(
    path: Annotated[Path, typer.Argument(help="Your GGUF file; it stays where it is.")],
    name: Annotated[str | None, typer.Option(help="What to call it; made of the file's name if not given.")] = None,
) -> None:
    """Register a checkpoint of your own."""
    with sentences():
        checkpoint = catalogue.add(path, name)
        fim = "with" if checkpoint.fim else "without"
        _say(
            f"{checkpoint.name} is {checkpoint.title} at {checkpoint.path}: {checkpoint.context:,} tokens of context, "
            f"{fim} fill-in-the-middle."
        )


@app.command()
def remove(name: Annotated[str, typer.Argument(help="A name that `rung models list` shows.")]) -> None:
    """Delete a pulled or made checkpoint, or forget your own; your own file stays."""
    with sentences():
        checkpoint = catalogue.remove(name)
        if checkpoint is not None and checkpoint.own:
            _say(f"{name} is forgotten; its file {checkpoint.path} stays.")
        elif checkpoint is not None and checkpoint.made_from is not None:
            _say(f"{name} is deleted; it was {checkpoint.made_from}.")
        elif name in CATALOGUE:
            _say(f"{name} is deleted; `rung models pull {name}` brings it back.")
        else:
            _say(f"{name} is deleted.")


def _say(sentence: str) -> None:
    typer.echo(sentence)


def _catalogue_row(entry: Entry, record: Checkpoint | None, store: Store) -> tuple[str, ...]:
    if record is not None and (record.own or record.present):
        return _row_of(record)
    begun = store.part(entry.name).length
    state = f"{_bytes(begun)} are here, pull goes on" if begun else "not here"
    if entry.sha256 is None:
        state += ", hash from the hub"
    about = "" if entry.sha256 else "~"
    return _row(entry.name, entry.size, entry.parameters, entry.context, entry.licence, entry.fim, state, about)


def _row_of(record: Checkpoint) -> tuple[str, ...]:
    if record.own:
        state = f"own, {record.path}" if record.present else f"own, its file is gone: {record.path}"
    elif record.made_from is not None:
        state = f"{record.made_from}" if record.present else f"its file is gone or cut off, {record.made_from}"
    else:
        state = "installed" if record.hash_from != "hub" else "installed, hash from the hub"
    return _row(record.name, record.size, record.parameters, record.context, record.licence, record.fim, state)


def _row(
    name: str, size: int, parameters: int, context: int, licence: str, fim: Fim | None, state: str, about: str = ""
) -> tuple[str, ...]:
    return (name, about + _bytes(size), _count(parameters), f"{context:,}", licence, "yes" if fim else "no", state)


def _bytes(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def _count(parameters: int) -> str:
    return f"{parameters / 1e9:.2f} B" if parameters >= 1e9 else f"{parameters / 1e6:.0f} M"
