"""The `rung` command line."""

from rung.lsp.cli.main import main

__all__ = ["main"]
