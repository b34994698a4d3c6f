"""The worker's side of one server: a thread that reads it and one that writes to it.

The engine's thread only puts messages into a queue. A server that does not read cannot hold it up: when its queue is
full, the connection ends.
"""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Callable
from typing import Any, BinaryIO

from rung.models.llama import wire
from rung.models.llama.engine.loop import Cancelled, Loop, Request
from rung.models.llama.worker.activity import Activity
from rung.models.llama.worker.stream import Stream
from rung.models.protocol import Generation, Token

# Messages: more than ten seconds of ten samples' tokens.
_OUTBOX = 16_384
_IN_FLIGHT = 256
_FLUSH_S = 2.0


class Connection:
    """source: its lines. write: sends all bytes, may block. hang_up: ends both at once, from any thread, never blocks.

    status: what it is told when it asks. on_closed: called once, when both threads have ended.
    """

    def __init__(
        self,
        loop: Loop,
        activity: Activity,
        source: BinaryIO,
        write: Callable[[bytes], object],
        hang_up: Callable[[], None],
        status: Callable[[], dict[str, Any]],
        on_closed: Callable[[Connection], None],
    ) -> None:
        self._loop = loop
        self._activity = activity
        self._source = source
        self._write_all = write
        self._hang_up = hang_up
        self._status = status
        self._on_closed = on_closed
        self._outbox: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._requests: dict[int, Request] = {}
        self._lock = threading.Lock()  # of _requests
        self._dropped = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._writer = threading.Thread(target=self._write, daemon=True)

    def start(self, hello: dict[str, Any]) -> None:
        self._send(hello)
        self._writer.start()
        self._reader.start()

    def _send(self, message: dict[str, Any]) -> None:
        if self._outbox.qsize() < _OUTBOX:
            self._outbox.put(message)
        elif not self._dropped:
            self._dropped = True
            print("rung: a server that did not read its answers was disconnected", file=sys.stderr, flush=True)
            self._hang_up()

    def _read(self) -> None:
        patience = 0.0
        try:
            while line := self._source.readline(wire.LINE_LIMIT + 1):
                if len(line) > wire.LINE_LIMIT:
                    raise ValueError("a message is too long")
                self._take(wire.unpack(line))
        except OSError:
            pass  # reset: as good as ended
        except ValueError as error:
            self._send({"refused": str(error)})
            patience = _FLUSH_S
        finally:
            with self._lock:
                left = list(self._requests.values())
            for request in left:
                self._loop.cancel(request)
            self._outbox.put(None)
            self._writer.join(patience)
            self._hang_up()  # one that waits for a server that does not read
            self._writer.join()
            self._on_closed(self)

    def _write(self) -> None:
        try:
            while True:
                # What came while it was writing goes out together.
                messages = [self._outbox.get()]
                while len(messages) < _IN_FLIGHT and not self._outbox.empty():
                    messages.append(self._outbox.get())
                self._write_all(b"".join(wire.pack(message) for message in messages if message is not None))
                if None in messages:
                    return
        except OSError:
            self._hang_up()

    def _take(self, message: dict[str, Any]) -> None:
        """Raises ValueError where it is no message."""
        if "generate" in message:
            self._begin(wire.identifier_of(message["generate"]), message)
        elif "cancel" in message:
            with self._lock:
                request = self._requests.get(wire.identifier_of(message["cancel"]))
            if request is not None:
                self._loop.cancel(request)
        elif "status" in message:
            counts = {"evaluated": self._loop.evaluated, "generated": self._loop.generated}
            self._send({"status": wire.identifier_of(message["status"]), **self._status(), **counts})
        else:
            raise ValueError("a message is one of generate, cancel and status")

    def _begin(self, identifier: int, message: dict[str, Any]) -> None:
        stream = Stream(identifier, self._send)

        def on_end(result: list[Generation] | Exception) -> None:
            stream.flush()
            with self._lock:
                del self._requests[identifier]
            self._activity.end()
            self._send(_answer(identifier, result))

        try:
            request = Request(wire.prompt_of(message), wire.sampling_of(message), _ignore, on_end)
            if message.get("stream") is True:
                request.on_token, request.on_sample = stream.put, stream.end
        except ValueError as error:
            self._send({"error": identifier, "message": str(error)})
            return
        with self._lock:
            if identifier in self._requests:
                raise ValueError("an identifier is used twice")
            if len(self._requests) >= _IN_FLIGHT:
                self._send({"error": identifier, "message": f"more than {_IN_FLIGHT} requests at once"})
                return
            # One that comes to a resting worker is sent again to the next: this one ends without an answer.
            if not self._activity.begin():
                return
            self._requests[identifier] = request
        self._loop.submit(request)


def _ignore(_: int, __: Token) -> None:
    pass


def _answer(identifier: int, result: list[Generation] | Exception) -> dict[str, Any]:
    if isinstance(result, Cancelled):
        return {"cancelled": identifier}
    if isinstance(result, Exception):
        return {"error": identifier, "message": str(result)}
    return {"done": identifier, "generations": result}
