"""`rung`: all its commands."""

from __future__ import annotations

import typer

from rung.lsp.cli import bench, config, exits, models
from rung.lsp.cli.complete import complete
from rung.lsp.cli.demo import demo
from rung.lsp.cli.doctor import doctor
from rung.lsp.cli.report import report
from rung.lsp.cli.serve import serve
from rung.lsp.cli.serve_model import serve_model
from rung.lsp.cli.tune import app as tune

app = typer.Typer(
    name="rung",
    help="Inline code completion by a ladder of models: small and local first, large only when the score says so.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(serve)
app.command()(serve_model)
app.command()(complete)
app.command()(doctor)
app.command()(demo)
app.command()(report)
app.command("trust")(config.trust)
app.command("untrust")(config.untrust)
app.add_typer(models.app, name="models")
app.add_typer(config.app, name="config")
app.add_typer(bench.app, name="bench")
app.add_typer(exits.app, name="exits")
app.add_typer(tune, name="tune")


def main() -> None:
    app()
