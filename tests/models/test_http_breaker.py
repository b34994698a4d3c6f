"""The circuit breaker, by a clock that the test turns."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.models.http.breaker import CircuitBreaker, CircuitOpen, Permit, State


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(threshold=2, first_open=5, longest_open=15, clock=clock)


def opened(breaker: CircuitBreaker) -> CircuitBreaker:
    for _ in range(2):
        breaker.enter().fail()
    return breaker


def refused(breaker: CircuitBreaker) -> float:
    with pytest.raises(CircuitOpen) as caught:
        breaker.enter()
    return caught.value.seconds


def test_failures_in_a_row_open_it(breaker: CircuitBreaker, clock: Clock) -> None:
    breaker.enter().fail()
    breaker.enter().succeed()
    breaker.enter().fail()
    assert breaker.state is State.CLOSED
    breaker.enter().fail()
    assert breaker.state is State.OPEN
    clock.now += 2
    assert refused(breaker) == 3


def test_half_open_lets_one_probe_through(breaker: CircuitBreaker, clock: Clock) -> None:
    opened(breaker)
    clock.now += 5
    assert breaker.state is State.HALF_OPEN
    probe = breaker.enter()
    assert refused(breaker) == 0
    probe.succeed()
    assert breaker.state is State.CLOSED


def test_a_cancelled_probe_frees_its_place(breaker: CircuitBreaker, clock: Clock) -> None:
    opened(breaker)
    clock.now += 5
    breaker.enter().release()
    breaker.enter().succeed()
    assert breaker.state is State.CLOSED


def test_it_stays_open_longer_each_time_up_to_a_limit_and_starts_anew_after_a_success(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    opened(breaker)
    clock.now += 5
    for seconds in (10, 15, 15):
        breaker.enter().fail()
        assert refused(breaker) == seconds
        clock.now += seconds
    breaker.enter().succeed()
    assert refused(opened(breaker)) == 5


def test_what_began_before_it_opened_says_nothing_after(breaker: CircuitBreaker, clock: Clock) -> None:
    late = [breaker.enter() for _ in range(4)]
    opened(breaker)
    late[0].succeed()
    assert breaker.state is State.OPEN
    clock.now += 5
    probe = breaker.enter()
    late[1].fail()
    late[2].release()
    assert refused(breaker) == 0
    probe.fail()
    assert refused(breaker) == 10


def test_a_wait_that_the_server_asked_for_opens_it_at_once(breaker: CircuitBreaker) -> None:
    breaker.enter().fail(wait=7)
    assert refused(breaker) == 7


def test_a_server_cannot_close_itself_off_for_ever(breaker: CircuitBreaker) -> None:
    breaker.enter().fail(wait=1e9)
    assert refused(breaker) == 15


def test_only_the_first_end_of_a_permit_counts(breaker: CircuitBreaker) -> None:
    permit = breaker.enter()
    permit.release()
    permit.fail()
    permit.fail()
    assert breaker.state is State.CLOSED


@given(st.lists(st.tuples(st.sampled_from(["enter", "succeed", "fail", "release", "tick"]), st.integers(0, 9))))
def test_it_never_locks_out_for_longer_than_its_limit(steps: list[tuple[str, int]]) -> None:
    clock = Clock()
    breaker = CircuitBreaker(threshold=2, first_open=5, longest_open=15, clock=clock)
    permits: list[Permit] = []
    for step, number in steps:
        if step == "tick":
            clock.now += number
        elif step == "enter":
            with suppress(CircuitOpen):
                permits.append(breaker.enter())
        elif permits:
            getattr(permits.pop(number % len(permits)), step)()
    for permit in permits:
        permit.release()
    clock.now += 15
    breaker.enter().succeed()
    assert breaker.state is State.CLOSED
