"""Drawing the next token from its logits."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_BLOCK = 256


class Draw:
    """size: of the vocabulary. Its arrays are used again and again: to get memory for them anew takes longer than the
    arithmetic."""

    def __init__(self, size: int) -> None:
        self._shifted = np.empty(size, np.float32)
        self._blocks = np.zeros((-(-size // _BLOCK), _BLOCK), np.float32)
        self._weights = self._blocks.reshape(-1)

    def __call__(self, logits: NDArray[np.float32], temperature: float, uniform: float) -> tuple[int, float]:
        """An index into `logits` (at most `size`), and its log-probability.

        temperature: 0 takes the largest. uniform: in [0, 1), decides between the others. The log-probability is that at
        temperature 1, whatever the temperature of the draw, as OpenAI gives it.
        """
        shifted = self._shifted[: len(logits)]
        chosen = int(logits.argmax())
        np.subtract(logits, logits[chosen], out=shifted)
        if temperature > 0:
            chosen = self._pick(shifted, temperature, uniform, chosen)
        own = float(shifted[chosen])
        return chosen, min(0.0, own - math.log(float(np.exp(shifted, out=shifted).sum())))

    def _pick(self, shifted: NDArray[np.float32], temperature: float, uniform: float, largest: int) -> int:
        weights = self._weights[: len(shifted)]
        np.multiply(shifted, np.float32(1 / temperature), out=weights)
        np.exp(weights, out=weights)
        self._weights[len(shifted) :] = 0
        # In blocks: the running sum of a whole vocabulary is slow.
        mass = self._blocks.sum(axis=1).cumsum(dtype=np.float64)
        target = uniform * mass[-1]
        block = min(int(mass.searchsorted(target, "right")), len(mass) - 1)
        before = mass[block - 1] if block else 0.0
        inside = self._blocks[block].cumsum(dtype=np.float64)
        index = block * _BLOCK + int(inside.searchsorted(target - before, "right"))
        # Both sums round; at a block's end they may lead to a token that has no weight.
        return index if index < len(shifted) and weights[index] > 0 else largest
