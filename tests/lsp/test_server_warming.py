"""Between a change and the request that follows, the model reads the prompt; no request waits for that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

from rung.lsp.server.cursor import cursor_after
from rung.lsp.server.documents import Document, Place

from .server_peer import Peer, TcpServer, completion_params, inserted, result_of, serving

URI = "untitled:a"


@pytest.fixture
async def peer(server: TcpServer) -> AsyncIterator[Peer]:
    """An editor that has asked once."""
    async with server.connect() as peer:
        await peer.initialize()
        peer.open(URI, "NOTHING")
        assert await peer.complete(URI, 0, 7) is None
        yield peer


async def warmed(peer: Peer, *prompts: str) -> dict[str, Any]:
    """Wait until exactly these were evaluated ahead."""
    async with asyncio.timeout(10):
        while len((seen := await peer.seen())["warm"]) < len(prompts):
            pass
    assert seen["warm"] == list(prompts)
    return seen


async def test_after_a_change_the_prompt_at_its_end_is_evaluated_and_nothing_completed(peer: Peer) -> None:
    peer.open(URI, "a = 1\nb = 2\n")
    peer.change(URI, 2, 1, 4, 5, "foo(")
    seen = await warmed(peer, "a = 1\nb = foo(")
    assert (seen["climbs"], seen["outcomes"]) == (0, [])


async def test_of_a_burst_of_keystrokes_only_the_last_is_evaluated(peer: Peer) -> None:
    peer.open(URI, "")
    for number in range(50):
        peer.change(URI, number + 2, 0, number, number, "x")
    await warmed(peer, "x" * 50)


async def test_a_request_with_the_change_leaves_nothing_to_evaluate_ahead(peer: Peer) -> None:
    peer.open(URI, "")
    for number in range(5):
        peer.change(URI, number + 2, 0, number, number, "x")
        assert inserted(await peer.complete(URI, 0, number + 1))
    assert (await peer.seen())["warm"] == []


async def test_a_request_cuts_off_what_is_evaluated(peer: Peer) -> None:
    peer.open(URI, "")
    peer.change(URI, 2, 0, 0, 0, "COLD ")
    await warmed(peer, "COLD ")
    assert inserted(await peer.complete(URI, 0, 5))
    seen = await peer.seen()
    assert (seen["warming_cancelled"], seen["cancelled"]) == (1, 0)


@pytest.mark.parametrize("event", ["didChange", "didClose"])
async def test_what_the_document_moved_on_from_is_cut_off(peer: Peer, event: str) -> None:
    peer.open(URI, "")
    peer.change(URI, 2, 0, 0, 0, "COLD ")
    await warmed(peer, "COLD ")
    if event == "didChange":
        peer.change(URI, 3, 0, 0, 5, "warm ")
        await warmed(peer, "COLD ", "warm ")
    else:
        peer.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    assert (await peer.seen())["warming_cancelled"] == 1


async def test_a_change_of_many_documents_evaluates_the_last_only(peer: Peer) -> None:
    for number in range(20):
        peer.open(f"untitled:{number}", "")
    for number in range(20):
        peer.change(f"untitled:{number}", 2, 0, 0, 0, f"COLD {number}")
    await warmed(peer, "COLD 19")


async def test_whole_texts_and_changes_that_cannot_be_read_evaluate_nothing(peer: Peer) -> None:
    peer.open(URI, "x")
    peer.change_with(URI, 2, {"text": "y"})
    peer.change_with(URI, 3)
    peer.change(URI, 4, 0, -1, 0, "lost")
    peer.change(URI, 5, 0, 0, 0, "unknown place")
    peer.open("untitled:b", "")
    peer.change("untitled:b", 2, 0, 0, 0, "z")
    await warmed(peer, "z")


async def test_an_editor_that_never_asks_has_nothing_evaluated(server: TcpServer) -> None:
    async with server.connect() as peer:
        await peer.initialize()
        peer.open(URI, "NOTHING")
        peer.change(URI, 2, 0, 7, 7, " x")
        assert (await peer.command("rung.status"))["projects"] == []
        assert await peer.complete(URI, 0, 7) is None
        peer.change(URI, 3, 0, 9, 9, "y")
        await warmed(peer, "NOTHING xy")


async def test_where_rung_is_switched_off_nothing_is_evaluated(peer: Peer, tmp_path: Path) -> None:
    (tmp_path / ".rung.yaml").write_text("enabled: false\n")
    off, on = (tmp_path / "a.py").as_uri(), "untitled:on"
    peer.open(off, "")
    peer.open(on, "")
    assert inserted(await peer.complete(on, 0, 0))
    peer.change(off, 2, 0, 0, 0, "COLD ")
    while len((await peer.command("rung.status"))["projects"]) < 2:
        pass
    peer.change(on, 2, 0, 0, 0, "x")
    async with asyncio.timeout(10):
        while True:
            projects = (await peer.command("rung.status"))["projects"]
            if [project["warm"] for project in projects] == [["x"], []]:
                return


async def test_what_is_evaluated_ahead_is_not_what_explain_explains(peer: Peer, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    assert await peer.command("rung.explain") == {"markdown": "# the last", "id": None}
    uri = (tmp_path / "a.py").as_uri()
    peer.open(uri, "")
    peer.change(uri, 2, 0, 0, 0, "x")
    async with asyncio.timeout(10):
        while not any(project["warm"] for project in (await peer.command("rung.status"))["projects"]):
            pass
    assert await peer.command("rung.explain") == {"markdown": "# the last", "id": None}


async def test_shutdown_ends_what_is_evaluated(tmp_path: Path) -> None:
    async with serving(tmp_path) as peer:
        await peer.initialize()
        peer.open(URI, "COLD")
        _, answer = peer.begin("textDocument/inlineCompletion", completion_params(URI, 0, 4))
        assert inserted(result_of(await peer.wait(answer)))
        peer.change(URI, 2, 0, 4, 4, " x")
        await warmed(peer, "COLD x")
        assert await peer.stop() == 0
    assert "failed" not in (tmp_path / "stderr.txt").read_text()


texts = st.text("ab\n\r é😀", max_size=12)


@given(texts, texts, texts, texts)
def test_a_change_ends_where_its_text_does(head: str, removed: str, text: str, tail: str) -> None:
    document = Document(URI, head + removed + tail, 1, "python", "utf-32")
    change = types.TextDocumentContentChangePartial(
        range=types.Range(_position(head), _position(head + removed)), text=text
    )
    document.apply_change(change)
    place = cursor_after(document, change)
    assert place is not None
    lines = document.lines
    before = "".join([*lines[: place.line], lines[place.line][: place.column]])
    whole = document.source
    if "\r" not in head + removed + text + tail:
        assert before == head + text
    assert whole.startswith(before)
    assert place == document.locate(types.Position(place.line, place.column))
    assert isinstance(place, Place)


def _position(text: str) -> types.Position:
    document = Document(URI, text, 1, "python", "utf-32")
    return types.Position(len(document.lines) - 1, len(document.lines[-1]))
