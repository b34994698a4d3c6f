"""Recordings made by chance, for the tests of `rung.cascade.tune`."""

from __future__ import annotations

import numpy as np

from rung.cascade.tune.evidence import Evidence, Samples


def made_samples(random: np.random.Generator, solutions: int, texts: int, lines: int) -> Samples:
    has_two = random.random((texts, lines)) < 0.3
    has_four = has_two | (random.random((texts, lines)) < 0.3)
    empty = random.random(solutions) < 0.2
    return Samples(
        passed=(random.random((solutions, lines)) < 0.6) & ~empty[:, None],
        correct=(random.random(solutions) < 0.4) & ~empty,
        empty=empty,
        lines={2: has_two, 4: has_four},
        solution_cost=random.random(solutions),
        text_cost={2: random.random(texts), 4: random.random(texts)},
    )


def made_evidence(random: np.random.Generator, recorded: int) -> Evidence:
    """With a greedy solution and text, and as many sampled ones as are recorded."""
    return Evidence(made_samples(random, 1, 1, 3), made_samples(random, recorded, recorded, 8))
