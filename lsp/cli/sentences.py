"""Ends a command that failed with a sentence and no traceback, where the user can do something."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from rung.models.catalogue import CatalogueError

INTERRUPTED = 130  # what shells give for SIGINT


@contextmanager
def sentences(stopped: str = "Stopped.") -> Iterator[None]:
    """Status 1 after a CatalogueError, 130 after Ctrl-C; stopped: what is said then."""
    try:
        yield
    except CatalogueError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        typer.echo(stopped, err=True)
        raise typer.Exit(INTERRUPTED) from None
