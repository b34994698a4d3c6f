"""The self-test's score of many draws from a recording at once (Chen et al. 2024, section 3.1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_CHUNK = 1 << 22  # cells of draws × solutions × lines at once: 4 MB


def scores(
    passed: NDArray[np.bool_], lines: NDArray[np.bool_], solutions: NDArray[np.intp], texts: NDArray[np.intp]
) -> NDArray[np.float64]:
    """For each of B draws the scores of its k solutions: n_s * n_t / (k * N_t), 0 without a valid line. B × k.

    passed: S × D, whether a solution passes a line. lines: T × D, whether a text has it.
    solutions, texts: B × k, indexes into S and T.
    """
    draws, k = solutions.shape
    step = max(1, _CHUNK // max(1, k * passed.shape[1]))
    parts = [
        _scores(passed[solutions[at : at + step]], np.any(lines[texts[at : at + step]], axis=1))
        for at in range(0, draws, step)
    ]
    return np.concatenate(parts) if parts else np.zeros((0, k))


def _scores(passed: NDArray[np.bool_], suite: NDArray[np.bool_]) -> NDArray[np.float64]:
    """passed: B × k × D. suite: B × D."""
    k = passed.shape[1]
    if passed.shape[2] == 0:
        return np.zeros(passed.shape[:2])
    passed = passed & suite[:, None, :]
    n_s = passed.sum(axis=2)
    solved_by = passed.sum(axis=1)
    n_t = np.where(passed, solved_by[:, None, :], 0).max(axis=2)
    n_lines = suite.sum(axis=1)[:, None]
    return np.where(n_lines > 0, n_s * n_t / np.maximum(k * n_lines, 1), 0.0)
