"""llama.vim's memory of answers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from rung.lsp.bench.keystrokes.peer_context import Context, key_of

_MOST = 250
_BACK = 128  # characters


class AnswerCache:
    """The 250 answers used last, by the text around the cursor."""

    def __init__(self) -> None:
        self._answers: OrderedDict[str, str] = OrderedDict()

    def __contains__(self, key: str) -> bool:
        return key in self._answers

    def insert(self, keys: Sequence[str], answer: str) -> None:
        for key in keys:
            if key not in self._answers and len(self._answers) >= _MOST:
                self._answers.popitem(last=False)
            self._answers[key] = answer
            self._answers.move_to_end(key)

    def find(self, context: Context) -> str | None:
        """The answer for this place, else the longest rest of those up to 128 characters before that were typed on."""
        found = self._get(context.key)
        return self._typed_through(context) if found is None else found

    def _typed_through(self, context: Context) -> str | None:
        before = context.prefix + context.middle
        rests = []
        for back in range(1, min(_BACK, len(before)) + 1):
            answer = self._get(key_of(before[:-back], context.suffix))
            if answer is not None and answer.startswith(before[-back:]):
                rests.append(answer[back:])
        return max(rests, key=len, default="") or None

    def _get(self, key: str) -> str | None:
        if key not in self._answers:
            return None
        self._answers.move_to_end(key)
        return self._answers[key]
