"""Inline completion: one climb at a time in each document, one answer for each request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from .server_peer import Peer, Refused, TcpServer, completion_params, inserted, result_of

URI = "untitled:a"
PROGRESS = {"window": {"workDoneProgress": True}}


@pytest.fixture
async def peer(server: TcpServer) -> AsyncIterator[Peer]:
    async with server.connect() as peer:
        await peer.initialize()
        yield peer


async def test_an_item_inserts_at_the_clients_own_position_and_reports_its_accept(peer: Peer) -> None:
    peer.open(URI, "x")
    result = await peer.complete(URI, 0, 1)
    (item,) = result["items"]
    at = {"line": 0, "character": 1}
    assert item["insertText"] == " + 1"
    assert item["range"] == {"start": at, "end": at}
    assert item["command"] == {"title": "Accepted", "command": "rung.accept", "arguments": ["climb-1", 0]}


async def test_who_asks_by_hand_gets_several_texts_each_once_and_none_empty(peer: Peer) -> None:
    peer.open(URI, "SEVERAL")
    assert inserted(await peer.complete(URI, 0, 7, kind=1)) == ["one", "two", "three"]
    assert inserted(await peer.complete(URI, 0, 7, kind=2)) == ["one"]
    tasks = (await peer.seen())["tasks"]
    assert [task[-1] for task in tasks] == ["invoked", "automatic"]


@pytest.mark.parametrize("word", ["EMPTY", "NONE", "NOTHING", "RAISE"])
async def test_where_there_is_nothing_to_show_the_answer_is_null(peer: Peer, word: str) -> None:
    peer.open(URI, word)
    assert await peer.complete(URI, 0, len(word)) is None


async def test_a_document_that_is_not_open_is_answered_with_null(peer: Peer) -> None:
    assert await peer.complete("file:///etc/passwd", 0, 0) is None


async def test_line_ends_of_an_answer_are_newlines(peer: Peer) -> None:
    peer.open(URI, "LINES")
    assert inserted(await peer.complete(URI, 0, 5)) == ["a\nb"]


async def test_a_cancelled_request_stops_its_climb_and_is_answered_with_request_cancelled(peer: Peer) -> None:
    peer.open(URI, "SLOW")
    message_id, answer = peer.begin("textDocument/inlineCompletion", completion_params(URI, 0, 4))
    await climbs(peer, 1)
    peer.notify("$/cancelRequest", {"id": message_id})
    with pytest.raises(Refused) as refused:
        result_of(await peer.wait(answer))
    assert refused.value.code == -32800
    assert (await peer.seen())["cancelled"] == 1


async def test_a_newer_request_in_the_document_is_answered_and_the_older_one_with_null(peer: Peer) -> None:
    peer.open(URI, "SLOW\nx")
    _, older = peer.begin("textDocument/inlineCompletion", completion_params(URI, 0, 4))
    await climbs(peer, 1)
    assert inserted(await peer.complete(URI, 1, 1)) == [" + 1"]
    assert result_of(await peer.wait(older)) is None
    assert (await peer.seen())["cancelled"] == 1


async def test_a_request_in_another_document_goes_on(peer: Peer) -> None:
    peer.open(URI, "SLOW")
    peer.open("untitled:b", "x")
    message_id, slow = peer.begin("textDocument/inlineCompletion", completion_params(URI, 0, 4))
    await climbs(peer, 1)
    assert inserted(await peer.complete("untitled:b", 0, 1)) == [" + 1"]
    assert not slow.done()
    assert (await peer.seen())["cancelled"] == 0
    peer.notify("$/cancelRequest", {"id": message_id})
    await peer.wait(slow)


@pytest.mark.parametrize("event", ["didChange", "didClose"])
async def test_a_request_is_answered_with_null_when_the_document_moved_on(peer: Peer, event: str) -> None:
    peer.open(URI, "SLOW")
    _, answer = peer.begin("textDocument/inlineCompletion", completion_params(URI, 0, 4))
    await climbs(peer, 1)
    if event == "didChange":
        peer.change(URI, 2, 0, 4, 4, "x")
    else:
        peer.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    assert result_of(await peer.wait(answer)) is None
    assert (await peer.seen())["cancelled"] == 1


async def test_a_burst_of_keystrokes_is_answered_once_each_and_climbs_little(peer: Peer) -> None:
    peer.open(URI, "")
    answers = []
    for number in range(50):
        peer.change(URI, number + 2, 0, number, number, "x")
        answers.append(peer.begin("textDocument/inlineCompletion", completion_params(URI, 0, number + 1))[1])
    results = [result_of(await peer.wait(answer)) for answer in answers]
    assert inserted(results[-1]) == [" + 1"]
    seen = await peer.seen()
    assert seen["tasks"][-1][0] == "x" * 50
    assert seen["climbs"] <= 50
    assert peer.surplus == []


async def test_shutdown_in_flight_answers_every_request(server: TcpServer) -> None:
    async with server.connect() as peer:
        await peer.initialize()
        for uri in (URI, "untitled:b"):
            peer.open(uri, "SLOW")
        answers = [
            peer.begin("textDocument/inlineCompletion", completion_params(uri, 0, 4))[1] for uri in (URI, "untitled:b")
        ]
        await climbs(peer, 2)
        assert await peer.request("shutdown") is None
        for answer in answers:
            assert (await peer.wait(answer))["error"]["code"] == -32800
        peer.notify("exit")
        await peer.hung_up()


async def test_the_entry_selected_in_the_list_of_completions_begins_the_answer(peer: Peer) -> None:
    peer.open(URI, "value = pri")
    span = {"start": {"line": 0, "character": 8}, "end": {"line": 0, "character": 11}}
    context = {"triggerKind": 2, "selectedCompletionInfo": {"range": span, "text": "print"}}
    (item,) = (await peer.complete(URI, 0, 11, context=context))["items"]
    assert item["insertText"] == "print + 1"
    assert item["range"] == span
    assert (await peer.seen())["tasks"][-1][0] == "value = print"


@pytest.mark.parametrize(("encoding", "column"), [("utf-8", 12), ("utf-16", 9), ("utf-32", 8)])
async def test_columns_are_in_the_negotiated_units(server: TcpServer, encoding: str, column: int) -> None:
    async with server.connect() as peer:
        result = await peer.initialize({"general": {"positionEncodings": [encoding]}})
        assert result["capabilities"]["positionEncoding"] == encoding
        peer.open(URI, "s = 'é😀' + rest")
        peer.change(URI, 2, 0, column - 1, column, "'; ")
        assert await peer.complete(URI, 0, column + 2)
        assert (await peer.seen())["tasks"][-1][:2] == ["s = 'é😀'; ", " + rest"]


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
async def test_a_completer_sees_newlines_and_no_byte_order_mark(peer: Peer, end: str) -> None:
    peer.open(URI, f"\ufeffa{end}b{end}c")
    await peer.complete(URI, 1, 1)
    assert (await peer.seen())["tasks"][-1][:2] == ["a\nb", "\nc"]


async def test_positions_outside_of_the_document_are_its_nearest_place(peer: Peer) -> None:
    peer.open(URI, "ab\ncd")
    await peer.complete(URI, 0, 2**31 - 1)
    await peer.complete(URI, 2**31 - 1, 0)
    assert [task[:2] for task in (await peer.seen())["tasks"]] == [["ab", "\ncd"], ["ab\ncd", ""]]


async def test_half_of_a_surrogate_pair_reaches_no_completer(peer: Peer) -> None:
    peer.open(URI, "a \ud83d b")
    await peer.complete(URI, 0, 5)
    assert (await peer.seen())["tasks"][-1][0] == "a \ufffd b"


async def test_a_change_that_cannot_be_read_silences_the_document_until_its_whole_text_comes(peer: Peer) -> None:
    peer.open(URI, "x")
    peer.change(URI, 2, 0, -1, 0, "lost")
    assert await peer.complete(URI, 0, 1) is None
    peer.change_with(URI, 3, {"text": "yy"})
    assert await peer.complete(URI, 0, 2)
    assert (await peer.seen())["tasks"][-1][0] == "yy"


async def test_only_64_kib_on_each_side_reach_the_completer_in_whole_lines(peer: Peer) -> None:
    line = "é" * 49 + "\n"  # 99 bytes
    peer.open(URI, line * 2000 + " SIZES \n" + line * 2000)
    before, after = inserted(await peer.complete(URI, 2000, 6))[0].split()
    assert 65536 * 7 // 8 <= int(before) - 6 <= 65536 - 6
    assert (int(before) - 6) % 99 == 0
    assert (int(after) - 2) % 99 == 0
    assert int(after) <= 65536


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///a%20b/%C3%A9.py", "/a b/é.py"),
        ("file://localhost/a.py", "/a.py"),
        ("untitled:Untitled-1", "None"),
        ("file:///c%3A/Users/x.py", "None"),
        ("file://server/share/x.py", "None"),
        ("file:///a%00b.py", "None"),
        ("vscode-notebook-cell:/a.ipynb#X", "None"),
        ("file://[", "None"),
        ("", "None"),
    ],
)
async def test_a_uri_names_a_file_of_this_machine_or_none(peer: Peer, uri: str, path: str) -> None:
    peer.open(uri, "x", language="python")
    assert await peer.complete(uri, 0, 1)
    assert (await peer.seen())["tasks"][-1][2:4] == [path, "python"]


async def test_a_uri_that_is_encoded_differently_is_the_same_document(peer: Peer) -> None:
    peer.open("file:///c%3A/x.py", "x")
    assert await peer.complete("file:///c:/x.py", 0, 1)


async def test_progress_shows_what_a_function_asked_for_by_hand_does(server: TcpServer) -> None:
    async with server.connect() as peer:
        await peer.initialize(PROGRESS)
        peer.answers["window/workDoneProgress/create"] = None
        peer.open(URI, "FUNCTION SLOW")
        _, answer = peer.begin("textDocument/inlineCompletion", completion_params(URI, 0, 13, kind=1))
        created = await peer.message("window/workDoneProgress/create")
        token = created["params"]["token"]
        await progressed(peer, token, "begin")
        await progressed(peer, token, "report")
        peer.notify("window/workDoneProgress/cancel", {"token": token})
        assert result_of(await peer.wait(answer)) is None
        await progressed(peer, token, "end")
        assert (await peer.seen())["cancelled"] == 1


async def test_progress_uses_the_token_that_the_client_gives(peer: Peer) -> None:
    peer.open(URI, "FUNCTION")
    assert await peer.complete(URI, 0, 8, kind=1, workDoneToken="mine")
    assert [m["params"]["value"]["kind"] for m in peer.received if m["method"] == "$/progress"] == ["begin", "end"]


async def test_a_client_that_never_creates_the_progress_delays_nothing(server: TcpServer) -> None:
    async with server.connect() as peer:
        await peer.initialize(PROGRESS)
        peer.open(URI, "FUNCTION")
        assert await peer.complete(URI, 0, 8, kind=1)
        assert not [m for m in peer.received if m["method"] == "$/progress"]


async def test_a_notice_is_told_once(peer: Peer) -> None:
    peer.open(URI, "TELL")
    for _ in range(2):
        await peer.complete(URI, 0, 4)
    await peer.command("rung.status")
    shown = [m["params"] for m in peer.received if m["method"] == "window/showMessage"]
    assert shown == [{"type": 2, "message": "The worker crashed once."}]


async def test_explain_gives_json_with_markdown_on_a_completion_or_the_last_one(peer: Peer) -> None:
    assert await peer.command("rung.explain") == {"markdown": "Nothing was completed yet."}
    peer.open(URI, "x")
    await peer.complete(URI, 0, 1)
    assert await peer.command("rung.explain") == {"markdown": "# the last", "id": None}
    assert await peer.command("rung.explain", "climb-1") == {"markdown": "# climb-1", "id": "climb-1"}
    assert (await peer.message("window/showMessage", message="# climb-1"))["params"]["type"] == 3
    forgotten = {"markdown": "This completion is not remembered any more."}
    assert await peer.command("rung.explain", "other") == forgotten


async def climbs(peer: Peer, number: int) -> None:
    """Wait until so many have begun."""
    while True:
        projects: list[dict[str, Any]] = (await peer.command("rung.status"))["projects"]
        if projects and projects[0]["climbs"] >= number:
            return


async def progressed(peer: Peer, token: str, kind: str) -> None:
    while True:
        news = [m["params"] for m in peer.received if m["method"] == "$/progress"]
        if any(params["token"] == token and params["value"]["kind"] == kind for params in news):
            return
        await peer.command("rung.status")  # whatever was sent before its answer has come then
