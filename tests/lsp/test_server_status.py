"""What a status bar is told, and pausing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .server_peer import Peer, Refused, TcpServer, completion_params, inserted, result_of

URI = "untitled:a"
WANTED = {"experimental": {"rung": {"status": True}}}


@pytest.fixture
async def peer(server: TcpServer) -> AsyncIterator[Peer]:
    async with server.connect() as peer:
        await peer.initialize(WANTED)
        peer.open(URI, "SURE\nz")
        yield peer


async def test_it_names_the_rung_that_answered(peer: Peer) -> None:
    assert inserted(await peer.complete(URI, 0, 4)) == [" + 1"]
    told = (await peer.message("rung/status", rung="fake"))["params"]
    assert (told["state"], told["project"], told["problem"], told["reason"]) == ("ready", None, None, "")
    assert told["usdPerDay"] == 1.0


async def test_it_says_what_is_at_work_while_it_takes_a_while(peer: Peer) -> None:
    peer.open("untitled:b", "SLOW")
    message_id, answer = peer.begin("textDocument/inlineCompletion", completion_params("untitled:b", 0, 4))
    assert (await peer.message("rung/status", state="busy"))["params"]["rung"] == "fake"
    peer.notify("$/cancelRequest", {"id": message_id})
    with pytest.raises(Refused):
        result_of(await peer.wait(answer))
    await peer.command("rung.status")
    assert [m["params"]["state"] for m in peer.received if m["method"] == "rung/status"][-1] == "ready"


async def test_it_says_why_the_larger_rung_did_not_answer_until_one_does_not_need_it(peer: Peer) -> None:
    peer.open("untitled:b", "DOWN\nSURE")
    assert inserted(await peer.complete("untitled:b", 0, 4))
    told = (await peer.message("rung/status", problem="failed"))["params"]
    assert (told["rung"], told["reason"]) == ("fake", "The large rung is down.")
    assert inserted(await peer.complete(URI, 0, 4))
    assert [m["params"]["problem"] for m in peer.received if m["method"] == "rung/status"][-1] is None


async def test_it_is_told_to_who_wants_it_and_only_what_has_changed(server: TcpServer, peer: Peer) -> None:
    async with server.connect() as other:
        await other.initialize()
        other.open(URI, "SURE\nz")
        assert inserted(await other.complete(URI, 0, 4))
        await other.command("rung.status")
        assert [m for m in other.received if m["method"] == "rung/status"] == []
    for _ in range(3):
        assert inserted(await peer.complete(URI, 0, 4))
    await peer.command("rung.status")
    told = [m["params"] for m in peer.received if m["method"] == "rung/status"]
    assert [each["rung"] for each in told] == [None, "fake"]


@pytest.mark.parametrize("where", ["here", "everywhere"])
async def test_while_it_is_paused_only_who_asks_by_hand_is_answered(peer: Peer, where: str) -> None:
    assert inserted(await peer.complete(URI, 1, 1))
    assert await peer.command("rung.pause", where, True) == {each: each == where for each in ("here", "everywhere")}
    await peer.message("rung/status", state="paused")
    assert await peer.complete(URI, 0, 4) is None
    assert inserted(await peer.complete(URI, 0, 4, kind=1)) == [" + 1"]
    assert await peer.command("rung.pause", where, False) == {"here": False, "everywhere": False}
    assert inserted(await peer.complete(URI, 0, 4)) == [" + 1"]


async def test_one_project_is_paused_and_another_is_not(peer: Peer, tmp_path: Path) -> None:
    uris = []
    for name in ("one", "two"):
        uris.append(file_of(tmp_path / name))
        peer.open(uris[-1], "x")
        assert inserted(await peer.complete(uris[-1], 0, 1))
    await peer.command("rung.pause", "here", True)
    assert [await peer.complete(uri, 0, 1) is None for uri in uris] == [False, True]


async def test_the_project_of_a_file_is_paused_before_anything_was_completed_in_it(peer: Peer, tmp_path: Path) -> None:
    uri, other = file_of(tmp_path / "one"), file_of(tmp_path / "two")
    with pytest.raises(Refused, match="name a file"):
        await peer.command("rung.pause", "here", True)
    assert await peer.command("rung.pause", "here", True, uri) == {"here": True, "everywhere": False}
    assert (await peer.message("rung/status", state="paused"))["params"]["project"] == str(tmp_path / "one")
    for each in (uri, other):
        peer.open(each, "x")
    assert await peer.complete(uri, 0, 1) is None
    assert inserted(await peer.complete(other, 0, 1))
    assert [(await peer.command("rung.status", each))["paused"]["here"] for each in (uri, other)] == [True, False]


async def test_what_is_known_of_a_project_is_still_told_when_it_is_come_back_to(peer: Peer, tmp_path: Path) -> None:
    uri, other = file_of(tmp_path / "one"), file_of(tmp_path / "two")
    peer.open(uri, "DOWN\nx")
    peer.open(other, "x")
    assert inserted(await peer.complete(uri, 0, 4))
    await peer.message("rung/status", problem="failed")
    assert inserted(await peer.complete(other, 0, 1))
    await peer.message("rung/status", project=str(tmp_path / "two"), rung="fake")
    peer.received.clear()
    assert await peer.complete(uri, 0, 4)  # from memory
    assert (await peer.message("rung/status", project=str(tmp_path / "one")))["params"]["problem"] == "failed"


def file_of(project: Path) -> str:
    """The URI of a file in a new project."""
    project.mkdir()
    (project / ".rung.yaml").write_text("")
    return (project / "a.py").as_uri()


@pytest.mark.parametrize(
    "arguments", [[], ["here"], ["there", True], ["here", "yes"], ["here", True, 1], ["here", True, "", ""]]
)
async def test_a_pause_that_cannot_be_understood_is_refused(peer: Peer, arguments: list[object]) -> None:
    with pytest.raises(Refused, match="takes"):
        await peer.command("rung.pause", *arguments)
