"""The matrix: what each verdict means, limits, cancellation, and runs beside each other."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rung.cascade.sandbox import Limits, Matrix, Sandbox, SandboxUnavailable, Verdict
from rung.cascade.sandbox import sandbox as module

from .started import children

GOOD = "def f(x):\n    return x + 1\n"
ENDLESS = "def f(x):\n    while True: pass\n"


def first_processes() -> list[int]:
    """Process 1 of each sandbox of this process: the one child of each bwrap."""
    found = []
    for bwrap in children(os.getpid()):
        found += children(bwrap)
    return found


def processes() -> set[int]:
    return {int(name) for name in os.listdir("/proc") if name.isdigit()}


async def until_one_runs() -> list[int]:
    async with asyncio.timeout(10):
        while not (found := first_processes()):  # noqa: ASYNC110  the kernel has no event for it
            await asyncio.sleep(0.005)
    return found


async def one(sandbox: Sandbox, solution: str, test: str = "assert f(1) == 2") -> Verdict:
    return (await sandbox.run([solution], [test], Limits(test_s=2))).verdicts[0][0]


@pytest.mark.parametrize(
    ("solution", "test", "verdict"),
    [
        (GOOD, "assert f(1) == 2", Verdict.PASSED),
        (GOOD, "assert f(1) == 3", Verdict.FAILED),
        (GOOD, "assert g(1) == 3", Verdict.ERROR),
        (GOOD, "assert f(1) ==", Verdict.ERROR),
        (GOOD, "assert f('a') == 2", Verdict.ERROR),
        ("def f(x:", "assert True", Verdict.ERROR),
        ("1 / 0", "assert True", Verdict.ERROR),
        (ENDLESS, "assert f(1) == 2", Verdict.TIMEOUT),
        (GOOD, "while f(1): pass", Verdict.TIMEOUT),
        ("def f(x):\n    return [0] * 10 ** 10\n", "assert f(1) == 2", Verdict.KILLED),
        ("def f(x):\n    raise SystemExit(0)\n", "assert f(1) == 2", Verdict.KILLED),
        (GOOD, "raise SystemExit(0)", Verdict.KILLED),
        (GOOD, "import os; os._exit(0)", Verdict.KILLED),
        (GOOD, "", Verdict.PASSED),
        ("", "assert 1 == 1", Verdict.PASSED),
    ],
)
async def test_each_verdict_means_what_it_says(sandbox: Sandbox, solution: str, test: str, verdict: Verdict) -> None:
    matrix = await sandbox.run([solution], [test], Limits(test_s=0.5))
    assert matrix.verdicts == ((verdict,),)


async def test_rows_are_solutions_and_columns_are_tests(sandbox: Sandbox) -> None:
    matrix = await sandbox.run(
        [GOOD, "def f(x): return 2"], ["assert f(1) == 2", "assert f(2) == 3", "assert f(9) == 2"]
    )
    assert matrix.passed() == [[True, True, False], [True, False, True]]


@pytest.mark.parametrize(("solutions", "tests"), [([], []), ([], ["assert 1"]), ([GOOD], [])])
async def test_an_empty_matrix_needs_no_sandbox(solutions: list[str], tests: list[str]) -> None:
    matrix = await Sandbox("/nonexistent/bwrap").run(solutions, tests)
    assert matrix.passed() == [[] for _ in solutions]


async def test_what_the_deadline_cuts_off_is_not_run_and_what_was_done_is_kept(sandbox: Sandbox) -> None:
    limits = Limits(wall_s=1.5, test_s=60, at_once=2)
    matrix = await sandbox.run([GOOD, ENDLESS, ENDLESS], ["assert f(1) == 2"], limits)
    assert [row[0] for row in matrix.verdicts] == [Verdict.PASSED, Verdict.NOT_RUN, Verdict.NOT_RUN]
    assert 1.5 <= matrix.seconds < 4
    assert first_processes() == []


async def test_solutions_that_run_out_of_time_do_not_keep_the_others_from_being_run(sandbox: Sandbox) -> None:
    tests = [f"assert f({i}) == {i + 1}" for i in range(30)]
    matrix = await sandbox.run([ENDLESS, GOOD, ENDLESS], tests, Limits(wall_s=4, test_s=0.3))
    assert all(matrix.passed()[1])
    assert not any(matrix.passed()[0] + matrix.passed()[2])


async def test_nothing_is_alive_after_a_run(sandbox: Sandbox) -> None:
    running = asyncio.create_task(sandbox.run([GOOD, ENDLESS], ["assert f(1) == 2"], Limits(test_s=0.3)))
    found = await until_one_runs()
    await running
    assert not set(found) & processes()
    assert first_processes() == []


async def test_cancelling_a_run_leaves_nothing_alive(sandbox: Sandbox) -> None:
    running = asyncio.create_task(sandbox.run([ENDLESS] * 4, ["assert f(1) == 2"] * 4, Limits(wall_s=60, test_s=60)))
    found = await until_one_runs()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not set(found) & processes()


async def test_cancelling_at_any_moment_leaves_nothing_alive(sandbox: Sandbox) -> None:
    for turns in (0, 1, 2, 3, 5, 8, 13, 50):
        running = asyncio.create_task(sandbox.run([ENDLESS], ["assert f(1) == 2"], Limits(wall_s=60, test_s=60)))
        for _ in range(turns):
            await asyncio.sleep(0)
        running.cancel()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert children(os.getpid()) == []


def test_a_sandbox_dies_with_the_process_that_started_it(sandbox: Sandbox) -> None:
    program = (
        "import asyncio, sys\n"
        "from rung.cascade.sandbox import Limits, Sandbox\n"
        "run = Sandbox(sys.argv[1]).run(['def f():\\n  while 1: pass'], ['f()'], Limits(wall_s=60, test_s=60))\n"
        "asyncio.run(run)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, sandbox._bwrap]) as process:
        found: list[int] = []
        while not any(map(_is_python, found)) and process.poll() is None:  # pytest-timeout is the limit
            found = [pid for bwrap in children(process.pid) for pid in children(bwrap)]
        process.kill()
        process.wait()
        assert found
        while not all(map(_is_gone, found)):
            time.sleep(0.005)


def _is_python(pid: int) -> bool:
    """Not bubblewrap any more, which can be orphaned while it sets up; nothing of ours runs then."""
    try:
        return "python" in Path(f"/proc/{pid}/cmdline").read_text().split("\0")[0]
    except OSError:
        return False


def _is_gone(pid: int) -> bool:
    """Dead, if perhaps not yet taken note of."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


