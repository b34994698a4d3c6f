"""Has llama.cpp do something in a process of its own, so that its crash ends in a sentence."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from rung.models.reshape.errors import ReshapeFailed

STALL_S = 900.0  # between two signs of life: a large tensor takes minutes on a slow machine
_COMMAND = (sys.executable, "-P", "-m", "rung.models.reshape.llama_child")


Advance = Callable[[int, int], None]


def ask_llama(task: str, request: dict[str, Any], advance: Advance = lambda _done, _total: None) -> dict[str, Any]:
    """Run one of `llama_child`'s tasks and wait for its answer.

    advance: told (done, total) as the child tells it.
    Raises ReshapeFailed where the child fails, crashes, says nothing for `STALL_S` seconds or cannot be started.
    """
    with ExitStack() as stack:
        try:
            words = stack.enter_context(tempfile.TemporaryFile())
            child = subprocess.Popen(
                _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=words, env=_environment()
            )
        except OSError as error:
            raise ReshapeFailed(f"A process for llama.cpp cannot be started: {error.strerror}.") from None
        with child:
            try:
                answer = _talk(child, {"task": task, **request}, advance)
            finally:
                child.kill()
        if answer is None:
            raise ReshapeFailed(_obituary(child.returncode, words))
    if "failed" in answer:
        raise ReshapeFailed(str(answer["failed"]))
    return answer


def pieces(checkpoint: Path, texts: Sequence[str]) -> list[list[bytes]]:
    """How the checkpoint's tokenizer cuts each text: the bytes of its tokens. Raises ReshapeFailed."""
    answer = ask_llama("pieces", {"checkpoint": str(checkpoint), "texts": list(texts)})
    return [[piece.encode("latin-1") for piece in cut] for cut in answer["pieces"]]


def _talk(child: subprocess.Popen[bytes], request: dict[str, Any], advance: Advance) -> dict[str, Any] | None:
    """The answer; None where the child ended without one."""
    assert child.stdin is not None
    assert child.stdout is not None
    with contextlib.suppress(BrokenPipeError):  # it ended at once: its last words tell why
        child.stdin.write(json.dumps(request).encode())
    with contextlib.suppress(BrokenPipeError):
        child.stdin.close()
    while True:
        stalled = threading.Event()
        line = _line(child, stalled)
        if stalled.is_set():
            raise ReshapeFailed(f"llama.cpp said nothing for {STALL_S:.0f} seconds and was ended.")
        if not line:
            child.wait()
            return None
        try:
            message = dict(json.loads(line))
            done, total = (int(message["done"]), int(message["total"])) if "done" in message else (0, 0)
        except (ValueError, TypeError, KeyError):
            raise ReshapeFailed("The process of llama.cpp said something that is not its protocol.") from None
        if "done" not in message:
            return message
        advance(done, total)


def _line(child: subprocess.Popen[bytes], stalled: threading.Event) -> bytes:
    """The next one; a child that gives none for `STALL_S` seconds is ended, and `stalled` is set."""

    def end() -> None:
        stalled.set()
        child.kill()

    assert child.stdout is not None
    watchdog = threading.Timer(STALL_S, end)
    watchdog.daemon = True
    watchdog.start()
    try:
        return child.stdout.readline()
    finally:
        watchdog.cancel()


def _obituary(code: int | None, words: IO[bytes]) -> str:
    ended = f"with status {code}"
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):  # a real-time signal
            ended = f"by {signal.Signals(-code).name}"
    words.seek(0)
    lines = words.read()[-4000:].decode("utf-8", "replace").splitlines()
    last = next((text for line in reversed(lines) if (text := _printable(line))), "")
    said = f" after saying {last!r}" if last else ""
    return f"llama.cpp broke off {ended}{said}: the checkpoint may be damaged, or newer than this build of llama.cpp."


def _printable(line: str) -> str:
    return "".join(character for character in line.strip() if character.isprintable())[:200]


def _environment() -> dict[str, str]:
    # A crash must not first start a debugger; numpy must not start threads that nobody needs.
    return {**os.environ, "GGML_NO_BACKTRACE": "1", "OPENBLAS_NUM_THREADS": "1"}
