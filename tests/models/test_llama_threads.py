"""How many threads a batch gets, on a simulated machine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.models.llama.engine.threads import ThreadCount


class Machine:
    """Batches on `cores`, of which other programs take some; threads that have no core to themselves wait."""

    def __init__(self, cores: int) -> None:
        self.cores = cores
        self.taken = 0
        self.now = 0.0

    def seconds(self, threads: int, tokens: int) -> float:
        alone = 0.01 * tokens / threads
        return alone if threads <= max(1, self.cores - self.taken) else alone * 20

    def run(self, count: ThreadCount, batches: int) -> float:
        """The seconds that they took."""
        total = 0.0
        for _ in range(batches):
            seconds = self.seconds(count.count, 4)
            self.now += seconds
            total += seconds
            count.observe(4, seconds, self.now)
        return total


def of(cores: int) -> tuple[Machine, ThreadCount]:
    return Machine(cores), ThreadCount(cores)


@pytest.mark.parametrize("cores", [1, 2, 4, 8])
def test_on_a_quiet_machine_it_takes_all_cores(cores: int) -> None:
    machine, count = of(cores)
    machine.run(count, 50)
    assert count.count == cores


@pytest.mark.parametrize("cores", [2, 4, 8])
def test_when_cores_are_taken_it_leaves_them_within_a_few_batches(cores: int) -> None:
    machine, count = of(cores)
    machine.run(count, 20)
    machine.taken = cores // 2
    machine.run(count, 8)
    assert count.count <= cores - machine.taken


def test_when_they_are_free_again_it_takes_them_again() -> None:
    machine, count = of(2)
    machine.run(count, 20)
    machine.taken = 1
    machine.run(count, 200)
    machine.taken = 0
    machine.now += 60
    machine.run(count, 5)
    assert count.count == 2


def test_in_a_crowd_trials_become_rare() -> None:
    machine, count = of(2)
    machine.run(count, 20)
    machine.taken = 1
    machine.run(count, 10)
    best = 2000 * machine.seconds(1, 4)
    assert machine.run(count, 2000) < 1.5 * best


def test_it_begins_with_what_was_measured_and_no_more_than_allowed() -> None:
    count = ThreadCount(4)
    count.begin(2)
    assert count.count == 2
    count.begin(64)
    assert count.count == 4


@given(st.integers(1, 16), st.lists(st.floats(0.001, 10), max_size=200))
def test_whatever_batches_take_the_count_stays_within_its_bounds(most: int, seconds: list[float]) -> None:
    count, now = ThreadCount(most), 0.0
    for took in seconds:
        now += took
        count.observe(1, took, now)
        assert 1 <= count.count <= most


def test_batches_of_other_sizes_are_not_mistaken_for_a_crowd() -> None:
    count, now = ThreadCount(2), 0.0
    for _ in range(20):
        for tokens, seconds in ((1, 0.006), (128, 0.14), (10, 0.03), (1, 0.011)):  # the last: a long context
            now += seconds
            count.observe(tokens, seconds, now)
            assert count.count == 2
