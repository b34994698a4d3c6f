"""The language server: a completer behind LSP 3.18."""
