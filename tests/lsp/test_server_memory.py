"""What is typed through, or come back to, is answered without a model; what was typed over goes up the ladder."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from .server_peer import Peer, inserted

URI = "untitled:a"
OTHER = "untitled:b"


async def seen_when(peer: Peer, key: str, count: int) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while len((seen := await peer.seen())[key]) < count:
            pass
    return seen


async def test_what_is_typed_through_is_answered_from_memory_with_the_same_id(peer: Peer) -> None:
    for typed in range(1, 4):
        peer.change(URI, 1 + typed, 1, 3 + typed, 3 + typed, " + 1"[typed - 1])
        result = await peer.complete(URI, 1, 4 + typed)
        assert inserted(result) == [" + 1"[typed:]]
        assert result["items"][0]["command"]["arguments"] == ["climb-1", 0]
    seen = await peer.seen()
    assert (seen["climbs"], seen["answers"]) == (1, {"memory": 3, "models": 1, "underway": 0})
    await peer.command("rung.accept", "climb-1", 0)
    assert (await peer.seen())["outcomes"] == [["climb-1", "accepted"]]


async def test_who_goes_away_and_comes_back_is_answered_from_memory_though_the_file_has_changed_above(
    peer: Peer,
) -> None:
    assert inserted(await peer.complete(URI, 2, 1))
    peer.change(URI, 2, 0, 0, 0, "import os\n" + "# far away\n" * 60)
    result = await peer.complete(URI, 62, 4)
    assert result["items"][0]["command"]["arguments"] != ["climb-1", 0]  # what stands just above has changed
    assert inserted(await peer.complete(URI, 63, 1))
    peer.change(URI, 3, 0, 0, 0, "import sys\n")
    climbs = (await peer.seen())["climbs"]
    again = await peer.complete(URI, 63, 4)
    assert again["items"][0]["command"]["arguments"] == result["items"][0]["command"]["arguments"]
    assert (await peer.seen())["climbs"] == climbs


async def test_another_document_has_answers_of_its_own(peer: Peer) -> None:
    peer.open(OTHER, "a\nSURE\nz")
    assert inserted(await peer.complete(OTHER, 1, 4)) == [" + 1"]
    assert (await peer.seen())["climbs"] == 2


async def test_who_asks_by_hand_is_answered_by_the_models(peer: Peer) -> None:
    assert inserted(await peer.complete(URI, 1, 4, kind=1)) == [" + 1"]
    assert (await peer.seen())["climbs"] == 2


async def test_that_nothing_is_to_be_added_is_remembered_too(peer: Peer) -> None:
    peer.open(OTHER, "SURE EMPTY")
    for _ in range(3):
        assert await peer.complete(OTHER, 0, 10) is None
    assert (await peer.seen())["climbs"] == 2


async def test_what_no_rung_decided_is_asked_for_again(peer: Peer) -> None:
    peer.open(OTHER, "x")
    for _ in range(2):
        assert inserted(await peer.complete(OTHER, 0, 1)) == [" + 1"]
    assert (await peer.seen())["climbs"] == 3


async def test_what_is_typed_over_is_rejected_and_the_next_request_there_says_so(peer: Peer) -> None:
    peer.change(URI, 2, 1, 4, 4, " ")
    peer.change(URI, 3, 1, 5, 5, "- ")
    assert inserted(await peer.complete(URI, 1, 7)) == [" + 1"]
    assert (await peer.seen())["rejected"] == [["fake", " 1", "a\nSURE - "]]


async def test_back_at_the_place_of_a_rejection_memory_does_not_offer_it_again(peer: Peer) -> None:
    peer.change(URI, 2, 1, 4, 4, "x")
    peer.change(URI, 3, 1, 4, 5, "")
    await peer.complete(URI, 1, 4)
    seen = await peer.seen()
    assert (seen["climbs"], seen["rejected"]) == (2, [["fake", " + 1", "a\nSURE"]])


async def test_a_rejection_ends_with_its_line(peer: Peer) -> None:
    peer.change(URI, 2, 1, 4, 4, "x")
    peer.change(URI, 3, 1, 5, 5, "\n")
    assert await peer.complete(URI, 2, 0)
    assert await peer.complete(URI, 3, 1)
    assert (await peer.seen())["rejected"] == []


async def test_a_rejection_ends_with_an_accept_in_its_document(peer: Peer) -> None:
    peer.change(URI, 2, 1, 4, 4, "x")
    result = await peer.complete(URI, 1, 5)
    assert len((await peer.seen())["rejected"]) == 1
    peer.change(URI, 3, 1, 5, 5, " + 1")
    await peer.command("rung.accept", result["items"][0]["command"]["arguments"][0], 0)
    await peer.complete(URI, 1, 9)
    assert len((await peer.seen())["rejected"]) == 1


async def test_a_rejection_is_found_though_a_line_was_added_above(peer: Peer) -> None:
    peer.change(URI, 2, 1, 4, 4, "x")
    peer.change(URI, 3, 0, 0, 0, "import os\n")
    await peer.complete(URI, 2, 5)
    assert (await peer.seen())["rejected"] == [["fake", "+ 1", "import os\na\nSUREx"[-20:]]]


async def test_what_is_deleted_was_not_typed_over(peer: Peer) -> None:
    peer.change(URI, 2, 1, 3, 4, "")
    peer.change(URI, 3, 1, 3, 3, "E")
    await peer.complete(URI, 1, 4)
    seen = await peer.seen()
    assert (seen["rejected"], seen["climbs"]) == ([], 1)


async def test_the_next_completions_are_there_before_they_are_asked_for(peer: Peer) -> None:
    seen = await seen_when(peer, "ahead", 2)
    assert seen["ahead"] == ["a\nSURE + 1", "a\nSURE + 1\n"]
    assert seen["shown"] == []
    peer.change(URI, 2, 1, 4, 4, " + 1")
    result = await peer.complete(URI, 1, 8)
    assert inserted(result) == [" + 2"]
    assert result["items"][0]["command"]["arguments"] == ["ahead-1", 0]
    seen = await peer.seen()
    assert (seen["climbs"], seen["shown"]) == (1, ["ahead-1"])


async def test_what_was_completed_ahead_is_shown_once_however_often_it_is_found(peer: Peer) -> None:
    await seen_when(peer, "ahead", 2)
    peer.change(URI, 2, 1, 4, 4, " + 1\n")
    for _ in range(3):
        assert inserted(await peer.complete(URI, 2, 0)) == [" + 2"]
    assert (await peer.seen())["shown"] == ["ahead-2"]


async def test_a_changed_configuration_forgets_what_the_old_one_answered(peer: Peer, tmp_path: Path) -> None:
    config = tmp_path / ".rung.yaml"
    config.write_text("theta: 0.5\n")
    uri = (tmp_path / "a.py").as_uri()
    peer.open(uri, "SURE")
    assert inserted(await peer.complete(uri, 0, 4)) == [" + 1"]
    config.write_text("theta: 0.75\n")
    peer.notify("workspace/didChangeWatchedFiles", {"changes": []})
    assert inserted(await peer.complete(uri, 0, 4)) == [" + 1"]
    projects = (await peer.command("rung.status"))["projects"]
    assert [project["climbs"] for project in projects if project["root"]] == [1]  # of the new completer


async def test_what_was_found_ahead_leads_on_to_the_next(peer: Peer) -> None:
    await seen_when(peer, "ahead", 2)
    peer.change(URI, 2, 1, 4, 4, " + 1")
    assert inserted(await peer.complete(URI, 1, 8)) == [" + 2"]
    assert (await seen_when(peer, "ahead", 4))["ahead"][2:] == ["a\nSURE + 1 + 2", "a\nSURE + 1 + 2\n"]
