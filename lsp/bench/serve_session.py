"""A real `rung serve` with one local rung, isolated from the user's configuration, telemetry and running workers."""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rung.lsp.bench.plain_client import PlainClient, start_client
from rung.models.bench.setup import Setup

AUTOMATIC, INVOKED = 2, 1
_SERVE = (sys.executable, "-c", "from rung.lsp.cli import main; main()", "serve")


@dataclass(frozen=True, slots=True)
class Session:
    client: PlainClient
    folder: Path

    def open(self, name: str | Path, text: str) -> str:
        """The document's URI. name: a path, or one in the folder."""
        uri = (self.folder / name).as_uri()
        document = {"uri": uri, "languageId": "python", "version": 1, "text": text}
        self.client.notify("textDocument/didOpen", {"textDocument": document})
        return uri

    def insert(self, uri: str, version: int, line: int, column: int, text: str) -> None:
        at = {"line": line, "character": column}
        change = {"range": {"start": at, "end": at}, "text": text}
        document = {"uri": uri, "version": version}
        self.client.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})

    async def complete(self, uri: str, line: int, column: int, trigger: int = AUTOMATIC) -> Any:
        params = {
            "textDocument": {"uri": uri},
            "position": {"line": line, "character": column},
            "context": {"triggerKind": trigger},
        }
        return await self.client.request("textDocument/inlineCompletion", params)

    async def worker(self) -> int | None:
        """The process of the rung's worker."""
        for project in (await self.client.command("rung.status"))["projects"]:
            for rung in project["ladder"]:
                pid = rung["worker"]
                if isinstance(pid, int):
                    return pid
        return None


@asynccontextmanager
async def serving(setup: Setup, *, k: int) -> AsyncIterator[Session]:
    """As users have it: telemetry is on, the worker is one that editors could share. k: of functions.

    Workers are looked for in a folder of this session alone: none of the user's is disturbed, or helps.
    Raises BenchFailed.
    """
    with tempfile.TemporaryDirectory(prefix="rung-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        client = await start_client(_SERVE, _environment(folder, _config(folder, setup, k)))
        session = Session(client, folder)
        worker = None
        try:
            await client.request(
                "initialize",
                {
                    "processId": os.getpid(),
                    "capabilities": {"window": {"showDocument": {"support": True}}},
                    "workspaceFolders": [{"uri": folder.as_uri(), "name": "bench"}],
                },
            )
            client.notify("initialized", {})
            yield session
            worker = await session.worker()
        finally:
            await client.stop()
            if worker is not None:
                with suppress(ProcessLookupError):  # it would stay a while for editors to come
                    os.kill(worker, signal.SIGTERM)


def _config(folder: Path, setup: Setup, k: int) -> Path:
    """θ = 0: whatever the model writes is shown."""
    path = folder / "config.yaml"
    rung = {
        "name": "local",
        "checkpoint": str(setup.checkpoint),
        "context": setup.context,
        "threads": setup.threads,
        "k": k,
    }
    config = {"theta": 0, "deadline": {"line": 60, "function": 300}, "ladder": [rung]}
    path.write_text(json.dumps(config), encoding="utf-8")  # JSON is YAML
    return path


def _environment(folder: Path, config: Path) -> dict[str, str]:
    (folder / "run").mkdir(mode=0o700)
    inherited = {name: value for name, value in os.environ.items() if name not in ("RUNG_WORKER", "OMP_WAIT_POLICY")}
    return {
        **inherited,
        "RUNG_CONFIG": str(config),
        "RUNG_DB": str(folder / "rung.db"),
        "XDG_DATA_HOME": str(folder / "data"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "XDG_RUNTIME_DIR": str(folder / "run"),
    }
