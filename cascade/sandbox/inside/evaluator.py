"""The process that runs one test against one solution, and decides."""

from __future__ import annotations

import ast
import builtins
import contextlib
import importlib
import os
import socket
import sys
from collections.abc import Iterator
from types import CodeType
from typing import Any, NoReturn

from .cell import CellLimits, enclose, limit
from .codec import Json, Refused
from .peer import Broken, Peer
from .remote import Opaque, RemoteFunction, RemoteIterator, RemoteObject
from .seccomp import Filter

PASSED, FAILED, ERROR, KILLED = b"P", b"F", b"E", b"K"
ONCE, AGAIN = b"1", b"+"
_CELLS = 100  # that one process judges
_HANDS_OUT = frozenset({"function", "iterator"})
_SERVES = frozenset({"call", "next"})
_AMBIENT = frozenset(vars(builtins)) | sys.stdlib_module_names


def evaluate(test: str, control: socket.socket, limits: CellLimits, filter: Filter) -> NoReturn:
    """Never returns. Takes sockets to solutions from `control`, and answers each with a verdict and ONCE or AGAIN."""
    try:
        limit(limits)
        enclose(limits.cpu_s * _CELLS, control.fileno(), filter)
        _Evaluator(test, control, limits).run()
    finally:
        os._exit(1)


class _Evaluator:
    """A lone `assert` is used for one solution after the other; any other test could leave something behind."""

    def __init__(self, test: str, control: socket.socket, limits: CellLimits) -> None:
        self._control = control
        self._limits = limits
        self._used: set[str] = set()
        self._after = ONCE
        self._code: CodeType | None = None
        with contextlib.suppress(SyntaxError, ValueError, RecursionError):
            tree = ast.parse(test, "<test>")
            self._code = compile(tree, "<test>", "exec", dont_inherit=True)
            self._used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
            self._after = AGAIN if [type(each) for each in tree.body] == [ast.Assert] else ONCE

    def run(self) -> None:
        """At most _CELLS, which bounds what one process can gather in memory and processor time."""
        for left in range(_CELLS, 0, -1):
            _, fds, _, _ = socket.recv_fds(self._control, 1, 1)
            try:
                verdict = self._verdict(*fds)
            except (MemoryError, Broken):
                self._end(KILLED)
            if left == 1:
                self._after = ONCE
            self._control.send(verdict + self._after)
            if self._after == ONCE:
                return
            os.close(*fds)

    def _verdict(self, fd: int) -> bytes:
        if self._code is None:
            return ERROR
        peer = Peer(fd, self._limits.answer, _HANDS_OUT, _SERVES, _StandIns(self._used), self._failed)
        offered = peer.receive()
        if type(offered) is list and len(offered) == 1 and type(offered[0]) is str:
            return ERROR
        namespace: dict[str, Any] = {"__name__": "test"}
        namespace.update(_bind(peer, offered, self._used))
        try:
            exec(self._code, namespace)
        except AssertionError:
            return FAILED
        except (MemoryError, SystemExit, KeyboardInterrupt, GeneratorExit):
            return KILLED
        except Exception:  # noqa: BLE001  whatever the test raised, it is no pass
            return ERROR
        return PASSED

    def _failed(self, error: Broken | Refused) -> None:
        self._end(KILLED if isinstance(error, Broken) else ERROR)

    def _end(self, verdict: bytes) -> NoReturn:
        """At once: the test must not catch it."""
        self._control.send(verdict + ONCE)
        os._exit(0)


def _bind(peer: Peer, offered: Json, used: set[str]) -> Iterator[tuple[str, Any]]:
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

    def __init__(self, used: set[str]) -> None:
        self._classes = {name for name in used if name[:1].isupper()}

    def __call__(self, peer: Peer, kind: str, number: int, name: str) -> object:
        if kind == "function":
            return RemoteFunction(peer, number, name)
        if kind == "iterator":
            return RemoteIterator(peer, number)
        return RemoteObject(peer, number) if name in self._classes else Opaque(peer, number)
