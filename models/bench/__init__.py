"""The local engine measured beside other ways to run the same checkpoint: `rung bench engine`."""
