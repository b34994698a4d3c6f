"""One request in the engine: its prompt first, then its samples."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Sequence

from rung.models.server.asked import Asked, Counted, Event
from rung.models.server.draft import Draft
from rung.models.server.key_values import KeyValues
from rung.models.server.rows import Segment
from rung.models.server.sample import Sample
from rung.models.server.vocabulary import Vocabulary

Emit = Callable[[Event | Exception], None]


class Job:
    """emit: takes its events, and at most one exception, in any thread. cancelled: nobody waits for it any more.

    room: tokens that a sample may have in this context. running: samples that have begun and not ended.
    """

    def __init__(self, asked: Asked, prompt: Sequence[int], draft: Sequence[int], room: int, emit: Emit) -> None:
        self.asked = asked
        self.prompt = list(prompt)
        self.emit = emit
        self.cancelled = False
        self.running: list[Sample] = []
        self._draft = draft
        self._most = min(asked.max_tokens, room)
        self._seed = secrets.randbits(63) if asked.seed is None else asked.seed
        self._kept: KeyValues | None = None
        self._cached = 0
        self._to_start = deque(range(asked.n))
        self._generated = 0
        self._accepted = 0

    @property
    def starting(self) -> bool:
        """Samples of it have not begun."""
        return bool(self._to_start)

    @property
    def over(self) -> bool:
        return not self._to_start and not self.running

    def begin(self, kept: KeyValues) -> None:
        """kept: the beginning of the prompt that need not be computed."""
        self._kept = kept
        self._cached = len(kept.tokens)

    def ahead(self, most: int) -> Segment | None:
        """The next part of the prompt, of at most so many tokens; None: samples can start.

        A single sample computes the last part itself, with its draft; several share all but the last token.
        """
        assert self._kept is not None
        known = len(self._kept.tokens)
        left = len(self.prompt) - known
        if left <= (most if self.asked.n == 1 else 1):
            return None
        count = min(most, left if self.asked.n == 1 else left - 1)
        return Segment(self._kept, self.prompt[known : known + count], 0)

    def start(self, vocabulary: Vocabulary) -> Sample:
        """The next sample. The last one goes on in the prompt's own cache; the others get a copy.

        Raises RuntimeError where there is no memory for that; then it has not started.
        """
        assert self._kept is not None
        kept = self._kept.copy(len(self.prompt) - 1) if len(self._to_start) > 1 else self._kept
        sample = Sample(
            self._to_start.popleft(),
            self.asked,
            self._seed,
            kept,
            self.prompt,
            self._most,
            Draft(self._draft, self._most),
            vocabulary,
        )
        self.running.append(sample)
        return sample

    def tell_ended(self) -> None:
        """Of the samples that are over."""
        for sample in [sample for sample in self.running if sample.reason]:
            self.running.remove(sample)
            self._generated += sample.generated
            self._accepted += sample.draft.accepted
            piece, ended = sample.end()
            if piece.text:
                self.emit(piece)
            self.emit(ended)

    def counted(self) -> Counted:
        """Of all samples, as far as they have come; nothing of a draft is rejected before they are over."""
        known = len(self._kept.tokens) if self._kept else 0
        accepted = self._accepted + sum(sample.draft.accepted for sample in self.running)
        return Counted(
            prompt=len(self.prompt) if self.over else min(len(self.prompt), known),
            cached=self._cached,
            generated=self._generated + sum(sample.generated for sample in self.running),
            accepted=accepted,
            rejected=self.asked.n * len(self._draft) - accepted if self.over else 0,
        )

    def leftover(self) -> KeyValues | None:
        """What the next prompt may begin with: as much as was computed, of which every layer was."""
        if self._kept is not None and self._kept.exact is not None:
            del self._kept.tokens[self._kept.exact :]
            self._kept.exact = None
        return self._kept
