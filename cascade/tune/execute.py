"""Runs every solution of recordings against every test line and the hidden tests, once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rung.cascade.sandbox import Limits, Sandbox, SandboxUnavailable, Verdict
from rung.cascade.tune.cache import Cache

# As the ladder's own self-test (rung.cascade.sandboxed), but to the end.
_UNBOUNDED_S = 24 * 3600.0
LINES = Limits(wall_s=_UNBOUNDED_S, test_s=1.0, at_once=1)
HIDDEN = Limits(wall_s=_UNBOUNDED_S, test_s=3.0, at_once=1)  # as HumanEval's own harness
_TRIES = 3


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
    waiting = iter(jobs)

    async def work() -> None:
        for job in waiting:
            await _run(job.programs, job.lines, LINES, sandbox, cache)
            await _run(job.programs, (job.hidden,), HIDDEN, sandbox, cache)
            on_job()

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(parallel):
                group.create_task(work())
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None


def passed(cache: Cache, program: str, tests: Sequence[str], limits: Limits) -> list[bool]:
    """Whether a program passes each test, as `execute` found; what is no program passes none."""
    if not program:
        return [False] * len(tests)
    return [verdict is Verdict.PASSED for verdict in cache.known(program, tests, limits)]


async def _run(programs: Iterable[str], tests: Sequence[str], limits: Limits, sandbox: Sandbox, cache: Cache) -> None:
    """Programs that miss the same tests run together: where nothing was known, in one sandbox."""
    for _ in range(_TRIES):
        missing: dict[tuple[str, ...], list[str]] = {}
        for program in programs:
            known = cache.known(program, tests, limits)
            unknown = tuple(test for test, verdict in zip(tests, known, strict=True) if verdict is None)
            if unknown:
                missing.setdefault(unknown, []).append(program)
        if not missing:
            return
        for unknown, group in missing.items():
            matrix = await sandbox.run(group, unknown, limits)
            found = {
                (program, test): verdict
                for program, row in zip(group, matrix.verdicts, strict=True)
                for test, verdict in zip(unknown, row, strict=True)
            }
            await asyncio.to_thread(cache.keep, found, limits)
    raise SandboxUnavailable(
        "The sandbox died several times in the same work; see whether the machine is out of memory."
    )
