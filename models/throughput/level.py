"""Throughput with a number of requests under way at any time."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace

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
    """What was done while `concurrency` requests were under way.

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
    def prompt(self) -> float:
        """Tokens, as are the others."""
        return sum(answer.share * answer.prompt for answer in self.answers)

    @property
    def cached(self) -> float:
        return sum(answer.share * answer.cached for answer in self.answers)

    @property
    def generated(self) -> float:
        return sum(answer.share * answer.generated for answer in self.answers)

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
    answer after `seconds`. What hangs over its beginning or its end counts by the share of its time that lies in it: a
    slow server has few requests, of which these may be half. So what is under way at the end is waited for, and the
    others go on meanwhile.
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
            window.give_up()
        for task in (*places, clock):
            task.cancel()
    return Level(concurrency, window.seconds, window.counted(), window.failures, _quantile(delays, 0.95) or 0.0)


class _Window:
    """What is counted, and until when. over: set when all of it has been answered."""

    def __init__(self, concurrency: int, seconds: float) -> None:
        self.over = asyncio.Event()
        self.failures: Counter[str] = Counter()
        self._answers: list[tuple[float, Timed]] = []  # when it came
        self._concurrency = concurrency
        self._wanted_seconds = seconds
        self._left = most_requests(concurrency)
        self._waiting_for = set(range(concurrency))
        self._under_way: set[int] = set()
        self._opened: float | None = None
        self._closed: float | None = None

    @property
    def seconds(self) -> float:
        return 0.0 if self._opened is None or self._closed is None else self._closed - self._opened

    def counted(self) -> tuple[Timed, ...]:
        """Each answer with the share of its time that lies in the window, if any does."""
        if self._opened is None or self._closed is None:
            return ()
        shares = [_share(ended, answer.whole, self._opened, self._closed) for ended, answer in self._answers]
        each = zip(shares, self._answers, strict=True)
        return tuple(replace(answer, share=share) for share, (_, answer) in each if share > 0)

    def sends(self, place: int) -> bool:
        """Whether this place may send another request."""
        if self._left <= 0:
            self._close()
            return False
        self._left -= 1
        if self._closed is None:
            self._under_way.add(place)
        return True

    def answered(self, place: int, answer: Timed) -> None:
        self._answers.append((time.perf_counter(), answer))
        self._ended(place)

    def failed(self, place: int, failure: Failure) -> None:
        self.failures[str(failure.error)] += 1
        if self.failures.total() >= _HOPELESS + len(self._answers):
            self.give_up()
        self._ended(place)

    def give_up(self) -> None:
        """Nobody waits for what is under way."""
        self._under_way.clear()
        self._close()

    def _close(self) -> None:
        if self._closed is None:
            self._closed = time.perf_counter()
        if not self._under_way:
            self.over.set()

    def _ended(self, place: int) -> None:
        self._under_way.discard(place)
        if self._closed is not None:
            self._close()
        elif self._opened is None:
            self._waiting_for.discard(place)
            if not self._waiting_for:
                self._opened = time.perf_counter()
                self._answers.clear()
        elif self._enough(time.perf_counter() - self._opened):
            self._close()

    def _enough(self, lasted: float) -> bool:
        answers = len(self._answers) >= _LEAST * self._concurrency
        return lasted >= self._wanted_seconds and (answers or lasted >= _LONGER * self._wanted_seconds)


def _share(ended: float, lasted: float, opened: float, closed: float) -> float:
    return max(0.0, min(ended, closed) - max(ended - lasted, opened)) / lasted if lasted > 0 else 0.0


async def _place(place: int, window: _Window, load: Iterator[Wanted], ask: Ask) -> None:
    while not window.over.is_set() and window.sends(place):
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
