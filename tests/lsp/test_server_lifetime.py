"""However a session ends, no process of a completer survives it; and stdout is the protocol's alone."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rung.lsp.server.address import AddressRefused, parse_address

from .server_peer import FAKE, LIMIT_S, Peer, completion_params, inserted, is_running, isolated, listening, serving

URI = "untitled:a"


@pytest.mark.parametrize("how", ["shutdown", "end of input", "SIGTERM", "SIGINT"])
async def test_the_worker_is_gone_when_the_server_is(tmp_path: Path, how: str) -> None:
    async with serving(tmp_path) as peer:
        worker = await begun(peer)
        assert peer.process is not None
        if how == "shutdown":
            assert await peer.stop() == 0
        elif how == "end of input":
            peer.close_input()
            assert await peer.exit_status() == 1
        else:
            peer.process.send_signal(signal.Signals[how])
            assert await peer.exit_status() == 0
        assert not is_running(worker)


async def test_exit_without_shutdown_ends_with_status_1(tmp_path: Path) -> None:
    async with serving(tmp_path) as peer:
        await peer.initialize()
        peer.notify("exit")
        assert await peer.exit_status() == 1


async def test_the_server_ends_when_the_editors_process_does(tmp_path: Path) -> None:
    editor = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE)
    async with serving(tmp_path) as peer:
        await peer.initialize(processId=editor.pid)
        peer.open(URI, "x")
        await peer.complete(URI, 0, 1)
        worker = (await peer.seen())["worker"]
        editor.terminate()
        await editor.wait()
        assert await peer.exit_status() == 1
        assert not is_running(worker)


async def test_what_a_library_prints_does_not_reach_the_editor(tmp_path: Path) -> None:
    async with serving(tmp_path) as peer:
        await peer.initialize()
        peer.open(URI, "PRINT")
        assert inserted(await peer.complete(URI, 0, 5)) == [" + 1"]
        assert await peer.stop() == 0
    log = (tmp_path / "stderr.txt").read_text()
    assert "a library prints" in log
    assert "so does one written in C" in log


def test_a_client_that_does_not_read_stalls_nothing(tmp_path: Path) -> None:
    """The pipe to the client is full; what it sends and the end of its input are taken all the same."""
    pipe = subprocess.PIPE
    with (
        (tmp_path / "stderr.txt").open("ab") as log,
        subprocess.Popen(FAKE, stdin=pipe, stdout=pipe, stderr=log, env=isolated(tmp_path)) as process,
    ):
        assert process.stdin is not None
        for number in range(20_000):
            body = b'{"jsonrpc":"2.0","id":%d,"method":"x"}' % number
            process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        process.stdin.close()
        assert process.wait(LIMIT_S) == 1


async def test_tcp_connections_are_sessions_of_their_own_and_end_with_their_workers(tmp_path: Path) -> None:
    with listening(tmp_path) as server:
        async with server.connect() as one, server.connect() as two:
            workers = [await begun(one), await begun(two)]
            assert workers[0] != workers[1]
            _, slow = two.begin("textDocument/inlineCompletion", completion_params(URI, 1, 4))
            one.notify("exit")
            await one.hung_up()
            assert not is_running(workers[0])
            assert is_running(workers[1])
            server.process.terminate()
            assert (await two.wait(slow))["error"]["code"] == -32800
            await two.hung_up()
        assert server.process.wait(LIMIT_S) == 0
        assert not is_running(workers[1])


@pytest.mark.parametrize(
    "address", ["0.0.0.0:1", "example.com:80", "[::]:1", "127.0.0.1", "127.0.0.1:99999", "x:y", ""]
)
def test_only_addresses_of_this_machine_are_served(address: str) -> None:
    with pytest.raises(AddressRefused):
        parse_address(address)


@pytest.mark.parametrize(
    ("address", "parsed"),
    [
        ("127.0.0.1:80", ("127.0.0.1", 80)),
        ("[::1]:80", ("::1", 80)),
        ("localhost:0", ("localhost", 0)),
        ("8765", ("127.0.0.1", 8765)),
        (":8765", ("127.0.0.1", 8765)),
    ],
)
def test_an_address_is_host_and_port(address: str, parsed: tuple[str, int]) -> None:
    assert parse_address(address) == parsed


def test_a_port_that_is_taken_is_told_in_a_sentence(tmp_path: Path) -> None:
    with listening(tmp_path) as server:
        argv = [*FAKE, f"127.0.0.1:{server.port}"]
        ended = subprocess.run(argv, env=isolated(tmp_path), capture_output=True, text=True, timeout=LIMIT_S)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "choose another port" in ended.stderr


async def begun(peer: Peer) -> int:
    """Initialized, with a document whose second line is slow: the worker's process."""
    await peer.initialize()
    peer.open(URI, "x\nSLOW")
    await peer.complete(URI, 0, 1)
    worker = (await peer.seen())["worker"]
    assert isinstance(worker, int)
    return worker
