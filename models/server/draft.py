"""A predicted text that is verified instead of generated, and found again after a difference."""

from __future__ import annotations

from collections.abc import Sequence

from rung.models.common_prefix import common_prefix

_MOST = 128  # tokens of one pass: a statement, or a short function
_USEFUL = 2  # times the tokens that a sample may have: what lies further on is not for it
_AGAIN = 8  # after a difference; doubled while all of them are right
# How far behind a difference the draft is looked for by so many of the sample's last tokens. A token is found
# often by chance, so it counts only where a replaced name or an added argument is over.
_REACH = {3: 256, 2: 32, 1: 8}


class Draft:
    """One sample's way through the tokens of a prediction. most: tokens that the sample may have.

    Where the sample leaves the draft, one other token in its place is guessed at first: the draft goes on behind it.
    After that it goes on where the sample's last tokens stand in it (n-gram resynchronisation), never before the
    place where it was left, so that each of its tokens is accepted at most once.
    """

    def __init__(self, tokens: Sequence[int], most: int) -> None:
        self._tokens = list(tokens[: _USEFUL * most])
        self._generated: list[int] = []
        self._at: int | None = 0  # the next to propose; None: lost
        self._left = 0  # behind the last one that was right
        self._size = _MOST
        self._wrong = 0  # proposals of which nothing was right, since one of which something was
        self.accepted = 0

    def proposal(self, room: int) -> list[int]:
        """At most `room` tokens that may come next; none while the draft is lost, or at its end."""
        if self._at is None or room <= 0:
            return []
        return self._tokens[self._at : self._at + min(self._size, room)]

    def take(self, generated: list[int]) -> None:
        """What the sample got, in any number of calls: as much of the proposal as was right, and what came instead."""
        self._generated.extend(generated)
        if self._at is None:
            self._at = self._found()
            return
        right = common_prefix(generated, self._tokens[self._at : self._at + len(generated)])
        self.accepted += right
        if right == len(generated):
            self._at += right
            self._left = self._at
            self._size = min(2 * self._size, _MOST)
            self._wrong = 0
            return
        self._wrong = 0 if right else self._wrong + 1
        self._size = _AGAIN
        if right:
            self._left = self._at + right
        self._at = self._found(just_left=right > 0 or self._at == self._left)

    def _found(self, just_left: bool = False) -> int | None:
        for length, reach in _REACH.items():
            if length <= self._wrong:  # chance matches cost more than they gave
                return None
            last = self._generated[-length:]
            until = min(len(self._tokens), self._left + reach)
            for at in range(max(self._left, length), until):
                if self._tokens[at - length : at] == last:
                    return at
        another = self._left + 1
        return another if just_left and another < len(self._tokens) else None
