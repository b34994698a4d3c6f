"""The shared workers of this user that run now, for the doctor."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

from rung.models.llama import wire
from rung.models.llama.owner import CannotShare, check_socket, is_own_peer, runtime_folder

_ANSWER_S = 2.0


@dataclass(frozen=True, slots=True)
class Running:
    """memory: resident, in bytes; None where the system does not tell. connections: of servers. running: requests."""

    pid: int
    checkpoint: Path
    memory: int | None
    connections: int
    running: int


def running_workers() -> list[Running]:
    """Those that answer; one that loads just now does not. Blocks; raises CannotShare where none can be shared."""
    found = (_ask(path) for path in sorted(runtime_folder().glob("*.sock")))
    return [worker for worker in found if worker is not None]


def _ask(path: Path) -> Running | None:
    if not check_socket(path):
        return None
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_ANSWER_S)
            connection.connect(str(path))
            if not is_own_peer(connection):
                raise CannotShare(f"{path} is served by another user")
            with connection.makefile("rb") as lines:
                lines.readline(wire.LINE_LIMIT)  # ready
                connection.sendall(wire.pack({"status": 1}))
                status = wire.unpack(lines.readline(wire.LINE_LIMIT))
        memory = status["memory"]
        return Running(
            pid=int(status["pid"]),
            checkpoint=Path(str(status["checkpoint"])),
            memory=None if memory is None else int(memory),
            connections=int(status["connections"]) - 1,  # not this one
            running=int(status["running"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
