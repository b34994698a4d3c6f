"""Process 1 of the sandbox: takes solutions and tests as they come, runs each under each, reports the verdicts.

Being process 1, no signal from within reaches it.
"""

from __future__ import annotations

import gc
import os
import socket
import struct
from typing import NoReturn

from .cell import CellLimits, silence
from .cells import Cells, Pace
from .inbox import Inbox
from .nursery import nurse
from .seccomp import Filter, harden

REPORT = struct.Struct("<IIc")  # solution, test, verdict; the first one is (0, 0, READY)
READY = b"!"


def main() -> NoReturn:
    """Reads parts from standard input, each JSON after its length: limits, then solutions and tests in any order."""
    harden()
    gc.disable()
    inbox = Inbox(os.dup(0))
    head = inbox.first()
    limits = CellLimits(**head["limits"])
    filter = Filter()
    control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    gc.freeze()  # a collection in a child would write to every page that it shares
    if os.fork() == 0:  # before any test is read
        control.close()
        inbox.close()
        nurse(theirs, limits, filter)
    theirs.close()
    report = os.dup(1)
    silence()
    gc.freeze()
    os.write(report, REPORT.pack(0, 0, READY))
    cells = Cells(control, inbox, limits, filter, Pace(head["test_s"], head["at_once"], head["timeouts"]))
    for found in cells.run():
        os.write(report, b"".join(REPORT.pack(*each) for each in found))
    os._exit(0)
