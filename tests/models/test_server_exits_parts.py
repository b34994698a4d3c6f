"""The products behind a layer: what they were fitted to, they give back."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rung.models.server.exits.agreement import auc
from rung.models.server.exits.doubting import classifier
from rung.models.server.exits.fitting import Moments, fit
from rung.models.server.exits.parts import Linear, ShortList, normed
from rung.models.server.exits.sketching import sketch

WIDTH, VOCABULARY = 12, 50


def _states(rows: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(rows, WIDTH, generator=torch.Generator().manual_seed(seed))


@given(st.integers(0, 100), st.integers(1, 5))
def test_least_squares_find_the_product_that_made_the_outputs(seed: int, outputs: int) -> None:
    inputs, made = _states(200, seed), Linear(_states(outputs, seed + 1).T, torch.arange(float(outputs)))
    found = fit(inputs, made(inputs), step=64)
    torch.testing.assert_close(found(inputs), made(inputs), rtol=0, atol=0.01)


def test_nothing_cannot_be_fitted() -> None:
    with pytest.raises(ValueError, match="nothing to fit"):
        Moments(WIDTH).best()


def test_a_state_is_brought_to_a_root_mean_square_of_one_whatever_its_size() -> None:
    for factor in (0.1, 1, 1e4):
        found = normed(_states(3) * factor)
        torch.testing.assert_close(found.square().mean(dim=-1), torch.ones(3), rtol=1e-2, atol=0)


def test_a_short_list_says_no_token_that_is_not_listed_and_counts_the_others_into_its_probability() -> None:
    head = ShortList(torch.tensor([7, 30]), Linear(torch.zeros(WIDTH, 3), torch.tensor([1.0, 2.0, 3.0])))
    guess = head.guess(_states(4))
    assert guess.token.tolist() == [30] * 4
    assert guess.logprob.tolist() == pytest.approx([2.0 - torch.tensor([1.0, 2.0, 3.0]).logsumexp(0).item()] * 4)


@pytest.mark.parametrize("candidates", [1, 5, VOCABULARY])
def test_a_sketch_of_full_rank_says_what_the_head_says(candidates: int) -> None:
    final, rows = _states(30), _states(VOCABULARY, 1)
    guess = sketch(final, rows, WIDTH, candidates).guess(final)
    best = (final @ rows.T).log_softmax(dim=-1).max(dim=-1)
    assert torch.equal(guess.token, best.indices)
    torch.testing.assert_close(guess.logprob, best.values, rtol=0, atol=0.01)


def test_a_sketch_sees_where_states_lie_rather_than_everywhere() -> None:
    final = _states(300) * torch.tensor([1.0] * 4 + [0.01] * (WIDTH - 4))
    rows = _states(VOCABULARY, 1) * torch.tensor([1.0] * 4 + [5.0] * (WIDTH - 4))
    found = sketch(final, rows, 4, 8).guess(final).token
    assert (found == (final @ rows.T).argmax(dim=-1)).float().mean() > 0.99


def test_a_classifier_learns_what_one_product_can_tell() -> None:
    states = _states(400)
    labels = states[:, 3] > 0.5
    odds = classifier(states, labels)(states)[:, 0]
    assert ((odds > 0) == labels).float().mean() > 0.98


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=40))
def test_the_area_counts_the_pairs_that_are_in_order(pairs: list[tuple[int, bool]]) -> None:
    yes = [score for score, positive in pairs if positive]
    no = [score for score, positive in pairs if not positive]
    wins = sum((a > b) + (a == b) / 2 for a in yes for b in no)
    expected = wins / (len(yes) * len(no)) if yes and no else 0.5
    scores, positive = (torch.tensor(each) for each in zip(*pairs, strict=True))
    assert auc(scores.float(), positive) == pytest.approx(expected)
