"""The schema that the extension brings, in the language server of VS Code's YAML extension."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ..lsp.server_peer import Peer, serving

pytestmark = pytest.mark.real

EXTENSION = Path(__file__).parents[2] / "editors" / "vscode"
SCHEMA = EXTENSION / "schemas" / "rung.schema.json"
SERVER = EXTENSION / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"
CAPABILITIES = {"workspace": {"configuration": True}}


@asynccontextmanager
async def opened(folder: Path, text: str) -> AsyncIterator[tuple[Peer, str]]:
    """A project's file, in an editor with that extension."""
    node = shutil.which("node")
    if node is None or not SERVER.exists() or not SCHEMA.exists():
        pytest.skip("the extension is not packaged here; `make vsix` does it")
    yaml = {"validate": True, "completion": True, "schemaStore": {"enable": False}}
    yaml["schemas"] = {SCHEMA.as_uri(): ["**/.rung.yaml"]}
    uri = (folder / ".rung.yaml").as_uri()
    async with serving(folder, [node, str(SERVER), "--stdio"]) as peer:
        peer.answers["workspace/configuration"] = [yaml, {}, {}, {}, {}, {}]
        peer.answers["client/registerCapability"] = None
        await peer.initialize(CAPABILITIES)
        await peer.message("workspace/configuration")
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        peer.notify("textDocument/didOpen", {"textDocument": document})
        yield peer, uri
        await peer.stop()


async def problems(peer: Peer) -> list[tuple[int, str]]:
    """Lines, from 0, with what is wrong in them."""
    params: dict[str, Any] = (await peer.message("textDocument/publishDiagnostics"))["params"]
    return sorted((each["range"]["start"]["line"], each["message"]) for each in params["diagnostics"])


async def test_a_file_that_rung_takes_has_no_problem(tmp_path: Path) -> None:
    text = "theta: {line: 0.7, function: 0.5}\nbudget: {usd_per_day: 0.5}\nnever_send: [customers/]\n"
    async with opened(tmp_path, text) as (peer, _):
        assert await problems(peer) == []


async def test_what_rung_would_refuse_is_marked_in_its_line(tmp_path: Path) -> None:
    async with opened(tmp_path, "theta: 1.5\nbudgets: {}\nbudget: {usd_per_day: -1}\n") as (peer, _):
        lines = [line for line, _ in await problems(peer)]
        assert lines == [0, 1, 2]


async def test_keys_are_completed(tmp_path: Path) -> None:
    async with opened(tmp_path, "theta: 0.5\n\n") as (peer, uri):
        place = {"textDocument": {"uri": uri}, "position": {"line": 1, "character": 0}}
        result = await peer.request("textDocument/completion", place)
        labels = {item["label"] for item in result["items"]}
        assert {"ladder", "budget", "deadline", "never_send"} <= labels
