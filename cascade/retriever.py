"""What finds code for a prompt."""

from __future__ import annotations

from typing import Protocol

from rung.cascade.chunk import Chunk
from rung.cascade.task import Task


class Retriever(Protocol):
    """Finds code of the repository that may help with a line."""

    async def retrieve(self, task: Task) -> tuple[Chunk, ...]:
        """By the text around the cursor, best first; the same again for the next keystrokes."""
        ...

    async def retrieve_again(self, task: Task) -> tuple[Chunk, ...]:
        """Also by `task.rejected`, the text of a smaller model (MCCom, iterative retrieval), best first."""
        ...