async def test_runs_beside_each_other_do_not_meet(sandbox: Sandbox) -> None:
    solutions = [f"def f(x):\n    open('/tmp/mark', 'a').write('{i}')\n    return x + {i}\n" for i in range(4)]
    runs = [sandbox.run([each], ["assert f(1) == 1", "assert f(1) == 2"], Limits(test_s=5)) for each in solutions]
    matrices = await asyncio.gather(*runs)
    assert [each.passed() for each in matrices] == [
        [[True, False]],
        [[False, True]],
        [[False, False]],
        [[False, False]],
    ]


async def test_no_state_is_carried_from_one_cell_to_the_next(sandbox: Sandbox) -> None:
    solution = (
        "import math, os\n"
        "calls = []\n"
        "def f(x, seen=[]):\n"
        "    left = calls + seen + os.listdir('/tmp') + [n for n in dir(math) if n == 'left']\n"
        "    calls.append(1); seen.append(1); math.left = 1; open('/tmp/left', 'w').close()\n"
        "    return len(left)\n"
    )
    matrix = await sandbox.run([solution, solution], ["assert f(1) == 0"] * 5, Limits(at_once=1))
    assert all(map(all, matrix.passed()))


@pytest.mark.parametrize("text", ["# \ud800", "\x00", "\ufeffx = 1", "# é\ndef f(x): return x + 1\n" * 1000])
async def test_any_text_is_a_solution_or_an_error(sandbox: Sandbox, text: str) -> None:
    matrix = await sandbox.run([text, GOOD], ["assert f(1) == 2", text])
    assert matrix.verdicts[1][0] is Verdict.PASSED
    assert Verdict.NOT_RUN not in sum(matrix.verdicts, ())


_EXPRESSION = st.recursive(
    st.sampled_from(["x", "1", "0", "-3", "2.5", "'a'", "[x]", "(1, x)", "{x: 1}", "{x}", "None", "True"]),
    lambda each: st.tuples(each, st.sampled_from(["+", "*", "-", "//", "==", "<", "and"]), each).map(
        lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"
    ),
    max_leaves=4,
)


@given(
    st.lists(_EXPRESSION, min_size=1, max_size=4),
    st.lists(st.tuples(st.sampled_from(["1", "0", "2.5", "'a'", "[1]", "None"]), _EXPRESSION), min_size=1, max_size=6),
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_matrix_is_what_the_same_code_gives_in_process(
    sandbox: Sandbox, bodies: list[str], cases: list[tuple[str, str]]
) -> None:
    solutions = [f"def f(x):\n    return {body}\n" for body in bodies]
    tests = [f"x = 1\nassert f({argument}) == {expected}" for argument, expected in cases]
    tests += [f"assert f({argument}) == {expected.replace('x', '1')}" for argument, expected in cases]
    matrix = asyncio.run(sandbox.run(solutions, tests, Limits(wall_s=60, test_s=30)))
    assert matrix.verdicts == tuple(tuple(in_process(each, test) for test in tests) for each in solutions)


def in_process(solution: str, test: str) -> Verdict:
    namespace: dict[str, object] = {}
    try:
        exec(solution, namespace)
        exec(test, namespace)
    except AssertionError:
        return Verdict.FAILED
    except Exception:  # noqa: BLE001
        return Verdict.ERROR
    return Verdict.PASSED


def test_without_a_bwrap_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "candidates", list)
    with pytest.raises(SandboxUnavailable, match=r"no bwrap was found\. Install bubblewrap"):
        Sandbox.find()


def test_a_bwrap_that_cannot_make_namespaces_is_passed_over_and_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    refusing = tmp_path / "bwrap"
    refusing.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    refusing.chmod(0o755)
    monkeypatch.setattr(module, "candidates", lambda: [str(refusing), "/nonexistent/bwrap"])
    with pytest.raises(SandboxUnavailable, match=r"Permission denied.*No such file.*Install bubblewrap"):
        Sandbox.find()


def test_elsewhere_than_on_linux_there_is_no_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(SandboxUnavailable, match="needs Linux"):
        Sandbox.find()


@pytest.mark.parametrize("script", ["echo 'bwrap: no' >&2; exit 1", "exit 0", "echo nonsense; exit 0"])
async def test_a_sandbox_that_no_longer_starts_is_told_in_a_sentence(script: str, tmp_path: Path) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text(f"#!/bin/sh\n{script}\n")
    broken.chmod(0o755)
    with pytest.raises(SandboxUnavailable, match=r"^The sandbox does not start: .*\.$"):
        await Sandbox(str(broken)).run([GOOD], ["assert f(1) == 2"])


def test_a_matrix_counts_only_what_passed() -> None:
    matrix = Matrix(((Verdict.PASSED, Verdict.KILLED), (Verdict.NOT_RUN, Verdict.TIMEOUT)), 0.1)
    assert matrix.passed() == [[True, False], [False, False]]
