"""The engine's loop: what is asked of one checkpoint, by whom it may be, in one thread, a batch at a time."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence

from rung.models.llama.engine.backend import CHUNK, OUTPUTS, SEQUENCES, Decoded
from rung.models.llama.engine.engine import MAX_SAMPLES, Engine
from rung.models.llama.engine.job import Job, Request, Strand
from rung.models.llama.engine.turns import Limits, admitted, turn
from rung.models.protocol import Priority

__all__ = ["Cancelled", "Loop", "Request"]

# What is evaluated ahead is cancelled at the next key, and a chunk is lost with it.
_CHUNK_AHEAD = 32
# Once a chunk was lost because the next key came first: who types faster than a whole one is evaluated would otherwise
# never see an answer. A fifth slower than whole chunks (SmolLM2 on two cores: 236 tokens a second, not 292).
_CHUNK_HURRIED = 16


class Cancelled(Exception):
    """Nobody waits for this generation any more."""


class Loop:
    """`submit`, `cancel` and `stop` may be called from any thread; `run` and `step` belong to the engine's.

    evaluated: tokens of prompts so far, for everybody, also those that came to nothing. `generated`: of samples.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._inbox: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._queue: list[Job] = []
        self._active: list[Job] = []
        self._stopped = False
        self.evaluated = 0
        self._hurried = False
        self._limits = Limits(engine.backend.cells, engine.context, SEQUENCES - MAX_SAMPLES)
        self._lock = threading.Lock()
        self._at_work: list[Job] = []  # those whose batch is being computed
        self._arrived: list[Request] = []  # and are not received yet

    @property
    def generated(self) -> int:
        return self._engine.generated

    def submit(self, request: Request) -> None:
        with self._lock:
            self._inbox.put(request)
            self._arrived.append(request)
            self._engine.backend.abort(self._in_vain())

    def cancel(self, request: Request) -> None:
        """It ends with Cancelled within one token, unless it has ended."""
        request.cancelled = True
        with self._lock:
            self._engine.backend.abort(self._in_vain())

    def stop(self) -> None:
        self._inbox.put(None)

    def run(self) -> None:
        """Until `stop`."""
        while not self._stopped:
            if not self.step():
                self._receive(self._inbox.get())

    def step(self) -> bool:
        """One batch; False: there is nothing to do."""
        while not self._inbox.empty():
            self._receive(self._inbox.get())
        self._drop_cancelled()
        now = time.monotonic()
        if self._queue:
            for index in sorted(admitted(self._active, self._queue, self._limits, now), reverse=True):
                self._active.append(self._queue.pop(index))
        if not self._active or self._stopped:
            return False
        evaluating, decoding = turn(self._active, now)
        if evaluating is not None:
            self._evaluate(self._active[evaluating], now)
        else:
            self._decode([self._active[index] for index in decoding], now)
        return True

    def _receive(self, request: Request | None) -> None:
        if request is None:
            self._stopped = True
            return
        with self._lock:
            self._arrived.remove(request)
        try:
            self._queue.append(Job(self._engine, request))
        except ValueError as error:
            request.on_end(error)

    def _drop_cancelled(self) -> None:
        for jobs in (self._queue, self._active):
            for job in [job for job in jobs if job.request.cancelled]:
                jobs.remove(job)
                job.release()
                job.request.on_end(Cancelled())

    def _evaluate(self, job: Job, now: float) -> None:
        job.served = now
        try:
            slot = job.slot
            start = len(slot.tokens)
            part = job.prompt[start : start + self._chunk(job)]
            last = start + len(part) == len(job.prompt)
            outputs = (len(part) - 1,) if last else ()
            positions = range(start, start + len(part))
            done = self._compute([job], part, positions, [slot.sequence] * len(part), outputs)
        except RuntimeError as error:
            self._fail([job], error)
            return
        if not done:
            slot.tokens = slot.tokens[: self._engine.backend.truncate(slot.sequence, start)]
            self._hurried |= job.request.cancelled
            return
        slot.tokens += part
        self.evaluated += len(part)
        if last:
            self._hurried = False
            job.begin(self._engine.backend.logits(len(part) - 1))
            self._finish_if_done(job)

    def _chunk(self, job: Job) -> int:
        """Tokens that are evaluated at once."""
        if self._hurried:
            return _CHUNK_HURRIED
        return _CHUNK_AHEAD if job.priority is Priority.BACKGROUND else CHUNK

    def _decode(self, jobs: Sequence[Job], now: float) -> None:
        pairs = [(job, strand) for job in jobs for strand in job.strands]
        for start in range(0, len(pairs), OUTPUTS):
            if not self._decode_together(pairs[start : start + OUTPUTS], now):
                return

    def _decode_together(self, pairs: Sequence[tuple[Job, Strand]], now: float) -> bool:
        tokens: list[int] = []
        positions: list[int] = []
        sequences: list[int] = []
        room = OUTPUTS - 1 if len(pairs) == 1 else 0  # what a draft leaves in the cache would move the others' cells
        for job, strand in pairs:
            job.served = now
            strand.draft = _draft(strand, room)
            room -= len(strand.draft)
            tokens += (strand.sample.ids[-1], *strand.draft)
            positions += range(strand.position, strand.position + 1 + len(strand.draft))
            sequences += [strand.sequence] * (1 + len(strand.draft))
        jobs = list(dict.fromkeys(job for job, _ in pairs))
        try:
            if not self._compute(jobs, tokens, positions, sequences, range(len(tokens))):
                for _, strand in pairs:
                    self._engine.backend.truncate(strand.sequence, strand.position)
                return False
        except RuntimeError as error:
            self._fail(jobs, error)
            return False
        row = 0
        for job, strand in pairs:
            count = 1 + len(strand.draft)
            job.take(strand, [self._engine.backend.logits(at) for at in range(row, row + count)])
            row += count
        for job in jobs:
            self._finish_if_done(job)
        return True

    def _compute(
        self,
        jobs: list[Job],
        tokens: Sequence[int],
        positions: Sequence[int],
        sequences: Sequence[int],
        outputs: Sequence[int],
    ) -> bool:
        """False: it was aborted. Raises RuntimeError where there is no room though everything idle was forgotten."""
        with self._lock:
            self._at_work = jobs
            self._engine.backend.abort(self._in_vain())
        try:
            while (result := self._engine.decode(tokens, positions, sequences, outputs)) is Decoded.FULL:
                if not self._engine.slots.evict():
                    raise RuntimeError("the key-value cache is full; raise `cache_mb`")
        finally:
            with self._lock:
                self._at_work = []
        return result is Decoded.DONE

    def _in_vain(self) -> bool:
        """Whether nobody waits for the batch at work, or somebody more urgent for its end. Holds the lock."""
        if not self._at_work:
            return False
        if all(job.request.cancelled for job in self._at_work):
            return True
        priority = min(job.priority for job in self._at_work)
        evaluating = not all(job.evaluated for job in self._at_work)
        return evaluating and any(request.sampling.priority < priority for request in self._arrived)

    def _finish_if_done(self, job: Job) -> None:
        if job in self._active and job.done:
            self._active.remove(job)
            job.request.on_end(job.finish())

    def _fail(self, jobs: Sequence[Job], error: RuntimeError) -> None:
        for job in jobs:
            if job in self._active:
                self._active.remove(job)
                job.fail()
                job.request.on_end(error)


def _draft(strand: Strand, room: int) -> list[int]:
    if strand.drafter is None or strand.sample.healing:
        return []
    return strand.drafter.propose(min(room, strand.sample.left - 1))
