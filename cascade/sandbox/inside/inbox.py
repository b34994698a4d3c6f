"""What comes from outside the sandbox, part by part, without waiting for the rest."""

from __future__ import annotations

import json
import os
import struct
from typing import Any

LENGTH = struct.Struct("<Q")


class Inbox:
    """fd: of a pipe. open: more may come."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.open = True
        self._bytes = bytearray()

    def first(self) -> Any:
        """Waits for the first part, and reads nothing behind it. Ends the process where none comes."""
        (size,) = LENGTH.unpack(self._exactly(LENGTH.size))
        return json.loads(self._exactly(size))

    def read(self) -> list[Any]:
        """The parts that are whole now; waits for some bytes, or the end."""
        content = os.read(self.fd, 1 << 20)
        self.open = bool(content)
        self._bytes += content
        parts = []
        while len(self._bytes) >= LENGTH.size:
            (size,) = LENGTH.unpack_from(self._bytes)
            end = LENGTH.size + size
            if len(self._bytes) < end:
                break
            parts.append(json.loads(bytes(self._bytes[LENGTH.size : end])))
            del self._bytes[:end]
        return parts

    def close(self) -> None:
        os.close(self.fd)

    def _exactly(self, size: int) -> bytes:
        parts = []
        while size:
            part = os.read(self.fd, size)
            if not part:
                os._exit(0)
            parts.append(part)
            size -= len(part)
        return b"".join(parts)
