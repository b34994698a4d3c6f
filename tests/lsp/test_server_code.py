"""What the server tells a project's completer of its files, and the user of its index."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from .server_peer import Peer, TcpServer


@pytest.fixture
async def peer(server: TcpServer) -> AsyncIterator[Peer]:
    async with server.connect() as peer:
        await peer.initialize({"window": {"workDoneProgress": True}})
        yield peer


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / ".rung.yaml").write_text("")
    return tmp_path


async def seen_when(peer: Peer, key: str, count: int) -> Any:
    async with asyncio.timeout(10):
        while len(found := (await peer.seen())[key]) < count:
            pass
    return found


async def test_a_request_tells_of_the_projects_open_documents_as_they_are(peer: Peer, project: Path) -> None:
    first, second = (project / "a.py").as_uri(), (project / "b.py").as_uri()
    peer.open(first, "x\ny")
    peer.open(second, "z")
    peer.open("file:///elsewhere/c.py", "no")
    peer.change(first, 2, 1, 1, 1, "!")
    assert await peer.complete(first, 1, 2)
    assert sorted((await peer.seen())["edited"]) == [["a.py", "x\ny!", 2], ["b.py", "z", 1]]


async def test_only_what_has_changed_since_is_told_again(peer: Peer, project: Path) -> None:
    first, second = (project / "a.py").as_uri(), (project / "b.py").as_uri()
    peer.open(first, "x")
    peer.open(second, "z")
    assert await peer.complete(first, 0, 1)
    assert await peer.complete(first, 0, 1)
    assert len((await peer.seen())["edited"]) == 2
    peer.change(second, 2, 0, 1, 1, "z")
    peer.notify("textDocument/didClose", {"textDocument": {"uri": first}})
    assert await peer.complete(second, 0, 2)
    seen = await peer.seen()
    assert (seen["edited"][2:], seen["closed"]) == ([["b.py", "zz", 1]], ["a.py"])


async def test_files_that_were_saved_or_changed_on_the_disk_are_told_to_their_project(
    peer: Peer, project: Path
) -> None:
    uri = (project / "a.py").as_uri()
    peer.open(uri, "x")
    assert await peer.complete(uri, 0, 1)
    peer.notify("textDocument/didSave", {"textDocument": {"uri": uri}})
    changes = [{"uri": (project / "made #1?.py").as_uri(), "type": 1}, {"uri": "file:///elsewhere/c.py", "type": 2}]
    peer.notify("workspace/didChangeWatchedFiles", {"changes": changes})
    assert await seen_when(peer, "saved", 2) == ["a.py", "made #1?.py"]


async def test_a_long_indexing_is_shown_without_a_button(peer: Peer, tmp_path: Path) -> None:
    folder = tmp_path / "indexing"
    folder.mkdir()
    (folder / ".rung.yaml").write_text("")
    peer.answers["window/workDoneProgress/create"] = None
    uri = (folder / "a.py").as_uri()
    peer.open(uri, "x")
    assert await peer.complete(uri, 0, 1)
    create = await peer.message("window/workDoneProgress/create")
    begin = await peer.message("$/progress", token=create["params"]["token"])
    assert begin["params"]["value"]["title"] == "rung reads the project"
    assert not begin["params"]["value"]["cancellable"]
