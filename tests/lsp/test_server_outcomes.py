"""What the completer is told about what became of its answers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from .server_peer import Peer, TcpServer

URI = "untitled:a"
OTHER = "untitled:b"


@pytest.fixture
async def peer(server: TcpServer) -> AsyncIterator[Peer]:
    """Offered " + 1" after x, in line 1 of three."""
    async with server.connect() as peer:
        await peer.initialize()
        peer.open(URI, "a\nx\nz")
        assert await peer.complete(URI, 1, 1)
        yield peer


async def test_an_accept_command_after_the_text_came_is_accepted(peer: Peer) -> None:
    peer.change(URI, 2, 1, 1, 1, " + 1")
    assert await outcomes(peer) == []
    await peer.command("rung.accept", "climb-1", 0)
    assert await outcomes(peer) == [["climb-1", "accepted"]]


async def test_an_accept_of_something_unknown_is_not_reported(peer: Peer) -> None:
    await peer.command("rung.accept", "other")
    assert await outcomes(peer) == []


async def test_typing_through_to_the_end_and_on_is_typed_through(peer: Peer) -> None:
    for number, character in enumerate(" + 1"):
        peer.change(URI, 2 + number, 1, 1 + number, 1 + number, character)
    assert await outcomes(peer) == []
    peer.change(URI, 9, 1, 5, 5, "0")
    assert await outcomes(peer) == [["climb-1", "typed_through"]]


async def test_other_text_is_a_rejection_that_is_told_before_the_next_request(peer: Peer) -> None:
    peer.change(URI, 2, 1, 1, 1, "y")
    assert await peer.complete(URI, 1, 2)
    assert await outcomes(peer) == [["climb-1", "rejected"]]


async def test_an_import_added_above_leaves_the_offer_undecided(peer: Peer) -> None:
    peer.change(URI, 2, 0, 0, 0, "import os\n")
    peer.change(URI, 3, 2, 1, 1, " ")
    assert await outcomes(peer) == []
    peer.change(URI, 4, 2, 2, 2, "*")
    assert await outcomes(peer) == [["climb-1", "rejected"]]


async def test_whole_texts_instead_of_changes_are_followed_too(peer: Peer) -> None:
    peer.change_with(URI, 2, {"text": "a\nx +\nz"})
    assert await outcomes(peer) == []
    peer.change_with(URI, 3, {"text": "a\nx -\nz"})
    assert await outcomes(peer) == [["climb-1", "rejected"]]


async def test_closing_the_document_is_ignoring(peer: Peer) -> None:
    peer.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    assert await outcomes(peer) == [["climb-1", "ignored"]]


async def test_an_offer_at_another_place_is_ignoring(peer: Peer) -> None:
    assert await peer.complete(URI, 2, 1)
    assert await outcomes(peer) == [["climb-1", "ignored"]]


async def test_an_offer_in_another_document_leaves_the_first_undecided(peer: Peer) -> None:
    peer.open(OTHER, "x")
    assert await peer.complete(OTHER, 0, 1)
    assert await outcomes(peer) == []


async def outcomes(peer: Peer) -> object:
    return (await peer.seen())["outcomes"]
