"""What became of an answer that was shown."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """Of an answer that was shown. The editor says ACCEPTED; the others are inferred from the document."""

    ACCEPTED = "accepted"
    PARTLY_ACCEPTED = "partly_accepted"  # a word or a line of it
    TYPED_THROUGH = "typed_through"  # it was right and the user typed it
    REJECTED = "rejected"  # dismissed, or other text was typed over it
    IGNORED = "ignored"  # the cursor went elsewhere


def replaces(new: Outcome, old: Outcome | None) -> bool:
    """The first decisive outcome stays, but for ACCEPTED, which is certain and may arrive after what was inferred.

    IGNORED decides nothing yet: a user may come back.
    """
    if old is None or new is Outcome.ACCEPTED:
        return old is not new
    return old is Outcome.IGNORED and new is not Outcome.IGNORED
