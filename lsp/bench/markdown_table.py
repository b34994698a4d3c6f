"""Tables that can be pasted into a document."""

from __future__ import annotations

from rich import box
from rich.table import Table


def markdown_table(*columns: str) -> Table:
    """Of names in the first column and numbers in the others; rows are to be added."""
    table = Table(box=box.MARKDOWN)
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", no_wrap=True)
    return table
