"""Tokens of one request on their way to its server."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from rung.models.protocol import Token

# A server that wakes for each token takes a core from the next one: on two cores that was a fifth of the decode rate.
# The first ones, by which a ladder may decide, are not held back.
_AT_ONCE = 4
_HELD_S = 0.1


class Stream:
    """send: puts a message into the connection's queue. Used in the engine's thread only."""

    def __init__(self, identifier: int, send: Callable[[dict[str, Any]], None]) -> None:
        self._identifier = identifier
        self._send = send
        self._held: list[tuple[int, Token]] = []
        self._sent = 0
        self._sent_at = 0.0

    def put(self, sample: int, token: Token) -> None:
        self._held.append((sample, token))
        if self._sent < _AT_ONCE or time.monotonic() - self._sent_at >= _HELD_S:
            self.flush()

    def end(self, sample: int, text: str) -> None:
        """The sample has ended; after its tokens."""
        self.flush()
        self._send({"ended": self._identifier, "sample": sample, "text": text})

    def flush(self) -> None:
        """Before the answer."""
        if self._held:
            self._send({"tokens": self._identifier, "of": self._held})
            self._sent += len(self._held)
            self._sent_at = time.monotonic()
            self._held = []
