"""How good an attempt is, in [0, 1]."""

from __future__ import annotations

from collections.abc import Sequence

from rung.cascade.attempt import SelfTest
from rung.models.protocol import Token, mean_probability

CONFIDENCE_TOKENS = 3


def confidence(tokens: Sequence[Token]) -> float:
    """Mean probability of the first 3 generated tokens, or of those there are (MCCom, routing); 0 without any."""
    return mean_probability(tokens[:CONFIDENCE_TOKENS])


def self_tests(passed: Sequence[Sequence[bool]], k: int) -> list[SelfTest]:
    """The evidence for each solution (Chen et al. 2024, section 3.1).

    passed: solutions × test lines; the lines are valid and distinct, N_t of them.
    n_s: the lines that a solution passes. n_t: over these, the most solutions that pass one of them.
    """
    lines = len(passed[0]) if passed else 0
    solves = [sum(row[line] for row in passed) for line in range(lines)]
    return [
        SelfTest(
            k=k,
            test_lines=lines,
            passed_lines=sum(row),
            agreement=max((solves[line] for line in range(lines) if row[line]), default=0),
        )
        for row in passed
    ]


def self_test_score(evidence: SelfTest) -> float:
    """n_s * n_t / (k * N_t); 0 without a valid test line (Chen et al. 2024, section 3.1)."""
    if evidence.test_lines == 0:
        return 0.0
    return evidence.passed_lines * evidence.agreement / (evidence.k * evidence.test_lines)
