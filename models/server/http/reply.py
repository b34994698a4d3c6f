"""Answers in OpenAI's classic form: `text_completion`, whole or in chunks."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence

from rung.models.server.asked import Counted, Ended, Piece, Reason, Scored
from rung.models.server.http.asking import Asking
from rung.models.server.http.json_text import whole

_LEAST = -9999.0  # OpenAI's logarithm of what cannot come; JSON has no infinity


class Reply:
    """Of one request. model: its served name."""

    def __init__(self, model: str, asking: Asking) -> None:
        self._asking = asking
        self._head = {
            "id": f"cmpl-{uuid.uuid4().hex}",
            "object": "text_completion",
            "created": int(time.time()),
            "model": model,
        }
        # OpenAI counts the prompt's characters too
        self._offsets = [len(asking.asked.prompt)] * asking.asked.n

    def piece(self, piece: Piece) -> dict[str, object]:
        """A chunk."""
        return self._chunk([self._choice(piece.index, piece.text, piece.tokens, None)])

    def end(self, ended: Ended) -> dict[str, object]:
        """The chunk that ends a sample."""
        return self._chunk([self._choice(ended.index, "", (), ended.reason)])

    def usage(self, counted: Counted) -> dict[str, object]:
        """The last chunk, where it was asked for."""
        return {**self._head, "choices": [], "usage": _usage(counted)}

    def whole(self, pieces: Sequence[Piece], ends: Sequence[Ended], counted: Counted) -> dict[str, object]:
        """All samples at once."""
        choices = []
        for ended in sorted(ends, key=lambda each: each.index):
            mine = [piece for piece in pieces if piece.index == ended.index]
            tokens = [token for piece in mine for token in piece.tokens]
            choices.append(self._choice(ended.index, "".join(piece.text for piece in mine), tokens, ended.reason))
        return {**self._head, "choices": choices, "usage": _usage(counted)}

    def _chunk(self, choices: Sequence[dict[str, object]]) -> dict[str, object]:
        chunk: dict[str, object] = {**self._head, "choices": choices}
        return {**chunk, "usage": None} if self._asking.usage else chunk

    def _choice(self, index: int, text: str, tokens: Sequence[Scored], reason: Reason | None) -> dict[str, object]:
        return {
            "index": index,
            "text": whole(text),
            "logprobs": self._logprobs(index, tokens),
            "finish_reason": reason,
        }

    def _logprobs(self, index: int, tokens: Sequence[Scored]) -> dict[str, object] | None:
        top = self._asking.asked.top
        if top is None or not tokens:
            return None
        offsets = []
        for token in tokens:
            offsets.append(self._offsets[index])
            self._offsets[index] += len(token.text)
        return {
            "tokens": [whole(token.text) for token in tokens],
            "token_logprobs": [_finite(token.logprob) for token in tokens],
            "top_logprobs": [_top(token, top) for token in tokens] if top else None,
            "text_offset": offsets,
        }


def _top(token: Scored, count: int) -> dict[str, float]:
    """The `count` likeliest tokens, and the one that was drawn (OpenAI: up to logprobs + 1 elements)."""
    tokens = list(token.top[:count])
    if not tokens or token.logprob < tokens[-1][1]:  # a token alone may be spelled otherwise: its text says nothing
        tokens.append((token.text, token.logprob))
    likeliest: dict[str, float] = {}
    for text, logprob in tokens:
        likeliest.setdefault(whole(text), _finite(logprob))  # two halves of characters look the same
    return likeliest


def _finite(logprob: float) -> float:
    """Not above 0, which a softmax may round to, and a number."""
    return round(min(0.0, max(_LEAST, logprob)), 6)


def _usage(counted: Counted) -> dict[str, object]:
    return {
        "prompt_tokens": counted.prompt,
        "completion_tokens": counted.generated,
        "total_tokens": counted.prompt + counted.generated,
        "prompt_tokens_details": {"cached_tokens": counted.cached},
        "completion_tokens_details": {
            "accepted_prediction_tokens": counted.accepted,
            "rejected_prediction_tokens": counted.rejected,
        },
    }
