"""Drafts from the context: what followed the last time that the same tokens stood here.

MCCom's first stage of speculation, after prompt lookup decoding. A draft is verified in one batch, and only what the
model would have written is kept; so the length of a draft is a question of time alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

LONGEST_MATCH = 8
LONGEST_DRAFT = 12
_SHORTEST_MATCH = 2
_CANDIDATES = 8
_NOT_A_TOKEN = -1
# Of a new engine, and how many observations they are worth.
_PRIOR_ODDS = (0.45, 0.55, 0.65, 0.7, 0.75, 0.8, 0.85)
_PRIOR_WEIGHT = 8.0
_MEMORY = 400.0  # observations; older ones fade


class Odds:
    """How often a drafted token is right, by the length of the match before it; learned as drafts are verified."""

    def __init__(self) -> None:
        self._right = [odds * _PRIOR_WEIGHT for odds in _PRIOR_ODDS]
        self._seen = [_PRIOR_WEIGHT for _ in _PRIOR_ODDS]

    def of(self, match: int) -> float:
        at = match - _SHORTEST_MATCH
        return self._right[at] / self._seen[at]

    def learn(self, match: int, accepted: int, drafted: int) -> None:
        """Of `drafted` tokens the first `accepted` were right, and the next, if there was one, wrong."""
        at = match - _SHORTEST_MATCH
        self._right[at] += accepted
        self._seen[at] += accepted + (accepted < drafted)
        if self._seen[at] > _MEMORY:
            self._right[at] /= 2
            self._seen[at] /= 2


class Costs:
    """seconds[n - 1]: time of a batch of n tokens, of one sequence."""

    def __init__(self, seconds: Sequence[float]) -> None:
        self._seconds = seconds

    def best_length(self, odds: float, most: int) -> int:
        """The length of draft with the most tokens in a second; 0: decode without one."""
        best, rate, expected, right = 0, 1.0 / self._seconds[0], 1.0, 1.0
        for length in range(1, min(most, len(self._seconds) - 1) + 1):
            right *= odds
            expected += right
            if expected / self._seconds[length] > rate:
                best, rate = length, expected / self._seconds[length]
        return best


class Drafter:
    """Of one greedy sample. history: the prompt's tokens. offered: a draft that came with the request, in its place."""

    def __init__(self, history: Sequence[int], offered: Sequence[int], odds: Odds, costs: Costs) -> None:
        self._odds = odds
        self._costs = costs
        self._tokens: list[int] = []
        self._places: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        self._match = 0
        for token in (*offered, _NOT_A_TOKEN, *history):
            self.append(token)

    def append(self, token: int) -> None:
        """The sample, or its prompt, goes on with `token`."""
        tokens = self._tokens
        tokens.append(token)
        if len(tokens) > 2:
            # Indexed once a token follows it: the end itself is no place to copy from.
            self._places[tokens[-3], tokens[-2]].append(len(tokens) - 1)

    def propose(self, most: int) -> list[int]:
        """At most `most` tokens that may come next."""
        self._match = 0
        tokens = self._tokens
        if len(tokens) < _SHORTEST_MATCH or most < 1:
            return []
        source = 0
        for place in reversed(self._places.get((tokens[-2], tokens[-1]), ())[-_CANDIDATES:]):
            length = self._matching(place)
            if length > self._match:
                self._match, source = length, place
        if not self._match:
            return []
        length = self._costs.best_length(self._odds.of(self._match), min(most, LONGEST_DRAFT))
        draft = tokens[source : source + length]
        return draft[: draft.index(_NOT_A_TOKEN)] if _NOT_A_TOKEN in draft else draft

    def verified(self, accepted: int, drafted: int) -> None:
        """What became of the last proposal."""
        if drafted:
            self._odds.learn(self._match, accepted, drafted)

    def _matching(self, place: int) -> int:
        """How many tokens before `place` are those at the end."""
        tokens, end = self._tokens, len(self._tokens)
        length = _SHORTEST_MATCH
        while length < LONGEST_MATCH and place > length and tokens[place - 1 - length] == tokens[end - 1 - length]:
            length += 1
        return length
