"""The menu: what inline completion answers, for editors that do not know it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from .server_peer import Peer, Refused, TcpServer, completion_params, inserted, result_of
from .test_server_completion import climbs

URI = "untitled:a"
MENU = "textDocument/completion"


@pytest.fixture
async def peer(server: TcpServer) -> AsyncIterator[Peer]:
    async with server.connect() as peer:
        await peer.initialize()
        yield peer


@pytest.mark.parametrize("ability", [None, {}, {"dynamicRegistration": True}])
async def test_an_editor_that_knows_inline_completion_is_announced_no_menu(
    server: TcpServer, ability: Mapping[str, object] | None
) -> None:
    async with server.connect() as peer:
        result = await peer.initialize({"textDocument": {"inlineCompletion": ability}})
        assert result["capabilities"]["inlineCompletionProvider"] == {"workDoneProgress": True}
        assert "completionProvider" not in result["capabilities"]
        peer.open(URI, "x")
        with pytest.raises(Refused, match="method"):
            await choose(peer, 1)
        assert await peer.complete(URI, 0, 1)


@pytest.mark.parametrize("abilities", [{}, {"textDocument": None}, {"textDocument": {"completion": {}}}])
async def test_any_other_editor_is_announced_both(server: TcpServer, abilities: Mapping[str, object]) -> None:
    async with server.connect() as peer:
        capabilities = (await peer.initialize(abilities))["capabilities"]
        assert capabilities["completionProvider"] == {"triggerCharacters": [" ", ".", "(", "[", ",", "="]}
        assert capabilities["inlineCompletionProvider"] == {"workDoneProgress": True}


async def test_an_entry_replaces_the_word_before_the_cursor_and_begins_with_it(peer: Peer) -> None:
    peer.open(URI, "a = value")
    result = await choose(peer, 9)
    assert result == {
        "isIncomplete": True,
        "items": [
            {
                "label": "value + 1",
                "kind": 1,
                "detail": "rung · fake",
                "sortText": "0",
                "filterText": "value + 1",
                "insertTextFormat": 1,
                "insertTextMode": 1,
                "textEdit": {"range": span(4, 9), "newText": "value + 1"},
                "command": {"title": "Accepted", "command": "rung.accept", "arguments": ["climb-1", 0]},
            }
        ],
    }


async def test_behind_a_space_it_replaces_nothing(peer: Peer) -> None:
    peer.open(URI, "a = ")
    (item,) = (await choose(peer, 4))["items"]
    assert item["textEdit"] == {"range": span(4, 4), "newText": " + 1"}
    assert (item["label"], item["filterText"]) == ("+ 1", " + 1")


async def test_of_several_lines_the_first_is_shown_and_all_are_documented(peer: Peer) -> None:
    peer.open(URI, "LINES")
    (item,) = (await choose(peer, 5))["items"]
    assert item["label"] == item["filterText"] == "LINESa"
    assert item["textEdit"]["newText"] == "LINESa\nb"
    assert item["documentation"] == {"kind": "markdown", "value": "```python\nLINESa\nb\n```"}


async def test_a_long_line_is_shortened_in_the_menu_alone(peer: Peer) -> None:
    word = "w" * 100
    peer.open(URI, word)
    (item,) = (await choose(peer, 100))["items"]
    assert item["label"] == "w" * 79 + "…"
    assert item["textEdit"]["newText"] == item["filterText"] == word + " + 1"


async def test_a_word_without_end_is_not_read_to_its_beginning(peer: Peer) -> None:
    peer.open(URI, "w" * 100_000)
    (item,) = (await choose(peer, 100_000))["items"]
    assert item["textEdit"]["range"] == span(99_800, 100_000)


@pytest.mark.parametrize(("encoding", "start", "end"), [("utf-8", 5, 9), ("utf-16", 3, 6), ("utf-32", 2, 5)])
async def test_the_range_is_in_the_negotiated_units(server: TcpServer, encoding: str, start: int, end: int) -> None:
    async with server.connect() as peer:
        await peer.initialize({"general": {"positionEncodings": [encoding]}})
        peer.open(URI, "😀 éab")
        (item,) = (await choose(peer, end))["items"]
        assert item["textEdit"] == {"range": span(start, end), "newText": "éab + 1"}


async def test_a_position_behind_the_lines_end_is_its_end(peer: Peer) -> None:
    peer.open(URI, "ab\r\ncd")
    (item,) = (await choose(peer, 99))["items"]
    assert item["textEdit"]["range"] == span(0, 2)


@pytest.mark.parametrize("word", ["EMPTY", "NONE", "NOTHING", "RAISE"])
async def test_where_there_is_nothing_to_show_the_answer_is_null(peer: Peer, word: str) -> None:
    peer.open(URI, word)
    assert await choose(peer, len(word)) is None


async def test_a_document_that_is_not_open_is_answered_with_null(peer: Peer) -> None:
    assert await choose(peer, 0) is None


@pytest.mark.parametrize("kind", [1, 2, 3])
async def test_nobody_is_taken_to_have_asked_by_hand(peer: Peer, kind: int) -> None:
    peer.open(URI, "SEVERAL")
    context = {"triggerKind": kind}
    result = await peer.request(MENU, {**params(7), "context": context})
    assert [item["label"] for item in result["items"]] == ["SEVERALone"]
    assert (await peer.seen())["tasks"][-1][-1] == "automatic"


async def test_what_is_typed_through_comes_from_memory_with_the_same_id(peer: Peer) -> None:
    peer.open(URI, "SURE")
    (item,) = (await choose(peer, 4))["items"]
    peer.change(URI, 2, 0, 4, 4, " + ")
    (rest,) = (await choose(peer, 7))["items"]
    assert rest["textEdit"] == {"range": span(7, 7), "newText": "1"}
    assert rest["command"] == item["command"]
    assert (await peer.seen())["climbs"] == 1


async def test_an_editor_that_runs_no_command_is_seen_to_accept(peer: Peer) -> None:
    peer.open(URI, "SURE")
    await choose(peer, 4)
    peer.change(URI, 2, 0, 0, 4, "SURE + 1")
    peer.change(URI, 3, 0, 8, 8, ";")
    assert (await peer.seen())["outcomes"] == [["climb-1", "accepted"]]


async def test_the_command_of_an_entry_reports_its_accept(peer: Peer) -> None:
    peer.open(URI, "SURE")
    (item,) = (await choose(peer, 4))["items"]
    peer.change(URI, 2, 0, 0, 4, "SURE + 1")
    await peer.command(item["command"]["command"], *item["command"]["arguments"])
    assert (await peer.seen())["outcomes"] == [["climb-1", "accepted"]]


async def test_what_is_typed_over_is_a_rejection(peer: Peer) -> None:
    peer.open(URI, "SURE")
    await choose(peer, 4)
    peer.change(URI, 2, 0, 4, 4, "!")
    await choose(peer, 5)
    seen = await peer.seen()
    assert seen["outcomes"] == [["climb-1", "rejected"]]
    assert len(seen["rejected"]) == 1


async def test_a_newer_request_of_either_kind_is_answered_and_the_older_one_with_null(peer: Peer) -> None:
    peer.open(URI, "SLOW\nx")
    _, menu = peer.begin(MENU, params(4))
    await climbs(peer, 1)
    _, inline = peer.begin("textDocument/inlineCompletion", completion_params(URI, 0, 4))
    await climbs(peer, 2)
    assert result_of(await peer.wait(menu)) is None
    assert await choose(peer, 1, line=1)
    assert result_of(await peer.wait(inline)) is None
    assert inserted(await peer.complete(URI, 1, 1)) == [" + 1"]
    assert peer.surplus == []


async def test_a_change_answers_what_was_asked_before_with_null(peer: Peer) -> None:
    peer.open(URI, "SLOW")
    _, answer = peer.begin(MENU, params(4))
    await climbs(peer, 1)
    peer.change(URI, 2, 0, 4, 4, "x")
    assert result_of(await peer.wait(answer)) is None


@pytest.mark.parametrize("begun", [True, False])
async def test_a_cancelled_request_stops_its_climb_and_is_answered_once(peer: Peer, begun: bool) -> None:
    peer.open(URI, "SLOW")
    message_id, answer = peer.begin(MENU, params(4))
    if begun:
        await climbs(peer, 1)
    peer.notify("$/cancelRequest", {"id": message_id})
    assert (await peer.wait(answer))["error"]["code"] == -32800
    if begun:
        assert (await peer.seen())["cancelled"] == 1
    peer.change(URI, 2, 0, 0, 4, "x")
    assert await choose(peer, 1)
    assert peer.surplus == []


async def test_a_burst_of_keystrokes_is_answered_once_each(peer: Peer) -> None:
    peer.open(URI, "")
    answers = []
    for number in range(50):
        peer.change(URI, number + 2, 0, number, number, "x")
        answers.append(peer.begin(MENU, params(number + 1))[1])
    results = await asyncio.gather(*(peer.wait(answer) for answer in answers))
    assert result_of(results[-1])["items"][0]["label"] == "x" * 50 + " + 1"
    assert peer.surplus == []


async def test_while_paused_no_menu_comes(peer: Peer) -> None:
    peer.open(URI, "x")
    await peer.command("rung.pause", "everywhere", True)
    assert await choose(peer, 1) is None


async def test_an_explanation_is_a_message_too_as_menus_come_without_an_extension(server: TcpServer) -> None:
    async with server.connect() as peer:
        await peer.initialize({"window": {"showDocument": {"support": True}}})
        peer.open(URI, "x")
        await choose(peer, 1)
        await peer.command("rung.explain", "climb-1")
        await peer.message("window/showMessage", message="# climb-1")


def params(character: int, line: int = 0) -> dict[str, object]:
    return {"textDocument": {"uri": URI}, "position": {"line": line, "character": character}}


async def choose(peer: Peer, character: int, line: int = 0) -> Any:
    return await peer.request(MENU, params(character, line))


def span(start: int, end: int) -> dict[str, object]:
    return {"start": {"line": 0, "character": start}, "end": {"line": 0, "character": end}}
