"""Which k of the recorded solutions and test texts a cascade would have had."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray


def subsets(recorded: int, k: int, most: int, random: np.random.Generator) -> NDArray[np.intp]:
    """Rows of k different indexes below `recorded`, each row as likely as any other.

    One row where k is all there are; all of them where there are no more than `most`; else `most` drawn ones.
    Raises ValueError where fewer than k were recorded.
    """
    if k > recorded:
        raise ValueError(f"{recorded} were recorded, {k} are wanted")
    if comb(recorded, k) <= most:
        return _all(recorded, k)
    keys = random.random((most, recorded))
    return np.sort(np.argpartition(keys, k - 1, axis=1)[:, :k], axis=1)


def _all(recorded: int, k: int) -> NDArray[np.intp]:
    return np.array(list(combinations(range(recorded), k)), dtype=np.intp).reshape(-1, k)
