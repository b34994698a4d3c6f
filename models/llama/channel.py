"""A server's way to a worker: streams, and what is known of the process behind them."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import tempfile
from asyncio.subprocess import Process
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from filelock import Timeout

from rung.models.llama import wire
from rung.models.llama.address import Address, find_address
from rung.models.llama.order import Order, Post, Sharing
from rung.models.llama.owner import CannotShare, check_socket, is_own_peer
from rung.models.llama.settings import EngineSettings
from rung.models.llama.spawn import spawn_private, spawn_shared
from rung.models.protocol import ModelTimeout

_MEET_S = 15.0
_MEET_AGAIN_S = 0.01
_BACKLOG = 128  # servers that may wait while the worker loads

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Channel:
    """log: the worker's standard error. process: None where the worker is shared, so not this server's to end."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    log: BinaryIO
    process: Process | None


async def open_channel(checkpoint: Path, engine: EngineSettings, sharing: Sharing | None) -> Channel:
    """To the worker that the user's servers share, started if there is none; sharing None: to one of our own.

    Where this platform or the user's folders do not allow sharing, it is one of our own, too, and the log says why.
    Raises OSError and ModelTimeout.
    """
    order = Order(str(await asyncio.to_thread(checkpoint.resolve, strict=True)), engine)
    if sharing is not None:
        try:
            address = await asyncio.to_thread(find_address, Path(order.checkpoint), engine)
            return await _shared(address, order, sharing)
        except CannotShare as error:
            _log.warning("%s. The worker of %s is not shared with other editors.", error, checkpoint.name)
    return await _private(order)


async def _private(order: Order) -> Channel:
    log = tempfile.TemporaryFile()  # noqa: SIM115  as long as the channel
    try:
        process = await spawn_private(order, log)
    except BaseException:
        log.close()
        raise
    assert process.stdout is not None
    assert process.stdin is not None
    return Channel(process.stdout, process.stdin, log, process)


async def _shared(address: Address, order: Order, sharing: Sharing) -> Channel:
    connection, log = await _meet(address, order, sharing)
    try:
        reader, writer = await asyncio.open_unix_connection(sock=connection, limit=wire.LINE_LIMIT)
    except BaseException:
        connection.close()
        log.close()
        raise
    return Channel(reader, writer, log, None)


async def _meet(address: Address, order: Order, sharing: Sharing) -> tuple[socket.socket, BinaryIO]:
    try:
        async with asyncio.timeout(_MEET_S):
            while (met := _try_to_meet(address, order, sharing)) is None:  # noqa: ASYNC110  other processes
                await asyncio.sleep(_MEET_AGAIN_S)
            return met
    except TimeoutError:
        raise ModelTimeout(
            f"Another program has held {address.folder / address.key}.lock for {_MEET_S:.0f} s, or too many wait for "
            "this worker; restart the editor."
        ) from None


def _try_to_meet(address: Address, order: Order, sharing: Sharing) -> tuple[socket.socket, BinaryIO] | None:
    """None: try again in a moment.

    Whoever connects holds the lock, and a worker that ends holds it too: so a connection never meets one that is
    ending, and of servers that find none at the same moment one starts it. Nothing under it waits: no load does.
    """
    try:
        with address.lock():
            connection = _dial(address)
            if connection is None:
                _start(address, order, sharing)
                connection = _dial(address)
            return None if connection is None else (connection, _open_log(address))
    except (Timeout, BlockingIOError):
        return None
    except OSError as error:  # no space, no right to write
        raise CannotShare(f"No worker can be shared in {address.folder}: {error.strerror}") from None


def _dial(address: Address) -> socket.socket | None:
    """None: nobody listens. Raises CannotShare, and BlockingIOError where too many wait already."""
    if not check_socket(address.socket):
        return None
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        connection.connect(str(address.socket))
        if not is_own_peer(connection):
            raise CannotShare(f"{address.socket} is served by another user")
    except (ConnectionRefusedError, FileNotFoundError):
        connection.close()
        return None
    except BaseException:
        connection.close()
        raise
    return connection


def _start(address: Address, order: Order, sharing: Sharing) -> None:
    """The socket listens before the worker runs, so that connections can wait for it to load. Raises OSError."""
    address.socket.unlink(missing_ok=True)  # a worker that was killed left it
    address.log.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener, _create(address.log) as log:
        listener.bind(str(address.socket))
        address.socket.chmod(0o600)
        listener.listen(_BACKLOG)
        post = Post(listener.fileno(), str(address.folder), address.key, sharing)
        spawn_shared(replace(order, post=post), listener.fileno(), log)


def _create(path: Path) -> BinaryIO:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
    return os.fdopen(os.open(path, flags, 0o600), "wb", buffering=0)


def _open_log(address: Address) -> BinaryIO:
    """Of the worker that was just dialled: the next one's takes its place only under the lock."""
    try:
        return address.log.open("rb", buffering=0)
    except FileNotFoundError:  # a cleaner of temporary files: it will have no last words
        return tempfile.TemporaryFile()
