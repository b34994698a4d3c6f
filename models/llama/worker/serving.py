"""Serves servers: all that connect to a socket until it may end, or the one that started the worker."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from filelock import Timeout

from rung.models.llama import wire
from rung.models.llama.address import Address
from rung.models.llama.engine.loop import Loop
from rung.models.llama.last_words import RESTED
from rung.models.llama.order import Post
from rung.models.llama.owner import is_own_peer
from rung.models.llama.worker.activity import Activity
from rung.models.llama.worker.connection import Connection

_LONGEST_LOOK_S = 5.0
_REFUSE_S = 5.0
_AFTER_ERROR_S = 1.0


class SharedServing:
    """Every server that connects. Ends the process when there is none for `linger_s`, or no request for `rest_s`.

    Runs in a thread of its own, which `serve` starts; one of `serve` and `refuse` is called, once.
    """

    def __init__(self, post: Post, status: Callable[[], dict[str, Any]]) -> None:
        self._address = Address(Path(post.folder), post.key)
        self._sharing = post.sharing
        self._status = status
        self._listener = socket.socket(fileno=post.listener)
        self._inode = _inode(self._address.socket)
        self._activity = Activity()
        self._connections: set[Connection] = set()
        self._lock = threading.Lock()  # of _connections and _left
        self._left = time.monotonic()

    def serve(self, loop: Loop, hello: dict[str, Any]) -> None:
        threading.Thread(target=self._run, args=(loop, hello), daemon=True).start()

    def refuse(self, sentence: str) -> None:
        """Tell all that wait, and leave the place to the next worker."""
        with contextlib.suppress(Timeout), self._address.lock().acquire(timeout=_REFUSE_S, blocking=True):
            self._vacate()
            self._listener.setblocking(False)
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = self._listener.accept()
                    with connection, contextlib.suppress(OSError):
                        connection.settimeout(_REFUSE_S)
                        connection.sendall(wire.pack({"failed": sentence}))

    def _run(self, loop: Loop, hello: dict[str, Any]) -> None:
        try:
            self._accept(loop, hello)
        finally:  # nobody could connect any more, and nothing would end it
            traceback.print_exc()
            os._exit(1)

    def _accept(self, loop: Loop, hello: dict[str, Any]) -> None:
        look_s = min(_LONGEST_LOOK_S, self._sharing.linger_s / 4, self._sharing.rest_s / 4)
        while True:
            self._listener.settimeout(max(0.01, look_s))
            try:
                self._admit(self._listener.accept()[0], loop, hello)
            except TimeoutError:
                self._end_if_idle(loop, hello)
            except OSError as error:  # too many open files
                print(f"rung: a connection was lost: {error.strerror}", file=sys.stderr, flush=True)
                time.sleep(_AFTER_ERROR_S)

    def _admit(self, peer: socket.socket, loop: Loop, hello: dict[str, Any]) -> None:
        if not is_own_peer(peer):
            peer.close()
            return
        peer.setblocking(True)
        source = peer.makefile("rb")

        def hang_up() -> None:
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)

        def on_closed(connection: Connection) -> None:
            source.close()
            peer.close()
            with self._lock:
                self._connections.discard(connection)
                self._left = time.monotonic()

        connection = Connection(loop, self._activity, source, peer.sendall, hang_up, self._tell_status, on_closed)
        with self._lock:
            self._connections.add(connection)
        connection.start(hello)

    def _tell_status(self) -> dict[str, Any]:
        with self._lock:
            connections = len(self._connections)
        return {**self._status(), "connections": connections, "running": self._activity.running}

    def _end_if_idle(self, loop: Loop, hello: dict[str, Any]) -> None:
        if not self._is_idle():
            return
        lock = self._address.lock()
        try:
            lock.acquire()
        except Timeout:  # somebody connects
            return
        except OSError:  # a cleaner removed the folder: nobody can connect any more
            pass
        try:
            # From here on nobody connects. Whoever did so just before is served.
            self._listener.setblocking(False)
            self._admit(self._listener.accept()[0], loop, hello)
        except BlockingIOError:
            if self._is_idle() and self._activity.rest():
                self._vacate()
                print(RESTED, file=sys.stderr, flush=True)
                os._exit(0)  # which frees the lock: the next worker starts when this one has ended
        except OSError:  # too many open files: it waits, and is looked for again
            pass
        finally:
            lock.release()

    def _is_idle(self) -> bool:
        with self._lock:
            if self._connections:
                return self._activity.idle_s >= self._sharing.rest_s
            return time.monotonic() - self._left >= self._sharing.linger_s

    def _vacate(self) -> None:
        """Remove the socket, unless a cleaner did so and another worker took the place."""
        with contextlib.suppress(OSError):
            if self._inode is not None and _inode(self._address.socket) == self._inode:
                self._address.socket.unlink()
                self._address.log.unlink()


class PrivateServing:
    """The one server at the standard streams; the process ends when it leaves."""

    def __init__(self, source: BinaryIO, sink: BinaryIO, status: Callable[[], dict[str, Any]]) -> None:
        self._source = source
        self._sink = sink
        self._status = status

    def serve(self, loop: Loop, hello: dict[str, Any]) -> None:
        Connection(
            loop,
            Activity(),
            self._source,
            self._write,
            lambda: os._exit(0),
            lambda: {**self._status(), "connections": 1},
            lambda _: os._exit(0),
        ).start(hello)

    def refuse(self, sentence: str) -> None:
        with contextlib.suppress(OSError):
            self._write(wire.pack({"failed": sentence}))

    def _write(self, data: bytes) -> None:
        self._sink.write(data)
        self._sink.flush()


def _inode(path: Path) -> int | None:
    try:
        return path.lstat().st_ino
    except OSError:
        return None
