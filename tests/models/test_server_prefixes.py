"""What is kept of a text serves the next one that begins like it."""

import torch

from rung.models.server.key_values import KeyValues
from rung.models.server.prefixes import Prefixes


def text(*tokens: int) -> KeyValues:
    """Its keys and values are its tokens."""
    kept = KeyValues(1)
    marks = torch.tensor(tokens, dtype=torch.float32)[None, :, None]
    kept.write(0, 0, marks, marks)
    kept.tokens = list(tokens)
    return kept


def keys(kept: KeyValues) -> list[float]:
    """As attention would see them before one more token."""
    one = torch.zeros(1, 1, 1)
    return kept.write(0, len(kept.tokens), one, one)[0][0, :-1, 0].tolist()


def test_the_longest_common_beginning_is_taken() -> None:
    prefixes = Prefixes(1, room=100)
    prefixes.keep(text(1, 2, 3, 4))
    prefixes.keep(text(1, 2, 9, 9))
    begun = prefixes.begin([1, 2, 3, 7, 8])
    assert begun.tokens == [1, 2, 3]
    assert keys(begun) == [1, 2, 3]


def test_the_last_token_of_a_prompt_is_always_computed() -> None:
    prefixes = Prefixes(1, room=100)
    prefixes.keep(text(1, 2, 3))
    assert prefixes.begin([1, 2, 3]).tokens == [1, 2]


def test_a_short_beginning_is_copied_and_the_text_stays() -> None:
    prefixes = Prefixes(1, room=100)
    prefixes.keep(text(*range(10)))
    begun = prefixes.begin([0, 1, 2, 50])
    assert begun.tokens == [0, 1, 2]
    begun.write(0, 0, torch.full((1, 3, 1), 77.0), torch.full((1, 3, 1), 77.0))
    again = prefixes.begin([*range(8), 60])
    assert keys(again) == [0, 1, 2, 3, 4, 5, 6, 7]


def test_what_was_used_longest_ago_goes_first() -> None:
    prefixes = Prefixes(1, room=8)
    for first in (10, 20, 30):
        prefixes.keep(text(first, 1, 2, 3))
    assert prefixes.tokens == 8
    assert prefixes.begin([10, 1, 2, 3, 4]).tokens == []
    assert prefixes.begin([30, 1, 2, 3, 4]).tokens == [30, 1, 2, 3]


def test_a_text_longer_than_the_room_is_not_kept() -> None:
    prefixes = Prefixes(1, room=3)
    prefixes.keep(text(1, 2, 3, 4))
    assert prefixes.tokens == 0
