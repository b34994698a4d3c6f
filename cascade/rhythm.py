"""How somebody types, and how long to wait for the pause in which an answer is worth its work."""

from __future__ import annotations

from collections import deque

_REMEMBERED = 64
_KNOWN = 8  # gaps before which nothing is known
_LONGEST_S = 5.0  # a longer gap is no typing: the user read or went away


class Rhythm:
    """Times between one key and the next."""

    def __init__(self) -> None:
        self._gaps: deque[float] = deque(maxlen=_REMEMBERED)
        self._last: float | None = None

    def key(self, at: float) -> None:
        """A key was pressed. at: seconds of a clock that never goes back."""
        if self._last is not None and at - self._last <= _LONGEST_S:
            self._gaps.append(at - self._last)
        self._last = at

    def pause(self, answer_s: float, odds: float, most_s: float) -> float:
        """Seconds after a key until the next one is unlikely: its chance to come within `answer_s` is `odds` at most.

        answer_s: what the answer will take. most_s: never longer; half of that where nothing is known yet.
        """
        if len(self._gaps) < _KNOWN:
            return most_s / 2
        for pause in sorted({0.0, *(gap for gap in self._gaps if gap < most_s)}):
            left = [gap for gap in self._gaps if gap >= pause]
            if sum(gap < pause + answer_s for gap in left) <= odds * len(left):
                return pause
        return most_s
