"""What of the completed file the prompt holds anyway."""

from __future__ import annotations

from rung.cascade.chunk import Chunk
from rung.cascade.retrieval.query import Query


class Visible:
    """Goes by the text of lines: which number they have in the file, the part of it in a query does not tell."""

    def __init__(self, query: Query) -> None:
        before, after = query.visible
        text = (query.before[-before:] if before else "") + query.after[:after]
        self._path = query.path
        self._lines = {line for line in text.splitlines() if line.strip()}

    def holds(self, chunk: Chunk) -> bool:
        """Half of its lines or more."""
        if chunk.path != self._path:
            return False
        lines = [line for line in chunk.text.splitlines() if line.strip()]
        return sum(line in self._lines for line in lines) * 2 >= len(lines)
