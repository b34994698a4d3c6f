"""Process 1 of the sandbox: starts the cells of the matrix and reports their verdicts on its standard output.

Being process 1, no signal from within reaches it.
"""

from __future__ import annotations

import gc
import json
import os
import socket
import struct
from typing import NoReturn

from .cell import CellLimits, silence
from .cells import Cells
from .nursery import nurse
from .seccomp import Filter, harden

LENGTH = struct.Struct("<Q")
REPORT = struct.Struct("<IIc")  # solution, test, verdict; the first one is (0, 0, READY)
READY = b"!"


def main() -> NoReturn:
    """Reads the job from standard input: limits with solutions, then tests, each as JSON after its length."""
    harden()
    gc.disable()
    head = json.loads(_read_part())
    limits = CellLimits(**head["limits"])
    filter = Filter()
    control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    gc.freeze()  # a collection in a child would write to every page that it shares
    if os.fork() == 0:  # before the tests are read
        control.close()
        nurse(theirs, head["solutions"], limits, filter)
    theirs.close()
    tests = json.loads(_read_part())
    report = os.dup(1)
    silence()
    gc.freeze()
    os.write(report, REPORT.pack(0, 0, READY))
    cells = Cells(control, tests, limits, filter, head["test_s"], head["at_once"])
    for solution, test, verdict in cells.run(len(head["solutions"])):
        os.write(report, REPORT.pack(solution, test, verdict))
    os._exit(0)


def _read_part() -> bytes:
    """Unbuffered: what follows must not lie in the memory that the nursery inherits."""
    (size,) = LENGTH.unpack(_read(LENGTH.size))
    return _read(size)


def _read(size: int) -> bytes:
    parts = []
    while size:
        part = os.read(0, size)
        if not part:
            os._exit(0)
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
