"""The ladder that the tests of real editors climb: a real small checkpoint, and a real large one behind HTTP.

An editor is started with `environment`, in `project`, with the server `SERVE`; its files are `source` and what else a
test writes there.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import threading
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from anyio.from_thread import start_blocking_portal

from rung.lsp.large_server import EXAMPLE_PRICE, EXTRA, large_server

from ..lsp.server_peer import isolated

RUNG = Path(sys.executable).with_name("rung")
SERVE = [str(RUNG), "serve"]
# Behind these the small checkpoint has something to say: a line, one with letters of several bytes, a function's body.
LINE = "import os\n\n\ndef read(path):\n    with open(path) as file:\n        return file."
NAMES = "names = ['ä', 'öü𝒳']\nfor name in names:\n    print('ß𝒳', "
BODY = 'def is_prime(n):\n    """Return whether n is prime."""\n    '
CLIMBS = 0.99  # a theta that no line of such a small model reaches
_CONTEXT = 1024
_MODEL = "coder"


@dataclass
class Large:
    """The server of the large rung. asked: completions that it was asked for, by anybody."""

    url: str
    model: str
    asked: int = 0
    _free: threading.Event = field(default_factory=threading.Event, repr=False)

    def __post_init__(self) -> None:
        self._free.set()

    @contextmanager
    def held(self) -> Iterator[Callable[[], None]]:
        """It answers nothing meanwhile, or until what is given is called."""

        self._free.clear()
        try:
            yield self._free.set
        finally:
            self._free.set()

    async def freed(self) -> None:
        """Wait until it may answer."""
        await asyncio.to_thread(self._free.wait)


@dataclass(frozen=True, slots=True)
class Request:
    """One completion, as telemetry keeps it. rung: that answered; None where nothing was."""

    id: str
    kind: str
    rung: str | None
    outcome: str | None


@dataclass(frozen=True)
class RealLadder:
    """folder: holds all that an editor and rung read and write."""

    folder: Path
    environment: dict[str, str] = field(repr=False)

    @property
    def project(self) -> Path:
        return self.folder / "project"

    @property
    def source(self) -> Path:
        """A Python file of the project, empty at first."""
        return self.project / "a.py"

    def requests(self) -> list[Request]:
        """What telemetry has recorded so far, oldest first."""
        path = Path(self.environment["RUNG_DB"])
        if not path.exists():
            return []
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
            if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'requests'").fetchone():
                return []
            rows = database.execute("SELECT id, kind, answered_by, outcome FROM requests ORDER BY at, rowid")
            return [Request(*row) for row in rows]

    def servers(self) -> list[int]:
        """The processes of `rung serve` that were started with this ladder."""
        wanted = f"RUNG_DB={self.environment['RUNG_DB']}".encode()
        found = []
        for process in Path("/proc").iterdir():
            try:
                argv = (process / "cmdline").read_bytes().split(b"\0")
                if b"serve" in argv and wanted in (process / "environ").read_bytes().split(b"\0"):
                    found.append(int(process.name))
            except OSError:
                continue  # gone, or no process
        return found

    def outcomes(self) -> list[tuple[str | None, str]]:
        """The rung that answered and what became of it, of each completion of which that is known."""
        return [(request.rung, request.outcome) for request in self.requests() if request.outcome is not None]


def real_ladder(folder: Path, small: Path, large: Large | None, *, theta: float) -> RealLadder:
    """Written into `folder`. theta: 0: the small rung's text is always shown; CLIMBS: the large rung's is."""
    rungs = [f"{{name: small, checkpoint: {small}, context: {_CONTEXT}, k: 0}}"]
    if large is not None:
        extra = ", ".join(f"{name}: {value}" for name, value in EXTRA.items())
        rungs.append(
            f"{{name: large, url: {large.url}, model: {large.model}, context: {_CONTEXT}, k: -1, "
            f"price: {{input: {EXAMPLE_PRICE.input_usd:g}, output: {EXAMPLE_PRICE.output_usd:g}}}, "
            f"extra: {{{extra}}}, timeouts: {{first_token: 60, whole: 60}}}}"
        )
    lines = [f"theta: {theta:g}", "deadline: {line: 60, function: 90}", "ladder:", *(f"  - {rung}" for rung in rungs)]
    (folder / "config.yaml").write_text("\n".join([*lines, "budget: {escalations_per_hour: 1000}", ""]))
    ladder = RealLadder(folder, isolated(folder) | _own_folders(folder))
    ladder.project.mkdir()
    (ladder.project / ".rung.yaml").touch()
    ladder.source.touch()
    return ladder


def _own_folders(folder: Path) -> dict[str, str]:
    """What the editors read and write of their own."""
    names = {"HOME": "home", "XDG_CONFIG_HOME": "config", "XDG_STATE_HOME": "state", "XDG_CACHE_HOME": "cache"}
    for name in names.values():
        (folder / name).mkdir()
    return {variable: str(folder / name) for variable, name in names.items()}


@contextmanager
def large_running(checkpoint: Path) -> Iterator[Large]:
    """llama-cpp-python's server, in a process; a relay before it counts. Raises ServerFailed."""
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(_counted(checkpoint)) as large,
    ):
        yield large


@asynccontextmanager
async def _counted(checkpoint: Path) -> AsyncIterator[Large]:
    async with large_server(checkpoint, _MODEL, context=2 * _CONTEXT, threads=2) as behind:
        large = Large("", _MODEL)
        connections: set[asyncio.Task[None]] = set()

        def connected(reader: StreamReader, writer: StreamWriter) -> None:
            task = asyncio.create_task(_relay(large, urlsplit(behind).port, reader, writer))
            connections.add(task)
            task.add_done_callback(connections.discard)

        server = await asyncio.start_server(connected, "127.0.0.1")
        large.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        try:
            yield large
        finally:
            server.close()
            for task in connections:
                task.cancel()
            await asyncio.gather(*connections, return_exceptions=True)
            await server.wait_closed()


async def _relay(large: Large, port: int | None, reader: StreamReader, writer: StreamWriter) -> None:
    """Both ways, until one side is closed."""
    with closing(writer), suppress(ConnectionError):
        behind_reader, behind = await asyncio.open_connection("127.0.0.1", port)

        async def ask() -> None:
            while data := await reader.read(1 << 16):
                large.asked += data.count(b"POST /v1/completions ")
                behind.write(data)

        async def answer() -> None:
            while data := await behind_reader.read(1 << 16):
                await large.freed()
                writer.write(data)

        with closing(behind):
            ways = {asyncio.ensure_future(ask()), asyncio.ensure_future(answer())}
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
