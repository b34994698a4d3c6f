"""`rung serve`: the language server."""

from __future__ import annotations

from typing import Annotated

import typer

from rung.lsp.server.serving import run


def serve(
    tcp: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Serve TCP on this machine; port 0: any free one.")
    ] = None,
) -> None:
    """Serve an editor: LSP over stdin and stdout."""
    from rung.lsp.completer import make_completer  # the models' libraries, which `rung --help` need not load

    raise typer.Exit(run(make_completer, tcp))
