"""Drawing a token."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from rung.models.llama.engine.draw import Draw

SIZE = 700  # more than two blocks, and no whole number of them
LOGITS = st.lists(st.floats(-80, 80, width=32), min_size=1, max_size=SIZE).map(lambda values: np.array(values, "f4"))
UNIFORM = st.floats(0, 1, exclude_max=True)
TEMPERATURE = st.floats(0.05, 4)


def probabilities(logits: NDArray[np.float32], temperature: float = 1.0) -> NDArray[np.float64]:
    scaled = logits.astype(np.float64) / temperature
    weights = np.exp(scaled - scaled.max())
    return np.asarray(weights / weights.sum())


@given(LOGITS, TEMPERATURE, UNIFORM)
@example(np.zeros(SIZE, "f4"), 1.0, 1 - 2**-53)
@example(np.zeros(SIZE, "f4"), 1.0, 0.0)
def test_the_token_is_where_the_running_probability_passes_the_number(
    logits: NDArray[np.float32], temperature: float, uniform: float
) -> None:
    token, _ = Draw(SIZE)(logits, temperature, uniform)
    expected = probabilities(logits, temperature)
    running = np.cumsum(expected)
    before = running[token] - expected[token]
    assert expected[token] > 0
    assert before - 1e-4 <= uniform <= running[token] + 1e-4


@given(LOGITS, st.sampled_from([0.0, 0.8]), UNIFORM)
def test_the_log_probability_is_that_at_temperature_1(
    logits: NDArray[np.float32], temperature: float, uniform: float
) -> None:
    token, logprob = Draw(SIZE)(logits, temperature, uniform)
    assert logprob <= 0
    assert logprob == pytest.approx(math.log(probabilities(logits)[token]), abs=1e-3)


@given(LOGITS, UNIFORM)
def test_at_temperature_0_it_is_the_largest(logits: NDArray[np.float32], uniform: float) -> None:
    token, _ = Draw(SIZE)(logits, 0.0, uniform)
    assert logits[token] == logits.max()


@given(st.lists(LOGITS, min_size=2, max_size=4), UNIFORM)
def test_what_was_drawn_before_changes_nothing(several: list[NDArray[np.float32]], uniform: float) -> None:
    draw = Draw(SIZE)
    assert [draw(logits, 0.8, uniform) for logits in several] == [Draw(SIZE)(each, 0.8, uniform) for each in several]
