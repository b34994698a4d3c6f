"""Throughput with a number of requests under way at any time."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from rung.models.bench.series import percentile
from rung.models.http.failures import Failure
from rung.models.throughput.load import Kind, Wanted
from rung.models.throughput.timed import Timed

_REQUESTS = 40  # to each place of a level at most
_LEAST = 2  # requests from each place, or the level takes longer than it was given
_LONGER = 4  # times as long as it was given, at most
_RAMP_SECONDS = 150.0  # more than a request may take
_PAUSE, _LONGEST_PAUSE = 0.2, 5.0  # seconds after a failure
_TICK = 0.02
_HOPELESS = 10  # failures more than answers

Ask = Callable[[Wanted], Awaitable[Timed]]


@dataclass(frozen=True, slots=True)
class Level:
    """What ended while `concurrency` requests were under way.

    seconds: how long that was. failures: sentences, and how often. late: seconds that this process was behind its
    clock, 95% of the time at most; where that is not small beside the answers' times, the client was measured.
    """

    concurrency: int
    seconds: float
    answers: tuple[Timed, ...]
    failures: Counter[str] = field(default_factory=Counter)
    late: float = 0.0

    @property
    def failed(self) -> int:
        return self.failures.total()

    @property
    def sound(self) -> bool:
        """Whether it can be judged by: there are answers, and at most one request in a hundred failed."""
        return bool(self.answers) and self.seconds > 0 and self.failed * 100 <= len(self.answers) + self.failed

    @property
    def prompt(self) -> int:
        return sum(answer.prompt for answer in self.answers)

    @property
    def cached(self) -> int:
        return sum(answer.cached for answer in self.answers)

    @property
    def generated(self) -> int:
        return sum(answer.generated for answer in self.answers)

    @property
    def generated_a_second(self) -> float:
        return self.generated / self.seconds if self.seconds > 0 else 0.0

    @property
    def prompt_a_second(self) -> float:
        return self.prompt / self.seconds if self.seconds > 0 else 0.0

    def first_token(self, share: float) -> float | None:
        """Seconds within which this share of the requests had their first token; None without answers."""
        return _quantile([answer.first_token for answer in self.answers], share)

    def whole(self, kind: Kind, share: float) -> float | None:
        """Seconds within which this share of the requests of a kind was answered; None without such answers."""
        return _quantile([answer.whole for answer in self.answers if answer.kind is kind], share)


def most_requests(concurrency: int) -> int:
    """That a level sends."""
    return _REQUESTS * concurrency


async def measure(concurrency: int, seconds: float, load: Iterator[Wanted], ask: Ask) -> Level:
    """As many places, each of which sends a request as soon as its last one is answered.

    The window opens when every place has had an answer, so that the burst of the start is not in it, and closes at an
    answer after `seconds`. What ends in it counts as a whole: as many requests hang over its beginning as over its end,
    which are cancelled.
    """
    window = _Window(concurrency, seconds)
    delays: list[float] = []
    async with asyncio.TaskGroup() as group:
        clock = group.create_task(_watch(delays))
        places = [group.create_task(_place(place, window, load, ask)) for place in range(concurrency)]
        limit = _RAMP_SECONDS + _LONGER * seconds
        try:
            async with asyncio.timeout(limit):
                await window.over.wait()
        except TimeoutError:
            window.close()
        for task in (*places, clock):
            task.cancel()
    return Level(concurrency, window.seconds, tuple(window.answers), window.failures, _quantile(delays, 0.95) or 0.0)


class _Window:
    """What is counted, and until when."""

    def __init__(self, concurrency: int, seconds: float) -> None:
        self.over = asyncio.Event()
        self.answers: list[Timed] = []
        self.failures: Counter[str] = Counter()
        self.seconds = 0.0
        self._concurrency = concurrency
        self._wanted_seconds = seconds
        self._left = most_requests(concurrency)
        self._waiting_for = set(range(concurrency))
        self._opened: float | None = None

    def may_send(self) -> bool:
        self._left -= 1
        if self._left < 0:
            self.close()
        return self._left >= 0

    def answered(self, place: int, answer: Timed) -> None:
        if self._opened is not None:
            self.answers.append(answer)
        self._ended(place)

    def failed(self, place: int, failure: Failure) -> None:
        self.failures[str(failure.error)] += 1
        if self.failures.total() >= _HOPELESS + len(self.answers):
            self.close()
        self._ended(place)

    def close(self) -> None:
        if not self.over.is_set():
            self.seconds = 0.0 if self._opened is None else time.perf_counter() - self._opened
            self.over.set()

    def _ended(self, place: int) -> None:
        if self._opened is None:
            self._waiting_for.discard(place)
            if not self._waiting_for:
                self._opened = time.perf_counter()
            return
        lasted = time.perf_counter() - self._opened
        enough = len(self.answers) >= _LEAST * self._concurrency
        if lasted >= self._wanted_seconds and (enough or lasted >= _LONGER * self._wanted_seconds):
            self.close()


async def _place(place: int, window: _Window, load: Iterator[Wanted], ask: Ask) -> None:
    while not window.over.is_set() and window.may_send():
        try:
            answer = await ask(next(load))
        except Failure as failure:
            window.failed(place, failure)
            # a server that refuses at once is not asked a thousand times a second
            await asyncio.sleep(_PAUSE if failure.wait is None else min(max(failure.wait, _PAUSE), _LONGEST_PAUSE))
        else:
            window.answered(place, answer)


async def _watch(delays: list[float]) -> None:
    """How much later than it should the event loop comes back: for so long an event had to wait to be read."""
    while True:
        due = time.perf_counter() + _TICK
        await asyncio.sleep(_TICK)
        delays.append(time.perf_counter() - due)


def _quantile(values: list[float], share: float) -> float | None:
    return percentile(values, share) if values else None
