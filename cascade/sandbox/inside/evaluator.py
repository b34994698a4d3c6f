"""The process that runs tests against a solution, and decides."""

from __future__ import annotations

import ast
import builtins
import contextlib
import importlib
import os
import resource
import socket
import struct
import sys
from collections.abc import Iterator, Sequence
from types import CodeType
from typing import Any, NamedTuple, NoReturn

from .cell import CellLimits, enclose, limit
from .codec import Json, Refused
from .peer import Broken, Peer
from .remote import Opaque, RemoteFunction, RemoteIterator, RemoteObject
from .seccomp import Filter

PASSED, FAILED, ERROR, KILLED = b"P", b"F", b"E", b"K"
MOST_TESTS = 4096  # of one solution at once
DONE = b"."
_HANDS_OUT = frozenset({"function", "iterator"})
_SERVES = frozenset({"call", "next"})
_AMBIENT = frozenset(vars(builtins)) | sys.stdlib_module_names


class _Test(NamedTuple):
    """code: None where it is no program. used: the names in it."""

    code: CodeType | None
    used: frozenset[str]


class _Unwind(BaseException):
    """Ends a test that asked for what has no answer; a lone `assert` cannot catch it."""


def order(tests: Sequence[int]) -> bytes:
    """What an evaluator is sent, together with the socket to a solution."""
    return struct.pack(f"<{len(tests)}I", *tests)


def evaluate(
    tests: Sequence[str], control: socket.socket, verdicts: int, plain: bool, limits: CellLimits, filter: Filter
) -> NoReturn:
    """Never returns. Takes sockets to solutions from `control`, each with an `order`.

    It answers DONE behind all of them, and ends at one that it cannot go on from.

    verdicts: descriptor of a pipe for one byte a test. plain: none of these tests can leave anything behind, so one
    process runs them all.
    """
    try:
        limit(limits)
        cpu_s = resource.RLIM_INFINITY if plain else limits.cpu_s  # the harness has an eye on each test's time
        enclose(cpu_s, (control.fileno(), verdicts), filter)
        _Evaluator(tests, control, verdicts, plain, limits).run()
    finally:
        os._exit(1)


class _Evaluator:
    def __init__(
        self, tests: Sequence[str], control: socket.socket, verdicts: int, plain: bool, limits: CellLimits
    ) -> None:
        self._tests = tests
        self._control = control
        self._verdicts = verdicts
        self._plain = plain
        self._limits = limits
        self._compiled: dict[int, _Test] = {}

    def run(self) -> None:
        while True:
            message, fds, _, _ = socket.recv_fds(self._control, 4 * MOST_TESTS, 1)
            if not message:
                return
            self._judge(fds[0], struct.unpack(f"<{len(message) // 4}I", message))
            os.close(fds[0])
            self._control.send(DONE)

    def _judge(self, fd: int, tests: Sequence[int]) -> None:
        classes: set[str] = set()
        peer = Peer(fd, self._limits.answer, _HANDS_OUT, _SERVES, _StandIns(classes), self._failed)
        offered: Json = None
        for number in tests:
            test = self._test(number)
            classes.clear()
            classes.update(name for name in test.used if name[:1].isupper())
            try:
                if test.code is None:
                    verdict = ERROR
                else:
                    offered = peer.receive() if offered is None else offered
                    verdict = self._verdict(test.code, test.used, peer, offered)
            except (MemoryError, Broken):
                os._exit(0)
            os.write(self._verdicts, verdict)
            if peer.unanswered:  # in the midst of a call from the solution, which the next test would find there
                os._exit(0)

    def _verdict(self, code: CodeType, used: frozenset[str], peer: Peer, offered: Json) -> bytes:
        if type(offered) is list and len(offered) == 1 and type(offered[0]) is str:
            return ERROR
        namespace: dict[str, Any] = {"__name__": "test"}
        try:
            namespace.update(_bind(peer, offered, used))
            exec(code, namespace)
        except AssertionError:
            return FAILED
        except MemoryError:
            raise
        except (SystemExit, KeyboardInterrupt, GeneratorExit):
            return KILLED
        except (_Unwind, Exception):  # noqa: BLE001  whatever the test raised, it is no pass
            return ERROR
        return PASSED

    def _test(self, number: int) -> _Test:
        if number not in self._compiled:
            test = _Test(None, frozenset())
            with contextlib.suppress(SyntaxError, ValueError, RecursionError):
                tree = ast.parse(self._tests[number], "<test>")
                used = frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
                test = _Test(compile(tree, "<test>", "exec", dont_inherit=True), used)
            self._compiled[number] = test
        return self._compiled[number]

    def _failed(self, error: Broken | Refused) -> None:
        """A test that could catch it ends at once."""
        if isinstance(error, Broken):
            os._exit(0)
        if self._plain:
            raise _Unwind
        os.write(self._verdicts, ERROR)
        os._exit(0)


def _bind(peer: Peer, offered: Json, used: frozenset[str]) -> Iterator[tuple[str, Any]]:
    """The names of the solution that the test uses.

    A solution that brings its own `abs` or `math` must not judge itself with it: a name that Python has too is bound
    only where it is all that the test uses of the solution (`assert sum(1, 2) == 3`). Raises Broken.
    """
    names: dict[str, tuple[str, int]] = {}
    modules: set[str] = set()
    try:
        for name, kind, number in offered:
            if type(name) is not str or type(number) is not int:
                raise Broken("not an offer")
            if name not in used or name.startswith("__"):
                continue
            if kind == "module":
                modules.add(name)
            else:
                names[name] = (kind, number)
    except (TypeError, ValueError) as error:
        raise Broken(str(error)) from None
    for name in modules & sys.stdlib_module_names - names.keys():
        yield name, importlib.import_module(name)  # the real one, whatever the solution calls so
    for name, (kind, number) in names.items():
        if name in _AMBIENT and len(names) > 1:
            continue
        yield name, peer.ask("get", number, (name,)) if kind == "data" else RemoteFunction(peer, number, name)


class _StandIns:
    """Only objects of classes that the test names, written as classes are, can be asked anything but their truth: the
    result of a function that is no data could answer `startswith`, or any other question, as it likes.
    """

    def __init__(self, classes: set[str]) -> None:
        self._classes = classes

    def __call__(self, peer: Peer, kind: str, number: int, name: str) -> object:
        if kind == "function":
            return RemoteFunction(peer, number, name)
        if kind == "iterator":
            return RemoteIterator(peer, number)
        return RemoteObject(peer, number) if name in self._classes else Opaque(peer, number)
