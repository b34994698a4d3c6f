"""The worker process: `python -m rung.models.llama.worker ORDER`, an `Order` as JSON.

Loads the checkpoint and serves `wire`: on its standard streams until they end, or on a socket until nobody needs it.
The main thread is the engine's; see `connection` and `serving` for the others.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import stat
import sys
import threading
import time
from pathlib import Path
from typing import Any

from rung.models.llama.engine.engine import Engine
from rung.models.llama.engine.loop import Loop
from rung.models.llama.order import Order, unpack_order
from rung.models.llama.settings import EngineSettings
from rung.models.llama.worker.serving import PrivateServing, SharedServing

_LOG_BYTES = 256 * 1024
_LOG_LOOK_S = 60.0


def main() -> None:
    faulthandler.enable(all_threads=False)  # names a fatal signal on standard error: see `last_words`
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is meant for the server
    order = unpack_order(sys.argv[1])
    serving = _serving(order)
    threading.Thread(target=_keep_log_short, daemon=True).start()
    try:
        engine = open_engine(Path(order.checkpoint), order.engine)
    except ValueError as error:
        print(error, file=sys.stderr, flush=True)
        serving.refuse(str(error))
        sys.exit(1)
    loop = Loop(engine)
    hello = {"pid": os.getpid(), "fills_middle": engine.vocabulary.fills_middle, "context": engine.context}
    serving.serve(loop, {"ready": hello})
    loop.run()


def open_engine(checkpoint: Path, settings: EngineSettings) -> Engine:
    """The one place where settings become the engine's arguments. Raises ValueError."""
    return Engine(checkpoint, settings)


def _serving(order: Order) -> SharedServing | PrivateServing:
    began = time.monotonic()

    def status() -> dict[str, Any]:
        return {
            "pid": os.getpid(),
            "checkpoint": order.checkpoint,
            "memory": _resident_bytes(),
            "seconds": time.monotonic() - began,
        }

    if order.post is not None:
        return SharedServing(order.post, status)
    # A library that prints must not be able to break the protocol: it prints to standard error.
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return PrivateServing(sys.stdin.buffer, sink, status)


def _resident_bytes() -> int | None:
    """None where the system has no /proc."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def _keep_log_short() -> None:
    while True:
        time.sleep(_LOG_LOOK_S)
        status = os.fstat(2)
        if stat.S_ISREG(status.st_mode) and status.st_size > _LOG_BYTES:
            os.ftruncate(2, 0)


if __name__ == "__main__":
    main()
