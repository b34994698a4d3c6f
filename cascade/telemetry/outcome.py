"""What became of an answer that was shown."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """Of an answer that was shown. Every editor says ACCEPTED, some also SHOWN, PARTLY_ACCEPTED and DISMISSED; the rest
    is inferred from the document.
    """

    SHOWN = "shown"  # nothing is known since
    ACCEPTED = "accepted"
    PARTLY_ACCEPTED = "partly_accepted"  # a word or a line of it
    TYPED_THROUGH = "typed_through"  # it was right and the user typed it
    DISMISSED = "dismissed"  # the user made it go away
    REJECTED = "rejected"  # other text was typed over it
    IGNORED = "ignored"  # the cursor went elsewhere


def replaces(new: Outcome, old: Outcome | None) -> bool:
    """The first decisive outcome stays, but for ACCEPTED, which is certain and may arrive after what was inferred.

    SHOWN and IGNORED decide nothing yet: a user may come back.
    """
    if old is None or new is Outcome.ACCEPTED:
        return old is not new
    undecided = (Outcome.SHOWN, Outcome.IGNORED)
    return old in undecided and new is not Outcome.SHOWN and new is not old
