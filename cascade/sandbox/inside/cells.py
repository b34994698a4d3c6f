"""Runs the cells of a matrix, a few at once.

A cell is a test under a solution. Where neither can leave anything behind, all tests of a solution run in one pair of
processes, one after the other; all other cells have a pair of their own.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import time
from collections import Counter, deque
from collections.abc import Iterator
from typing import NamedTuple

from .cell import CellLimits
from .evaluator import DONE, KILLED, MOST_TESTS, evaluate, order
from .inbox import Inbox
from .nursery import ORDER, START, STOP, send_program, wait_for_deaths
from .scratch import Scratch
from .seccomp import Filter

TIMEOUT = b"T"
_VERDICTS = b"PFEK"
_TMP = "/tmp"  # the sandbox's own
_TICK_S = 0.005  # verdicts are looked for so often: a message for each would wake three processes

Found = tuple[int, int, bytes]


class _Unit(NamedTuple):
    """Tests for one process of a solution.

    plain: none of the tests leaves anything behind. tidy: nor does the solution; else it is one test. alone: no other
    process may live meanwhile.
    """

    solution: int
    tests: tuple[int, ...]
    plain: bool
    tidy: bool = False
    alone: bool = False


class _Evaluator:
    """A process that runs tests. pid: -1 where it could not be started. knows: the first so many tests.

    done: verdicts of its unit. since: when the last of them was seen.
    """

    def __init__(self, pid: int, control: socket.socket, verdicts: int, plain: bool, knows: int) -> None:
        self.pid = pid
        self.control = control
        self.verdicts = verdicts
        self.plain = plain
        self.knows = knows
        self.unit = _Unit(0, (), plain)
        self.done = 0
        self.since = 0.0


class Pace(NamedTuple):
    """test_s: seconds of a cell. at_once: pairs. timeouts: after so many in a row a solution is given up."""

    test_s: float
    at_once: int
    timeouts: int


class Cells:
    """nursery: takes orders for solutions."""

    def __init__(self, nursery: socket.socket, inbox: Inbox, limits: CellLimits, filter: Filter, pace: Pace) -> None:
        self._nursery = nursery
        self._inbox = inbox
        self._limits = limits
        self._filter = filter
        self._pace = pace
        self._tests: list[str] = []
        self._test_plain: list[bool] = []
        self._solution_plain: list[bool] = []
        self._waiting: deque[_Unit] = deque()
        self._running: dict[int, _Evaluator] = {}
        self._idle: list[_Evaluator] = []
        self._timeouts: Counter[tuple[str, int]] = Counter()
        self._in_a_row: Counter[int] = Counter()
        self._scratch = Scratch(_TMP)
        self._poll = select.poll()
        self._poll.register(inbox.fd, select.POLLIN)

    def run(self) -> Iterator[list[Found]]:
        """(solution, test, verdict) of every cell, until no more come. Whatever ran out of time before comes last."""
        while self._waiting or self._running or self._inbox.open:
            while self._may_start():
                self._start(self._waiting.popleft())
            found = self._wait()
            if found:
                yield found

    def _take(self, solutions: list[tuple[str, bool]], tests: list[tuple[str, bool]]) -> None:
        first_solution, first_test = len(self._solution_plain), len(self._tests)
        for program, plain in solutions:
            send_program(self._nursery, program)
            self._solution_plain.append(plain)
        for test, plain in tests:
            self._tests.append(test)
            self._test_plain.append(plain)
        everything = range(len(self._tests))
        for solution in range(len(self._solution_plain)):
            new = everything if solution >= first_solution else everything[first_test:]
            self._waiting.extend(self._units(solution, new))

    def _may_start(self) -> bool:
        """Whether the next unit may. It must not find what others left in the folder."""
        if not self._waiting or len(self._running) >= self._pace.at_once:
            return False
        if self._running:
            beside = (self._waiting[0], *(each.unit for each in self._running.values()))
            return self._scratch.is_clean() and not any(unit.alone for unit in beside)
        if self._waiting[0].alone or not self._scratch.is_clean():
            wait_for_deaths(self._nursery)
            self._scratch.clear()
        return True

    def _units(self, solution: int, tests: range | tuple[int, ...]) -> Iterator[_Unit]:
        together = [test for test in tests if self._solution_plain[solution] and self._test_plain[test]]
        for at in range(0, len(together), MOST_TESTS):
            yield _Unit(solution, tuple(together[at : at + MOST_TESTS]), plain=True, tidy=True)
        for test in tests:
            if not (self._solution_plain[solution] and self._test_plain[test]):
                yield _Unit(solution, (test,), self._test_plain[test])

    def _start(self, unit: _Unit) -> None:
        evaluator = self._evaluator(unit)
        evaluator.unit, evaluator.done, evaluator.since = unit, 0, time.monotonic()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            number = evaluator.control.fileno()
            start = ORDER.pack(START, number, unit.solution, len(unit.tests))
            socket.send_fds(self._nursery, [start], [theirs.fileno()])
            with contextlib.suppress(OSError):  # it is dead, or does not listen: the poll will tell
                socket.send_fds(evaluator.control, [order(unit.tests)], [ours.fileno()])
        self._running[number] = evaluator
        self._poll.register(number, select.POLLIN)

    def _evaluator(self, unit: _Unit) -> _Evaluator:
        """One that has nothing to do and knows these tests, or a new one."""
        if unit.plain:
            while self._idle:
                evaluator = self._idle.pop()
                if evaluator.knows > max(unit.tests):
                    return evaluator
                self._kill(evaluator)
        return self._fork(unit.plain)

    def _fork(self, plain: bool) -> _Evaluator:
        control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        verdicts, write_end = os.pipe()
        with theirs:
            try:
                pid = os.fork()
            except OSError:  # the next poll finds the socket closed
                pid = -1
            if pid == 0:
                try:
                    evaluate(self._tests, theirs, write_end, plain, self._limits, self._filter)
                finally:
                    os._exit(1)
        os.close(write_end)
        os.set_blocking(verdicts, False)
        control.setblocking(False)
        return _Evaluator(pid, control, verdicts, plain, len(self._tests))

    def _wait(self) -> list[Found]:
        """What came in since, cleaned up behind; waits for a tick at most while something runs."""
        found: list[Found] = []
        ended = []
        for number, _ in self._poll.poll(_TICK_S * 1000 if self._running else None):
            if number == self._inbox.fd:
                self._hear()
            else:
                ended.append(self._running[number])
        for evaluator in self._running.values():
            if evaluator.unit.tidy:  # of another, the verdict counts when it has ended
                self._collect(evaluator, found)
        for evaluator in ended:
            self._end(evaluator, found)
        now = time.monotonic()
        for evaluator in [each for each in self._running.values() if now - each.since > self._pace.test_s]:
            self._time_out(evaluator, found)
        return found

    def _hear(self) -> None:
        for part in self._inbox.read():
            self._take(part["solutions"], part["tests"])
        if not self._inbox.open:
            self._poll.unregister(self._inbox.fd)

    def _collect(self, evaluator: _Evaluator, found: list[Found]) -> None:
        try:
            verdicts = os.read(evaluator.verdicts, MOST_TESTS)
        except BlockingIOError:
            return
        unit = evaluator.unit
        for verdict in verdicts[: len(unit.tests) - evaluator.done]:
            known = bytes([verdict]) if verdict in _VERDICTS else KILLED
            found.append((unit.solution, unit.tests[evaluator.done], known))
            evaluator.done += 1
        if verdicts:
            evaluator.since = time.monotonic()
            self._in_a_row[unit.solution] = 0

    def _end(self, evaluator: _Evaluator, found: list[Found]) -> None:
        """Of a unit, or of a process in the middle of one.

        If it was at the first test, that has killed it. A later one may have run into what others before it took up,
        and is tried again in processes of its own. One that ran while files were written is tried again alone: they
        may be those of a cell beside it, or of one before it that was dying.
        """
        try:
            message = evaluator.control.recv(1)
        except OSError:
            message = b""
        unit = evaluator.unit
        if not (unit.tidy or unit.alone or self._scratch.is_clean()):
            self._stop(evaluator, keep=False)
            self._waiting.append(unit._replace(alone=True))
            return
        self._collect(evaluator, found)
        if not evaluator.done:
            found.append((unit.solution, unit.tests[0], KILLED))
            evaluator.done = 1
        self._stop(evaluator, keep=message == DONE and evaluator.plain and evaluator.done == len(unit.tests))
        self._put_back(unit, evaluator.done)

    def _time_out(self, evaluator: _Evaluator, found: list[Found]) -> None:
        unit = evaluator.unit
        self._stop(evaluator, keep=False)
        if evaluator.done == len(unit.tests):
            return
        test = unit.tests[evaluator.done]
        found.append((unit.solution, test, TIMEOUT))
        self._timeouts.update([("solution", unit.solution), ("test", test)])
        self._put_back(unit, evaluator.done + 1)
        self._in_a_row[unit.solution] += 1
        if self._in_a_row[unit.solution] >= self._pace.timeouts:
            self._give_up(unit.solution, found)
        self._waiting = deque(sorted(self._waiting, key=self._rank))

    def _give_up(self, solution: int, found: list[Found]) -> None:
        for unit in self._waiting:
            if unit.solution == solution:
                found.extend((solution, test, TIMEOUT) for test in unit.tests)
        self._waiting = deque(unit for unit in self._waiting if unit.solution != solution)

    def _put_back(self, unit: _Unit, done: int) -> None:
        """What is left of a unit, those tests last that ran out of time before."""
        left = sorted(unit.tests[done:], key=lambda test: self._timeouts["test", test])
        if left:
            self._waiting.append(unit._replace(tests=tuple(left)))

    def _rank(self, unit: _Unit) -> int:
        return self._timeouts["solution", unit.solution] + min(self._timeouts["test", test] for test in unit.tests)

    def _stop(self, evaluator: _Evaluator, keep: bool) -> None:
        number = evaluator.control.fileno()
        del self._running[number]
        self._poll.unregister(number)
        self._nursery.send(ORDER.pack(STOP, number, evaluator.unit.solution, 0))
        if keep:
            self._idle.append(evaluator)
        else:
            self._kill(evaluator)

    def _kill(self, evaluator: _Evaluator) -> None:
        if evaluator.pid > 0:
            os.kill(evaluator.pid, signal.SIGKILL)
            os.waitpid(evaluator.pid, 0)
        evaluator.control.close()
        os.close(evaluator.verdicts)
