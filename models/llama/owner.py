"""What belongs to this user alone: the folder of sockets, a socket in it, and who is at a connection's other end."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import struct
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

# sockaddr_un holds 108 bytes on Linux and 104 on macOS, with a zero at the end.
_SOCKET_PATH_BYTES = 103
_NAME_BYTES = len("/0123456789abcdef.sock")
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
_NOT_OWNER_ONLY = stat.S_IRWXG | stat.S_IRWXO


class CannotShare(Exception):
    """No worker can be shared here; the message says why, as a sentence without its full stop."""


def runtime_folder() -> Path:
    """The first place for sockets that is this user's alone; made where it is not there. Raises CannotShare.

    It holds for each worker KEY.sock, KEY.lock (held while one connects, starts or ends) and KEY.log (its last words).
    """
    if sys.platform == "win32":
        raise CannotShare("Python has no local sockets on Windows")
    refused: CannotShare | None = None
    for folder in _places():
        try:
            _claim(folder)
        except CannotShare as error:
            refused = refused or error
        else:
            return folder
    raise refused or CannotShare("There is no folder for sockets")


def check_socket(path: Path) -> bool:
    """Whether there is a socket at all. Raises CannotShare where something else, or somebody else's, is there."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return False
    if not stat.S_ISSOCK(status.st_mode) or status.st_uid != os.geteuid():
        raise CannotShare(f"{path} is not a socket of this user's; remove it")
    return True


def is_own_peer(connection: socket.socket) -> bool:
    """Whether the other end is this user's. Only Linux tells; elsewhere the folder's permissions have to do."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    credentials = struct.Struct("3i")
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, credentials.size)
    _, user, _ = credentials.unpack(raw)
    return bool(user == os.geteuid())


def _places() -> Iterator[Path]:
    user = os.geteuid()
    # A login by ssh or cron may not name it, and has to find the worker of the desktop's editors all the same.
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{user}")
    if runtime.is_absolute() and runtime.is_dir():
        yield runtime / "rung"
    yield Path(tempfile.gettempdir()) / f"rung-{user}"


def _claim(folder: Path) -> None:
    if len(os.fsencode(folder)) + _NAME_BYTES > _SOCKET_PATH_BYTES:
        raise CannotShare(f"{folder} is too long for the path of a socket")
    try:
        around = folder.parent.stat()
        if around.st_uid not in (0, os.geteuid()):
            raise CannotShare(f"{folder.parent} belongs to another user")
        if around.st_mode & _OTHERS_MAY_WRITE and not around.st_mode & stat.S_ISVTX:
            raise CannotShare(f"{folder.parent} lets other users replace what is in it")
        with contextlib.suppress(FileExistsError):
            folder.mkdir(0o700)
        status = folder.lstat()
    except OSError as error:
        raise CannotShare(f"{folder} cannot be used: {error.strerror}") from None
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        raise CannotShare(f"{folder} is not a folder of this user's; remove it")
    if status.st_mode & _NOT_OWNER_ONLY:
        raise CannotShare(f"{folder} is open to other users; remove it")
