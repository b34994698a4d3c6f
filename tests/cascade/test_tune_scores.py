"""The score of many draws at once is that of section 3.1 of Chen et al. 2024, written out."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as of

from rung.cascade.tune.scores import scores


def written_out(passed: list[list[bool]], suite: set[int], solutions: list[int], k: int) -> list[float]:
    """n_s * n_t / (k * N_t) for each of the solutions."""
    found = []
    for solution in solutions:
        passes = [line for line in suite if passed[solution][line]]
        n_s = len(passes)
        n_t = max((sum(passed[other][line] for other in solutions) for line in passes), default=0)
        found.append(n_s * n_t / (k * len(suite)) if suite else 0.0)
    return found


@st.composite
def draws(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    recorded, texts, lines, k, count = (draw(st.integers(low, 6)) for low in (1, 1, 0, 1, 1))
    passed = draw(of.arrays(np.bool_, (recorded, lines)))
    has = draw(of.arrays(np.bool_, (texts, lines)))
    solutions = draw(of.arrays(np.intp, (count, k), elements=st.integers(0, recorded - 1)))
    chosen = draw(of.arrays(np.intp, (count, k), elements=st.integers(0, texts - 1)))
    return passed, has, solutions, chosen


@given(draws())
def test_it_is_the_papers(case: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]) -> None:
    passed, has, solutions, texts = case
    expected = [
        written_out(
            passed.tolist(),
            {line for text in chosen for line in range(passed.shape[1]) if has[text][line]},
            row.tolist(),
            solutions.shape[1],
        )
        for row, chosen in zip(solutions, texts, strict=True)
    ]
    assert scores(passed, has, solutions, texts).tolist() == expected
