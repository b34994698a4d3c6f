"""Runs every solution of recordings against every test line and the hidden tests, once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rung.cascade.sandbox import Limits, Sandbox, SandboxUnavailable, Verdict
from rung.cascade.sandboxed import LIMITS as SELF_TEST
from rung.cascade.tune.cache import Cache
from rung.cascade.tune.flight import in_flight

_UNBOUNDED_S = 24 * 3600.0
LINES = replace(SELF_TEST, wall_s=_UNBOUNDED_S, at_once=1)  # as the ladder itself, but to the end
HIDDEN = replace(LINES, test_s=3.0)  # as HumanEval's own harness


@dataclass(frozen=True, slots=True)
class Job:
    """Of one problem and one rung: distinct programs, and the tests that each of them is to be run against."""

    programs: tuple[str, ...]
    lines: tuple[str, ...]
    hidden: str


async def execute(
    jobs: Sequence[Job], sandbox: Sandbox, cache: Cache, *, parallel: int, on_job: Callable[[], None]
) -> None:
    """Brings the cache up to all of it, `parallel` sandboxes at once; what a killed run had finished is not run again.

    Raises SandboxUnavailable and CacheUnusable.
    """

    async def run(job: Job) -> None:
        await _run(job.programs, job.lines, LINES, sandbox, cache)
        await _run(job.programs, (job.hidden,), HIDDEN, sandbox, cache)
        on_job()

    await in_flight(jobs, run, parallel)


def passed(cache: Cache, program: str, tests: Sequence[str], limits: Limits) -> list[bool]:
    """Whether a program passes each test, as `execute` found; what is no program passes none."""
    if not program:
        return [False] * len(tests)
    return [verdict is Verdict.PASSED for verdict in cache.known(program, tests, limits)]


async def _run(programs: Sequence[str], tests: Sequence[str], limits: Limits, sandbox: Sandbox, cache: Cache) -> None:
    """Programs that miss the same tests run together: where nothing was known, in one sandbox.

    One that ends its sandbox, where others do not, is killed under what was left then.
    """
    await _fill(_missing(programs, tests, limits, cache), limits, sandbox, cache)
    alone = [(unknown, [program]) for unknown, group in _missing(programs, tests, limits, cache) for program in group]
    await _fill(alone, limits, sandbox, cache)
    left = _missing(programs, tests, limits, cache)
    fatal = sum(len(group) for _, group in left)
    if fatal and fatal == len(programs):
        raise SandboxUnavailable(
            "The sandbox died several times in the same work; see whether the machine is out of memory."
        )
    cache.keep(
        {(program, test): Verdict.KILLED for unknown, group in left for program in group for test in unknown}, limits
    )


def _missing(
    programs: Sequence[str], tests: Sequence[str], limits: Limits, cache: Cache
) -> list[tuple[tuple[str, ...], list[str]]]:
    """Tests that are unknown, and the programs they are unknown of."""
    found: dict[tuple[str, ...], list[str]] = {}
    for program in programs:
        known = cache.known(program, tests, limits)
        unknown = tuple(test for test, verdict in zip(tests, known, strict=True) if verdict is None)
        if unknown:
            found.setdefault(unknown, []).append(program)
    return list(found.items())


async def _fill(
    groups: Sequence[tuple[tuple[str, ...], list[str]]], limits: Limits, sandbox: Sandbox, cache: Cache
) -> None:
    for unknown, group in groups:
        matrix = await sandbox.run(group, unknown, limits)
        found = {
            (program, test): verdict
            for program, row in zip(group, matrix.verdicts, strict=True)
            for test, verdict in zip(unknown, row, strict=True)
        }
        await asyncio.to_thread(cache.keep, found, limits)
