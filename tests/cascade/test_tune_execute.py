"""Running recordings: each program under each test once, and what is known is not run again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from rung.cascade.sandbox import Limits, Matrix, Sandbox, SandboxUnavailable, Verdict
from rung.cascade.tune.cache import Cache, CacheUnusable, cache
from rung.cascade.tune.execute import HIDDEN, LINES, Job, execute, passed

RIGHT, WRONG, ENDLESS = (f"def f(x):\n    {body}\n" for body in ("return x + 1", "return x", "while True: pass"))
JOB = Job((RIGHT, WRONG), ("assert f(1) == 2", "assert f(2) == 2"), "assert f(5) == 6\n")


class Counting:
    """A sandbox that counts its cells, and breaks after so many runs."""

    def __init__(self, sandbox: Sandbox, breaks_after: int | None = None) -> None:
        self._sandbox = sandbox
        self._left = breaks_after
        self.cells = 0

    async def run(self, solutions: Sequence[str], tests: Sequence[str], limits: Limits | None = None) -> Matrix:
        if self._left is not None:
            if self._left == 0:
                raise SandboxUnavailable("It broke.")
            self._left -= 1
        self.cells += len(solutions) * len(tests)
        return await self._sandbox.run(solutions, tests, limits)


async def run(jobs: Sequence[Job], sandbox: Counting, verdicts: Cache, parallel: int = 2) -> None:
    done: list[None] = []
    await execute(jobs, sandbox, verdicts, parallel=parallel, on_job=lambda: done.append(None))  # type: ignore[arg-type]
    assert len(done) == len(jobs)


async def test_each_program_is_run_under_each_test_and_nothing_twice(sandbox: Sandbox, tmp_path: Path) -> None:
    counting = Counting(sandbox)
    with cache(tmp_path / "x.sqlite") as verdicts:
        await run([JOB], counting, verdicts)
        assert counting.cells == 6
        assert [passed(verdicts, program, JOB.lines, LINES) for program in JOB.programs] == [
            [True, False],
            [False, True],
        ]
        assert [passed(verdicts, program, (JOB.hidden,), HIDDEN) for program in JOB.programs] == [[True], [False]]
        await run([JOB], counting, verdicts)
    assert counting.cells == 6
    with cache(tmp_path / "x.sqlite") as verdicts:
        more = Job((*JOB.programs, ENDLESS), (*JOB.lines, "assert f(3) == 4"), JOB.hidden)
        await run([more], counting, verdicts)
        assert passed(verdicts, RIGHT, more.lines, LINES) == [True, False, True]
        assert passed(verdicts, ENDLESS, more.lines, LINES) == [False] * 3
    assert counting.cells == 6 + 2 * 1 + 1 * 3 + 1


async def test_what_a_broken_run_had_finished_is_kept(sandbox: Sandbox, tmp_path: Path) -> None:
    jobs = [Job((RIGHT + f"# {number}\n",), JOB.lines, JOB.hidden) for number in range(4)]
    counting = Counting(sandbox, breaks_after=3)
    with cache(tmp_path / "x.sqlite") as verdicts:
        with pytest.raises(SandboxUnavailable, match="It broke"):
            await run(jobs, counting, verdicts, parallel=1)
        rest = Counting(sandbox)
        await run(jobs, rest, verdicts)
        assert counting.cells + rest.cells == 4 * 3
        for job in jobs:
            assert passed(verdicts, job.programs[0], job.lines, LINES) == [True, False]


async def test_a_sandbox_that_dies_again_and_again_is_said(tmp_path: Path) -> None:
    class Dying:
        async def run(self, solutions: Sequence[str], tests: Sequence[str], _: Limits) -> Matrix:
            return Matrix(tuple((Verdict.NOT_RUN,) * len(tests) for _ in solutions), 0.0)

    with cache(tmp_path / "x.sqlite") as verdicts, pytest.raises(SandboxUnavailable, match="several times"):
        await execute([JOB], Dying(), verdicts, parallel=1, on_job=lambda: None)  # type: ignore[arg-type]


async def test_a_program_that_ends_its_sandbox_is_killed_and_holds_up_no_other(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    class Fatal(Counting):
        async def run(self, solutions: Sequence[str], tests: Sequence[str], limits: Limits | None = None) -> Matrix:
            if WRONG in solutions:
                return Matrix(tuple((Verdict.NOT_RUN,) * len(tests) for _ in solutions), 0.0)
            return await super().run(solutions, tests, limits)

    with cache(tmp_path / "x.sqlite") as verdicts:
        await run([JOB], Fatal(sandbox), verdicts)
        assert verdicts.known(WRONG, JOB.lines, LINES) == [Verdict.KILLED] * 2
        assert passed(verdicts, RIGHT, JOB.lines, LINES) == [True, False]


def test_verdicts_are_kept_by_content_and_limits(tmp_path: Path) -> None:
    with cache(tmp_path / "x.sqlite") as verdicts:
        verdicts.keep({("p", "t"): Verdict.PASSED, ("p", "u"): Verdict.NOT_RUN, ("q", "t"): Verdict.KILLED}, LINES)
        assert verdicts.known("p", ["t", "u", "v"], LINES) == [Verdict.PASSED, None, None]
        assert verdicts.known("q", ["t"], LINES) == [Verdict.KILLED]
        assert verdicts.known("p", ["t"], HIDDEN) == [None]
        verdicts.keep({("p", "u"): Verdict.TIMEOUT}, LINES)
        assert verdicts.known("p", ["t", "u"], LINES) == [Verdict.PASSED, Verdict.TIMEOUT]


def test_a_file_that_is_no_cache_is_said(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(CacheUnusable, match="remove it"), cache(path):
        pass


def test_what_is_no_program_passes_nothing(tmp_path: Path) -> None:
    with cache(tmp_path / "x.sqlite") as verdicts:
        assert passed(verdicts, "", ("a", "b"), LINES) == [False, False]
