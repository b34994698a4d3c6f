"""The process of one solution in one cell: runs the program, then answers with data. Nothing here is trusted."""

from __future__ import annotations

import os
from types import ModuleType
from typing import Any, NoReturn

from .cell import CellLimits, enclose, limit
from .codec import Json, Refused
from .peer import Broken, Peer
from .remote import RemoteFunction, RemoteIterator
from .seccomp import Filter

_NAMES = 1000


def solve(program: str, fd: int, tests: int, limits: CellLimits, filter: Filter) -> NoReturn:
    """Never returns; `fd` is the socket to the evaluator, which has so many tests.

    The first message says what the program holds: [[name, kind, number], …], or [exception].
    """
    limit(limits)  # not before: a solution that takes all threads must not keep the next from being started
    enclose(limits.cpu_s * tests, (fd,), filter)
    peer = Peer(
        fd,
        limits.answer,
        frozenset({"function", "iterator", "object"}),
        frozenset({"call", "next", "truth", "get", "set"}),
        _stand_in,
        _failed,
    )
    try:
        peer.send(_run(program, peer))
        while True:
            peer.serve(peer.receive())
    finally:
        os._exit(1)


def _run(program: str, peer: Peer) -> Json:
    module = ModuleType("solution")
    try:
        exec(compile(program, "<solution>", "exec", dont_inherit=True), module.__dict__)
    except Exception as error:  # noqa: BLE001  whatever it is, the cell ends with it
        return [type(error).__name__]
    root = peer.export(module)
    names = [(name, value) for name, value in module.__dict__.items() if type(name) is str and name[:2] != "__"]
    return [[name, _kind(value), root if _kind(value) == "data" else peer.export(value)] for name, value in names][
        :_NAMES
    ]


def _kind(value: Any) -> str:
    if isinstance(value, ModuleType):
        return "module"
    if isinstance(value, type):
        return "class"
    return "function" if callable(value) else "data"


def _stand_in(peer: Peer, kind: str, number: int, name: str) -> object:
    return RemoteIterator(peer, number) if kind == "iterator" else RemoteFunction(peer, number, name)


def _failed(error: Broken | Refused) -> None:
    if isinstance(error, Broken):
        os._exit(1)
