"""The simulated user: what is accepted, and when."""

from __future__ import annotations

# To see a text that has just appeared, to know it for what was to be typed, and to press a key: a choice between two
# answers takes people about so long. The same for every tool.
REACTION_S = 0.3
# Accepting is a key, too: one character less is no gain.
_LEAST = 2


def right_part(offer: str, rest: str) -> str:
    """Of an offer, what a user accepts who is about to type `rest`: all of it, else its first line; "" is nothing.

    Blanks at its end are invisible, and not counted.
    """
    whole = offer.rstrip()
    for text in (whole, whole.split("\n", 1)[0].rstrip()):
        if len(text) >= _LEAST and rest.startswith(text):
            return text
    return ""
