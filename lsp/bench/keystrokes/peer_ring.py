"""llama.vim's extra context: chunks of files that the user was in."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

_CHUNKS, _CHUNK_LINES, _QUEUED = 16, 64, 16
_LEAST_LINES = 3
_SAME, _SAME_AS_HERE = 0.9, 0.5
_WORDS = re.compile(r"\W+")

Chunk = tuple[str, ...]


class Ring:
    """queued: not in any prompt before they were evaluated ahead. seed: decides which part of a chunk is kept."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.chunks: list[Chunk] = []
        self.queued: list[Chunk] = []

    def pick(self, lines: Sequence[str], *, evict: bool) -> None:
        """Queue lines of a file. evict: what is very much like them goes; else it stays, and they are not taken."""
        if len(lines) < _LEAST_LINES:
            return
        chunk = tuple(lines) if len(lines) + 1 < _CHUNK_LINES else self._part(lines)
        if chunk in self.chunks or chunk in self.queued:
            return
        for known in (self.queued, self.chunks):
            same = [one for one in known if similarity(one, chunk) > _SAME]
            if same and not evict:
                return
            known[:] = [one for one in known if one not in same]
        self.queued = [*self.queued, chunk][-_QUEUED:]

    def promote(self) -> bool:
        """The next queued chunk comes into the prompt; False: there is none."""
        if not self.queued:
            return False
        self.chunks = [*self.chunks, self.queued.pop(0)][-_CHUNKS:]
        return True

    def leave_out(self, here: Sequence[str]) -> None:
        """Chunks that are much like the lines around the cursor go: a model would only repeat them."""
        part = self._part(here)
        self.chunks = [one for one in self.chunks if similarity(one, part) <= _SAME_AS_HERE]

    def _part(self, lines: Sequence[str]) -> Chunk:
        half = _CHUNK_LINES // 2
        first = self._random.randint(0, max(0, len(lines) - half))
        return tuple(lines[first : first + half + 1])


def similarity(one: Sequence[str], other: Sequence[str]) -> float:
    """In [0, 1]: twice the words of the second that are in the first, by the words of both."""
    first, second = (_WORDS.split("\n".join(lines)) for lines in (one, other))
    known = set(first)
    return 2 * sum(word in known for word in second) / (len(first) + len(second))
