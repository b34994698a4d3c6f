"""The composition: the language server and the `rung` command line."""
