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


BEGIN = tuple(range(100, 120))


def test_the_longest_common_beginning_is_taken() -> None:
    prefixes = Prefixes(1, room=100)
    prefixes.keep(text(*BEGIN, 2, 3, 4))
    prefixes.keep(text(*BEGIN, 9, 9))
    begun = prefixes.begin([*BEGIN, 2, 3, 7, 8])
    assert begun.tokens == [*BEGIN, 2, 3]
    assert keys(begun) == [*BEGIN, 2, 3]


def test_the_last_token_of_a_prompt_is_always_computed() -> None:
    prefixes = Prefixes(1, room=100)
    prefixes.keep(text(1, 2, 3))
    assert prefixes.begin([1, 2, 3]).tokens == [1, 2]


def test_what_begins_every_text_is_no_reason_to_copy() -> None:
    prefixes = Prefixes(1, room=100)
    prefixes.keep(text(1, *range(10, 40)))
    prefixes.keep(text(1, *range(40, 70)))
    assert prefixes.begin([1, *range(70, 99)]).tokens == []
    prefixes.keep(text(1, *range(200, 240)))  # the first one goes, which was used longest ago
    assert prefixes.begin([1, *range(10, 40), 5]).tokens == []
    assert prefixes.begin([1, *range(40, 70), 5]).tokens == [1, *range(40, 70)]


def test_a_short_beginning_is_copied_and_the_text_stays() -> None:
    prefixes = Prefixes(1, room=100)
    prefixes.keep(text(*range(60)))
    begun = prefixes.begin([*range(20), 99, 99])
    assert begun.tokens == list(range(20))
    begun.write(0, 0, torch.full((1, 20, 1), 77.0), torch.full((1, 20, 1), 77.0))
    again = prefixes.begin([*range(50), 99])
    assert keys(again) == list(range(50))


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


def test_what_was_longer_once_gives_its_memory_back() -> None:
    prefixes = Prefixes(1, room=1000)
    long = text(*range(1000))
    del long.tokens[20:]
    prefixes.keep(long)
    kept = prefixes.begin([*range(20), 5])
    assert kept.tokens == list(range(20))
    assert kept.room < 100
