"""Starts worker processes: one that ends with this server, or one that all servers of the user share."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from asyncio.subprocess import PIPE, Process
from typing import IO, BinaryIO

from rung.models.llama import wire
from rung.models.llama.cores import cores
from rung.models.llama.order import Order


async def spawn_private(order: Order, log: BinaryIO) -> Process:
    """Serves the pipes of its standard streams, and ends with them. Raises OSError."""
    return await asyncio.create_subprocess_exec(
        *_command(order),
        stdin=PIPE,
        stdout=PIPE,
        stderr=log,
        limit=wire.LINE_LIMIT,
        env=worker_environment(order.engine.threads),
    )


def spawn_shared(order: Order, listener: int, log: IO[bytes]) -> None:
    """Outlives this server, its editor and their terminal. Raises OSError."""
    process = subprocess.Popen(
        _command(order),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env=worker_environment(order.engine.threads),
        cwd="/",  # it must not keep the project's file system busy
        start_new_session=True,
        pass_fds=(listener,),
    )
    # No zombie, however long this server lives on after it.
    threading.Thread(target=process.wait, name=f"reaper of worker {process.pid}", daemon=True).start()


def worker_environment(threads: int | None) -> dict[str, str]:
    """threads: at most; None as many as there are cores."""
    inherited = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    return {
        **inherited,
        # Threads that wait spin a little: sleeping at once (OMP_WAIT_POLICY=passive) costs up to three quarters of the
        # decode rate; spinning for a millisecond gains three hundredths, and doubles the times beside another model.
        "GOMP_SPINCOUNT": "2000",
        "OMP_NUM_THREADS": str(threads or cores()),
        "OPENBLAS_NUM_THREADS": "1",
        "GGML_NO_BACKTRACE": "1",  # a crash must not first start a debugger to print a backtrace
    }


def _command(order: Order) -> list[str]:
    # -P: a file of the project that is called like a module must not be imported.
    return [sys.executable, "-P", "-m", "rung.models.llama.worker", order.pack()]
