"""How many threads a batch gets: as many as are fastest now.

llama.cpp's threads wait for each other after every operation. Where another program takes one of the cores, two
threads are ten times slower than one (measured: 115 ms a token against 12). So the count goes down when batches become
slow, and up again when that has proved better.
"""

from __future__ import annotations

from collections import defaultdict

_CROWDED = 4.0  # times the best that was seen; a long context alone doubles the time of a token
_BETTER = 0.95
_RECENT = 0.4  # weight of the last batch in the average
_TRIAL = 2  # batches
_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 30.0


class ThreadCount:
    """Of one kind of batch. most: threads."""

    def __init__(self, most: int) -> None:
        self._levels = [count for count in (1, 2, 4, 8) if count < most] + [most]
        self._level = len(self._levels) - 1
        self._average: list[float | None] = [None] * len(self._levels)  # times the best
        self._best: defaultdict[int, float] = defaultdict(lambda: float("inf"))
        self._trial = 0  # batches left of a trial of this level; the level below is what it has to beat
        self._pause = _PAUSE_S
        self._up_at = 0.0

    @property
    def count(self) -> int:
        return self._levels[self._level]

    def begin(self, count: int) -> None:
        """What was fastest when it was measured."""
        self._level = max(0, sum(level <= count for level in self._levels) - 1)

    def observe(self, tokens: int, seconds: float, now: float) -> None:
        """A batch of so many tokens took so long with `count` threads."""
        slowness = self._slowness(tokens, seconds)
        before = self._average[self._level]
        self._average[self._level] = average = slowness if before is None else before + _RECENT * (slowness - before)
        if self._trial:
            self._trial -= 1
            if not self._trial:
                self._judge(average, now)
        elif self._level and average > _CROWDED * self._levels[-1] / self.count:
            self._down(now)
        elif self._level + 1 < len(self._levels) and now >= self._up_at:
            self._level += 1
            self._average[self._level] = None
            self._trial = _TRIAL

    def _slowness(self, tokens: int, seconds: float) -> float:
        """Times the best of the batches about as large: a token's share of a large batch is less."""
        size, share = tokens.bit_length(), seconds / tokens
        self._best[size] = min(self._best[size], share)
        return share / self._best[size] if self._best[size] else 1.0

    def _judge(self, average: float, now: float) -> None:
        below = self._average[self._level - 1]
        if below is None or average < _BETTER * below:
            self._pause = _PAUSE_S
        else:
            self._down(now)

    def _down(self, now: float) -> None:
        self._level -= 1
        self._up_at = now + self._pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE_S)
