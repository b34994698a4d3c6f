"""What a batch costs here, with how many threads, and whether batches compute what single tokens do."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rung.models.llama.engine.backend import Backend, Decoded
from rung.models.llama.engine.drafts import LONGEST_DRAFT

_BASE = 32  # tokens before those that are timed
_TRIES = 3
_ENOUGH_S = 1.0  # on a busy machine, where measuring says little, a second must do
_LARGEST = LONGEST_DRAFT + 1
_SIZES = (1, 2, 4, 8, _LARGEST)
_CHECKED = 7  # tokens whose logits are compared


@dataclass(frozen=True, slots=True)
class Speed:
    """single, several: the threads that were fastest for one token and for more.

    The others only where drafts are wanted, else empty and False. seconds[n - 1]: a batch of n tokens of one sequence,
    n up to LONGEST_DRAFT + 1. exact: whether the logits of a batch are, bit by bit, those of its tokens one at a time.
    """

    single: int
    several: int
    seconds: tuple[float, ...]
    exact: bool


def measure(backend: Backend, most: int, *, drafts: bool) -> Speed:
    """Half a second, before the first request; the backend's cache is empty before and after. most: threads."""
    tokens = np.random.default_rng(0).integers(0, backend.vocabulary_size, _BASE + _LARGEST).tolist()
    until = time.perf_counter() + _ENOUGH_S
    _decode(backend, tokens[:_BASE], 0)
    # From few to many, in powers of two: a generation waits for memory more than for arithmetic, and another program
    # may be at work.
    counts = sorted({1, 2, 4, 8, most} & set(range(1, most + 1)))
    single, several = (_fastest(backend, tokens, counts, size, until) for size in (1, 8))
    if not drafts:
        backend.clear()
        return Speed(single, several, (), False)
    backend.use_threads(single, several)
    seconds = [_seconds(backend, tokens, size, until) for size in _SIZES]
    exact = backend.partial and _is_exact(backend, tokens)
    backend.clear()
    return Speed(single, several, _between(seconds), exact)


def _fastest(backend: Backend, tokens: list[int], counts: Sequence[int], size: int, until: float) -> int:
    times = dict.fromkeys(counts, float("inf"))
    for _ in range(_TRIES if len(counts) > 1 else 0):  # in rounds: another process may take a core for a moment
        for count in counts:
            backend.use_threads(count, count)
            times[count] = min(times[count], _seconds(backend, tokens, size, until=0.0))
        if time.perf_counter() > until:
            break
    return min(counts, key=lambda count: times[count])


def _seconds(backend: Backend, tokens: list[int], size: int, until: float) -> float:
    best = float("inf")
    for _ in range(_TRIES):
        began = time.perf_counter()
        _decode(backend, tokens[_BASE : _BASE + size], _BASE)
        best = min(best, time.perf_counter() - began)
        backend.truncate(0, _BASE)
        if time.perf_counter() > until:
            break
    return best


def _between(seconds: Sequence[float]) -> tuple[float, ...]:
    """For every size up to the largest, on lines between those measured."""
    return tuple(np.interp(np.arange(1, _LARGEST + 1), _SIZES, seconds).tolist())


def _is_exact(backend: Backend, tokens: list[int]) -> bool:
    first, *others = [_logits(backend, tokens, size) for size in (1, 2, 3, 5, _CHECKED)]
    return all(np.array_equal(first, other) for other in others)


def _logits(backend: Backend, tokens: list[int], size: int) -> NDArray[np.float32]:
    rows = []
    end = _BASE + _CHECKED
    for start in range(_BASE, end, size):
        part = tokens[start : min(start + size, end)]
        _decode(backend, part, start)
        rows += [backend.logits(row).copy() for row in range(len(part))]
    backend.truncate(0, _BASE)
    return np.stack(rows)


def _decode(backend: Backend, tokens: list[int], position: int) -> None:
    count = len(tokens)
    outputs = range(count) if position else range(count - 1, count)
    result = backend.decode(tokens, range(position, position + count), [0] * count, outputs)
    if result is not Decoded.DONE:
        raise ValueError("llama.cpp has no room for a few tokens; raise `cache_mb`")
