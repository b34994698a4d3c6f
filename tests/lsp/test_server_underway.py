"""A climb goes on, and is the answer, while the user types what it is writing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from .server_peer import Peer, TcpServer, completion_params, inserted, result_of

URI = "untitled:a"
END = len("SURE PARTLY")

Answer = asyncio.Future[dict[str, Any]]


@pytest.fixture
async def peer(server: TcpServer) -> AsyncIterator[Peer]:
    """ " + 1" of " + 1 + 2" is written behind "SURE PARTLY"; the rest after `rest`."""
    async with server.connect() as peer:
        await peer.initialize()
        peer.open(URI, "SURE PARTLY\nz")
        yield peer


async def begun(peer: Peer) -> tuple[int, Answer]:
    begun = peer.begin("textDocument/inlineCompletion", completion_params(URI, 0, END))
    async with asyncio.timeout(10):
        while not (projects := (await peer.command("rung.status"))["projects"]) or not projects[0]["climbs"]:
            pass
    return begun


def typed(peer: Peer, text: str) -> Answer:
    """All of `text` as one change, and the request behind it."""
    peer.change(URI, 2, 0, END, END, text)
    return peer.begin("textDocument/inlineCompletion", completion_params(URI, 0, END + len(text)))[1]


async def rest(peer: Peer) -> None:
    await peer.command("rung.explain")


async def answered(peer: Peer, answer: Answer) -> tuple[list[str], str]:
    """The texts, and the climb that they are of."""
    result = result_of(await peer.wait(answer))
    return inserted(result), result["items"][0]["command"]["arguments"][0]


async def test_who_types_what_is_being_written_gets_what_is_left_of_it_from_the_same_climb(peer: Peer) -> None:
    _, first = await begun(peer)
    second = typed(peer, " ")
    assert result_of(await peer.wait(first)) is None
    await rest(peer)
    assert await answered(peer, second) == (["+ 1 + 2"], "climb-1")
    seen = await peer.seen()
    assert (seen["climbs"], seen["cancelled"]) == (1, 0)
    assert seen["answers"] == {"memory": 0, "models": 1, "underway": 1}


async def test_who_types_faster_than_it_is_written_waits_for_what_comes(peer: Peer) -> None:
    await begun(peer)
    second = typed(peer, " + 1 +")
    await rest(peer)
    assert await answered(peer, second) == ([" 2"], "climb-1")


async def test_what_turns_out_to_be_something_else_is_cut_off_and_the_models_are_asked_anew(peer: Peer) -> None:
    await begun(peer)
    second = typed(peer, " + 1 - ")
    await rest(peer)
    assert await answered(peer, second) == ([" + 1"], "climb-2")


async def test_who_types_something_else_cuts_it_off_at_once(peer: Peer) -> None:
    _, first = await begun(peer)
    peer.change(URI, 2, 0, END, END, "x")
    assert result_of(await peer.wait(first)) is None
    assert (await peer.seen())["cancelled"] == 1


async def test_a_request_that_is_cancelled_because_the_user_typed_on_leaves_its_climb_to_the_next(peer: Peer) -> None:
    message_id, first = await begun(peer)
    peer.change(URI, 2, 0, END, END, " ")
    peer.notify("$/cancelRequest", {"id": message_id})
    await peer.wait(first)
    second = peer.begin("textDocument/inlineCompletion", completion_params(URI, 0, END + 1))[1]
    await rest(peer)
    assert await answered(peer, second) == (["+ 1 + 2"], "climb-1")


async def test_a_second_request_at_the_same_place_waits_for_the_same_climb(peer: Peer) -> None:
    _, first = await begun(peer)
    second = peer.begin("textDocument/inlineCompletion", completion_params(URI, 0, END))[1]
    assert result_of(await peer.wait(first)) is None
    await rest(peer)
    assert await answered(peer, second) == ([" + 1 + 2"], "climb-1")


async def test_what_nobody_asked_for_again_is_remembered(peer: Peer) -> None:
    await begun(peer)
    peer.change(URI, 2, 0, END, END, " +")
    await rest(peer)
    second = peer.begin("textDocument/inlineCompletion", completion_params(URI, 0, END + 2))[1]
    assert await answered(peer, second) == ([" 1 + 2"], "climb-1")


@pytest.mark.parametrize("by", ["hand", "close", "elsewhere"])
async def test_it_is_cut_off(peer: Peer, by: str) -> None:
    _, first = await begun(peer)
    if by == "hand":
        assert inserted(await peer.complete(URI, 1, 1, kind=1)) == [" + 1"]
    elif by == "close":
        peer.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    else:
        assert inserted(await peer.complete(URI, 1, 1)) == [" + 1"]
    assert result_of(await peer.wait(first)) is None
    assert (await peer.seen())["cancelled"] == 1
