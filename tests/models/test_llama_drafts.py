"""Drafts from the context."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rung.models.llama.engine.drafts import LONGEST_DRAFT, LONGEST_MATCH, Costs, Drafter, Odds

FREE = Costs([1.0] * (LONGEST_DRAFT + 1))  # a batch costs what a token does
DEAR = Costs([float(size) for size in range(1, LONGEST_DRAFT + 2)])  # it costs as much as its tokens one by one


def drafter(history: list[int], offered: list[int] | None = None, costs: Costs = FREE) -> Drafter:
    return Drafter(history, offered or [], Odds(), costs)


def test_what_followed_the_same_tokens_is_proposed() -> None:
    assert drafter([1, 2, 3, 4, 5, 1, 2]).propose(3) == [3, 4, 5]


def test_without_a_match_nothing_is() -> None:
    assert drafter([1, 2, 3, 4, 5]).propose(3) == []
    assert drafter([]).propose(3) == []


def test_the_longest_match_wins_over_the_nearest() -> None:
    assert drafter([7, 1, 2, 3, 8, 1, 2, 4, 7, 1, 2]).propose(1) == [3]


def test_among_equal_matches_the_nearest_wins() -> None:
    assert drafter([7, 1, 2, 3, 9, 1, 2, 4, 8, 1, 2]).propose(1) == [4]


def test_a_draft_that_came_with_the_request_is_followed_from_its_place() -> None:
    assert drafter([5, 6, 7], offered=[6, 7, 30, 31, 32]).propose(9) == [30, 31, 32]


def test_a_draft_never_runs_over_the_end_of_an_offer() -> None:
    assert drafter([5, 6, 7], offered=[6, 7, 30]).propose(9) == [30]


def test_after_a_wrong_token_the_place_is_found_again() -> None:
    found = drafter([5, 6, 7], offered=[6, 7, 30, 31, 32, 33])
    for token in (30, 99, 31, 32):
        found.append(token)
    assert found.propose(9) == [33]


@given(st.lists(st.integers(0, 3), max_size=40), st.lists(st.integers(0, 3), max_size=10), st.integers(0, 20))
def test_a_proposal_stood_after_the_same_two_tokens_before(history: list[int], offered: list[int], most: int) -> None:
    draft = drafter(history, offered).propose(most)
    assert len(draft) <= min(most, LONGEST_DRAFT)
    if draft:
        windows = [*_windows(offered, 2 + len(draft)), *_windows(history, 2 + len(draft))]
        assert [*history[-2:], *draft] in windows


def test_where_a_batch_costs_as_much_as_its_tokens_nothing_is_drafted() -> None:
    assert drafter([1, 2, 3, 4, 1, 2], costs=DEAR).propose(8) == []


def test_the_better_the_odds_the_longer_the_draft() -> None:
    costs = Costs([1.0 + 0.3 * size for size in range(LONGEST_DRAFT + 1)])
    lengths = [costs.best_length(odds, LONGEST_DRAFT) for odds in (0.0, 0.3, 0.5, 0.7, 0.9, 0.99)]
    assert lengths == sorted(lengths)
    assert lengths[0] == 0
    assert lengths[-1] == LONGEST_DRAFT


def test_drafts_that_prove_wrong_become_short_and_end() -> None:
    odds = Odds()
    costs = Costs([1.0 + 0.3 * size for size in range(LONGEST_DRAFT + 1)])
    before = costs.best_length(odds.of(3), LONGEST_DRAFT)
    for _ in range(30):
        odds.learn(3, 0, 4)
    assert before > 0
    assert costs.best_length(odds.of(3), LONGEST_DRAFT) == 0


@given(st.lists(st.tuples(st.integers(2, LONGEST_MATCH), st.integers(0, 12), st.integers(0, 12)), max_size=80))
def test_odds_stay_probabilities(seen: list[tuple[int, int, int]]) -> None:
    odds = Odds()
    for match, one, other in seen:
        odds.learn(match, min(one, other), max(one, other))
        assert 0 <= odds.of(match) <= 1


def _windows(tokens: list[int], length: int) -> list[list[int]]:
    return [tokens[start : start + length] for start in range(len(tokens) - length + 1)]
