"""Tokens are drawn as often as the model says they are likely, and the same ones with a draft as without."""

import math

import pytest
import torch

from rung.models.server.sampling import Place, draw

LOGITS = torch.tensor([2.0, 1.0, 0.0, -1.0, -30.0])
DRAWS = 4000


def test_at_temperature_0_the_likeliest_token_is_taken() -> None:
    assert draw(torch.stack([LOGITS, -LOGITS]), [Place(0, 1, 0, 0), Place(0, 1, 0, 1)]) == [0, 4]


def test_the_same_place_draws_the_same_token_whatever_else_is_drawn() -> None:
    places = [Place(1.0, 7, 0, position) for position in range(50)]
    together = draw(LOGITS.repeat(50, 1), places)
    assert [draw(LOGITS[None], [place])[0] for place in places] == together


def test_tokens_are_drawn_by_their_probability() -> None:
    """Four standard deviations; the numbers are the same in every run."""
    temperature = 0.8
    drawn = draw(LOGITS.repeat(DRAWS, 1), [Place(temperature, 3, 0, position) for position in range(DRAWS)])
    probabilities = torch.softmax(LOGITS / temperature, dim=0).tolist()
    for token, probability in enumerate(probabilities):
        deviation = math.sqrt(DRAWS * probability * (1 - probability))
        assert abs(drawn.count(token) - DRAWS * probability) <= 4 * deviation + 1e-6


def test_accepting_what_is_drawn_accepts_a_draft_by_its_probability_and_draws_the_rest_without_it() -> None:
    """The rejection rule for a draft that is one certain token (Leviathan et al. 2023, section 2.3)."""
    drafted = 1
    drawn = draw(LOGITS.repeat(DRAWS, 1), [Place(1.0, 5, 0, position) for position in range(DRAWS)])
    probabilities = torch.softmax(LOGITS, dim=0)
    accepted = drawn.count(drafted) / DRAWS
    assert abs(accepted - float(probabilities[drafted])) < 0.03
    instead = [token for token in drawn if token != drafted]
    rest = probabilities.clone()
    rest[drafted] = 0
    for token, probability in enumerate((rest / rest.sum()).tolist()):
        assert abs(instead.count(token) / len(instead) - probability) < 0.03


def test_other_samples_and_seeds_draw_otherwise() -> None:
    def text(seed: int, sample: int) -> list[int]:
        return draw(LOGITS.repeat(30, 1), [Place(1.0, seed, sample, position) for position in range(30)])

    assert len({tuple(text(1, 0)), tuple(text(1, 1)), tuple(text(2, 0))}) == 3


@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_logits_that_are_no_numbers_are_no_text(temperature: float) -> None:
    with pytest.raises(RuntimeError, match="no numbers"):
        draw(torch.full((1, 5), math.nan), [Place(temperature, 1, 0, 0)])


def test_the_smallest_temperature_takes_the_likeliest_token_or_says_that_it_cannot() -> None:
    assert draw(LOGITS[None], [Place(1e-3, 1, 0, 0)]) == [0]
    with pytest.raises(RuntimeError, match="temperature"):
        draw(LOGITS[None], [Place(1e-320, 1, 0, 0)])
