"""Choosing the next token of one sequence, and cutting its text at stop strings."""

from __future__ import annotations

import codecs

import numpy as np
from numpy.typing import NDArray

from rung.models.llama.engine.draw import Draw
from rung.models.llama.engine.vocabulary import Vocabulary
from rung.models.nth import nth
from rung.models.protocol import FinishReason, Sampling, Token, mean_probability
from rung.models.statement import StatementScanner


class Sample:
    """One of the n samples of a prompt, while it grows. ids: its tokens so far."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        draw: Draw,
        sampling: Sampling,
        healed: bytes,
        seed: list[int],
        statement: StatementScanner | None = None,
    ) -> None:
        self._vocabulary = vocabulary
        self._draw = draw
        self._sampling = sampling
        self._healed = healed
        self._random = np.random.default_rng(seed)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._statement = statement
        if statement is not None and sampling.next_line > 0:
            statement.goes_on = lambda _: mean_probability(self.tokens) >= sampling.next_line
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
                at, logprob = self._drawn(logits[allowed])
                return int(allowed[at]), logprob
        return self._drawn(logits)

    def _drawn(self, logits: NDArray[np.float32]) -> tuple[int, float]:
        temperature = self._sampling.temperature
        return self._draw(logits, temperature, self._random.random() if temperature > 0 else 0.0)

    def _append(self, piece: bytes, logprob: float) -> Token:
        text = self._decoder.decode(piece)
        token = Token(text, logprob)
        self.tokens.append(token)
        start = max(0, len(self.text) - self._longest_stop)
        self.text += text
        ends = (nth(self.text, self._sampling.stop_nth), *(self.text.find(stop, start) for stop in self._sampling.stop))
        cut = min((at for at in ends if at >= 0), default=-1)
        end = self._statement.feed(text) if self._statement is not None else None
        if end is not None and (cut < 0 or end < cut):
            cut = end
        if cut >= 0:
            self.text = self.text[:cut]
            self.finish = FinishReason.STOP
        elif self._sampling.doubt is not None:
            count, least = self._sampling.doubt
            if len(self.tokens) == count and mean_probability(self.tokens) < least:
                self.finish = FinishReason.DOUBT
        return token

    def _end(self, finish: FinishReason) -> None:
        self.text += self._decoder.decode(b"", final=True)
        self.finish = finish
