"""One sandbox for solutions and tests that come by and by: the same verdicts as one run, and nothing is left of it."""

from __future__ import annotations

import asyncio
import os
import signal
import textwrap
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rung.cascade.sandbox import Limits, Sandbox, SandboxUnavailable, Session, Verdict

from .started import bwraps, children

GOOD = "def f(x):\n    return x + 1\n"
ENDLESS = "def f(x):\n    while True: pass\n"
LIMITS = Limits(wall_s=60, test_s=20)
SOLUTIONS = [
    GOOD,
    "def f(x): return x * 2\n",
    "n = []\ndef f(x):\n    n.append(x)\n    return len(n) + 1\n",
    "def f(x:\n",
    "def f(x):\n    if x == 2: raise SystemExit\n    return [x]\n",
]
TESTS = [
    "assert f(1) == 2",
    "x = f(2)\nassert x == 3",
    "assert f(3) == 6 or f(3) == 2",
    "assert f(1) ==",
    "assert f('a')",
    "import os\nos._exit(0)",
]
P, F, E, K = Verdict.PASSED, Verdict.FAILED, Verdict.ERROR, Verdict.KILLED
EXPECTED = [
    [P, P, F, E, E, K],
    [P, F, P, E, P, K],
    [P, F, F, E, P, K],
    [E, E, E, E, E, E],
    [F, K, F, E, P, K],
]


async def completed(session: Session) -> None:
    await session.completed(LIMITS.wall_s)
    assert session.complete


async def test_one_run_has_the_verdicts_that_the_sessions_are_held_to(sandbox: Sandbox) -> None:
    matrix = await sandbox.run(SOLUTIONS, TESTS, LIMITS)
    assert [list(row) for row in matrix.verdicts] == EXPECTED


Step = tuple[list[int], list[int], bool]
"""Solutions and tests that are added, and whether all that there is runs to its end before the next."""


def _steps(solutions: list[int], tests: list[int], cuts: list[int], waits: list[bool]) -> list[Step]:
    """Each solution and each test once, in this order, in as many parts as there are waits."""
    parts: list[Step] = [([], [], wait) for wait in waits]
    for solution, cut in zip(solutions, cuts, strict=False):
        parts[cut % len(parts)][0].append(solution)
    for test, cut in zip(tests, cuts[len(solutions) :], strict=True):
        parts[cut % len(parts)][1].append(test)
    return parts


_COUNT = len(SOLUTIONS) + len(TESTS)
_STEPS = st.builds(
    _steps,
    st.permutations(range(len(SOLUTIONS))),
    st.permutations(range(len(TESTS))),
    st.lists(st.integers(0, 11), min_size=_COUNT, max_size=_COUNT),
    st.lists(st.booleans(), min_size=1, max_size=5),
)


@given(_STEPS)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_comes_in_whatever_order_has_the_verdicts_of_one_run(sandbox: Sandbox, steps: list[Step]) -> None:
    async def session_of_steps() -> list[list[Verdict]]:
        async with sandbox.session(LIMITS) as session:
            for solutions, tests, wait in steps:
                session.add([SOLUTIONS[each] for each in solutions], [TESTS[each] for each in tests])
                if wait:
                    await completed(session)
            await completed(session)
            return session.verdicts

    rows = [each for solutions, _, _ in steps for each in solutions]
    columns = [each for _, tests, _ in steps for each in tests]
    assert asyncio.run(session_of_steps()) == [[EXPECTED[row][column] for column in columns] for row in rows]


async def test_what_is_added_is_not_run_until_its_verdict_comes(sandbox: Sandbox) -> None:
    async with sandbox.session(LIMITS) as session:
        assert session.verdicts == []
        assert session.complete
        session.add([GOOD], TESTS[:1])
        assert session.verdicts == [[Verdict.NOT_RUN]]
        assert not session.complete
        await completed(session)
        assert session.verdicts == [[P]]
        session.add(["def f(x): return 2"], TESTS[1:2])
        assert session.verdicts == [[P, Verdict.NOT_RUN], [Verdict.NOT_RUN, Verdict.NOT_RUN]]
        assert not session.complete
        await completed(session)
        assert session.verdicts == [[P, P], [P, F]]


async def test_solutions_alone_and_tests_alone_are_complete_and_wait_for_each_other(sandbox: Sandbox) -> None:
    async with sandbox.session(LIMITS) as session:
        session.add([GOOD, "def f(x): return 2"], [])
        assert session.verdicts == [[], []]
        assert session.complete
        session.add([], [])
        session.add([], TESTS[:2])
        await completed(session)
        assert session.verdicts == [[P, P], [P, F]]
    async with sandbox.session(LIMITS) as session:
        session.add([], TESTS[:2])
        assert session.verdicts == []
        assert session.complete
        session.add([GOOD], [])
        await completed(session)
        assert session.verdicts == [[P, P]]


