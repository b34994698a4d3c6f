"""Every request is answered exactly once, whatever is sent."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .server_peer import Peer, Refused, TcpServer, completion_params, inserted, result_of, serving

URI = "untitled:a"


@pytest.fixture
async def peer(server: TcpServer) -> AsyncIterator[Peer]:
    async with server.connect() as peer:
        await peer.initialize()
        yield peer


async def test_the_answer_to_initialize_announces_what_rung_does(server: TcpServer) -> None:
    async with server.connect() as peer:
        result = await peer.initialize({"general": {"positionEncodings": ["utf-8", "utf-16"]}})
        capabilities = result["capabilities"]
        assert result["serverInfo"]["name"] == "rung"
        assert result["serverInfo"]["version"]
        assert capabilities["inlineCompletionProvider"] == {"workDoneProgress": True}
        assert capabilities["positionEncoding"] == "utf-8"
        assert capabilities["textDocumentSync"]["change"] == 2
        assert capabilities["textDocumentSync"]["openClose"] is True
        assert sorted(capabilities["executeCommandProvider"]["commands"]) == [
            "rung.accept",
            "rung.explain",
            "rung.pause",
            "rung.status",
        ]


async def test_requests_outside_of_the_session_are_refused(tmp_path: Path) -> None:
    async with serving(tmp_path) as peer:
        peer.open(URI, "before initialize")
        with pytest.raises(Refused) as early:
            await peer.complete(URI, 0, 0)
        assert early.value.code == -32002
        await peer.initialize()
        assert await peer.complete(URI, 0, 0) is None
        with pytest.raises(Refused) as twice:
            await peer.initialize()
        assert twice.value.code == -32600
        await peer.request("shutdown")
        with pytest.raises(Refused) as late:
            await peer.complete(URI, 0, 0)
        assert late.value.code == -32600
        peer.notify("exit")
        assert await peer.exit_status() == 0


@pytest.mark.parametrize(
    "params",
    [
        None,
        [],
        [1],
        "text",
        {},
        completion_params(URI, -1, 0),
        completion_params(URI, 0, 1 << 40),
        completion_params(URI, 0, 0, kind=77),
        {**completion_params(URI, 0, 0), "position": None},
        {**completion_params(URI, 0, 0), "textDocument": {"url": URI}},
        {**completion_params(URI, 0, 0), "context": {"triggerKind": "x" * 1000}},
        {"a": [[[[[[[[[[[[[]]]]]]]]]]]]]},
    ],
)
async def test_params_that_do_not_fit_are_answered_with_invalid_params(peer: Peer, params: object) -> None:
    with pytest.raises(Refused) as refused:
        result_of(await peer.wait(peer.expect(99, message(99, params))))
    assert refused.value.code == -32602


async def test_messages_that_are_none_are_answered_and_the_session_goes_on(peer: Peer) -> None:
    bodies = [b"{", b"[]", b"7", b"\xff\xfe", b'{"jsonrpc":"2.0","id":{},"method":"x"}', b"[" * 100_000, b"1" * 10_000]
    bodies += [
        b'{"id":null,"method":"x"}',
        b'{"jsonrpc":"2.0","id":true,"method":"x"}',
        b'{"jsonrpc":"2.0","method":3}',
    ]
    for body in bodies:
        peer.send_bytes(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
    await peer.complete(URI, 0, 0)
    assert [answer["id"] for answer in peer.surplus] == [None] * len(bodies)
    assert {answer["error"]["code"] for answer in peer.surplus} == {-32700, -32600}


async def test_unknown_methods_and_answers_to_nothing_are_harmless(peer: Peer) -> None:
    for method in ("no/such", "textDocument/hover", "$/no", ""):
        with pytest.raises(Refused) as refused:
            await peer.request(method, {})
        assert refused.value.code == -32601
    peer.notify("no/such", {})
    peer.notify("$/cancelRequest", {"id": "never"})
    peer.notify("$/cancelRequest", {"id": [1]})
    peer.notify("window/workDoneProgress/cancel", {"token": "never"})
    peer.send({"jsonrpc": "2.0", "id": "never", "result": 1})
    peer.send({"jsonrpc": "2.0", "id": None, "error": {"code": 1, "message": "x"}})
    assert await peer.command("rung.status")


async def test_two_open_requests_with_one_id_get_one_answer_each(peer: Peer) -> None:
    peer.open(URI, "SLOW")
    first = peer.expect(5, message(5, completion_params(URI, 0, 4)))
    peer.send(message(5, completion_params(URI, 0, 4)))
    assert (await peer.wait(first))["error"]["code"] == -32600
    peer.notify("$/cancelRequest", {"id": 5})
    assert (await peer.unasked())["error"]["code"] == -32800


async def test_an_answer_with_the_id_of_an_open_request_does_not_touch_it(peer: Peer) -> None:
    peer.open(URI, "x")
    request = message(6, completion_params(URI, 0, 1))
    future = peer.expect(6, request)
    peer.send({"jsonrpc": "2.0", "id": 6, "result": "forged"})
    assert inserted(result_of(await peer.wait(future))) == [" + 1"]


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"Content-Length: -5\r\n\r\n",
        b"Content-Length: 0\r\n\r\n",
        b"Content-Length: 99999999999999999999\r\n\r\n",
        b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"Content-Length: 2\r\nX: y\r\n\r\n{}",
        b"Content-Type: a\r\n\r\n",
        b"Content-Length: 2\r\nContent-Type: a; charset=latin-1\r\n\r\n{}",
        b"Content-Length: 2" + b" " * 100_000,
        b"\r\n\r\n",
    ],
)
async def test_broken_framing_ends_the_session_with_an_answer(peer: Peer, data: bytes) -> None:
    peer.send_bytes(data)
    answer = await peer.unasked()
    assert answer["id"] is None
    assert answer["error"]["code"] == -32700
    await peer.hung_up()


async def test_a_header_flood_ends_the_session(peer: Peer) -> None:
    peer.send_bytes((b"Content-Type: " + b"x" * 100 + b"\r\n") * 50)
    assert (await peer.unasked())["error"]["code"] == -32700
    await peer.hung_up()


async def test_a_request_in_single_bytes_is_understood(peer: Peer) -> None:
    body = json.dumps(message(7, completion_params(URI, 0, 0))).encode()
    future = peer.expect(8, message(8, completion_params(URI, 0, 0)))
    for byte in b"content-length:%d\r\ncontent-type: x; charset=UTF-8\r\n\r\n%b" % (len(body), body):
        peer.send_bytes(bytes([byte]))
    await peer.wait(future)
    assert (await peer.unasked())["id"] == 7


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("rung.accept", []),
        ("rung.accept", [7]),
        ("rung.accept", ["x", -1]),
        ("rung.accept", ["x", True]),
        ("rung.accept", ["x", 0, 0]),
        ("rung.explain", [{}]),
        ("rung.status", [1]),
        ("rung.other", []),
    ],
)
async def test_commands_with_wrong_arguments_are_refused(peer: Peer, command: str, arguments: list[object]) -> None:
    with pytest.raises(Refused) as refused:
        await peer.command(command, *arguments)
    assert refused.value.code == -32602


async def test_the_log_holds_no_source_text(peer: Peer, server: TcpServer) -> None:
    secret = "hunter2_is_the_password"
    peer.open(URI, f"{secret} RAISE")
    assert await peer.complete(URI, 0, len(secret) + 6) is None
    peer.notify("textDocument/didOpen", {"textDocument": {"uri": URI, "text": secret, "version": secret}})
    peer.notify("textDocument/didChange", {"textDocument": {"uri": URI, "version": 2}, "contentChanges": secret})
    with pytest.raises(Refused):
        await peer.request(secret, {"text": secret})
    with pytest.raises(Refused):
        await peer.request("textDocument/inlineCompletion", {"text": secret})
    await peer.request("shutdown")
    text = "".join(server.log)
    assert "ZeroDivisionError" in text
    assert secret not in text


def message(message_id: int, params: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": message_id, "method": "textDocument/inlineCompletion", "params": params}
