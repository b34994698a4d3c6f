"""Thresholds lose no more than is allowed, and answer what can be answered for nothing."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rung.models.server.exits.thresholds import answered, thresholds


@st.composite
def answers(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Confidence, whether the answer loses, and what it saves: less at each later question."""
    questions, tokens = draw(st.integers(1, 3)), draw(st.integers(1, 60))
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    confidence = random.choice([-math.inf, 0.1, 0.5, 0.9], (questions, tokens)) + random.choice([0, 0.01], tokens)
    loses = random.random((questions, tokens)) < draw(st.sampled_from([0, 0.1, 0.5, 1]))
    gains = np.broadcast_to(np.arange(questions, 0, -1.0)[:, None], confidence.shape)
    return confidence, loses, gains


@given(answers(), st.integers(0, 20))
def test_no_more_is_lost_than_allowed(made: tuple[np.ndarray, np.ndarray, np.ndarray], allowed: int) -> None:
    confidence, loses, gains = made
    question = answered(confidence, thresholds(confidence, loses, gains, allowed))
    gone = np.flatnonzero(question < len(confidence))
    assert loses[question[gone], gone].sum() <= allowed


@given(answers())
def test_where_nothing_can_be_lost_every_question_answers_all_that_it_can(
    made: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    confidence, loses, gains = made
    question = answered(confidence, thresholds(confidence, np.zeros_like(loses), gains, 0))
    able = np.isfinite(confidence)
    first = np.where(able.any(axis=0), able.argmax(axis=0), len(confidence))
    assert (question == first).all()


def test_a_confident_mistake_closes_a_question_and_leaves_the_later_one_open() -> None:
    confidence = np.array([[0.9, 0.8, 0.7], [0.9, 0.8, 0.7]])
    loses = np.array([[True, False, False], [False, False, False]])
    first, second = thresholds(confidence, loses, np.array([[2.0] * 3, [1.0] * 3]), 0)
    assert first == math.inf
    assert second <= 0.7


def test_a_token_belongs_to_the_first_question_whose_threshold_it_reaches() -> None:
    confidence = np.array([[0.2, 0.6, 0.1], [0.9, 0.9, 0.1]])
    assert answered(confidence, [0.5, 0.8]).tolist() == [1, 0, 2]