async def test_a_hundred_additions_of_one_test_each_are_all_run(sandbox: Sandbox) -> None:
    async with sandbox.session(LIMITS) as session:
        session.add([GOOD], [])
        for i in range(100):
            session.add([], [f"assert f({i}) == {i + 1 + (i == 50)}"])
        await completed(session)
        assert session.verdicts == [[F if i == 50 else P for i in range(100)]]


async def test_the_same_text_twice_has_a_row_or_column_of_each(sandbox: Sandbox) -> None:
    async with sandbox.session(LIMITS) as session:
        session.add([GOOD], TESTS[:1])
        await completed(session)
        session.add([GOOD, GOOD], TESTS[:1])
        await completed(session)
        assert session.verdicts == [[P, P]] * 3


async def test_texts_of_a_megabyte_come_through_while_others_run(sandbox: Sandbox) -> None:
    async with sandbox.session(LIMITS) as session:
        session.add([GOOD, "#" * (1 << 20) + "é\n" + GOOD], ["#" * (1 << 20) + "\nassert f(1) == 2", TESTS[0]])
        session.add([GOOD], TESTS[:1])
        await completed(session)
        assert session.verdicts == [[P, P, P]] * 3


async def test_a_solution_that_was_given_up_stays_so_for_tests_that_come_later(sandbox: Sandbox) -> None:
    async with sandbox.session(Limits(test_s=0.2, timeouts=2)) as session:
        session.add([ENDLESS, GOOD], [f"assert f({i}) == {i + 1}" for i in range(20)])
        await completed(session)
        session.add([], [f"assert f({i}) == {i + 1}" for i in range(20, 40)])
        begin = time.monotonic()
        await completed(session)
        assert time.monotonic() - begin < 20 * 0.2
        assert session.verdicts == [[Verdict.TIMEOUT] * 40, [P] * 40]


async def test_completed_waits_no_longer_than_it_may_and_keeps_what_is_known(sandbox: Sandbox) -> None:
    async with sandbox.session(Limits(test_s=60)) as session:
        session.add([GOOD], TESTS[:1])
        await completed(session)
        session.add([ENDLESS], [])
        begin = time.monotonic()
        await session.completed(0.3)
        assert 0.3 <= time.monotonic() - begin < 2
        assert not session.complete
        assert session.verdicts == [[P], [Verdict.NOT_RUN]]
        session.add([GOOD], [])
        while session.verdicts[2] == [Verdict.NOT_RUN]:  # pytest-timeout is the limit
            assert await session.more()
        assert session.verdicts == [[P], [Verdict.NOT_RUN], [P]]


async def test_completed_returns_as_soon_as_all_is_known(sandbox: Sandbox) -> None:
    async with sandbox.session(LIMITS) as session:
        begin = time.monotonic()
        await session.completed(60)
        session.add([GOOD], TESTS[:1])
        await session.completed(60)
        await session.completed(60)
        assert time.monotonic() - begin < 10
        assert session.complete


async def test_a_block_that_ends_while_cells_run_leaves_no_process(sandbox: Sandbox) -> None:
    async with sandbox.session(Limits(test_s=60)) as session:
        session.add([ENDLESS] * 4, TESTS)
        assert await session.more()
        assert len(bwraps()) == 1
    assert bwraps() == []


async def test_a_block_that_ends_at_once_leaves_no_process(sandbox: Sandbox) -> None:
    async with sandbox.session(LIMITS):
        assert len(bwraps()) == 1
    assert bwraps() == []


async def test_a_block_that_raises_leaves_no_process(sandbox: Sandbox) -> None:
    async def raising() -> None:
        async with sandbox.session(Limits(test_s=60)) as session:
            session.add([ENDLESS], TESTS)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await raising()
    assert bwraps() == []


async def test_a_block_that_is_cancelled_leaves_no_process(sandbox: Sandbox) -> None:
    entered = asyncio.Event()

    async def endless() -> None:
        async with sandbox.session(Limits(test_s=60)) as session:
            session.add([ENDLESS], TESTS[:1])
            entered.set()
            await session.completed(60)

    running = asyncio.create_task(endless())
    await entered.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert bwraps() == []


