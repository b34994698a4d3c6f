"""One request in the engine: its prompt first, then its samples."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Sequence

from rung.models.server.asked import Asked, Counted, Event
from rung.models.server.key_values import KeyValues
from rung.models.server.rows import Segment
from rung.models.server.sample import Sample
from rung.models.server.vocabulary import Vocabulary

Emit = Callable[[Event | Exception], None]


class Job:
    """emit: takes its events, and at most one exception, in any thread. cancelled: nobody waits for it any more.

    room: tokens that a sample may have in this context. kept: what is known of the prompt, once it has begun.
    """

    def __init__(self, asked: Asked, prompt: Sequence[int], draft: Sequence[int], room: int, emit: Emit) -> None:
        self.asked = asked
        self.emit = emit
        self.cancelled = False
        self.samples: list[Sample] = []
        self._prompt = list(prompt)
        self._draft = draft
        self._most = min(asked.max_tokens, room)
        self._seed = secrets.randbits(63) if asked.seed is None else asked.seed
        self._kept: KeyValues | None = None
        self._cached = 0
        self._to_start = deque(range(asked.n))

    @property
    def prompt(self) -> Sequence[int]:
        return self._prompt

    @property
    def begun(self) -> bool:
        return self._kept is not None

    @property
    def over(self) -> bool:
        return not self._to_start and all(sample.reason for sample in self.samples)

    def begin(self, kept: KeyValues) -> None:
        """kept: the beginning of the prompt that need not be computed."""
        self._kept = kept
        self._cached = len(kept.tokens)

    def ahead(self, chunk: int) -> Segment | None:
        """The next part of the prompt, of at most `chunk` tokens; None: samples can start.

        A single sample computes the last part itself, with its draft; several share all but the last token.
        """
        assert self._kept is not None
        known = len(self._kept.tokens)
        left = len(self._prompt) - known
        if left <= (chunk if self.asked.n == 1 else 1):
            return None
        count = min(chunk, left if self.asked.n == 1 else left - 1)
        return Segment(self._kept, self._prompt[known : known + count], 0)

    def start(self, most: int, vocabulary: Vocabulary) -> list[Sample]:
        """At most so many samples that have not run."""
        assert self._kept is not None
        started: list[Sample] = []
        while self._to_start and len(started) < most:
            index = self._to_start.popleft()
            kept = self._kept if self.asked.n == 1 else self._kept.copy(len(self._prompt) - 1)
            pending = self._prompt[len(kept.tokens) :]
            draft = self._draft
            started.append(Sample(index, self.asked, self._seed, kept, pending, self._most, draft, vocabulary))
        self.samples += started
        return started

    def tell_ended(self) -> None:
        """Of the samples that are over and were not told of."""
        for sample in self.samples:
            if sample.reason and not sample.told:
                sample.told = True
                piece, ended = sample.end()
                if piece.text:
                    self.emit(piece)
                self.emit(ended)

    def counted(self) -> Counted:
        """Of all samples, when they are over."""
        return Counted(
            prompt=len(self._prompt),
            cached=self._cached,
            generated=sum(sample.generated for sample in self.samples),
            accepted=sum(sample.draft.accepted for sample in self.samples),
            rejected=sum(sample.draft.rejected for sample in self.samples),
        )

    def leftover(self) -> KeyValues | None:
        """What the next prompt may begin with: the text of the first sample, as far as every layer was computed."""
        if self._kept is None or not self.samples:
            return self._kept
        first = self.samples[0]
        if first.exact is not None:
            del first.kept.tokens[first.exact :]
        return first.kept
