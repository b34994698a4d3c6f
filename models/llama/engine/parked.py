"""Documents that nobody works with, outside the key-value cache: there they would slow down all the others.

llama.cpp's attention walks over every cell up to the last one in use, whosever it is: with 2,000 tokens of other
documents beside it, SmolLM2 took a sixth more time for a token. Moving 500 tokens out takes 2 ms and back 1 ms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rung.models.common_prefix import common_prefix

State = NDArray[np.uint8]


@dataclass(eq=False, frozen=True, slots=True)
class Entry:
    """tokens: what the state holds."""

    tokens: list[int]
    state: State


class Parked:
    """The one that was parked longest ago goes first. limit: bytes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._entries: list[Entry] = []

    @property
    def bytes(self) -> int:
        return sum(entry.state.nbytes for entry in self._entries)

    def put(self, tokens: list[int], state: State) -> None:
        """What is only the beginning of `tokens` is not kept beside it."""
        self._entries = [entry for entry in self._entries if common_prefix(entry.tokens, tokens) < len(entry.tokens)]
        self._entries.append(Entry(tokens, state))

    def shrink(self) -> None:
        """To the limit; `put` does not, so that what is wanted next is not forgotten for what comes in."""
        while self.bytes > self.limit:
            del self._entries[0]

    def longest(self, tokens: list[int], *, whole: bool) -> tuple[Entry | None, int]:
        """The entry with the longest common prefix, and its length. whole: only one that `tokens` begins with."""
        best, longest = None, 0
        for entry in self._entries:
            common = common_prefix(entry.tokens, tokens)
            if common > longest and (not whole or common == len(entry.tokens)):
                best, longest = entry, common
        return best, longest

    def remove(self, entry: Entry) -> None:
        self._entries.remove(entry)
