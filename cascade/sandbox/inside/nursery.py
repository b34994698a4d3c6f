"""The process that starts solutions. It has never held a test, so no memory that they inherit has."""

from __future__ import annotations

import os
import signal
import socket
import struct
from typing import NoReturn

from .cell import CellLimits, limit, silence
from .seccomp import Filter
from .solution import solve

ORDER = struct.Struct("<cII")  # what, cell, solution
START, STOP = b"+", b"-"


def nurse(control: socket.socket, programs: list[str], limits: CellLimits, filter: Filter) -> NoReturn:
    """Follow the harness's orders until it ends. A START carries the socket to the evaluator."""
    silence()
    limit(limits)
    children: dict[int, int] = {}
    dying: list[int] = []
    while True:
        message, fds, _, _ = socket.recv_fds(control, ORDER.size, 1)
        if not message:
            os._exit(0)
        what, cell, solution = ORDER.unpack(message)
        dying = [child for child in dying if not os.waitpid(child, os.WNOHANG)[0]]
        if what == STOP:
            if cell in children:
                os.kill(children[cell], signal.SIGKILL)
                dying.append(children.pop(cell))  # the death takes a while, and nobody needs to wait for it
            continue
        try:
            child = os.fork()
        except OSError:  # the evaluator finds the socket closed
            child = -1
        if child == 0:
            try:
                solve(programs[solution], fds[0], limits, filter)
            finally:
                os._exit(1)
        os.close(fds[0])
        if child > 0:
            children[cell] = child
