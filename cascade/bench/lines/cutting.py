"""From a line or statement to a task: where the cursor is put."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from rung.cascade.bench.lines.case import Cut
from rung.cascade.bench.lines.code import Stretch, Word

_SHARES = {Cut.QUARTER: 0.25, Cut.HALF: 0.5, Cut.THREE_QUARTERS: 0.75}
_INSIDE = 1 / 3  # of the cuts behind the start, where an identifier follows
_FEWEST_WORDS = 4
_SHORTEST_NAME = 3
_SHORTEST_TRUTH = 3
_MOST_ROWS = 10
_LONGEST = 400  # characters: what is longer is data


@dataclass(frozen=True, slots=True)
class Place:
    """Of the cursor: an offset into the source. inside: within an identifier."""

    offset: int
    inside: bool


def place(source: str, stretch: Stretch, cut: Cut, random: Random) -> Place | None:
    """None where what would be missing is trivial (under 3 characters, or brackets and signs alone) or very long."""
    if stretch.rows[1] - stretch.rows[0] >= _MOST_ROWS or stretch.end - stretch.begin > _LONGEST:
        return None
    found = Place(stretch.begin, False) if cut is Cut.START else _within(stretch, cut, random)
    if found is None:
        return None
    truth = source[found.offset : stretch.end].strip()
    telling = len(truth) >= _SHORTEST_TRUTH and any(character.isalnum() for character in truth)
    return found if telling else None


def _within(stretch: Stretch, cut: Cut, random: Random) -> Place | None:
    """Where a token begins, its blank typed already, or one to all but one character into an identifier."""
    words = stretch.words
    if len(words) < _FEWEST_WORDS:
        return None
    at = round(_SHARES[cut] * len(words))
    if random.random() < _INSIDE:
        # A sign often stands where an identifier is about to begin: then the next word is the one being typed.
        name = next((word for word in words[at : at + 2] if _is_long_name(word)), None)
        if name is not None:
            return Place(random.randrange(name.begin + 1, name.end), True)
    return Place(words[at].begin, False)


def _is_long_name(word: Word) -> bool:
    return word.is_name and len(word.text) >= _SHORTEST_NAME
