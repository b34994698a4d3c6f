"""One sample of a request, from its first token to its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rung.models.common_prefix import common_prefix
from rung.models.server.asked import Asked, Ended, Piece, Reason, Scored
from rung.models.server.draft import Draft
from rung.models.server.exiting import Shallow
from rung.models.server.key_values import KeyValues
from rung.models.server.rows import Segment
from rung.models.server.sampling import Place
from rung.models.server.text import Spelling, Stops
from rung.models.server.vocabulary import Vocabulary

_BEFORE = 4  # tokens of the prompt that a tokenizer may look at to spell the next one


@dataclass(frozen=True, slots=True)
class Score:
    """Of a drawn token: its log-probability, and the likeliest tokens with theirs."""

    logprob: float
    top: tuple[tuple[int, float], ...]


class Sample:
    """Proposes what to compute next, and takes what came of it.

    kept: what was computed of the prompt. most: tokens that it may have. reason: why it is over.
    """

    def __init__(
        self,
        index: int,
        asked: Asked,
        seed: int,
        kept: KeyValues,
        prompt: Sequence[int],
        most: int,
        draft: Draft,
        vocabulary: Vocabulary,
    ) -> None:
        self.index = index
        self.asked = asked
        self.kept = kept
        self.reason: Reason | None = None
        self.generated = 0
        self.draft = draft
        self._seed = seed
        self._pending = list(prompt[len(kept.tokens) :])
        self._proposed: list[int] = []
        self._most = most
        self._vocabulary = vocabulary
        self._spelling = Spelling(vocabulary.text, prompt[-_BEFORE:])
        self._stops = Stops(asked.stop)

    def segment(self) -> Segment:
        """What the next pass computes: the last token, and what the draft says comes behind it."""
        self._proposed = self.draft.proposal(self._most - self.generated - 1)
        # the first token is computed by all layers, whether or not the prompt lay in the cache
        may_exit = self.generated > 0 and self.asked.temperature == 0 and not self.asked.draft
        return Segment(self.kept, [*self._pending, *self._proposed], 1 + len(self._proposed), may_exit)

    def places(self) -> list[Place]:
        """Of the tokens that are drawn from that pass."""
        first = self.generated
        return [
            Place(self.asked.temperature, self._seed, self.index, first + step)
            for step in range(1 + len(self._proposed))
        ]

    def take(self, drawn: list[int], scores: Sequence[Score]) -> Piece:
        """drawn: the model's tokens at those places; they count as far as what was proposed before them was right.

        scores: of each, or none.
        """
        right = common_prefix(drawn, self._proposed)
        usable = drawn[: right + 1]
        texts, shown = self._consume(usable)
        del self.kept.tokens[len(self.kept.tokens) - len(self._proposed) + right :]
        self._pending = [drawn[right]]
        self.draft.take(usable[: len(texts)])
        wanted = scores[: len(texts)] if self.asked.top is not None else ()
        return Piece(self.index, shown, tuple(map(self._scored, usable, texts, wanted)))

    def leave(self, shallow: Shallow) -> Piece:
        """The pass ended early for this one: with its next token, or because that is going to be wrong."""
        if self.kept.exact is None:
            self.kept.exact = len(self.kept.tokens) - 1
        if shallow.stop:
            self.reason = "doubt"
            return Piece(self.index, "")
        # only the head of the exit was asked: it knows no likelier tokens
        return self.take([shallow.token], [Score(shallow.logprob, ((shallow.token, shallow.logprob),))])

    def end(self) -> tuple[Piece, Ended]:
        """What was held back, and why it is over."""
        assert self.reason is not None
        text = "" if self._stops.met else self._stops.feed(self._spelling.rest()) + self._stops.end()
        return Piece(self.index, text), Ended(self.index, self.reason)

    def _consume(self, tokens: Sequence[int]) -> tuple[list[str], str]:
        """The texts of those that are part of the sample, and what of them can be shown."""
        texts: list[str] = []
        shown = ""
        for token in tokens:
            self.generated += 1
            if token in self._vocabulary.ends:
                self.reason = "stop"
                break
            texts.append(self._spelling.add(token))
            shown += self._stops.feed(texts[-1])
            if self._stops.met:
                self.reason = "stop"
                break
            if self.generated >= self._most:
                self.reason = "length"
                break
        return texts, shown

    def _scored(self, token: int, text: str, score: Score) -> Scored:
        """text: of the token where it stands; what it spells by itself may be another."""
        top = score.top[: self.asked.top]
        names = (text if each == token else self._vocabulary.text([each]) for each, _ in top)
        return Scored(text, score.logprob, tuple(zip(names, (logprob for _, logprob in top), strict=True)))
