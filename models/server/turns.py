"""Who is in the next forward pass.

Every sample that runs is in every pass, with one token or with a draft; parts of the prompts of those that begin ride
along. A sample that ends makes room for the next one, which is of the request that has fewest running: one that asks
for many samples does not keep others waiting.
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass

from rung.models.server.asked import NOTHING
from rung.models.server.job import Job
from rung.models.server.prefixes import Prefixes
from rung.models.server.rows import Segment
from rung.models.server.sample import Sample
from rung.models.server.vocabulary import Vocabulary

_LOG = logging.getLogger(__name__)
_LEAST = 16  # tokens of a prompt in a pass, however many prompts there are


@dataclass(frozen=True, slots=True)
class Part:
    """What a pass computes for one request. sample: None for a part of its prompt alone."""

    job: Job
    segment: Segment
    sample: Sample | None = None


class Turns:
    """most: samples at once, and requests that have begun. chunk: tokens of prompts in one pass."""

    def __init__(self, vocabulary: Vocabulary, prefixes: Prefixes, most: int, chunk: int) -> None:
        self.prefixes = prefixes
        self.waiting: deque[Job] = deque()
        self.stuck: list[Job] = []  # for which there is no memory, and nobody runs whose end would make room
        self.counted = NOTHING  # of the requests that have left
        self._vocabulary = vocabulary
        self._most = most
        self._chunk = chunk
        self._jobs: list[Job] = []

    @property
    def idle(self) -> bool:
        return not self.waiting and not self._jobs

    @property
    def running(self) -> int:
        """Samples."""
        return sum(len(job.running) for job in self._jobs)

    def next(self) -> list[Part]:
        """Of one pass; none where nobody is left."""
        self._drop([job for job in self._jobs if job.cancelled])
        self.waiting = deque(job for job in self.waiting if not job.cancelled)
        while self.waiting and len(self._jobs) < self._most:
            job = self.waiting.popleft()
            self._jobs.append(job)
            job.begin(self.prefixes.begin(job.prompt))
        self.stuck.clear()
        prompts = self._prompts()
        return prompts + [Part(job, sample.segment(), sample) for job in self._jobs for sample in job.running]

    def end(self) -> list[Job]:
        """Ended samples are told of; the requests that are over."""
        for job in self._jobs:
            job.tell_ended()
        over = [job for job in self._jobs if job.over]
        self._drop(over)
        return over

    def clear(self, error: Exception) -> None:
        """Everybody gets it, and nothing is kept."""
        for job in [*self.waiting, *self._jobs]:
            job.emit(error)
            self.counted += job.counted()
        self.waiting.clear()
        self._jobs.clear()
        self.prefixes.clear()

    def _prompts(self) -> list[Part]:
        """Parts of prompts; the samples of one that is nearly known start where there is room."""
        starting = [job for job in self._jobs if job.starting]
        share = max(_LEAST, self._chunk // max(1, len(starting)))
        ahead = {job: job.ahead(share) for job in starting}
        ready = [job for job, segment in ahead.items() if segment is None]
        for _ in range(self._most - self.running):
            if not ready:
                break
            job = min(ready, key=lambda job: len(job.running))
            if not self._start(job) or not job.starting:
                ready.remove(job)
        return [Part(job, segment) for job, segment in ahead.items() if segment is not None]

    def _start(self, job: Job) -> bool:
        """A sample of it. False: there is no memory now; it is tried again with the next pass."""
        try:
            job.start(self._vocabulary)
        except RuntimeError:
            _LOG.warning("No memory for another sample of a prompt of %d tokens", len(job.prompt))
            self.prefixes.clear()
            if not self.running:
                self.stuck.append(job)
            return False
        return True

    def _drop(self, jobs: list[Job]) -> None:
        for job in jobs:
            self._jobs.remove(job)
            self.counted += job.counted()
            leftover = job.leftover()
            if leftover is not None:
                self.prefixes.keep(leftover)
