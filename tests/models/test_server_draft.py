"""A draft is only ever a proposal: what a sample is does not hang on it."""

import time

from hypothesis import given
from hypothesis import strategies as st

from rung.models.common_prefix import common_prefix
from rung.models.server.draft import Draft

TOKENS = st.lists(st.integers(0, 5), max_size=40)


def followed(tokens: list[int], text: list[int]) -> tuple[int, Draft]:
    """The passes that `text` takes by a model that would write it, with `tokens` as its draft."""
    draft = Draft(tokens, len(text))
    at = passes = 0
    while at < len(text):
        proposed = draft.proposal(len(text) - at - 1)
        assert len(proposed) < len(text) - at
        right = common_prefix(text[at:], proposed)
        draft.take(text[at : at + right + 1])
        at += right + 1
        passes += 1
    return passes, draft


@given(TOKENS, TOKENS)
def test_a_draft_never_takes_more_passes_than_tokens(tokens: list[int], text: list[int]) -> None:
    passes, _ = followed(tokens, text)
    assert passes <= len(text)


@given(TOKENS, TOKENS)
def test_each_of_its_tokens_is_accepted_once_at_most(tokens: list[int], text: list[int]) -> None:
    _, draft = followed(tokens, text)
    assert 0 <= draft.accepted <= min(len(tokens), len(text))


@given(st.lists(st.integers(0, 5), min_size=1, max_size=100))
def test_a_right_draft_takes_one_pass(tokens: list[int]) -> None:
    passes, draft = followed(tokens, tokens)
    assert passes == 1
    assert draft.accepted == len(tokens)


def test_an_empty_draft_proposes_nothing() -> None:
    passes, draft = followed([], [1, 2, 3])
    assert passes == 3
    assert draft.accepted == 0


def test_behind_another_token_in_its_place_the_draft_goes_on() -> None:
    passes, draft = followed([1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 9, 4, 5, 6, 7, 8])
    assert passes == 2
    assert draft.accepted == 7


def test_behind_added_tokens_the_draft_is_found_again() -> None:
    tokens = list(range(20))
    passes, draft = followed(tokens, [*tokens[:8], 90, 91, 92, *tokens[8:]])
    assert passes <= 7
    assert draft.accepted >= 18


def test_behind_left_out_tokens_the_draft_is_found_again() -> None:
    tokens = list(range(30))
    passes, _ = followed(tokens, [*tokens[:8], *tokens[14:]])
    assert passes <= 5


def test_a_draft_longer_than_one_pass_is_verified_in_several() -> None:
    tokens = [number % 7 for number in range(1000)]
    passes, draft = followed(tokens, tokens)
    assert passes <= 8
    assert draft.accepted == 1000


def test_a_draft_that_is_always_wrong_is_soon_left_alone() -> None:
    draft = Draft([1] * 100, 50)
    proposed = 0
    for _ in range(50):
        proposed += bool(draft.proposal(20))
        draft.take([2])
    assert proposed <= 3


def test_behind_its_end_nothing_is_proposed() -> None:
    draft = Draft([1, 2], 10)
    draft.take([1, 2, 3, 4])
    assert draft.proposal(10) == []


def test_a_lost_draft_is_looked_for_near_where_it_was_left_however_long_it_is() -> None:
    draft = Draft([7, *range(100, 1_000_000)], 1_000_000)
    draft.take([8])
    began = time.process_time()
    for token in range(200):
        draft.take([token % 50])
    assert time.process_time() - began < 1.0  # a search through all of it takes minutes
