"""`rung tune`: which settings of a ladder are worth what, measured on problems with hidden tests."""

from __future__ import annotations

import typer

from rung.lsp.cli.tune.apply import apply
from rung.lsp.cli.tune.importing import import_
from rung.lsp.cli.tune.record import record
from rung.lsp.cli.tune.report import report
from rung.lsp.cli.tune.run import run
from rung.lsp.cli.tune.speculate import speculate

app = typer.Typer(
    no_args_is_help=True,
    help="Find a ladder's settings: record what each rung writes, try every setting, choose by budget.",
)
app.command()(record)
app.command("import")(import_)
app.command()(run)
app.command()(speculate)
app.command()(report)
app.command()(apply)


@app.callback()
def tune() -> None:
    """Find a ladder's settings: record what each rung writes, try every setting, choose by budget."""
