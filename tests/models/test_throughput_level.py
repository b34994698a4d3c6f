"""Throughput at a number of requests at once, with a server whose answers take a known time."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import pytest

from rung.models.http.failures import Failure
from rung.models.protocol import ModelUnavailable
from rung.models.throughput.climb import climb
from rung.models.throughput.costs import chosen, hours_per_million, split
from rung.models.throughput.level import Level, measure, most_requests
from rung.models.throughput.load import Kind, Wanted, load
from rung.models.throughput.timed import Timed


class Machine:
    """Serves `slots` requests at a time, each in `seconds`. broken: the first requests, which fail."""

    def __init__(self, seconds: float, slots: int = 10**6, broken: int = 0) -> None:
        self.sent = 0
        self.most = 0
        self._now = 0
        self._seconds = seconds
        self._slots = asyncio.Semaphore(slots)
        self._broken = broken

    async def ask(self, wanted: Wanted) -> Timed:
        self.sent += 1
        if self.sent <= self._broken:
            raise Failure(ModelUnavailable("Rung 'x': it is down."), wait=0.0)
        self._now += 1
        self.most = max(self.most, self._now)
        try:
            async with self._slots:
                await asyncio.sleep(self._seconds)
        finally:
            self._now -= 1
        return Timed(wanted.kind, self._seconds / 2, self._seconds, prompt=100, cached=0, generated=10)


def level(concurrency: int, rate: float, *, line: float = 0.1, failed: int = 0, kind: Kind = Kind.LINE) -> Level:
    """100 requests with 1,000 prompt tokens and 50 generated each, at `rate` generated tokens a second."""
    answers = tuple(Timed(kind, line / 2, line, 1000, 0, 50) for _ in range(100))
    return Level(concurrency, 5000 / rate, answers, Counter({"it is down": failed} if failed else {}))


async def test_throughput_is_that_of_the_machine_and_rises_with_requests_at_once() -> None:
    one = await measure(1, 0.4, load(1, "m"), Machine(0.02).ask)
    eight = await measure(8, 0.4, load(1, "m"), Machine(0.02).ask)
    assert one.generated_a_second <= 10 / 0.02
    assert one.prompt_a_second == pytest.approx(10 * one.generated_a_second)
    assert eight.generated_a_second > 2 * one.generated_a_second
    assert eight.generated_a_second <= 8 * 10 / 0.02 * 1.1


async def test_exactly_so_many_requests_are_under_way() -> None:
    machine = Machine(0.01)
    await measure(7, 0.1, load(1, "m"), machine.ask)
    assert machine.most == 7


async def test_the_first_answer_of_each_place_is_not_counted_and_no_more_is_sent_than_was_said() -> None:
    machine = Machine(0.001)
    done = await measure(2, 60, load(1, "m"), machine.ask)
    assert machine.sent == most_requests(2)
    assert most_requests(2) - 2 * 2 <= len(done.answers) <= most_requests(2) - 2
    assert done.seconds < 30


async def test_a_slow_server_is_given_longer_until_each_place_has_had_two_answers() -> None:
    done = await measure(2, 0.5, load(1, "m"), Machine(0.55).ask)
    assert len(done.answers) == 4
    assert done.seconds >= 1.05


@pytest.mark.parametrize("seconds", [0.5, 0.6, 0.7, 0.8])
async def test_a_long_request_counts_by_its_share_of_the_window_whenever_that_ends(seconds: float) -> None:
    """One place has 3,000 tokens a second in requests of 0.4 s, the other 500 in short ones."""
    slow: set[object] = set()

    async def ask(wanted: Wanted) -> Timed:
        place = asyncio.current_task()
        if not slow:
            slow.add(place)
        tokens, wait = (1200, 0.4) if place in slow else (10, 0.02)
        began = time.perf_counter()
        await asyncio.sleep(wait)
        whole = time.perf_counter() - began
        return Timed(wanted.kind, whole / 2, whole, 100, 0, tokens)

    done = await measure(2, seconds, load(1, "m"), ask)
    assert seconds <= done.seconds < seconds + 0.1
    assert done.generated_a_second == pytest.approx(3500, rel=0.1)


async def test_failures_are_counted_by_their_sentence_and_make_a_level_unsound() -> None:
    done = await measure(2, 0.3, load(1, "m"), Machine(0.01, broken=3).ask)
    assert done.failures == {"Rung 'x': it is down.": 3}
    assert done.answers
    assert not done.sound


async def test_a_server_that_only_fails_is_given_up_without_a_thousand_requests() -> None:
    machine = Machine(0.01, broken=10**6)
    done = await measure(4, 60, load(1, "m"), machine.ask)
    assert done.answers == ()
    assert machine.sent <= 20


async def test_a_client_that_is_too_busy_to_read_says_how_late_it_was() -> None:
    machine = Machine(0.01)

    async def slow(wanted: Wanted) -> Timed:
        answer = await machine.ask(wanted)
        end = time.perf_counter() + 0.05
        while time.perf_counter() < end:
            pass
        return answer

    assert (await measure(4, 0.4, load(1, "m"), slow)).late > 0.04


@pytest.mark.parametrize(
    ("rates", "measured"),
    [
        ([100, 190, 350, 360, 700], [1, 2, 4, 8]),  # 3% more is noise
        ([100, 90, 500], [1, 2]),
        ([100 * 2**i for i in range(12)], [1, 2, 4, 8, 16, 32, 64, 128]),
    ],
)
async def test_concurrency_doubles_until_throughput_no_longer_rises(rates: list[float], measured: list[int]) -> None:
    left = iter(rates)

    async def run(concurrency: int) -> Level:
        return level(concurrency, next(left))

    assert [done.concurrency async for done in climb(None, run)] == measured


async def test_levels_that_were_asked_for_are_measured_whatever_comes_of_them() -> None:
    async def run(concurrency: int) -> Level:
        return level(concurrency, 100 / concurrency, failed=50)

    assert [done.concurrency async for done in climb((4, 1, 9), run)] == [4, 1, 9]


def test_the_price_is_of_the_best_throughput_whose_lines_keep_their_time() -> None:
    levels = [level(1, 100, line=0.1), level(4, 300, line=0.3), level(16, 600, line=0.9)]
    assert chosen(levels, None) is levels[2]
    assert chosen(levels, 0.5) is levels[1]
    assert chosen(levels, 0.05) is None


def test_slow_functions_do_not_break_the_bound_that_is_for_lines() -> None:
    mixed = level(4, 300, line=0.1)
    slow = Level(4, mixed.seconds, (*mixed.answers, *level(4, 300, line=9, kind=Kind.FUNCTION).answers))
    assert chosen([slow], 0.2) is slow


def test_a_level_with_failures_gives_no_price() -> None:
    sound = level(1, 100)
    assert chosen([sound, level(4, 300, failed=2)], None) is sound
    assert chosen([level(4, 300, failed=1)], None) is not None, "one in a hundred is borne"


def test_hours_per_million_are_the_papers_measure() -> None:
    assert hours_per_million(level(1, 1_000_000 / 3600)) == pytest.approx(1)


@pytest.mark.parametrize(("reading", "share"), [(25_000, 0.5), (125_000, 0.1)])
def test_the_two_prices_give_what_the_loads_time_cost_whatever_prompts_took(reading: float, share: float) -> None:
    """625 generated tokens a second are 12,500 of prompts beside them. reading: tokens a second of prompts alone."""
    busy = level(8, 625)
    answers = tuple(Timed(Kind.LINE, 0.1, 0.1, 1000, 0, 1) for _ in range(100))
    both = split(busy, Level(8, 100_000 / reading, answers), usd_per_hour=3600)
    assert both is not None
    assert both.prompt_share == pytest.approx(share)
    paid = (busy.prompt * both.price.input_usd + busy.generated * both.price.output_usd) / 1e6
    assert paid == pytest.approx(busy.seconds), "$1 a second"


def test_where_prompts_alone_take_as_long_there_is_no_split() -> None:
    answers = tuple(Timed(Kind.LINE, 0.1, 0.1, 1000, 0, 1) for _ in range(100))
    assert split(level(8, 625), Level(8, 10.0, answers), 1.0) is None


def test_a_quantile_is_by_nearest_rank() -> None:
    answers = tuple(Timed(Kind.LINE, n / 100, n / 10, 1, 0, 1) for n in range(1, 21))
    done = Level(1, 1.0, answers)
    assert done.first_token(0.5) == 0.10
    assert done.whole(Kind.LINE, 0.95) == 1.9
    assert done.whole(Kind.FUNCTION, 0.95) is None
