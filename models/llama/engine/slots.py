"""Which beginnings of prompts are in the key-value cache: one sequence for each document, the least used goes first."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Protocol


class Memory(Protocol):
    """The cache itself; see `Backend`."""

    partial: bool

    def truncate(self, sequence: int, length: int) -> int: ...
    def copy(self, source: int, target: int, length: int) -> None: ...
    def drop(self, sequence: int) -> None: ...


@dataclass(eq=False, slots=True)
class Slot:
    """tokens: what the cache holds of this sequence. Whoever claimed it may append, and says so here."""

    sequence: int
    tokens: list[int]
    claimed: bool
    used: int


class Slots:
    """Finds for a prompt the slot with the longest common prefix."""

    def __init__(self, memory: Memory, sequences: int) -> None:
        self._memory = memory
        self._free = list(range(sequences - 1, -1, -1))
        self._slots: list[Slot] = []
        self._clock = itertools.count()

    @property
    def idle(self) -> int:
        """How many slots nobody works with."""
        return sum(not slot.claimed for slot in self._slots)

    def claim(self, prompt: list[int]) -> Slot:
        """A slot whose tokens begin `prompt`, without its last one, whose logits are wanted. Release it.

        Raises RuntimeError where all sequences are at work.
        """
        best, common = self._longest(prompt[:-1])
        if best is not None and not best.claimed and (2 * common >= len(best.tokens) or self._last_resort(best)):
            # The same document, changed: what follows the change is of no use any more.
            best.tokens = best.tokens[: self._memory.truncate(best.sequence, common)]
            best.claimed = True
            return best
        if best is not None:
            best.used = next(self._clock)  # or the search for a free sequence might drop it
        sequence = self.borrow(sparing=best)
        slot = Slot(sequence, [], True, next(self._clock))
        if best is not None and common:
            self._memory.copy(best.sequence, sequence, common)
            slot.tokens = best.tokens[:common]
        self._slots.append(slot)
        return slot

    def release(self, slot: Slot) -> None:
        """It stays in the cache until its place is needed."""
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
        """Forget the slot that nobody has used for longest; False: all are at work."""
        idle = [slot for slot in self._slots if not slot.claimed and slot is not sparing]
        if not idle:
            return False
        self.discard(min(idle, key=lambda slot: slot.used))
        return True

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


def common_prefix(left: list[int], right: list[int]) -> int:
    """Length of the longest common prefix."""
    limit = min(len(left), len(right))
    if left[:limit] == right[:limit]:
        return limit
    low, high = 0, limit  # left[:low] == right[:low], left[:high] != right[:high]
    while high - low > 1:
        middle = (low + high) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle
    return low
