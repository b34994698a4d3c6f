"""Choosing the next token of one sequence, and cutting its text at stop strings."""

from __future__ import annotations

import codecs

import numpy as np
from numpy.typing import NDArray

from rung.models.llama.vocabulary import Vocabulary
from rung.models.protocol import FinishReason, Sampling, Token


class Sample:
    """One of the n samples of a prompt, while it grows."""

    def __init__(self, vocabulary: Vocabulary, sampling: Sampling, healed: bytes, seed: list[int]) -> None:
        self._vocabulary = vocabulary
        self._sampling = sampling
        self._healed = healed
        self._random = np.random.default_rng(seed)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._longest_stop = max((len(stop) for stop in sampling.stop), default=0)
        self.ids: list[int] = []
        self.tokens: list[Token] = []
        self.text = ""
        self.finish: FinishReason | None = None

    def take(self, logits: NDArray[np.float32]) -> Token | None:
        """Choose from `logits` (vocabulary size) and append; the token, or None where it only healed or ended."""
        token, logprob = self._choose(logits)
        self.ids.append(token)
        if token in self._vocabulary.ends:
            self.tokens.append(Token("", logprob))
            self._end(FinishReason.STOP)
            return None
        piece = self._vocabulary.pieces[token]
        healing = len(self._healed)
        self._healed, piece = self._healed[len(piece) :], piece[healing:]
        added = self._append(piece, logprob) if len(piece) or not healing else None
        if self.finish is None and len(self.ids) >= self._sampling.max_tokens:
            self._end(FinishReason.LENGTH)
        return added

    def _choose(self, logits: NDArray[np.float32]) -> tuple[int, float]:
        allowed = self._vocabulary.compatible(self._healed) if self._healed else None
        if allowed is not None and len(allowed):
            at, logprob = self._draw(logits[allowed])
            return int(allowed[at]), logprob
        return self._draw(logits)

    def _draw(self, logits: NDArray[np.float32]) -> tuple[int, float]:
        """logprob: at temperature 1, whatever the temperature of the draw, as OpenAI gives it."""
        top = int(logits.argmax())
        shifted = logits - logits[top]
        chosen = top
        if self._sampling.temperature > 0:
            mass = np.cumsum(np.exp(shifted / self._sampling.temperature, dtype=np.float64))
            chosen = min(int(np.searchsorted(mass, self._random.random() * mass[-1], "right")), len(mass) - 1)
        return chosen, min(0.0, float(shifted[chosen]) - float(np.log(np.exp(shifted).sum())))

    def _append(self, piece: bytes, logprob: float) -> Token:
        text = self._decoder.decode(piece)
        token = Token(text, logprob)
        self.tokens.append(token)
        start = max(0, len(self.text) - self._longest_stop)
        self.text += text
        cut = min((at for at in (self.text.find(stop, start) for stop in self._sampling.stop) if at >= 0), default=-1)
        if cut >= 0:
            self.text = self.text[:cut]
            self.finish = FinishReason.STOP
        return token

    def _end(self, finish: FinishReason) -> None:
        self.text += self._decoder.decode(b"", final=True)
        self.finish = finish
