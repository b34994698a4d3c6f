"""The last steps of a process before it runs code that nobody has read."""

from __future__ import annotations

import gc
import os
import resource
from collections.abc import Collection
from typing import NamedTuple

from .seccomp import Filter


class CellLimits(NamedTuple):
    """What one process may use. answer: bytes of one message."""

    cpu_s: int
    memory: int
    threads: int
    file: int
    answer: int


def limit(limits: CellLimits) -> None:
    """The limits that children inherit."""
    for name, value in (
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_NPROC, limits.threads),
        (resource.RLIMIT_FSIZE, limits.file),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ):
        _lower(name, value)


def enclose(cpu_s: int, keep: Collection[int], filter: Filter) -> None:
    """Close every descriptor but 0, 1, 2 and those to keep; limit the processor time and set the filter.

    Raises OSError.
    """
    begin = 3
    for kept in sorted(keep):
        os.closerange(begin, kept)
        begin = kept + 1
    os.closerange(begin, 4096)
    if cpu_s != resource.RLIM_INFINITY:
        _lower(resource.RLIMIT_CPU, cpu_s)
    filter.confine()
    gc.enable()


def silence() -> None:
    """Nothing to read and nowhere to write on 0, 1 and 2."""
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    if null > 2:
        os.close(null)


def _lower(name: int, value: int) -> None:
    """A limit of the surroundings that is already lower stays."""
    hard = resource.getrlimit(name)[1]
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(name, (value, value))
