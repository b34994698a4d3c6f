"""The process that starts solutions. It has never held a test, so no memory that they inherit has."""

from __future__ import annotations

import os
import signal
import socket
import struct
from typing import NoReturn

from .cell import CellLimits, silence
from .seccomp import Filter
from .solution import solve

ORDER = struct.Struct("<cIII")  # what; of START and STOP: cell, solution, tests; of ADD: packets, 0, 0
START, STOP, ADD, WAIT = b"+", b"-", b"p", b"w"
_PACKET = 1 << 15


def send_program(control: socket.socket, program: str) -> None:
    """The next solution's program, in as many packets as it needs."""
    content = program.encode("utf-8", "surrogatepass")
    packets = [content[at : at + _PACKET] for at in range(0, len(content), _PACKET)]
    control.send(ORDER.pack(ADD, len(packets), 0, 0))
    for packet in packets:
        control.send(packet)


def wait_for_deaths(control: socket.socket) -> None:
    """Until all solutions that were stopped are dead."""
    control.send(ORDER.pack(WAIT, 0, 0, 0))
    control.recv(1)


def nurse(control: socket.socket, limits: CellLimits, filter: Filter) -> NoReturn:
    """Follow the harness's orders until it ends. A START carries the socket to the evaluator."""
    silence()
    programs: list[str] = []
    children: dict[int, int] = {}
    dying: list[int] = []
    while True:
        message, fds, _, _ = socket.recv_fds(control, ORDER.size, 1)
        if not message:
            os._exit(0)
        what, number, solution, tests = ORDER.unpack(message)
        dying = [child for child in dying if not os.waitpid(child, os.WNOHANG)[0]]
        if what == ADD:
            content = b"".join(control.recv(_PACKET) for _ in range(number))
            programs.append(content.decode("utf-8", "surrogatepass"))
        elif what == START:
            child = _fork(programs[solution], fds[0], tests, limits, filter)
            if child > 0:
                children[number] = child
        elif what == WAIT:
            for child in dying:
                os.waitpid(child, 0)
            dying.clear()
            control.send(b".")
        elif number in children:
            os.kill(children[number], signal.SIGKILL)
            dying.append(children.pop(number))  # the death takes a while, and nobody needs to wait for it


def _fork(program: str, fd: int, tests: int, limits: CellLimits, filter: Filter) -> int:
    """The process of a solution; -1 where there can be none: the evaluator finds the socket closed."""
    try:
        child = os.fork()
    except OSError:
        child = -1
    if child == 0:
        try:
            solve(program, fd, tests, limits, filter)
        finally:
            os._exit(1)
    os.close(fd)
    return child
