"""One request while the engine works for it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rung.models.common_prefix import common_prefix
from rung.models.llama.engine.drafts import Drafter
from rung.models.llama.engine.engine import MAX_SAMPLES, Engine
from rung.models.llama.engine.sample import Sample
from rung.models.llama.engine.slots import Slot
from rung.models.protocol import FinishReason, Generation, OnSample, OnToken, Priority, Prompt, Sampling, Usage
from rung.models.statement import scanner_of


@dataclass(eq=False, slots=True)
class Request:
    """One call. The callbacks run in the loop's thread; `on_end` runs exactly once.

    sampling: n = 0 only evaluates the prompt, for a request that may follow.
    on_token: (index of the sample, token). on_sample: (its index, its text), at its end, where there are several.
    on_end: the generations, or Cancelled, ValueError or RuntimeError.
    """

    prompt: Prompt
    sampling: Sampling
    on_token: OnToken
    on_end: Callable[[list[Generation] | Exception], None]
    on_sample: OnSample = lambda _, __: None
    cancelled: bool = field(default=False, init=False)
    asked: float = field(default_factory=time.monotonic, init=False)


@dataclass(eq=False, slots=True)
class Strand:
    """A sample that is being decoded. position: of its last token, which is not in the cache yet."""

    index: int
    sample: Sample
    sequence: int
    position: int
    drafter: Drafter | None = None
    draft: list[int] = field(default_factory=list)


class Job:
    """A request's prompt and samples. Raises ValueError where the tokenizer refuses the prompt."""

    def __init__(self, engine: Engine, request: Request) -> None:
        sampling = request.sampling
        self.request = request
        self._engine = engine
        room = engine.context - min(sampling.max_tokens, engine.context // 2)
        self._encoded = engine.vocabulary.encode(request.prompt, room)
        self.prompt = self._encoded.tokens
        self.strands: list[Strand] = []
        self.served = request.asked
        seed = secrets.randbits(63) if sampling.seed is None else sampling.seed
        self._samples = [
            Sample(
                engine.vocabulary,
                engine.draw,
                sampling,
                self._encoded.healed,
                [seed, index],
                scanner_of(request.prompt, sampling),
            )
            for index in range(sampling.n)
        ]
        self._begun = 0
        self._ended = [0.0] * sampling.n
        self._slot: Slot | None = None
        self._cached = 0
        self._first: NDArray[np.float32] | None = None
        self._accepted = self._rejected = 0

    @property
    def slot(self) -> Slot:
        """Claimed with the first turn, so that what another request left meanwhile is used."""
        if self._slot is None:
            self._slot = self._engine.slots.claim(self.prompt)
            self._cached = len(self._slot.tokens)
        return self._slot

    @property
    def priority(self) -> Priority:
        return self.request.sampling.priority

    @property
    def asked(self) -> float:
        return self.request.asked

    @property
    def prompt_left(self) -> int:
        """Tokens of it that are not evaluated, as far as that is known."""
        return len(self.prompt) - (len(self._slot.tokens) if self._slot else 0)

    @property
    def evaluated(self) -> bool:
        return self._slot is not None and len(self._slot.tokens) >= len(self.prompt)

    @property
    def done(self) -> bool:
        return self.evaluated and not self.strands and self._begun == len(self._samples)

    @property
    def width(self) -> int:
        """Samples that decode side by side."""
        free = (self._engine.backend.cells - len(self.prompt)) // max(1, self.request.sampling.max_tokens)
        return max(1, min(self.request.sampling.n, MAX_SAMPLES, free))

    @property
    def cells(self) -> int:
        """The most that it takes of the cache."""
        return len(self.prompt) + (self.width * self.request.sampling.max_tokens if self._samples else 0)

    @property
    def tokens_left(self) -> int:
        """Steps that the decoding may still take, at most."""
        return max((strand.sample.left for strand in self.strands), default=0)

    def begin(self, logits: NDArray[np.float32]) -> None:
        """The prompt is evaluated; `logits` follow its last token."""
        if self.width < len(self._samples):
            self._first = logits.copy()
        self._begin_wave(logits)

    def take(self, strand: Strand, rows: list[NDArray[np.float32]]) -> None:
        """rows: the logits after its last token, and after each token of its draft."""
        sample, draft = strand.sample, strand.draft
        accepted = 0
        for row, logits in enumerate(rows):
            strand.position += 1
            self._step(strand, logits)
            if sample.finish is not None or row == len(draft) or sample.ids[-1] != draft[row]:
                break
            accepted += 1
        if draft:
            self._accepted += accepted
            self._rejected += len(draft) - accepted
            self._engine.backend.truncate(strand.sequence, strand.position)
            if strand.drafter is not None:
                strand.drafter.verified(accepted, len(draft))
            strand.draft = []
        if sample.finish is not None:
            self._end(strand)

    def finish(self) -> list[Generation]:
        """Give back what it holds; the answer."""
        self.release()
        return [
            Generation(
                sample.text,
                tuple(sample.tokens),
                sample.finish or FinishReason.LENGTH,
                Usage(
                    prompt=0 if index else len(self.prompt),
                    cached=0 if index else self._cached,
                    generated=len(sample.ids),
                    accepted_draft=0 if index else self._accepted,
                    rejected_draft=0 if index else self._rejected,
                ),
                self._ended[index] - self.request.asked,
            )
            for index, sample in enumerate(self._samples)
        ]

    def release(self) -> None:
        """Stop; the cache stays valid. More than once is allowed."""
        for strand in self.strands:
            self._let_go(strand)
        self.strands = []
        self._begun = len(self._samples)
        if self._slot is not None:
            self._engine.slots.release(self._slot)
            self._slot = None

    def fail(self) -> None:
        """As `release`, where the cache may not hold what it should."""
        slot, self._slot = self._slot, None
        self.release()
        if slot is not None:
            self._engine.slots.discard(slot)

    def _begin_wave(self, logits: NDArray[np.float32]) -> None:
        alone = len(self._samples) == 1
        for index in range(self._begun, min(self._begun + self.width, len(self._samples))):
            sequence = self.slot.sequence if alone else self._engine.slots.borrow()
            if not alone:
                self._engine.backend.copy(self.slot.sequence, sequence, len(self.prompt))
            drafter = self._drafter() if alone else None
            self.strands.append(Strand(index, self._samples[index], sequence, len(self.prompt) - 1, drafter))
            self._begun += 1
        for strand in list(self.strands):
            self.take(strand, [logits])

    def _drafter(self) -> Drafter | None:
        if self._engine.drafts is None or self.request.sampling.temperature > 0:
            return None
        return Drafter(self.prompt, self._offered(), *self._engine.drafts)

    def _offered(self) -> list[int]:
        """The tokens of the draft that came with the request, after some of those before it."""
        prompt = self.request.prompt
        if not prompt.draft or prompt.suffix:
            return []
        whole = self._engine.vocabulary.tokenize((prompt.prefix + prompt.draft)[-4 * self._engine.context :])
        before = self._engine.vocabulary.tokenize(prompt.prefix[-4 * self._engine.context :])
        return whole[max(0, common_prefix(whole, before) - 8) :]

    def _step(self, strand: Strand, logits: NDArray[np.float32]) -> None:
        self._engine.generated += 1
        token = strand.sample.take(logits)
        if strand.drafter is not None:
            strand.drafter.append(strand.sample.ids[-1])
        if token is not None:
            self.request.on_token(strand.index, token)

    def _end(self, strand: Strand) -> None:
        self._ended[strand.index] = time.monotonic()
        self.strands.remove(strand)
        self._let_go(strand)
        if len(self._samples) > 1:
            self.request.on_sample(strand.index, strand.sample.text)
        if not self.strands and self._begun < len(self._samples) and self._first is not None:
            self._begin_wave(self._first)

    def _let_go(self, strand: Strand) -> None:
        if self._slot is None or strand.sequence != self._slot.sequence:
            self._engine.slots.give_back(strand.sequence)
        else:
            # The next prompt often goes on where this sample ended: the user accepted it, or typed it.
            self._slot.tokens += strand.sample.ids[: strand.position - len(self.prompt)]
