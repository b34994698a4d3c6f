"""A real editor's session with the real small model in a real process."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ..lsp.server_peer import Peer, completion_params, inserted, is_running, isolated, result_of, serving

pytestmark = pytest.mark.real

SERVE = [sys.executable, "-c", "from rung.lsp.cli import main; main()", "serve"]
SOURCE = "import os\n\n\ndef read(path):\n    with open(path) as file:\n        return file."
FUNCTION = 'def add(a, b):\n    """Return the sum of a and b."""\n'


@pytest.fixture
def folder(tmp_path: Path, smollm2: Path) -> Path:
    """theta: 0: the small model's answer is always shown. context: 512, for busy machines."""
    (tmp_path / "config.yaml").write_text(
        "theta: 0\ndeadline: {line: 20}\n"
        f"ladder:\n  - name: small\n    checkpoint: {smollm2}\n    context: 512\n    k: 0\n"
    )
    (tmp_path / "project").mkdir()
    return tmp_path


@asynccontextmanager
async def session(folder: Path, *encodings: str) -> AsyncIterator[Peer]:
    async with serving(folder, SERVE) as peer:
        window = {"workDoneProgress": True}
        await peer.initialize({"general": {"positionEncodings": encodings or ["utf-16"]}, "window": window})
        peer.answers["window/workDoneProgress/create"] = None
        yield peer
        worker = await worker_of(peer)
        assert await peer.stop() == 0
        assert worker is None or not is_running(worker)


async def test_a_line_is_completed_explained_and_its_accept_recorded(folder: Path) -> None:
    uri = (folder / "project" / "a.py").as_uri()
    async with session(folder) as peer:
        peer.open(uri, SOURCE)
        result = await peer.complete(uri, 5, 20)
        (text,) = inserted(result)
        assert text.strip()
        assert "\n" not in text.strip("\n")
        peer.change(uri, 2, 5, 20, 20, text)
        command = result["items"][0]["command"]
        await peer.command(command["command"], *command["arguments"])
        explained = await peer.command("rung.explain", command["arguments"][0])
        assert explained["id"] == command["arguments"][0]
        assert explained["answer"] == {"rung": "small", "text": text}
        assert "**small** answered" in explained["markdown"]


async def test_a_function_asked_for_by_hand_shows_progress_and_a_body(folder: Path) -> None:
    uri = (folder / "project" / "a.py").as_uri()
    async with session(folder) as peer:
        peer.open(uri, FUNCTION)
        result = await peer.complete(uri, 2, 0, kind=1)
        assert result is not None
        assert "return" in inserted(result)[0]


async def test_a_request_cancelled_in_flight_is_answered_at_once_and_the_model_goes_on(folder: Path) -> None:
    uri = (folder / "project" / "a.py").as_uri()
    async with session(folder) as peer:
        peer.open(uri, FUNCTION)
        peer.open("untitled:warm", SOURCE)
        await peer.complete("untitled:warm", 5, 20)
        message_id, answer = peer.begin("textDocument/inlineCompletion", completion_params(uri, 2, 0, kind=1))
        await peer.message("window/workDoneProgress/create")
        began = time.monotonic()
        peer.notify("$/cancelRequest", {"id": message_id})
        refused = await peer.wait(answer)
        assert time.monotonic() - began < 0.5
        assert refused["error"]["code"] == -32800
        assert await peer.complete("untitled:warm", 5, 20)


async def test_a_burst_of_keystrokes_is_answered_once_each(folder: Path) -> None:
    uri = (folder / "project" / "a.py").as_uri()
    typed = "for name in os.listdir(os.environ['HOME']): print("
    async with session(folder) as peer:
        peer.open(uri, "import os\n")
        answers = []
        for number, character in enumerate(typed):
            peer.change(uri, number + 2, 1, number, number, character)
            answers.append(peer.begin("textDocument/inlineCompletion", completion_params(uri, 1, number + 1))[1])
        results = [result_of(await peer.wait(answer)) for answer in answers]
        assert len(results) == 50
        assert inserted(results[-1])
        assert peer.surplus == []


@pytest.mark.parametrize(("encoding", "column"), [("utf-8", 22), ("utf-16", 17), ("utf-32", 16)])
async def test_non_ascii_text_is_completed_in_every_encoding(folder: Path, encoding: str, column: int) -> None:
    uri = (folder / "project" / "é 😀.py").as_uri()
    async with session(folder, encoding) as peer:
        peer.open(uri, "print('é😀'); for i in range(")
        peer.change(uri, 2, 0, column - 2, column, "or")
        assert await peer.complete(uri, 0, column + 12)


async def test_ten_megabytes_stall_nothing(folder: Path) -> None:
    uri = (folder / "project" / "big.py").as_uri()
    async with session(folder) as peer:
        peer.open(uri, "value = compute(argument)  # é\n" * 330_000)
        await peer.command("rung.status")
        times = []
        for number in range(20):
            peer.change(uri, number + 2, 165_000, 8 + number, 8 + number, "x")
            began = time.monotonic()
            with pytest.raises(Exception, match="method"):
                await peer.request("no/such")
            times.append(time.monotonic() - began)
        assert sorted(times)[10] < 0.02
        peer.change(uri, 99, 165_000, 0, 300, "print(")
        assert await peer.complete(uri, 165_000, 6)


async def test_files_outside_of_any_project_and_two_documents_at_once(folder: Path) -> None:
    async with session(folder) as peer:
        uris = ["file:///nowhere/a.py", "untitled:Untitled-1"]
        for uri in uris:
            peer.open(uri, SOURCE)
        answers = [peer.begin("textDocument/inlineCompletion", completion_params(uri, 5, 20))[1] for uri in uris]
        for answer in answers:
            assert inserted(result_of(await peer.wait(answer)))


async def test_malformed_messages_in_between_harm_nothing(folder: Path) -> None:
    async with session(folder) as peer:
        peer.open("untitled:a", SOURCE)
        _, answer = peer.begin("textDocument/inlineCompletion", completion_params("untitled:a", 5, 20))
        for body in (b"{", b"[]", b'{"jsonrpc":"2.0","id":77,"method":"textDocument/inlineCompletion"}'):
            peer.send_bytes(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        assert inserted(result_of(await peer.wait(answer)))
        assert len(peer.surplus) == 3


async def test_shutdown_in_flight_answers_and_leaves_no_process(folder: Path) -> None:
    async with serving(folder, SERVE) as peer:
        await peer.initialize()
        peer.open("untitled:a", FUNCTION)
        peer.open("untitled:b", SOURCE)
        await peer.complete("untitled:b", 5, 20)
        worker = await worker_of(peer)
        assert worker is not None
        _, answer = peer.begin("textDocument/inlineCompletion", completion_params("untitled:a", 2, 0, kind=1))
        assert await peer.stop() == 0
        assert "result" in await peer.wait(answer) or (await peer.wait(answer))["error"]["code"] == -32800
        assert not is_running(worker)


def test_an_address_of_another_machine_is_refused_in_a_sentence(folder: Path) -> None:
    ended = subprocess.run([*SERVE, "--tcp", "0.0.0.0:0"], capture_output=True, text=True, env=isolated(folder))
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert "SSH tunnel" in ended.stderr


async def worker_of(peer: Peer) -> int | None:
    projects: list[dict[str, Any]] = (await peer.command("rung.status"))["projects"]
    return next((rung["worker"] for project in projects for rung in project["ladder"]), None)
