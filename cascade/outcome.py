"""What became of an offer, from what the document holds since.

Editors say when an offer was accepted and nothing else. What the user typed over, not accepted, is an implicit
rejection (MCCom); what still agrees with the offer decides nothing.
"""

from __future__ import annotations

import re
from itertools import takewhile

from rung.cascade.telemetry import Outcome

_ONE_WORD = re.compile(r"^(\w+|.)", re.DOTALL)
_PAIRS = {"()", "[]", "{}", "<>", '""', "''", "``"}


class OfferedText:
    """One offer, followed until its outcome is known. texts: what the user could choose from, the first one shown.

    Every method returns the outcome once; after that, None. Only `accepted` may still say more: it is certain.
    """

    def __init__(self, texts: tuple[str, ...]) -> None:
        self.texts = texts
        self.since = ""
        self._jumped = 0
        self._at_once = False
        self._decided: Outcome | None = None

    @property
    def undecided(self) -> bool:
        return self._decided is None

    @property
    def remaining(self) -> str:
        """Of the first text that still agrees."""
        text = next((text for text in self.texts if text.startswith(self.since)), self.since)
        return text[len(self.since) :]

    def typed(self, since: str | None) -> Outcome | None:
        """since: all that stands at the offer's place now; None where the place itself is gone.

        An agreeing piece of several characters that came at once and ends where a word ends was accepted in part:
        editors insert word by word, users type character by character. All of it at once was accepted: some editors
        do not run the command that would say so.
        """
        if not self.undecided:
            return None
        if since is None or not self._agrees(since):
            return self._left(Outcome.REJECTED)
        if self._is_piece(self.since, since):
            self._jumped = len(since)
            self._at_once = not self.since
        elif len(since) < self._jumped:
            self._jumped = 0  # taken back
        self.since = since
        return None

    def accepted(self) -> Outcome | None:
        """The editor said so."""
        if self._decided is Outcome.ACCEPTED:
            return None
        self._decided = Outcome.ACCEPTED
        return Outcome.ACCEPTED

    def taken(self) -> None:
        """The editor said that a part of it was accepted; how much, the document tells."""
        self._jumped = max(self._jumped, len(self.since), 1)

    def dismissed(self) -> Outcome | None:
        """The editor said that the user made it go away."""
        return self._left(Outcome.DISMISSED) if self.undecided else None

    def gone(self) -> Outcome | None:
        """The document was closed, the cursor moved away, or something else was offered."""
        return self._left(Outcome.IGNORED) if self.undecided else None

    def continued(self) -> None:
        """Another offer with the remaining text took its place: that one's outcome counts."""
        self._decided = Outcome.IGNORED

    def _left(self, otherwise: Outcome) -> Outcome:
        if self.since in self.texts:
            whole = self._at_once and self._jumped == len(self.since)
            outcome = Outcome.ACCEPTED if whole else Outcome.TYPED_THROUGH
        elif self._jumped:
            outcome = Outcome.PARTLY_ACCEPTED
        else:
            outcome = otherwise
        self._decided = outcome
        return outcome

    def _agrees(self, since: str) -> bool:
        return any(text.startswith(since) for text in self.texts)

    def _is_piece(self, before: str, after: str) -> bool:
        piece = after[len(before) :]
        rest = next((text[len(after) :] for text in self.texts if text.startswith(after)), "")
        within_word = bool(rest) and _is_word(after[-1:]) and _is_word(rest[0])
        return after.startswith(before) and len(piece.strip()) > 1 and not within_word


def left_over(text: str, since: str) -> str:
    """What is left of a rejected text behind what was typed instead.

    Where the two part, the user is taken to write another word in place of the text's.
    """
    pairs = zip(text, since, strict=False)
    agreed = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    rest = text[agreed:]
    return rest if agreed == len(since) else _ONE_WORD.sub("", rest, count=1)


def without_closer(before: str, after: str) -> str:
    """`after` without the bracket or quote that an editor closes by itself behind the cursor.

    Only where exactly such a pair was added to `before`.
    """
    return after[:-1] if after[:-2] == before and after[-2:] in _PAIRS else after


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"
