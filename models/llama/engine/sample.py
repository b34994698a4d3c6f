"""Choosing the next token of one sequence, and cutting its text at stop strings."""

from __future__ import annotations

import codecs

import numpy as np
from numpy.typing import NDArray

from rung.models.llama.engine.vocabulary import Vocabulary
from rung.models.protocol import FinishReason, Sampling, Token
from rung.models.statement import StatementScanner

_BLOCK = 256


class Sample:
    """One of the n samples of a prompt, while it grows. ids: its tokens so far."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        sampling: Sampling,
        healed: bytes,
        seed: list[int],
        statement: StatementScanner | None = None,
    ) -> None:
        self._vocabulary = vocabulary
        self._sampling = sampling
        self._healed = healed
        self._random = np.random.default_rng(seed)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._statement = statement
        self._longest_stop = max((len(stop) for stop in sampling.stop), default=0)
        self.ids: list[int] = []
        self.tokens: list[Token] = []
        self.text = ""
        self.finish: FinishReason | None = None

    @property
    def healing(self) -> bool:
        """Whether what was cut from the prompt's end is still being written again."""
        return bool(self._healed)

    @property
    def left(self) -> int:
        """Tokens that may still come."""
        return self._sampling.max_tokens - len(self.ids)

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
        if self._healed:
            allowed = self._vocabulary.compatible(self._healed)
            if len(allowed):
                at, logprob = self._draw(logits[allowed])
                return int(allowed[at]), logprob
        return self._draw(logits)

    def _draw(self, logits: NDArray[np.float32]) -> tuple[int, float]:
        """logprob: at temperature 1, whatever the temperature of the draw, as OpenAI gives it."""
        chosen = int(logits.argmax())
        shifted = logits - logits[chosen]
        if self._sampling.temperature > 0:
            chosen = _pick(np.exp(shifted / np.float32(self._sampling.temperature)), self._random.random())
        own = float(shifted[chosen])
        return chosen, min(0.0, own - float(np.log(np.exp(shifted, out=shifted).sum())))

    def _append(self, piece: bytes, logprob: float) -> Token:
        text = self._decoder.decode(piece)
        token = Token(text, logprob)
        self.tokens.append(token)
        start = max(0, len(self.text) - self._longest_stop)
        self.text += text
        cut = min((at for at in (self.text.find(stop, start) for stop in self._sampling.stop) if at >= 0), default=-1)
        end = self._statement.feed(text) if self._statement is not None else None
        if end is not None and (cut < 0 or end < cut):
            cut = end
        if cut >= 0:
            self.text = self.text[:cut]
            self.finish = FinishReason.STOP
        return token

    def _end(self, finish: FinishReason) -> None:
        self.text += self._decoder.decode(b"", final=True)
        self.finish = finish


def _pick(weights: NDArray[np.float32], uniform: float) -> int:
    """An index, by its weight. uniform: in [0, 1). Summed in blocks: 64 bits over a whole vocabulary are slow."""
    whole = len(weights) // _BLOCK * _BLOCK
    blocks = weights[:whole].reshape(-1, _BLOCK).sum(axis=1, dtype=np.float32)
    mass = np.cumsum(np.append(blocks, weights[whole:].sum(dtype=np.float32)), dtype=np.float64)
    target = uniform * mass[-1]
    block = min(int(np.searchsorted(mass, target, "right")), len(mass) - 1)
    before = mass[block - 1] if block else 0.0
    inside = np.cumsum(weights[block * _BLOCK : (block + 1) * _BLOCK], dtype=np.float64)
    if not len(inside):  # the rest behind the last block is empty, and rounding led there
        return int(weights.argmax())
    return block * _BLOCK + min(int(np.searchsorted(inside, target - before, "right")), len(inside) - 1)
