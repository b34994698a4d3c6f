"""The worker process: `python -m rung.models.llama.worker CHECKPOINT CONTEXT THREADS`.

Speaks `wire` on its standard streams and ends when its standard input does.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from rung.models.llama import wire
from rung.models.llama.engine import Cancelled, Engine
from rung.models.protocol import Token


class Worker:
    """Answers requests in the order in which they come; a cancelled one ends at once, waiting or running."""

    def __init__(self, engine: Engine, source: BinaryIO, sink: BinaryIO) -> None:
        self._engine = engine
        self._source = source
        self._sink = sink
        self._waiting: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._cancelled: set[int] = set()

    def run(self) -> None:
        threading.Thread(target=self._read, daemon=True).start()
        while True:
            message = self._waiting.get()
            identifier = message["generate"]
            self._answer(identifier, message)
            self._cancelled.discard(identifier)

    def _read(self) -> None:
        for line in self._source:
            message = wire.unpack(line)
            if "cancel" in message:
                self._cancelled.add(message["cancel"])
            else:
                self._waiting.put(message)
        os._exit(0)  # the server is gone; a decode in flight has nobody to answer

    def _answer(self, identifier: int, message: dict[str, Any]) -> None:
        def on_token(sample: int, token: Token) -> None:
            if message["stream"]:
                self._send({"token": identifier, "sample": sample, **asdict(token)})

        try:
            if identifier in self._cancelled:
                raise Cancelled
            generations = self._engine.generate(
                wire.prompt_of(message), wire.sampling_of(message), lambda: identifier in self._cancelled, on_token
            )
        except Cancelled:
            self._send({"cancelled": identifier})
        except (ValueError, RuntimeError) as error:
            self._send({"error": identifier, "message": str(error)})
        else:
            self._send({"done": identifier, "generations": [asdict(generation) for generation in generations]})

    def _send(self, message: dict[str, Any]) -> None:
        self._sink.write(wire.pack(message))
        self._sink.flush()


def main() -> None:
    path, context, threads = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    # A library that prints must not be able to break the protocol: it prints to standard error.
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        engine = Engine(path, context=context, threads=threads)
    except ValueError as error:
        sink.write(wire.pack({"failed": str(error)}))
        sink.close()
        sys.exit(1)
    sink.write(wire.pack({"ready": {"fills_middle": engine.vocabulary.fills_middle, "context": engine.context}}))
    sink.flush()
    try:
        Worker(engine, sys.stdin.buffer, sink).run()
    except (BrokenPipeError, KeyboardInterrupt):
        os._exit(0)


if __name__ == "__main__":
    main()
