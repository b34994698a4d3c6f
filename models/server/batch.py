"""Continuous batching: forward passes, and what comes of them for each request."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rung.models.server.asked import EngineFailed, Load
from rung.models.server.forward import Forward, Passed
from rung.models.server.job import Job
from rung.models.server.prefixes import Prefixes
from rung.models.server.sample import Sample, Score
from rung.models.server.sampling import draw
from rung.models.server.turns import Part, Turns
from rung.models.server.vocabulary import Vocabulary

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class _Totals:
    layers: int = 0
    skipped: int = 0
    stopped: int = 0
    steps: int = 0
    failed: int = 0


class Batch:
    """most: samples at once. chunk: tokens of prompts in one pass. keep_tokens: of the prefix cache.

    load: as it was after the last step. For one thread, but for `load`.
    """

    def __init__(self, forward: Forward, vocabulary: Vocabulary, most: int, chunk: int, keep_tokens: int) -> None:
        self._forward = forward
        self._turns = Turns(vocabulary, Prefixes(forward.layers, keep_tokens), most, chunk)
        self._totals = _Totals()
        self.load = self._loaded()

    @property
    def idle(self) -> bool:
        """Nobody is served, or waits."""
        return self._turns.idle

    def add(self, job: Job) -> None:
        """To be served when it is its turn."""
        self._turns.waiting.append(job)

    def step(self) -> None:
        """One pass, and what came of it."""
        parts = self._turns.next()
        for job in self._turns.stuck:
            self._give_up(job)
        self._pass(parts)
        over = self._turns.end()
        self.load = self._loaded()  # before anybody can ask for it
        for job in over:
            job.emit(job.counted())

    def fail(self, error: Exception) -> None:
        """Everybody gets it."""
        self._turns.clear(error)
        self.load = self._loaded()

    def _pass(self, parts: Sequence[Part], *, last: bool = False) -> None:
        """last: it was tried before."""
        if not parts:
            return
        known = [len(part.segment.kept.tokens) for part in parts]
        computed = None
        try:
            passed = self._forward.run([part.segment for part in parts])
            computed = passed, *_drawn(passed, parts)
        except RuntimeError:
            _LOG.exception("A pass of %d sequences could not be computed", len(parts))
        if computed is not None:
            self._take(parts, *computed)
            return
        # behind the except block: what the failed pass allocated is free again
        for part, length in zip(parts, known, strict=True):
            del part.segment.kept.tokens[length:]
        self._apart(parts, last)

    def _apart(self, parts: Sequence[Part], last: bool) -> None:
        """Each request in a pass of its own, in the end without the prefix cache; the one that fails is told so."""
        jobs = list(dict.fromkeys(part.job for part in parts))
        if len(jobs) > 1:
            for job in jobs:
                self._pass([part for part in parts if part.job is job])
        elif not last:
            self._turns.prefixes.clear()
            self._pass(parts, last=True)
        else:
            self._give_up(jobs[0])

    def _give_up(self, job: Job) -> None:
        job.emit(EngineFailed())
        job.cancelled = True
        self._totals.failed += 1

    def _take(self, parts: Sequence[Part], passed: Passed, drawn: list[int], scores: dict[int, Score]) -> None:
        self._totals.steps += 1
        self._totals.failed = 0
        for part, row, gone in zip(parts, passed.rows, passed.shallow, strict=True):
            sample = part.sample
            if sample is None:
                continue
            if gone is None:
                before = sample.generated
                piece = sample.take(drawn[row.start : row.stop], [scores[at] for at in row if at in scores])
                self._totals.layers += self._forward.layers * (sample.generated - before)
            else:
                self._totals.layers += gone.layers
                self._totals.skipped += self._forward.layers - gone.layers
                self._totals.stopped += gone.stop
                piece = sample.leave(gone)
            if piece.text or piece.tokens:
                part.job.emit(piece)

    def _loaded(self) -> Load:
        totals = self._totals
        return Load(
            running=self._turns.running,
            waiting=len(self._turns.waiting),
            kept_tokens=self._turns.prefixes.tokens,
            layers=totals.layers,
            skipped=totals.skipped,
            stopped=totals.stopped,
            steps=totals.steps,
            tokens=self._turns.counted,
            failed=totals.failed,
        )


def _drawn(passed: Passed, parts: Sequence[Part]) -> tuple[list[int], dict[int, Score]]:
    """The next token of each row of the logits, and the scores of those rows that somebody wants to know.

    Raises RuntimeError where the logits are no numbers.
    """
    deep: list[tuple[Sample, range]] = [
        (part.sample, row)
        for part, row, gone in zip(parts, passed.rows, passed.shallow, strict=True)
        if part.sample is not None and gone is None
    ]
    drawn = draw(passed.logits, [place for sample, _ in deep for place in sample.places()])
    top = {at: sample.asked.top for sample, row in deep if sample.asked.top is not None for at in row}
    if not top:
        return drawn, {}
    rows = list(top)
    logprobs = torch.log_softmax(passed.logits[torch.tensor(rows, device=passed.logits.device)], dim=-1)
    return drawn, dict(zip(rows, _scores(logprobs, [drawn[at] for at in rows], max(top.values())), strict=True))


def _scores(logprobs: Tensor, chosen: Sequence[int], top: int) -> list[Score]:
    own = logprobs.gather(1, torch.tensor(chosen, device=logprobs.device)[:, None])[:, 0].tolist()
    best = logprobs.topk(top, dim=-1)
    return [
        Score(logprob, tuple(zip(tokens, others, strict=True)))
        for logprob, tokens, others in zip(own, best.indices.tolist(), best.values.tolist(), strict=True)
    ]
