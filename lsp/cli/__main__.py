"""`python -m rung.lsp.cli` is `rung`."""

from rung.lsp.cli.main import main

main()
