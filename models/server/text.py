"""From tokens to text that may be shown: whole characters, and nothing behind a stop string."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rung.models.stop_begun import begun

_UNFINISHED = "\ufffd"


class Spelling:
    """The text that each token adds. A character of several tokens comes with its last one.

    decode: of a tokenizer; it may look at neighbours, so it gets some tokens before the new ones.
    """

    def __init__(self, decode: Callable[[list[int]], str], before: Sequence[int]) -> None:
        self._decode = decode
        self._tokens = list(before)
        self._first = 0
        self._next = len(self._tokens)

    def add(self, token: int) -> str:
        """ "" while a character is not whole."""
        self._tokens.append(token)
        known = self._decode(self._tokens[self._first : self._next])
        text = self._decode(self._tokens[self._first :])
        if text.endswith(_UNFINISHED) or len(text) <= len(known):
            return ""
        self._first, self._next = self._next, len(self._tokens)
        return text[len(known) :]

    def rest(self) -> str:
        """Of a sample that ended within a character."""
        known = self._decode(self._tokens[self._first : self._next])
        return self._decode(self._tokens[self._first :])[len(known) :]


class Stops:
    """Holds back what may be the beginning of a stop string; cuts at the first one that is complete."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = [stop for stop in stops if stop]
        self._held = ""
        self.met = False

    def feed(self, text: str) -> str:
        """What can be shown now."""
        if self.met:
            return ""
        self._held += text
        found = [(at + len(stop), at) for stop in self._stops if (at := self._held.find(stop)) >= 0]
        if found:
            self.met = True
            return self._release(min(found)[1])
        return self._release(len(self._held) - max((begun(stop, self._held) for stop in self._stops), default=0))

    def end(self) -> str:
        """What was held back, where no stop string came of it."""
        return "" if self.met else self._release(len(self._held))

    def _release(self, count: int) -> str:
        shown, self._held = self._held[:count], self._held[count:]
        return shown
