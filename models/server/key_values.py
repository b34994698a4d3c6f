"""The keys and values of one sequence, in every layer."""

from __future__ import annotations

from torch import Tensor

_STEP = 64
_SPARE = 1.25


class KeyValues:
    """Grows as tokens come. `tokens`: whose keys and values are here, position by position, in every layer.

    What lies beyond len(tokens) is rubbish that the next write covers: a rejected draft is forgotten by
    shortening `tokens`. exact: of how many tokens every layer was computed; None: of all.
    """

    def __init__(self, layers: int) -> None:
        self.tokens: list[int] = []
        self.exact: int | None = None
        self._keys: list[Tensor | None] = [None] * layers
        self._values: list[Tensor | None] = [None] * layers

    @property
    def room(self) -> int:
        """Tokens that fit without another allocation, in the layer that has most."""
        return max((kept.shape[1] for kept in self._keys if kept is not None), default=0)

    def write(self, layer: int, start: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Put both, [heads, n, size], at positions from `start` on; all of the layer's up to there, as views."""
        end = start + keys.shape[1]
        kept_keys = self._keys[layer] = _room(self._keys[layer], start, end, keys)
        kept_values = self._values[layer] = _room(self._values[layer], start, end, values)
        kept_keys[:, start:end] = keys
        kept_values[:, start:end] = values
        return kept_keys[:, :end], kept_values[:, :end]

    def copy(self, length: int) -> KeyValues:
        """Of the first `length` tokens."""
        other = KeyValues(len(self._keys))
        other.tokens = self.tokens[:length]
        other._keys = [_cut(kept, length) for kept in self._keys]
        other._values = [_cut(kept, length) for kept in self._values]
        return other


def _room(kept: Tensor | None, used: int, end: int, like: Tensor) -> Tensor:
    if kept is not None and kept.shape[1] >= end:
        return kept
    capacity = -(-int(end * _SPARE) // _STEP) * _STEP
    grown = like.new_empty((like.shape[0], capacity, like.shape[2]))
    if kept is not None:
        grown[:, :used] = kept[:, :used]
    return grown


def _cut(kept: Tensor | None, length: int) -> Tensor | None:
    return None if kept is None else kept[:, :length].clone()
