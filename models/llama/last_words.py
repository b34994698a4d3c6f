"""Why a worker ended, from what it left on its standard error.

A server that did not start the worker is not told how it ended. So the worker says it: faulthandler names a fatal
signal, an exception leaves its traceback, a worker that rests says so; one that says nothing was killed.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import BinaryIO

RESTED = "rung: resting"
_TAIL_BYTES = 16 * 1024
_LINE_CHARACTERS = 300
_FATAL = "Fatal Python error: "
_SIGNALS = {
    "Segmentation fault": "SIGSEGV",
    "Illegal instruction": "SIGILL",
    "Bus error": "SIGBUS",
    "Aborted": "SIGABRT",
    "Floating point exception": "SIGFPE",
    "Floating-point exception": "SIGFPE",
}
_WRONG_BUILD = ("SIGILL", "SIGSEGV")


@dataclass(frozen=True, slots=True)
class LastWords:
    """rested: it ended by itself, all requests answered. signal: a fatal one, or "". line: the last that says why."""

    rested: bool = False
    signal: str = ""
    line: str = ""


def read_last_words(log: BinaryIO) -> LastWords:
    try:
        size = os.fstat(log.fileno()).st_size
        log.seek(max(0, size - _TAIL_BYTES))
        text = log.read(_TAIL_BYTES).decode("utf-8", "replace")
    except OSError:
        return LastWords()
    lines = [line.strip()[:_LINE_CHARACTERS] for line in text.splitlines() if line.strip()]
    if not lines:
        return LastWords()
    if lines[-1] == RESTED:
        return LastWords(rested=True)
    for at, line in reversed(list(enumerate(lines))):
        if line.startswith(_FATAL):
            name = line.removeprefix(_FATAL)
            # What llama.cpp said before it gave up says more than the stack after it.
            return LastWords(signal=_SIGNALS.get(name, name), line=lines[at - 1] if at else "")
    return LastWords(line=lines[-1])


def obituary(name: str, words: LastWords, code: int | None) -> str:
    """One sentence or two. code: as subprocess gives it; None where this server is not the worker's parent."""
    fatal = _signal_name(-code) if code is not None and code < 0 else words.signal
    said = f" ({words.line})" if words.line else ""
    if fatal:
        ended = f"was ended by {fatal}"
        if fatal in _WRONG_BUILD:
            ended += "; this llama.cpp may be built for another processor, `rung doctor` tells how to build it anew"
        elif words.signal:
            ended += said
    elif code is not None:
        ended = f"ended with status {code}{said}"
    elif words.line:
        ended = f"ended{said}"
    else:
        ended = "was killed, by hand or because memory ran out"
    return f"The local model {name} {ended}. It restarts with the next request."


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"
