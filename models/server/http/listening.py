"""Where the server listens."""

from __future__ import annotations

import errno
import os
import socket
from dataclasses import dataclass


class CannotServe(Exception):
    """The server did not start; the message says why, in a sentence."""


@dataclass(frozen=True, slots=True)
class Address:
    """port: 0 for any free one."""

    host: str
    port: int


def listen(address: Address) -> socket.socket:
    """From now on connections wait for the server. Raises CannotServe."""
    at = f"port {address.port} of {address.host}"
    try:
        family, kind, proto, _, where = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
        # socket.create_server would not say that it is TCP: then asyncio leaves Nagle's algorithm on in what is
        # accepted, and each answer, whose head and body are two writes, waits 40 ms for the client's acknowledgement
        listener = socket.socket(family, kind, proto)
        try:
            if os.name == "posix":  # elsewhere it would let two programs listen
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(where)
            listener.listen(socket.SOMAXCONN)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CannotServe(f"Another program listens at {at}; choose another with --port.") from None
        raise CannotServe(f"Nothing can listen at {at}: {error.strerror or error}.") from None
    return listener
