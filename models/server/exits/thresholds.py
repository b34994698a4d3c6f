"""Chooses from when on a confidence is enough, for the largest loss that is allowed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_STEPS = 100

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def thresholds(confidence: Floats, loses: Bools, gains: Floats, allowed: float) -> list[float]:
    """One for each question that is put to a token, in order, until a confidence reaches the question's threshold.

    confidence, loses, gains: [questions, tokens]: of the answer; whether taking it loses something; what taking it
    saves. allowed: how many losses there may be. Infinity: the question is never answered.

    Greedy: again and again that question is answered a little more often which gains most for each loss more.
    """
    questions = len(confidence)
    levels = [_levels(row) for row in confidence]
    at = [0] * questions
    best = _outcome(confidence, loses, gains, [row[0] for row in levels])
    open_questions = set(range(questions))
    while open_questions:
        tried = {}
        for question in list(open_questions):
            if at[question] + 1 == len(levels[question]):
                open_questions.remove(question)
                continue
            now = [
                row[place + (number == question)] for number, (row, place) in enumerate(zip(levels, at, strict=True))
            ]
            outcome = _outcome(confidence, loses, gains, now)
            if outcome[0] > allowed:
                open_questions.remove(question)
            else:
                tried[question] = outcome
        if not tried:
            break
        chosen = max(tried, key=lambda question: _worth(tried[question], best))
        at[chosen] += 1
        best = tried[chosen]
    return [row[place] for row, place in zip(levels, at, strict=True)]


def answered(confidence: Floats, levels: Sequence[float]) -> NDArray[np.int64]:
    """[tokens]: by which question each is answered; the number of questions where by none."""
    reached = confidence >= np.array(levels)[:, None]
    found: NDArray[np.int64] = np.where(reached.any(axis=0), reached.argmax(axis=0), len(confidence))
    return found


def _outcome(confidence: Floats, loses: Bools, gains: Floats, levels: Sequence[float]) -> tuple[int, float]:
    """Losses and gain."""
    question = answered(confidence, levels)
    tokens = np.flatnonzero(question < len(confidence))
    return int(loses[question[tokens], tokens].sum()), float(gains[question[tokens], tokens].sum())


def _worth(outcome: tuple[int, float], before: tuple[int, float]) -> float:
    return (outcome[1] - before[1]) / (outcome[0] - before[0] + 0.5)


def _levels(confidence: Floats) -> list[float]:
    """From never to always, so that about as many tokens lie between each and the next."""
    finite = confidence[np.isfinite(confidence)]
    if not len(finite):
        return [math.inf]
    found = np.unique(np.quantile(finite, np.linspace(0, 1, _STEPS + 1)))[::-1]
    return [math.inf, *map(float, found)]
