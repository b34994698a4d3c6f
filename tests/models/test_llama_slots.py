"""Which prompts share the key-value cache."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.models.common_prefix import common_prefix
from rung.models.llama.engine.parked import Parked, State
from rung.models.llama.engine.slots import Slot, Slots

# Also long common beginnings: only they are worth parking.
TOKENS = st.builds(
    lambda start, end: list(range(start)) + end,
    st.integers(0, 20),
    st.lists(st.integers(0, 2), min_size=1, max_size=12),
)


class Cache:
    """What llama.cpp's memory does, on lists."""

    def __init__(self, sequences: int, *, partial: bool = True) -> None:
        self.partial = partial
        self.held: list[list[int]] = [[] for _ in range(sequences)]

    def truncate(self, sequence: int, length: int) -> int:
        if not self.partial and length < len(self.held[sequence]):
            self.held[sequence] = []
            return 0
        self.held[sequence] = self.held[sequence][:length]
        return len(self.held[sequence])

    def copy(self, source: int, target: int, length: int) -> None:
        assert not self.held[target]
        assert self.partial or length == len(self.held[source])
        self.held[target] = self.held[source][:length]

    def drop(self, sequence: int) -> None:
        self.held[sequence] = []

    def clear(self) -> None:
        self.held = [[] for _ in self.held]

    def save(self, sequence: int, most: int) -> State | None:
        return np.array(self.held[sequence], np.uint8) if len(self.held[sequence]) <= most else None

    def load(self, sequence: int, state: State) -> bool:
        assert not self.held[sequence]
        self.held[sequence] = [int(token) for token in state]
        return True


def evaluate(slots: Slots, cache: Cache, prompt: list[int]) -> Slot:
    slot = slots.claim(prompt)
    cache.held[slot.sequence] += prompt[len(slot.tokens) :]
    slot.tokens = list(prompt)
    return slot


@given(st.lists(st.tuples(TOKENS, st.booleans()), max_size=30), st.booleans(), st.integers(0, 80))
def test_whatever_is_asked_a_slot_holds_a_true_prefix_of_its_prompt(
    asked: list[tuple[list[int], bool]], partial: bool, parked: int
) -> None:
    cache = Cache(4, partial=partial)
    slots = Slots(cache, 4, Parked(parked))
    at_work: list[Slot] = []
    for prompt, keep_working in asked:
        if len(at_work) == 4:
            slots.release(at_work.pop(0))
        slot = slots.claim(prompt)
        assert slot.tokens == cache.held[slot.sequence] == prompt[: len(slot.tokens)]
        assert len(slot.tokens) < len(prompt)  # the logits of the last token are wanted
        assert slot not in at_work
        assert sum(map(bool, cache.held)) <= len(at_work) + 1  # nothing idle is beside what is worked with
        cache.held[slot.sequence] += prompt[len(slot.tokens) :]
        slot.tokens = list(prompt)
        at_work.append(slot)
        if not keep_working:
            slots.release(at_work.pop())
    for slot in at_work:
        assert slot.tokens == cache.held[slot.sequence]


def test_a_changed_end_keeps_the_beginning() -> None:
    cache = Cache(2)
    slots = Slots(cache, 2, Parked(99))
    first = evaluate(slots, cache, [1, 2, 3, 4, 5])
    slots.release(first)
    assert slots.claim([1, 2, 3, 9, 9]).tokens == [1, 2, 3]


def test_another_document_does_not_cost_the_first_its_place() -> None:
    cache = Cache(3)
    slots = Slots(cache, 3, Parked(99))
    one, other = [0, *range(1, 20)], [0, *range(50, 70)]
    for prompt in (one, other):
        slots.release(evaluate(slots, cache, prompt))
    slots.release(evaluate(slots, cache, [*one, 7, 7]))
    assert slots.claim([*other, 7]).tokens == other
    assert slots.claim([*one, 7, 7, 7]).tokens == [*one, 7, 7]


def test_a_document_that_is_not_worked_with_is_not_in_the_cache() -> None:
    cache = Cache(3)
    slots = Slots(cache, 3, Parked(99))
    slots.release(evaluate(slots, cache, [1] * 10))
    slot = evaluate(slots, cache, [2] * 10)
    assert [held for held in cache.held if held] == [slot.tokens]


def test_the_document_that_was_not_used_for_longest_makes_room() -> None:
    cache = Cache(2)
    slots = Slots(cache, 2, Parked(25))
    one, two, three = [1] * 10, [2] * 10, [3] * 10
    for prompt in (one, two, one, three, [4] * 10):
        slots.release(evaluate(slots, cache, prompt))
    slots.release(slot := slots.claim([*one, 1]))
    assert slot.tokens == one
    assert slots.claim([*two, 2]).tokens == []


def test_a_document_that_went_on_is_parked_once() -> None:
    parked = Parked(1000)
    slots = Slots(cache := Cache(3), 3, parked)
    for length in range(10, 30):
        slots.release(evaluate(slots, cache, [1] * length))
        slots.release(evaluate(slots, cache, [2] * 10))
    assert parked.bytes <= 29 + 10


def test_a_slot_at_work_is_read_but_never_cut() -> None:
    cache = Cache(3)
    slots = Slots(cache, 3, Parked(99))
    working = evaluate(slots, cache, [1, 2, 3, 4])
    second = slots.claim([1, 2, 9])
    assert second is not working
    assert second.tokens == [1, 2]
    assert cache.held[working.sequence] == [1, 2, 3, 4]


def test_without_a_free_sequence_the_caller_is_told() -> None:
    slots = Slots(Cache(1), 1, Parked(99))
    slots.claim([1, 2])
    with pytest.raises(RuntimeError, match="in use"):
        slots.claim([3, 4])


@given(st.lists(st.integers(0, 1)), st.lists(st.integers(0, 1)))
def test_the_common_prefix_is_the_longest(left: list[int], right: list[int]) -> None:
    length = common_prefix(left, right)
    assert left[:length] == right[:length]
    assert length == min(len(left), len(right)) or left[length] != right[length]
