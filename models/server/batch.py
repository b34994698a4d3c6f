"""Continuous batching: who is in the next forward pass.

Every sample that runs is in every pass, with one token or with a draft; parts of the prompts of those that begin ride
along. A sample that ends makes room for the next at once.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rung.models.server.asked import EngineFailed, Load
from rung.models.server.exiting import Shallow
from rung.models.server.forward import Forward
from rung.models.server.job import Job
from rung.models.server.prefixes import Prefixes
from rung.models.server.rows import Segment
from rung.models.server.sample import Sample, Score
from rung.models.server.sampling import draw
from rung.models.server.vocabulary import Vocabulary

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class _Totals:
    layers: int = 0
    skipped: int = 0
    stopped: int = 0
    steps: int = 0


class Batch:
    """most: samples at once. chunk: tokens of prompts in one pass. keep_tokens: of the prefix cache.

    load: as it was after the last step. For one thread, but for `load`.
    """

    def __init__(self, forward: Forward, vocabulary: Vocabulary, most: int, chunk: int, keep_tokens: int) -> None:
        self.waiting: deque[Job] = deque()
        self._forward = forward
        self._vocabulary = vocabulary
        self._most = most
        self._chunk = chunk
        self._prefixes = Prefixes(forward.layers, keep_tokens)
        self._jobs: list[Job] = []  # begun
        self._running: list[Sample] = []
        self._totals = _Totals()
        self.load = self._loaded()

    @property
    def idle(self) -> bool:
        return not self.waiting and not self._jobs

    def step(self) -> None:
        """One pass, and what came of it."""
        self._drop([job for job in self._jobs if job.cancelled])
        self.waiting = deque(job for job in self.waiting if not job.cancelled)
        self._pass(self._prompts(), self._running)
        self._end()
        self.load = self._loaded()

    def fail(self, error: Exception) -> None:
        """Everybody gets it."""
        for job in [*self.waiting, *self._jobs]:
            job.emit(error)
        self.waiting.clear()
        self._jobs.clear()
        self._running.clear()
        self._prefixes.clear()
        self.load = self._loaded()

    def _pass(self, prompts: dict[Job, Segment], samples: Sequence[Sample]) -> None:
        """What cannot be computed together, for want of memory or for what one of them is, is computed by itself."""
        segments = [*prompts.values(), *(sample.segment() for sample in samples)]
        if not segments:
            return
        known = [len(segment.kept.tokens) for segment in segments]
        try:
            passed = self._forward.run(segments)
            rows, shallow = passed.rows[len(prompts) :], passed.shallow[len(prompts) :]
            drawn, scores = _drawn(passed.logits, _deep(samples, shallow))
        except RuntimeError as error:
            for segment, length in zip(segments, known, strict=True):
                del segment.kept.tokens[length:]
            self._apart(prompts, samples, error)
            return
        self._totals.steps += 1
        for sample, row, gone in zip(samples, rows, shallow, strict=True):
            self._take(sample, drawn[row.start : row.stop], scores[row.start : row.stop], gone)

    def _apart(self, prompts: dict[Job, Segment], samples: Sequence[Sample], error: RuntimeError) -> None:
        """Each request in a pass of its own; the one that fails there too is told so."""
        concerned = [job for job in self._jobs if job in prompts or not set(job.samples).isdisjoint(samples)]
        if len(concerned) == 1:
            _LOG.error("A request could not be computed", exc_info=error)
            concerned[0].emit(EngineFailed("The model failed under this request; the server's log says how."))
            concerned[0].cancelled = True
            return
        for job in concerned:
            own = {job: prompts[job]} if job in prompts else {}
            self._pass(own, [sample for sample in samples if sample in job.samples])

    def _prompts(self) -> dict[Job, Segment]:
        """Parts of prompts, `chunk` tokens in all; the samples of a prompt that is nearly known start."""
        segments: dict[Job, Segment] = {}
        left = self._chunk
        self._admit()
        for job in self._jobs:
            if not job.begun:
                job.begin(self._prefixes.begin(job.prompt))
            if left <= 0:
                break
            ahead = job.ahead(left)
            if ahead is not None:
                segments[job] = ahead
                left -= len(ahead.tokens)
            else:
                started = job.start(self._most - len(self._running), self._vocabulary)
                self._running += started
                left -= sum(sample.behind for sample in started)
        return segments

    def _admit(self) -> None:
        unstarted = sum(not job.samples for job in self._jobs)
        while self.waiting and len(self._running) + unstarted < self._most:
            self._jobs.append(self.waiting.popleft())
            unstarted += 1

    def _take(self, sample: Sample, drawn: Sequence[int], scores: Sequence[Score], gone: Shallow | None) -> None:
        if gone is None:
            before = sample.generated
            piece = sample.take(drawn, scores)
            self._totals.layers += self._forward.layers * (sample.generated - before)
        else:
            self._totals.layers += gone.layers
            self._totals.skipped += self._forward.layers - gone.layers
            self._totals.stopped += gone.stop
            piece = sample.leave(gone)
        if piece.text or piece.tokens:
            next(job for job in self._jobs if sample in job.samples).emit(piece)

    def _end(self) -> None:
        """Samples that are over make room; a job is when all of its samples are."""
        self._running = [sample for sample in self._running if sample.reason is None]
        for job in self._jobs:
            job.tell_ended()
        over = [job for job in self._jobs if job.over]
        counts = [job.counted() for job in over]
        self._drop(over)
        self.load = self._loaded()  # before anybody can ask for it
        for job, counted in zip(over, counts, strict=True):
            job.emit(counted)

    def _drop(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            self._jobs.remove(job)
            self._running = [sample for sample in self._running if sample not in job.samples]
            leftover = job.leftover()
            if leftover is not None:
                self._prefixes.keep(leftover)

    def _loaded(self) -> Load:
        totals = self._totals
        return Load(
            running=len(self._running),
            waiting=len(self.waiting),
            kept_tokens=self._prefixes.tokens,
            layers=totals.layers,
            skipped=totals.skipped,
            stopped=totals.stopped,
            steps=totals.steps,
        )


def _deep(samples: Sequence[Sample], shallow: Sequence[Shallow | None]) -> list[Sample]:
    """Those for which every layer was computed."""
    return [sample for sample, gone in zip(samples, shallow, strict=True) if gone is None]


def _drawn(logits: Tensor, samples: Sequence[Sample]) -> tuple[list[int], list[Score]]:
    """The next token of each row of `logits`, and its score; no scores where no sample wants them."""
    drawn = draw(logits, [place for sample in samples for place in sample.places()])
    wanted = max((sample.asked.top for sample in samples if sample.asked.top is not None), default=None)
    if wanted is None:
        return drawn, []
    logprobs = torch.log_softmax(logits, dim=-1)
    chosen = logprobs.gather(1, torch.tensor(drawn, device=logits.device)[:, None])[:, 0].tolist()
    best = logprobs.topk(wanted, dim=-1)
    return drawn, [
        Score(logprob, tuple(zip(tokens, others, strict=True)))
        for logprob, tokens, others in zip(chosen, best.indices.tolist(), best.values.tolist(), strict=True)
    ]
