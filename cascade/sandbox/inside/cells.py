"""Runs the cells of a matrix, a few at once."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import time
from collections import Counter
from collections.abc import Iterator

from .cell import CellLimits
from .evaluator import AGAIN, KILLED, evaluate
from .nursery import ORDER, START, STOP
from .seccomp import Filter

TIMEOUT = b"T"
_VERDICTS = (b"P", b"F", b"E", b"K")
_TMP = "/tmp"  # the sandbox's own


class _Evaluator:
    """A process that holds one test. pid: -1 where it could not be started."""

    def __init__(self, test: int, pid: int, control: socket.socket) -> None:
        self.test = test
        self.pid = pid
        self.control = control
        self.solution = 0
        self.deadline = 0.0


class Cells:
    """nursery: takes orders for solutions. test_s: seconds of a cell."""

    def __init__(
        self,
        nursery: socket.socket,
        tests: list[str],
        limits: CellLimits,
        filter: Filter,
        test_s: float,
        at_once: int,
    ) -> None:
        self._nursery = nursery
        self._tests = tests
        self._limits = limits
        self._filter = filter
        self._test_s = test_s
        self._at_once = at_once
        self._running: dict[int, _Evaluator] = {}
        self._idle: list[_Evaluator] = []
        self._poll = select.poll()
        self._timeouts: Counter[tuple[str, int]] = Counter()

    def run(self, solutions: int) -> Iterator[tuple[int, int, bytes]]:
        """(solution, test, verdict) of every cell. Solutions and tests that ran out of time before come last."""
        waiting = [(solution, test) for test in range(len(self._tests)) for solution in range(solutions)][::-1]
        while waiting or self._running:
            littered = any(os.scandir(_TMP))
            if littered and not self._running:
                _clear(_TMP)
                littered = False
            while waiting and not littered and len(self._running) < self._at_once:
                self._start(*waiting.pop())
            for evaluator, verdict in self._finished():
                yield evaluator.solution, evaluator.test, verdict
                if verdict == TIMEOUT:
                    self._timeouts.update([("solution", evaluator.solution), ("test", evaluator.test)])
                    waiting.sort(key=self._rank, reverse=True)

    def _rank(self, cell: tuple[int, int]) -> tuple[int, int, int]:
        solution, test = cell
        return self._timeouts["solution", solution] + self._timeouts["test", test], test, solution

    def _start(self, solution: int, test: int) -> None:
        evaluator = self._evaluator(test)
        evaluator.solution = solution
        evaluator.deadline = time.monotonic() + self._test_s
        ours, theirs = socket.socketpair()
        with ours, theirs:
            number = evaluator.control.fileno()
            socket.send_fds(self._nursery, [ORDER.pack(START, number, solution)], [theirs.fileno()])
            with contextlib.suppress(OSError):  # it is dead, or does not listen: the poll will tell
                socket.send_fds(evaluator.control, [b"."], [ours.fileno()])
        self._running[number] = evaluator
        self._poll.register(number, select.POLLIN)

    def _evaluator(self, test: int) -> _Evaluator:
        """One that has just judged another solution by this test, or a new one."""
        kept = None
        for each in self._idle:
            if kept is None and each.test == test:
                kept = each
            elif each.test != test:
                self._kill(each)
        self._idle = [each for each in self._idle if each.test == test and each is not kept]
        return kept or self._fork(test)

    def _fork(self, test: int) -> _Evaluator:
        control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                pid = os.fork()
            except OSError:  # the next poll finds the socket closed
                pid = -1
            if pid == 0:
                try:
                    evaluate(self._tests[test], theirs, self._limits, self._filter)
                finally:
                    os._exit(1)
        control.setblocking(False)
        return _Evaluator(test, pid, control)

    def _finished(self) -> Iterator[tuple[_Evaluator, bytes]]:
        """Waits until a cell is done or late, and cleans up behind it."""
        if not self._running:
            return
        first = min(each.deadline for each in self._running.values())
        for number, _ in self._poll.poll(max(0.0, first - time.monotonic()) * 1000 + 1):
            evaluator = self._running[number]
            try:
                answer = evaluator.control.recv(2)
            except OSError:
                answer = b""
            verdict = answer[:1] if answer[:1] in _VERDICTS else KILLED
            self._stop(evaluator, keep=answer[1:] == AGAIN)
            yield evaluator, verdict
        now = time.monotonic()
        for evaluator in [each for each in self._running.values() if each.deadline <= now]:
            self._stop(evaluator, keep=False)
            yield evaluator, TIMEOUT

    def _stop(self, evaluator: _Evaluator, keep: bool) -> None:
        number = evaluator.control.fileno()
        del self._running[number]
        self._poll.unregister(number)
        self._nursery.send(ORDER.pack(STOP, number, evaluator.solution))
        if keep:
            self._idle.append(evaluator)
        else:
            self._kill(evaluator)

    def _kill(self, evaluator: _Evaluator) -> None:
        if evaluator.pid > 0:
            os.kill(evaluator.pid, signal.SIGKILL)
            os.waitpid(evaluator.pid, 0)
        evaluator.control.close()


def _clear(folder: str) -> None:
    """What a cell left must not reach the next. What cannot be removed stays until the sandbox ends.

    `shutil` would do it too, and make every process of a cell larger.
    """
    with contextlib.suppress(RecursionError):  # before Python 3.12 a deep tree is too deep for it
        for parent, folders, files in os.walk(folder, topdown=False):
            for name in files:
                with contextlib.suppress(OSError):
                    os.unlink(os.path.join(parent, name))
            for name in folders:
                path = os.path.join(parent, name)
                with contextlib.suppress(OSError):
                    os.unlink(path) if os.path.islink(path) else os.rmdir(path)
