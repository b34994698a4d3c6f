"""Whose turn it is: the order in which requests that share one engine are served. Decisions only; see `Loop`.

A turn is one batch. The most urgent priority that has work goes first, and a request that has had no turn for
PATIENCE_S counts as one priority more urgent for each such time, so that nothing waits for ever. Within a priority all
samples decode together, in one batch. Prompts are evaluated before, shortest first, unless the samples at work are
nearly done: a line that is being written does not wait for another line's prompt, but a function's does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rung.models.protocol import Priority

PATIENCE_S = 2.0
_NEARLY_DONE = 64  # tokens
_PROMPT_PATIENCE_S = 0.5


class Waiting(Protocol):
    """What a decision looks at. served: when its last turn began, or when it was asked."""

    @property
    def priority(self) -> Priority: ...
    @property
    def asked(self) -> float: ...
    @property
    def served(self) -> float: ...
    @property
    def evaluated(self) -> bool: ...
    @property
    def prompt_left(self) -> int: ...
    @property
    def tokens_left(self) -> int: ...
    @property
    def cells(self) -> int: ...
    @property
    def width(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """cells: of the key-value cache. context: of them, those kept for lines. width: samples at work at once."""

    cells: int
    context: int
    width: int

    def of(self, priority: Priority) -> tuple[int, int]:
        """(cells, samples) that may be in use with such a request: the user's next line always finds room."""
        if priority is Priority.LINE or self.cells < 2 * self.context:
            return self.cells, self.width
        return self.cells - self.context, self.width - 2


def urgency(job: Waiting, now: float) -> int:
    """0 is the most urgent."""
    return max(0, job.priority - int((now - job.served) / PATIENCE_S))


def admitted(active: Sequence[Waiting], queue: Sequence[Waiting], limits: Limits, now: float) -> list[int]:
    """The indexes in `queue` of those for whom there is room now, in their order."""
    cells, width = sum(job.cells for job in active), sum(job.width for job in active)
    found: list[int] = []
    for index in sorted(range(len(queue)), key=lambda index: (urgency(queue[index], now), queue[index].asked)):
        job = queue[index]
        most_cells, most_width = limits.of(job.priority)
        alone = not active and not found
        if alone or (cells + job.cells <= most_cells and width + job.width <= most_width):
            found.append(index)
            cells, width = cells + job.cells, width + job.width
    return found


def turn(jobs: Sequence[Waiting], now: float) -> tuple[int | None, list[int]]:
    """(the index of the job whose prompt goes on, those whose samples do); one of both is empty. `jobs` is not."""
    first = min(urgency(job, now) for job in jobs)
    group = [index for index, job in enumerate(jobs) if urgency(job, now) == first]
    evaluating = [index for index in group if not jobs[index].evaluated]
    decoding = [index for index in group if jobs[index].evaluated]
    if not evaluating:
        return None, decoding
    waited = [index for index in evaluating if now - jobs[index].served > _PROMPT_PATIENCE_S]
    if decoding and not waited and max(jobs[index].tokens_left for index in decoding) <= _NEARLY_DONE:
        return None, decoding
    if waited:
        return min(waited, key=lambda index: jobs[index].served), []
    return min(evaluating, key=lambda index: (jobs[index].prompt_left, jobs[index].asked)), []
