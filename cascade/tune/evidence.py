"""What is known of one problem from one rung's recording, after every solution was run against every test line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Samples:
    """S solutions and T test texts of one rung for one problem, made in one way: sampled, or greedy (S = T = 1).

    passed: S × D, whether a solution passes each of the D distinct lines of these texts.
    correct: S, whether it passes the hidden tests. empty: S, whether nothing of it can be run: its score is 0.
    lines: for each l, T × D, whether a line is among the first l of a text.
    solution_cost: S, dollars. text_cost: for each l, T, dollars. prompt_cost: dollars of the two prompts, whatever the
    number of samples: of the solutions, and of the test texts.
    """

    passed: Bools
    correct: Bools
    empty: Bools
    lines: dict[int, Bools]
    solution_cost: Floats
    text_cost: dict[int, Floats]
    prompt_cost: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Evidence:
    """greedy: None where the recording has none; then a single solution is any of the sampled ones."""

    greedy: Samples | None
    sampled: Samples | None
