"""A real server process with the real small model, and a large rung that misbehaves."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ..lsp.server_peer import Peer, completion_params, inserted, result_of, serving
from ..models import http_server
from ..models.http_server import Connection
from .test_server_e2e_real import FUNCTION, SERVE, SOURCE

pytestmark = pytest.mark.real

LINE_S = 3.0
LIMIT_S = 30.0
PLACE = (5, 20)  # the end of SOURCE


async def fails(connection: Connection) -> None:
    await connection.refuse("out of memory", 500)


async def is_busy(connection: Connection) -> None:
    await connection.refuse("slow down", 429)


async def speaks_no_http(connection: Connection) -> None:
    await connection.send(b"\x00\xff SSH-2.0-OpenSSH\r\n\r\n" * 100)


async def streams_garbage(connection: Connection) -> None:
    await connection.stream('{"choices": "none"}')


async def breaks_off(connection: Connection) -> None:
    await connection.stream(http_server.piece("rea"))


async def stays_silent(connection: Connection) -> None:
    await connection.gone()


async def falls_silent(connection: Connection) -> None:
    await connection.stream(http_server.piece("rea"))
    await connection.gone()


async def writes_the_body(connection: Connection) -> None:
    await connection.text("\n    return a", " + b\n")


async def is_well(connection: Connection) -> None:
    await connection.text("read", "lines()")


@pytest.mark.parametrize(
    ("large", "reason"),
    [
        (fails, "failed (500), see its log: out of memory"),
        (is_busy, "got too many requests (429)"),
        (speaks_no_http, "does not speak HTTP"),
        (streams_garbage, "answered no completion"),
        (breaks_off, "broke off in the middle of its answer"),
        (stays_silent, "the time for this completion was up"),
        (falls_silent, "the time for this completion was up"),
    ],
)
async def test_a_large_rung_that_misbehaves_leaves_the_small_answer_within_the_deadline(
    tmp_path: Path, smollm2: Path, large: http_server.Answer, reason: str
) -> None:
    async with http_server.serving(large) as server, session(tmp_path, smollm2, server.url) as (peer, uri):
        (text,) = inserted(await peer.complete(uri, *PLACE))
        assert server.bodies
        await the_small_rung_answered(peer, text, reason)


async def test_a_large_rung_that_is_not_running_leaves_the_small_answer(tmp_path: Path, smollm2: Path) -> None:
    with socket.socket() as unused:  # bound and not listening: nobody else can get this port
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        async with session(tmp_path, smollm2, url) as (peer, uri):
            (text,) = inserted(await peer.complete(uri, *PLACE))
            await the_small_rung_answered(peer, text, "cannot be reached; start it or check the URL")


async def test_below_theta_the_large_rungs_text_is_shown(tmp_path: Path, smollm2: Path) -> None:
    async with http_server.serving(is_well) as server, session(tmp_path, smollm2, server.url) as (peer, uri):
        assert inserted(await peer.complete(uri, *PLACE)) == ["readlines()"]
        (body,) = server.bodies
        assert body["prompt"].endswith("return file.")
        explained = await peer.command("rung.explain")
        assert explained["answer"] == {"rung": "large", "text": "readlines()"}
        assert [step["decision"] for step in explained["steps"]] == ["below_theta", "adopted_unchecked"]
        assert explained["steps"][0]["score"] < explained["steps"][0]["theta"]
        assert explained["usd"] > 0


async def test_a_request_given_up_while_the_large_rung_works_is_answered_once_and_the_server_is_let_go(
    tmp_path: Path, smollm2: Path
) -> None:
    asked, let_go = asyncio.Event(), asyncio.Event()

    async def waits(connection: Connection) -> None:
        asked.set()
        await connection.gone()
        let_go.set()

    async with http_server.serving(waits) as server, session(tmp_path, smollm2, server.url) as (peer, uri):
        message_id, answer = peer.begin("textDocument/inlineCompletion", completion_params(uri, *PLACE))
        await asyncio.wait_for(asked.wait(), LIMIT_S)
        peer.notify("$/cancelRequest", {"id": message_id})
        assert (await peer.wait(answer))["error"]["code"] == -32800
        await asyncio.wait_for(let_go.wait(), LIMIT_S)
        assert peer.surplus == []


async def test_a_worker_killed_in_mid_request_is_told_once_and_restarts(tmp_path: Path, smollm2: Path) -> None:
    async with (
        http_server.serving(writes_the_body, is_well) as server,
        session(tmp_path, smollm2, server.url, line_s=20, small="k: 3\n    l: 4") as (peer, uri),
    ):
        first = await worker_of(peer)
        assert first is not None
        function = (tmp_path / "project" / "f.py").as_uri()
        peer.open(function, FUNCTION)
        peer.answers["window/workDoneProgress/create"] = None
        _, answer = peer.begin("textDocument/inlineCompletion", completion_params(function, 2, 0, kind=1))
        await until(peer, lambda: any("small" in said and "tokens" in said for said in progress_of(peer)))
        os.kill(first, signal.SIGKILL)
        (body,) = inserted(result_of(await peer.wait(answer)))
        assert body == "    return a + b"
        explained = await peer.command("rung.explain")
        assert explained["steps"][0]["decision"] == "failed"
        assert "SIGKILL" in explained["steps"][0]["reason"]

        assert inserted(await peer.complete(uri, *PLACE))
        explained = await peer.command("rung.explain")
        assert explained["steps"][0]["decision"] == "below_theta"
        assert await worker_of(peer) not in (None, first)
        (told,) = messages_of(peer)
        assert told == "The local model small was ended by SIGKILL. It restarts with the next request."
        assert peer.surplus == []


async def the_small_rung_answered(peer: Peer, text: str, reason: str) -> None:
    explained = await peer.command("rung.explain")
    small, large = explained["steps"]
    assert explained["answer"] == {"rung": "small", "text": text}
    assert (small["decision"], small["text"]) == ("below_theta", text)
    assert large["decision"] in ("failed", "deadline")
    assert reason in large["reason"]
    assert reason in explained["markdown"]
    assert explained["seconds"] < LINE_S + 1
    assert peer.surplus == []


@asynccontextmanager
async def session(
    folder: Path, checkpoint: Path, url: str, *, line_s: float = LINE_S, small: str = "k: -1"
) -> AsyncIterator[tuple[Peer, str]]:
    """An open document at whose end a line is to be completed, and a worker that is loaded. theta: 1: all climbs."""
    (folder / "config.yaml").write_text(
        f"theta: 1\ndeadline: {{line: {line_s:g}}}\n"
        f"ladder:\n  - name: small\n    checkpoint: {checkpoint}\n    context: 512\n    {small}\n"
        f"  - name: large\n    url: {url}\n    model: coder\n    price: {{input: 1, output: 2}}\n"
    )
    project = folder / "project"
    project.mkdir()
    (project / "pyproject.toml").touch()
    uri = (project / "a.py").as_uri()
    async with serving(folder, SERVE) as peer:
        window = {"workDoneProgress": True, "showDocument": {"support": True}}
        await peer.initialize({"window": window, "textDocument": {"inlineCompletion": {}}})
        peer.open(uri, SOURCE)
        assert await peer.complete(uri, 5, 10) is None  # within a word: the project is opened, no model is asked
        async with asyncio.timeout(LIMIT_S):
            while await worker_of(peer) is None:
                pass
        yield peer, uri
        assert await peer.stop() == 0


async def until(peer: Peer, condition: Callable[[], bool]) -> None:
    """Each question to the server lets what it sent before arrive."""
    async with asyncio.timeout(LIMIT_S):
        while not condition():
            await peer.command("rung.status")


async def worker_of(peer: Peer) -> int | None:
    (project,) = (await peer.command("rung.status"))["projects"]
    worker: int | None = project["ladder"][0]["worker"]
    return worker


def progress_of(peer: Peer) -> list[str]:
    values: list[dict[str, Any]] = [m["params"]["value"] for m in peer.received if m["method"] == "$/progress"]
    return [value.get("message", "") for value in values]


def messages_of(peer: Peer) -> list[str]:
    return [m["params"]["message"] for m in peer.received if m["method"] == "window/showMessage"]
