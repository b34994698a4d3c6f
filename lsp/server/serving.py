"""The process: one session over its standard streams, or one for each TCP connection."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable

from rung.lsp.server.address import AddressRefused, parse_address
from rung.lsp.server.contract import MakeCompleter
from rung.lsp.server.lifetime import on_signals
from rung.lsp.server.protocol import log_failure
from rung.lsp.server.session import Session
from rung.lsp.server.streams import PipeSink, PipeSource, SocketSink, SocketSource, take_standard_streams

log = logging.getLogger(__name__)

MAX_SESSIONS = 16
_SWITCH_S = 0.0005

Connected = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def run(make: MakeCompleter, tcp: str | None) -> int:
    """Serve over stdin and stdout, or at the address `tcp`: the exit status. Logs go to stderr."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("rung").setLevel(logging.INFO)
    logging.getLogger("pygls").setLevel(logging.ERROR)  # below that it logs params, which are source text
    # The threads that read, write and parse wait for the loop's thread to let go, by default up to 5 ms each time.
    sys.setswitchinterval(_SWITCH_S)
    try:
        return asyncio.run(_serve(make, tcp))
    except AddressRefused as error:
        print(error, file=sys.stderr)
        return 2


async def serve_stdio(make: MakeCompleter) -> int:
    """Serve the editor at the other end of stdin and stdout: the exit status."""
    source, sink = take_standard_streams()
    session = Session(make, PipeSource(source), PipeSink(sink), watch_parent=True)
    on_signals(asyncio.get_running_loop(), lambda: session.end(0))
    return await session.run()


async def serve_tcp(make: MakeCompleter, host: str, port: int) -> int:
    """Serve every connection until SIGTERM: the exit status. port 0: the system chooses.

    Only on this machine: whoever connects can have code completed and the configured keys used. The client's process
    id is not watched: it may be of another machine, and the connection's end says as much. Raises AddressRefused.
    """
    end = asyncio.Event()
    sessions: dict[Session, asyncio.Task[object]] = {}

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(sessions) >= MAX_SESSIONS or end.is_set():
            log.warning("A connection was refused: %d sessions are open.", len(sessions))
            writer.close()
            return
        session = Session(make, SocketSource(reader), SocketSink(writer), watch_parent=False)
        sessions[session] = task
        try:
            await session.run()
        finally:
            del sessions[session]

    on_signals(asyncio.get_running_loop(), end.set)
    server = await _listen(connected, host, port)
    try:
        log.info("rung listens on %s", " and ".join(_shown(socket.getsockname()) for socket in server.sockets))
        await end.wait()
    finally:
        server.close()
        for session in sessions:
            session.end(0)
        if sessions:
            await asyncio.wait(sessions.values(), timeout=30)
    return 0


async def _serve(make: MakeCompleter, tcp: str | None) -> int:
    asyncio.get_running_loop().set_exception_handler(_report_failure)
    if tcp is None:
        return await serve_stdio(make)
    return await serve_tcp(make, *parse_address(tcp))


async def _listen(connected: Connected, host: str, port: int) -> asyncio.Server:
    # by number, so that no resolver decides what `localhost` is
    numeric = "127.0.0.1" if host == "localhost" else host
    try:
        return await asyncio.start_server(connected, numeric, port)
    except OSError as error:
        raise AddressRefused(f"rung cannot listen on {host}:{port}: {error.strerror}; choose another port.") from None


def _shown(address: tuple[object, ...]) -> str:
    return f"{address[0]}:{address[1]}"


def _report_failure(_: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """Of what nobody waits for, without messages, which may quote source text."""
    error = context.get("exception")
    if isinstance(error, BaseException):
        log_failure("A task", error)
    else:
        log.error("The event loop: %s", context.get("message"))
