"""`rung/outcome`: what an extension tells of an offer beside what its document shows."""

from __future__ import annotations

import pytest

from .server_peer import Peer, inserted

URI = "untitled:a"


def tell(peer: Peer, outcome: object, climb: object = "climb-1") -> None:
    peer.notify("rung/outcome", {"id": climb, "outcome": outcome})


async def outcomes(peer: Peer) -> list[list[str]]:
    found: list[list[str]] = (await peer.seen())["outcomes"]
    return found


@pytest.mark.parametrize("outcome", ["shown", "accepted"])
async def test_what_the_editor_knows_is_recorded(peer: Peer, outcome: str) -> None:
    tell(peer, outcome)
    assert await outcomes(peer) == [["climb-1", outcome]]


async def test_what_was_dismissed_is_recorded_and_goes_up_the_ladder(peer: Peer) -> None:
    tell(peer, "dismissed")
    assert inserted(await peer.complete(URI, 1, 4)) == [" + 1"]
    seen = await peer.seen()
    assert (seen["outcomes"], seen["climbs"]) == ([["climb-1", "dismissed"]], 2)
    assert seen["rejected"] == [["fake", " + 1", "a\nSURE"]]


async def test_what_was_accepted_by_the_word_and_then_left_was_partly_accepted(peer: Peer) -> None:
    peer.change(URI, 2, 1, 4, 4, " ")
    tell(peer, "partly_accepted")
    peer.change(URI, 3, 1, 5, 5, "x")
    assert await outcomes(peer) == [["climb-1", "partly_accepted"]]


async def test_the_rest_of_what_was_accepted_by_the_word_can_be_dismissed(peer: Peer) -> None:
    peer.change(URI, 2, 1, 4, 4, " +")
    tell(peer, "partly_accepted")
    tell(peer, "dismissed")
    assert inserted(await peer.complete(URI, 1, 6)) == [" + 1"]
    seen = await peer.seen()
    assert seen["outcomes"][0] == ["climb-1", "partly_accepted"]
    assert seen["rejected"] == [["fake", " 1", "a\nSURE +"]], "it is not offered again, and the next climb knows"


async def test_what_was_dismissed_after_an_accept_was_accepted(peer: Peer) -> None:
    tell(peer, "accepted")
    tell(peer, "dismissed")
    tell(peer, "shown")
    assert await outcomes(peer) == [["climb-1", "accepted"]]


@pytest.mark.parametrize(
    "params", [None, [], {}, {"id": 1, "outcome": "shown"}, {"id": "climb-1", "outcome": "rejected"}]
)
async def test_what_does_not_fit_is_dropped(peer: Peer, params: object) -> None:
    peer.notify("rung/outcome", params)
    tell(peer, "shown", "climb-9")
    assert await outcomes(peer) == []
    assert inserted(await peer.complete(URI, 1, 4)) == [" + 1"]
