"""`rung/refresh`: what is shown early, and what takes its place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from .server_peer import LIMIT_S, Peer, TcpServer, completion_params, inserted, result_of

URI = "untitled:a"
CAN = {"experimental": {"rung": {"refresh": True}}}


@pytest.fixture
async def peer(server: TcpServer) -> AsyncIterator[Peer]:
    """Of an editor that shows every refresh."""
    async with server.connect() as peer:
        await peer.initialize(CAN)
        peer.answers["rung/refresh"] = True
        yield peer


async def early(peer: Peer, text: str = "EARLY") -> str:
    """Ask behind `text`: the id of what is shown early."""
    peer.open(URI, f"{text}\nz")
    result = await peer.complete(URI, 0, len(text))
    assert inserted(result) == [" + 1" if text == "EARLYSAME" else " - 1"]
    found: str = result["items"][0]["command"]["arguments"][0]
    return found


async def finish(peer: Peer) -> None:
    """The climb comes to its end."""
    await peer.command("rung.explain")


async def outcomes(peer: Peer) -> list[list[str]]:
    found: list[list[str]] = (await peer.seen())["outcomes"]
    return found


async def test_a_better_answer_takes_the_place_of_an_early_one(peer: Peer) -> None:
    await early(peer)
    await finish(peer)
    params = (await peer.message("rung/refresh"))["params"]
    assert (params["textDocument"], params["position"]) == (
        {"uri": URI, "version": 1},
        {"line": 0, "character": 5},
    )
    assert inserted(params) == [" + 1"]
    command = params["items"][0]["command"]
    peer.change(URI, 2, 0, 5, 5, " + 1")
    await peer.command(command["command"], *command["arguments"])
    seen = await peer.seen()
    assert (seen["outcomes"], seen["shown"]) == ([["climb-1", "shown"], ["climb-1", "accepted"]], [])


async def test_an_early_answer_that_is_taken_is_recorded_as_its_own(peer: Peer) -> None:
    climb = await early(peer)
    peer.change(URI, 2, 0, 5, 5, " - 1")
    await peer.command("rung.accept", climb, 0)
    seen = await peer.seen()
    assert (seen["outcomes"], seen["shown"], seen["cancelled"]) == ([[climb, "accepted"]], [climb], 1)


async def test_nothing_is_replaced_where_the_user_has_typed_on(peer: Peer) -> None:
    climb = await early(peer)
    peer.change(URI, 2, 0, 5, 5, "x")
    await finish(peer)
    seen = await peer.seen()
    assert (seen["outcomes"], seen["cancelled"]) == ([[climb, "rejected"]], 1)
    assert not [message for message in peer.received if message["method"] == "rung/refresh"]


async def test_what_was_dismissed_is_not_shown_again(peer: Peer) -> None:
    climb = await early(peer)
    peer.notify("rung/outcome", {"id": climb, "outcome": "dismissed"})
    await finish(peer)
    seen = await peer.seen()
    assert (seen["outcomes"], seen["cancelled"]) == ([[climb, "dismissed"]], 1)
    assert not [message for message in peer.received if message["method"] == "rung/refresh"]


async def test_an_early_answer_that_was_seen_and_left_is_recorded_as_ignored(peer: Peer) -> None:
    climb = await early(peer)
    peer.notify("rung/outcome", {"id": climb, "outcome": "shown"})
    peer.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    seen = await peer.seen()
    assert (seen["outcomes"], seen["shown"], seen["cancelled"]) == ([[climb, "ignored"]], [climb], 1)


async def test_an_early_answer_that_nobody_saw_is_not_recorded(peer: Peer) -> None:
    await early(peer)
    peer.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    seen = await peer.seen()
    assert (seen["outcomes"], seen["shown"]) == ([], [])


async def test_the_same_text_stays_and_its_outcome_is_that_of_the_whole_climb(peer: Peer) -> None:
    climb = await early(peer, "EARLYSAME")
    peer.notify("rung/outcome", {"id": climb, "outcome": "shown"})
    await finish(peer)
    async with asyncio.timeout(LIMIT_S):
        while not await outcomes(peer):  # the climb ends beside the session's messages
            pass
    await peer.command("rung.accept", climb, 0)
    seen = await peer.seen()
    assert (seen["outcomes"], seen["shown"]) == ([["climb-1", "shown"], ["climb-1", "accepted"]], [])
    assert (await peer.command("rung.explain", climb))["id"] == "climb-1"
    assert not [message for message in peer.received if message["method"] == "rung/refresh"]


async def test_where_there_is_nothing_to_add_in_the_end_it_is_hidden(peer: Peer) -> None:
    await early(peer, "EARLYNONE")
    await finish(peer)
    assert (await peer.message("rung/refresh"))["params"]["items"] == []
    assert await outcomes(peer) == []


async def test_what_the_editor_did_not_show_is_not_followed(peer: Peer) -> None:
    peer.answers["rung/refresh"] = False
    climb = await early(peer)
    await finish(peer)
    await peer.message("rung/refresh")
    peer.change(URI, 2, 0, 5, 5, " - 1")
    await peer.command("rung.accept", climb, 0)
    assert await outcomes(peer) == [[climb, "accepted"]]


async def test_an_answer_for_a_document_that_was_closed_meanwhile_does_no_harm(peer: Peer) -> None:
    del peer.answers["rung/refresh"]
    await early(peer)
    await finish(peer)
    request = await peer.message("rung/refresh")
    peer.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    peer.send({"jsonrpc": "2.0", "id": request["id"], "result": True})
    assert (await peer.seen())["outcomes"] == []


async def test_who_asks_again_at_the_same_place_gets_what_the_climb_finds(peer: Peer) -> None:
    peer.answers["rung/refresh"] = False
    await early(peer, "FUNCTION SURE EARLY")
    _, answer = peer.begin("textDocument/inlineCompletion", completion_params(URI, 0, 19))
    await finish(peer)
    assert inserted(result_of(await peer.wait(answer))) == [" + 1"]
    assert (await peer.seen())["climbs"] == 1


async def test_while_it_is_paused_nothing_is_replaced(peer: Peer) -> None:
    await early(peer)
    await peer.command("rung.pause", "here", True)
    await finish(peer)
    await peer.command("rung.status")
    assert not [message for message in peer.received if message["method"] == "rung/refresh"]


async def test_who_asks_by_hand_waits_for_the_best(peer: Peer) -> None:
    peer.open(URI, "EARLY\nz")
    assert inserted(await peer.complete(URI, 0, 5, kind=1)) == [" + 1"]


async def test_a_plain_editor_gets_the_answer_in_the_end_only(server: TcpServer) -> None:
    async with server.connect() as peer:
        await peer.initialize()
        peer.open(URI, "EARLY\nz")
        assert inserted(await peer.complete(URI, 0, 5)) == [" + 1"]
        assert not [message for message in peer.received if message["method"] == "rung/refresh"]