@pytest.mark.parametrize("which", ["bwrap", "process 1"])
async def test_where_the_sandbox_dies_no_more_comes_and_what_is_known_stays(sandbox: Sandbox, which: str) -> None:
    async with sandbox.session(Limits(test_s=60)) as session:
        session.add([GOOD, ENDLESS], TESTS[:1])
        while session.verdicts[0] == [Verdict.NOT_RUN]:
            assert await session.more()
        (bwrap,) = bwraps()
        (first,) = children(bwrap)
        os.kill(bwrap if which == "bwrap" else first, signal.SIGKILL)
        begin = time.monotonic()
        await session.completed(30)
        assert await session.more() is False
        assert await session.more() is False
        session.add([GOOD], TESTS[:1])
        await session.completed(30)
        assert time.monotonic() - begin < 10
        assert not session.complete
        assert session.verdicts == [[P, Verdict.NOT_RUN], [Verdict.NOT_RUN] * 2, [Verdict.NOT_RUN] * 2]
    assert bwraps() == []


_NEVER_BEGINS = {
    "before it says who it is": "echo 'bwrap: no' >&2",
    "before it has begun": r"""
        while [ "$1" != --info-fd ]; do shift; done
        eval "echo '{\"child-pid\": $$}' >&$2"
        echo 'no python' >&2""",
}


@pytest.mark.parametrize("script", _NEVER_BEGINS.values(), ids=_NEVER_BEGINS)
async def test_a_session_that_never_begins_is_told_in_a_sentence(script: str, tmp_path: Path) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text(f"#!/bin/sh\n{script}\n")
    broken.chmod(0o755)

    async def begin() -> None:
        async with Sandbox(str(broken)).session(LIMITS) as session:
            session.add([GOOD], TESTS)
            await session.completed(30)

    with pytest.raises(SandboxUnavailable, match=r"^The sandbox does not start: .*\.$"):
        await begin()
    assert bwraps() == []


async def test_sessions_beside_each_other_do_not_meet(sandbox: Sandbox) -> None:
    async with sandbox.session(LIMITS) as one, sandbox.session(LIMITS) as other:
        one.add([GOOD], TESTS[:1])
        other.add(["def f(x): return 1"], TESTS[:1])
        await completed(one)
        await completed(other)
        one.add([], TESTS[1:2])
        await completed(one)
        assert (one.verdicts, other.verdicts) == ([[P, P]], [[F]])


async def test_files_of_tests_that_came_before_are_gone(sandbox: Sandbox) -> None:
    writer = (
        "import os\ndef f(x):\n    left = os.listdir('/tmp')\n    open('/tmp/left', 'w').close()\n    return left\n"
    )
    async with sandbox.session(LIMITS) as session:
        session.add([writer], ["assert f(1) == []"])
        await completed(session)
        session.add([writer], ["assert f(1) == []"])
        await completed(session)
        assert session.verdicts == [[P, P], [P, P]]


_HUNTING = """
    import gc, os, re, sys
    def f(x):
        todo = [*gc.get_objects(), *sys._current_frames().values(), *sys.modules.values()]
        for frame in sys._current_frames().values():
            while frame:
                todo += [frame.f_locals, frame.f_globals]
                frame = frame.f_back
        seen = set()
        while todo:
            each = todo.pop()
            if id(each) in seen: continue
            seen.add(id(each))
            text = each.decode("latin-1") if isinstance(each, bytes) else each if isinstance(each, str) else ""
            if found := re.search("expected-[0-9]{8}", text): return found[0]
            todo += gc.get_referents(each)
        for path in ("/proc/self/environ", "/proc/self/mem", "/proc/1/cmdline", "/dev/stdin"):
            if os.path.exists(path): return "expected"
        for fd in range(64):
            try:
                os.set_blocking(fd, False)
                if found := re.search(rb"expected-[0-9]{8}", os.read(fd, 1 << 20)): return found[0].decode()
            except OSError: pass
"""


async def test_a_test_that_comes_later_reaches_a_solution_only_as_its_arguments(sandbox: Sandbox) -> None:
    """The last test shows that the hunter finds what there is."""
    hunter = textwrap.dedent(_HUNTING)
    async with sandbox.session(Limits(test_s=20)) as session:
        session.add([hunter], ["assert f(1) is None"])
        await session.completed(60)
        session.add([hunter, GOOD], ["assert f(1) == 'expected-12345678'"] * 2)
        await session.completed(60)
        session.add(
            [], ["x = 'expected-12345678'\nassert f(1) == x", "assert f('expected-12345678')[-8:] == '12345678'"]
        )
        await session.completed(60)
        assert session.verdicts[:2] == [[P, F, F, F, P]] * 2
