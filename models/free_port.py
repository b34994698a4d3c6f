"""A port of loopback that nobody listens on."""

from __future__ import annotations

import socket


def free_port() -> int:
    """It is free now; another program may take it before its use."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
