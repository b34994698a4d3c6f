"""Which beginnings of prompts are in the key-value cache: one sequence for each document that is worked with.

What nobody works with is parked when another document comes, and comes back when it is wanted again.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Protocol

from rung.models.common_prefix import common_prefix
from rung.models.llama.engine.parked import Parked, State

_WORTH_LOADING = 8  # tokens; fewer are evaluated again as soon


class Memory(Protocol):
    """The cache itself; see `Backend`."""

    partial: bool

    def truncate(self, sequence: int, length: int) -> int: ...
    def copy(self, source: int, target: int, length: int) -> None: ...
    def drop(self, sequence: int) -> None: ...
    def save(self, sequence: int, most: int) -> State | None: ...
    def load(self, sequence: int, state: State) -> bool: ...
    def clear(self) -> None: ...


@dataclass(eq=False, slots=True)
class Slot:
    """tokens: what the cache holds of this sequence. Whoever claimed it may append, and says so here.

    ordered: its cells are in the order of its tokens, which is that in which llama.cpp adds them up. Two requests at
    once take cells in turns, and those that one of them leaves.
    """

    sequence: int
    tokens: list[int]
    claimed: bool
    used: int
    ordered: bool


class Slots:
    """Finds for a prompt the slot with the longest common prefix.

    parked: where the idle ones go. exact: what is not in order is evaluated again, as it rounds otherwise.
    """

    def __init__(self, memory: Memory, sequences: int, parked: Parked, *, exact: bool = False) -> None:
        self._memory = memory
        self._parked = parked
        self._exact = exact
        self._free = list(range(sequences - 1, -1, -1))
        self._slots: list[Slot] = []
        self._clock = itertools.count()

    def claim(self, prompt: list[int]) -> Slot:
        """A slot whose tokens begin `prompt`, without its last one, whose logits are wanted. Release it.

        Raises RuntimeError where all sequences are at work.
        """
        slot = self._claim(prompt[:-1])
        self._parked.shrink()
        return slot

    def release(self, slot: Slot) -> None:
        """It stays in the cache until another document is worked with, or its place is needed."""
        slot.claimed = False
        slot.used = next(self._clock)

    def discard(self, slot: Slot) -> None:
        """What the cache holds of it is of no use."""
        self._slots.remove(slot)
        self.give_back(slot.sequence)

    def borrow(self, sparing: Slot | None = None) -> int:
        """An empty sequence. Raises RuntimeError where all are at work."""
        if not self._free and not self.evict(sparing):
            raise RuntimeError("every sequence of the key-value cache is in use")
        return self._free.pop()

    def give_back(self, sequence: int) -> None:
        self._memory.drop(sequence)
        self._free.append(sequence)

    def evict(self, sparing: Slot | None = None) -> bool:
        """Park the slot that nobody has used for longest; False: all are at work."""
        idle = [slot for slot in self._slots if not slot.claimed and slot is not sparing]
        if not idle:
            return False
        self._park(min(idle, key=lambda slot: slot.used))
        return True

    def _claim(self, tokens: list[int]) -> Slot:
        at_work = [slot for slot in self._slots if slot.claimed]
        if not at_work:
            return self._continue(tokens) or self._claim_alone(tokens)
        slot = self._claim_beside(tokens)
        for one in (slot, *at_work):
            one.ordered = False
        for other in [other for other in self._slots if not other.claimed]:
            self._park(other)
        return slot

    def _continue(self, tokens: list[int]) -> Slot | None:
        """The one slot that there is, where it is the same document, changed."""
        if len(self._slots) != 1 or not self._is_true(slot := self._slots[0]):
            return None
        _, common = self._longest(tokens)
        _, parked = self._parked.longest(tokens, whole=not self._memory.partial)
        if 2 * common < max(1, len(slot.tokens)) or common + _WORTH_LOADING <= parked:
            return None
        return self._cut(slot, common)

    def _claim_alone(self, tokens: list[int]) -> Slot:
        """In a cache with nothing else: its tokens get the first cells, in their order."""
        for slot in list(self._slots):
            self._park(slot)
        self._memory.clear()
        return self._unpark(tokens, 0, None) or self._add(None)

    def _claim_beside(self, tokens: list[int]) -> Slot:
        best, common = self._longest(tokens)
        if (parked := self._unpark(tokens, common, best)) is not None:
            return parked
        if best is not None and not best.claimed and (2 * common >= len(best.tokens) or self._last_resort(best)):
            return self._cut(best, common)
        slot = self._add(best)
        if best is not None and common:
            self._memory.copy(best.sequence, slot.sequence, common)
            slot.tokens = best.tokens[:common]
        return slot

    def _cut(self, slot: Slot, length: int) -> Slot:
        slot.tokens = slot.tokens[: self._memory.truncate(slot.sequence, length)]
        slot.claimed = True
        return slot

    def _add(self, sparing: Slot | None) -> Slot:
        slot = Slot(self.borrow(sparing), [], True, next(self._clock), ordered=True)
        self._slots.append(slot)
        return slot

    def _unpark(self, tokens: list[int], common: int, best: Slot | None) -> Slot | None:
        """None: what is parked has no longer prefix of `tokens` than the cache has, or no room there."""
        entry, longest = self._parked.longest(tokens, whole=not self._memory.partial)
        if entry is None or longest < common + _WORTH_LOADING or (best and self._last_resort(best)):
            return None
        slot = self._add(best)
        if not self._memory.load(slot.sequence, entry.state):
            self.discard(slot)
            return None
        if 2 * longest >= len(entry.tokens):
            self._parked.remove(entry)  # the same document, changed
        slot.tokens = entry.tokens[: self._memory.truncate(slot.sequence, longest)]
        return slot

    def _park(self, slot: Slot) -> None:
        if slot.tokens and self._is_true(slot):
            state = self._memory.save(slot.sequence, self._parked.limit)
            if state is not None:
                self._parked.put(slot.tokens, state)
        self.discard(slot)

    def _is_true(self, slot: Slot) -> bool:
        return slot.ordered or not self._exact

    def _last_resort(self, slot: Slot) -> bool:
        """Whether there is no sequence but this slot's."""
        return not self._free and all(other.claimed for other in self._slots if other is not slot)

    def _longest(self, tokens: list[int]) -> tuple[Slot | None, int]:
        best, longest = None, 0
        for slot in self._slots:
            common = common_prefix(slot.tokens, tokens)
            if not self._memory.partial and common < len(slot.tokens):
                continue  # such a state can only be continued
            if best is None or (common, slot.used) > (longest, best.used):
                best, longest = slot, common
        return best, longest
