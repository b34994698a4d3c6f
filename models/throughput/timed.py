"""A streamed answer, timed.

Of the events only the first with text and the one with the usage are parsed: one process has to keep up with a GPU that
serves a hundred requests at once, and what the client spends would be measured as the server's.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from rung.models.http.wire import DONE, BadChunk, WireUsage, read_chunk
from rung.models.throughput.load import Kind

_UNCOUNTED = (b'"usage":null', b'"usage": null')
_ANSWER_BYTES = 2 * 1024 * 1024  # 256 tokens with log-probabilities take 200 KB


@dataclass(frozen=True, slots=True)
class Timed:
    """A request that was answered. first_token, whole: seconds from sending it. Tokens as the server counted them.

    share: of its seconds and its tokens that counts; one that hangs over an edge of what is measured counts in part.
    """

    kind: Kind
    first_token: float
    whole: float
    prompt: int
    cached: int
    generated: int
    share: float = 1.0


class Reading:
    """Fed with the bytes of a body. Raises BadChunk for what is no stream of completions."""

    def __init__(self) -> None:
        self.first_text: float | None = None
        self.usage: WireUsage | None = None
        self.error: object = None
        self.done = False
        self._rest = b""
        self._size = 0

    def feed(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > _ANSWER_BYTES:
            raise BadChunk("it is far longer than what was asked for")
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                self._event(line[5:].strip())

    def _event(self, data: bytes) -> None:
        if data == DONE.encode():
            self.done = True
            return
        counted = b'"usage"' in data and not any(mark in data for mark in _UNCOUNTED)
        if self.first_text is not None and not counted and b'"error"' not in data:
            return
        try:
            chunk = read_chunk(data.decode())
        except UnicodeDecodeError:
            raise BadChunk("it is not UTF-8") from None
        if self.first_text is None and any(choice.text for choice in chunk.choices):
            self.first_text = time.perf_counter()
        self.usage = chunk.usage or self.usage
        self.error = chunk.error or self.error
