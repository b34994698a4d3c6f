"""Parts of the problems: those that choose, and those that judge (Chen et al. 2024, section 3.2)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CHOOSING = 0.3

Floats = NDArray[np.float64]


def splits(problems: int, count: int, seed: int) -> tuple[Floats, Floats]:
    """`count` random splits. Two arrays of count × P weights, each row adding up to 1: of 30%, and of the other 70%.

    Raises ValueError where there are too few problems for both.
    """
    chosen = round(problems * CHOOSING)
    if not 0 < chosen < problems:
        raise ValueError(f"{problems} problems are too few: 30% of them choose, the others judge")
    random = np.random.default_rng(seed)
    chooses = np.zeros((count, problems), dtype=bool)
    for row in chooses:
        row[random.permutation(problems)[:chosen]] = True
    return chooses / chosen, ~chooses / (problems - chosen)
