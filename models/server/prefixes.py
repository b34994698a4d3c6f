"""Keys and values of texts that are over, for the next one that begins like one of them."""

from __future__ import annotations

from collections import OrderedDict

from rung.models.common_prefix import common_prefix
from rung.models.server.key_values import KeyValues

_LEAST = 16  # tokens in common: what begins a checkpoint's every text is no reason to copy
_WHOLE = 0.5  # a text of which so much is wanted again is the same document, changed: it is taken, not copied
_LOOSE = 2


class Prefixes:
    """The texts that ended last, `room` tokens in all."""

    def __init__(self, layers: int, room: int) -> None:
        self._layers = layers
        self._room = room
        self._kept: OrderedDict[int, KeyValues] = OrderedDict()

    @property
    def tokens(self) -> int:
        """How many are kept."""
        return sum(len(kept.tokens) for kept in self._kept.values())

    def begin(self, prompt: list[int]) -> KeyValues:
        """With the longest beginning of `prompt` that is known; its last token is never in it, for it is computed."""
        reusable = len(prompt) - 1
        lengths = {key: min(common_prefix(prompt, kept.tokens), reusable) for key, kept in reversed(self._kept.items())}
        best = max(lengths, key=lambda key: lengths[key], default=None)
        if best is None or lengths[best] < min(_LEAST, max(reusable, 1)):
            return KeyValues(self._layers)
        length, kept = lengths[best], self._kept[best]
        if length < _WHOLE * len(kept.tokens):
            self._kept.move_to_end(best)
            try:
                return kept.copy(length)
            except RuntimeError:  # no memory for it: the prompt is computed again, with room
                self.clear()
                return KeyValues(self._layers)
        del self._kept[best]
        del kept.tokens[length:]
        return kept

    def keep(self, ended: KeyValues) -> None:
        """The text that was used longest ago goes first."""
        if 0 < len(ended.tokens) <= self._room:
            if ended.room > _LOOSE * len(ended.tokens):  # it was longer once
                try:
                    ended = ended.copy(len(ended.tokens))
                except RuntimeError:  # no memory for it: this one is forgotten
                    return
            self._kept[id(ended)] = ended
        while self.tokens > self._room:
            self._kept.popitem(last=False)

    def clear(self) -> None:
        """Forget all of them."""
        self._kept.clear()
