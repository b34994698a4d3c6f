"""What this side of the server needs of an engine."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

from rung.models.server.asked import Asked, Event, Load


class Answering(Protocol):
    """name: of the served model. context: tokens. fim: whether it can read a suffix."""

    @property
    def name(self) -> str: ...

    @property
    def context(self) -> int: ...

    @property
    def fim(self) -> bool: ...

    @property
    def load(self) -> Load: ...

    def answer(self, asked: Asked) -> AsyncGenerator[Event, None]:
        """Ends with `Counted`. Closing it frees what it holds within a token. Raises Refused, Busy, EngineFailed."""
        ...

    async def close(self, grace: float) -> bool:
        """Let what runs end, at most `grace` seconds; what then still runs raises Busy or EngineFailed.

        Whether nothing computes any more.
        """
        ...
